//! What correlations there would be by chance.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Permutations that are drawn, always the same.
const PERMUTATIONS: usize = 5000;

/// Pearson's r; `None` where one side does not vary.
pub fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let count = pairs.len() as f64;
    let (x, y) =
        pairs.iter().fold((0.0, 0.0), |(x, y), pair| (x + pair.0 / count, y + pair.1 / count));
    let product = |of: fn((f64, f64)) -> f64| -> f64 {
        pairs.iter().map(|pair| of((pair.0 - x, pair.1 - y))).sum()
    };
    let (xx, yy) = (product(|(x, _)| x * x), product(|(_, y)| y * y));
    (xx > 0.0 && yy > 0.0).then(|| product(|(x, y)| x * y) / (xx * yy).sqrt())
}

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
