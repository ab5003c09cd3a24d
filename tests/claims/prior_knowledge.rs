use super::spoil::{run, theory};
use super::{Case, breaks};
use ocs::record::{Record, RunFolder};

/// Multiplies the last moment of a series.
fn scale_end(run: &mut Record, series: &str, factor: f64) {
    let series = run.series.get_mut(series).unwrap();
    let start = series.values.len() - series.size();
    series.values[start..].iter_mut().for_each(|value| *value = value.map(|value| factor * value));
}

/// The largest difference that was found between an answer and the flow.
fn verified(runs: &mut RunFolder, condition: &str, difference: f64) {
    theory(runs, condition).verified.as_mut().unwrap().difference = difference;
}

/// Moves all that was seen after the signs were turned.
fn delay(runs: &mut RunFolder, condition: &str, by: f64) {
    let run = run(runs, condition);
    let start = run.stretches[1].start_time;
    run.curves.time.iter_mut().filter(|time| **time > start).for_each(|time| *time += by);
}

/// Brings every map of a run nearer to another table's, or farther: `found + share (found - other)`.
fn away_from(run: &mut Record, other: &[Option<f64>], share: f64) {
    let series = run.series.get_mut("network_map").unwrap();
    for (value, other) in series.values.iter_mut().zip(other) {
        *value = value.zip(*other).map(|(value, other)| value + share * (value - other));
    }
}

fn theorys_maps(runs: &mut RunFolder, condition: &str) -> Vec<Option<f64>> {
    theory(runs, condition).series["network_map"].values.clone()
}

pub fn cases() -> Vec<Case> {
    vec![
        breaks("exact-solution-is-the-flow", |runs| verified(runs, "shape-6-3-4", 1.1e-8)),
        breaks("exact-solution-takes-any-balance", |runs| verified(runs, "lambda-minus-2", 1.1e-8)),
        breaks("unbalanced-weights-have-another-flow", |runs| {
            // What the formula says of these weights.
            let exact = exact_of(run(runs, "unbalanced"));
            let series = &mut theory(runs, "unbalanced").series;
            for (name, values) in exact {
                series.get_mut(&name).unwrap().values = values;
            }
        }),
        breaks("products-make-rank-that-is-not-there", |runs| {
            shrink(run(runs, "bottleneck"));
        }),
        breaks("error-of-steps-is-first-order", |runs| {
            let exact = theorys_maps(runs, "step-quarter");
            away_from(run(runs, "step-quarter"), &exact, -0.1);
        })
        .with(&["extrapolation-takes-it-off"]),
        breaks("extrapolation-takes-it-off", |runs| {
            let exact = theorys_maps(runs, "step-quarter");
            away_from(run(runs, "step-quarter"), &exact, 0.03);
        }),
        breaks("representation-is-the-tasks", |runs| {
            scale_end(run(runs, "features-balanced-0.1"), "input_similarity", 1.025);
        }),
        breaks("large-unbalanced-starts-keep-their-own", |runs| {
            *run(runs, "features-normal-1.0").curves.loss.last_mut().unwrap() = 2.1e-3;
        }),
        breaks("large-unbalanced-starts-keep-their-own", |runs| {
            let own = run(runs, "features-balanced-0.1").series["input_similarity"].clone();
            run(runs, "features-normal-0.42").series.insert("input_similarity".into(), own);
        }),
        breaks("balance-sets-the-representation", |runs| {
            let series = theory(runs, "lambda-2").series.get_mut("input_similarity").unwrap();
            let last = series.values.last_mut().unwrap();
            *last = last.map(|value| value + 1e-8);
        }),
        breaks("wrong-sign-stops-short", |runs| {
            *theory(runs, "square-3").curves.loss.last_mut().unwrap() *= 1.0001;
        }),
        breaks("right-sign-learns-all", |runs| {
            *theory(runs, "square-1").curves.loss.last_mut().unwrap() = 3e-9;
        }),
        breaks("steps-leave-the-saddle", |runs| {
            *run(runs, "square-3").curves.loss.last_mut().unwrap() *= 0.9;
        }),
        breaks("bottleneck-keeps-the-largest-modes", |runs| {
            *run(runs, "bottleneck").curves.loss.last_mut().unwrap() *= 1.002;
        }),
        breaks("forgetting-is-half-the-distance", |runs| {
            scale_end(run(runs, "forgets-linear-3"), "task_losses", 1.0 + 3e-6);
        }),
        breaks("nonlinear-networks-forget-as-much", |runs| {
            scale_end(run(runs, "forgets-tanh-2"), "task_losses", 1.07);
        }),
        breaks("other-pairs-do-not-tell", |runs| {
            // Two tasks that are far from all others, and forgotten so.
            for condition in ["forgets-linear-1", "forgets-linear-2"] {
                let run = run(runs, condition);
                scale_end(run, "task_losses", 1e4);
                let distances = run.series.get_mut("task_distances").unwrap();
                distances.values.iter_mut().for_each(|value| *value = value.map(|d| 1e4 * d));
            }
        }),
        breaks("reversal-waits-for-an-imbalance", |runs| {
            for condition in ["turned-1e-2", "turned-1e-4", "turned-1e-8"] {
                delay(runs, condition, 4.5);
            }
        }),
        breaks("reversal-waits-for-its-logarithm", |runs| delay(runs, "turned-1e-4", -0.95)),
        breaks("exact-balance-waits-for-rounding", |runs| delay(runs, "turned-0", -30.0)),
        breaks("one-layer-does-not-wait", |runs| delay(runs, "turned-one-layer", 0.1)),
    ]
}

/// Leaves the start of a network a thousandth of its size, so that by time 20 nothing grew.
fn shrink(run: &mut Record) {
    for name in ["weights_1", "weights_2"] {
        let values = &mut run.series.get_mut(name).unwrap().values;
        values.iter_mut().for_each(|value| *value = value.map(|value| 1e-9 * value));
    }
}

/// Series of the exact solution from a run's first weights, whether or not they are balanced.
fn exact_of(run: &Record) -> Vec<(String, Vec<Option<f64>>)> {
    let first = |name: &str| {
        let series = &run.series[name];
        let values: Vec<f64> = series.values[..series.size()].iter().map(|v| v.unwrap()).collect();
        ndarray::Array2::from_shape_vec((series.shape[0], series.shape[1]), values).unwrap()
    };
    let weights = [first("weights_1"), first("weights_2")];
    let two = ocs::theory::TwoLayers::new(&run.config, weights, 0.0).unwrap();
    let mut series: Vec<(String, Vec<Option<f64>>)> = Vec::new();
    for moment in two.exact(&run.curves.time) {
        for (name, _, table) in moment.tables() {
            let values = table.iter().copied().map(Some);
            match series.iter_mut().find(|(other, _)| other == name) {
                Some((_, all)) => all.extend(values),
                None => series.push((name.to_owned(), values.collect())),
            }
        }
    }
    series
}
