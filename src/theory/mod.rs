//! What learning should look like, without training anything.
//!
//! Conventions, used by every function here and by `train`:
//!
//! - loss: half the squared error, summed over labels, averaged over samples (or a cross-entropy, likewise);
//! - correlations: averages over samples, `Sigma_yx = <y x^T>`, so `Sigma_x = I / N` for `N` one-hot items;
//! - time: `t = eta * step`, or the sum of the steps' rates, which makes gradient descent Euler's method for the flow.
//!
//! Covered: linear networks of 2 to 6 layers on one vector per item: any tree, any frequencies, one-hot or correlated
//! inputs, any bias option, any start; bias-free (leaky) ReLU networks of two layers on symmetric inputs with odd targets, which
//! are linear ones in slower time (`halves`); wide linear networks of any depth from weights of variance 1/m, along each
//! principal component of their inputs (`principal_components`). A closed form is used where its condition holds; elsewhere the flow itself is
//! integrated. Images: linear networks of one or two layers without biases, from the data's second moments (`images`).
//! This module never sees a trained network, and `train` never sees this module.
//!
//! The ideas are those of Rubruck, Bauer, Saxe and Summerfield (arXiv 2406.17467); the equations were derived afresh and
//! are labelled THEORY (n), each restated where it is used.

mod answer;
mod balanced;
mod biased;
mod common;
mod constant_logits;
mod course;
mod critical;
mod deep_constant;
mod drive;
mod flow;
mod gram;
mod halves;
mod images;
mod integrate;
mod kernel;
mod linear_twin;
mod modes;
mod principal_components;
mod reach;
mod representation;
mod reversal;
mod riccati;
mod start;
mod tree;
mod two_layers;

use std::ops::RangeInclusive;

use anyhow::{Context, Result, bail, ensure};
use ndarray::{Array1, Array2, Axis, concatenate};

use crate::config::{
    Aligned, Bias, Config, Initialisation, Loss, NetworkConfig, NetworkKind, Span, TrainingConfig,
};
use crate::task::Task;

pub use crate::decompositions::{singular_values, singular_vectors};
use answer::Answer;
use balanced::{BalancedTheory, InputVariances};
use common::CommonModes;
pub use constant_logits::{ConstantLogits, log_prior};
pub use course::{Course, Moment};
use course::{Followed, PacedCourse};
pub use critical::critical_components;
pub use drive::FirstDrive;
pub use flow::LayerStart;
use flow::{LinearFlow, SMALLEST_START};
pub use gram::{Gram, Space, input_products};
pub use halves::{Halves, deep_half, passed_share};
pub use images::{ImageAnswer, ImageCourse, ImageTheory, Moments, ensure_images_are_covered};
pub use kernel::{KernelSpectrum, ReluKernels, arc_cosine_0, arc_cosine_1, kernel_drift};
pub use linear_twin::{ActivationMeans, LinearModel, TwinFeatures, WideNetwork};
pub use modes::Mode;
use principal_components::WideTheory;
pub use principal_components::{
    PrincipalComponents, WideLinear, gram_deviations, is_followed_along_components,
};
pub use reach::{Reach, ReachVerdict};
pub use representation::{LinearKernel, Representation, balance_errors, frobenius};
pub use reversal::{SignChange, closest_share, imbalance, one_layers_visit};
use riccati::Riccati;
pub use tree::BalancedTree;
pub use two_layers::{TwoLayers, learned_similarity};

/// What theory says of one linear network on one task.
#[derive(Debug, Clone)]
pub struct Theory {
    solution: Solution,
    task: Task,
    /// Input variances of the constant and the contrasts, where they are modes.
    variances: Option<[f64; 2]>,
    /// Time of the solution in one unit of the network's: below 1 for nonlinear networks that are linear ones in slower time.
    pace: f64,
    /// What the answer is good for, in a sentence.
    pub validity: String,
}

#[derive(Debug, Clone)]
enum Solution {
    Balanced(BalancedTheory),
    Common(CommonModes),
    Followed(Followed),
    Wide(WideTheory),
}

/// Depths that are covered by closed forms; from given weights, one layer is too.
const DEPTHS: RangeInclusive<usize> = 2..=6;

/// Validity of an answer that is exact for the config, whatever the seed.
pub const EXACT: &str = "exact for the gradient flow";

impl Theory {
    /// The theory of one condition.
    ///
    /// # Errors
    ///
    /// Where it is not covered, or where a random start can only be answered `from_weights`; with the reason.
    pub fn new(config: &Config) -> Result<Self> {
        let task = covered_task(config, DEPTHS)?;
        let network = &config.network;
        let n_layers = network.hidden.len() + 1;
        let tree = balanced_tree(&task).filter(|_| config.training.loss == Loss::HalfSquaredError);
        let variances = InputVariances::new(task.targets.nrows() as f64, config.task.correlation);
        let Initialisation::Aligned(aligned) = network.initialisation else {
            ensure!(
                config.training.loss == Loss::HalfSquaredError,
                "a random start has effective strengths under squared error only"
            );
            let Some(tree) = tree else {
                bail!(
                    "a random start has effective strengths on balanced trees with equal frequencies only"
                )
            };
            let start = start::random_modes(network, &task, variances)?;
            let theory = BalancedTheory::new(tree, variances, network.bias, start, n_layers);
            let validity = format!(
                "approximate: a small random start, replaced by its mean effective strength over seeds; single seeds of width {} differ from it",
                network.hidden[0]
            );
            return Ok(Theory::balanced(theory, task, variances, network.bias, validity));
        };
        start::ensure_wide_enough(network, &task)?;
        if let Some(tree) = tree {
            let start = start::aligned_modes(aligned, network.bias, variances, n_layers);
            let theory = BalancedTheory::new(tree, variances, network.bias, start, n_layers);
            return Ok(Theory::balanced(theory, task, variances, network.bias, EXACT.to_owned()));
        }
        if let Some(modes) = common_modes(config, aligned, &task, n_layers) {
            return Ok(Theory {
                solution: Solution::Common(modes),
                task,
                variances: None,
                pace: 1.0,
                validity: EXACT.to_owned(),
            });
        }
        let layers = integrable_start(config, aligned, &task)?;
        Ok(Theory::from_layers(config, task, layers, EXACT.to_owned()))
    }

    /// The theory of one condition from given initial weights: the flow, in closed form for balanced weights without biases
    /// on uncorrelated inputs, else integrated.
    ///
    /// # Errors
    ///
    /// Where it is not covered, with the reason.
    pub fn from_weights(
        config: &Config,
        layers: Vec<LayerStart>,
        validity: String,
    ) -> Result<Self> {
        let task = covered_task(config, 1..=*DEPTHS.end())?;
        ensure_step_follows(config, &task, &layers)?;
        Ok(Theory::from_layers(config, task, layers, validity))
    }

    /// The theory of a linear network of one layer, or of a wide one of any depth that starts lazy: gradient descent along each
    /// principal component of the inputs (B1), from the map that given initial weights make. To be asked where
    /// `is_followed_along_components`.
    ///
    /// # Errors
    ///
    /// Where it is not covered, with the reason.
    pub fn along_components(config: &Config, layers: &[LayerStart], seed: u64) -> Result<Self> {
        let task = covered_task(config, 1..=usize::MAX)?;
        let weights = layers.iter().map(|layer| layer.weight.clone());
        let map =
            weights.reduce(|below, above| above.dot(&below)).context("a network has layers")?;
        let wide = WideTheory::new(config, &task, &map)?;
        let variances = InputVariances::new(task.targets.nrows() as f64, config.task.correlation);
        let variances =
            task.is_even().then(|| [variances.constant_with(Bias::None), variances.contrast]);
        let validity = match layers.len() {
            1 => format!("exact for gradient descent from the initial weights of seed {seed}"),
            _ => format!(
                "approximate: gradient descent of an infinitely wide network from the map that seed {seed} draws; networks of width {} are \
             nearer the wider, as 1/sqrt(m), and faster late along small principal components",
                config.network.hidden.first().copied().unwrap_or(0)
            ),
        };
        Ok(Theory { solution: Solution::Wide(wide), task, variances, pace: 1.0, validity })
    }

    /// The theory of a bias-free (leaky) ReLU network of two layers from given initial weights, on symmetric inputs with odd
    /// targets: the linear network that it is in time `b t` (`passed_share`).
    ///
    /// # Errors
    ///
    /// Where it is not covered, with the reason.
    pub fn of_bias_free(
        config: &Config,
        layers: Vec<LayerStart>,
        validity: String,
    ) -> Result<Self> {
        let network = &config.network;
        let covered = network.kind == NetworkKind::Mlp
            && network.hidden.len() == 1
            && network.bias == Bias::None
            && network.is_plain()
            && config.training.loss == Loss::HalfSquaredError;
        let slope = network.negative_slope().filter(|_| covered).context(
            "theory covers network.kind: linear, and mlp of two relu or leaky-relu layers without biases, normalisation and dropout under squared error",
        )?;
        let share = passed_share(slope);
        let root = share.sqrt();
        let layers =
            layers.into_iter().map(|layer| LayerStart { weight: layer.weight * root, ..layer });
        let linear = NetworkConfig { kind: NetworkKind::Linear, ..network.clone() };
        let config = Config { network: linear, ..config.clone() };
        let task = covered_task(&config, DEPTHS)?;
        ensure_odd(&task)?;
        let theory = Theory::from_layers(&config, task, layers.collect(), validity);
        Ok(Theory { pace: share, ..theory })
    }

    fn balanced(
        theory: BalancedTheory,
        task: Task,
        variances: InputVariances,
        bias: Bias,
        validity: String,
    ) -> Self {
        let variances = theory
            .constant_is_a_mode()
            .then(|| [variances.constant_with(bias), variances.contrast]);
        Theory { solution: Solution::Balanced(theory), task, variances, pace: 1.0, validity }
    }

    /// The flow from these layers: by the matrix Riccati solution where it is valid, else integrated.
    fn from_layers(config: &Config, task: Task, layers: Vec<LayerStart>, validity: String) -> Self {
        let squared = config.training.loss == Loss::HalfSquaredError;
        let bias = config.network.bias;
        // Biases of hidden layers answer too, and belong to no mode of the weights.
        let hidden_biases = bias == Bias::All && config.network.hidden.len() > 1;
        let even = squared && task.is_even() && !hidden_biases;
        let variances = InputVariances::new(task.targets.nrows() as f64, config.task.correlation);
        // The only layer's bias is the output's.
        let seen = if layers.len() == 1 { Bias::None } else { bias };
        let variances = even.then(|| [variances.constant_with(seen), variances.contrast]);
        let inputs = task.item_means();
        let weighted = &inputs * &task.probabilities.view().insert_axis(Axis(1));
        let (correlation, covariance) =
            (task.input_output_correlation(), weighted.t().dot(&inputs));
        let riccati = Riccati::new(&inputs, &correlation, &covariance, &layers);
        let followed = match riccati.filter(|_| squared) {
            Some(riccati) => Followed::Riccati(riccati),
            None => Followed::Flow(LinearFlow::new(
                inputs,
                task.targets.clone(),
                task.probabilities.clone(),
                Answer::new(config.training.loss, task.level_columns()),
                start::reduced(layers),
            )),
        };
        Theory { solution: Solution::Followed(followed), task, variances, pace: 1.0, validity }
    }

    /// Whether the answer is a closed form (or else an integrated flow).
    pub fn is_closed_form(&self) -> bool {
        match &self.solution {
            Solution::Balanced(theory) => theory.is_closed_form(),
            Solution::Common(_) | Solution::Wide(_) => true,
            Solution::Followed(followed) => followed.is_closed_form(),
        }
    }

    /// Which part of the task's map is reached, and lambda, which is conserved; `None` where the matrix Riccati solution does not
    /// answer.
    pub fn reach(&self) -> Option<(Reach, f64)> {
        match &self.solution {
            Solution::Followed(Followed::Riccati(riccati)) => {
                Some((riccati.modes().reach(), riccati.lambda()))
            }
            Solution::Followed(Followed::Flow(_))
            | Solution::Balanced(_)
            | Solution::Common(_)
            | Solution::Wide(_) => None,
        }
    }

    /// The task.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// Input variances of the constant, as the first layer sees it, and of the contrasts: what a `ModeReader` needs;
    /// `None` where they are not modes.
    pub fn input_variances(&self) -> Option<[f64; 2]> {
        self.variances
    }

    /// Responses `[n_items, n_labels]` at each of `times` (increasing); probabilities under cross-entropy.
    ///
    /// # Errors
    ///
    /// If an integration needs too many steps.
    pub fn responses(&self, times: &[f64]) -> Result<Vec<Array2<f64>>> {
        let mut all = Vec::with_capacity(times.len());
        self.follow(times, &mut |moment| {
            all.push(moment.responses);
            Ok(())
        })?;
        Ok(all)
    }

    /// Shows the moment at each of `times` (increasing), one after the other: all of a large tree's would not fit into
    /// memory.
    ///
    /// # Errors
    ///
    /// If an integration needs too many steps, or `see` fails.
    pub fn follow(&self, times: &[f64], see: &mut dyn FnMut(Moment) -> Result<()>) -> Result<()> {
        let mut course = self.begin();
        for &time in times {
            course.advance(time)?;
            see(course.answer())?;
        }
        Ok(())
    }

    /// The solution at time 0, to be followed step by step.
    pub fn begin(&self) -> Box<dyn Course<Answer = Moment> + '_> {
        match &self.solution {
            Solution::Balanced(theory) => Box::new(theory.begin()),
            Solution::Common(modes) => Box::new(modes.begin()),
            Solution::Followed(followed) => Box::new(PacedCourse::new(followed.begin(), self.pace)),
            Solution::Wide(wide) => Box::new(wide.begin()),
        }
    }

    /// End-to-end strengths of the constant and each level's contrasts at each of `times` (increasing), `[time][split]`; `None`
    /// where they have to be read off the moments, or are no modes.
    pub fn mode_strengths(&self, times: &[f64]) -> Option<Vec<Vec<f64>>> {
        let mut course = self.begin();
        let at = |&time: &f64| {
            course.advance(time).ok()?;
            course.answer().mode_strengths
        };
        times.iter().map(at).collect()
    }

    /// First time with `M <= q ||ybar||` and first with `V >= q V_target`, solved for to relative 1e-9; `None` if never.
    ///
    /// # Errors
    ///
    /// If an integration needs too many steps.
    pub fn onset_and_end(&self, threshold: f64) -> Result<(Option<f64>, Option<f64>)> {
        self.onset_and_end_until(f64::INFINITY, threshold)
    }

    /// The same of what comes by time `until`, when another stretch begins.
    ///
    /// # Errors
    ///
    /// If an integration needs too many steps.
    pub fn onset_and_end_until(
        &self,
        until: f64,
        threshold: f64,
    ) -> Result<(Option<f64>, Option<f64>)> {
        let (onset, end) = self.crossings(until, threshold)?;
        let in_time = |time: &f64| *time <= until;
        Ok((onset.filter(in_time), end.filter(in_time)))
    }

    fn crossings(&self, until: f64, threshold: f64) -> Result<(Option<f64>, Option<f64>)> {
        let ocs = self.task.ocs();
        let (_, target) = self.mean_and_variance(&self.task.targets);
        let beta = ocs.dot(&ocs).sqrt();
        let settled = |responses: &Array2<f64>| {
            let error = self.mean_and_variance(responses).0 - &ocs;
            error.dot(&error).sqrt() <= threshold * beta
        };
        let differs =
            |responses: &Array2<f64>| self.mean_and_variance(responses).1 >= threshold * target;
        match &self.solution {
            Solution::Balanced(theory) => Ok(theory.onset_and_end(threshold)),
            Solution::Common(modes) => Ok((
                balanced::first_time(|time| settled(&modes.responses(time))),
                balanced::first_time(|time| differs(&modes.responses(time))),
            )),
            // No response is near a mean of zero as a share of it.
            Solution::Wide(wide) => Ok((
                balanced::first_time(|time| settled(&wide.responses(time))).filter(|_| beta > 0.0),
                balanced::first_time(|time| differs(&wide.responses(time))),
            )),
            Solution::Followed(followed) => {
                // No response is near a mean of zero as a share of it.
                let first = |reached: &dyn Fn(&Array2<f64>) -> bool| {
                    followed.first_time(self.pace * until, reached)
                };
                let onset = if beta == 0.0 { None } else { first(&settled)? };
                let end = first(&differs)?;
                Ok((onset.map(|time| time / self.pace), end.map(|time| time / self.pace)))
            }
        }
    }

    /// `<yhat>` and V of responses.
    fn mean_and_variance(&self, responses: &Array2<f64>) -> (Array1<f64>, f64) {
        let p = &self.task.probabilities;
        let mean = p.dot(responses);
        let squares = (responses - &mean).mapv(|value| value * value).sum_axis(Axis(1));
        (mean, p.dot(&squares))
    }

    /// Modes with their final strengths: the constant first on balanced trees, elsewhere the fastest; empty for flows
    /// whose modes are not known.
    pub fn modes(&self) -> Vec<(Mode, f64)> {
        match &self.solution {
            Solution::Balanced(theory) => theory.modes(),
            Solution::Common(modes) => {
                modes.modes().into_iter().map(|mode| (mode, mode.final_strength())).collect()
            }
            Solution::Followed(_) | Solution::Wide(_) => Vec::new(),
        }
    }
}

/// The layers of a config's aligned start, from which a flow is followed.
///
/// # Errors
///
/// Where theory does not cover it, or it is no aligned start; with the reason.
pub fn aligned_start(config: &Config) -> Result<Vec<LayerStart>> {
    let task = covered_task(config, 1..=*DEPTHS.end())?;
    let Initialisation::Aligned(aligned) = config.network.initialisation else {
        bail!("network.initialisation is not aligned");
    };
    start::ensure_wide_enough(&config.network, &task)?;
    integrable_start(config, aligned, &task)
}

fn integrable_start(config: &Config, aligned: Aligned, task: &Task) -> Result<Vec<LayerStart>> {
    ensure!(
        aligned.a0 >= SMALLEST_START,
        "theory integrates this condition, from network.initialisation.aligned.a0 >= {SMALLEST_START:e} only, not {:e}",
        aligned.a0
    );
    start::aligned_layers(&config.network, aligned, task)
}

/// Refuses a start so large that gradient descent overshoots at once. Its flow is as stiff as it is large, and would be
/// integrated for minutes to describe what no network does.
///
/// Along the first layer's weights the squared error has the curvature `sigma_max(W_L .. W_2)^2 lambda_max(Sigma_xx)` exactly;
/// means in place of maxima bound it from below, and steps beyond 2 over the curvature diverge. Under cross-entropy the curvature
/// has further factors, of at most 1/4, and no such bound.
fn ensure_step_follows(config: &Config, task: &Task, layers: &[LayerStart]) -> Result<()> {
    let TrainingConfig { learning_rate, loss, .. } = config.training;
    if loss.is_of_logits() {
        return Ok(());
    }
    let Some((last, between)) = layers.split_last().filter(|(_, rest)| !rest.is_empty()) else {
        return Ok(());
    };
    let above = between[1..]
        .iter()
        .rev()
        .fold(last.weight.clone(), |product, layer| product.dot(&layer.weight));
    let inputs = task.item_means();
    let power = (&inputs * &inputs).sum_axis(Axis(1)).dot(&task.probabilities);
    let rank = above.nrows().min(above.ncols()) as f64;
    let curvature =
        above.iter().map(|value| value * value).sum::<f64>() / rank * power / inputs.ncols() as f64;
    // A warm-up may begin where the whole rate would not.
    let first = Span::first(config).factor(0);
    ensure!(
        learning_rate * first * curvature <= 2.0,
        "from these initial weights a step of training.learning_rate {learning_rate} overshoots (below {:.1e} it would not): \
         gradient descent does not follow the flow",
        2.0 / curvature / first
    );
    Ok(())
}

/// Whether and what of a config is covered.
fn covered_task(config: &Config, depths: RangeInclusive<usize>) -> Result<Task> {
    ensure!(
        !config.task.inputs.are_images(),
        "theory covers one vector per item: task.inputs one-hot, correlated, gaussian or circle, not {}",
        config.task.inputs.name()
    );
    ensure_gradient_descent(config)?;
    ensure!(
        config.task.gaussian.as_ref().is_none_or(|gaussian| gaussian.held_out == 0),
        "theory answers for what is learned, but task.gaussian.held_out has others judged: leave it out"
    );
    let n_items = config.task.n_items();
    ensure!(
        n_items <= MOST_ITEMS,
        "theory covers trees of up to {MOST_ITEMS} items, not {n_items}"
    );
    let n_layers = config.network.hidden.len() + 1;
    ensure!(
        depths.contains(&n_layers),
        "theory covers linear networks of {} to {} layers, not {n_layers}: give {} to {} widths in network.hidden",
        depths.start(),
        depths.end(),
        depths.start() - 1,
        depths.end() - 1
    );
    Task::of(config, None)
}

/// What every theory here needs.
fn ensure_gradient_descent(config: &Config) -> Result<()> {
    let training = &config.training;
    ensure!(
        config.network.kind.is_linear(),
        "theory covers network.kind: linear, and bias-free ReLU networks of one hidden layer (mlp); of others the probe linear-twin \
         (probes: [linear-twin]) and the kernel at step 0 (kernel: {{samples, times}}) say what they do early on"
    );
    ensure!(
        training.follows_the_flow(),
        "theory covers gradient descent: training.optimiser sgd without momentum and weight_decay, and no training.gradient_clipping"
    );
    ensure!(
        training.batch_size.is_none(),
        "theory covers the full batch: training.batch_size null"
    );
    ensure!(
        training.frozen.is_empty(),
        "theory covers networks all of whose layers learn: leave training.frozen out"
    );
    Ok(())
}

/// Refuses a task unless the opposite of each input is an input too, and has the opposite target.
fn ensure_odd(task: &Task) -> Result<()> {
    let half = task.targets.nrows() / 2;
    let is_odd = task.is_mirrored()
        && (0..half).all(|item| {
            let (one, other) = (task.targets.row(item), task.targets.row(item + half));
            let off = std::iter::zip(one, other).map(|(y, opposite)| (y + opposite).abs());
            off.fold(0.0, f64::max) <= 1e-12
        });
    ensure!(
        is_odd,
        "theory covers bias-free networks on symmetric inputs with odd targets: task.inputs gaussian with mirrored: true and no \
         shift, task.targets linear without an even part"
    );
    Ok(())
}

/// The balanced tree with equal frequencies, if the task has one.
fn balanced_tree(task: &Task) -> Option<BalancedTree> {
    let branching = task.branching().filter(|_| task.is_even());
    branching.map(|branching| BalancedTree::new(&branching))
}

/// Common modes of what the first layer sees, where the start is aligned with them: without an output bias, and with an
/// input bias only if it starts aligned.
fn common_modes(
    config: &Config,
    aligned: Aligned,
    task: &Task,
    n_layers: usize,
) -> Option<CommonModes> {
    let bias = config.network.bias;
    let with_bias = start::aligns_bias(bias, aligned);
    if bias.at_output()
        || bias.at_input() != with_bias
        || config.training.loss != Loss::HalfSquaredError
    {
        return None;
    }
    let mut inputs = task.item_means();
    if with_bias {
        inputs = concatenate![Axis(1), inputs, Array2::ones((inputs.nrows(), 1))];
    }
    CommonModes::find(&inputs, &task.targets, &task.probabilities, aligned.a0, n_layers)
}

/// More items make more numbers than a flow can be integrated for, or tables that memory can hold.
const MOST_ITEMS: usize = 2048;
