//! Blocks, normalisation, residual units and dropout: against `tests/data/networks.json`, which `tests/data/networks.py` wrote
//! with PyTorch 2.13, and by their laws.

use std::path::Path;

use ocs::config::{self, Config, Inputs, Override};
use ocs::data::{Dataset, Split};
use ocs::model::{Mode, Network, Objective, Placement};
use ocs::task::Task;
use ocs::train::OptimiserState;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tch::{Device, Kind, Tensor};

const DOUBLE: Placement =
    Placement { device: Device::Cpu, weights: Kind::Double, compute: Kind::Double };

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::<f64>::try_from(&tensor.to_kind(Kind::Double).contiguous().view(-1)).unwrap()
}

/// `scale * sin(0.7 i + phase)`, i counting elements in row-major order.
fn wave(shape: &[i64], phase: f64, scale: f64) -> Tensor {
    let count: i64 = shape.iter().product();
    let values: Vec<f64> = (0..count).map(|i| scale * (0.7 * i as f64 + phase).sin()).collect();
    Tensor::from_slice(&values).view(shape)
}

fn parsed(keys: &[&str]) -> anyhow::Result<Config> {
    let overrides: Vec<Override> = keys.iter().map(|key| key.parse().unwrap()).collect();
    config::parse("name: test", "test", &overrides)
}

/// Of images of `channels` x `side` x `side`, a class for each of the labels.
fn task(config: &Config, channels: usize, side: usize) -> Task {
    let n = config.task.n_items();
    let pixels = || vec![0; n * channels * side * side];
    let split = || Split { pixels: pixels().into(), classes: (0..n as u16).collect() };
    let dataset = Dataset {
        inputs: config.task.inputs,
        channels,
        height: side,
        width: side,
        train: split().into(),
        test: split().into(),
    };
    Task::new(&config.task, Some(&dataset)).unwrap()
}

/// Six labels, images of 2 x 8 x 8; `network` is a map of its keys.
fn config_of(network: &str, more: &[&str]) -> Config {
    let network = format!("network={network}");
    let keys = ["task.inputs=glyphs", "task.branching=[6]", &network];
    parsed(&[&keys, more].concat()).unwrap()
}

fn network_of(config: &Config, seed: u64) -> Network {
    let task = task(config, 2, 8);
    Network::new(&config.network, &task, DOUBLE, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap()
}

fn drawn(network: &str) -> Network {
    network_of(&config_of(network, &["network.initialisation={kaiming: {gain: 2.0}}"]), 1)
}

fn fill(network: &Network) {
    tch::no_grad(|| {
        for (index, (name, tensor)) in network.parameters().iter().enumerate() {
            let size = tensor.size();
            let fan_in: i64 = size[1..].iter().product();
            let scale = if size.len() > 1 { 1.5 / (fan_in as f64).sqrt() } else { 0.3 };
            let made = wave(&size, 1.3 * index as f64, scale);
            let is_scale = name.starts_with("norm") && name.ends_with("weight");
            tensor.shallow_clone().copy_(&(made + if is_scale { 1.0 } else { 0.0 }));
        }
    });
}

fn images(n: i64) -> Tensor {
    wave(&[1, n, 128], 0.5, 1.0) + wave(&[1, n, 128], 0.1, 1.0).square()
}

fn are_near(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{what}: {a} against {b}");
    }
}

#[test]
fn answers_gradients_steps_and_running_statistics_are_pytorchs() {
    let fixture: Value = serde_json::from_str(include_str!("data/networks.json")).unwrap();
    let targets = Tensor::eye(6, (Kind::Double, Device::Cpu))
        .index_select(0, &Tensor::from_slice(&[0i64, 2, 3, 5]));
    let weights = Tensor::from_slice(&[0.25f64; 4]);
    for (name, expected) in fixture["networks"].as_object().unwrap() {
        let start = ["network.initialisation={normal: {std: 1.0}}"];
        let config = config_of(&expected["network"].to_string(), &start);
        let network = network_of(&config, 0);
        fill(&network);
        let parameters = network.parameters();
        let names: Vec<&str> = parameters.iter().map(|(name, _)| &**name).collect();
        assert_eq!(serde_json::json!(names), expected["names"], "{name}");
        let tensors: Vec<Tensor> = parameters.iter().map(|(_, t)| t.shallow_clone()).collect();
        let inputs = images(4);
        let objective = Objective::new(config.training.loss, &task(&config, 2, 8));
        let observed = || values(&network.forward(&inputs));
        are_near(&observed(), &numbers(&expected["before"]), &format!("{name}, before"));
        let mut optimiser = OptimiserState::new(&config.training, vec![0.02], &parameters);
        for step in expected["steps"].as_array().unwrap() {
            let outputs = network.forward_in(Mode::Training(&[]), &inputs);
            are_near(&values(&outputs), &numbers(&step["outputs"]), name);
            let losses = objective.losses(&outputs, &targets, &weights);
            let loss = optimiser.weighed(&losses);
            let gradients = Tensor::run_backward(&[loss], &tensors, false, false);
            let norm = |g: &Tensor| g.norm().double_value(&[]) / optimiser.gradient_scale(0.02);
            let norms: Vec<f64> = gradients.iter().map(norm).collect();
            are_near(&norms, &numbers(&step["gradient_norms"]), name);
            optimiser.update(&tensors, &gradients, 1.0);
        }
        are_near(&observed(), &numbers(&expected["after"]), &format!("{name}, after"));
        let buffers = network.buffers();
        let kept = expected["buffers"].as_object().unwrap();
        // PyTorch has no running statistics where none are asked.
        let n_kept = if config.network.answers_in_batches() { 0 } else { buffers.len() };
        assert_eq!(kept.len(), n_kept, "{name}");
        for (buffer, tensor) in buffers.into_iter().take(n_kept) {
            are_near(&values(&tensor), &numbers(&kept[&buffer]), &format!("{name}, {buffer}"));
        }
    }
}

/// The numbers that are published: of VGG11 with batch normalisation and one linear layer of 512 inputs, and of ResNet18 with a
/// stem of 3 x 3, both with ten outputs.
#[test]
fn presets_have_as_many_parameters_as_the_networks_that_they_are_named_after() {
    for (preset, expected, n_layers) in [("vgg11", 9_231_114, 9), ("resnet18", 11_173_962, 21)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("configs")
            .join(preset)
            .with_extension("yaml");
        let own = config::load(&path, &[]).unwrap();
        assert_eq!(own.task.inputs, Inputs::Cifar10);
        let flat =
            ["task.tree=null", "task.branching=[10]", "task.samples={train: null, test: null}"]
                .map(|key| key.parse().unwrap());
        let config = config::load(&path, &flat).unwrap();
        assert_eq!(own.network, config.network);
        let task = task(&config, 3, 32);
        let placement = Placement { weights: Kind::Float, compute: Kind::Float, ..DOUBLE };
        let mut generator = ChaCha8Rng::seed_from_u64(0);
        let network = Network::new(&config.network, &task, placement, &mut generator).unwrap();
        assert_eq!((network.layers().len(), config.network.n_layers()), (n_layers, n_layers));
        let count: usize = network.parameters().iter().map(|(_, tensor)| tensor.numel()).sum();
        assert_eq!(count, expected, "{preset}");
    }
}

#[test]
fn a_residual_unit_whose_convolutions_are_zero_passes_what_it_is_given() {
    let residual =
        "{kind: cnn, hidden: [4, 4], residual: true, pooling: none, layer_scales: [1, 1, 1, 1]}";
    let network = drawn(residual);
    let stem = drawn("{kind: cnn, hidden: [4], pooling: none, layer_scales: [1, 1]}");
    tch::no_grad(|| {
        let layers = network.layers();
        let _ = layers[2].weight.shallow_clone().zero_();
        for (index, of) in [(0, 0), (1, 3)] {
            stem.layers()[index].weight.shallow_clone().copy_(&layers[of].weight);
        }
    });
    are_near(
        &values(&network.forward(&images(3))),
        &values(&stem.forward(&images(3))),
        "a unit of zeros",
    );
}

const NORMALISED: [&str; 6] = [
    "{kind: cnn, hidden: [4, 6], convolutions: [1, 2], bias: all, normalisation: batch}",
    "{kind: cnn, hidden: [4, 6], bias: all, activation: tanh, normalisation: layer}",
    "{kind: cnn, hidden: [4, 6], bias: all, normalisation: {group: {groups: 2}}}",
    "{kind: cnn, hidden: [4, 6], residual: true, stride: [1, 2], bias: all, normalisation: batch}",
    "{kind: mlp, hidden: [5, 7], bias: all, normalisation: batch}",
    "{kind: mlp, hidden: [5, 7], bias: all, normalisation: layer}",
];

#[test]
fn what_is_normalised_has_no_scale_and_under_batch_normalisation_no_bias() {
    for network in NORMALISED {
        let answers = |factor: f64, bias: f64| {
            let network = drawn(network);
            tch::no_grad(|| {
                let (_, hidden) = network.layers().split_last().unwrap();
                for layer in hidden {
                    let (mut weight, bias_of) = (layer.weight.shallow_clone(), &layer.bias);
                    weight *= factor;
                    let bias_of = bias_of.as_ref().unwrap();
                    bias_of.shallow_clone().copy_(&wave(&bias_of.size(), 1.0, bias));
                }
            });
            values(&network.forward_in(Mode::Training(&[]), &images(9)))
        };
        let largest = |one: &[f64], other: &[f64]| {
            one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        };
        let plain = answers(1e3, 0.0);
        assert!(plain.iter().any(|x| x.abs() > 0.1), "{network}");
        assert!(largest(&plain, &answers(1e5, 0.0)) < 1e-7, "{network}");
        let with_bias = largest(&plain, &answers(1e3, 5.0));
        assert_eq!(with_bias < 1e-7, network.contains("batch"), "{network}: {with_bias}");
    }
}

#[test]
fn under_batch_normalisation_gradients_of_hidden_biases_are_zero_and_of_shifts_are_not() {
    for network in NORMALISED.into_iter().filter(|network| network.contains("batch")) {
        let network = drawn(network);
        let parameters = network.parameters();
        let tensors: Vec<Tensor> = parameters.iter().map(|(_, t)| t.shallow_clone()).collect();
        let loss = network.forward_in(Mode::Training(&[]), &images(9)).square().sum(None);
        let gradients = Tensor::run_backward(&[loss], &tensors, false, false);
        let last = format!("layer{}.bias", network.layers().len());
        for ((name, _), gradient) in parameters.iter().zip(gradients) {
            let norm = gradient.norm().double_value(&[]);
            let is_zero = name.starts_with("layer") && name.ends_with("bias") && *name != last;
            assert_eq!(norm < 1e-10, is_zero, "{name}: {norm}");
        }
    }
}

#[test]
fn running_statistics_tend_to_those_of_the_batch_and_observing_changes_nothing() {
    for network in NORMALISED.into_iter().filter(|network| network.contains("batch")) {
        let network = drawn(network);
        // Biased and unbiased variances of so many samples are nearly the same.
        let inputs = images(400);
        let trained = values(&network.forward_in(Mode::Training(&[]), &inputs));
        let first = values(&network.forward(&inputs));
        assert_eq!(first, values(&network.forward(&inputs)));
        for _ in 0..300 {
            let _ = network.forward_in(Mode::Training(&[]), &inputs);
        }
        let distance = |answers: &[f64]| {
            answers.iter().zip(&trained).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        };
        let (before, after) = (distance(&first), distance(&values(&network.forward(&inputs))));
        assert!(after < 0.02 * before && before > 0.1, "{before} to {after}");
    }
}

#[test]
fn observed_in_batches_answers_are_those_of_training() {
    let network = "{kind: cnn, hidden: [4, 6], normalisation: {batch: {evaluation: batch}}}";
    let network = drawn(network);
    let inputs = images(9);
    let observed = values(&network.forward(&inputs));
    assert_eq!(observed, values(&network.forward_in(Mode::Training(&[]), &inputs)));
    // Running statistics, which that step changed, are not asked.
    assert_eq!(observed, values(&network.forward(&inputs)));
    let alone = values(&network.forward(&inputs.narrow(1, 0, 3)));
    assert!(alone.iter().zip(&observed).any(|(a, b)| (a - b).abs() > 1e-3));
}

#[test]
fn factors_on_layers_are_factors_on_their_initial_weights() {
    let network = "{kind: cnn, hidden: [4, 6], residual: true, bias: all}";
    let start = "network.initialisation=orthogonal";
    let plain = network_of(&config_of(network, &[start]), 3);
    let scales = [0.5, 2.0, 1.0, 3.0, 0.25];
    let scaled = format!("network.layer_scales={scales:?}");
    let scaled = network_of(&config_of(network, &[start, &scaled]), 3);
    assert_eq!(plain.layers().len(), scales.len());
    for ((plain, scaled), scale) in plain.layers().iter().zip(scaled.layers()).zip(scales) {
        assert_eq!(values(&(&plain.weight * scale)), values(&scaled.weight));
    }
}

#[test]
fn dropout_of_everything_leaves_the_last_bias_and_of_nothing_what_is_observed() {
    for network in [
        "{kind: mlp, hidden: [5, 7], bias: all, dropout: 0.5}",
        "{kind: cnn, hidden: [4, 6], bias: all, dropout: 0.5}",
        "{kind: cnn, hidden: [4, 6], residual: true, global_average: true, bias: all, dropout: 0.5}",
    ] {
        let network = drawn(network);
        fill(&network);
        let inputs = images(3);
        let factors = |factor: f64| -> Vec<(usize, Tensor)> {
            let full =
                |width: i64| Tensor::full([1, 3, width], factor, (Kind::Double, Device::Cpu));
            network.dropped().iter().map(|&(layer, width)| (layer, full(width))).collect()
        };
        let answers =
            |factor| values(&network.forward_in(Mode::Training(&factors(factor)), &inputs));
        are_near(&answers(1.0), &values(&network.forward(&inputs)), "nothing is dropped");
        let bias = values(network.layers().last().unwrap().bias.as_ref().unwrap());
        are_near(&answers(0.0), &[&bias[..], &bias, &bias].concat(), "everything is dropped");
    }
}

#[test]
fn images_are_as_large_as_configs_take_them_to_be() {
    for word in ["mnist", "fashion-mnist", "cifar10", "cifar100", "glyphs"] {
        let inputs = parsed(&[&format!("task.inputs={word}")]).unwrap().task.inputs;
        let [_, height, width] = ocs::data::extent(inputs).unwrap().shape;
        assert_eq!(inputs.sides(), Some([height, width]), "{word}");
    }
}

#[test]
fn what_a_config_leaves_out_is_not_written() {
    let config = parsed(&["task.inputs=glyphs", "network={kind: cnn, hidden: [4]}"]).unwrap();
    let written = serde_json::to_value(&config.network).unwrap();
    let keys: Vec<&String> = written.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["activation", "bias", "hidden", "initialisation", "kind", "pooling"]);
    let said = [
        "network.kernel_size=3",
        "network.stride=1",
        "network.residual=false",
        "network.normalisation=none",
        "network.dropout=0",
    ];
    let with = |more: &[&str]| {
        let keys = ["task.inputs=glyphs", "network={kind: cnn, hidden: [4]}"];
        parsed(&[&keys, more].concat()).unwrap()
    };
    assert_eq!(with(&said), config);
    let all = with(&[
        "network.normalisation.group.groups=2",
        "network.stride=[2]",
        "network.convolutions=2",
        "network.pooling=none",
        "network.dropout=0.25",
    ]);
    let text = serde_json::to_string(&all).unwrap();
    assert_eq!(serde_json::from_str::<Config>(&text).unwrap(), all);
}

#[test]
fn what_cannot_be_combined_is_refused_with_the_reason() {
    let cnn = |more: &str| format!("{{kind: cnn, hidden: [4, 8], {more}}}");
    let mlp = |more: &str| format!("{{kind: mlp, hidden: [4], {more}}}");
    let cases: Vec<(String, Vec<&str>, Vec<&str>)> = vec![
        (cnn("kernel_size: 4"), vec![], vec!["network.kernel_size is 4", "odd"]),
        (cnn("convolutions: [1, 2, 3]"), vec![], vec!["network.convolutions lists 3", "hidden 2"]),
        (cnn("pooling: [max]"), vec![], vec!["network.pooling lists 1", "for each"]),
        (cnn("convolutions: 0"), vec![], vec!["network.convolutions gives block 1 none"]),
        (cnn("convolutions: [1, 3], residual: true"), vec![], vec!["block 2 3", "even"]),
        (cnn("stride: 0"), vec![], vec!["network.stride of block 1"]),
        (cnn("stride: 99"), vec![], vec!["network.stride of block 1"]),
        (cnn("convolutions: 90"), vec![], vec!["makes 181 layers"]),
        (
            cnn("normalisation: {group: {groups: 3}}"),
            vec![],
            vec!["does not divide the 4 channels"],
        ),
        (cnn("normalisation: {group: {groups: 0}}"), vec![], vec!["does not divide"]),
        (
            "{kind: cnn, hidden: [4, 4], convolutions: 2, stride: [1, 28], pooling: none, normalisation: {group: {groups: 4}}}"
                .to_owned(),
            vec![],
            vec!["network.normalisation group", "a single value in layer 3,", "more channels"],
        ),
        (
            "{kind: cnn, hidden: [8, 8, 8], residual: true, stride: [1, 2, 14], pooling: none, normalisation: group}"
                .to_owned(),
            vec![],
            vec!["network.normalisation group", "a single value in layer 5,"],
        ),
        (
            "{kind: cnn, hidden: [1, 8], stride: [28, 1], pooling: none, normalisation: layer}".to_owned(),
            vec![],
            vec!["network.normalisation layer", "a single value in layer 1,", "strides"],
        ),
        (
            "{kind: mlp, hidden: [4, 1], normalisation: layer}".to_owned(),
            vec![],
            vec!["network.normalisation layer", "a single value in layer 2,", "batch"],
        ),
        (
            mlp("normalisation: batch"),
            vec!["task.inputs=one-hot", "task.frequencies=[1, 1, 1, 1, 1, 1, 1, 2]"],
            vec!["task.frequencies weighs single vectors", "use layer"],
        ),
        (
            mlp("normalisation: batch"),
            vec![
                "task.inputs=correlated",
                "phases=[{}, {task.frequencies: [3, 1, 1, 1, 1, 1, 1, 1]}]",
            ],
            vec!["phase 2", "task.frequencies weighs single vectors"],
        ),
        (cnn("normalisation: instance"), vec![], vec!["network.normalisation", "group"]),
        (cnn("normalisation: {batch: {momentum: 0.1}}"), vec![], vec!["momentum", "affine"]),
        (cnn("dropout: 1.0"), vec![], vec!["network.dropout must be at least 0 and below 1"]),
        (cnn("layer_scales: [1, 2]"), vec![], vec!["2 factors for 3 layers"]),
        (cnn("layer_scales: [1, 0, 1]"), vec![], vec!["network.layer_scales must be positive"]),
        (
            cnn("normalisation: batch"),
            vec!["training.batch_size=1"],
            vec!["training.batch_size is 1"],
        ),
        (
            cnn("normalisation: {batch: {evaluation: batch}}"),
            vec!["kernel={samples: 4}"],
            vec!["kernel is of a function of one sample", "running"],
        ),
        (
            "{kind: cnn, hidden: [4, 4, 4, 4, 4]}".to_owned(),
            vec![],
            vec!["5 convolution blocks", "28 x 28", "none after 5", "network.pooling to none"],
        ),
        ("{kind: cnn, hidden: []}".to_owned(), vec![], vec!["network.hidden is empty"]),
        ("{kind: cnn, hidden: [4], residual: true}".to_owned(), vec![], vec!["hidden has one"]),
        (mlp("residual: true"), vec![], vec!["network.residual is for convolutions", "cnn"]),
        (mlp("global_average: true"), vec![], vec!["network.global_average is for convolutions"]),
        (mlp("pooling: none"), vec![], vec!["network.pooling is for convolutions"]),
        (mlp("stride: 2"), vec![], vec!["network.stride is for convolutions"]),
        (mlp("kernel_size: 5"), vec![], vec!["network.kernel_size is for convolutions"]),
        (mlp("convolutions: 1"), vec![], vec!["network.convolutions is for convolutions"]),
        (mlp("normalisation: group"), vec![], vec!["group is of channels", "batch or layer"]),
        (
            "{kind: mlp, hidden: [], dropout: 0.5}".to_owned(),
            vec![],
            vec!["network.dropout is of hidden layers"],
        ),
        (
            "{kind: linear, hidden: [8], normalisation: batch}".to_owned(),
            vec![],
            vec!["network.normalisation is for mlp and cnn"],
        ),
        (
            "{kind: linear, hidden: [64], layer_scales: [1, 1]}".to_owned(),
            vec![],
            vec!["network.layer_scales would unbalance the aligned start"],
        ),
    ];
    for (network, more, expected) in cases {
        let network = format!("network={network}");
        let keys = [&["task.inputs=glyphs", &network][..], &more].concat();
        let message = format!("{:#}", parsed(&keys).expect_err(&network));
        for part in expected {
            assert!(message.contains(part), "{keys:?}\n  said:     {message}\n  expected: {part}");
        }
    }
    // Two values or samples are enough, and frequent items have more images.
    let frequencies = "task.frequencies=[1, 1, 1, 1, 1, 1, 1, 2]";
    for keys in [
        &["network={kind: mlp, hidden: [2], normalisation: layer}"][..],
        &["network={kind: mlp, hidden: [1], normalisation: batch}"],
        &["network={kind: mlp, hidden: [4], normalisation: layer}", frequencies],
        &[
            "network={kind: mlp, hidden: [4], normalisation: batch}",
            "task.frequencies=[2, 2, 2, 2, 2, 2, 2, 2]",
        ],
        &[
            "task.inputs=glyphs",
            "network={kind: mlp, hidden: [4], normalisation: batch}",
            frequencies,
        ],
        &[
            "task.inputs=glyphs",
            "network={kind: cnn, hidden: [4], stride: 14, pooling: max, normalisation: {group: {groups: 4}}}",
        ],
    ] {
        parsed(keys).unwrap();
    }
    // Five halvings leave one pixel of 32.
    parsed(&["task.inputs=cifar10", "network={kind: cnn, hidden: [4, 4, 4, 4, 4]}"]).unwrap();
}
