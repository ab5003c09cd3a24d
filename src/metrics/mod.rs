//! How is a response judged? Pure functions of responses and targets: they cannot tell a network from a theory.
//!
//! Samples carry weights `p` that sum to 1; averages `<.>` are weighted by them. `ybar` is the OCS.

mod agreement;
mod contrasts;
mod crossing;
mod curves;
mod judge;
mod mode_reader;
mod phase;
mod rank;
mod right;

pub use agreement::{bootstrap_interval, correlation, shuffled};
pub use contrasts::{Contrasts, Direction};
pub use curves::{Curves, largest_distance};
pub use judge::{Judge, Judgement};
pub use mode_reader::ModeReader;
pub use phase::{Phase, PhaseVerdict, PhaseWatch, first_time, half_time};
pub use rank::rank_correlation;
pub use right::Right;

/// Euclidean length.
pub fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}
