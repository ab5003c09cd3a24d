//! What is watched along training: who judges responses, and what becomes of the tangent kernel.

mod judges;
mod kernel;

pub use judges::Judges;
pub use kernel::Kernels;
