//! The program as it finds its machine: cores that it was given, devices, and a place to keep what it derived.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

/// The program in a folder of its own, told nothing by this machine's batch system.
fn ocs(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("ocs").unwrap();
    set_up(&mut command, folder);
    command
}

fn set_up(command: &mut Command, folder: &Path) {
    command.current_dir(folder).env("XDG_CACHE_HOME", folder.join("cache"));
    for name in ["OCS_DATA", "OCS_CACHE", "SLURM_CPUS_PER_TASK", "CUDA_VISIBLE_DEVICES"] {
        command.env_remove(name);
    }
}

fn json(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What the program says on stderr while it does what `rest` asks.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    text
}

const TINY: &str = "training: {steps: 20, observations: 5}\nseeds: [0]\n";

fn record(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("runs/tiny/default/0.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn slurm_says_how_many_cores_there_are_and_doctor_log_and_record_say_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tiny.yaml"), TINY).unwrap();
    let alone = || {
        let mut command = ocs(folder.path());
        command.env("SLURM_CPUS_PER_TASK", "1");
        command
    };
    let doctor = json(alone().args(["doctor", "--json"]));
    assert_eq!(doctor["cores"], 1);
    assert_eq!(doctor["cores_origin"], "SLURM_CPUS_PER_TASK");
    let text = said(alone().args(["train", "tiny.yaml", "--device", "cpu"]));
    assert!(text.contains("jobs=1 cores=1 (SLURM_CPUS_PER_TASK)"), "{text}");
    let cores = &record(folder.path())["cores"];
    assert_eq!(*cores, serde_json::json!({"count": 1, "origin": "SLURM_CPUS_PER_TASK"}));
    // What was asked for by hand is not what is the default.
    let text =
        said(alone().args(["train", "tiny.yaml", "--device", "cpu", "--overwrite", "--jobs", "3"]));
    assert!(text.contains("jobs=3"), "{text}");
    let text = said(ocs(folder.path()).env("SLURM_CPUS_PER_TASK", "2(x3)").args(["doctor"]));
    assert!(text.contains("SLURM_CPUS_PER_TASK is '2(x3)'"), "{text}");
}

#[test]
fn the_whole_machine_is_no_news_to_a_record_and_a_mask_is() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tiny.yaml"), TINY).unwrap();
    let doctor = json(ocs(folder.path()).args(["doctor", "--json"]));
    said(ocs(folder.path()).args(["train", "tiny.yaml", "--device", "cpu"]));
    let is_whole = doctor["cores_origin"] == "whole machine";
    assert_eq!(record(folder.path()).get("cores").is_none(), is_whole, "{doctor}");
    let mut masked = Command::new("taskset");
    masked.args(["-c", "0"]).arg(assert_cmd::cargo::cargo_bin("ocs")).args(["doctor", "--json"]);
    set_up(&mut masked, folder.path());
    let found = json(&mut masked);
    assert_eq!(found["cores"], 1);
    // On a machine of one core the mask takes nothing away.
    if doctor["cores"] != 1 {
        assert_eq!(found["cores_origin"], "affinity mask");
    }
}
