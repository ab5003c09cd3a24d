//! Which files hold which images?

use crate::config::Inputs;

/// Images of one data set as read from files.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Which data set.
    pub inputs: Inputs,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub train: Split,
    pub test: Split,
}

/// pixels: n * channels * height * width bytes; classes: n.
#[derive(Debug, Clone)]
pub struct Split {
    pub pixels: Vec<u8>,
    pub classes: Vec<u8>,
}
