//! Every key of `configs/*.yaml`: its meaning, its default and its range.
//!
//! This module knows nothing of tensors or networks, and of files of data only which classes lie at a path of one's own images. `text.rs` reads YAML within bounds,
//! `read.rs` and `fault.rs` tell what is wrong with it, `load.rs` puts files, `--set` and conditions together.

mod apply;
mod cell;
mod check;
mod choice;
mod cifar100;
mod components;
mod components_check;
mod defaults;
mod drawn;
mod fault;
mod grid;
mod human;
mod human_check;
mod initialisation;
mod inputs;
mod keeping;
mod keeping_check;
mod keys;
mod load;
mod map;
mod longer;
mod name;
mod network;
mod network_check;
mod network_kind;
mod normalisation;
mod optimiser;
mod overrides;
mod own;
mod per_block;
mod page;
mod phases;
mod precision;
mod read;
mod rounding;
mod scale;
mod scaled;
mod schedule;
mod schema;
mod smoothing;
mod stretches;
mod suggest;
mod text;
mod tree;
mod without_tree;
mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_yaml::with::singleton_map;

pub use crate::images::Layout;
pub use cell::{
    Cell, cell_in_words, cells, names_of_cells, resolve_conditions, short_keys, value_in_words,
};
pub use components::{Labels, Projection, RandomLabels, Whitening};
pub use drawn::{Circle, ContrastTargets, Gaussian, LinearTargets, Sign, Sine, Spectrum, Targets};
pub use grid::{Axis, Grid};
pub use human::{Exclude, HumanConfig, Kept};
pub use initialisation::{
    Aligned, AlignedBiases, Antisymmetric, Balanced, Direction, Initialisation, Kaiming, Mirrored,
    Normal, NormalOverWidth, Orthogonal, StartMap,
};
pub use inputs::Inputs;
pub use keeping::{Checkpoints, RecordConfig, RecordedResponses};
pub use keys::{Key, keys};
pub use load::{load, load_conditions, parse, parse_conditions};
pub use map::read_map;
pub use name::{ensure_name, name_from_stem};
pub use network::{Activation, Bias, NetworkConfig, Parametrisation, Pooling};
pub use network_kind::NetworkKind;
pub use normalisation::{
    Affine, BatchNormalisation, Evaluation, GroupNormalisation, LayerNormalisation, Normalisation,
};
pub use optimiser::{Adam, AdamW, Optimiser, Sgd};
pub use overrides::{Conditions, Override, Overrides};
pub use own::{FoundImages, Own, OwnImages};
pub use page::{PageConfig, Save};
pub use per_block::PerBlock;
pub use phases::StretchConfig;
pub use precision::Precision;
pub use scale::{Full, Quick, Scale};
pub use schedule::{Annealing, Constant, Schedule, StepDecay};
pub use schema::schema;
pub use smoothing::Smoothing;
pub use stretches::{Span, Stretch};
pub use suggest::{did_you_mean, nearest};
pub use text::{MOST_BYTES, decode, text_of};
pub use tree::Tree;

/// One config file: one question, asked under several conditions and with several seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Names the run folder `runs/<name>/`. Default: the file's stem.
    pub name: String,
    /// What figures and tables call this, in place of a condition's name: `{all: {label: biases everywhere, network.bias: all}}`.
    /// One line; absent = the condition's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Stem of the experiment whose claims and figure apply, such as ocs_linear; `null` = train and record only.
    pub experiment: Option<String>,
    /// What is learned.
    pub task: TaskConfig,
    /// Who learns it.
    pub network: NetworkConfig,
    /// How it is learned.
    pub training: TrainingConfig,
    /// Fraction q of the OCS phase: onset at `M <= q ||ybar||`, end at `V >= q V_target`. In (0, 1); keep it below 0.2: from
    /// 0.3 on, the two are crossed in the opposite order even where no constant is learned first.
    pub phase_threshold: f64,
    /// The neural tangent kernel along training, for mlp and cnn; `null` = none.
    pub kernel: Option<KernelConfig>,
    /// What is watched along training besides responses, each as series of the record: layer-spectra (the eight largest
    /// singular values of each layer's weights) | layer-weights and responses (at the first and the last step) | parity (of tasks
    /// without a tree: the odd and the even part of responses, and the groups of units that make them) | representations (of linear
    /// networks the map, what the first and the last layer hold alike, balance, and how far the tangent kernel turned; of others which
    /// items each hidden layer makes alike) | forgetting (the loss on the targets of each of the `phases`) | linear-twin (of mlp with
    /// one hidden layer under `parametrisation: ntk` from an antisymmetric start: how far it is from the linear model that wide
    /// networks begin as) | examples (which samples are answered right, at every moment, in arrays beside the record, and how often
    /// each was) | components (of linear networks: the map along each principal component of the inputs, how far it is from least
    /// squares, and from what infinitely wide networks learn). Absent = nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<ProbeKind>,
    /// Numbers of components P, increasing: at every moment the accuracy on evaluation inputs that keep their mean and the first P
    /// principal components of the training inputs alone (`projected_accuracy`), and once which component each evaluation sample
    /// needs (`critical_component`). For images and `inputs: gaussian`. Absent = none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub projections: Vec<usize>,
    /// What is recorded besides: `{responses: each-sample}`. Absent = nothing.
    #[serde(skip_serializing_if = "RecordConfig::is_default")]
    pub record: RecordConfig,
    /// The same tree learned by people: how long they learn it, and which of their data are left out. Absent = as by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human: Option<HumanConfig>,
    /// What `ocs reproduce --quick` changes.
    pub quick: Quick,
    /// What `ocs reproduce --full` changes; `null` = nothing: it runs as by default.
    pub full: Option<Full>,
    /// Stretches of training, one after the other, by one network whose weights go on: tasks in sequence, reversals, curricula.
    /// A list in their order; each is a map of dotted keys of `task` and `training` that it overrides in this config, as a
    /// condition does, with `label` (what figures call it), `steps` (default: `training.steps`) and `keep_optimiser: true`
    /// where momentum or Adam's means go on (default: they start anew): `[{label: tree}, {label: permuted, steps: 500,
    /// task.permutation: [1, 0, 2, 3]}]`. Steps and time count on through all of them. Absent = one stretch, of this config.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<StretchConfig>,
    /// Settings compared: each name maps dotted keys to the values that it overrides. None = one condition, "default".
    pub conditions: Conditions,
    /// Keys that are varied together, each over a list of values: `{training.learning_rate: [0.01, 0.1], network.hidden: [[16],
    /// [64, 32]]}`. Every condition is trained with every combination, a cell, which has the last word over the condition (and
    /// over its phases); the last key varies fastest. Absent = nothing is varied.
    #[serde(skip_serializing_if = "Grid::is_empty")]
    pub grid: Grid,
    /// One run for each condition (each cell, with a grid) and seed. A seed determines initial weights and the order of minibatches.
    pub seeds: Vec<u64>,
}

/// The hierarchy (or other targets) and its inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TaskConfig {
    /// What the network sees: one-hot | correlated | gaussian | circle | mnist | fashion-mnist | cifar10 | cifar100 | glyphs;
    /// or `{path: PATH}`, images of one's own: a folder of a folder of PNGs for each class (folders within each other are the
    /// tree), a folder of IDX files, or a `.npz`. Beside the path: names, layout, held_out, seed (`config/own.rs`).
    pub inputs: Inputs,
    /// Children per node, from the root down: `[2, 2, 2]` has 8 items and 14 labels. Default `[2, 2, 2]`; excludes `tree`.
    pub branching: Option<Vec<usize>>,
    /// An uneven tree as nested lists whose leaves are the items 0, 1, 2, ...: `[[0, 1, 2], [3, [4, 5]]]`. At most 64 levels.
    /// `superclasses` = the data set's own two levels (cifar10, cifar100), written out as a list: those of `classes`, or all.
    #[schemars(schema_with = "schema::tree")]
    pub tree: Option<Tree>,
    /// One positive weight per item; `null` = all equal. One-hot and correlated inputs are weighted, images subsampled.
    pub frequencies: Option<Vec<f64>>,
    /// Common component rho of the inputs, in [0, 1), for `inputs: correlated`: `x_i = sqrt(rho) c + sqrt(1 - rho) e_i`.
    pub correlation: f64,
    /// Images: the data set's class that each item stands for, in the tree's order: its number or its name; with `tree:
    /// superclasses` also the names of superclasses, which stand for all of theirs: `[aquatic mammals, fish]`. Default: the first
    /// classes.
    #[schemars(schema_with = "schema::classes")]
    pub classes: Option<Vec<usize>>,
    /// Images: raw ([0, 1]) | pixel-centred | channel-standardised | zca-whitened (centred, principal components brought to one
    /// variance, turned back into images: the white images nearest to the centred ones) | pca-whitened (the components themselves,
    /// largest first, no images any more: not for cnn; those that the training set has not are 0). Statistics come from the
    /// training set.
    pub preprocessing: Preprocessing,
    /// Of whitened images: {ridge}. Absent = its default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whitening: Option<Whitening>,
    /// Images: none | inverse-sqrt-inputs (divides by the square root of the number of input values).
    pub input_scale: InputScale,
    /// Images: how many samples are used.
    pub samples: Samples,
    /// Targets that are no labels of a tree: linear: {norm, noise, even, outputs, entries, singular_values, seed} | sine: {frequency} |
    /// sign: {amplitude, offset, before_spread}, for `inputs: gaussian` and `circle`; contrasts: {levels, spread, scale} for `inputs: one-hot`. The
    /// bare name takes the defaults. Excludes `branching` and `tree`; absent = a tree's labels.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "drawn::serialize_targets",
        deserialize_with = "drawn::deserialize_targets"
    )]
    #[schemars(schema_with = "schema::choice_or_none::<Targets>")]
    pub targets: Option<Targets>,
    /// Parameters of `inputs: gaussian`: {dimension, count, mirrored, spread, spectrum: {exponent, total},
    /// shift, whitened, held_out}.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gaussian: Option<Gaussian>,
    /// Parameters of `inputs: circle`: {count}.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circle: Option<Circle>,
    /// Draws inputs and targets that are drawn, the same for all runs; a run's own seed does not. Absent = 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The place in the tree that each item takes: item i has the labels of leaf `permutation[i]`. Absent = leaf i.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permutation: Option<Vec<usize>>,
    /// `{components: P}`: inputs, of evaluation samples too, keep their mean and what lies along the first P principal components of
    /// the training inputs; they have as many values as before. Of whitened images these are the components before whitening. Absent
    /// = all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projection: Option<Projection>,
    /// random: {seed, share}: labels (targets, of `inputs: gaussian`) of the training samples are shuffled among them, so that each is as
    /// frequent as before; evaluation samples keep theirs. What was memorised is told by the training curves, which then are
    /// recorded of minibatches, too. Absent = every sample's own.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "components::serialize_labels",
        deserialize_with = "components::deserialize_labels"
    )]
    #[schemars(schema_with = "schema::choice_or_none::<Labels>")]
    pub labels: Option<Labels>,
    /// Factors on targets, for half-squared-error: `y -> mean ybar + contrasts (y - ybar)`. `{contrasts: -1}` reverses all that
    /// differs between items and leaves the OCS, `{mean: -1, contrasts: -1}` turns the sign of every target. Absent = 1 and 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_scale: Option<TargetScale>,
}

/// Factors on the mean target and on what items differ in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TargetScale {
    /// Of `ybar`, the OCS. Not 0: M is told in units of its norm.
    pub mean: f64,
    /// Of `y - ybar`. Not 0: V is told in units of theirs.
    pub contrasts: f64,
}

impl TaskConfig {
    /// What the classes that items stand for are called, in the items' order; empty without classes.
    pub fn class_names(&self) -> Vec<String> {
        let classes = self.classes.iter().flatten();
        classes.map(|&class| self.inputs.class_name(class)).collect()
    }

    /// A side for each item of a task on CIFAR-10: 1 for a vehicle, -1 for an animal. `None` without classes.
    pub fn vehicles(&self) -> Option<Vec<f64>> {
        let (_, vehicles) = Inputs::Cifar10.superclasses().first()?;
        let side = |class: &usize| if vehicles.contains(class) { 1.0 } else { -1.0 };
        Some(self.classes.as_ref()?.iter().map(side).collect())
    }
}

/// How pixels become inputs. It decides whether the OCS appears without biases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preprocessing {
    /// Bytes divided by 255.
    Raw,
    /// Raw, minus the training set's mean of each pixel: no common component is left.
    PixelCentred,
    /// Raw, minus the training set's mean of each channel, divided by its standard deviation.
    ChannelStandardised,
    /// Pixel-centred, told in principal components of the training set, each divided by the root of its variance.
    PcaWhitened,
    /// The same turned back into images.
    ZcaWhitened,
}

/// A common factor on all inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InputScale {
    /// 1.
    None,
    /// `1/sqrt(D)` with `D` input values, which lets biases keep pace with weights.
    InverseSqrtInputs,
}

/// Sizes of the training and the evaluation set; `null` = all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub struct Samples {
    /// Training samples, of all items together.
    pub train: Option<usize>,
    /// Samples of the fixed evaluation set, taken from the data set's test part.
    pub test: Option<usize>,
}

/// Gradient descent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// half-squared-error | binary-cross-entropy (on logits, each label by itself) | softmax-cross-entropy (on logits, the labels of
    /// each level of the tree against each other); summed over labels, or levels, averaged over samples.
    pub loss: Loss,
    /// What labels are mixed with, epsilon in [0, 1): targets are `(1 - epsilon) y + epsilon / n` with `n` labels on the level under
    /// softmax-cross-entropy, as in PyTorch, and `(1 - epsilon) y + epsilon / 2` under the other losses. M, V, the distances and the
    /// OCS are those of these targets; true negative and positive rates and accuracies are told by the labels. Absent = 0.
    #[serde(skip_serializing_if = "smoothing::is_none")]
    pub label_smoothing: f64,
    /// sgd: {momentum, nesterov, weight_decay} | adam: {beta1, beta2, epsilon, weight_decay} | adamw: {beta1, beta2, epsilon,
    /// weight_decay}; the bare name takes the defaults. Weight decay is that of all parameters, biases too, as PyTorch's; adamw's
    /// alone is not 0 by default, but 0.01.
    #[serde(
        serialize_with = "singleton_map::serialize",
        deserialize_with = "optimiser::deserialize"
    )]
    #[schemars(schema_with = "schema::choice::<Optimiser>")]
    pub optimiser: Optimiser,
    /// Step size eta. Theory runs in time t = eta * step; under a schedule, the sum of the steps' own rates.
    pub learning_rate: f64,
    /// constant | step: {every, factor} | cosine: {final} | linear: {final}, each with `warm_up`: a factor on the learning rate of
    /// each step, as PyTorch's StepLR, CosineAnnealingLR and LinearLR over `steps` (of each of the `phases` anew); `every` and
    /// `warm_up` count steps, `final` is a share of the learning rate. Absent = constant.
    #[serde(
        skip_serializing_if = "Schedule::is_constant",
        serialize_with = "singleton_map::serialize",
        deserialize_with = "schedule::deserialize"
    )]
    #[schemars(schema_with = "schema::choice::<Schedule>")]
    pub schedule: Schedule,
    /// Largest norm of the gradient of all of a network's parameters together: a longer one is shortened to it before the optimiser
    /// sees it, as by PyTorch's `clip_grad_norm_`. Positive; absent = gradients are as long as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_clipping: Option<f64>,
    /// Samples per step, 1 = one trial after the other; `null` or full = full batch, the only case that exact theory describes. Each
    /// sample comes once an epoch, in an order of the seed's own; of items with one vector each, frequencies must be equal.
    #[serde(deserialize_with = "load::batch_size")]
    #[schemars(schema_with = "schema::batch_size")]
    pub batch_size: Option<usize>,
    /// Layers of weights that stay as they start, with their biases, counted from 1 at the inputs; for mlp and cnn. Absent = none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frozen: Vec<usize>,
    /// Number of updates, not of epochs. At least 1; `1e3` and `1_000` are numbers too.
    pub steps: u64,
    /// How many log-spaced steps are observed, besides step 0 and the last; with `spacing: linear`, how many steps in all.
    pub observations: usize,
    /// logarithmic | linear: whether observed steps are in equal ratios, or at equal distances (`steps: 1600, observations: 41`: every
    /// 40). Absent = logarithmic.
    #[serde(skip_serializing_if = "Spacing::is_logarithmic")]
    pub spacing: Spacing,
    /// float32 | float64 | bfloat16 (mixed precision: weights and updates stay float32; for mlp and cnn).
    pub precision: Precision,
    /// Which weights are kept: last | log (of every observation, too) | best (of that with the least evaluation loss, too), as
    /// safetensors in SEED.weights/ beside the record. Absent = last.
    #[serde(skip_serializing_if = "Checkpoints::is_last")]
    pub checkpoints: Checkpoints,
}

impl TrainingConfig {
    /// Whether steps are Euler's of the gradient flow, in time: gradient descent without momentum, weight decay or clipping, under
    /// whatever schedule. (On minibatches the flow is another at each step.)
    pub fn follows_the_flow(&self) -> bool {
        self.optimiser.is_plain() && self.gradient_clipping.is_none()
    }
}

/// How far observed steps are from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Spacing {
    /// In equal ratios.
    #[default]
    Logarithmic,
    /// At equal distances.
    Linear,
}

impl Spacing {
    fn is_logarithmic(&self) -> bool {
        *self == Spacing::Logarithmic
    }
}

/// Losses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// `(1/2N) sum ||y - yhat||^2`.
    HalfSquaredError,
    /// `-(1/N) sum [y ln sigma(z) + (1 - y) ln(1 - sigma(z))]` on logits z; responses are sigma(z).
    BinaryCrossEntropy,
    /// `-(1/N) sum_l sum_{k in l} y_k ln softmax_l(z)_k` on logits z, with one softmax for the labels of each level l; responses are
    /// these probabilities, which sum to 1 on each level.
    ///
    /// The OCS is `ybar`, in logits the log prior `ln ybar_k` up to a constant on each level. It takes a label of every item on every
    /// level: where an item has none, as in trees whose leaves lie at different depths, its targets on that level sum to 0 and no
    /// response does; the mean target would be none of the constants that can be answered, `M` would never come to 0, and
    /// leaving the item out of that level's loss leaves its responses there to chance. Such trees are refused, with the tree
    /// to write instead: one in which the item stands for itself on the levels below.
    SoftmaxCrossEntropy,
}

impl Loss {
    /// Whether outputs are logits, and responses probabilities.
    pub fn is_of_logits(self) -> bool {
        match self {
            Loss::HalfSquaredError => false,
            Loss::BinaryCrossEntropy | Loss::SoftmaxCrossEntropy => true,
        }
    }

    /// As written in a config.
    pub fn name(self) -> &'static str {
        match self {
            Loss::HalfSquaredError => "half-squared-error",
            Loss::BinaryCrossEntropy => "binary-cross-entropy",
            Loss::SoftmaxCrossEntropy => "softmax-cross-entropy",
        }
    }
}

/// Which neural tangent kernels a run leaves in its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KernelConfig {
    /// The kernel is that of the first so many training samples, or of all if there are fewer. 2 to 4,096.
    pub samples: usize,
    /// At about how many log-spaced observations, besides step 0 and the last. 2 to 1,000.
    pub times: usize,
}

/// What may be watched along training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeKind {
    /// Singular values of each layer's weights.
    LayerSpectra,
    /// Each layer's weights, at the first and the last step.
    LayerWeights,
    /// Responses to each sample of the evaluation set, at the first and the last step.
    Responses,
    /// Odd and even part of responses, and the groups of units that make them; for tasks without a tree.
    Parity,
    /// What linear networks compute, and which inputs and outputs they hold alike; of others, items in hidden layers.
    Representations,
    /// The loss on the targets of each stretch.
    Forgetting,
    /// The linear model that a wide network of two layers begins as, beside the network.
    LinearTwin,
    /// Which samples are answered right.
    Examples,
    /// What linear networks compute along each principal component of the inputs, beside what wide ones would.
    Components,
}

impl ProbeKind {
    /// As written in a config.
    pub fn name(self) -> &'static str {
        match self {
            ProbeKind::LayerSpectra => "layer-spectra",
            ProbeKind::LayerWeights => "layer-weights",
            ProbeKind::Responses => "responses",
            ProbeKind::Parity => "parity",
            ProbeKind::Representations => "representations",
            ProbeKind::Forgetting => "forgetting",
            ProbeKind::LinearTwin => "linear-twin",
            ProbeKind::Examples => "examples",
            ProbeKind::Components => "components",
        }
    }
}

impl Config {
    /// What tables and figures call a condition with this config.
    pub fn display_name<'a>(&'a self, condition: &'a str) -> &'a str {
        self.label.as_deref().unwrap_or(condition)
    }

    /// Whether runs with different seeds differ by more than rounding: an aligned start draws no weights, a full batch no order.
    pub fn seeds_draw_something(&self) -> bool {
        self.network.initialisation.aligned_strength().is_none()
            || self.training.batch_size.is_some()
    }

    /// `a0` and `rho` of correlated inputs and an aligned start; `None` for any other.
    pub fn start_and_correlation(&self) -> Option<(f64, f64)> {
        let a0 = self.network.initialisation.aligned_strength()?;
        (self.task.inputs == Inputs::Correlated).then_some((a0, self.task.correlation))
    }
}
