//! Do networks trained on MNIST visit the OCS first, with biases and without?

use super::canvas::Canvas;
use super::images;
use crate::record::RunFolder;

/// The figure.
pub fn figure(runs: &RunFolder) -> Canvas {
    images::figure(runs, "MNIST")
}
