//! Can inputs do what biases do? Inputs that share a component, no biases: the constant is sped up by
//! `sqrt(1 + (N - 1) rho)`, every contrast slowed by `sqrt(1 - rho)` (THEORY 13); from `rho_c` on the constant wins.

mod page;

use super::Study;
use anyhow::{Context, Result, ensure};

use crate::claim::verdicts::{exists, is_absent, log_ratios, phase_sensitivity};
use crate::claim::{Claim, Measurement};
use crate::config::{Config, Initialisation, resolve_conditions};
use crate::metrics::Phase;
use crate::record::{Record, RunFolder, TheoryRecord};
use crate::theory::Theory;

/// The study.
pub static STUDY: Study = Study {
    stem: STEM,
    question: "Can inputs do what biases do?",
    source: "Rubruck et al. 2024: generic input correlations drive the OCS without biases",
    config: include_str!("../../../configs/ocs_correlation.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: also_predict,
    claims,
    figure: page::figure,
};

const STEM: &str = "ocs_correlation";
/// The condition with one-hot inputs and a bias in the first layer.
const INPUT_BIAS: &str = "input-bias";
/// Starts conditions in which onset and end coincide.
const CRITICAL: &str = "critical";
/// A start too small to be trained in reasonable time.
const SMALLEST_START: f64 = 1e-8;
/// Steps of theory's grid of rho, each 0.025: up to 0.95.
const GRID: u32 = 38;
/// How near to 0.8 or 1.2 rho_c a run must be to count as such.
const NEAR: f64 = 0.02;
/// rho_c at a0 = 1e-4, from independent work.
const CRITICAL_AT_1E_4: f64 = 0.0525;

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
        for step in 0..=GRID {
            let rho = f64::from(step) / 40.0;
            conditions.push((format!("theory-a0-{a0:e}-rho-{rho:.3}"), at(rho)));
        }
        if let Some(rho) = critical_correlation(&at)? {
            conditions.push((format!("{CRITICAL}-a0-{a0:e}"), at(rho)));
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

/// The claims.
fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    Ok(vec![
        no_phase_without_correlation(runs)?,
        no_phase_below(runs)?,
        phase_above(runs)?,
        critical_is_known(runs),
        ratios_are_theorys(runs)?,
        one_half_is_an_input_bias(runs)?,
    ])
}

fn claim(id: &str, sentence: &str, measured: Measurement, criterion: &str, holds: bool) -> Claim {
    Claim::new(STEM, id, sentence, measured, criterion, holds)
}

/// Runs whose rho a test picks, given a0 and rho.
fn runs_where<'a>(
    runs: &'a RunFolder,
    picks: &dyn Fn(f64, f64) -> bool,
) -> Result<Vec<&'a Record>> {
    let found: Vec<&Record> = runs
        .records
        .iter()
        .filter(|record| {
            record.config.start_and_correlation().is_some_and(|(a0, rho)| picks(a0, rho))
        })
        .collect();
    ensure!(
        !found.is_empty(),
        "{STEM} lacks records with a correlation that a claim needs: run `ocs reproduce {STEM}`"
    );
    Ok(found)
}

/// rho_c of a start, as theory solved for it.
fn critical_of(runs: &RunFolder, a0: f64) -> Option<f64> {
    let is_critical = |theory: &&TheoryRecord| {
        theory.condition.starts_with(CRITICAL)
            && theory.config.network.initialisation.aligned_strength() == Some(a0)
    };
    runs.theories.iter().find(is_critical).map(|theory| theory.config.task.correlation)
}

fn no_phase_without_correlation(runs: &RunFolder) -> Result<Claim> {
    let records = runs_where(runs, &|_, rho| rho == 0.0)?;
    let mut claim = claim(
        "no-phase-without-correlation",
        "Without biases and without a common component of the inputs there is no OCS phase.",
        log_ratios(&records),
        "an end after time 0, and no onset before it, in every run with rho = 0",
        records.iter().all(|record| is_absent(&record.phase)),
    );
    claim.control = true;
    claim.sensitivity = phase_sensitivity(&records, is_absent);
    Ok(claim)
}

/// Runs at `factor` times rho_c, one for each start that is trained; none where theory has no rho_c.
fn at_critical(runs: &RunFolder, factor: f64) -> Vec<&Record> {
    let near = |a0: f64, rho: f64| {
        critical_of(runs, a0).is_some_and(|critical| (rho / critical - factor).abs() <= NEAR)
    };
    runs_where(runs, &near).unwrap_or_default()
}

fn no_phase_below(runs: &RunFolder) -> Result<Claim> {
    let records = at_critical(runs, 0.8);
    let mut claim = claim(
        "no-phase-below",
        "Gradient descent has no OCS phase at 0.8 times the correlation rho_c that theory asks for.",
        log_ratios(&records),
        "an end after time 0, and no onset before it, at both starts",
        records.len() >= 2 && records.iter().all(|record| is_absent(&record.phase)),
    );
    claim.control = true;
    Ok(claim)
}

fn phase_above(runs: &RunFolder) -> Result<Claim> {
    let records = at_critical(runs, 1.2);
    Ok(claim(
        "phase-above",
        "Gradient descent passes through the OCS at 1.2 rho_c, without any bias.",
        log_ratios(&records),
        "onset < end at both starts",
        records.len() >= 2 && records.iter().all(|record| exists(&record.phase)),
    ))
}

fn critical_is_known(runs: &RunFolder) -> Claim {
    let critical = critical_of(runs, 1e-4);
    claim(
        "critical-correlation",
        "From a0 = 1e-4 a correlation of about one twentieth suffices.",
        Measurement::of("rho_c, solved for", &[critical]),
        "within 0.00005 of 0.0525, a number found independently",
        critical.is_some_and(|critical| (critical - CRITICAL_AT_1E_4).abs() <= 5e-5),
    )
}

fn theory_of<'a>(runs: &'a RunFolder, condition: &str) -> Result<&'a TheoryRecord> {
    runs.theory_of(condition).with_context(|| {
        format!("{STEM} has no theory of condition '{condition}': run `ocs reproduce {STEM}`")
    })
}

fn difference(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some((one? - other?).abs())
}

fn ratios_are_theorys(runs: &RunFolder) -> Result<Claim> {
    let mut errors = Vec::new();
    for record in &runs.records {
        let expected = theory_of(runs, &record.condition)?.phase.log_ratio;
        errors.push(difference(record.phase.log_ratio, expected));
    }
    Ok(claim(
        "ratios-are-theorys",
        "Gradient descent's phases are as long as theory says.",
        Measurement::of("|ln(end/onset) - theory|", &errors),
        "<= 0.02 in every run",
        errors.iter().all(|error| error.is_some_and(|error| error <= 0.02)),
    ))
}

fn one_half_is_an_input_bias(runs: &RunFolder) -> Result<Claim> {
    let bias = runs.of(INPUT_BIAS).into_iter().next().with_context(|| {
        format!("{STEM} has no record of condition '{INPUT_BIAS}': run `ocs reproduce {STEM}`")
    })?;
    let a0 = bias.config.network.initialisation.aligned_strength();
    let half = runs_where(runs, &|start, rho| Some(start) == a0 && rho == 0.5)?;
    let mut errors = Vec::new();
    for record in half {
        errors.push(difference(record.phase.log_ratio, bias.phase.log_ratio));
        errors.push(difference(
            theory_of(runs, &record.condition)?.phase.log_ratio,
            theory_of(runs, INPUT_BIAS)?.phase.log_ratio,
        ));
    }
    Ok(claim(
        "one-half-is-an-input-bias",
        "A correlation of 1/2 does what a bias in the first layer does to one-hot inputs.",
        Measurement::of("difference of ln(end/onset), in training and in theory", &errors),
        "<= 0.01 in both",
        errors.iter().all(|error| error.is_some_and(|error| error <= 0.01)),
    ))
}
