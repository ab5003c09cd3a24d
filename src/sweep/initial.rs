//! The weights that networks start from, as theory takes them.

use anyhow::{Context, Result};
use ndarray::{Array1, Array2};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use crate::config::Config;
use crate::model::{Network, Placement};
use crate::task::Task;
use crate::theory::LayerStart;

/// The initial weights that `train` draws with a seed, as theory takes them.
pub fn initial_layers(config: &Config, task: &Task, seed: u64) -> Result<Vec<LayerStart>> {
    let placement = Placement { device: Device::Cpu, weights: Kind::Double, compute: Kind::Double };
    let network =
        Network::new(&config.network, task, placement, &mut ChaCha8Rng::seed_from_u64(seed))?;
    let numbers = |tensor: &Tensor| Vec::<f64>::try_from(&tensor.detach().contiguous().view(-1));
    network
        .layers()
        .iter()
        .map(|layer| {
            let (rows, columns) =
                layer.weight.size2().context("theory covers network.kind: linear")?;
            let weight =
                Array2::from_shape_vec((rows as usize, columns as usize), numbers(&layer.weight)?)?;
            let bias = layer.bias.as_ref().map(numbers).transpose()?.map(Array1::from);
            Ok(LayerStart { weight, bias })
        })
        .collect()
}
