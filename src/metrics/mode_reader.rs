//! Strengths of a linear network's modes, read off its responses.

use std::ops::Range;

use ndarray::Array2;

/// Reads the strengths of a linear network's modes off its responses, on a balanced tree with one vector per item.
///
/// The modes of a level are degenerate, so their mean strength is taken, which does not depend on their choice.
#[derive(Debug, Clone)]
pub struct ModeReader {
    /// One `[n_items, n_labels]` table a split: the constant first, then each level's contrasts.
    readers: Vec<Array2<f64>>,
}

impl ModeReader {
    /// `item_targets` is `[n_items, n_labels]` of a balanced tree; `input_variances` are those of the constant (as the
    /// first layer sees it, with its bias) and of all contrasts.
    pub fn new(
        item_targets: &Array2<f64>,
        levels: &[Range<usize>],
        input_variances: [f64; 2],
    ) -> Self {
        ModeReader::along(item_targets, item_targets, levels, input_variances)
    }

    /// The same for targets that are no labels, but made of a balanced tree's `item_labels` by one factor and constants for all items:
    /// the constant of smoothed labels points elsewhere than that of the labels.
    pub fn along(
        item_labels: &Array2<f64>,
        item_targets: &Array2<f64>,
        levels: &[Range<usize>],
        input_variances: [f64; 2],
    ) -> Self {
        let n_items = item_targets.nrows();
        let mut coarser = Array2::from_elem((n_items, n_items), 1.0 / n_items as f64);
        let mut projectors = vec![coarser.clone()];
        for level in levels {
            // A level's labels are the indicators of its nodes.
            let nodes = item_labels.slice(ndarray::s![.., level.clone()]);
            let finer = nodes.dot(&nodes.t()) * (level.len() as f64 / n_items as f64);
            projectors.push(&finer - &coarser);
            coarser = finer;
        }
        let readers = projectors
            .iter()
            .enumerate()
            .filter_map(|(split, projector)| {
                let multiplicity = projector.diag().sum();
                if multiplicity < 0.5 {
                    return None; // a level with one child per node splits nothing
                }
                let projected = projector.dot(item_targets);
                let gain = (&projected * item_targets).sum() / multiplicity;
                let variance = input_variances[split.min(1)] * n_items as f64;
                Some(projected / (multiplicity * (gain * variance).sqrt()))
            })
            .collect();
        ModeReader { readers }
    }

    /// The same, with signs by which these targets, `[n_items, n_labels]`, have positive strengths: they may be the tree's with
    /// another scale.
    pub fn towards(mut self, targets: &Array2<f64>) -> Self {
        for reader in &mut self.readers {
            if (&*reader * targets).sum() < 0.0 {
                reader.mapv_inplace(|value| -value);
            }
        }
        self
    }

    /// Strengths `[split]` from item responses `[n_items, n_labels]` less the output bias.
    pub fn strengths(&self, responses: &Array2<f64>) -> Vec<f64> {
        self.readers.iter().map(|reader| (reader * responses).sum()).collect()
    }
}
