use super::spoil::{run, theory};
use super::{Case, breaks};
use ocs::record::{Record, RunFolder};
use ocs::theory::Halves;

/// Adds a share of its first loss to a run's loss in the middle of its course.
fn lift(run: &mut Record, share: f64) {
    let losses = &mut run.curves.loss;
    let (middle, first) = (losses.len() / 2, losses[0]);
    losses[middle] += share * first;
}

/// Changes a value of a series, counted from its end.
fn change(
    runs: &mut RunFolder,
    (condition, series, from_end): (&str, &str, usize),
    to: impl Fn(f64) -> f64,
) {
    let values = &mut run(runs, condition).series.get_mut(series).unwrap().values;
    let place = values.len() - from_end;
    values[place] = values[place].map(to);
}

/// Gives a run the loss of the linear network beside it, but for a share of its first.
fn nearly_linear(runs: &mut RunFolder, condition: &str, share: f64) {
    let losses = run(runs, &format!("{condition}-linear")).curves.loss.clone();
    let run = run(runs, condition);
    run.curves.loss = losses;
    lift(run, share);
}

/// Gives a run the course that it would have had from more equal groups, with the error of its steps.
fn more_even(run: &mut Record, share: f64) {
    let values = &run.series["groups"].values;
    let start = [values[0].unwrap(), values[1].unwrap()];
    let theory = Halves { start, drive: 1.0, variance: 1.0, negative_slope: 0.0 };
    let [mean, _] = theory.evened().start;
    let other = Halves { start: start.map(|group| group + share * (mean - group)), ..theory };
    let (then, now) = (theory.at(&run.curves.time), other.at(&run.curves.time));
    let slopes = &mut run.series.get_mut("odd_slope").unwrap().values;
    for (slope, (then, now)) in slopes.iter_mut().zip(then.into_iter().zip(now)) {
        *slope = slope.map(|slope| slope - theory.odd_slope(then) + other.odd_slope(now));
    }
    let groups = &mut run.series.get_mut("groups").unwrap().values;
    groups[..2].copy_from_slice(&other.start.map(Some));
}

/// Of a layer eight singular values are kept, those of the last layer last.
pub fn cases() -> Vec<Case> {
    const SPECTRUM: &str = "singular_values";
    let target = |runs: &mut RunFolder, condition: &str, share: f64| {
        let run = run(runs, condition);
        *run.curves.distance_to_targets.last_mut().unwrap() = share * run.target_variance;
    };
    vec![
        breaks("odd-part-is-linear", |runs| {
            change(runs, ("even", "odd_part_error", 9), |_| 1.5e-10)
        }),
        breaks("mirrored-start-has-the-linear-loss", |runs| {
            lift(run(runs, "exact-leaky-spread"), 2e-10)
        }),
        breaks("mirrored-start-has-the-linear-weights", |runs| {
            change(runs, ("exact-relu-noise", "weights_1", 3), |weight| weight + 2e-10);
        }),
        breaks("mirrored-start-follows-the-flow", |runs| {
            let rate = run(runs, "exact-relu").config.training.learning_rate;
            let losses = &mut theory(runs, "exact-relu").curves.loss;
            let middle = losses.len() / 2;
            losses[middle] -= 1.5 * rate * losses[0];
        }),
        breaks("small-random-start-is-nearly-linear", |runs| lift(run(runs, "leaky-larger"), 0.04)),
        breaks("first-layer-grows-into-rank-one", |runs| {
            change(runs, ("leaky", SPECTRUM, 15), |s| 2.0 * s)
        }),
        breaks("two-groups-tell-the-slope", |runs| {
            let rate = run(runs, "width-400").config.training.learning_rate;
            change(runs, ("width-400", "odd_slope", 1), |slope| slope + 1.5 * rate);
        }),
        breaks("what-two-groups-leave-is-the-step", |runs| {
            let slopes = run(runs, "width-20-half-step").series.get_mut("odd_slope").unwrap();
            slopes.values.iter_mut().for_each(|slope| *slope = slope.map(|slope| 0.998 * slope));
        }),
        breaks("one-group-is-not-enough", |runs| {
            more_even(run(runs, "width-20-quarter-step"), 0.4)
        }),
        breaks("asymmetric-inputs-part-them", |runs| nearly_linear(runs, "asymmetric", 0.05)),
        breaks("even-targets-part-them", |runs| nearly_linear(runs, "even", 0.05)),
        breaks("symmetric-inputs-do-not", |runs| lift(run(runs, "symmetric"), 0.08)),
        breaks("two-layers-learn-no-odd-nonlinearity", move |runs| target(runs, "circle", 0.998)),
        breaks("biases-learn-it", move |runs| target(runs, "circle-biases", 0.04)),
        breaks("a-third-layer-learns-it", move |runs| target(runs, "circle-deep", 0.04)),
        breaks("deep-halves-obey-one-equation", |runs| {
            change(runs, ("deep", "half_slopes", 2), |slope| slope + 0.02);
        }),
        breaks("deep-halves-are-learned-on-time", |runs| {
            let slopes = run(runs, "deep").series.get_mut("half_slopes").unwrap();
            slopes.values.iter_mut().for_each(|slope| *slope = slope.map(|slope| 1.0005 * slope));
        }),
        breaks("deep-first-layer-grows-into-rank-one", |runs| {
            change(runs, ("deep-random-0.01", SPECTRUM, 23), |s| 3.0 * s);
        }),
        breaks("deep-middle-layer-grows-into-rank-two", |runs| {
            change(runs, ("deep-random-0.01", SPECTRUM, 14), |s| 3.0 * s);
        }),
        breaks("deep-middle-layer-keeps-two", |runs| {
            change(runs, ("deep-random-0.01", SPECTRUM, 15), |s| 0.5 * s);
        }),
    ]
}
