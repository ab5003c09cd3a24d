//! How long is the phase? Its length against the strength of the start, a panel for each depth.

use crate::config::{Config, Initialisation};
use crate::metrics::Phase;
use crate::plot::axis::Axis;
use crate::plot::biases::{BIASES, bias_entries, compare, depth_of};
use crate::plot::canvas::{Canvas, Rectangle};
use crate::plot::legend::{Entry, Sample, footer, heading, legend};
use crate::plot::page::footer_notes;
use crate::plot::panel::{Panel, Shown};
use crate::plot::style::{
    AT_OCS, GREY, LETTER_SIZE, Look, NOTE_SIZE, PAGE_WIDTH, Stroke, THRESHOLD, look,
};
use crate::plot::text::{Anchor, Text};
use crate::record::RunFolder;

const PANELS: [(usize, f64); 2] = [(2, 46.0), (3, 292.0)];
const TOP: f64 = 60.0;
const WIDTH: f64 = 190.0;
const HEIGHT: f64 = 170.0;
const PAGE_HEIGHT: f64 = 278.0;

/// The figure.
pub fn figure(runs: &RunFolder) -> Canvas {
    let mut canvas = Canvas::new(PAGE_WIDTH, PAGE_HEIGHT);
    let title = "How long is the phase? Only an output bias lengthens it without bound";
    canvas.text(Text::centred(title, (12.0, 12.0), Anchor::Start, LETTER_SIZE).bold());
    let mut entries = bias_entries(true);
    entries.push(Entry::new(Sample::Dots(Look { colour: GREY, ..look(0) }), "gradient descent"));
    entries.push(Entry::new(Sample::Line(Stroke::solid(GREY, 1.0)), "theory"));
    entries.push(Entry::new(Sample::Line(THRESHOLD), "ln 3"));
    legend(&mut canvas, (12.0, 28.0), PAGE_WIDTH - 12.0, &entries);
    for (letter, (depth, left)) in ['a', 'b'].into_iter().zip(PANELS) {
        let name = format!("{depth} layers");
        heading(&mut canvas, (letter, &name), (left - 34.0, TOP - 10.0), PAGE_WIDTH, &[]);
        depth_panel(&mut canvas, runs, depth, left);
    }
    let notes = format!("Aligned start, one-hot inputs. {}.", footer_notes(&runs.records));
    footer(&mut canvas, PAGE_HEIGHT - 11.0, (12.0, PAGE_WIDTH - 12.0), &notes);
    canvas
}

/// Inverse strength of the start and length of the phase, at one depth.
fn place(depth: usize, config: &Config, phase: &Phase) -> Option<(f64, f64)> {
    let Initialisation::Aligned(aligned) = config.network.initialisation else { return None };
    (depth_of(config) == depth).then_some((1.0 / aligned.a0, phase.log_ratio?))
}

fn depth_panel(canvas: &mut Canvas, runs: &RunFolder, depth: usize, left: f64) {
    let of = |config: &Config, phase: &Phase| place(depth, config, phase);
    let theories = runs.theories.iter().filter_map(|theory| of(&theory.config, &theory.phase));
    let records = runs.records.iter().filter_map(|record| of(&record.config, &record.phase));
    let points: Vec<(f64, f64)> = theories.chain(records).collect();
    let inverse =
        |choose: fn(f64, f64) -> f64, first| points.iter().map(|p| p.0).fold(first, choose);
    let high = points.iter().map(|point| point.1).fold(1.2, f64::max);
    let low = points.iter().map(|point| point.1).fold(0.0, f64::min);
    let margin = 0.07 * (high - low);
    let panel = Panel {
        frame: Rectangle { left, top: TOP, width: WIDTH, height: HEIGHT },
        x: Axis::logarithmic(
            inverse(f64::min, f64::INFINITY) / 2.0,
            inverse(f64::max, 10.0) * 2.0,
            "1/a₀, inverse strength of the start",
        ),
        y: Axis::linear(low - margin, high + margin, "length of the phase, ln(end / onset)"),
    };
    if points.is_empty() {
        panel.note(canvas, "not run");
    } else {
        no_phase(canvas, &panel);
        panel.horizontal(canvas, 3f64.ln(), THRESHOLD);
        for (bias, _) in BIASES {
            compare(canvas, &panel, runs, bias, &of);
        }
    }
    panel.axes(canvas, Shown { x: true, y: true });
}

/// Below 0 the end comes before the onset.
fn no_phase(canvas: &mut Canvas, panel: &Panel) {
    let frame = panel.frame;
    if panel.y.low < 0.0 {
        panel.horizontal(canvas, 0.0, AT_OCS);
        let at = (frame.right() - 4.0, frame.bottom() - 6.0);
        canvas.text(
            Text::centred("no phase: the end comes first", at, Anchor::End, NOTE_SIZE)
                .coloured(GREY),
        );
    }
}
