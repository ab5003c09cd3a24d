//! Number formats and place of a network.

use tch::{Device, Kind};

/// Number formats and place of a network.
#[derive(Debug, Clone, Copy)]
pub struct Placement {
    /// Where it computes.
    pub device: Device,
    /// Format of weights.
    pub weights: Kind,
    /// Format of forward and backward passes.
    pub compute: Kind,
}
