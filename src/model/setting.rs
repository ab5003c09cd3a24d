//! What the layers of a network need to know besides their weights.

use tch::{Kind, Tensor};

use crate::config::{Activation, NetworkConfig, Parametrisation};

/// What the layers of a network need to know besides their weights.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Networks side by side.
    pub n_members: i64,
    /// Nonlinearity after each layer but the last.
    pub activation: Activation,
    /// `alpha` of leaky-relu.
    pub negative_slope: f64,
    /// Whether inputs of layers are divided by the root of their number.
    pub parametrisation: Parametrisation,
    /// Whether the last layer sees means over places.
    pub global_average: bool,
    /// Whether observed samples are normalised together.
    pub answers_in_batches: bool,
    /// Channels, height, width of the images; a convolution needs to know.
    pub image: [i64; 3],
    /// Format of forward and backward passes; weights may be kept in a wider one.
    pub compute: Kind,
}

impl Setting {
    /// That of so many networks with a config.
    pub fn of(config: &NetworkConfig, n_members: i64, image: [i64; 3], compute: Kind) -> Self {
        Setting {
            n_members,
            activation: config.activation,
            negative_slope: config.negative_slope().unwrap_or(0.0),
            parametrisation: config.parametrisation,
            global_average: config.global_average,
            answers_in_batches: config.answers_in_batches(),
            image,
            compute,
        }
    }

    /// The nonlinearity.
    pub fn activate(&self, x: &Tensor) -> Tensor {
        match self.activation {
            Activation::Relu => x.relu(),
            Activation::LeakyRelu => {
                // A parametric ReLU whose slope is no parameter.
                x.prelu(&Tensor::full([1], self.negative_slope, (x.kind(), x.device())))
            }
            Activation::Tanh => x.tanh(),
            Activation::Erf => x.erf(),
        }
    }
}
