//! What is asked of principal components of the training inputs, and labels that are drawn.

use schemars::JsonSchema;
use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_yaml::with::singleton_map;

use super::choice::choice;

/// Parameters of whitened images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Whitening {
    /// What is added to the variance of each principal component before it is divided by its root, as a share of the mean variance of
    /// an input value: with 0 the training set is exactly white, and what hardly varies there is blown up elsewhere. Default: 0.01.
    pub ridge: f64,
}

impl Default for Whitening {
    fn default() -> Self {
        Whitening { ridge: 0.01 }
    }
}

/// Inputs that keep their mean and their first principal components alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Projection {
    /// How many. At least 1.
    pub components: usize,
}

/// Labels that are not those of the samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// Those of the training samples, shuffled among them.
    Random(RandomLabels),
}

/// Parameters of random labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RandomLabels {
    /// Draws who gets whose; a run's own seed does not. Default: 0.
    pub seed: u64,
    /// Share of the training samples whose labels are shuffled among them, at least 0 and at most 1: with 0 all keep their own, and
    /// the training set is judged as where they do not. Default: 1.
    pub share: f64,
}

impl Default for RandomLabels {
    fn default() -> Self {
        RandomLabels { seed: 0, share: 1.0 }
    }
}

/// A choice with its parameters, or nothing.
pub(super) fn serialize_labels<S: Serializer>(
    labels: &Option<Labels>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match labels {
        None => serializer.serialize_none(),
        Some(labels) => singleton_map::serialize(labels, serializer),
    }
}

/// `random`, or with its seed. `null` is every sample's own.
pub(super) fn deserialize_labels<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Labels>, D::Error> {
    choice::<Labels, _, _>(deserializer, "random, or {random: {seed: 1}}", Some(None))
}
