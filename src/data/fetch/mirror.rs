//! Downloads over HTTP(S) that fail fast and can be resumed.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::Result;

use super::progress::Show;

/// Downloads `url` to `target` unless it is there; an unfinished download stays as `NAME.part` and is gone on with.
///
/// # Errors
///
/// If the host does not answer within seconds, answers with an error status, or breaks off repeatedly; or if `interrupted`
/// is set.
#[cfg(feature = "download")]
pub fn download(url: &str, target: &Path, interrupted: &AtomicBool, show: Show) -> Result<()> {
    http::download(url, target, interrupted, show)
}

/// Says that this program cannot download.
#[cfg(not(feature = "download"))]
pub fn download(_: &str, _: &Path, _: &AtomicBool, _: Show) -> Result<()> {
    anyhow::bail!("this program was built without the feature 'download'")
}

/// Removes what was downloaded in full, which is used by now or useless, and folders that are empty then.
pub fn tidy(downloads: &Path) {
    // Best effort: what stays is found again, and checked, by the next call.
    for entry in std::fs::read_dir(downloads).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "part") {
            std::fs::remove_file(path).ok();
        }
    }
    std::fs::remove_dir(downloads).ok();
    downloads.parent().map(|parent| std::fs::remove_dir(parent).ok());
}

#[cfg(feature = "download")]
mod http {
    use std::fs::{File, OpenOptions};
    use std::io::{Read, Write};
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use anyhow::{Context, Result, bail, ensure};
    use ureq::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, HeaderName, RANGE};
    use ureq::{Agent, Body, http::Response};

    use crate::data::fetch::progress::{Progress, Show};

    /// Shows progress, and says whether to go on.
    type Watched<'a> = &'a mut dyn FnMut(Progress) -> bool;

    /// How often a download that breaks off is taken up again, as long as each time brings something.
    const RESUMPTIONS: usize = 4;

    pub fn download(url: &str, target: &Path, interrupted: &AtomicBool, show: Show) -> Result<()> {
        if target.is_file() {
            return Ok(());
        }
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut part = target.as_os_str().to_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let agent = agent();
        let mut resumptions = 0;
        loop {
            let before = length(&part);
            let mut watched = |progress: Progress| {
                show(progress);
                !interrupted.load(Ordering::Relaxed)
            };
            match transfer(&agent, url, &part, &mut watched) {
                Ok(()) => break,
                Err(error) if interrupted.load(Ordering::Relaxed) => return Err(error),
                Err(_) if length(&part) > before && resumptions < RESUMPTIONS => resumptions += 1,
                Err(error) => {
                    return Err(error.context(format!("cannot download {}", name_of(&part))));
                }
            }
        }
        std::fs::rename(&part, target)?;
        Ok(())
    }

    fn agent() -> Agent {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        Agent::config_builder()
            .timeout_resolve(seconds(5))
            .timeout_connect(seconds(5))
            .timeout_recv_response(seconds(10))
            .timeout_per_read(seconds(30))
            .http_status_as_error(false)
            .accept_encoding("identity")
            .build()
            .into()
    }

    /// Name of the file that `part` is to become.
    fn name_of(part: &Path) -> String {
        part.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn length(path: &Path) -> u64 {
        path.metadata().map_or(0, |metadata| metadata.len())
    }

    /// Asks for what `part` lacks, and appends it.
    fn transfer(agent: &Agent, url: &str, part: &Path, show: Watched) -> Result<()> {
        let have = length(part);
        let mut request = agent.get(url);
        if have > 0 {
            request = request.header(RANGE, format!("bytes={have}-"));
        }
        let response = request.call()?;
        match response.status().as_u16() {
            200 => receive(response, File::create(part)?, 0, part, show),
            206 => {
                let range = header(&response, CONTENT_RANGE).unwrap_or_default();
                ensure!(
                    range.starts_with(&format!("bytes {have}-")),
                    "asked for bytes from {have} on, the server sent '{range}'"
                );
                receive(
                    response,
                    OpenOptions::new().create(true).append(true).open(part)?,
                    have,
                    part,
                    show,
                )
            }
            416 if header(&response, CONTENT_RANGE) == Some(format!("bytes */{have}")) => Ok(()),
            416 if have > 0 => {
                std::fs::remove_file(part)?;
                transfer(agent, url, part, show)
            }
            _ => bail!("the server answered {}", response.status()),
        }
    }

    fn header(response: &Response<Body>, name: HeaderName) -> Option<String> {
        response.headers().get(name)?.to_str().ok().map(str::to_string)
    }

    /// Appends a response's body to `file`, which has `done` bytes.
    fn receive(
        response: Response<Body>,
        mut file: File,
        mut done: u64,
        part: &Path,
        show: Watched,
    ) -> Result<()> {
        let length =
            header(&response, CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        let is_encoded = header(&response, CONTENT_ENCODING).is_some();
        let total = length.filter(|_| !is_encoded).and_then(|length| length.checked_add(done));
        let name = name_of(part);
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let n = body.read(&mut buffer).context("the connection broke off")?;
            if n == 0 {
                break;
            }
            file.write_all(&buffer[..n])?;
            done += n as u64;
            ensure!(show(Progress::Bytes { file: &name, done, total }), "interrupted");
        }
        file.sync_all()?;
        ensure!(
            total.is_none_or(|total| total == done),
            "the connection broke off after {done} of {} bytes",
            total.unwrap_or_default()
        );
        Ok(())
    }
}

#[cfg(all(test, feature = "download"))]
mod tests {
    use std::fs;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::path::PathBuf;
    use std::sync::atomic::AtomicBool;
    use std::thread::JoinHandle;

    use super::{download, tidy};
    use crate::data::fetch::progress::Progress;

    /// Nobody interrupts.
    static NEVER: AtomicBool = AtomicBool::new(false);

    /// A server that gives these answers, one a connection, and hands back the requests' `Range` lines.
    fn serve(answers: Vec<String>) -> (String, JoinHandle<Vec<Option<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/file.gz", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let answer = |answer: String| {
                let (mut connection, _) = listener.accept().unwrap();
                let lines = BufReader::new(connection.try_clone().unwrap()).lines();
                let request: Vec<String> =
                    lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                connection.write_all(answer.as_bytes()).unwrap();
                request.into_iter().find(|line| line.to_lowercase().starts_with("range:"))
            };
            answers.into_iter().map(answer).collect()
        });
        (url, server)
    }

    fn answer(status: &str, headers: &str, length: usize, body: &str) -> String {
        format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        )
    }

    fn target(folder: &tempfile::TempDir) -> PathBuf {
        folder.path().join("downloads/file.gz")
    }

    fn ranges(server: JoinHandle<Vec<Option<String>>>) -> Vec<Option<String>> {
        let lower = |line: Option<String>| line.map(|line| line.to_lowercase());
        server.join().unwrap().into_iter().map(lower).collect()
    }

    #[test]
    fn a_download_is_reported_and_gets_its_name_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (url, _server) = serve(vec![answer("200 OK", "", 6, "abcdef")]);
        let mut last = None;
        download(&url, &target(&folder), &NEVER, &mut |progress| {
            if let Progress::Bytes { file, done, total } = progress {
                last = Some((file.to_string(), done, total));
            }
        })
        .unwrap();
        assert_eq!(last, Some(("file.gz".to_string(), 6, Some(6))));
        assert_eq!(fs::read(target(&folder)).unwrap(), b"abcdef");
    }

    #[test]
    fn a_broken_download_is_resumed_where_it_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let rest = answer("206 Partial Content", "Content-Range: bytes 3-5/6\r\n", 3, "def");
        let (url, server) = serve(vec![answer("200 OK", "", 6, "abc"), rest]);
        download(&url, &target(&folder), &NEVER, &mut |_| {}).unwrap();
        assert_eq!(fs::read(target(&folder)).unwrap(), b"abcdef");
        assert_eq!(ranges(server), [None, Some("range: bytes=3-".to_string())]);
    }

    #[test]
    fn a_server_without_ranges_starts_again_from_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("downloads")).unwrap();
        fs::write(folder.path().join("downloads/file.gz.part"), "xyz").unwrap();
        let (url, _server) = serve(vec![answer("200 OK", "", 6, "abcdef")]);
        download(&url, &target(&folder), &NEVER, &mut |_| {}).unwrap();
        assert_eq!(fs::read(target(&folder)).unwrap(), b"abcdef");
    }

    #[test]
    fn a_partial_file_that_is_too_long_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("downloads")).unwrap();
        fs::write(folder.path().join("downloads/file.gz.part"), "too long a file").unwrap();
        let refusal = answer("416 Range Not Satisfiable", "Content-Range: bytes */6\r\n", 0, "");
        let (url, server) = serve(vec![refusal, answer("200 OK", "", 6, "abcdef")]);
        download(&url, &target(&folder), &NEVER, &mut |_| {}).unwrap();
        assert_eq!(fs::read(target(&folder)).unwrap(), b"abcdef");
        assert_eq!(ranges(server), [Some("range: bytes=15-".to_string()), None]);
    }

    #[test]
    fn an_interrupted_download_stops_and_keeps_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let (url, _server) = serve(vec![answer("200 OK", "", 6, "abc")]);
        let interrupted = AtomicBool::new(true);
        let error = download(&url, &target(&folder), &interrupted, &mut |_| {}).unwrap_err();
        assert!(format!("{error:#}").contains("interrupted"), "{error:#}");
        assert_eq!(fs::read(folder.path().join("downloads/file.gz.part")).unwrap(), b"abc");
    }

    #[test]
    fn an_error_status_is_named_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (url, _server) = serve(vec![answer("404 Not Found", "", 4, "gone")]);
        let error =
            format!("{:#}", download(&url, &target(&folder), &NEVER, &mut |_| {}).unwrap_err());
        assert!(error.contains("404 Not Found") && error.contains("file.gz"), "{error}");
        tidy(&folder.path().join("downloads"));
        assert!(!folder.path().join("downloads").exists());
    }

    #[test]
    fn tidying_keeps_what_can_be_resumed() {
        let folder = tempfile::tempdir().unwrap();
        let downloads = folder.path().join("downloads");
        fs::create_dir_all(&downloads).unwrap();
        fs::write(downloads.join("whole.gz"), "").unwrap();
        fs::write(downloads.join("broken.gz.part"), "").unwrap();
        tidy(&downloads);
        assert!(!downloads.join("whole.gz").exists());
        assert!(downloads.join("broken.gz.part").exists());
    }
}
