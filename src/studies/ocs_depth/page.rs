//! Does depth remove the phase? The crossings without biases and with all, a column for each depth; below, onset, end and
//! length against depth.

use crate::config::{Bias, Config};
use crate::metrics::Phase;
use crate::plot::axis::Axis;
use crate::plot::biases::{BIASES, bias_entries, compare, depth_of};
use crate::plot::canvas::{Canvas, Rectangle};
use crate::plot::curve::{Account, Clock};
use crate::plot::legend::{Entry, Sample, footer, heading, legend};
use crate::plot::page::{END, ONSET, footer_notes, mark_phase, phase_in_words};
use crate::plot::panel::{Panel, Shown};
use crate::plot::reference::thresholds;
use crate::plot::scales::{clock_axis, clock_range, fraction_axis};
use crate::plot::style::{
    AT_OCS, GREY, LETTER_SIZE, Look, NOTE_SIZE, PAGE_WIDTH, THEORY, THRESHOLD, TITLE_SIZE, look,
};
use crate::plot::text::{Anchor, Text};
use crate::record::{Record, RunFolder};

const DEPTHS: [usize; 4] = [2, 3, 4, 5];
const ROWS: [(Bias, char, &str, f64); 2] =
    [(Bias::None, 'a', "No biases", 84.0), (Bias::All, 'b', "Biases in all layers", 206.0)];
const LEFT: f64 = 46.0;
const GAP: f64 = 14.0;
const WIDTH: f64 = (PAGE_WIDTH - LEFT - 30.0 - 3.0 * GAP) / 4.0;
const HEIGHT: f64 = 76.0;
const SUMMARY_TOP: f64 = 338.0;
const SUMMARY_HEIGHT: f64 = 104.0;
const PAGE_HEIGHT: f64 = 489.0;

/// The figure.
pub fn figure(runs: &RunFolder) -> Canvas {
    let mut canvas = Canvas::new(PAGE_WIDTH, PAGE_HEIGHT);
    let title = "Does depth remove the phase? No; nor does it make up for a missing bias";
    canvas.text(Text::centred(title, (12.0, 12.0), Anchor::Start, LETTER_SIZE).bold());
    let grey = |index| Sample::Dots(Look { colour: GREY, ..look(index) });
    let entries = [
        Entry::new(Sample::Dots(look(0)), "mean-output error, M / ‖ȳ‖"),
        Entry::new(Sample::Dots(look(1)), "input dependence, √(V / V of targets)"),
        Entry::new(Sample::Line(THEORY), "theory"),
        Entry::new(Sample::Line(THRESHOLD), "thresholds"),
        Entry::new(Sample::Shade, "OCS phase"),
        Entry::new(Sample::Upright(ONSET), "onset (no phase)"),
        Entry::new(Sample::Upright(END), "end (no phase)"),
    ];
    legend(&mut canvas, (12.0, 27.0), PAGE_WIDTH - 12.0, &entries);
    let accounts: Vec<Account> =
        runs.records.iter().map(|record| Account::of_run(record, Clock::Time)).collect();
    let (first, last) = clock_range(&accounts, Clock::Time);
    let time = clock_axis((first.max(last / 1e3), last), Clock::Time);
    let height = fraction_axis(&accounts, &time);
    for (bias, letter, name, top) in ROWS {
        heading(&mut canvas, (letter, name), (12.0, top - 27.0), PAGE_WIDTH, &[]);
        for (column, depth) in DEPTHS.into_iter().enumerate() {
            let left = LEFT + column as f64 * (WIDTH + GAP);
            let frame = Rectangle { left, top, width: WIDTH, height: HEIGHT };
            let panel = Panel { frame, x: time.clone(), y: height.clone() };
            crossing(&mut canvas, runs, &panel, (depth, bias));
        }
    }
    let mut entries = bias_entries(true);
    entries.push(Entry::new(grey(0), "gradient descent"));
    let at = (12.0, SUMMARY_TOP - 13.0);
    heading(&mut canvas, ('c', "Against depth"), at, PAGE_WIDTH, &entries);
    summary(&mut canvas, runs);
    let notes = format!("Aligned start, one-hot inputs. {}.", footer_notes(&runs.records));
    footer(&mut canvas, PAGE_HEIGHT - 11.0, (12.0, PAGE_WIDTH - 12.0), &notes);
    canvas
}

fn crossing(canvas: &mut Canvas, runs: &RunFolder, panel: &Panel, (depth, bias): (usize, Bias)) {
    let chosen =
        |record: &&Record| record.config.network.bias == bias && depth_of(&record.config) == depth;
    let (centre, top) = (panel.frame.centre().0, panel.frame.top);
    let title =
        Text::new(format!("{depth} layers"), (centre, top - 11.5), Anchor::Middle, TITLE_SIZE);
    canvas.text(title.bold());
    if let Some(record) = runs.records.iter().find(chosen) {
        let words = phase_in_words(&record.phase);
        canvas.text(Text::new(words, (centre, top - 3.5), Anchor::Middle, NOTE_SIZE));
        mark_phase(canvas, panel, &record.phase);
        thresholds(canvas, panel, record.config.phase_threshold, depth == DEPTHS[3]);
        let run = Account::of_run(record, Clock::Time);
        panel.dots(canvas, &run.mean_output_error(), look(0), 4.5);
        panel.dots(canvas, &run.input_dependence(), look(1), 4.5);
        if let Some(theory) = runs.theory_of(&record.condition).map(Account::of_theory) {
            panel.curve(canvas, &theory.mean_output_error(), THEORY);
            panel.curve(canvas, &theory.input_dependence(), THEORY);
        }
    } else {
        panel.note(canvas, "not run");
    }
    panel.axes(canvas, Shown { x: bias == Bias::All, y: depth == DEPTHS[0] });
}

/// One quantity of the phase against depth.
type Quantity = fn(&Phase) -> Option<f64>;

fn summary(canvas: &mut Canvas, runs: &RunFolder) {
    let times: Vec<f64> = runs
        .records
        .iter()
        .flat_map(|record| [record.phase.onset, record.phase.end])
        .flatten()
        .filter(|time| *time > 0.0)
        .collect();
    let low = times.iter().copied().fold(f64::INFINITY, f64::min);
    let high = times.iter().copied().fold(1.0, f64::max);
    let clock = |title| Axis::logarithmic(low / 1.4, high * 1.4, title);
    let lengths = runs.records.iter().filter_map(|record| record.phase.log_ratio);
    let (short, long) =
        lengths.fold((0.0_f64, 1.0_f64), |(low, high), l| (low.min(l), high.max(l)));
    let length = Axis::linear(short - 0.25, long + 0.25, "ln(end / onset)");
    let panels: [(Axis, Quantity); 3] = [
        (clock("onset, time t"), |phase| phase.onset),
        (clock("end, time t"), |phase| phase.end),
        (length, |phase| phase.log_ratio),
    ];
    for (index, (axis, quantity)) in panels.into_iter().enumerate() {
        let left = LEFT + index as f64 * 158.0;
        let frame = Rectangle { left, top: SUMMARY_TOP, width: 112.0, height: SUMMARY_HEIGHT };
        let panel = Panel { frame, x: Axis::linear(1.7, 5.3, "layers"), y: axis };
        if runs.records.is_empty() {
            panel.note(canvas, "not run");
        }
        panel.horizontal(canvas, 0.0, AT_OCS);
        for (bias, _) in BIASES {
            compare(canvas, &panel, runs, bias, &|config: &Config, phase: &Phase| {
                Some((depth_of(config) as f64, quantity(phase)?))
            });
        }
        if index == 1 && !runs.records.is_empty() {
            // Else three of the four would seem to be missing.
            let at = (frame.centre().0, frame.bottom() - 8.0);
            let words = "the same under every option";
            canvas.text(Text::centred(words, at, Anchor::Middle, NOTE_SIZE).coloured(GREY));
        }
        panel.axes(canvas, Shown { x: true, y: true });
    }
}
