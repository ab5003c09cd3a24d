//! Networks train in stacks, linear ones from moments: the same numbers as one by one, on the samples, with libtorch's
//! gradients.

use std::path::Path;
use std::sync::LazyLock;

use ocs::config::{self, Config, Inputs, Span};
use ocs::data::{self, Dataset};
use ocs::model::{Network, Objective, Placement};
use ocs::task::{ImageSet, Stored, Task, TaskInputs};
use ocs::train::{
    Lesson, Member, Observer, OptimiserState, Shared, Snapshot, can_be_stacked, train_together,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

pub fn config(keys: &[&str]) -> Config {
    let overrides: Vec<config::Override> = keys.iter().map(|text| text.parse().unwrap()).collect();
    config::parse("name: test", "test", &overrides).unwrap()
}

pub fn task(config: &Config) -> Task {
    if !config.task.inputs.are_images() {
        return Task::of(config, None).unwrap();
    }
    static GLYPHS: LazyLock<Dataset> =
        LazyLock::new(|| data::load(Inputs::Glyphs, Path::new("unused")).unwrap());
    Task::of(config, Some(&GLYPHS)).unwrap()
}

/// All that is observed of a run.
pub fn observed(config: &Config, task: &Task, shared: &Shared, seed: u64) -> Vec<Snapshot> {
    let mut seen = Vec::new();
    let mut observer = |snapshot: Snapshot| seen.push(snapshot);
    let lessons = vec![Lesson::only(config, task, shared)];
    let member = Member { lessons, seed, resumed: None, ended: None, observer: &mut observer };
    train_together(vec![member], Device::Cpu, false).unwrap();
    seen
}

/// Full-batch gradient descent on the samples with libtorch's own gradients, written without `train` (but for the rules of other
/// optimisers): outputs to the evaluation set after the last step.
pub fn on_samples(config: &Config, task: &Task, seed: u64) -> Vec<f64> {
    let placement = Placement { device: Device::Cpu, weights: Kind::Double, compute: Kind::Double };
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let network = Network::new(&config.network, task, placement, &mut generator).unwrap();
    let objective = Objective::new(config.training.loss, task);
    let rows = |values: &[f64], width: usize| Tensor::from_slice(values).view([-1, width as i64]);
    let targets_of = |items: &[usize]| {
        let values: Vec<f64> =
            items.iter().flat_map(|&item| task.targets.row(item).to_vec()).collect();
        rows(&values, task.targets.ncols())
    };
    let (inputs, items, weights, evaluation) = match &task.inputs {
        TaskInputs::Vectors(vectors) => {
            let values: Vec<f64> = vectors.iter().copied().collect();
            let inputs = rows(&values, vectors.ncols());
            let items: Vec<usize> = (0..vectors.nrows()).collect();
            (inputs.shallow_clone(), items, task.probabilities.to_vec(), inputs)
        }
        TaskInputs::Images { train, test, preprocessor } => {
            let floats = |images: &ImageSet| {
                let of_image = |image: &&[u8]| -> Vec<f64> {
                    let statistics = preprocessor.mean.iter().zip(&preprocessor.factor);
                    let bytes = image.iter().zip(statistics);
                    bytes.map(|(&byte, (mean, f))| (f64::from(byte) / 255.0 - mean) * f).collect()
                };
                let Stored::Bytes(bytes) = images.images(0..images.n_samples()) else {
                    panic!("floats")
                };
                let values: Vec<f64> = bytes.iter().flat_map(of_image).collect();
                rows(&values, preprocessor.mean.len())
            };
            let n = train.items.len();
            let weights = vec![1.0 / n as f64; n];
            (floats(train), train.items.clone(), weights, floats(test))
        }
    };
    let (targets, weights) = (targets_of(&items), Tensor::from_slice(&weights));
    let parameters: Vec<Tensor> =
        network.parameters().into_iter().map(|(_, tensor)| tensor).collect();
    let span = Span::first(config);
    let rates = vec![config.training.learning_rate];
    let mut other = (!config.training.follows_the_flow())
        .then(|| OptimiserState::new(&config.training, rates, &network.parameters()));
    for step in 0..config.training.steps {
        let outputs = network.forward(&inputs.unsqueeze(0)).squeeze_dim(0);
        let loss = objective.losses(&outputs, &targets, &weights);
        let gradients = Tensor::run_backward(&[loss], &parameters, false, false);
        if let Some(optimiser) = &mut other {
            let scale = optimiser.gradient_scale(config.training.learning_rate);
            let gradients: Vec<Tensor> =
                gradients.iter().map(|gradient| gradient * scale).collect();
            optimiser.update(&parameters, &gradients, span.factor(step));
            continue;
        }
        tch::no_grad(|| {
            for (parameter, gradient) in parameters.iter().zip(&gradients) {
                let mut parameter = parameter.shallow_clone();
                parameter -= gradient * (config.training.learning_rate * span.factor(step));
            }
        });
    }
    let outputs = tch::no_grad(|| network.forward(&evaluation.unsqueeze(0)));
    Vec::<f64>::try_from(&objective.responses(&outputs).view(-1)).unwrap()
}

pub fn largest(found: impl IntoIterator<Item = f64>, expected: &[f64]) -> f64 {
    found.into_iter().zip(expected).fold(0.0, |largest, (a, b)| (a - b).abs().max(largest))
}

#[test]
fn steps_on_moments_are_steps_on_the_samples() {
    let glyphs = ["task.inputs=glyphs", "task.samples={train: 120, test: 20}"];
    let frequencies = "task.frequencies=[4, 3, 2, 1, 1, 1, 2, 2]";
    let tasks: [Vec<&str>; 6] = [
        vec![],
        vec![frequencies],
        vec!["task.inputs=correlated", "task.correlation=0.3"],
        glyphs.to_vec(),
        [&glyphs[..], &[frequencies]].concat(),
        [
            &glyphs[..],
            &["task.preprocessing=channel-standardised", "task.input_scale=inverse-sqrt-inputs"],
        ]
        .concat(),
    ];
    for keys in &tasks {
        let shared = Shared::default();
        for widths in ["[]", "[64]", "[16, 12]", "[70, 64]", "[9, 10, 11]"] {
            for bias in ["none", "input", "output", "all"] {
                let (widths, bias) =
                    (format!("network.hidden={widths}"), format!("network.bias={bias}"));
                let common = [
                    "network.initialisation={kaiming: {gain: 0.5}}",
                    "training.precision=float64",
                    "training.learning_rate=0.01",
                    "training.steps=30",
                    "training.observations=2",
                    &widths,
                    &bias,
                ];
                let config = config(&[&keys[..], &common].concat());
                let task = task(&config);
                let expected = on_samples(&config, &task, 3);
                let seen = observed(&config, &task, &shared, 3);
                let distance = |snapshot: &Snapshot| {
                    largest(snapshot.evaluation.responses.iter().copied(), &expected)
                };
                let (moved, miss) = (distance(&seen[0]), distance(&seen[seen.len() - 1]));
                assert!(miss < 1e-11, "{keys:?}, {widths}, {bias}: {miss:e}");
                assert!(moved > 1e-6, "{keys:?}, {widths}, {bias}: nothing was learned");
            }
        }
    }
}

#[test]
fn cross_entropy_and_minibatches_have_the_same_gradients_as_libtorch_finds() {
    let losses = ["binary-cross-entropy", "softmax-cross-entropy"];
    for (bias, loss) in ["none", "all"].into_iter().flat_map(|bias| losses.map(|loss| (bias, loss)))
    {
        let (bias, loss) = (format!("network.bias={bias}"), format!("training.loss={loss}"));
        let config = config(&[
            &loss,
            "task.frequencies=[4, 3, 2, 1, 1, 1, 2, 2]",
            "network.initialisation={kaiming: {gain: 0.5}}",
            "network.hidden=[16, 12]",
            "training.precision=float64",
            "training.learning_rate=0.05",
            "training.steps=30",
            "training.observations=2",
            &bias,
        ]);
        let (task, shared) = (task(&config), Shared::default());
        let expected = on_samples(&config, &task, 3);
        let last = observed(&config, &task, &shared, 3).pop().unwrap().evaluation.responses;
        assert!(largest(last.iter().copied(), &expected) < 1e-11, "{bias} {loss}");
    }
    // A minibatch that holds all samples is the full batch, in another order.
    let keys = |batch: &'static str| {
        config(&[
            "task.inputs=glyphs",
            "task.samples={train: 64, test: 40}",
            "network.bias=all",
            "network.initialisation={kaiming: {gain: 0.5}}",
            "training.precision=float64",
            "training.steps=40",
            "training.observations=2",
            batch,
        ])
    };
    let (batch, full) = (keys("training.batch_size=64"), keys("training.batch_size=null"));
    let task = task(&full);
    let expected = on_samples(&full, &task, 5);
    let last = observed(&batch, &task, &Shared::default(), 5).pop().unwrap().evaluation.responses;
    assert!(largest(last.iter().copied(), &expected) < 1e-11);
}

#[test]
fn items_are_learned_one_trial_after_the_other_and_slow_trials_come_to_the_full_batch() {
    let observed = |network: &str, batch: &str, rate: f64| {
        let config = config(&[
            &format!("network={network}"),
            "training.precision=float64",
            &format!("training.learning_rate={rate}"),
            &format!("training.steps={}", (4.0 / rate) as u64),
            "training.observations=2",
            &format!("training.batch_size={batch}"),
        ]);
        let seen = observed(&config, &task(&config), &Shared::default(), 5);
        seen.last().unwrap().evaluation.responses.iter().copied().collect::<Vec<f64>>()
    };
    for network in [
        "{hidden: [16], bias: all, initialisation: {normal: {std: 0.1}}}",
        "{kind: mlp, hidden: [16], bias: all, initialisation: {kaiming: {gain: 0.5}}}",
    ] {
        // All eight are the full batch, in another order.
        let full = observed(network, "full", 0.02);
        let apart = largest(observed(network, "8", 0.02), &full);
        assert!(apart < 1e-11, "{network}: {apart:e}");
        // Each comes once in eight steps, so that what is left of the order falls with the rate.
        let far = largest(observed(network, "1", 0.02), &full);
        let near = largest(observed(network, "1", 0.005), &observed(network, "full", 0.005));
        assert!(far > 1e-4 && near < 0.4 * far, "{network}: {far:e}, {near:e}");
    }
}

/// Trains some seeds of each config in one stack and each alone, and compares all that is observed.
pub fn are_alike(configs: &[Config], seeds: u64, tolerance: f64, what: &str) {
    let tasks: Vec<(Task, Shared)> =
        configs.iter().map(|config| (task(config), Shared::default())).collect();
    let runs: Vec<(&Config, &(Task, Shared), u64)> = configs
        .iter()
        .zip(&tasks)
        .flat_map(|(config, task)| (0..seeds).map(move |seed| (config, task, seed)))
        .collect();
    let mut together: Vec<Vec<Snapshot>> = runs.iter().map(|_| Vec::new()).collect();
    let mut observers: Vec<_> =
        together.iter_mut().map(|seen| |snapshot: Snapshot| seen.push(snapshot)).collect();
    let members = runs
        .iter()
        .zip(&mut observers)
        .map(|(&(config, (task, shared), seed), observer)| {
            let observer = observer as &mut dyn Observer;
            let lessons = vec![Lesson::only(config, task, shared)];
            Member { lessons, seed, resumed: None, ended: None, observer }
        })
        .collect();
    train_together(members, Device::Cpu, false).unwrap();
    for ((config, (task, shared), seed), together) in runs.into_iter().zip(&together) {
        let alone = observed(config, task, shared, seed);
        assert_eq!(alone.len(), together.len());
        for (alone, together) in alone.iter().zip(together) {
            let expected: Vec<f64> = alone.evaluation.responses.iter().copied().collect();
            let miss = largest(together.evaluation.responses.iter().copied(), &expected);
            assert!(miss <= tolerance, "{what}, seed {seed}, step {}: {miss:e}", alone.step);
            let miss = (alone.evaluation.loss - together.evaluation.loss).abs();
            assert!(miss <= tolerance, "{what}, seed {seed}, step {}: loss {miss:e}", alone.step);
            assert_eq!((alone.step, alone.time), (together.step, together.time));
            let norms = |snapshot: &Snapshot| -> Vec<f64> {
                let biases = snapshot.bias_norms.iter().flatten();
                snapshot.weight_norms.iter().chain(biases).copied().collect()
            };
            assert!(largest(norms(together), &norms(alone)) <= 1e-5);
            assert_eq!(alone.output_bias.is_some(), together.output_bias.is_some());
        }
        let moved = &alone[alone.len() - 1].evaluation.responses - &alone[0].evaluation.responses;
        assert!(moved.iter().any(|x| x.abs() > 1e-3), "{what}: nothing was learned");
    }
}

#[test]
fn conditions_of_equal_shape_share_a_stack() {
    let base = [
        "task.inputs=correlated",
        "network.hidden=[16, 12]",
        "network.initialisation={kaiming: {gain: 0.5}}",
        "training.learning_rate=0.01",
        "training.steps=60",
        "training.observations=5",
        "training.precision=float64",
    ];
    let differences: [&[&str]; 5] = [
        &[],
        &["task.correlation=0.3"],
        &["task.frequencies=[4, 3, 2, 1, 1, 1, 2, 2]"],
        &["training.learning_rate=0.03"],
        &["network.initialisation={normal: {std: 0.1}}", "phase_threshold=0.05"],
    ];
    for bias in ["none", "input", "output", "all"] {
        for momentum in [0.0, 0.9] {
            let (bias, optimiser) = (
                format!("network.bias={bias}"),
                format!("training.optimiser={{sgd: {{momentum: {momentum}}}}}"),
            );
            let common = [&base[..], &[&bias, &optimiser]].concat();
            let configs: Vec<Config> =
                differences.iter().map(|keys| config(&[&common[..], keys].concat())).collect();
            for other in &configs {
                assert!(can_be_stacked((&configs[0], &task(&configs[0])), (other, &task(other))));
            }
            are_alike(&configs, 2, 1e-12, &format!("{common:?}"));
        }
    }
}

#[test]
fn conditions_that_differ_in_what_steps_share_do_not_share_a_stack() {
    let base = config(&[]);
    for difference in [
        "network.bias=all",
        "network.hidden=[32]",
        "task.branching=[2, 2]",
        "task.inputs=glyphs",
        "training.steps=77",
        "training.observations=77",
        "training.precision=float64",
        "training.optimiser=adam",
        "training.loss=binary-cross-entropy",
        "training.loss=softmax-cross-entropy",
        "training.label_smoothing=0.1",
        "training.schedule=cosine",
        "training.gradient_clipping=1",
    ] {
        let other = config(&[difference]);
        let (task_of_base, task_of_other) = (task(&base), task(&other));
        assert!(!can_be_stacked((&base, &task_of_base), (&other, &task_of_other)), "{difference}");
    }
    // Each has its own rate under any optimiser; but under cross-entropy steps need the samples, with one factor for all.
    for (key, are_together) in
        [("training.optimiser=adam", true), ("training.loss=binary-cross-entropy", false)]
    {
        let (one, other) = (config(&[key]), config(&[key, "training.learning_rate=0.5"]));
        let found = can_be_stacked((&one, &task(&one)), (&other, &task(&other)));
        assert_eq!(found, are_together, "{key}");
    }
}

#[test]
fn a_stack_of_seeds_is_each_seed_alone() {
    let optimisers = ["{sgd: {momentum: 0.0}}", "{sgd: {momentum: 0.9}}", "adam"];
    for (precision, tolerance) in [("float32", 1e-6), ("float64", 1e-12)] {
        for optimiser in optimisers {
            for rest in [
                ["task.inputs=one-hot", "network.bias=all"],
                ["task.inputs=glyphs", "network.bias=input"],
                ["task.inputs=glyphs", "training.batch_size=32"],
            ] {
                let (precision, optimiser) = (
                    format!("training.precision={precision}"),
                    format!("training.optimiser={optimiser}"),
                );
                let common = [
                    "task.samples={train: 100, test: 20}",
                    "network.hidden=[16, 12]",
                    "network.initialisation={kaiming: {gain: 0.5}}",
                    "training.learning_rate=0.003",
                    "training.steps=50",
                    "training.observations=5",
                    &precision,
                    &optimiser,
                ];
                let inputs = rest[0].strip_prefix("task.inputs=").unwrap();
                let mut keys = [&rest[..], &common].concat();
                if inputs == "one-hot" {
                    keys.retain(|key| !key.starts_with("task.samples"));
                }
                are_alike(&[config(&keys)], 5, tolerance, &format!("{keys:?}"));
            }
        }
    }
}

#[test]
fn a_stack_of_perceptrons_or_convolutions_is_each_alone() {
    let networks = [
        "{kind: mlp, hidden: [16, 12], bias: all, activation: tanh}",
        "{kind: mlp, hidden: [16], bias: none}",
        "{kind: cnn, hidden: [4, 5], bias: all}",
        "{kind: cnn, hidden: [4], bias: input, activation: tanh, pooling: average}",
        "{kind: cnn, hidden: [3, 4], bias: none}",
        "{kind: mlp, hidden: [16, 12], bias: output, normalisation: batch, dropout: 0.2}",
        "{kind: mlp, hidden: [16], bias: all, normalisation: layer}",
        "{kind: cnn, hidden: [4, 6], convolutions: [1, 2], bias: output, global_average: true, normalisation: batch, dropout: 0.2}",
        "{kind: cnn, hidden: [4, 6], global_average: true, normalisation: {batch: {evaluation: batch}}}",
        "{kind: cnn, hidden: [4, 6], global_average: true, normalisation: {group: {groups: 2}}}",
        "{kind: cnn, hidden: [3, 4, 6], residual: true, stride: [2, 1, 2], pooling: none, global_average: true, \
         normalisation: layer}",
    ];
    let trainings = [
        "{batch_size: 16, learning_rate: 0.02, optimiser: {sgd: {momentum: 0.9}}}",
        "{batch_size: 16, learning_rate: 0.003, optimiser: adam, loss: binary-cross-entropy}",
        "{batch_size: null, learning_rate: 0.05}",
    ];
    for (precision, tolerance) in [("float32", 1e-5), ("float64", 1e-12)] {
        for network in networks {
            // Standard deviations that rounding errors are divided by may be small: normalised networks are held to it in double
            // precision alone. (Means over places keep the last layer's inputs so small that steps do not diverge, as they do on
            // all of normalised places.)
            let is_normalised = network.contains("normalisation");
            if is_normalised && precision == "float32" {
                continue;
            }
            let tolerance = tolerance * if is_normalised { 100.0 } else { 1.0 };
            for training in trainings {
                let keys = [
                    "task.inputs=glyphs",
                    "task.samples={train: 60, test: 80}",
                    &format!("network={network}"),
                    "network.initialisation={kaiming: {gain: 1.0}}",
                    &format!("training={training}"),
                    "training.steps=12",
                    "training.observations=4",
                    &format!("training.precision={precision}"),
                ];
                are_alike(&[config(&keys)], 5, tolerance, &format!("{keys:?}"));
            }
        }
    }
}

/// Of 700 members each answers to 800 images with 16 outputs: more than are found together.
#[test]
fn a_stack_that_is_too_large_to_answer_at_once_answers_as_its_members_do() {
    let config = config(&[
        "task.inputs=glyphs",
        "task.samples={train: 50, test: 800}",
        "network={kind: linear, hidden: [3], initialisation: {normal: {std: 0.05}}}",
        "training={steps: 2, observations: 2, learning_rate: 0.001}",
    ]);
    let (task, shared) = (task(&config), Shared::default());
    for aside in [false, true] {
        let mut seen: Vec<Vec<f64>> = vec![Vec::new(); 700];
        // Of each member a hash is enough: all responses would be a gigabyte.
        let sum = |snapshot: &Snapshot| {
            let responses = snapshot.evaluation.responses.iter().enumerate();
            responses.map(|(index, response)| (1.0 + (index % 7) as f64) * response).sum::<f64>()
        };
        let mut observers: Vec<_> = seen
            .iter_mut()
            .map(|seen| move |snapshot: Snapshot| seen.push(sum(&snapshot)))
            .collect();
        let members = (0..).zip(&mut observers).map(|(seed, observer)| {
            let lessons = vec![Lesson::only(&config, &task, &shared)];
            Member { lessons, seed, resumed: None, ended: None, observer }
        });
        train_together(members.collect(), Device::Cpu, aside).unwrap();
        for seed in [0, 1, 654, 655, 699] {
            let alone: Vec<f64> = observed(&config, &task, &shared, seed).iter().map(sum).collect();
            let miss = largest(seen[seed as usize].iter().copied(), &alone);
            assert!(alone.len() == 3 && miss < 1e-2, "seed {seed}: {miss:e} of {alone:?}");
        }
    }
}
