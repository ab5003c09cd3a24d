use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use assert_cmd::Command;
use ocs::config::{self, Config, Stretch, StretchConfig};
use ocs::record::{Record, StretchRecord, path_of, write_config, write_json};
use ocs::sweep::{Event, record_so_far, train_all};
use serde_json::Value;

use crate::figures::fake;
use crate::reproducible_runs::options;

fn ocs(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("ocs").unwrap();
    command.current_dir(folder).env_remove("OCS_DATA").env_remove("COLUMNS");
    command
}

fn told(folder: &Path, arguments: &[&str]) -> String {
    let output = ocs(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = ocs(folder).args(arguments).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    text
}

/// Every file below a folder with its bytes and when it was written, and every folder.
fn files(folder: &Path) -> BTreeMap<PathBuf, Option<(Vec<u8>, SystemTime)>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
            found.insert(path, None);
        } else {
            let written = path.metadata().unwrap().modified().unwrap();
            found.insert(path.clone(), Some((fs::read(&path).unwrap(), written)));
        }
    }
    found
}

/// Two runs of `ocs_linear` in a folder called `mine`.
fn linear(at: &Path) -> Vec<Record> {
    let wanted = ["none", "all"];
    let mut records = fake::linear().records;
    records.retain(|record| wanted.contains(&&*record.condition) && record.seed == 0);
    for record in &records {
        let run = at.join("runs/mine");
        write_json(&path_of(&run, &record.condition, record.seed), record).unwrap();
    }
    records
}

/// Lines of a panel of a frame, from its title's to its foot's.
fn panel<'a>(frame: &'a str, title: &str) -> Vec<&'a str> {
    let lines = frame.lines().skip_while(|line| !line.contains(title));
    let mut panel: Vec<&str> = Vec::new();
    for line in lines {
        panel.push(line);
        if line.starts_with('└') {
            break;
        }
    }
    assert!(panel.len() > 4, "{frame}");
    panel
}

/// Braille signs of a line with their columns.
fn dots(line: &str) -> Vec<usize> {
    let signs = line.chars().enumerate();
    signs.filter(|(_, sign)| ('\u{2801}'..='\u{28ff}').contains(sign)).map(|(at, _)| at).collect()
}

#[test]
fn a_frame_shows_m_fall_and_v_rise_and_says_how_far_the_run_is() {
    let folder = tempfile::tempdir().unwrap();
    let records = linear(folder.path());
    let frame =
        told(folder.path(), &["watch", "runs/mine", "--once", "--width", "90", "--height", "40"]);
    assert!(frame.lines().all(|line| line.chars().count() <= 90) && !frame.contains('\u{1b}'));
    let last = records[0].curves.step.last().unwrap();
    for words in ["'all', seed 0", "(run 1 of 2)", &format!("step {last} of "), "complete", "onset"]
    {
        assert!(frame.contains(words), "{words}:\n{frame}");
    }
    for (title, falls) in [("M, mean-output error", true), ("V, input dependence", false)] {
        let panel = panel(&frame, title);
        let body = &panel[1..panel.len() - 3];
        let rows: Vec<(usize, usize)> = body
            .iter()
            .enumerate()
            .flat_map(|(row, line)| dots(line).into_iter().map(move |column| (row, column)))
            .collect();
        // The threshold is a level line: what stands in the highest row is the curve's.
        let highest = rows.iter().map(|(row, _)| *row).min().unwrap();
        let columns: Vec<usize> =
            rows.iter().filter(|(row, _)| *row == highest).map(|(_, column)| *column).collect();
        let middle = 45;
        let is_left = columns.iter().all(|column| *column < middle);
        let is_right = columns.iter().all(|column| *column > middle);
        assert!(if falls { is_left } else { is_right }, "{title}: {columns:?}\n{frame}");
    }
    let rates = panel(&frame, "true negative rate");
    assert!(rates[0].contains("level 1") && rates[0].contains("level 3"), "{frame}");
    let wide = told(folder.path(), &["watch", "runs/mine", "--width", "140", "--height", "20"]);
    assert!(
        wide.lines().any(|line| line.contains("M, mean") && line.contains("level 2")),
        "{wide}"
    );
}

#[test]
fn condition_and_seed_are_chosen_and_others_are_refused_with_those_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    linear(at);
    let none = told(at, &["watch", "runs/mine", "--condition", "none", "--seed", "0"]);
    assert!(none.contains("'none', seed 0") && none.contains("(run 2 of 2)"), "{none}");
    let text = refused(at, &["watch", "runs/mine", "--condition", "nne"]);
    assert!(text.contains("all, none") && text.contains("did you mean"), "{text}");
    assert!(refused(at, &["watch", "runs/mine", "--seed", "7"]).contains("the seeds are 0"));
    assert!(refused(at, &["watch", "runs"]).contains("`ocs watch runs/mine`"));
    assert!(refused(at, &["watch", "ocs_linear"]).contains("ocs reproduce ocs_linear"));
}

const GLYPHS: &str = "
task: {inputs: glyphs, samples: {train: 160, test: 80}}
network: {kind: mlp, hidden: [8], initialisation: {kaiming: {gain: 0.5}}}
training: {steps: 60, batch_size: 16, learning_rate: 0.05, observations: 20}
seeds: [0, 1]
";

/// Trains until a step was observed, and stops there.
fn interrupted(config: &Config, run: &Path, at: u64) {
    let options = options(run);
    let stop = |event: Event| {
        if let Event::Observed { step, .. } = event {
            options.interrupted.store(step >= at, Ordering::Relaxed);
        }
    };
    write_config(run, config).unwrap();
    assert!(train_all(config, &options, &stop).is_err());
}

#[test]
fn a_run_is_watched_by_its_checkpoint_alone_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (config, run) = (config::parse(GLYPHS, "mine", &[]).unwrap(), at.join("runs/mine"));
    interrupted(&config, &run, 20);
    let seen = record_so_far(&run, "default", 1).unwrap().unwrap();
    for seed in [0, 1] {
        fs::remove_file(path_of(&run, "default", seed)).unwrap();
    }
    let before = files(at);
    let by_checkpoint = record_so_far(&run, "default", 1).unwrap().unwrap();
    assert_eq!(by_checkpoint.curves, seen.curves);
    let step = seen.curves.step.last().unwrap();
    let frame = told(at, &["watch", "runs/mine", "--seed", "1"]);
    let words = format!("step {step} of 60, unfinished, and nobody is at it");
    assert!(frame.contains(&words), "{frame}");
    told(at, &["list"]);
    assert_eq!(files(at), before, "who looks on writes nothing");
    // A damaged checkpoint tells nothing, and neither does one that is being copied.
    for (path, contents) in before {
        if let (true, Some((bytes, _))) = (path.to_string_lossy().contains(".unfinished"), contents)
        {
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        }
    }
    assert!(record_so_far(&run, "default", 1).unwrap().is_none());
    assert!(told(at, &["watch", "runs/mine"]).contains("nothing was observed yet"));
}

#[test]
fn the_list_says_of_runs_how_far_they_are_and_of_experiments_what_was_decided() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(told(at, &["list"]).contains("runs holds no runs: `ocs train CONFIG`"));
    let output = ocs(at).args(["list", "nowhere"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("nowhere is not there"));
    let mut config = config::parse(GLYPHS, "mine", &[]).unwrap();
    config.experiment = Some("ocs_linear".to_owned());
    interrupted(&config, &at.join("runs/mine"), 20);
    let other = at.join("runs/quick/other");
    let one = Config { seeds: vec![5], ..config.clone() };
    write_config(&other, &one).unwrap();
    train_all(&one, &options(&other), &|_| ()).unwrap();
    fs::create_dir_all(at.join("runs/empty")).unwrap();
    fs::create_dir_all(at.join("plots")).unwrap();
    fs::write(at.join("plots/ocs_linear.png"), "a figure").unwrap();
    let claim = |verdict: &str| {
        serde_json::json!({"experiment": "ocs_linear", "id": verdict, "sentence": "", "control": false, "criterion": "",
            "measured": {"quantity": "", "mean": null, "standard_deviation": null, "min": null, "max": null, "n": 0, "runs": 0},
            "verdict": verdict, "sensitivity": ""})
    };
    let decided = serde_json::json!({"experiments": [{"stem": "ocs_linear", "origin": "", "claims":
        [claim("holds"), claim("fails"), claim("holds")]}]});
    fs::write(at.join("plots/claims.json"), decided.to_string()).unwrap();
    let listing: Value = serde_json::from_str(&told(at, &["list", "--json"])).unwrap();
    let runs = listing["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2, "{listing:#}");
    assert_eq!(runs[0]["folder"], "runs/mine");
    assert_eq!(runs[0]["states"], serde_json::json!({"unfinished": 2}));
    assert_eq!(runs[1]["folder"], "runs/quick/other");
    assert_eq!(runs[1]["states"], serde_json::json!({"complete": 1}));
    for run in runs {
        assert_eq!(run["experiment"], "ocs_linear");
        assert!(run["question"].as_str().unwrap().ends_with('?'));
        assert!(run["bytes"].as_u64().unwrap() > 1000);
        assert!(run["changed"].as_str().unwrap().ends_with('Z'));
    }
    let experiments = listing["experiments"].as_array().unwrap();
    assert_eq!(experiments.len(), ocs::studies::ALL.len());
    assert_eq!(experiments[0]["claims"], serde_json::json!({"fail": 1, "hold": 2}));
    assert_eq!(experiments[0]["figure"], "plots/ocs_linear.png");
    assert_eq!(experiments[1]["claims"], Value::Null);
    assert_eq!(experiments[1]["figure"], Value::Null);
    let text = told(at, &["list", "runs"]);
    assert!(text.contains("2 unfinished") && text.contains("1 fail, 2 hold"), "{text}");
    assert!(told(at, &["list", "runs/mine"]).contains("runs/mine"));
    fs::write(at.join("file"), "").unwrap();
    assert!(refused(at, &["list", "file"]).contains("name a folder of runs"));
}

#[test]
fn thresholds_and_phase_are_those_of_the_stretch_that_a_run_is_in() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for mut record in linear(at) {
        let phase = |label: &str, steps| StretchConfig {
            label: Some(label.to_owned()),
            steps: Some(steps),
            ..StretchConfig::default()
        };
        record.config.phases = vec![phase("before", 1), phase("behind", 1000)];
        let variances = [1.0, 500.0 / record.config.phase_threshold];
        let stretches = record.config.stretches().unwrap();
        let stretch = |(stretch, target_variance): (&Stretch, f64)| StretchRecord {
            label: stretch.label.clone(),
            first_step: stretch.span.first_step,
            start_time: stretch.span.start_time,
            ocs: record.ocs.clone(),
            target_variance,
            phase: record.phase.clone(),
            phase_sensitivity: Vec::new(),
        };
        record.stretches = stretches.iter().zip(variances).map(stretch).collect();
        write_json(&path_of(&at.join("runs/mine"), &record.condition, 0), &record).unwrap();
    }
    let frame = told(at, &["watch", "runs/mine", "--width", "90", "--height", "40"]);
    assert!(frame.contains("since 'behind' began"), "{frame}");
    let shown = panel(&frame, "V, input dependence").concat();
    assert!(shown.contains("500.00"), "{frame}");
}

/// Claims of some experiments, as `ocs reproduce` keeps them.
fn decide(plots: &Path, stems: &[&str]) {
    let one = |stem: &&str| serde_json::json!({"stem": stem, "origin": "", "claims": []});
    let decided: Vec<Value> = stems.iter().map(one).collect();
    fs::create_dir_all(plots).unwrap();
    let text = serde_json::json!({"experiments": decided}).to_string();
    fs::write(plots.join("claims.json"), text).unwrap();
}

#[test]
fn a_report_of_quick_experiments_tells_of_quick_runs_and_lacks_only_what_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let plots = at.join("plots/quick");
    decide(&plots, &["ocs_linear", "ocs_depth", "ocs_modes"]);
    for (runs, seed) in [("runs/ocs_linear", 77), ("runs/quick/ocs_linear", 78)] {
        let config = Config { seeds: vec![seed], ..Config::default() };
        write_config(&at.join(runs), &config).unwrap();
    }
    fs::create_dir_all(at.join("runs/quick/ocs_depth")).unwrap();
    fs::write(at.join("runs/quick/ocs_depth/config.yaml"), "of: another version").unwrap();
    fs::create_dir_all(plots.join("ocs_modes.png")).unwrap();
    let output = ocs(at).args(["report", "--plots", "plots/quick"]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    for words in
        ["part of ocs_depth", "ocs_depth/config.yaml", "part of ocs_modes", "ocs_modes.png"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("part of ocs_linear"), "{text}");
    let page = fs::read_to_string(plots.join("index.html")).unwrap();
    assert!(page.contains("- 78") && !page.contains("- 77"), "the config of the quick runs");
    for stem in ["ocs_linear", "ocs_depth", "ocs_modes"] {
        assert!(page.contains(&format!("ocs reproduce {stem} --quick")), "{stem}");
    }
}

#[test]
fn sections_of_a_report_have_addresses_of_their_own_and_paths_in_commands_are_words() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let records = linear(at);
    let runs = ["a/x", "b/x", "it's mine/glossary"];
    for run in runs {
        let record = &records[0];
        write_json(&path_of(&at.join(run), &record.condition, record.seed), record).unwrap();
    }
    told(at, &[&["report", "--out", "page.html"][..], &runs].concat());
    let page = fs::read_to_string(at.join("page.html")).unwrap();
    let ids: Vec<&str> =
        page.split("<section id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(ids, ["a/x", "b/x", "glossary-2", "glossary"]);
    for id in ids {
        assert!(page.contains(&format!("href=\"#{id}\"")), "{id}");
    }
    // As HTML writes quotes.
    let text = page.replace("&#39;", "'").replace("&#x27;", "'");
    assert!(text.contains(r"ocs plot 'it'\''s mine/glossary'"), "{text}");
    assert!(text.contains(r"ocs train 'it'\''s mine/glossary/config.yaml'"));
}
