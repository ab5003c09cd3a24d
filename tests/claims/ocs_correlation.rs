use super::spoil::{both, longer, of_length, onset_at, run, theory};
use super::{Case, breaks};
use ocs::record::RunFolder;

/// Length of the phase of a correlation of one half from the start of the run with an input bias, in training and in theory.
fn lengths_at_half(runs: &mut RunFolder) -> [f64; 2] {
    let seen = run(runs, "a0-1e-4-rho-0.5").phase.log_ratio;
    [seen, theory(runs, "a0-1e-4-rho-0.5").phase.log_ratio].map(Option::unwrap)
}

/// How far the run with an input bias and its theory are off.
fn off_by(in_training: f64, in_theory: f64) -> Case {
    breaks("one-half-is-an-input-bias", move |runs| {
        let [seen, expected] = lengths_at_half(runs);
        of_length(&mut run(runs, "input-bias").phase, seen + in_training);
        of_length(&mut theory(runs, "input-bias").phase, expected + in_theory);
    })
}

pub fn cases() -> Vec<Case> {
    let critical = |rho: f64| {
        breaks("critical-correlation", move |runs| {
            theory(runs, "critical-a0-1e-4").config.task.correlation = rho;
        })
    };
    // Neither 0.8 nor 1.2 times rho_c: one start is left.
    let elsewhere = |claim: &str, condition: &'static str| {
        breaks(claim, move |runs| run(runs, condition).config.task.correlation = 0.098)
    };
    vec![
        breaks("no-phase-without-correlation", |runs| {
            both(runs, "a0-1e-2-rho-0", onset_at(0.99));
        }),
        breaks("no-phase-below", |runs| both(runs, "a0-1e-4-rho-0.042", onset_at(0.99))),
        elsewhere("no-phase-below", "a0-1e-2-rho-0.0787"),
        breaks("phase-above", |runs| both(runs, "a0-1e-2-rho-0.1181", onset_at(1.01))),
        elsewhere("phase-above", "a0-1e-2-rho-0.1181"),
        breaks("critical-correlation", |runs| {
            runs.theories.retain(|theory| theory.condition != "critical-a0-1e-4");
        })
        .with(&["no-phase-below", "phase-above"]),
        critical(0.0524),
        critical(0.0526),
        breaks("ratios-are-theorys", |runs| {
            let expected = theory(runs, "a0-1e-4-rho-0.25").phase.clone();
            run(runs, "a0-1e-4-rho-0.25").phase = expected;
            longer(0.04)(&mut run(runs, "a0-1e-4-rho-0.25").phase);
        }),
        off_by(0.018, 0.009),
        off_by(0.009, 0.018),
    ]
}
