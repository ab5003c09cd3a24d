//! Numbers of this program become tensors here and nowhere else (of `model` and `train`), so that a test can count how often.

use std::cell::Cell;

use ndarray::Array2;
use tch::Tensor;
use tch::kind::Element;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// A vector of such numbers on the CPU.
pub fn from_host<T: Element>(values: &[T]) -> Tensor {
    COUNT.set(COUNT.get() + 1);
    Tensor::from_slice(values)
}

/// A matrix as a float64 tensor on the CPU.
pub fn to_tensor(matrix: &Array2<f64>) -> Tensor {
    let values: Vec<f64> = matrix.iter().copied().collect();
    from_host(&values).view([matrix.nrows() as i64, matrix.ncols() as i64])
}

/// How often numbers became tensors on this thread. On a GPU each is a copy that the host waits for.
pub fn copies_from_host() -> u64 {
    COUNT.get()
}
