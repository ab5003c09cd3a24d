//! Does the OCS survive normalisation, depth and residual paths? Small VGG- and ResNet-like networks, with and without
//! anything that learns a constant, on raw and on centred photographs. Its claims are predictions, written in the config's head
//! before the first run.

mod page;

use anyhow::Result;

use super::Study;
use crate::claim::{ABSENT_IN_STEPS, Claim, PRESENT, above, below, between, claim};
use crate::config::{Activation, Affine, Bias, Config, Inputs, Preprocessing};
use crate::record::{Record, RunFolder};

/// The study.
pub static STUDY: Study = Study {
    stem: "ocs_architectures",
    question: "Does the OCS survive in the networks people train?",
    source: "own; Rubruck et al. 2024 claim it of \"larger, more complex\" networks",
    config: include_str!("../../../configs/ocs_architectures.yaml"),
    optional_inputs: &[Inputs::Cifar100],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims,
    page: page::page,
};

/// What a network is like, apart from its normalisation, biases and inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Blocks of convolutions with max pooling.
    Vgg,
    /// A stem and basic blocks.
    Resnet,
    /// The same layers without shortcuts.
    Unresidual,
    /// A VGG whose nonlinearity is odd, with average pooling.
    Tanh,
}

impl Shape {
    pub fn of(config: &Config) -> Shape {
        let network = &config.network;
        match network.activation {
            Activation::Tanh => Shape::Tanh,
            _ if network.residual => Shape::Resnet,
            _ if network.stride_of(network.hidden.len().saturating_sub(1)) > 1 => Shape::Unresidual,
            _ => Shape::Vgg,
        }
    }

    fn id(self) -> &'static str {
        match self {
            Shape::Vgg => "vgg",
            Shape::Resnet => "resnet",
            Shape::Unresidual => "unresidual",
            Shape::Tanh => "tanh",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Shape::Vgg => "VGG-like network",
            Shape::Resnet => "ResNet-like network",
            Shape::Unresidual => "network like the ResNet without its shortcuts",
            Shape::Tanh => "tanh VGG-like network",
        }
    }
}

/// As ids say whether a network is normalised.
fn normalisation(is_normalised: bool) -> &'static str {
    if is_normalised { "batch" } else { "plain" }
}

/// What learns a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Constants {
    /// Biases of all layers, and normalisation's shifts.
    All,
    /// Normalisation's shifts alone.
    Shifts,
    /// Nothing.
    None,
}

/// One condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setting {
    pub shape: Shape,
    pub is_normalised: bool,
    pub constants: Constants,
    pub preprocessing: Preprocessing,
}

impl Setting {
    /// Of a small network on CIFAR-10; `None` of others, and of biases in some layers.
    pub fn of(config: &Config) -> Option<Setting> {
        let normalisation = config.network.normalisation;
        let is_normalised = !normalisation.is_none();
        let has_shifts = is_normalised && normalisation.affine() == Affine::All;
        let constants = match (config.network.bias, has_shifts) {
            (Bias::All, shifts) if shifts == is_normalised => Constants::All,
            (Bias::None, true) => Constants::Shifts,
            (Bias::None, false) => Constants::None,
            _ => return None,
        };
        let preprocessing = config.task.preprocessing;
        let shape = Shape::of(config);
        let is_small = Beside::of(config).is_none();
        is_small.then_some(Setting { shape, is_normalised, constants, preprocessing })
    }

    /// Runs with this setting; there may be none.
    pub fn runs(self, folder: &RunFolder) -> Vec<&Record> {
        folder.pick_any(|config| Setting::of(config) == Some(self))
    }

    fn pick(self, folder: &RunFolder) -> Result<Vec<&Record>> {
        folder.pick(self.words(), |config| Setting::of(config) == Some(self))
    }

    fn id(self) -> String {
        let constants = match self.constants {
            Constants::All => "all",
            Constants::Shifts => "shifts",
            Constants::None => "none",
        };
        let inputs = if self.preprocessing == Preprocessing::Raw { "raw" } else { "centred" };
        let normalisation = normalisation(self.is_normalised);
        format!("{}-{normalisation}-{constants}-{inputs}", self.shape.id())
    }

    fn words(self) -> String {
        let normalisation = if self.is_normalised { " with batch normalisation" } else { "" };
        let constants = match (self.constants, self.is_normalised) {
            (Constants::All, _) => "with biases",
            (Constants::Shifts, _) => "whose only constants are normalisation's shifts",
            (Constants::None, true) => "without biases or shifts",
            (Constants::None, false) => "without biases",
        };
        let joined =
            if self.is_normalised && self.constants != Constants::Shifts { "," } else { "" };
        let inputs = if self.preprocessing == Preprocessing::Raw { "raw" } else { "pixel-centred" };
        format!("A {}{normalisation}{joined} {constants}, on {inputs} images", self.shape.words())
    }
}

/// Both pairs of inputs.
const INPUTS: [Preprocessing; 2] = [Preprocessing::Raw, Preprocessing::PixelCentred];

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let mut claims = Vec::new();
    for shape in [Shape::Vgg, Shape::Resnet] {
        for is_normalised in [false, true] {
            for constants in [Constants::All, Constants::None] {
                for preprocessing in INPUTS {
                    let setting = Setting { shape, is_normalised, constants, preprocessing };
                    claims.push(setting_passes(setting, runs)?);
                }
            }
            claims.push(centring(shape, is_normalised, runs)?);
        }
    }
    let tanh = |is_normalised, constants| Setting {
        shape: Shape::Tanh,
        is_normalised,
        constants,
        preprocessing: Preprocessing::Raw,
    };
    claims.push(setting_passes(tanh(false, Constants::None), runs)?);
    claims.push(normalisation_removes(tanh(true, Constants::None), runs)?);
    claims.push(setting_passes(tanh(true, Constants::Shifts), runs)?);
    claims.push(shortcuts_are_earlier(runs)?);
    claims.extend([Beside::Superclasses, Beside::Wide].into_iter().flat_map(|of| of.claims(runs)));
    Ok(claims)
}

fn setting_passes(setting: Setting, runs: &RunFolder) -> Result<Claim> {
    Ok(passes_through(setting.id(), &setting.words(), &setting.pick(runs)?))
}

fn passes_through(id: String, subject: &str, runs: &[&Record]) -> Claim {
    claim(id)
        .says(format!("{subject} passes through the OCS phase."))
        .predicted()
        .of(runs)
        .at_other_thresholds()
        .every(PRESENT, "in every run")
}

fn normalisation_removes(setting: Setting, runs: &RunFolder) -> Result<Claim> {
    let found = setting.pick(runs)?;
    Ok(claim(setting.id())
        .says(format!(
            "{} has no OCS phase, though it learns differences: nothing makes a mean again after normalisation took it away.",
            setting.words()
        ))
        .control()
        .predicted()
        .of(&found)
        .at_other_thresholds()
        .every(ABSENT_IN_STEPS, "{}, in every run"))
}

/// ln of the onsets' ratio of runs with one seed; `None` where either has no onset.
fn onset_ratios(one: &[&Record], other: &[&Record]) -> Vec<Option<f64>> {
    let of_seed = |run: &&Record| other.iter().find(|other| other.seed == run.seed);
    one.iter().map(|run| Some((run.phase.onset? / of_seed(run)?.phase.onset?).ln())).collect()
}

/// Batch normalisation takes most of the common component away whatever the preprocessing did.
fn centring(shape: Shape, is_normalised: bool, runs: &RunFolder) -> Result<Claim> {
    let [raw, centred] = INPUTS.map(|preprocessing| {
        Setting { shape, is_normalised, constants: Constants::None, preprocessing }.pick(runs)
    });
    let ratios = onset_ratios(&centred?, &raw?);
    let quantity = "ln(onset on centred over onset on raw images)";
    let id = format!("{}-{}-centring", shape.id(), normalisation(is_normalised));
    if is_normalised {
        let bound = 1.5_f64.ln();
        return Ok(claim(id)
            .says(format!(
                "Centring the pixels hardly matters to a {} with batch normalisation and without biases or shifts.",
                shape.words()
            ))
            .predicted()
            .values(quantity, ratios)
            .each_in_words(between(-bound, bound), "a factor of at most 1.5, for every seed"));
    }
    Ok(claim(id)
        .says(format!(
            "Centring the pixels delays the onset of a {} without normalisation or biases.",
            shape.words()
        ))
        .predicted()
        .values(quantity, ratios)
        .each_in_words(above(2.0_f64.ln()), "by a factor above 2, for every seed"))
}

fn shortcuts_are_earlier(runs: &RunFolder) -> Result<Claim> {
    let [with, without] = [Shape::Resnet, Shape::Unresidual].map(|shape| {
        let preprocessing = Preprocessing::Raw;
        Setting { shape, is_normalised: false, constants: Constants::None, preprocessing }
            .pick(runs)
    });
    Ok(claim("shortcuts-are-earlier")
        .says(
            "Shortcuts carry the common component past layers: on raw images, without normalisation or biases, the ResNet-like \
             network's onset is earlier than that of the same layers without shortcuts.",
        )
        .predicted()
        .values("ln(onset with over onset without shortcuts)", onset_ratios(&with?, &without?))
        .each(below(0.0), "for every seed"))
}

/// What stands beside the small networks on CIFAR-10: without biases or shifts, on raw images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// CIFAR-100 under its superclasses, where its files are.
    Superclasses,
    /// VGG11 and ResNet18, of a full run.
    Wide,
}

impl Beside {
    fn of(config: &Config) -> Option<Beside> {
        /// Channels of the last block, from which on a network is one of those that people train.
        const WIDE: usize = 256;
        if config.task.inputs == Inputs::Cifar100 {
            return Some(Beside::Superclasses);
        }
        config.network.hidden.last().is_some_and(|&width| width >= WIDE).then_some(Beside::Wide)
    }

    /// Its runs of a shape, with or without normalisation; there may be none.
    pub fn runs(self, folder: &RunFolder, shape: Shape, is_normalised: bool) -> Vec<&Record> {
        folder.pick_any(|config| {
            Beside::of(config) == Some(self)
                && Shape::of(config) == shape
                && config.network.normalisation.is_none() != is_normalised
        })
    }

    fn claims(self, runs: &RunFolder) -> Vec<Claim> {
        let (id, images) = match self {
            Beside::Superclasses => ("cifar100", "CIFAR-100 under its superclasses"),
            Beside::Wide => ("wide", "CIFAR-10, as wide as people train it,"),
        };
        let mut claims = Vec::new();
        for (shape, is_normalised) in [Shape::Vgg, Shape::Resnet]
            .into_iter()
            .flat_map(|shape| [(shape, false), (shape, true)])
        {
            let found = self.runs(runs, shape, is_normalised);
            if found.is_empty() {
                continue;
            }
            let words = match is_normalised {
                false => "without biases",
                true => "with batch normalisation, without biases or shifts,",
            };
            let id = format!("{id}-{}-{}", shape.id(), normalisation(is_normalised));
            let subject = format!("A {} {words} on raw images of {images}", shape.words());
            claims.push(passes_through(id, &subject, &found));
        }
        claims
    }
}
