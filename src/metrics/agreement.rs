//! Do two quantities of the same samples go together, and how surely?

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Pearson's r of pairs; `None` of fewer than two, of lists of unequal length, or where one of them does not vary.
pub fn correlation(ones: &[f64], others: &[f64]) -> Option<f64> {
    if ones.len() != others.len() || ones.len() < 2 {
        return None;
    }
    let n = ones.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / n;
    let (one, other) = (mean(ones), mean(others));
    let product = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        ones.iter().zip(others).map(|(x, y)| f(x - one, y - other)).sum()
    };
    let size = (product(&|x, _| x * x) * product(&|_, y| y * y)).sqrt();
    (size > 0.0).then(|| product(&|x, y| x * y) / size)
}

/// Spearman's correlation of ranks, likewise; equal values share the mean of their ranks.
pub fn rank_correlation(ones: &[f64], others: &[f64]) -> Option<f64> {
    correlation(&ranks(ones), &ranks(others))
}

/// Ranks from 0 on.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&one, &other| values[one].total_cmp(&values[other]));
    let mut ranks = vec![0.0; values.len()];
    for equal in order.chunk_by(|&one, &other| values[one] == values[other]) {
        let first = order.partition_point(|&index| values[index] < values[equal[0]]);
        let rank = first as f64 + (equal.len() - 1) as f64 / 2.0;
        equal.iter().for_each(|&index| ranks[index] = rank);
    }
    ranks
}

/// How often samples are drawn anew.
const DRAWS: usize = 1000;

/// The interval that holds 95 % of a statistic when its pairs are drawn anew with replacement (percentile bootstrap), by a fixed
/// seed; `None` where the statistic is undefined of most draws.
pub fn bootstrap_interval(
    ones: &[f64],
    others: &[f64],
    statistic: impl Fn(&[f64], &[f64]) -> Option<f64>,
) -> Option<[f64; 2]> {
    let mut generator = ChaCha8Rng::seed_from_u64(0);
    let n = ones.len().min(others.len());
    let mut found: Vec<f64> = (0..if n < 2 { 0 } else { DRAWS })
        .filter_map(|_| {
            let drawn: Vec<usize> = (0..n).map(|_| generator.random_range(0..n)).collect();
            let of = |values: &[f64]| -> Vec<f64> { drawn.iter().map(|&at| values[at]).collect() };
            statistic(&of(ones), &of(others))
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

    #[test]
    fn pairs_on_a_line_agree_whatever_its_slope_and_ranks_on_any_curve() {
        let x: Vec<f64> = (0..20).map(f64::from).collect();
        let line: Vec<f64> = x.iter().map(|x| 3.0 - 0.5 * x).collect();
        let curve: Vec<f64> = x.iter().map(|x| (0.4 * x).exp()).collect();
        assert!((correlation(&x, &line).unwrap() + 1.0).abs() < 1e-12);
        assert!((rank_correlation(&x, &curve).unwrap() - 1.0).abs() < 1e-12);
        assert!(correlation(&x, &curve).unwrap() < 0.9);
        assert_eq!(correlation(&x, &[1.0; 20]), None);
        assert_eq!(correlation(&x, &x[1..]), None);
    }

    #[test]
    fn equal_values_share_a_rank() {
        assert_eq!(ranks(&[2.0, 1.0, 2.0, 3.0, 2.0]), [2.0, 0.0, 2.0, 4.0, 2.0]);
    }

    #[test]
    fn an_interval_holds_the_value_and_is_narrower_of_more_pairs() {
        let pairs = |n: usize| -> (Vec<f64>, Vec<f64>) {
            let x: Vec<f64> = (0..n).map(|i| ((i * 7919) % n) as f64 / n as f64).collect();
            let y = x.iter().enumerate().map(|(i, x)| x + ((i * 31) % 10) as f64 / 10.0).collect();
            (x, y)
        };
        let of = |n: usize| {
            let (x, y) = pairs(n);
            let [low, high] = bootstrap_interval(&x, &y, correlation).unwrap();
            let r = correlation(&x, &y).unwrap();
            assert!(low < r && r < high, "{low} {r} {high}");
            high - low
        };
        assert!(of(1000) < 0.5 * of(50));
        assert_eq!(bootstrap_interval(&[1.0], &[1.0], correlation), None);
    }

    #[test]
    fn shuffled_values_agree_by_chance() {
        let x: Vec<f64> = (0..1000).map(f64::from).collect();
        assert!(correlation(&x, &shuffled(&x, 1)).unwrap().abs() < 0.1);
    }
}
