//! `tests/data/pytorch_losses.json` was written by `tests/data/pytorch_losses.py` with PyTorch 2.13.

use ndarray::Array2;
use ocs::config::{self, Config};
use ocs::metrics::{Curves, Judge};
use ocs::model::Objective;
use ocs::probes::Judges;
use ocs::task::Task;
use ocs::theory::{Theory, log_prior};
use ocs::train::{Snapshot, train};
use serde_json::Value;
use tch::{Device, Kind, Tensor};

const SOFTMAX: &str = "training.loss=softmax-cross-entropy";
const UNEQUAL: &str = "task.frequencies=[27, 9, 9, 3, 9, 3, 3, 1]";

fn parsed(keys: &[&str]) -> anyhow::Result<Config> {
    let overrides = keys.iter().map(|text| text.parse()).collect::<anyhow::Result<Vec<_>>>()?;
    config::parse("name: test", "test", &overrides)
}

fn config(keys: &[&str]) -> Config {
    parsed(keys).unwrap()
}

fn task(config: &Config) -> Task {
    Task::of(config, None).unwrap()
}

fn tensor(matrix: &Array2<f64>) -> Tensor {
    let values: Vec<f64> = matrix.iter().copied().collect();
    Tensor::from_slice(&values).view([matrix.nrows() as i64, matrix.ncols() as i64])
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(&tensor.contiguous().view(-1)).unwrap()
}

/// `scale * sin(0.7 i + 0.4)`, `[8, 14]`.
fn logits(scale: f64) -> Tensor {
    let values: Vec<f64> = (0..8 * 14).map(|i| scale * (0.7 * f64::from(i) + 0.4).sin()).collect();
    Tensor::from_slice(&values).view([8, 14])
}

fn largest(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).fold(0.0, |largest, (a, b)| (a - b).abs().max(largest))
}

/// The loss of outputs to all items, and its gradient with respect to them.
fn loss_and_gradient(config: &Config, outputs: &Tensor) -> (f64, Vec<f64>) {
    let task = task(config);
    let weights = Tensor::from_slice(&task.probabilities.to_vec());
    let outputs = outputs.copy().set_requires_grad(true);
    let objective = Objective::new(config.training.loss, &task);
    let loss = objective.losses(&outputs, &tensor(&task.targets), &weights);
    let gradients = Tensor::run_backward(&[&loss], &[&outputs], false, false);
    (loss.double_value(&[]), numbers(&gradients[0]))
}

#[test]
fn losses_and_their_gradients_are_pytorchs_with_and_without_label_smoothing() {
    let all: Value = serde_json::from_str(include_str!("data/pytorch_losses.json")).unwrap();
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 18);
    for expected in all {
        let of = |key: &str| expected[key].as_f64().unwrap();
        let loss = format!("training.loss={}", expected["loss"].as_str().unwrap());
        let smoothing = format!("training.label_smoothing={}", of("label_smoothing"));
        let config = config(&[&loss, &smoothing, UNEQUAL]);
        let (value, gradient) = loss_and_gradient(&config, &logits(of("scale")));
        assert!((value / of("value") - 1.0).abs() < 1e-12, "{loss} {smoothing}: {value}");
        let theirs: Vec<f64> =
            expected["gradient"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        assert!(largest(&gradient, &theirs) < 1e-12, "{loss} {smoothing}");
    }
}

/// What the linear stack's own gradients rest on.
#[test]
fn the_gradient_of_every_loss_is_responses_less_targets() {
    for loss in ["softmax-cross-entropy", "binary-cross-entropy", "half-squared-error"] {
        for smoothing in [0.0, 0.3] {
            let keys =
                [format!("training.loss={loss}"), format!("training.label_smoothing={smoothing}")];
            let config = config(&[&keys[0], &keys[1], UNEQUAL]);
            let task = task(&config);
            let (_, gradient) = loss_and_gradient(&config, &logits(2.0));
            let objective = Objective::new(config.training.loss, &task);
            let error = objective.responses(&logits(2.0)) - tensor(&task.targets);
            let weights = Tensor::from_slice(&task.probabilities.to_vec()).unsqueeze(1);
            assert!(largest(&gradient, &numbers(&(error * weights))) < 1e-14, "{keys:?}");
        }
    }
}

#[test]
fn logits_of_any_size_have_a_finite_loss_that_a_constant_does_not_change() {
    let config = config(&[SOFTMAX]);
    for scale in [1e-3, 1.0, 1e4, 1e8] {
        let (value, gradient) = loss_and_gradient(&config, &logits(scale));
        assert!(value.is_finite() && gradient.iter().all(|g| g.is_finite()), "{scale}: {value}");
        let (moved, _) = loss_and_gradient(&config, &(logits(scale) + 700.0));
        assert!((moved - value).abs() <= 1e-12 * value.max(1e3), "{scale}: {moved} {value}");
    }
    // Nothing but logits of zero: ln 2 + ln 4 + ln 8.
    let (value, _) =
        loss_and_gradient(&config, &Tensor::zeros([8, 14], (Kind::Double, Device::Cpu)));
    assert!((value - 64f64.ln()).abs() < 1e-14);
}

#[test]
fn smoothed_targets_are_mixed_with_the_chances_of_their_level() {
    let mixed = |loss: &str| {
        let loss = format!("training.loss={loss}");
        task(&config(&[&loss, "training.label_smoothing=0.2"])).targets.row(0).to_vec()
    };
    let softmax = mixed("softmax-cross-entropy");
    let expected = [0.9, 0.1, 0.85, 0.05, 0.05, 0.05, 0.825];
    assert!(largest(&softmax, &expected) < 1e-15, "{softmax:?}");
    for loss in ["binary-cross-entropy", "half-squared-error"] {
        let each = mixed(loss);
        assert!(largest(&each, &[0.9, 0.1, 0.9, 0.1, 0.1, 0.1, 0.9]) < 1e-15, "{each:?}");
    }
    let plain = task(&config(&[SOFTMAX, "training.label_smoothing=0"]));
    assert_eq!((plain.targets, plain.labels), (task(&config(&[])).targets, None));
}

#[test]
fn smoothed_targets_are_scaled_after_they_are_smoothed() {
    let keys = ["training.label_smoothing=0.2", "task.target_scale={mean: -1, contrasts: -1}"];
    let (smoothed, turned) = (task(&config(&keys[..1])), task(&config(&keys)));
    let gap = &smoothed.targets + &turned.targets;
    assert!(gap.iter().all(|gap| gap.abs() < 1e-15));
}

fn judge(task: &Task) -> Judge {
    let (items, weights) = task.evaluation_items();
    Judge::new(task.targets.clone(), items, &weights, task.ocs(), task.level_columns())
        .rating_by(task.labels.as_ref())
}

#[test]
fn with_smoothing_distances_are_to_targets_and_rates_are_by_labels() {
    let (plain, smooth) = (task(&config(&[])), task(&config(&["training.label_smoothing=0.4"])));
    let judge = judge(&smooth);
    let at_targets = judge.judge(smooth.targets.view());
    assert!(at_targets.distance_to_targets < 1e-30 && at_targets.mean_output_error < 1e-15);
    // Contrasts are 0.6 of the labels', so V is 0.36 of theirs.
    assert!((judge.target_variance() - 0.36 * 17.0 / 8.0).abs() < 1e-14);
    let gap = &smooth.ocs() - &(0.6 * &plain.ocs() + 0.2);
    assert!(gap.iter().all(|gap| gap.abs() < 1e-15));
    // The labels of all items are told apart at 1/2, and their graded rates are 0.8.
    assert_eq!(at_targets.level_accuracy, [Some(1.0); 3]);
    assert_eq!(at_targets.thresholded_true_negative_rate, [Some(1.0); 3]);
    for rate in at_targets.true_negative_rate.iter().chain(&at_targets.true_positive_rate) {
        assert!((rate.unwrap() - 0.8).abs() < 1e-14);
    }
}

/// What is observed of a run, with its task.
fn observed(keys: &[&str]) -> (Config, Task, Vec<Snapshot>) {
    let config = config(keys);
    let task = task(&config);
    let mut seen = Vec::new();
    let mut observer = |snapshot: Snapshot| seen.push(snapshot);
    train(&config, &task, 0, Device::Cpu, None, &mut observer).unwrap();
    (config, task, seen)
}

#[test]
fn an_output_bias_under_softmax_first_answers_the_prior() {
    let (config, task, seen) = observed(&[
        SOFTMAX,
        UNEQUAL,
        "network.bias=output",
        "network.hidden=[16]",
        "network.initialisation={aligned: {a0: 1e-16}}",
        "training.precision=float64",
        "training.learning_rate=0.05",
        "training.steps=760",
        "training.observations=2",
    ]);
    let last = &seen.last().unwrap();
    let ocs = task.ocs();
    let farthest = (&last.evaluation.responses - &ocs).iter().fold(0.0f64, |m, v| v.abs().max(m));
    assert!(farthest < 0.015, "{farthest}");
    // Logits are told up to a constant a level: here it is zero.
    let bias = last.output_bias.as_ref().unwrap();
    for level in task.level_columns() {
        assert!(bias[level].iter().sum::<f64>().abs() < 1e-12);
    }
    let prior = log_prior(ocs.as_slice().unwrap(), &[2, 4, 8]);
    assert!(largest(&bias[..2], &prior[..2]) < 1e-3, "{bias:?} {prior:?}");
    // And they are theory's.
    let theory = Theory::new(&config).unwrap().responses(&[last.time]).unwrap().remove(0);
    let gap = (&last.evaluation.responses - &theory).iter().fold(0.0f64, |m, v| v.abs().max(m));
    assert!(gap < 0.1 * config.training.learning_rate, "{gap}");
}

#[test]
fn balanced_classes_leave_biases_under_softmax_where_they_are() {
    let (.., seen) = observed(&[
        SOFTMAX,
        "network.bias=all",
        "network.hidden=[16]",
        "network.initialisation={aligned: {a0: 1e-4}}",
        "training.precision=float64",
        "training.learning_rate=0.05",
        "training.steps=1000",
        "training.observations=20",
    ]);
    for snapshot in &seen {
        let bias = snapshot.output_bias.as_ref().unwrap();
        assert!(bias.iter().all(|value| value.abs() < 1e-12), "{bias:?}");
    }
    let last = &seen.last().unwrap().evaluation;
    assert!(last.loss < 0.5, "contrasts are learned: {}", last.loss);
}

#[test]
fn probabilities_of_each_level_sum_to_one_in_every_kind_and_precision() {
    let glyphs =
        ["task.inputs=glyphs", "task.samples={train: 64, test: 24}", "task.branching=[2, 3]"];
    let glyphs_data = ocs::data::load(ocs::config::Inputs::Glyphs, "unused".as_ref()).unwrap();
    let kinds: [&[&str]; 3] = [
        &["network.kind=cnn", "network.hidden=[4, 8]", "training.batch_size=16"],
        &["network.kind=mlp", "network.hidden=[16]"],
        &["network.kind=linear", "network.hidden=[]", "training.batch_size=16"],
    ];
    for (kind, precision) in
        [(0, "float32"), (0, "bfloat16"), (1, "bfloat16"), (1, "float64"), (2, "float32")]
    {
        let precision = format!("training.precision={precision}");
        let common =
            [SOFTMAX, "training.label_smoothing=0.1", "network.bias=all", "training.steps=20"];
        let rate = "training.learning_rate=0.05";
        let keys = [&glyphs[..], kinds[kind], &common, &[&precision, rate]].concat();
        let config = config(&keys);
        let task = Task::of(&config, Some(&glyphs_data)).unwrap();
        let mut losses = Vec::new();
        let mut observer = |snapshot: Snapshot| {
            for row in snapshot.evaluation.responses.rows() {
                for level in [0..2, 2..8] {
                    let sum: f64 = level.clone().map(|label| row[label]).sum();
                    assert!((sum - 1.0).abs() < 1e-6, "{keys:?}: {sum}");
                }
            }
            losses.push(snapshot.evaluation.loss);
        };
        train(&config, &task, 0, Device::Cpu, None, &mut observer).unwrap();
        // From ln 2 + ln 6 down.
        assert!((losses[0] - 12f64.ln()).abs() < 0.2, "{keys:?}: {losses:?}");
        assert!(losses.last().unwrap() < &losses[0], "{keys:?}: {losses:?}");
    }
}

/// Strengths of a linear network's modes end where exact theory says, whatever the smoothing.
#[test]
fn modes_of_smoothed_labels_end_at_their_own_strengths() {
    for bias in ["none", "input"] {
        let bias = format!("network.bias={bias}");
        let (config, task, seen) = observed(&[
            "training.label_smoothing=0.3",
            &bias,
            "network.hidden=[16]",
            "network.initialisation={aligned: {a0: 1e-2}}",
            "training.precision=float64",
            "training.learning_rate=0.05",
            "training.steps=6000",
            "training.observations=2",
        ]);
        let mut record = crate::quick_runs::of_study("ocs_linear").records[0].clone();
        record.curves = Curves::default();
        Judges::new(&task, &config).judge(seen.last().unwrap(), &mut record);
        let strengths: Vec<f64> = record.curves.mode_strengths.unwrap().concat();
        // Constant: ||ybar|| / mu; contrasts: 0.7 sqrt(g) of one-hot inputs.
        let ocs = task.ocs();
        let mu = if config.network.bias.at_input() { 9.0 / 8.0 } else { 1.0 / 8.0_f64 };
        let constant = (ocs.dot(&ocs) / mu).sqrt();
        let expected = [constant, 0.7 * 7f64.sqrt(), 0.7 * 3f64.sqrt(), 0.7];
        assert!(largest(&strengths, &expected) < 1e-6, "{strengths:?} {expected:?}");
        // The closed form's last responses are the smoothed targets.
        let theory = Theory::new(&config).unwrap();
        let last = theory.responses(&[1e4]).unwrap().remove(0);
        assert!((&last - &task.targets).iter().all(|gap| gap.abs() < 1e-9));
    }
}

#[test]
fn smoothing_that_is_none_leaves_no_trace_in_a_record() {
    let written = |keys: &[&str]| serde_json::to_string(&config(keys).training).unwrap();
    assert!(!written(&[]).contains("smoothing"));
    assert_eq!(written(&["training.label_smoothing=0"]), written(&[]));
    assert!(written(&["training.label_smoothing=0.1"]).contains(r#""label_smoothing":0.1"#));
}

#[test]
fn what_a_loss_cannot_learn_is_refused_with_what_to_write() {
    let gaussian = ["task.inputs=gaussian", "task.targets=linear", "task.branching=null"];
    let cases: [(&[&str], &[&str]); 8] = [
        (
            &[SOFTMAX, "task.tree=[[0, 1, 2], [3, [4, 5]]]", "network.hidden=[16]"],
            &[
                "without a label below level 2 of 3",
                "[[[0], [1], [2]], [[3], [4, 5]]]",
                "binary-cross-entropy",
            ],
        ),
        (
            &[SOFTMAX, "task.tree=[0, [1, 2]]"],
            &["below level 1 of 2", "write task.tree: [[0], [1, 2]]"],
        ),
        (&[SOFTMAX, "task.target_scale={mean: 2}"], &["no probabilities", "softmax-cross-entropy"]),
        (&[&gaussian[..], &[SOFTMAX]].concat(), &["numbers, no probabilities"]),
        (
            &[&gaussian[..], &["training.label_smoothing=0.1"]].concat(),
            &["training.label_smoothing is 0.1", "numbers, no labels"],
        ),
        (&["training.label_smoothing=1"], &["label_smoothing", "below 1, not 1"]),
        (&["training.label_smoothing=-0.1"], &["label_smoothing", "not -0.1"]),
        (&["phases=[{training.loss: softmax-cross-entropy}]"], &["phase 1", "training.loss"]),
    ];
    for (keys, words) in cases {
        let error = format!("{:#}", parsed(keys).unwrap_err());
        for word in words {
            assert!(error.contains(word), "{keys:?}: {error}");
        }
    }
    // The tree that is to be written instead is one; so is any whose leaves are equally deep.
    for tree in ["[[[0], [1], [2]], [[3], [4, 5]]]", "[[0, 1, 2], [3, 4]]", "[0, 1, 2]"] {
        let key = format!("task.tree={tree}");
        let config = config(&[SOFTMAX, &key]);
        for level in task(&config).level_columns() {
            let sums =
                task(&config).targets.slice(ndarray::s![.., level]).sum_axis(ndarray::Axis(1));
            assert!(sums.iter().all(|&sum| sum == 1.0), "{tree}");
        }
    }
}

#[test]
fn a_phase_may_smooth_labels_that_another_does_not() {
    let config = config(&[
        "phases=[{label: hard}, {label: smooth, training.label_smoothing: 0.5}]",
        "network.bias=output",
    ]);
    let stretches = config.stretches().unwrap();
    let means: Vec<f64> = stretches.iter().map(|stretch| task(&stretch.config).ocs()[6]).collect();
    assert!(largest(&means, &[0.125, 0.3125]) < 1e-15, "{means:?}");
}
