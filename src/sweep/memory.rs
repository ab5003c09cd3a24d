//! What memory a config needs, by its sizes alone, before anything is allocated.
//!
//! With I items, K labels, D input values, N training and T evaluation samples, W weights of a network, S networks of a
//! stack, B samples of a step, and `f` bytes of a number (4 or 8). Each part says its formula. They count what is there at
//! once at the worst moment; `tests/memory.rs` holds them to the memory that runs take, within a factor of two beside the
//! program's own 0.3 GB.

use anyhow::{Result, anyhow};
use tch::Device;

use super::earlier::Refused;
use super::options::Options;
use super::room::{self, Room};
use super::stacks::most_together;
use crate::config::{
    Config, Initialisation, Inputs, Optimiser, Precision, Sgd, Targets, TaskConfig,
    resolve_conditions,
};
use crate::data;
use crate::model::{StackSize, architecture, kernel_megabytes_of, weight_shapes};
use crate::task::Hierarchy;
use crate::train::learns_from_moments;

/// A share of what is needed.
#[derive(Debug, Clone)]
struct Part {
    what: String,
    /// Keys that lower it.
    keys: &'static str,
    bytes: f64,
}

/// Sizes that follow from a condition's config.
struct Sizes {
    items: f64,
    labels: f64,
    levels: f64,
    image: [i64; 3],
    inputs: f64,
    train: f64,
    test: f64,
    /// Bytes of all images of the data set.
    dataset: f64,
}

/// Numbers that are kept item by item, at most.
const MOST_ITEM_RESPONSES: f64 = 4096.0;

impl Sizes {
    fn of(config: &TaskConfig) -> Self {
        let items = config.n_items() as f64;
        let (labels, levels) = labels_and_levels(config);
        let (image, [train, test]) = match data::entry(config.inputs) {
            Some(entry) => (entry.shape.map(|size| size as i64), entry.counts.map(|n| n as f64)),
            None => ([1, 1, vector_length(config) as i64], [items; 2]),
        };
        let inputs = image.iter().product::<i64>() as f64;
        let are_images = config.inputs.are_images();
        // Classes are about equally frequent.
        let share =
            if are_images { (items / config.inputs.n_classes() as f64).min(1.0) } else { 1.0 };
        let limited = |all: f64, limit: Option<usize>| limit.map_or(all * share, |n| n as f64);
        Sizes {
            items,
            labels,
            levels,
            image,
            inputs,
            train: limited(train, config.samples.train.filter(|_| are_images)),
            test: limited(test, config.samples.test.filter(|_| are_images)),
            dataset: if are_images { (train + test) * inputs } else { 0.0 },
        }
    }
}

/// Values of one vector per item.
fn vector_length(config: &TaskConfig) -> usize {
    match config.inputs {
        Inputs::Gaussian => config.gaussian.clone().unwrap_or_default().dimension,
        Inputs::Circle => 2,
        Inputs::Correlated => config.n_items() + 1,
        _ => config.n_items(),
    }
}

/// Nodes below the root, and the depth, without making the tree where it is balanced; without a tree, outputs.
fn labels_and_levels(config: &TaskConfig) -> (f64, f64) {
    if let Some(targets) = &config.targets {
        return match targets {
            Targets::Linear(_) | Targets::Sine(_) => (1.0, 0.0),
        };
    }
    match (&config.tree, &config.branching) {
        (None, Some(branching)) => {
            let mut nodes = 1.0;
            let sizes = branching.iter().map(|&factor| {
                nodes *= factor as f64;
                nodes
            });
            (sizes.sum(), branching.len() as f64)
        }
        _ => {
            let tree = Hierarchy::new(config);
            (tree.n_labels() as f64, tree.n_levels() as f64)
        }
    }
}

/// Makes sure that all runs of a config fit into memory, those at the same time together.
///
/// # Errors
///
/// `Refused` with the estimate, what there is, and the keys to lower.
pub fn ensure_runs_fit(config: &Config, options: &Options) -> Result<()> {
    let conditions = resolve_conditions(config)?;
    let runs = conditions.len() * config.seeds.len();
    let (mut tasks, mut datasets): (Vec<&TaskConfig>, Vec<Inputs>) = (Vec::new(), Vec::new());
    let mut shared = 0.0;
    let mut records = 0.0;
    for (_, resolved) in &conditions {
        let sizes = Sizes::of(&resolved.task);
        if !tasks.contains(&&resolved.task) {
            tasks.push(&resolved.task);
            shared += task_parts(&sizes).iter().map(|part| part.bytes).sum::<f64>();
            if datasets.contains(&resolved.task.inputs) {
                shared -= sizes.dataset;
            }
            datasets.push(resolved.task.inputs);
        }
        records += config.seeds.len() as f64 * record_bytes(resolved, &sizes);
    }
    for (condition, resolved) in &conditions {
        let sizes = Sizes::of(&resolved.task);
        let together = Together::of(resolved, &sizes, options, runs);
        let mut host = task_parts(&sizes);
        let own: f64 = host.iter().map(|part| part.bytes).sum();
        host.push(part("tasks of other conditions", "--condition", shared - own));
        host.push(part("records of all runs", "training.observations, seeds", records));
        host.extend(observing_parts(resolved, &sizes, &together));
        let steps = training_parts(resolved, &sizes, &together);
        match options.device {
            Device::Cuda(_) => {
                ensure_fits(condition, &steps, room::of_device(options.device), "the GPU's")?;
            }
            Device::Cpu | Device::Mps | Device::Vulkan => host.extend(steps),
        }
        ensure_fits(condition, &host, room::of_host(), "this machine's")?;
        ensure_theory_fits(condition, resolved, options.theory_of_images)?;
    }
    Ok(())
}

/// Makes sure that what `write_theories` and `ocs theory` ask of a condition fits into memory.
///
/// # Errors
///
/// As for `ensure_runs_fit`.
pub fn ensure_theory_fits(condition: &str, config: &Config, of_images: bool) -> Result<()> {
    let is_plain = config.training.optimiser == Optimiser::Sgd(Sgd { momentum: 0.0 })
        && config.training.batch_size.is_none();
    if !config.network.kind.is_linear() || !is_plain {
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
        let shapes =
            weight_shapes(&config.network, sizes.image, sizes.inputs as i64, sizes.labels as i64);
        parts.push(part("theory's initial weights", "network.hidden", 88.0 * numbers(&shapes)));
    }
    ensure_fits(condition, &parts, room::of_host(), "this machine's")
}

/// Numbers in tensors of these shapes, in all.
fn numbers(shapes: &[Vec<i64>]) -> f64 {
    shapes.iter().map(|shape| shape.iter().map(|&side| side as f64).product::<f64>()).sum()
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
    let mut keys: Vec<&str> = largest.iter().map(|part| part.keys).collect();
    keys.dedup();
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

/// What is learned, once for all runs: the targets `8 I K`, the items of each node, input vectors `8 I D`, or a data set and
/// the images chosen from it.
fn task_parts(sizes: &Sizes) -> Vec<Part> {
    let Sizes { items, labels, levels, inputs, train, test, dataset, .. } = sizes;
    let tree = 8.0 * items * (labels + levels) + 24.0 * labels;
    let what = format!("targets of {items:.0} items and {labels:.0} labels");
    let mut parts = vec![part(what, TREE, tree)];
    if *dataset > 0.0 {
        // Pixels stay where the data set has them; a sample is its image's number and its item.
        let images = dataset + (train + test) * 16.0;
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
    /// Weights of one network.
    weights: f64,
    /// Shapes of its weights.
    shapes: Vec<Vec<i64>>,
}

impl Together {
    fn of(config: &Config, sizes: &Sizes, options: &Options, runs: usize) -> Self {
        let shapes =
            weight_shapes(&config.network, sizes.image, sizes.inputs as i64, sizes.labels as i64);
        let weights = numbers(&shapes);
        let jobs = options.jobs.max(1);
        let most = most_together(config, weights as usize, sizes.train as usize, options);
        let stacked = most.min(runs.div_ceil(jobs)).max(1);
        let stacks = jobs.min(runs.div_ceil(stacked)).max(1);
        Together { stacked: stacked as f64, stacks: stacks as f64, weights, shapes }
    }
}

/// Bytes of one run's record: `8 O (K + 10 L + 10 + I K)` for O observations, the last for small trees alone.
fn record_bytes(config: &Config, sizes: &Sizes) -> f64 {
    let of_stretch = (config.training.observations as f64).min(config.training.steps as f64) + 2.0;
    let observations = of_stretch * config.phases.len().max(1) as f64;
    let items = sizes.items * sizes.labels;
    let items = if items <= MOST_ITEM_RESPONSES && sizes.levels > 0.0 { items } else { 0.0 };
    8.0 * observations * (sizes.labels + 10.0 * sizes.levels + 10.0 + items)
}

/// Samples on which responses are judged at each observation.
fn judged(config: &Config, sizes: &Sizes) -> f64 {
    match config.task.inputs.are_images() {
        true if config.training.batch_size.is_none() => sizes.test + sizes.train,
        true => sizes.test,
        false => sizes.items,
    }
}

/// What observing takes: targets of the samples judged, `8 K` of each, and two copies of what networks answer; records that
/// grow by doubling, and the text of one that is written; tangent kernels.
fn observing_parts(config: &Config, sizes: &Sizes, together: &Together) -> Vec<Part> {
    let networks = together.stacked * together.stacks;
    let judged = judged(config, sizes);
    let judges = networks * 8.0 * sizes.labels * (judged + sizes.items);
    let answers = 3.0 * networks * 8.0 * sizes.labels * judged;
    let keys = if config.task.inputs.are_images() { "task.samples.test, --jobs" } else { TREE };
    let record = record_bytes(config, sizes);
    let mut parts = vec![
        part(format!("judging {judged:.0} samples"), keys, judges + answers),
        part(
            "records under way",
            "training.observations, --jobs",
            2.0 * networks * record + 3.0 * together.stacks * record,
        ),
    ];
    if let Some(kernel) = config.kernel {
        let samples = kernel.samples.min(sizes.train as usize);
        let network = (&config.network, sizes.image, sizes.labels as i64);
        let matrices = 6e-6 * 8.0 * (samples * samples) as f64;
        let bytes = 1e6 * (kernel_megabytes_of(network, samples) + matrices);
        parts.push(part("tangent kernels", "kernel.samples, --jobs", together.stacks * bytes));
    }
    parts
}

/// What steps take.
fn training_parts(config: &Config, sizes: &Sizes, together: &Together) -> Vec<Part> {
    let f = match config.training.precision {
        Precision::Float32 | Precision::Bfloat16 => 4.0,
        Precision::Float64 => 8.0,
    };
    let remembered = config.training.optimiser.remembered() as f64;
    let from_moments = learns_from_moments(config);
    let [weights, activations] = architecture(config.network.kind).bytes(&StackSize {
        n_members: together.stacked,
        shapes: &together.shapes,
        image: sizes.image,
        batch: config.training.batch_size.map_or(sizes.train, |size| size as f64),
        is_full_batch: config.training.batch_size.is_none(),
        from_moments,
        width: f,
        remembered,
    });
    let what = format!("weights and what steps need of them, {:.0} numbers", together.weights);
    let mut parts = vec![
        part(what, "network.hidden, --jobs, --stack", together.stacks * weights),
        part(
            "activations and gradients",
            "training.batch_size, network.hidden, --jobs",
            together.stacks * activations,
        ),
        part("samples on the device", "task.samples, --jobs", together.stacks * samples(sizes, f)),
    ];
    if from_moments {
        // Sigma_x, what is off its diagonal, its eigenvectors and LAPACK's workspace: of vectors without the last two.
        let matrices = if config.task.inputs.are_images() { 6.0 } else { 4.0 };
        let bytes = 8.0 * sizes.inputs * (matrices * sizes.inputs + 2.0 * sizes.labels);
        parts.push(part("moments of the inputs", TREE, bytes));
    }
    parts
}

/// Samples that a stack holds: bytes of images or vectors, and targets (once more in float64 while they are made).
fn samples(sizes: &Sizes, f: f64) -> f64 {
    let of_inputs = if sizes.dataset > 0.0 { 1.0 } else { f };
    let count = if sizes.dataset > 0.0 { sizes.train + sizes.test } else { sizes.items };
    count * (of_inputs * sizes.inputs + f * sizes.labels) + 8.0 * count * sizes.labels
}
