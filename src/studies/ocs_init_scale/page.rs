//! The phase's length against the strength of the start, a panel for each depth.

use super::DEPTHS;
use crate::plot::biases::bias_options;
use crate::plot::style::{AT_OCS, THRESHOLD};
use crate::plot::{Layer, Measure, Page, Panel, symbols};
use crate::record::RunFolder;

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    let [two, three] = DEPTHS.map(|(depth, _)| against_strength(runs, depth));
    Page::new("How long is the phase? Only an output bias lengthens it without bound")
        .row("2 layers", [two])
        .beside("3 layers", [three])
        .taller(2.2)
        .key([symbols::INITIAL_STRENGTH])
        .notes("Aligned start, one-hot inputs.")
}

fn against_strength(runs: &RunFolder, depth: usize) -> Panel {
    let layers = bias_options(runs, &|config, phase| {
        let a0 = config.network.initialisation.aligned_strength()?;
        (config.network.n_layers() == depth).then_some((1.0 / a0, phase.log_ratio?))
    });
    let length = Measure::linear("length of the phase, ln(end / onset)").own();
    Panel::new(Measure::logarithmic("1/a₀, inverse strength of the start"), length)
        .layer(Layer::level(0.0, AT_OCS, "below, the end comes first: no phase"))
        .layer(Layer::level(3f64.ln(), THRESHOLD, "ln 3: end = 3 × onset"))
        .layers(layers)
}
