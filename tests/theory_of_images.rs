//! Theory of linear networks on images against gradient descent and against the flow of the layers themselves. Glyphs need
//! no files.

use std::path::Path;
use std::sync::Arc;

use ndarray::{Array1, Array2};
use ocs::config::{self, Config};
use ocs::data;
use ocs::metrics::Judge;
use ocs::record::TheoryRecord;
use ocs::sweep::{Tasks, theory_of};
use ocs::task::{Task, TaskInputs};
use ocs::theory::{ImageTheory, LayerStart, Moments, Theory};
use ocs::train::{Snapshot, train};

/// A linear network on 200 glyphs in float64; `rest` overrides.
fn glyphs(rest: &[&str]) -> Config {
    let text = "
task: {inputs: glyphs, samples: {train: 200, test: 16}}
network: {hidden: [6], initialisation: {normal: {std: 0.05}}}
training: {precision: float64, observations: 2}
seeds: [3]";
    let overrides: Vec<config::Override> = rest.iter().map(|text| text.parse().unwrap()).collect();
    config::parse(text, "glyphs", &overrides).unwrap()
}

fn theory(config: &Config) -> anyhow::Result<TheoryRecord> {
    theory_of("x", config, None, &mut Tasks::new(Path::new("nowhere")))
}

/// Distances to targets and to the OCS at the end of training, on the training set.
fn descended(config: &Config) -> [f64; 3] {
    let dataset = data::load(config.task.inputs, Path::new("nowhere")).unwrap();
    let task = Task::new(&config.task, Some(&dataset)).unwrap();
    let TaskInputs::Images { train: images, .. } = &task.inputs else { panic!("no images") };
    let weights = vec![1.0; images.items.len()];
    let levels = task.level_columns();
    let judge =
        Judge::new(task.targets.clone(), images.items.clone(), &weights, task.ocs(), levels);
    let mut last = None;
    let mut observer = |snapshot: Snapshot| last = snapshot.training;
    train(config, &task, config.seeds[0], tch::Device::Cpu, None, &mut observer).unwrap();
    let judgement = judge.judge(last.unwrap().responses.view());
    [judgement.mean_output_error, judgement.input_dependence, judgement.distance_to_targets]
}

fn predicted(theory: &TheoryRecord) -> [f64; 3] {
    let last = |values: &[f64]| values[values.len() - 1];
    let curves = &theory.curves;
    [&curves.mean_output_error, &curves.input_dependence, &curves.distance_to_targets]
        .map(|v| last(v))
}

fn furthest(one: [f64; 3], other: [f64; 3]) -> f64 {
    one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Gradient descent to one time at two learning rates against theory: errors of both, and after extrapolation.
fn against_descent(rest: &[&str], time: f64, steps: u64) -> (f64, f64, f64) {
    let at = |steps: u64| {
        let keys = [
            format!("training.learning_rate={}", time / steps as f64),
            format!("training.steps={steps}"),
        ];
        let keys: Vec<&str> = rest.iter().copied().chain(keys.iter().map(String::as_str)).collect();
        glyphs(&keys)
    };
    let exact = predicted(&theory(&at(steps)).unwrap());
    let (coarse, fine) = (descended(&at(steps)), descended(&at(2 * steps)));
    let extrapolated = [0, 1, 2].map(|index| 2.0 * fine[index] - coarse[index]);
    (furthest(coarse, exact), furthest(fine, exact), furthest(extrapolated, exact))
}

#[test]
fn one_layer_follows_the_spectral_formula() {
    for preprocessing in ["raw", "pixel-centred"] {
        let preprocessing = format!("task.preprocessing={preprocessing}");
        let keys = [preprocessing.as_str(), "network.hidden=[]"];
        assert_eq!(format!("{:?}", theory(&glyphs(&keys)).unwrap().method), "Spectral");
        let (coarse, fine, extrapolated) = against_descent(&keys, 0.5, 2_000);
        assert!(coarse < 5e-3 && (1.85..2.15).contains(&(coarse / fine)), "{coarse} {fine}");
        assert!(extrapolated < 1e-5, "{extrapolated}");
    }
}

#[test]
fn the_distance_of_two_layers_from_theory_halves_with_the_learning_rate() {
    for time in [0.5, 3.0] {
        let (coarse, fine, extrapolated) = against_descent(&[], time, 2_000);
        assert!(coarse < 2e-2 && (1.85..2.15).contains(&(coarse / fine)), "{coarse} {fine}");
        assert!(extrapolated < 1e-4, "{extrapolated}");
    }
}

/// Layers without biases, of numbers without a pattern.
fn layers(widths: &[usize], size: f64) -> Vec<LayerStart> {
    let weight = |rows: usize, columns: usize, salt: usize| {
        Array2::from_shape_fn((rows, columns), |(i, j)| {
            size * ((i * 7919 + j * 104_729 + salt * 31) as f64).sin()
        })
    };
    let pairs = widths.windows(2).enumerate();
    pairs
        .map(|(salt, pair)| LayerStart { weight: weight(pair[1], pair[0], salt), bias: None })
        .collect()
}

/// An uneven tree over correlated inputs: the modes are not known in closed form.
fn uneven() -> (Config, Arc<Moments>) {
    let keys =
        ["task.inputs=correlated", "task.correlation=0.3", "task.tree=[[0, 1, 2], [3, [4, 5]]]"];
    let overrides: Vec<config::Override> = keys.iter().map(|key| key.parse().unwrap()).collect();
    let config = config::parse("network: {hidden: [5]}", "uneven", &overrides).unwrap();
    let moments = Moments::new(&Task::new(&config.task, None).unwrap()).unwrap();
    (config, Arc::new(moments))
}

#[test]
fn moments_alone_give_the_flow_of_the_full_layers() {
    let (config, moments) = uneven();
    let n_labels = Task::new(&config.task, None).unwrap().targets.ncols();
    let start = layers(&[7, 5, n_labels], 0.2);
    let times = [0.0, 0.7, 3.0, 20.0, 30.0];
    let full = Theory::from_weights(&config, start.clone(), "exact".to_owned()).unwrap();
    let image = ImageTheory::new(&config, moments, &start, "here").unwrap();
    assert_eq!(image.validity, "exact for the gradient flow from here");
    let course = image.course(&times, 0.1).unwrap();
    for (responses, answer) in full.responses(&times).unwrap().iter().zip(&course.answers) {
        let difference = (responses - &answer.item_responses).mapv(f64::abs);
        assert!(difference.iter().all(|value| *value < 1e-7), "t {}: {difference}", answer.time);
    }
    let (onset, end) = full.onset_and_end(0.1).unwrap();
    for (one, other) in [(onset, course.onset), (end, course.end)] {
        let (Some(one), Some(other)) = (one, other) else { panic!("{onset:?} {end:?}") };
        assert!((one / other - 1.0).abs() < 1e-6, "{one} {other}");
    }
}

#[test]
fn what_a_small_start_loses_by_its_projection_is_small_and_vanishes_with_it() {
    let (config, moments) = uneven();
    let n_labels = Task::new(&config.task, None).unwrap().targets.ncols();
    let error = |size: f64| {
        let start = layers(&[7, 5, n_labels], size);
        let full = Theory::from_weights(&config, start.clone(), String::new()).unwrap();
        let image = ImageTheory::new(&config, moments.clone(), &start, "here").unwrap();
        assert!(image.validity.contains("singular directions"), "{}", image.validity);
        let times: Vec<f64> = (0..200).map(|i| f64::from(i) * 0.5).collect();
        let course = image.course(&times, 0.1).unwrap();
        let (onset, end) = full.onset_and_end(0.1).unwrap();
        let relative = |a: Option<f64>, b: Option<f64>| (a.unwrap() / b.unwrap() - 1.0).abs();
        relative(course.onset, onset).max(relative(course.end, end))
    };
    let (large, small) = (error(1e-2), error(1e-4));
    assert!(large < 2e-2 && small < large / 10.0, "{large} {small}");
}

#[test]
fn centred_glyphs_never_tell_their_mean() {
    let config = glyphs(&["task.preprocessing=pixel-centred", "training.steps=2000"]);
    let record = theory(&config).unwrap();
    let beta = Array1::from(record.ocs.clone()).mapv(|v| v * v).sum().sqrt();
    let errors = &record.curves.mean_output_error;
    assert!(errors.iter().all(|error| (error / beta - 1.0).abs() < 1e-12), "{errors:?}");
    assert!(record.phase.onset.is_none());
}

#[test]
fn what_is_not_covered_is_refused_with_the_key() {
    let cases = [
        (&["network.bias=all"][..], "network.bias none, not all"),
        (&["network.hidden=[6, 6]"], "at most one width in network.hidden"),
        (&["training.loss=binary-cross-entropy"], "training.loss half-squared-error"),
        (&["training.batch_size=20"], "training.batch_size null"),
        (&["training.optimiser.sgd.momentum=0.5"], "sgd without momentum"),
        (&["network.kind=mlp"], "network.kind: linear"),
        (&["task.inputs=mnist"], "ocs data fetch mnist"),
    ];
    for (keys, expected) in cases {
        let error = format!("{:#}", theory(&glyphs(keys)).unwrap_err());
        assert!(error.contains(expected), "{keys:?}: {error}");
    }
}
