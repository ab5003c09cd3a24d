use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ocs::config::{self, Config, Scale};
use ocs::derived::Derived;
use ocs::record::{Algorithms, Record, Status, path_of, read_json};
use ocs::sweep::{Cores, Event, Existing, Interrupted, Options, Refused, train_all};

/// Small runs whose state is of every kind: full batch and minibatches, momentum and Adam, vectors and images, running statistics
/// and dropout.
const RUNS: [&[&str]; 5] = [
    &["network.bias=all", "training.steps=300", "training.learning_rate=0.02"],
    &[
        "task.inputs=glyphs",
        "task.samples={train: 400, test: 80}",
        "network={kind: mlp, hidden: [16], bias: input, initialisation: {kaiming: {gain: 0.5}}}",
        "training={steps: 60, batch_size: 48, learning_rate: 0.003, optimiser: adam}",
    ],
    &[
        "task.inputs=glyphs",
        "task.preprocessing=pixel-centred",
        "task.samples={train: 100, test: 80}",
        "network={kind: cnn, hidden: [4, 4], bias: all, initialisation: {kaiming: {gain: 1.0}}}",
        "training={steps: 20, batch_size: 32, learning_rate: 0.02, optimiser: {sgd: {momentum: 0.9}}}",
    ],
    &[
        "task.inputs=glyphs",
        "task.samples={train: 100, test: 80}",
        "network={kind: cnn, hidden: [4, 4, 6], residual: true, stride: [2, 1, 2], pooling: none, global_average: true, \
         normalisation: batch, dropout: 0.3, initialisation: {kaiming: {gain: 1.0}}}",
        "training={steps: 20, batch_size: 32, learning_rate: 0.02, optimiser: adam}",
    ],
    &[
        "network={kind: mlp, hidden: [16], bias: all, normalisation: batch, dropout: 0.3, initialisation: {kaiming: {gain: 0.5}}}",
        "training={steps: 40, learning_rate: 0.02}",
    ],
];

fn config(keys: &[&str], seed: u64) -> Config {
    let mut overrides: Vec<config::Override> =
        keys.iter().map(|text| text.parse().unwrap()).collect();
    overrides.push(format!("seeds=[{seed}]").parse().unwrap());
    config::parse("name: test", "test", &overrides).unwrap()
}

pub fn options(folder: &Path) -> Options {
    Options {
        folder: folder.to_owned(),
        data: folder.to_owned(),
        derived: Derived::nowhere(),
        device: tch::Device::Cpu,
        algorithms: Algorithms::Deterministic,
        threads: 1,
        jobs: 1,
        cores: Cores::of_machine(1),
        stack: None,
        existing: Existing::Refuse,
        any_program: false,
        theory_of_images: false,
        scale: Scale::Default,
        only: None,
        left_alone: Default::default(),
        anew: Default::default(),
        mended: Default::default(),
        on_failure: ocs::sweep::OnFailure::Stop,
        write_every: Duration::from_secs(3600),
        interrupted: Arc::new(AtomicBool::new(false)),
    }
}

/// Options that replace what is there.
fn replacing(folder: &Path) -> Options {
    Options { existing: Existing::Overwrite, ..options(folder) }
}

/// The record's JSON without the wall time, the one field that may differ.
fn bytes(folder: &Path, seed: u64) -> String {
    let text = std::fs::read_to_string(path_of(folder, "default", seed)).unwrap();
    let start = text.find("\"wall_time\":").unwrap();
    let end = start + text[start..].find(',').unwrap();
    format!("{}{}", &text[..start], &text[end..])
}

fn run(keys: &[&str], seed: u64, folder: &Path) -> String {
    train_all(&config(keys, seed), &replacing(folder), &|_| ()).unwrap();
    bytes(folder, seed)
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
    for keys in RUNS {
        let (first, second, other) = (
            tempfile::tempdir().unwrap(),
            tempfile::tempdir().unwrap(),
            tempfile::tempdir().unwrap(),
        );
        let record = run(keys, 3, first.path());
        assert_eq!(record, run(keys, 3, second.path()), "{keys:?}");
        let curves = |text: &str| text.split("\"curves\":").nth(1).unwrap().to_owned();
        assert_ne!(curves(&record), curves(&run(keys, 4, other.path())), "{keys:?}");
    }
}

#[test]
fn two_runs_at_once_give_the_same_bytes_as_one_after_the_other() {
    for keys in RUNS {
        let (together, alone) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut both = config(keys, 0);
        both.seeds = vec![0, 1];
        for (jobs, stack) in [(2, None), (1, Some(1))] {
            let options = Options { jobs, stack, ..replacing(together.path()) };
            train_all(&both, &options, &|_| ()).unwrap();
            for seed in [0, 1] {
                assert_eq!(bytes(together.path(), seed), run(keys, seed, alone.path()), "{keys:?}");
            }
        }
    }
}

#[test]
fn answers_found_aside_are_the_same_bytes() {
    for keys in RUNS {
        let (aside, at_once) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let options = Options { cores: Cores::of_machine(2), ..options(aside.path()) };
        train_all(&config(keys, 2), &options, &|_| ()).unwrap();
        assert_eq!(bytes(aside.path(), 2), run(keys, 2, at_once.path()), "{keys:?}");
        // Interrupted as soon as something is seen, by when it may have trained on; or to its end.
        let again = tempfile::tempdir().unwrap();
        let options = Options { folder: again.path().to_owned(), ..options };
        let interrupt = |_: Event| options.interrupted.store(true, Ordering::Relaxed);
        if let Err(error) = train_all(&config(keys, 2), &options, &interrupt) {
            assert!(error.is::<Interrupted>(), "{error:#}");
            options.interrupted.store(false, Ordering::Relaxed);
            let resumed = Options { existing: Existing::Resume, ..options };
            train_all(&config(keys, 2), &resumed, &|_| ()).unwrap();
        }
        assert_eq!(bytes(again.path(), 2), bytes(aside.path(), 2), "{keys:?}");
    }
}

#[test]
fn an_interrupted_run_that_is_resumed_ends_with_the_same_bytes() {
    for keys in RUNS {
        let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let expected = run(keys, 5, whole.path());
        let config = config(keys, 5);
        for existing in [Existing::Refuse, Existing::Resume] {
            // Twice, so that a run resumed from a checkpoint is itself interrupted.
            let options = Options { existing, ..options(broken.path()) };
            let until = if existing == Existing::Resume {
                config.training.steps / 2
            } else {
                config.training.steps / 4
            };
            let interrupt = |event: Event| {
                if let Event::Observed { step, .. } = event
                    && step >= until
                {
                    options.interrupted.store(true, Ordering::Relaxed);
                }
            };
            let error = train_all(&config, &options, &interrupt).unwrap_err();
            assert!(error.is::<Interrupted>(), "{error:#}");
            let record: Record = read_json(&path_of(broken.path(), "default", 5)).unwrap();
            assert_eq!(record.status, Status::Running);
            assert!(*record.curves.step.last().unwrap() < config.training.steps);
        }
        let options = Options { existing: Existing::Resume, ..options(broken.path()) };
        train_all(&config, &options, &|_| ()).unwrap();
        assert_eq!(bytes(broken.path(), 5), expected, "{keys:?}");
    }
}

#[test]
fn an_interrupted_stack_that_is_resumed_ends_with_the_same_bytes() {
    for keys in RUNS {
        let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut config = config(keys, 0);
        config.seeds = vec![0, 1, 2];
        let stacked = |folder: &Path| Options { stack: Some(3), ..options(folder) };
        train_all(&config, &stacked(whole.path()), &|_| ()).unwrap();
        let interrupted = stacked(broken.path());
        let interrupt = |event: Event| {
            if let Event::Observed { step, seed: 1, .. } = event
                && step >= config.training.steps / 3
            {
                interrupted.interrupted.store(true, Ordering::Relaxed);
            }
        };
        assert!(train_all(&config, &interrupted, &interrupt).unwrap_err().is::<Interrupted>());
        let resumed = Options { existing: Existing::Resume, ..stacked(broken.path()) };
        train_all(&config, &resumed, &|_| ()).unwrap();
        for seed in config.seeds {
            assert_eq!(bytes(broken.path(), seed), bytes(whole.path(), seed), "{keys:?}");
        }
    }
}

#[test]
fn resuming_keeps_complete_runs_and_refuses_changed_configs() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { existing: Existing::Resume, ..options(folder.path()) };
    let kept = |config: &Config| {
        let kept = AtomicBool::new(false);
        let watch = |event: Event| {
            if let Event::Kept { .. } = event {
                kept.store(true, Ordering::Relaxed);
            }
        };
        train_all(config, &options, &watch).unwrap();
        kept.into_inner()
    };
    let config = config(RUNS[0], 0);
    assert!(!kept(&config));
    assert!(kept(&config));
    let before = bytes(folder.path(), 0);
    let mut changed = config.clone();
    changed.training.learning_rate = 0.01;
    let error = train_all(&changed, &options, &|_| ()).unwrap_err();
    let words = error.downcast_ref::<Refused>().unwrap().to_string();
    for part in ["training.learning_rate was 0.02, is 0.01", "--overwrite", "another name"] {
        assert!(words.contains(part), "{words}");
    }
    assert_eq!(bytes(folder.path(), 0), before);
    let anew = Options { existing: Existing::Overwrite, ..options };
    train_all(&changed, &anew, &|_| ()).unwrap();
    assert_ne!(bytes(folder.path(), 0), before);
}

#[test]
fn training_again_refuses_to_replace_what_is_there_and_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    run(RUNS[0], 1, folder.path());
    let before = bytes(folder.path(), 1);
    // Seed 0 would be new; seed 1 is there.
    let mut both = config(RUNS[0], 0);
    both.seeds = vec![0, 1];
    let error = train_all(&both, &options(folder.path()), &|_| ()).unwrap_err();
    let words = error.downcast_ref::<Refused>().unwrap().to_string();
    for part in ["1 of these 2 runs", "default/1.json", "--resume", "--overwrite", "name"] {
        assert!(words.contains(part), "{words}");
    }
    assert_eq!(bytes(folder.path(), 1), before);
    assert!(!path_of(folder.path(), "default", 0).exists());
    // Another seed is no matter.
    both.seeds = vec![0];
    train_all(&both, &options(folder.path()), &|_| ()).unwrap();
}

#[test]
fn an_interrupted_overwrite_leaves_none_of_the_old_runs_and_can_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let with_steps = |steps: u64| {
        let mut config = config(RUNS[0], 0);
        config.seeds = vec![0, 1, 2];
        config.training.steps = steps;
        config
    };
    train_all(&with_steps(300), &options(folder.path()), &|_| ()).unwrap();
    let at_once = Options { stack: Some(1), ..replacing(folder.path()) };
    at_once.interrupted.store(true, Ordering::Relaxed);
    let error = train_all(&with_steps(400), &at_once, &|_| ()).unwrap_err();
    assert!(error.is::<Interrupted>(), "{error:#}");
    let resumed = Options { existing: Existing::Resume, ..options(folder.path()) };
    assert_eq!(train_all(&with_steps(400), &resumed, &|_| ()).unwrap().complete, 3);
    for seed in 0..3 {
        let record: Record = read_json(&path_of(folder.path(), "default", seed)).unwrap();
        assert_eq!((record.config.training.steps, record.status), (400, Status::Complete));
    }
}

#[test]
fn resuming_on_other_images_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    run(RUNS[1], 0, folder.path());
    let path = path_of(folder.path(), "default", 0);
    let mut record: Record = read_json(&path).unwrap();
    record.dataset.as_mut().unwrap().checksum = "0123456789abcdef".to_owned();
    ocs::record::write_json(&path, &record).unwrap();
    // With its checkpoint it would be known that the record was edited.
    std::fs::remove_dir_all(folder.path().join("default/0.checkpoint")).unwrap();
    let resume = Options { existing: Existing::Resume, ..options(folder.path()) };
    let error = train_all(&config(RUNS[1], 0), &resume, &|_| ()).unwrap_err();
    assert!(error.is::<Refused>() && error.to_string().contains("its images were others"));
}

#[test]
fn a_run_folder_keeps_the_config_of_all_its_runs_with_conditions_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "training: {steps: 3}\nseeds: [0]\nconditions: {z: {network.bias: none}, a: {}, m: {}}";
    let all = config::parse(text, "test", &[]).unwrap();
    let kept = || config::load(&folder.path().join("config.yaml"), &[]).unwrap();
    train_all(&all, &options(folder.path()), &|_| ()).unwrap();
    assert_eq!(kept(), all);
    // One task of a cluster's array: a condition and a seed.
    let mut part = all.clone();
    part.conditions.0.retain(|(name, _)| name == "m");
    part.seeds = vec![7];
    train_all(&part, &options(folder.path()), &|_| ()).unwrap();
    assert_eq!(kept(), Config { seeds: vec![0, 7], ..all });
}

#[test]
fn a_run_is_stopped_between_distant_observations() {
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let keys = [
        "network.bias=all",
        "training.steps=3000",
        "training.learning_rate=0.01",
        "training.observations=2",
    ];
    let expected = run(&keys, 1, whole.path());
    let interrupted = options(broken.path());
    // The first observation is step 0, the next step 1, the next the last.
    let interrupt = |event: Event| {
        if let Event::Observed { step: 1, .. } = event {
            let flag = interrupted.interrupted.clone();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(20));
                flag.store(true, Ordering::Relaxed);
            });
        }
    };
    assert!(
        train_all(&config(&keys, 1), &interrupted, &interrupt).unwrap_err().is::<Interrupted>()
    );
    let resumed = AtomicBool::new(false);
    let watch = |event: Event| {
        if let Event::Started { step, .. } = event {
            resumed.store(step > 1, Ordering::Relaxed);
        }
    };
    train_all(
        &config(&keys, 1),
        &Options { existing: Existing::Resume, ..options(broken.path()) },
        &watch,
    )
    .unwrap();
    assert!(resumed.into_inner(), "the checkpoint was not of a step between the observations");
    assert_eq!(bytes(broken.path(), 1), expected);
}

#[test]
fn seeds_of_different_configs_are_neither_trained_into_one_folder_nor_shown_as_one_condition() {
    let folder = tempfile::tempdir().unwrap();
    run(RUNS[0], 0, folder.path());
    let shorter = ["network.bias=all", "training.steps=200", "training.learning_rate=0.02"];
    for options in [options(folder.path()), replacing(folder.path())] {
        let error = train_all(&config(&shorter, 1), &options, &|_| ()).unwrap_err();
        assert!(error.is::<Refused>(), "{error:#}");
        let words = error.to_string();
        assert!(words.contains("default/0.json") && words.contains("--set name"), "{words}");
        assert!(words.contains("(training.steps was 300, is 200)"), "{words}");
    }
    assert!(!path_of(folder.path(), "default", 1).exists());
    // Other seeds of the same config are welcome.
    run(RUNS[0], 1, folder.path());
    // Whoever copies records together is told when they are read.
    let other = tempfile::tempdir().unwrap();
    run(&shorter, 2, other.path());
    let [from, to] = [&other, &folder].map(|folder| path_of(folder.path(), "default", 2));
    std::fs::copy(from, to).unwrap();
    std::fs::write(folder.path().join("default/notes.json"), "not a record").unwrap();
    let error = ocs::record::RunFolder::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("come from different configs"), "{error}");
}

#[test]
fn records_that_a_command_has_read_are_not_read_again_for_what_lies_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    run(RUNS[0], 0, folder.path());
    let whole = ocs::record::RunFolder::read(folder.path()).unwrap();
    std::fs::remove_file(path_of(folder.path(), "default", 0)).unwrap();
    let again = ocs::record::RunFolder::of_records(folder.path(), whole.records.clone()).unwrap();
    assert_eq!(again.records, whole.records);
}

#[test]
fn a_record_that_is_cut_short_is_told_so_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    run(RUNS[0], 0, folder.path());
    let path = path_of(folder.path(), "default", 0);
    let text = std::fs::read(&path).unwrap();
    for length in [0, 1, text.len() / 2, text.len() - 3] {
        std::fs::write(&path, &text[..length]).unwrap();
        let error = format!("{:#}", ocs::record::RunFolder::read(folder.path()).unwrap_err());
        assert!(error.contains("is cut short") && error.contains("delete it"), "{length}: {error}");
    }
    std::fs::write(&path, b"{\"schema_version\": \"two\"}").unwrap();
    let error = format!("{:#}", ocs::record::RunFolder::read(folder.path()).unwrap_err());
    assert!(error.contains("not written by this version"), "{error}");
}

#[test]
fn a_run_that_diverges_says_what_to_lower_and_keeps_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let keys = [
        "network.bias=all",
        "training.steps=2000",
        "training.learning_rate=5",
        "training.observations=60",
    ];
    let summary = train_all(&config(&keys, 0), &options(folder.path()), &|_| ()).unwrap();
    assert_eq!(summary.complete, 0);
    assert!(summary.diverged[0].contains("training diverged by step"), "{:?}", summary.diverged);
    assert!(
        summary.diverged[0].contains("lower 'training.learning_rate' (now 5)"),
        "{:?}",
        summary.diverged
    );
    let record: Record = read_json(&path_of(folder.path(), "default", 0)).unwrap();
    let Status::Diverged { last_finite_loss, .. } = record.status else {
        panic!("{:?}", record.status)
    };
    assert!(last_finite_loss.is_finite());
    assert_eq!(record.curves.loss.last(), Some(&last_finite_loss));
}

#[test]
fn centred_images_without_biases_have_a_constant_mean_response_for_ever() {
    // THEORY 6: if the mean input is zero and there is no bias, the mean response of a linear network stays zero on the
    // training set. The negative control of every image experiment, exact in full batch.
    let folder = tempfile::tempdir().unwrap();
    let keys = [
        "task.inputs=glyphs",
        "task.preprocessing=pixel-centred",
        "task.samples={train: 400, test: 100}",
        "network={kind: linear, hidden: [32], bias: none, initialisation: {normal: {std: 1.0e-3}}}",
        "training={steps: 400, learning_rate: 0.02, precision: float64}",
    ];
    train_all(&config(&keys, 0), &options(folder.path()), &|_| ()).unwrap();
    let record: Record = read_json(&path_of(folder.path(), "default", 0)).unwrap();
    let curves = record.training_curves.unwrap();
    let beta = record.ocs.iter().map(|value| value * value).sum::<f64>().sqrt();
    assert!(curves.mean_output_error.iter().all(|m| (m / beta - 1.0).abs() < 1e-6));
    // It did learn.
    assert!(curves.distance_to_targets.last().unwrap() < &(0.7 * curves.distance_to_targets[0]));
    assert!(!record.phase.is_there());
}

#[test]
fn older_records_that_say_quick_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let config = config::parse("training: {steps: 3}\nseeds: [0]", "older", &[]).unwrap();
    train_all(&config, &options(folder.path()), &|_| ()).unwrap();
    let path = path_of(folder.path(), "default", 0);
    let now: Record = read_json(&path).unwrap();
    let mut older: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let fields = older.as_object_mut().unwrap();
    assert_eq!(fields.remove("scale"), Some("default".into()));
    // Neither did their configs have a section 'full'.
    fields["config"].as_object_mut().unwrap().remove("full").unwrap();
    for (quick, scale) in [(true, Scale::Quick), (false, Scale::Default)] {
        older["quick"] = quick.into();
        std::fs::write(&path, older.to_string()).unwrap();
        let read: Record = read_json(&path).unwrap();
        assert_eq!(read, Record { scale, ..now.clone() });
    }
    older["quick"] = "twice".into();
    std::fs::write(&path, older.to_string()).unwrap();
    let error = format!("{:#}", read_json::<Record>(&path).unwrap_err());
    assert!(error.contains("quick") || error.contains("scale"), "{error}");
}
