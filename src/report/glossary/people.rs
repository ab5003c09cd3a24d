//! Experiments with people.

use super::term::Term;

pub const TERMS: &[Term] = &[
    Term::new("participant", "Somebody who learns the tree; or, where data are simulated, a learner in his place.")
        .also(&["participants", "people", "human"])
        .at(&[("src/human/trials.rs", "Trials"), ("src/human/learner.rs", "Learner")]),
    Term::new("trial", "One item shown to a participant, and a response to each label: marked, not, graded or missing.")
        .also(&["trials"])
        .at(&[("src/human/trials.rs", "Trial")]),
    Term::new(
        "block",
        "So many trials of a day, one after the other, judged together. M², V and distances are estimated without the variance of \
         few marks, and may be below 0.",
    )
    .also(&["blocks", "unbiased estimate"])
    .equals("M² = ‖Σ wᵢ mᵢ − ȳ‖² − Σ wᵢ² sᵢ²/nᵢ;  V = D_ocs − M²")
    .at(&[("src/human/block.rs", "Block"), ("src/human/estimate.rs", "Estimates")]),
    Term::new(
        "dip",
        "How far the top level's true negative rate falls below the lower one of its first and its last block: found on one half of \
         the trials, measured on the other.",
    )
    .in_units_of("share")
    .at(&[("src/human/dip.rs", "Dip")]),
    Term::new(
        "early blocks",
        "Blocks before the first at which responses of a group differ between items by more than chance.",
    )
    .at(&[("src/human/visit.rs", "early_blocks")]),
    Term::new(
        "sign flip",
        "A test over participants: how often is the mean as large if each one's value might as well have the other sign?",
    )
    .also(&["sign flips", "permutation test"])
    .at(&[("src/human/resample.rs", "sign_flip"), ("src/human/resample.rs", "permuted")]),
    Term::new(
        "column map",
        "A file of YAML that says which column of a table holds participants, days, trials, items and responses.",
    )
    .also(&["columns"])
    .at(&[("src/human/columns.rs", "ColumnMap")]),
];
