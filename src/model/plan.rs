//! What a network is made of, as its config and the size of its inputs say. No tensors.

use crate::config::Pooling;

/// Layers of weights, and how they are joined.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// In the order in which they are drawn and named.
    pub layers: Vec<LayerPlan>,
    /// Blocks of convolutions, which come before the last layer; none in fully connected networks.
    pub blocks: Vec<Block>,
    /// Layers whose inputs dropout leaves values out of.
    pub dropped: Vec<usize>,
}

/// One layer of weights.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerPlan {
    /// `[outputs, inputs]`, or `[channels, channels below, side, side]`.
    pub weight: Vec<i64>,
    /// Pixels between places of a convolution.
    pub stride: i64,
    /// Height times width of what a convolution makes; 1 of others.
    pub places: i64,
    /// Whether what it makes is normalised.
    pub is_normalised: bool,
}

/// Units, one after the other, and what makes the image smaller at their end.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// At least one.
    pub units: Vec<Unit>,
    /// At the end.
    pub pooling: Pooling,
}

/// Convolutions, by the numbers of their layers.
#[derive(Debug, Clone, PartialEq)]
pub enum Unit {
    /// One, and the nonlinearity.
    Plain(usize),
    /// A basic block: two, with a shortcut around them that is the identity or a convolution of its own.
    Residual { convolutions: [usize; 2], projection: Option<usize> },
}

impl LayerPlan {
    /// A fully connected layer.
    pub fn linear(n_inputs: i64, n_outputs: i64, is_normalised: bool) -> Self {
        LayerPlan { weight: vec![n_outputs, n_inputs], stride: 1, places: 1, is_normalised }
    }

    /// Numbers in its weights.
    pub fn n_weights(&self) -> f64 {
        self.weight.iter().map(|&size| size as f64).product()
    }

    /// Values that it makes of one sample.
    pub fn units(&self) -> f64 {
        self.weight.first().map_or(0.0, |&outputs| outputs as f64) * self.places as f64
    }
}

impl Plan {
    /// Shapes of all layers' weights.
    pub fn shapes(&self) -> Vec<Vec<i64>> {
        self.layers.iter().map(|layer| layer.weight.clone()).collect()
    }

    /// Numbers in the weights of one network.
    pub fn n_weights(&self) -> f64 {
        self.layers.iter().map(LayerPlan::n_weights).sum()
    }
}
