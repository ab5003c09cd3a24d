//! A small server for a laboratory: gives a task's files, takes sessions.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;

use crate::file;

/// A longer session is none: a day of 2,000 trials has 1 MB.
const MOST_BYTES: usize = 4 << 20;
/// Sessions that one address may send within `WINDOW`.
const MOST_SESSIONS: usize = 60;
const WINDOW: Duration = Duration::from_secs(60);
/// Until when a session must have come.
const PATIENCE: Duration = Duration::from_secs(60);
/// Rows of one participant's one day.
const MOST_ROWS: usize = 100_000;

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    desk: Arc<Desk>,
}

/// What requests are answered from.
struct Desk {
    folder: PathBuf,
    data: PathBuf,
    /// Of the task.
    hash: String,
    token: Option<String>,
    /// When each address sent sessions.
    sent: Mutex<HashMap<IpAddr, Vec<Instant>>>,
    /// Held while a file's name is chosen.
    naming: Mutex<()>,
}

/// A status and what is said with it.
type Answer = (StatusCode, String);

impl Server {
    /// Listens at an address for participants of the task in `folder`, whose sessions go to `data`.
    ///
    /// # Errors
    ///
    /// If there is no task there, `data` cannot be written or lies within it, the token is short, or the port is taken.
    pub fn open(
        folder: &Path,
        data: &Path,
        (address, port): (IpAddr, u16),
        token: Option<String>,
    ) -> Result<Server> {
        let hash = hash_of(folder)?;
        if let Some(token) = &token {
            let is_plain = token.chars().all(|c| c.is_ascii_alphanumeric());
            ensure!(
                is_plain && (16..=128).contains(&token.len()),
                "--token must be 16 to 128 letters and digits"
            );
        }
        let folder = folder.canonicalize()?;
        let outside = |data: &Path| {
            ensure!(
                !data.starts_with(&folder),
                "--data {} lies within the folder that everybody can read: name another",
                data.display()
            );
            Ok(())
        };
        outside(&std::path::absolute(data)?)?;
        std::fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
        file::try_folder(data).with_context(|| format!("cannot write to {}", data.display()))?;
        let data = data.canonicalize()?;
        outside(&data)?;
        let listener = TcpListener::bind(SocketAddr::new(address, port)).with_context(|| {
            format!("cannot listen at {address}, port {port}; --port names another")
        })?;
        listener.set_nonblocking(true)?;
        let (sent, naming) = (Mutex::default(), Mutex::default());
        let desk = Arc::new(Desk { folder, data, hash, token, sent, naming });
        Ok(Server { listener, desk })
    }

    /// Where the page is.
    pub fn link(&self) -> String {
        let address = self.listener.local_addr();
        let address = address.map_or_else(|_| String::new(), |address| address.to_string());
        let token = if self.desk.token.is_some() { "&token=TOKEN" } else { "" };
        format!("http://{address}/?participant=ID&day=1{token}")
    }

    /// Answers until `interrupted` is set.
    ///
    /// # Errors
    ///
    /// If the system gives no more connections.
    pub fn run(self, interrupted: &AtomicBool) -> Result<()> {
        const LOOK: Duration = Duration::from_millis(200);
        let routes = Router::new()
            .route("/sessions", post(session))
            .fallback(page_file)
            .with_state(self.desk)
            .into_make_service_with_connect_info::<SocketAddr>();
        let end = async {
            while !interrupted.load(Ordering::Relaxed) {
                tokio::time::sleep(LOOK).await;
            }
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            // Connections that browsers keep open do not hold it up.
            tokio::select! {
                served = axum::serve(listener, routes) => served.map_err(anyhow::Error::from),
                () = end => Ok(()),
            }
        })
    }
}

/// A file of the task.
async fn page_file(State(desk): State<Arc<Desk>>, method: Method, uri: Uri) -> Response {
    if ![Method::GET, Method::HEAD].contains(&method) {
        let words = "files are asked for by GET, sessions sent by POST to sessions";
        return (StatusCode::METHOD_NOT_ALLOWED, words).into_response();
    }
    let path = uri.path().to_owned();
    let found = tokio::task::spawn_blocking(move || desk.file(&path)).await.ok().flatten();
    let Some((bytes, kind)) = found else {
        return (StatusCode::NOT_FOUND, "there is no such file").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, bytes).into_response()
}

/// A session that is sent.
async fn session(
    State(desk): State<Arc<Desk>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    if let Err(refusal) = desk.admit(from.ip(), &headers) {
        return refusal;
    }
    let refuse = |status: StatusCode, why: &str| (status, why.to_owned());
    let Ok(read) = tokio::time::timeout(PATIENCE, to_bytes(body, MOST_BYTES)).await else {
        return refuse(StatusCode::REQUEST_TIMEOUT, "the session did not come to its end");
    };
    // Which of the two, the error does not tell.
    let Ok(bytes) = read else {
        return refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "a session has at most 4 MB, and comes whole",
        );
    };
    let kept = tokio::task::spawn_blocking(move || desk.take(&bytes)).await;
    kept.unwrap_or_else(|_| {
        refuse(StatusCode::INTERNAL_SERVER_ERROR, "the server failed; try again")
    })
}

impl Desk {
    /// A file of the task, never of elsewhere, and its type.
    fn file(&self, asked: &str) -> Option<(Vec<u8>, &'static str)> {
        let asked = asked.strip_prefix('/')?;
        let relative = Path::new(if asked.is_empty() { "index.html" } else { asked });
        let is_plain = relative.components().all(|part| match part {
            Component::Normal(name) => !name.to_string_lossy().starts_with('.'),
            _ => false,
        });
        let kind = match relative.extension()?.to_str()? {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "txt" => "text/plain; charset=utf-8",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            "jpg" | "jpeg" => "image/jpeg",
            "webp" => "image/webp",
            "gif" => "image/gif",
            _ => return None,
        };
        // A link may lead elsewhere.
        let path = self.folder.join(relative).canonicalize().ok()?;
        let is_within = is_plain && path.starts_with(&self.folder);
        is_within.then(|| std::fs::read(path).ok())?.map(|bytes| (bytes, kind))
    }

    /// Whether an address may send a session now.
    fn admit(&self, from: IpAddr, headers: &HeaderMap) -> std::result::Result<(), Answer> {
        if let Some(token) = &self.token {
            let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            let expected = format!("Bearer {token}");
            if !given.is_some_and(|given| is_equal(given, &expected)) {
                return Err((
                    StatusCode::UNAUTHORIZED,
                    "the link lacks the right token".to_owned(),
                ));
            }
        }
        // A page of elsewhere cannot send this without asking first.
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("application/json")) {
            let words = "a session is sent as application/json";
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, words.to_owned()));
        }
        if !self.may_send(from) {
            let words = "too many sessions within a minute: try again later";
            return Err((StatusCode::TOO_MANY_REQUESTS, words.to_owned()));
        }
        Ok(())
    }

    /// Keeps a session.
    fn take(&self, body: &[u8]) -> Answer {
        let name = match self.name_of(body) {
            Ok(name) => name,
            Err(why) => return (StatusCode::BAD_REQUEST, why),
        };
        match self.keep(&name, body) {
            Ok(file) => {
                tracing::info!(file, "session kept");
                (StatusCode::OK, "kept".to_owned())
            }
            Err(error) => {
                tracing::error!("a session of {name} could not be written: {error}");
                let words =
                    "the session could not be written; tell the experimenter, and try again";
                (StatusCode::INSUFFICIENT_STORAGE, words.to_owned())
            }
        }
    }

    /// What a session's file is called; why it is none.
    fn name_of(&self, body: &[u8]) -> std::result::Result<String, String> {
        let rows: Value =
            serde_json::from_slice(body).map_err(|error| format!("no JSON: {error}"))?;
        let rows = rows.as_array().ok_or("a session is a list of rows")?;
        let first = rows.first().ok_or("a session has rows")?;
        if rows.len() > MOST_ROWS {
            return Err(format!("a session has at most {MOST_ROWS} rows"));
        }
        let participant = first["participant"].as_str().ok_or("rows name their participant")?;
        let day = first["day"].as_u64().ok_or("rows name their day")?;
        let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if participant.is_empty() || participant.len() > 64 || !participant.chars().all(is_safe) {
            return Err("a participant is 1 to 64 letters, digits, _ or -".to_owned());
        }
        for key in ["participant", "day", "config_hash"] {
            if rows.iter().any(|row| row[key] != first[key]) {
                return Err(format!("all rows of a session have the same {key}"));
            }
        }
        if first["config_hash"] != *self.hash {
            return Err("the session is of another task".to_owned());
        }
        Ok(format!("{participant}-day-{day}"))
    }

    /// The name of the file that now holds these bytes: one that did already, or a new one.
    fn keep(&self, name: &str, bytes: &[u8]) -> std::io::Result<String> {
        let _naming = self.naming.lock().unwrap_or_else(PoisonError::into_inner);
        for copy in 1.. {
            // A letter comes after the point in every order of names: sessions are read as they were sent.
            let name =
                if copy == 1 { format!("{name}.json") } else { format!("{name}repeat{copy}.json") };
            let path = self.data.join(&name);
            match file::create(&path, bytes) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    // Sent twice, since the answer to the first was lost.
                    if std::fs::read(&path).is_ok_and(|there| there == bytes) {
                        return Ok(name);
                    }
                }
                Err(error) => return Err(error),
                Ok(()) => return Ok(name),
            }
        }
        Err(std::io::ErrorKind::AlreadyExists.into())
    }

    fn may_send(&self, from: IpAddr) -> bool {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        sent.retain(|_, times| {
            times.retain(|time| now.duration_since(*time) < WINDOW);
            !times.is_empty()
        });
        let times = sent.entry(from).or_default();
        let may = times.len() < MOST_SESSIONS;
        if may {
            times.push(now);
        }
        may
    }
}

/// Whether texts are equal, in a time that does not tell where they differ.
fn is_equal(one: &str, other: &str) -> bool {
    let differ = one.bytes().zip(other.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b));
    one.len() == other.len() && differ == 0
}

/// The hash that a task's sessions carry.
fn hash_of(folder: &Path) -> Result<String> {
    let path = folder.join("experiment.js");
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!("{} holds no task: write one by ocs human task", folder.display())
    })?;
    let json = text
        .trim()
        .strip_prefix("window.OCS_EXPERIMENT = ")
        .and_then(|text| text.strip_suffix(';'));
    let experiment: Value = json
        .and_then(|json| serde_json::from_str(json).ok())
        .with_context(|| format!("{} is damaged: write the task again", path.display()))?;
    ensure!(
        experiment["save"] == "server",
        "the task in {} saves its data by {}: write it with --set human.page.save=server",
        folder.display(),
        experiment["save"]
    );
    let hash =
        experiment["hash"].as_str().with_context(|| format!("{} has no hash", path.display()))?;
    Ok(hash.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::human::resample::random;
    use rand::Rng;

    fn desk(folder: &Path) -> Desk {
        let (sent, naming) = (Mutex::default(), Mutex::default());
        let data = folder.to_owned();
        Desk { folder: folder.to_owned(), data, hash: "h".to_owned(), token: None, sent, naming }
    }

    /// Bytes of a session, changed at random: flipped, cut, doubled, or with other words in them.
    fn mutated(random: &mut impl Rng) -> Vec<u8> {
        const WORDS: [&str; 8] =
            ["..", "/", "\"", "null", "\\u0000", "[", "99999999999999999999", "é"];
        let row = r#"{"participant":"ab","day":1,"config_hash":"h","trial":1}"#;
        let mut bytes = format!("[{row},{row}]").into_bytes();
        for _ in 0..random.random_range(0..4) {
            let at = random.random_range(0..bytes.len());
            match random.random_range(0..4) {
                0 => bytes[at] = random.random(),
                1 => bytes.truncate(at.max(1)),
                2 => bytes.extend_from_within(at..),
                _ => drop(bytes.splice(at..at, WORDS[random.random_range(0..WORDS.len())].bytes())),
            }
        }
        bytes
    }

    #[test]
    fn of_twenty_thousand_sessions_changed_at_random_sound_ones_alone_are_kept_under_plain_names() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        let mut random = random(0, 1);
        let (mut kept, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let body = mutated(&mut random);
            match desk.name_of(&body) {
                Ok(name) => {
                    kept += 1;
                    let (participant, day) = name.rsplit_once("-day-").unwrap();
                    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                    assert!(
                        (1..=64).contains(&participant.len()) && participant.chars().all(is_plain),
                        "{name}"
                    );
                    day.parse::<u64>().unwrap();
                    let rows: Vec<Value> = serde_json::from_slice(&body).unwrap();
                    assert!(
                        rows.iter()
                            .all(|row| row["config_hash"] == "h"
                                && row["participant"] == participant)
                    );
                }
                Err(why) => {
                    refused += 1;
                    assert!(!why.is_empty());
                }
            }
        }
        assert!(kept > 4_000 && refused > 4_000, "{kept} kept, {refused} refused");
        // What a file's name is asked with by a path.
        for path in [
            "/..",
            "/../x.js",
            "/a/../../x.js",
            "//x.js",
            "/%2e%2e/x.js",
            "/.x.js",
            "x.js",
            "",
            "/\0.js",
        ] {
            assert!(desk.file(path).is_none(), "{path}");
        }
    }
}
