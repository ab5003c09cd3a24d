use super::spoil::{run, theory};
use super::{Case, breaks};
use ocs::metrics::half_time;
use ocs::record::{Record, RunFolder, TheoryRecord};

/// An observation after the constant was learned, and before the last.
const LATE: usize = 200;

/// A split's strengths in a run.
fn strengths(run: &mut Record, split: usize) -> &mut Vec<f64> {
    &mut run.curves.mode_strengths.as_mut().unwrap()[split]
}

/// The strength of a split that is wholly learned.
fn learned(theory: &TheoryRecord, split: usize) -> f64 {
    let mode = theory.mode_of_split(split).unwrap();
    mode.singular_value / mode.input_variance
}

/// When a split of a run with an input bias is half learned.
fn half(runs: &mut RunFolder, split: usize) -> f64 {
    let curves = run(runs, "input").curves.clone();
    let fractions = theory(runs, "input").learned_fraction(&curves, split).unwrap();
    half_time(&curves.time, &fractions).unwrap()
}

/// Lets theory's start say that a split is half learned at this time.
fn expect_half_at(runs: &mut RunFolder, split: usize, time: f64) {
    let mode = &mut theory(runs, "input").modes[split];
    let growth = 1.0 + (2.0 * mode.singular_value * time).exp();
    mode.initial_strength = mode.singular_value / (mode.input_variance * growth);
}

/// A run whose split has learned this much more than it is said to, at one moment.
fn more_learned(condition: &'static str, split: usize, etas: f64) -> Case {
    breaks("fractions-are-theorys", move |runs| {
        let expected = theory(runs, condition).clone();
        let run = run(runs, condition);
        let by = etas * run.config.training.learning_rate * learned(&expected, split);
        let of_theory = expected.curves.mode_strengths.as_ref().unwrap()[split][LATE];
        strengths(run, split)[LATE] = of_theory + by;
    })
}

/// The run's `ln a - 2 mu b` at a moment lies at `share` of what steps may lose of it.
fn drifted(condition: &'static str, share: f64) -> Case {
    breaks(format!("law-with-bias-{condition}"), move |runs| {
        let expected = theory(runs, condition).clone();
        let mu = expected.modes[0].input_variance.sqrt();
        let run = run(runs, condition);
        let eta = run.config.training.learning_rate;
        let bound = eta * (mu * expected.ocs_norm()).powi(2) / (2.0 - eta);
        let biases = run.curves.bias_norms.last().unwrap();
        let gained = biases[LATE].unwrap() - biases[0].unwrap();
        let start = strengths(run, 0)[0];
        strengths(run, 0)[LATE] = start * (2.0 * mu * gained - share * bound).exp();
    })
}

pub fn cases() -> Vec<Case> {
    let earlier = "constant-is-earlier-with-input-bias";
    let mirrored = "output-bias-learns-the-constant";
    let mut cases = vec![
        breaks("together-without-biases", |runs| {
            let whole = learned(theory(runs, "none"), 0);
            let run = run(runs, "none");
            strengths(run, 1)[LATE] = strengths(run, 0)[LATE] - 2e-3 * whole;
        }),
        breaks("together-without-biases", |runs| {
            let theory = theory(runs, "none");
            let whole = learned(theory, 0);
            let curves = theory.curves.mode_strengths.as_mut().unwrap();
            curves[0][LATE] = curves[1][LATE] + 2e-6 * whole;
        }),
        // Each half time is within 1 %, their ratio is not.
        breaks(earlier, |runs| {
            let (constant, level) = (half(runs, 0), half(runs, 1));
            expect_half_at(runs, 0, constant / 1.009);
            expect_half_at(runs, 1, level / 0.991);
        }),
        // The ratio is, and one of them, but not the other.
        breaks(earlier, |runs| {
            let (constant, level) = (half(runs, 0), half(runs, 1));
            expect_half_at(runs, 0, constant / 1.015);
            expect_half_at(runs, 1, level / 1.007);
        }),
        breaks(earlier, |runs| {
            let (constant, level) = (half(runs, 0), half(runs, 1));
            expect_half_at(runs, 0, constant / 1.007);
            expect_half_at(runs, 1, level / 1.015);
        }),
        // The other one is earlier, by what theory says.
        breaks(earlier, |runs| {
            let expected = theory(runs, "input");
            expected.modes.swap(0, 1);
            expected.curves.mode_strengths.as_mut().unwrap().swap(0, 1);
            run(runs, "input").curves.mode_strengths.as_mut().unwrap().swap(0, 1);
        }),
        breaks(mirrored, |runs| {
            let expected = theory(runs, "output").clone();
            let run = run(runs, "output");
            let bound = bound_of(run, &expected);
            let curves = &mut run.curves;
            let early = curves.time.iter().position(|&time| time > 1.0).unwrap();
            let fraction = -(-curves.time[early]).exp_m1() + 2.0 * bound;
            for (row, rate) in curves.mean_response.iter_mut().zip(&run.ocs) {
                row[early] = fraction * rate;
            }
        }),
        breaks(mirrored, |runs| {
            // What the weights have learned is twice as large a share as it may be.
            let most = strengths(run(runs, "output"), 0).iter().copied().fold(0.0, f64::max);
            let mode = &mut theory(runs, "output").modes[0];
            mode.singular_value = most * mode.input_variance / 0.002;
        }),
        more_learned("none", 3, 4.0),
        more_learned("input", 2, -4.0),
        breaks("fractions-are-theorys", |runs| {
            let expected = theory(runs, "none").clone();
            let run = run(runs, "none");
            let by = 4.0 * run.config.training.learning_rate;
            let fraction = expected.curves.constant_fraction(&expected.ocs)[LATE] + by;
            for (row, rate) in run.curves.mean_response.iter_mut().zip(&run.ocs) {
                row[LATE] = fraction * rate;
            }
        }),
    ];
    let lost = |condition: &'static str| {
        move |runs: &mut RunFolder| run(runs, condition).curves.mode_strengths = None
    };
    cases.extend([
        breaks("together-without-biases", lost("none")).with(&["fractions-are-theorys"]),
        breaks(earlier, lost("input")).with(&["fractions-are-theorys"]),
        breaks(mirrored, |runs| run(runs, "output").curves.mean_response[0][LATE] = f64::NAN)
            .with(&["fractions-are-theorys"]),
        breaks(mirrored, lost("output")).with(&[
            "fractions-are-theorys",
            "law-with-bias-output",
            "slope-with-bias-output",
            "end-point-with-bias-output",
        ]),
        breaks("law-with-bias-all", |runs| {
            run(runs, "all").curves.bias_norms.last_mut().unwrap().fill(None);
        })
        .with(&["slope-with-bias-all"]),
    ]);
    for condition in ["output", "all"] {
        cases.extend([drifted(condition, 2.0), drifted(condition, -0.5)]);
        let law = format!("law-with-bias-{condition}");
        for by in [0.02, -0.02] {
            // A line that is steeper, or less so, and ends where it did: it cannot but break the law.
            cases.push(
                breaks(format!("slope-with-bias-{condition}"), move |runs| {
                    let mu = theory(runs, condition).modes[0].input_variance.sqrt();
                    let run = run(runs, condition);
                    let norms: Vec<f64> =
                        run.curves.bias_norms.last().unwrap().iter().flatten().copied().collect();
                    let end = norms[norms.len() - 1];
                    for (a, b) in strengths(run, 0).iter_mut().zip(norms) {
                        *a *= (by * 2.0 * mu * (b - end)).exp();
                    }
                })
                .with(&[&law]),
            );
            cases.push(breaks(format!("end-point-with-bias-{condition}"), move |runs| {
                let last = *strengths(run(runs, condition), 0).last().unwrap();
                theory(runs, condition).modes[0].final_strength = last / (1.0 + by);
            }));
        }
    }
    cases
}

/// How far f_0 may be from `1 - e^{-t}` under an output bias, by steps and by weights.
fn bound_of(run: &Record, theory: &TheoryRecord) -> f64 {
    let (eta, e, constant) = (run.config.training.learning_rate, 1f64.exp(), theory.modes[0]);
    let by_weights = constant.input_variance.sqrt() * constant.initial_strength / theory.ocs_norm();
    eta * (1.0 + eta) / (2.0 * e)
        + by_weights
        + 2.0 * constant.input_variance * constant.final_strength / e
}
