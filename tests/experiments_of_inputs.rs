use ocs::claim::{Claim, Verdict};

use crate::quick_runs;

/// Claims of an experiment's quick form, with some keys set.
fn claims_with(stem: &str, set: &[&str]) -> Vec<Claim> {
    let runs = quick_runs::trained(&quick_runs::shipped(stem, set), |_| false);
    quick_runs::claims(stem, &runs).unwrap()
}

fn failing(claims: &[Claim]) -> Vec<&str> {
    let fails = claims.iter().filter(|claim| claim.verdict == Verdict::Fails);
    fails.map(|claim| &*claim.id).collect()
}

#[test]
fn correlated_inputs_bring_the_phase_from_the_critical_correlation_on() {
    let claims = claims_with("ocs_correlation", &[]);
    assert_eq!(failing(&claims), Vec::<&str>::new());
}

#[test]
fn the_first_response_mirrors_unequal_frequencies() {
    let claims = claims_with("ocs_frequencies", &[]);
    assert_eq!(failing(&claims), Vec::<&str>::new());
}

#[test]
fn under_cross_entropy_the_constant_solution_shows_in_logits() {
    let claims = claims_with("ocs_loss", &[]);
    assert_eq!(failing(&claims), Vec::<&str>::new());
}

#[test]
fn under_squared_error_true_negative_rates_do_not_start_at_one_half() {
    let claims = claims_with("ocs_loss", &["training.loss=half-squared-error"]);
    assert!(failing(&claims).contains(&"rates-start-at-one-half"), "{claims:?}");
}
