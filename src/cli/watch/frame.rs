//! One frame: what is known of a run, as lines and curves of a terminal.

use anyhow::Result;
use ratatui::Frame;
use ratatui::backend::TestBackend;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType, Paragraph};

use crate::metrics::Phase;
use crate::record::{Record, Status};

/// What is known of a run.
pub struct Shown {
    /// Which, in words.
    pub run: String,
    /// Its number among how many.
    pub place: (usize, usize),
    /// The newest record; `None` before anything is there.
    pub record: Option<Record>,
    /// Who is at it.
    pub who: Option<String>,
}

/// How a curve is drawn: where there are no colours, signs tell curves apart.
const LOOKS: [(Marker, &str, Color); 4] = [
    (Marker::Braille, "⠤", Color::Cyan),
    (Marker::Dot, "•", Color::Yellow),
    (Marker::Block, "█", Color::Magenta),
    (Marker::Bar, "▄", Color::Green),
];
const THRESHOLD: Style = Style::new().fg(Color::DarkGray);
/// Panels stand beside each other from so many columns on.
const WIDE: u16 = 110;

/// A panel: its curves over the logarithmic clock.
struct Panel {
    title: Vec<(String, Color)>,
    curves: Vec<Curve>,
    /// Largest value that is shown.
    top: f64,
}

struct Curve {
    points: Vec<(f64, f64)>,
    look: (Marker, Style),
    is_line: bool,
}

/// Draws all; `keys` says which are told at the foot.
pub fn draw(frame: &mut Frame, shown: &Shown, keys: &str) {
    let lines = heading(shown);
    let foot = if keys.is_empty() { 0 } else { 1 };
    let [head, body, keys_at] = Layout::vertical([
        Constraint::Length(lines.len() as u16),
        Constraint::Min(0),
        Constraint::Length(foot),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(lines), head);
    frame.render_widget(Paragraph::new(keys).style(THRESHOLD), keys_at);
    let Some(record) = shown.record.as_ref().filter(|record| !record.curves.step.is_empty()) else {
        frame.render_widget(Paragraph::new("nothing was observed yet"), body);
        return;
    };
    let panels = panels(record);
    let share = Constraint::Ratio(1, panels.len() as u32);
    let shares = vec![share; panels.len()];
    let places = if frame.area().width >= WIDE {
        Layout::horizontal(shares).split(body)
    } else {
        Layout::vertical(shares).split(body)
    };
    let last = record.curves.step.last().map_or(0.0, |&step| clock(step));
    for (panel, place) in panels.iter().zip(places.iter()) {
        panel.draw(frame, *place, last.max(clock(1)));
    }
}

/// The same as text, without colours.
pub fn text(shown: &Shown, (width, height): (u16, u16)) -> Result<String> {
    let mut terminal = ratatui::Terminal::new(TestBackend::new(width, height))?;
    terminal.draw(|frame| draw(frame, shown, ""))?;
    let buffer = terminal.backend().buffer();
    let cells: Vec<&str> = buffer.content().iter().map(|cell| cell.symbol()).collect();
    let lines = cells.chunks(usize::from(width)).map(|line| line.concat().trim_end().to_owned());
    Ok(lines.collect::<Vec<_>>().join("\n").trim_end().to_owned())
}

/// Place of a step on the clock, whose beginning is shown, too.
fn clock(step: u64) -> f64 {
    (step as f64 + 1.0).log10()
}

fn heading(shown: &Shown) -> Vec<Line<'static>> {
    let Shown { run, place: (number, of), record, who } = shown;
    let first = format!("{run}  (run {number} of {of})");
    let Some(record) = record else {
        let words = who.as_ref().map_or("nobody is at it".to_owned(), |who| who.clone());
        return vec![first.into(), words.into()];
    };
    let (step, steps) = (record.curves.step.last().unwrap_or(&0), record.config.total_steps());
    let state = match (&record.status, who) {
        (Status::Complete, _) => "complete".to_owned(),
        (Status::Diverged { .. }, _) => {
            record.status.diverged_in_words().unwrap_or_else(|| "diverged".to_owned())
        }
        (Status::Running, Some(who)) => format!("running: {who}"),
        (Status::Running, None) => "unfinished, and nobody is at it".to_owned(),
    };
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let Targets { phase, stretch, .. } = Targets::of(record);
    let since = stretch.map_or_else(String::new, |label| format!(" since '{label}' began"));
    vec![
        first.into(),
        format!("step {step} of {steps}, {state}").into(),
        format!(
            "{}: onset {}, end {}, in time (the sum of learning rates){since}",
            phase.verdict.word(),
            number(phase.onset),
            number(phase.end)
        )
        .into(),
    ]
}

/// What a run learned last: its only targets, or with phases those of the stretch that it is in.
struct Targets<'a> {
    phase: &'a Phase,
    /// `||ybar||`.
    norm: f64,
    variance: f64,
    /// Updates done before.
    first_step: u64,
    /// Name of the stretch, if it is not the first.
    stretch: Option<&'a str>,
}

impl Targets<'_> {
    fn of(record: &Record) -> Targets<'_> {
        let step = record.curves.step.last().copied().unwrap_or(0);
        match record
            .stretches
            .iter()
            .rfind(|stretch| 0 < stretch.first_step && stretch.first_step < step)
        {
            Some(stretch) => Targets {
                phase: &stretch.phase,
                norm: stretch.ocs_norm(),
                variance: stretch.target_variance,
                first_step: stretch.first_step,
                stretch: Some(&stretch.label),
            },
            None => Targets {
                phase: &record.phase,
                norm: record.ocs.iter().map(|rate| rate * rate).sum::<f64>().sqrt(),
                variance: record.target_variance,
                first_step: 0,
                stretch: None,
            },
        }
    }
}

fn panels(record: &Record) -> Vec<Panel> {
    let curves = &record.curves;
    let q = record.config.phase_threshold;
    let known = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
    let of_steps = |values: &[Option<f64>]| -> Vec<(f64, f64)> {
        let pairs = curves.step.iter().zip(values);
        pairs.filter_map(|(&step, value)| Some((clock(step), (*value)?))).collect()
    };
    let Targets { norm, variance, first_step, .. } = Targets::of(record);
    let mut all = Vec::new();
    for (name, values, threshold) in [
        ("M, mean-output error", &curves.mean_output_error, q * norm),
        ("V, input dependence", &curves.input_dependence, q * variance),
    ] {
        let (marker, _, colour) = LOOKS[0];
        let points = of_steps(&known(values));
        let top = points.iter().map(|(_, value)| *value).fold(threshold, f64::max);
        all.push(Panel {
            title: vec![
                (name.to_owned(), colour),
                (format!("  (---- {q} of the target's)"), Color::DarkGray),
            ],
            curves: vec![
                Curve::threshold(
                    threshold,
                    (clock(first_step), clock(*curves.step.last().unwrap_or(&1))),
                ),
                Curve { points, look: (marker, Style::new().fg(colour)), is_line: true },
            ],
            top,
        });
    }
    if !curves.true_negative_rate.is_empty() {
        let mut title = vec![("true negative rate:".to_owned(), Color::Reset)];
        let mut rates = Vec::new();
        for (level, (values, (marker, sign, colour))) in
            curves.true_negative_rate.iter().zip(LOOKS.iter().cycle()).enumerate()
        {
            title.push((format!(" {sign} level {}", level + 1), *colour));
            let look = (*marker, Style::new().fg(*colour));
            // Between two signs of whole cells a line would hide those beneath.
            let is_line = *marker == Marker::Braille;
            rates.push(Curve { points: of_steps(values), look, is_line });
        }
        // The top level, which tells most, is drawn over the others.
        rates.reverse();
        all.push(Panel { title, curves: rates, top: 1.0 });
    }
    all
}

impl Curve {
    /// A level line, in dashes.
    fn threshold(value: f64, (first, last): (f64, f64)) -> Curve {
        let at = |place: i32| first + (last - first) * f64::from(place) / 59.0;
        let points = (0..60).map(|place| (at(place), value)).collect();
        Curve { points, look: (Marker::Braille, THRESHOLD), is_line: false }
    }
}

impl Panel {
    fn draw(&self, frame: &mut Frame, place: Rect, last: f64) {
        let datasets = self.curves.iter().map(|curve| {
            let (marker, style) = curve.look;
            let graph = if curve.is_line { GraphType::Line } else { GraphType::Scatter };
            Dataset::default().data(&curve.points).marker(marker).style(style).graph_type(graph)
        });
        let title: Vec<Span> = self
            .title
            .iter()
            .map(|(words, colour)| Span::styled(words.clone(), Style::new().fg(*colour)))
            .collect();
        // Labels stand evenly along an axis: each says what is there.
        let n_labels = (usize::from(place.width) / 16).clamp(2, 6);
        let at = |index: usize| last * index as f64 / (n_labels - 1) as f64;
        let steps = (0..n_labels).map(|index| {
            let step = 10f64.powf(at(index)) - 1.0;
            if step < 99_999.5 { format!("{step:.0}") } else { format!("{step:.0e}") }
        });
        let top = if self.top > 0.0 { self.top } else { 1.0 };
        let values = [0.0, top / 2.0, top].map(short);
        let chart = Chart::new(datasets.collect())
            .block(Block::bordered().title(Line::from(title)))
            .x_axis(Axis::default().title("step").bounds([0.0, last]).labels(steps))
            .y_axis(Axis::default().bounds([0.0, top]).labels(values))
            .legend_position(None);
        frame.render_widget(chart, place);
    }
}

/// A number of few letters.
fn short(value: f64) -> String {
    if value == 0.0 || (0.01..1000.0).contains(&value) {
        format!("{value:.2}")
    } else {
        format!("{value:.0e}")
    }
}
