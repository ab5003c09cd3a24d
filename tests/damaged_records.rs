use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ocs::config::{self, Config, resolve_conditions};
use ocs::plot;
use ocs::record::RunFolder;
use ocs::sweep::{Tasks, train_all, write_theories};
use serde_json::{Value, json};

use crate::quick_runs::{claims, draw};
use crate::reproducible_runs::options;

/// What a field may be made into: removed (`None`), of another type, huge, negative, empty.
fn replacements() -> [Option<Value>; 10] {
    [
        None,
        Some(Value::Null),
        Some(json!(u64::MAX)),
        Some(json!(1e300)),
        Some(json!(-1)),
        Some(json!(0)),
        Some(json!("text")),
        Some(json!(true)),
        Some(json!([])),
        Some(json!({})),
    ]
}

/// JSON pointers to all fields; of lists to the first and the last element.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    if !at.is_empty() {
        found.push(at.to_owned());
    }
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                pointers(field, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(elements) => {
            let mut shown: Vec<usize> = vec![0, elements.len().saturating_sub(1)];
            shown.dedup();
            for index in shown.into_iter().filter(|&index| index < elements.len()) {
                pointers(&elements[index], &format!("{at}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The value with one field changed; a list loses its last element where it would be removed from a list.
fn changed(whole: &Value, pointer: &str, replacement: &Option<Value>) -> Value {
    let mut whole = whole.clone();
    match replacement {
        Some(value) => *whole.pointer_mut(pointer).unwrap() = value.clone(),
        None => {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            match whole.pointer_mut(parent).unwrap() {
                Value::Object(fields) => drop(fields.remove(name)),
                Value::Array(elements) => drop(elements.pop()),
                other => panic!("{other}"),
            }
        }
    }
    whole
}

/// What a file is read as, drawn as and decided as; panics are what the test looks for.
fn use_it(folder: &Path, experiment: &str, draws: bool) {
    let Ok(runs) = RunFolder::read(folder) else { return };
    let _ = claims(experiment, &runs);
    if draws {
        let _ = plot::draw_run(&runs.records, &folder.join("plots"), "x");
        let _ = draw(experiment, &runs, &folder.join("plots"));
    }
}

/// Changes every field of a file in every way.
fn fuzz(folder: &Path, file: &str, experiment: &str) {
    let path = folder.join(file);
    let text = std::fs::read(&path).unwrap();
    let whole: Value = serde_json::from_slice(&text).unwrap();
    let mut fields = Vec::new();
    pointers(&whole, "", &mut fields);
    assert!(fields.len() > 20, "{fields:?}");
    // As it is, it can be read and drawn.
    RunFolder::read(folder).unwrap();
    use_it(folder, experiment, true);
    let mut drawn = Vec::new();
    for pointer in &fields {
        for replacement in &replacements() {
            let damaged = changed(&whole, pointer, replacement);
            std::fs::write(&path, serde_json::to_vec(&damaged).unwrap()).unwrap();
            // Drawing takes a while: of each field that figures read, once.
            let is_shown = !pointer.starts_with("/config") && !drawn.contains(pointer);
            let draws = is_shown && damaged != whole && RunFolder::read(folder).is_ok();
            if draws {
                drawn.push(pointer.clone());
            }
            let outcome = catch_unwind(AssertUnwindSafe(|| use_it(folder, experiment, draws)));
            assert!(outcome.is_ok(), "{file}: {pointer} as {replacement:?} panics");
        }
    }
    std::fs::write(&path, text).unwrap();
}

fn trained(text: &str, folder: &Path) -> Config {
    let config = config::parse(text, "x", &[]).unwrap();
    let conditions = resolve_conditions(&config).unwrap();
    write_theories(&conditions, folder, &mut Tasks::new(folder), true, &mut |_, _| ()).unwrap();
    train_all(&config, &options(folder), &|_| ()).unwrap();
    config
}

#[test]
fn no_damaged_record_or_theory_makes_figures_or_claims_panic() {
    let folder = tempfile::tempdir().unwrap();
    let text = "experiment: ocs_linear
training: {steps: 30, learning_rate: 0.05, observations: 8}
conditions: {all: {network.bias: all}, none: {network.bias: none}}
seeds: [0]";
    trained(text, folder.path());
    for file in ["all/0.json", "all/theory.json"] {
        fuzz(folder.path(), file, "ocs_linear");
    }
}

#[test]
fn no_damaged_kernel_or_gram_matrix_makes_figures_or_claims_panic() {
    let folder = tempfile::tempdir().unwrap();
    let text = "experiment: ocs_gram
task: {inputs: glyphs, samples: {train: 80, test: 80}}
network: {hidden: [8], bias: none, initialisation: {normal: {std: 0.01}}}
training: {steps: 6, observations: 4}
conditions: {mnist-raw: {}}
seeds: [0]";
    trained(text, folder.path());
    fuzz(folder.path(), "mnist-raw/gram.json", "ocs_gram");
    let folder = tempfile::tempdir().unwrap();
    let text = "experiment: ocs_kernel
network: {kind: mlp, hidden: [8], bias: none, initialisation: {normal: {std: 0.5}}}
training: {steps: 6, observations: 4}
kernel: {samples: 8, times: 3}
conditions: {width-16: {}}
seeds: [0]";
    trained(text, folder.path());
    fuzz(folder.path(), "width-16/0.json", "ocs_kernel");
}

#[test]
fn huge_levels_are_an_error_that_names_file_and_field() {
    let folder = tempfile::tempdir().unwrap();
    trained("training: {steps: 3}\nseeds: [0]", folder.path());
    let path = folder.path().join("default/0.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let cases = [
        ("\"levels\":[2,4,8]", format!("\"levels\":[{0},{0},8]", u64::MAX), "levels"),
        ("\"wall_time\":", "\"wall_time\":-".to_owned(), "wall_time"),
        ("\"step\":[0,", "\"step\":[".to_owned(), "curves.step has 3 values"),
        ("\"seeds\":[0]", "\"seeds\":[1]".to_owned(), "config.seeds"),
        ("\"steps\":3", "\"steps\":0".to_owned(), "training.steps"),
    ];
    for (from, to, field) in cases {
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replacen(from, &to, 1)).unwrap();
        let error = format!("{:#}", RunFolder::read(folder.path()).unwrap_err());
        assert!(error.contains("default/0.json") && error.contains(field), "{error}");
    }
}
