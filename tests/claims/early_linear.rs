use super::spoil::run;
use super::{Case, breaks};
use ocs::metrics::Phase;
use ocs::record::RunFolder;

const D: &str = "twin_difference";

/// Changes a value of a series of two sets, counted from its end, training set first.
fn change(
    runs: &mut RunFolder,
    (condition, series): (&str, &str),
    from_end: usize,
    to: impl Fn(f64) -> f64,
) {
    let values = &mut run(runs, condition).series.get_mut(series).unwrap().values;
    let place = values.len() - from_end;
    values[place] = values[place].map(to);
}

/// Changes both sets alike at the last moment.
fn change_both(runs: &mut RunFolder, condition: &str, to: impl Fn(f64) -> f64) {
    for from_end in [1, 2] {
        change(runs, (condition, D), from_end, &to);
    }
}

/// D of both sets at the end, with what keeps their ratio.
fn at_end(runs: &mut RunFolder, condition: &str, value: f64) {
    let values = &run(runs, condition).series[D].values;
    let training = values[values.len() - 2].unwrap();
    change_both(runs, condition, |d| d * value / training);
}

fn last(runs: &mut RunFolder, condition: &str) -> f64 {
    let values = &run(runs, condition).series[D].values;
    values[values.len() - 2].unwrap()
}

/// Puts D of the training set at a step to a value.
fn at_step(runs: &mut RunFolder, condition: &str, step: u64, value: f64) {
    let series = run(runs, condition).series.get_mut(D).unwrap();
    let moment = series.step.iter().position(|&seen| seen == step).unwrap();
    series.values[2 * moment] = Some(value);
}

fn d_at(runs: &mut RunFolder, condition: &str, step: u64) -> f64 {
    let series = &run(runs, condition).series[D];
    series.at(&[0])[series.step.iter().position(|&seen| seen == step).unwrap()].unwrap()
}

/// Delays a mean response by so many steps of its course.
fn delay(runs: &mut RunFolder, series: &str, steps: usize) {
    let values = &mut run(runs, "relu-80").series.get_mut(series).unwrap().values;
    let first = values[0];
    values.rotate_right(2 * steps);
    values[..2 * steps].fill(first);
}

/// An onset this share of the end.
fn onset_at(phase: &mut Phase, share: f64) {
    *phase = Phase::between(phase.end.map(|end| share * end), phase.end);
}

pub fn cases() -> Vec<Case> {
    let onset = |runs: &mut RunFolder, condition: &str, factor: f64| {
        let phase = &mut run(runs, condition).phase;
        *phase = Phase::between(phase.onset.map(|onset| factor * onset), phase.end);
    };
    let mean = |runs: &mut RunFolder, name: &str, condition: &str| {
        let kernel = run(runs, condition).kernel.as_mut().unwrap().lazy.as_mut().unwrap();
        match name {
            "M" => kernel.mean_output_error[20] += 1.0,
            _ => kernel.input_dependence[20] += 10.0,
        }
    };
    vec![
        breaks("linear-model-holds-at-20", |runs| at_end(runs, "erf-20", 0.0061)),
        breaks("linear-model-holds-at-40", |runs| at_end(runs, "relu-40", 0.0041)),
        breaks("linear-model-holds-at-80", |runs| at_end(runs, "relu-80", 0.0021))
            .with(&["difference-falls-with-dimension"]),
        breaks("difference-falls-with-dimension", |runs| {
            let small = last(runs, "erf-20");
            at_end(runs, "erf-80", 0.51 * small);
        }),
        breaks("test-set-like-training-set", |runs| {
            let training = last(runs, "erf-40");
            change(runs, ("erf-40", D), 1, |_| 1.16 * training);
        }),
        breaks("difference-falls-with-width", |runs| {
            let narrow = last(runs, "relu-width-128");
            at_end(runs, "relu-width-2048", 0.31 * narrow);
        }),
        breaks("more-dimensions-need-more-width", |runs| {
            let middle = last(runs, "narrow-50");
            at_end(runs, "narrow-100", 0.99 * middle);
        }),
        breaks("first-layer-alone", |runs| at_end(runs, "first-layer", 0.00027)),
        breaks("second-layer-alone", |runs| at_end(runs, "second-layer", 0.0041)),
        breaks("mean-of-network-and-model", |runs| {
            delay(runs, "network_mean_response", 1);
        })
        .with(&["mean-along-the-way"]),
        breaks("mean-at-its-rate", |runs| {
            let rates = &mut run(runs, "relu-80").series.get_mut("twin_rates").unwrap().values;
            rates[0] = rates[0].map(|rate| 1.25 * rate);
        }),
        breaks("mean-along-the-way", |runs| {
            let values =
                &mut run(runs, "relu-80").series.get_mut("network_mean_response").unwrap().values;
            let middle = values.len() / 2 / 2 * 2;
            values[middle] = values[middle].map(|mean| mean + 0.0085);
        }),
        breaks("constant-before-directions", |runs| {
            onset_at(&mut run(runs, "relu-phase").phase, 1.01)
        }),
        breaks("odd-network-has-no-phase", |runs| {
            onset_at(&mut run(runs, "erf-phase").phase, 0.99)
        }),
        breaks("norm-is-needed", |runs| {
            change(runs, ("relu-40", "twin_difference_without_norm"), 2, |_| 0.029)
        }),
        breaks("spiked-inputs-part-them", |runs| {
            let white = d_at(runs, "relu-40", 10);
            at_step(runs, "relu-spiked", 10, 4.9 * white);
        }),
        breaks("late-they-part", |runs| {
            let early = d_at(runs, "late", 25);
            at_end(runs, "late", 4.9 * early);
        }),
        breaks("ten-times-as-long", |runs| {
            let steps = run(runs, "late").series[D].step.clone();
            let nearest = steps.into_iter().min_by_key(|step| step.abs_diff(250)).unwrap();
            at_step(runs, "late", nearest, 1.0);
        }),
        breaks("onset-on-mnist", move |runs| onset(runs, "mnist-relu", 1.5)),
        breaks("onset-on-cifar10", move |runs| onset(runs, "cifar10-relu", 1.5)),
        breaks("onset-on-images-by-the-rate", |runs| {
            let rates = &mut run(runs, "mnist-relu").series.get_mut("twin_rates").unwrap().values;
            rates[0] = rates[0].map(|rate| 1.1 * rate);
        }),
        breaks("constant-is-no-longer-first", |runs| {
            onset_at(&mut run(runs, "mnist-relu").phase, 0.99)
        })
        .with(&["onset-on-mnist"]),
        breaks("odd-network-on-images", |runs| onset_at(&mut run(runs, "mnist-erf").phase, 0.99)),
        breaks("difference-on-images", |runs| change_both(runs, "mnist-erf", |d| 3.0 * d)),
        breaks("mean-of-cnn-and-kernel", move |runs| mean(runs, "M", "mnist-cnn")),
        breaks("differences-of-cnn-and-kernel", move |runs| mean(runs, "V", "mnist-cnn")),
    ]
}
