//! How much of a contrast between items a response has learned.

use ndarray::{Array2, ArrayView1, Axis};

use super::Curves;

/// Contrasts between the items of a balanced tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrasts {
    /// Labels of each level.
    levels: Vec<usize>,
    /// `[n_items, n_labels]`.
    targets: Array2<f64>,
}

/// Direction in responses, `[n_items, n_labels]`, along which a fraction is told.
pub type Direction = Array2<f64>;

/// Share of the targets' squares that is a rounding error.
const NOTHING: f64 = 1e-12;

impl Contrasts {
    /// Of a balanced tree with so many `levels` labels each, the last of which are its items; `None` for another.
    pub fn new(levels: &[usize]) -> Option<Contrasts> {
        let n_items = *levels.last()?;
        let divides = |pair: &[usize]| pair[0] > 0 && pair[1].is_multiple_of(pair[0]);
        if n_items == 0 || !levels.windows(2).all(divides) {
            return None;
        }
        let mut targets = Array2::zeros((n_items, levels.iter().sum()));
        let mut column = 0;
        for &nodes in levels {
            for item in 0..n_items {
                targets[[item, column + item * nodes / n_items]] = 1.0;
            }
            column += nodes;
        }
        Some(Contrasts { levels: levels.to_vec(), targets })
    }

    /// Between the nodes of a level, counted from 0, below one parent each: what the targets' means below its nodes have
    /// beyond the means below their parents.
    pub fn of_level(&self, level: usize) -> Direction {
        let parents = level.checked_sub(1).map_or(1, |above| self.levels[above]);
        self.means(self.levels[level]) - self.means(parents)
    }

    /// Targets averaged over the items below each of so many nodes.
    fn means(&self, nodes: usize) -> Array2<f64> {
        let size = self.targets.nrows() / nodes;
        Array2::from_shape_fn(self.targets.dim(), |(item, label)| {
            let first = item / size * size;
            (first..first + size).map(|other| self.targets[[other, label]]).sum::<f64>()
                / size as f64
        })
    }

    /// Along `weights` of the items, one each: the part `a a^T Y / ||a||^2` of the targets.
    pub fn between(&self, weights: &[f64]) -> Direction {
        let a = ArrayView1::from(weights);
        let labels = a.dot(&self.targets) / a.dot(&a);
        Array2::from_shape_fn(self.targets.dim(), |(item, label)| a[item] * labels[label])
    }

    /// Learned fraction along a direction, `<D, Yhat> / <D, Y>` with the mean response to each item: 0 without it, 1 at the
    /// targets; `[time]`. `None` where responses were not kept item by item, or targets have nothing along the direction, as on
    /// a level that splits nothing.
    pub fn fraction(&self, curves: &Curves, direction: &Direction) -> Option<Vec<f64>> {
        let items = curves.item_responses.as_ref()?;
        let whole = (direction * &self.targets).sum();
        if whole <= NOTHING * (&self.targets * &self.targets).sum() {
            return None;
        }
        let mut fractions = vec![0.0; curves.time.len()];
        for (weights, item) in direction.axis_iter(Axis(0)).zip(items) {
            for (weight, label) in weights.iter().zip(item) {
                for (fraction, response) in fractions.iter_mut().zip(label) {
                    *fraction += weight * response / whole;
                }
            }
        }
        Some(fractions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Curves of one moment with these responses.
    fn curves(responses: &Array2<f64>) -> Curves {
        let items = responses.rows().into_iter();
        let items = items.map(|row| row.iter().map(|&value| vec![value]).collect()).collect();
        Curves { time: vec![1.0], item_responses: Some(items), ..Curves::default() }
    }

    #[test]
    fn a_level_learned_alone_shows_in_its_own_fraction() {
        let contrasts = Contrasts::new(&[2, 4, 8]).unwrap();
        for level in 0..3 {
            let learned = 0.3 * contrasts.of_level(level) + 0.125;
            for other in 0..3 {
                let direction = contrasts.of_level(other);
                let fraction = contrasts.fraction(&curves(&learned), &direction).unwrap()[0];
                let expected = if level == other { 0.3 } else { 0.0 };
                assert!((fraction - expected).abs() < 1e-12, "{level} {other}: {fraction}");
            }
        }
        let all = contrasts.fraction(&curves(&contrasts.targets), &contrasts.of_level(2)).unwrap();
        assert!((all[0] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_top_split_is_a_contrast_between_halves() {
        let contrasts = Contrasts::new(&[2, 4]).unwrap();
        let halves = contrasts.between(&[1.0, 1.0, -1.0, -1.0]);
        assert!((halves - contrasts.of_level(0)).iter().all(|gap| gap.abs() < 1e-15));
        // Across the halves only the items' own labels tell: a quarter of the labels' squares by hand.
        let across = contrasts.between(&[1.0, -1.0, 1.0, -1.0]);
        assert!(across.slice(ndarray::s![.., ..2]).iter().all(|value| value.abs() < 1e-15));
    }

    #[test]
    fn a_level_that_splits_nothing_has_no_fraction() {
        // Every node of level 1 has one child: nothing differs below it.
        let contrasts = Contrasts::new(&[3, 3, 6]).unwrap();
        let direction = contrasts.of_level(1);
        assert_eq!(contrasts.fraction(&curves(&contrasts.targets), &direction), None);
    }

    #[test]
    fn uneven_trees_have_none() {
        assert_eq!(Contrasts::new(&[2, 3]), None);
        assert_eq!(Contrasts::new(&[]), None);
    }
}
