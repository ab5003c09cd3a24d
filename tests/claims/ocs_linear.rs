use super::spoil::{both, onset_at, run, scale_end, scale_onset, theory};
use super::{Case, breaks};
use ocs::record::Record;

/// The top level's true negative rates.
fn rates(run: &mut Record) -> &mut Vec<Option<f64>> {
    &mut run.curves.true_negative_rate[0]
}

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        breaks("no-phase-without-biases", |runs| both(runs, "none-random", onset_at(0.99))),
        breaks("no-dip-without-biases", |runs| rates(run(runs, "none-random"))[9] = Some(0.86)),
        breaks("responses-are-theorys", |runs| {
            let seen = run(runs, "all").curves.item_responses.as_ref().unwrap()[3][5][60];
            theory(runs, "all").curves.item_responses.as_mut().unwrap()[3][5][60] = seen - 0.02;
        }),
        breaks("crossings-are-theorys", |runs| {
            let onset = run(runs, "input").phase.onset;
            let phase = &mut theory(runs, "input").phase;
            phase.onset = onset;
            scale_onset(phase, 1.0 / 1.01);
        }),
        breaks("crossings-are-theorys", |runs| {
            let end = run(runs, "all").phase.end;
            let phase = &mut theory(runs, "all").phase;
            phase.end = end;
            scale_end(phase, 1.0 / 1.01);
        }),
        breaks("random-crossings-are-theorys", |runs| {
            let seen = run(runs, "output-random").phase.clone();
            theory(runs, "output-random").phase = seen;
            scale_onset(&mut theory(runs, "output-random").phase, 1.0 / 1.1);
        }),
        breaks("random-crossings-are-theorys", |runs| {
            let seen = run(runs, "all-random").phase.clone();
            theory(runs, "all-random").phase = seen;
            scale_end(&mut theory(runs, "all-random").phase, 1.0 / 0.9);
        }),
        breaks("end-is-the-same", |runs| both(runs, "output", |phase| scale_end(phase, 1.002))),
    ];
    for bias in ["input", "output", "all"] {
        let random = format!("{bias}-random");
        let (high, low) = (random.clone(), bias);
        cases.extend([
            breaks(format!("phase-with-bias-{bias}"), move |runs| {
                both(runs, &random, onset_at(1.01));
            }),
            breaks(format!("dip-with-bias-{bias}"), move |runs| {
                let at_least = |rate: &mut Option<f64>| *rate = rate.map(|rate| rate.max(0.6));
                rates(run(runs, &high)).iter_mut().for_each(at_least);
            }),
            breaks(format!("dip-with-bias-{bias}"), move |runs| {
                rates(run(runs, low))[9] = Some(0.4);
            }),
        ]);
    }
    cases
}
