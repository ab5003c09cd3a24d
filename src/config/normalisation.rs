//! Normalisations of what layers make: kinds and their parameters.

use schemars::JsonSchema;
use serde::de::Deserializer;
use serde::{Deserialize, Serialize};

use super::choice::choice;

/// What is done to what each hidden layer makes, before the nonlinearity: `(x - mean) / sqrt(variance + 1e-5)`, then what
/// `affine` says. They differ in what mean and (biased) variance are taken over.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Normalisation {
    /// Nothing.
    None {},
    /// Each channel (each unit of mlp) over the batch and all places: PyTorch's BatchNorm2d and BatchNorm1d. Samples count once
    /// each, so single vectors have no `task.frequencies`.
    Batch(BatchNormalisation),
    /// Each sample over all channels and places (mlp: over the layer's units): PyTorch's GroupNorm(1, channels), for mlp LayerNorm.
    /// Of this and `group` more than one value is asked for.
    Layer(LayerNormalisation),
    /// Each sample over all places of a group of channels: PyTorch's GroupNorm.
    Group(GroupNormalisation),
}

/// Parameters that normalised values are given, one of each for each channel (each unit of mlp).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Affine {
    /// A scale, 1 at first, and a shift, 0 at first, as PyTorch's. The shift is a bias by another name.
    #[default]
    All,
    /// A scale alone.
    Scale,
    /// None.
    None,
}

/// Which statistics batch normalisation takes where responses are observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Evaluation {
    /// The running ones.
    #[default]
    Running,
    /// Those of the samples that are answered.
    Batch,
}

/// Parameters of batch normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BatchNormalisation {
    /// all | scale | none.
    pub affine: Affine,
    /// running | batch: the statistics that observed responses take. `running` = those that training keeps, as PyTorch's
    /// (`r <- 0.9 r + 0.1 s` at each step, from mean 0 and variance 1, so at step 0 they normalise nothing); `batch` = those of
    /// the samples themselves: a set of N samples is answered in `max(1, N / batch_size)` parts, part p of P being every P-th
    /// sample from the p-th on; in full batch as one part.
    pub evaluation: Evaluation,
}

/// Parameters of layer normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LayerNormalisation {
    /// all | scale | none.
    pub affine: Affine,
}

/// Parameters of group normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GroupNormalisation {
    /// Groups of channels, which divide the channels of every block. Default: 8.
    pub groups: usize,
    /// all | scale | none.
    pub affine: Affine,
}

impl Default for GroupNormalisation {
    fn default() -> Self {
        GroupNormalisation { groups: 8, affine: Affine::All }
    }
}

impl Normalisation {
    /// Whether it is none.
    pub fn is_none(&self) -> bool {
        matches!(self, Normalisation::None {})
    }

    /// Which parameters it has.
    pub fn affine(self) -> Affine {
        match self {
            Normalisation::None {} => Affine::None,
            Normalisation::Batch(BatchNormalisation { affine, .. })
            | Normalisation::Layer(LayerNormalisation { affine })
            | Normalisation::Group(GroupNormalisation { affine, .. }) => affine,
        }
    }

    /// The statistics that observed responses take; `None` where each sample has its own.
    pub fn evaluation(self) -> Option<Evaluation> {
        match self {
            Normalisation::Batch(BatchNormalisation { evaluation, .. }) => Some(evaluation),
            Normalisation::None {} | Normalisation::Layer(_) | Normalisation::Group(_) => None,
        }
    }

    /// As written in a config.
    pub fn name(self) -> &'static str {
        match self {
            Normalisation::None {} => "none",
            Normalisation::Batch(_) => "batch",
            Normalisation::Layer(_) => "layer",
            Normalisation::Group(_) => "group",
        }
    }
}

/// `batch`, or a kind with parameters; those that are left out take their defaults.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Normalisation, D::Error> {
    const EXPECTED: &str =
        "none, batch, layer or group, or one with its parameters, such as {group: {groups: 4}}";
    choice::<Normalisation, _, _>(deserializer, EXPECTED, Some(Normalisation::None {}))
}
