//! Blocks of trials, judged as a network's responses are.

use ndarray::{Array2, Axis};
use serde::Serialize;

use crate::metrics::Judge;

use super::estimate::{Estimates, Sums};
use super::tree::Taught;
use super::trials::Trials;

/// One block of one participant: so many trials of one day, one after the other; the last of a day may have fewer.
///
/// Rates, accuracies and mean responses count every given response once. `mean_output_error_squared`, `input_dependence` and both
/// distances are estimates without bias of what the judge says of the participant's response probabilities (`estimate.rs`); `null`
/// where they are undefined.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Block {
    /// Day.
    pub day: u64,
    /// Number of its first trial, as the data have it.
    pub first_trial: u64,
    /// Trials, missed ones too.
    pub trials: usize,
    /// Trials without any response.
    pub missed: usize,
    /// Mean over absent labels of 1 - response, `[level]`.
    pub true_negative_rate: Vec<Option<f64>>,
    /// Mean over present labels of the response, `[level]`.
    pub true_positive_rate: Vec<Option<f64>>,
    /// Share of trials in which the strongest response of a level (the first of equals) is the right label's, `[level]`.
    pub level_accuracy: Vec<Option<f64>>,
    /// `[label]`.
    pub mean_response: Vec<Option<f64>>,
    /// `M^2`.
    pub mean_output_error_squared: Option<f64>,
    /// `V`.
    pub input_dependence: Option<f64>,
    /// `D_ocs`.
    pub distance_to_ocs: Option<f64>,
    /// `D_target`.
    pub distance_to_targets: Option<f64>,
    /// Trials of all days before its middle, at least 1/2: its place on the time axis.
    #[serde(skip)]
    pub time: f64,
    /// Which of the day's blocks it is, from 0.
    #[serde(skip)]
    pub of_day: usize,
    /// Its trials among all.
    #[serde(skip)]
    pub range: (usize, usize),
}

/// Blocks of `size` trials of one participant, whose trials are `own`.
pub fn blocks_of(
    trials: &Trials,
    own: std::ops::Range<usize>,
    taught: &Taught,
    size: usize,
) -> Vec<Block> {
    let start = own.start;
    let mut blocks = Vec::new();
    let mut day_start = own.start;
    for day in trials.trials[own].chunk_by(|one, other| one.day == other.day) {
        let mut first = day_start;
        day_start += day.len();
        let mut of_day = 0;
        while first < day_start {
            let end = (first + size).min(day_start);
            let block = block_of(trials, first..end, taught);
            let time = (first - start) as f64 + 0.5 * (end - first) as f64;
            blocks.push(Block { time, of_day, ..block });
            first = end;
            of_day += 1;
        }
    }
    blocks
}

/// Item and responses of each trial of a range.
pub fn responses_in(
    trials: &Trials,
    range: std::ops::Range<usize>,
) -> impl Iterator<Item = (usize, &[f64])> {
    range.map(|index| (trials.trials[index].item as usize, trials.responses(index)))
}

/// A judge of some trials, each of which counts once, and their responses.
fn judged(trials: &Trials, chosen: &[usize], taught: &Taught) -> (Judge, Array2<f64>) {
    let items: Vec<usize> =
        chosen.iter().map(|&index| trials.trials[index].item as usize).collect();
    let targets = taught.targets.select(Axis(0), &items);
    let responses = Array2::from_shape_fn((chosen.len(), taught.n_labels()), |(row, label)| {
        trials.responses(chosen[row])[label]
    });
    let weights = vec![1.0; chosen.len()];
    let rows = (0..chosen.len()).collect();
    let judge = Judge::new(targets, rows, &weights, taught.ocs.clone(), taught.levels.clone());
    (judge, responses)
}

fn block_of(trials: &Trials, range: std::ops::Range<usize>, taught: &Taught) -> Block {
    let chosen: Vec<usize> = range.clone().collect();
    let (judge, responses) = judged(trials, &chosen, taught);
    let judgement = judge.judge(responses.view());
    let first = trials.trials[range.start];
    let sums = Sums::of(taught, responses_in(trials, range.clone()));
    let estimates = sums.estimates(taught);
    let of = |value: fn(&Estimates) -> f64| estimates.as_ref().map(value);
    Block {
        day: first.day,
        first_trial: first.trial,
        trials: range.len(),
        missed: range.clone().filter(|&index| trials.is_missed(index)).count(),
        true_negative_rate: judgement.true_negative_rate,
        true_positive_rate: judgement.true_positive_rate,
        level_accuracy: judgement.level_accuracy,
        mean_response: mean_response(&responses),
        mean_output_error_squared: of(|estimates| estimates.mean_output_error_squared),
        input_dependence: of(|estimates| estimates.input_dependence),
        distance_to_ocs: of(|estimates| estimates.distance_to_ocs),
        distance_to_targets: of(|estimates| estimates.distance_to_targets),
        time: 0.0,
        of_day: 0,
        range: (range.start, range.end),
    }
}

/// Mean over the responses that were given, `[label]`.
pub fn mean_response(responses: &Array2<f64>) -> Vec<Option<f64>> {
    let mean = |column: ndarray::ArrayView1<f64>| {
        let given = column.iter().filter(|response| !response.is_nan());
        let (count, sum) =
            given.fold((0, 0.0), |(count, sum), response| (count + 1, sum + response));
        (count > 0).then(|| sum / f64::from(count))
    };
    responses.columns().into_iter().map(mean).collect()
}

/// The top level's true negative rate over each second trial of a block, from the first or the second on.
pub fn half_rate(
    trials: &Trials,
    (start, end): (usize, usize),
    taught: &Taught,
    from: usize,
) -> Option<f64> {
    let chosen: Vec<usize> = (start + from..end).step_by(2).collect();
    if chosen.is_empty() {
        return None;
    }
    let (judge, responses) = judged(trials, &chosen, taught);
    judge.judge(responses.view()).true_negative_rate.first().copied().flatten()
}
