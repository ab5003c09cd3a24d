use super::spoil::{onset_at, run, theory};
use super::{Case, breaks};
use ocs::metrics::norm;
use ocs::record::{Record, RunFolder};

fn middle(run: &Record) -> Vec<f64> {
    run.curves.mean_response_at(run.phase.middle().unwrap()).unwrap()
}

fn minus(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(one, other)| one - other).collect()
}

fn plus(one: &[f64], factor: f64, other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(one, other)| one + factor * other).collect()
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// Lets a run's mean responses be these throughout.
fn answer(run: &mut Record, responses: &[f64]) {
    for (row, response) in run.curves.mean_response.iter_mut().zip(responses) {
        row.fill(*response);
    }
}

/// Moves base rates of equal frequencies on the even tree to so many times their distance from the true ones.
fn uniform_apart(runs: &mut RunFolder, times: f64) {
    let rates = run(runs, "even-all").ocs.clone();
    let uniform = &mut theory(runs, "uniform-even").ocs;
    *uniform = plus(&rates, times, &minus(uniform, &rates));
}

/// Moves them until they are so many times farther from a run's responses than the true ones are.
fn times_farther(runs: &mut RunFolder, condition: &str, times: f64) {
    let (rates, response) = (run(runs, condition).ocs.clone(), middle(run(runs, condition)));
    let uniform = &mut theory(runs, "uniform-even").ocs;
    let apart = minus(uniform, &response);
    let far = times * norm(&minus(&response, &rates)) / norm(&apart);
    *uniform = plus(&response, far, &apart);
}

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        breaks("no-phase-without-biases", |runs| {
            onset_at(0.99)(&mut run(runs, "uneven-none").phase)
        }),
        breaks("phase-with-biases", |runs| {
            // The middle stays where it is.
            let phase = &mut run(runs, "ragged-input").phase;
            let middle = phase.middle().unwrap();
            *phase = ocs::metrics::Phase::between(Some(1.005 * middle), Some(middle / 1.005));
        }),
        breaks("not-shares-of-items-input", |runs| times_farther(runs, "even-input", 2.0)),
        breaks("not-shares-of-items-output-all", |runs| {
            times_farther(runs, "even-output", 5.0);
            // So near to base rates that those of equal frequencies are far.
            let rates = run(runs, "even-input").ocs.clone();
            answer(run(runs, "even-input"), &plus(&rates, 1e-3, &rates));
        }),
        breaks("nearly-with-input-bias", |runs| {
            uniform_apart(runs, 30.0);
            let input = run(runs, "even-input");
            let rates = input.ocs.clone();
            let mut across = vec![0.0; rates.len()];
            across[0] = 1.0;
            let across = plus(&across, -rates[0] / dot(&rates, &rates), &rates);
            // A cosine of 0.98.
            let far = (0.98f64.powi(-2) - 1.0).sqrt() * norm(&rates) / norm(&across);
            answer(input, &plus(&rates, far, &across));
        }),
        breaks("strongly-graded", |runs| onset_at(1.1)(&mut run(runs, "graded-input").phase)),
    ];
    for (condition, off) in [("even-output", 0.02), ("even-all", -0.02)] {
        cases.push(breaks("base-rates-are-mirrored", move |runs| {
            uniform_apart(runs, 30.0);
            let run = run(runs, condition);
            let mut responses = run.ocs.clone();
            responses[5] += off;
            answer(run, &responses);
        }));
    }
    cases
}
