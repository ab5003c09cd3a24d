//! Linear networks without biases on images, from the data's second moments alone.
//!
//! Under full-batch gradient flow on the half squared error such a network sees nothing of the data but `Sigma_x = <x x^T>`
//! and `Sigma_yx = <y x^T>`; its mean response is `W xbar`, and `<||yhat||^2> = tr(W Sigma_x W^T)`. So onset and end
//! follow from matrices whose size does not depend on the number of samples, and no image is touched along the flow.
//! All is written in the eigenvectors `w_a` of Sigma_x; what a start has outside of their span reaches no response.

use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::ensure_gradient_descent;
use super::flow::{LayerStart, MOST_STEPS};
use super::gram::Gram;
use super::integrate::Integrator;
use crate::config::{Bias, Config, Loss};
use crate::decompositions::{orthonormal_columns, singular_vectors};
use crate::task::Task;

/// Everything of a data set that learning depends on.
#[derive(Debug, Clone)]
pub struct Moments {
    /// Sigma_x, diagonalised.
    pub gram: Gram,
    /// `Sigma_yx`, `[n_labels, n_inputs]`.
    correlation: Array2<f64>,
    /// `Sigma_yx w_a`, `[n_labels, n_kept]`.
    projected_correlation: Array2<f64>,
    /// `xbar . w_a`, `[n_kept]`.
    mean: Array1<f64>,
    /// Mean inputs of the items, likewise, `[n_items, n_kept]`.
    items: Array2<f64>,
    /// `ybar`.
    ocs: Array1<f64>,
    /// `<||y||^2>`.
    squared_targets: f64,
}

impl Moments {
    /// The training set's moments; the cost is `Gram`'s.
    ///
    /// # Errors
    ///
    /// `Gram`'s.
    pub fn new(task: &Task) -> Result<Self> {
        Ok(Moments::of_gram(task, Gram::new(task)?))
    }

    /// The training set's moments, of which the second are diagonalised.
    pub fn of_gram(task: &Task, gram: Gram) -> Self {
        let correlation = task.input_output_correlation();
        let squares = (&task.targets * &task.targets).sum_axis(Axis(1));
        Moments {
            projected_correlation: correlation.dot(&gram.directions.t()),
            mean: gram.directions.dot(&gram.mean),
            items: task.item_means().dot(&gram.directions.t()),
            ocs: task.ocs(),
            squared_targets: task.probabilities.dot(&squares),
            correlation,
            gram,
        }
    }

    /// `V_target = <||y||^2> - ||ybar||^2`.
    pub fn target_variance(&self) -> f64 {
        self.squared_targets - self.ocs.dot(&self.ocs)
    }

    /// What a whole network `W w_a`, `[n_labels, n_kept]`, makes of the training set.
    fn answer(&self, time: f64, weights: &Array2<f64>) -> ImageAnswer {
        let squared = (weights * weights * &self.gram.variances).sum();
        let mean_response = weights.dot(&self.mean);
        let error = &mean_response - &self.ocs;
        let agreement = (weights * &self.projected_correlation).sum();
        let mean_output_error = error.dot(&error).sqrt();
        let input_dependence = (squared - mean_response.dot(&mean_response)).max(0.0);
        ImageAnswer {
            time,
            mean_output_error,
            input_dependence,
            distance_to_ocs: mean_output_error * mean_output_error + input_dependence,
            distance_to_targets: self.squared_targets - 2.0 * agreement + squared,
            item_responses: self.items.dot(&weights.t()),
            mean_response,
        }
    }
}

/// What a network in theory makes of the training images at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageAnswer {
    /// t.
    pub time: f64,
    /// `M`.
    pub mean_output_error: f64,
    /// `V`.
    pub input_dependence: f64,
    /// `M^2 + V`.
    pub distance_to_ocs: f64,
    /// `<||yhat - y||^2>`.
    pub distance_to_targets: f64,
    /// `<yhat>`, `[n_labels]`.
    pub mean_response: Array1<f64>,
    /// Mean response to each item's images, `[n_items, n_labels]`.
    pub item_responses: Array2<f64>,
}

/// Answers at the times asked for, and when the phase begins and ends among them.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageCourse {
    /// One for each time.
    pub answers: Vec<ImageAnswer>,
    /// First time with `M <= q ||ybar||`; `None` if not by the last time.
    pub onset: Option<f64>,
    /// First time with `V >= q V_target`, likewise.
    pub end: Option<f64>,
}

/// What theory says of a linear network of one or two layers on images.
#[derive(Debug, Clone)]
pub struct ImageTheory {
    moments: Arc<Moments>,
    solution: Solution,
    /// What the answer is good for.
    pub validity: String,
}

#[derive(Debug, Clone)]
enum Solution {
    /// One layer, which starts at `W w_a`, `[n_labels, n_kept]`.
    Shallow(Array2<f64>),
    /// `W_1 w_a`, `[width, n_kept]`, and `W_2`, `[n_labels, width]`, at time 0.
    TwoLayers(Array2<f64>, Array2<f64>),
}

/// A start is small if the root mean square of its responses is below this share of the targets': then what of it does not
/// lie along the singular directions has decayed or been outgrown before anything is learned.
const SMALL: f64 = 0.01;

/// Error per step, relative to the weights and to the largest initial one: times of onset and end are good to 1e-6.
const TOLERANCE: f64 = 1e-9;

/// Relative error of onset and end as roots.
const ROOT: f64 = 1e-9;

/// Whether a config is covered.
///
/// # Errors
///
/// The reason why not.
pub fn ensure_images_are_covered(config: &Config) -> Result<()> {
    ensure_gradient_descent(config)?;
    let n_layers = config.network.hidden.len() + 1;
    ensure!(
        n_layers <= 2,
        "theory covers linear networks of one or two layers on images, not {n_layers}: give at most one width in \
         network.hidden"
    );
    ensure!(
        config.network.bias == Bias::None,
        "theory covers images without biases: network.bias none, not {}",
        config.network.bias.name()
    );
    ensure!(
        config.training.loss == Loss::HalfSquaredError,
        "theory covers images under squared error: training.loss half-squared-error"
    );
    Ok(())
}

impl ImageTheory {
    /// The theory of one network from its initial weights; `start` names them.
    ///
    /// One layer is solved exactly. Two layers are integrated: from a small start (responses below 1 % of the targets),
    /// from its projection on the singular directions of Sigma_yx; from a larger one, from all of it, which is exact.
    ///
    /// # Errors
    ///
    /// If a config is not covered.
    pub fn new(
        config: &Config,
        moments: Arc<Moments>,
        layers: &[LayerStart],
        start: &str,
    ) -> Result<Self> {
        ensure_images_are_covered(config)?;
        let exact = format!("exact for the gradient flow from {start}");
        let (solution, validity) = match layers {
            [only] => (Solution::Shallow(in_directions(&moments, &only.weight)), exact),
            [first, second] => {
                let (w1, w2) = (in_directions(&moments, &first.weight), second.weight.clone());
                let weights = w2.dot(&w1);
                let squared = (&weights * &weights * &moments.gram.variances).sum();
                if squared > SMALL * SMALL * moments.squared_targets {
                    (Solution::TwoLayers(w1, w2), exact)
                } else {
                    let (w1, w2) = projected(&moments, &first.weight, &second.weight);
                    let validity = format!(
                        "the gradient flow from {start}, of which the part along the {} singular directions of Sigma_yx is \
                         kept: onset and end within 0.2 % for small weights",
                        w1.nrows()
                    );
                    (Solution::TwoLayers(w1, w2), validity)
                }
            }
            _ => bail!("theory covers one or two layers on images, not {}", layers.len()),
        };
        Ok(ImageTheory { moments, solution, validity })
    }

    /// The moments.
    pub fn moments(&self) -> &Moments {
        &self.moments
    }

    /// Whether the answer is a closed form (or else an integrated flow).
    pub fn is_closed_form(&self) -> bool {
        match self.solution {
            Solution::Shallow(_) => true,
            Solution::TwoLayers(..) => false,
        }
    }

    /// Answers at `times` (increasing), with onset and end at the phase's threshold: crossings that `times` show, located
    /// between them to relative 1e-9.
    ///
    /// # Errors
    ///
    /// If an integration needs too many steps, or responses are not finite.
    pub fn course(&self, times: &[f64], threshold: f64) -> Result<ImageCourse> {
        let moments = &*self.moments;
        let error = threshold * moments.ocs.dot(&moments.ocs).sqrt();
        let dependence = threshold * moments.target_variance();
        let (mut onset, mut end) = (None, None);
        let mut answers: Vec<ImageAnswer> = Vec::with_capacity(times.len());
        let mut before = self.begin();
        for &time in times {
            let mut now = before.clone();
            now.advance(moments, time)?;
            let answer = moments.answer(time, &now.weights(moments));
            ensure!(
                answer.distance_to_targets.is_finite(),
                "theory's responses are not finite at time {time}: lower network.initialisation"
            );
            let begun = |answer: &ImageAnswer| answer.mean_output_error <= error;
            let ended = |answer: &ImageAnswer| answer.input_dependence >= dependence;
            for (crossing, reached) in [
                (&mut onset, &begun as &dyn Fn(&ImageAnswer) -> bool),
                (&mut end, &ended as &dyn Fn(&ImageAnswer) -> bool),
            ] {
                if crossing.is_none() && reached(&answer) {
                    *crossing = Some(first_between(moments, &before, time, reached)?);
                }
            }
            answers.push(answer);
            before = now;
        }
        Ok(ImageCourse { answers, onset, end })
    }

    fn begin(&self) -> Moving<'_> {
        match &self.solution {
            Solution::Shallow(start) => Moving::Shallow { start, time: 0.0 },
            Solution::TwoLayers(w1, w2) => {
                let state = w1.iter().chain(w2).copied().collect();
                let integrator = Integrator::with_tolerance(state, TOLERANCE);
                Moving::TwoLayers { integrator, width: w1.nrows() }
            }
        }
    }
}

/// `W w_a`, `[n_outputs, n_kept]`.
fn in_directions(moments: &Moments, weight: &Array2<f64>) -> Array2<f64> {
    weight.dot(&moments.gram.directions.t())
}

/// The part of a small start that grows, in as few hidden units as it needs.
///
/// ```text
/// A' = s B, B' = s A   for   A = W_1 v, B = W_2^T u:   Z = (W_1 V + W_2^T U) / 2 grows as e^(s t), the rest shrinks
/// Q_0 = [V Z^T; U Z^T]:   W_1(0) = Z V^T, W_2(0) = U Z^T
/// ```
///
/// over all singular directions `u, s, v` of Sigma_yx (of a tree with 8 items, 8). Hidden units are then turned so that
/// only `rank Z` of them are used, which changes no response. THEORY sections 5 and 6; there within 0.13 % of gradient
/// descent in onset and end, from weights of standard deviation 1e-3.
fn projected(
    moments: &Moments,
    first: &Array2<f64>,
    second: &Array2<f64>,
) -> (Array2<f64>, Array2<f64>) {
    // Of the transpose, for which the small matrix of labels is diagonalised.
    let (v, u) = singular_vectors(&moments.correlation.t().to_owned());
    let z = 0.5 * (first.dot(&v) + second.t().dot(&u));
    let r = orthonormal_columns(&z).t().dot(&z);
    let w1 = r.dot(&in_directions(moments, &v.t().to_owned()));
    (w1, u.dot(&r.t()))
}

/// A solution on its way.
#[derive(Debug, Clone)]
enum Moving<'a> {
    Shallow { start: &'a Array2<f64>, time: f64 },
    TwoLayers { integrator: Integrator, width: usize },
}

impl Moving<'_> {
    fn time(&self) -> f64 {
        match self {
            Moving::Shallow { time, .. } => *time,
            Moving::TwoLayers { integrator, .. } => integrator.time(),
        }
    }

    fn advance(&mut self, moments: &Moments, until: f64) -> Result<()> {
        match self {
            Moving::Shallow { time, .. } => *time = until,
            Moving::TwoLayers { integrator, width } => {
                let width = *width;
                let rate =
                    |_, state: &[f64], rate: &mut [f64]| rate_of(moments, width, state, rate);
                integrator.advance_until_settled(until, &rate, &|_| false, MOST_STEPS);
                ensure!(
                    integrator.time() >= until,
                    "the flow needs more than {MOST_STEPS} steps to reach time {until}: ask for earlier times \
                     (training.steps)"
                );
            }
        }
        Ok(())
    }

    /// The whole network, `W w_a`, `[n_labels, n_kept]`.
    fn weights(&self, moments: &Moments) -> Array2<f64> {
        match self {
            Moving::Shallow { start, time } => spectral(moments, start, *time),
            Moving::TwoLayers { integrator, width } => {
                let (w1, w2) = layers(moments, *width, integrator.state());
                w2.dot(&w1)
            }
        }
    }
}

/// One layer under the flow, exactly: every direction by itself.
///
/// ```text
/// W w_a (t) = (1 - e^(-kappa_a t)) Sigma_yx w_a / kappa_a + e^(-kappa_a t) W(0) w_a
/// ```
///
/// From W(0) = 0 this is `M(t) = ||sum_a (r . v_a) (1 - e^(-kappa_a t)) Y_p v_a - ybar||` and `V(t) = sum_a (1 -
/// e^(-kappa_a t))^2 ||Y_p v_a||^2 - ||mean||^2`, THEORY section 7.
fn spectral(moments: &Moments, start: &Array2<f64>, time: f64) -> Array2<f64> {
    let kappa = &moments.gram.variances;
    // (1 - e^(-x)) / x without cancellation.
    let learned = kappa.mapv(|kappa| -(-kappa * time).exp_m1() / kappa);
    let left = kappa.mapv(|kappa| (-kappa * time).exp());
    &moments.projected_correlation * &learned + start * &left
}

/// `W_1 w_a` and `W_2` of a flat state.
fn layers<'a>(
    moments: &Moments,
    width: usize,
    state: &'a [f64],
) -> (ArrayView2<'a, f64>, ArrayView2<'a, f64>) {
    let (n_labels, n_kept) = moments.projected_correlation.dim();
    let (first, second) = state.split_at(width * n_kept);
    let shaped = "as long as the start's";
    (
        ArrayView2::from_shape((width, n_kept), first).expect(shaped),
        ArrayView2::from_shape((n_labels, width), second).expect(shaped),
    )
}

/// The flow of two layers: `W_1' = W_2^T E`, `W_2' = E W_1^T` with `E = Sigma_yx - W_2 W_1 Sigma_x`, in the eigenvectors of
/// Sigma_x, where a product with it is one with its eigenvalues.
fn rate_of(moments: &Moments, width: usize, state: &[f64], rate: &mut [f64]) {
    let (w1, w2) = layers(moments, width, state);
    let error = &moments.projected_correlation - w2.dot(&w1) * &moments.gram.variances;
    let change = [w2.t().dot(&error), error.dot(&w1.t())];
    for (place, value) in rate.iter_mut().zip(change.iter().flatten()) {
        *place = *value;
    }
}

/// First time in `(before, time]` at which `reached`, which holds at `time`; 0 if it holds at the start.
fn first_between(
    moments: &Moments,
    before: &Moving,
    time: f64,
    reached: &dyn Fn(&ImageAnswer) -> bool,
) -> Result<f64> {
    let holds = |moving: &Moving| reached(&moments.answer(moving.time(), &moving.weights(moments)));
    let (mut low, mut high) = (before.clone(), time);
    if holds(&low) {
        return Ok(low.time());
    }
    while high - low.time() > ROOT * high {
        let middle = 0.5 * (low.time() + high);
        let mut moving = low.clone();
        moving.advance(moments, middle)?;
        if holds(&moving) { high = middle } else { low = moving }
    }
    Ok(high)
}
