use super::spoil::{both, onset_at, run, scale_end, scale_onset, theory};
use super::{Case, breaks};
use ocs::metrics::Phase;

pub fn cases() -> Vec<Case> {
    const ABSENT: &str = "no-phase-at-any-depth-without-biases";
    const CROSSINGS: &str = "crossings-are-theorys";
    let mut cases = vec![
        breaks(ABSENT, |runs| both(runs, "depth-3-none", onset_at(0.99))),
        // An onset that was never seen is not a late one.
        breaks(ABSENT, |runs| both(runs, "depth-5-none", |p| *p = Phase::between(None, p.end)))
            .with(&[CROSSINGS]),
        breaks(CROSSINGS, |runs| scale_onset(&mut theory(runs, "depth-2-none").phase, 1.02)),
        breaks(CROSSINGS, |runs| {
            let expected = theory(runs, "depth-4-all").phase.clone();
            run(runs, "depth-4-all").phase = expected;
            scale_end(&mut run(runs, "depth-4-all").phase, 0.98);
        }),
    ];
    for bias in ["input", "output", "all"] {
        cases.push(breaks(format!("phase-at-every-depth-with-bias-{bias}"), move |runs| {
            both(runs, &format!("depth-4-{bias}"), onset_at(1.01));
        }));
    }
    cases
}
