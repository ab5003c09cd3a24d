//! Do networks trained on CIFAR-10 visit the OCS first? With biases always; without them it depends on the inputs.

use anyhow::Result;

use super::{claim::Claim, images};
use crate::record::RunFolder;

/// The claims.
pub fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    images::claims("ocs_cifar10", "CIFAR-10 photographs", runs)
}
