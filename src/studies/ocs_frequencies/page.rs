//! A column for each tree: responses in the middle of the phase against base rates, the crossing with biases and without,
//! and base rates and responses label by label.

use super::in_the_middle;
use crate::plot::over_time::{Subject, labels_of, level_name};
use crate::plot::style::{BLUE, Colour, Dash, GREY, Look, Marker, Stroke, VERMILION, level_look};
use crate::plot::{Entry, Layer, Measure, Page, Panel, Sample, symbols};
use crate::record::{Record, RunFolder};

const IDENTITY: Stroke = Stroke::broken(GREY, 0.6, Dash::Dashed);
/// Bars of base rates.
const BARS: Colour = Colour(0xC8, 0xC8, 0xC8);
const ALL: Look = Look::new(BLUE, Dash::Solid, Marker::Disc);
const INPUT: Look = Look::new(VERMILION, Dash::Solid, Marker::Triangle);
/// Beginnings of conditions.
const TREES: [&str; 3] = ["even", "uneven", "ragged"];
/// Largest rate that is shown.
const MOST: f64 = 0.55;

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    let titled = |tree: &str, panel: Panel| {
        panel.titled(format!("{}{} tree", tree[..1].to_uppercase(), &tree[1..]))
    };
    let crossing =
        |tree, bias| titled(tree, Subject::of(runs, &format!("{tree}-{bias}")).crossing());
    Page::new("Does the first response mirror the label distribution? Items come unequally often")
        .row(
            "Mid-phase responses, biases in all layers",
            TREES.map(|tree| titled(tree, against_base_rates(runs, tree))),
        )
        .square()
        .row("Biases in all layers", TREES.map(|tree| crossing(tree, "all")))
        .row("No biases", TREES.map(|tree| crossing(tree, "none")))
        .row("Label by label", TREES.map(|tree| titled(tree, label_by_label(runs, tree))))
        .key(symbols::CROSSING)
        .notes(
            "Aligned starts. Responses: mean over items, at the geometric mean of onset and end.",
        )
}

fn first<'a>(runs: &'a RunFolder, tree: &str, bias: &str) -> Option<&'a Record> {
    runs.of(&format!("{tree}-{bias}")).first().copied()
}

/// Response in the middle of the phase against base rate; open, what equal frequencies would make of it.
fn against_base_rates(runs: &RunFolder, tree: &str) -> Panel {
    let rate = |title| Measure::linear(title).between(0.0, MOST);
    let panel = Panel::new(rate("base rate ȳ"), rate("response"));
    let Some(record) = first(runs, tree, "all") else { return panel };
    let Some(responses) = in_the_middle(record) else { return panel.missing("no phase") };
    let uniform = runs.theory_of(&format!("uniform-{tree}")).map_or(&[][..], |theory| &theory.ocs);
    let layers = labels_of(&record.levels).into_iter().enumerate().flat_map(|(level, labels)| {
        let look = level_look(level);
        let against = |of: &[f64]| {
            let rates = labels.clone().filter_map(|k| Some((record.ocs[k], *of.get(k)?)));
            rates.collect::<Vec<_>>()
        };
        let grey = Sample::Open(Look { colour: GREY, ..level_look(0) });
        [
            Layer::open_points(against(uniform), look, "")
                .explained_by(Entry::new(grey, "if all items were equally frequent")),
            Layer::points(against(&responses), look, level_name(level)),
        ]
    });
    panel.layer(Layer::diagonal(IDENTITY, "response = base rate")).layers(layers)
}

/// Base rates as bars, responses as markers, level by level.
fn label_by_label(runs: &RunFolder, tree: &str) -> Panel {
    let all = first(runs, tree, "all");
    let levels = all.map_or(&[][..], |record| &record.levels);
    let names = levels.iter().enumerate().map(|(level, count)| (*count, (level + 1).to_string()));
    let x = Measure::grouped("labels, by level", &names.collect::<Vec<_>>());
    let markers = |bias, look, caption, across| {
        let responses = first(runs, tree, bias).and_then(in_the_middle).unwrap_or_default();
        let places = responses.into_iter().enumerate().map(move |(k, y)| (k as f64 + across, y));
        Layer::points(places, look, caption).larger(0.7)
    };
    let rates = all.map_or_else(Vec::new, |record| record.ocs.clone());
    Panel::new(x, Measure::linear("response").between(0.0, MOST))
        .layer(Layer::bars(rates, BARS, "base rate"))
        .layer(Layer::borders(levels))
        .layer(markers("all", ALL, "response, biases in all layers", 0.35))
        .layer(markers("input", INPUT, "response, input bias alone", 0.65))
}
