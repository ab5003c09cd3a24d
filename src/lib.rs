//! What do networks learn first?
//!
//! Read the modules from top to bottom; each one imports only from those above it, and no two files import each other
//! (`tests/architecture.rs` checks both). The way the data take:
//!
//! ```text
//!   config ──► task ──► theory ──► an answer ─┐
//!     │         │  data                       ├─► record ──► claim  ─┐
//!     │         └──► model ──► train ─► probes┘       └────► plot   ─┴─► studies ──► cli
//!     └──────────── sweep: conditions × seeds, stacks, resume ─ slurm    people ──► human ──► studies
//! ```
//!
//! Three laws. Data flow one way. Theory and training never see each other: they meet in records, under one metric. Tensors
//! stop at the door of `train`: metrics, records, claims and figures see plain `f64` arrays.
//!
//! A question is a room in [`studies`]: its config, analysis, claims and figure. Nothing outside of that folder knows its name.

/// How does a file get its contents?
pub mod file;
/// What was computed from data once, and need not be again?
pub mod derived;
/// How is a matrix decomposed? By libtorch, in float64; arrays outside.
pub mod decompositions;
/// Which images lie at a path of one's own? Folders of PNGs, NumPy archives, IDX files.
pub mod images;
/// What was this run told? Every key of a config, its default and its range.
pub mod config;
/// Which files hold which images? A table of data sets.
pub mod data;
/// What is learned: inputs, and targets that may be labels of a tree.
pub mod task;
/// What should happen, without training anything? Closed forms, flows and kernels, with their sources.
pub mod theory;
/// Who learns? A file for each kind of network.
pub mod model;
/// How does it learn? The loop over steps, where their samples come from, checkpoints. Tensors stop here.
pub mod train;
/// How is a response judged, and when is there an OCS phase?
pub mod metrics;
/// What does a run leave on disk?
pub mod record;
/// What is watched along training?
pub mod probes;
/// How does a config become records? Knows no study.
pub mod sweep;
/// How does a config become jobs of a cluster? Profiles, scripts, and what Slurm says. Knows no study.
pub mod slurm;
/// How do other programs read what runs left? Long tables, and event files.
pub mod export;
/// What was found, decided by numbers? A claim is drafted from chosen runs, a measure and a criterion.
pub mod claim;
/// What does a finding look like? A figure is a page of panels of layers, as data. Knows no study.
pub mod plot;
/// How do people learn the same tree? Their data, read, checked and judged as networks are. Knows no study.
pub mod human;
/// Which questions are asked? The table of them, and a room for each.
pub mod studies;
/// What can be shown to somebody who has no ocs? One page.
pub mod report;
/// What can be typed?
pub mod cli;
