//! What was found, in the form in which it is kept.

use serde::{Deserialize, Serialize};

use super::Measurement;

/// What an experiment says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Stem of the experiment.
    pub experiment: String,
    /// Names the claim within its experiment.
    pub id: String,
    /// The claim in words.
    pub sentence: String,
    /// Whether it is a negative control: something that must not happen.
    pub control: bool,
    /// What was measured.
    pub measured: Measurement,
    /// When it holds.
    pub criterion: String,
    /// Whether it does.
    pub verdict: Verdict,
    /// What other thresholds of the phase would say; empty where the phase plays no part.
    pub sensitivity: String,
}

/// Verdict on a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The criterion is met by every run.
    Holds,
    /// It is not.
    Fails,
    /// It is not, and the claim was a prediction, written before its runs: that is a finding.
    Refuted,
    /// Measured without a claim.
    Reported,
}

impl Verdict {
    /// Every one.
    pub const ALL: [Verdict; 4] =
        [Verdict::Holds, Verdict::Fails, Verdict::Refuted, Verdict::Reported];

    /// Of several, behind their number: 3 hold.
    pub fn of_several(self) -> &'static str {
        match self {
            Verdict::Holds => "hold",
            Verdict::Fails => "fail",
            Verdict::Refuted => "refuted",
            Verdict::Reported => "reported",
        }
    }

    /// As in CLAIMS.md.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::Fails => "FAILS",
            Verdict::Refuted => "prediction refuted",
            Verdict::Reported => "reported",
        }
    }
}
