//! What the last hidden layer holds alike: cosines of items, by the similarities that probe `representations` leaves.

use crate::record::{Record, Series};

/// Similarities of items in the last hidden layer of a network; `None` without the probe.
fn last_hidden(run: &Record) -> Option<&Series> {
    let of_layer = |layer: usize| run.series.get(&format!("hidden_similarity_{layer}"));
    (1..).map_while(of_layer).last()
}

/// Steps at which they were watched.
pub(super) fn steps(run: &Record) -> &[u64] {
    last_hidden(run).map_or(&[], |series| &series.step)
}

/// `[item][other item]`, `S_ij / sqrt(S_ii S_jj)` at a moment, counted from 0; `None` where a similarity is undefined.
pub(super) fn cosines(run: &Record, moment: usize) -> Option<Vec<Vec<f64>>> {
    let series = last_hidden(run)?;
    let table = series.moment(moment)?;
    let items = *series.shape.first()?;
    let similarity = |one: usize, other: usize| table[one * items + other];
    let cosine = |one: usize, other: usize| {
        let size = (similarity(one, one)? * similarity(other, other)?).sqrt();
        (size > 0.0).then_some(similarity(one, other)? / size)
    };
    (0..items).map(|one| (0..items).map(|other| cosine(one, other)).collect()).collect()
}

/// Mean cosine of two different items at each moment.
pub(super) fn mean_cosines(run: &Record) -> Vec<Option<f64>> {
    let mean = |moment: usize| {
        let cosines = cosines(run, moment)?;
        let items = cosines.len() as f64;
        let sum: f64 = cosines.iter().flatten().sum();
        (items > 1.0).then(|| (sum - items) / (items * (items - 1.0)))
    };
    (0..steps(run).len()).map(mean).collect()
}

/// The first watched moment at or after the run's onset.
pub(super) fn after_onset(run: &Record) -> Option<usize> {
    let onset = run.config.step_at(run.phase.onset?);
    steps(run).iter().position(|&step| step as f64 >= onset)
}

/// By how much the mean cosine has grown at that moment.
pub(super) fn growth_until_onset(run: &Record) -> Option<f64> {
    let means = mean_cosines(run);
    Some(means[after_onset(run)?]? - (*means.first()?)?)
}

/// By how much it has grown from that moment to the last.
pub(super) fn growth_since_onset(run: &Record) -> Option<f64> {
    let means = mean_cosines(run);
    Some((*means.last()?)? - means[after_onset(run)?]?)
}

/// The largest growth at any moment.
pub(super) fn largest_growth(run: &Record) -> Option<f64> {
    let means: Option<Vec<f64>> = mean_cosines(run).into_iter().collect();
    let means = means?;
    let first = *means.first()?;
    means.into_iter().map(|mean| mean - first).reduce(f64::max)
}
