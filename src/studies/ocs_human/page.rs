//! Simulated participants and networks on one clock, as `ocs human analyse` draws people; below, the dip of every group, controls too.

use super::groups::{Experiment, Group, PARTICIPANTS, networks};
use crate::config::Bias;
use crate::human::{self, Band, Clock, Networks, Subject};
use crate::plot::curve::Curve;
use crate::plot::style::{Dash, GREY, INK, Look, Marker, Stroke, THRESHOLD};
use crate::plot::{Entry, Layer, Measure, Page, Panel, Sample};
use crate::record::{Record, RunFolder};

const GROUP: Look = Look::new(INK, Dash::Solid, Marker::Disc);
const INTERVAL: Stroke = Stroke::solid(INK, 0.8);
const ZERO: Stroke = Stroke::solid(GREY, 0.4);

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    const TITLE: &str = "Simulated participants, no people";
    let not_run = || {
        let empty = Panel::new(Measure::linear("trials"), Measure::linear("mean dip"));
        Page::new(TITLE).row("Participants and networks", [empty])
    };
    // Who answers as networks do needs theirs.
    if runs.records.is_empty() {
        return not_run();
    }
    let Ok(experiment) = Experiment::of(runs) else { return not_run() };
    let Ok(analysis) = experiment.analysis(Group::Ideal) else { return not_run() };
    let networks = [Bias::All, Bias::None].into_iter().filter_map(|bias| beside(runs, bias));
    let networks: Vec<Networks> = networks.collect();
    let (taught, clock) = (&experiment.taught, Clock::Logarithmic);
    human::page(&Subject { analysis: &analysis, taught, networks: &networks, clock }).row(
        format!("Dip of the top level's TNR in groups of {PARTICIPANTS} simulated participants"),
        [dips(&experiment)],
    )
}

fn beside(runs: &RunFolder, bias: Bias) -> Option<Networks<'_>> {
    let records: Vec<&Record> = networks(runs, bias).ok()?;
    let first = records.first()?;
    let caption = first.config.display_name(&first.condition).to_owned();
    Some(Networks { caption, records })
}

/// Mean dip of each group.
fn dips(experiment: &Experiment) -> Panel {
    let x = Measure::named("", Group::ALL.map(Group::name));
    let y = Measure::linear("mean dip").including([0.0]);
    let found: Vec<(Group, f64, Band)> = (0..)
        .zip(Group::ALL)
        .filter_map(|(place, group)| {
            let dip = experiment.analysis(group).ok()?.group.dip;
            Some((group, f64::from(place) + 0.5, dip))
        })
        .collect();
    let deep = experiment
        .taught
        .deep_dip()
        .map(|dip| Layer::level(dip, THRESHOLD, "a fifth of the way to the OCS: less is no visit"));
    let zero = Layer::level(0.0, ZERO, "none");
    let entry = Entry::new(Sample::Line(INTERVAL), "95 %");
    let lines = found.iter().filter_map(|(_, x, dip)| {
        let ends = [(*x, dip.low?), (*x, dip.high?)];
        Some(Layer::line(Curve::through(ends), INTERVAL, "").explained_by(entry.clone()))
    });
    let points = |visits: bool| -> Vec<(f64, f64)> {
        let own = found.iter().filter(|(group, ..)| group.visits() == visits);
        own.filter_map(|(_, x, dip)| Some((*x, dip.mean?))).collect()
    };
    Panel::new(x, y)
        .layer(zero)
        .layers(deep)
        .layers(lines.collect::<Vec<_>>())
        .layer(Layer::points(points(true), GROUP, "made to visit the OCS"))
        .layer(Layer::open_points(points(false), GROUP, "controls"))
}
