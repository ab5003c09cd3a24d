//! What wide networks ask for: weights with a factor, starts at 0, layers that stay, samples that are only judged.

use ndarray::Array2;
use ocs::config::{self, Config, Override};
use ocs::model::{Network, Placement};
use ocs::record::{Record, RunFolder};
use ocs::sweep::train_all;
use ocs::task::{Task, TaskInputs};
use ocs::train::{Snapshot, train};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use crate::reproducible_runs::options;

const DOUBLE: Placement =
    Placement { device: Device::Cpu, weights: Kind::Double, compute: Kind::Double };

/// A wide ReLU network without biases under the NTK parametrisation on 60 draws in 6 dimensions; `rest` holds further keys.
fn config(rest: &[&str]) -> Result<Config, String> {
    let plain = [
        "task.inputs=gaussian",
        "task.gaussian={dimension: 6, count: 60, mirrored: false, whitened: false, held_out: 30}",
        "task.targets={sign: {amplitude: 0.5, offset: 0.2}}",
        "network.kind=mlp",
        "network.hidden=[64]",
        "network.parametrisation=ntk",
        "network.initialisation=antisymmetric",
        "training.precision=float64",
        "training.learning_rate=0.5",
        "training.steps=20",
        "training.observations=20",
    ];
    let overrides: Vec<Override> =
        plain.iter().chain(rest).map(|text| text.parse().unwrap()).collect();
    config::parse("name: test", "test", &overrides).map_err(|error| format!("{error:#}"))
}

fn snapshots(config: &Config) -> Vec<Snapshot> {
    let task = Task::of(config, None).unwrap();
    let mut seen = Vec::new();
    let mut observer = |snapshot: Snapshot| seen.push(snapshot);
    train(config, &task, 0, Device::Cpu, None, &mut observer).unwrap();
    seen
}

/// The record of a config's one run.
fn record(config: &Config) -> Record {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { seeds: vec![0], ..config.clone() };
    train_all(&config, &options(folder.path()), &|_| ()).unwrap();
    RunFolder::read(folder.path()).unwrap().records.remove(0)
}

fn inputs(task: &Task) -> &Array2<f64> {
    let TaskInputs::Vectors(inputs) = &task.inputs else { panic!("vectors") };
    inputs
}

fn tensor(values: &Array2<f64>) -> Tensor {
    let flat: Vec<f64> = values.iter().copied().collect();
    Tensor::from_slice(&flat).view([values.nrows() as i64, values.ncols() as i64])
}

fn network(config: &Config) -> Network {
    let task = Task::of(config, None).unwrap();
    Network::new(&config.network, &task, DOUBLE, &mut ChaCha8Rng::seed_from_u64(0)).unwrap()
}

fn largest(values: &Tensor) -> f64 {
    values.abs().max().double_value(&[])
}

#[test]
fn a_factor_on_weights_is_one_on_what_layers_see() {
    let normal = "network.initialisation={normal: {std: 1}}";
    for more in [vec![], vec!["network.hidden=[30, 20]", "network.bias=all"]] {
        let ntk = config(&[&[normal], &more[..]].concat()).unwrap();
        let standard =
            config(&[&[normal, "network.parametrisation=standard"], &more[..]].concat()).unwrap();
        let (ntk, standard) = (network(&ntk), network(&standard));
        tch::no_grad(|| {
            for layer in standard.layers() {
                let fan_in = layer.weight.size()[1] as f64;
                let mut weight = layer.weight.shallow_clone();
                weight /= fan_in.sqrt();
            }
        });
        let x = tensor(inputs(&Task::of(&config(&[]).unwrap(), None).unwrap())).unsqueeze(0);
        let off = largest(&(ntk.forward(&x) - standard.forward(&x)));
        assert!(off < 1e-12, "{off}");
        assert!(largest(&ntk.forward(&x)) > 0.1);
    }
}

#[test]
fn the_tangent_kernel_does_not_grow_with_the_width_under_the_ntk_parametrisation_alone() {
    let trace = |width: usize, parametrisation: &str| {
        let keys = [
            format!("network.hidden=[{width}]"),
            format!("network.parametrisation={parametrisation}"),
            "network.initialisation={normal: {std: 1}}".to_owned(),
        ];
        let config = config(&keys.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        let x = tensor(inputs(&Task::of(&config, None).unwrap()));
        network(&config).tangent_kernel(&x).trace().double_value(&[])
    };
    let grows = trace(3200, "ntk") / trace(200, "ntk");
    assert!((grows - 1.0).abs() < 0.2, "{grows}");
    assert!(trace(3200, "standard") / trace(200, "standard") > 8.0);
}

#[test]
fn an_antisymmetric_start_answers_nothing_and_learns() {
    for more in [vec![], vec!["network.hidden=[16, 32]"], vec!["network.activation=erf"]] {
        let config = config(&more).unwrap();
        let seen = snapshots(&config);
        let start = &seen[0].evaluation.responses;
        assert!(start.iter().all(|response| response.abs() < 1e-12), "{more:?}");
        let losses: Vec<f64> = seen.iter().map(|moment| moment.evaluation.loss).collect();
        assert!(losses.last().unwrap() < &(0.95 * losses[0]), "{more:?}: {losses:?}");
        let layers = network(&config);
        let layers = layers.layers();
        let incoming = &layers[layers.len() - 2].weight;
        let half = incoming.size()[0] / 2;
        let (one, other) = (incoming.narrow(0, 0, half), incoming.narrow(0, half, half));
        assert_eq!(largest(&(&one - &other)), 0.0);
        // The pairs are independent of each other.
        let spread = one.std(true).double_value(&[]);
        assert!((spread - 1.0).abs() < 0.2, "{spread}");
        let outgoing = &layers[layers.len() - 1].weight;
        assert_eq!(largest(&(outgoing.abs() - 1.0)), 0.0);
    }
}

/// Norms of the layers' weights at the first and the last moment.
fn norms(config: &Config) -> [Vec<f64>; 2] {
    let seen = snapshots(config);
    [seen[0].weight_norms.clone(), seen.last().unwrap().weight_norms.clone()]
}

#[test]
fn frozen_layers_stay_and_the_others_learn() {
    for optimiser in ["sgd", "{sgd: {momentum: 0.9}}", "{adam: {weight_decay: 0.1}}"] {
        for frozen in [1, 2] {
            let keys = [
                format!("training.frozen=[{frozen}]"),
                format!("training.optimiser={optimiser}"),
                "training.learning_rate=0.05".to_owned(),
            ];
            let config = config(&keys.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
            let [before, after] = norms(&config);
            for layer in [1, 2] {
                let moved = before[layer - 1] != after[layer - 1];
                assert_eq!(
                    moved,
                    layer != frozen,
                    "{optimiser}, layer {frozen} is frozen: {layer}"
                );
            }
        }
    }
}

#[test]
fn a_later_phase_may_freeze_what_an_earlier_one_learned() {
    let config = config(&["phases=[{steps: 10}, {steps: 10, training.frozen: [1]}]"]).unwrap();
    let seen = record(&config);
    let norms = &seen.curves.weight_norms;
    let at = |step: u64| seen.curves.step.iter().position(|&seen| seen == step).unwrap();
    let (middle, end) = (at(10), seen.curves.step.len() - 1);
    assert_ne!(norms[0][0], norms[0][middle]);
    assert_eq!(norms[0][middle], norms[0][end]);
    assert_ne!(norms[1][middle], norms[1][end]);
}

#[test]
fn what_is_held_out_is_judged_and_not_learned() {
    let [with, without] = ["30", "0"].map(|held_out| {
        let key = format!("task.gaussian.held_out={held_out}");
        Task::of(&config(&[&key]).unwrap(), None).unwrap()
    });
    assert_eq!((with.n_samples(), with.n_held_out(), without.n_held_out()), (60, 30, 0));
    assert_eq!(inputs(&with).slice(ndarray::s![..60, ..]), inputs(&without));
    assert!((with.ocs() - without.ocs()).iter().all(|off| off.abs() < 1e-12));
    let mut learned = Vec::new();
    for (held_out, kind) in [("30", "mlp"), ("0", "mlp"), ("30", "linear"), ("0", "linear")] {
        let key = format!("task.gaussian.held_out={held_out}");
        let linear = [
            "network.kind=linear",
            "network.initialisation={normal: {std: 0.1}}",
            "network.parametrisation=standard",
        ];
        let more: &[&str] = if kind == "linear" { &linear } else { &[] };
        let config = config(&[&[key.as_str()], more].concat()).unwrap();
        let last = snapshots(&config).pop().unwrap();
        let of_training = match &last.training {
            Some(training) => {
                assert_eq!(last.evaluation.responses.nrows(), 30);
                training.responses.clone()
            }
            None => last.evaluation.responses.clone(),
        };
        assert_eq!(of_training.nrows(), 60);
        learned.push(of_training);
    }
    for pair in learned.chunks(2) {
        let off = (&pair[0] - &pair[1]).iter().fold(0.0f64, |most, off| most.max(off.abs()));
        assert!(off < 1e-12, "{off}");
    }
}

#[test]
fn drawn_tasks_may_be_learned_in_minibatches() {
    let config = config(&["training.batch_size=20", "training.steps=60"]).unwrap();
    let losses: Vec<f64> = snapshots(&config).iter().map(|moment| moment.evaluation.loss).collect();
    assert!(losses.last().unwrap() < &(0.9 * losses[0]), "{losses:?}");
    let whole = self::config(&["training.batch_size=61"]).unwrap();
    let task = Task::of(&whole, None).unwrap();
    let error = train(&whole, &task, 0, Device::Cpu, None, &mut |_: Snapshot| ()).unwrap_err();
    assert!(format!("{error:#}").contains("there are 60 training samples"), "{error:#}");
}

#[test]
fn signs_stand_on_two_sides_of_a_plane() {
    let task = Task::of(&config(&[]).unwrap(), None).unwrap();
    let count = |value: f64| task.targets.iter().filter(|y| (*y - value).abs() < 1e-12).count();
    assert_eq!(count(0.7) + count(-0.3), 90);
    assert!(count(0.7) > 20 && count(-0.3) > 20);
    // Opposite inputs have opposite signs.
    let mirrored = config(&["task.gaussian.mirrored=true", "task.gaussian.held_out=0"]).unwrap();
    let task = Task::of(&mirrored, None).unwrap();
    for item in 0..60 {
        assert!((task.targets[[item, 0]] + task.targets[[item + 60, 0]] - 0.4).abs() < 1e-12);
    }
}

#[test]
fn what_does_not_go_together_is_refused_with_its_remedy() {
    for (keys, says) in [
        (vec!["network.hidden=[63]"], "make it even"),
        (vec!["network.hidden=[]"], "antisymmetric is for network.kind mlp with hidden layers"),
        (
            vec!["network.kind=linear", "network.initialisation=normal"],
            "network.parametrisation ntk is for mlp and cnn",
        ),
        (vec!["training.frozen=[3]"], "layers 1 to 2"),
        (vec!["training.frozen=[1, 1]"], "lists layer 1 twice"),
        (vec!["training.frozen=[1, 2]"], "nothing would be learned"),
        (vec!["training.frozen=[1]", "kernel={samples: 10}"], "set kernel to null"),
        (vec!["task.gaussian.mirrored=true"], "task.gaussian.held_out is 30"),
        (vec!["task.targets.sign.amplitude=0"], "task.targets.sign.amplitude must be positive"),
        (vec!["probes=[linear-twin]", "network.bias=all"], "network.bias must be none"),
        (vec!["probes=[linear-twin]", "network.hidden=[8, 8]"], "a list of one width"),
        (
            vec!["probes=[linear-twin]", "training.batch_size=20"],
            "training.batch_size must be null",
        ),
        (
            vec!["phases=[{}, {keep_optimiser: true, training.frozen: [1]}]"],
            "keep_optimiser needs the training.frozen",
        ),
    ] {
        let error = config(&keys).expect_err(&format!("{keys:?}"));
        assert!(error.contains(says), "{keys:?}: {error}");
    }
}

#[test]
fn a_linear_twin_is_nearer_the_wider_the_network() {
    let difference = |width: usize| {
        let width = format!("network.hidden=[{width}]");
        let config = config(&[&width, "probes=[linear-twin]", "training.steps=6"]).unwrap();
        let record = record(&config);
        let series = &record.series["twin_difference"];
        assert_eq!(
            (series.dims.as_slice(), series.shape.as_slice()),
            (&["set".to_owned()][..], &[2][..])
        );
        series.at(&[0]).last().unwrap().unwrap()
    };
    let (narrow, wide) = (difference(32), difference(2048));
    assert!(wide < 0.1 * narrow && wide < 0.02, "{narrow} {wide}");
}
