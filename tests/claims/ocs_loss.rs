use super::spoil::{onset_at, run, scale_onset, theory};
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
    .into_iter()
    .chain(of_softmax())
    .collect()
}

fn of_softmax() -> Vec<Case> {
    let nothing = "softmax-balanced-classes-have-nothing-to-learn";
    vec![
        breaks("softmax-first-answers-the-prior", |runs| {
            let items = run(runs, "softmax-smoothed").curves.item_responses.as_mut().unwrap();
            items[7][13].iter_mut().for_each(|response| *response += 0.03);
        }),
        breaks("softmax-phase-with-an-output-bias", |runs| {
            onset_at(1.01)(&mut run(runs, "softmax-all").phase);
        })
        .with(&["softmax-onset-is-the-biases-own"]),
        breaks("softmax-onset-is-the-biases-own", |runs| {
            let run = run(runs, "softmax-output");
            // It is early by 0.1 eta.
            scale_onset(&mut run.phase, 1.0 - 0.2 * run.config.training.learning_rate);
        }),
        breaks("softmax-no-phase-without-biases", |runs| {
            onset_at(0.99)(&mut run(runs, "softmax-none").phase);
        }),
        breaks("softmax-no-phase-with-an-input-bias", |runs| {
            onset_at(0.99)(&mut run(runs, "softmax-input").phase);
        }),
        breaks("softmax-grows-along-the-first-drive", |runs| {
            let run = run(runs, "softmax-none");
            let target = run.target_variance;
            for value in &mut run.curves.input_dependence {
                *value = target * (*value / target).powf(1.025);
            }
        }),
        breaks(nothing, |runs| {
            run(runs, "softmax-balanced").curves.mean_output_error[50] = 2e-9;
        }),
        breaks(nothing, |runs| {
            run(runs, "softmax-balanced").curves.bias_norms[1][50] = Some(2e-9);
        }),
        breaks(nothing, |runs| {
            let run = run(runs, "softmax-balanced");
            *run.curves.input_dependence.last_mut().unwrap() = 0.89 * run.target_variance;
        }),
        breaks("softmax-responses-are-theorys", |runs| {
            let run = run(runs, "softmax-input");
            let far = 6.0 * run.config.training.learning_rate;
            let seen = run.curves.item_responses.as_ref().unwrap()[2][4][80];
            theory(runs, "softmax-input").curves.item_responses.as_mut().unwrap()[2][4][80] =
                seen + far;
        }),
    ]
}
