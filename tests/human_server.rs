//! The server for a laboratory: takes whole sessions of its task, and nothing else, whatever it is sent.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ocs::human::Server;
use serde_json::{Value, json};

const HASH: &str = "0123456789ab";
const TOKEN: &str = "0123456789abcdefXYZ";

/// A task of which the server reads the hash alone, with a file that nobody is to see beside it.
fn study(folder: &Path) {
    let study = folder.join("study");
    std::fs::create_dir_all(study.join("stimuli")).unwrap();
    let experiment =
        format!("window.OCS_EXPERIMENT = {};\n", json!({"hash": HASH, "save": "server"}));
    std::fs::write(study.join("experiment.js"), experiment).unwrap();
    std::fs::write(study.join("index.html"), "<p>page</p>").unwrap();
    std::fs::write(study.join("stimuli/1.svg"), "<svg/>").unwrap();
    std::fs::write(study.join(".hidden.html"), "secret").unwrap();
    std::fs::write(folder.join("mine.html"), "secret").unwrap();
}

/// A server that runs until it is dropped.
struct Running {
    address: SocketAddr,
    end: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    fn of(folder: &Path, token: Option<&str>) -> Running {
        study(folder);
        let place = (IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let token = token.map(str::to_owned);
        let server =
            Server::open(&folder.join("study"), &folder.join("data"), place, token).unwrap();
        let link = server.link();
        let address = link.strip_prefix("http://").unwrap().split('/').next().unwrap();
        let address = address.parse().unwrap();
        let end = Arc::new(AtomicBool::new(false));
        let flag = end.clone();
        let thread = std::thread::spawn(move || server.run(&flag).unwrap());
        Running { address, end, thread: Some(thread) }
    }

    /// The status and text of an answer to bytes.
    fn tell(&self, bytes: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // A server that refuses early closes before all was sent.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let text = answer.split_once("\r\n\r\n").map_or("", |(_, text)| text).to_owned();
        (status, text)
    }

    fn get(&self, path: &str) -> (u16, String) {
        self.tell(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
    }

    fn post(&self, body: &[u8], more: &str) -> (u16, String) {
        let head = format!(
            "POST /sessions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{more}\r\n",
            body.len()
        );
        self.tell(&[head.as_bytes(), body].concat())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn session(participant: &str, day: u64, trials: usize) -> Vec<u8> {
    let row = |trial: usize| json!({"participant": participant, "day": day, "config_hash": HASH, "trial": trial});
    serde_json::to_vec(&(0..trials).map(row).collect::<Vec<Value>>()).unwrap()
}

/// `ocs` in a folder: its status, what it printed and what it said.
fn ocs(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ocs"));
    let output = command
        .args(arguments)
        .current_dir(folder)
        .env_remove("OCS_TOKEN")
        .env("PATH", "")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Names and contents of all that was kept.
fn kept(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder.join("data")).unwrap().map(Result::unwrap);
    let read = |entry: std::fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, std::fs::read(entry.path()).unwrap())
    };
    entries.map(read).collect()
}

#[test]
fn fifty_participants_at_once_are_all_kept_whole() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::of(folder.path(), None);
    let answers: Vec<(u16, String)> = std::thread::scope(|scope| {
        let send = |number: usize| {
            let server = &server;
            move || server.post(&session(&format!("p{number}"), 1, 200 + number), "")
        };
        let threads: Vec<_> = (0..50).map(|number| scope.spawn(send(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    let kept = kept(folder.path());
    assert_eq!(kept.len(), 50);
    for number in 0..50 {
        assert_eq!(
            kept[&format!("p{number}-day-1.json")],
            session(&format!("p{number}"), 1, 200 + number)
        );
    }
    // Sixty a minute from one address, those that were refused for what they are among them.
    for _ in 0..10 {
        assert_eq!(server.post(b"no", "").0, 400);
    }
    let (status, text) = server.post(&session("late", 1, 1), "");
    assert_eq!((status, text.contains("again later")), (429, true), "{text}");
}

#[test]
fn nothing_is_replaced_and_what_is_sent_twice_is_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::of(folder.path(), None);
    let (first, other) = (session("a", 2, 3), session("a", 2, 4));
    for body in [&first, &first, &other, &other, &first] {
        assert_eq!(server.post(body, "").0, 200);
    }
    let names: Vec<String> = kept(folder.path()).into_keys().collect();
    assert_eq!(names, ["a-day-2.json", "a-day-2repeat2.json"]);
    assert_eq!(kept(folder.path())["a-day-2.json"], first);
    assert_eq!(kept(folder.path())["a-day-2repeat2.json"], other);
}

#[test]
fn what_is_no_session_of_the_task_is_refused_with_the_reason_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::of(folder.path(), None);
    let row = json!({"participant": "a", "day": 1, "config_hash": HASH});
    let with = |key: &str, value: Value| {
        let mut row = row.clone();
        row[key] = value;
        serde_json::to_vec(&json!([row])).unwrap()
    };
    let half = session("a", 1, 5);
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "no JSON"),
        (b"\xff\xfe".to_vec(), "no JSON"),
        (half[..half.len() / 2].to_vec(), "no JSON"),
        (deep, "no JSON"),
        (b"{}".to_vec(), "list of rows"),
        (b"[]".to_vec(), "has rows"),
        (b"[1]".to_vec(), "name their participant"),
        (with("participant", json!("")), "1 to 64"),
        (with("participant", json!("../../x")), "1 to 64"),
        (with("participant", json!("a/b")), "1 to 64"),
        (with("participant", json!("\u{0}")), "1 to 64"),
        (with("participant", json!("x".repeat(65))), "1 to 64"),
        (with("participant", json!(7)), "name their participant"),
        (with("day", json!(-1)), "name their day"),
        (with("day", json!("1/../..")), "name their day"),
        (with("config_hash", json!("other")), "another task"),
        (with("config_hash", Value::Null), "another task"),
        (
            serde_json::to_vec(&json!([row, {"participant": "b", "day": 1, "config_hash": HASH}]))
                .unwrap(),
            "same participant",
        ),
    ];
    for (body, words) in cases {
        let (status, text) = server.post(&body, "");
        let shown = String::from_utf8_lossy(&body[..body.len().min(100)]).into_owned();
        assert_eq!(status, 400, "{shown}: {text}");
        assert!(text.contains(words), "{shown}: {text}");
    }
    // Too long, said and found to be.
    let long = [b"[\"".to_vec(), vec![b'x'; 5 << 20], b"\"]".to_vec()].concat();
    assert_eq!(server.post(&long, "").0, 413);
    let chunks = long
        .chunks(1 << 20)
        .flat_map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    let head = b"POST /sessions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = server.tell(&[&head[..], &chunks.collect::<Vec<u8>>(), b"0\r\n\r\n"].concat());
    assert!([0, 413].contains(&answer.0), "{answer:?}");
    // As a form of another page would send it.
    let (body, kind) = (session("a", 1, 1), "Content-Type: text/plain");
    let head = format!(
        "POST /sessions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    assert_eq!(server.tell(&[head.as_bytes(), &body].concat()).0, 415);
    // Cut off.
    server.tell(b"POST /sessions HTTP/1.1\r\nHost: x\r\nContent-Le");
    assert_eq!(kept(folder.path()), BTreeMap::new());
    assert_eq!(server.post(&session("a", 1, 1), "").0, 200);
}

#[test]
fn files_of_the_task_are_given_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::of(folder.path(), None);
    assert_eq!(server.post(&session("a", 1, 1), "").0, 200);
    assert_eq!(server.get("/"), (200, "<p>page</p>".to_owned()));
    assert_eq!(server.get("/index.html?participant=a&day=1").0, 200);
    assert_eq!(server.get("/stimuli/1.svg"), (200, "<svg/>".to_owned()));
    #[cfg(unix)]
    std::os::unix::fs::symlink(
        folder.path().join("mine.html"),
        folder.path().join("study/link.html"),
    )
    .unwrap();
    for path in [
        "/../mine.html",
        "/stimuli/../../mine.html",
        "/%2e%2e/mine.html",
        "//etc/passwd",
        "/etc/passwd",
        "/.hidden.html",
        "/stimuli/",
        "/stimuli",
        "/data/a-day-1.json",
        "/link.html",
        "/nothing.js",
        "/index.html/x",
        "/\\..\\mine.html",
    ] {
        let (status, text) = server.get(path);
        assert!(status == 404 || status == 400, "{path}: {status}");
        assert!(!text.contains("secret") && !text.contains("root:"), "{path}: {text}");
    }
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = server.tell(
            format!("{method} /index.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        );
        assert_eq!(answer.0, 405, "{method}");
    }
    assert_eq!(server.get("/sessions").0, 405);
}

#[test]
fn an_open_server_takes_sessions_with_its_token_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::of(folder.path(), Some(TOKEN));
    let body = session("a", 1, 1);
    for wrong in [
        "",
        "Authorization: Bearer x\r\n",
        "Authorization: 0123456789abcdefXYZ\r\n",
        "Authorization: Bearer 0123456789abcdefXYz\r\n",
    ] {
        assert_eq!(server.post(&body, wrong).0, 401, "{wrong}");
    }
    assert_eq!(kept(folder.path()), BTreeMap::new());
    assert_eq!(server.post(&body, &format!("Authorization: Bearer {TOKEN}\r\n")).0, 200);
}

#[test]
fn servers_that_could_not_be_trusted_do_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let open = |study: &str, data: &str, token: Option<&str>| {
        let place = (IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let opened = Server::open(&at.join(study), &at.join(data), place, token.map(str::to_owned));
        opened.err().map(|error| format!("{error:#}")).unwrap_or_default()
    };
    assert!(open("study", "data", None).contains("ocs human task"));
    study(at);
    assert!(open("study", "study/data", None).contains("everybody can read"));
    assert!(!at.join("study/data").exists());
    assert!(open("study", "data", Some("short")).contains("16 to 128"));
    assert!(open("study", "data", Some("0123456789abcdef\r\nX: y")).contains("16 to 128"));
    assert_eq!(open("study", "data", Some(TOKEN)), "");
    std::fs::write(
        at.join("study/experiment.js"),
        "window.OCS_EXPERIMENT = {\"save\": \"download\"};",
    )
    .unwrap();
    assert!(open("study", "data", None).contains("human.page.save=server"));
    std::fs::write(at.join("study/experiment.js"), "window.OCS").unwrap();
    assert!(open("study", "data", None).contains("damaged"));
    let (code, _, said) =
        ocs(at, &["human", "serve", "study", "--data", "data", "--bind", "0.0.0.0"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--token"), "{said}");
}

#[test]
fn a_task_that_cannot_bring_its_programs_says_where_to_put_them() {
    let folder = tempfile::tempdir().unwrap();
    let task = ["human", "task", "ocs_linear", "--out", "study", "--data-dir", "kept"];
    let (code, _, said) = ocs(folder.path(), &task);
    assert_eq!(code, Some(1), "{said}");
    for part in [
        "jspsych-8.3.0/jspsych.js",
        "dist/index.browser.min.js",
        "jspsych@8.3.0",
        "npm is not on PATH",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!folder.path().join("study").exists());
    // A file that is not the published one is none.
    std::fs::write(folder.path().join("kept/jspsych-8.3.0/jspsych.js"), "alert(1)").unwrap();
    assert_eq!(ocs(folder.path(), &task).0, Some(1));
}

#[test]
fn sessions_that_were_kept_are_read_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.yaml"), "task: {branching: [2]}").unwrap();
    let server = Running::of(folder.path(), None);
    // Wrong in the first block of four trials, right in the second; one trial was missed.
    let row = |trial: usize| {
        let item = trial % 2;
        let marked = if trial < 4 { 1 - item } else { item };
        let responses = if trial == 7 { Value::Null } else { json!([1 - marked, marked]) };
        json!({"participant": "a", "day": 1, "config_hash": HASH, "trial_type": "mark-labels", "block": 1, "trial": trial + 1,
            "item": item, "responses": responses, "targets": [1 - item, item], "missed": trial == 7, "reaction_time": 812})
    };
    let other = json!({"participant": "a", "day": 1, "config_hash": HASH, "trial_type": "session", "places": [1, 0]});
    let rows: Vec<Value> = std::iter::once(other).chain((0..8).map(row)).collect();
    assert_eq!(server.post(&serde_json::to_vec(&rows).unwrap(), "").0, 200);
    let import =
        ["human", "import", "data/a-day-1.json", "--config", "mine.yaml", "--out", "people"];
    let (code, _, said) = ocs(folder.path(), &import);
    assert_eq!(code, Some(0), "{said}");
    let analyse = ["human", "analyse", "people", "--config", "mine.yaml", "--block", "4", "--json"];
    let (code, printed, said) = ocs(folder.path(), &analyse);
    assert_eq!(code, Some(0), "{said}");
    let analysis: Value = serde_json::from_str(&printed).unwrap();
    let blocks = &analysis["participants"][0]["blocks"];
    assert_eq!(blocks[0]["true_positive_rate"], json!([0.0]), "{blocks}");
    assert_eq!(blocks[1]["true_positive_rate"], json!([1.0]), "{blocks}");
}
