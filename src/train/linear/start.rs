//! Where a stack of linear networks starts, and the axes in which it is told.

use anyhow::Result;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use crate::model::{Network, Placement};
use crate::train::{Lesson, Member};

/// One layer of every member.
pub struct StackedLayer {
    /// `[n_members, n_outputs, n_inputs]`; the first layer's transposed, so that the map of its many inputs is contiguous,
    /// and with its bias as a last row.
    pub weight: Tensor,
    /// `[n_members, 1, n_outputs]`; absent in the first layer.
    pub bias: Option<Tensor>,
}

/// Axes in which the stack's weights are told, one a column. Gradient descent commutes with rotations of the inputs and of
/// each hidden layer, and never leaves the span of what reaches a hidden layer from both sides: where that is smaller than
/// the layer, the rest is left out of every step, and nothing else changes.
#[derive(Default)]
pub struct Axes {
    /// Of the inputs, `[n_inputs, n_inputs]`; `None`: their own.
    pub inputs: Option<Tensor>,
    /// Of each hidden layer, `[n_members, width, n_kept]`; `None`: its own.
    pub hidden: Vec<Option<Tensor>>,
}

/// Products are up to twice as fast where this divides the number of their columns (measured with MKL: 16 outputs against
/// 15, 24 hidden directions against 23).
const HANDY: usize = 8;

/// The next number of columns that products like.
pub fn handy(n: i64) -> i64 {
    (n as usize).next_multiple_of(HANDY) as i64
}

/// Every member's initial weights, drawn as for a network of its own, told in the given axes of inputs and (if `rotated` is
/// allowed) in as few axes of hidden layers as hold them. Beyond the labels' there are outputs up to `n_outputs` without
/// weights.
pub fn initial_layers(
    members: &[Member],
    device: Device,
    kind: Kind,
    inputs: Option<&Tensor>,
    rotated: bool,
    n_outputs: i64,
) -> Result<(Vec<StackedLayer>, Axes)> {
    let placement = Placement { device: Device::Cpu, weights: Kind::Double, compute: Kind::Double };
    let networks = members
        .iter()
        .map(|member| {
            let mut generator = ChaCha8Rng::seed_from_u64(member.seed);
            let Lesson { config, task, .. } = member.lessons[0];
            Network::new(&config.network, task, placement, &mut generator)
        })
        .collect::<Result<Vec<_>>>()?;
    let n_layers = networks.first().map_or(0, |network| network.layers().len());
    let stack = |tensors: Vec<Tensor>| Tensor::stack(&tensors, 0).to_device(device);
    let mut layers: Vec<StackedLayer> = (0..n_layers)
        .map(|index| {
            let layers = || networks.iter().map(move |network| &network.layers()[index]);
            let weight = stack(layers().map(|layer| layer.weight.detach()).collect());
            let biases: Option<Vec<Tensor>> =
                layers().map(|layer| Some(layer.bias.as_ref()?.detach().unsqueeze(0))).collect();
            StackedLayer { weight, bias: biases.map(stack) }
        })
        .collect();
    if let Some(inputs) = inputs {
        layers[0].weight = layers[0].weight.matmul(inputs);
    }
    let hidden = (1..n_layers)
        .map(|above| if rotated { in_its_span(&mut layers[above - 1..=above]) } else { None });
    let hidden = hidden.collect();
    if let Some(last) = layers.last_mut() {
        let without_weights = n_outputs - last.weight.size()[1];
        last.weight = last.weight.constant_pad_nd([0, 0, 0, without_weights]);
        last.bias = last.bias.as_ref().map(|bias| bias.constant_pad_nd([0, without_weights]));
    }
    let first = layers[0].weight.transpose(1, 2);
    layers[0].weight = match layers[0].bias.take() {
        Some(bias) => Tensor::cat(&[first, bias], 1),
        None => first,
    };
    for layer in &mut layers {
        layer.weight = layer.weight.to_kind(kind).contiguous();
        layer.bias = layer.bias.as_ref().map(|bias| bias.to_kind(kind).contiguous());
    }
    let axes = Axes { inputs: inputs.map(Tensor::shallow_clone), hidden };
    Ok((layers, axes.to_kind(kind)))
}

/// Tells the hidden layer between two in axes that span all that reaches it, and returns these; `None`, and no change, if
/// they would not be fewer than it has units.
fn in_its_span(pair: &mut [StackedLayer]) -> Option<Tensor> {
    let [below, above] = pair else { return None };
    let mut reached = vec![below.weight.shallow_clone(), above.weight.transpose(1, 2)];
    reached.extend(below.bias.as_ref().map(|bias| bias.transpose(1, 2)));
    let reached = Tensor::cat(&reached, 2);
    let (_, width, n_directions) = reached.size3().ok()?;
    let n_kept = handy(n_directions);
    if n_kept >= width {
        return None;
    }
    // Orthonormal also beyond what is reached.
    let reached = reached.constant_pad_nd([0, n_kept - n_directions]);
    let (axes, _) = Tensor::linalg_qr(&reached, "reduced");
    below.weight = axes.transpose(1, 2).bmm(&below.weight);
    below.bias = below.bias.as_ref().map(|bias| bias.bmm(&axes));
    above.weight = above.weight.bmm(&axes);
    Some(axes)
}

impl Axes {
    fn to_kind(&self, kind: Kind) -> Self {
        let converted = |axes: &Option<Tensor>| axes.as_ref().map(|axes| axes.to_kind(kind));
        Axes {
            inputs: converted(&self.inputs),
            hidden: self.hidden.iter().map(converted).collect(),
        }
    }
}
