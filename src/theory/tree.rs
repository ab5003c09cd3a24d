//! The spectrum of a balanced tree's targets, and responses from learned fractions.

use ndarray::{Array2, s};

/// A balanced tree with branching `b_1 .. b_D`, equal frequencies and every node below the root a label.
#[derive(Debug, Clone, PartialEq)]
pub struct BalancedTree {
    /// `n_0 = 1, n_1 = b_1, n_2 = b_1 b_2, ...`: nodes of each level.
    nodes: Vec<usize>,
}

impl BalancedTree {
    /// `branching` as in a config; positive.
    pub fn new(branching: &[usize]) -> Self {
        let mut nodes = vec![1];
        for factor in branching {
            nodes.push(nodes[nodes.len() - 1] * factor);
        }
        BalancedTree { nodes }
    }

    /// D.
    pub fn n_levels(&self) -> usize {
        self.nodes.len() - 1
    }

    /// N, as the real number that formulas want.
    pub fn n_items(&self) -> f64 {
        self.nodes[self.n_levels()] as f64
    }

    /// Eigenvalue of `Y^T Y`, THEORY (1): `g_l = sum_{j >= l} m_j` with `m_j = N / n_j` leaves below a node of level j,
    /// for the contrasts of level l; for l = 0, the constant, the sum starts at j = 1, so `g_0 = g_1`.
    pub fn gain(&self, level: usize) -> f64 {
        self.nodes[level.max(1)..].iter().map(|&nodes| self.n_items() / nodes as f64).sum()
    }

    /// Number of orthogonal contrasts of a level: `n_l - n_{l-1}`; 1 for the constant, level 0.
    pub fn multiplicity(&self, level: usize) -> usize {
        if level == 0 { 1 } else { self.nodes[level] - self.nodes[level - 1] }
    }

    /// `beta = ||ybar|| = sqrt(g_0 / N)`.
    pub fn ocs_norm(&self) -> f64 {
        (self.gain(0) / self.n_items()).sqrt()
    }

    /// `V` from the learned fractions of levels 1 to D, THEORY (2b); `V_target` if all are 1.
    pub fn input_dependence(&self, contrasts: &[f64]) -> f64 {
        let sum: f64 = contrasts
            .iter()
            .enumerate()
            .map(|(index, f)| self.multiplicity(index + 1) as f64 * self.gain(index + 1) * f * f)
            .sum();
        sum / self.n_items()
    }

    /// Graded TNR of a level from learned fractions `[f_0, .., f_D]`, THEORY (2d), up to clipped negatives at the start;
    /// `None` if no label of the level is ever absent.
    pub fn true_negative_rate(&self, level: usize, fractions: &[f64]) -> Option<f64> {
        let n = self.nodes[level] as f64;
        if n == 1.0 {
            return None;
        }
        let contrasts: f64 =
            (1..=level).map(|j| fractions[j] * self.multiplicity(j) as f64 / (n - 1.0)).sum();
        Some(1.0 - (fractions[0] - contrasts) / n)
    }

    /// Graded TPR of a level from learned fractions, THEORY (2d).
    pub fn true_positive_rate(&self, level: usize, fractions: &[f64]) -> f64 {
        let contrasts: f64 = (1..=level).map(|j| fractions[j] * self.multiplicity(j) as f64).sum();
        (fractions[0] + contrasts) / self.nodes[level] as f64
    }

    /// Responses `[n_items, n_labels]` from learned fractions `[f_0, f_1, .., f_D]`, THEORY (2d):
    ///
    /// ```text
    /// yhat(item, node of level l) = (1/n_l) [ f_0 + sum_{j' <= min(j, l)} f_j' (n_j' - n_{j'-1}) - 1(j < l) f_{j+1} n_j ]
    /// ```
    ///
    /// where j is the level of the deepest node above (or equal to) both.
    pub fn responses(&self, fractions: &[f64]) -> Array2<f64> {
        let n_items = self.nodes[self.n_levels()];
        let mut responses = Array2::zeros((n_items, self.nodes[1..].iter().sum()));
        let mut column = 0;
        for level in 1..=self.n_levels() {
            let n_nodes = self.nodes[level];
            let values = self.responses_by_common_level(level, fractions);
            for item in 0..n_items {
                let mut row = responses.slice_mut(s![item, column..column + n_nodes]);
                // From the root down: the nodes of this level below each of the item's own ancestors.
                for (common, &value) in values.iter().enumerate() {
                    let below = n_nodes / self.nodes[common];
                    let ancestor = item / (n_items / self.nodes[common]);
                    row.slice_mut(s![ancestor * below..(ancestor + 1) * below]).fill(value);
                }
            }
            column += n_nodes;
        }
        responses
    }

    /// Responses of a node of level l, by the level of the common node.
    fn responses_by_common_level(&self, level: usize, fractions: &[f64]) -> Vec<f64> {
        let mut sum = fractions[0];
        (0..=level)
            .map(|common| {
                if common > 0 {
                    sum += fractions[common] * self.multiplicity(common) as f64;
                }
                let other_side = if common < level {
                    fractions[common + 1] * self.nodes[common] as f64
                } else {
                    0.0
                };
                (sum - other_side) / self.nodes[level] as f64
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_tree_has_the_known_spectrum() {
        let tree = BalancedTree::new(&[2, 2, 2]);
        assert_eq!((0..=3).map(|level| tree.gain(level)).collect::<Vec<_>>(), [7.0, 7.0, 3.0, 1.0]);
        assert_eq!((0..=3).map(|level| tree.multiplicity(level)).collect::<Vec<_>>(), [1, 1, 2, 4]);
        assert!((tree.ocs_norm().powi(2) - 7.0 / 8.0).abs() < 1e-15);
        assert!((tree.input_dependence(&[1.0, 1.0, 1.0]) - 17.0 / 8.0).abs() < 1e-15);
    }

    #[test]
    fn nothing_learned_is_zero_and_the_constant_alone_is_the_ocs() {
        let tree = BalancedTree::new(&[3, 2]);
        assert!(tree.responses(&[0.0; 3]).iter().all(|&value| value == 0.0));
        let ocs = tree.responses(&[1.0, 0.0, 0.0]);
        for row in ocs.rows() {
            assert!(row.iter().take(3).all(|value| (value - 1.0 / 3.0).abs() < 1e-15));
            assert!(row.iter().skip(3).all(|value| (value - 1.0 / 6.0).abs() < 1e-15));
        }
    }
}
