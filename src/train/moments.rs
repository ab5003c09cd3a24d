//! What a linear network under full-batch squared error can learn of its training set: its first and second moments.

use anyhow::{Context, Result};
use ndarray::Array2;
use tch::{Device, Kind, Tensor};

use super::arrays::to_array;
use super::batches::SetInputs;
use super::device;
use super::gpus::{Gpu, Visible};
use crate::derived::{Derived, Key, Tables};
use crate::file;
use crate::model::to_tensor;
use crate::task::{Task, TaskInputs};

/// Moments of a training set, float64; samples enter with their weights p.
///
/// ```text
/// Sigma_xy = <x y^T>,  Sigma_x = <x x^T>,  <x>,  <y>
/// ```
///
/// Gradients of the half squared error hold nothing else, so steps on them are steps on the samples, whatever their
/// number. Gradient descent commutes with rotations of the inputs, with momentum, weight decay and clipping by norms too: in
/// `Sigma_x`'s eigenbasis the product with it is a scaling. Adam does not, and takes the inputs as they are.
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

/// What is kept of images: their covariance on its axes, and these, one a row, unless they are the inputs' own.
const KIND: (&str, u32) = ("moments", 1);
const COVARIANCE: &str = "covariance";
const VECTORS: &str = "vectors";

/// A diagonal covariance as a column if no inputs are correlated, else rotated, with its eigenvectors, if that is allowed.
fn on_axes(covariance: Tensor, rotate: bool) -> (Tensor, Option<Tensor>) {
    let variances = covariance.diagonal(0, 0, 1).unsqueeze(1);
    let off_diagonal = &covariance - Tensor::diag_embed(&variances.squeeze_dim(1), 0, 0, 1);
    if off_diagonal.count_nonzero(None).int64_value(&[]) == 0 {
        return (variances.contiguous(), None);
    }
    if !rotate {
        return (covariance, None);
    }
    let (variances, basis) = covariance.linalg_eigh("L");
    (variances.unsqueeze(1), Some(basis))
}

fn tables((covariance, basis): &(Tensor, Option<Tensor>)) -> Result<Tables> {
    let mut tables = Tables::from([(COVARIANCE.to_owned(), to_array(covariance)?)]);
    if let Some(basis) = basis {
        tables.insert(VECTORS.to_owned(), to_array(&basis.tr())?);
    }
    Ok(tables)
}

/// Names what is computed from the training inputs of a task, on this thread and a device.
pub fn key_of_images((kind, version): (&'static str, u32), task: &Task, device: &str) -> Key {
    let key = Key::of(kind, version).on(device, tch::get_num_threads());
    match &task.inputs {
        TaskInputs::Images { train, preprocessor, .. } => {
            preprocessor.named_in(train.named_in(key))
        }
        TaskInputs::Vectors(vectors) => key
            .numbers(&[vectors.nrows() as f64])
            .numbers(&vectors.iter().copied().collect::<Vec<f64>>())
            .numbers(&task.probabilities.to_vec()),
    }
}

/// A device by what decides last digits: its place says nothing of which GPU it is, and hosts share a cache.
fn name_in_keys(device: Device) -> String {
    let name = device::name(device);
    let Device::Cuda(index) = device else { return name };
    match Gpu::of(index) {
        Ok(gpu) => format!("{name} {}", gpu.name),
        // Where nobody tells, it is this machine's.
        Err(_) => {
            let visible = Visible::here().name_of(index).unwrap_or_default();
            format!("{name} {visible} of {}", file::host_name())
        }
    }
}

impl Moments {
    /// A task's, in the eigenbasis of `Sigma_x` if `rotated`; `pixels` are those of its training images.
    ///
    /// # Errors
    ///
    /// If the task has images and no pixels are given.
    ///
    /// Decompositions of images are kept in `derived`.
    pub fn of(
        task: &Task,
        pixels: Option<Tensor>,
        device: Device,
        rotated: bool,
        derived: &Derived,
    ) -> Result<Self> {
        let place = |matrix: &Array2<f64>| to_tensor(matrix).to_device(device);
        let mean_input = task.probabilities.dot(&task.item_means()).insert_axis(ndarray::Axis(0));
        let input_output = place(&task.input_output_correlation().reversed_axes());
        let mean_target = place(&task.ocs().insert_axis(ndarray::Axis(0)));
        let covariance = || match &task.inputs {
            TaskInputs::Vectors(inputs) => {
                let weighted = inputs * &task.probabilities.view().insert_axis(ndarray::Axis(1));
                Ok(place(&inputs.t().dot(&weighted)))
            }
            TaskInputs::Images { preprocessor, .. } => {
                let pixels = pixels.as_ref().context("images are not on the device")?;
                let (n_samples, n_inputs) = pixels.size2()?;
                let inputs = SetInputs::bytes(pixels, preprocessor, Kind::Double);
                let mut sum = Tensor::zeros([n_inputs, n_inputs], (Kind::Double, device));
                for start in (0..n_samples).step_by(CHUNK as usize) {
                    let chunk = inputs.range(start, CHUNK.min(n_samples - start));
                    sum = sum.addmm(&chunk.tr(), &chunk);
                }
                Ok::<Tensor, anyhow::Error>(sum / n_samples as f64)
            }
        };
        let (covariance, basis) = if rotated && matches!(task.inputs, TaskInputs::Images { .. }) {
            let key = || key_of_images(KIND, task, &name_in_keys(device));
            let kept = derived.kept_or(key, || tables(&on_axes(covariance()?, true)))?;
            let of = |name: &str| kept.get(name).map(place);
            // Eigenvectors lie one after the other, as they do where they are found.
            (of(COVARIANCE).context("a covariance")?, of(VECTORS).map(|vectors| vectors.tr()))
        } else {
            on_axes(covariance()?, rotated)
        };
        let mean_input = place(&mean_input);
        let moments = Moments { input_output, covariance, mean_input, mean_target, basis: None };
        Ok(match basis {
            None => moments,
            Some(basis) => moments.turned(basis),
        })
    }

    /// Of a task with the same inputs as another, whose covariance and axes are known: nothing is diagonalised.
    pub fn beside(&self, task: &Task, device: Device) -> Self {
        let place = |matrix: &Array2<f64>| to_tensor(matrix).to_device(device);
        let mean_input = task.probabilities.dot(&task.item_means()).insert_axis(ndarray::Axis(0));
        let moments = Moments {
            input_output: place(&task.input_output_correlation().reversed_axes()),
            covariance: self.covariance.shallow_clone(),
            mean_input: place(&mean_input),
            mean_target: place(&task.ocs().insert_axis(ndarray::Axis(0))),
            basis: None,
        };
        match &self.basis {
            None => moments,
            Some(basis) => moments.turned(basis.shallow_clone()),
        }
    }

    /// With all but the covariance told in axes in which that is told already.
    fn turned(self, basis: Tensor) -> Self {
        Moments {
            input_output: basis.tr().matmul(&self.input_output),
            mean_input: self.mean_input.matmul(&basis),
            basis: Some(basis),
            ..self
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, InputScale, Preprocessing};
    use crate::task::{ImageSet, Preprocessor, Stored};

    /// 60 images of 12 values for 8 items, which stand for other items if `shifted`.
    fn task(shift: usize) -> Task {
        let mut task = Task::new(&config::parse("name: x", "x", &[]).unwrap().task, None).unwrap();
        let pixels = (0..60 * 12u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
        let train = ImageSet::of(pixels.collect(), (0..60).map(|i| (i + shift) % 8).collect());
        let preprocessor =
            Preprocessor::fit(&train, [3, 2, 2], Preprocessing::Raw, InputScale::None);
        task.inputs = TaskInputs::Images { test: train.clone(), train, preprocessor };
        task
    }

    fn moments(task: &Task) -> Moments {
        let TaskInputs::Images { train, .. } = &task.inputs else { panic!("images") };
        let Stored::Bytes(pixels) = train.images(0..60) else { panic!("floats") };
        let pixels = Tensor::from_slice(&pixels.concat()).view([60, 12]);
        Moments::of(task, Some(pixels), Device::Cpu, true, &Derived::nowhere()).unwrap()
    }

    #[test]
    fn other_labels_of_the_same_images_have_moments_on_the_same_axes_to_the_bit() {
        let (one, other) = (task(0), task(3));
        assert!(one.inputs.are_those_of(&other.inputs));
        let (found, known) = (moments(&other), moments(&one).beside(&other, Device::Cpu));
        let tensors = |moments: &Moments| {
            let Moments { input_output, covariance, mean_input, mean_target, basis } = moments;
            let basis = basis.as_ref().unwrap();
            [input_output, covariance, mean_input, mean_target, basis].map(Tensor::shallow_clone)
        };
        for (found, known) in tensors(&found).iter().zip(tensors(&known)) {
            assert!(found.equal(&known), "{found:?} {known:?}");
        }
        assert!(!tensors(&found)[0].equal(&tensors(&moments(&one))[0]));
    }
}
