//! Claims on images, shared by the data sets: which networks, biases and inputs pass through the OCS.

/// The figure.
pub mod page;

use anyhow::Result;

use crate::claim::{ABSENT_IN_STEPS, Claim, Measurement, PRESENT, claim};
use crate::config::{Activation, Bias, Config, NetworkConfig, NetworkKind, Preprocessing};
use crate::metrics::Phase;
use crate::record::{Record, RunFolder};

/// A kind of network that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// As claims are named after it.
    pub id: &'static str,
    /// In words.
    pub words: &'static str,
    kind: NetworkKind,
    activation: Activation,
}

/// All of them.
pub const NETWORKS: [Compared; 4] = [
    network("linear", "linear network", NetworkKind::Linear, Activation::Relu),
    network("mlp", "ReLU MLP", NetworkKind::Mlp, Activation::Relu),
    network("cnn-relu", "ReLU CNN with max pooling", NetworkKind::Cnn, Activation::Relu),
    network("cnn-tanh", "tanh CNN with average pooling", NetworkKind::Cnn, Activation::Tanh),
];

const fn network(
    id: &'static str,
    words: &'static str,
    kind: NetworkKind,
    activation: Activation,
) -> Compared {
    Compared { id, words, kind, activation }
}

impl Compared {
    /// Whether a config's network is of this kind, with biases in all layers or none, on such inputs.
    pub fn is_in(self, config: &Config, bias: Bias, inputs: Preprocessing) -> bool {
        let NetworkConfig { kind, activation, .. } = config.network;
        // A linear network has no activation, whatever the config says.
        let is_this =
            kind == self.kind && (kind == NetworkKind::Linear || activation == self.activation);
        is_this && config.network.bias == bias && config.task.preprocessing == inputs
    }

    /// Whether the phase is expected; `None` between: measured, nothing claimed.
    fn has_phase(self, bias: Bias, inputs: Preprocessing) -> Option<bool> {
        match (self.id, bias, inputs) {
            (_, Bias::All, _) | (_, _, Preprocessing::Raw) => Some(true),
            ("linear" | "cnn-tanh", _, _) => Some(false),
            // Rectification makes a common component of its own.
            ("cnn-relu", _, _) => Some(true),
            _ => None,
        }
    }
}

/// One claim (or report) for each of the sixteen conditions `network-bias-inputs`.
pub fn claims(images: &str, runs: &RunFolder) -> Result<Vec<Claim>> {
    let mut claims = Vec::new();
    for (bias, biases) in [(Bias::All, "with biases"), (Bias::None, "without biases")] {
        for (inputs, id, words) in [
            (Preprocessing::Raw, "raw", "raw"),
            (Preprocessing::PixelCentred, "centred", "pixel-centred"),
        ] {
            for network in NETWORKS {
                let subject = format!("A {} {biases} on {words} {images}", network.words);
                let found = runs.pick(&subject, |config| network.is_in(config, bias, inputs))?;
                let id = format!("{}-{}-{id}", network.id, bias.name());
                claims.push(existence(id, &subject, &found, network.has_phase(bias, inputs)));
            }
        }
    }
    Ok(claims)
}

fn existence(id: String, subject: &str, runs: &[&Record], expected: Option<bool>) -> Claim {
    let (quantity, lengths) = times(runs);
    let draft = claim(id).of(runs).values(&quantity, lengths).at_other_thresholds();
    match expected {
        Some(true) => draft
            .says(format!("{subject} passes through the OCS phase."))
            .every(PRESENT, "in every run"),
        Some(false) => draft
            .says(format!("{subject} has no OCS phase, though it learns differences."))
            .control()
            .every(ABSENT_IN_STEPS, "{}, in every run"),
        None => {
            let count = runs.iter().filter(|record| record.phase.is_there()).count();
            draft
                .says(format!("{subject}: an OCS phase in {count} of {} runs.", runs.len()))
                .reported()
        }
    }
}

/// ln(end/onset) of each run, with the ranges of onset and end in steps in its name.
fn times(runs: &[&Record]) -> (String, Vec<Option<f64>>) {
    let range = |time: fn(&Phase) -> Option<f64>| {
        let step = |run: &&Record| Some(run.config.step_at(time(&run.phase)?));
        let steps = Measurement::of("", &runs.iter().map(step).collect::<Vec<_>>());
        let (Some(min), Some(max)) = (steps.min, steps.max) else { return "never".to_owned() };
        match steps.n == steps.runs {
            true => format!("step {min:.0}-{max:.0}"),
            false => format!("step {min:.0}-{max:.0} in {} of {}", steps.n, steps.runs),
        }
    };
    let (onset, end) = (range(|phase| phase.onset), range(|phase| phase.end));
    let lengths = runs.iter().map(|run| run.phase.log_ratio).collect();
    (format!("onset {onset}, end {end}; ln(end/onset)"), lengths)
}
