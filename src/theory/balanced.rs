//! Balanced trees with equal frequencies: the constant and each level's contrasts are learned by themselves.

use anyhow::Result;

use super::biased::{BiasCourse, Layers, OutputBiased, UnequalMode};
use super::course::{Course, Moment};
use super::deep_constant::DeepConstant;
use super::integrate::Integrator;
use super::modes::Mode;
use super::tree::BalancedTree;
use crate::config::Bias;

/// Learning of a balanced tree: the fraction of the constant and of each level's contrasts that is learned by time t.
#[derive(Debug, Clone)]
pub struct BalancedTheory {
    tree: BalancedTree,
    constant: Constant,
    /// One mode stands for all contrasts of a level, which are degenerate.
    contrasts: Vec<Mode>,
}

/// How the constant is learned.
#[derive(Debug, Clone)]
enum Constant {
    /// As any other mode: no biases, or an input bias that starts aligned.
    Mode(Mode),
    /// Input bias that starts at zero while the weights are aligned; two layers.
    Unequal(UnequalMode),
    /// An output bias shares the work.
    OutputBiased(OutputBiased),
    /// Deep, with biases in hidden layers or a first bias that starts at zero: its own few equations, integrated.
    Deep(DeepConstant),
}

/// Where the weights start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModeStart {
    /// The first and the other layers' strength along the constant, as the first layer sees it.
    pub constant: (f64, f64),
    /// `a0` of each contrast, end to end.
    pub contrast: f64,
}

/// Input variances of the plain inputs' modes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InputVariances {
    /// Of the constant.
    pub constant: f64,
    /// Of all contrasts.
    pub contrast: f64,
}

impl InputVariances {
    /// Of one-hot (rho = 0) or correlated inputs, THEORY (13): `(1 + (N-1) rho) / N` and `(1 - rho) / N`.
    pub fn new(n_items: f64, rho: f64) -> Self {
        InputVariances {
            constant: (1.0 + (n_items - 1.0) * rho) / n_items,
            contrast: (1.0 - rho) / n_items,
        }
    }

    /// The constant's, as a first layer with this bias sees it: a bias appends a constant 1 to the inputs.
    pub fn constant_with(&self, bias: Bias) -> f64 {
        self.constant + if bias.at_input() { 1.0 } else { 0.0 }
    }
}

impl BalancedTheory {
    /// Closed forms, but for the constant of deep networks whose hidden layers have biases or whose first bias does not
    /// start aligned: its equations are integrated.
    pub fn new(
        tree: BalancedTree,
        variances: InputVariances,
        bias: Bias,
        start: ModeStart,
        n_layers: usize,
    ) -> Self {
        let mode = |singular_value: f64, input_variance: f64, initial_strength| Mode {
            singular_value,
            input_variance,
            initial_strength,
            n_layers,
        };
        let contrasts = (1..=tree.n_levels())
            .map(|level| {
                let s = (tree.gain(level) / tree.n_items() * variances.contrast).sqrt();
                mode(s, variances.contrast, start.contrast)
            })
            .collect();
        let mu_squared = variances.constant_with(bias);
        let mu = mu_squared.sqrt();
        let (first, second) = start.constant;
        let balanced = first == second;
        let a0 = first * second.powi(n_layers as i32 - 1);
        let constant_mode = mode(mu * tree.ocs_norm(), mu_squared, a0);
        let constant = match (bias, n_layers) {
            (Bias::Output | Bias::All, 2) => {
                OutputBiased::new(tree.ocs_norm(), mu, Layers::Two(first, second)).into()
            }
            (Bias::Output, _) => {
                OutputBiased::new(tree.ocs_norm(), mu, Layers::Equal { n_layers, a0 }).into()
            }
            (Bias::None | Bias::Input, _) if balanced => Constant::Mode(constant_mode),
            (Bias::Input, 2) => Constant::Unequal(UnequalMode::new(constant_mode, first, second)),
            (Bias::None | Bias::Input | Bias::All, _) => {
                let mut layers = vec![second; n_layers];
                layers[0] = first;
                let biases = (bias == Bias::All, bias.at_output());
                Constant::Deep(DeepConstant::new(tree.ocs_norm(), mu, layers, biases))
            }
        };
        BalancedTheory { tree, constant, contrasts }
    }

    /// Whether every part is a closed form.
    pub fn is_closed_form(&self) -> bool {
        !matches!(self.constant, Constant::Deep(_))
    }

    /// Whether the constant is a mode of the weights: biases of hidden layers answer too, and belong to none.
    pub fn constant_is_a_mode(&self) -> bool {
        !matches!(&self.constant, Constant::Deep(constant) if constant.has_hidden_biases())
    }

    /// At time 0.
    pub fn begin(&self) -> BalancedCourse<'_> {
        let (mut state, time) = (self.constant.begin(), 0.0);
        let constant = self.constant.advance(&mut state, time);
        BalancedCourse { theory: self, time, state, constant }
    }

    /// First time with `M <= q ||ybar||` and first with `V >= q V_target`, solved for to relative 1e-10; `None` if never.
    pub fn onset_and_end(&self, threshold: f64) -> (Option<f64>, Option<f64>) {
        let settled = |fraction: f64| (1.0 - fraction).abs() <= threshold;
        let onset = first_time(|t| settled(self.constant.advance(&mut self.constant.begin(), t).0));
        let target = self.tree.input_dependence(&vec![1.0; self.contrasts.len()]);
        let end = first_time(|t| {
            let fractions: Vec<f64> =
                self.contrasts.iter().map(|mode| mode.learned_fraction(t)).collect();
            self.tree.input_dependence(&fractions) >= threshold * target
        });
        (onset, end)
    }

    /// All modes, as many as items, with their final strengths: the constant, then each level's contrasts.
    pub fn modes(&self) -> Vec<(Mode, f64)> {
        let constant = match &self.constant {
            Constant::Mode(mode) => (*mode, mode.final_strength()),
            Constant::Unequal(mode) => (mode.mode(), mode.mode().final_strength()),
            Constant::OutputBiased(constant) => (constant.mode(), constant.final_strength()),
            Constant::Deep(constant) => (constant.mode(), constant.final_strength()),
        };
        let mut modes = vec![constant];
        for (index, mode) in self.contrasts.iter().enumerate() {
            modes.extend(vec![(*mode, mode.final_strength()); self.tree.multiplicity(index + 1)]);
        }
        modes
    }
}

impl Constant {
    fn begin(&self) -> ConstantState {
        match self {
            Constant::Mode(_) | Constant::Unequal(_) => ConstantState::Closed,
            Constant::OutputBiased(constant) => ConstantState::Bias(constant.begin()),
            Constant::Deep(constant) => ConstantState::Deep(constant.begin()),
        }
    }

    /// Learned fraction and weights' strength at a time.
    fn advance(&self, state: &mut ConstantState, time: f64) -> (f64, f64) {
        match (self, state) {
            (Constant::Mode(mode), _) => (mode.learned_fraction(time), mode.strength(time)),
            (Constant::Unequal(mode), _) => (mode.learned_fraction(time), mode.strength(time)),
            (Constant::OutputBiased(constant), ConstantState::Bias(course)) => {
                constant.advance(course, time)
            }
            (Constant::Deep(constant), ConstantState::Deep(solution)) => {
                constant.advance(solution, time)
            }
            (Constant::OutputBiased(_) | Constant::Deep(_), _) => {
                unreachable!("a constant's state is the one that it began")
            }
        }
    }
}

/// Where the constant stands, if it has to be followed.
#[derive(Debug, Clone)]
enum ConstantState {
    Closed,
    Bias(BiasCourse),
    Deep(Integrator),
}

/// The constant and all contrasts on their way.
#[derive(Debug, Clone)]
pub struct BalancedCourse<'a> {
    theory: &'a BalancedTheory,
    time: f64,
    state: ConstantState,
    /// Learned fraction, biases included, and the weights' strength.
    constant: (f64, f64),
}

impl Course for BalancedCourse<'_> {
    type Answer = Moment;

    fn advance(&mut self, time: f64) -> Result<()> {
        self.constant = self.theory.constant.advance(&mut self.state, time);
        self.time = time;
        Ok(())
    }

    /// Responses from the learned fractions: `[0]` of the constant, `[l]` of level l's contrasts. Strengths are end to end, of the
    /// weights' modes (an output bias is no part of them): the constant, then one value for each level that splits anything.
    fn answer(&self) -> Moment {
        let BalancedCourse { theory, time, constant, .. } = self;
        let contrasts = || theory.contrasts.iter();
        let fractions: Vec<f64> = std::iter::once(constant.0)
            .chain(contrasts().map(|mode| mode.learned_fraction(*time)))
            .collect();
        let splitting = |&(level, _): &(usize, &Mode)| theory.tree.multiplicity(level) > 0;
        let levels = (1..).zip(contrasts()).filter(splitting);
        let strengths = || {
            std::iter::once(constant.1)
                .chain(levels.map(|(_, mode)| mode.strength(*time)))
                .collect()
        };
        Moment {
            time: *time,
            responses: theory.tree.responses(&fractions),
            without_output_bias: None,
            mode_strengths: theory.constant_is_a_mode().then(strengths),
        }
    }
}

impl From<OutputBiased> for Constant {
    fn from(constant: OutputBiased) -> Self {
        Constant::OutputBiased(constant)
    }
}

/// The first time at which `reached`, false before and true after one moment, is true.
pub fn first_time(reached: impl Fn(f64) -> bool) -> Option<f64> {
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
