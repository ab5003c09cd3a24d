//! Can inputs do what biases do? The length of the phase against the inputs' correlation, its beginning enlarged, the
//! eigenvalues of the inputs' Gram matrix; below, the crossing that defines the phase, below and above `rho_c`.

use crate::config::{Config, Inputs};
use crate::plot::axis::{Axis, number, power_of_ten};
use crate::plot::canvas::{Canvas, Rectangle};
use crate::plot::curve::{Account, Clock, Curve};
use crate::plot::legend::{Entry, Sample, footer, heading, legend};
use crate::plot::page::{crossing_entries, footer_notes, mark_phase, phase_in_words};
use crate::plot::panel::{Panel, Shown, rounded};
use crate::plot::reference::thresholds;
use crate::plot::scales::{clock_axis, clock_range, fraction_axis};
use crate::plot::style::{
    AT_OCS, Colour, GREEN, GREY, INK, LETTER_SIZE, LOOKS, Look, NOTE_SIZE, PAGE_WIDTH,
    POINT_RADIUS, PURPLE, Stroke, THEORY, THRESHOLD, TITLE_SIZE, look,
};
use crate::plot::text::{Anchor, Text};
use crate::record::{Record, RunFolder, TheoryRecord};

const PAGE_HEIGHT: f64 = 370.0;
/// The three panels above: whole range, beginning, eigenvalues.
const TOP: f64 = 72.0;
const TOP_HEIGHT: f64 = 120.0;
const ABOVE: [(f64, f64); 3] = [(46.0, 164.0), (246.0, 126.0), (414.0, 76.0)];
/// The four panels below.
const LEFT: f64 = 46.0;
const GAP: f64 = 14.0;
const WIDTH: f64 = (PAGE_WIDTH - LEFT - 36.0 - 3.0 * GAP) / 4.0;
const BELOW: (f64, f64) = (252.0, 76.0);
/// End of the enlarged beginning.
const BEGINNING: f64 = 0.125;
const SPACING: f64 = 4.5;

/// Input bias, where inputs are one-hot.
const INPUT_BIAS: Look = Look { colour: INK, ..LOOKS[3] };
const CONSTANT: Stroke = Stroke::solid(GREEN, 1.0);
const CONTRASTS: Stroke = Stroke::broken(PURPLE, 1.0, crate::plot::style::Dash::Dashed);

/// Everything that belongs to one a0.
struct Start<'a> {
    a0: f64,
    look: Look,
    /// By rho.
    runs: Vec<&'a Record>,
    theory: Curve,
    critical: Option<f64>,
}

impl<'a> Start<'a> {
    fn new(runs: &'a RunFolder, a0: f64, look: Look) -> Start<'a> {
        let of_start = |config: &Config| {
            config.start_and_correlation().filter(|(start, _)| *start == a0).map(|(_, rho)| rho)
        };
        let mut trained: Vec<&Record> =
            runs.records.iter().filter(|record| of_start(&record.config).is_some()).collect();
        trained.sort_by(|a, b| a.config.task.correlation.total_cmp(&b.config.task.correlation));
        let theories: Vec<(f64, &TheoryRecord)> = runs
            .theories
            .iter()
            .filter_map(|theory| Some((of_start(&theory.config)?, theory)))
            .collect();
        let is_critical = |theory: &TheoryRecord| theory.condition.starts_with("critical");
        let mut points: Vec<(f64, Option<f64>)> =
            theories.iter().map(|(rho, theory)| (*rho, theory.phase.log_ratio)).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let critical = theories.iter().find(|(_, theory)| is_critical(theory)).map(|(rho, _)| *rho);
        Start { a0, look, runs: trained, theory: Curve { points }, critical }
    }

    /// `a₀ = 10⁻⁴, ρ_c = 0.0525`.
    fn caption(&self) -> String {
        let power = self.a0.log10().round();
        let start = if (self.a0.log10() - power).abs() < 1e-9 {
            power_of_ten(power as i32)
        } else {
            format!("{:e}", self.a0)
        };
        let critical = self
            .critical
            .map_or_else(String::new, |critical| format!(" (ρc = {})", number(critical, 4)));
        format!("a₀ = {start}{critical}")
    }
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

/// The figure.
pub fn figure(runs: &RunFolder) -> Canvas {
    let mut canvas = Canvas::new(PAGE_WIDTH, PAGE_HEIGHT);
    let starts = starts(runs);
    top_of_page(&mut canvas, &starts);
    lengths(&mut canvas, runs, &starts);
    eigenvalues(&mut canvas, runs);
    crossings(&mut canvas, runs, &starts);
    let notes = format!(
        "Aligned starts without biases; d from the smallest a₀ that was trained. {}.",
        footer_notes(&runs.records)
    );
    footer(&mut canvas, PAGE_HEIGHT - 11.0, (12.0, PAGE_WIDTH - 12.0), &notes);
    canvas
}

fn top_of_page(canvas: &mut Canvas, starts: &[Start]) {
    let title = "Can inputs do what biases do? A common component brings the OCS without biases";
    canvas.text(Text::centred(title, (12.0, 12.0), Anchor::Start, LETTER_SIZE).bold());
    let mut entries: Vec<Entry> = starts
        .iter()
        .map(|start| Entry::new(Sample::Line(start.look.stroke(0.9)), start.caption()))
        .collect();
    let grey = Look { colour: GREY, ..look(0) };
    entries.push(Entry::new(Sample::Marker(grey), "gradient descent"));
    entries.push(Entry::new(Sample::Open(INPUT_BIAS), "input bias, one-hot"));
    legend(canvas, (12.0, 27.0), PAGE_WIDTH - 6.0, &entries);
    let headings =
        [('a', "Length of the phase"), ('b', "Enlarged, ρc dotted"), ('c', "Gram eigenvalues")];
    for ((letter, name), (left, _)) in headings.into_iter().zip(ABOVE) {
        let left = if letter == 'c' { left - 24.0 } else { left - 34.0 };
        heading(canvas, (letter, name), (left, 47.0), PAGE_WIDTH, &[]);
    }
}

fn above(index: usize) -> Rectangle {
    let (left, width) = ABOVE[index];
    Rectangle { left, top: TOP, width, height: TOP_HEIGHT }
}

/// ln(end/onset) against rho; positive where there is a phase.
fn lengths(canvas: &mut Canvas, runs: &RunFolder, starts: &[Start]) {
    let curves = starts.iter().flat_map(|start| &start.theory.points);
    let highest = curves.filter_map(|point| point.1).fold(1.0, f64::max);
    let x = "correlation ρ of the inputs";
    let panels = [
        Panel {
            frame: above(0),
            x: Axis::linear(0.0, 1.0, x),
            y: Axis::linear(-0.7, highest + 0.2, "ln(end/onset)"),
        },
        Panel {
            frame: above(1),
            x: Axis::linear(0.0, BEGINNING, x),
            y: Axis::linear(-0.7, 0.7, "ln(end/onset)"),
        },
    ];
    let mut named = Vec::new();
    for (index, panel) in panels.iter().enumerate() {
        panel.horizontal(canvas, 0.0, THRESHOLD);
        for start in starts {
            if let (Some(critical), 1) = (start.critical, index) {
                name_critical(canvas, panel, critical, start.look.colour, &mut named);
            }
            panel.curve(canvas, &start.theory, start.look.stroke(0.9));
            let point = |record: &Record| {
                let (rho, ratio) = (record.config.task.correlation, record.phase.log_ratio?);
                panel.place(rho, ratio).filter(|_| rho <= panel.x.high)
            };
            for at in start.runs.iter().filter_map(|record| point(record)) {
                canvas.marker(start.look.marker, at, POINT_RADIUS, start.look.colour);
            }
        }
        if starts.is_empty() {
            panel.note(canvas, "not run");
        }
        panel.axes(canvas, Shown { x: true, y: true });
    }
    input_bias(canvas, runs, &panels[0]);
}

/// A dotted line, its number above the frame, unless that would touch one of those `named` before.
fn name_critical(
    canvas: &mut Canvas,
    panel: &Panel,
    critical: f64,
    colour: Colour,
    named: &mut Vec<f64>,
) {
    panel.vertical(canvas, critical, Stroke { colour, ..AT_OCS });
    if let Some((x, _)) = panel.place(critical, 0.0).filter(|_| critical < panel.x.high) {
        let at = (x, panel.frame.top - 3.0);
        let text = Text::new(number(critical, 4), at, Anchor::Middle, NOTE_SIZE);
        if named.iter().all(|other| (other - x).abs() > text.bounds().width) {
            canvas.text(text);
            named.push(x);
        }
    }
}

/// The length of the phase with an input bias on one-hot inputs stands at rho = 1/2, to which it amounts.
fn input_bias(canvas: &mut Canvas, runs: &RunFolder, panel: &Panel) {
    let biased = runs.records.iter().find(|record| {
        record.config.task.inputs == Inputs::OneHot && record.config.network.bias.at_input()
    });
    let place = biased.and_then(|record| panel.place(0.5, record.phase.log_ratio?));
    if let Some(at) = place {
        canvas.open_marker(INPUT_BIAS.marker, at, 1.5 * POINT_RADIUS, INPUT_BIAS.colour);
    }
}

/// N times the input variances of the constant and of the contrasts.
fn eigenvalues(canvas: &mut Canvas, runs: &RunFolder) {
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
    let highest = modes.iter().map(|mode| mode.1).fold(1.0, f64::max);
    let panel = Panel {
        frame: above(2),
        x: Axis::linear(0.0, 1.0, "correlation ρ"),
        y: Axis::linear(0.0, 1.08 * highest, "eigenvalue κ"),
    };
    let of = |value: fn(&(f64, f64, f64)) -> f64| Curve {
        points: modes.iter().map(|mode| (mode.0, Some(value(mode)))).collect(),
    };
    panel.curve(canvas, &of(|mode| mode.1), CONSTANT);
    panel.curve(canvas, &of(|mode| mode.2), CONTRASTS);
    if modes.is_empty() {
        panel.note(canvas, "not run");
    }
    panel.axes(canvas, Shown { x: true, y: true });
    let entries = [
        Entry::new(Sample::Line(CONSTANT), "constant"),
        Entry::new(Sample::Line(CONTRASTS), "contrasts"),
    ];
    legend(canvas, (ABOVE[2].0 - 18.0, 61.0), PAGE_WIDTH, &entries);
}

/// `M` and `V` from the smallest trained start: without correlation, on both sides of rho_c, and with much of it.
fn crossings(canvas: &mut Canvas, runs: &RunFolder, starts: &[Start]) {
    let empty = Vec::new();
    let trained = starts
        .iter()
        .rev()
        .find(|start| !start.runs.is_empty())
        .map_or(&empty, |start| &start.runs);
    let shown = [
        trained.first(),
        trained.iter().rev().find(|record| record.phase.exists == Some(false)),
        trained.iter().find(|record| record.phase.is_there()),
        trained.iter().find(|record| record.config.task.correlation >= 0.5),
    ];
    let accounts: Vec<Account> =
        shown.iter().flatten().map(|record| Account::of_run(record, Clock::Time)).collect();
    let last = clock_range(&accounts, Clock::Time).1;
    let time = clock_axis((last / 50.0, last), Clock::Time);
    let fraction = fraction_axis(&accounts, &time);
    heading(canvas, ('d', "Crossings"), (12.0, BELOW.0 - 24.0), PAGE_WIDTH, &crossing_entries());
    for (index, record) in shown.into_iter().enumerate() {
        let left = LEFT + index as f64 * (WIDTH + GAP);
        let frame = Rectangle { left, top: BELOW.0, width: WIDTH, height: BELOW.1 };
        let panel = Panel { frame, x: time.clone(), y: fraction.clone() };
        match record {
            Some(record) => crossing(canvas, runs, record, &panel, index == 3),
            None => panel.note(canvas, "not run"),
        }
        panel.axes(canvas, Shown { x: true, y: index == 0 });
    }
}

fn crossing(canvas: &mut Canvas, runs: &RunFolder, record: &Record, panel: &Panel, last: bool) {
    mark_phase(canvas, panel, &record.phase);
    thresholds(canvas, panel, record.config.phase_threshold, last);
    let run = Account::of_run(record, Clock::Time);
    panel.dots(canvas, &run.mean_output_error(), look(0), SPACING);
    panel.dots(canvas, &run.input_dependence(), look(1), SPACING);
    if let Some(theory) = runs.theory_of(&record.condition).map(Account::of_theory) {
        panel.curve(canvas, &theory.mean_output_error(), THEORY);
        panel.curve(canvas, &theory.input_dependence(), THEORY);
    }
    let centre = panel.frame.centre().0;
    let title = format!("ρ = {}", rounded(record.config.task.correlation));
    let at = (centre, panel.frame.top - 10.5);
    canvas.text(Text::new(title, at, Anchor::Middle, TITLE_SIZE).bold());
    let words = phase_in_words(&record.phase);
    let at = (centre, panel.frame.top - 3.5);
    canvas.text(Text::new(words, at, Anchor::Middle, NOTE_SIZE));
}
