//! Do networks trained on MNIST visit the OCS first, with biases and without?

use crate::plot::canvas::Canvas;
use crate::record::RunFolder;
use crate::studies::images;

/// The figure.
pub fn figure(runs: &RunFolder) -> Canvas {
    images::page::figure(runs, "MNIST")
}
