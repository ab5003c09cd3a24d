use std::collections::BTreeMap;
use std::path::Path;

use ocs::config::{self, Config};
use ocs::record::{Record, path_of, read_checked};
use ocs::sweep::{At, Refused, Weights, bytes_on_disk, train_all};

use crate::checkpoints::{eager, interrupted, resumed, trained_on};

fn config(keys: &[&str]) -> Config {
    let text = "name: test
task: {inputs: glyphs, samples: {train: 48, test: 24}, branching: [2, 2], classes: [3, 1, 4, 5]}
network: {kind: mlp, hidden: [6]}
training: {steps: 30, batch_size: 16, learning_rate: 0.05, observations: 8}
record: {responses: each-sample}
seeds: [0, 1, 2]";
    let keys: Vec<config::Override> = keys.iter().map(|key| key.parse().unwrap()).collect();
    config::parse(text, "test", &keys).unwrap()
}

fn record(folder: &Path, seed: u64) -> Record {
    read_checked(&path_of(folder, "default", seed)).unwrap()
}

/// Every file that lies beside records, by name.
fn beside(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn below(folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = path.to_string_lossy().into_owned();
            if path.is_dir() {
                below(&path, found);
            } else if name.ends_with(".npz")
                || name.ends_with(".rows")
                || name.contains(".weights/")
            {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    below(&folder.join("default"), &mut found);
    let shorter = |(name, bytes): (String, Vec<u8>)| {
        (name.rsplit_once("default/").unwrap().1.to_owned(), bytes)
    };
    found.into_iter().map(shorter).collect()
}

/// Bytes of all files below a folder.
fn bytes_below(folder: &Path) -> f64 {
    let size = |entry: std::fs::DirEntry| match entry.path().is_dir() {
        true => bytes_below(&entry.path()),
        false => entry.metadata().unwrap().len() as f64,
    };
    std::fs::read_dir(folder).unwrap().map(|entry| size(entry.unwrap())).sum()
}

#[test]
fn what_runs_leave_on_the_disk_is_known_before_they_run() {
    for keys in [
        vec![],
        vec!["record.responses=null"],
        vec!["network.hidden=[600, 600]", "training.optimiser=adam"],
        vec!["training.checkpoints=log", "network.hidden=[200]", "network.kind=linear"],
        vec!["probes=[examples]", "training.precision=float64", "training.observations=20"],
    ] {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&keys);
        train_all(&config, &eager(folder.path()), &|_| ()).unwrap();
        let expected = 3.0 * bytes_on_disk(std::slice::from_ref(&config)).total();
        let found = bytes_below(&folder.path().join("default"));
        // Heads of records and archives are left out, some 10 kB a run.
        let heads = 3.0 * 1.2e4;
        assert!(found < 1.3 * expected + heads, "{keys:?}: {found} of {expected}");
        assert!(expected < 2.0 * found, "{keys:?}: {expected} for {found}");
    }
}

#[test]
fn responses_to_each_sample_have_the_means_that_records_have_at_every_moment() {
    for precision in ["float32", "float64"] {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&[&format!("training.precision={precision}")]);
        train_all(&config, &eager(folder.path()), &|_| ()).unwrap();
        for seed in 0..3 {
            let record = record(folder.path(), seed);
            let path = path_of(folder.path(), "default", seed);
            let array = &record.arrays["responses"];
            assert_eq!(
                (&array.dims[..], &array.shape[..]),
                (&["sample".to_owned(), "label".to_owned()][..], &[24, 6][..])
            );
            for (moment, _) in record.curves.step.iter().enumerate() {
                let row = array.read_row(&path, "responses", moment).unwrap();
                for (label, of_label) in record.curves.mean_response.iter().enumerate() {
                    let mean = row.iter().skip(label).step_by(6).sum::<f64>() / 24.0;
                    assert!(
                        (mean - of_label[moment]).abs() < 1e-12,
                        "{precision}, {moment}, {label}"
                    );
                }
            }
            let beyond = array.read_row(&path, "responses", record.curves.step.len());
            assert!(format!("{:#}", beyond.unwrap_err()).contains("responses.npz"));
        }
    }
}

#[test]
fn what_lies_beside_records_of_interrupted_and_of_longer_runs_is_that_of_whole_ones() {
    for checkpoints in ["log", "best"] {
        let keep = format!("training.checkpoints={checkpoints}");
        let whole = tempfile::tempdir().unwrap();
        train_all(&config(&[&keep]), &eager(whole.path()), &|_| ()).unwrap();
        let expected = beside(whole.path());
        assert!(!expected.keys().any(|name| name.ends_with(".rows")), "{:?}", expected.keys());
        let part = tempfile::tempdir().unwrap();
        for at in [3, 12] {
            interrupted(
                &config(&[&keep]),
                &if at == 3 { eager(part.path()) } else { resumed(part.path()) },
                at,
            );
            // What a killed process had written beyond its checkpoint is forgotten.
            for seed in 0..3 {
                let rows = part.path().join(format!("default/.{seed}.responses.rows"));
                let mut more = std::fs::read(&rows).unwrap();
                more.extend([7; 1000]);
                std::fs::write(&rows, more).unwrap();
            }
        }
        trained_on(&config(&[&keep]), &resumed(part.path()));
        assert_eq!(beside(part.path()), expected, "{checkpoints}");
        // More steps: as one that was interrupted there.
        let longer = config(&[&keep, "training.steps=50"]);
        trained_on(&longer, &resumed(part.path()));
        trained_on(&longer, &resumed(whole.path()));
        let extended = beside(part.path());
        assert_eq!(extended, beside(whole.path()));
        let record = record(part.path(), 1);
        let path = path_of(part.path(), "default", 1);
        let last = record.curves.step.len() - 1;
        let row = record.arrays["responses"].read_row(&path, "responses", last).unwrap();
        let mean = row.iter().step_by(6).sum::<f64>() / 24.0;
        assert!((mean - record.curves.mean_response[0][last]).abs() < 1e-12);
    }
}

#[test]
fn rows_that_a_checkpoint_counts_and_that_are_gone_are_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    interrupted(&config(&[]), &eager(folder.path()), 12);
    std::fs::write(folder.path().join("default/.1.responses.rows"), [0; 100]).unwrap();
    let error = train_all(&config(&[]), &resumed(folder.path()), &|_| ()).unwrap_err();
    let words = format!("{error:#}");
    assert!(words.contains(".1.responses.rows") && words.contains("--overwrite"), "{words}");
}

#[test]
fn weights_along_training_are_those_of_their_steps_and_best_is_that_of_the_least_loss() {
    let folder = tempfile::tempdir().unwrap();
    train_all(&config(&["training.checkpoints=log"]), &eager(folder.path()), &|_| ()).unwrap();
    let best_folder = tempfile::tempdir().unwrap();
    train_all(&config(&["training.checkpoints=best"]), &eager(best_folder.path()), &|_| ())
        .unwrap();
    for seed in 0..3 {
        let record = record(folder.path(), seed);
        assert_eq!(record.weights_at, record.curves.step);
        let bytes = |weights: Weights| (weights.step, weights.to_bytes().unwrap());
        let kept = |at| bytes(Weights::kept(folder.path(), "default", seed, at).unwrap());
        assert_eq!(
            kept(At::Step(30)),
            bytes(Weights::newest(folder.path(), "default", seed).unwrap())
        );
        assert_ne!(kept(At::Step(0)).1, kept(At::Step(30)).1);
        let losses = record.curves.step.iter().zip(&record.curves.loss);
        let (&least, _) = losses.min_by(|(_, one), (_, other)| one.total_cmp(other)).unwrap();
        assert_eq!(kept(At::Best).0, least);
        let best = Weights::kept(best_folder.path(), "default", seed, At::Best).unwrap();
        assert_eq!(bytes(best), kept(At::Best));
        let missing = Weights::kept(folder.path(), "default", seed, At::Step(29)).err().unwrap();
        assert!(format!("{missing:#}").contains("but of 0, 1, "), "{missing:#}");
    }
    let last = tempfile::tempdir().unwrap();
    train_all(&config(&[]), &eager(last.path()), &|_| ()).unwrap();
    let error = Weights::kept(last.path(), "default", 0, At::Best).err().unwrap();
    assert!(format!("{error:#}").contains("training.checkpoints: log"), "{error:#}");
    assert!(!last.path().join("default/0.weights").exists());
}

#[test]
fn what_cannot_be_kept_is_refused_with_the_remedy() {
    let refused = |text: &str| format!("{:#}", config::parse(text, "test", &[]).unwrap_err());
    let phases = "phases: [{}, {task.permutation: [1, 0, 2, 3, 4, 5, 6, 7]}]";
    let text = refused(&format!("training: {{checkpoints: best}}\n{phases}"));
    assert!(text.contains("training.checkpoints best") && text.contains("log or last"), "{text}");
    let text = refused("phases: [{}, {training.checkpoints: log}]");
    assert!(text.contains("set it outside of phases"), "{text}");
    let text = refused(
        "record: {responses: each-sample}\nphases: [{}, {task.frequencies: [1, 2, 1, 2, 1, 2, 1, 2]}]",
    );
    assert!(text.contains("record.responses") && text.contains("task.permutation"), "{text}");
    config::parse(&format!("record: {{responses: each-sample}}\n{phases}"), "test", &[]).unwrap();
    // 4,096 items, 4,096 labels, 100,000 observations.
    let large = "name: large
task: {branching: [4096]}
training: {steps: 10000000, observations: 100000}
record: {responses: each-sample}
seeds: [0]";
    let folder = tempfile::tempdir().unwrap();
    let config = config::parse(large, "large", &[]).unwrap();
    let error = train_all(&config, &eager(folder.path()), &|_| ()).unwrap_err();
    assert!(error.is::<Refused>(), "{error:#}");
    let words = format!("{error:#}");
    assert!(words.contains("lower"), "{words}");
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn a_run_that_is_replaced_leaves_nothing_of_itself_beside_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    train_all(&config(&["training.checkpoints=log"]), &eager(folder.path()), &|_| ()).unwrap();
    assert!(beside(folder.path()).len() > 10);
    // Of a process that was killed between its last two steps.
    let rows = folder.path().join("default/.1.responses.rows");
    std::fs::write(&rows, [0; 10]).unwrap();
    train_all(&config(&["training.checkpoints=log"]), &resumed(folder.path()), &|_| ()).unwrap();
    assert!(!rows.exists());
    let own = folder.path().join("default/0.mine.npz");
    std::fs::write(&own, b"mine").unwrap();
    let overwriting =
        ocs::sweep::Options { existing: ocs::sweep::Existing::Overwrite, ..eager(folder.path()) };
    train_all(&config(&["record.responses=null"]), &overwriting, &|_| ()).unwrap();
    // What a user put beside the records stays.
    assert_eq!(std::fs::read(&own).unwrap(), b"mine");
    std::fs::remove_file(own).unwrap();
    assert_eq!(beside(folder.path()), BTreeMap::new());
    assert!(record(folder.path(), 0).arrays.is_empty());
}
