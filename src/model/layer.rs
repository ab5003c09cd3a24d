//! One layer of networks side by side.

use tch::{Kind, Tensor};

use super::normalisation::Norm;
use super::placement::Placement;
use super::setting::Setting;

/// Weights, `[n_outputs, n_inputs]` or `[channels_out, channels_in, side, side]`, and perhaps a bias, `[n_outputs]`. Of several
/// networks the first dimension counts one network's outputs after the other's.
#[derive(Debug)]
pub struct Layer {
    /// Weights.
    pub weight: Tensor,
    /// Bias; starts at zero, except under `aligned` with aligned biases.
    pub bias: Option<Tensor>,
    /// Normalisation of what it makes.
    pub norm: Option<Norm>,
    /// Pixels between places of a convolution.
    pub stride: i64,
}

impl Layer {
    /// Trainable copies of weights and bias, placed.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>, placement: Placement) -> Self {
        let trainable = |tensor: Tensor| tensor.set_requires_grad(true);
        let placed =
            |tensor: &Tensor| tensor.to_kind(placement.weights).to_device(placement.device);
        Layer {
            weight: trainable(placed(weight).copy()),
            bias: bias.map(|bias| trainable(placed(bias).copy())),
            norm: None,
            stride: 1,
        }
    }

    /// The same with tensors of its own.
    pub fn copied(&self, copy: impl Fn(&Tensor) -> Tensor) -> Self {
        Layer {
            weight: copy(&self.weight),
            bias: self.bias.as_ref().map(&copy),
            norm: self.norm.as_ref().map(|norm| norm.copied(&copy)),
            stride: self.stride,
        }
    }

    /// `[n_samples, n_outputs]` of all networks, of `x`, `[n_samples, n_inputs]`.
    pub fn linear(&self, x: &Tensor, compute: Kind) -> Tensor {
        x.linear(
            &self.weight.to_kind(compute),
            self.bias.as_ref().map(|bias| bias.to_kind(compute)),
        )
    }

    /// Channels of all networks, of their own channels or of channels for all, at every `stride`-th place.
    pub fn convolution(&self, x: &Tensor, bias: Option<&Tensor>, compute: Kind) -> Tensor {
        let bias = bias.map(|bias| bias.to_kind(compute));
        let weight = self.weight.to_kind(compute);
        let groups = x.size()[1] / weight.size()[1];
        let padding = self.padding();
        x.conv2d(&weight, bias, [self.stride; 2], [padding; 2], [1, 1], groups)
    }

    /// Zeros on each side of an image, so that it keeps its size at stride 1.
    pub fn padding(&self) -> i64 {
        self.weight.size().get(2).map_or(0, |side| side / 2)
    }

    /// `[n_members, n_samples, n_outputs]` of `x`, `[n_members, n_samples, n_inputs]`, or `[1, n_samples, n_inputs]` for all.
    pub fn each_linear(&self, x: &Tensor, setting: &Setting) -> Tensor {
        let (n_members, n_given, n_samples) = (setting.n_members, x.size()[0], x.size()[1]);
        if n_given == 1 {
            let y = self.linear(&x.squeeze_dim(0), setting.compute);
            return y.view([n_samples, n_members, -1]).transpose(0, 1);
        }
        let weight = self.weight.to_kind(setting.compute).view([n_members, -1, x.size()[2]]);
        let weight = weight.transpose(1, 2);
        match &self.bias {
            None => x.bmm(&weight),
            Some(bias) => {
                bias.to_kind(setting.compute).view([n_members, 1, -1]).baddbmm(x, &weight, 1, 1)
            }
        }
    }
}

/// The same values where convolutions want them in memory: one network's channels innermost, with strides that say so for
/// one channel too (where they leave it open, libtorch takes the layout that makes pooling several times slower); several
/// networks' outermost, which is what grouped convolutions are made for.
pub fn in_memory(x: &Tensor, n_members: i64) -> Tensor {
    let size = x.size();
    let [_, channels, height, width] = size[..] else { return x.contiguous() };
    if n_members > 1 {
        return x.contiguous();
    }
    let strides = [height * width * channels, 1, width * channels, channels];
    x.permute([0, 2, 3, 1]).contiguous().as_strided(&size, strides, None)
}
