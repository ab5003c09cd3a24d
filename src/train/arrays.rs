//! Tensors as plain numbers.

use anyhow::{Result, bail};
use ndarray::Array2;
use tch::{Device, Kind, Tensor};

/// All values of a tensor, in float64.
pub fn to_vector(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(Vec::<f64>::try_from(
        &tensor.to_kind(Kind::Double).to_device(Device::Cpu).contiguous().view(-1),
    )?)
}

/// A tensor of two dimensions, in float64.
pub fn to_array(tensor: &Tensor) -> Result<Array2<f64>> {
    let [rows, columns] = tensor.size()[..] else {
        bail!("responses have {} dimensions, not 2", tensor.dim())
    };
    Ok(Array2::from_shape_vec((rows as usize, columns as usize), to_vector(tensor)?)?)
}
