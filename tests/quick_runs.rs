use std::path::Path;
use std::time::Duration;

use ocs::config::{self, Config, Experiment, Scale, resolve_conditions};
use ocs::experiment::{Options, theory_only, train_all, write_theories};
use ocs::record::{RunFolder, Status};

use crate::reproducible_runs::options;

/// The shipped config as `--quick` runs it, with some keys set.
pub fn shipped(experiment: Experiment, keys: &[&str]) -> Config {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(experiment.stem());
    let keys: Vec<config::Override> = keys.iter().map(|key| key.parse().unwrap()).collect();
    config::load(&path.with_extension("yaml"), &keys).unwrap().at(Scale::Quick).unwrap()
}

/// Theory and training, as `ocs reproduce` does them; every condition but those that `uncovered` accepts has a theory.
pub fn trained(config: &Config, uncovered: fn(&str) -> bool) -> RunFolder {
    let folder = tempfile::tempdir().unwrap();
    let mut conditions = resolve_conditions(config).unwrap();
    conditions.extend(theory_only(config.experiment.unwrap(), config).unwrap());
    let refused = &mut |condition: &str, reason: &anyhow::Error| {
        assert!(uncovered(condition), "{condition}: {reason:#}");
    };
    write_theories(&conditions, folder.path(), folder.path(), refused).unwrap();
    let options = Options {
        jobs: 2,
        scale: Scale::Quick,
        write_every: Duration::from_secs(3600),
        ..options(folder.path())
    };
    train_all(config, &options, &|_| ()).unwrap();
    let runs = RunFolder::read(folder.path()).unwrap();
    assert!(runs.records.iter().all(|run| matches!(run.status, Status::Complete)));
    runs
}
