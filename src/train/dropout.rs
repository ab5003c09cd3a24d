//! Which values dropout leaves out: a function of a run's seed and step, so that a run that goes on leaves out the same.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use crate::model::{Network, from_host};

/// In front of a seed, so that no other generator of the run starts from the same key.
const KEY: &[u8; 8] = b"dropout\0";

/// Draws factors for the inputs of the layers that dropout concerns.
pub struct Dropout {
    probability: f64,
    /// Of each member.
    seeds: Vec<u64>,
    /// Layers, and how many inputs they have.
    widths: Vec<(usize, i64)>,
    format: (Kind, Device),
}

impl Dropout {
    /// Of runs with these seeds; draws nothing where nothing is left out.
    pub fn new(
        probability: f64,
        seeds: impl IntoIterator<Item = u64>,
        network: &Network,
        format: (Kind, Device),
    ) -> Self {
        Dropout {
            probability,
            seeds: seeds.into_iter().collect(),
            widths: network.dropped(),
            format,
        }
    }

    /// Factors of one step, with their layers: `[n_members, n_samples, n_inputs]`, 0 with the probability, else `1/(1 - p)`.
    pub fn factors(&self, step: u64, n_samples: i64) -> Vec<(usize, Tensor)> {
        let mut generators: Vec<ChaCha8Rng> = match self.widths.is_empty() {
            true => Vec::new(),
            false => self.seeds.iter().map(|&seed| generator(seed, step)).collect(),
        };
        let n_members = generators.len() as i64;
        let (kind, device) = self.format;
        let of_layer = |&(layer, width): &(usize, i64)| {
            let size = (n_samples * width) as usize;
            let mut kept: Vec<f32> = Vec::with_capacity(size * generators.len());
            for generator in &mut generators {
                kept.extend((0..size).map(|_| f32::from(u8::from(self.keeps(generator)))));
            }
            let kept = from_host(&kept).view([n_members, n_samples, width]);
            (layer, kept.to_kind(kind).to_device(device) / (1.0 - self.probability))
        };
        self.widths.iter().map(of_layer).collect()
    }

    fn keeps(&self, generator: &mut ChaCha8Rng) -> bool {
        f64::from(generator.next_u32()) >= self.probability * 4_294_967_296.0
    }
}

fn generator(seed: u64, step: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(KEY);
    key[8..16].copy_from_slice(&seed.to_le_bytes());
    let mut generator = ChaCha8Rng::from_seed(key);
    generator.set_stream(step);
    generator
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(probability: f64, seeds: &[u64], step: u64) -> Vec<Vec<f64>> {
        let format = (Kind::Double, Device::Cpu);
        let widths = vec![(1, 50), (2, 40)];
        let dropout = Dropout { probability, seeds: seeds.to_vec(), widths, format };
        let of_layers = dropout.factors(step, 30).into_iter();
        of_layers
            .map(|(_, factors)| Vec::try_from(&factors.contiguous().view(-1)).unwrap())
            .collect()
    }

    #[test]
    fn a_share_of_values_is_left_out_and_the_mean_of_factors_is_one() {
        for probability in [0.1, 0.5, 0.9] {
            let found = factors(probability, &[7, 8, 9], 3).concat();
            let n = found.len() as f64;
            assert!(
                found.iter().all(|&x| x == 0.0 || (x * (1.0 - probability) - 1.0).abs() < 1e-12)
            );
            let dropped = found.iter().filter(|&&x| x == 0.0).count() as f64;
            let deviation = (n * probability * (1.0 - probability)).sqrt();
            assert!((dropped - n * probability).abs() < 4.0 * deviation, "{dropped} of {n}");
        }
        assert!(factors(0.0, &[7], 3).concat().iter().all(|&factor| factor == 1.0));
    }

    #[test]
    fn what_is_left_out_follows_from_seed_and_step_alone() {
        let alone = factors(0.5, &[8], 3);
        assert_eq!(alone, factors(0.5, &[8], 3));
        assert!(alone != factors(0.5, &[8], 4) && alone != factors(0.5, &[9], 3));
        let beside = factors(0.5, &[7, 8], 3);
        for (alone, beside) in alone.iter().zip(&beside) {
            assert_eq!(alone[..], beside[alone.len()..]);
            assert!(alone[..] != beside[..alone.len()]);
        }
    }
}
