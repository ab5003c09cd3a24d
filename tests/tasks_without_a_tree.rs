//! Vectors that are drawn, with targets that are numbers: what a record holds of them, what a config may say, and what bias-free
//! networks make of them.

use ndarray::Array2;
use ocs::config::{self, Config, Override};
use ocs::metrics::Judge;
use ocs::model::{Network, Placement};
use ocs::task::{Task, TaskInputs};
use ocs::train::{Snapshot, train};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

/// A ReLU network on symmetric inputs with odd targets in float64; `rest` holds further overrides.
fn config(rest: &[&str]) -> Result<Config, String> {
    let plain = [
        "task.inputs=gaussian",
        "task.targets=linear",
        "network.kind=mlp",
        "network.hidden=[20]",
        "network.initialisation={mirrored: {scale: 0.1}}",
        "training.precision=float64",
        "training.learning_rate=0.02",
        "training.steps=500",
        "training.observations=20",
    ];
    let overrides: Vec<Override> =
        plain.iter().chain(rest).map(|text| text.parse().unwrap()).collect();
    config::parse("name: test", "test", &overrides).map_err(|error| format!("{error:#}"))
}

fn snapshots(config: &Config, seed: u64) -> Vec<Snapshot> {
    let task = Task::new(&config.task, None).unwrap();
    let mut seen = Vec::new();
    let mut observer = |snapshot: Snapshot| seen.push(snapshot);
    train(config, &task, seed, Device::Cpu, None, &mut observer).unwrap();
    seen
}

fn losses(config: &Config, seed: u64) -> Vec<f64> {
    snapshots(config, seed).iter().map(|snapshot| snapshot.evaluation.loss).collect()
}

fn largest_difference(one: &[f64], other: &[f64]) -> f64 {
    std::iter::zip(one, other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// The linear network that a bias-free one with slope `alpha` below 0 should be: weights times `sqrt(b)`, steps times b.
fn twin(alpha: f64, rest: &[&str], start: impl Fn(f64) -> String) -> Config {
    let b = (1.0 + alpha) / 2.0;
    let (rate, start) = (format!("training.learning_rate={}", 0.02 * b), start(b.sqrt()));
    config(&[&["network.kind=linear", &rate, &start], rest].concat()).unwrap()
}

#[test]
fn from_a_mirrored_start_bias_free_networks_are_linear_ones_in_slower_time() {
    let start =
        |root: f64| format!("network.initialisation={{mirrored: {{scale: {}}}}}", 0.1 * root);
    let spread = "task.gaussian.spread=[0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5]";
    for of_task in [vec![], vec![spread], vec!["task.targets.linear.noise=0.5"]] {
        for (alpha, activation) in [(0.0, "relu"), (0.3, "leaky-relu")] {
            let activation = format!("network.activation={activation}");
            let mut rest = vec![activation.as_str()];
            if alpha > 0.0 {
                rest.push("network.negative_slope=0.3");
            }
            rest.extend(&of_task);
            let (relu, linear) = (config(&rest).unwrap(), twin(alpha, &of_task, start));
            let (relu, linear) = (losses(&relu, 3), losses(&linear, 3));
            assert!(largest_difference(&relu, &linear) < 1e-12, "{rest:?}");
            assert!(relu[relu.len() - 1] < 0.9 * relu[0], "{rest:?}: learned nothing");
        }
    }
    // Not so on inputs that are not symmetric.
    let asymmetric = ["task.gaussian.mirrored=false", "task.gaussian.shift=0.7"];
    let (relu, linear) = (config(&asymmetric).unwrap(), twin(0.0, &asymmetric, start));
    assert!(largest_difference(&losses(&relu, 3), &losses(&linear, 3)) > 0.05);
}

/// A network's weights, as a run with this seed starts from them.
fn weights(config: &Config, seed: u64) -> Vec<Tensor> {
    let task = Task::new(&config.task, None).unwrap();
    let placement = Placement { device: Device::Cpu, weights: Kind::Double, compute: Kind::Double };
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let network = Network::new(&config.network, &task, placement, &mut generator).unwrap();
    network.layers().iter().map(|layer| layer.weight.detach()).collect()
}

#[test]
fn a_seed_draws_the_same_start_for_linear_networks_and_others_but_for_its_scale() {
    let root = 0.5f64.sqrt();
    for (start, scaled) in [
        ("{normal: {std: 0.01}}".to_owned(), format!("{{normal: {{std: {}}}}}", 0.01 * root)),
        ("mirrored".to_owned(), format!("{{mirrored: {{scale: {}}}}}", 0.01 * root)),
    ] {
        let of = |kind: &str, start: &str| {
            let (kind, start) =
                (format!("network.kind={kind}"), format!("network.initialisation={start}"));
            weights(&config(&[&kind, &start]).unwrap(), 7)
        };
        for (relu, linear) in of("mlp", &start).iter().zip(of("linear", &scaled)) {
            let difference = (relu * root - linear).abs().max().double_value(&[]);
            assert!(difference < 1e-17, "{start}: {difference:e}");
        }
    }
}

#[test]
fn halves_of_a_mirrored_start_answer_to_opposite_inputs() {
    for hidden in ["[20]", "[6, 10]", "[4, 8, 2]"] {
        let hidden = format!("network.hidden={hidden}");
        let direction = "network.initialisation={mirrored: {scale: 0.5, direction: aligned}}";
        let config = config(&[&hidden, direction]).unwrap();
        let task = Task::new(&config.task, None).unwrap();
        let TaskInputs::Vectors(inputs) = &task.inputs else { panic!("no vectors") };
        let first = snapshots(&config, 1).swap_remove(0).evaluation.responses;
        // Targets are w.x with a unit vector w, which is what the start is aligned with.
        let strength = 0.5f64.powi(config.network.hidden.len() as i32 + 1);
        let expected = &task.targets * strength;
        let off: Array2<f64> = &first - &expected;
        assert_eq!(first.dim(), (inputs.nrows(), 1));
        assert!(off.iter().all(|value| value.abs() < 1e-14), "{hidden}");
    }
}

#[test]
fn leaky_units_pass_gradients_by_their_slope_at_zero_and_below() {
    let config = config(&["network.activation=leaky-relu", "network.negative_slope=0.3"]).unwrap();
    assert_eq!(config.network.negative_slope(), Some(0.3));
    let task = Task::new(&config.task, None).unwrap();
    let placement = Placement { device: Device::Cpu, weights: Kind::Double, compute: Kind::Double };
    let network =
        Network::new(&config.network, &task, placement, &mut ChaCha8Rng::seed_from_u64(0)).unwrap();
    let [first, second] = network.layers() else { panic!("not two layers") };
    // At x = 0 every unit is at its kink.
    for (scale, slope) in [(0.0, 0.3), (1.0, 1.0), (-1.0, 0.3)] {
        let x = first.weight.detach().get(0).view([1, 1, -1]) * scale;
        let x = x.set_requires_grad(true);
        let gradient = Tensor::run_backward(&[network.forward(&x).sum(None)], &[&x], false, false);
        let z = x.detach().view([1, -1]).matmul(&first.weight.detach().tr());
        let mask = z.gt(0.0).to_kind(Kind::Double) * 0.7 + 0.3;
        let expected = (second.weight.detach() * mask).matmul(&first.weight.detach());
        let off = (gradient[0].view([1, -1]) - expected).abs().max().double_value(&[]);
        assert!(off < 1e-15, "at {scale} times a weight: {off:e}");
        if scale != 0.0 {
            let of_first = z.double_value(&[0, 0]);
            assert_eq!(of_first > 0.0, slope == 1.0);
        }
    }
}

#[test]
fn without_a_tree_there_are_no_levels_no_rates_and_no_phase_of_a_zero_mean() {
    let config = config(&[]).unwrap();
    let task = Task::new(&config.task, None).unwrap();
    assert!(task.hierarchy.is_none() && task.level_columns().is_empty());
    let (items, weights) = task.evaluation_items();
    let judge = Judge::new(task.targets.clone(), items, &weights, task.ocs(), task.level_columns());
    let judgement = judge.judge(task.targets.view());
    assert_eq!((judgement.true_negative_rate.len(), judgement.level_accuracy.len()), (0, 0));
    assert_eq!(judgement.item_responses, None);
    assert!((judge.target_variance() - 1.0).abs() < 1e-12);
    let mut watch = ocs::metrics::PhaseWatch::new(0.1, judge.ocs_norm(), judge.target_variance());
    for time in 1..100 {
        watch.see(f64::from(time), 0.0, 0.01 * f64::from(time));
    }
    let phase = watch.phase();
    assert_eq!((phase.onset, phase.exists), (None, None));
    assert!(phase.end.is_some() && phase.why.contains("mean target is zero"));
}

#[test]
fn a_config_of_a_task_without_a_tree_says_the_key_and_the_remedy() {
    for (rest, words) in [
        (&["task.targets=null"][..], &["task.inputs is gaussian", "set task.targets"][..]),
        (&["task.targets=sine"], &["sine is for task.inputs circle", "set task.inputs"]),
        (&["task.inputs=one-hot"], &["task.gaussian", "set task.inputs to gaussian"]),
        (
            &["task.inputs=one-hot", "task.gaussian=null"],
            &["task.targets linear", "gaussian or circle"],
        ),
        (&["task.frequencies=[1, 2]"], &["task.frequencies", "null"]),
        (&["task.gaussian.count=5"], &["task.gaussian.count is 5", "raise it"]),
        (&["task.gaussian.spread=[1, 2]"], &["2 entries for 8 axes"]),
        (&["task.gaussian.shift=-1"], &["task.gaussian.shift must be 0 or more"]),
        (&["task.gaussian.count=40000"], &["makes 80000 items"]),
        (&["network.hidden=[7]"], &["width of 7", "make it even"]),
        (&["network.negative_slope=0.3"], &["negative_slope", "leaky-relu"]),
        (&["network.activation=leaky-relu", "network.negative_slope=1.5"], &["0 to 1", "1.5"]),
        (&["network.activation=leaky"], &["leaky-relu"]),
        (&["task.targets=square"], &["square", "linear, sine, contrasts or sign"]),
    ] {
        let mut given: Vec<&str> = rest.to_vec();
        if rest.contains(&"task.inputs=one-hot") && !rest.contains(&"task.gaussian=null") {
            given.insert(0, "task.gaussian.count=100");
        }
        let error = config(&given).unwrap_err();
        assert!(words.iter().all(|word| error.contains(word)), "{rest:?}: {error}");
    }
    let tree = config::parse("name: test", "test", &["task.seed=3".parse().unwrap()]);
    assert!(format!("{:#}", tree.unwrap_err()).contains("task.seed draws inputs and targets"));
    let tree =
        ["network.kind=mlp".parse().unwrap(), "network.initialisation=mirrored".parse().unwrap()];
    let error = format!("{:#}", config::parse("name: test", "test", &tree).unwrap_err());
    assert!(error.contains("mirrored is for one output"), "{error}");
}

#[test]
fn choosing_targets_takes_back_a_tree_and_a_tree_takes_back_targets() {
    let text = "
task: {branching: [2, 3]}
conditions:
  tree: {}
  teacher: {task.inputs: gaussian, task.targets.linear.noise: 0.5}
";
    let base = config::parse(text, "test", &[]).unwrap();
    let resolved = config::resolve_conditions(&base).unwrap();
    assert_eq!(resolved[0].1.task.branching, Some(vec![2, 3]));
    let task = &resolved[1].1.task;
    assert_eq!((task.branching.clone(), task.n_items()), (None, 400));
    let text = "
task: {inputs: gaussian, targets: linear}
conditions:
  teacher: {}
  tree: {task.inputs: one-hot, task.gaussian: null, task.branching: [2, 3]}
";
    let resolved = config::resolve_conditions(&config::parse(text, "test", &[]).unwrap()).unwrap();
    assert!(resolved[1].1.task.has_tree() && !resolved[0].1.task.has_tree());
    assert_eq!(resolved[1].1.task.n_items(), 6);
}

#[test]
fn a_config_with_a_tree_is_written_without_the_keys_of_others() {
    let text = serde_yaml::to_string(&config::parse("name: test", "test", &[]).unwrap()).unwrap();
    for key in ["targets", "gaussian", "circle", "negative_slope", "\n  seed:"] {
        assert!(!text.contains(key), "{key} in {text}");
    }
    // And with them, as it was meant.
    let whole = config(&["task.seed=3", "task.targets={linear: {noise: 0.5}}"]).unwrap();
    let text = serde_yaml::to_string(&whole).unwrap();
    assert_eq!(config::parse(&text, "test", &[]).unwrap(), whole);
    let json = serde_json::to_string(&whole).unwrap();
    assert_eq!(serde_json::from_str::<Config>(&json).unwrap(), whole);
}

#[test]
fn a_sine_that_is_zero_on_all_its_points_is_refused() {
    let circle = |count: usize, frequency: u32| {
        let count = format!("task.circle={{count: {count}}}");
        let sine = format!("task.targets={{sine: {{frequency: {frequency}}}}}");
        config(&["task.inputs=circle", "task.gaussian=null", &count, &sine])
    };
    for (count, frequency) in [(8, 4), (8, 8), (6, 3), (2, 3)] {
        let said = circle(count, frequency).unwrap_err();
        assert!(said.contains("zero at all") && said.contains("frequency"), "{said}");
    }
    for (count, frequency) in [(8, 3), (8, 2), (7, 3), (200, 3)] {
        circle(count, frequency).unwrap();
    }
}

#[test]
fn theory_takes_the_aligned_starts_of_drawn_tasks_that_training_takes() {
    let start = "network.initialisation={aligned: {a0: 0.01}}";
    let keys = ["network.kind=linear", "network.hidden=[4]", start, "training.learning_rate=0.01"];
    let config = config(&keys).unwrap();
    let folder = std::path::Path::new("unused");
    let theory =
        ocs::sweep::theory_of("x", &config, None, &mut ocs::sweep::Tasks::new(folder)).unwrap();
    let network = losses(&config, 0);
    let last = theory.curves.loss.last().unwrap();
    assert!((last - network.last().unwrap()).abs() < 1e-2, "{last} {network:?}");
}
