use ocs::metrics::{correlation, rank_correlation, shuffled};
use ocs::record::{Record, RunFolder, Series};

use super::{Case, breaks};

/// Runs of a condition.
fn all<'a>(runs: &'a mut RunFolder, condition: &str) -> Vec<&'a mut Record> {
    runs.records.iter_mut().filter(|run| run.condition == condition).collect()
}

fn series<'a>(run: &'a mut Record, name: &str) -> &'a mut Series {
    run.series.get_mut(name).unwrap()
}

/// Numbers of the last moment, mean over runs.
fn last(runs: &mut RunFolder, condition: &str, name: &str) -> Vec<f64> {
    let chosen = all(runs, condition);
    let n = chosen.len() as f64;
    let mut mean = vec![0.0; chosen[0].series[name].last().len()];
    for run in chosen {
        for (mean, value) in mean.iter_mut().zip(run.series[name].last()) {
            *mean += value.unwrap() / n;
        }
    }
    mean
}

/// Accuracy on evaluation samples, over moments, mean over runs.
fn accuracy(runs: &mut RunFolder, condition: &str) -> Vec<f64> {
    let chosen = all(runs, condition);
    let n = chosen.len() as f64;
    let set = chosen[0].series["accuracy"].shape[0] - 1;
    let mut mean = vec![0.0; chosen[0].series["accuracy"].step.len()];
    for run in chosen {
        for (mean, value) in mean.iter_mut().zip(run.series["accuracy"].at(&[set])) {
            *mean += value.unwrap() / n;
        }
    }
    mean
}

/// Puts the last accuracy on evaluation samples so far below the best.
fn end_below_best(runs: &mut RunFolder, condition: &str, below: f64) {
    let best = accuracy(runs, condition).into_iter().fold(0.0, f64::max);
    all(runs, condition).into_iter().for_each(|run| {
        *series(run, "accuracy").values.last_mut().unwrap() = Some(best - below);
    });
}

/// The place of ten components among `projections`.
const TEN: usize = 3;
const CHANCE: f64 = 0.1;

/// The moment at which half of the accuracy is reached, and the last.
fn half_and_end(runs: &mut RunFolder, condition: &str) -> [usize; 2] {
    let curve = accuracy(runs, condition);
    let best = curve.iter().copied().fold(0.0, f64::max);
    let half = curve.iter().position(|value| value - CHANCE >= 0.5 * (best - CHANCE)).unwrap();
    [half, curve.len() - 1]
}

/// Shares of the accuracy on ten components at these moments.
fn shares(runs: &mut RunFolder, condition: &str) -> [f64; 2] {
    let whole = accuracy(runs, condition);
    let moments = half_and_end(runs, condition);
    let chosen = all(runs, condition);
    let n = chosen.len() as f64;
    let mut through = [0.0; 2];
    for run in chosen {
        let curve = run.series["projected_accuracy"].at(&[TEN]);
        for (sum, moment) in through.iter_mut().zip(moments) {
            *sum += curve[moment].unwrap() / n;
        }
    }
    [0, 1].map(|index| (through[index] - CHANCE) / (whole[moments[index]] - CHANCE))
}

/// Puts the share at one of the two moments to a value.
fn put_share(runs: &mut RunFolder, condition: &str, index: usize, share: f64) {
    let whole = accuracy(runs, condition);
    let moment = half_and_end(runs, condition)[index];
    let value = CHANCE + share * (whole[moment] - CHANCE);
    for run in all(runs, condition) {
        let through = series(run, "projected_accuracy");
        let size = through.shape[0];
        through.values[moment * size + TEN] = Some(value);
    }
}

/// Shuffles more and more of the samples of some series of a condition among each other, until that is enough.
fn shuffle_until(
    runs: &mut RunFolder,
    condition: &str,
    names: &[&str],
    enough: impl Fn(&mut RunFolder) -> bool,
) {
    let n = last(runs, condition, names[0]).len();
    let places: Vec<f64> = (0..n).map(|place| place as f64).collect();
    let sound = runs.clone();
    for count in (2..=n).step_by(2) {
        *runs = sound.clone();
        let order = shuffled(&places[..count], 7);
        for run in all(runs, condition) {
            for name in names {
                let before = run.series[*name].clone();
                let first = before.values.len() - n;
                let values = &mut series(run, name).values;
                for (place, from) in order.iter().enumerate() {
                    values[first + place] = before.values[first + *from as usize];
                }
            }
        }
        if enough(runs) {
            return;
        }
    }
    panic!("{condition} cannot be spoilt so");
}

fn pairs(ones: &[f64], others: &[f64]) -> Vec<(f64, f64)> {
    ones.iter().copied().zip(others.iter().copied()).collect()
}

fn agreement(runs: &mut RunFolder, set: &str) -> f64 {
    let [linear, cnn] =
        ["linear", "cnn"].map(|network| last(runs, &format!("{set}-{network}"), "accessibility"));
    correlation(&pairs(&linear, &cnn)).unwrap()
}

fn by_components(runs: &mut RunFolder, condition: &str) -> f64 {
    let easy = last(runs, condition, "accessibility");
    rank_correlation(&pairs(&easy, &last(runs, condition, "critical_component"))).unwrap()
}

/// Makes steps of the training set's accuracy so many times as many.
fn slow(runs: &mut RunFolder, condition: &str, factor: f64) {
    for run in all(runs, condition) {
        for step in &mut series(run, "accuracy").step {
            *step = (*step as f64 * factor * 1000.0).round() as u64;
        }
    }
}

/// Steps in thousandths, as `slow` makes them, of what is compared with it.
fn as_slow(runs: &mut RunFolder, condition: &str) {
    slow(runs, condition, 1.0);
}

/// Updates until nine tenths of the training samples are right.
fn memorised_at(run: &Record) -> f64 {
    let accuracy = &run.series["accuracy"];
    let steps: Vec<f64> = accuracy.step.iter().map(|&step| step as f64).collect();
    let values: Option<Vec<f64>> = accuracy.at(&[0]).into_iter().collect();
    ocs::metrics::first_time(&steps, &values.unwrap(), 0.9).unwrap()
}

/// How much longer random labels take, of the first seed.
fn ratio(runs: &mut RunFolder, network: &str) -> f64 {
    let [own, random] =
        ["own", "random"].map(|labels| memorised_at(all(runs, &format!("{labels}-{network}"))[0]));
    random / own
}

/// Puts that of the first seed to a value.
fn put_ratio(runs: &mut RunFolder, network: &str, value: f64) {
    let factor = value / ratio(runs, network);
    slow(runs, &format!("random-{network}"), factor);
    as_slow(runs, &format!("own-{network}"));
}

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        breaks("many-components-after-few", |runs| {
            for run in all(runs, "mnist-linear") {
                let through = series(run, "projected_accuracy");
                let (size, moments) = (through.shape[0], through.step.len());
                // None of it before the end on as many as are asked for.
                (0..moments - 1).for_each(|moment| {
                    through.values[(moment + 1) * size - 1] = Some(CHANCE);
                });
            }
        }),
        breaks("shuffled-examples-do-not-agree", |runs| {
            let linear = last(runs, "mnist-linear", "accessibility");
            let places: Vec<f64> = (0..linear.len()).map(|place| place as f64).collect();
            let order = shuffled(&places, 0);
            let mean = linear.iter().sum::<f64>() / linear.len() as f64;
            let sound = runs.clone();
            for share in (1..200).map(|hundredth| 0.01 * f64::from(hundredth)) {
                *runs = sound.clone();
                for run in all(runs, "mnist-cnn") {
                    let values = &mut series(run, "accessibility").values;
                    for (value, from) in linear.iter().zip(&order) {
                        let place = &mut values[*from as usize];
                        *place = place.map(|easy| easy + share * (value - mean));
                    }
                }
                let cnn = last(runs, "mnist-cnn", "accessibility");
                if correlation(&pairs(&linear, &shuffled(&cnn, 0))).unwrap() > 0.151 {
                    return;
                }
            }
        }),
        breaks("random-labels-are-slower-linear", |runs| put_ratio(runs, "linear", 1.99)),
        breaks("random-labels-are-slower-cnn", |runs| {
            // As much faster whitened, so that the ratio of both stays.
            let factor = 1.99 / ratio(runs, "cnn");
            put_ratio(runs, "cnn", 1.99);
            let white = ratio(runs, "cnn-zca");
            put_ratio(runs, "cnn-zca", factor * white);
        }),
        breaks("whitened-random-labels-linear", |runs| put_ratio(runs, "linear-zca", 1.31)),
        breaks("whitened-random-labels-cnn", |runs| {
            let centred = ratio(runs, "cnn");
            put_ratio(runs, "cnn-zca", 1.01 * centred);
        }),
        breaks("stopping-helps", |runs| end_below_best(runs, "whole", 0.049)),
        breaks("stopping-is-projecting", |runs| {
            let best = accuracy(runs, "whole").into_iter().fold(0.0, f64::max);
            for count in [10, 20, 50, 100, 200] {
                for run in all(runs, &format!("projected-{count}")) {
                    let end = series(run, "accuracy").values.last_mut().unwrap();
                    *end = end.map(|end| end.min(best - 0.031));
                }
            }
        }),
        breaks("whitened-stopping-does-not-help", |runs| {
            end_below_best(runs, "whole-zca", 0.021);
        }),
    ];
    for set in ["mnist", "cifar10"] {
        for network in ["linear", "cnn"] {
            let condition = format!("{set}-{network}");
            let (centred, of) = (condition.clone(), condition.clone());
            cases.push(breaks(format!("first-components-early-{condition}"), move |runs| {
                let [early, _] = shares(runs, &of);
                put_share(runs, &of, 1, early - 0.19);
            }));
            let white = format!("{condition}-zca");
            cases.push(breaks(format!("whitening-takes-it-away-{condition}"), move |runs| {
                let [early, _] = shares(runs, &centred);
                put_share(runs, &white, 0, early - 0.14);
            }));
            let of = condition.clone();
            cases.push(breaks(format!("seeds-agree-on-{condition}"), move |runs| {
                let run = all(runs, &of).remove(0);
                let first = &mut series(run, "accessibility").values[0];
                *first = first.map(|easy| 1.0 - easy);
            }));
            let of = condition.clone();
            cases.push(breaks(format!("easy-by-components-{condition}"), move |runs| {
                let critical = &["critical_component"];
                let before = by_components(runs, &of);
                shuffle_until(runs, &of, critical, |runs| {
                    by_components(runs, &of) > f64::max(-0.499, before + 0.01)
                });
            }));
        }
        cases.push(breaks(format!("networks-agree-on-{set}"), move |runs| {
            let names = &["accessibility", "critical_component"];
            let before = agreement(runs, set);
            shuffle_until(runs, &format!("{set}-linear"), names, |runs| {
                agreement(runs, set) < f64::min(0.499, before - 0.01)
            });
        }));
        cases.push(breaks(format!("easy-by-components-{set}-whitened"), move |runs| {
            let names = &["critical_component"];
            let condition = format!("{set}-cnn-zca");
            let before = by_components(runs, &condition);
            shuffle_until(runs, &condition, names, |runs| {
                (by_components(runs, &condition) - before).abs() > 0.02
            });
        }));
    }
    cases.push(breaks("whitened-either-way-alike", |runs| {
        let of = |runs: &mut RunFolder, way: &str| {
            last(runs, &format!("mnist-linear-{way}"), "accessibility")
        };
        let alike = |runs: &mut RunFolder| {
            let pairs: Vec<(f64, f64)> = of(runs, "zca").into_iter().zip(of(runs, "pca")).collect();
            correlation(&pairs).unwrap()
        };
        let before = alike(runs);
        shuffle_until(runs, "mnist-linear-pca", &["accessibility"], |runs| {
            alike(runs) < before - 0.05
        });
    }));
    cases
}
