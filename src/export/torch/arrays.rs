//! Arrays with names as the bytes of a safetensors file.

use anyhow::Result;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// One array, its last axis fastest.
pub struct Array {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Array {
    pub fn of_numbers(shape: &[usize], values: impl IntoIterator<Item = f64>) -> Self {
        let bytes = values.into_iter().flat_map(f64::to_le_bytes).collect();
        Array { dtype: Dtype::F64, shape: shape.to_vec(), bytes }
    }

    pub fn of_floats(shape: &[usize], values: impl IntoIterator<Item = f32>) -> Self {
        let bytes = values.into_iter().flat_map(f32::to_le_bytes).collect();
        Array { dtype: Dtype::F32, shape: shape.to_vec(), bytes }
    }

    pub fn of_bytes(shape: &[usize], bytes: Vec<u8>) -> Self {
        Array { dtype: Dtype::U8, shape: shape.to_vec(), bytes }
    }

    /// Of whole numbers in a row.
    pub fn of_indices(indices: &[usize]) -> Self {
        let bytes = indices.iter().flat_map(|&index| (index as i64).to_le_bytes()).collect();
        Array { dtype: Dtype::I64, shape: vec![indices.len()], bytes }
    }
}

/// The file's bytes.
///
/// # Errors
///
/// If a shape is not that of its bytes.
pub fn to_bytes(arrays: &[(&str, Array)]) -> Result<Vec<u8>> {
    let mut views = Vec::new();
    for (name, array) in arrays {
        views.push((*name, TensorView::new(array.dtype, array.shape.clone(), &array.bytes)?));
    }
    Ok(safetensors::serialize(views, None)?)
}
