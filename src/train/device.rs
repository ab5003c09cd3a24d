//! Which device computes. Asking for CUDA where there is none is an error, never a silent fall-back.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail, ensure};
use tch::{Cuda, Device};

/// `auto | cpu | cuda | cuda:N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceChoice {
    /// CUDA where there is a device, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The N-th CUDA device.
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(DeviceChoice::Auto),
            "cpu" => Ok(DeviceChoice::Cpu),
            "cuda" => Ok(DeviceChoice::Cuda(0)),
            other => match other.strip_prefix("cuda:").and_then(|index| index.parse().ok()) {
                Some(index) => Ok(DeviceChoice::Cuda(index)),
                None => bail!("'{other}' is no device: write auto, cpu, cuda or cuda:N"),
            },
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            DeviceChoice::Auto => formatter.write_str("auto"),
            DeviceChoice::Cpu => formatter.write_str("cpu"),
            DeviceChoice::Cuda(index) => write!(formatter, "cuda:{index}"),
        }
    }
}

impl DeviceChoice {
    /// The device.
    ///
    /// # Errors
    ///
    /// If CUDA was asked for and is not there, with the reason and the remedy.
    pub fn resolve(self) -> Result<Device> {
        match self {
            DeviceChoice::Cpu => Ok(Device::Cpu),
            DeviceChoice::Auto if Cuda::is_available() => Ok(Device::Cuda(0)),
            DeviceChoice::Auto => Ok(Device::Cpu),
            DeviceChoice::Cuda(index) => {
                if !Cuda::is_available() {
                    bail!("--device {self}: {}; use --device cpu", why_no_cuda());
                }
                let count = Cuda::device_count();
                ensure!(
                    (index as i64) < count,
                    "--device {self}: there are {count} CUDA devices, numbered from 0"
                );
                Ok(Device::Cuda(index))
            }
        }
    }
}

/// Why CUDA cannot be used, and what to do about it.
pub fn why_no_cuda() -> &'static str {
    if tch::utils::has_cudart() {
        "libtorch has CUDA, but no GPU answers: check nvidia-smi, the driver and CUDA_VISIBLE_DEVICES"
    } else {
        "this libtorch is for CPUs: run `make build DEVICE=cuda` to bring the CUDA libraries"
    }
}

/// `cpu` or `cuda:N`, for records.
pub fn name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        Device::Cpu | Device::Mps | Device::Vulkan => "cpu".to_owned(),
    }
}
