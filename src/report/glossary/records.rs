//! What is compared, kept and decided.

use super::term::Term;

pub const TERMS: &[Term] = &[
    Term::new("condition", "One of the settings that an experiment compares.")
        .also(&["conditions"])
        .at(&[("src/config/overrides.rs", "Conditions")])
        .in_reports(),
    Term::new(
        "seed",
        "Number from which initial weights and the order of samples are drawn; one run for each.",
    )
    .also(&["seeds"])
    .at(&[("src/config/mod.rs", "seeds")])
    .in_reports(),
    Term::new("run", "One condition, or cell of a grid, with one seed: a record and a checkpoint.")
        .also(&["runs"])
        .at(&[("src/record/mod.rs", "Record")]),
    Term::new(
        "grid",
        "Dotted keys with lists of values: every condition is trained with every combination, a cell.",
    )
    .also(&["cell", "cells", "sweep"])
    .at(&[("src/config/grid.rs", "Grid"), ("src/config/cell.rs", "Cell")]),
    Term::new(
        "record",
        "What a run leaves: a file of JSON with its config, its metrics over learning, its phase and the program that made it.",
    )
    .also(&["records"])
    .at(&[("src/record/mod.rs", "Record"), ("src/metrics/curves.rs", "Curves")]),
    Term::new(
        "stretch",
        "Part of a training in several tasks (`phases` in configs), with its own targets, OCS and phase; weights go on.",
    )
    .also(&["phases", "stretches"])
    .at(&[("src/config/stretches.rs", "Stretch"), ("src/record/stretches.rs", "StretchRecord")]),
    Term::new(
        "stack",
        "Runs of one shape that train side by side in one stack of tensors.",
    )
    .at(&[("src/train/stack.rs", "Stack")]),
    Term::new(
        "probe",
        "What is watched along training besides responses (`probes` in configs); leaves a series in the record.",
    )
    .also(&["probes", "series", "layer-spectra"])
    .at(&[("src/probes/probe.rs", "Probe"), ("src/record/series.rs", "Series")]),
    Term::new(
        "claim",
        "A sentence about runs that a number decides by a criterion: it holds, or it fails.",
    )
    .also(&["claims", "criterion"])
    .at(&[("src/claim/decided.rs", "Claim"), ("src/claim/draft.rs", "Draft")]),
    Term::new("negative control", "A claim that something does not happen where it must not.")
        .in_reports(),
    Term::new(
        "prediction refuted",
        "A claim that was written before its runs, and that they contradict: a finding, not a fault.",
    )
    .also(&["prediction", "refuted"])
    .in_reports(),
    Term::new("reported", "Measured, without a claim.").in_reports(),
    Term::new(
        "quick, full",
        "Scales at which an experiment runs: fewer seeds and steps (`--quick`), or more (`--full`); figures and records say so.",
    )
    .also(&["scale"])
    .at(&[("src/config/scale.rs", "Scale")]),
];
