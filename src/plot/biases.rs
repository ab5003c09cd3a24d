//! Bias options side by side: a look for each, and the lengths of their phases.

use super::curve::Curve;
use super::page::{Entry, Layer, Sample};
use super::style::{Dash, GREY, Look, Marker, POINT_RADIUS, Stroke, look};
use crate::config::{Bias, Config};
use crate::metrics::Phase;
use crate::record::RunFolder;

/// In the order in which they are drawn, with their captions.
pub const BIASES: [(Bias, &str); 4] = [
    (Bias::None, "no biases"),
    (Bias::Input, "input bias"),
    (Bias::Output, "output bias"),
    (Bias::All, "biases in all layers"),
];

/// The look of a bias option. "All" often lies upon "output": it is drawn broken upon solid, small upon large.
pub fn bias_look(bias: Bias) -> Look {
    match bias {
        Bias::None => look(0),
        Bias::Input => Look { dash: Dash::Solid, ..look(1) },
        Bias::Output => Look { dash: Dash::Solid, ..look(2) },
        Bias::All => Look { dash: Dash::Dashed, marker: Marker::Diamond, ..look(3) },
    }
}

/// Its line.
pub fn bias_stroke(bias: Bias) -> Stroke {
    let width = if bias == Bias::Output { 1.8 } else { 1.0 };
    bias_look(bias).stroke(width)
}

/// Radius of its single dots.
pub fn bias_radius(bias: Bias) -> f64 {
    match bias {
        Bias::None | Bias::Input => 2.2,
        Bias::Output => 3.0,
        Bias::All => 1.6,
    }
}

/// A place across and a height, for the phase of a config.
pub type Placing<'a> = dyn Fn(&Config, &Phase) -> Option<(f64, f64)> + 'a;

/// What theory and runs say of every bias option, as lines and markers.
pub fn bias_options(runs: &RunFolder, of: &Placing) -> Vec<Layer> {
    let lines = Entry::new(Sample::Line(Stroke::solid(GREY, 1.0)), "theory");
    let markers = Entry::new(Sample::Shapes(GREY), "gradient descent");
    let mut layers = Vec::new();
    for (bias, caption) in BIASES {
        let chosen = |config: &Config| config.network.bias == bias;
        let theories = runs.theories.iter().filter(|theory| chosen(&theory.config));
        let mut points: Vec<(f64, f64)> =
            theories.filter_map(|theory| of(&theory.config, &theory.phase)).collect();
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        let line = Layer::line(Curve::through(points), bias_stroke(bias), caption);
        let records = runs.records.iter().filter(|record| chosen(&record.config));
        let points = records.filter_map(|record| of(&record.config, &record.phase));
        let markers = Layer::points(points, bias_look(bias), caption).also(markers.clone());
        layers.push(line.also(lines.clone()));
        layers.push(markers.larger(bias_radius(bias) / POINT_RADIUS));
    }
    layers
}
