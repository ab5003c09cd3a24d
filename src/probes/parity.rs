//! The odd and the even part of responses to symmetric inputs, and how strong the two groups of units are that make them.

use anyhow::{Context, Result};
use ndarray::{Array1, Array2};

use super::probe::Probe;
use crate::config::{Bias, Config};
use crate::record::{Record, Series};
use crate::task::{Task, TaskInputs};
use crate::theory::{Halves, passed_share};
use crate::train::{Layer, Snapshot, Wants};

/// Along `r = <y x> / |<y x>|`, for one output:
///
/// - `half_slopes`, `[time, half]`: `<f z> / <z^2>` over the inputs with `z = r.x > 0`, and over those with `z < 0`;
/// - `even_part`, `[time]`: root mean square of `(f(x) + f(-x))/2`, if the opposite of every input is one too;
///
/// and of bias-free networks of two layers, linear or (leaky) ReLU with `b = (1 + alpha)/2`:
///
/// - `odd_slope`, `[time]`: `b W_2 W_1 r`;
/// - `groups`, `[time, half]`: p and n, what units with positive and with negative output weights contribute (`Halves::of_weights`);
/// - `odd_part_error`, `[time]`: largest `|(f(x) - f(-x))/2 - b W_2 W_1 x|`, which is 0 but for rounding errors.
pub struct Parity {
    inputs: Array2<f64>,
    direction: Array1<f64>,
    /// Whether the second half of the inputs is the opposite of the first.
    is_mirrored: bool,
    /// b, if the network is bias-free and has two layers.
    share: Option<f64>,
}

impl Parity {
    /// Of a task with one output, each item a vector; `None` of others, and where targets have nothing to do with inputs.
    pub fn new(config: &Config, task: &Task) -> Option<Parity> {
        let TaskInputs::Vectors(inputs) = &task.inputs else { return None };
        let correlation = task.input_output_correlation();
        if correlation.nrows() != 1 {
            return None;
        }
        let correlation = correlation.row(0).to_owned();
        let norm = correlation.dot(&correlation).sqrt();
        let network = &config.network;
        let share = if network.kind.is_linear() {
            Some(1.0)
        } else {
            let slope = network.negative_slope().filter(|_| !network.kind.halves_images());
            slope.map(passed_share)
        };
        let is_covered =
            network.hidden.len() == 1 && network.bias == Bias::None && network.is_plain();
        (norm > 0.0).then(|| Parity {
            inputs: inputs.clone(),
            direction: correlation / norm,
            is_mirrored: task.is_mirrored(),
            share: share.filter(|_| is_covered),
        })
    }

    /// What a network of two layers says of the odd part: `b W_2 W_1 r`, its groups, and how far the odd part is from linear.
    fn of_two_layers(
        &self,
        share: f64,
        layers: &[Layer],
        responses: &Array1<f64>,
    ) -> Result<(f64, [f64; 2], Option<f64>)> {
        let [first, second] = layers else {
            anyhow::bail!("a network of two layers came with others")
        };
        let second = second.weight.row(0).to_owned();
        let map = second.dot(&first.weight) * share;
        let groups = Halves::of_weights(&first.weight, &second, &self.direction);
        let error = self.is_mirrored.then(|| {
            let (one, other) = halves(responses);
            let linear = self.inputs.dot(&map);
            let odd = (&one - &other) * 0.5;
            let off = std::iter::zip(&odd, &linear).map(|(odd, linear)| (odd - linear).abs());
            off.fold(0.0, f64::max)
        });
        Ok((map.dot(&self.direction), groups, error))
    }
}

/// Responses to the first half of the inputs, and to their opposites.
fn halves(responses: &Array1<f64>) -> (Array1<f64>, Array1<f64>) {
    let (one, other) = responses.view().split_at(ndarray::Axis(0), responses.len() / 2);
    (one.to_owned(), other.to_owned())
}

impl Probe for Parity {
    fn wants(&self, _step: u64) -> Wants {
        Wants { layers: self.share.is_some() }
    }

    fn see(&mut self, moment: &Snapshot, record: &mut Record) -> Result<()> {
        let responses = moment.evaluation.responses.column(0).to_owned();
        let step = moment.step;
        let one = || Series::new(&[], "1");
        let two = || Series::new(&[("half", 2)], "1");
        let along = self.inputs.dot(&self.direction);
        let slope = |sign: f64| {
            let of_half =
                || std::iter::zip(&along, &responses).filter(move |(z, _)| **z * sign > 0.0);
            let square: f64 = of_half().map(|(z, _)| z * z).sum();
            (square > 0.0).then(|| of_half().map(|(z, f)| z * f).sum::<f64>() / square)
        };
        record.series_mut("half_slopes", two).push(step, &[slope(1.0), slope(-1.0)])?;
        if self.is_mirrored {
            let (one_half, other) = halves(&responses);
            let even = (one_half + other) * 0.5;
            let size = (even.dot(&even) / even.len() as f64).sqrt();
            record.series_mut("even_part", one).push(step, &[Some(size)])?;
        }
        if let Some(share) = self.share {
            let layers = moment.layers.as_ref().context("a snapshot came without layers")?;
            let (slope, [p, n], error) = self.of_two_layers(share, layers, &responses)?;
            record.series_mut("odd_slope", one).push(step, &[Some(slope)])?;
            record.series_mut("groups", two).push(step, &[Some(p), Some(n)])?;
            if error.is_some() {
                record.series_mut("odd_part_error", one).push(step, &[error])?;
            }
        }
        Ok(())
    }
}
