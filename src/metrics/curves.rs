//! Verdicts over learning, as records keep them.

use serde::{Deserialize, Serialize};

use super::Judgement;

/// Metrics over learning, one value an observation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Curves {
    /// Updates done; empty for a theory.
    pub step: Vec<u64>,
    /// The sum of these updates' rates: `eta * step` where they are one.
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

    /// Forgets mode strengths that not every moment has: in a run of several stretches the modes of one may not be known.
    pub fn drop_partial_mode_strengths(&mut self) {
        let moments = self.time.len();
        let is_whole = |rows: &Vec<Vec<f64>>| rows.iter().all(|row| row.len() == moments);
        self.mode_strengths = self.mode_strengths.take().filter(is_whole);
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

    /// Mean response of each label at a time, interpolated between observations, linearly in the logarithm of time;
    /// `None` outside of what was observed after time 0.
    pub fn mean_response_at(&self, time: f64) -> Option<Vec<f64>> {
        let after = self.time.iter().position(|&observed| observed >= time)?;
        let before = after.checked_sub(1).filter(|&before| self.time[before] > 0.0)?;
        let share = (time / self.time[before]).ln() / (self.time[after] / self.time[before]).ln();
        let between = |row: &Vec<f64>| {
            let (from, to) = (row.get(before)?, row.get(after)?);
            Some(from + share * (to - from))
        };
        self.mean_response.iter().map(between).collect()
    }

    /// Learned fraction of the constant in the whole response, output biases included, `[time]`:
    /// `<yhat> . ybar / ||ybar||^2`, 1 at the OCS `[label]`.
    pub fn constant_fraction(&self, ocs: &[f64]) -> Vec<f64> {
        let square: f64 = ocs.iter().map(|rate| rate * rate).sum();
        let mut fractions = vec![0.0; self.time.len()];
        for (row, rate) in self.mean_response.iter().zip(ocs) {
            for (fraction, response) in fractions.iter_mut().zip(row) {
                *fraction += response * rate / square;
            }
        }
        fractions
    }

    /// Largest distance between two responses to one item at one moment, over moments, items and labels; `None` where either has
    /// no responses item by item, they have other shapes, or one is no number.
    pub fn responses_apart(&self, other: &Curves) -> Option<f64> {
        let flat = |curves: &Curves| -> Option<Vec<f64>> {
            Some(curves.item_responses.as_ref()?.iter().flatten().flatten().copied().collect())
        };
        largest_distance(&flat(self)?, &flat(other)?)
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

/// Largest `|one - other|`; `None` for none, if they have other lengths, or if a value is no number.
pub fn largest_distance(one: &[f64], other: &[f64]) -> Option<f64> {
    let distances = std::iter::zip(one, other).map(|(one, other)| (one - other).abs());
    // `f64::max` would pass over what is no number.
    let largest = distances.max_by(f64::total_cmp)?;
    (one.len() == other.len() && largest.is_finite()).then_some(largest)
}
