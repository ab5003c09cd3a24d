//! Which values dropout leaves out: a function of a run's seed and step, so that a run that goes on leaves out the same.

use std::ops::Range;

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use crate::model::{Network, from_host};

/// Most steps that are drawn at a time.
const STEPS_AHEAD: u64 = 64;
/// Most values that are drawn at a time, a byte each, but for one step's.
const VALUES_AHEAD: usize = 1 << 22;

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
    ahead: Option<Ahead>,
}

/// What is left out at several steps, so that no step waits for a copy from the host.
struct Ahead {
    steps: Range<u64>,
    n_samples: i64,
    /// For each layer 1 where a value is kept, else 0, `[n_steps, n_members, n_samples, n_inputs]` bytes on the device.
    kept: Vec<Tensor>,
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
            ahead: None,
        }
    }

    /// Factors of one step, with their layers: `[n_members, n_samples, n_inputs]`, 0 with the probability, else `1/(1 - p)`.
    pub fn factors(&mut self, step: u64, n_samples: i64) -> Vec<(usize, Tensor)> {
        if self.widths.is_empty() {
            return Vec::new();
        }
        let is_there = |ahead: &Ahead| ahead.steps.contains(&step) && ahead.n_samples == n_samples;
        let ahead = match self.ahead.take().filter(is_there) {
            Some(ahead) => ahead,
            None => self.draw(step, n_samples),
        };
        let index = (step - ahead.steps.start) as i64;
        let factors =
            |kept: &Tensor| kept.get(index).to_kind(self.format.0) / (1.0 - self.probability);
        let layers = self.widths.iter().map(|&(layer, _)| layer);
        let of_layers = layers.zip(ahead.kept.iter().map(factors)).collect();
        self.ahead = Some(ahead);
        of_layers
    }

    /// What is left out at a step and those after it.
    fn draw(&self, step: u64, n_samples: i64) -> Ahead {
        let n_values = |width: i64| (n_samples * width) as usize;
        let of_step: usize = self.widths.iter().map(|&(_, width)| n_values(width)).sum();
        let of_step = (of_step * self.seeds.len()).max(1);
        let n_steps = ((VALUES_AHEAD / of_step) as u64).clamp(1, STEPS_AHEAD);
        let steps = step..step + n_steps;
        let mut kept: Vec<Vec<u8>> = vec![Vec::new(); self.widths.len()];
        for step in steps.clone() {
            for &seed in &self.seeds {
                let mut generator = generator(seed, step);
                for (kept, &(_, width)) in kept.iter_mut().zip(&self.widths) {
                    let values = 0..n_values(width);
                    kept.extend(values.map(|_| u8::from(self.keeps(&mut generator))));
                }
            }
        }
        let placed = |(kept, &(_, width)): (&Vec<u8>, &(usize, i64))| {
            let size = [n_steps as i64, self.seeds.len() as i64, n_samples, width];
            from_host(kept).view(size).to_device(self.format.1)
        };
        let kept = kept.iter().zip(&self.widths).map(placed).collect();
        Ahead { steps, n_samples, kept }
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

    fn dropout(probability: f64, seeds: &[u64], width: i64) -> Dropout {
        let format = (Kind::Double, Device::Cpu);
        let widths = vec![(1, width), (2, 40)];
        Dropout { probability, seeds: seeds.to_vec(), widths, format, ahead: None }
    }

    fn values(dropout: &mut Dropout, step: u64, n_samples: i64) -> Vec<Vec<f64>> {
        let of_layers = dropout.factors(step, n_samples).into_iter();
        of_layers
            .map(|(_, factors)| Vec::try_from(&factors.contiguous().view(-1)).unwrap())
            .collect()
    }

    fn factors(probability: f64, seeds: &[u64], step: u64) -> Vec<Vec<f64>> {
        values(&mut dropout(probability, seeds, 50), step, 30)
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
    fn what_is_drawn_ahead_is_what_would_be_drawn_step_by_step() {
        let mut ahead = dropout(0.5, &[7, 8], 50);
        let drawn_from = |dropout: &Dropout| {
            dropout.ahead.as_ref().map(|ahead| (ahead.steps.start, ahead.n_samples))
        };
        // Steps in their order, one that a checkpoint goes back to, and others with more samples.
        let steps = (0..2 * STEPS_AHEAD + 3).chain([5, STEPS_AHEAD]);
        let asked = steps.map(|step| (step, 30)).chain([(6, 31), (7, 31)]);
        let mut drawn = Vec::new();
        for (step, n_samples) in asked {
            let alone = values(&mut dropout(0.5, &[7, 8], 50), step, n_samples);
            assert_eq!(values(&mut ahead, step, n_samples), alone, "step {step}");
            drawn.extend(drawn_from(&ahead));
        }
        drawn.dedup();
        assert_eq!(drawn, [(0, 30), (STEPS_AHEAD, 30), (2 * STEPS_AHEAD, 30), (5, 30), (6, 31)]);
        // What would take much memory is drawn for one step.
        let mut large = dropout(0.5, &[7], 1 << 18);
        large.factors(0, 20);
        assert_eq!(large.ahead.unwrap().steps, 0..1);
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
