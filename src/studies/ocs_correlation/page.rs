//! The phase's length against the inputs' correlation, its beginning enlarged, the eigenvalues of the inputs' Gram matrix;
//! below, the crossing that defines the phase, below and above `rho_c`.

use super::critical_of;
use crate::config::{Config, Inputs};
use crate::plot::axes::rounded;
use crate::plot::axis::{number, power_of_ten};
use crate::plot::curve::Curve;
use crate::plot::over_time::Subject;
use crate::plot::style::{
    AT_OCS, Dash, GREEN, GREY, INK, LOOKS, Look, PURPLE, Stroke, THRESHOLD, look,
};
use crate::plot::symbols::{self, Symbol};
use crate::plot::{Entry, Layer, Measure, Page, Panel, Sample};
use crate::record::{Record, RunFolder, TheoryRecord};

/// End of the enlarged beginning.
const BEGINNING: f64 = 0.125;
/// Input bias, where inputs are one-hot.
const INPUT_BIAS: Look = Look { colour: INK, ..LOOKS[3] };
const CONSTANT: Stroke = Stroke::solid(GREEN, 1.0);
const CONTRASTS: Stroke = Stroke::broken(PURPLE, 1.0, Dash::Dashed);

/// Everything that belongs to one a0.
struct Start<'a> {
    a0: f64,
    look: Look,
    /// By rho.
    runs: Vec<&'a Record>,
    /// Likewise, with its rho.
    theories: Vec<(f64, &'a TheoryRecord)>,
    /// rho_c.
    critical: Option<f64>,
}

/// All values of a0, from the largest.
fn starts(runs: &RunFolder) -> Vec<Start<'_>> {
    let configs = runs.records.iter().map(|record| &record.config);
    let configs = configs.chain(runs.theories.iter().map(|theory| &theory.config));
    let mut all: Vec<f64> =
        configs.filter_map(|config| config.start_and_correlation().map(|(a0, _)| a0)).collect();
    all.sort_by(|a, b| b.total_cmp(a));
    all.dedup();
    // The fourth look is the input bias's.
    all.into_iter().enumerate().map(|(index, a0)| Start::new(runs, a0, look(index % 3))).collect()
}

impl<'a> Start<'a> {
    fn new(runs: &'a RunFolder, a0: f64, look: Look) -> Start<'a> {
        let rho = |config: &Config| {
            config.start_and_correlation().filter(|(start, _)| *start == a0).map(|(_, rho)| rho)
        };
        let mut trained = runs.pick_any(|config| rho(config).is_some());
        trained.sort_by(|a, b| a.config.task.correlation.total_cmp(&b.config.task.correlation));
        let theories = runs.theories.iter();
        let mut theories: Vec<(f64, &TheoryRecord)> =
            theories.filter_map(|theory| Some((rho(&theory.config)?, theory))).collect();
        theories.sort_by(|a, b| a.0.total_cmp(&b.0));
        Start { a0, look, runs: trained, theories, critical: critical_of(runs, a0) }
    }

    /// `a₀ = 10⁻⁴ (ρ* = 0.0525)`.
    fn caption(&self) -> String {
        let power = self.a0.log10().round();
        let is_power = (self.a0.log10() - power).abs() < 1e-9;
        let start = if is_power { power_of_ten(power as i32) } else { format!("{:e}", self.a0) };
        let critical = self.critical.map(|critical| format!(" (ρ* = {})", number(critical, 4)));
        format!("a₀ = {start}{}", critical.unwrap_or_default())
    }

    /// ln(end/onset) against rho; positive where there is a phase.
    fn lengths(&self) -> [Layer; 2] {
        let theory = self.theories.iter().map(|(rho, theory)| (*rho, theory.phase.log_ratio));
        let trained = self
            .runs
            .iter()
            .filter_map(|run| Some((run.config.task.correlation, run.phase.log_ratio?)));
        let curve = Curve { points: theory.collect() };
        [
            Layer::line(curve, self.look.stroke(0.9), self.caption()),
            Layer::points(trained, self.look, self.caption())
                .also(Entry::new(Sample::Shapes(GREY), "gradient descent")),
        ]
    }
}

const RHO: Symbol = Symbol::new("ρ", "correlation of every two inputs");
const CRITICAL: Symbol = Symbol::new("ρ*", "correlation above which there is a phase");
const KAPPA: Symbol = Symbol::new("κ", "eigenvalue of the inputs' Gram matrix");

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    let starts = starts(runs);
    Page::new("Can inputs do what biases do? A common component brings the OCS without biases")
        .row("Length of the phase", [whole(runs, &starts)])
        .wider(1.6)
        .beside("Enlarged", [enlarged(&starts)])
        .wider(1.6)
        .beside("Gram eigenvalues", [eigenvalues(runs)])
        .wider(1.2)
        .taller(1.6)
        .row("Crossings", crossings(runs, &starts))
        .key([RHO, CRITICAL, symbols::INITIAL_STRENGTH, KAPPA].into_iter().chain(symbols::CROSSING))
        .notes("Aligned starts without biases; d from the smallest a₀ that was trained.")
}

fn lengths(starts: &[Start], x: Measure) -> Panel {
    Panel::new(x, Measure::linear("ln(end / onset)"))
        .layer(Layer::level(0.0, THRESHOLD, "end = onset"))
        .layers(starts.iter().flat_map(Start::lengths))
}

const CORRELATION: &str = "correlation ρ of the inputs";

/// With the input bias on one-hot inputs at rho = 1/2, to which it amounts.
fn whole(runs: &RunFolder, starts: &[Start]) -> Panel {
    let biased = runs.records.iter().find(|record| {
        record.config.task.inputs == Inputs::OneHot && record.config.network.bias.at_input()
    });
    let length = biased.and_then(|record| Some((0.5, record.phase.log_ratio?)));
    lengths(starts, Measure::linear(CORRELATION).between(0.0, 1.0).own())
        .layer(Layer::open_points(length, INPUT_BIAS, "input bias, one-hot").larger(1.5))
}

fn enlarged(starts: &[Start]) -> Panel {
    let critical = starts.iter().filter_map(|start| Some((start.critical?, start.look.colour)));
    let uprights = critical.map(|(rho, colour)| {
        let entry = Entry::new(Sample::Upright(AT_OCS), "ρ*");
        let line = Layer::upright(rho, Stroke { colour, ..AT_OCS }, "").explained_by(entry);
        line.named(number(rho, 4))
    });
    lengths(starts, Measure::linear(CORRELATION).between(0.0, BEGINNING).own())
        .upwards(Measure::linear("ln(end / onset)").between(-0.7, 0.7).own())
        .layers(uprights)
}

/// N times the input variances of the constant and of the contrasts.
fn eigenvalues(runs: &RunFolder) -> Panel {
    let mut modes: Vec<(f64, f64, f64)> = runs
        .theories
        .iter()
        .filter_map(|theory| {
            let (_, rho) = theory.config.start_and_correlation()?;
            let n_items = theory.config.task.n_items() as f64;
            let [constant, contrast, ..] = theory.modes.as_slice() else { return None };
            Some((rho, n_items * constant.input_variance, n_items * contrast.input_variance))
        })
        .collect();
    modes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let constant = Curve::through(modes.iter().map(|mode| (mode.0, mode.1)));
    let contrasts = Curve::through(modes.iter().map(|mode| (mode.0, mode.2)));
    let x = Measure::linear("correlation ρ").between(0.0, 1.0);
    Panel::new(x, Measure::linear("eigenvalue κ").including([0.0]))
        .layer(Layer::line(constant, CONSTANT, "constant"))
        .layer(Layer::line(contrasts, CONTRASTS, "contrasts"))
}

/// `M` and `V` from the smallest trained start: without correlation, on both sides of rho_c, and with much of it.
fn crossings(runs: &RunFolder, starts: &[Start]) -> [Panel; 4] {
    let trained = starts.iter().rev().map(|start| &start.runs).find(|runs| !runs.is_empty());
    let trained = trained.map_or(&[][..], |runs| runs);
    [
        trained.first(),
        trained.iter().rev().find(|record| record.phase.exists == Some(false)),
        trained.iter().find(|record| record.phase.is_there()),
        trained.iter().find(|record| record.config.task.correlation >= 0.5),
    ]
    .map(|record| {
        let title = record.map(|record| format!("ρ = {}", rounded(record.config.task.correlation)));
        let chosen: Vec<&Record> = record.into_iter().copied().collect();
        Subject::of_first(runs, &chosen).crossing().titled(title.unwrap_or_default())
    })
}
