//! Do networks trained on MNIST visit the OCS first? With biases always; without them it depends on the inputs.

use anyhow::Result;

use super::{claim::Claim, images};
use crate::record::RunFolder;

/// The claims.
pub fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    images::claims("ocs_mnist", "MNIST digits", runs)
}
