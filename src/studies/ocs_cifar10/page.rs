//! Do networks trained on CIFAR-10 visit the OCS first, with biases and without?

use crate::plot::canvas::Canvas;
use crate::record::RunFolder;
use crate::studies::images;

/// The figure.
pub fn figure(runs: &RunFolder) -> Canvas {
    images::page::figure(runs, "CIFAR-10")
}
