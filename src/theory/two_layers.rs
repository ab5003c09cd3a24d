//! Two linear layers from given weights on a config's task, by the exact solution, by integration, and by what fails: what claims
//! on the exact solution itself are decided by.

use anyhow::{Context, Result, ensure};
use ndarray::Array2;

use super::answer::Answer;
use super::covered_task;
use super::flow::{LayerStart, LinearFlow};
use super::reach::Reach;
use super::representation::{Representation, balance_errors};
use super::riccati::Riccati;
use crate::config::{Config, Loss};
use crate::decompositions::eigen;

/// Two layers without biases on white inputs.
#[derive(Debug, Clone)]
pub struct TwoLayers {
    riccati: Riccati,
    flow: LinearFlow,
    layers: [Array2<f64>; 2],
    variance: f64,
}

impl TwoLayers {
    /// From the weights `W_1` `[hidden, input]` and `W_2` `[output, hidden]`, with the balance lambda that the start was made for. It
    /// need not be that of the weights: then `exact` is wrong, and `balance_error` tells by how much.
    ///
    /// # Errors
    ///
    /// Where the task has no vectors, its loss is another than half the squared error, or its inputs are not white.
    pub fn new(config: &Config, layers: [Array2<f64>; 2], lambda: f64) -> Result<Self> {
        ensure!(
            config.training.loss == Loss::HalfSquaredError,
            "the exact solution of two layers is that of half-squared-error"
        );
        let (correlation, variance) = white_task(config)?;
        let task = covered_task(config, 2..=2)?;
        let inputs = task.item_means();
        let [first, second] = &layers;
        let riccati =
            Riccati::with_balance(&inputs, &correlation, (variance, lambda), [first, second]);
        let start = |weight: &Array2<f64>| LayerStart { weight: weight.clone(), bias: None };
        let answer = Answer::new(Loss::HalfSquaredError, task.level_columns());
        let (targets, probabilities) = (task.targets.clone(), task.probabilities.clone());
        let flow = LinearFlow::new(
            inputs,
            targets,
            probabilities,
            answer,
            layers.iter().map(start).collect(),
        );
        Ok(TwoLayers { riccati, flow, layers, variance })
    }

    /// d of `Sigma_x = d I`.
    pub fn input_variance(&self) -> f64 {
        self.variance
    }

    /// By the factored step (A1), at increasing times.
    pub fn exact(&self, times: &[f64]) -> Vec<Representation> {
        let mut weights = self.riccati.begin();
        let at = |&time: &f64| {
            self.riccati.advance(&mut weights, time);
            Representation::of(&self.riccati.layers(&weights).map(|layer| layer.weight))
        };
        times.iter().filter_map(at).collect()
    }

    /// The layers' own equations, integrated, at increasing times.
    ///
    /// # Errors
    ///
    /// If that needs too many steps.
    pub fn integrated(&self, times: &[f64]) -> Result<Vec<Representation>> {
        let mut solution = self.flow.begin();
        let at = |&time: &f64| {
            self.flow.advance(&mut solution, time)?;
            let layers: Vec<_> =
                self.flow.weights(&solution).into_iter().map(|layer| layer.weight).collect();
            Representation::of(&layers).context("there are two layers")
        };
        times.iter().map(at).collect()
    }

    /// By steps of `Q Q^T`, which let rounding create rank: a control.
    pub fn unfactored(&self, time: f64) -> Representation {
        self.riccati.unfactored(time)
    }

    /// What the exact solution ends in.
    pub fn end(&self) -> Representation {
        self.riccati.modes().end()
    }

    /// Which part of the map it reaches.
    pub fn reach(&self) -> Reach {
        self.riccati.modes().reach()
    }

    /// How far the weights are from the balance lambda.
    pub fn balance_error(&self, lambda: f64) -> f64 {
        balance_errors(&self.layers, lambda).into_iter().sum()
    }
}

/// `Sigma_yx` and d of a config's task, whose `Sigma_x` is `d I`.
fn white_task(config: &Config) -> Result<(Array2<f64>, f64)> {
    let task = covered_task(config, 1..=6)?;
    let inputs = task.item_means();
    let weighted = &inputs * &task.probabilities.view().insert_axis(ndarray::Axis(1));
    let covariance = weighted.t().dot(&inputs);
    let variance = covariance.diag().mean().context("inputs have values")?;
    let rest = &covariance - &(variance * Array2::<f64>::eye(covariance.nrows()));
    ensure!(
        rest.iter().all(|value| value.abs() <= 1e-10 * variance),
        "the exact solution of two layers takes white inputs: task.inputs one-hot, or gaussian without spread and shift"
    );
    Ok((task.input_output_correlation(), variance))
}

impl Representation {
    /// Largest difference of an entry of `Q Q^T`, which holds map and similarities, from another's.
    pub fn furthest_from(&self, other: &Representation) -> f64 {
        let pairs = self.tables().into_iter().zip(other.tables());
        let differences = pairs.flat_map(|((_, _, one), (_, _, two))| {
            one.iter().zip(two).map(|(a, b)| (a - b).abs()).collect::<Vec<_>>()
        });
        differences.fold(0.0, f64::max)
    }
}

/// What every lambda-balanced start comes to that learns its task wholly (A3), whatever its size: `W_1^T W_1`, `[input, input]`.
///
/// ```text
/// W_1^T W_1 = -lambda/2 I + (lambda^2/4 I + M^T M)^(1/2),   M = Sigma_yx / d;    (M^T M)^(1/2) at lambda = 0
/// ```
///
/// With lambda it is that of a map of full rank. Braun et al. 2022; for lambda own derivation.
///
/// # Errors
///
/// Where the task has no vectors, or inputs that are not white.
pub fn learned_similarity(config: &Config, lambda: f64) -> Result<Array2<f64>> {
    let (correlation, variance) = white_task(config)?;
    let map = correlation / variance;
    let (squares, vectors) = eigen(&map.t().dot(&map));
    let root = |square: f64| (square.max(0.0) + lambda * lambda / 4.0).sqrt() - lambda / 2.0;
    let scaled = &vectors * &squares.into_iter().map(root).collect::<ndarray::Array1<f64>>();
    Ok(scaled.dot(&vectors.t()))
}
