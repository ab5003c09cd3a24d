//! One way of samples through a network, and what is noted on it.

use tch::Tensor;

use super::layer::Layer;
use super::normalisation::Statistics;
use super::plan::Block;
use super::setting::Setting;
use crate::config::Parametrisation;

/// What was given to a part of a network, and what it made of that.
pub struct Tap {
    /// The layer, counted from 0.
    pub layer: usize,
    /// Whether the part is the scale and the shift of the layer's normalisation, and not its weights and its bias.
    pub is_affine: bool,
    /// To the part.
    pub given: Tensor,
    /// By the part, before the nonlinearity.
    pub made: Tensor,
}

/// One way through a network.
pub struct Pass<'a> {
    /// From input to output.
    pub layers: &'a [Layer],
    /// How convolutions are joined.
    pub blocks: &'a [Block],
    /// Number format included.
    pub setting: Setting,
    /// What batch normalisation takes.
    pub statistics: Statistics,
    /// Factors on what each layer that dropout concerns is given, `[n_members, n_samples, n_inputs]`, by the layers' numbers.
    pub masks: &'a [(usize, Tensor)],
    /// What is noted; `None` where nothing is to be, and the quickest operations may be taken.
    pub taps: Option<Vec<Tap>>,
}

impl Pass<'_> {
    fn note(&mut self, layer: usize, is_affine: bool, given: &Tensor, made: &Tensor) {
        if let Some(taps) = &mut self.taps {
            let (given, made) = (given.shallow_clone(), made.shallow_clone());
            taps.push(Tap { layer, is_affine, given, made });
        }
    }

    /// What a layer sees of `x` where weights have a factor: it is put on their inputs, of which a layer has fewer.
    fn scaled(&self, layer: usize, x: &Tensor) -> Option<Tensor> {
        match self.setting.parametrisation {
            Parametrisation::Standard => None,
            Parametrisation::Ntk => {
                let fan_in: i64 = self.layers[layer].weight.size()[1..].iter().product();
                Some(x / (fan_in as f64).sqrt())
            }
        }
    }

    /// `[n_members, n_samples, n_outputs]`: what a fully connected layer makes.
    pub fn linear(&mut self, layer: usize, x: &Tensor) -> Tensor {
        let mask = self.masks.iter().find(|(of, _)| *of == layer);
        let dropped = mask.map(|(_, mask)| x * mask);
        let x = dropped.as_ref().unwrap_or(x);
        let scaled = self.scaled(layer, x);
        let x = scaled.as_ref().unwrap_or(x);
        let made = self.layers[layer].each_linear(x, &self.setting);
        self.note(layer, false, x, &made);
        made
    }

    /// What a convolution makes, with its bias if that is not added later.
    pub fn convolution(&mut self, layer: usize, x: &Tensor, with_bias: bool) -> Tensor {
        let of = &self.layers[layer];
        let bias = of.bias.as_ref().filter(|_| with_bias);
        let scaled = self.scaled(layer, x);
        let x = scaled.as_ref().unwrap_or(x);
        let made = of.convolution(x, bias, self.setting.compute);
        self.note(layer, false, x, &made);
        made
    }

    /// What a layer made, normalised if that is asked for.
    pub fn normalised(&mut self, layer: usize, made: Tensor) -> Tensor {
        let (layers, n_members) = (self.layers, self.setting.n_members);
        let Some(norm) = &layers[layer].norm else { return made };
        if self.taps.is_none() || !norm.is_affine() {
            return norm.of(&made, n_members, self.statistics);
        }
        let plain = norm.plain_of(&made, n_members, self.statistics);
        let affine = norm.affine_of(&plain);
        self.note(layer, true, &plain, &affine);
        affine
    }
}
