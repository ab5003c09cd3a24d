//! Initial weights: kinds, their parameters, and what each network starts from if nothing is said.

use schemars::JsonSchema;
use serde::de::Deserializer;
use serde::{Deserialize, Serialize};

use super::choice::choice;

/// Initial weights. Always explicit: tch's defaults are not PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Initialisation {
    /// The theory's own start, for linear networks: each layer carries `c = a0^(1/L)` along the modes of Sigma_yx.
    Aligned(Aligned),
    /// Independent normal weights.
    Normal(Normal),
    /// Uniform in `±gain/sqrt(fan_in)`: PyTorch's default for weights at gain 1.
    Kaiming(Kaiming),
    /// `scale` times a random matrix with orthonormal rows or columns.
    Orthogonal(Orthogonal),
    /// Rank one in each of two opposite halves of every hidden layer, for one output.
    Mirrored(Mirrored),
    /// Layers that conserve a given difference, `W_2^T W_2 - W_1 W_1^T = lambda I`.
    Balanced(Balanced),
    /// Normal weights of units in pairs, whose answers cancel: the network starts at 0.
    Antisymmetric(Antisymmetric),
    /// Independent normal weights of variance `std^2 / m` in every layer, the first and the last too, m the width.
    NormalOverWidth(NormalOverWidth),
}

impl Initialisation {
    /// Strength of each mode at an aligned start; `None` for random starts.
    pub fn aligned_strength(&self) -> Option<f64> {
        match self {
            Initialisation::Aligned(aligned) => Some(aligned.a0),
            Initialisation::Normal(_)
            | Initialisation::Kaiming(_)
            | Initialisation::Orthogonal(_)
            | Initialisation::Mirrored(_)
            | Initialisation::Balanced(_)
            | Initialisation::Antisymmetric(_)
            | Initialisation::NormalOverWidth(_) => None,
        }
    }
}

/// `kaiming`, or a kind with parameters. Where nothing is said, `load.rs` fills in the default of the network's kind.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Initialisation, D::Error> {
    const EXPECTED: &str = "aligned, normal, normal-over-width, kaiming, orthogonal, mirrored, balanced or antisymmetric, or one with its parameter, such as {kaiming: {gain: 0.5}}";
    let unsaid = Initialisation::Aligned(Aligned::default());
    choice::<Initialisation, _, _>(deserializer, EXPECTED, Some(unsaid))
}

/// Parameters of the aligned start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Aligned {
    /// Initial strength of each mode of the whole network, end to end. Positive. Default: 1e-4.
    pub a0: f64,
    /// zero | aligned; `aligned` starts a first-layer bias on the modes of the inputs augmented by a constant 1.
    pub biases: AlignedBiases,
}

impl Default for Aligned {
    fn default() -> Self {
        Aligned { a0: 1e-4, biases: AlignedBiases::Zero }
    }
}

/// Where a first-layer bias starts under the aligned start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlignedBiases {
    /// At zero.
    Zero,
    /// On the constant mode of the augmented inputs.
    Aligned,
}

/// Parameters of normal weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Normal {
    /// Standard deviation of every weight. Default: 0.01.
    pub std: f64,
}

impl Default for Normal {
    fn default() -> Self {
        Normal { std: 0.01 }
    }
}

/// Parameters of Kaiming-uniform weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Kaiming {
    /// Factor on PyTorch's default bound `1/sqrt(fan_in)`. Default: 1, PyTorch's own.
    pub gain: f64,
}

impl Default for Kaiming {
    fn default() -> Self {
        Kaiming { gain: 1.0 }
    }
}

/// Parameters of orthogonal weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Orthogonal {
    /// Every singular value of every layer. Default: 1.
    pub scale: f64,
}

impl Default for Orthogonal {
    fn default() -> Self {
        Orthogonal { scale: 1.0 }
    }
}

/// Parameters of the mirrored start of networks with one output: the two halves of every hidden layer are alike, and answer to
/// opposite inputs. With random unit vectors `u_l >= 0` of half a layer's width, and a unit vector r of inputs,
///
/// ```text
/// W_1 = scale [u_1; -u_1] r^T,   W_l = scale diag(u_l u_(l-1)^T, u_l u_(l-1)^T),   W_L = scale [u_(L-1)^T, -u_(L-1)^T]
/// ```
///
/// so that a bias-free (leaky) ReLU network of two layers is exactly a linear network in slower time on symmetric inputs with odd
/// targets (Zhang, Saxe and Latham 2024). Widths must be even.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mirrored {
    /// Norm of each layer in each half: L layers answer with `scale^L` times what the activation makes of `r.x`, less the same of
    /// `-r.x`. Positive. Default: 0.01.
    pub scale: f64,
    /// random | aligned: what r is.
    pub direction: Direction,
}

impl Default for Mirrored {
    fn default() -> Self {
        Mirrored { scale: 0.01, direction: Direction::Random }
    }
}

/// The direction of inputs that a mirrored start sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Drawn uniformly.
    Random,
    /// Along `<y x>`.
    Aligned,
}

/// Parameters of the balanced start of fully connected networks: `W_2^T W_2 - W_1 W_1^T = lambda I`, which gradient flow conserves.
///
/// With lambda = 0, at any depth L, from a map `M = U diag(s) V^T` (its largest modes, as many as the narrowest layer has units)
/// and random orthonormal `R_l`,
///
/// ```text
/// W_1 = R_1 diag(s^(1/L)) V^T,   W_l = R_l diag(s^(1/L)) R_(l-1)^T,   W_L = U diag(s^(1/L)) R_(L-1)^T
/// ```
///
/// With another lambda, in two layers: one layer is normal, and the other is `O (|lambda| I + G)^(1/2)` with random orthonormal
/// columns O and the first's `G = W_1 W_1^T` (lambda > 0) or `W_2^T W_2` (lambda < 0). Braun, Domine, Fitzgerald and Saxe 2022;
/// Domine et al. 2024.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub struct Balanced {
    /// Standard deviation of the normal layers whose product is M, or of the one that is normal; of the right size for large
    /// starts too. Absent = 0.25; not with `map: learned`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub std: Option<f64>,
    /// lambda. Above 0 it takes at least as many outputs as hidden units, below 0 at least as many inputs. Default: 0.
    pub lambda: f64,
    /// random | learned: what M is.
    pub map: StartMap,
    /// Standard deviation of what is added to every weight, which unbalances them. Default: 0.
    pub perturbation: f64,
}

impl Balanced {
    /// Standard deviation of what M is made from.
    pub fn deviation(&self) -> f64 {
        self.std.unwrap_or(0.25)
    }
}

/// The map that a balanced start computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StartMap {
    /// The product of normal layers.
    #[default]
    Random,
    /// The task's own least-squares map, as if it had been learned; with `phases` that of the first.
    Learned,
}

/// Parameters of the antisymmetric start of perceptrons: the second half of the last hidden layer's units copies the first half's
/// incoming weights, and has the opposite outgoing ones, so that the network answers 0 to everything at the start while its
/// gradients and its tangent kernel are those of independent units (Zhang et al. 2020, arXiv 1905.07777; Hu, Xiao, Adlam and
/// Pennington 2020).
///
/// Weights of hidden layers are independent and normal, outgoing ones `+-output` with a random sign each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Antisymmetric {
    /// Standard deviation of hidden layers' weights. Default: 1, for `network.parametrisation: ntk`.
    pub std: f64,
    /// Size of the last layer's weights. Default: 1.
    pub output: f64,
}

impl Default for Antisymmetric {
    fn default() -> Self {
        Antisymmetric { std: 1.0, output: 1.0 }
    }
}

/// Parameters of normal weights over the width: every weight of every layer has variance `std^2 / m`, m the one width of all hidden
/// layers. With `std: 1` what lies above and below any layer of a wide linear network keeps lengths, `A_l -> I` and `B_l -> I`: the
/// lazy start of Hacohen and Weinshall (2022).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NormalOverWidth {
    /// Standard deviation of a weight times the root of m. Default: 1.
    pub std: f64,
}

impl Default for NormalOverWidth {
    fn default() -> Self {
        NormalOverWidth { std: 1.0 }
    }
}

impl NormalOverWidth {
    /// Standard deviation of every weight of a network with these hidden layers, which are as wide as each other.
    pub fn deviation(&self, hidden: &[usize]) -> f64 {
        self.std / (hidden.first().copied().unwrap_or(1) as f64).sqrt()
    }
}
