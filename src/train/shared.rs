//! What all runs that learn one task share on the device.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use anyhow::{Context, Result};
use tch::{Device, Kind, Tensor};

use super::moments::Moments;
use crate::derived::Derived;
use crate::model::from_host;
use crate::task::{ImageSet, Preprocessor, Stored, Task, TaskInputs};

/// What runs that learn one task have in common: moments, found when first asked for (the eigenbasis of large images takes
/// seconds), and the bytes of its images, kept as long as a run needs them.
#[derive(Debug, Default)]
pub struct Shared {
    rotated: Mutex<Option<Moments>>,
    plain: Mutex<Option<Moments>>,
    pixels: Mutex<Weak<Mutex<Pixels>>>,
    /// Where decompositions are kept for other processes.
    derived: Derived,
}

/// Images on the device, one copy for all runs that learn a task.
#[derive(Debug)]
pub struct Pixels {
    /// Of the training set, `[n_samples, n_inputs]` bytes, or floats of images that are; where inputs are whitened or projected,
    /// these, in float64.
    pub train: Tensor,
    /// Of the test set, likewise.
    pub test: Tensor,
}

/// Pixels that stay as long as somebody holds this.
#[derive(Debug, Clone)]
pub struct HeldPixels(Arc<Mutex<Pixels>>);

/// Images that are copied at a time.
const CHUNK: usize = 4096;

impl Shared {
    /// Of runs whose decompositions are kept for later.
    pub fn keeping(derived: Derived) -> Self {
        Shared { derived, ..Shared::default() }
    }

    /// Moments, in the eigenbasis of `Sigma_x` if `rotated`.
    ///
    /// # Errors
    ///
    /// If tensors cannot be placed on the device.
    pub fn moments(&self, task: &Task, device: Device, rotated: bool) -> Result<Moments> {
        let mut known = lock(if rotated { &self.rotated } else { &self.plain });
        if known.is_none() {
            let held = self.pixels(task, device);
            let pixels = held.as_ref().map(|pixels| pixels.get().train);
            *known =
                Some(tch::no_grad(|| Moments::of(task, pixels, device, rotated, &self.derived))?);
        }
        known.as_ref().map(Moments::shared).context("moments were just found")
    }

    /// The bytes of the task's images; `None` if it has vectors.
    pub fn pixels(&self, task: &Task, device: Device) -> Option<HeldPixels> {
        let TaskInputs::Images { train, test, preprocessor } = &task.inputs else { return None };
        let mut known = lock(&self.pixels);
        let held = known.upgrade().filter(|pixels| lock(pixels).train.device() == device);
        Some(HeldPixels(held.unwrap_or_else(|| {
            let copied = |images: &ImageSet| match preprocessor.turn {
                None => copied(images, task.n_inputs(), device),
                Some(_) => turned(images, preprocessor, device),
            };
            let pixels = Pixels { train: copied(train), test: copied(test) };
            let pixels = Arc::new(Mutex::new(pixels));
            *known = Arc::downgrade(&pixels);
            pixels
        })))
    }
}

impl HeldPixels {
    /// The same bytes, not copied.
    pub fn get(&self) -> Pixels {
        let Pixels { train, test } = &*lock(&self.0);
        Pixels { train: train.shallow_clone(), test: test.shallow_clone() }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Inputs that are found once for all runs, since each is a product with all directions.
fn turned(images: &ImageSet, preprocessor: &Preprocessor, device: Device) -> Tensor {
    let (n_samples, n_inputs) = (images.n_samples(), preprocessor.mean.len() as i64);
    let inputs = Tensor::empty([n_samples as i64, n_inputs], (Kind::Double, device));
    for start in (0..n_samples).step_by(CHUNK) {
        let end = n_samples.min(start + CHUNK);
        let chunk = from_host(&preprocessor.inputs(images, start..end));
        inputs.narrow(0, start as i64, (end - start) as i64).copy_(&chunk.view([-1, n_inputs]));
    }
    inputs
}

fn copied(images: &ImageSet, n_inputs: usize, device: Device) -> Tensor {
    let n_samples = images.n_samples();
    let kind = match images.images(0..0) {
        Stored::Bytes(_) => Kind::Uint8,
        Stored::Floats(_) => Kind::Float,
    };
    let pixels = Tensor::empty([n_samples as i64, n_inputs as i64], (kind, device));
    for start in (0..n_samples).step_by(CHUNK) {
        let end = n_samples.min(start + CHUNK);
        let chunk = match images.images(start..end) {
            Stored::Bytes(chunk) => from_host(&chunk.concat()),
            Stored::Floats(chunk) => from_host(&chunk.concat()),
        };
        let mut place = pixels.narrow(0, start as i64, (end - start) as i64);
        place.copy_(&chunk.view([-1, n_inputs as i64]));
    }
    pixels
}
