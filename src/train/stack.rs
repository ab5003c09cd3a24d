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
use crate::config::{Config, Loss, NetworkKind, Optimiser, Precision};
use crate::model::{self, Network, Placement};

/// Linear networks `yhat = W_L (.. (W_1 x + b_1) ..) + b_L` of any depth, one for each member.
///
/// With `U_l = W_{l+1}^T .. W_L^T` and the whole map `T = W_1^T U_1`, `c = sum_l b_l^T U_l`, all gradients follow from how
/// the loss changes with `T` and `c`:
///
/// ```text
/// E = dL/dT   [n_inputs, n_labels]      e = dL/dc   [1, n_labels]
/// P_1 = E^T W_1^T + e^T b_1^T,  P_l = P_{l-1} W_l^T + e^T b_l^T
/// dL/dW_1^T = E U_1^T,  dL/dW_l = U_l P_{l-1},  dL/db_l^T = e U_l^T
/// ```
pub struct LinearStack {
    layers: Vec<StackedLayer>,
    /// All weights and biases, as the optimiser takes them, with their names.
    parameters: Vec<(String, Tensor)>,
    optimiser: OptimiserState,
    drive: Drive,
    samples: Samples,
    orders: Vec<Order>,
    /// Axes of the first layer's inputs, `[n_inputs, n_inputs]`; `None`: the inputs' own.
    basis: Option<Tensor>,
    learning_rate: f64,
    loss: Loss,
    step: u64,
}

/// One layer of every member.
struct StackedLayer {
    /// `[n_members, n_outputs, n_inputs]`; the first layer's transposed, so that the map of its many inputs is contiguous.
    weight: Tensor,
    /// `[n_members, 1, n_outputs]`.
    bias: Option<Tensor>,
}

/// Where `E` and `e` come from, scaled by what the optimiser wants of gradients.
enum Drive {
    /// From moments, under full-batch squared error. Constants for each member, so that no operation broadcasts.
    Moments {
        /// `[n_members, n_inputs, n_labels]`.
        minus_input_output: Tensor,
        /// `[n_members, n_inputs, n_labels]`, or `[n_inputs, n_inputs]` where inputs are correlated.
        covariance: Tensor,
        is_diagonal: bool,
        /// `[n_members, 1, n_inputs]`.
        mean_input: Tensor,
        /// `[n_members, 1, n_labels]`.
        minus_mean_target: Tensor,
    },
    /// From each step's samples.
    Samples {
        /// Factor of gradients.
        scale: f64,
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
        let moments = from_moments.then(|| first.moments.get(task, device, rotated)).transpose()?;
        let basis = moments.as_ref().and_then(|moments| moments.basis.as_ref());
        let layers = initial_layers(members, device, kind, basis)?;
        let basis = basis.map(|basis| basis.to_kind(kind));
        let parameters = named(&layers);
        let optimiser =
            OptimiserState::new(training.optimiser, training.learning_rate, &parameters);
        let scale = optimiser.gradient_scale();
        let drive = match moments {
            Some(moments) => Drive::of(&moments, members.len() as i64, scale, kind),
            None => Drive::Samples { scale },
        };
        Ok(LinearStack {
            layers,
            parameters,
            optimiser,
            drive,
            samples,
            orders,
            basis,
            learning_rate: training.learning_rate,
            loss: training.loss,
            step: 0,
        })
    }

    /// Updates done.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// One update of every member.
    pub fn descend(&mut self) {
        let above = self.above();
        let (map, constant) = self.map(&above);
        let (through_inputs, through_ones) = self.drive(&map, constant.as_ref());
        let mut gradients = Vec::with_capacity(self.parameters.len());
        let mut below: Option<Tensor> = None;
        for (index, layer) in self.layers.iter().enumerate() {
            let above = above.get(index);
            gradients.push(match (&below, above) {
                (None, None) => through_inputs.shallow_clone(),
                (None, Some(above)) => through_inputs.bmm(&above.transpose(1, 2)),
                (Some(below), None) => below.shallow_clone(),
                (Some(below), Some(above)) => above.bmm(below),
            });
            if let (Some(_), Some(ones)) = (&layer.bias, &through_ones) {
                gradients.push(match above {
                    None => ones.shallow_clone(),
                    Some(above) => ones.bmm(&above.transpose(1, 2)),
                });
            }
            if above.is_some() {
                let product = match &below {
                    None => through_inputs.transpose(1, 2).bmm(&layer.weight),
                    Some(below) => below.bmm(&layer.weight.transpose(1, 2)),
                };
                below = Some(match (&layer.bias, &through_ones) {
                    (Some(bias), Some(ones)) => product.baddbmm(&ones.transpose(1, 2), bias, 1, 1),
                    _ => product,
                });
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

    /// `T`, and `c` if any layer has a bias.
    fn map(&self, above: &[Tensor]) -> (Tensor, Option<Tensor>) {
        let first = &self.layers[0].weight;
        let map = above.first().map_or_else(|| first.shallow_clone(), |above| first.bmm(above));
        let mut constant: Option<Tensor> = None;
        for (index, layer) in self.layers.iter().enumerate() {
            let Some(bias) = &layer.bias else { continue };
            constant = Some(match (constant, above.get(index)) {
                (None, None) => bias.shallow_clone(),
                (None, Some(above)) => bias.bmm(above),
                (Some(sum), None) => sum + bias,
                (Some(sum), Some(above)) => sum.baddbmm(bias, above, 1, 1),
            });
        }
        (map, constant)
    }

    /// `E` and, if there are biases, `e`.
    fn drive(&mut self, map: &Tensor, constant: Option<&Tensor>) -> (Tensor, Option<Tensor>) {
        match &self.drive {
            Drive::Moments {
                minus_input_output,
                covariance,
                is_diagonal,
                mean_input,
                minus_mean_target,
            } => {
                let mut through_inputs = if *is_diagonal {
                    minus_input_output.addcmul(map, covariance)
                } else {
                    minus_input_output + covariance.matmul(map)
                };
                let through_ones = constant.map(|constant| {
                    through_inputs =
                        through_inputs.baddbmm(&mean_input.transpose(1, 2), constant, 1, 1);
                    // `mean_input` and the target carry the gradients' scale, the constant does not.
                    let scale = self.optimiser.gradient_scale();
                    minus_mean_target.baddbmm(mean_input, map, 1, 1) + constant * scale
                });
                (through_inputs, through_ones)
            }
            Drive::Samples { scale } => {
                let batch = self.samples.next_batch(&mut self.orders);
                let mut outputs = batch.inputs.matmul(map);
                if let Some(constant) = constant {
                    outputs += constant;
                }
                let error = model::responses(self.loss, &outputs) - batch.targets;
                let error = error * (batch.weights.unsqueeze(-1) * *scale);
                let through_ones = constant.map(|_| error.sum_dim_intlist(1i64, true, None));
                (batch.inputs.transpose(-2, -1).matmul(&error), through_ones)
            }
        }
    }

    /// What every member answers now.
    pub fn observe(&self) -> Result<Vec<Snapshot>> {
        let (map, constant) = self.map(&self.above());
        let map = match &self.basis {
            None => map,
            Some(basis) => basis.matmul(&map),
        };
        let evaluation = self.answers(self.samples.evaluation(), &map, constant.as_ref())?;
        let mut training = match self.samples.training_to_observe() {
            Some(set) => {
                self.answers(set, &map, constant.as_ref())?.into_iter().map(Some).collect()
            }
            None => Vec::new(),
        };
        training.resize_with(evaluation.len(), || None);
        let norms = |tensor: &Tensor| {
            let squares = tensor.to_kind(Kind::Double).square();
            to_vector(&squares.sum_dim_intlist([1i64, 2].as_slice(), false, None).sqrt())
        };
        let weight_norms =
            self.layers.iter().map(|layer| norms(&layer.weight)).collect::<Result<Vec<_>>>()?;
        let bias_norms = self
            .layers
            .iter()
            .map(|layer| layer.bias.as_ref().map(norms).transpose())
            .collect::<Result<Vec<_>>>()?;
        let output_biases = match self.layers.last().and_then(|layer| layer.bias.as_ref()) {
            Some(bias) => Some(to_vector(bias)?),
            None => None,
        };
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

    /// Responses to a set and their losses, one for each member.
    fn answers(&self, set: &Set, map: &Tensor, constant: Option<&Tensor>) -> Result<Vec<Answer>> {
        let (n_members, n_inputs, n_labels) = map.size3()?;
        // One product for all members.
        let side_by_side = map.permute([1, 0, 2]).reshape([n_inputs, -1]);
        let outputs = set
            .in_chunks(NetworkKind::Linear, |inputs| inputs.matmul(&side_by_side))
            .view([-1, n_members, n_labels])
            .transpose(0, 1);
        let outputs = match constant {
            Some(constant) => outputs + constant,
            None => outputs,
        };
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

    /// One member's tensors and place in its order of samples.
    ///
    /// Rotated first layers are told as they are, for an exact continuation, and as `layer1.weight` in the inputs' own
    /// axes, for other readers.
    pub fn state(&self, member: usize) -> (NamedTensors, Option<Place>) {
        let of_member = |tensor: &Tensor| tensor.select(0, member as i64);
        let mut tensors: Vec<(String, Tensor)> = self
            .parameters
            .iter()
            .chain(&self.optimiser.named())
            .map(|(name, tensor)| (name.clone(), of_member(tensor)))
            .collect();
        let first = of_member(&self.layers[0].weight);
        let first = self.basis.as_ref().map_or_else(|| first.copy(), |basis| basis.matmul(&first));
        tensors.push(("layer1.weight".to_owned(), first.tr()));
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
    fn of(moments: &Moments, n_members: i64, scale: f64, kind: Kind) -> Self {
        let scaled = |tensor: &Tensor, scale: f64| (tensor * scale).to_kind(kind);
        let for_each = |tensor: &Tensor, scale: f64| {
            let tensor = scaled(tensor, scale).unsqueeze(0);
            let size = tensor.size();
            tensor.expand([n_members, size[1], size[2]], false).contiguous()
        };
        let is_diagonal = moments.covariance.size()[1] == 1;
        let covariance = if is_diagonal {
            for_each(&moments.covariance.expand_as(&moments.input_output), scale)
        } else {
            scaled(&moments.covariance, scale)
        };
        Drive::Moments {
            minus_input_output: for_each(&moments.input_output, -scale),
            covariance,
            is_diagonal,
            mean_input: for_each(&moments.mean_input, scale),
            minus_mean_target: for_each(&moments.mean_target, -scale),
        }
    }
}

/// Every member's initial weights, drawn as for a network of its own.
fn initial_layers(
    members: &[Member],
    device: Device,
    kind: Kind,
    basis: Option<&Tensor>,
) -> Result<Vec<StackedLayer>> {
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
    Ok((0..n_layers)
        .map(|index| {
            let layers = || networks.iter().map(move |network| &network.layers()[index]);
            let weight = stack(layers().map(|layer| layer.weight.detach()).collect());
            let weight = match (index, basis) {
                (0, None) => weight.transpose(1, 2).contiguous(),
                (0, Some(basis)) => basis.tr().matmul(&weight.transpose(1, 2)).contiguous(),
                _ => weight,
            };
            let biases: Option<Vec<Tensor>> =
                layers().map(|layer| Some(layer.bias.as_ref()?.detach().unsqueeze(0))).collect();
            let placed = |tensor: Tensor| tensor.to_kind(kind);
            StackedLayer { weight: placed(weight), bias: biases.map(stack).map(placed) }
        })
        .collect())
}

/// `stack.layer1.weight`, `stack.layer1.bias`, ...
fn named(layers: &[StackedLayer]) -> Vec<(String, Tensor)> {
    let mut named = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let number = index + 1;
        let name = if index == 0 {
            "stack.layer1.weight".to_owned()
        } else {
            format!("layer{number}.weight")
        };
        named.push((name, layer.weight.shallow_clone()));
        if let Some(bias) = &layer.bias {
            named.push((format!("layer{number}.bias"), bias.shallow_clone()));
        }
    }
    named
}
