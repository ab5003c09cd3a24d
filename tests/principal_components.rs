//! Wide linear networks along the principal components of their inputs: formulas against gradient descent written out here, limits,
//! what a run records, and what is refused.

use std::path::Path;

use ndarray::{Array1, Array2};
use ocs::config::{self, Config, Override};
use ocs::derived::Derived;
use ocs::record::{Record, RunFolder, Series, TheoryRecord};
use ocs::sweep::{Tasks, add_components, theory_of, train_all};
use ocs::task::{Task, TaskInputs};
use ocs::theory::{PrincipalComponents, WideLinear};

use crate::checkpoints::{eager, interrupted, resumed, trained_on};
use crate::reproducible_runs::options;

const BASE: &str = "
task:
  inputs: gaussian
  gaussian: {dimension: 5, count: 60, mirrored: false, spectrum: {exponent: 1}}
  targets: {linear: {outputs: 2, entries: 0.4, noise: 0.1}}
network: {kind: linear, hidden: [48], bias: none, initialisation: normal-over-width}
training: {learning_rate: 0.05, steps: 40, observations: 200, precision: float64}
probes: [components]
seeds: [3]
";

fn config(overrides: &[&str]) -> Config {
    let overrides: Vec<Override> = overrides.iter().map(|text| text.parse().unwrap()).collect();
    config::parse(BASE, "components", &overrides).unwrap()
}

fn refusal(overrides: &[&str]) -> String {
    let overrides: Vec<Override> = overrides.iter().map(|text| text.parse().unwrap()).collect();
    format!("{:#}", config::parse(BASE, "components", &overrides).unwrap_err())
}

fn trained(config: &Config) -> Record {
    let folder = tempfile::tempdir().unwrap();
    train_all(config, &options(folder.path()), &|_| ()).unwrap();
    RunFolder::read(folder.path()).unwrap().records.remove(0)
}

fn predicted(config: &Config) -> TheoryRecord {
    let data = tempfile::tempdir().unwrap();
    let mut tasks = Tasks::keeping(data.path(), &Derived::nowhere());
    theory_of("default", config, None, &mut tasks).unwrap()
}

fn rows(series: &Series) -> Vec<Vec<f64>> {
    let values: Vec<f64> = series.values.iter().map(|value| value.unwrap()).collect();
    values.chunks(series.size()).map(<[f64]>::to_vec).collect()
}

fn largest(ones: &[Vec<f64>], others: &[Vec<f64>]) -> f64 {
    assert_eq!(ones.len(), others.len());
    let pairs = ones.iter().flatten().zip(others.iter().flatten());
    pairs.map(|(one, other)| (one - other).abs()).fold(0.0, f64::max)
}

#[test]
fn drawn_inputs_have_the_spectrum_that_is_asked_for() {
    for (spectrum, expected) in [
        ("{exponent: 1}", [1.0, 0.5, 1.0 / 3.0, 0.25, 0.2]),
        ("{exponent: 0, total: 10}", [2.0; 5]),
        ("{exponent: 2, total: 1.463611111111111}", [1.0, 0.25, 1.0 / 9.0, 0.0625, 0.04]),
    ] {
        let config = config(&[&format!("task.gaussian.spectrum={spectrum}")]);
        let task = Task::of(&config, None).unwrap();
        let components = PrincipalComponents::new(&task).unwrap();
        for (found, expected) in components.variances().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-13, "{spectrum}: {found} {expected}");
        }
    }
}

#[test]
fn the_least_squares_map_leaves_no_correlation_and_the_loss_is_the_distances() {
    let task = Task::of(&config(&[]), None).unwrap();
    let TaskInputs::Vectors(inputs) = &task.inputs else { panic!() };
    let components = PrincipalComponents::new(&task).unwrap();
    let along = components.of_map(&Array2::eye(5));
    let map = components.optimum().dot(&along.t());
    let residue = &task.targets - &inputs.dot(&map.t());
    assert!(residue.t().dot(inputs).iter().all(|value| value.abs() < 1e-11));
    let other = Array2::from_shape_fn((2, 5), |(i, j)| ((3 * i + 2 * j) as f64).sin());
    let error = &task.targets - &inputs.dot(&other.t());
    let loss = 0.5 * error.iter().map(|value| value * value).sum::<f64>() / 60.0;
    let distances = components.distances(&components.of_map(&other));
    assert!((components.loss(&distances) - loss).abs() < 1e-12);
}

#[test]
fn one_layer_follows_the_formula_exactly_from_any_start() {
    let record =
        trained(&config(&["network.hidden=[]", "network.initialisation={normal: {std: 0.7}}"]));
    let errors = rows(&record.series["wide_map_error"]);
    assert!(errors.iter().flatten().all(|error| *error <= 1e-12), "{errors:?}");
    let loss = rows(&record.series["wide_loss"]);
    let recorded: Vec<Vec<f64>> = record.curves.loss.iter().map(|loss| vec![*loss]).collect();
    assert!(largest(&loss, &recorded) < 1e-12);
}

/// Gradient descent of `W_2 W_1` written out, `[output, component]` at each step.
fn descended(
    task: &Task,
    mut layers: [Array2<f64>; 2],
    rate: f64,
    steps: usize,
) -> Vec<Array2<f64>> {
    let TaskInputs::Vectors(inputs) = &task.inputs else { panic!() };
    let n = inputs.nrows() as f64;
    let components = PrincipalComponents::new(task).unwrap();
    (0..=steps)
        .map(|_| {
            let map = layers[1].dot(&layers[0]);
            let error = inputs.dot(&map.t()) - &task.targets;
            let drive = error.t().dot(inputs) / n;
            let below = layers[1].t().dot(&drive);
            let above = drive.dot(&layers[0].t());
            layers[0].scaled_add(-rate, &below);
            layers[1].scaled_add(-rate, &above);
            components.of_map(&map)
        })
        .collect()
}

/// Layers with `A_l = B_l = I` and no map: what infinitely many units are at the start.
fn infinitely_wide(n_inputs: usize, n_outputs: usize) -> [Array2<f64>; 2] {
    let hidden = n_inputs + n_outputs;
    let below = Array2::from_shape_fn((hidden, n_inputs), |(i, j)| f64::from(u8::from(i == j)));
    let above =
        Array2::from_shape_fn((n_outputs, hidden), |(i, j)| f64::from(u8::from(j == n_inputs + i)));
    [below, above]
}

#[test]
fn small_targets_take_infinitely_many_units_along_the_formula_and_large_ones_do_not() {
    // What is left is of second order in the targets: layers move by as much as is learned.
    let off = |scale: f64| {
        let config = config(&[
            &format!("task.targets.linear.entries={}", 0.4 * scale),
            "task.targets.linear.noise=0",
        ]);
        let task = Task::of(&config, None).unwrap();
        let law = WideLinear::new(&config, PrincipalComponents::new(&task).unwrap());
        let maps = descended(&task, infinitely_wide(5, 2), 0.05, 40);
        let whole = law.components().optimum().iter().map(|w| w * w).sum::<f64>().sqrt();
        let error = |(step, map): (usize, &Array2<f64>)| {
            let wide = law.at(&maps[0], 0.05 * step as f64);
            (map - &wide).iter().map(|off| off * off).sum::<f64>().sqrt() / whole
        };
        maps.iter().enumerate().map(error).fold(0.0, f64::max)
    };
    let (small, double) = (off(0.05), off(0.1));
    assert!((double / small - 4.0).abs() < 0.1, "{small} {double}");
    assert!(off(1.0) > 0.01);
}

#[test]
fn the_probe_tells_of_a_run_what_its_weights_do() {
    let config = config(&[]);
    let record = trained(&config);
    let task = Task::of(&config, None).unwrap();
    let components = PrincipalComponents::new(&task).unwrap();
    let maps = rows(&record.series["component_map"]);
    // The run's own start, descended here.
    let distances = rows(&record.series["component_distances"]);
    for (map, distances) in maps.iter().zip(&distances) {
        let map = Array2::from_shape_vec((2, 5), map.clone()).unwrap();
        let expected = components.distances(&map);
        assert!(largest(&[expected], std::slice::from_ref(distances)) < 1e-12);
    }
    let losses: Vec<f64> = distances.iter().map(|row| components.loss(row)).collect();
    assert!(largest(&[losses], std::slice::from_ref(&record.curves.loss)) < 1e-12);
    let half = rows(&record.series["component_half_times"]);
    let expected: Vec<f64> = (1..=5).map(|j| 2f64.ln() * f64::from(j) / 2.0).collect();
    assert!(largest(&half, &[expected]) < 1e-12);
    assert_eq!(record.series["layer_surroundings"].shape, [2, 2]);
}

#[test]
fn wider_networks_are_nearer_and_a_small_start_is_not() {
    let error = |overrides: &[&str]| {
        let mut all = vec!["task.targets.linear.entries=0.04", "task.targets.linear.noise=0.01"];
        all.extend(overrides);
        let record = trained(&config(&all));
        rows(&record.series["wide_map_error"]).into_iter().flatten().fold(0.0, f64::max)
    };
    let (narrow, wide) = (error(&["network.hidden=[32]"]), error(&["network.hidden=[2048]"]));
    assert!(wide < narrow / 4.0, "{narrow} {wide}");
    let small =
        ["network.hidden=[2048]", "network.initialisation={normal-over-width: {std: 0.05}}"];
    assert!(error(&small) > 0.5);
}

#[test]
fn theory_answers_wide_networks_by_the_formula_at_any_depth() {
    for hidden in ["[48]", "[48, 48]", "[48, 48, 48, 48, 48, 48, 48]"] {
        let config = config(&[&format!("network.hidden={hidden}")]);
        let (record, theory) = (trained(&config), predicted(&config));
        assert!(theory.validity.starts_with("approximate: gradient descent of an infinitely wide"));
        let of_run = rows(&record.series["wide_distances"]);
        assert!(largest(&rows(&theory.series["component_distances"]), &of_run) < 1e-12);
        let wide_loss = rows(&theory.series["wide_loss"]);
        let of_curves: Vec<Vec<f64>> = theory.curves.loss.iter().map(|loss| vec![*loss]).collect();
        assert!(largest(&wide_loss, &of_curves) < 1e-12, "responses and columns are one map");
        assert_eq!(theory.series["component_map"].dims, ["output", "component"]);
    }
    // Steps of several sizes follow the flow.
    let config = config(&["training.schedule={linear: {final: 0.5}}"]);
    let theory = predicted(&config);
    let distances = &theory.series["component_distances"];
    let time = theory.curves.time.last().unwrap();
    let (first, last) = (rows(distances)[0].clone(), rows(distances).pop().unwrap());
    for (j, (first, last)) in first.iter().zip(last).enumerate() {
        let share = (-2.0 * time / (j + 1) as f64).exp();
        assert!((last / first - share).abs() < 1e-12);
    }
}

#[test]
fn equal_variances_have_equal_half_times() {
    let config = config(&["task.gaussian.spectrum={exponent: 0, total: 5}"]);
    let theory = predicted(&config);
    let half = rows(&theory.series["component_half_times"]).remove(0);
    assert!(half.iter().all(|time| (time - half[0]).abs() < 1e-12));
    // Without the probe they are asked for.
    let plain = self::config(&["probes=[]"]);
    let mut plain = predicted(&plain);
    assert!(plain.series.is_empty());
    add_components(&mut plain, None).unwrap();
    assert!(plain.series.contains_key("component_half_times"));
}

#[test]
fn interrupted_stacks_end_with_the_same_components() {
    let config = Config { seeds: vec![3, 4], ..config(&["training.observations=12"]) };
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    train_all(&config, &eager(whole.path()), &|_| ()).unwrap();
    interrupted(&config, &eager(broken.path()), 20);
    assert!(trained_on(&config, &resumed(broken.path())).iter().all(|step| *step > 0));
    let series = |folder: &Path| -> Vec<_> {
        let records = RunFolder::read(folder).unwrap().records;
        records.into_iter().map(|record| record.series).collect()
    };
    assert_eq!(series(whole.path()), series(broken.path()));
    // The formula starts from the map of step 0, not from that of the checkpoint.
    let alone = Config { seeds: vec![4], ..config.clone() };
    let apart = trained(&alone);
    let of_stack = &series(broken.path())[1]["wide_distances"];
    assert!(largest(&rows(of_stack), &rows(&apart.series["wide_distances"])) < 1e-12);
}

#[test]
fn labels_before_spread_follow_the_draws_and_are_learned_by_cross_entropy() {
    let overrides = [
        "task.targets={sign: {amplitude: 0.5, offset: 0.5, before_spread: true}}",
        "network.kind=mlp",
        "network.initialisation={normal: {std: 0.3}}",
        "training.loss=binary-cross-entropy",
        "probes=[]",
    ];
    let labels = |spectrum: &str| {
        let mut all = overrides.to_vec();
        all.push(spectrum);
        Task::of(&config(&all), None).unwrap().targets
    };
    let (steep, flat) = (
        labels("task.gaussian.spectrum={exponent: 4}"),
        labels("task.gaussian.spectrum={exponent: 0}"),
    );
    assert_eq!(steep, flat, "labels are those of the draws, however they are spread");
    let sides: Array1<f64> = steep.column(0).to_owned();
    assert!(sides.iter().all(|label| *label == 0.0 || *label == 1.0));
    let record = trained(&config(&overrides));
    assert!(record.curves.loss.last().unwrap() < &record.curves.loss[0]);
}

#[test]
fn what_does_not_go_together_is_refused_with_the_remedy() {
    for (overrides, expected) in [
        (
            &["network.kind=mlp", "network.initialisation={normal: {std: 1}}"][..],
            "network.kind must be linear",
        ),
        (&["network.bias=all"], "network.bias must be none"),
        (&["training.optimiser={sgd: {momentum: 0.9}}"], "training.optimiser must be sgd"),
        (&["training.batch_size=10"], "training.batch_size must be full"),
        (&["network.hidden=[]"], "use normal: {std: ...}"),
        (&["network.hidden=[32, 48]"], "make all equal"),
        (&["task.gaussian.spread=[1, 1, 1, 1, 1]"], "spread and spectrum"),
        (&["task.gaussian.spectrum.exponent=-1"], "must be 0 to 8"),
        (&["task.gaussian.spectrum.total=0"], "task.gaussian.spectrum.total"),
        (&["training.loss=binary-cross-entropy", "probes=[]"], "amplitude: 0.5, offset: 0.5"),
    ] {
        let message = refusal(overrides);
        assert!(message.contains(expected), "{overrides:?}: {message}");
    }
    let data = tempfile::tempdir().unwrap();
    for (overrides, expected) in [
        (
            &["network.initialisation={normal-over-width: {std: 0.05}}"][..],
            "ask it of a narrower network with normal",
        ),
        (&["network.hidden=[16]"], "widen network.hidden"),
        (&["training.learning_rate=0.6"], "overshoots; lower it below 5.0e-1"),
    ] {
        let mut tasks = Tasks::keeping(data.path(), &Derived::nowhere());
        let refused = theory_of("default", &config(overrides), None, &mut tasks);
        let message = format!("{:#}", refused.unwrap_err());
        assert!(message.contains(expected), "{overrides:?}: {message}");
    }
}
