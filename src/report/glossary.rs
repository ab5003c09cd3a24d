//! Words of a report.

/// A word and what it means.
pub struct Term {
    pub word: &'static str,
    pub meaning: &'static str,
}

pub const GLOSSARY: [Term; 21] = [
    Term {
        word: "item",
        meaning: "A leaf of the tree: what one input, or one class of images, stands for.",
    },
    Term {
        word: "label",
        meaning: "A node of the tree below its root, and the output unit that answers to it. An item has the labels on its path.",
    },
    Term {
        word: "level",
        meaning: "Distance from the root, counted from 1; the top level holds the broadest categories.",
    },
    Term {
        word: "response ŷ, target y",
        meaning: "What the network answers, and what it shall answer: 1 for labels that an item has, 0 for others.",
    },
    Term {
        word: "optimal constant solution, OCS, ȳ",
        meaning: "The one answer to all inputs that is best: the mean target over the training set.",
    },
    Term {
        word: "M, mean-output error",
        meaning: "‖⟨ŷ⟩ − ȳ‖: how far the mean response is from the OCS.",
    },
    Term {
        word: "V, input dependence",
        meaning: "⟨‖ŷ − ⟨ŷ⟩‖²⟩: how much responses differ between inputs.",
    },
    Term {
        word: "true negative rate, TNR",
        meaning: "Of a level: mean over absent labels of 1 − clip(ŷ, 0, 1), how far they are rejected.",
    },
    Term {
        word: "time t",
        meaning: "The sum of the steps' learning rates: η · step where the rate stays the same.",
    },
    Term {
        word: "onset",
        meaning: "First time that counts at which M ≤ q ‖ȳ‖; q is 0.1 unless a config says otherwise.",
    },
    Term {
        word: "end", meaning: "First time that counts at which V ≥ q times V of the targets."
    },
    Term {
        word: "OCS phase",
        meaning: "The stretch between onset and end, where the constant is learned and no input is told from another. Its length is ln(end/onset).",
    },
    Term {
        word: "undecided",
        meaning: "The run stopped before an end, or onset and end are nearer to each other than they are known.",
    },
    Term { word: "bias", meaning: "An additive parameter of a layer, zero at the start." },
    Term {
        word: "mode strength",
        meaning: "How strongly a network answers along one singular direction of inputs and targets: that of the constant, or of a level's contrasts.",
    },
    Term {
        word: "aligned start, a0",
        meaning: "Initial weights along the modes, each of end-to-end strength a0.",
    },
    Term { word: "condition", meaning: "One of the settings that an experiment compares." },
    Term {
        word: "seed",
        meaning: "Number from which initial weights and the order of samples are drawn; one run for each.",
    },
    Term {
        word: "negative control",
        meaning: "A claim that something does not happen where it must not.",
    },
    Term {
        word: "prediction refuted",
        meaning: "A claim that was written before its runs, and that they contradict: a finding, not a fault.",
    },
    Term { word: "reported", meaning: "Measured, without a claim." },
];
