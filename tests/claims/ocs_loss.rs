use super::spoil::{onset_at, run, theory};
use super::{Case, breaks};

pub fn cases() -> Vec<Case> {
    let first = |condition: &'static str, rate: f64| {
        breaks("rates-start-at-one-half", move |runs| {
            run(runs, condition).curves.true_negative_rate[1][0] = Some(rate);
        })
    };
    let rise = |condition: &'static str, by: f64| {
        breaks("lower-levels-rise", move |runs| {
            let rates = &mut run(runs, condition).curves.true_negative_rate[2];
            rates.iter_mut().skip(1).flatten().for_each(|rate| *rate += by);
        })
    };
    vec![
        first("none", 0.48),
        first("output-tiny", 0.52),
        breaks("top-level-never-dips", |runs| {
            run(runs, "all").curves.true_negative_rate[0][50] = Some(0.48);
        }),
        breaks("no-phase-without-biases", |runs| onset_at(0.99)(&mut run(runs, "none").phase)),
        breaks("phase-with-biases", |runs| onset_at(1.01)(&mut run(runs, "all").phase)),
        breaks("logits-of-the-ocs", |runs| {
            // The logit of the first label, 0 at the OCS, is off by 0.02 in one item.
            let items = run(runs, "input").curves.item_responses.as_mut().unwrap();
            for response in &mut items[0][0] {
                *response = 1.0 / (1.0 + (1.0 / *response - 1.0) * (-0.02f64).exp());
            }
        }),
        rise("input", 0.02),
        rise("output-tiny", -0.02),
        breaks("responses-are-theorys", |runs| {
            let run = run(runs, "all");
            let far = 4.0 * run.config.training.learning_rate;
            let seen = run.curves.item_responses.as_ref().unwrap()[2][4][80];
            theory(runs, "all").curves.item_responses.as_mut().unwrap()[2][4][80] = seen + far;
        }),
    ]
}
