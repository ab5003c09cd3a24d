use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ndarray::{Array1, Array2};
use ocs::claim::{Claim, Verdict};
use ocs::config::{self, Bias, Config};
use ocs::data::{Dataset, Split};
use ocs::model::{Mode, Network, Placement, kernel_megabytes};
use ocs::record::RunFolder;
use ocs::sweep::{Event, Existing, Options, train_all};
use ocs::task::Task;
use ocs::theory::{KernelSpectrum, ReluKernels};
use ocs::train::kernel_steps;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use crate::quick_runs;
use crate::quick_runs::claims;
use crate::reproducible_runs::options;

fn config(keys: &[&str]) -> Config {
    let set: Vec<config::Override> = keys.iter().map(|key| key.parse().unwrap()).collect();
    config::parse("network: {initialisation: {normal: {std: 0.4}}}", "test", &set).unwrap()
}

fn network(config: &Config, task: &Task) -> Network {
    let placement = Placement { device: Device::Cpu, weights: Kind::Double, compute: Kind::Double };
    Network::new(&config.network, task, placement, &mut ChaCha8Rng::seed_from_u64(3)).unwrap()
}

/// Six labels, images of 2 x 8 x 8 without a pattern.
fn images(config: &Config) -> Task {
    let pixels = (0..6 * 128u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
    let split =
        Split { pixels: pixels.collect::<Vec<u8>>().into(), classes: vec![0, 1, 2, 3, 4, 5] };
    let (train, test) = (split.clone().into(), split.into());
    let inputs = config::Inputs::Glyphs;
    let dataset = Dataset { inputs, channels: 2, height: 8, width: 8, train, test };
    Task::new(&config.task, Some(&dataset)).unwrap()
}

fn inputs(n: i64, n_inputs: i64) -> Tensor {
    let values: Vec<f64> = (0..n * n_inputs).map(|i| (1.3 * i as f64).sin()).collect();
    Tensor::from_slice(&values).view([n, n_inputs])
}

fn array(tensor: &Tensor) -> Array2<f64> {
    let (rows, columns) = tensor.size2().unwrap();
    let values = Vec::<f64>::try_from(&tensor.contiguous().view(-1)).unwrap();
    Array2::from_shape_vec((rows as usize, columns as usize), values).unwrap()
}

/// Sample by sample and output by output, with libtorch's gradients of every parameter.
fn by_gradients(network: &Network, inputs: &Tensor) -> Array2<f64> {
    let parameters: Vec<Tensor> = network.parameters().into_iter().map(|(_, p)| p).collect();
    let n = inputs.size()[0];
    let n_labels = network.forward(&inputs.unsqueeze(0)).size()[2];
    let rows: Vec<Tensor> = (0..n * n_labels)
        .map(|index| {
            let outputs = network.forward(&inputs.narrow(0, index / n_labels, 1).unsqueeze(0));
            let output = outputs.view(-1).get(index % n_labels);
            let gradients = Tensor::run_backward(&[output], &parameters, false, false);
            Tensor::cat(&gradients.iter().map(|g| g.contiguous().view(-1)).collect::<Vec<_>>(), 0)
        })
        .collect();
    let rows = Tensor::stack(&rows, 0).view([n, -1]);
    array(&(rows.matmul(&rows.tr()) / n_labels as f64))
}

#[test]
fn the_kernel_is_that_of_per_sample_gradients() {
    let networks: [&[&str]; 14] = [
        &["network.kind=mlp", "network.hidden=[5, 7]"],
        &["network={kind: mlp, hidden: [5, 7], bias: all, normalisation: batch}"],
        &["network={kind: mlp, hidden: [5, 7], normalisation: layer, dropout: 0.5}"],
        &[
            "network={kind: cnn, hidden: [3, 4], convolutions: [1, 2], bias: all, normalisation: batch}",
        ],
        &["network={kind: cnn, hidden: [3, 4], normalisation: {layer: {affine: scale}}}"],
        &["network={kind: cnn, hidden: [4, 4], normalisation: {group: {groups: 2}}, bias: input}"],
        &[
            "network={kind: cnn, hidden: [3, 4], kernel_size: 5, stride: [2, 1], pooling: [none, max]}",
        ],
        &[
            "network={kind: cnn, hidden: [3, 3, 4], residual: true, stride: [1, 1, 2], pooling: none, \
             global_average: true, bias: all, normalisation: {batch: {affine: all}}}",
        ],
        &["network={kind: cnn, hidden: [3, 4], residual: true, convolutions: 4, bias: output, \
             normalisation: {batch: {affine: none}}}"],
        &[
            "network.kind=mlp",
            "network.hidden=[5, 7]",
            "network.activation=tanh",
            "network.bias=all",
        ],
        &["network.kind=mlp", "network.hidden=[9]", "network.bias=input"],
        &["network.kind=cnn", "network.hidden=[3, 4]"],
        &["network.kind=cnn", "network.hidden=[3, 4]", "network.bias=all"],
        &[
            "network.kind=cnn",
            "network.hidden=[3]",
            "network.activation=tanh",
            "network.pooling=average",
            "network.bias=output",
        ],
    ];
    for keys in networks {
        let config = config(&[&["task.inputs=glyphs", "task.branching=[6]"], keys].concat());
        let network = network(&config, &images(&config));
        // More than a block, and not a whole number of them.
        let samples = inputs(70, 128);
        // Running statistics and parameters of normalisation that are neither 0 nor 1.
        let _ = network.forward_in(Mode::Training(&[]), &samples.unsqueeze(0));
        tch::no_grad(|| {
            let of_norms =
                network.parameters().into_iter().filter(|(name, _)| name.starts_with("norm"));
            for (_, mut tensor) in of_norms {
                tensor += inputs(1, tensor.size()[0]).view(-1) * 0.3;
            }
        });
        let kernel = array(&tch::no_grad(|| network.tangent_kernel(&samples)));
        let expected = by_gradients(&network, &samples);
        let largest = expected.iter().copied().fold(0.0, f64::max);
        let gap = (&kernel - &expected).iter().map(|gap| gap.abs()).fold(0.0, f64::max);
        assert!(gap <= 1e-10 * largest, "{keys:?}: {gap} of {largest}");
    }
}

#[test]
fn wide_random_networks_have_the_arc_cosine_kernels() {
    // C12, and the same with unequal inputs, biases and layers.
    let config_of = |keys: &[&str]| config(&[&["network.kind=mlp"], keys].concat());
    let even = |n: usize| Array1::from_elem(n, 1.0 / n as f64);
    let wide = config_of(&["network.hidden=[16384]"]);
    let task = Task::new(&wide.task, None).unwrap();
    let eye = Tensor::eye(8, (Kind::Double, Device::Cpu));
    let kernel = array(&network(&wide, &task).tangent_kernel(&eye));
    let spectrum = KernelSpectrum::new(&kernel, &even(8));
    assert!((spectrum.ratio().unwrap() - 2.51).abs() <= 0.1, "{:?}", spectrum.eigenvalues);
    assert!(spectrum.ones_alignment().unwrap() >= 0.99);

    let config = config_of(&["network.hidden=[2000, 1500]", "network.bias=all"]);
    let x = inputs(8, 8);
    let kernel = array(&network(&config, &task).tangent_kernel(&x));
    let gram = array(&x.matmul(&x.tr()));
    let of = |bias| ReluKernels::new(&gram, &[2000, 1500], &[0.16; 3], bias).tangent;
    let miss = |expected: &Array2<f64>| {
        let square = |matrix: &Array2<f64>| (matrix * matrix).sum();
        (square(&(&kernel - expected)) / square(expected)).sqrt()
    };
    assert!(miss(&of(Bias::All)) < 0.05, "{}", miss(&of(Bias::All)));
    // Something wrong is noticed: a layer less.
    let shallow = ReluKernels::new(&gram, &[2000], &[0.16; 2], Bias::All).tangent;
    assert!(miss(&shallow) > 0.5);
}

#[test]
fn kernels_are_computed_at_observed_steps() {
    let keys =
        ["network.kind=mlp", "kernel.times=5", "training.steps=1000", "training.observations=30"];
    let steps = kernel_steps(&config(&keys));
    assert_eq!((steps[0], steps[1], steps[steps.len() - 1]), (0, 1, 1000));
    assert!((5..=7).contains(&steps.len()), "{steps:?}");
    assert_eq!(kernel_steps(&config(&["network.kind=mlp"])), Vec::<u64>::new());
}

#[test]
fn memory_grows_with_samples_and_widths() {
    let of = |keys: &[&str], samples| {
        let config = config(&[&["network.kind=mlp"], keys].concat());
        let task = Task::new(&config.task, None).unwrap();
        kernel_megabytes(&config.network, &task, samples)
    };
    // Twice 100 rows of 8 + 14 * 64 and 64 + 14 * 14 numbers, and three matrices.
    let expected = 8e-6 * (200.0 * (8.0 + 14.0 * 64.0 + 64.0 + 196.0) + 3e4);
    assert!((of(&["network.hidden=[64]"], 100) - expected).abs() < 1e-9);
    assert!(of(&["network.hidden=[640]"], 100) > 5.0 * expected);
}

/// The shipped config's quick form on glyphs, small.
fn trained(keys: &[&str], keep: fn(&str) -> bool) -> RunFolder {
    let mut config = quick_runs::shipped("ocs_kernel", keys);
    config.conditions.0.retain(|(name, _)| keep(name));
    // `--set` has the last word over conditions too; these are to stay on vectors.
    for (name, entries) in &mut config.conditions.0 {
        if name.starts_with("width-") || name.starts_with("depth-") {
            entries.push("task.inputs=one-hot".parse().unwrap());
        }
    }
    // Theory has nothing to say of perceptrons and convolutions.
    quick_runs::trained(&config, |_| true)
}

fn verdict(claims: &[Claim], id: &str) -> Verdict {
    claims.iter().find(|claim| claim.id == id).unwrap_or_else(|| panic!("no claim {id}")).verdict
}

const GLYPHS: [&str; 3] = ["task.inputs=glyphs", "quick.train_samples=64", "task.samples.test=64"];

#[test]
fn kernels_stand_in_records_and_are_what_claims_say_on_any_images() {
    let runs = trained(&GLYPHS, |name| name != "depth-6" && name != "depth-4");
    let kernel = runs.of("relu-none-centred")[0].kernel.as_ref().unwrap();
    assert_eq!((kernel.samples, kernel.step[0], kernel.drift[0]), (64, 0, Some(0.0)));
    assert!(kernel.inputs.ones_alignment.unwrap() < 1e-6 && kernel.expected.is_some());
    let lazy = kernel.lazy.as_ref().unwrap();
    assert_eq!(lazy.time.len(), runs.of("relu-none-centred")[0].curves.time.len());

    let sound = claims("ocs_kernel", &runs).unwrap();
    for id in [
        "linear-has-none",
        "tanh-makes-none",
        "relu-makes-a-constant",
        "one-hot",
        "one-hot-no-lazy-phase",
        "arc-cosine",
        "lazy-times",
    ] {
        assert_eq!(verdict(&sound, id), Verdict::Holds, "{id}: {sound:#?}");
    }
}

#[test]
fn an_interrupted_run_with_kernels_goes_on_and_ends_the_same() {
    // Its checkpoint keeps the first kernel, from which drift is measured.
    let folder = tempfile::tempdir().unwrap();
    let keys = [
        "network.kind=mlp",
        "kernel.times=4",
        "probes=[layer-spectra]",
        "training.steps=20",
        "seeds=[0]",
    ];
    let config = config(&keys);
    let options = |existing, interrupted: &Arc<AtomicBool>| Options {
        existing,
        only: None,
        left_alone: Default::default(),
        anew: Default::default(),
        mended: Default::default(),
        on_failure: ocs::sweep::OnFailure::Stop,
        write_every: Duration::ZERO,
        interrupted: interrupted.clone(),
        ..options(folder.path())
    };
    let record = || RunFolder::read(folder.path()).unwrap().records.remove(0);
    let never = Arc::new(AtomicBool::new(false));
    train_all(&config, &options(Existing::Refuse, &never), &|_| ()).unwrap();
    let whole = record();
    let soon = Arc::new(AtomicBool::new(false));
    let stop_at = |event: Event| {
        if let Event::Observed { step, .. } = event {
            soon.store(step >= 7, Ordering::Relaxed);
        }
    };
    train_all(&config, &options(Existing::Overwrite, &soon), &stop_at).unwrap_err();
    assert!(record().curves.step.last().unwrap() < &20);
    let started = Mutex::new(None);
    let see = |event: Event| {
        if let Event::Started { step, .. } = event {
            *started.lock().unwrap() = Some(step);
        }
    };
    train_all(&config, &options(Existing::Resume, &never), &see).unwrap();
    assert!(started.lock().unwrap().unwrap() >= 7, "it went on, not anew");
    let again = record();
    assert_eq!((&again.kernel, &again.curves), (&whole.kernel, &whole.curves));
    assert_eq!(again.series, whole.series);
    assert!(again.kernel.unwrap().lazy.is_some());
}

#[test]
fn layer_spectra_are_the_singular_values_of_each_layer_over_learning() {
    // A linear network and a perceptron, alone and in stacks: the squares of a layer's singular values sum to its squared norm.
    let folder = tempfile::tempdir().unwrap();
    for kind in ["linear", "mlp"] {
        let network = format!(
            "network={{kind: {kind}, hidden: [6], initialisation: {{normal: {{std: 0.3}}}}}}"
        );
        let keys = [&*network, "probes=[layer-spectra]", "training.steps=40", "seeds=[0, 1, 2]"];
        let at = folder.path().join(kind);
        train_all(&config(&keys), &options(&at), &|_| ()).unwrap();
        for run in RunFolder::read(&at).unwrap().records {
            let series = &run.series["singular_values"];
            assert_eq!((&series.step, &*series.shape), (&run.curves.step, &[2, 8][..]));
            for (layer, norms) in run.curves.weight_norms.iter().enumerate() {
                let squares: Vec<f64> = (0..8).map(|rank| series.at(&[layer, rank])).fold(
                    vec![0.0; norms.len()],
                    |mut sum, values| {
                        for (sum, value) in sum.iter_mut().zip(values) {
                            *sum += value.map_or(0.0, |value| value * value);
                        }
                        sum
                    },
                );
                for (square, norm) in squares.iter().zip(norms) {
                    assert!((square.sqrt() / norm - 1.0).abs() < 1e-6, "{kind}: {square} {norm}");
                }
            }
            // The bottleneck has six units: there is no seventh value.
            assert!(series.at(&[0, 5]).iter().all(Option::is_some));
            assert_eq!(series.at(&[2, 0]), []);
        }
    }
}

#[test]
fn a_kernel_that_has_become_zero_is_aligned_with_nothing() {
    // Steps that kill every ReLU: nothing reaches any weight, all the network's gradients are zero.
    let folder = tempfile::tempdir().unwrap();
    let keys = [
        "network={kind: mlp, hidden: [4], bias: input, initialisation: {normal: {std: 0.5}}}",
        "kernel.times=4",
        "training={steps: 40, learning_rate: 30, observations: 20}",
        "seeds=[0, 1, 2, 3, 4, 5]",
    ];
    train_all(&config(&keys), &options(folder.path()), &|_| ()).unwrap();
    let runs = RunFolder::read(folder.path()).unwrap();
    let kernels = || runs.records.iter().filter_map(|run| run.kernel.as_ref());
    let mut zeros = 0;
    for kernel in kernels() {
        for (index, trace) in kernel.trace.iter().enumerate() {
            let defined = (kernel.ones_alignment[index].is_some(), kernel.cosine[index].is_some());
            assert_eq!(defined, (*trace > 0.0, *trace > 0.0), "{kernel:?}");
            zeros += usize::from(*trace == 0.0);
        }
    }
    assert!(zeros > 0, "no kernel has become zero: choose larger steps");
    let text = std::fs::read_to_string(folder.path().join("default/0.json")).unwrap();
    assert!(!text.contains("NaN"));
}
