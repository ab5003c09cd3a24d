//! The network: what stands under `network` in a config.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_yaml::with::singleton_map;

use super::initialisation::{self, Initialisation};
use super::network_kind::NetworkKind;
use super::normalisation::{self, Evaluation, Normalisation};
use super::per_block::PerBlock;

/// The network.
///
/// Layers of weights are counted from the input, a basic block's as c1, c2, p: `layer1.weight`, `layer1.bias`, ... in checkpoints;
/// normalisation of what layer 1 makes is `norm1.weight` (the scale), `norm1.bias` (the shift), `norm1.running_mean` and
/// `norm1.running_var`, as PyTorch calls them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// linear | mlp | cnn.
    pub kind: NetworkKind,
    /// Widths of the hidden layers (linear, mlp), or channels of the convolution blocks (cnn). `[]` = shallow.
    pub hidden: Vec<usize>,
    /// relu | leaky-relu | tanh | erf; for mlp and cnn.
    pub activation: Activation,
    /// Slope alpha of leaky-relu below 0, in [0, 1]; absent = 0.01.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negative_slope: Option<f64>,
    /// max | average, over 2 x 2 pixels, at the end of each block, or none; one for all blocks or a list of one for each; for cnn.
    pub pooling: PerBlock<Pooling>,
    /// Convolutions of each block, each followed by its normalisation and the nonlinearity; one number for all blocks or a list
    /// of one for each; for cnn. Absent = 1; with `residual` 1 of the first block and 2 of each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub convolutions: Option<PerBlock<usize>>,
    /// Side k of the convolutions' kernels, an odd number; images are padded by (k - 1)/2 zeros on each side. For cnn; absent = 3.
    #[serde(skip_serializing_if = "is_three")]
    pub kernel_size: usize,
    /// Pixels between places at which the first convolution of each block stands; one number for all blocks or a list of one for
    /// each; for cnn. Absent = 1.
    #[serde(skip_serializing_if = "is_one")]
    pub stride: PerBlock<usize>,
    /// Whether the last layer sees each channel's mean over all places, and not each place; for cnn. Absent = false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub global_average: bool,
    /// Whether every block but the first, the stem, is a sequence of basic blocks (He et al. 2016, arXiv 1512.03385; torchvision's
    /// `BasicBlock`), with s for the shortcut and N for the normalisation:
    ///
    /// ```text
    /// y = activation(N(c2(activation(N(c1(x))))) + s(x))
    /// ```
    ///
    /// `s(x) = x`; where c1 has a stride or other channels, `s(x) = N(p(x))` with a convolution p of 1 x 1 and the same stride. So
    /// `convolutions` of these blocks is even; a number is that of each of them, and the stem has one. For cnn; absent = false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub residual: bool,
    /// none | batch: {affine, evaluation} | layer: {affine} | group: {groups, affine}; the bare name takes the defaults. Of what
    /// each hidden layer makes, before the nonlinearity; for cnn, and batch and layer for mlp. Absent = none.
    #[serde(
        skip_serializing_if = "Normalisation::is_none",
        serialize_with = "singleton_map::serialize",
        deserialize_with = "normalisation::deserialize"
    )]
    #[schemars(schema_with = "super::schema::choice::<Normalisation>")]
    pub normalisation: Normalisation,
    /// Probability, in [0, 1), that a step of training leaves a value out; those that stay are divided by 1 - p, and nothing is
    /// left out where responses are observed. For mlp of what each hidden layer makes, after the nonlinearity, as in VGG's fully
    /// connected layers; for cnn of what the last layer sees. What is left out follows from seed and step, whatever the device: it is
    /// drawn on the host, ahead for several steps where they are small. Absent = 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub dropout: f64,
    /// Which layers of weights have biases: none | input (the first) | output (the last) | all. Biases start at zero. A shortcut's
    /// convolution is a layer, too. Under batch normalisation a hidden layer's bias changes nothing, since its mean is taken off;
    /// that of a channel is normalisation's shift (`affine`).
    pub bias: Bias,
    /// Initial weights: aligned: {a0, biases} | normal: {std} | kaiming: {gain} | orthogonal: {scale} | mirrored: {scale,
    /// direction} | balanced: {std, lambda, map, perturbation} | antisymmetric: {std, output}; the bare name takes the defaults.
    /// Default: linear aligned: {a0: 1e-4}, mlp kaiming: {gain: 0.2}, cnn kaiming: {gain: 0.5}; gains below PyTorch's 1 start so small
    /// that the OCS phase shows.
    #[serde(
        serialize_with = "singleton_map::serialize",
        deserialize_with = "initialisation::deserialize"
    )]
    #[schemars(schema_with = "super::schema::choice::<Initialisation>")]
    pub initialisation: Initialisation,
    /// Factors on the initial weights of each layer, in their order; for random starts. Absent = 1 for each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layer_scales: Vec<f64>,
    /// standard | ntk, for mlp and cnn: what a layer makes of its weights W, of `n` values each that it sees of its input h: `W h + b`,
    /// or `W h / sqrt(n) + b`, whose gradient in W is smaller by the same factor, so that the tangent kernel of wide networks does
    /// not grow with their width (Jacot, Gabriel and Hongler 2018, arXiv 1806.07572). Initial weights are then of size 1. Absent =
    /// standard.
    #[serde(skip_serializing_if = "Parametrisation::is_standard")]
    pub parametrisation: Parametrisation,
}

/// What weights are multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Parametrisation {
    /// 1.
    Standard,
    /// `1/sqrt(fan_in)`.
    Ntk,
}

impl Parametrisation {
    fn is_standard(&self) -> bool {
        *self == Parametrisation::Standard
    }
}

fn is_three(number: &usize) -> bool {
    *number == 3
}

fn is_one(numbers: &PerBlock<usize>) -> bool {
    *numbers == PerBlock::All(1)
}

fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

/// Nonlinearities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// max(0, x).
    Relu,
    /// max(x, alpha x) with alpha = `negative_slope`; its derivative at 0 is alpha.
    LeakyRelu,
    /// tanh(x), odd: it makes no common component of its own.
    Tanh,
    /// The error function of x, odd.
    Erf,
}

impl NetworkConfig {
    /// alpha of `max(x, alpha x)`: 0 for relu; `None` for other activations.
    pub fn negative_slope(&self) -> Option<f64> {
        match self.activation {
            Activation::Relu => Some(0.0),
            Activation::LeakyRelu => Some(self.negative_slope.unwrap_or(0.01)),
            Activation::Tanh | Activation::Erf => None,
        }
    }
}

/// Poolings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// Largest of 2 x 2.
    Max,
    /// Mean of 2 x 2.
    Average,
    /// The image stays as large as it is.
    None,
}

/// Which layers have biases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bias {
    /// No layer.
    None,
    /// The first layer only.
    Input,
    /// The last layer only.
    Output,
    /// Every layer.
    All,
}

impl NetworkConfig {
    /// Convolutions of a block, counted from 0.
    pub fn convolutions_of(&self, block: usize) -> usize {
        let is_stem = self.residual && block == 0;
        match &self.convolutions {
            None => 1 + usize::from(self.residual && !is_stem),
            Some(PerBlock::All(_)) if is_stem => 1,
            Some(convolutions) => convolutions.of(block).unwrap_or(1),
        }
    }

    /// Stride of a block's first convolution.
    pub fn stride_of(&self, block: usize) -> usize {
        self.stride.of(block).unwrap_or(1)
    }

    /// Pooling at a block's end.
    pub fn pooling_of(&self, block: usize) -> Pooling {
        self.pooling.of(block).unwrap_or(Pooling::None)
    }

    /// Whether the first shortcut of a block has a convolution of its own.
    pub fn has_projection(&self, block: usize) -> bool {
        self.residual
            && block > 0
            && (self.stride_of(block) != 1 || self.hidden[block] != self.hidden[block - 1])
    }

    /// Layers of weights: one more than there are hidden ones.
    pub fn n_layers(&self) -> usize {
        self.n_layers_before(self.hidden.len()).saturating_add(1)
    }

    /// Layers of weights before a block, or a hidden layer, counted from 0.
    pub fn n_layers_before(&self, block: usize) -> usize {
        if self.kind != NetworkKind::Cnn {
            return block;
        }
        let of_block = |block| {
            self.convolutions_of(block).saturating_add(usize::from(self.has_projection(block)))
        };
        (0..block).map(of_block).fold(0, usize::saturating_add)
    }

    /// Whether a step of training answers as an observation does: no unit is left out, and no sample bears on another's answer.
    pub fn answers_as_it_trains(&self) -> bool {
        self.dropout == 0.0 && self.normalisation.evaluation().is_none()
    }

    /// Whether it is layers of weights, biases and nonlinearities alone, with no factor on weights.
    pub fn is_plain(&self) -> bool {
        self.dropout == 0.0
            && self.normalisation.is_none()
            && self.parametrisation == Parametrisation::Standard
    }

    /// Whether observed samples bear on each other's answers.
    pub fn answers_in_batches(&self) -> bool {
        self.normalisation.evaluation() == Some(Evaluation::Batch)
    }
}

impl Bias {
    /// Whether the first layer has a bias.
    pub fn at_input(self) -> bool {
        matches!(self, Bias::Input | Bias::All)
    }

    /// Whether the last layer has a bias.
    pub fn at_output(self) -> bool {
        matches!(self, Bias::Output | Bias::All)
    }

    /// Whether layer `layer` of `n_layers`, counted from 0, has a bias. A single layer is first and last.
    pub fn at_layer(self, layer: usize, n_layers: usize) -> bool {
        match self {
            Bias::None => false,
            Bias::Input => layer == 0,
            Bias::Output => layer + 1 == n_layers,
            Bias::All => true,
        }
    }

    /// As written in a config.
    pub fn name(self) -> &'static str {
        match self {
            Bias::None => "none",
            Bias::Input => "input",
            Bias::Output => "output",
            Bias::All => "all",
        }
    }
}
