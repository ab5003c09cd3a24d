use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ocs::config::{self, Config, Override, cells};
use ocs::record::{config_path, path_of, runs_of};
use ocs::sweep::{Existing, OnFailure, Options, Refused, train_all};
use tempfile::tempdir;

use crate::reproducible_runs::options;

const TEXT: &str = "name: test
network: {hidden: [4], initialisation: {normal: {std: 0.05}}}
training: {steps: 20, observations: 5}
seeds: [0]\n";

fn config(keys: &[&str]) -> Config {
    let overrides: Vec<Override> = keys.iter().map(|key| key.parse().unwrap()).collect();
    config::parse(TEXT, "test", &overrides).unwrap()
}

fn all_ways(folder: &Path) -> [Options; 3] {
    [Existing::Refuse, Existing::Resume, Existing::Overwrite]
        .map(|existing| Options { existing, ..options(folder) })
}

#[test]
fn one_folder_is_of_one_config_however_far_apart_the_runs_are() {
    let folder = tempdir().unwrap();
    let first = config(&["conditions={a: {}}"]);
    train_all(&first, &options(folder.path()), &|_| ()).unwrap();
    let text = std::fs::read_to_string(config_path(folder.path())).unwrap();
    for (keys, words) in [
        (
            &["conditions={b: {}}", "training.learning_rate=0.3"][..],
            "(training.learning_rate was 0.004, is 0.3)",
        ),
        (&["conditions={b: {}}", "training.steps=10"], "(training.steps was 20, is 10)"),
        (
            &["conditions={b: {}}", "grid.network.bias=[none, all]"],
            "(grid varied nothing, varies network.bias)",
        ),
    ] {
        for options in all_ways(folder.path()) {
            let error = train_all(&config(keys), &options, &|_| ()).unwrap_err();
            assert!(error.is::<Refused>(), "{error:#}");
            let error = error.to_string();
            for part in [words, "a/0.json", "--set name=", "--out"] {
                assert!(error.contains(part), "{error}");
            }
        }
    }
    assert_eq!(std::fs::read_to_string(config_path(folder.path())).unwrap(), text);
    assert_eq!(runs_of(folder.path()), [("a".to_owned(), 0)]);
    // What replaces all that is there is of one config again.
    let other = config(&["conditions={a: {}}", "training.observations=7"]);
    let [_, _, replacing] = all_ways(folder.path());
    train_all(&other, &replacing, &|_| ()).unwrap();
}

#[test]
fn what_differs_in_conditions_seeds_grid_values_and_more_steps_alone_shares_a_folder_and_its_config()
 {
    let folder = tempdir().unwrap();
    let train = |keys: &[&str]| {
        train_all(&config(keys), &all_ways(folder.path())[1], &|_| ()).unwrap();
    };
    let rates = |values: &str| format!("grid.training.learning_rate={values}");
    train(&["conditions={a: {}}", &rates("[0.1, 1e6]")]);
    train(&["conditions={b: {network.bias: all}}", &rates("[0.2]")]);
    train(&["conditions={b: {network.bias: all}}", &rates("[0.2]"), "seeds=[3]"]);
    // Those of before are behind now, by the config of all, and are extended when they are asked for.
    train(&["conditions={c: {}}", &rates("[0.2]"), "training.steps=30"]);
    let text = std::fs::read_to_string(config_path(folder.path())).unwrap();
    let all = config::parse(&text, "test", &[]).unwrap();
    assert_eq!((cells(&all).unwrap().len(), &all.seeds[..]), (9, &[0, 3][..]));
    assert_eq!(all.training.steps, 30);
    let known: Vec<String> = cells(&all).unwrap().into_iter().map(|cell| cell.name).collect();
    assert!(
        runs_of(folder.path())
            .iter()
            .all(|(name, seed)| { known.contains(name) && all.seeds.contains(seed) })
    );
    train_all(&all, &all_ways(folder.path())[1], &|_| ()).unwrap();
    assert!(path_of(folder.path(), "a,learning_rate=0.2", 3).exists());
    ocs::record::RunFolder::read(folder.path()).unwrap();
}

/// Every file below a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn what_cannot_be_trained_is_told_before_anything_is_replaced() {
    let aligned = "network: {hidden: [8], initialisation: {aligned: {a0: 1e-4}}}\n";
    let glyphs = "task: {inputs: glyphs, samples: {train: 40, test: 40}}\n\
                  network: {kind: cnn, hidden: [2], initialisation: {kaiming: {gain: 1}}}\n";
    for (good, bad, words) in [
        (
            aligned,
            "network.hidden: [3]",
            "network.hidden has a width of 3, but the aligned start needs one unit for each of the",
        ),
        (
            glyphs,
            "training.batch_size: 41",
            "training.batch_size is 41, but there are 40 training samples",
        ),
    ] {
        let rest = "name: test\ntraining: {steps: 20, observations: 5}\nseeds: [0]\n";
        let parse = |more: &str| config::parse(&format!("{good}{rest}{more}"), "test", &[]);
        let folder = tempdir().unwrap();
        train_all(&parse("").unwrap(), &options(folder.path()), &|_| ()).unwrap();
        let before = files(folder.path());
        let [_, _, replacing] = all_ways(folder.path());
        // The first of two conditions could be trained.
        let last = parse(&format!("conditions: {{default: {{}}, last: {{{bad}}}}}")).unwrap();
        let error = format!("{:#}", train_all(&last, &replacing, &|_| ()).unwrap_err());
        assert!(error.contains(words), "{error}");
        assert!(files(folder.path()) == before, "{words}: nothing was removed or written");
        // A sweep trains the others.
        let marking = Options { on_failure: OnFailure::Mark, ..replacing };
        let told = train_all(&last, &marking, &|_| ()).unwrap();
        assert_eq!((told.complete, told.failed.len()), (1, 1));
    }
}
