//! Simulated participants and networks on one clock, as `ocs human analyse` draws people; below, the dip of every group, controls too.

use super::groups::{Experiment, Group, PARTICIPANTS, networks};
use crate::config::Bias;
use crate::human::{self, Band, Clock, Networks, Subject};
use crate::plot::curve::Curve;
use crate::plot::style::{BLUE, Dash, GREY, Look, Marker, Stroke, THRESHOLD, VERMILION};
use crate::plot::{Layer, Measure, Page, Panel};
use crate::record::{Record, RunFolder};

const VISITORS: Look = Look::new(VERMILION, Dash::Solid, Marker::Disc);
const CONTROLS: Look = Look::new(BLUE, Dash::Solid, Marker::Square);
const NONE: Stroke = Stroke::broken(GREY, 0.6, Dash::Dotted);

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    const TITLE: &str = "Simulated participants, no people";
    let Ok(experiment) = Experiment::of(runs) else { return Page::new(TITLE) };
    let Ok(analysis) = experiment.analysis(Group::Ideal) else { return Page::new(TITLE) };
    let networks = [Bias::All, Bias::None].into_iter().filter_map(|bias| beside(runs, bias));
    let networks: Vec<Networks> = networks.collect();
    let (taught, clock) = (&experiment.taught, Clock::Logarithmic);
    human::page(&Subject { analysis: &analysis, taught, networks: &networks, clock })
        .row("Groups of simulated participants", [dips(&experiment)])
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
    let y = Measure::linear("mean dip of top level's TNR").including([0.0]);
    let found: Vec<(Group, f64, Band)> = (0..)
        .zip(Group::ALL)
        .filter_map(|(place, group)| {
            let dip = experiment.analysis(group).ok()?.group.dip;
            Some((group, f64::from(place) + 0.5, dip))
        })
        .collect();
    let mut panel = Panel::new(x, y).layer(Layer::level(0.0, NONE, "no dip")).layers(
        experiment.taught.deep_dip().map(|dip| {
            Layer::level(dip, THRESHOLD, "a fifth of the way to the OCS: less is no visit")
        }),
    );
    for (visits, look, words) in
        [(true, VISITORS, "made to visit the OCS"), (false, CONTROLS, "controls")]
    {
        let own = found.iter().filter(|(group, ..)| group.visits() == visits);
        let stroke = Stroke::solid(look.colour, 0.9);
        let line = |(_, x, dip): &(Group, f64, Band)| {
            let ends = [(*x, dip.low?), (*x, dip.high?)];
            Some(Layer::line(Curve::through(ends), stroke, "").uncaptioned())
        };
        let points = own.clone().filter_map(|(_, x, dip)| Some((*x, dip.mean?)));
        panel =
            panel.layers(own.clone().filter_map(line).collect::<Vec<_>>()).layer(Layer::points(
                points.collect::<Vec<_>>(),
                look,
                format!("{words}: mean of {PARTICIPANTS}, and its 95 %"),
            ));
    }
    panel
}
