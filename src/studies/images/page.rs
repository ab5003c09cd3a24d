//! Four networks by four pairs of biases and preprocessing, then the top level's true negative rate of each, and one
//! condition without biases in detail.

use super::NETWORKS;
use crate::config::{Bias, Preprocessing};
use crate::plot::curve::{Account, Clock};
use crate::plot::over_time::Subject;
use crate::plot::style::look;
use crate::plot::{Measure, Page, Panel, symbols};
use crate::record::{DatasetRecord, RunFolder, unpublished};

/// What the networks are called here.
const NAMES: [&str; 4] = ["Linear", "ReLU MLP", "ReLU CNN", "tanh CNN"];
const COLUMNS: [(Bias, Preprocessing, &str); 4] = [
    (Bias::All, Preprocessing::Raw, "Biases, raw"),
    (Bias::All, Preprocessing::PixelCentred, "Biases, centred"),
    (Bias::None, Preprocessing::Raw, "No biases, raw"),
    (Bias::None, Preprocessing::PixelCentred, "No biases, centred"),
];
/// Network and column that are shown in detail.
const IN_DETAIL: (usize, usize) = (2, 2);

const NOTES: &str = "Lines: median over seeds, bands: their range. Curves end where runs do, well after the phase: linear networks learn no more there, others ever more slowly. Onset and end are those crossings of a threshold that persist; \
     the noise of minibatches may lift M above its threshold again within a phase.";

/// The figure for one data set.
pub fn page(runs: &RunFolder, dataset: &str) -> Page {
    let subjects = NETWORKS.map(|network| {
        COLUMNS.map(|(bias, inputs, _)| {
            let seeds = runs.pick_any(|config| network.is_in(config, bias, inputs));
            Subject::of_seeds(&seeds, Clock::Step)
        })
    });
    let dataset = DatasetRecord::name_of(dataset, unpublished(&runs.records).is_empty());
    let mut page = Page::new(format!(
        "Do networks trained on {dataset} visit the optimal constant solution (OCS) first?"
    ));
    for (index, networks) in subjects.iter().enumerate() {
        let titled = networks.iter().zip(COLUMNS);
        let panels = titled.map(|(subject, (.., title))| subject.crossing().titled(title));
        page = if index == 0 { page.row("Crossings", panels) } else { page.below(panels) };
        page = page.named(NAMES[index]).taller(0.8);
    }
    let rates = (0..COLUMNS.len()).map(|column| {
        top_rates(&subjects.each_ref().map(|of| &of[column])).titled(COLUMNS[column].2)
    });
    let shown = &subjects[IN_DETAIL.0][IN_DETAIL.1];
    page.row("Top level's true negative rate", rates)
        .row(
            "ReLU CNN, no biases, raw images",
            [
                shown.mean_responses().saying("mean response by label"),
                shown.true_negative_rates().saying("true negative rate by level"),
            ],
        )
        .key(symbols::CROSSING_IN_STEPS.into_iter().chain([
            symbols::TNR,
            symbols::MLP,
            symbols::CNN,
        ]))
        .notes(NOTES)
}

/// The top level's true negative rate of all networks.
fn top_rates(networks: &[&Subject; 4]) -> Panel {
    let rate = |run: &Account| run.true_negative_rate(0);
    let curves = networks.iter().zip(NAMES).enumerate();
    let curves = curves.flat_map(|(index, (of, name))| of.curves(look(index), name, rate));
    let floor = networks.iter().find_map(|network| network.top_level_at_ocs());
    Panel::new(Measure::step(), Measure::linear("graded TNR, level 1").including([0.5, 1.0]))
        .layers(floor)
        .layers(curves)
}
