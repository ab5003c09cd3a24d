//! Signs in figures and what they mean: each page names those that stand in its texts, and its foot explains them.

/// A sign, or an abbreviation, and its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Symbol {
    /// As it stands in a figure's texts.
    pub sign: &'static str,
    /// In a few words.
    pub meaning: &'static str,
}

impl Symbol {
    /// A sign with its meaning.
    pub const fn new(sign: &'static str, meaning: &'static str) -> Symbol {
        Symbol { sign, meaning }
    }
}

/// Mean-output error.
pub const M: Symbol = Symbol::new("M", "distance of the mean response from ȳ");
/// Input dependence.
pub const V: Symbol = Symbol::new("V", "variance of responses between inputs");
/// The OCS.
pub const MEAN_TARGET: Symbol =
    Symbol::new("ȳ", "mean target, the optimal constant solution (OCS)");
/// Distance to the OCS or to targets.
pub const D: Symbol = Symbol::new("D", "squared distance, mean over inputs");
/// True negative rate.
pub const TNR: Symbol =
    Symbol::new("TNR", "true negative rate, the mean of 1 − response over absent labels");
/// The flow's clock.
pub const TIME: Symbol = Symbol::new("t", "time");
/// Learning rate.
pub const LEARNING_RATE: Symbol = Symbol::new("η", "learning rate");
/// Strength of aligned starts.
pub const INITIAL_STRENGTH: Symbol = Symbol::new("a₀", "strength of every mode at the start");
/// Number of samples.
pub const SAMPLES: Symbol = Symbol::new("N", "number of inputs");
/// Multilayer perceptrons.
pub const MLP: Symbol = Symbol::new("MLP", "fully connected network");
/// Convolutional networks.
pub const CNN: Symbol = Symbol::new("CNN", "convolutional network");

/// Those of a crossing over time.
pub const CROSSING: [Symbol; 5] = [M, V, MEAN_TARGET, TIME, LEARNING_RATE];
/// Those of a crossing over steps.
pub const CROSSING_IN_STEPS: [Symbol; 3] = [M, V, MEAN_TARGET];
