use super::spoil::run;
use super::{Case, breaks};
use ocs::record::{Record, RunFolder};

/// Every run of a condition.
fn each(runs: &mut RunFolder, condition: &str, change: impl Fn(&mut Record)) {
    let of_condition = runs.records.iter_mut().filter(|run| run.condition == condition);
    of_condition.for_each(change);
}

fn values<'a>(run: &'a mut Record, series: &str) -> &'a mut Vec<Option<f64>> {
    &mut run.series.get_mut(series).unwrap().values
}

/// Multiplies all of a series.
fn scale(run: &mut Record, series: &str, factor: f64) {
    values(run, series).iter_mut().flatten().for_each(|value| *value *= factor);
}

/// Scales e so that its largest is this.
fn error_of(run: &mut Record, error: f64) {
    let largest = values(run, "wide_map_error").iter().flatten().copied().fold(0.0, f64::max);
    scale(run, "wide_map_error", error / largest);
}

/// Moves the time at which half of a component's distance is gone to this, in units of what it is on a variance of 1.
fn half_time(run: &mut Record, component: usize, units: f64) {
    let layers = run.config.network.hidden.len() as f64 + 1.0;
    let half = units * std::f64::consts::LN_2 / layers;
    let time = run.curves.time.clone();
    let series = run.series.get_mut("component_distances").unwrap();
    let size = series.size();
    for (moment, time) in time.into_iter().enumerate() {
        series.values[moment * size + component] = Some(1.0 - 0.5 * time / half);
    }
}

/// Accuracy at an epoch on ten components is that on all.
fn ten_are_enough(run: &mut Record, epoch: impl Fn(usize) -> usize) {
    let place = run.config.projections.iter().position(|&count| count == 10).unwrap();
    let series = run.series.get_mut("projected_accuracy").unwrap();
    let (size, moments) = (series.size(), series.step.len());
    let row = size * epoch(moments);
    series.values[row + place] = series.values[row + size - 1];
}

pub fn cases() -> Vec<Case> {
    vec![
        breaks("one-layer-is-exact", |runs| error_of(run(runs, "one-layer"), 1.1e-12)),
        breaks("deep-networks-are-near", |runs| error_of(run(runs, "two-1024"), 0.05)),
        breaks("wider-is-nearer", |runs| each(runs, "three-256", |run| error_of(run, 0.125))),
        breaks("loss-of-wide-networks", |runs| {
            values(run(runs, "five-64"), "wide_loss")[3] = Some(9.0);
        }),
        breaks("small-targets-are-near", |runs| {
            error_of(run(runs, "small-targets-two-64"), 1.61 * 0.7 / 8.0);
        }),
        breaks("small-targets-fall-as-root", |runs| {
            each(runs, "small-targets-three-1024", |run| {
                scale(run, "wide_map_error", 1.35);
            });
        }),
        breaks("large-components-first", |runs| {
            // Within what half times may be.
            let times = [8.0, 7.9, 7.7, 7.6, 7.4, 7.3];
            for (index, time) in times.into_iter().enumerate() {
                half_time(run(runs, "raw"), 6 + index, time);
            }
        }),
        breaks("half-times", |runs| half_time(run(runs, "raw"), 0, 1.17)),
        breaks("components-come-apart", |runs| {
            (1..12).for_each(|component| {
                half_time(run(runs, "raw"), component, 1.3 + 0.4 * component as f64);
            });
            half_time(run(runs, "raw"), 0, 1.0);
        })
        .with(&["half-times"]),
        breaks("white-inputs-have-no-order", |runs| {
            let variance = values(run(runs, "white"), "component_variances")[0].unwrap();
            half_time(run(runs, "white"), 0, 2.6 / variance);
        }),
        breaks("small-start-has-another-law", |runs| error_of(run(runs, "small-start"), 0.89)),
        breaks("small-start-has-another-order", |runs| {
            for component in 0..12 {
                half_time(run(runs, "small-start"), component, 1.0 + component as f64);
            }
        }),
        breaks("networks-come-together", |runs| {
            let map = values(run(runs, "two-512"), "component_map");
            let last = map.len() - 1;
            map[last] = map[last].map(|value| value + 3.0);
        }),
        breaks("surroundings-below", |runs| {
            each(runs, "three-1024", |run| {
                *values(run, "layer_surroundings").last_mut().unwrap() = Some(0.5);
            });
        }),
        breaks("surroundings-above", |runs| {
            each(runs, "three-1024", |run| values(run, "layer_surroundings")[0] = Some(0.3));
        }),
        breaks("accessible-samples-need-few-components", |runs| {
            each(runs, "relu-0", |run| {
                let shares = values(run, "accessibility").iter_mut().enumerate();
                shares.for_each(|(index, share)| *share = Some((index % 7) as f64 / 7.0));
            });
        }),
        breaks("first-components-carry-the-beginning", |runs| {
            each(runs, "relu-1", |run| ten_are_enough(run, |moments| moments - 1));
        }),
        breaks("shuffled-labels-have-no-order", |runs| {
            let critical = values(run(runs, "relu-2"), "critical_component").clone();
            each(runs, "relu-shuffled-2", |run| {
                *values(run, "accessibility") =
                    critical.iter().map(|critical| critical.map(|k| 1.0 - k / 41.0)).collect();
            });
        }),
        breaks("shuffled-labels-are-chance", |runs| {
            each(runs, "relu-shuffled-0", |run| {
                *values(run, "accuracy").last_mut().unwrap() = Some(0.56);
            });
        }),
        breaks("white-inputs-begin-with-all", |runs| {
            for set in 0..4 {
                each(runs, &format!("relu-white-{set}"), |run| ten_are_enough(run, |_| 1));
            }
        }),
        breaks("easy-samples-stay-easy", |runs| {
            each(runs, "relu-white-0", |run| {
                values(run, "accessibility")
                    .iter_mut()
                    .flatten()
                    .for_each(|share| *share = -*share);
            });
        }),
    ]
}
