//! Which principal component of the inputs a sample needs to be told right by linear regression.

use anyhow::{Context, Result};
use ndarray::{Array1, Array2, Axis, s};

use crate::task::{Components, Task, TaskInputs};

/// The critical principal component of each evaluation sample: the smallest P such that the linear regression of targets on the first
/// P' components is right for **every** P' from P to `most`, counted from 1; `most + 1` if that on `most` of them is wrong. Of few
/// samples in many dimensions regressions on all components interpolate, and tell little of others: there `most` is to be smaller.
///
/// Components are uncorrelated over the training set, so that one regression holds all: with `s_k(x)` the score of an input on
/// component k, counted from the mean, and `d_k` its variance, `yhat_P(x) = ybar + sum_(k <= P) <(y - ybar) s_k> s_k(x) / d_k`.
/// Hacohen and Weinshall 2022 take the first P that is right; with few classes many samples are right at P = 1 by chance.
///
/// `is_right` tells of responses `[n_samples, n_labels]` which are right.
///
/// # Errors
///
/// If the task was made without components, or with fewer.
pub fn critical_components(
    task: &Task,
    most: usize,
    is_right: impl Fn(&Array2<f64>) -> Vec<bool>,
) -> Result<Vec<usize>> {
    let components = task.components.as_ref().context("a task was made without components")?;
    let components = &components.first(most, "projections")?;
    let ocs = task.ocs();
    let coefficients = regression(task, components, &ocs);
    let scores = components.scores(&evaluation_inputs(task));
    let mut responses = Array2::from_shape_fn((scores.nrows(), ocs.len()), |(_, label)| ocs[label]);
    let mut critical = vec![1; scores.nrows()];
    for (index, (along, of_labels)) in
        scores.columns().into_iter().zip(coefficients.rows()).enumerate()
    {
        for (mut response, score) in responses.rows_mut().into_iter().zip(along) {
            response.scaled_add(*score, &of_labels);
        }
        let component = index + 1;
        for (critical, is_right) in critical.iter_mut().zip(is_right(&responses)) {
            if !is_right {
                *critical = component + 1;
            }
        }
    }
    Ok(critical)
}

/// `<(y - ybar) s_k> / d_k`, `[n_components, n_labels]`: items suffice, since a target depends on the item alone.
fn regression(task: &Task, components: &Components, ocs: &Array1<f64>) -> Array2<f64> {
    let scores = components.scores(&task.item_means());
    let weighted = (&task.targets - ocs) * task.probabilities.view().insert_axis(Axis(1));
    scores.t().dot(&weighted) / components.variances.view().insert_axis(Axis(1))
}

/// `[n_samples, n_inputs]`.
fn evaluation_inputs(task: &Task) -> Array2<f64> {
    match &task.inputs {
        TaskInputs::Vectors(vectors) => {
            let first = if task.n_held_out() > 0 { task.n_samples() } else { 0 };
            vectors.slice(s![first.., ..]).to_owned()
        }
        TaskInputs::Images { test, preprocessor, .. } => {
            let count = test.n_samples();
            Array2::from_shape_vec((count, task.n_inputs()), preprocessor.inputs(test, 0..count))
                .expect("n_inputs values of each image")
        }
    }
}
