use std::collections::BTreeMap;
use std::path::Path;

use assert_cmd::Command;
use ocs::record::{Record, path_of, write_json};

use crate::figures::fake;

fn ocs(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("ocs").unwrap();
    command.current_dir(folder).env_remove("OCS_DATA");
    command
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = ocs(folder).arg("export").args(arguments).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    text
}

/// Columns and lines of a table that is printed.
fn table(folder: &Path, arguments: &[&str]) -> (Vec<String>, Vec<Vec<String>>) {
    let output = ocs(folder).arg("export").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut reader = csv::Reader::from_reader(&*output.stdout);
    let headings = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let lines = reader.records().map(|line| line.unwrap().iter().map(str::to_owned).collect());
    (headings, lines.collect())
}

/// Two runs, the second with a kernel.
fn runs(at: &Path) -> Vec<Record> {
    let mut records = fake::linear().records;
    records.retain(|record| record.seed == 0);
    records.truncate(2);
    let with_kernel = fake::kernel().records.into_iter().find(|record| record.kernel.is_some());
    records[1].kernel = with_kernel.unwrap().kernel;
    for record in &records {
        write_json(&path_of(&at.join("runs/mine"), &record.condition, record.seed), record)
            .unwrap();
    }
    records
}

/// Numbers in JSON, also of values that are undefined.
fn count(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(values) => values.iter().map(count).sum(),
        _ => 1,
    }
}

#[test]
fn as_many_lines_as_curves_have_numbers_and_each_is_that_number_again() {
    let folder = tempfile::tempdir().unwrap();
    let records = runs(folder.path());
    let (headings, lines) = table(folder.path(), &["runs/mine", "--format", "csv"]);
    let at = |name: &str| headings.iter().position(|heading| heading == name).unwrap();
    for record in &records {
        let of_run: Vec<&Vec<String>> = lines
            .iter()
            .filter(|line| line[at("condition")] == record.condition)
            .filter(|line| line[at("set")] == "evaluation" && !line[at("step")].is_empty())
            .collect();
        let curves = serde_json::to_value(&record.curves).unwrap();
        let tables = curves.as_object().unwrap().iter();
        let n: usize = tables
            .filter(|(name, value)| !["step", "time"].contains(&&***name) && !value.is_null())
            .map(|(_, value)| count(value))
            .sum();
        assert_eq!(of_run.len(), n, "{}", record.condition);
        let mut found: BTreeMap<Vec<&str>, &str> = BTreeMap::new();
        let keys = ["metric", "step", "level", "label", "item", "layer"].map(at);
        for line in &of_run {
            let key = keys.iter().map(|&column| &*line[column]).collect();
            assert!(found.insert(key, &line[at("value")]).is_none(), "{line:?} is there twice");
        }
        for (moment, step) in record.curves.step.iter().enumerate() {
            let step = step.to_string();
            let value = |key: [&str; 5]| -> f64 {
                let [metric, level, label, item, layer] = key;
                found[&vec![metric, &step, level, label, item, layer]].parse().unwrap()
            };
            let curves = &record.curves;
            assert_eq!(value(["loss", "", "", "", ""]), curves.loss[moment]);
            assert_eq!(
                value(["input_dependence", "", "", "", ""]),
                curves.input_dependence[moment]
            );
            let rate = curves.true_negative_rate[2][moment];
            assert_eq!(Some(value(["true_negative_rate", "3", "", "", ""])), rate);
            assert_eq!(value(["mean_response", "2", "5", "", ""]), curves.mean_response[5][moment]);
            let response = curves.item_responses.as_ref().unwrap()[7][13][moment];
            assert_eq!(value(["item_response", "3", "13", "7", ""]), response);
            assert_eq!(value(["weight_norm", "", "", "", "1"]), curves.weight_norms[0][moment]);
        }
    }
    let kernels = records.last().unwrap().kernel.as_ref().unwrap();
    let of_kernel = lines.iter().filter(|line| line[at("metric")] == "kernel_drift");
    assert_eq!(of_kernel.count(), kernels.step.len());
}

#[test]
fn tables_have_a_place_before_anything_is_read_and_replace_nothing_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    runs(at);
    let of = |format: &'static str| ["runs/mine", "--format", format];
    assert!(refused(at, &of("npz")).contains("give --out FILE"));
    assert!(refused(at, &[&of("csv")[..], &["--out", "runs"]].concat()).contains("is a folder"));
    std::fs::write(at.join("mine.csv"), "kept").unwrap();
    let text = refused(at, &[&of("csv")[..], &["--out", "mine.csv"]].concat());
    assert!(text.contains("--overwrite"), "{text}");
    assert_eq!(std::fs::read_to_string(at.join("mine.csv")).unwrap(), "kept");
    assert!(refused(at, &["runs", "--format", "csv"]).contains("`ocs export runs/mine`"));
    assert!(refused(at, &["ocs_depth", "--format", "csv"]).contains("ocs reproduce ocs_depth"));
    // One damaged record: no half of a table.
    let path = std::fs::read_dir(at.join("runs/mine")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(path.join("9.json"), "{").unwrap();
    let failed =
        ocs(at).args(["export"]).args(of("json")).args(["--out", "half.json"]).output().unwrap();
    assert_eq!(failed.status.code(), Some(1));
    assert!(String::from_utf8(failed.stderr).unwrap().contains("9.json is cut short"));
    let names: Vec<String> = std::fs::read_dir(at)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(!names.iter().any(|name| name.contains("half") || name.starts_with('.')), "{names:?}");
}

const GRID: &str = "
training: {steps: 30, learning_rate: 0.02, observations: 8}
network: {initialisation: {normal: {std: 0.1}}}
conditions: {none: {network.bias: none}, \"all\": {network.bias: all}}
grid: {training.learning_rate: [0.01, 0.1]}
seeds: [0]
";

#[test]
fn theory_stands_under_the_condition_and_the_grid_values_of_its_cell() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("mine.yaml"), GRID).unwrap();
    ocs(at).args(["sweep", "mine.yaml"]).assert().success();
    // Theory is there before a cell's runs are.
    std::fs::remove_file(at.join("runs/mine/none,learning_rate=0.1/0.json")).unwrap();
    let (headings, lines) = table(at, &["runs/mine", "--format", "csv", "--theory"]);
    let column = |name: &str| headings.iter().position(|heading| heading == name).unwrap();
    let of = |set: &str| -> std::collections::BTreeSet<[String; 2]> {
        let rows = lines.iter().filter(|line| line[column("set")] == set);
        rows.map(|line| ["condition", "training.learning_rate"].map(|it| line[column(it)].clone()))
            .collect()
    };
    let (theory, evaluation) = (of("theory"), of("evaluation"));
    assert_eq!((theory.len(), evaluation.len()), (4, 3), "{theory:?} {evaluation:?}");
    assert!(evaluation.is_subset(&theory), "{theory:?}");
    assert!(theory.contains(&["none", "0.1"].map(str::to_owned)), "{theory:?}");
}

#[test]
fn event_files_of_runs_of_another_folder_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("mine.yaml"), GRID).unwrap();
    let sweep = |more: &[&str]| {
        let output = ocs(at).args(["sweep", "mine.yaml", "--tensorboard"]).args(more).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = sweep(&["board"]);
    assert_eq!(code, Some(0), "{text}");
    let file = at.join("board/mine/none,learning_rate=0.1/0/events.out.tfevents.ocs");
    let before = std::fs::read(&file).unwrap();
    for more in [&["board", "--out", "other"][..], &["board", "--out", "other", "--overwrite"]] {
        let (code, text) = sweep(more);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains("runs/mine") && text.contains("--tensorboard"), "{text}");
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }
    assert!(!at.join("other").exists(), "refused before anything is trained");
    // The same folder by another way is no other.
    for same in [&["board"][..], &["board", "--out", "./runs"]] {
        let (code, text) = sweep(same);
        assert_eq!(code, Some(0), "{text}");
    }
    std::fs::remove_file(at.join("board/mine/runs.txt")).unwrap();
    let (code, text) = sweep(&["board"]);
    assert!(code == Some(2) && text.contains("no board/mine/runs.txt"), "{text}");
}

#[test]
fn what_an_archive_or_a_command_cannot_take_is_told_with_what_can() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut record = runs(at).remove(0);
    let condition = record.condition.clone();
    let text = refused(at, &[&format!("runs/mine/{condition}"), "--format", "csv"]);
    assert!(text.contains("`ocs export runs/mine`") && !text.contains("--condition"), "{text}");
    let plot = ocs(at).args(["plot", &format!("runs/mine/{condition}")]).output().unwrap();
    let text = String::from_utf8(plot.stderr).unwrap();
    assert!(text.contains(&format!("--condition {condition}")), "{text}");
    record.seed = 1 << 63;
    record.config.seeds = vec![record.seed];
    write_json(&path_of(&at.join("runs/large"), &condition, record.seed), &record).unwrap();
    let export = |format: &str| {
        let arguments = ["export", "runs/large", "--format", format, "--out", "large"];
        ocs(at).args(arguments).output().unwrap()
    };
    let failed = export("npz");
    let text = String::from_utf8(failed.stderr).unwrap();
    assert!(!failed.status.success() && !at.join("large").exists());
    for words in ["'seed'", "9223372036854775808", "--format csv"] {
        assert!(text.contains(words), "{text}");
    }
    assert!(!text.contains("TMPDIR"), "{text}");
    assert!(export("csv").status.success());
}

#[test]
fn a_table_is_told_that_it_needs_no_data_sets() {
    let folder = tempfile::tempdir().unwrap();
    let output = ocs(folder.path())
        .args(["export", "ocs_linear", "--format", "csv", "--data-dir", "data"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("--data-dir") && text.contains("--torch"), "{text}");
}

#[test]
fn what_chooses_networks_is_refused_for_tables_and_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    runs(folder.path());
    for choice in [["--condition", "none"], ["--seed", "0"], ["--at", "best"]] {
        let arguments = [&["runs/mine", "--format", "csv"][..], &choice].concat();
        let text = refused(folder.path(), &arguments);
        assert!(text.contains("take its rows"), "{text}");
    }
}
