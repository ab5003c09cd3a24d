//! What do networks learn first?
//!
//! Read the modules from top to bottom; each one imports only from those above it. `tests/architecture.rs` checks it.

/// How does a file get its contents?
pub mod file;
/// What was this run told?
pub mod config;
/// Which files hold which images?
pub mod data;
/// Which labels does each item get?
pub mod task;
/// What should happen, without training anything?
pub mod theory;
/// Who learns?
pub mod model;
/// How does it learn?
pub mod train;
/// How is a response judged?
pub mod metrics;
/// What does a run leave on disk?
pub mod record;
/// What is watched along training?
pub mod probes;
/// How does a config become records?
pub mod sweep;
/// What was found, decided by numbers?
pub mod claim;
/// What does a finding look like?
pub mod plot;
/// Which questions are asked?
pub mod studies;
/// What can be typed?
pub mod cli;
