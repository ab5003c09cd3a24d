//! What memory a config needs, by its sizes alone, before anything is allocated.
//!
//! With I items, K labels, D input values, N training and T evaluation samples, W weights of a network, S networks of a
//! stack, B samples of a step, and `f` bytes of a number (4 or 8). Each part says its formula. They count what is there at
//! once at the worst moment; `tests/memory.rs` holds them to the memory that runs take, within a factor of two beside the
//! program's own 0.3 GB.

use anyhow::{Result, anyhow};
use tch::Device;

use super::disk::{self, Left, OnDisk};
use super::options::{OnFailure, Options};
use super::refused::Refused;
use super::room::{self, Room};
use super::sizes::{Sizes, numbers, shortest_side};
use super::stacks::most_together;
use crate::config::{
    Bias, Config, Initialisation, Inputs, NetworkKind, Precision, ProbeKind, TaskConfig,
    resolve_conditions,
};
use crate::model::{StackSize, architecture, kernel_megabytes_of};
use crate::probes::MOST_NUMBERS;
use crate::theory::Representation;
use crate::train::learns_from_moments;

/// A share of what is needed.
#[derive(Debug, Clone)]
struct Part {
    what: String,
    /// Keys that lower it.
    keys: &'static str,
    bytes: f64,
}

/// Numbers that are kept item by item, at most.
const MOST_ITEM_RESPONSES: f64 = 4096.0;

/// Makes sure that all runs of a config fit into memory, those at the same time together.
///
/// # Errors
///
/// `Refused` with the estimate, what there is, and the keys to lower.
pub fn ensure_runs_fit(config: &Config, options: &Options) -> Result<()> {
    let seeds = |name: &str| config.seeds.iter().filter(|seed| options.does(name, **seed)).count();
    let mut cells: Vec<(String, Vec<Config>)> = Vec::new();
    for (condition, resolved) in resolve_conditions(config)? {
        if seeds(&condition) > 0 {
            cells.push((condition, stretches(&resolved)?));
        }
    }
    let runs: usize = cells.iter().map(|(name, _)| seeds(name)).sum();
    let bytes = |parts: &[Part]| parts.iter().map(|part| part.bytes).sum::<f64>();
    let shared = bytes(&tasks_parts(cells.iter().flat_map(|(_, stretches)| stretches)));
    let held = |(name, stretches): &(String, Vec<Config>)| {
        let of_seeds = seeds(name) as f64 * record_bytes(stretches);
        match options.on_failure {
            OnFailure::Stop => of_seeds,
            // A sweep holds those that train together, and reads those of one cell after the other.
            OnFailure::Mark => {
                let Together { stacked, stacks } = Together::of(stretches, options, runs);
                of_seeds + stacked * stacks * record_bytes(stretches)
            }
        }
    };
    let records = match options.on_failure {
        OnFailure::Stop => cells.iter().map(held).sum::<f64>(),
        OnFailure::Mark => cells.iter().map(held).fold(0.0, f64::max),
    };
    let room = room::of_host();
    for (condition, stretches) in &cells {
        let together = Together::of(stretches, options, runs);
        let mut host = tasks_parts(stretches);
        let own = bytes(&host);
        host.push(part("tasks of other conditions", "--condition", shared - own));
        host.push(part("records of all runs", "training.observations, seeds", records));
        host.extend(observing_parts(stretches, &together));
        let steps = training_parts(stretches, &together);
        match options.device {
            Device::Cuda(_) => {
                ensure_fits(condition, &steps, room::of_device(options.device), "the GPU's")?;
            }
            Device::Cpu | Device::Mps | Device::Vulkan => host.extend(steps),
        }
        ensure_fits(condition, &host, room.clone(), "this machine's")?;
        for stretch in stretches {
            ensure_answer_fits(condition, stretch, options.theory_of_images)?;
        }
    }
    let left = cells.iter().map(|(name, stretches)| Left {
        condition: name,
        runs: seeds(name),
        each: bytes_on_disk(stretches),
    });
    disk::ensure_fit(left, options)
}

/// What a run of these stretches leaves on the disk.
pub fn bytes_on_disk(stretches: &[Config]) -> OnDisk {
    OnDisk::of(stretches, record_bytes(stretches) / 8.0)
}

/// The stretches of a condition, each as a config of its own.
fn stretches(config: &Config) -> Result<Vec<Config>> {
    Ok(config.stretches()?.into_iter().map(|stretch| stretch.config).collect())
}

/// Makes sure that what `write_theories` and `ocs theory` ask of a condition fits into memory.
///
/// # Errors
///
/// As for `ensure_runs_fit`.
pub fn ensure_theory_fits(condition: &str, config: &Config, of_images: bool) -> Result<()> {
    stretches(config)?
        .iter()
        .try_for_each(|stretch| ensure_answer_fits(condition, stretch, of_images))
}

/// The same of one stretch.
fn ensure_answer_fits(condition: &str, config: &Config, of_images: bool) -> Result<()> {
    let is_plain = config.training.follows_the_flow() && config.training.batch_size.is_none();
    // Bias-free (leaky) ReLU networks are answered as linear ones are.
    let is_answered = match config.network.kind {
        NetworkKind::Linear => true,
        NetworkKind::Mlp => config.task.targets.is_some() && config.network.bias == Bias::None,
        NetworkKind::Cnn => false,
    };
    if !is_answered || !is_plain {
        return Ok(());
    }
    if config.task.inputs.are_images() && !of_images {
        return Ok(());
    }
    if config.task.inputs.are_images() {
        return ensure_gram_fits(condition, &config.task);
    }
    // Decompositions of matrices of targets and inputs; eleven copies of random initial weights, until what no item
    // reaches is left out (measured).
    let sizes = Sizes::of(&config.task);
    let side = sizes.inputs.max(sizes.labels);
    let mut parts = task_parts(&sizes);
    parts.push(part("theory's matrices", TREE, 8.0 * 5.0 * sizes.inputs * side));
    if !matches!(config.network.initialisation, Initialisation::Aligned(_)) {
        let bytes = 88.0 * numbers(&sizes.shapes(config));
        parts.push(part("theory's initial weights", "network.hidden", bytes));
    }
    ensure_fits(condition, &parts, room::of_host(), "this machine's")
}

/// Makes sure that a Gram matrix fits into memory: five matrices of its side, and a block of samples three times.
///
/// # Errors
///
/// As for `ensure_runs_fit`.
pub fn ensure_gram_fits(condition: &str, config: &TaskConfig) -> Result<()> {
    let sizes = Sizes::of(config);
    let side = sizes.inputs.min(sizes.train);
    let mut parts = task_parts(&sizes);
    let bytes = 8.0 * (5.0 * side * side + 3.0 * sizes.inputs * sizes.train.min(2048.0));
    parts.push(part(format!("a matrix of {side:.0} rows, diagonalised"), TREE, bytes));
    ensure_fits(condition, &parts, room::of_host(), "this machine's")
}

/// Keys that say how many items there are.
const TREE: &str = "task.branching or task.tree, task.samples, task.gaussian or task.circle";

fn part(what: impl Into<String>, keys: &'static str, bytes: f64) -> Part {
    Part { what: what.into(), keys, bytes }
}

fn ensure_fits(condition: &str, parts: &[Part], room: Option<Room>, whose: &str) -> Result<()> {
    let total: f64 = parts.iter().map(|part| part.bytes).sum();
    tracing::debug!(condition, bytes = format!("{total:.0}"), "memory needed");
    let Some(room) = room else {
        tracing::warn!("{whose} free memory is unknown: {} are asked for", size(total));
        return Ok(());
    };
    if total <= room.bytes {
        return Ok(());
    }
    let mut largest: Vec<&Part> = parts.iter().collect();
    largest.sort_by(|one, other| other.bytes.total_cmp(&one.bytes));
    largest.truncate(2);
    largest.retain(|part| part.bytes > 0.1 * total);
    let told: Vec<String> =
        largest.iter().map(|part| format!("{} for {}", size(part.bytes), part.what)).collect();
    let mut keys: Vec<&str> = largest.iter().flat_map(|part| part.keys.split(", ")).collect();
    let mut told_of = std::collections::HashSet::new();
    keys.retain(|key| told_of.insert(*key));
    Err(anyhow!(Refused(format!(
        "condition '{condition}' needs about {} of memory ({}), but {} are {}: lower {}",
        size(total),
        told.join(", "),
        size(room.bytes),
        room.origin,
        keys.join(", ")
    ))))
}

fn size(bytes: f64) -> String {
    if bytes >= 1e9 { format!("{:.1} GB", bytes / 1e9) } else { format!("{:.0} MB", bytes / 1e6) }
}

/// What is learned in stretches, each task and each data set once.
fn tasks_parts<'a>(stretches: impl IntoIterator<Item = &'a Config>) -> Vec<Part> {
    let (mut tasks, mut datasets): (Vec<&TaskConfig>, Vec<Inputs>) = (Vec::new(), Vec::new());
    let mut parts: Vec<Part> = Vec::new();
    for Config { task, projections, .. } in stretches {
        if tasks.contains(&task) {
            continue;
        }
        let mut sizes = Sizes::of(task);
        if datasets.contains(&task.inputs) {
            sizes.dataset_again = true;
        }
        parts.extend(task_parts(&sizes));
        if has_components(task) || !projections.is_empty() {
            // The matrix, its eigenvectors with LAPACK's workspace, directions twice, and a block of inputs.
            let side = sizes.inputs.min(sizes.train);
            let bytes = 8.0 * (5.0 * side * side + 2.0 * side * sizes.inputs);
            let block = 8.0 * 3.0 * sizes.inputs * sizes.train.min(2048.0);
            parts.push(part("principal components of the inputs", TREE, bytes + block));
        }
        tasks.push(task);
        datasets.push(task.inputs);
    }
    parts
}

/// Whether inputs are made of principal components.
fn has_components(task: &TaskConfig) -> bool {
    task.preprocessing.is_whitened() || task.projection.is_some()
}

/// What is learned, once for all runs: the targets `8 I K`, the items of each node, input vectors `8 I D`, or a data set and
/// the images chosen from it.
fn task_parts(sizes: &Sizes) -> Vec<Part> {
    let Sizes { items, labels, levels, inputs, train, test, dataset, .. } = sizes;
    let tree = 8.0 * items * (labels + levels) + 24.0 * labels;
    let what = format!("targets of {items:.0} items and {labels:.0} labels");
    let mut parts = vec![part(what, TREE, tree)];
    if *dataset > 0.0 {
        // Pixels stay where the data set has them; a sample is its image's number and its item.
        let pixels = if sizes.dataset_again { 0.0 } else { *dataset };
        let images = pixels + (train + test) * 16.0;
        parts.push(part("images", "task.samples", images));
    } else {
        parts.push(part(format!("{items:.0} input vectors"), TREE, 8.0 * items * inputs));
    }
    parts
}

/// How many networks are in memory at once, and how large one is.
struct Together {
    /// In one stack.
    stacked: f64,
    /// Stacks at the same time.
    stacks: f64,
}

impl Together {
    /// Of the runs of a condition: a stack is as large as its most demanding stretch allows.
    fn of(stretches: &[Config], options: &Options, runs: usize) -> Self {
        let of_stretch = |config: &Config| {
            let sizes = Sizes::of(&config.task);
            let weights = numbers(&sizes.shapes(config));
            most_together(config, weights as usize, sizes.train as usize, options)
        };
        let most = stretches.iter().map(of_stretch).min().unwrap_or(1);
        let jobs = options.jobs.max(1);
        let stacked = most.min(runs.div_ceil(jobs)).max(1);
        let stacks = jobs.min(runs.div_ceil(stacked)).max(1);
        Together { stacked: stacked as f64, stacks: stacks as f64 }
    }
}

/// Bytes of one run's record: `8 O (K + 10 L + 10 + I K)` for the O observations of each stretch, the last for small trees alone,
/// and the series of its probes.
fn record_bytes(stretches: &[Config]) -> f64 {
    let of_stretch = |config: &Config| {
        let sizes = Sizes::of(&config.task);
        let observations =
            (config.training.observations as f64).min(config.training.steps as f64) + 2.0;
        let items = sizes.items * sizes.labels;
        let items = if items <= MOST_ITEM_RESPONSES && sizes.levels > 0.0 { items } else { 0.0 };
        let spectra = match config.probes.contains(&ProbeKind::LayerSpectra) {
            true => sizes.shapes(config).iter().map(|shape| shortest_side(shape)).sum(),
            false => 0.0,
        };
        let series = match config.probes.contains(&ProbeKind::Representations) {
            true => representation_numbers(config, &sizes),
            false => 0.0,
        };
        let components = match config.probes.contains(&ProbeKind::Components) {
            true => component_numbers(&sizes),
            false => 0.0,
        };
        let projections = config.projections.len() as f64;
        let others = items + spectra + series + components + projections;
        8.0 * observations * (sizes.labels + 10.0 * sizes.levels + 10.0 + others)
    };
    let at_both_ends = |config: &Config| {
        let sizes = Sizes::of(&config.task);
        let of_probe = |probe: &ProbeKind| match probe {
            ProbeKind::LayerWeights => numbers(&sizes.shapes(config)),
            ProbeKind::Responses => sizes.labels * judged(config, &sizes),
            ProbeKind::LayerSpectra
            | ProbeKind::Parity
            | ProbeKind::Representations
            | ProbeKind::Forgetting
            | ProbeKind::LinearTwin
            | ProbeKind::Components => 0.0,
            ProbeKind::Examples => judged(config, &sizes),
        };
        let critical = if config.projections.is_empty() { 0.0 } else { judged(config, &sizes) };
        16.0 * (config.probes.iter().map(of_probe).sum::<f64>() + critical)
    };
    stretches.iter().map(of_stretch).sum::<f64>() + stretches.first().map_or(0.0, at_both_ends)
}

/// Numbers of each observation of a linear network's representations.
fn representation_numbers(config: &Config, sizes: &Sizes) -> f64 {
    let (inputs, outputs) = (sizes.inputs as usize, sizes.labels as usize);
    let tables = Representation::size(inputs, outputs, config.network.hidden.len());
    let is_linear = config.network.kind.is_linear();
    if is_linear && tables <= MOST_NUMBERS { tables as f64 } else { 0.0 }
}

/// Numbers of each observation of a map along principal components, and of its distances.
fn component_numbers(sizes: &Sizes) -> f64 {
    let map = sizes.inputs * sizes.labels;
    let map = if map <= MOST_NUMBERS as f64 { map } else { 0.0 };
    map + 2.0 * sizes.inputs + 2.0
}

/// Samples on which responses are judged at each observation.
fn judged(config: &Config, sizes: &Sizes) -> f64 {
    match config.task.inputs.are_images() {
        true if config.training.batch_size.is_none() || config.task.labels.is_some() => {
            sizes.test + sizes.train
        }
        true => sizes.test,
        false => sizes.items,
    }
}

/// What observing takes: targets of the samples judged, `8 K` of each, in every stretch, and two copies of what networks answer in
/// one; records that grow by doubling, and the text of one that is written; tangent kernels.
fn observing_parts(stretches: &[Config], together: &Together) -> Vec<Part> {
    let networks = together.stacked * together.stacks;
    let (mut judges, mut answers, mut most_judged) = (0.0, 0.0f64, 0.0f64);
    for config in stretches {
        let sizes = Sizes::of(&config.task);
        let judged = judged(config, &sizes);
        judges += networks * 8.0 * sizes.labels * (judged + sizes.items);
        answers = answers.max(3.0 * networks * 8.0 * sizes.labels * judged);
        most_judged = most_judged.max(judged);
    }
    let are_images = stretches.iter().any(|config| config.task.inputs.are_images());
    let keys = if are_images { "task.samples.test, --jobs" } else { TREE };
    let record = record_bytes(stretches);
    let mut parts = vec![
        part(format!("judging {most_judged:.0} samples"), keys, judges + answers),
        part(
            "records under way",
            "training.observations, probes, --jobs",
            2.0 * networks * record + 3.0 * together.stacks * record,
        ),
    ];
    if let Some((config, kernel)) = stretches.first().and_then(|c| Some((c, c.kernel?))) {
        let sizes = Sizes::of(&config.task);
        let samples = kernel.samples.min(sizes.train as usize);
        let network = (&config.network, sizes.image, sizes.labels as i64);
        let matrices = 6e-6 * 8.0 * (samples * samples) as f64;
        let bytes = 1e6 * (kernel_megabytes_of(network, samples) + matrices);
        parts.push(part("tangent kernels", "kernel.samples, --jobs", together.stacks * bytes));
    }
    let projected = stretches.iter().map(projected_bytes).fold(0.0, f64::max);
    if projected > 0.0 {
        let bytes = together.stacks * projected;
        parts.push(part("inputs seen through few components", "task.samples.test, --jobs", bytes));
    }
    let has_twin = |config: &&Config| config.probes.contains(&ProbeKind::LinearTwin);
    if let Some(config) = stretches.first().filter(has_twin) {
        let bytes = twin_bytes(config, together);
        let keys = "task.samples, task.gaussian.count and held_out, --stack, --jobs";
        parts.push(part("linear models beside networks", keys, bytes));
    }
    parts
}

/// What each stack keeps for `projections`: directions and scores of the largest P components, `8 P (D + T)`, and evaluation inputs
/// seen through some, three times while they are found.
fn projected_bytes(config: &Config) -> f64 {
    let sizes = Sizes::of(&config.task);
    let most = config.projections.last().copied().unwrap_or(0) as f64;
    let samples = judged(config, &sizes);
    if most > 0.0 {
        8.0 * (most * (sizes.inputs + samples) + 3.0 * samples * sizes.inputs)
    } else {
        0.0
    }
}

/// What two linear models, with the norm and without, keep for each network, `16 n min(n, d + 2)` for n samples that are judged in d
/// dimensions, and while they are made for each stack, `8 n (3 d + 4)`.
fn twin_bytes(config: &Config, together: &Together) -> f64 {
    let sizes = Sizes::of(&config.task);
    let (samples, features) = (judged(config, &sizes), sizes.inputs + 2.0);
    let kept = 16.0 * samples * features.min(sizes.train);
    let made = 8.0 * samples * (3.0 * sizes.inputs + 4.0);
    together.stacks * (together.stacked * kept + made)
}

/// What the most demanding stretch's steps take, and what is kept of the others: the moments of their inputs.
fn training_parts(stretches: &[Config], together: &Together) -> Vec<Part> {
    let bytes = |parts: &Vec<Part>| parts.iter().map(|part| part.bytes).sum::<f64>();
    let of_stretches = stretches.iter().map(|config| (config, stretch_parts(config, together)));
    let largest = of_stretches.max_by(|(_, one), (_, other)| bytes(one).total_cmp(&bytes(other)));
    let Some((largest, mut parts)) = largest else { return Vec::new() };
    let mut known = vec![&largest.task];
    let mut others = 0.0;
    for config in stretches.iter().filter(|config| learns_from_moments(config)) {
        if !known.contains(&&config.task) {
            others += moments_bytes(config);
            known.push(&config.task);
        }
    }
    if others > 0.0 {
        parts.push(part("moments of other phases' inputs", "phases", others));
    }
    parts
}

/// What the steps of one stretch take.
fn stretch_parts(config: &Config, together: &Together) -> Vec<Part> {
    let sizes = Sizes::of(&config.task);
    let plan = sizes.plan(config);
    let f = match config.training.precision {
        Precision::Float32 | Precision::Bfloat16 => 4.0,
        Precision::Float64 => 8.0,
    };
    let from_moments = learns_from_moments(config);
    let batch = match config.training.batch_size {
        Some(size) => size as f64,
        // Observed samples that are normalised together are answered together.
        None if config.network.answers_in_batches() => sizes.train.max(sizes.test),
        None => sizes.train,
    };
    let [weights, activations] = architecture(config.network.kind).bytes(&StackSize {
        n_members: together.stacked,
        plan: &plan,
        image: sizes.image,
        batch,
        is_full_batch: config.training.batch_size.is_none(),
        from_moments,
        width: f,
        remembered: config.training.optimiser.remembered() as f64,
    });
    let what = format!("weights and what steps need of them, {:.0} numbers", plan.n_weights());
    let mut parts = vec![
        part(what, "network.hidden, --jobs, --stack", together.stacks * weights),
        part(
            "activations and gradients",
            "training.batch_size, network.hidden, --jobs",
            together.stacks * activations,
        ),
        part(
            "samples on the device",
            "task.samples, --jobs",
            together.stacks * samples(config, &sizes, f),
        ),
    ];
    if from_moments {
        parts.push(part("moments of the inputs", TREE, moments_bytes(config)));
    }
    parts
}

/// Sigma_x, what is off its diagonal, its eigenvectors and LAPACK's workspace: of vectors without the last two.
fn moments_bytes(config: &Config) -> f64 {
    let sizes = Sizes::of(&config.task);
    let matrices = if config.task.inputs.are_images() { 6.0 } else { 4.0 };
    8.0 * sizes.inputs * (matrices * sizes.inputs + 2.0 * sizes.labels)
}

/// Samples that a stack holds: bytes of images or vectors, and targets (once more in float64 while they are made); of whitened or
/// projected images float64 and what networks take.
fn samples(config: &Config, sizes: &Sizes, f: f64) -> f64 {
    let of_inputs = match sizes.dataset > 0.0 {
        true if has_components(&config.task) => 8.0 + f,
        true => sizes.value_bytes,
        false => f,
    };
    let count = if sizes.dataset > 0.0 { sizes.train + sizes.test } else { sizes.items };
    count * (of_inputs * sizes.inputs + f * sizes.labels) + 8.0 * count * sizes.labels
}
