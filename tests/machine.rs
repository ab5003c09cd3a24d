//! The program as it finds its machine: cores that it was given, devices, and a place to keep what it derived.

use std::path::Path;

use assert_cmd::Command;
use ocs::config::{self, Override};
use ocs::model::copies_from_host;
use ocs::sweep::train_all;
use ocs::task::Task;
use ocs::train::{Lesson, Member, Shared, Snapshot, Unwatched, determinism};
use serde_json::Value;

use crate::reproducible_runs::options;

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

/// Copies from the host that so many steps of two networks take, after `before` steps.
fn copies(keys: &[&str], before: u64, steps: u64) -> u64 {
    let overrides: Vec<Override> = keys.iter().map(|key| key.parse().unwrap()).collect();
    let config = config::parse("name: x", "x", &overrides).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let images = ocs::data::load(config.task.inputs, folder.path()).ok();
    let task = Task::new(&config.task, images.as_ref()).unwrap();
    let shared = Shared::default();
    let mut observers: [fn(Snapshot); 2] = [|_| (), |_| ()];
    let members: Vec<Member> = (0..)
        .zip(&mut observers)
        .map(|(seed, observer)| {
            let lessons = vec![Lesson::only(&config, &task, &shared)];
            Member { lessons, seed, resumed: None, ended: None, observer }
        })
        .collect();
    let mut run = Unwatched::new(&members, tch::Device::Cpu).unwrap();
    run.descend(before);
    let earlier = copies_from_host();
    run.descend(steps);
    copies_from_host() - earlier
}

#[test]
fn no_step_copies_from_the_host_but_the_one_that_draws_for_the_next_ones() {
    let batches =
        ["task.inputs=glyphs", "task.samples={train: 160, test: 80}", "training.batch_size=16"];
    for network in [
        &["network.kind=linear"][..],
        &["network.kind=linear", "training.optimiser=adam"],
        &["network.kind=mlp", "network.hidden=[8]", "network.activation=tanh"],
        &["network.kind=cnn", "network.hidden=[4]", "training.optimiser.sgd.momentum=0.9"],
        &[
            "network.kind=cnn",
            "network.hidden=[4]",
            "network.activation=leaky-relu",
            "network.pooling=average",
        ],
    ] {
        let keys = [&batches[..], network].concat();
        assert_eq!(copies(&keys, 1, 255), 0, "{keys:?}");
        assert_eq!(copies(&keys, 200, 100), 1, "{keys:?}");
    }
    for network in ["network.kind=linear", "network.kind=mlp"] {
        assert_eq!(copies(&[network], 1, 300), 0, "{network}");
    }
}

#[test]
fn runs_are_deterministic_unless_told_to_be_fast_and_records_say_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tiny.yaml"), TINY).unwrap();
    said(ocs(folder.path()).args(["train", "tiny.yaml", "--device", "cpu"]));
    let exact = record(folder.path());
    assert!(exact.get("algorithms").is_none());
    said(ocs(folder.path()).args([
        "train",
        "tiny.yaml",
        "--device",
        "cpu",
        "--fast",
        "--overwrite",
    ]));
    let fast = record(folder.path());
    assert_eq!(fast["algorithms"], "fast");
    // On a CPU it changes nothing.
    assert_eq!(exact["curves"], fast["curves"]);
    let config = config::parse(TINY, "tiny", &[]).unwrap();
    train_all(&config, &options(&folder.path().join("here")), &|_| ()).unwrap();
    let settings = determinism::settings().unwrap();
    assert!(settings.are_deterministic() && !settings.fills_new_memory, "{settings:?}");
}

#[test]
fn doctor_runs_a_product_on_each_device_and_says_what_hides_gpus() {
    let folder = tempfile::tempdir().unwrap();
    let hidden = || {
        let mut command = ocs(folder.path());
        command.env("CUDA_VISIBLE_DEVICES", "").env("CUBLAS_WORKSPACE_CONFIG", ":0:0");
        command
    };
    let doctor = json(hidden().args(["doctor", "--json"]));
    let devices = doctor["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 1, "{doctor}");
    assert_eq!((&devices[0]["device"], &devices[0]["problem"]), (&"cpu".into(), &Value::Null));
    assert!(doctor["cuda_visible"].as_str().unwrap().contains("hides every GPU"), "{doctor}");
    let output = hidden().arg("doctor").output().unwrap();
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in [
        "a small product is right",
        "is empty, which hides every GPU",
        "no: CUBLAS_WORKSPACE_CONFIG is ':0:0'",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    // The program asks for what a user left open.
    let doctor =
        json(ocs(folder.path()).env_remove("CUBLAS_WORKSPACE_CONFIG").args(["doctor", "--json"]));
    assert_eq!(doctor["cublas_workspace"], ":4096:8");
    let output = hidden().args(["train", "ocs_linear", "--device", "cuda"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("--device cuda:0: "), "{text}");
}

const IMAGES: &str = "
task: {inputs: glyphs, samples: {train: 160, test: 80}}
training: {batch_size: full, steps: 20, learning_rate: 0.05, observations: 5}
network: {initialisation: {normal: {std: 0.01}}}
seeds: [0]
";

/// What `ocs gram` prints of images and says on the way, with decompositions kept in `caches`.
fn gram(folder: &Path, caches: &Path) -> (String, String) {
    let mut command = ocs(folder);
    let output = command.args(["gram", "tiny.yaml", "--json"]).env("OCS_CACHE", caches).output();
    let output = output.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn nothing_is_diagonalised_twice_and_a_damaged_or_absent_cache_changes_no_number() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tiny.yaml"), IMAGES).unwrap();
    let caches = folder.path().join("caches");
    let (first, said) = gram(folder.path(), &caches);
    assert!(said.contains("diagonalising"), "{said}");
    let (again, said) = gram(folder.path(), &caches);
    assert!(again == first && !said.contains("diagonalising"), "{said}");
    let entry = std::fs::read_dir(caches.join("derived")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&entry).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&entry, bytes).unwrap();
    let (damaged, said) = gram(folder.path(), &caches);
    assert!(damaged == first && said.contains("is damaged"), "{said}");
    let (again, said) = gram(folder.path(), &caches);
    assert!(again == first && !said.contains("damaged"), "{said}");
    let (absent, said) = gram(folder.path(), Path::new("/proc/nowhere"));
    assert!(absent == first, "{said}");
    assert_eq!(said.matches("are not kept for later").count(), 1, "{said}");
}

#[test]
fn training_on_what_was_kept_is_training_on_what_was_found() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tiny.yaml"), IMAGES).unwrap();
    let caches = folder.path().join("caches");
    let train = |caches: &Path| {
        let mut command = ocs(folder.path());
        command.args(["train", "tiny.yaml", "--device", "cpu", "--overwrite"]);
        said(command.env("OCS_CACHE", caches));
        let text = std::fs::read_to_string(folder.path().join("runs/tiny/default/0.json"));
        let text = text.unwrap();
        let lines = text.lines().filter(|line| !line.contains("wall_time"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let without = train(Path::new("/proc/nowhere"));
    assert_eq!(train(&caches), without);
    let kept = std::fs::read_dir(caches.join("derived")).unwrap().flatten();
    assert!(
        kept.map(|entry| entry.file_name())
            .any(|name| name.to_string_lossy().starts_with("moments-"))
    );
    assert_eq!(train(&caches), without);
}
