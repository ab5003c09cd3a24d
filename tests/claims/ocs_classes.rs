use super::spoil::run;
use super::{Case, breaks};
use ocs::config::Config;
use ocs::metrics::{Contrasts, Curves, Direction, first_time};
use ocs::record::{Record, RunFolder};

/// What a contrast is between: the nodes of a level, or vehicles and animals.
#[derive(Clone, Copy)]
enum Between {
    Level(usize),
    Vehicles,
}

use Between::{Level, Vehicles};

fn contrasts(levels: &[usize]) -> Contrasts {
    Contrasts::new(levels).unwrap()
}

fn direction(config: &Config, levels: &[usize], between: Between) -> Direction {
    match between {
        Level(level) => contrasts(levels).of_level(level),
        Vehicles => contrasts(levels).between(&config.task.vehicles().unwrap()),
    }
}

/// Curves of which claims read what a run has learned.
fn curves(run: &mut Record) -> &mut Curves {
    run.training_curves.as_mut().unwrap_or(&mut run.curves)
}

/// When a run has learned a contrast.
fn time_of(runs: &mut RunFolder, condition: &str, between: Between) -> Option<f64> {
    let run = run(runs, condition);
    let direction = direction(&run.config, &run.levels, between);
    let levels = run.levels.clone();
    let threshold = run.config.phase_threshold;
    let curves = curves(run);
    let fractions = contrasts(&levels).fraction(curves, &direction).unwrap();
    first_time(&curves.time, &fractions, threshold)
}

/// Lets curves have learned this fraction of a contrast from the last observation before a time on.
fn set(
    curves: &mut Curves,
    config: &Config,
    levels: &[usize],
    between: Between,
    (from, fraction): (f64, f64),
) {
    let direction = direction(config, levels, between);
    let fractions = contrasts(levels).fraction(curves, &direction).unwrap();
    let first = curves.time.iter().rposition(|&time| time <= from).unwrap();
    let items = curves.item_responses.as_mut().unwrap();
    for (item, labels) in items.iter_mut().enumerate() {
        for (label, row) in labels.iter_mut().enumerate() {
            for index in first..row.len() {
                row[index] += (fraction - fractions[index]) * direction[[item, label]];
            }
        }
    }
}

/// Twice the threshold from a time on, in a run and in its theory, if it has one.
fn learn(runs: &mut RunFolder, condition: &str, between: Between, from: f64) {
    let run = run(runs, condition);
    let (config, levels) = (run.config.clone(), run.levels.clone());
    set(curves(run), &config, &levels, between, (from, 0.2));
    for theory in runs.theories.iter_mut().filter(|theory| theory.condition == condition) {
        set(&mut theory.curves, &config, &levels, between, (from, 0.2));
    }
}

/// A clock that runs so many times as fast, in a run and in its theory.
fn slow_down(runs: &mut RunFolder, condition: &str, factor: f64) {
    curves(run(runs, condition)).time.iter_mut().for_each(|time| *time *= factor);
    for theory in runs.theories.iter_mut().filter(|theory| theory.condition == condition) {
        theory.curves.time.iter_mut().for_each(|time| *time *= factor);
    }
}

fn of_network(network: &'static str) -> Vec<Case> {
    let id = |claim: &str| format!("{network}-{claim}");
    let semantic = format!("{network}-semantic");
    let regrouped = format!("{network}-regrouped-2");
    let (top_of, second_of, third_of) = (semantic.clone(), semantic.clone(), semantic);
    let [first, faster, lead, finest] = [0; 4].map(|_| regrouped.clone());
    vec![
        breaks(id("constant-first"), move |runs| {
            let times = [Level(0), Level(1), Level(2), Vehicles];
            let times = times.into_iter().filter_map(|between| time_of(runs, &first, between));
            let earliest = times.min_by(f64::total_cmp).unwrap();
            run(runs, &first).phase.onset = Some(1.02 * earliest);
        }),
        breaks(id("meaning-is-faster"), move |runs| {
            let top = time_of(runs, &top_of, Level(0)).unwrap();
            learn(runs, &faster, Level(0), 0.98 * top);
            // The images lead still.
            learn(runs, &faster, Vehicles, 0.6 * top);
        }),
        breaks(id("top-down"), move |runs| {
            let top = time_of(runs, &second_of, Level(0)).unwrap();
            learn(runs, &second_of, Level(1), 0.98 * top);
        }),
        breaks(id("top-down"), move |runs| {
            let second = time_of(runs, &third_of, Level(1)).unwrap();
            learn(runs, &third_of, Level(2), 0.98 * second);
        }),
        breaks(id("images-lead"), move |runs| {
            let vehicles = time_of(runs, &lead, Vehicles).unwrap();
            learn(runs, &lead, Level(0), 0.98 * vehicles);
        }),
        breaks(id("finest-first"), move |runs| {
            let time = time_of(runs, &finest, Level(2)).unwrap();
            learn(runs, &finest, Level(1), 0.98 * time);
        }),
    ]
}

pub fn cases() -> Vec<Case> {
    let mut cases = of_network("linear");
    cases.extend(of_network("cnn"));
    for ln in [0.2, -0.2] {
        cases.push(breaks("mirrored", move |runs| {
            let top = |runs: &mut RunFolder, name| time_of(runs, name, Level(0)).unwrap();
            let ratio = top(runs, "linear-mirrored") / top(runs, "linear-semantic");
            slow_down(runs, "linear-mirrored", f64::exp(ln) / ratio);
        }));
    }
    // Theory is late by twice what it may be; or foretells what does not come, or not what does.
    let misled = |condition: &'static str, between: Between, fraction: f64| {
        breaks("predicted", move |runs| {
            let theory = super::spoil::theory(runs, condition);
            let last = *theory.curves.time.last().unwrap();
            let (config, levels) = (theory.config.clone(), theory.levels.clone());
            let from = if fraction > 0.1 { 0.7 * last } else { 0.0 };
            set(&mut theory.curves, &config, &levels, between, (from, fraction));
        })
    };
    cases.extend([
        breaks("predicted", |runs| {
            let theory = super::spoil::theory(runs, "linear-mirrored");
            theory.curves.time.iter_mut().for_each(|time| *time *= 1.1);
        }),
        misled("linear-regrouped-1", Level(0), 0.2),
        misled("linear-regrouped-3", Vehicles, 0.0),
    ]);
    cases
}
