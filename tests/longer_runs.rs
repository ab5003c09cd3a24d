use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ocs::config::{self, Config, Override};
use ocs::record::{Record, RunFolder, Status, path_of, read_checked, read_json};
use ocs::sweep::{Event, Existing, Interrupted, Options, Refused, train_all};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::reproducible_runs::options;

const TEXT: &str = "name: test
network: {hidden: [4], bias: all, initialisation: {normal: {std: 0.05}}}
training: {steps: 60, learning_rate: 0.05, observations: 40}
seeds: [0, 1, 2]";

fn config(keys: &[&str]) -> Config {
    let overrides: Vec<Override> = keys.iter().map(|key| key.parse().unwrap()).collect();
    config::parse(TEXT, "test", &overrides).unwrap()
}

fn eager(folder: &Path) -> Options {
    Options { stack: Some(8), write_every: Duration::ZERO, ..options(folder) }
}

fn resumed(folder: &Path) -> Options {
    Options { existing: Existing::Resume, ..eager(folder) }
}

fn trained(config: &Config) -> TempDir {
    let folder = tempdir().unwrap();
    train_all(config, &eager(folder.path()), &|_| ()).unwrap();
    folder
}

fn interrupted(config: &Config, options: &Options, at: u64) {
    let stop = |event: Event| {
        if let Event::Observed { step, .. } = event {
            options.interrupted.store(step >= at, Ordering::Relaxed);
        }
    };
    assert!(train_all(config, options, &stop).unwrap_err().is::<Interrupted>());
}

fn refused(config: &Config, options: &Options) -> String {
    let error = train_all(config, options, &|_| ()).unwrap_err();
    assert!(error.is::<Refused>(), "{error:#}");
    error.to_string()
}

fn record(folder: &TempDir, seed: u64) -> Record {
    read_checked(&path_of(folder.path(), "default", seed)).unwrap()
}

/// Records without their wall times, byte by byte, and the bytes of tensors.
fn left(folder: &TempDir, config: &Config) -> Vec<(String, Vec<u8>)> {
    let of_seed = |&seed: &u64| {
        let path = path_of(folder.path(), "default", seed);
        let mut record: Value = read_json(&path).unwrap();
        record["wall_time"] = Value::Null;
        let checkpoint = path.with_extension("checkpoint").join("tensors.safetensors");
        let bytes = std::fs::read(checkpoint).unwrap();
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let head: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        let at = |key: &str| {
            let place = &head[key]["data_offsets"];
            let [from, to] =
                [0, 1].map(|index| 8 + length + place[index].as_u64().unwrap() as usize);
            bytes[from..to].to_vec()
        };
        let keys = head.as_object().unwrap().keys().filter(|key| key.starts_with("layer"));
        let tensors: Vec<u8> = keys.flat_map(|key| at(key)).collect();
        assert!(!tensors.is_empty());
        (record.to_string(), tensors)
    };
    config.seeds.iter().map(of_seed).collect()
}

const PHASES: &str = "phases=[{steps: 40}, {steps: 20, task.target_scale.mean: -1}]";
const LONGER_PHASES: &str = "phases=[{steps: 40}, {steps: 120, task.target_scale.mean: -1}]";

#[test]
fn an_extension_that_was_interrupted_ends_with_the_bytes_of_one_that_was_not() {
    let adam = "training.optimiser=adam";
    for (short, long) in [
        (&["training.steps=60"][..], &["training.steps=300"][..]),
        (&[adam, "training.steps=60"], &[adam, "training.steps=200"]),
        (&[PHASES], &[LONGER_PHASES]),
    ] {
        let (short, long) = (config(short), config(long));
        let (whole, broken) = (trained(&short), trained(&short));
        train_all(&long, &resumed(whole.path()), &|_| ()).unwrap();
        for at in [61, 80, 110] {
            interrupted(&long, &resumed(broken.path()), at);
        }
        train_all(&long, &resumed(broken.path()), &|_| ()).unwrap();
        assert_eq!(left(&broken, &long), left(&whole, &long));
        let record = record(&whole, 1);
        assert_eq!((&record.status, &record.extended_at), (&Status::Complete, &vec![60]));
        assert_eq!(record.config, Config { seeds: vec![1], ..long.clone() });
        // The weights are those of a run that was so long from the start.
        let tensors = |folder: &TempDir| left(folder, &long).into_iter().map(|(_, it)| it);
        assert!(tensors(&whole).eq(tensors(&trained(&long))));
    }
}

#[test]
fn the_last_phase_may_be_longer_and_its_ocs_phase_is_that_of_all_its_moments() {
    let whole = trained(&config(&[PHASES]));
    train_all(&config(&[LONGER_PHASES]), &resumed(whole.path()), &|_| ()).unwrap();
    let (extended, at_once) = (record(&whole, 0), record(&trained(&config(&[LONGER_PHASES])), 0));
    assert_eq!(extended.stretches[0], at_once.stretches[0]);
    assert_eq!(extended.stretches[1].first_step, 40);
    assert_eq!(extended.curves.step.last(), Some(&160));
    assert_eq!(extended.stretches[1].phase.onset, at_once.stretches[1].phase.onset);
    // Any other phase may not: what follows it was done already.
    let first = config(&["phases=[{steps: 50}, {steps: 120, task.target_scale.mean: -1}]"]);
    let words = refused(&first, &resumed(whole.path()));
    assert!(words.contains("its config is another: phases was"), "{words}");
    let all_alike = trained(&config(&["phases=[{}, {task.target_scale.mean: -1}]"]));
    let longer = config(&["phases=[{}, {task.target_scale.mean: -1}]", "training.steps=90"]);
    let words = refused(&longer, &resumed(all_alike.path()));
    assert!(words.contains("training.steps was 60, is 90"), "{words}");
}

#[test]
fn what_cannot_be_longer_or_is_to_be_shorter_says_why() {
    let kernel = [
        "network={kind: mlp, hidden: [4], initialisation: {kaiming: {gain: 0.5}}}",
        "kernel={samples: 8, times: 3}",
        "seeds=[0]",
    ];
    let config_of = |steps| config(&[&kernel[..], &[steps]].concat());
    let folder = trained(&config_of("training.steps=20"));
    let words = refused(&config_of("training.steps=30"), &resumed(folder.path()));
    assert!(words.contains("runs with a `kernel` cannot be given more steps"), "{words}");
    let folder = trained(&config(&[]));
    let words = refused(&config(&["training.steps=30"]), &resumed(folder.path()));
    assert!(
        words.contains("steps was 60, is 30 (a run may be given more steps, not fewer)"),
        "{words}"
    );
    // Also where the record is gone, and its checkpoint alone tells.
    let folder = trained(&config(&["seeds=[1]"]));
    std::fs::remove_file(path_of(folder.path(), "default", 1)).unwrap();
    let words = refused(&config(&["seeds=[1]", "training.steps=30"]), &resumed(folder.path()));
    assert!(words.contains("1.checkpoint") && words.contains("steps was 60, is 30"), "{words}");
}

#[test]
fn a_record_that_is_gone_is_no_reason_not_to_go_on_from_its_checkpoint() {
    let (whole, gone) = (trained(&config(&[])), trained(&config(&[])));
    std::fs::remove_file(path_of(gone.path(), "default", 1)).unwrap();
    let longer = config(&["training.steps=100"]);
    for folder in [&whole, &gone] {
        train_all(&longer, &resumed(folder.path()), &|_| ()).unwrap();
    }
    assert_eq!(left(&gone, &longer), left(&whole, &longer));
}

#[test]
fn a_run_that_diverged_is_drawn_beside_longer_ones_and_blocks_nothing() {
    // Of three runs in one stack one diverges, since it begins with larger weights.
    let keys = ["conditions={calm: {}, wild: {training.learning_rate: 1e3}}"];
    let longer = config(&[keys[0], "training.steps=100"]);
    let folder = trained(&config(&keys));
    let before = std::fs::read(path_of(folder.path(), "wild", 0)).unwrap();
    let told = train_all(&longer, &resumed(folder.path()), &|_| ()).unwrap();
    assert_eq!((told.complete, told.diverged.len()), (3, 3));
    assert_eq!(std::fs::read(path_of(folder.path(), "wild", 0)).unwrap(), before);
    // A further seed of the longer config, without --resume and with it.
    let more = |seed: &str| config(&[keys[0], "training.steps=100", seed]);
    train_all(&more("seeds=[3]"), &eager(folder.path()), &|_| ()).unwrap();
    train_all(&more("seeds=[2, 4]"), &resumed(folder.path()), &|_| ()).unwrap();
    let runs = RunFolder::read(folder.path()).unwrap();
    assert_eq!(runs.of("wild").len(), 5);
    // As it was not drawn before: a run that is merely shorter.
    let mut shorter: Record = read_json(&path_of(folder.path(), "wild", 1)).unwrap();
    shorter.status = Status::Complete;
    ocs::record::write_json(&path_of(folder.path(), "wild", 1), &shorter).unwrap();
    let error = format!("{:#}", RunFolder::read(folder.path()).unwrap_err());
    assert!(error.contains("come from different configs"), "{error}");
}
