//! Linear networks of one shape, trained side by side in one stack of tensors with their gradients written out.

use anyhow::{Context, Result, ensure};
use ndarray::s;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::batches::{Order, Place, Samples, Set};
use super::checkpoint::{Checkpoint, NamedTensors};
use super::moments::Moments;
use super::optimiser::OptimiserState;
use super::{Answer, Member, Snapshot, to_vector};
use crate::config::{Bias, Config, Loss, NetworkKind, Optimiser, Precision};
use crate::model::{self, Network, Placement};
use crate::task::TaskInputs;

/// Linear networks `yhat = W_L (.. (W_1 x + b_1) ..) + b_L` of any depth, one for each member.
///
/// With `U_l = W_{l+1}^T .. W_L^T` the whole map of inputs `x`, with a 1 appended if there are biases, is `T`: `W_1^T U_1`
/// and a last row `c = sum_l b_l^T U_l`. All gradients follow from how the loss changes with it:
///
/// ```text
/// E = dL/dT   [n_rows, n_labels],  its last row e
/// P_1 = E^T [W_1^T; b_1^T],  P_l = P_{l-1} W_l^T + e^T b_l^T
/// dL/d[W_1^T; b_1^T] = E U_1^T,  dL/dW_l = U_l P_{l-1},  dL/db_l^T = e U_l^T
/// ```
pub struct LinearStack {
    layers: Vec<StackedLayer>,
    n_inputs: i64,
    /// All weights and biases, as the optimiser takes them, with their names.
    parameters: Vec<(String, Tensor)>,
    optimiser: OptimiserState,
    drive: Drive,
    samples: Samples,
    orders: Vec<Order>,
    axes: Axes,
    learning_rate: f64,
    loss: Loss,
    step: u64,
}

/// Axes in which the stack's weights are told, one a column. Gradient descent commutes with rotations of the inputs and of
/// each hidden layer, and never leaves the span of what reaches a hidden layer from both sides: where that is smaller than
/// the layer, the rest is left out of every step, and nothing else changes.
#[derive(Default)]
struct Axes {
    /// Of the inputs, `[n_inputs, n_inputs]`; `None`: their own.
    inputs: Option<Tensor>,
    /// Of each hidden layer, `[n_members, width, n_kept]`; `None`: its own.
    hidden: Vec<Option<Tensor>>,
}

/// One layer of every member.
struct StackedLayer {
    /// `[n_members, n_outputs, n_inputs]`; the first layer's transposed, so that the map of its many inputs is contiguous,
    /// and with its bias as a last row.
    weight: Tensor,
    /// `[n_members, 1, n_outputs]`; absent in the first layer.
    bias: Option<Tensor>,
}

/// Where `E` comes from, scaled by what the optimiser wants of gradients.
enum Drive {
    /// From moments, under full-batch squared error. Constants for each member, so that little is broadcast.
    Moments {
        /// `-[Sigma_xy; <y>]`, `[n_members, n_rows, n_labels]`.
        minus_targets: Tensor,
        covariance: Covariance,
    },
    /// From each step's samples.
    Samples {
        /// Factor of gradients.
        scale: f64,
    },
}

/// `<x x^T>` of inputs with a 1 appended if there are biases.
enum Covariance {
    /// `[n_members, n_rows, n_rows]`.
    Dense(Tensor),
    /// Inputs in their eigenvectors.
    Diagonal {
        /// `[n_members, n_rows, n_labels]`: variances, 1 for the appended row.
        variances: Tensor,
        /// `<x>`, `[n_members, 1, n_inputs]`; only if a 1 is appended.
        mean_input: Option<Tensor>,
    },
}

/// Whether two runs can share a stack: all but their starts is the same.
pub fn can_be_stacked(one: &Config, other: &Config) -> bool {
    let shape = |config: &Config| {
        let mut config = config.clone();
        config.name = String::new();
        config.seeds = Vec::new();
        config.network.initialisation = crate::config::NetworkConfig::default().initialisation;
        config
    };
    one.network.kind == NetworkKind::Linear && shape(one) == shape(other)
}

impl LinearStack {
    /// Members must be stackable.
    pub fn new(members: &[Member], device: Device) -> Result<Self> {
        let first = members.first().context("a stack has members")?;
        let (config, task) = (first.config, first.task);
        let kind = match config.training.precision {
            // Linear networks gain nothing from short formats: their products are small.
            Precision::Float32 | Precision::Bfloat16 => Kind::Float,
            Precision::Float64 => Kind::Double,
        };
        let training = &config.training;
        let full_batch = training.batch_size.is_none();
        let from_moments = full_batch && training.loss == Loss::HalfSquaredError;
        let samples = Samples::new(task, training.batch_size, device, kind, !from_moments)?;
        let orders = members.iter().filter_map(|member| samples.order(member.seed)).collect();
        let rotated = matches!(training.optimiser, Optimiser::Sgd(_));
        // A few vectors are as fast in their own axes.
        let inputs_rotated = rotated && matches!(task.inputs, TaskInputs::Images { .. });
        let moments =
            from_moments.then(|| first.moments.get(task, device, inputs_rotated)).transpose()?;
        let basis = moments.as_ref().and_then(|moments| moments.basis.as_ref());
        let (layers, axes) = initial_layers(members, device, kind, basis, rotated)?;
        let parameters = named(&layers);
        let optimiser =
            OptimiserState::new(training.optimiser, training.learning_rate, &parameters);
        let scale = optimiser.gradient_scale();
        let drive = match moments {
            Some(moments) => {
                let has_biases = config.network.bias != Bias::None;
                Drive::of(&moments, members.len() as i64, has_biases, scale, kind)
            }
            None => Drive::Samples { scale },
        };
        Ok(LinearStack {
            layers,
            n_inputs: task.n_inputs() as i64,
            parameters,
            optimiser,
            drive,
            samples,
            orders,
            axes,
            learning_rate: training.learning_rate,
            loss: training.loss,
            step: 0,
        })
    }

    /// Updates done.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The first layer's weights, of all members.
    pub fn first_weight(&self) -> &Tensor {
        &self.layers[0].weight
    }

    /// One update of every member.
    pub fn descend(&mut self) {
        let above = self.above();
        let map = self.map(&above);
        let drive = self.drive(&map);
        let through_ones = drive.narrow(1, drive.size()[1] - 1, 1);
        let mut gradients = Vec::with_capacity(self.parameters.len());
        let first = &self.layers[0].weight;
        let through_first = drive.narrow(1, 0, first.size()[1]);
        gradients.push(match above.first() {
            None => through_first.shallow_clone(),
            Some(above) => through_first.bmm(&above.transpose(1, 2)),
        });
        let mut below = through_first.transpose(1, 2).bmm(first);
        for (index, layer) in self.layers.iter().enumerate().skip(1) {
            let above = above.get(index);
            gradients.push(match above {
                None => below.shallow_clone(),
                Some(above) => above.bmm(&below),
            });
            if layer.bias.is_some() {
                gradients.push(match above {
                    None => through_ones.shallow_clone(),
                    Some(above) => through_ones.bmm(&above.transpose(1, 2)),
                });
            }
            if above.is_some() {
                below = below.bmm(&layer.weight.transpose(1, 2));
                if let Some(bias) = &layer.bias {
                    below = below.baddbmm(&through_ones.transpose(1, 2), bias, 1, 1);
                }
            }
        }
        self.optimiser.update(self.parameters.iter().map(|(_, tensor)| tensor), &gradients);
        self.step += 1;
    }

    /// `U_1 .. U_{L-1}`, `[n_members, width, n_labels]`.
    fn above(&self) -> Vec<Tensor> {
        let mut above: Vec<Tensor> = Vec::new();
        for layer in self.layers[1..].iter().rev() {
            let weight = layer.weight.transpose(1, 2);
            above.push(match above.last() {
                None => weight,
                Some(next) => weight.bmm(next),
            });
        }
        above.reverse();
        above
    }

    /// `T`, `[n_members, n_rows, n_labels]`.
    fn map(&self, above: &[Tensor]) -> Tensor {
        let first = &self.layers[0].weight;
        let mut map = above.first().map_or_else(|| first.copy(), |above| first.bmm(above));
        let later = self.layers.iter().enumerate().skip(1);
        for (index, bias) in later.filter_map(|(index, layer)| Some((index, layer.bias.as_ref()?)))
        {
            let through =
                above.get(index).map_or_else(|| bias.shallow_clone(), |above| bias.bmm(above));
            if map.size()[1] == self.n_inputs {
                map = Tensor::cat(&[map, through], 1);
            } else {
                let mut last = map.narrow(1, self.n_inputs, 1);
                last += through;
            }
        }
        map
    }

    /// `E`.
    fn drive(&mut self, map: &Tensor) -> Tensor {
        match &self.drive {
            Drive::Moments { minus_targets, covariance: Covariance::Dense(covariance) } => {
                minus_targets.baddbmm(covariance, map, 1, 1)
            }
            Drive::Moments {
                minus_targets,
                covariance: Covariance::Diagonal { variances, mean_input },
            } => {
                let drive = minus_targets.addcmul(map, variances);
                if let Some(mean_input) = mean_input {
                    let of_inputs = |rows: &Tensor| rows.narrow(1, 0, self.n_inputs);
                    let of_ones = |rows: &Tensor| rows.narrow(1, self.n_inputs, 1);
                    let mut through_inputs = of_inputs(&drive);
                    through_inputs += mean_input.transpose(1, 2) * of_ones(map);
                    let mut through_ones = of_ones(&drive);
                    through_ones += mean_input.bmm(&of_inputs(map));
                }
                drive
            }
            Drive::Samples { scale } => {
                let batch = self.samples.next_batch(&mut self.orders);
                let outputs = outputs(&batch.inputs, map, self.n_inputs);
                let error = model::responses(self.loss, &outputs) - batch.targets;
                let error = error * (batch.weights.unsqueeze(-1) * *scale);
                let through_inputs = batch.inputs.transpose(-2, -1).matmul(&error);
                if map.size()[1] == self.n_inputs {
                    return through_inputs;
                }
                let through_ones = error.sum_dim_intlist(1i64, true, None);
                Tensor::cat(&[through_inputs, through_ones], 1)
            }
        }
    }

    /// What every member answers now.
    pub fn observe(&self) -> Result<Vec<Snapshot>> {
        let map = self.map(&self.above());
        let n_rows = map.size()[1];
        let map = match &self.axes.inputs {
            None => map,
            Some(axes) => {
                let of_inputs = axes.matmul(&map.narrow(1, 0, self.n_inputs));
                Tensor::cat(&[of_inputs, map.narrow(1, self.n_inputs, n_rows - self.n_inputs)], 1)
            }
        };
        let evaluation = self.answers(self.samples.evaluation(), &map)?;
        let mut training = match self.samples.training_to_observe() {
            Some(set) => self.answers(set, &map)?.into_iter().map(Some).collect(),
            None => Vec::new(),
        };
        training.resize_with(evaluation.len(), || None);
        let norms = |tensor: &Tensor| {
            let squares = tensor.to_kind(Kind::Double).square();
            to_vector(&squares.sum_dim_intlist([1i64, 2].as_slice(), false, None).sqrt())
        };
        let (mut weight_norms, mut bias_norms) = (Vec::new(), Vec::new());
        for index in 0..self.layers.len() {
            let (weight, bias) = self.weight_and_bias(index);
            weight_norms.push(norms(&weight)?);
            bias_norms.push(bias.as_ref().map(norms).transpose()?);
        }
        let (_, output_bias) = self.weight_and_bias(self.layers.len() - 1);
        let output_biases = output_bias.as_ref().map(to_vector).transpose()?;
        let snapshots = evaluation.into_iter().zip(training).enumerate();
        Ok(snapshots
            .map(|(member, (evaluation, training))| {
                let n_labels = evaluation.responses.ncols();
                Snapshot {
                    step: self.step,
                    time: self.learning_rate * self.step as f64,
                    evaluation,
                    training,
                    weight_norms: weight_norms.iter().map(|norms| norms[member]).collect(),
                    bias_norms: bias_norms
                        .iter()
                        .map(|norms| norms.as_ref().map(|norms| norms[member]))
                        .collect(),
                    output_bias: output_biases
                        .as_ref()
                        .map(|biases| biases[member * n_labels..][..n_labels].to_vec()),
                    // Of a linear network the Gram matrix of its inputs says what a kernel would.
                    kernel: None,
                }
            })
            .collect())
    }

    /// A layer's weights, the first layer's transposed, and bias.
    fn weight_and_bias(&self, index: usize) -> (Tensor, Option<Tensor>) {
        let StackedLayer { weight, bias } = &self.layers[index];
        if index == 0 && weight.size()[1] > self.n_inputs {
            (weight.narrow(1, 0, self.n_inputs), Some(weight.narrow(1, self.n_inputs, 1)))
        } else {
            (weight.shallow_clone(), bias.as_ref().map(Tensor::shallow_clone))
        }
    }

    /// Responses to a set and their losses, one for each member.
    fn answers(&self, set: &Set, map: &Tensor) -> Result<Vec<Answer>> {
        let (n_members, n_rows, n_labels) = map.size3()?;
        // One product for all members.
        let side_by_side = map.permute([1, 0, 2]).reshape([1, n_rows, -1]);
        let outputs = set
            .in_chunks(NetworkKind::Linear, |inputs| {
                outputs(inputs, &side_by_side, self.n_inputs).squeeze_dim(0)
            })
            .view([-1, n_members, n_labels])
            .transpose(0, 1);
        let losses = to_vector(&model::loss(self.loss, &outputs, &set.targets, &set.weights))?;
        let shape = (n_members as usize, set.n_samples(), n_labels as usize);
        let responses = to_vector(&model::responses(self.loss, &outputs))?;
        let responses = ndarray::Array3::from_shape_vec(shape, responses)?;
        Ok(losses
            .into_iter()
            .enumerate()
            .map(|(member, loss)| Answer {
                responses: responses.slice(s![member, .., ..]).to_owned(),
                loss,
            })
            .collect())
    }

    /// One member's tensors and place in its order of samples: as they are, `stack.layer1.weight` and so on, for an exact
    /// continuation, and as weights and biases in the networks' own axes, `layer1.weight`, for other readers.
    pub fn state(&self, member: usize) -> (NamedTensors, Option<Place>) {
        let of_member = |tensor: &Tensor| tensor.select(0, member as i64);
        let mut tensors: NamedTensors = self
            .parameters
            .iter()
            .chain(&self.optimiser.named())
            .map(|(name, tensor)| (name.clone(), of_member(tensor)))
            .collect();
        let mut below = self.axes.inputs.as_ref().map(Tensor::shallow_clone);
        for index in 0..self.layers.len() {
            let above = self.axes.hidden.get(index).and_then(Option::as_ref).map(of_member);
            let (weight, bias) = self.weight_and_bias(index);
            let weight = of_member(&weight);
            let mut weight = if index == 0 { weight.tr() } else { weight };
            if let Some(below) = &below {
                weight = weight.matmul(&below.tr());
            }
            let mut bias = bias.as_ref().map(of_member);
            if let Some(above) = &above {
                weight = above.matmul(&weight);
                bias = bias.map(|bias| bias.matmul(&above.tr()));
            }
            let number = index + 1;
            tensors.push((format!("layer{number}.weight"), weight));
            tensors.extend(bias.map(|bias| (format!("layer{number}.bias"), bias.squeeze_dim(0))));
            below = above;
        }
        (tensors, self.orders.get(member).map(Order::place))
    }

    /// Puts a checkpoint's state back into one member; all members must be at the same step.
    pub fn restore(&mut self, member: usize, checkpoint: &Checkpoint) -> Result<()> {
        for (name, tensor) in self.parameters.iter().chain(&self.optimiser.named()) {
            checkpoint.copy_to(name, &tensor.select(0, member as i64))?;
        }
        if let Some(order) = self.orders.get_mut(member) {
            order.go_to(checkpoint.place()?)?;
        }
        ensure!(
            self.step == 0 || self.step == checkpoint.step(),
            "members of a stack go on from one step, not from {} and {}",
            self.step,
            checkpoint.step()
        );
        self.step = checkpoint.step();
        self.optimiser.updates = self.step;
        Ok(())
    }
}

impl Drive {
    fn of(moments: &Moments, n_members: i64, has_biases: bool, scale: f64, kind: Kind) -> Self {
        let Moments { input_output, covariance, mean_input, mean_target, .. } = moments;
        let for_each = |tensor: &Tensor, scale: f64| {
            let tensor = (tensor * scale).to_kind(kind).unsqueeze(0);
            let size = tensor.size();
            tensor.expand([n_members, size[1], size[2]], false).contiguous()
        };
        let with_ones = |rows: &Tensor, last: &Tensor| {
            if has_biases { Tensor::cat(&[rows, last], 0) } else { rows.shallow_clone() }
        };
        let covariance = if covariance.size()[1] > 1 || (has_biases && moments.basis.is_none()) {
            let is_diagonal = covariance.size()[1] == 1;
            let inputs = if is_diagonal {
                Tensor::diag_embed(&covariance.squeeze_dim(1), 0, 0, 1)
            } else {
                covariance.shallow_clone()
            };
            let one = Tensor::ones([1, 1], (Kind::Double, covariance.device()));
            let dense = if has_biases {
                let last = Tensor::cat(&[mean_input, &one], 1);
                Tensor::cat(&[Tensor::cat(&[inputs, mean_input.tr()], 1), last], 0)
            } else {
                inputs
            };
            Covariance::Dense(for_each(&dense, scale))
        } else {
            let variances = covariance.expand_as(input_output);
            let variances = with_ones(&variances, &mean_target.ones_like());
            Covariance::Diagonal {
                variances: for_each(&variances, scale),
                mean_input: has_biases.then(|| for_each(mean_input, scale)),
            }
        };
        let minus_targets = for_each(&with_ones(input_output, mean_target), -scale);
        Drive::Moments { minus_targets, covariance }
    }
}

/// Outputs `[.., n_samples, n_labels]` of a map to inputs `[.., n_samples, n_inputs]`; a row beyond `n_inputs` is the
/// constant's.
fn outputs(inputs: &Tensor, map: &Tensor, n_inputs: i64) -> Tensor {
    let outputs = inputs.matmul(&map.narrow(1, 0, n_inputs));
    if map.size()[1] == n_inputs { outputs } else { outputs + map.narrow(1, n_inputs, 1) }
}

/// Every member's initial weights, drawn as for a network of its own, told in the given axes of inputs and (if `rotated` is
/// allowed) in as few axes of hidden layers as hold them.
fn initial_layers(
    members: &[Member],
    device: Device,
    kind: Kind,
    inputs: Option<&Tensor>,
    rotated: bool,
) -> Result<(Vec<StackedLayer>, Axes)> {
    let placement = Placement { device: Device::Cpu, weights: Kind::Double, compute: Kind::Double };
    let networks = members
        .iter()
        .map(|member| {
            let mut generator = ChaCha8Rng::seed_from_u64(member.seed);
            Network::new(&member.config.network, member.task, placement, &mut generator)
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
    if n_directions >= width {
        return None;
    }
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

/// `stack.layer1.weight`, `stack.layer1.bias`, ...
fn named(layers: &[StackedLayer]) -> NamedTensors {
    let mut named = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let name = |part: &str| format!("stack.layer{}.{part}", index + 1);
        named.push((name("weight"), layer.weight.shallow_clone()));
        named.extend(layer.bias.as_ref().map(|bias| (name("bias"), bias.shallow_clone())));
    }
    named
}
