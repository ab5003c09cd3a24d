//! Data of people.

mod contract;
mod crossings;
mod estimators;
mod exclusions;
mod files;
mod studies;

use std::path::PathBuf;

use ocs::config::{Config, parse};
use ocs::human::Taught;

/// A config of some YAML.
pub fn config(text: &str) -> Config {
    parse(text, "people", &[]).unwrap()
}

/// Two items and two labels, one level.
pub const PAIR: &str = "task: {branching: [2]}\n";

/// Columns of `PAIR`.
pub const MAP: &str = "participant: subject\nday: session\ntrial: trial_index\nitem: stimulus\nresponses: [left, right]\n";

pub fn taught(text: &str) -> Taught {
    Taught::of(&config(text)).unwrap()
}

/// A folder with files in it.
pub struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    pub fn new(files: &[(&str, &str)]) -> Scene {
        let scene = Scene { folder: tempfile::tempdir().unwrap() };
        for (name, text) in files {
            scene.write(name, text.as_bytes());
        }
        scene
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What `ocs human ..` says, run in the folder: exit status, stdout and stderr.
    pub fn human(&self, arguments: &str) -> (i32, String, String) {
        self.human_reading(arguments, b"")
    }

    /// The same with what it can read from stdin.
    pub fn human_reading(&self, arguments: &str, stdin: &[u8]) -> (i32, String, String) {
        let mut ocs = assert_cmd::Command::cargo_bin("ocs").unwrap();
        ocs.current_dir(self.folder.path()).arg("human");
        let ocs = ocs.args(shlex::split(arguments).unwrap()).write_stdin(stdin);
        let answer = ocs.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (answer.status.code().unwrap(), text(&answer.stdout), text(&answer.stderr))
    }

    /// The same, of a command that succeeds and answers in JSON.
    pub fn json(&self, arguments: &str) -> serde_json::Value {
        let (status, stdout, stderr) = self.human(arguments);
        assert_eq!(status, 0, "{arguments}: {stderr}");
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
    }
}
