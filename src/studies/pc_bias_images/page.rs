//! Accuracy through few components along training, and when each number of them is learned; which examples are easy for whom; random
//! labels; and early stopping beside projections.

use super::analysis::{
    Kind, LEARNED, NETWORKS, OverSteps, SETS, accessibility, accuracy, critical, memorised,
    numbers_of_components, pairs, pick, projected_accuracy, share_against_accuracy,
};
use crate::config::{Inputs, NetworkKind, Preprocessing};
use crate::metrics::correlation;
use crate::plot::curve::{Curve, median};
use crate::plot::style::{
    BLUE, Colour, Dash, GREEN, GREY, INK, Look, Marker, ORANGE, PURPLE, SKY, Stroke, THRESHOLD,
    VERMILION,
};
use crate::plot::symbols::{self, Symbol};
use crate::plot::{Layer, Measure, Page, Panel};
use crate::record::{Record, RunFolder};

const LINEAR: Look = Look { colour: BLUE, dash: Dash::Solid, marker: Marker::Disc };
const CNN: Look = Look { colour: VERMILION, dash: Dash::Solid, marker: Marker::Triangle };
/// Numbers of components in the first panels.
const SHOWN: [(usize, Colour); 4] = [(1, ORANGE), (5, GREEN), (20, SKY), (200, BLUE)];
const UPDATES: &str = "updates";

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    let set = |(inputs, _, words): (Inputs, &str, &'static str)| (inputs, words);
    Page::new("Examples that need few principal components are learned first")
        .row("Accuracy on inputs that keep P components, MNIST", NETWORKS.map(|(network, _, words)| {
            along_training(runs, network).titled(words)
        }))
        .beside("Share of accuracy in the first ten components", SETS.map(set).map(|(inputs, words)| {
            shares(runs, inputs).titled(words)
        }))
        .row("Examples, for one network and the other", SETS.map(set).map(|(inputs, words)| {
            agreement(runs, inputs, words)
        }))
        .beside("Examples, by the components that they need", SETS.map(set).map(|(inputs, words)| {
            by_component(runs, inputs, words)
        }))
        .row("Their own labels and random ones, 200 images of MNIST", NETWORKS.map(|(network, _, words)| {
            labels(runs, network).titled(words)
        }))
        .beside("Stopping early and projecting, linear, MNIST", [stopping(runs)])
        .wider(2.0)
        .key([
            Symbol::new("P", "number of principal components of the training inputs, the largest first"),
            Symbol::new("r", "correlation over examples"),
            symbols::CNN,
        ])
        .notes(
            "Test images, but training images in e; linear networks are one layer. Accessibility: share of moments along training (spaced as in a) and of networks at \
             which an example is right. b: share of the accuracy above chance that is left on ten components, at moments at which a third of the best is reached; whitened linear \
             networks tell test images better without the small components, of CIFAR-10 by a share above 2. Component that it needs: from which on linear regression on the first components is right; 201: on \
             none of the first 200. d: medians, and half of the examples between bars.",
        )
}

fn curve(over: OverSteps) -> Curve {
    Curve::of(&over.steps, over.values)
}

/// A run starts at step 0, which no logarithm has.
fn updates(last: f64) -> Measure {
    Measure::logarithmic(UPDATES).between(0.9, 1.2 * last)
}

fn of(runs: &RunFolder, kind: Kind) -> Vec<&Record> {
    pick(runs, kind).unwrap_or_default()
}

fn centred(runs: &RunFolder, inputs: Inputs, network: NetworkKind) -> Vec<&Record> {
    of(runs, Kind::Watched(inputs, network, Preprocessing::PixelCentred))
}

fn along_training(runs: &RunFolder, network: NetworkKind) -> Panel {
    let chosen = centred(runs, Inputs::Mnist, network);
    let lines = SHOWN.iter().filter_map(|&(components, colour)| {
        let over = projected_accuracy(&chosen, components)?;
        Some(Layer::line(curve(over), Stroke::solid(colour, 1.2), format!("P = {components}")))
    });
    let whole = accuracy(&chosen).map(|over| {
        Layer::line(curve(over), Stroke::broken(INK, 0.8, Dash::Dashed), "whole inputs")
    });
    Panel::new(updates(1000.0), Measure::linear("test accuracy").between(0.0, 1.0))
        .layers(lines)
        .layers(whole)
}

fn shares(runs: &RunFolder, inputs: Inputs) -> Panel {
    let mut panel = Panel::new(
        Measure::linear("accuracy reached / best").between(0.3, 1.02).own(),
        Measure::linear("share on 10 components").between(-0.1, 1.5).own(),
    );
    for (network, _, words) in NETWORKS {
        let look = if network == NetworkKind::Linear { LINEAR } else { CNN };
        for (preprocessing, is_white) in
            [(Preprocessing::PixelCentred, false), (Preprocessing::ZcaWhitened, true)]
        {
            let chosen = of(runs, Kind::Watched(inputs, network, preprocessing));
            let points = share_against_accuracy(&chosen).unwrap_or_default();
            panel = panel.layer(match is_white {
                false => Layer::points(points, look, format!("{words}, centred")),
                true => Layer::open_points(points, look, format!("{words}, whitened")),
            });
        }
    }
    panel
}

fn agreement(runs: &RunFolder, inputs: Inputs, words: &str) -> Panel {
    let [linear, cnn] = [NetworkKind::Linear, NetworkKind::Cnn]
        .map(|network| accessibility(&centred(runs, inputs, network)));
    let panel = Panel::new(
        Measure::linear("accessibility, linear").between(0.0, 1.0).own(),
        Measure::linear("accessibility, CNN").between(0.0, 1.0).own(),
    );
    let points = pairs(linear.as_ref(), cnn.as_ref());
    let r = correlation(&points);
    let look = Look { colour: PURPLE, dash: Dash::Solid, marker: Marker::Disc };
    panel
        .titled(r.map_or_else(|| words.to_owned(), |r| format!("{words}, r = {r:.2}")))
        .layer(Layer::open_points(points, look, "an example").larger(0.6))
}

/// Bins of critical components, each up to its end.
const BINS: [usize; 4] = [2, 10, 50, 200];

fn by_component(runs: &RunFolder, inputs: Inputs, set: &str) -> Panel {
    let names: Vec<String> = std::iter::once("1-2".to_owned())
        .chain(BINS.windows(2).map(|ends| format!("{}-{}", ends[0] + 1, ends[1])))
        .chain(["none".to_owned()])
        .collect();
    let mut panel = Panel::new(
        Measure::named("component needed", names).own(),
        Measure::linear("accessibility").between(0.0, 1.0).own(),
    );
    for (network, look, shift, name) in
        [(NetworkKind::Linear, LINEAR, 0.38, "linear"), (NetworkKind::Cnn, CNN, 0.62, "CNN")]
    {
        let chosen = centred(runs, inputs, network);
        let found = pairs(accessibility(&chosen).as_ref(), critical(&chosen).as_ref());
        let mut bins: Vec<Vec<f64>> = vec![Vec::new(); BINS.len() + 1];
        for (easy, needs) in found {
            bins[BINS.iter().position(|&end| needs <= end as f64).unwrap_or(BINS.len())].push(easy);
        }
        let at = |bin: usize| bin as f64 + shift;
        let filled = || bins.iter().enumerate().filter(|(_, values)| values.len() > 2);
        for (bin, values) in filled() {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let quarter = |share: f64| sorted[(share * (sorted.len() - 1) as f64).round() as usize];
            let bar = Curve::through([(at(bin), quarter(0.25)), (at(bin), quarter(0.75))]);
            panel = panel.layer(Layer::line(bar, Stroke::solid(look.colour, 0.7), name));
        }
        let medians = filled().filter_map(|(bin, values)| Some((at(bin), median(values)?)));
        panel = panel.layer(Layer::points(medians.collect::<Vec<_>>(), look, name));
    }
    panel.titled(set)
}

fn labels(runs: &RunFolder, network: NetworkKind) -> Panel {
    let mut panel =
        Panel::new(updates(1000.0), Measure::linear("training accuracy").between(0.0, 1.0));
    for (is_white, dash, inputs) in
        [(false, Dash::Solid, "centred"), (true, Dash::Dotted, "whitened")]
    {
        for (is_random, colour, words) in [(false, GREEN, "own"), (true, VERMILION, "random")] {
            let chosen = of(runs, Kind::Memorised { network, is_white, is_random });
            let first = chosen.first().and_then(|run| memorised(run));
            let stroke = Stroke { dash, ..Stroke::solid(colour, 1.1) };
            panel =
                panel.layers(first.map(|over| {
                    Layer::line(curve(over), stroke, format!("{words} labels, {inputs}"))
                }));
        }
    }
    panel.layer(Layer::level(LEARNED, THRESHOLD, format!("{} %", 100.0 * LEARNED)))
}

fn stopping(runs: &RunFolder) -> Panel {
    let mut panel = Panel::new(updates(1e5).own(), Measure::linear("test accuracy").own());
    for count in numbers_of_components(runs) {
        let chosen = of(runs, Kind::Long { components: Some(count), is_white: false });
        let end = accuracy(&chosen).and_then(|over| over.last());
        panel = panel.layers(end.map(|end| {
            let stroke = Stroke::broken(GREY, 0.7, Dash::Dashed);
            Layer::level(end, stroke, "on P components, at the end").named(format!("P = {count}"))
        }));
    }
    for (is_white, look, words) in
        [(false, LINEAR, "all components"), (true, CNN, "all components, whitened")]
    {
        let over = accuracy(&of(runs, Kind::Long { components: None, is_white }));
        panel = panel.layers(over.map(|over| Layer::line(curve(over), look.stroke(1.3), words)));
    }
    panel
}
