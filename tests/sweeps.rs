use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use ocs::config::{self, Config, Grid, Override, Scale, cells, names_of_cells};
use ocs::record::{FailureRecord, Record, config_path, path_of, read_json, write_config};
use ocs::sweep::{Lock, OnFailure, Options, State, estimate, states, train_all};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::reproducible_runs::options;

fn parse(text: &str, overrides: &[&str]) -> anyhow::Result<Config> {
    let overrides: Vec<Override> = overrides.iter().map(|text| text.parse().unwrap()).collect();
    config::parse(text, "test", &overrides)
}

fn names(config: &Config) -> Vec<String> {
    cells(config).unwrap().into_iter().map(|cell| cell.name).collect()
}

/// Any value that YAML can hold.
fn values() -> impl Strategy<Value = serde_yaml::Value> {
    let scalar = prop_oneof![
        Just(serde_yaml::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        (-30i32..30).prop_map(|exponent| 10f64.powi(exponent).into()),
        (-3i64..3).prop_map(|number| (number as f64).into()),
        ".{0,40}".prop_map(Into::into),
        "[a-c./ ,=-]{0,4}".prop_map(Into::into),
        "[0-9e._-]{1,6}".prop_map(Into::into),
    ];
    scalar.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_yaml::Value::Sequence),
            prop::collection::btree_map("[a-z_]{1,5}", inner, 0..3).prop_map(|map| {
                let entries = map.into_iter().map(|(key, value)| (key.into(), value));
                serde_yaml::Value::Mapping(entries.collect())
            }),
        ]
    })
}

fn grid(key: &str, values: Vec<serde_yaml::Value>) -> Grid {
    let entry = (key.into(), serde_yaml::Value::Sequence(values));
    serde_yaml::from_value(serde_yaml::Value::Mapping([entry].into_iter().collect())).unwrap()
}

proptest! {
    #[test]
    fn every_value_has_a_name_of_its_own_that_a_folder_can_have(
        values in prop::collection::vec(values(), 1..12),
        condition in "[a-z]{1,100}",
        key in "[a-z_]{1,20}(\\.[a-z_]{1,20}){0,3}",
    ) {
        let mut varied = grid(&key, values);
        let mut known: Vec<serde_yaml::Value> = Vec::new();
        // A number that is no number is not equal to itself.
        varied.0[0].values.retain(|value| {
            // A key asks for a number, or for a list of them: no key takes both.
            let alike = match value {
                serde_yaml::Value::Sequence(list) if list.len() == 1 && list[0].is_number() => &list[0],
                other => other,
            };
            let is_new = !known.contains(alike) && *alike == *alike;
            known.push(alike.clone());
            is_new
        });
        for conditions in [&[&*condition][..], &[]] {
            let names = names_of_cells(conditions, &varied);
            let distinct: BTreeSet<&String> = names.iter().collect();
            prop_assert_eq!(distinct.len(), varied.0[0].values.len(), "{:?}", names);
            for (name, value) in names.iter().zip(&varied.0[0].values) {
                let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.,=@".contains(c);
                prop_assert!(name.chars().all(allowed) && !name.starts_with(['.', '-']), "{}", name);
                prop_assert!((1..=100).contains(&name.len()), "{}", name);
                // A cell keeps its folder when others are added.
                let alone = names_of_cells(conditions, &grid(&key, vec![value.clone()]));
                prop_assert_eq!(&alone[0], name);
            }
        }
    }
}

#[test]
fn cells_are_conditions_by_grid_in_order_and_tell_their_values() {
    let text = "conditions: {none: {label: no biases, network.bias: none}, all: {network.bias: all}}\n\
                grid: {training.learning_rate: [1e-2, .1], network: {hidden: [[16], [8, 4], []]}}\n";
    let config = parse(text, &[]).unwrap();
    let cells = cells(&config).unwrap();
    assert_eq!(
        cells.iter().map(|cell| &*cell.name).take(7).collect::<Vec<_>>(),
        [
            "none,learning_rate=0.01,hidden=16",
            "none,learning_rate=0.01,hidden=8-4",
            "none,learning_rate=0.01,hidden=empty",
            "none,learning_rate=0.1,hidden=16",
            "none,learning_rate=0.1,hidden=8-4",
            "none,learning_rate=0.1,hidden=empty",
            "all,learning_rate=0.01,hidden=16",
        ]
    );
    assert_eq!(cells.len(), 12);
    assert_eq!(cells[4].config.network.hidden, [8, 4]);
    assert_eq!(cells[4].config.training.learning_rate, 0.1);
    assert_eq!(cells[4].display_name(), "no biases, learning_rate 0.1, hidden 8-4");
    assert_eq!(cells[7].condition.as_deref(), Some("all"));
    assert!(cells.iter().all(|cell| cell.config.grid.is_empty()));
    // What is written is read again, and configs without a grid say nothing of one.
    let again = parse(&serde_yaml::to_string(&config).unwrap(), &[]).unwrap();
    assert_eq!(again, config);
    assert!(!serde_yaml::to_string(&parse("", &[]).unwrap()).unwrap().contains("grid"));
    assert_eq!(
        names(&parse("grid: {training.steps: [100, 1_000, 1e4]}", &[]).unwrap()),
        ["steps=100", "steps=1000", "steps=10000"]
    );
    // Where two keys end alike, more of them is said.
    let alike = "task: {inputs: glyphs}\nnetwork: {kind: mlp}\nkernel: {}\n\
                 grid: {kernel.samples: [16, 32], task.samples: [{train: 80}, {train: 160, test: 80}]}\n";
    assert_eq!(names(&parse(alike, &[]).unwrap())[0], "kernel.samples=16,task.samples=train-80");
}

#[test]
fn what_cannot_be_varied_is_told_with_the_key_and_what_to_write() {
    let cases = [
        ("grid.training.learning_rate=[]", "grid.training.learning_rate is empty"),
        ("grid.training.learning_rate=0.1", "must be a list of values, such as [0.01, 0.1]"),
        ("grid.training.learning_rate=[1, 1.0]", "lists 1 twice"),
        ("grid.training.learning_rate=[-1]", "must be positive and finite, not -1"),
        ("grid.training.learning_rat=[1]", "did you mean learning_rate"),
        ("grid.seeds=[1, 2]", "give --seeds"),
        ("grid.name=[a]", "grid cannot vary 'name'"),
        ("grid.label=[a]", "grid cannot vary 'label'"),
        ("grid.quick.steps=[1]", "grid cannot vary 'quick.steps'"),
        ("grid.conditions.a=[1]", "a condition has every combination already"),
        ("grid.phases.1.steps=[3]", "list whole values of 'phases'"),
        ("grid={'phases[1].training.learning_rate': [3]}", "list whole values of 'phases'"),
        (
            "grid={network: [{hidden: [4]}], network.hidden: [[4]]}",
            "of which one says what the other says",
        ),
        (
            "grid={task.tree: [[0, 1]], task.branching: [[2]]}",
            "of which one says what the other says",
        ),
        ("grid={training.steps: [1], training: {steps: [2]}}", "twice"),
        ("grid.training.batch_size=[full, null]", "makes the same run twice"),
        ("grid.network.kind=[linear, mlp]", "set network.initialisation"),
        (
            "grid={training.steps: [1, 2], network.bias: [none, all, input], training.observations: [2, 3], \
          training.learning_rate: [1, 2], task.correlation: [0], phase_threshold: [0.1]}",
            "",
        ),
    ];
    for (entry, words) in cases {
        match parse("", &[entry]) {
            Ok(config) => assert_eq!((words, names(&config).len()), ("", 24), "{entry}"),
            Err(error) => {
                let error = format!("{error:#}");
                assert!(!words.is_empty() && error.contains(words), "{entry}: {error}");
            }
        }
    }
    let many = (1..150).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    let grid = format!("grid={{training.steps: [{many}], training.observations: [2, {many}]}}");
    let error = format!("{:#}", parse("", &[&grid]).unwrap_err());
    assert!(error.contains("more than 20000 cells") || error.contains("twice"), "{error}");
}

#[test]
fn the_command_line_has_the_last_word_over_a_grid() {
    let text = "grid: {training.learning_rate: [0.01, 0.1], task.samples: [{train: 80}, {train: 160}]}\ntask: {inputs: glyphs}\n";
    let set = parse(text, &["training.learning_rate=0.5"]).unwrap();
    assert_eq!(names(&set), ["samples=train-80", "samples=train-160"]);
    assert!(cells(&set).unwrap().iter().all(|cell| cell.config.training.learning_rate == 0.5));
    let part = parse(text, &["task.samples.test=80", "grid.training.learning_rate=[1]"]).unwrap();
    let cells = cells(&part).unwrap();
    assert_eq!(cells.len(), 2, "--grid takes the place of the file's list");
    assert!(cells.iter().all(|cell| cell.config.task.samples.test == Some(80)));
    let error = parse(text, &["training.steps=5", "grid.training.steps=[6]"]).unwrap_err();
    assert!(format!("{error:#}").contains("give one of them"), "{error:#}");
    // Over a condition, and over a phase, a grid has it.
    let phases = "phases: [{label: a}, {label: b, training.learning_rate: 9}]\n\
                  conditions: {c: {training.learning_rate: 7}}\ngrid: {training.learning_rate: [0.1]}\n";
    let cell = config::cells(&parse(phases, &[]).unwrap()).unwrap().remove(0);
    let rates = cell.config.stretches().unwrap().into_iter().map(|s| s.span.learning_rate);
    assert_eq!(rates.collect::<Vec<_>>(), [0.1, 0.1]);
}

#[test]
fn scales_reach_what_is_varied() {
    let text = "task: {inputs: glyphs}\ntraining: {steps: 7}\n\
                quick: {steps: 0.5, learning_rate: 2, train_samples: 80}\n\
                grid: {training.steps: [100, 200], training.learning_rate: [0.1], task.samples.train: [160, 320]}\n";
    let quick = parse(text, &[]).unwrap().at(Scale::Quick).unwrap();
    assert_eq!(names(&quick), ["steps=50,learning_rate=0.2", "steps=100,learning_rate=0.2"]);
    let cells = cells(&quick).unwrap();
    assert!(cells.iter().all(|cell| cell.config.task.samples.train == Some(80)));
}

fn bare(record: &Record) -> Record {
    let mut record = record.clone();
    record.wall_time = 0.0;
    record
}

fn train(config: &Config, options: &Options) -> BTreeMap<String, Record> {
    train_all(config, options, &|_| ()).unwrap();
    let read = |name: String| {
        let record: Record = read_json(&path_of(&options.folder, &name, config.seeds[0])).unwrap();
        (name, bare(&record))
    };
    names(config).into_iter().map(read).collect()
}

/// A grid of learning rates trains in one stack, of linear networks and of perceptrons.
#[test]
fn a_grid_in_a_stack_is_what_its_runs_are_alone() {
    let linear = "training: {steps: 300, observations: 20}\nnetwork: {initialisation: {normal: {std: 0.1}}}\n";
    let perceptrons = "task: {inputs: glyphs, samples: {train: 160, test: 80}}\n\
                       network: {kind: mlp, hidden: [12], initialisation: {kaiming: {gain: 0.5}}}\n\
                       training:\n  steps: 40\n  batch_size: 32\n  observations: 10\n";
    let adam = &format!("{perceptrons}  optimiser: adam\n");
    let momentum = &format!(
        "{perceptrons}  optimiser: {{sgd: {{momentum: 0.9}}}}\nphases: [{{steps: 20}}, {{steps: 20, keep_optimiser: true}}]\n"
    );
    let linear_adam = &format!(
        "{linear}training: {{steps: 300, observations: 20, optimiser: adam}}\n"
    )
    .replacen("training: {steps: 300, observations: 20}\n", "", 1);
    for text in [linear, linear_adam, perceptrons, adam, momentum] {
        let grid = "grid={training.learning_rate: [0.01, 0.03, 0.1]}";
        let config = parse(text, &[grid, "seeds=[0]"]).unwrap();
        let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let together = options(folders[0].path());
        assert_eq!(estimate(&config, &together, &[]).unwrap().stacks, 1, "{text}");
        let in_stack = train(&config, &together);
        let alone = train(&config, &Options { stack: Some(1), ..options(folders[1].path()) });
        for (name, record) in &in_stack {
            let distance = |one: &[f64], other: &[f64]| {
                std::iter::zip(one, other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
            };
            let (of_stack, single) = (&record.curves, &alone[name].curves);
            assert_eq!((&of_stack.step, &of_stack.time), (&single.step, &single.time));
            assert!(distance(&of_stack.loss, &single.loss) < 1e-4, "{name}");
        }
        // A cell is the run of a config that says the same without a grid.
        let plain = parse(text, &["training.learning_rate=0.03", "seeds=[0]"]).unwrap();
        let plain = train(&plain, &Options { stack: Some(1), ..options(folders[2].path()) });
        let cell = &alone["learning_rate=0.03"];
        assert_eq!(cell.curves, plain["default"].curves);
        assert_eq!(cell.config, plain["default"].config);
        let values = json!({"condition": null, "values": {"training.learning_rate": 0.03}});
        assert_eq!(serde_json::to_value(&cell.cell).unwrap(), values);
        assert!(plain["default"].cell.is_none());
    }
}

fn state_of(config: &Config, folder: &Path, name: &str) -> State {
    let states = states(config, folder).unwrap();
    states.into_iter().find(|run| run.condition == name).unwrap().state
}

#[test]
fn a_run_that_fails_stops_no_other_and_leaves_a_marker() {
    let folder = tempfile::tempdir().unwrap();
    let text = "training: {steps: 20, observations: 5}\nseeds: [0]\n\
                grid: {task.inputs: [one-hot, mnist], training.learning_rate: [0.1, 0.2, 0.3]}\n";
    let config = parse(text, &[]).unwrap();
    // Where one run's folder should be is a file: the stack that it is in cannot be written as a whole.
    std::fs::write(folder.path().join("inputs=one-hot,learning_rate=0.2"), "in the way").unwrap();
    let marking = Options { on_failure: OnFailure::Mark, ..options(folder.path()) };
    let summary = train_all(&config, &marking, &|_| ()).unwrap();
    assert_eq!((summary.complete, summary.failed.len()), (2, 4), "{summary:?}");
    for name in ["inputs=one-hot,learning_rate=0.1", "inputs=one-hot,learning_rate=0.3"] {
        assert_eq!(state_of(&config, folder.path(), name), State::Complete);
    }
    let lost = "inputs=mnist,learning_rate=0.1";
    let State::Failed(sentence) = state_of(&config, folder.path(), lost) else { panic!("{lost}") };
    assert!(sentence.contains("mnist"), "{sentence}");
    let failure = FailureRecord::read(folder.path(), lost, 0).unwrap().unwrap();
    assert_eq!((failure.sentence, failure.pid), (sentence, std::process::id()));
    // Without that policy the first error is returned.
    let stopping = Options { folder: folder.path().join("other"), ..options(folder.path()) };
    assert!(train_all(&config, &stopping, &|_| ()).is_err());
}

#[test]
fn a_process_does_the_runs_that_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let text = "training: {steps: 20, observations: 5}\nseeds: [0, 1]\ngrid: {training.learning_rate: [0.1, 0.2]}\n";
    let config = parse(text, &[]).unwrap();
    let only = BTreeSet::from([("learning_rate=0.2".to_owned(), 1)]);
    let some = Options { only: Some(only), ..options(folder.path()) };
    assert_eq!(train_all(&config, &some, &|_| ()).unwrap().complete, 1);
    let states: Vec<State> =
        states(&config, folder.path()).unwrap().into_iter().map(|run| run.state).collect();
    assert_eq!(states, [State::Waiting, State::Waiting, State::Waiting, State::Complete]);
}

#[test]
fn configs_of_other_values_of_a_grid_are_merged() {
    let folder = tempfile::tempdir().unwrap();
    let text = "conditions: {a: {}, b: {network.bias: all}}\n";
    for values in ["[0.1, 0.2]", "[0.2, 0.3]"] {
        let grid = format!("grid.training.learning_rate={values}");
        write_config(folder.path(), &parse(text, &[&grid]).unwrap()).unwrap();
    }
    let text = std::fs::read_to_string(config_path(folder.path())).unwrap();
    let merged = parse(&text, &[]).unwrap();
    assert_eq!(serde_yaml::to_string(&merged.grid).unwrap().matches("0.2").count(), 1);
    assert_eq!(cells(&merged).unwrap().len(), 6);
}

fn ocs(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("ocs").unwrap();
    command.current_dir(folder).env_remove("OCS_DATA").env("XDG_CACHE_HOME", folder.join("cache"));
    command
}

/// Every file below a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.insert(path.clone(), Vec::new());
            all.extend(files(&path));
        } else {
            all.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    all
}

fn run(command: &mut Command) -> (i32, Value, String) {
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    let stdout = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), stdout, stderr)
}

fn words(runs: &Value) -> Vec<&str> {
    runs.as_array().unwrap().iter().map(|run| run["state"].as_str().unwrap()).collect()
}

#[test]
fn a_sweep_goes_on_where_it_ended_and_leaves_alone_what_diverged() {
    let folder = tempfile::tempdir().unwrap();
    let text = "training: {steps: 30, observations: 5}\nseeds: [0]\n\
                conditions: {none: {network.bias: none}, all: {network.bias: all}}\n";
    std::fs::write(folder.path().join("s.yaml"), text).unwrap();
    let sweep = |more: &[&str]| {
        let grid = ["sweep", "s.yaml", "--grid", "training.learning_rate=[0.1, 1e6]", "--json"];
        run(ocs(folder.path()).args(grid).args(more))
    };
    let before = files(folder.path());
    let (code, plan, _) = sweep(&["--dry-run"]);
    assert_eq!(files(folder.path()), before, "a dry run writes nothing");
    assert_eq!((code, &plan["cells"], &plan["to_do"]), (0, &json!(4), &json!(4)));
    assert!(plan["estimate"]["seconds"].as_f64().unwrap() > 0.0, "{plan}");
    assert_eq!(words(&plan["runs"]), ["waiting"; 4]);

    let (code, runs, stderr) = sweep(&[]);
    assert_eq!(code, 1, "{stderr}");
    assert_eq!(words(&runs), ["complete", "diverged", "complete", "diverged"]);
    assert_eq!(
        runs[0]["cell"],
        json!({"condition": "none", "values": {"training.learning_rate": 0.1}})
    );
    assert_eq!(runs[0]["summary"]["status"], "complete");
    assert!(runs[1]["why"].as_str().unwrap().contains("diverged"), "{runs}");
    assert!(stderr.contains("'none,learning_rate=1000000', seed 0, diverged"), "{stderr}");

    let before = files(&folder.path().join("runs"));
    let (code, again, _) = sweep(&[]);
    assert_eq!((code, words(&again)), (1, words(&runs)));
    assert_eq!(files(&folder.path().join("runs")), before, "nothing is run again");
    let (_, plan, _) = sweep(&["--dry-run"]);
    assert_eq!((&plan["to_do"], &plan["estimate"]), (&json!(0), &Value::Null));
    let (_, plan, _) = sweep(&["--dry-run", "--retry"]);
    assert_eq!(plan["to_do"], json!(2));
    let (code, retried, _) = sweep(&["--retry"]);
    assert_eq!((code, words(&retried)), (1, words(&runs)));

    // More values are more cells, and nothing else is run.
    let grid = ["sweep", "s.yaml", "--grid", "training.learning_rate=[0.1, 0.2]", "--json"];
    let (code, more, _) = run(ocs(folder.path()).args(grid));
    assert_eq!((code, words(&more)), (0, vec!["complete"; 4]));
    let kept = folder.path().join("runs/s/none,learning_rate=0.1/0.json");
    assert_eq!(std::fs::read(&kept).unwrap(), before[&kept]);
    // More steps are done where the others ended; another config is refused, with the ways on.
    let with = |set: &str, more: &[&str]| {
        run(ocs(folder.path()).args(grid).args(["--set", set]).args(more))
    };
    let (_, plan, _) = with("training.steps=40", &["--dry-run"]);
    assert_eq!(
        (words(&plan["runs"]), &plan["runs"][0]["why"]),
        (vec!["unfinished"; 4], &json!("step 30 of 40"))
    );
    let (code, longer, stderr) = with("training.steps=40", &[]);
    assert_eq!((code, words(&longer)), (0, vec!["complete"; 4]), "{stderr}");
    let observations = "training.observations=6";
    let (code, _, stderr) = with(observations, &[]);
    assert!(code == 2 && stderr.contains("training.observations was 5, is 6"), "{code}: {stderr}");
    // Those that diverged would stay beside them, of the other config.
    let (code, _, stderr) = with(observations, &["--overwrite"]);
    assert!(
        code == 2 && stderr.contains("observations was 5, is 6, training.steps was 40"),
        "{stderr}"
    );
    for condition in ["none", "all"] {
        let diverged = format!("runs/s/{condition},learning_rate=1000000");
        std::fs::remove_dir_all(folder.path().join(diverged)).unwrap();
    }
    let (code, ..) = with(observations, &["--overwrite"]);
    assert_eq!(code, 0);
}

#[test]
fn a_failed_run_is_run_again_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("s.yaml"),
        "training: {steps: 30, observations: 5}\nseeds: [0]\n",
    )
    .unwrap();
    let sweep = |more: &[&str]| {
        let grid = ["sweep", "s.yaml", "--grid", "training.learning_rate=[0.1, 0.2]", "--json"];
        run(ocs(folder.path()).args(grid).args(more))
    };
    let failure = FailureRecord::now("the disk was full".to_owned());
    let run_folder = folder.path().join("runs/s");
    failure.write(&run_folder, "learning_rate=0.1", 0).unwrap();
    let (code, runs, stderr) = sweep(&[]);
    assert_eq!((code, words(&runs)), (1, vec!["failed", "complete"]), "{stderr}");
    assert!(stderr.contains("failed: the disk was full") && stderr.contains("--retry"), "{stderr}");
    let (code, runs, _) = sweep(&["--retry"]);
    assert_eq!((code, words(&runs)), (0, vec!["complete"; 2]));
    assert_eq!(FailureRecord::read(&run_folder, "learning_rate=0.1", 0).unwrap(), None);
}

/// One damaged file is one failed run: nothing of it is lost or replaced unasked, and it stops no other.
#[test]
fn a_record_that_was_edited_or_cut_is_a_failed_run_and_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("s.yaml"),
        "training: {steps: 30, observations: 5}\nseeds: [0]\n",
    )
    .unwrap();
    let sweep = |values: &str, more: &[&str]| {
        let values = format!("training.learning_rate={values}");
        let grid = ["sweep", "s.yaml", "--grid", &values, "--json"];
        run(ocs(folder.path()).args(grid).args(more))
    };
    let three = "[0.1, 0.2, 0.3, 0.4]";
    assert_eq!(sweep(three, &[]).0, 0);
    let place = |rate: &str| folder.path().join(format!("runs/s/learning_rate={rate}/0.json"));
    let written = files(&folder.path().join("runs"));
    let edit = |rate: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(place(rate)).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(place(rate), text.replacen(from, to, 1)).unwrap();
    };
    edit("0.1", "\"target_variance\":", "\"target_variance\":1");
    edit("0.2", "\"observations\":5", "\"observations\":6");
    // Its status says that it is complete, its curves lack their ends, and no checkpoint tells more.
    edit("0.3", "\"loss\":[", "\"loss\":[1.0,");
    std::fs::remove_dir_all(place("0.3").with_extension("checkpoint")).unwrap();
    let mut broken = files(&folder.path().join("runs"));
    // Also where nothing else is to be done, and where something is.
    for values in [three, "[0.1, 0.2, 0.3, 0.4, 0.5]"] {
        let (_, plan, _) = sweep(values, &["--dry-run"]);
        assert_eq!(words(&plan["runs"])[..4], ["failed", "failed", "failed", "complete"]);
        assert_eq!(files(&folder.path().join("runs")), broken, "a dry run writes nothing");
        let (code, runs, stderr) = sweep(values, &[]);
        let all = words(&runs);
        assert_eq!((code, &all[..3]), (1, &["failed"; 3][..]), "{stderr}");
        assert!(all[3..].iter().all(|state| *state == "complete"), "{stderr}");
        for part in ["target_variance was", "observations was 6, is 5", "--retry"] {
            assert!(stderr.contains(part), "{part}: {stderr}");
        }
        for rate in ["0.1", "0.2", "0.3"] {
            assert_eq!(std::fs::read(place(rate)).unwrap(), broken[&place(rate)]);
        }
        broken = files(&folder.path().join("runs"));
    }
    let (code, runs, stderr) = sweep(three, &["--retry"]);
    assert_eq!((code, words(&runs)), (0, vec!["complete"; 4]), "{stderr}");
    for rate in ["0.1", "0.2"] {
        assert_eq!(std::fs::read(place(rate)).unwrap(), written[&place(rate)], "{rate}");
    }
    let again: Value = serde_json::from_slice(&std::fs::read(place("0.3")).unwrap()).unwrap();
    let first: Value = serde_json::from_slice(&written[&place("0.3")]).unwrap();
    assert_eq!(again["curves"], first["curves"]);
    let left = files(&folder.path().join("runs"));
    assert!(!left.keys().any(|path| path.to_string_lossy().contains("failed")));
}

#[test]
fn runs_that_others_hold_are_told_and_are_no_success() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.yaml"), "training: {steps: 30}\nseeds: [0, 1]\n").unwrap();
    let sweep = || run(ocs(folder.path()).args(["sweep", "s.yaml", "--json"]));
    let runs = |seeds: &[u64]| seeds.iter().map(|seed| ("default".to_owned(), *seed)).collect();
    let held = Lock::take(&folder.path().join("runs/s"), runs(&[0, 1])).unwrap();
    let (code, told, stderr) = sweep();
    assert_eq!((code, words(&told)), (1, vec!["running"; 2]), "{stderr}");
    let me = format!("process {}", std::process::id());
    for part in ["nothing was done here: 2 of 2 runs", "held by other processes", &me, "again"] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    drop(held);
    let held = Lock::take(&folder.path().join("runs/s"), runs(&[1])).unwrap();
    let (code, told, stderr) = sweep();
    assert_eq!((code, words(&told)), (1, vec!["complete", "running"]), "{stderr}");
    assert!(
        stderr.contains("1 of 2 runs are not complete") && !stderr.contains("nothing was done")
    );
    drop(held);
    assert_eq!(sweep().0, 0);
}

#[test]
fn a_config_narrowed_to_some_cells_has_them_as_they_were() {
    let text = "conditions: {a: {}, b: {network.bias: all}, c: {training.steps: 7}}\n\
                grid: {training.learning_rate: [0.1, 0.2, 0.3], training.observations: [5, 6]}\n";
    for config in [parse(text, &[]).unwrap(), parse("conditions: {a: {}, b: {}}", &[]).unwrap()] {
        let all = cells(&config).unwrap();
        for cell in &all {
            let narrow = config.narrowed_to(&|name| name == cell.name);
            assert_eq!(cells(&narrow).unwrap(), std::slice::from_ref(cell));
            assert_eq!(narrow.seeds, config.seeds);
        }
        let two = [&all[0].name, &all[all.len() - 1].name];
        let narrow = cells(&config.narrowed_to(&|name| two.iter().any(|it| *it == name))).unwrap();
        let is_kept = |cell: &&config::Cell| narrow.contains(cell);
        assert_eq!(all.iter().filter(is_kept).count(), narrow.len(), "in their order");
        assert!(narrow.iter().filter(|cell| two.contains(&&cell.name)).count() == 2);
    }
}
