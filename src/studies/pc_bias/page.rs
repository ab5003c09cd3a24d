//! Distances along components and their half times; what width brings and leaves; networks that come together; ReLU networks through
//! few components, and which samples they answer first.

use super::analysis::{
    self, Kind, Labelled, accessibilities, accuracies, by_data_set, by_width, distance, half_times,
    last_epoch, map_error, mean, pick, shares, spread, variances,
};
use crate::plot::curve::Curve;
use crate::plot::style::{
    BLUE, Dash, GREEN, GREY, INK, Look, Marker, ORANGE, PURPLE, Stroke, VERMILION,
};
use crate::plot::symbols::{self, Symbol};
use crate::plot::{Entry, Layer, Measure, Page, Panel, Sample};
use crate::record::{Record, RunFolder};

const LAW: Stroke = Stroke::solid(INK, 0.7);
const GUIDE: Stroke = Stroke::broken(GREY, 0.9, Dash::Dashed);
const WHISKER: Stroke = Stroke::solid(GREY, 0.6);
/// Components that are shown, counted from 1, each with a look.
const SHOWN: [(usize, Look); 4] = [
    (1, Look::new(BLUE, Dash::Solid, Marker::Disc)),
    (3, Look::new(GREEN, Dash::Solid, Marker::Square)),
    (6, Look::new(ORANGE, Dash::Solid, Marker::Triangle)),
    (12, Look::new(VERMILION, Dash::Solid, Marker::Diamond)),
];
const RAW: Look = Look::new(BLUE, Dash::Solid, Marker::Disc);
const WHITE: Look = Look::new(GREEN, Dash::Dashed, Marker::Square);
const CONTROL: Look = Look::new(VERMILION, Dash::Dotted, Marker::Triangle);
/// Layers of weights, each with a look.
const DEPTHS: [(usize, Look); 3] = [
    (2, Look::new(BLUE, Dash::Solid, Marker::Disc)),
    (3, Look::new(VERMILION, Dash::Solid, Marker::Triangle)),
    (5, Look::new(PURPLE, Dash::Solid, Marker::Diamond)),
];
/// Critical components that stand together, up to each; what no component makes right stands last.
const GROUPS: [(f64, &str); 7] = [
    (1.0, "1"),
    (3.0, "2–3"),
    (6.0, "4–6"),
    (12.0, "7–12"),
    (24.0, "13–24"),
    (40.0, "25–40"),
    (f64::INFINITY, "none"),
];

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    Page::new("Wide linear networks learn along the largest variance of their inputs first")
        .row("Distance from least squares", [distances(runs)])
        .beside("Half times", [times(runs)])
        .beside("Distance from the law (B1)", [widths(runs)])
        .taller(1.25)
        .row("Spread over networks", [spreads(runs)])
        .beside("ReLU, projected inputs", [projected(runs)])
        .beside("ReLU, held-out samples", [accessible(runs)])
        .taller(1.25)
        .key([
            Symbol::new("d", "variance of inputs along a principal component"),
            Symbol::new("j", "number of a component, that of the largest variance first"),
            Symbol::new("L", "number of layers"),
            Symbol::new("m", "width"),
            Symbol::new("e", "largest distance of the map from (B1) until L t = 3, over the way that there is to go"),
            Symbol::new("B1", "each component's distance times 1 − η d L at each step"),
            symbols::TIME,
            symbols::LEARNING_RATE,
            Symbol::new("P", "number of principal components that inputs keep"),
        ])
        .notes(
            "Linear: 12 normal inputs of variances 1, 1/2, ..., 1/12, 4 outputs; a, b: 3 layers of 384 units, d: 2 of 512. ReLU: 40 inputs of \
             variances that fall as j to the power of −1.5, whose components all tell as much of the label, 128 units; means over networks and data sets. \
             Critical component: the first from which on regression on all up to it is right.",
        )
}

fn of(runs: &RunFolder, kind: Kind) -> Vec<&Record> {
    pick(runs, kind).unwrap_or_default()
}

fn against_time(run: &Record, values: Option<Vec<f64>>) -> Curve {
    Curve::of(&run.curves.time, values.unwrap_or_default())
}

fn distances(runs: &RunFolder) -> Panel {
    let panel = Panel::new(
        Measure::linear("time t").between(0.0, 5.0).own(),
        Measure::linear("distance / at the start").between(0.0, 1.03).own(),
    );
    let Some(run) = of(runs, Kind::Raw).first().copied() else { return panel };
    SHOWN.into_iter().fold(panel, |panel, (component, look)| {
        let of = |series| against_time(run, distance(run, series, component - 1));
        panel.layer(Layer::line(of("wide_distances"), LAW, "(B1)")).layer(Layer::dots(
            of("component_distances"),
            look,
            format!("component {component}"),
        ))
    })
}

fn times(runs: &RunFolder) -> Panel {
    let mut panel = Panel::new(
        Measure::logarithmic("variance d").between(0.07, 1.2).own(),
        Measure::logarithmic("half time").between(0.1, 300.0).own(),
    );
    let raw = of(runs, Kind::Raw);
    if let Some(run) = raw.first() {
        let law = [0.08, 1.05].map(|d| (d, std::f64::consts::LN_2 / (analysis::depth(run) * d)));
        panel = panel.layer(Layer::line(Curve::through(law), LAW, "ln 2 / (L d)"));
    }
    for (kind, look, name) in [
        (Kind::SmallStart, CONTROL, "small start"),
        (Kind::White, WHITE, "equal variances"),
        (Kind::Raw, RAW, "variances 1/j"),
    ] {
        let points: Vec<(f64, f64)> = of(runs, kind)
            .into_iter()
            .flat_map(|run| variances(run).into_iter().zip(half_times(run)))
            .filter_map(|(variance, time)| Some((variance, time?)))
            .collect();
        panel = panel.layer(Layer::points(points, look, name).larger(0.8));
    }
    panel
}

fn widths(runs: &RunFolder) -> Panel {
    let mut panel = Panel::new(
        Measure::logarithmic("width m").between(45.0, 1500.0).own(),
        Measure::logarithmic("e").between(0.015, 0.3).own(),
    );
    let points = |kind: Kind| -> Vec<(f64, f64)> {
        let groups = by_width(runs, kind).unwrap_or_default().into_iter();
        groups.filter_map(|(width, runs)| Some((width, mean(&runs, map_error)?))).collect()
    };
    for (depth, look) in DEPTHS {
        let full = points(Kind::Lazy { depth, small_targets: false });
        panel = panel.layer(Layer::points(full, look, format!("L = {depth}")));
        let small = points(Kind::Lazy { depth, small_targets: true });
        if let Some((_, error)) = small.iter().find(|(width, _)| *width == 256.0) {
            let root = |width: f64| (width, error * (256.0 / width).sqrt());
            let line = Curve::through([55.0, 1200.0].map(root));
            panel = panel.layer(Layer::line(line, GUIDE, "slope −1/2"));
        }
        if !small.is_empty() {
            let caption = format!("L = {depth}, targets a tenth");
            panel = panel.layer(Layer::open_points(small, look, caption));
        }
    }
    panel
}

fn spreads(runs: &RunFolder) -> Panel {
    let panel = Panel::new(
        Measure::linear("time t").between(0.0, 1.5).own(),
        Measure::linear("spread / at the start").between(0.0, 1.25).own(),
    );
    let groups = by_width(runs, Kind::Lazy { depth: 2, small_targets: false }).unwrap_or_default();
    let Some((_, chosen)) = groups.into_iter().find(|(width, _)| *width == 512.0) else {
        return panel;
    };
    SHOWN.into_iter().fold(panel, |panel, (component, look)| {
        let run = chosen[0];
        let law = against_time(run, shares(run, component - 1));
        let found = against_time(run, spread(&chosen, component - 1));
        panel.layer(Layer::line(law, LAW, "(B1)")).layer(Layer::dots(
            found,
            look,
            format!("component {component}"),
        ))
    })
}

fn projected(runs: &RunFolder) -> Panel {
    let mut panel = Panel::new(
        Measure::linear("components kept P").between(0.0, 41.0).own(),
        Measure::linear("accuracy").between(0.45, 0.9).own(),
    );
    let chosen = of(runs, Kind::Relu(Labelled::Raw));
    let last = last_epoch(&chosen).unwrap_or(0);
    let epochs =
        [(1, BLUE, Dash::Dotted), (5, GREEN, Dash::Dashed), (last, VERMILION, Dash::Solid)];
    for (epoch, colour, dash) in epochs {
        let found = accuracies(&chosen, epoch).unwrap_or_default();
        let stroke = Stroke::broken(colour, 1.3, dash);
        let name = format!("after epoch {epoch}");
        panel = panel.layer(Layer::line(Curve::through(found), stroke, name));
    }
    panel.layer(Layer::level(0.5, GUIDE, "chance"))
}

/// Boxes of the quarters in the middle, whiskers of all but a twentieth on either side, and medians.
fn accessible(runs: &RunFolder) -> Panel {
    let mut panel = Panel::new(
        Measure::named("critical component", GROUPS.map(|(_, name)| name)).own(),
        Measure::linear("accessibility").between(0.0, 1.02).own(),
    );
    let raw = by_data_set(runs, Labelled::Raw).unwrap_or_default();
    let shuffled = by_data_set(runs, Labelled::Shuffled).unwrap_or_default();
    for (sets, look, aside, name) in
        [(&raw, RAW, -0.17, "own labels"), (&shuffled, CONTROL, 0.17, "shuffled labels")]
    {
        let mut samples = Vec::new();
        for (seed, networks) in sets {
            let own = raw.iter().find(|(other, _)| other == seed);
            let pairs = own.and_then(|(_, own)| accessibilities(networks, own.first()?));
            samples.extend(pairs.unwrap_or_default());
        }
        let mut medians = Vec::new();
        let mut lower = f64::NEG_INFINITY;
        for (place, (upper, _)) in GROUPS.into_iter().enumerate() {
            let is_here = |critical: f64| critical > lower && critical <= upper;
            let here = samples.iter().filter(|(_, critical)| is_here(*critical));
            let mut values: Vec<f64> = here.map(|(share, _)| *share).collect();
            lower = upper;
            let Some(last) = values.len().checked_sub(1) else { continue };
            values.sort_by(f64::total_cmp);
            let quantile = |share: f64| values[(share * last as f64).round() as usize];
            let x = place as f64 + 0.5 + aside;
            let upright =
                |low: f64, high: f64| Curve::through([(x, quantile(low)), (x, quantile(high))]);
            let thin = Stroke::solid(look.colour, 0.6);
            let thick = Stroke::solid(look.colour.paler(0.55), 6.0);
            panel = panel
                .layer(
                    Layer::line(upright(0.05, 0.95), thin, "")
                        .explained_by(Entry::new(Sample::Line(WHISKER), "nine tenths")),
                )
                .layer(
                    Layer::line(upright(0.25, 0.75), thick, "")
                        .explained_by(Entry::new(Sample::Swatch(GREY), "half of the samples")),
                );
            medians.push((x, quantile(0.5)));
        }
        panel = panel.layer(Layer::points(medians, look, name));
    }
    panel
}
