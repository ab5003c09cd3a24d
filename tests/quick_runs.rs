use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ocs::claim::Claim;
use ocs::config::{self, Config, Scale, resolve_conditions};
use ocs::plot::{self, canvas::Canvas};
use ocs::record::{RunFolder, Status};
use ocs::studies::{self, Study};
use ocs::sweep::{Options, Tasks, train_all, write_theories};

use crate::reproducible_runs::options;

/// The study of a stem.
pub fn study(stem: &str) -> &'static Study {
    studies::find(stem).unwrap_or_else(|| panic!("there is no study {stem}"))
}

/// The claims of a study, from records.
pub fn claims(stem: &str, runs: &RunFolder) -> anyhow::Result<Vec<Claim>> {
    study(stem).decide(runs)
}

/// The shipped config as `--quick` runs it, with some keys set.
pub fn shipped(stem: &str, keys: &[&str]) -> Config {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(stem);
    let keys: Vec<config::Override> = keys.iter().map(|key| key.parse().unwrap()).collect();
    config::load(&path.with_extension("yaml"), &keys).unwrap().at(Scale::Quick).unwrap()
}

/// Theory and training, as `ocs reproduce` does them; every condition but those that `uncovered` accepts has a theory.
pub fn trained(config: &Config, uncovered: fn(&str) -> bool) -> RunFolder {
    let folder = tempfile::tempdir().unwrap();
    let mut conditions = resolve_conditions(config).unwrap();
    let study = studies::of(config).unwrap().unwrap();
    conditions.extend((study.also_predict)(config).unwrap());
    let refused = &mut |condition: &str, reason: &anyhow::Error| {
        assert!(uncovered(condition), "{condition}: {reason:#}");
    };
    write_theories(
        &conditions,
        folder.path(),
        &mut Tasks::new(folder.path()),
        study.theory_of_images,
        refused,
    )
    .unwrap();
    let options = Options {
        jobs: 2,
        scale: Scale::Quick,
        only: None,
        left_alone: Default::default(),
        anew: Default::default(),
        mended: Default::default(),
        on_failure: ocs::sweep::OnFailure::Stop,
        write_every: Duration::from_secs(3600),
        ..options(folder.path())
    };
    train_all(config, &options, &|_| ()).unwrap();
    let runs = RunFolder::read(folder.path()).unwrap();
    assert!(runs.records.iter().all(|run| matches!(run.status, Status::Complete)));
    runs
}

/// The figure of a study, from records.
pub fn figure(stem: &str, runs: &RunFolder) -> Canvas {
    (study(stem).page)(runs).canvas(&runs.records)
}

/// The same, drawn to files under the study's name.
pub fn draw(stem: &str, runs: &RunFolder, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    plot::draw(&(study(stem).page)(runs), &runs.records, folder, stem)
}

/// The runs of a study that needs no images, in its quick form; trained once, whoever asks.
pub fn of_study(stem: &'static str) -> &'static RunFolder {
    static RUNS: Mutex<BTreeMap<&str, &RunFolder>> = Mutex::new(BTreeMap::new());
    let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
    runs.entry(stem)
        .or_insert_with(|| Box::leak(Box::new(trained(&shipped(stem, &[]), is_uncovered))))
}

/// Conditions of studies without images that no theory covers: controls and networks of three layers in `bias_free_relu`, nonlinear
/// ones in `prior_knowledge`; those of `ocs_human`, which learn one trial after the other.
pub fn is_uncovered(condition: &str) -> bool {
    ["asymmetric", "even", "circle", "deep", "forgets-tanh", "forgets-relu", "biases", "no-biases"]
        .iter()
        .any(|start| condition.starts_with(start))
}
