//! What a run keeps beside its record: weights along training, and responses to each sample.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which weights a run keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Checkpoints {
    /// The last ones, with what is needed to go on.
    #[default]
    Last,
    /// Those of every observation, too.
    Log,
    /// Those of the observation with the least loss on the evaluation set (the first of equals), too.
    Best,
}

impl Checkpoints {
    pub(super) fn is_last(&self) -> bool {
        *self == Checkpoints::Last
    }

    /// As written in a config.
    pub fn name(self) -> &'static str {
        match self {
            Checkpoints::Last => "last",
            Checkpoints::Log => "log",
            Checkpoints::Best => "best",
        }
    }
}

/// What is recorded besides what records always have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecordConfig {
    /// each-sample: responses to every sample of the evaluation set at every observation, in an array beside the record,
    /// SEED.responses.npz. At most 8 GB a run: observations * samples * labels * 4 bytes, 8 in float64. Absent = none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responses: Option<RecordedResponses>,
}

/// Which responses are recorded besides means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedResponses {
    /// Those to each sample of the evaluation set.
    EachSample,
}

impl RecordConfig {
    pub(super) fn is_default(&self) -> bool {
        *self == RecordConfig::default()
    }
}
