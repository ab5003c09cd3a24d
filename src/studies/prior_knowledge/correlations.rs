//! What correlations there would be by chance.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::metrics::correlation;

/// Permutations that are drawn, always the same.
const PERMUTATIONS: usize = 5000;

/// A quantile of the correlation of first with second numbers of other pairs; `None` of fewer than four.
pub fn permuted_quantile(pairs: &[(f64, f64)], quantile: f64) -> Option<f64> {
    if pairs.len() < 4 {
        return None;
    }
    let mut generator = ChaCha8Rng::seed_from_u64(0);
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    let mut found = Vec::with_capacity(PERMUTATIONS);
    for _ in 0..PERMUTATIONS {
        order.shuffle(&mut generator);
        let other: Vec<(f64, f64)> =
            pairs.iter().zip(&order).map(|(pair, &other)| (pair.0, pairs[other].1)).collect();
        found.push(correlation(&other)?);
    }
    found.sort_by(f64::total_cmp);
    found.get((quantile * PERMUTATIONS as f64) as usize).copied()
}
