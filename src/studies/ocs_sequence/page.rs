//! The whole course, a column for each depth; each level's strength since the reversal; how near each switch comes to the OCS, and
//! for how long.

use std::ops::Range;

use super::passage::{
    LEVELS, NEAR, PERMUTED, Passage, REVERSED, SAME, SIBLINGS, TURNED, chosen, has_stretch,
    predicted_sign_change,
};
use crate::config::Bias;
use crate::metrics::Curves;
use crate::plot::curve::Curve;
use crate::plot::over_time::theory_line;
use crate::plot::style::{
    AT_OCS, Dash, GREY, Look, Marker, ORANGE, Stroke, THRESHOLD, level_look, look,
};
use crate::plot::{Entry, Layer, Measure, Page, Panel, Sample, symbols};
use crate::record::{Record, RunFolder, StretchRecord};
use crate::theory::{BalancedTree, one_layers_visit};

/// Numbers of layers.
const DEPTHS: [usize; 3] = [1, 2, 3];
/// Where a stretch begins.
const SWITCH: Stroke = Stroke::solid(GREY, 0.6);
/// Where theory has a level cross zero.
const CROSSES: Stroke = Stroke::broken(GREY, 0.7, Dash::DashDotted);
/// Of `D_target`: M has the first look elsewhere, V the second.
const TARGETS: Look = Look { colour: ORANGE, dash: Dash::Solid, marker: Marker::Diamond };

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    let both = [Bias::None, Bias::All];
    Page::new("Relearning: a reversal passes through the OCS again, a permutation does not")
        .row("No biases: the tree, its halves exchanged, its contrasts reversed", DEPTHS.map(|depth| course(runs, depth, Bias::None)))
        .row("Biases in all layers", DEPTHS.map(|depth| course(runs, depth, Bias::All)))
        .row("Since the reversal, no biases: strengths of each level's contrasts", DEPTHS.map(|depth| strengths(runs, depth)))
        .row("Nearest to the OCS, every seed", [nearest(runs, &both)])
        .wider(2.0)
        .beside("Time near it, reversed", [visits(runs, &both)])
        .key([symbols::M, symbols::D, symbols::V, symbols::MEAN_TARGET, symbols::TIME, symbols::LEARNING_RATE])
        .notes(
            "Normal weights, one-hot inputs. Panels a to c show the first seed. Siblings, permuted: siblings, or the tree's halves, are exchanged; \
             reversed: all contrasts change their signs; signs turned: all targets do. Near the OCS: D to it at most 0.1 V of targets, for \
             every item, while targets are far.",
        )
}

fn in_layers(depth: usize) -> String {
    format!("{depth} layer{}", if depth == 1 { "" } else { "s" })
}

/// A curve in units of what belongs to each stretch.
fn scaled(
    (curves, stretches): (&Curves, &[StretchRecord]),
    values: &[f64],
    unit: fn(&StretchRecord) -> f64,
) -> Curve {
    let at = |(&time, &value): (&f64, &f64)| {
        let begun = stretches.iter().rev().find(|stretch| time > stretch.start_time);
        let stretch = begun.or(stretches.first())?;
        Some((time, value / unit(stretch)))
    };
    Curve::through(curves.time.iter().zip(values).filter_map(at))
}

/// Its look and caption, its curve, and its unit in a stretch.
type Quantity = (Look, &'static str, fn(&Curves) -> &Vec<f64>, fn(&StretchRecord) -> f64);

/// `M`, `D_ocs` and `D_target` through all stretches.
fn course(runs: &RunFolder, depth: usize, bias: Bias) -> Panel {
    let x = Measure::linear("time t = η · step");
    let panel = Panel::new(x, Measure::linear("distance (relative)").between(-0.05, 1.5))
        .titled(in_layers(depth));
    let Some(run) = chosen(runs, REVERSED, depth, bias).first().copied() else { return panel };
    let theory = runs.theory_of_run(run);
    let quantities: [Quantity; 3] = [
        (
            TARGETS,
            "D to targets / V of targets",
            |curves| &curves.distance_to_targets,
            |one| one.target_variance,
        ),
        (
            look(1),
            "D to OCS / V of targets",
            |curves| &curves.distance_to_ocs,
            |one| one.target_variance,
        ),
        (
            look(0),
            "mean-output error, M / ‖ȳ‖",
            |curves| &curves.mean_output_error,
            StretchRecord::ocs_norm,
        ),
    ];
    let mut layers = Vec::new();
    for (look, caption, of, unit) in quantities {
        let curve = scaled((&run.curves, &run.stretches), of(&run.curves), unit);
        layers.push(Layer::dots(curve, look, caption));
        if let Some(theory) = theory {
            let curve = scaled((&theory.curves, &theory.stretches), of(&theory.curves), unit);
            layers.push(theory_line(curve));
        }
    }
    let switches = run.stretches.iter().skip(1).map(|stretch| {
        Layer::upright(stretch.start_time, SWITCH, "other targets").named(&*stretch.label)
    });
    panel.layers(switches).layer(Layer::level(NEAR, THRESHOLD, "near the OCS")).layers(layers)
}

/// Mean strength of each level's contrasts over its final one, since the reversal.
fn strengths(runs: &RunFolder, depth: usize) -> Panel {
    let x = Measure::logarithmic("time since the reversal").between(0.5, 60.0);
    let panel = Panel::new(x, Measure::linear("strength / final strength").between(-1.1, 1.1));
    let Some(run) = chosen(runs, REVERSED, depth, Bias::None).first().copied() else {
        return panel;
    };
    let Some(index) = run.stretches.iter().position(|stretch| stretch.label == REVERSED) else {
        return panel;
    };
    let tree = BalancedTree::new(run.config.task.branching.as_deref().unwrap_or_default());
    let relative = |curves: &Curves, moments: Range<usize>, level: usize| {
        let strengths = curves.mode_strengths.as_ref().and_then(|all| all.get(level));
        let at = |moment: usize| {
            let since = curves.time[moment] - run.stretches[index].start_time;
            Some((since, strengths?[moment] / tree.gain(level).sqrt()))
        };
        Curve::through(moments.filter_map(at))
    };
    let mut layers = vec![Layer::level(0.0, AT_OCS, "no strength: the OCS")];
    for level in LEVELS {
        let (look, caption) = (level_look(level - 1), format!("level {level}"));
        let curve = relative(&run.curves, run.moments_of_stretches()[index].clone(), level);
        layers.push(Layer::dots(curve, look, caption));
        if let Some(theory) = runs.theory_of_run(run) {
            let moments = theory.moments_of_stretches()[index].clone();
            let curve = relative(&theory.curves, moments, level);
            layers.push(theory_line(curve));
        }
        if let Some(time) = predicted_sign_change(&run.config, level) {
            layers.push(Layer::upright(time, CROSSES, "zero, by the mode alone"));
        }
    }
    panel.layers(layers)
}

/// A look for each depth.
fn depth_look(index: usize) -> Look {
    Look { dash: Dash::Solid, ..look(index) }
}

/// Every seed's value at places across: filled with biases, open without.
fn scatter(
    runs: &RunFolder,
    biases: &[Bias],
    at: impl Fn(&Record, usize, Bias) -> Vec<(f64, f64)>,
) -> Vec<Layer> {
    let mut layers = Vec::new();
    for (index, depth) in DEPTHS.into_iter().enumerate() {
        for &bias in biases {
            let chosen = runs.pick_any(|config| {
                config.network.bias == bias && config.network.n_layers() == depth
            });
            let points: Vec<(f64, f64)> =
                chosen.iter().flat_map(|run| at(run, index, bias)).collect();
            let look = depth_look(index);
            let grey = Look { colour: GREY, ..depth_look(0) };
            layers.push(match bias {
                Bias::None => Layer::open_points(points, look, "")
                    .explained_by(Entry::new(Sample::Marker(look), in_layers(depth)))
                    .also(Entry::new(Sample::Open(grey), "no biases")),
                _ => Layer::points(points, look, in_layers(depth))
                    .also(Entry::new(Sample::Marker(grey), "biases in all layers")),
            });
        }
    }
    layers
}

/// Depths and biases beside each other.
fn offset(index: usize, bias: Bias) -> f64 {
    0.14 * (2.0 * index as f64 - 2.0) + if bias == Bias::None { -0.06 } else { 0.06 }
}

/// The least `D_ocs` in each kind of switch.
fn nearest(runs: &RunFolder, biases: &[Bias]) -> Panel {
    let switches = [
        (SAME, "same tree"),
        (SIBLINGS, "siblings"),
        (PERMUTED, "permuted"),
        (REVERSED, "reversed"),
        (TURNED, "signs turned"),
    ];
    let x = Measure::named("", switches.map(|(_, name)| name));
    let points = scatter(runs, biases, |run, index, bias| {
        let of = |(place, (label, _)): (usize, &(&str, &str))| {
            let passage = Passage::of(run, label).filter(|_| has_stretch(&run.config, label))?;
            Some((place as f64 + 0.5 + offset(index, bias), passage.closest()[0]))
        };
        switches.iter().enumerate().filter_map(of).collect()
    });
    Panel::new(x, Measure::linear("least D / V of targets").between(-0.05, 1.05))
        .layer(Layer::level(NEAR, THRESHOLD, "near the OCS"))
        .layers(points)
}

/// How long networks stay near the OCS after the reversal.
fn visits(runs: &RunFolder, biases: &[Bias]) -> Panel {
    let points = scatter(runs, biases, |run, index, bias| {
        let visit = Passage::of(run, REVERSED).and_then(|passage| passage.visit());
        let place = 0.5 + index as f64 + if bias == Bias::None { -0.15 } else { 0.15 };
        visit.map(|[comes, leaves]| (place, (leaves / comes).ln())).into_iter().collect()
    });
    let [comes, leaves] = one_layers_visit(0.125, NEAR);
    Panel::new(
        Measure::named("layers", DEPTHS.map(|depth| depth.to_string())),
        Measure::linear("ln(leaving / coming time)").including([0.0]),
    )
    .layer(Layer::level((leaves / comes).ln(), AT_OCS, "one layer, exact"))
    .layers(points)
}
