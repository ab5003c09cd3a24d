//! Do equal runs give equal bytes on a GPU too? libtorch is told to use deterministic algorithms alone, without TF32, and without
//! cuDNN's benchmark, which chooses algorithms by the clock.
//!
//! What networks here ask of a GPU, and how it answers then, by PyTorch's documentation of `use_deterministic_algorithms` and by
//! the sources of its kernels (no GPU was at hand to run it): convolutions and their gradients take cuDNN's deterministic
//! algorithms; products (`linear`, `matmul`, `bmm`, `baddbmm`) are deterministic with a workspace of fixed size, which
//! `CUBLAS_WORKSPACE_CONFIG` asks for; pooling in two dimensions is none of the operations that raise (three-dimensional,
//! adaptive and fractional pooling are), and since our windows do not overlap each pixel's gradient has one term, whatever adds
//! it; `index_select` is used forwards alone, on data that no gradient goes to; sums, norms and `prelu` reduce in a fixed order.
//! Nothing scatters, accumulates by index, or takes a histogram or a median. An operation that has no deterministic algorithm
//! ends a run with its name, rather than giving other bytes each time.

use std::ffi::{CStr, c_char, c_int};

use anyhow::{Result, anyhow, ensure};

/// Asks cuBLAS for a workspace of fixed size, without which its products are not deterministic.
pub const WORKSPACE: &str = "CUBLAS_WORKSPACE_CONFIG";

/// The sizes with which they are; the first is faster.
const DETERMINISTIC_WORKSPACES: [&str; 2] = [":4096:8", ":16:8"];

unsafe extern "C" {
    fn ocs_set_deterministic(on: c_int, problem: *mut *mut c_char) -> c_int;
    fn ocs_determinism(bits: *mut c_int, problem: *mut *mut c_char) -> c_int;
    fn ocs_build_settings(text: *mut *mut c_char, problem: *mut *mut c_char) -> c_int;
}

/// What libtorch may do that equal runs would differ by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Algorithms whose results depend on which thread comes first are not used.
    pub deterministic_algorithms: bool,
    /// Nor those of cuDNN.
    pub deterministic_cudnn: bool,
    /// cuDNN times its algorithms and takes the fastest.
    pub cudnn_benchmark: bool,
    /// Products of float32 are rounded to 10 bits on their way.
    pub tf32_products: bool,
    /// Convolutions likewise.
    pub tf32_convolutions: bool,
    /// New tensors are filled before they are written.
    pub fills_new_memory: bool,
}

impl Settings {
    /// Whether equal runs give equal bytes.
    pub fn are_deterministic(&self) -> bool {
        self.deterministic_algorithms
            && self.deterministic_cudnn
            && !self.cudnn_benchmark
            && !self.tf32_products
            && !self.tf32_convolutions
    }
}

/// Sets `CUBLAS_WORKSPACE_CONFIG`, unless it is set already.
///
/// # Safety
///
/// No other thread may run yet, and nothing may have been asked of a GPU.
pub unsafe fn ask_for_workspace() {
    if std::env::var_os(WORKSPACE).is_none() {
        // SAFETY: as the caller promised.
        unsafe { std::env::set_var(WORKSPACE, DETERMINISTIC_WORKSPACES[0]) };
    }
}

/// Makes sure that cuBLAS was asked for a workspace with which it is deterministic.
///
/// # Errors
///
/// If the environment asks for another; names the variable and the ways on.
pub fn ensure_workspace() -> Result<()> {
    is_deterministic_workspace(std::env::var(WORKSPACE).ok().as_deref())
}

fn is_deterministic_workspace(value: Option<&str>) -> Result<()> {
    ensure!(
        value.is_some_and(|value| DETERMINISTIC_WORKSPACES.contains(&value)),
        "{WORKSPACE} is {}, with which products on a GPU are not deterministic: unset it, set it to {}, or give --fast",
        value.map_or_else(|| "not set".to_owned(), |value| format!("'{value}'")),
        DETERMINISTIC_WORKSPACES.join(" or "),
    );
    Ok(())
}

/// Tells libtorch, for all threads of this process, to be deterministic, or to be as fast as it can.
///
/// # Errors
///
/// If libtorch refuses.
pub fn settle(deterministic: bool) -> Result<()> {
    // SAFETY: the function catches what libtorch throws.
    called(|problem| unsafe { ocs_set_deterministic(c_int::from(deterministic), problem) })
}

/// What libtorch is told.
///
/// # Errors
///
/// If libtorch does not say.
pub fn settings() -> Result<Settings> {
    let mut bits: c_int = 0;
    // SAFETY: writes one number, and catches what libtorch throws.
    called(|problem| unsafe { ocs_determinism(&raw mut bits, problem) })?;
    let has = |bit: c_int| bits & bit != 0;
    Ok(Settings {
        deterministic_algorithms: has(1),
        deterministic_cudnn: has(2),
        cudnn_benchmark: has(4),
        tf32_products: has(8),
        tf32_convolutions: has(16),
        fills_new_memory: has(32),
    })
}

/// How libtorch was built, in its own words.
///
/// # Errors
///
/// If libtorch does not say.
pub fn build_settings() -> Result<String> {
    let mut text: *mut c_char = std::ptr::null_mut();
    // SAFETY: writes a pointer to what is ours then, and catches what libtorch throws.
    called(|problem| unsafe { ocs_build_settings(&raw mut text, problem) })?;
    // SAFETY: as above.
    unsafe { taken(text) }.ok_or_else(|| anyhow!("libtorch does not tell how it was built"))
}

fn called(call: impl FnOnce(*mut *mut c_char) -> c_int) -> Result<()> {
    let mut problem: *mut c_char = std::ptr::null_mut();
    if call(&raw mut problem) == 0 {
        return Ok(());
    }
    // SAFETY: on failure it is null, or text that is ours.
    let problem = unsafe { taken(problem) };
    Err(anyhow!("libtorch: {}", problem.as_deref().unwrap_or("no memory")))
}

/// # Safety
///
/// `text` is null, or was allocated by `malloc` and is used by nobody else.
unsafe fn taken(text: *mut c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not null, ends with a zero, and is freed once.
    unsafe {
        let words = CStr::from_ptr(text).to_string_lossy().into_owned();
        libc::free(text.cast());
        Some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_that_is_not_deterministic_is_refused_with_the_ways_on() {
        assert!(is_deterministic_workspace(Some(":4096:8")).is_ok());
        assert!(is_deterministic_workspace(Some(":16:8")).is_ok());
        for value in [None, Some(""), Some(":0:0"), Some(":4096:2:16:8")] {
            let error = is_deterministic_workspace(value).unwrap_err().to_string();
            for part in [WORKSPACE, ":4096:8", "--fast"] {
                assert!(error.contains(part), "{value:?}: {error}");
            }
        }
    }

    #[test]
    fn libtorch_does_as_it_is_told_and_fills_no_memory_for_it() {
        settle(true).unwrap();
        let exact = settings().unwrap();
        assert!(exact.are_deterministic() && !exact.fills_new_memory, "{exact:?}");
        settle(false).unwrap();
        let fast = settings().unwrap();
        let wanted = Settings {
            deterministic_algorithms: false,
            deterministic_cudnn: false,
            cudnn_benchmark: true,
            tf32_products: true,
            tf32_convolutions: true,
            fills_new_memory: false,
        };
        assert_eq!(fast, wanted);
        settle(true).unwrap();
        assert_eq!(settings().unwrap(), exact);
    }

    #[test]
    fn libtorch_tells_how_it_was_built() {
        assert!(build_settings().unwrap().contains("PyTorch built with"));
    }
}
