//! Devices, as `ocs doctor` finds them: each is given a small product to do.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde::Serialize;
use tch::{Device, Kind, Tensor};

use crate::train::determinism::build_settings;
use crate::train::device;
use crate::train::gpus::{Gpu, is_built_for};

/// One device.
#[derive(Serialize)]
pub struct DeviceDiagnosis {
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Why a small product did not come out right; `null` if it did.
    pub problem: Option<String>,
    /// Milliseconds that it took, with what the device does once.
    pub milliseconds: f64,
    /// What a GPU says of itself; `null` for a CPU, and where nvidia-smi does not tell.
    pub gpu: Option<Gpu>,
    /// Why nothing is known of a GPU.
    pub gpu_unknown: Option<String>,
    /// Whether libtorch has code for it; `null` where that does not show.
    pub built_for: Option<bool>,
}

/// The CPU and so many GPUs.
pub fn diagnose(gpus: usize) -> Vec<DeviceDiagnosis> {
    let devices = std::iter::once(Device::Cpu).chain((0..gpus).map(Device::Cuda));
    devices.map(DeviceDiagnosis::of).collect()
}

impl DeviceDiagnosis {
    fn of(device: Device) -> Self {
        let start = Instant::now();
        let outcome = multiply(device);
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        let (gpu, gpu_unknown) = match device {
            Device::Cuda(index) => match Gpu::of(index) {
                Ok(gpu) => (Some(gpu), None),
                Err(reason) => (None, Some(reason)),
            },
            Device::Cpu | Device::Mps | Device::Vulkan => (None, None),
        };
        let built_for = gpu.as_ref().and_then(|gpu| {
            is_built_for(&gpu.compute_capability, &build_settings().unwrap_or_default())
        });
        let problem = outcome
            .err()
            .map(|error| format!("{error:#}").lines().next().unwrap_or("unknown error").to_owned());
        let device = device::name(device);
        DeviceDiagnosis { device, problem, milliseconds, gpu, gpu_unknown, built_for }
    }

    /// A line of the table.
    pub fn in_words(&self) -> String {
        let mut parts = Vec::new();
        if let Some(gpu) = &self.gpu {
            parts.push(format!(
                "{}, compute capability {}, {:.0} MiB ({:.0} free), driver {}",
                gpu.name,
                gpu.compute_capability,
                gpu.memory_mebibytes,
                gpu.free_mebibytes,
                gpu.driver
            ));
        }
        parts.extend(self.gpu_unknown.clone());
        match self.built_for {
            Some(true) => parts.push("libtorch was built for it".to_owned()),
            Some(false) => parts.push("libtorch was NOT built for it".to_owned()),
            None => {}
        }
        parts.push(match &self.problem {
            None => format!("a small product is right, after {:.1} ms", self.milliseconds),
            Some(problem) => format!("PROBLEM: a small product fails: {problem}"),
        });
        parts.join("; ")
    }
}

/// A product whose result is known: no sum of it is rounded.
fn multiply(device: Device) -> Result<()> {
    const SIZE: i64 = 64;
    let ones = Tensor::f_ones([SIZE, SIZE], (Kind::Float, device))?;
    let sum = ones.f_matmul(&ones)?.f_sum(Kind::Float)?.f_double_value(&[])?;
    let right = (SIZE * SIZE * SIZE) as f64;
    ensure!(sum == right, "{SIZE} x {SIZE} ones multiplied sum to {sum}, not to {right}");
    Ok(())
}
