//! Wide linear networks from the lazy start: gradient descent along each principal component of the inputs.
//!
//! One step of a network `W = W_L .. W_1` under half the squared error moves its map by
//!
//! ```text
//! W <- W - eta sum_l A_l (W Sigma_xx - Sigma_yx) B_l + O(eta^2)
//! A_l = (W_L .. W_(l+1)) (W_L .. W_(l+1))^T,   B_l = (W_(l-1) .. W_1)^T (W_(l-1) .. W_1)
//! ```
//!
//! Where every weight has variance 1/m at the start, A_l and B_l tend to the identity with the width m, to within
//! `2 sqrt(q (L - l) / m)` and `2 sqrt(K (l - 1) / m)` (spectral norm; q outputs, K inputs), and stay there while W moves by as much
//! as is to be learned. Columns of W along the principal components of the inputs, of variance d_j, then go their own ways, whatever
//! the targets: Hacohen and Weinshall (2022), whose second moments are sums over samples, and here are averages.

use anyhow::{Result, ensure};
use ndarray::{Array1, Array2, Axis};

use super::course::{Course, Moment};
use crate::config::{
    Bias, Config, Initialisation, Loss, NormalOverWidth, Orthogonal, TrainingConfig,
};
use crate::decompositions::eigen;
use crate::task::{Task, TaskInputs};

/// Variances below this share of the largest are rounding's.
const ROUNDING: f64 = 1e-12;
/// Widths below so many times the number of inputs, or of outputs, are not wide.
const LEAST_WIDTH: usize = 4;

/// Principal components of what is learned from, and the least-squares map along them.
#[derive(Debug, Clone)]
pub struct PrincipalComponents {
    /// d_j, descending.
    variances: Vec<f64>,
    /// `[input, component]`, orthonormal columns.
    axes: Array2<f64>,
    /// `w_opt,j = m_j / d_j`, `[output, component]`, with m_j the column of `Sigma_yx` along component j.
    optimum: Array2<f64>,
    /// Half the squared error of the least-squares map.
    least_loss: f64,
}

impl PrincipalComponents {
    /// Of the uncentred second moment of a task's training inputs. Components without variance are left out. Where it is diagonal,
    /// components are the inputs' own axes: of those that are equally large, in their order. `None` of images.
    pub fn new(task: &Task) -> Option<Self> {
        let TaskInputs::Vectors(inputs) = &task.inputs else { return None };
        let weighted = inputs * &task.probabilities.view().insert_axis(Axis(1));
        let (variances, axes) = decomposed(&weighted.t().dot(inputs));
        let along = task.input_output_correlation().dot(&axes);
        let optimum = &along / &Array1::from(variances.clone());
        let squares = (&task.targets * &task.targets).sum_axis(Axis(1));
        let explained = (&along * &optimum).sum();
        let least_loss = 0.5 * (task.probabilities.dot(&squares) - explained).max(0.0);
        Some(PrincipalComponents { variances, axes, optimum, least_loss })
    }

    /// d_j, descending.
    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    /// The least-squares map, `[output, component]`.
    pub fn optimum(&self) -> &Array2<f64> {
        &self.optimum
    }

    /// Columns of a map `[output, input]` along the components, `[output, component]`.
    pub fn of_map(&self, map: &Array2<f64>) -> Array2<f64> {
        map.dot(&self.axes)
    }

    /// `||w_j - w_opt,j||` of columns `[output, component]`.
    pub fn distances(&self, columns: &Array2<f64>) -> Vec<f64> {
        let off = columns - &self.optimum;
        off.columns().into_iter().map(|column| column.dot(&column).sqrt()).collect()
    }

    /// Half the squared error that is left at such distances, whatever the map (B3): `L_min + 1/2 sum_j d_j ||w_j - w_opt,j||^2`.
    pub fn loss(&self, distances: &[f64]) -> f64 {
        let left = |(variance, distance): (&f64, &f64)| variance * distance * distance;
        self.least_loss + 0.5 * std::iter::zip(&self.variances, distances).map(left).sum::<f64>()
    }
}

/// Eigenvalues above rounding, descending, and their vectors, one a column.
fn decomposed(moment: &Array2<f64>) -> (Vec<f64>, Array2<f64>) {
    let largest = moment.diag().iter().copied().fold(0.0, f64::max);
    let is_diagonal = moment
        .indexed_iter()
        .all(|((row, column), value)| row == column || value.abs() <= ROUNDING * largest);
    let (values, vectors) = match is_diagonal {
        true => (moment.diag().to_vec(), Array2::eye(moment.nrows())),
        false => eigen(moment),
    };
    let mut order: Vec<usize> =
        (0..values.len()).filter(|&index| values[index] > ROUNDING * largest).collect();
    // Differences of rounding leave an order as it is.
    let rounded = |index: &usize| (values[*index] / largest / ROUNDING).round();
    order.sort_by(|one, other| rounded(other).total_cmp(&rounded(one)));
    let kept = order.iter().map(|&index| values[index]).collect();
    (kept, vectors.select(Axis(1), &order))
}

/// How distances shrink: in steps of one size, or by the flow.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pace {
    /// By `1 - eta d_j L` a step.
    Steps(f64),
    /// As `exp(-L d_j t)`.
    Flow,
}

/// What an infinitely wide linear network of L layers learns along each component (B1), (B2):
///
/// ```text
/// w_j - w_opt,j  ->  lambda_j^s (w_j - w_opt,j),   lambda_j = 1 - eta d_j L   (gradient descent, s steps of eta)
///                    exp(-L d_j t)                                            (gradient flow; steps of several sizes)
/// t_j = ln 2 / (L d_j)                                                        half time of the flow
/// ```
///
/// One layer does exactly that, from any start. Of several: m well above inputs and outputs, `eta d_1 L < 1`, weights of variance
/// 1/m in every layer, and times at which layers have moved less than they are long; later, networks are faster, along small
/// components most.
#[derive(Debug, Clone)]
pub struct WideLinear {
    components: PrincipalComponents,
    n_layers: usize,
    pace: Pace,
}

impl WideLinear {
    /// Of as many layers as a config has, whether or not its start is the one that this is promised of.
    pub fn new(config: &Config, components: PrincipalComponents) -> Self {
        let TrainingConfig { learning_rate, schedule, .. } = &config.training;
        let pace = if schedule.is_constant() { Pace::Steps(*learning_rate) } else { Pace::Flow };
        WideLinear { components, n_layers: config.network.hidden.len() + 1, pace }
    }

    /// The components.
    pub fn components(&self) -> &PrincipalComponents {
        &self.components
    }

    /// Share of each component's distance that is left at a time, `lambda_j^(t / eta)`; NaN where a step overshoots and t is none.
    pub fn shares(&self, time: f64) -> Vec<f64> {
        let of_variance = |variance: &f64| {
            let rate = self.n_layers as f64 * variance;
            match self.pace {
                Pace::Flow => (-rate * time).exp(),
                Pace::Steps(size) => {
                    let (factor, steps) = (1.0 - size * rate, time / size);
                    let whole = steps.round();
                    // Times are sums of rates, and whole steps but for rounding.
                    let is_whole = (steps - whole).abs() < 1e-6 && whole < f64::from(i32::MAX);
                    if is_whole { factor.powi(whole as i32) } else { factor.powf(steps) }
                }
            }
        };
        self.components.variances.iter().map(of_variance).collect()
    }

    /// Columns `[output, component]` at a time from those at time 0 (B1).
    pub fn at(&self, start: &Array2<f64>, time: f64) -> Array2<f64> {
        let off = (start - &self.components.optimum) * &Array1::from(self.shares(time));
        off + &self.components.optimum
    }

    /// t_j, half times of the flow (B2).
    pub fn half_times(&self) -> Vec<f64> {
        let rate = |variance: &f64| self.n_layers as f64 * variance;
        let half = |variance| std::f64::consts::LN_2 / rate(variance);
        self.components.variances.iter().map(half).collect()
    }
}

/// Whether (B1) answers a config: a linear network without biases under half the squared error, of one layer or of wide orthogonal ones
/// on vectors that are drawn, or wide with weights of variance 1/m in every layer.
///
/// # Errors
///
/// If the start is made for wide networks, and is not that one.
pub fn is_followed_along_components(config: &Config, task: &Task) -> Result<bool> {
    let network = &config.network;
    if !network.kind.is_linear()
        || network.bias != Bias::None
        || config.training.loss != Loss::HalfSquaredError
        || matches!(task.inputs, TaskInputs::Images { .. })
    {
        return Ok(false);
    }
    let widest = LEAST_WIDTH * task.n_inputs().max(task.targets.ncols());
    let Initialisation::NormalOverWidth(start) = network.initialisation else {
        // Layers that keep lengths exactly, or the only one.
        let is_wide = network.hidden.iter().all(|&width| width >= widest);
        let is_orthogonal =
            network.initialisation == Initialisation::Orthogonal(Orthogonal { scale: 1.0 });
        let is_covered = network.hidden.is_empty()
            || (is_orthogonal && is_wide && network.layer_scales.is_empty());
        return Ok(is_covered && task.hierarchy.is_none());
    };
    ensure!(
        start == NormalOverWidth { std: 1.0 } && network.layer_scales.is_empty(),
        "wide linear networks are answered from network.initialisation normal-over-width: {{std: 1}} without network.layer_scales: from \
         other starts what they learn first is not set by their inputs alone, and the flow is integrated in all weights; ask it of a \
         narrower network with normal: {{std: ...}}"
    );
    ensure!(
        network.hidden.iter().all(|&width| width >= widest),
        "wide linear networks are answered from {LEAST_WIDTH} times as many hidden units as inputs and outputs on, here {widest}, not {}: \
         widen network.hidden, or write normal: {{std: {:.4}}}, from which the flow is integrated",
        network.hidden.first().copied().unwrap_or_default(),
        start.deviation(&network.hidden)
    );
    Ok(true)
}

/// (B1) from a network's map at the start, under the metrics of every theory.
#[derive(Debug, Clone)]
pub struct WideTheory {
    law: WideLinear,
    /// `[item, component]`, and what components do not reach of the first map's responses, `[item, output]`.
    inputs: Array2<f64>,
    rest: Array2<f64>,
    /// `[output, component]`.
    start: Array2<f64>,
}

impl WideTheory {
    /// From the map `[output, input]` at the start.
    ///
    /// # Errors
    ///
    /// Where a step overshoots along the largest component.
    pub fn new(config: &Config, task: &Task, map: &Array2<f64>) -> Result<Self> {
        let components = PrincipalComponents::new(task);
        let components = components.ok_or_else(|| anyhow::anyhow!("images have too many"))?;
        let law = WideLinear::new(config, components);
        let fastest =
            law.components.variances.first().copied().unwrap_or(0.0) * law.n_layers as f64;
        let rate = config.training.learning_rate;
        ensure!(
            rate * fastest < 1.0,
            "wide linear networks learn their inputs' largest component at a rate of {fastest:.3}, L times its variance: a step of \
             training.learning_rate {rate} overshoots; lower it below {:.1e}",
            1.0 / fastest
        );
        let inputs = task.item_means();
        let along = inputs.dot(&law.components.axes);
        let start = law.components.of_map(map);
        let rest = inputs.dot(&map.t()) - along.dot(&start.t());
        Ok(WideTheory { law, inputs: along, rest, start })
    }

    /// `[item, output]`.
    pub fn responses(&self, time: f64) -> Array2<f64> {
        self.inputs.dot(&self.law.at(&self.start, time).t()) + &self.rest
    }

    /// At time 0.
    pub fn begin(&self) -> WideCourse<'_> {
        WideCourse { theory: self, time: 0.0 }
    }
}

/// Where it stands.
#[derive(Debug, Clone)]
pub struct WideCourse<'a> {
    theory: &'a WideTheory,
    time: f64,
}

impl Course for WideCourse<'_> {
    type Answer = Moment;

    fn advance(&mut self, time: f64) -> Result<()> {
        self.time = time;
        Ok(())
    }

    fn answer(&self) -> Moment {
        let responses = self.theory.responses(self.time);
        Moment {
            time: self.time,
            without_output_bias: Some(responses.clone()),
            responses,
            mode_strengths: None,
        }
    }
}

/// `||A_l - I||` and `||B_l - I||` of each layer (spectral norms): how far its surroundings are from those of an infinitely wide
/// network, which learns as (B1) says.
pub fn gram_deviations(layers: &[Array2<f64>]) -> Vec<[f64; 2]> {
    let (Some(first), Some(last)) = (layers.first(), layers.last()) else { return Vec::new() };
    let mut below = Array2::eye(first.ncols());
    let mut deviations = Vec::with_capacity(layers.len());
    for layer in layers {
        deviations.push([0.0, from_identity(&below.t().dot(&below))]);
        below = layer.dot(&below);
    }
    let mut above = Array2::eye(last.nrows());
    for (layer, deviation) in layers.iter().zip(&mut deviations).rev() {
        deviation[0] = from_identity(&above.dot(&above.t()));
        above = above.dot(layer);
    }
    deviations
}

fn from_identity(square: &Array2<f64>) -> f64 {
    let (values, _) = eigen(square);
    values.into_iter().map(|value| (value - 1.0).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagonal_moment_keeps_the_inputs_own_axes_in_their_order() {
        let moment = Array2::from_diag(&ndarray::array![0.5, 2.0, 0.5 + 1e-14, 0.0]);
        let (variances, axes) = decomposed(&moment);
        assert_eq!(variances, [2.0, 0.5, 0.5 + 1e-14]);
        let places: Vec<usize> = axes
            .columns()
            .into_iter()
            .map(|column| column.iter().position(|value| *value == 1.0).unwrap())
            .collect();
        assert_eq!(places, [1, 0, 2]);
    }

    #[test]
    fn a_turned_moment_has_the_same_variances() {
        let (sin, cos) = 0.3f64.sin_cos();
        let turn = ndarray::array![[cos, -sin], [sin, cos]];
        let moment = turn.dot(&Array2::from_diag(&ndarray::array![3.0, 0.2])).dot(&turn.t());
        let (variances, axes) = decomposed(&moment);
        assert!((variances[0] - 3.0).abs() < 1e-14 && (variances[1] - 0.2).abs() < 1e-14);
        let back = axes.t().dot(&moment).dot(&axes);
        assert!(back[[0, 1]].abs() < 1e-14);
    }

    #[test]
    fn surroundings_of_orthogonal_layers_are_the_identity_and_of_doubled_ones_four() {
        let (sin, cos) = 0.7f64.sin_cos();
        let turn = ndarray::array![[cos, -sin], [sin, cos]];
        for [above, below] in gram_deviations(&[turn.clone(), turn.clone(), turn.clone()]) {
            assert!(above < 1e-14 && below < 1e-14);
        }
        let doubled = gram_deviations(&[turn.clone(), 2.0 * &turn, turn]);
        let expected = [[3.0, 0.0], [0.0, 0.0], [0.0, 3.0]];
        for (one, other) in doubled.iter().flatten().zip(expected.iter().flatten()) {
            assert!((one - other).abs() < 1e-13, "{doubled:?}");
        }
    }
}
