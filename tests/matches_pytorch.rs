//! Against `tests/data/pytorch.json`, which `tests/data/pytorch.py` wrote with PyTorch 2.13.

use ocs::config::{self, Inputs, Loss, Span};
use ocs::data::{Dataset, Split};
use ocs::model::{Network, Objective, Placement};
use ocs::task::{Task, TaskInputs};
use ocs::train::OptimiserState;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tch::{Device, Kind, Tensor};

fn fixture() -> Value {
    serde_json::from_str(include_str!("data/pytorch.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// `scale * sin(0.7 i + phase)`, i counting elements in row-major order.
fn wave(shape: &[i64], phase: f64, scale: f64) -> Tensor {
    let count: i64 = shape.iter().product();
    let values: Vec<f64> = (0..count).map(|i| scale * (0.7 * i as f64 + phase).sin()).collect();
    Tensor::from_slice(&values).view(shape)
}

/// Six labels, images of 2 x 8 x 8.
fn task() -> Task {
    let split = || Split { pixels: vec![0; 6 * 128].into(), classes: vec![0, 1, 2, 3, 4, 5] };
    let dataset = Dataset {
        inputs: Inputs::Glyphs,
        channels: 2,
        height: 8,
        width: 8,
        train: split().into(),
        test: split().into(),
    };
    let overrides = ["task.inputs=glyphs".parse().unwrap(), "task.branching=[6]".parse().unwrap()];
    let config = config::parse(
        "name: test\nnetwork: {initialisation: {normal: {std: 1.0}}}",
        "test",
        &overrides,
    )
    .unwrap();
    Task::new(&config.task, Some(&dataset)).unwrap()
}

fn network(keys: &[&str]) -> Network {
    let overrides: Vec<config::Override> =
        ["task.inputs=glyphs", "network.bias=all", "network.initialisation={normal: {std: 1.0}}"]
            .iter()
            .chain(keys)
            .map(|text| text.parse().unwrap())
            .collect();
    let config = config::parse("name: test", "test", &overrides).unwrap();
    let placement = Placement { device: Device::Cpu, weights: Kind::Double, compute: Kind::Double };
    let network =
        Network::new(&config.network, &task(), placement, &mut ChaCha8Rng::seed_from_u64(0))
            .unwrap();
    tch::no_grad(|| {
        for (index, (_, tensor)) in network.parameters().iter().enumerate() {
            tensor.shallow_clone().copy_(&wave(&tensor.size(), index as f64, 0.3));
        }
    });
    network
}

#[test]
fn networks_answer_and_learn_as_pytorchs() {
    let cnn = ["network.kind=cnn", "network.hidden=[3, 4]"];
    let fully = ["network.hidden=[5]"];
    let networks: [(&str, Vec<&str>); 7] = [
        ("linear", fully.to_vec()),
        ("mlp-relu", [&fully[..], &["network.kind=mlp"]].concat()),
        ("mlp-tanh", [&fully[..], &["network.kind=mlp", "network.activation=tanh"]].concat()),
        ("cnn-relu-max", cnn.to_vec()),
        ("cnn-tanh-max", [&cnn[..], &["network.activation=tanh"]].concat()),
        (
            "cnn-tanh-average",
            [&cnn[..], &["network.activation=tanh", "network.pooling=average"]].concat(),
        ),
        ("cnn-relu-average", [&cnn[..], &["network.pooling=average"]].concat()),
    ];
    let targets = Tensor::eye(6, (Kind::Double, Device::Cpu))
        .index_select(0, &Tensor::from_slice(&[0i64, 2, 3, 5]));
    let weights = Tensor::from_slice(&[0.25f64; 4]);
    for (name, keys) in networks {
        let expected = &fixture()["networks"][name];
        let network = network(&keys);
        let outputs = network.forward(&wave(&[1, 4, 128], 0.5, 1.0)).squeeze_dim(0);
        let found = Vec::<f64>::try_from(&outputs.contiguous().view(-1)).unwrap();
        for (a, b) in found.iter().zip(numbers(&expected["outputs"])) {
            assert!((a - b).abs() < 1e-12, "{name}: {a} against PyTorch's {b}");
        }
        let loss = |kind| Objective::new(kind, &task()).losses(&outputs, &targets, &weights);
        let squared = loss(Loss::HalfSquaredError);
        assert!(
            (squared.double_value(&[]) - expected["half_squared_error"].as_f64().unwrap()).abs()
                < 1e-12
        );
        let entropy = loss(Loss::BinaryCrossEntropy);
        assert!(
            (entropy.double_value(&[]) - expected["binary_cross_entropy"].as_f64().unwrap()).abs()
                < 1e-12
        );
        let parameters: Vec<Tensor> =
            network.parameters().into_iter().map(|(_, tensor)| tensor).collect();
        let gradients = Tensor::run_backward(&[squared], &parameters, false, false);
        for (gradient, norm) in gradients.iter().zip(numbers(&expected["gradient_norms"])) {
            assert!(
                (gradient.norm().double_value(&[]) - norm).abs() < 1e-12,
                "{name}: gradient of another norm"
            );
        }
    }
}

#[test]
fn optimisers_descend_as_pytorchs() {
    let a = wave(&[4, 4], 0.2, 1.0);
    let a = a.matmul(&a.tr()) + Tensor::eye(4, (Kind::Double, Device::Cpu));
    let b = wave(&[4], 1.0, 1.0);
    for (name, optimiser) in
        [("sgd", "sgd"), ("momentum", "{sgd: {momentum: 0.9}}"), ("adam", "adam")]
    {
        let key = format!("training.optimiser={optimiser}").parse().unwrap();
        let config = config::parse("name: test", "test", &[key]).unwrap();
        let w = wave(&[4], 2.0, 1.0);
        let mut state = OptimiserState::new(
            &config.training,
            vec![0.05],
            &[("w".to_owned(), w.shallow_clone())],
        );
        for expected in fixture()["optimisers"][name].as_array().unwrap() {
            let gradient = (a.matmul(&w) - &b) * state.gradient_scale(0.05);
            state.update(&[w.shallow_clone()], &[gradient], 1.0);
            let found = Vec::<f64>::try_from(&w).unwrap();
            for (a, b) in found.iter().zip(numbers(expected)) {
                assert!((a - b).abs() < 1e-12, "{name}: {a} against PyTorch's {b}");
            }
        }
    }
}

#[test]
fn optimisers_under_schedules_descend_as_pytorchs() {
    const RATE: f64 = 0.05;
    let a = wave(&[6, 6], 0.2, 1.0);
    let a = a.matmul(&a.tr()) + Tensor::eye(6, (Kind::Double, Device::Cpu));
    let b = wave(&[6], 1.0, 1.0);
    let fixture = fixture();
    let mut held = 0;
    for case in fixture["scheduled"].as_array().unwrap() {
        let word = |key: &str| case[key].as_str().unwrap();
        let config = config::parse(
            "name: test",
            "test",
            &[
                "training.steps=20".parse().unwrap(),
                format!("training.learning_rate={RATE}").parse().unwrap(),
                format!("training.optimiser={}", word("optimiser")).parse().unwrap(),
                format!("training.schedule={}", word("schedule")).parse().unwrap(),
                format!(
                    "training.schedule.{}.warm_up={}",
                    name_of(word("schedule")),
                    case["warm_up"]
                )
                .parse()
                .unwrap(),
                format!("training.gradient_clipping={}", case["clipping"]).parse().unwrap(),
            ],
        )
        .unwrap();
        let span = Span::first(&config);
        for (step, factor) in case["factors"].as_array().into_iter().flatten().enumerate() {
            let found = span.factor(step as u64);
            assert!(
                (found - factor.as_f64().unwrap()).abs() < 1e-14,
                "{case}: step {step}: {found}"
            );
            held += 1;
        }
        let (weight, bias) = (wave(&[2, 2], 2.0, 1.0), wave(&[2], 3.0, 1.0));
        let parameters = [("weight", &weight), ("bias", &bias)]
            .map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()));
        let mut state = OptimiserState::new(&config.training, vec![RATE], &parameters);
        for step in 0..20 {
            let z = Tensor::cat(&[weight.view(-1), bias.shallow_clone()], 0);
            let gradient = (a.matmul(&z) - &b) * state.gradient_scale(RATE);
            let gradients = [gradient.narrow(0, 0, 4).view([2, 2]), gradient.narrow(0, 4, 2)];
            state.update([&weight, &bias], &gradients, span.factor(step));
        }
        let found = Vec::<f64>::try_from(&Tensor::cat(&[weight.view(-1), bias], 0)).unwrap();
        for (found, expected) in found.iter().zip(numbers(&case["parameters"])) {
            assert!((found - expected).abs() < 1e-12, "{case}: {found} against {expected}");
        }
    }
    assert_eq!(held, 8 * 20, "each schedule, with and without a warm-up");
}

/// `step` of `{step: {every: 3}}`, or of the bare word.
fn name_of(choice: &str) -> &str {
    choice.trim_start_matches('{').split(':').next().unwrap_or(choice)
}

#[test]
fn preprocessing_does_what_its_name_says() {
    // Two images of 2 x 1 x 2; channel 0 holds 0, 51, 102, 153, channel 1 is constant.
    let split = || Split { pixels: vec![0, 51, 7, 7, 102, 153, 7, 7].into(), classes: vec![0, 1] };
    let dataset = Dataset {
        inputs: Inputs::Glyphs,
        channels: 2,
        height: 1,
        width: 2,
        train: split().into(),
        test: split().into(),
    };
    let means = |preprocessing: &str, scale: &str| {
        let overrides: Vec<config::Override> = [
            "task.inputs=glyphs".to_owned(),
            "task.branching=[2]".to_owned(),
            format!("task.preprocessing={preprocessing}"),
            format!("task.input_scale={scale}"),
        ]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
        let config = config::parse("name: test", "test", &overrides).unwrap();
        let task = Task::new(&config.task, Some(&dataset)).unwrap();
        assert!(matches!(task.inputs, TaskInputs::Images { .. }));
        task.item_means()
    };
    let close = |found: ndarray::Array2<f64>, expected: [[f64; 4]; 2]| {
        for (a, b) in found.iter().zip(expected.concat()) {
            assert!((a - b).abs() < 1e-12, "{found} against {expected:?}");
        }
    };
    let dim = 7.0 / 255.0;
    close(means("raw", "none"), [[0.0, 0.2, dim, dim], [0.4, 0.6, dim, dim]]);
    close(
        means("raw", "inverse-sqrt-inputs"),
        [[0.0, 0.1, dim / 2.0, dim / 2.0], [0.2, 0.3, dim / 2.0, dim / 2.0]],
    );
    close(means("pixel-centred", "none"), [[-0.2, -0.2, 0.0, 0.0], [0.2, 0.2, 0.0, 0.0]]);
    let unit = 0.1 / 0.05f64.sqrt();
    close(
        means("channel-standardised", "none"),
        [[-3.0 * unit, -unit, 0.0, 0.0], [unit, 3.0 * unit, 0.0, 0.0]],
    );
}
