//! Learned fractions of each level, and of vehicles against animals, under a tree that means something and three that do
//! not; when each was learned; what theory foretold.

use super::{Learned, fractions};
use crate::metrics::Curves;
use crate::plot::curve::Curve;
use crate::plot::phases::ONSET;
use crate::plot::style::{AT_OCS, Dash, INK, Look, Marker, THRESHOLD, level_look};
use crate::plot::symbols::{self, Symbol};
use crate::plot::{Layer, Measure, Page, Panel};
use crate::record::{Record, RunFolder};

/// Beginnings of conditions.
const NETWORKS: [&str; 2] = ["linear", "cnn"];
/// Their ends, and words.
const TREES: [(&str, &str); 4] = [
    ("semantic", "semantic"),
    ("regrouped-1", "regrouped 1"),
    ("regrouped-2", "regrouped 2"),
    ("regrouped-3", "regrouped 3"),
];

/// The look and words of a level, or of vehicles against animals, which come after the levels.
fn contrast(index: usize, n_levels: usize) -> (Look, String) {
    if index < n_levels {
        (level_look(index), format!("labels, level {}", index + 1))
    } else {
        let look = Look::new(INK, Dash::Dashed, Marker::Diamond);
        (look, "vehicles against animals".to_owned())
    }
}

const OCS: Symbol = Symbol::new("OCS", "optimal constant solution: the mean target");

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    let [linear, cnn] = NETWORKS.map(|network| TREES.map(|tree| course(runs, network, tree)));
    let [linear_times, cnn_times] = NETWORKS.map(|network| times(runs, network));
    Page::new("Does the order of learning follow the labels, or the images? CIFAR-10 under four trees")
        .row("Linear networks without biases", linear)
        .row("CNNs with biases", cnn)
        .row(
            "When each was learned",
            [linear_times.titled("Linear networks"), cnn_times.titled("CNNs")],
        )
        .wider(1.4)
        .beside("From the data", [predicted(runs)])
        .taller(1.2)
        .key([symbols::TIME, symbols::LEARNING_RATE, OCS, symbols::CNN])
        .notes(
            "a, b: first seed, linear on its training set; a contrast's learned fraction is 0 without it and 1 at the targets. \
             The semantic tree parts vehicles from animals at level 1; regrouped trees put a vehicle beside an animal in every pair. c: every seed; what was not learned by the last step \
             stands at the top. d: linear networks, predicted from the data and the initial weights.",
        )
}

/// On the training set, where a run was observed there.
fn curves_of(run: &Record) -> &Curves {
    run.training_curves.as_ref().unwrap_or(&run.curves)
}

fn course(runs: &RunFolder, network: &str, (tree, words): (&str, &str)) -> Panel {
    let x = Measure::time().at_least(0.1).own();
    let panel = Panel::new(x, Measure::linear("learned fraction")).titled(words);
    let Some(run) = runs.of(&format!("{network}-{tree}")).into_iter().next() else { return panel };
    let (curves, n_levels) = (curves_of(run), run.levels.len());
    let learned = fractions(&run.config, &run.levels, curves).unwrap_or_default();
    let lines = learned.into_iter().enumerate().map(|(index, values)| {
        let (look, words) = contrast(index, n_levels);
        Layer::line(Curve::of(&curves.time, values), look.stroke(1.2), words)
    });
    let onset = run.phase.onset.map(|onset| Layer::upright(onset, ONSET, "onset of the OCS"));
    panel
        .layer(Layer::level(run.config.phase_threshold, THRESHOLD, "learned"))
        .layers(onset)
        .layers(lines)
}

/// When each contrast was learned under each tree, every seed.
fn times(runs: &RunFolder, network: &str) -> Panel {
    let of = |tree: &str| runs.of(&format!("{network}-{tree}"));
    let all = TREES.iter().flat_map(|(tree, _)| of(tree));
    let last = all.filter_map(|run| curves_of(run).time.last().copied()).fold(10.0_f64, f64::max);
    let never = 1.4 * last;
    let mut layers = Vec::new();
    for (column, (tree, _)) in TREES.into_iter().enumerate() {
        for run in of(tree) {
            let Some(learned) = Learned::of_run(run) else { continue };
            for (place, time) in learned.all().enumerate() {
                let (look, words) = contrast(place, run.levels.len());
                let x = column as f64 + 0.2 * (place as f64 + 1.0);
                layers.push(Layer::points([(x, time.unwrap_or(never))], look, words));
            }
        }
    }
    let names = ["semantic", "regr. 1", "regr. 2", "regr. 3"];
    let y = Measure::logarithmic("time t = η · step").including([1.0]).own();
    Panel::new(Measure::named("", names), y)
        .layer(Layer::level(never, AT_OCS, "not learned").named("never"))
        .layers(layers)
}

/// Predicted against observed times of linear networks, every tree and seed.
fn predicted(runs: &RunFolder) -> Panel {
    let mut layers = Vec::new();
    for run in &runs.records {
        let theory = runs.theory_of_run(run).and_then(Learned::of_theory);
        let Some((theory, seen)) = theory.zip(Learned::of_run(run)) else { continue };
        for (index, pair) in theory.all().zip(seen.all()).enumerate() {
            if let (Some(predicted), Some(observed)) = pair {
                let (look, words) = contrast(index, run.levels.len());
                layers.push(Layer::points([(predicted, observed)], look, words));
            }
        }
    }
    let missing = if runs.records.is_empty() { "not run" } else { "theory missing" };
    Panel::compared("learned, predicted t", "learned, observed t").missing(missing).layers(layers)
}
