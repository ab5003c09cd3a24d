//! Binary cross-entropy in a column for each choice of biases: the crossing that defines the phase, mean probabilities and true
//! negative rates of the levels, and the logits in the middle of the phase. Below, softmax with unequal classes and its control.

use super::softmax::{is_softmax, is_unequal};
use super::{TINY, is_binary, logit, nearest_to_frequencies};
use crate::config::{Bias, Config};
use crate::plot::moments::{nearest, responses_at};
use crate::plot::over_time::{Subject, labels_of, level_name};
use crate::plot::style::{Dash, GREY, Stroke, level_look};
use crate::plot::{Layer, Measure, Page, Panel, symbols};
use crate::record::{Record, RunFolder};

/// Bias, whether the start is tiny, and title of each column. `all` differs from `output` by less than a line's width.
const COLUMNS: [(Bias, bool, &str); 4] = [
    (Bias::None, false, "No biases"),
    (Bias::Input, false, "Input bias"),
    (Bias::Output, false, "Output bias"),
    (Bias::Output, true, "Output, tiny start"),
];
/// Logits that colours tell apart.
const LOGITS: ((f64, f64), &str) = ((-2.5, 1.0), "logit");
/// Where responses are the prior.
const IDENTITY: Stroke = Stroke::broken(GREY, 0.6, Dash::Dashed);
/// Frequencies and responses that are shown.
const SHOWN: (f64, f64) = (0.008, 1.1);

/// Bias, classes and smoothing of the columns under softmax, with their titles.
type Column = (fn(&Config) -> bool, &'static str);

fn of_softmax(config: &Config, bias: Bias) -> bool {
    is_unequal(config) && config.network.bias == bias && config.training.smoothing().is_none()
}

const NONE: Column = (|config| of_softmax(config, Bias::None), "No biases");
const INPUT: Column = (|config| of_softmax(config, Bias::Input), "Input bias");
const OUTPUT: Column = (|config| of_softmax(config, Bias::Output), "Output bias");
const BALANCED: Column = (|config| is_softmax(config) && !is_unequal(config), "Output, balanced");
const SMOOTHED: Column =
    (|config| is_unequal(config) && config.training.smoothing().is_some(), "Output, smoothed");

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    let columns = COLUMNS.map(|(bias, is_tiny, title)| {
        let chosen = runs.pick_any(|config| {
            let strength = config.network.initialisation.aligned_strength();
            is_binary(config) && config.network.bias == bias && (strength == Some(TINY)) == is_tiny
        });
        (chosen.first().copied(), Subject::of_first(runs, &chosen), title)
    });
    let row = |of: &dyn Fn(&Subject) -> Panel| {
        columns.each_ref().map(|(_, subject, title)| of(subject).titled(*title))
    };
    let probability = || Measure::linear("probability").including([0.0]);
    let logits = columns.each_ref().map(|(run, ..)| {
        let middle = run.and_then(|run| run.phase.middle());
        responses_at(*run, middle, "no onset or no end", LOGITS, logit)
    });
    let softmax = [NONE, INPUT, OUTPUT, BALANCED].map(|(fits, title)| {
        Subject::of_first(runs, &runs.pick_any(fits)).crossing().titled(title)
    });
    let first_answers = [NONE, INPUT, OUTPUT, SMOOTHED].map(|(fits, title)| {
        against_frequencies(runs.pick_any(fits).first().copied()).titled(title)
    });
    Page::new("With cross-entropy? The optimal constant solution (OCS) is a matter of logits")
        .row("Binary cross-entropy: crossings", row(&|subject| subject.crossing()))
        .row("Mean probabilities", row(&|subject| subject.mean_responses().upwards(probability())))
        .row("True negative rate", row(&|subject| subject.true_negative_rates()))
        .row("Logits between onset and end; the OCS has 0, −ln 3 = −1.10, −ln 7 = −1.95", logits)
        .taller(1.1)
        .row(
            "Softmax on each level, items 27, 9, 9, 3, 9, 3, 3 and 1 times in 64: crossings",
            softmax,
        )
        .row("Responses to all items at their nearest to the prior; without a phase, at the end", first_answers)
        .taller(1.25)
        .key(symbols::CROSSING.into_iter().chain([symbols::TNR, symbols::INITIAL_STRENGTH]))
        .notes(
            "Aligned starts, a₀ = 10⁻⁸; tiny start and softmax: a₀ = 10⁻¹⁶. d: the observation nearest to the geometric mean of onset and end. Balanced: items come \
             equally often, and the prior is answered before anything is learned. Smoothed: of each target 0.2 is spread evenly over its level.",
        )
}

/// Responses to all items against the frequencies of labels, at the observation at which they are nearest to the OCS; where there is
/// no phase, at the one nearest to its end.
fn against_frequencies(run: Option<&Record>) -> Panel {
    let rate = |title| Measure::logarithmic(title).between(SHOWN.0, SHOWN.1);
    let panel = Panel::new(rate("frequency of the label"), rate("response"));
    let Some(record) = run else { return panel };
    let moment = match record.phase.is_there() {
        true => nearest_to_frequencies(record).map(|(moment, _)| moment),
        false => record.phase.end.and_then(|end| nearest(&record.curves.time, end)),
    };
    let Some((moment, items)) = moment.zip(record.curves.item_responses.as_ref()) else {
        return panel.missing("nothing was learned");
    };
    let smoothing = record.config.training.smoothing();
    let time = record.curves.time[moment];
    let layers = labels_of(&record.levels).into_iter().enumerate().map(|(level, labels)| {
        let n_labels = labels.len();
        let points = items.iter().flat_map(|item| {
            labels.clone().filter_map(move |label| {
                let ocs = record.ocs[label];
                let rate = smoothing.map_or(ocs, |smoothing| smoothing.undone(ocs, n_labels));
                Some((rate, *item.get(label)?.get(moment)?))
            })
        });
        Layer::points(points.collect::<Vec<_>>(), level_look(level), level_name(level)).larger(0.8)
    });
    panel
        .layer(Layer::diagonal(IDENTITY, "response = frequency"))
        .layers(layers)
        .saying(format!("t = {time:.1}"))
}
