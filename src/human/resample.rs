//! Intervals and probabilities by drawing again: bootstrap over participants, sign flips, permutations. Everything is seeded.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Resamples of participants.
pub const BOOTSTRAPS: usize = 2000;
/// Draws of signs, where all of them would be more.
const FLIPS: u64 = 10_000;
/// Up to so many participants all signs are tried.
const EXACT: usize = 13;
/// Most permutations, and after how many at least as large values they stop.
const PERMUTATIONS: usize = 999;
const ENOUGH: usize = 50;

/// A generator of its own for each purpose of one seed.
pub fn random(seed: u64, purpose: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(purpose);
    random
}

/// Participants drawn with replacement, `BOOTSTRAPS` times.
pub struct Resamples {
    n: usize,
    draws: Vec<u32>,
}

impl Resamples {
    /// Of `n` participants.
    pub fn new(n: usize, seed: u64) -> Resamples {
        let mut random = random(seed, 1);
        let draws = match n {
            0 | 1 => Vec::new(),
            _ => (0..n * BOOTSTRAPS).map(|_| random.random_range(0..n as u32)).collect(),
        };
        Resamples { n, draws }
    }

    /// Each resample, as numbers of participants; none of fewer than two participants, who tell no spread.
    pub fn each(&self) -> impl Iterator<Item = &[u32]> {
        self.draws.chunks_exact(self.n.max(1))
    }

    /// The central 95 % of a statistic over resamples (the percentile interval); `None` if it is undefined for more than a
    /// twentieth of them.
    pub fn interval(&self, statistic: impl Fn(&[u32]) -> Option<f64>) -> Option<[f64; 2]> {
        let mut values: Vec<f64> = self.each().filter_map(statistic).collect();
        if self.draws.is_empty() || values.len() * 20 < BOOTSTRAPS * 19 {
            return None;
        }
        values.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| values[(share * (values.len() - 1) as f64).round() as usize];
        Some([at(0.025), at(0.975)])
    }

    /// The interval of the mean over participants, of those who have a value.
    pub fn interval_of_mean(&self, values: &[Option<f64>]) -> Option<[f64; 2]> {
        let all: Option<Vec<f64>> = values.iter().copied().collect();
        match all {
            // The usual case, which millions of draws make worth its lines.
            Some(all) => self.interval(|chosen| {
                let sum: f64 = chosen.iter().map(|&one| all[one as usize]).sum();
                Some(sum / chosen.len() as f64)
            }),
            None => {
                self.interval(|chosen| mean(chosen.iter().filter_map(|&one| values[one as usize])))
            }
        }
    }
}

/// Mean; `None` of nothing.
pub fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0usize, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / count as f64)
}

/// Probability of a mean at least as large if each participant's value were as likely to have the other sign: exact for few
/// participants, else by draws. `None` of nobody.
pub fn sign_flip(values: &[f64], seed: u64) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let observed: f64 = values.iter().sum();
    let size: f64 = values.iter().map(|value| value.abs()).sum();
    // Equal sums may differ in their last digits.
    let least = observed - 1e-9 * size;
    let sum_of = |signs: u64| -> f64 {
        let signed = values.iter().enumerate();
        signed.map(|(bit, value)| if signs >> bit & 1 == 1 { -value } else { *value }).sum()
    };
    if values.len() <= EXACT {
        let all = 1u64 << values.len();
        let count = (0..all).filter(|&signs| sum_of(signs) >= least).count();
        return Some(count as f64 / all as f64);
    }
    let mut random = random(seed, 2);
    let mut count = 0u64;
    for _ in 0..FLIPS {
        let flipped: f64 = values
            .chunks(64)
            .map(|chunk| {
                let signs: u64 = random.random();
                let signed = chunk.iter().enumerate();
                signed
                    .map(|(bit, value)| if signs >> bit & 1 == 1 { -value } else { *value })
                    .sum::<f64>()
            })
            .sum();
        count += u64::from(flipped >= least);
    }
    Some((count + 1) as f64 / (FLIPS + 1) as f64)
}

/// Probability of a value at least as large by chance, from draws that `next` makes: as many as tell a small one, and fewer where
/// it is plainly not (Besag and Clifford 1991, Sequential Monte Carlo p-values). `None` if a draw is undefined.
pub fn permuted(observed: f64, mut next: impl FnMut() -> Option<f64>) -> Option<f64> {
    let mut as_large = 0usize;
    for drawn in 1..=PERMUTATIONS {
        as_large += usize::from(next()? >= observed - 1e-12);
        if as_large == ENOUGH {
            return Some(as_large as f64 / drawn as f64);
        }
    }
    Some((as_large + 1) as f64 / (PERMUTATIONS + 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_few_are_all_tried() {
        // Of eight sums the observed one alone is as large.
        assert_eq!(sign_flip(&[1.0, 2.0, 3.0], 0), Some(1.0 / 8.0));
        assert_eq!(sign_flip(&[-1.0, -2.0], 0), Some(1.0));
        assert_eq!(sign_flip(&[0.0, 0.0], 0), Some(1.0));
        assert_eq!(sign_flip(&[], 0), None);
    }

    #[test]
    fn drawn_signs_agree_with_all_of_them() {
        let values: Vec<f64> = (0..EXACT).map(|i| 0.3 + ((i * 7) % 5) as f64 - 2.0).collect();
        let exact = sign_flip(&values, 0).unwrap();
        // A value of 0 more changes no probability, and asks for draws.
        let drawn = sign_flip(&[values, vec![0.0]].concat(), 3).unwrap();
        assert!((exact - drawn).abs() < 0.02, "{exact} {drawn}");
    }

    #[test]
    fn one_participant_has_no_interval() {
        assert_eq!(Resamples::new(1, 0).interval_of_mean(&[Some(1.0)]), None);
        let both = Resamples::new(2, 0).interval_of_mean(&[Some(1.0), Some(3.0)]).unwrap();
        assert_eq!(both, [1.0, 3.0]);
    }

    #[test]
    fn permutations_stop_where_chance_is_plain_and_go_on_where_it_is_not() {
        let mut drawn = 0;
        let p = permuted(0.0, || {
            drawn += 1;
            Some(1.0)
        });
        assert_eq!((p, drawn), (Some(1.0), ENOUGH));
        assert_eq!(permuted(2.0, || Some(1.0)), Some(0.001));
    }
}
