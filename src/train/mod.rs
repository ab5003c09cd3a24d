//! Gradient descent: the loop, shown to an observer at log-spaced steps. Knows no metric and no theory.
//!
//! Networks of one shape train in stacks, many runs at once: linear ones with their gradients written out, perceptrons and
//! convolutions with libtorch's.

mod arrays;
mod batches;
mod checkpoint;
pub mod checkpoint_file;
mod choice;
pub mod determinism;
pub mod device;
mod dropout;
pub mod gpus;
pub mod libtorch;
mod linear;
mod member;
mod moments;
mod nonlinear;
mod observations;
mod observer;
mod optimiser;
mod passed;
mod projections;
mod runs;
mod shared;
mod snapshot;
mod stack;
mod steps;
mod supply;
mod together;
mod version_header;

pub use batches::ensure_batches;
pub use checkpoint::{Checkpoint, NamedTensors, Place, Progress};
pub use member::{Lesson, Member};
pub use moments::key_of_images;
pub use observer::{Continue, Observer, Outcome};
pub use optimiser::OptimiserState;
pub use passed::Passed;
pub use shared::Shared;
pub use snapshot::{Answer, Layer, Snapshot, Wants};
pub use stack::{can_be_stacked, learns_from_moments, runs_can_be_stacked};
pub use steps::{kernel_steps, observed_steps};
pub use together::{Unwatched, train, train_together};
