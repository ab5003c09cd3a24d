use ocs::claim::{Claim, Verdict};
use ocs::config::{Config, resolve_conditions};
use ocs::record::{Record, RunFolder};
use ocs::sweep::theory_of;

use crate::quick_runs::{self, claims};

/// The shipped config as `--quick` runs it, without conditions that `keep` rejects.
fn quick(experiment: &str, keys: &[&str], keep: fn(&str) -> bool) -> Config {
    let mut config = quick_runs::shipped(experiment, keys);
    config.conditions.0.retain(|(name, _)| keep(name));
    config
}

/// Theory, training and claims, as `ocs reproduce` does them.
fn decided(config: &Config) -> Vec<Claim> {
    claims(config.experiment.as_deref().unwrap(), &trained(config)).unwrap()
}

fn trained(config: &Config) -> RunFolder {
    quick_runs::trained(config, |_| false)
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
    let experiment = "ocs_init_scale";
    assert_all_hold(&decided(&quick(experiment, &[], few)));
    assert_controls_fail(&decided(&quick(experiment, &SABOTAGE, few)));
}

#[test]
fn the_phase_stays_at_every_depth_with_biases_and_appears_at_none_without() {
    let all = |_: &str| true;
    let experiment = "ocs_depth";
    // The end of the phase lies before time 17.
    let short = "training.steps=4000";
    assert_all_hold(&decided(&quick(experiment, &[short], all)));
    assert_controls_fail(&decided(&quick(experiment, &[short, SABOTAGE[0], SABOTAGE[1]], all)));
}

fn of<'a>(runs: &'a mut RunFolder, condition: &str) -> &'a mut Record {
    runs.records.iter_mut().find(|record| record.condition == condition).unwrap()
}

/// Lets two conditions change their curves: each is then held to the theory of the other.
fn swap(runs: &mut RunFolder, one: &str, other: &str) {
    let curves = of(runs, one).curves.clone();
    let others = std::mem::replace(&mut of(runs, other).curves, curves);
    of(runs, one).curves = others;
}

/// Multiplies what a record has of one quantity.
fn scale<'a>(values: impl IntoIterator<Item = &'a mut f64>, factor: f64) {
    values.into_iter().for_each(|value| *value *= factor);
}

#[test]
fn modes_are_learned_when_and_by_whom_theory_says_and_spoilt_records_show() {
    let runs = trained(&quick("ocs_modes", &[], |_| true));
    let failing = |runs: &RunFolder| -> Vec<String> {
        let claims = claims("ocs_modes", runs).unwrap();
        assert!(claims.iter().any(|claim| claim.control));
        let fails = claims.into_iter().filter(|claim| claim.verdict == Verdict::Fails);
        fails.map(|claim| claim.id).collect()
    };
    assert_eq!(failing(&runs), Vec::<String>::new());

    type Spoil = fn(&mut RunFolder);
    let cases: [(&str, Spoil, &[&str]); 9] = [
        (
            "biases under the name of none",
            |runs| swap(runs, "none", "input"),
            &[
                "together-without-biases",
                "constant-is-earlier-with-input-bias",
                "fractions-are-theorys",
            ],
        ),
        (
            "biases in all layers under the name of output",
            |runs| swap(runs, "output", "all"),
            &[
                "output-bias-learns-the-constant",
                "law-with-bias-output",
                "slope-with-bias-output",
                "end-point-with-bias-output",
                "law-with-bias-all",
                "slope-with-bias-all",
                "end-point-with-bias-all",
            ],
        ),
        (
            "theory that would part the constant from the split",
            |runs| {
                let theory = runs.theories.iter_mut().find(|t| t.condition == "none").unwrap();
                scale(&mut theory.curves.mode_strengths.as_mut().unwrap()[0], 1.0 + 1e-5);
            },
            &["together-without-biases"],
        ),
        (
            "another clock",
            |runs| {
                for condition in ["input", "output"] {
                    let theory = runs.theories.iter_mut().find(|t| t.condition == condition);
                    scale(&mut theory.unwrap().curves.time, 1.03);
                    scale(&mut of(runs, condition).curves.time, 1.03);
                }
            },
            // The factor stays; the half times do not.
            &["constant-is-earlier-with-input-bias", "output-bias-learns-the-constant"],
        ),
        (
            "a larger response",
            |runs| scale(of(runs, "output").curves.mean_response.iter_mut().flatten(), 1.02),
            &["output-bias-learns-the-constant", "fractions-are-theorys"],
        ),
        (
            "weights with a share in the constant",
            |runs| {
                let strengths = of(runs, "output").curves.mode_strengths.as_mut().unwrap();
                scale(&mut strengths[0], 20.0);
            },
            // The law knows no a0.
            &["output-bias-learns-the-constant", "end-point-with-bias-output"],
        ),
        (
            "a drift upwards",
            |runs| {
                let strengths = of(runs, "all").curves.mode_strengths.as_mut().unwrap();
                let n = strengths[0].len() as f64;
                for (index, value) in strengths[0].iter_mut().enumerate() {
                    *value *= (6e-3 * index as f64 / n).exp();
                }
            },
            &["law-with-bias-all"],
        ),
        (
            "a larger bias",
            |runs| {
                let norms = of(runs, "output").curves.bias_norms.last_mut().unwrap();
                scale(norms.iter_mut().flatten(), 1.02);
            },
            &["law-with-bias-output", "slope-with-bias-output"],
        ),
        (
            "no bias at all",
            |runs| {
                for condition in ["output", "all"] {
                    of(runs, condition).curves.bias_norms.last_mut().unwrap().fill(None);
                }
            },
            &[
                "law-with-bias-output",
                "slope-with-bias-output",
                "law-with-bias-all",
                "slope-with-bias-all",
            ],
        ),
    ];
    for (what, spoil, expected) in cases {
        let mut spoilt = runs.clone();
        spoil(&mut spoilt);
        let found = failing(&spoilt);
        for id in expected {
            assert!(found.iter().any(|other| other == id), "{what}: {id} is not in {found:?}");
        }
    }
}

#[test]
fn every_split_is_measured_against_a_mode_of_its_own() {
    let config = quick("ocs_modes", &[], |name| name == "none");
    let (condition, resolved) = resolve_conditions(&config).unwrap().remove(0);
    let mut theory = theory_of(
        &condition,
        &resolved,
        None,
        &mut ocs::sweep::Tasks::new(std::path::Path::new("unused")),
    )
    .unwrap();
    for split in 0..4 {
        // All are learned by time 60, the last to 0.997.
        let fractions = theory.learned_fraction(&theory.curves, split).unwrap();
        let last = fractions[fractions.len() - 1];
        assert!((last - 1.0).abs() < 0.01, "split {split}: {last}");
    }
    assert_eq!(theory.mode_of_split(5), None);
    // A level that splits nothing has no strength, and strengths no longer stand level by level.
    theory.levels = vec![2, 2, 8];
    assert_eq!(theory.mode_of_split(1), None);
}

#[test]
fn where_inputs_are_correlated_the_control_of_modes_fails() {
    let claims = decided(&quick("ocs_modes", &SABOTAGE, |_| true));
    assert_controls_fail(&claims);
}
