//! The crossings without biases and with all, a column for each depth; below, onset, end and length against depth.

use super::DEPTHS;
use crate::config::Bias;
use crate::metrics::Phase;
use crate::plot::biases::bias_options;
use crate::plot::over_time::Subject;
use crate::plot::style::AT_OCS;
use crate::plot::{Layer, Measure, Page, Panel, symbols};
use crate::record::RunFolder;

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    Page::new("Does depth remove the phase? No; nor does it make up for a missing bias")
        .row("No biases", DEPTHS.map(|depth| crossing(runs, depth, Bias::None)))
        .row("Biases in all layers", DEPTHS.map(|depth| crossing(runs, depth, Bias::All)))
        .row(
            "Against depth",
            [
                against_depth(runs, clock("onset, time t"), |phase| phase.onset),
                against_depth(runs, clock("end, time t"), |phase| phase.end)
                    .layer(Layer::note("the same under every option")),
                against_depth(runs, Measure::linear("ln(end / onset)"), |phase| phase.log_ratio)
                    .layer(Layer::level(0.0, AT_OCS, "end = onset")),
            ],
        )
        .taller(1.4)
        .key(symbols::CROSSING)
        .notes("Aligned start, one-hot inputs.")
}

fn crossing(runs: &RunFolder, depth: usize, bias: Bias) -> Panel {
    let chosen =
        runs.pick_any(|config| config.network.bias == bias && config.network.n_layers() == depth);
    Subject::of_first(runs, &chosen).crossing().titled(format!("{depth} layers"))
}

/// Onset and end have one range, so that they can be compared.
fn clock(title: &str) -> Measure {
    Measure::logarithmic(title).sharing("onsets and ends")
}

fn against_depth(runs: &RunFolder, y: Measure, of: fn(&Phase) -> Option<f64>) -> Panel {
    let layers =
        bias_options(runs, &|config, phase| Some((config.network.n_layers() as f64, of(phase)?)));
    Panel::new(Measure::linear("layers"), y).layers(layers)
}
