//! What drives a stack of linear networks: how the loss changes with the map from inputs to outputs.

use tch::{Kind, Tensor};

use crate::model::Objective;
use crate::train::batches::Batch;
use crate::train::moments::Moments;

/// Where `E` comes from, scaled by what the optimiser wants of gradients.
pub enum Drive {
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
        objective: Objective,
    },
}

/// `<x x^T>` of inputs with a 1 appended if there are biases.
pub enum Covariance {
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

/// Members that learn one task with one learning rate.
pub struct GroupMoments {
    /// The task's.
    pub moments: Moments,
    pub n_members: i64,
    /// Factor of gradients.
    pub scale: f64,
}

impl GroupMoments {
    /// `minus_targets` and covariance, dense if another group's is.
    fn drive(
        &self,
        n_outputs: i64,
        has_biases: bool,
        is_dense: bool,
        kind: Kind,
    ) -> (Tensor, Covariance) {
        let Moments { covariance, mean_input, .. } = &self.moments;
        let with_zeros =
            |targets: &Tensor| targets.constant_pad_nd([0, n_outputs - targets.size()[1]]);
        let input_output = with_zeros(&self.moments.input_output);
        let mean_target = with_zeros(&self.moments.mean_target);
        let for_each = |tensor: &Tensor, scale: f64| {
            let tensor = (tensor * scale).to_kind(kind).unsqueeze(0);
            let size = tensor.size();
            tensor.expand([self.n_members, size[1], size[2]], false).contiguous()
        };
        let with_ones = |rows: &Tensor, last: &Tensor| {
            if has_biases { Tensor::cat(&[rows, last], 0) } else { rows.shallow_clone() }
        };
        let minus_targets = for_each(&with_ones(&input_output, &mean_target), -self.scale);
        let covariance = if is_dense {
            let inputs = if covariance.size()[1] == 1 {
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
            Covariance::Dense(for_each(&dense, self.scale))
        } else {
            let variances = covariance.expand_as(&input_output);
            let variances = with_ones(&variances, &mean_target.ones_like());
            Covariance::Diagonal {
                variances: for_each(&variances, self.scale),
                mean_input: has_biases.then(|| for_each(mean_input, self.scale)),
            }
        };
        (minus_targets, covariance)
    }

    /// Whether inputs are correlated, in the axes in which they are told. Few inputs with a 1 appended count as such: one
    /// small product is faster than three smaller ones.
    fn is_dense(&self, has_biases: bool) -> bool {
        self.moments.covariance.size()[1] > 1 || (has_biases && self.moments.basis.is_none())
    }
}

impl Drive {
    /// From the moments of groups of members; a 1 is appended to inputs if there are biases, and outputs beyond the labels'
    /// are zero.
    pub fn of(groups: &[GroupMoments], n_outputs: i64, has_biases: bool, kind: Kind) -> Self {
        let is_dense = groups.iter().any(|group| group.is_dense(has_biases));
        let join = |parts: Vec<Tensor>| Tensor::cat(&parts, 0);
        let (mut targets, mut matrices, mut mean_inputs) = (Vec::new(), Vec::new(), Vec::new());
        for group in groups {
            let (minus_targets, covariance) = group.drive(n_outputs, has_biases, is_dense, kind);
            targets.push(minus_targets);
            match covariance {
                Covariance::Dense(matrix) => matrices.push(matrix),
                Covariance::Diagonal { variances, mean_input } => {
                    matrices.push(variances);
                    mean_inputs.extend(mean_input);
                }
            }
        }
        let covariance = if is_dense {
            Covariance::Dense(join(matrices))
        } else {
            let mean_input = (!mean_inputs.is_empty()).then(|| join(mean_inputs));
            Covariance::Diagonal { variances: join(matrices), mean_input }
        };
        Drive::Moments { minus_targets: join(targets), covariance }
    }

    /// `E` at the map `T`; `batch` brings the step's samples, if they are needed.
    pub fn at(&self, map: &Tensor, n_inputs: i64, batch: impl FnOnce() -> Batch) -> Tensor {
        match self {
            Drive::Moments { minus_targets, covariance: Covariance::Dense(covariance) } => {
                minus_targets.baddbmm(covariance, map, 1, 1)
            }
            Drive::Moments {
                minus_targets,
                covariance: Covariance::Diagonal { variances, mean_input },
            } => {
                let drive = minus_targets.addcmul(map, variances);
                if let Some(mean_input) = mean_input {
                    let of_inputs = |rows: &Tensor| rows.narrow(1, 0, n_inputs);
                    let of_ones = |rows: &Tensor| rows.narrow(1, n_inputs, 1);
                    let mut through_inputs = of_inputs(&drive);
                    through_inputs += mean_input.transpose(1, 2) * of_ones(map);
                    let mut through_ones = of_ones(&drive);
                    through_ones += mean_input.bmm(&of_inputs(map));
                }
                drive
            }
            Drive::Samples { scale, objective } => {
                let batch = batch();
                let outputs = outputs(&batch.inputs, map, n_inputs);
                let error = objective.responses(&outputs) - batch.targets;
                let error = error * (batch.weights.unsqueeze(-1) * *scale);
                let through_inputs = batch.inputs.transpose(-2, -1).matmul(&error);
                if map.size()[1] == n_inputs {
                    return through_inputs;
                }
                let through_ones = error.sum_dim_intlist(1i64, true, None);
                Tensor::cat(&[through_inputs, through_ones], 1)
            }
        }
    }
}

/// Outputs `[.., n_samples, n_labels]` of a map to inputs `[.., n_samples, n_inputs]`; a row beyond `n_inputs` is the
/// constant's.
pub fn outputs(inputs: &Tensor, map: &Tensor, n_inputs: i64) -> Tensor {
    let outputs = inputs.matmul(&map.narrow(1, 0, n_inputs));
    if map.size()[1] == n_inputs { outputs } else { outputs + map.narrow(1, n_inputs, 1) }
}
