//! Networks of named layers, their initial weights, losses and tangent kernels.
//!
//! A kind of network is an `Architecture` in a file of its own, listed in `kinds/mod.rs`. Losses and the clock follow
//! `theory`: half the squared error, summed over labels and averaged over samples.

mod architecture;
mod from_host;
mod initialisation;
mod kernel;
mod kinds;
mod layer;
mod loss;
mod network;
mod normalisation;
mod pass;
mod placement;
mod plan;
mod pytorch;
mod setting;

pub use architecture::{StackSize, Step};
pub use from_host::{copies_from_host, from_host, to_tensor};
pub use kernel::{kernel_megabytes, kernel_megabytes_of};
pub use kinds::architecture;
pub use layer::Layer;
pub use loss::Objective;
pub use network::{Mode, Network, ensure_can_learn, plan};
pub use normalisation::Norm;
pub use placement::Placement;
pub use plan::{LayerPlan, Plan};
pub use pytorch::TorchModule;
