//! The figure of people, and of networks beside them on one clock.

use crate::plot::curve::{Curve, Spread};
use crate::plot::over_time::{labels_of, level_name};
use crate::plot::style::{
    AT_OCS, Dash, GREY, INK, LOOKS, Look, Marker, SKY, Stroke, THRESHOLD, level_look,
};
use crate::plot::{Entry, Layer, Measure, Page, Panel, Sample, symbols};
use crate::record::Record;

use super::analysis::{Analysis, Band, GroupAnalysis, ParticipantAnalysis, Rate};
use super::crossings::Crossing;
use super::tree::Taught;

/// Networks beside people.
pub struct Networks<'a> {
    /// What the figure calls them.
    pub caption: String,
    /// Runs, the first of which is drawn.
    pub records: Vec<&'a Record>,
}

/// How trials are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// By logarithms.
    Logarithmic,
    /// Evenly.
    Linear,
}

const PEOPLE: Look = Look::new(INK, Dash::Solid, Marker::Disc);
/// Onsets, where ends stand beside them.
const ONSET: Look = Look::new(SKY, Dash::Solid, Marker::Disc);
const OF_OTHERS: &str = "95 % of the end, of the dip";
const DAY: Stroke = Stroke::broken(GREY, 0.5, Dash::DashDotted);
const IDENTITY: Stroke = Stroke::broken(GREY, 0.6, Dash::Dashed);

/// Everything that the figure is drawn from.
pub struct Subject<'a> {
    pub analysis: &'a Analysis,
    pub taught: &'a Taught,
    pub networks: &'a [Networks<'a>],
    pub clock: Clock,
}

/// True negative rates of each level; M and V; mean responses against base rates at four moments; onsets, ends and dips.
pub fn page(subject: &Subject) -> Page {
    let analysis = subject.analysis;
    let who = match &analysis.simulated {
        Some(learner) => format!("Simulated participants ({}), no people", shortened(learner)),
        None => "People".to_owned(),
    };
    let control = if analysis.shuffled { ", trials in random order" } else { "" };
    let levels = 0..analysis.levels.len();
    let networks = !subject.networks.is_empty();
    Page::new(format!("{who}: is the optimal constant solution visited first{control}?"))
        .row("True negative rate", levels.map(|level| subject.rate(level)))
        .row("Crossing", [subject.mean_output_error(), subject.input_dependence()])
        .row("Mean responses against base rates", subject.moments())
        .square()
        .row("Participants", [subject.crossings(), subject.dips()])
        .key([symbols::TNR, symbols::M, symbols::V, symbols::MEAN_TARGET])
        .key(networks.then_some(symbols::TIME))
        .notes(subject.notes())
}

/// A learner's name, or that it is several files.
fn shortened(learner: &str) -> &str {
    if learner.contains('/') { "networks" } else { learner }
}

impl Subject<'_> {
    fn group(&self) -> &GroupAnalysis {
        &self.analysis.group
    }

    fn time(&self) -> Measure {
        match self.clock {
            Clock::Logarithmic => Measure::logarithmic("trials"),
            Clock::Linear => Measure::linear("trials"),
        }
    }

    /// Where days begin, but for the first.
    fn days(&self) -> Vec<Layer> {
        let blocks = &self.group().blocks;
        let begins = blocks.windows(2).filter(|pair| pair[0].day != pair[1].day);
        begins
            .map(|pair| Layer::upright(0.5 * (pair[0].time + pair[1].time), DAY, "a day begins"))
            .collect()
    }

    /// A band over participants, and its mean.
    fn people<'a>(
        &self,
        bands: impl Iterator<Item = &'a Band> + Clone,
        of: impl Fn(f64) -> f64,
    ) -> [Layer; 2] {
        let times = self.group().blocks.iter().map(|block| block.time);
        let range = |band: &Band| Some((of(band.low?), of(band.mean?), of(band.high?)));
        let spread = times.clone().zip(bands.clone().map(range)).collect();
        let means = times.zip(bands.map(|band| band.mean.map(&of))).collect();
        let who =
            if self.analysis.simulated.is_some() { "simulated participants" } else { "people" };
        let caption = format!("mean of {} {who}", self.group().participants);
        [
            Layer::band(Spread { points: spread }, PEOPLE.colour, "95 % interval of the mean"),
            Layer::line(Curve { points: means }, PEOPLE.stroke(1.2), caption),
        ]
    }

    /// Trials for one unit of a run's time: ends of both phases are one moment, or else last ones.
    fn scale(&self, record: &Record) -> Option<f64> {
        let last = self.group().blocks.last()?.time;
        match (self.group().phase.end.value, record.phase.end) {
            (Some(people), Some(network)) if network > 0.0 => Some(people / network),
            _ => Some(last / record.curves.time.last().filter(|time| **time > 0.0)?),
        }
    }

    /// Lines of networks.
    fn lines<'a>(&'a self, of: impl Fn(&'a Record) -> Vec<Option<f64>> + 'a) -> Vec<Layer> {
        let line = |(index, networks): (usize, &'a Networks)| {
            let record = networks.records.first()?;
            let scale = self.scale(record)?;
            let times = record.curves.time.iter().map(|time| time * scale);
            let first = self.group().blocks.first()?.time * 0.5;
            let last = self.group().blocks.last()?.time * 1.1;
            let points = times.zip(of(record)).filter(|(time, _)| (first..=last).contains(time));
            let stroke = LOOKS[index % LOOKS.len()].stroke(1.0);
            Some(Layer::line(Curve { points: points.collect() }, stroke, networks.caption.clone()))
        };
        self.networks.iter().enumerate().filter_map(line).collect()
    }

    fn rate(&self, level: usize) -> Panel {
        let bands = self.group().true_negative_rate.iter();
        let bands = bands.filter_map(move |rate: &Rate| rate.levels.get(level));
        let floor = self.taught.true_negative_rate_at_ocs(level);
        let lines = self.lines(move |record| {
            record.curves.true_negative_rate.get(level).cloned().unwrap_or_default()
        });
        Panel::new(self.time(), Measure::linear("TNR").between(0.4, 1.02))
            .titled(level_name(level))
            .layers(self.people(bands, |rate| rate))
            .layers(lines)
            .layers(floor.map(|floor| Layer::level(floor, AT_OCS, "value at the OCS")))
            .layers(self.days())
    }

    fn mean_output_error(&self) -> Panel {
        let norm = self.taught.ocs_norm();
        let of = move |square: f64| square.max(0.0).sqrt() / norm;
        let lines = self.lines(move |record| {
            record.curves.mean_output_error.iter().map(|error| Some(error / norm)).collect()
        });
        Panel::new(self.time(), Measure::linear("M / ‖ȳ‖").between(0.0, 1.1))
            .titled("mean-output error")
            .layers(self.people(self.group().mean_output_error_squared.iter(), of))
            .layers(lines)
            .layer(Layer::level(self.analysis.threshold, THRESHOLD, "threshold of onset"))
            .layers(self.days())
    }

    fn input_dependence(&self) -> Panel {
        let target = self.taught.target_variance();
        let of = move |v: f64| (v.max(0.0) / target).sqrt();
        let lines = self.lines(move |record| {
            record.curves.input_dependence.iter().map(|v| Some(of(*v))).collect()
        });
        let y = Measure::linear("√(V / V of targets)").between(0.0, 1.1);
        Panel::new(self.time(), y)
            .titled("input dependence")
            .layers(self.people(self.group().input_dependence.iter(), of))
            .layers(lines)
            .layer(Layer::level(self.analysis.threshold.sqrt(), THRESHOLD, "threshold of end"))
            .layers(self.days())
    }

    /// The first block, the one where the top level's rate is lowest, the one at the end of the phase, and the last.
    fn moments(&self) -> Vec<Panel> {
        let group = self.group();
        let last = group.blocks.len().saturating_sub(1);
        let rate = |at: &usize| group.true_negative_rate[*at].top.mean.unwrap_or(1.0);
        let lowest = (0..=last).filter(|at| *at < group.blocks.len());
        let lowest = lowest.min_by(|one, other| rate(one).total_cmp(&rate(other))).unwrap_or(0);
        let end = group.phase.end.value.unwrap_or(f64::INFINITY);
        let at_end = group.blocks.iter().position(|block| block.time >= end).unwrap_or(last);
        let moments =
            [(0, "first block"), (lowest, "lowest TNR"), (at_end, "end"), (last, "last block")];
        moments.into_iter().map(|(at, words)| self.moment(at, words)).collect()
    }

    fn moment(&self, at: usize, words: &str) -> Panel {
        let share = |title| Measure::linear(title).between(0.0, 1.0);
        let panel = Panel::new(share("base rate ȳ"), share("mean response"));
        let group = self.group();
        let Some(block) = group.blocks.get(at) else { return panel };
        let layers =
            labels_of(&self.analysis.levels).into_iter().enumerate().map(|(level, labels)| {
                let points = labels.filter_map(|label| {
                    Some((self.analysis.ocs[label], group.mean_response[at][label].mean?))
                });
                Layer::points(points.collect::<Vec<_>>(), level_look(level), level_name(level))
            });
        panel
            .titled(format!("{words}, trial {:.0}", block.time))
            .layer(Layer::diagonal(IDENTITY, "response = base rate"))
            .layers(self.networks_at(block.time))
            .layers(layers.collect::<Vec<_>>())
    }

    /// Networks' responses after so many trials, the mean of each level's labels.
    fn networks_at(&self, trials: f64) -> Vec<Layer> {
        let points = |(index, networks): (usize, &Networks)| {
            let record = networks.records.first()?;
            let curves = &record.curves;
            let time = trials / self.scale(record)?;
            let at = curves.time.iter().position(|after| *after >= time);
            let at = at.or(curves.time.len().checked_sub(1))?;
            let of_level = |labels: std::ops::Range<usize>| {
                let all = labels.clone().map(|label| curves.mean_response.get(label)?.get(at));
                let responses: Option<Vec<&f64>> = all.collect();
                let responses = responses.filter(|all| !all.is_empty())?;
                let n = responses.len() as f64;
                let base_rate = self.analysis.ocs.get(labels)?.iter().sum::<f64>() / n;
                Some((base_rate, responses.into_iter().sum::<f64>() / n))
            };
            let points = labels_of(&self.analysis.levels).into_iter().filter_map(of_level);
            let look = LOOKS[index % LOOKS.len()];
            let points = points.collect::<Vec<_>>();
            Some(Layer::open_points(points, look, networks.caption.clone()).larger(1.7))
        };
        self.networks.iter().enumerate().filter_map(points).collect()
    }

    /// Onset and end of each participant.
    fn crossings(&self) -> Panel {
        let y = Measure::linear("participant");
        let mut panel = Panel::new(self.time(), y).titled("onset and end of the phase");
        let members = self.members();
        let of = |at: usize| [&members[at].1.phase.onset, &members[at].1.phase.end];
        for (which, name) in ["onset", "end"].into_iter().enumerate() {
            let (look, caption) = [(ONSET, "95 % of the onset"), (PEOPLE, OF_OTHERS)][which];
            // Beside each other.
            let y = |at: usize| members[at].0 + [0.15, -0.15][which];
            let lines =
                (0..members.len()).filter_map(|at| interval(of(at)[which], y(at), (look, caption)));
            let points = (0..members.len()).filter_map(|at| Some((of(at)[which].value?, y(at))));
            let points: Vec<_> = points.collect();
            let points = match which {
                0 => Layer::open_points(points, look, name),
                _ => Layer::points(points, look, name),
            };
            panel = panel.layers(lines.collect::<Vec<_>>()).layer(points.larger(0.8));
        }
        panel
    }

    /// Participants that no rule leaves out, each with its number in the list of all.
    fn members(&self) -> Vec<(f64, &ParticipantAnalysis)> {
        let all = self.analysis.participants.iter().enumerate();
        let kept = all.filter(|(_, one)| one.excluded.is_none());
        kept.map(|(at, one)| ((at + 1) as f64, one)).collect()
    }

    fn dips(&self) -> Panel {
        let y = Measure::linear("participant");
        let x = Measure::linear("dip of the top level's TNR").including([0.0]);
        let members = self.members().into_iter();
        let dips: Vec<_> = members.filter_map(|(y, one)| Some((y, one.dip?))).collect();
        let lines = dips.iter().flat_map(|(y, dip)| {
            let (low, high) = (Some(dip.low), Some(dip.high));
            interval(&Crossing { value: None, low, high }, *y, (PEOPLE, OF_OTHERS))
        });
        let points = dips.iter().map(|(y, dip)| (dip.value, *y));
        Panel::new(x, y)
            .titled("dip")
            .layers(lines.collect::<Vec<_>>())
            .layer(Layer::points(points.collect::<Vec<_>>(), PEOPLE, "dip").larger(0.8))
            .layer(Layer::upright(0.0, THRESHOLD, "no dip"))
    }

    fn notes(&self) -> String {
        let mut notes = format!(
            "Blocks of {} trials; M and V are of response probabilities: what chance adds to few marks is taken off. Participants are \
             numbered as ocs human analyse lists them.",
            self.analysis.block
        );
        let members = self.analysis.participants.iter();
        let left_out = members.filter(|one| one.excluded.is_some()).count();
        if left_out > 0 {
            notes.push_str(&format!(" {left_out} participants are left out by rules."));
        }
        if self.networks.is_empty() {
            // Where there are runs, the foot says theirs.
            notes.push_str(&format!(" Program revision {}.", env!("OCS_REVISION")));
        } else {
            let scales = self.networks.iter().filter_map(|networks| {
                let record = networks.records.first()?;
                Some(format!("{:.3} ({})", self.scale(record)?, networks.caption))
            });
            notes.push_str(&format!(
                " Networks' time t is put on people's trials so that the ends of their phases are one moment, or, where one has none, \
                 the last: trials per unit of t {}.",
                scales.collect::<Vec<_>>().join(", ")
            ));
        }
        notes
    }
}

/// A line over an interval that has both ends.
fn interval(crossing: &Crossing, y: f64, (look, caption): (Look, &str)) -> Option<Layer> {
    let (low, high) = (crossing.low?, crossing.high?);
    let stroke = Stroke::solid(look.colour.paler(0.6), 0.6);
    let entry = Entry::new(Sample::Line(stroke), caption);
    Some(Layer::line(Curve::through([(low, y), (high, y)]), stroke, "").explained_by(entry))
}
