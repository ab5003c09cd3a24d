//! Can inputs do what biases do? Inputs that share a component, no biases: the constant is sped up by
//! `sqrt(1 + (N - 1) rho)`, every contrast slowed by `sqrt(1 - rho)` (THEORY 13); from `rho_c` on the constant wins.

mod page;

use anyhow::Result;

use super::Study;
use crate::claim::{ABSENT, Claim, PRESENT, at_most, claim, within};
use crate::config::{Bias, Config, Initialisation, Inputs, resolve_conditions};
use crate::metrics::Phase;
use crate::record::{Record, RunFolder};
use crate::theory::Theory;

/// The study.
pub static STUDY: Study = Study {
    stem: "ocs_correlation",
    question: "Can inputs do what biases do?",
    source: "Rubruck et al. 2024: generic input correlations drive the OCS without biases",
    config: include_str!("../../../configs/ocs_correlation.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict,
    claims,
    page: page::page,
};

/// A start too small to be trained in reasonable time.
const SMALLEST_START: f64 = 1e-8;
/// How near to 0.8 or 1.2 rho_c a run must be to count as such.
const NEAR: f64 = 0.02;
/// rho_c at a0 = 1e-4, from independent work.
const CRITICAL_AT_1E_4: f64 = 0.0525;

/// Theory's grid of rho.
fn grid() -> impl Iterator<Item = f64> {
    (0..=38).map(|step| f64::from(step) / 40.0)
}

/// A grid of rho for every start of the config and a smaller one, and for each of them rho_c, where it exists.
fn also_predict(config: &Config) -> Result<Vec<(String, Config)>> {
    let mut starts = vec![SMALLEST_START];
    let mut base = config.clone();
    for (_, condition) in resolve_conditions(config)? {
        if let Some((a0, _)) = condition.start_and_correlation() {
            starts.push(a0);
            base = condition;
        }
    }
    starts.sort_by(f64::total_cmp);
    starts.dedup();
    // Onset and end are solved for: no curve is needed.
    base.training.steps = 1;
    base.training.observations = 2;
    let mut conditions = Vec::new();
    for a0 in starts {
        let at = |correlation: f64| -> Config {
            let mut config = base.clone();
            config.task.correlation = correlation;
            if let Initialisation::Aligned(aligned) = &mut config.network.initialisation {
                aligned.a0 = a0;
            }
            config
        };
        for rho in grid() {
            conditions.push((format!("theory-a0-{a0:e}-rho-{rho:.3}"), at(rho)));
        }
        if let Some(rho) = critical_correlation(&at)? {
            conditions.push((format!("critical-a0-{a0:e}"), at(rho)));
        }
    }
    Ok(conditions)
}

/// rho at which onset and end coincide, bisected; `None` if the phase is there at rho = 0, or absent at 0.9.
fn critical_correlation(at: &dyn Fn(f64) -> Config) -> Result<Option<f64>> {
    let has_phase = |rho: f64| -> Result<bool> {
        let config = at(rho);
        let (onset, end) = Theory::new(&config)?.onset_and_end(config.phase_threshold)?;
        Ok(Phase::between(onset, end).is_there())
    };
    let (mut low, mut high) = (0.0, 0.9);
    if has_phase(low)? || !has_phase(high)? {
        return Ok(None);
    }
    while high - low > 1e-9 {
        let middle = 0.5 * (low + high);
        if has_phase(middle)? { high = middle } else { low = middle }
    }
    Ok(Some(high))
}

/// rho_c of a start, as theory solved for it: the one that it was asked about beside its grid.
pub(super) fn critical_of(runs: &RunFolder, a0: f64) -> Option<f64> {
    let is_critical = |config: &Config| {
        config
            .start_and_correlation()
            .is_some_and(|(start, rho)| start == a0 && !grid().any(|known| known == rho))
    };
    let found = runs.pick_predicted("rho_c", is_critical).ok()?;
    found.first().map(|theory| theory.config.task.correlation)
}

/// Runs at `factor` times rho_c, one for each start that is trained; none where theory has no rho_c.
fn at_critical(runs: &RunFolder, factor: f64) -> Vec<&Record> {
    runs.pick_any(|config| {
        config.start_and_correlation().is_some_and(|(a0, rho)| {
            critical_of(runs, a0).is_some_and(|critical| (rho / critical - factor).abs() <= NEAR)
        })
    })
}

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let at_zero =
        runs.pick("rho = 0", |c| c.start_and_correlation().is_some_and(|(_, rho)| rho == 0.0))?;
    let (below, above) = (at_critical(runs, 0.8), at_critical(runs, 1.2));
    let critical = within(5e-5, CRITICAL_AT_1E_4);
    let mut errors = Vec::new();
    for run in &runs.records {
        errors.push(difference(&run.phase, &runs.theory_beside(run)?.phase));
    }
    Ok(vec![
        claim("no-phase-without-correlation")
            .says("Without biases and without a common component of the inputs there is no OCS phase.")
            .control()
            .of(&at_zero)
            .at_other_thresholds()
            .every(ABSENT, "{}, in every run with rho = 0"),
        claim("no-phase-below")
            .says("Gradient descent has no OCS phase at 0.8 times the correlation rho_c that theory asks for.")
            .control()
            .of(&below)
            .also(below.len() >= 2)
            .every(ABSENT, "{}, at both starts"),
        claim("phase-above")
            .says("Gradient descent passes through the OCS at 1.2 rho_c, without any bias.")
            .of(&above)
            .also(above.len() >= 2)
            .every(PRESENT, "at both starts"),
        claim("critical-correlation")
            .says("From a0 = 1e-4 a correlation of about one twentieth suffices.")
            .values("rho_c, solved for", [critical_of(runs, 1e-4)])
            .each(critical, "{}, a number found independently"),
        claim("ratios-are-theorys")
            .says("Gradient descent's phases are as long as theory says.")
            .values("|ln(end/onset) - theory|", errors)
            .each(at_most(0.02), "in every run"),
        one_half_is_an_input_bias(runs)?,
    ])
}

/// Of the lengths of two phases.
fn difference(one: &Phase, other: &Phase) -> Option<f64> {
    Some((one.log_ratio? - other.log_ratio?).abs())
}

fn one_half_is_an_input_bias(runs: &RunFolder) -> Result<Claim> {
    let bias = runs.pick_one("one-hot inputs and bias: input", |config| {
        config.task.inputs == Inputs::OneHot && config.network.bias == Bias::Input
    })?;
    let a0 = bias.config.network.initialisation.aligned_strength();
    let halves = runs.pick("rho = 0.5 from the same start", |config| {
        config.start_and_correlation().is_some_and(|(start, rho)| Some(start) == a0 && rho == 0.5)
    })?;
    let mut errors = Vec::new();
    for half in halves {
        errors.push(difference(&half.phase, &bias.phase));
        let (of_half, of_bias) = (runs.theory_beside(half)?, runs.theory_beside(bias)?);
        errors.push(difference(&of_half.phase, &of_bias.phase));
    }
    Ok(claim("one-half-is-an-input-bias")
        .says("A correlation of 1/2 does what a bias in the first layer does to one-hot inputs.")
        .values("difference of ln(end/onset), in training and in theory", errors)
        .each(at_most(0.01), "in both"))
}
