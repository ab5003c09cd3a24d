//! One moment's verdicts on responses.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

/// What responses are judged against. All rows are samples, all columns labels.
#[derive(Debug, Clone)]
pub struct Judge {
    targets: Array2<f64>,
    weights: Array1<f64>,
    ocs: Array1<f64>,
    levels: Vec<Range<usize>>,
    items: Vec<usize>,
    item_targets: Array2<f64>,
    keeps_item_responses: bool,
    /// Whether targets are labels, present or absent, or made of such; rates of others make no sense.
    has_labels: bool,
    /// The labels of which targets were made, if they are others.
    labels: Option<Array2<f64>>,
}

/// One moment's verdicts. A rate is `None` where it is undefined: no label of that level is absent (or present).
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// `M = ||<yhat> - ybar||`.
    pub mean_output_error: f64,
    /// `V = <||yhat - <yhat>||^2>`.
    pub input_dependence: f64,
    /// `D_ocs = <||yhat - ybar||^2> = M^2 + V`.
    pub distance_to_ocs: f64,
    /// `D_target = <||yhat - y||^2>`.
    pub distance_to_targets: f64,
    /// `<yhat>`, `[n_labels]`.
    pub mean_response: Array1<f64>,
    /// Graded: mean over absent labels of `1 - clip(yhat, 0, 1)`, one value a level.
    pub true_negative_rate: Vec<Option<f64>>,
    /// Graded: mean over present labels of `clip(yhat, 0, 1)`, one value a level.
    pub true_positive_rate: Vec<Option<f64>>,
    /// Fraction of absent labels with `yhat < 0.5`.
    pub thresholded_true_negative_rate: Vec<Option<f64>>,
    /// Fraction of present labels with `yhat >= 0.5`.
    pub thresholded_true_positive_rate: Vec<Option<f64>>,
    /// Forced choice: fraction of samples whose largest response within the level is the right label.
    pub level_accuracy: Vec<Option<f64>>,
    /// Mean response to the samples of each item, `[n_items, n_labels]`; `None` for very large trees, and without one.
    pub item_responses: Option<Array2<f64>>,
}

/// Weights, summed over pairs of a sample and a label of one level.
#[derive(Default)]
struct Tally {
    /// Of pairs whose label is absent, and how far those labels are rejected.
    absent: f64,
    rejected: f64,
    rejected_at_half: f64,
    /// Of pairs whose label is present, and how far those labels are accepted.
    present: f64,
    accepted: f64,
    accepted_at_half: f64,
    /// Of samples with a label at this level, and of those whose largest response is that label's.
    judged: f64,
    right: f64,
}

/// `part / whole`, undefined if there is no whole.
fn fraction(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// Above this many items times labels, responses are not kept item by item.
const MOST_ITEM_RESPONSES: usize = 4096;

impl Judge {
    /// A judge of responses to samples that belong to `items` (one number a sample) with `weights` (any positive scale).
    ///
    /// `item_targets` is `[n_items, n_labels]`, `ocs` `[n_labels]`; `levels` are the label columns of each level, none
    /// without a tree, and their rates are undefined where targets are other numbers than 0 and 1.
    pub fn new(
        item_targets: Array2<f64>,
        items: Vec<usize>,
        weights: &[f64],
        ocs: Array1<f64>,
        levels: Vec<Range<usize>>,
    ) -> Self {
        let total: f64 = weights.iter().sum();
        let weights = weights.iter().map(|weight| weight / total).collect();
        let targets = item_targets.select(Axis(0), &items);
        let keeps_item_responses = !levels.is_empty() && item_targets.len() <= MOST_ITEM_RESPONSES;
        let has_labels = item_targets.iter().all(|&target| target == 0.0 || target == 1.0);
        Judge {
            targets,
            weights,
            ocs,
            levels,
            items,
            item_targets,
            keeps_item_responses,
            has_labels,
            labels: None,
        }
    }

    /// The same, with rates and accuracies by these labels, `[n_items, n_labels]`, 0 or 1, of which targets are smoothed ones.
    pub fn rating_by(mut self, item_labels: Option<&Array2<f64>>) -> Self {
        if let Some(item_labels) = item_labels {
            self.has_labels = true;
            self.labels = Some(item_labels.select(Axis(0), &self.items));
        }
        self
    }

    /// `V_target = <||y - <y>||^2>`.
    pub fn target_variance(&self) -> f64 {
        let mean = self.weights.dot(&self.targets);
        self.mean_square_distance(self.targets.view(), |_| mean.view())
    }

    /// `||ybar||`.
    pub fn ocs_norm(&self) -> f64 {
        self.ocs.dot(&self.ocs).sqrt()
    }

    /// The OCS, `[n_labels]`.
    pub fn ocs(&self) -> &Array1<f64> {
        &self.ocs
    }

    /// Judges `responses`, `[n_samples, n_labels]`. One that was not given, as people leave some out, is no number: it belongs to
    /// no rate, its sample is asked for no largest response on its level, and means and distances over it are no numbers.
    pub fn judge(&self, responses: ArrayView2<f64>) -> Judgement {
        let mean_response = self.weights.dot(&responses);
        let error = &mean_response - &self.ocs;
        let tally = |level: &Range<usize>| match self.has_labels {
            true => self.tally(responses, level),
            false => Tally::default(),
        };
        let tallies: Vec<Tally> = self.levels.iter().map(tally).collect();
        let of = |rate: fn(&Tally) -> Option<f64>| tallies.iter().map(rate).collect();
        Judgement {
            mean_output_error: error.dot(&error).sqrt(),
            input_dependence: self.mean_square_distance(responses, |_| mean_response.view()),
            distance_to_ocs: self.mean_square_distance(responses, |_| self.ocs.view()),
            distance_to_targets: self
                .mean_square_distance(responses, |sample| self.targets.row(sample)),
            true_negative_rate: of(|tally| fraction(tally.rejected, tally.absent)),
            true_positive_rate: of(|tally| fraction(tally.accepted, tally.present)),
            thresholded_true_negative_rate: of(|tally| {
                fraction(tally.rejected_at_half, tally.absent)
            }),
            thresholded_true_positive_rate: of(|tally| {
                fraction(tally.accepted_at_half, tally.present)
            }),
            level_accuracy: of(|tally| fraction(tally.right, tally.judged)),
            item_responses: self.keeps_item_responses.then(|| self.item_responses(responses)),
            mean_response,
        }
    }

    /// `<||row - reference(sample)||^2>`.
    fn mean_square_distance<'a>(
        &self,
        rows: ArrayView2<f64>,
        reference: impl Fn(usize) -> ArrayView1<'a, f64>,
    ) -> f64 {
        let square = |(sample, row): (usize, ArrayView1<f64>)| {
            let difference = |(a, b): (&f64, &f64)| (a - b) * (a - b);
            self.weights[sample] * row.iter().zip(reference(sample)).map(difference).sum::<f64>()
        };
        rows.rows().into_iter().enumerate().map(square).sum()
    }

    /// Goes once through a level's columns.
    fn tally(&self, responses: ArrayView2<f64>, level: &Range<usize>) -> Tally {
        let columns = ndarray::s![.., level.clone()];
        let labels = self.labels.as_ref().unwrap_or(&self.targets).slice(columns);
        let responses = responses.slice(columns);
        let mut tally = Tally::default();
        for ((row, labels), &weight) in
            responses.rows().into_iter().zip(labels.rows()).zip(&self.weights)
        {
            let (mut best, mut label, mut is_whole) = (0, None, true);
            for (column, (&response, &present)) in row.iter().zip(labels).enumerate() {
                if response.is_nan() {
                    is_whole = false;
                    continue;
                }
                let (graded, at_half) =
                    (response.clamp(0.0, 1.0), if response >= 0.5 { 1.0 } else { 0.0 });
                if present == 1.0 {
                    tally.present += weight;
                    tally.accepted += weight * graded;
                    tally.accepted_at_half += weight * at_half;
                    label = label.or(Some(column));
                } else {
                    tally.absent += weight;
                    tally.rejected += weight * (1.0 - graded);
                    tally.rejected_at_half += weight * (1.0 - at_half);
                }
                // Of equal responses the first wins, as in PyTorch's argmax.
                if response > row[best] {
                    best = column;
                }
            }
            // Samples without a label at this level (shallow leaves of an uneven tree) are not asked.
            if label.is_some() && is_whole {
                tally.judged += weight;
                tally.right += if label == Some(best) { weight } else { 0.0 };
            }
        }
        tally
    }

    /// Mean response to each item's samples; an item without samples has zeros.
    fn item_responses(&self, responses: ArrayView2<f64>) -> Array2<f64> {
        let mut means = Array2::zeros(self.item_targets.dim());
        let mut totals = Array1::<f64>::zeros(means.nrows());
        for (sample, &item) in self.items.iter().enumerate() {
            means.row_mut(item).scaled_add(self.weights[sample], &responses.row(sample));
            totals[item] += self.weights[sample];
        }
        for (mut row, &total) in means.rows_mut().into_iter().zip(&totals) {
            if total > 0.0 {
                row /= total;
            }
        }
        means
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn one_level() -> Vec<Range<usize>> {
        vec![Range { start: 0, end: 2 }]
    }

    /// Two items, one level.
    fn judge() -> Judge {
        let targets = array![[1.0, 0.0], [0.0, 1.0]];
        Judge::new(targets, vec![0, 1], &[1.0, 1.0], array![0.5, 0.5], one_level())
    }

    #[test]
    fn the_ocs_itself_has_no_mean_error_and_no_input_dependence() {
        let judgement = judge().judge(array![[0.5, 0.5], [0.5, 0.5]].view());
        assert_eq!((judgement.mean_output_error, judgement.input_dependence), (0.0, 0.0));
        assert_eq!((judgement.distance_to_ocs, judgement.distance_to_targets), (0.0, 0.5));
        assert_eq!(judgement.true_negative_rate, [Some(0.5)]);
    }

    #[test]
    fn the_targets_are_perfect() {
        let judgement = judge().judge(array![[1.0, 0.0], [0.0, 1.0]].view());
        assert_eq!(judgement.distance_to_targets, 0.0);
        assert_eq!(judgement.input_dependence, judge().target_variance());
        assert_eq!(judgement.true_negative_rate, [Some(1.0)]);
        assert_eq!(judgement.thresholded_true_positive_rate, [Some(1.0)]);
        assert_eq!(judgement.level_accuracy, [Some(1.0)]);
    }

    #[test]
    fn a_response_by_hand() {
        let judgement = judge().judge(array![[0.6, 0.8], [-0.2, 1.4]].view());
        // Mean (0.2, 1.1), OCS (0.5, 0.5).
        assert!((judgement.mean_output_error - (0.09f64 + 0.36).sqrt()).abs() < 1e-15);
        assert!((judgement.input_dependence - (0.16 + 0.09)).abs() < 1e-15);
        // Absent labels: 0.8 and -0.2, clipped to 0; present: 0.6 and 1.4, clipped to 1.
        assert!((judgement.true_negative_rate[0].unwrap() - 0.6).abs() < 1e-15);
        assert!((judgement.true_positive_rate[0].unwrap() - 0.8).abs() < 1e-15);
        assert_eq!(judgement.thresholded_true_negative_rate, [Some(0.5)]);
        assert_eq!(judgement.level_accuracy, [Some(0.5)]);
    }

    #[test]
    fn a_rate_without_absent_labels_is_undefined() {
        let judge = Judge::new(
            array![[1.0], [1.0]],
            vec![0, 1],
            &[1.0, 1.0],
            array![1.0],
            vec![Range { start: 0, end: 1 }],
        );
        assert_eq!(judge.judge(array![[0.3], [0.3]].view()).true_negative_rate, [None]);
    }

    #[test]
    fn weights_count_samples_as_repetition_would() {
        let targets = array![[1.0, 0.0], [0.0, 1.0]];
        let ocs = array![0.75, 0.25];
        let responses = array![[0.7, 0.1], [0.2, 0.4]];
        let weighted =
            Judge::new(targets.clone(), vec![0, 1], &[3.0, 1.0], ocs.clone(), one_level());
        let repeated = Judge::new(targets, vec![0, 0, 0, 1], &[1.0; 4], ocs, one_level());
        let rows = responses.select(Axis(0), &[0, 0, 0, 1]);
        let (a, b) = (weighted.judge(responses.view()), repeated.judge(rows.view()));
        assert!((a.mean_output_error - b.mean_output_error).abs() < 1e-15);
        assert!((a.input_dependence - b.input_dependence).abs() < 1e-15);
        assert!(
            (a.true_negative_rate[0].unwrap() - b.true_negative_rate[0].unwrap()).abs() < 1e-15
        );
    }
}
