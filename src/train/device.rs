//! Which device computes. Asking for CUDA where there is none is an error, never a silent fall-back.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail, ensure};
use tch::{Cuda, Device};

use super::gpus::Visible;
use crate::config::Precision;

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
    /// The device as it is asked for, on a machine that may be another; `auto` is its CPU.
    pub fn there(self) -> Device {
        match self {
            DeviceChoice::Cpu | DeviceChoice::Auto => Device::Cpu,
            DeviceChoice::Cuda(index) => Device::Cuda(index),
        }
    }

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
                    "--device {self}: there are {count} CUDA devices, numbered from 0 ({})",
                    Visible::here().in_words()
                );
                Ok(Device::Cuda(index))
            }
        }
    }
}

/// Why CUDA cannot be used, and what to do about it.
pub fn why_no_cuda() -> String {
    no_cuda(tch::utils::has_cudart(), &Visible::here())
}

fn no_cuda(has_libraries: bool, visible: &Visible) -> String {
    if has_libraries {
        format!(
            "libtorch has CUDA, but no GPU answers: check nvidia-smi and the driver ({})",
            visible.in_words()
        )
    } else {
        "this libtorch is for CPUs: run `make build DEVICE=cuda` to bring the CUDA libraries"
            .to_owned()
    }
}

/// Whether this processor multiplies in bfloat16; `None` where the system does not tell (it does on Linux).
pub fn has_bfloat16() -> Option<bool> {
    std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| tells_bfloat16(&text))
}

/// What /proc/cpuinfo says: `flags` on x86-64, `Features` on ARM.
fn tells_bfloat16(cpuinfo: &str) -> Option<bool> {
    let (_, flags) = cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| ["flags", "Features"].contains(&key.trim()))?;
    Some(flags.split_whitespace().any(|flag| ["avx512_bf16", "amx_bf16", "bf16"].contains(&flag)))
}

/// Why training in `precision` on `device` would be slow, and what to do about it.
pub fn why_slow(precision: Precision, device: Device) -> Option<&'static str> {
    slowness(precision, device, has_bfloat16())
}

fn slowness(precision: Precision, device: Device, bfloat16: Option<bool>) -> Option<&'static str> {
    let emulated = device == Device::Cpu && bfloat16 == Some(false);
    match precision {
        Precision::Bfloat16 if emulated => Some(
            "training.precision is bfloat16, which this processor has no instructions for (avx512_bf16, amx_bf16): \
             it is emulated, some fifteen times slower than float32; take --set training.precision=float32, or --device cuda",
        ),
        Precision::Bfloat16 | Precision::Float32 | Precision::Float64 => None,
    }
}

/// `cpu` or `cuda:N`, for records.
pub fn name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        Device::Cpu | Device::Mps | Device::Vulkan => "cpu".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_a_gpu_is_named_where_libtorch_could_use_one() {
        let said = no_cuda(true, &Visible::of(Some("")));
        assert!(said.contains("no GPU answers") && said.contains("is empty"), "{said}");
        assert!(no_cuda(false, &Visible::of(Some(""))).contains("is for CPUs"));
    }

    #[test]
    fn bfloat16_without_instructions_for_it_is_slow_on_a_cpu_alone() {
        let (cpu, cuda) = (Device::Cpu, Device::Cuda(0));
        let said = slowness(Precision::Bfloat16, cpu, Some(false)).unwrap();
        assert!(said.contains("training.precision=float32"), "{said}");
        for (precision, device, has) in [
            (Precision::Bfloat16, cpu, Some(true)),
            (Precision::Bfloat16, cpu, None),
            (Precision::Bfloat16, cuda, Some(false)),
            (Precision::Float32, cpu, Some(false)),
            (Precision::Float64, cpu, Some(false)),
        ] {
            assert_eq!(slowness(precision, device, has), None, "{precision:?} {device:?} {has:?}");
        }
    }

    #[test]
    fn bfloat16_is_read_from_what_the_system_says_of_its_processor() {
        let x86 = |flags: &str| {
            format!(
                "processor\t: 0\nbugs\t\t: none\nflags\t\t: fpu sse2 {flags}\n\nprocessor\t: 1\n"
            )
        };
        assert_eq!(tells_bfloat16(&x86("avx2")), Some(false));
        assert_eq!(tells_bfloat16(&x86("avx512f avx512_vnni")), Some(false));
        assert_eq!(tells_bfloat16(&x86("avx512f avx512_bf16")), Some(true));
        assert_eq!(tells_bfloat16(&x86("amx_bf16 amx_tile")), Some(true));
        assert_eq!(tells_bfloat16("Features\t: fp asimd bf16\n"), Some(true));
        assert_eq!(tells_bfloat16("Features\t: fp asimd\n"), Some(false));
        assert_eq!(tells_bfloat16("processor\t: 0\n"), None);
    }
}
