//! What learning should look like, without training anything.
//!
//! Conventions, used by every function here and by `train`:
//!
//! - loss: half the squared error, summed over labels, averaged over samples;
//! - correlations: averages over samples, `Sigma_yx = <y x^T>`, so `Sigma_x = I / N` for `N` one-hot items;
//! - time: `t = eta * step`, which makes gradient descent Euler's method for the flow.
//!
//! Covered: balanced trees, one-hot inputs, equal frequencies, two-layer linear networks, any bias option, started
//! aligned (exact) or small and random (the start's effective strengths are means over seeds). All else is refused with
//! the reason. This module never sees a trained network, and `train` never sees this module.
//!
//! The ideas are those of Rubruck, Bauer, Saxe and Summerfield (arXiv 2406.17467); the equations were derived afresh and
//! are labelled THEORY (n), each restated where it is used.

mod biased;
mod integrate;
mod modes;
mod tree;

use anyhow::{Result, bail, ensure};
use ndarray::Array2;

use crate::config::{
    Aligned, AlignedBiases, Bias, Config, Initialisation, Inputs, Kaiming, Loss, NetworkKind,
    Normal, Optimiser, Orthogonal, Sgd,
};
use crate::task::Hierarchy;

use biased::{OutputBiased, UnequalMode};
pub use modes::Mode;
pub use tree::BalancedTree;

/// Learning of a balanced tree: the fraction of the constant and of each level's contrasts that is learned by time t.
#[derive(Debug, Clone)]
pub struct Theory {
    tree: BalancedTree,
    constant: Constant,
    /// One mode stands for all contrasts of a level, which are degenerate.
    contrasts: Vec<Mode>,
    /// What the answer is good for.
    pub validity: String,
}

/// How the constant is learned.
#[derive(Debug, Clone)]
enum Constant {
    /// As any other mode: no biases, or an input bias that starts aligned.
    Mode(Mode),
    /// Input bias that starts at zero while the weights are aligned.
    Unequal(UnequalMode),
    /// An output bias shares the work.
    OutputBiased(OutputBiased),
}

/// Initial strengths of the modes, end to end.
struct Start {
    /// Each layer's share of the constant mode of the inputs that the first layer sees: `(c_1, c_2)`.
    constant: (f64, f64),
    /// `a0` of each level's contrasts.
    contrast: f64,
    validity: String,
}

impl Theory {
    /// The theory of one condition.
    ///
    /// # Errors
    ///
    /// Where no formula here is valid, with the reason.
    pub fn new(config: &Config) -> Result<Self> {
        let tree = covered_tree(config)?;
        let start = Start::new(config, &tree)?;
        let contrasts = (1..=tree.n_levels())
            .map(|level| Mode {
                singular_value: tree.gain(level).sqrt() / tree.n_items(),
                input_variance: 1.0 / tree.n_items(),
                initial_strength: start.contrast,
            })
            .collect();
        let bias = config.network.bias;
        // The constant direction's variance as the first layer sees it: a bias appends a constant 1 to the inputs.
        let mu_squared = 1.0 / tree.n_items() + if bias.at_input() { 1.0 } else { 0.0 };
        let (first, second) = start.constant;
        let mode = Mode {
            singular_value: mu_squared.sqrt() * tree.ocs_norm(),
            input_variance: mu_squared,
            initial_strength: first * second,
        };
        let constant = match (bias.at_output(), first == second) {
            (true, _) => Constant::OutputBiased(OutputBiased::new(
                tree.ocs_norm(),
                mu_squared.sqrt(),
                first,
                second,
            )),
            (false, true) => Constant::Mode(mode),
            (false, false) => Constant::Unequal(UnequalMode::new(mode, first, second)),
        };
        Ok(Theory { tree, constant, contrasts, validity: start.validity })
    }

    /// Learned fractions at each of `times` (increasing, `>= 0`): `[time][0]` of the constant, biases included, and
    /// `[time][l]` of level l's contrasts.
    pub fn learned_fractions(&self, times: &[f64]) -> Vec<Vec<f64>> {
        let constants: Vec<f64> =
            self.constant_at(times).into_iter().map(|(fraction, _)| fraction).collect();
        std::iter::zip(times, constants)
            .map(|(&time, constant)| {
                let contrasts = self.contrasts.iter().map(|mode| mode.learned_fraction(time));
                std::iter::once(constant).chain(contrasts).collect()
            })
            .collect()
    }

    /// End-to-end strengths of the weights' modes (an output bias is no part of them), as `learned_fractions`.
    pub fn mode_strengths(&self, times: &[f64]) -> Vec<Vec<f64>> {
        let constants = self.constant_at(times).into_iter().map(|(_, strength)| strength);
        std::iter::zip(times, constants)
            .map(|(&time, constant)| {
                std::iter::once(constant)
                    .chain(self.contrasts.iter().map(|mode| mode.strength(time)))
                    .collect()
            })
            .collect()
    }

    /// Learned fraction and weights' strength of the constant.
    fn constant_at(&self, times: &[f64]) -> Vec<(f64, f64)> {
        match &self.constant {
            Constant::Mode(mode) => {
                times.iter().map(|&t| (mode.learned_fraction(t), mode.strength(t))).collect()
            }
            Constant::Unequal(mode) => {
                times.iter().map(|&t| (mode.learned_fraction(t), mode.strength(t))).collect()
            }
            Constant::OutputBiased(constant) => constant.at(times),
        }
    }

    /// Responses `[n_items, n_labels]` at each of `times` (increasing).
    pub fn responses(&self, times: &[f64]) -> Vec<Array2<f64>> {
        self.learned_fractions(times)
            .iter()
            .map(|fractions| self.tree.responses(fractions))
            .collect()
    }

    /// First time with `M <= q ||ybar||` and first with `V >= q V_target`, solved for to relative 1e-10; `None` if never.
    pub fn onset_and_end(&self, threshold: f64) -> (Option<f64>, Option<f64>) {
        let settled = |fraction: f64| (1.0 - fraction).abs() <= threshold;
        let onset = first_time(|t| settled(self.constant_at(&[t])[0].0));
        let target = self.tree.input_dependence(&vec![1.0; self.contrasts.len()]);
        let end = first_time(|t| {
            let fractions: Vec<f64> =
                self.contrasts.iter().map(|mode| mode.learned_fraction(t)).collect();
            self.tree.input_dependence(&fractions) >= threshold * target
        });
        (onset, end)
    }

    /// The tree.
    pub fn tree(&self) -> &BalancedTree {
        &self.tree
    }

    /// All `n_items` modes with their final strengths: the constant, then each level's contrasts.
    pub fn modes(&self) -> Vec<(Mode, f64)> {
        let constant = match &self.constant {
            Constant::Mode(mode) => (*mode, mode.final_strength()),
            Constant::Unequal(mode) => (mode.mode(), mode.mode().final_strength()),
            Constant::OutputBiased(constant) => (constant.mode(), constant.final_strength()),
        };
        let mut modes = vec![constant];
        for (index, mode) in self.contrasts.iter().enumerate() {
            modes.extend(vec![(*mode, mode.final_strength()); self.tree.multiplicity(index + 1)]);
        }
        modes
    }
}

/// The first time at which `reached`, false before and true after one moment, is true.
fn first_time(reached: impl Fn(f64) -> bool) -> Option<f64> {
    if reached(0.0) {
        return Some(0.0);
    }
    let mut high = 1e-3;
    while !reached(high) {
        high *= 2.0;
        if high > 1e12 {
            return None;
        }
    }
    let mut low = if high > 1e-3 { high / 2.0 } else { 0.0 };
    while high - low > 1e-12 * high {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if reached(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

/// The tree, if the task and the training are ones that the formulas hold for.
fn covered_tree(config: &Config) -> Result<BalancedTree> {
    let (task, network, training) = (&config.task, &config.network, &config.training);
    ensure!(
        task.inputs == Inputs::OneHot,
        "theory covers task.inputs: one-hot, not {}: its modes would have to be integrated",
        task.inputs.name()
    );
    if let Some(frequencies) = &task.frequencies {
        ensure!(
            frequencies.iter().all(|frequency| frequency == &frequencies[0]),
            "theory covers equal task.frequencies: with unequal ones the constant is no mode of its own"
        );
    }
    let Some(branching) = Hierarchy::new(task).branching() else {
        bail!(
            "theory covers balanced trees: on an uneven task.tree the constant is no mode of its own"
        );
    };
    ensure!(network.kind == NetworkKind::Linear, "theory covers network.kind: linear");
    ensure!(
        network.hidden.len() == 1,
        "theory covers linear networks of two layers (one width in network.hidden), not of {}",
        network.hidden.len() + 1
    );
    ensure!(
        training.loss == Loss::HalfSquaredError,
        "theory covers training.loss: half-squared-error"
    );
    ensure!(
        training.optimiser == Optimiser::Sgd(Sgd { momentum: 0.0 }),
        "theory covers gradient descent: training.optimiser sgd without momentum"
    );
    ensure!(
        training.batch_size.is_none(),
        "theory covers the full batch: training.batch_size null"
    );
    let n_items: usize = branching.iter().product();
    if let Initialisation::Aligned(_) = network.initialisation {
        ensure!(
            network.hidden[0] >= n_items,
            "theory needs one hidden unit for each of the {n_items} modes: network.hidden is {:?}",
            network.hidden
        );
    }
    Ok(BalancedTree::new(&branching))
}

/// A random start is small if its modes' strengths are below this fraction of their final ones: then the early flow
/// is linear and (12) holds.
const SMALL: f64 = 0.01;

impl Start {
    fn new(config: &Config, tree: &BalancedTree) -> Result<Self> {
        let network = &config.network;
        let n = tree.n_items();
        let width = network.hidden[0] as f64;
        // Mean squared length of a unit input mode through the first layer, of a unit output mode through the second.
        let (first, second) = match network.initialisation {
            Initialisation::Aligned(aligned) => {
                return Ok(Start::aligned(aligned, network.bias, n));
            }
            Initialisation::Normal(Normal { std }) => (width * std * std, width * std * std),
            Initialisation::Kaiming(Kaiming { gain }) => {
                (width * gain * gain / (3.0 * n), gain * gain / 3.0)
            }
            Initialisation::Orthogonal(Orthogonal { scale }) => {
                let n_labels = Hierarchy::new(&config.task).n_labels() as f64;
                let length = |size: f64| scale * scale * (width / size).min(1.0);
                (length(n), length(n_labels))
            }
        };
        ensure!(
            network.bias != Bias::None,
            "theory does not cover a random start without biases: the constant and the top split have the same singular \
             value and mix at the start; use network.initialisation: aligned"
        );
        // (12): A' = s B, B' = s A grows |A + B| / 2; with b1 = 0 only 1/(N+1) of the augmented constant is drawn.
        let constant =
            0.25 * (second + first / if network.bias.at_input() { n + 1.0 } else { 1.0 });
        let contrast = 0.25 * (first + second);
        ensure!(
            contrast <= SMALL,
            "theory covers small random starts: the modes' effective initial strength is {contrast:.2e}, above {SMALL}; \
             lower network.initialisation"
        );
        let validity = format!(
            "approximate: small random start, replaced by its mean effective strength (12); single seeds of width {width} \
             differ from it"
        );
        Ok(Start { constant: (constant.sqrt(), constant.sqrt()), contrast, validity })
    }

    fn aligned(Aligned { a0, biases }: Aligned, bias: Bias, n: f64) -> Self {
        let c = a0.sqrt();
        // (6a): with b1 = 0 only the part of the augmented constant mode that lies in the inputs is carried.
        let first = match (bias.at_input(), biases) {
            (true, AlignedBiases::Zero) => c / (n + 1.0).sqrt(),
            (true, AlignedBiases::Aligned) | (false, _) => c,
        };
        Start {
            constant: (first, c),
            contrast: a0,
            validity: "exact for the gradient flow".to_owned(),
        }
    }
}
