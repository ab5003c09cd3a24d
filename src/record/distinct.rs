//! Runs that differ by rounding alone are one run.

use super::Record;
use crate::metrics::norm;

/// Two runs whose curves differ by less than this share of their scale are one: rounding is all that sets them apart. Seeds
/// that draw anything differ by some 1e-4 at least.
const SAME: f64 = 1e-5;

impl Record {
    /// Whether another run of the same condition did the same, but for rounding: from an aligned start in full batch all seeds
    /// do.
    pub fn is_same_run(&self, other: &Record) -> bool {
        let near = |one: &[f64], other: &[f64], scale: f64| {
            one.len() == other.len()
                && std::iter::zip(one, other).all(|(a, b)| (a - b).abs() <= SAME * scale)
        };
        let (one, two) = (&self.curves, &other.curves);
        self.condition == other.condition
            && self.status == other.status
            && one.step == two.step
            && near(&one.mean_output_error, &two.mean_output_error, norm(&self.ocs))
            && near(&one.input_dependence, &two.input_dependence, self.target_variance)
    }

    /// Equal for equal runs, near for nearly equal ones.
    fn signature(&self) -> f64 {
        self.curves.mean_output_error.iter().sum()
    }
}

/// Those of the runs that are not another one again, in their order. The evidence of runs that differ by rounding alone is that
/// of one.
pub fn distinct_runs(records: Vec<Record>) -> Vec<Record> {
    let mut order: Vec<usize> = (0..records.len()).collect();
    let key = |index: &usize| (&records[*index].condition, records[*index].signature());
    order.sort_by(|a, b| {
        let ((one, at_one), (two, at_two)) = (key(a), key(b));
        one.cmp(two).then(at_one.total_cmp(&at_two)).then(a.cmp(b))
    });
    // Of a chain of equal runs the one that comes first in the list is kept.
    let mut kept = vec![false; records.len()];
    for chain in order.chunk_by(|&a, &b| records[a].is_same_run(&records[b])) {
        kept[chain.iter().copied().min().unwrap_or_default()] = true;
    }
    records.into_iter().zip(kept).filter_map(|(record, kept)| kept.then_some(record)).collect()
}
