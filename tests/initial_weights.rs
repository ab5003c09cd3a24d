//! Each kind of start is held to its law on 10^5 draws and more of every layer, with tolerances in standard errors of that
//! law: 5 of them for moments (missed by chance once in two million), e^-20 for the largest value.

use ndarray::{Array2, Axis, concatenate};
use ocs::config::{self, Config, Inputs};
use ocs::data::{Dataset, Split};
use ocs::model::{Network, Placement, to_tensor};
use ocs::task::Task;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use tch::{Device, Kind, Tensor};

/// Standard errors by which a moment may be off.
const ERRORS: f64 = 5.0;

/// A symmetric law of independent numbers.
#[derive(Clone, Copy)]
enum Law {
    /// In `±bound`.
    Uniform { bound: f64 },
    /// Of mean zero.
    Normal { std: f64 },
}

impl Law {
    /// The `k`-th moment.
    fn moment(self, k: i32) -> f64 {
        match self {
            _ if k % 2 == 1 => 0.0,
            Law::Uniform { bound } => bound.powi(k) / f64::from(k + 1),
            Law::Normal { std } => {
                let odd_numbers = (1..k).step_by(2).map(f64::from);
                std.powi(k) * odd_numbers.product::<f64>()
            }
        }
    }

    /// How many of `n` draws are beyond `±x` on average: between these two numbers.
    fn expected_beyond(self, x: f64, n: f64) -> (f64, f64) {
        match self {
            Law::Uniform { bound } => (n * (1.0 - x / bound), n * (1.0 - x / bound)),
            Law::Normal { std } => {
                // Bounds on Mills' ratio: x / (1 + x^2) < Q(x) / phi(x) < 1 / x.
                let x = x / std;
                let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
                (2.0 * n * density * x / (1.0 + x * x), 2.0 * n * density / x)
            }
        }
    }

    /// Whether `draws` may be of this law: its first four moments, products of neighbours, and the largest.
    fn holds_for(self, draws: &[f64]) -> Result<(), String> {
        let n = draws.len() as f64;
        assert!(n >= 1e5, "{n} draws are too few");
        let average = |of: &dyn Fn(usize) -> f64| (0..draws.len()).map(of).sum::<f64>() / n;
        for k in 1..=4 {
            let (found, expected) = (average(&|i| draws[i].powi(k)), self.moment(k));
            let error = ((self.moment(2 * k) - expected * expected) / n).sqrt();
            if (found - expected).abs() > ERRORS * error {
                return Err(format!("moment {k} is {found:e}, not {expected:e} ± {error:.0e}"));
            }
        }
        let neighbours = average(&|i| draws[i] * draws[(i + 1) % draws.len()]);
        if neighbours.abs() > ERRORS * self.moment(2) / n.sqrt() {
            return Err(format!("neighbours correlate, {:.1e}", neighbours / self.moment(2)));
        }
        // The number of draws that the law expects beyond the largest one is exponentially distributed around 1.
        let largest = draws.iter().fold(0.0, |largest: f64, draw| largest.max(draw.abs()));
        let (least, most) = self.expected_beyond(largest, n);
        if least > 20.0 || most < (-20f64).exp() {
            return Err(format!(
                "the largest is {largest:e}, beyond which are {least:.1e} to {most:.1e} draws"
            ));
        }
        Ok(())
    }
}

/// A network of biases everywhere that starts so.
fn config_of(inputs: &str, network: &str, start: &str) -> Config {
    let text = format!(
        "task: {{branching: [2, 3], inputs: {inputs}}}
network: {{{network}, bias: all, initialisation: {{{start}}}}}
\
         seeds: [0]"
    );
    config::parse(&text, "test", &[]).unwrap()
}

/// Six items, eight labels; images of 2 x 8 x 8 for networks that see images.
fn task_of(config: &Config) -> Task {
    if !config.task.inputs.are_images() {
        return Task::new(&config.task, None).unwrap();
    }
    let split = || Split {
        pixels: (0..6 * 128).map(|i| (i % 251) as u8).collect(),
        classes: (0..6).collect(),
    };
    let (train, test) = (split().into(), split().into());
    let dataset = Dataset { inputs: Inputs::Glyphs, channels: 2, height: 8, width: 8, train, test };
    Task::new(&config.task, Some(&dataset)).unwrap()
}

fn network(config: &Config, task: &Task, seed: u64) -> Network {
    let placement = Placement { device: Device::Cpu, weights: Kind::Double, compute: Kind::Double };
    Network::new(&config.network, task, placement, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.detach().contiguous().view(-1)).unwrap()
}

/// Each layer's fan-in, and its weights of `n_seeds` seeds.
fn draws_of_layers(config: &Config, n_seeds: u64) -> Vec<(f64, Vec<f64>)> {
    let task = task_of(config);
    let mut layers: Vec<(f64, Vec<f64>)> = Vec::new();
    for seed in 0..n_seeds {
        for (index, layer) in network(config, &task, seed).layers().iter().enumerate() {
            let fan_in = layer.weight.size()[1..].iter().product::<i64>() as f64;
            if layers.len() == index {
                layers.push((fan_in, Vec::new()));
            }
            layers[index].1.extend(values(&layer.weight));
            assert!(values(layer.bias.as_ref().unwrap()).iter().all(|bias| *bias == 0.0));
        }
    }
    layers
}

/// Networks whose layers have other shapes each, and so many seeds that the smallest layer has 10^5 weights.
const NETWORKS: [(&str, &str, u64); 4] = [
    ("one-hot", "kind: linear, hidden: [100, 30]", 500),
    ("one-hot", "kind: mlp, hidden: [100, 30]", 500),
    ("glyphs", "kind: mlp, hidden: [20]", 700),
    ("glyphs", "kind: cnn, hidden: [8, 12]", 750),
];

/// Every layer of every network that starts so; `law` of its fan-in.
fn every_layer_follows(start: &str, law: impl Fn(f64) -> Law) {
    for (inputs, keys, n_seeds) in NETWORKS {
        let config = config_of(inputs, keys, start);
        let layers = draws_of_layers(&config, n_seeds);
        let fan_ins: Vec<f64> = layers.iter().map(|(fan_in, _)| *fan_in).collect();
        for (fan_in, draws) in &layers {
            law(*fan_in)
                .holds_for(draws)
                .unwrap_or_else(|why| panic!("{keys}, {fan_in} of {fan_ins:?}: {why}"));
            // Then a bound of 1/sqrt(fan_in + 1) would leave more than the 20 draws beyond it that chance may.
            let too_narrow = Law::Uniform { bound: 1.0 };
            let (beyond, _) =
                too_narrow.expected_beyond((fan_in / (fan_in + 1.0)).sqrt(), draws.len() as f64);
            assert!(
                beyond > 40.0,
                "{keys}: {} draws resolve no bound at fan-in {fan_in}",
                draws.len()
            );
        }
        // Layers do not repeat each other's numbers, nor those of other seeds.
        let parts: Vec<&[f64]> = layers.iter().map(|(_, draws)| &draws[..100_000]).collect();
        for pair in parts.windows(2) {
            let norm = |draws: &[f64]| draws.iter().map(|draw| draw * draw).sum::<f64>().sqrt();
            let product: f64 = pair[0].iter().zip(pair[1]).map(|(one, other)| one * other).sum();
            let correlation = product / (norm(pair[0]) * norm(pair[1]));
            assert!(
                correlation.abs() < ERRORS / 1e5f64.sqrt(),
                "{keys}: layers correlate, {correlation}"
            );
        }
    }
}

#[test]
fn kaiming_weights_are_uniform_within_gain_over_the_root_of_the_fan_in() {
    every_layer_follows("kaiming: {gain: 1.5}", |fan_in| Law::Uniform {
        bound: 1.5 / fan_in.sqrt(),
    });
}

#[test]
fn normal_weights_have_one_standard_deviation_whatever_their_fan_in() {
    every_layer_follows("normal: {std: 0.03}", |_| Law::Normal { std: 0.03 });
}

/// What a law says of draws that follow another.
#[test]
fn the_laws_notice_what_is_nearly_right() {
    let mut generator = ChaCha8Rng::seed_from_u64(5);
    let n = 120_000;
    let uniform = |bound: f64, generator: &mut ChaCha8Rng| -> Vec<f64> {
        (0..n).map(|_| generator.random_range(-bound..bound)).collect()
    };
    let normal = |std: f64, most: f64, generator: &mut ChaCha8Rng| -> Vec<f64> {
        let draws = (0..).map(|_| std * generator.sample::<f64, _>(StandardNormal));
        draws.filter(|draw| draw.abs() < most).take(n).collect()
    };
    let fan_in = 100f64;
    let law = Law::Uniform { bound: 1.0 / fan_in.sqrt() };
    assert_eq!(law.holds_for(&uniform(0.1, &mut generator)), Ok(()));
    let wrong = |law: Law, draws: &[f64], what: &str| {
        let why = law.holds_for(draws).unwrap_err();
        assert!(why.contains(what), "{why}");
    };
    wrong(law, &uniform(1.0 / (fan_in + 1.0).sqrt(), &mut generator), "the largest");
    // Noticed by the fourth moment or the largest.
    wrong(law, &uniform(1.0 / (fan_in - 1.0).sqrt(), &mut generator), "");
    wrong(law, &uniform(0.1 * 1.02f64.sqrt(), &mut generator), "moment 2");
    wrong(law, &normal(0.1 / 3f64.sqrt(), 1.0, &mut generator), "moment 4");
    let shifted: Vec<f64> =
        uniform(0.099, &mut generator).iter().map(|draw| draw + 0.001).collect();
    wrong(law, &shifted, "moment 1");
    let twice: Vec<f64> =
        uniform(0.1, &mut generator)[..n / 2].iter().flat_map(|draw| [*draw, *draw]).collect();
    wrong(law, &twice, "neighbours");
    let law = Law::Normal { std: 2.0 };
    assert_eq!(law.holds_for(&normal(2.0, 1e9, &mut generator)), Ok(()));
    wrong(law, &normal(2.0 * 1.02f64.sqrt(), 1e9, &mut generator), "moment 2");
    wrong(law, &uniform(2.0 * 3f64.sqrt(), &mut generator), "moment 4");
    // Cut at 3.5 standard deviations, where its moments are still within their errors.
    wrong(law, &normal(2.0, 7.0, &mut generator), "the largest");
}

fn largest(tensor: &Tensor) -> f64 {
    tensor.detach().abs().max().double_value(&[])
}

/// Uniformly distributed matrices with orthonormal columns, `[n, ..]` each, times `scale`: every entry has mean zero,
/// variance `1/n` and fourth moment `3/(n (n + 2))`.
fn entries_are_of_uniform_frames(matrices: &[Vec<f64>], n: f64, scale: f64) -> Result<(), String> {
    let moments = [0.0, 1.0 / n, 0.0, 3.0 / (n * (n + 2.0)), 0.0, 0.0, 0.0];
    // Of the eighth power, for the error of the fourth.
    let eighth = 105.0 / (n * (n + 2.0) * (n + 4.0) * (n + 6.0));
    let n_matrices = matrices.len() as f64;
    for entry in 0..matrices[0].len() {
        for k in [1, 2, 4] {
            let power = |matrix: &Vec<f64>| (matrix[entry] / scale).powi(k);
            let found = matrices.iter().map(power).sum::<f64>() / n_matrices;
            let (expected, second) = (
                moments[k as usize - 1],
                if k == 4 { eighth } else { moments[2 * k as usize - 1] },
            );
            let error = ((second - expected * expected) / n_matrices).sqrt();
            if (found - expected).abs() > ERRORS * error {
                return Err(format!(
                    "entry {entry}: moment {k} is {found}, not {expected} ± {error:.0e}"
                ));
            }
        }
    }
    Ok(())
}

#[test]
fn orthogonal_weights_are_uniformly_distributed_frames() {
    let scale = 0.7;
    for (inputs, keys) in [
        ("one-hot", "kind: linear, hidden: [9, 4]"),
        ("one-hot", "kind: mlp, hidden: [9, 4]"),
        ("glyphs", "kind: cnn, hidden: [3, 2]"),
    ] {
        let config = config_of(inputs, keys, &format!("orthogonal: {{scale: {scale}}}"));
        let task = task_of(&config);
        let mut layers: Vec<(i64, Vec<Vec<f64>>)> = Vec::new();
        for seed in 0..2_000 {
            for (index, layer) in network(&config, &task, seed).layers().iter().enumerate() {
                let rows = layer.weight.detach().flatten(1, -1);
                let (n_rows, n_columns) = rows.size2().unwrap();
                let gram = if n_rows < n_columns {
                    rows.matmul(&rows.tr())
                } else {
                    rows.tr().matmul(&rows)
                };
                let identity = Tensor::eye(n_rows.min(n_columns), (Kind::Double, Device::Cpu));
                assert!(
                    largest(&(gram - identity * (scale * scale))) < 1e-14,
                    "{keys}, layer {index}"
                );
                assert_eq!(largest(layer.bias.as_ref().unwrap()), 0.0);
                if layers.len() == index {
                    layers.push((n_rows.max(n_columns), Vec::new()));
                }
                layers[index].1.push(values(&layer.weight));
            }
        }
        for (index, (n, matrices)) in layers.iter().enumerate() {
            entries_are_of_uniform_frames(matrices, *n as f64, scale)
                .unwrap_or_else(|why| panic!("{keys}, layer {index}: {why}"));
        }
    }
}

/// Without the signs of `R`, LAPACK's `Q` is orthogonal but not uniformly distributed.
#[test]
fn frames_of_one_sign_are_noticed() {
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    let mut frames = |with_signs: bool| -> Vec<Vec<f64>> {
        let frame = |_| {
            let normal: Vec<f64> = (0..20).map(|_| generator.sample(StandardNormal)).collect();
            let (q, r) = Tensor::linalg_qr(&Tensor::from_slice(&normal).view([5, 4]), "reduced");
            values(&if with_signs { q * r.diagonal(0, 0, 1).sign() } else { q })
        };
        (0..2_000).map(frame).collect()
    };
    assert_eq!(entries_are_of_uniform_frames(&frames(true), 5.0, 1.0), Ok(()));
    assert!(
        entries_are_of_uniform_frames(&frames(false), 5.0, 1.0).unwrap_err().contains("moment 1")
    );
    assert!(entries_are_of_uniform_frames(&frames(true), 6.0, 1.0).is_err());
}

/// The whole map of an aligned network is `a0` times the orthogonal factor of `Sigma_yx` (with a constant input where biases
/// are aligned), its layers are balanced, and its hidden bases uniformly distributed.
#[test]
fn aligned_layers_are_balanced_and_carry_each_mode_with_the_same_strength() {
    let a0: f64 = 1e-3;
    for (hidden, inputs, biases) in [
        ("[]", "one-hot", "zero"),
        ("[7]", "one-hot", "zero"),
        ("[8, 9]", "one-hot", "zero"),
        ("[8, 7, 9]", "correlated, correlation: 0.4", "zero"),
        ("[8]", "one-hot", "aligned"),
        ("[9, 8]", "correlated, correlation: 0.4", "aligned"),
    ] {
        let start = format!("aligned: {{a0: {a0}, biases: {biases}}}");
        let config = config_of(inputs, &format!("kind: linear, hidden: {hidden}"), &start);
        let task = task_of(&config);
        let n_layers = config.network.hidden.len() + 1;
        let is_augmented = biases == "aligned";
        let mut sigma: Array2<f64> = task.input_output_correlation();
        if is_augmented {
            sigma = concatenate![Axis(1), sigma, task.ocs().insert_axis(Axis(1))];
        }
        let sigma = to_tensor(&sigma);
        let mut first_layers = Vec::new();
        for seed in 0..1_000u64 {
            let network = network(&config, &task, seed);
            let mut weights: Vec<Tensor> =
                network.layers().iter().map(|layer| layer.weight.detach()).collect();
            for (index, layer) in network.layers().iter().enumerate() {
                let bias = layer.bias.as_ref().unwrap().detach();
                if is_augmented && index == 0 {
                    weights[0] = Tensor::cat(&[&weights[0], &bias.unsqueeze(1)], 1);
                } else {
                    assert_eq!(largest(&bias), 0.0);
                }
            }
            let c2 = a0.powf(2.0 / n_layers as f64);
            for pair in weights.windows(2) {
                let (below, above) = (pair[0].matmul(&pair[0].tr()), pair[1].tr().matmul(&pair[1]));
                assert!(largest(&(below - above)) < 1e-14 * c2, "{hidden} {inputs}: not balanced");
            }
            let map = weights
                .iter()
                .skip(1)
                .fold(weights[0].shallow_clone(), |map, weight| weight.matmul(&map));
            // M = a0 U V^T if M V S U^T is symmetric and positive, and M M^T is a0^2 on the range of Sigma and 0 beyond it.
            let product = map.matmul(&sigma.tr());
            assert!(
                largest(&(&product - product.tr())) < 1e-14 * a0,
                "{hidden} {inputs}: not aligned"
            );
            let (least, _) = product.linalg_eigvalsh("L").min_dim(0, false);
            assert!(least.double_value(&[]) > -1e-14 * a0, "{hidden} {inputs}: against a mode");
            let through = map.matmul(&map.tr()).matmul(&sigma);
            assert!(
                largest(&(through - &sigma * (a0 * a0))) < 1e-14 * a0 * a0,
                "{hidden} {inputs}: strengths differ"
            );
            let rank = map.linalg_matrix_rank(1e-9 * a0, false).int64_value(&[]);
            assert_eq!(rank, sigma.linalg_matrix_rank(1e-9, false).int64_value(&[]));
            first_layers.push(weights[0].shallow_clone());
        }
        if n_layers > 1 {
            // Along the modes, `W_1 V = c R_1`: what the start draws.
            let (_, s, v) = sigma.svd(true, true);
            let n_modes = s.gt(1e-9).sum(Kind::Int64).int64_value(&[]);
            let v = v.narrow(1, 0, n_modes);
            let frames: Vec<Vec<f64>> =
                first_layers.iter().map(|weight| values(&weight.matmul(&v))).collect();
            let width = config.network.hidden[0] as f64;
            entries_are_of_uniform_frames(&frames, width, a0.powf(1.0 / n_layers as f64))
                .unwrap_or_else(|why| panic!("{hidden} {inputs} {biases}: {why}"));
        }
    }
}
