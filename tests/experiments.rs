use ocs::claim::{Claim, Verdict};
use ocs::config::{Config, resolve_conditions};
use ocs::record::RunFolder;
use ocs::sweep::theory_of;

use crate::quick_runs;

/// The shipped config as `--quick` runs it, without conditions that `keep` rejects.
fn quick(stem: &str, keys: &[&str], keep: fn(&str) -> bool) -> Config {
    let mut config = quick_runs::shipped(stem, keys);
    config.conditions.0.retain(|(name, _)| keep(name));
    config
}

/// Theory, training and claims, as `ocs reproduce` does them.
fn decided(stem: &str, keys: &[&str], keep: fn(&str) -> bool) -> Vec<Claim> {
    let runs = quick_runs::trained(&quick(stem, keys, keep), |_| false);
    quick_runs::claims(stem, &runs).unwrap()
}

fn assert_controls_fail(claims: &[Claim]) {
    let controls: Vec<&Claim> = claims.iter().filter(|claim| claim.control).collect();
    assert!(!controls.is_empty());
    for control in controls {
        assert_eq!(control.verdict, Verdict::Fails, "{control:?}");
    }
}

#[test]
fn where_inputs_are_correlated_negative_controls_fail() {
    // Such inputs have a common component, by which even a network without biases learns the constant first.
    const CORRELATED: [&str; 2] = ["task.inputs=correlated", "task.correlation=0.5"];
    let few = |name: &str| name.ends_with("1e-2") || name.ends_with("1e-3");
    assert_controls_fail(&decided("ocs_init_scale", &CORRELATED, few));
    // The end of the phase lies before time 17.
    let keys = [&CORRELATED[..], &["training.steps=4000"]].concat();
    assert_controls_fail(&decided("ocs_depth", &keys, |_| true));
    assert_controls_fail(&decided("ocs_modes", &CORRELATED, |_| true));
}

#[test]
fn under_squared_error_true_negative_rates_do_not_start_at_one_half() {
    // Claims on softmax are decided from its own runs.
    fn is_of_softmax(condition: &str) -> bool {
        condition.starts_with("softmax")
    }
    let keys = ["training.loss=half-squared-error"];
    let config = quick("ocs_loss", &keys, |condition| !is_of_softmax(condition));
    let mut runs = quick_runs::trained(&config, |_| false);
    let RunFolder { records, theories, .. } = quick_runs::of_study("ocs_loss").clone();
    runs.records.extend(records.into_iter().filter(|run| is_of_softmax(&run.condition)));
    runs.theories.extend(theories.into_iter().filter(|theory| is_of_softmax(&theory.condition)));
    let claims = quick_runs::claims("ocs_loss", &runs).unwrap();
    let claim = claims.iter().find(|claim| claim.id == "rates-start-at-one-half").unwrap();
    assert_eq!(claim.verdict, Verdict::Fails, "{claim:?}");
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
