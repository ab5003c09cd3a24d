//! Panels of what runs did along learning, with theory's answer: crossings, distances, true negative rates, responses.

use super::axes::rounded;
use super::axis::number;
use super::curve::{Account, Clock, Curve, Spread, median_phase};
use super::page::{Entry, Layer, Measure, Panel, Sample};
use super::phases::{
    StretchPhase, phase_in_words, phase_layers, phases_of_stretches, seen_until, stretch_layers,
};
use super::style::{AT_OCS, GREY, Look, Stroke, THEORY, THRESHOLD, level_look, look};
use crate::metrics::Phase;
use crate::record::{Record, RunFolder, TheoryRecord};

/// Caption of `M`.
pub const MEAN_OUTPUT_ERROR: &str = "mean-output error, M / ‖ȳ‖";
/// Caption of `V`.
pub const INPUT_DEPENDENCE: &str = "input dependence, √(V / V of targets)";
/// Title of the axis of both.
pub const CROSSING: &str = "M, √V (relative)";
const VALUE_AT_OCS: &str = "value at the OCS";

/// What a panel is about: runs of one condition, and what theory says of it.
#[derive(Clone)]
pub struct Subject<'a> {
    runs: Vec<Account<'a>>,
    /// From other starts, shown as a band.
    others: Vec<Account<'a>>,
    theory: Option<Account<'a>>,
    phase: Phase,
    /// Of several stretches, in place of the one phase.
    stretches: Vec<StretchPhase>,
    /// Of the phase.
    threshold: f64,
    clock: Clock,
    /// Whether marks of a phase are shown: not of runs that diverged.
    has_phase: bool,
    /// Whether runs are dots, not a median in a band.
    as_dots: bool,
}

impl<'a> Subject<'a> {
    /// The first of some runs, as dots, and theory: from aligned starts all seeds learn alike.
    pub fn of_first(runs: &'a RunFolder, chosen: &[&'a Record]) -> Subject<'a> {
        let run = chosen.first().copied();
        Subject::of_run(run, run.and_then(|run| runs.theory_of(&run.condition)))
    }

    /// The first run of a condition, likewise.
    pub fn of(runs: &'a RunFolder, condition: &str) -> Subject<'a> {
        Subject::of_run(runs.of(condition).first().copied(), runs.theory_of(condition))
    }

    /// One run, as dots, and theory.
    pub fn of_run(run: Option<&'a Record>, theory: Option<&'a TheoryRecord>) -> Subject<'a> {
        let runs: Vec<&Record> = run.into_iter().collect();
        Subject::new(&runs, theory, Clock::Time)
    }

    /// Several seeds: their median in a band.
    pub fn of_seeds(runs: &[&'a Record], clock: Clock) -> Subject<'a> {
        Subject { as_dots: false, ..Subject::new(runs, None, clock) }
    }

    /// One run on its training set, as dots, and theory; `phase` is that of the training set.
    pub fn on_training_set(
        run: &'a Record,
        theory: &'a TheoryRecord,
        phase: &'a Phase,
    ) -> Subject<'a> {
        let runs = Account::of_training_set(run, theory, phase).into_iter().collect();
        Subject { runs, phase: phase.clone(), ..Subject::of_run(Some(run), Some(theory)) }
    }

    fn new(runs: &[&'a Record], theory: Option<&'a TheoryRecord>, clock: Clock) -> Subject<'a> {
        Subject {
            runs: runs.iter().map(|run| Account::of_run(run, clock)).collect(),
            others: Vec::new(),
            theory: theory.map(Account::of_theory),
            phase: median_phase(runs, clock),
            stretches: if clock == Clock::Time { phases_of_stretches(runs) } else { Vec::new() },
            threshold: runs.first().map_or(f64::NAN, |run| run.config.phase_threshold),
            clock,
            has_phase: true,
            as_dots: true,
        }
    }

    /// With runs from random starts behind: their median in a band.
    pub fn beside(mut self, others: &[&'a Record]) -> Subject<'a> {
        if self.runs.is_empty() {
            self.phase = median_phase(others, self.clock);
            self.threshold = others.first().map_or(f64::NAN, |run| run.config.phase_threshold);
        }
        self.others = others.iter().map(|run| Account::of_run(run, self.clock)).collect();
        self
    }

    /// Without marks of a phase: a run that diverged says nothing of one.
    pub fn without_phase(mut self) -> Subject<'a> {
        (self.phase, self.stretches, self.has_phase) = (Phase::default(), Vec::new(), false);
        self
    }

    /// Any of its accounts: all have the same task.
    fn any(&self) -> Option<&Account<'a>> {
        self.runs.iter().chain(&self.others).next()
    }

    /// The clock across, words on the phase above, and the phase in the panel.
    pub fn panel(&self, y: Measure) -> Panel {
        let x = match self.clock {
            Clock::Time => Measure::time(),
            Clock::Step => Measure::step(),
        };
        let marks = match &self.stretches[..] {
            [] => phase_layers(&seen_until(&self.phase, self.last())),
            stretches => stretch_layers(stretches, self.last()),
        };
        Panel::new(x, y).layers(marks)
    }

    /// Where the last of what is drawn ends.
    fn last(&self) -> f64 {
        let end = |account: &Account| match account.curves.step.last() {
            Some(step) if self.clock == Clock::Step => *step as f64,
            Some(_) | None => account.curves.time.last().copied().unwrap_or_default(),
        };
        self.runs.iter().chain(&self.others).chain(&self.theory).map(end).fold(0.0, f64::max)
    }

    /// One quantity of runs and theory.
    pub fn curves(
        &self,
        look: Look,
        caption: &str,
        of: impl Fn(&Account<'a>) -> Curve,
    ) -> Vec<Layer> {
        let all = |runs: &[Account<'a>]| runs.iter().map(&of).collect::<Vec<Curve>>();
        let mut layers = Vec::new();
        let others = Spread::of(&all(&self.others));
        if !others.points.is_empty() {
            layers.extend(random_starts(others, look));
        }
        layers.extend(self.theory.iter().map(|theory| theory_line(of(theory))));
        let runs = all(&self.runs);
        if self.as_dots {
            layers.extend(runs.into_iter().map(|curve| Layer::dots(curve, look, caption)));
        } else {
            let single = runs.iter().filter_map(only_point).collect::<Vec<_>>();
            layers.extend(median_and_band(&runs, look, 1.0, caption));
            if !single.is_empty() {
                layers.push(Layer::points(single, look, caption));
            }
        }
        layers
    }

    /// The phase in words; where seeds disagree, how many have one.
    fn verdict(&self) -> String {
        let n = self.runs.len();
        let with = self.runs.iter().filter(|run| run.phase.is_there()).count();
        let undecided = self.runs.iter().filter(|run| run.phase.exists.is_none()).count();
        if undecided > 0 && undecided < n {
            format!("phase in {with} of {n}, {undecided} undecided")
        } else if with > 0 && with < n {
            format!("phase in {with} of {n} seeds")
        } else {
            self.any().map_or_else(String::new, |_| phase_in_words(&self.phase))
        }
    }

    /// `M` falling and `V` rising; which crosses its threshold first decides.
    pub fn crossing(&self) -> Panel {
        // Such a run would leave nothing of what its axis shows besides.
        let measure = match self.has_phase {
            true => Measure::linear(CROSSING).including([0.0, 1.0]),
            false => Measure::linear(CROSSING).including([0.0, 1.0]).at_most(2.0),
        };
        self.panel(measure)
            .saying(self.verdict())
            .layers(thresholds(self.threshold))
            .layers(self.curves(look(0), MEAN_OUTPUT_ERROR, Account::mean_output_error))
            .layers(self.curves(look(1), INPUT_DEPENDENCE, Account::input_dependence))
    }

    /// Near the OCS, far from the targets.
    pub fn distances(&self) -> Panel {
        /// Below this share of `V_target` they are numerical noise.
        const SMALLEST: f64 = 1e-6;
        self.panel(Measure::logarithmic("D / V of targets").at_least(SMALLEST))
            .layers(self.curves(look(0), "distance to OCS", Account::distance_to_ocs))
            .layers(self.curves(look(1), "distance to targets", Account::distance_to_targets))
    }

    /// Graded true negative rates, level by level. The top level's dip is the mark of the OCS.
    pub fn true_negative_rates(&self) -> Panel {
        let floor = |account: &Account, level| account.ocs_floor(level).into_iter().collect();
        self.panel(Measure::linear("graded TNR").including([0.5, 1.0]).at_least(0.0))
            .layers(self.at_ocs(floor, VALUE_AT_OCS))
            .layers(self.by_level(|level| {
                self.curves(level_look(level), &level_name(level), |run| {
                    run.true_negative_rate(level)
                })
            }))
    }

    /// The top level's true negative rate at the OCS.
    pub fn top_level_at_ocs(&self) -> Option<Layer> {
        Some(Layer::level(self.any()?.ocs_floor(0)?, AT_OCS, VALUE_AT_OCS).numbered())
    }

    /// Every label's mean response over all samples.
    pub fn mean_responses(&self) -> Panel {
        self.responses(|account, label| account.mean_response(label))
    }

    /// Every label's response to one item, counted from 0: labels meet at their base rates, then part.
    pub fn item_responses(&self, item: usize) -> Panel {
        self.responses(|account, label| account.item_response(item, label))
    }

    fn responses(&self, of: impl Fn(&Account<'a>, usize) -> Curve) -> Panel {
        // Labels of a level that have one curve: drawn twice, it would look thicker.
        let distinct = |account: &Account<'a>, labels: std::ops::Range<usize>| {
            let mut drawn: Vec<(usize, Curve)> = Vec::new();
            for label in labels {
                let curve = of(account, label);
                if !drawn.iter().any(|(_, other)| other.coincides_with(&curve)) {
                    drawn.push((label, curve));
                }
            }
            drawn
        };
        let of_runs = Subject { theory: None, others: Vec::new(), ..self.clone() };
        let mut layers = self.by_level(|level| {
            let labels = self.any().map(|run| distinct(run, run.labels_of(level)));
            let curves = |(label, _)| {
                of_runs.curves(level_look(level), &level_name(level), |run| of(run, label))
            };
            labels.into_iter().flatten().flat_map(curves).collect()
        });
        if let Some(theory) = &self.theory {
            let curves = distinct(theory, 0..theory.ocs().len()).into_iter();
            layers.extend(curves.map(|(_, curve)| theory_line(curve)));
        }
        self.panel(Measure::linear("response").including([0.0]).at_least(-1.0).at_most(2.0))
            .layers(self.at_ocs(base_rates, VALUE_AT_OCS))
            .layers(layers)
    }

    /// The top level lies upon the others.
    fn by_level(&self, of: impl Fn(usize) -> Vec<Layer>) -> Vec<Layer> {
        let n_levels = self.any().map_or(0, |account| account.levels().len());
        let below = |level| of(level).into_iter().map(move |layer| layer.below(level));
        (0..n_levels).flat_map(below).collect()
    }

    /// Values at the OCS, level by level.
    fn at_ocs(&self, of: impl Fn(&Account, usize) -> Vec<f64>, caption: &str) -> Vec<Layer> {
        let Some(account) = self.any() else { return Vec::new() };
        let entry = || Entry::new(Sample::Line(AT_OCS), caption);
        let mut layers = Vec::new();
        for level in 0..account.levels().len() {
            let stroke = Stroke { colour: level_look(level).colour, ..AT_OCS };
            let line = |value| Layer::level(value, stroke, "").explained_by(entry());
            let values = of(account, level);
            // Numbers of a level's own lines would touch: the middle one stands for all.
            let name = match &values[..] {
                [least, .., most] => format!("{}–{}", number(*least, 3), number(*most, 3)),
                _ => values.iter().map(|value| rounded(*value)).collect(),
            };
            let middle = values.len() / 2;
            layers.extend(values.into_iter().enumerate().map(|(index, value)| {
                let line = line(value);
                if index == middle { line.named(name.clone()) } else { line }
            }));
        }
        layers
    }
}

/// What theory says, below what was measured.
pub fn theory_line(curve: Curve) -> Layer {
    let entry = Entry::new(Sample::Line(THEORY), "theory");
    Layer::line(curve, THEORY, "").explained_by(entry).below(usize::MAX)
}

/// `level 1` for level 0.
pub fn level_name(level: usize) -> String {
    format!("level {}", level + 1)
}

/// Columns of each level's labels.
pub fn labels_of(levels: &[usize]) -> Vec<std::ops::Range<usize>> {
    let mut begin = 0;
    let range = |count: &usize| {
        begin += count;
        begin - count..begin
    };
    levels.iter().map(range).collect()
}

/// The thresholds of onset (`q` on `M / ||ybar||`) and end (`sqrt(q)` on `sqrt(V / V_target)`).
pub fn thresholds(q: f64) -> [Layer; 2] {
    [("onset", q), ("end", q.sqrt())].map(|(what, height)| {
        let name = format!("{what} {}", rounded(height));
        Layer::level(height, THRESHOLD, "thresholds").named(name)
    })
}

/// Base rates of a level's labels, each once.
fn base_rates(account: &Account, level: usize) -> Vec<f64> {
    let mut rates: Vec<f64> = account.labels_of(level).map(|label| account.ocs()[label]).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    rates
}

/// The point of a curve that has no other later than the start: no line goes through it.
fn only_point(curve: &Curve) -> Option<(f64, f64)> {
    let mut later = curve.points.iter().filter(|point| point.0 > 0.0);
    match (later.next(), later.next()) {
        (Some((x, Some(y))), None) => Some((*x, *y)),
        _ => None,
    }
}

/// Several curves of one kind: their median in a band, if they are several.
pub fn median_and_band(curves: &[Curve], look: Look, width: f64, caption: &str) -> Vec<Layer> {
    let spread = Spread::of(curves);
    let line = Layer::line(spread.middle(), look.stroke(width), caption);
    let band = (curves.len() > 1).then(|| Layer::band(spread, look.colour, caption));
    band.into_iter().chain([line]).collect()
}

fn random_starts(spread: Spread, look: Look) -> [Layer; 2] {
    // Where they follow the aligned start, they show at both sides of its line and dots.
    const PALER: f64 = 0.6;
    let stroke = |colour: super::style::Colour| Stroke::solid(colour.paler(PALER), 3.4);
    let samples = vec![Sample::Band(GREY), Sample::Line(stroke(GREY))];
    let entry = || Entry {
        samples: samples.clone(),
        caption: "random starts, median and range".to_owned(),
    };
    let middle = spread.middle();
    [
        Layer::line(middle, stroke(look.colour), "").explained_by(entry()),
        Layer::band(spread, look.colour, "").explained_by(entry()),
    ]
    .map(|layer| layer.below(usize::MAX))
}
