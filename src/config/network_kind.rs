//! Kinds of networks, as far as a config must know them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::initialisation::{Aligned, Initialisation, Kaiming};

/// Architectures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkKind {
    /// Fully connected, no nonlinearity.
    Linear,
    /// Fully connected.
    Mlp,
    /// Blocks of convolutions, normalisation, activation and pooling, or of residual units, then a linear layer.
    Cnn,
}

impl NetworkKind {
    /// Whether responses are linear in inputs: theory covers such networks, and their gradients are written out.
    pub fn is_linear(self) -> bool {
        self == NetworkKind::Linear
    }

    /// As written in a config.
    pub fn name(self) -> &'static str {
        match self {
            NetworkKind::Linear => "linear",
            NetworkKind::Mlp => "mlp",
            NetworkKind::Cnn => "cnn",
        }
    }

    /// Whether it sees images alone, which each hidden layer halves.
    pub fn halves_images(self) -> bool {
        self == NetworkKind::Cnn
    }

    /// What a network starts from whose config does not say: linear from `aligned: {a0: 1e-4}`, mlp from `kaiming: {gain:
    /// 0.2}`, cnn from `kaiming: {gain: 0.5}`. These say so little at first that the OCS phase shows, on images too.
    pub fn default_start(self) -> Initialisation {
        match self {
            NetworkKind::Linear => Initialisation::Aligned(Aligned::default()),
            NetworkKind::Mlp => Initialisation::Kaiming(Kaiming { gain: 0.2 }),
            NetworkKind::Cnn => Initialisation::Kaiming(Kaiming { gain: 0.5 }),
        }
    }
}
