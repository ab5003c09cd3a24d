//! The list of keys has every key that a config can hold, and the page of it is what the program prints.

use std::collections::BTreeMap;

use assert_cmd::Command;
use ocs::config::{self, Key};
use serde_json::Value;

fn ocs(arguments: &[&str]) -> (i32, String, String) {
    let answer = Command::cargo_bin("ocs").unwrap().args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (answer.status.code().unwrap(), text(&answer.stdout), text(&answer.stderr))
}

fn by_name() -> BTreeMap<String, Key> {
    config::keys().into_iter().map(|key| (key.key.clone(), key)).collect()
}

/// Dotted keys of a config that is written out. Conditions, grids, phases and what a scale sets hold keys of the others.
fn written(prefix: &str, value: &Value, found: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let holds_others =
            ["conditions", "grid", "phases", "full.set", "full.conditions"].contains(&key.as_str());
        if !holds_others {
            written(&key, value, found);
        }
        found.push(key);
    }
}

#[test]
fn every_key_of_every_shipped_config_written_out_is_listed_with_its_meaning() {
    let keys = by_name();
    let mut n_found = 0;
    for study in ocs::studies::ALL {
        let (status, text, stderr) = ocs(&["config", study.stem, "--json"]);
        assert_eq!(status, 0, "{stderr}");
        let mut found = Vec::new();
        written("", &serde_json::from_str(&text).unwrap(), &mut found);
        n_found += found.len();
        for key in found {
            let is_choice = |(key, word): (&str, &str)| {
                keys.get(key)
                    .is_some_and(|key| key.choices.iter().any(|(choice, _)| choice == word))
            };
            let is_listed = keys.contains_key(&key) || key.rsplit_once('.').is_some_and(is_choice);
            assert!(is_listed, "{}: {key} is not listed", study.stem);
        }
    }
    assert!(n_found > 40 * ocs::studies::ALL.len(), "{n_found} keys in all");
    for (name, key) in &keys {
        let says = !key.meaning.is_empty() || key.choices.iter().any(|(_, text)| !text.is_empty());
        assert!(says, "{name} has no doc comment");
        assert!(!key.kind.is_empty(), "{name} can be nothing");
        for (word, _) in &key.choices {
            let count = key.kind.split([' ', '(', ')']).filter(|own| own == word).count();
            let most = if key.kind.contains("| list of") { 2 } else { 1 };
            assert!((1..=most).contains(&count), "{name}: {}", key.kind);
        }
    }
}

/// A value that the list says is possible is one that a config takes: words, one after the other.
#[test]
fn words_and_defaults_that_are_listed_are_read() {
    let mut n_read = 0;
    for (name, key) in by_name() {
        // A parameter stands below its choice, which other keys of the config may exclude.
        let written = |(word, _): &(String, String)| match key.kind.starts_with("list of") {
            true => format!("[\"{word}\"]"),
            false => format!("\"{word}\""),
        };
        let words: Vec<String> = key.choices.iter().map(written).chain(key.default).collect();
        for word in words {
            let entry = format!("{name}={word}").parse().unwrap();
            if let Err(error) = config::parse("{}", "keys", &[entry]) {
                let told = format!("{error:#}");
                // Which keys go with which is another matter than what a key can be.
                for fault in ["cannot be", "has no key", "must be a "] {
                    assert!(!told.contains(fault), "{name}={word}: {told}");
                }
            }
            n_read += 1;
        }
    }
    assert!(n_read > 150, "{n_read} values");
    let entry = "network.activation=\"relux\"".parse().unwrap();
    let told = format!("{:#}", config::parse("{}", "keys", &[entry]).unwrap_err());
    assert!(told.contains("cannot be"), "a wrong word would not be noticed: {told}");
}

#[test]
fn the_page_of_keys_is_what_the_program_prints() {
    let page = std::fs::read_to_string(format!("{}/docs/keys.md", env!("CARGO_MANIFEST_DIR")));
    let (status, printed, stderr) = ocs(&["config", "--keys"]);
    assert_eq!(status, 0, "{stderr}");
    assert!(page.unwrap() == printed, "write it anew: ocs config --keys > docs/keys.md");
}

#[test]
fn keys_are_found_by_parts_of_their_names_and_explained_by_name() {
    let (status, stdout, _) = ocs(&["config", "--keys", "momentum"]);
    assert_eq!(status, 0);
    assert!(stdout.contains("`training.optimiser.sgd.momentum`"), "{stdout}");
    assert!(!stdout.contains("`training.steps`"), "{stdout}");
    let (status, _, stderr) = ocs(&["config", "--keys", "momentun"]);
    assert_eq!(status, 2);
    assert!(stderr.contains("did you mean 'momentum'?"), "{stderr}");
    for word in ["training.gradient_clipping", "gradient_clipping"] {
        let (status, stdout, stderr) = ocs(&["explain", word]);
        assert_eq!(status, 0, "{stderr}");
        assert!(stdout.contains("**`training.gradient_clipping`** (number"), "{stdout}");
    }
    let (status, _, stderr) = ocs(&["config"]);
    assert_eq!(status, 2);
    assert!(stderr.contains("<CONFIG>"), "{stderr}");
    let (status, _, stderr) = ocs(&["config", "ocs_linear", "--keys"]);
    assert_eq!(status, 2, "{stderr}");
}
