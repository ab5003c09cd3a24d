//! The table of kinds of networks: the one place that matches on them.

mod cnn;
mod costs;
mod linear;
mod mlp;

use super::architecture::Architecture;
use crate::config::NetworkKind;

/// What a kind of network is made of.
pub fn architecture(kind: NetworkKind) -> &'static dyn Architecture {
    match kind {
        NetworkKind::Linear => &linear::Linear,
        NetworkKind::Mlp => &mlp::Mlp,
        NetworkKind::Cnn => &cnn::Cnn,
    }
}
