//! What is seen of a network at one moment of training.

use anyhow::Result;
use ndarray::{Array2, Array3, ArrayView2};
use tch::Tensor;

use super::arrays::to_vector;
use super::batches::Set;
use super::checkpoint::NamedTensors;
use super::passed::Passed;
use crate::model::Objective;

/// What the network answered at one moment of training.
pub struct Snapshot {
    /// Updates done.
    pub step: u64,
    /// The theory's time, the sum of all updates' rates: `eta * step` where they are one.
    pub time: f64,
    /// The stretch on whose samples it answers, counted from 0. At the last step of one a second snapshot answers on the next.
    pub stretch: usize,
    /// On the evaluation set.
    pub evaluation: Answer,
    /// On the training set; full-batch runs on images only (elsewhere it is the evaluation set, or too dear).
    pub training: Option<Answer>,
    /// Frobenius norm of each layer's weights.
    pub weight_norms: Vec<f64>,
    /// Norm of each layer's bias.
    pub bias_norms: Vec<Option<f64>>,
    /// Norms of the scale and the shift of each layer's normalisation; empty where nothing is normalised.
    pub affine_norms: Vec<[Option<f64>; 2]>,
    /// The last layer's bias, `[n_labels]`.
    pub output_bias: Option<Vec<f64>>,
    /// The neural tangent kernel of the first training samples, `[n, n]`, at the steps that `kernel_steps` names.
    pub kernel: Option<Array2<f64>>,
    /// How alike the first 256 samples of the evaluation set are to each layer but the first, by what it is given: mean products over
    /// its units, `[n, n]` for each; of nonlinear networks whose representations are watched, at some twelve steps.
    pub similarities: Vec<Array2<f64>>,
    /// Responses to the evaluation set seen through each of the config's `projections`, `[n_samples, n_labels]`.
    pub projected: Vec<Array2<f64>>,
    /// The network's layers, the one that sees inputs first; if the observer wants them.
    pub layers: Option<Vec<Layer>>,
    /// Its tensors as a checkpoint would hold them, on the CPU; if the observer wants them.
    pub weights: Option<NamedTensors>,
    /// Steps since the snapshot before, or since `Observer::pass`; one vector per item of at most 64 only.
    pub passed: Vec<Passed>,
}

/// One layer of a network, as it computes.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// `[outputs, inputs]`; of a convolution `[channels, channels below * side * side]`.
    pub weight: Array2<f64>,
    /// `[outputs]`; `None` for a layer without.
    pub bias: Option<Vec<f64>>,
}

/// What an observer wants in snapshots besides responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wants {
    /// The network's layers.
    pub layers: bool,
}

/// Responses to a set of samples.
pub struct Answer {
    /// `[n_samples, n_labels]`: outputs, or probabilities under cross-entropy.
    pub responses: Array2<f64>,
    /// The training loss's form on these samples.
    pub loss: f64,
}

impl Answer {
    /// One answer for each network; `outputs` are `[n_members, n_samples, n_labels]`.
    pub(super) fn of_each(outputs: &Tensor, set: &Set, objective: &Objective) -> Result<Vec<Self>> {
        let (n_members, n_samples, n_labels) = outputs.size3()?;
        let losses = to_vector(&objective.losses(outputs, &set.targets, &set.weights))?;
        let responses = to_vector(&objective.responses(outputs))?;
        let shape = (n_members as usize, n_samples as usize, n_labels as usize);
        let responses = Array3::from_shape_vec(shape, responses)?;
        let of_member = |(responses, loss): (ArrayView2<f64>, f64)| Answer {
            responses: responses.to_owned(),
            loss,
        };
        Ok(responses.outer_iter().zip(losses).map(of_member).collect())
    }

    /// Each network's responses to several sets, one after the other.
    pub(super) fn through(
        sets: impl Iterator<Item = Set>,
        answers: impl Fn(&Set) -> Result<Vec<Self>>,
    ) -> Result<Vec<Vec<Array2<f64>>>> {
        let mut of_members: Vec<Vec<Array2<f64>>> = Vec::new();
        for set in sets {
            let found = answers(&set)?;
            of_members.resize(found.len(), Vec::new());
            for (of_member, answer) in of_members.iter_mut().zip(found) {
                of_member.push(answer.responses);
            }
        }
        Ok(of_members)
    }

    /// Each network's answer to a set that may not be asked about.
    pub(super) fn or_none(
        answers: Option<Result<Vec<Self>>>,
        n_members: usize,
    ) -> Result<Vec<Option<Self>>> {
        match answers {
            Some(answers) => Ok(answers?.into_iter().map(Some).collect()),
            None => Ok((0..n_members).map(|_| None).collect()),
        }
    }
}
