//! Records as training would leave them, without training: the closed form of a balanced tree, with logistic fractions.

use ndarray::Array2;
use ocs::config::{
    Activation, Aligned, AlignedBiases, Bias, Config, Initialisation, Inputs, Loss, NetworkKind,
    Preprocessing, Scale, resolve_conditions,
};
use ocs::metrics::{Curves, Judge, Phase};
use ocs::record::{
    GramRecord, KernelMoment, KernelRecord, LazyRecord, Method, ModeRecord, Record, RunFolder,
    SCHEMA_VERSION, Series, Status, TheoryRecord, condition_of_seed,
};
use ocs::studies;
use ocs::task::Hierarchy;

const BRANCHING: [usize; 3] = [2, 2, 2];
/// Nodes of each level, the root first.
const NODES: [usize; 4] = [1, 2, 4, 8];

/// How fast the constant and each level are learned, and from where.
#[derive(Clone, Copy)]
pub struct Learner {
    /// Rates of the constant and of levels 1 to 3.
    pub rates: [f64; 4],
    /// Fraction learned at time 0.
    pub start: f64,
    /// Whether the constant is learned without a delay, as by an output bias.
    pub output_bias: bool,
}

impl Learner {
    fn fractions(&self, time: f64) -> [f64; 4] {
        let logistic =
            |rate: f64| 1.0 / (1.0 + (1.0 / self.start - 1.0) * (-2.0 * rate * time).exp());
        let mut fractions = self.rates.map(logistic);
        if self.output_bias {
            fractions[0] = 1.0 - (-time).exp() * (1.0 - self.start);
        }
        fractions
    }

    /// Responses at a time, `[item, label]` (THEORY section 1).
    fn responses(&self, time: f64) -> Array2<f64> {
        let tree = Hierarchy::balanced(&BRANCHING);
        let fractions = self.fractions(time);
        let targets = tree.targets();
        Array2::from_shape_fn((tree.n_items(), tree.n_labels()), |(item, label)| {
            let level = tree.level_columns().iter().position(|l| l.contains(&label)).unwrap() + 1;
            let leaf = (0..tree.n_items()).find(|&other| targets[[other, label]] == 1.0).unwrap();
            // Depth of the common ancestor of the item and the label's node.
            let common =
                (1..=level).take_while(|l| item * NODES[*l] / 8 == leaf * NODES[*l] / 8).count();
            let gained: f64 =
                (1..=common).map(|l| fractions[l] * (NODES[l] - NODES[l - 1]) as f64).sum();
            let lost =
                if common < level { fractions[common + 1] * NODES[common] as f64 } else { 0.0 };
            (fractions[0] + gained - lost) / NODES[level] as f64
        })
    }

    fn curves(&self, steps: &[u64], learning_rate: f64) -> (Judge, Curves) {
        let tree = Hierarchy::balanced(&BRANCHING);
        let targets = tree.targets();
        let ocs = targets.mean_axis(ndarray::Axis(0)).unwrap();
        let judge = Judge::new(targets, (0..8).collect(), &[1.0; 8], ocs, tree.level_columns());
        let mut curves = Curves::default();
        for &step in steps {
            let time = step as f64 * learning_rate;
            let judgement = judge.judge(self.responses(time).view());
            curves.push(time, &judgement);
            curves.push_network(step, judgement.distance_to_targets / 2.0, &[1.0], &[None]);
        }
        (judge, curves)
    }
}

/// Step 0 and log-spaced ones.
fn steps(last: u64) -> Vec<u64> {
    let mut steps: Vec<u64> =
        (0..200).map(|i| (last as f64).powf(f64::from(i) / 199.0).round() as u64).collect();
    steps.insert(0, 0);
    steps.dedup();
    steps
}

/// A run of `learner`.
pub fn record(condition: &str, seed: u64, learner: Learner, clock: (u64, f64)) -> Record {
    let (judge, curves) = learner.curves(&steps(clock.0), clock.1);
    let mut config = Config { name: "fake".to_owned(), ..Config::default() };
    config.training.learning_rate = clock.1;
    let phase = Phase::of(&curves, 0.1, judge.ocs_norm(), judge.target_variance());
    Record {
        schema_version: SCHEMA_VERSION,
        status: Status::Complete,
        config,
        cell: None,
        condition: condition.to_owned(),
        seed,
        scale: Scale::Default,
        revision: "0123456789ab".to_owned(),
        device: "cpu".to_owned(),
        libtorch: "2.13.0".to_owned(),
        threads: 1,
        algorithms: None,
        cores: None,
        stack: 1,
        dataset: None,
        wall_time: 1.0,
        ocs: judge.ocs().to_vec(),
        target_variance: judge.target_variance(),
        levels: vec![2, 4, 8],
        phase,
        phase_sensitivity: Vec::new(),
        curves,
        training_curves: None,
        kernel: None,
        series: std::collections::BTreeMap::new(),
        stretches: Vec::new(),
        reach: Vec::new(),
        extended_at: Vec::new(),
        arrays: Default::default(),
        weights_at: Vec::new(),
        programs: Vec::new(),
    }
}

fn theory(record: &Record) -> TheoryRecord {
    TheoryRecord {
        condition: record.condition.clone(),
        config: record.config.clone(),
        method: Method::ClosedForm,
        validity: "exact".to_owned(),
        ocs: record.ocs.clone(),
        target_variance: record.target_variance,
        levels: record.levels.clone(),
        modes: Vec::new(),
        phase: record.phase.clone(),
        curves: record.curves.clone(),
        reach: Vec::new(),
        verified: None,
        series: std::collections::BTreeMap::new(),
        stretches: Vec::new(),
    }
}

/// Varies a number by up to a quarter, differently for each seed.
fn varied(value: f64, seed: u64) -> f64 {
    value * (1.0 + 0.25 * ((seed * 7919 + 13) as f64).sin())
}

fn aligned(a0: f64) -> Initialisation {
    Initialisation::Aligned(Aligned { a0, biases: AlignedBiases::Zero })
}

/// Runs of `ocs_linear`: the rates of the [2, 2, 2] tree at a0 = 1e-4.
pub fn linear() -> RunFolder {
    let mut runs = RunFolder::default();
    let tree = [0.331, 0.331, 0.217, 0.125];
    for (bias, constant) in
        [(Bias::None, 0.331), (Bias::Input, 0.992), (Bias::Output, 1.0), (Bias::All, 1.1)]
    {
        let (condition, output_bias) = (bias.name(), bias.at_output());
        let rates = [constant, tree[1], tree[2], tree[3]];
        let start = 1e-4 / 2.65;
        let mut run = record(condition, 0, Learner { rates, start, output_bias }, (10_000, 0.004));
        run.config.network.bias = bias;
        run.config.network.initialisation = aligned(1e-4);
        runs.theories.push(theory(&run));
        runs.records.push(run);
        for seed in 0..5 {
            let rates = [rates[0], varied(rates[1], seed), rates[2], rates[3]];
            let learner = Learner { rates, start: varied(3e-4, seed + 5), output_bias };
            let name = format!("{condition}-random");
            let mut run = record(&name, seed, learner, (10_000, 0.004));
            run.config.network.bias = bias;
            runs.records.push(run);
        }
    }
    runs.records.sort_by(|a, b| (&a.condition, a.seed).cmp(&(&b.condition, b.seed)));
    runs
}

/// Runs of `ocs_modes`, with the strengths, modes and biases that its figure reads.
pub fn modes() -> RunFolder {
    let mut runs = RunFolder::default();
    for (bias, constant, d) in [
        (Bias::None, 0.331, 0.125),
        (Bias::Input, 0.992, 1.125),
        (Bias::Output, 1.0, 0.125),
        (Bias::All, 1.1, 1.125),
    ] {
        let (a0, beta, mu) = (1e-4, 0.875_f64.sqrt(), f64::sqrt(d));
        let rates = [constant, 0.331, 0.217, 0.125];
        let learner = Learner { rates, start: a0 / 2.65, output_bias: bias.at_output() };
        let mut run = record(bias.name(), 0, learner, (15_000, 0.004));
        run.config.network.bias = bias;
        let mode = |s: f64, d: f64| ModeRecord {
            singular_value: s,
            input_variance: d,
            initial_strength: a0,
            final_strength: s / d,
        };
        let mut modes = vec![mode(mu * beta, d), mode(0.331, 0.125)];
        modes.extend(vec![mode(0.217, 0.125); 2]);
        modes.extend(vec![mode(0.125, 0.125); 4]);
        let mut expected = theory(&run);
        for (index, &time) in run.curves.time.iter().enumerate() {
            let fractions = learner.fractions(time);
            let mut strengths: Vec<f64> = (0..4)
                .map(|split| fractions[split] * modes[[0, 1, 2, 4][split]].final_strength)
                .collect();
            if bias.at_output() {
                // The law, without what the weights take from the bias.
                strengths[0] = a0 * (2.0 * mu * beta * fractions[0]).exp();
            }
            expected.curves.push_mode_strengths(&strengths);
            for norms in &mut run.curves.bias_norms {
                norms[index] = bias.at_output().then_some(beta * fractions[0]);
            }
        }
        if bias.at_output() {
            modes[0].final_strength = a0 * (2.0 * mu * beta).exp();
        }
        run.curves.mode_strengths.clone_from(&expected.curves.mode_strengths);
        expected.curves.bias_norms.clear();
        runs.theories.push(TheoryRecord { modes, ..expected });
        runs.records.push(run);
    }
    runs
}

/// Runs and theories of 2 to 5 layers and all bias options from three starts.
pub fn depths() -> RunFolder {
    let mut runs = RunFolder::default();
    for hidden in (1..5).map(|n_hidden| vec![16; n_hidden]) {
        for (bias, constant) in
            [(Bias::None, 0.33), (Bias::Input, 0.99), (Bias::Output, 1.0), (Bias::All, 1.1)]
        {
            for a0 in [1e-2, 1e-4, 1e-6] {
                let rates = [constant, 0.331, 0.217, 0.125];
                let learner = Learner { rates, start: a0 / 2.65, output_bias: bias.at_output() };
                let name = format!("depth-{}-{}-{a0:e}", hidden.len() + 1, bias.name());
                let mut record = record(&name, 0, learner, (10_000, 0.01));
                record.config.network.bias = bias;
                record.config.network.hidden = hidden.clone();
                record.config.network.initialisation =
                    Initialisation::Aligned(Aligned { a0, biases: AlignedBiases::Aligned });
                runs.theories.push(theory(&record));
                runs.records.push(record);
            }
        }
    }
    runs
}

/// Runs of an experiment on images: 16 conditions, three seeds.
pub fn images() -> RunFolder {
    let mut runs = RunFolder::default();
    let networks = [
        ("linear", NetworkKind::Linear, Activation::Relu),
        ("mlp", NetworkKind::Mlp, Activation::Relu),
        ("cnn-relu", NetworkKind::Cnn, Activation::Relu),
        ("cnn-tanh", NetworkKind::Cnn, Activation::Tanh),
    ];
    for (index, (network, kind, activation)) in networks.into_iter().enumerate() {
        for (bias, constant) in [(Bias::All, 3.0_f64), (Bias::None, 0.3)] {
            for (preprocessing, inputs, common) in
                [("raw", Preprocessing::Raw, 3.0), ("centred", Preprocessing::PixelCentred, 0.0)]
            {
                for seed in 0..3 {
                    let returns = if network == "cnn-relu" { 2.0 } else { 0.0 };
                    let lead = constant.max(common).max(returns);
                    let rates =
                        [lead, varied(0.6, seed), varied(0.4, seed + 1), varied(0.2, seed + 2)];
                    let start = 1e-3 * (1.0 + index as f64);
                    let learner = Learner { rates, start, output_bias: bias == Bias::All };
                    let name = format!("{network}-{}-{preprocessing}", bias.name());
                    let mut run = record(&name, seed, learner, (4_000, 0.005));
                    run.config.task.inputs = Inputs::Mnist;
                    run.config.task.preprocessing = inputs;
                    run.config.network.bias = bias;
                    (run.config.network.kind, run.config.network.activation) = (kind, activation);
                    runs.records.push(run);
                }
            }
        }
    }
    runs.records.sort_by(|a, b| (&a.condition, a.seed).cmp(&(&b.condition, b.seed)));
    runs
}

/// Runs of `ocs_architectures`: every condition that its config trains on CIFAR-10.
pub fn architectures() -> RunFolder {
    let study = studies::find("ocs_architectures").unwrap();
    let mut runs = RunFolder::default();
    for (condition, config) in resolve_conditions(&study.built_in().unwrap()).unwrap() {
        if config.task.inputs != Inputs::Cifar10 {
            continue;
        }
        for seed in 0..3 {
            let rates = [3.0, varied(0.6, seed), varied(0.4, seed + 1), varied(0.2, seed + 2)];
            let output_bias = config.network.bias == Bias::All;
            let learner = Learner { rates, start: 1e-3, output_bias };
            let mut run = record(&condition, seed, learner, (4_000, 0.005));
            run.config = Config { seeds: vec![seed], ..config.clone() };
            run.config.training.learning_rate = 0.005;
            runs.records.push(run);
        }
    }
    runs
}

/// Runs of `ocs_correlation`: two starts, a few correlations, and the input bias.
pub fn correlation() -> RunFolder {
    let mut runs = RunFolder::default();
    let mut add = |condition: &str, inputs: Inputs, rho: f64, a0: f64| {
        let slower = (1.0 - rho).sqrt();
        let rates = [0.331 * (1.0 + 7.0 * rho).sqrt(), 0.331 * slower, 0.217 * slower, 0.125];
        let learner = Learner { rates, start: a0 / 2.65, output_bias: false };
        let mut run = record(condition, 0, learner, (10_000, 0.004));
        run.config.task.inputs = inputs;
        run.config.task.correlation = rho;
        run.config.network.initialisation =
            Initialisation::Aligned(Aligned { a0, biases: AlignedBiases::Zero });
        if inputs == Inputs::OneHot {
            run.config.network.bias = Bias::Input;
        }
        runs.theories.push(theory(&run));
        // Theory alone is asked about rho_c.
        if !condition.starts_with("critical") {
            runs.records.push(run);
        }
    };
    for (a0, critical) in [(1e-2, 0.0984), (1e-4, 0.0525)] {
        for rho in [0.0, 0.04, 0.12, 0.5] {
            add(&format!("a0-{a0:e}-rho-{rho}"), Inputs::Correlated, rho, a0);
        }
        add(&format!("critical-a0-{a0:e}"), Inputs::Correlated, critical, a0);
    }
    add("input-bias", Inputs::OneHot, 0.0, 1e-4);
    runs
}

/// Runs of `ocs_frequencies`: three trees with every bias option, and the base rates of equal frequencies.
pub fn frequencies() -> RunFolder {
    let mut runs = RunFolder::default();
    for tree in ["even", "uneven", "ragged"] {
        for (bias, constant, output_bias) in [
            ("none", 0.331, false),
            ("input", 0.992, false),
            ("output", 1.0, true),
            ("all", 1.1, true),
        ] {
            let rates = [constant, 0.331, 0.217, 0.125];
            let learner = Learner { rates, start: 1e-4 / 2.65, output_bias };
            let run = record(&format!("{tree}-{bias}"), 0, learner, (10_000, 0.004));
            runs.theories.push(theory(&run));
            if bias == "output" {
                runs.theories
                    .push(TheoryRecord { condition: format!("uniform-{tree}"), ..theory(&run) });
            }
            runs.records.push(run);
        }
    }
    runs
}

/// Runs of `ocs_loss`: every bias option, and smaller weights.
pub fn loss() -> RunFolder {
    let mut runs = RunFolder::default();
    for (condition, bias, constant) in [
        ("none", Bias::None, 0.331),
        ("input", Bias::Input, 0.992),
        ("output", Bias::Output, 1.0),
        ("all", Bias::All, 1.1),
        ("output-tiny", Bias::Output, 1.0),
    ] {
        let rates = [constant, 0.331, 0.217, 0.125];
        let learner = Learner { rates, start: 1e-4 / 2.65, output_bias: bias.at_output() };
        let mut run = record(condition, 0, learner, (10_000, 0.004));
        run.config.network.bias = bias;
        let a0 = if condition == "output-tiny" { 1e-16 } else { 1e-8 };
        run.config.network.initialisation = aligned(a0);
        run.config.training.loss = Loss::BinaryCrossEntropy;
        runs.theories.push(theory(&run));
        runs.records.push(run);
    }
    let unequal = Some(vec![27.0, 9.0, 9.0, 3.0, 9.0, 3.0, 3.0, 1.0]);
    for (condition, bias, frequencies, smoothing) in [
        ("softmax-none", Bias::None, unequal.clone(), 0.0),
        ("softmax-input", Bias::Input, unequal.clone(), 0.0),
        ("softmax-output", Bias::Output, unequal.clone(), 0.0),
        ("softmax-smoothed", Bias::Output, unequal, 0.2),
        ("softmax-balanced", Bias::Output, None, 0.0),
    ] {
        let rates = [1.0, 0.331, 0.217, 0.125];
        let learner = Learner { rates, start: 1e-4 / 2.65, output_bias: bias.at_output() };
        let mut run = record(condition, 0, learner, (10_000, 0.004));
        run.config.network.bias = bias;
        run.config.network.initialisation = aligned(1e-16);
        run.config.task.frequencies = frequencies;
        run.config.training.loss = Loss::SoftmaxCrossEntropy;
        run.config.training.label_smoothing = smoothing;
        runs.theories.push(theory(&run));
        runs.records.push(run);
    }
    runs
}

/// Runs of `ocs_gram`: three data sets, three preprocessings, two layers and one, two seeds, with their Gram matrices.
pub fn gram() -> RunFolder {
    let mut runs = RunFolder::default();
    let datasets = [Inputs::Mnist, Inputs::FashionMnist, Inputs::Cifar10];
    for (index, dataset) in datasets.into_iter().enumerate() {
        for (inputs, constant, overlap) in [
            (Preprocessing::Raw, 3.0, 0.95),
            (Preprocessing::PixelCentred, 0.0, 0.0),
            (Preprocessing::ChannelStandardised, 0.5, 0.4),
        ] {
            for (hidden, quicker) in [(vec![64], 1.0), (Vec::new(), 20.0)] {
                let faster = quicker * (1.0 + index as f64);
                let mut config = Config::default();
                (config.task.inputs, config.task.preprocessing) = (dataset, inputs);
                config.network.hidden = hidden;
                gram_condition(&mut runs, &config, [constant * faster, quicker], overlap);
            }
        }
    }
    runs
}

/// One condition of `ocs_gram`, whose constant and contrasts have these rates.
fn gram_condition(
    runs: &mut RunFolder,
    config: &Config,
    [constant, others]: [f64; 2],
    overlap: f64,
) {
    let (task, network) = (&config.task, &config.network);
    let name = &format!("{}-{:?}-{}", task.inputs.name(), task.preprocessing, network.n_layers());
    for seed in 0..2 {
        let rates = [constant, varied(0.6, seed) * others, 0.4 * others, 0.2 * others];
        let learner = Learner { rates, start: 1e-3, output_bias: false };
        let mut run = record(name, seed, learner, (4_000, 0.005 / others));
        run.training_curves = Some(run.curves.clone());
        (run.config.task, run.config.network) = (task.clone(), network.clone());
        run.config.seeds = vec![seed];
        let mut theory = theory(&run);
        if seed > 0 {
            theory.condition = condition_of_seed(name, seed);
        }
        runs.theories.push(theory);
        runs.records.push(run);
    }
    let eigenvalues: Vec<f64> =
        (1..65).map(|i| 100.0 * f64::from(i).powf(-1.0 - overlap)).collect();
    runs.grams.push(GramRecord {
        condition: name.to_owned(),
        task: runs.records[0].config.task.clone(),
        samples: 2000,
        features: 784,
        ratio: Some(eigenvalues[0] / eigenvalues[1]),
        eigenvalues,
        ones_overlap: overlap,
        projection_cv: (constant > 0.0).then_some(0.3),
    });
}

/// A kernel that grows by `growth`, and foretells the run's own curves `late` times later.
fn with_kernel(mut run: Record, alignment: f64, growth: f64, late: f64) -> Record {
    let step = vec![0, 10, 100, 1000];
    let inputs = KernelMoment { ones_alignment: Some(0.0), ratio: Some(1.4) };
    let shift = |time: Option<f64>| time.map(|time| late * time);
    let phase = Phase::between(shift(run.phase.onset), shift(run.phase.end));
    run.kernel = Some(KernelRecord {
        samples: 8,
        largest: vec![10.0; 4],
        trace: vec![38.0; 4],
        ones_alignment: vec![Some(alignment); 4],
        ratio: vec![Some(2.4); 4],
        drift: [0.0, 0.01 * growth, 0.1 * growth, growth].map(Some).to_vec(),
        cosine: vec![Some(1.0); 4],
        inputs,
        expected: Some(KernelMoment { ones_alignment: Some(1.0), ratio: Some(2.5) }),
        lazy: Some(LazyRecord {
            target_variance: run.target_variance,
            phase,
            time: Vec::new(),
            mean_output_error: Vec::new(),
            input_dependence: Vec::new(),
        }),
        step,
    });
    run
}

/// Of eight items that come to be held alike, then told apart.
fn similarity() -> Series {
    let mut series = Series::new(&[("item", 8), ("other_item", 8)], "1");
    for (step, shared) in [(0, 0.5), (10, 0.6), (100, 0.7), (1_000, 0.4)] {
        let cosine = |place: usize| if place.is_multiple_of(9) { 1.0 } else { shared };
        let table: Vec<Option<f64>> = (0..64).map(|place| Some(cosine(place))).collect();
        series.push(step, &table).unwrap();
    }
    series
}

/// Runs of `ocs_kernel`: networks on images, and on one-hot inputs against width and depth.
pub fn kernel() -> RunFolder {
    let mut runs = RunFolder::default();
    let learner =
        Learner { rates: [1.0, 0.331, 0.217, 0.125], start: 1e-4 / 2.65, output_bias: false };
    use NetworkKind::{Cnn, Mlp};
    for (index, (kind, activation, bias, preprocessing)) in [
        (Mlp, Activation::Relu, Bias::None, Preprocessing::Raw),
        (Mlp, Activation::Relu, Bias::None, Preprocessing::PixelCentred),
        (Mlp, Activation::Relu, Bias::All, Preprocessing::PixelCentred),
        (Mlp, Activation::Tanh, Bias::None, Preprocessing::Raw),
        (Mlp, Activation::Tanh, Bias::None, Preprocessing::PixelCentred),
        (Cnn, Activation::Relu, Bias::None, Preprocessing::Raw),
        (Cnn, Activation::Relu, Bias::None, Preprocessing::PixelCentred),
    ]
    .into_iter()
    .enumerate()
    {
        let condition = &format!("{kind:?}-{activation:?}-{}-{preprocessing:?}", bias.name());
        for seed in 0..2 {
            let mut run = record(condition, seed, learner, (1_000, 0.02));
            run.config.task.inputs = Inputs::Mnist;
            run.config.task.preprocessing = preprocessing;
            run.config.network.bias = bias;
            (run.config.network.kind, run.config.network.activation) = (kind, activation);
            let is_odd =
                (activation, preprocessing) == (Activation::Tanh, Preprocessing::PixelCentred);
            let alignment = if is_odd { 0.01 } else { 0.95 };
            let growth = 0.05 * (1.0 + index as f64);
            if kind == Cnn {
                run.series.insert("hidden_similarity_1".to_owned(), similarity());
            }
            runs.records.push(with_kernel(run, alignment, growth, 1.0 + growth * 0.1));
        }
    }
    for (prefix, sizes) in [("width", [16, 256, 16384]), ("depth", [1, 4, 8])] {
        for size in sizes {
            let mut run = record(&format!("{prefix}-{size}"), 0, learner, (1_000, 0.02));
            run.config.network.hidden =
                if prefix == "width" { vec![size] } else { vec![1024; size] };
            runs.records.push(with_kernel(run, 0.97, 0.5, 1.2));
        }
    }
    runs
}

/// Runs of `ocs_classes`: two networks, four trees and the mirrored one, two seeds.
pub fn classes() -> RunFolder {
    let mut runs = RunFolder::default();
    for network in ["linear", "cnn"] {
        for (tree, classes, top) in [
            ("semantic", [0, 8, 1, 9, 3, 5, 4, 7], 0.5),
            ("mirrored", [7, 4, 5, 3, 9, 1, 8, 0], 0.5),
            ("regrouped-1", [0, 3, 9, 7, 8, 5, 1, 4], 0.01),
            ("regrouped-2", [1, 7, 8, 3, 0, 4, 9, 5], 0.02),
            ("regrouped-3", [9, 5, 0, 7, 1, 3, 8, 4], 0.03),
        ] {
            if (network, tree) == ("cnn", "mirrored") {
                continue;
            }
            for seed in 0..2 {
                let rates = [3.0, varied(top, seed), 0.15, 0.25 - 0.4 * top];
                let learner = Learner { rates, start: 1e-3, output_bias: false };
                let mut run = record(&format!("{network}-{tree}"), seed, learner, (1_000, 0.02));
                run.config.task.classes = Some(classes.to_vec());
                run.config.seeds = vec![seed];
                if network == "linear" {
                    run.training_curves = Some(run.curves.clone());
                    runs.theories.push(theory(&run));
                }
                runs.records.push(run);
            }
        }
    }
    runs.records.sort_by(|a, b| (&a.condition, a.seed).cmp(&(&b.condition, b.seed)));
    runs
}

/// Real runs of a study in its quick form, under the names that others have here: nothing else has their courses.
pub fn quick(stem: &'static str) -> RunFolder {
    let mut runs = crate::quick_runs::of_study(stem).clone();
    for run in &mut runs.records {
        (run.revision, run.scale) = ("0123456789ab".to_owned(), Scale::Default);
    }
    runs
}
