use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use ocs::report::glossary::{find, terms};

fn explain(arguments: &[&str]) -> std::process::Output {
    Command::cargo_bin("ocs").unwrap().arg("explain").args(arguments).output().unwrap()
}

/// Whether a source file defines a function, a type or a field of a name.
fn defines(source: &str, item: &str) -> bool {
    let kinds = ["fn", "struct", "enum", "trait", "type"];
    let is_named = |line: &str, start: &str| {
        let rest = line.trim_start().strip_prefix(start);
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    source.lines().any(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("pub ").unwrap_or(line);
        kinds.iter().any(|kind| is_named(line, &format!("{kind} {item}")))
            || is_named(line, item) && line.trim_start_matches(item).starts_with(':')
    })
}

#[test]
fn every_word_names_files_and_items_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut missing = Vec::new();
    for term in terms() {
        for (file, item) in term.code {
            let source = fs::read_to_string(root.join(file)).unwrap_or_default();
            if !defines(&source, item) {
                missing.push(format!("{}: {item} in {file}", term.word));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    assert!(!defines("pub fn rated(", "rate") && defines("    pub fn rate<T>(", "rate"));
}

#[test]
fn every_word_is_found_by_each_of_its_names_and_no_name_is_two_words() {
    let mut seen = BTreeSet::new();
    for term in terms() {
        for name in term.all_names() {
            assert!(seen.insert(name), "{name} is said of two words");
            assert_eq!(find(name).map(|found| found.word), Some(term.word), "{name}");
        }
    }
    for (asked, word) in [
        ("ocs", "optimal constant solution, OCS, ȳ"),
        ("Mode-Strength", "mode strength"),
        ("mode_strengths", "mode strength"),
        ("tnr", "true negative rate, TNR"),
        ("ntk", "neural tangent kernel, NTK, Θ"),
        ("m", "M, mean-output error"),
        ("v", "V, input dependence"),
        ("phase", "OCS phase"),
    ] {
        assert_eq!(find(asked).unwrap().word, word, "{asked}");
    }
}

#[test]
fn a_word_is_told_with_its_equation_and_an_unknown_one_with_near_ones() {
    let text = String::from_utf8(explain(&["mode", "strength"]).stdout).unwrap();
    for words in ["a(t) = uᵀ W(t) v", "arXiv 1312.6120", "src/theory/modes.rs (strength)", "unit"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    let list = String::from_utf8(explain(&[]).stdout).unwrap();
    assert_eq!(list.lines().filter(|line| line.contains("OCS phase  ")).count(), 1, "{list}");
    let all: serde_json::Value = serde_json::from_slice(&explain(&["--json"]).stdout).unwrap();
    assert_eq!(all.as_array().unwrap().len(), terms().count());
    let one: serde_json::Value = serde_json::from_slice(&explain(&["V", "--json"]).stdout).unwrap();
    assert_eq!(one["unit"], "responses²");
    for (word, near) in [("onsett", "did you mean 'onset'?"), ("tangent", "neural tangent kernel")]
    {
        let answer = explain(&[word]);
        let text = String::from_utf8(answer.stderr).unwrap();
        assert_eq!(answer.status.code(), Some(2));
        assert!(text.contains(near) && text.contains("`ocs explain` lists them"), "{text}");
    }
}

#[test]
fn every_command_has_a_manual_page_that_says_what_help_says() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("man1");
    let mut ocs = Command::cargo_bin("ocs").unwrap();
    let answer = ocs.args(["man", "--out"]).arg(&out).output().unwrap();
    let written = String::from_utf8(answer.stdout).unwrap();
    for page in ["ocs.1", "ocs-train.1", "ocs-data-fetch.1", "ocs-slurm-status.1", "ocs-man.1"] {
        assert!(out.join(page).is_file() && written.contains(page), "{page}: {written}");
    }
    let plot = fs::read_to_string(out.join("ocs-plot.1")).unwrap();
    assert!(plot.contains(r"\-\-overlay") && plot.contains(".TH"), "{plot}");
    assert!(plot.contains("ocs\\-plot") || plot.contains("ocs plot"), "{plot}");
    let first = fs::read_to_string(out.join("ocs.1")).unwrap();
    assert!(first.contains("ocs\\-train(1)"), "{first}");
}
