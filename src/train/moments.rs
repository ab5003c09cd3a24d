//! What a linear network under full-batch squared error can learn of its training set: its first and second moments.

use anyhow::{Context, Result};
use ndarray::Array2;
use tch::{Device, Kind, Tensor};

use super::batches::SetInputs;
use crate::model::to_tensor;
use crate::task::{Task, TaskInputs};

/// Moments of a training set, float64; samples enter with their weights p.
///
/// ```text
/// Sigma_xy = <x y^T>,  Sigma_x = <x x^T>,  <x>,  <y>
/// ```
///
/// Gradients of the half squared error hold nothing else, so steps on them are steps on the samples, whatever their
/// number. Gradient descent, with momentum too, commutes with rotations of the inputs: in `Sigma_x`'s eigenbasis the
/// product with it is a scaling. Adam does not, and takes the inputs as they are.
#[derive(Debug)]
pub struct Moments {
    /// `[n_inputs, n_labels]`.
    pub input_output: Tensor,
    /// `[n_inputs, 1]`, or `[n_inputs, n_inputs]` where inputs are correlated and not rotated.
    pub covariance: Tensor,
    /// `[1, n_inputs]`.
    pub mean_input: Tensor,
    /// `[1, n_labels]`.
    pub mean_target: Tensor,
    /// Eigenvectors of `Sigma_x`, one a column, in which inputs are told above; `None`: the inputs' own axes.
    pub basis: Option<Tensor>,
}

/// Images that are turned to floats at a time.
const CHUNK: i64 = 4096;

impl Moments {
    /// A task's, in the eigenbasis of `Sigma_x` if `rotated`; `pixels` are those of its training images.
    ///
    /// # Errors
    ///
    /// If the task has images and no pixels are given.
    pub fn of(task: &Task, pixels: Option<Tensor>, device: Device, rotated: bool) -> Result<Self> {
        let place = |matrix: &Array2<f64>| to_tensor(matrix).to_device(device);
        let mean_input = task.probabilities.dot(&task.item_means()).insert_axis(ndarray::Axis(0));
        let input_output = place(&task.input_output_correlation().reversed_axes());
        let covariance = match &task.inputs {
            TaskInputs::Vectors(inputs) => {
                let weighted = inputs * &task.probabilities.view().insert_axis(ndarray::Axis(1));
                place(&inputs.t().dot(&weighted))
            }
            TaskInputs::Images { preprocessor, .. } => {
                let pixels = pixels.context("images are not on the device")?;
                let (n_samples, n_inputs) = pixels.size2()?;
                let inputs = SetInputs::bytes(&pixels, preprocessor, Kind::Double);
                let mut sum = Tensor::zeros([n_inputs, n_inputs], (Kind::Double, device));
                for start in (0..n_samples).step_by(CHUNK as usize) {
                    let chunk = inputs.range(start, CHUNK.min(n_samples - start));
                    sum = sum.addmm(&chunk.tr(), &chunk);
                }
                sum / n_samples as f64
            }
        };
        let moments = Moments {
            input_output,
            covariance,
            mean_input: place(&mean_input),
            mean_target: place(&task.ocs().insert_axis(ndarray::Axis(0))),
            basis: None,
        };
        Ok(moments.on_axes(rotated))
    }

    /// With a diagonal covariance: as it is if no inputs are correlated, else rotated if that is allowed.
    fn on_axes(self, rotate: bool) -> Self {
        let variances = self.covariance.diagonal(0, 0, 1).unsqueeze(1);
        let off_diagonal =
            &self.covariance - Tensor::diag_embed(&variances.squeeze_dim(1), 0, 0, 1);
        if off_diagonal.count_nonzero(None).int64_value(&[]) == 0 {
            return Moments { covariance: variances.contiguous(), ..self };
        }
        if !rotate {
            return self;
        }
        let (variances, basis) = self.covariance.linalg_eigh("L");
        Moments {
            input_output: basis.tr().matmul(&self.input_output),
            covariance: variances.unsqueeze(1),
            mean_input: self.mean_input.matmul(&basis),
            mean_target: self.mean_target,
            basis: Some(basis),
        }
    }

    /// The same told in other axes of the inputs, `[n_inputs, n_inputs]`, one a column; for moments in the inputs' own.
    pub fn along(self, axes: &Tensor) -> Self {
        let variances = self.covariance.squeeze_dim(1);
        let covariance = match self.covariance.size()[1] {
            1 => axes.tr().matmul(&(variances.unsqueeze(1) * axes)),
            _ => axes.tr().matmul(&self.covariance).matmul(axes),
        };
        Moments {
            input_output: axes.tr().matmul(&self.input_output),
            covariance,
            mean_input: self.mean_input.matmul(axes),
            mean_target: self.mean_target,
            basis: Some(axes.shallow_clone()),
        }
    }

    /// The same tensors, not copied.
    pub fn shared(&self) -> Self {
        Moments {
            input_output: self.input_output.shallow_clone(),
            covariance: self.covariance.shallow_clone(),
            mean_input: self.mean_input.shallow_clone(),
            mean_target: self.mean_target.shallow_clone(),
            basis: self.basis.as_ref().map(Tensor::shallow_clone),
        }
    }
}
