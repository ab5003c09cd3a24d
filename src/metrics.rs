//! How is a response judged? Pure functions of responses and targets: they cannot tell a network from a theory.
//!
//! Samples carry weights `p` that sum to 1; averages `<.>` are weighted by them. `ybar` is the OCS.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

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
    /// Mean response to the samples of each item, `[n_items, n_labels]`; `None` for very large trees.
    pub item_responses: Option<Array2<f64>>,
}

/// Above this many items times labels, responses are not kept item by item.
const MOST_ITEM_RESPONSES: usize = 4096;

impl Judge {
    /// A judge of responses to samples that belong to `items` (one number a sample) with `weights` (any positive scale).
    ///
    /// `item_targets` is `[n_items, n_labels]`, `ocs` `[n_labels]`; `levels` are the label columns of each level.
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
        let keeps_item_responses = item_targets.len() <= MOST_ITEM_RESPONSES;
        Judge { targets, weights, ocs, levels, items, item_targets, keeps_item_responses }
    }

    /// `V_target = <||y - <y>||^2>`.
    pub fn target_variance(&self) -> f64 {
        let mean = self.weights.dot(&self.targets);
        self.mean_square(&(&self.targets - &mean))
    }

    /// `||ybar||`.
    pub fn ocs_norm(&self) -> f64 {
        self.ocs.dot(&self.ocs).sqrt()
    }

    /// The OCS, `[n_labels]`.
    pub fn ocs(&self) -> &Array1<f64> {
        &self.ocs
    }

    /// `<||row||^2>`.
    fn mean_square(&self, rows: &Array2<f64>) -> f64 {
        self.weights.dot(&rows.map(|value| value * value).sum_axis(Axis(1)))
    }

    /// Judges `responses`, `[n_samples, n_labels]`.
    pub fn judge(&self, responses: ArrayView2<f64>) -> Judgement {
        let mean_response = self.weights.dot(&responses);
        let error = &mean_response - &self.ocs;
        let clipped = responses.map(|value| value.clamp(0.0, 1.0));
        let thresholded = responses.map(|value| if *value >= 0.5 { 1.0 } else { 0.0 });
        let rejected =
            |accepted: &Array2<f64>| self.per_level(|level| self.rate(accepted, level, false));
        let accepted =
            |accepted: &Array2<f64>| self.per_level(|level| self.rate(accepted, level, true));
        Judgement {
            mean_output_error: error.dot(&error).sqrt(),
            input_dependence: self.mean_square(&(&responses - &mean_response)),
            distance_to_ocs: self.mean_square(&(&responses - &self.ocs)),
            distance_to_targets: self.mean_square(&(&responses - &self.targets)),
            true_negative_rate: rejected(&clipped),
            true_positive_rate: accepted(&clipped),
            thresholded_true_negative_rate: rejected(&thresholded),
            thresholded_true_positive_rate: accepted(&thresholded),
            level_accuracy: self.per_level(|level| self.accuracy(responses, level)),
            item_responses: self.keeps_item_responses.then(|| self.item_responses(responses)),
            mean_response,
        }
    }

    fn per_level(&self, rate: impl Fn(&Range<usize>) -> Option<f64>) -> Vec<Option<f64>> {
        self.levels.iter().map(rate).collect()
    }

    /// Weighted mean, over pairs of a sample and a label of the level that is present (or absent), of how far the
    /// label is accepted (or rejected).
    fn rate(&self, accepted: &Array2<f64>, level: &Range<usize>, present: bool) -> Option<f64> {
        let (mut total, mut sum) = (0.0, 0.0);
        for (sample, &weight) in self.weights.iter().enumerate() {
            for label in level.clone() {
                if (self.targets[[sample, label]] == 1.0) == present {
                    let value = accepted[[sample, label]];
                    total += weight;
                    sum += weight * if present { value } else { 1.0 - value };
                }
            }
        }
        (total > 0.0).then(|| sum / total)
    }

    /// Samples without a label at this level (shallow leaves of an uneven tree) do not count.
    fn accuracy(&self, responses: ArrayView2<f64>, level: &Range<usize>) -> Option<f64> {
        let (mut total, mut right) = (0.0, 0.0);
        for (sample, &weight) in self.weights.iter().enumerate() {
            let Some(label) = level.clone().find(|&label| self.targets[[sample, label]] == 1.0)
            else {
                continue;
            };
            let best = level.clone().max_by(|&a, &b| {
                // Of equal responses the first wins, as in PyTorch's argmax.
                responses[[sample, a]].total_cmp(&responses[[sample, b]]).then(b.cmp(&a))
            });
            total += weight;
            right += if best == Some(label) { weight } else { 0.0 };
        }
        (total > 0.0).then(|| right / total)
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

/// Metrics over learning, one value an observation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Curves {
    /// Updates done; empty for a theory.
    pub step: Vec<u64>,
    /// `eta * step`.
    pub time: Vec<f64>,
    /// The training loss's form on these samples; empty for a theory that has none.
    pub loss: Vec<f64>,
    /// `M`.
    pub mean_output_error: Vec<f64>,
    /// `V`.
    pub input_dependence: Vec<f64>,
    /// `D_ocs`.
    pub distance_to_ocs: Vec<f64>,
    /// `D_target`.
    pub distance_to_targets: Vec<f64>,
    /// `[label][time]`.
    pub mean_response: Vec<Vec<f64>>,
    /// `[level][time]`, graded; `null` where undefined, as for the rates below.
    pub true_negative_rate: Vec<Vec<Option<f64>>>,
    /// `[level][time]`, graded.
    pub true_positive_rate: Vec<Vec<Option<f64>>>,
    /// `[level][time]`, at 0.5.
    pub thresholded_true_negative_rate: Vec<Vec<Option<f64>>>,
    /// `[level][time]`, at 0.5.
    pub thresholded_true_positive_rate: Vec<Vec<Option<f64>>>,
    /// `[level][time]`, forced choice.
    pub level_accuracy: Vec<Vec<Option<f64>>>,
    /// `[item][label][time]`; `null` for trees of more than 4,096 items times labels.
    pub item_responses: Option<Vec<Vec<Vec<f64>>>>,
    /// `[split][time]`: end-to-end strength of the constant (first) and of each level's contrasts (mean over the level's
    /// modes); linear networks on one vector per item and balanced trees, else `null`.
    pub mode_strengths: Option<Vec<Vec<f64>>>,
    /// `[layer][time]`: Frobenius norm of each layer's weights; empty for a theory.
    pub weight_norms: Vec<Vec<f64>>,
    /// `[layer][time]`: norm of each layer's bias, `null` for a layer without; empty for a theory.
    pub bias_norms: Vec<Vec<Option<f64>>>,
}

/// Appends one value to each row of a `[row][time]` table, making the rows at the first call.
fn append<T>(table: &mut Vec<Vec<T>>, values: impl IntoIterator<Item = T>) {
    for (index, value) in values.into_iter().enumerate() {
        if table.len() == index {
            table.push(Vec::new());
        }
        table[index].push(value);
    }
}

impl Curves {
    /// Appends a moment.
    pub fn push(&mut self, time: f64, judgement: &Judgement) {
        self.time.push(time);
        self.mean_output_error.push(judgement.mean_output_error);
        self.input_dependence.push(judgement.input_dependence);
        self.distance_to_ocs.push(judgement.distance_to_ocs);
        self.distance_to_targets.push(judgement.distance_to_targets);
        append(&mut self.mean_response, judgement.mean_response.iter().copied());
        append(&mut self.true_negative_rate, judgement.true_negative_rate.iter().copied());
        append(&mut self.true_positive_rate, judgement.true_positive_rate.iter().copied());
        append(
            &mut self.thresholded_true_negative_rate,
            judgement.thresholded_true_negative_rate.iter().copied(),
        );
        append(
            &mut self.thresholded_true_positive_rate,
            judgement.thresholded_true_positive_rate.iter().copied(),
        );
        append(&mut self.level_accuracy, judgement.level_accuracy.iter().copied());
        if let Some(responses) = &judgement.item_responses {
            let items =
                self.item_responses.get_or_insert_with(|| vec![Vec::new(); responses.nrows()]);
            for (item, row) in items.iter_mut().zip(responses.rows()) {
                append(item, row.iter().copied());
            }
        }
    }

    /// Appends what only a network has: its step, its loss and the norms of its layers.
    pub fn push_network(
        &mut self,
        step: u64,
        loss: f64,
        weight_norms: &[f64],
        bias_norms: &[Option<f64>],
    ) {
        self.step.push(step);
        self.loss.push(loss);
        append(&mut self.weight_norms, weight_norms.iter().copied());
        append(&mut self.bias_norms, bias_norms.iter().copied());
    }

    /// Appends mode strengths, `[split]`.
    pub fn push_mode_strengths(&mut self, strengths: &[f64]) {
        append(self.mode_strengths.get_or_insert_with(Vec::new), strengths.iter().copied());
    }

    /// Forgets every moment after `step`.
    pub fn truncate_after(&mut self, step: u64) {
        let kept = self.step.iter().take_while(|&&observed| observed <= step).count();
        let each = |table: &mut Vec<Vec<f64>>| table.iter_mut().for_each(|row| row.truncate(kept));
        let each_rate =
            |table: &mut Vec<Vec<Option<f64>>>| table.iter_mut().for_each(|row| row.truncate(kept));
        self.step.truncate(kept);
        for curve in [
            &mut self.time,
            &mut self.loss,
            &mut self.mean_output_error,
            &mut self.input_dependence,
            &mut self.distance_to_ocs,
            &mut self.distance_to_targets,
        ] {
            curve.truncate(kept);
        }
        each(&mut self.mean_response);
        each(&mut self.weight_norms);
        for table in [
            &mut self.true_negative_rate,
            &mut self.true_positive_rate,
            &mut self.thresholded_true_negative_rate,
            &mut self.thresholded_true_positive_rate,
            &mut self.level_accuracy,
            &mut self.bias_norms,
        ] {
            each_rate(table);
        }
        if let Some(strengths) = &mut self.mode_strengths {
            each(strengths);
        }
        for item in self.item_responses.iter_mut().flatten() {
            each(item);
        }
    }

    /// The smallest graded true negative rate of the top level, the diagnostic one.
    pub fn smallest_top_level_true_negative_rate(&self) -> Option<f64> {
        self.true_negative_rate.first()?.iter().flatten().copied().min_by(f64::total_cmp)
    }

    /// Index of the observation with the smallest distance to the OCS.
    pub fn closest_to_ocs(&self) -> Option<usize> {
        (0..self.distance_to_ocs.len())
            .min_by(|&a, &b| self.distance_to_ocs[a].total_cmp(&self.distance_to_ocs[b]))
    }
}

/// The early stretch in which responses are near the OCS.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Default)]
pub struct Phase {
    /// First time with `M <= q ||ybar||`; `null` if never.
    pub onset: Option<f64>,
    /// First time with `V >= q V_target`; `null` if never.
    pub end: Option<f64>,
    /// Whether there is an onset, and no end at or before it.
    pub exists: bool,
    /// `ln(end/onset)`, negative where the end comes first; `null` if either is missing or zero.
    pub log_ratio: Option<f64>,
}

impl Phase {
    /// The phase between two times.
    pub fn between(onset: Option<f64>, end: Option<f64>) -> Phase {
        let exists = match (onset, end) {
            (Some(onset), Some(end)) => onset < end,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let log_ratio = match (onset, end) {
            (Some(onset), Some(end)) if onset > 0.0 && end > 0.0 => Some((end / onset).ln()),
            _ => None,
        };
        Phase { onset, end, exists, log_ratio }
    }

    /// The phase that curves show, with threshold `q`; crossing times are interpolated between observations, linearly
    /// in the logarithms of time and value.
    pub fn of(curves: &Curves, threshold: f64, ocs_norm: f64, target_variance: f64) -> Phase {
        let error: Vec<f64> = curves
            .mean_output_error
            .iter()
            .map(|m| threshold * ocs_norm / m.max(f64::MIN_POSITIVE))
            .collect();
        let dependence: Vec<f64> =
            curves.input_dependence.iter().map(|v| v / (threshold * target_variance)).collect();
        Phase::between(
            first_reaching_one(&curves.time, &error),
            first_reaching_one(&curves.time, &dependence),
        )
    }
}

/// First time at which `value`, non-negative, reaches 1.
fn first_reaching_one(time: &[f64], value: &[f64]) -> Option<f64> {
    let index = value.iter().position(|&v| v >= 1.0)?;
    if index == 0 {
        return Some(time[0]);
    }
    let (t0, t1, v0, v1) = (time[index - 1], time[index], value[index - 1], value[index]);
    // Logarithms need positive numbers; the first interval starts at time 0.
    let (fraction, logarithmic) = if v0 > 0.0 {
        (-v0.ln() / (v1.ln() - v0.ln()), t0 > 0.0)
    } else {
        ((1.0 - v0) / (v1 - v0), t0 > 0.0)
    };
    Some(if logarithmic { t0 * (t1 / t0).powf(fraction) } else { t0 + fraction * (t1 - t0) })
}

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
        let n_items = item_targets.nrows();
        let mut coarser = Array2::from_elem((n_items, n_items), 1.0 / n_items as f64);
        let mut projectors = vec![coarser.clone()];
        for level in levels {
            // A level's labels are the indicators of its nodes.
            let nodes = item_targets.slice(ndarray::s![.., level.clone()]);
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

    /// Strengths `[split]` from item responses `[n_items, n_labels]` less the output bias.
    pub fn strengths(&self, responses: &Array2<f64>) -> Vec<f64> {
        self.readers.iter().map(|reader| (reader * responses).sum()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// Two items, one level.
    fn judge() -> Judge {
        let targets = array![[1.0, 0.0], [0.0, 1.0]];
        Judge::new(targets, vec![0, 1], &[1.0, 1.0], array![0.5, 0.5], vec![0..2])
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
            std::iter::once(0..1).collect(),
        );
        assert_eq!(judge.judge(array![[0.3], [0.3]].view()).true_negative_rate, [None]);
    }

    #[test]
    fn weights_count_samples_as_repetition_would() {
        let targets = array![[1.0, 0.0], [0.0, 1.0]];
        let ocs = array![0.75, 0.25];
        let responses = array![[0.7, 0.1], [0.2, 0.4]];
        let weighted =
            Judge::new(targets.clone(), vec![0, 1], &[3.0, 1.0], ocs.clone(), vec![0..2]);
        let repeated = Judge::new(targets, vec![0, 0, 0, 1], &[1.0; 4], ocs, vec![0..2]);
        let rows = responses.select(Axis(0), &[0, 0, 0, 1]);
        let (a, b) = (weighted.judge(responses.view()), repeated.judge(rows.view()));
        assert!((a.mean_output_error - b.mean_output_error).abs() < 1e-15);
        assert!((a.input_dependence - b.input_dependence).abs() < 1e-15);
        assert!(
            (a.true_negative_rate[0].unwrap() - b.true_negative_rate[0].unwrap()).abs() < 1e-15
        );
    }

    #[test]
    fn crossing_times_are_interpolated_in_logarithms() {
        let mut curves = Curves { time: vec![0.0, 1.0, 10.0, 100.0], ..Curves::default() };
        // M falls as 1/t, V grows as t.
        curves.mean_output_error = vec![9.0, 1.0, 0.1, 0.01];
        curves.input_dependence = vec![0.0, 0.001, 0.01, 0.1];
        let phase = Phase::of(&curves, 0.1, 0.5, 0.5);
        assert!((phase.onset.unwrap() - 20.0).abs() < 1e-9, "{phase:?}");
        assert!((phase.end.unwrap() - 50.0).abs() < 1e-9);
        assert!(phase.exists && (phase.log_ratio.unwrap() - 2.5f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn an_end_before_the_onset_is_no_phase() {
        assert!(!Phase::between(Some(2.0), Some(1.0)).exists);
        assert!(!Phase::between(None, Some(1.0)).exists);
        assert!(!Phase::between(Some(0.0), Some(0.0)).exists);
        assert!(Phase::between(Some(2.0), None).exists);
        assert_eq!(Phase::between(Some(2.0), None).log_ratio, None);
    }
}
