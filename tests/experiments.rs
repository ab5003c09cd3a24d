use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ocs::config::{self, Config, Experiment, resolve_conditions};
use ocs::experiment::{Claim, Options, Verdict, claims, theory_only, train_all, write_theories};
use ocs::record::RunFolder;

/// The shipped config as `--quick` runs it, without conditions that `keep` rejects.
fn quick(experiment: Experiment, keys: &[&str], keep: fn(&str) -> bool) -> Config {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("configs")
        .join(experiment.stem())
        .with_extension("yaml");
    let overrides: Vec<config::Override> = keys.iter().map(|key| key.parse().unwrap()).collect();
    let mut config = config::load(&path, &overrides).unwrap().quickened();
    config.conditions.0.retain(|(name, _)| keep(name));
    config
}

/// Theory, training and claims, as `ocs reproduce` does them.
fn decided(config: &Config) -> Vec<Claim> {
    let experiment = config.experiment.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut conditions = resolve_conditions(config).unwrap();
    conditions.extend(theory_only(experiment, config).unwrap());
    let uncovered = &mut |name: &str, reason: &anyhow::Error| panic!("{name}: {reason:#}");
    write_theories(&conditions, folder.path(), folder.path(), uncovered).unwrap();
    let options = Options {
        folder: folder.path().to_owned(),
        data: folder.path().to_owned(),
        device: tch::Device::Cpu,
        threads: 1,
        jobs: 2,
        resume: false,
        quick: true,
        write_every: Duration::from_secs(3600),
        interrupted: Arc::new(AtomicBool::new(false)),
    };
    train_all(config, &options, &|_| ()).unwrap();
    claims(experiment, &RunFolder::read(folder.path()).unwrap()).unwrap()
}

fn assert_all_hold(claims: &[Claim]) {
    let failed: Vec<&Claim> =
        claims.iter().filter(|claim| claim.verdict != Verdict::Holds).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(claims.iter().any(|claim| claim.control));
}

/// Correlated inputs have a common component, by which even a network without biases learns the constant first.
const SABOTAGE: [&str; 2] = ["task.inputs=correlated", "task.correlation=0.5"];

fn assert_controls_fail(claims: &[Claim]) {
    let controls: Vec<&Claim> = claims.iter().filter(|claim| claim.control).collect();
    assert!(!controls.is_empty());
    for control in controls {
        assert_eq!(control.verdict, Verdict::Fails, "{control:?}");
    }
}

#[test]
fn phases_lengthen_with_weaker_starts_as_theory_says() {
    let few = |name: &str| name.ends_with("1e-2") || name.ends_with("1e-3");
    let experiment = Experiment::OcsInitScale;
    assert_all_hold(&decided(&quick(experiment, &[], few)));
    assert_controls_fail(&decided(&quick(experiment, &SABOTAGE, few)));
}

#[test]
fn the_phase_stays_at_every_depth_with_biases_and_appears_at_none_without() {
    let all = |_: &str| true;
    let experiment = Experiment::OcsDepth;
    // The end of the phase lies before time 17.
    let short = "training.steps=4000";
    assert_all_hold(&decided(&quick(experiment, &[short], all)));
    assert_controls_fail(&decided(&quick(experiment, &[short, SABOTAGE[0], SABOTAGE[1]], all)));
}

/// The experiment on glyphs, which need no files; Fashion-MNIST's conditions are left out.
const GLYPHS: [&str; 6] = [
    "task.inputs=glyphs",
    "network.hidden=[12]",
    "training.precision=float64",
    "quick.train_samples=160",
    "training.learning_rate=1.5e-3",
    "training.steps=4600",
];

fn without_fashion(name: &str) -> bool {
    !name.starts_with("fashion-mnist")
}

fn claim<'a>(claims: &'a [Claim], id: &str) -> &'a Claim {
    claims.iter().find(|claim| claim.id == id).unwrap_or_else(|| panic!("no claim {id}"))
}

#[test]
fn images_without_a_mean_bring_no_phase_and_all_times_are_predicted() {
    let claims = decided(&quick(Experiment::OcsGram, &GLYPHS, without_fashion));
    let predicted: Vec<&Claim> =
        claims.iter().filter(|claim| claim.id.starts_with("predicted-")).collect();
    assert_eq!(predicted.len(), 6);
    let decided = ["centred-overlap", "centred-mean", "centred-phase"].map(|id| claim(&claims, id));
    for claim in predicted.into_iter().chain(decided) {
        assert_eq!(claim.verdict, Verdict::Holds, "{claim:#?}");
    }
    assert_eq!(claim(&claims, "left-out").verdict, Verdict::Reported);
}

#[test]
fn raw_images_in_place_of_centred_ones_and_coarse_steps_are_noticed() {
    let spoilt = ["task.preprocessing=raw", "training.learning_rate=3e-2", "training.steps=230"];
    let keys = [&GLYPHS[..4], &spoilt].concat();
    let claims = decided(&quick(Experiment::OcsGram, &keys, without_fashion));
    for id in [
        "centred-overlap",
        "centred-mean",
        "centred-phase",
        "phase-cifar10-standardised",
        "predicted-mnist-raw",
    ] {
        assert_eq!(claim(&claims, id).verdict, Verdict::Fails, "{id}");
    }
}

#[test]
fn centred_images_in_place_of_raw_ones_are_noticed() {
    let spoilt = ["task.preprocessing=pixel-centred", "training.steps=50"];
    let claims =
        decided(&quick(Experiment::OcsGram, &[&GLYPHS[..5], &spoilt].concat(), without_fashion));
    for id in ["raw-overlap", "phase-mnist-raw", "phase-cifar10-raw", "existence-is-predicted"] {
        assert_eq!(claim(&claims, id).verdict, Verdict::Fails, "{id}");
    }
}
