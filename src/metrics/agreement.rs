//! Do two quantities of the same samples go together, and how surely?

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Pearson's r of pairs; `None` of fewer than two, or where one of them does not vary.
pub fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    if pairs.len() < 2 {
        return None;
    }
    let n = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    let (one, other) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let product = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        pairs.iter().map(|(x, y)| f(x - one, y - other)).sum()
    };
    let size = (product(&|x, _| x * x) * product(&|_, y| y * y)).sqrt();
    (size > 0.0).then(|| product(&|x, y| x * y) / size)
}

/// How often samples are drawn anew.
const DRAWS: usize = 200;

/// The interval that holds 95 % of a statistic when its pairs are drawn anew with replacement (percentile bootstrap), by a fixed
/// seed; `None` where the statistic is undefined of most draws.
pub fn bootstrap_interval(
    pairs: &[(f64, f64)],
    statistic: impl Fn(&[(f64, f64)]) -> Option<f64>,
) -> Option<[f64; 2]> {
    let mut generator = ChaCha8Rng::seed_from_u64(0);
    let n = pairs.len();
    let mut found: Vec<f64> = (0..if n < 2 { 0 } else { DRAWS })
        .filter_map(|_| {
            let drawn: Vec<(f64, f64)> =
                (0..n).map(|_| pairs[generator.random_range(0..n)]).collect();
            statistic(&drawn)
        })
        .collect();
    found.sort_by(f64::total_cmp);
    let at = |share: f64| found.get((share * (found.len() - 1) as f64).round() as usize).copied();
    if 2 * found.len() > DRAWS { Some([at(0.025)?, at(0.975)?]) } else { None }
}

/// The same values in an order that is drawn by a seed: what agrees with them then does so by chance.
pub fn shuffled(values: &[f64], seed: u64) -> Vec<f64> {
    let mut values = values.to_vec();
    values.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(of: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..1000).map(|x| (f64::from(x), of(f64::from(x)))).collect()
    }

    #[test]
    fn pairs_on_a_line_agree_whatever_its_slope_and_others_less() {
        assert!((correlation(&pairs(|x| 3.0 - 0.5 * x)).unwrap() + 1.0).abs() < 1e-12);
        assert!(correlation(&pairs(|x| (0.02 * x).exp())).unwrap() < 0.9);
        assert_eq!(correlation(&pairs(|_| 1.0)), None);
        assert_eq!(correlation(&[(1.0, 2.0)]), None);
    }

    #[test]
    fn an_interval_holds_the_value_and_is_narrower_of_more_pairs() {
        let noisy = pairs(|x| x + 500.0 * (((31.0 * x) % 10.0) / 10.0));
        let width = |pairs: &[(f64, f64)]| {
            let [low, high] = bootstrap_interval(pairs, correlation).unwrap();
            let r = correlation(pairs).unwrap();
            assert!(low < r && r < high, "{low} {r} {high}");
            high - low
        };
        let few: Vec<(f64, f64)> = noisy.iter().step_by(21).copied().collect();
        assert!(width(&noisy) < 0.5 * width(&few));
        assert_eq!(bootstrap_interval(&[(1.0, 1.0)], correlation), None);
    }

    #[test]
    fn shuffled_values_agree_by_chance() {
        let x: Vec<f64> = (0..1000).map(f64::from).collect();
        let pairs: Vec<(f64, f64)> = x.iter().copied().zip(shuffled(&x, 1)).collect();
        assert!(correlation(&pairs).unwrap().abs() < 0.1);
    }
}
