//! Do two numbers of each of many things rise together?

/// Spearman's rank correlation of pairs, those with the same value sharing their mean rank; `None` where one side does not vary.
pub fn rank_correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let (ones, others): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (ones, others) = (ranks(&ones), ranks(&others));
    let middle = (pairs.len() as f64 + 1.0) / 2.0;
    let product = |one: &[f64], other: &[f64]| -> f64 {
        std::iter::zip(one, other).map(|(a, b)| (a - middle) * (b - middle)).sum()
    };
    let sizes = product(&ones, &ones) * product(&others, &others);
    (sizes > 0.0).then(|| product(&ones, &others) / sizes.sqrt())
}

/// From 1 on; of equal values their mean.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&one, &other| values[one].total_cmp(&values[other]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for group in order.chunk_by(|&one, &other| values[one] == values[other]) {
        let rank = first as f64 + (group.len() as f64 + 1.0) / 2.0;
        group.iter().for_each(|&index| ranks[index] = rank);
        first += group.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_tell_order_alone_and_ties_share_theirs() {
        assert_eq!(ranks(&[3.0, -1.0, 3.0, 10.0]), [2.5, 1.0, 2.5, 4.0]);
        let rising: Vec<(f64, f64)> = (0..9).map(|k| (f64::from(k), f64::from(k).exp())).collect();
        assert!((rank_correlation(&rising).unwrap() - 1.0).abs() < 1e-15);
        let falling: Vec<(f64, f64)> = rising.iter().map(|(x, y)| (*x, -y)).collect();
        assert!((rank_correlation(&falling).unwrap() + 1.0).abs() < 1e-15);
        // By hand: ranks 1 2 3 4 and 1.5 1.5 4 3.
        let tied = [(1.0, 0.0), (2.0, 0.0), (3.0, 9.0), (4.0, 8.0)];
        assert!((rank_correlation(&tied).unwrap() - 3.5 / (5.0f64 * 4.5).sqrt()).abs() < 1e-15);
        assert_eq!(rank_correlation(&[(1.0, 2.0), (2.0, 2.0)]), None);
        assert_eq!(rank_correlation(&[]), None);
    }
}
