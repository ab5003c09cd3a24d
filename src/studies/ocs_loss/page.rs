//! A column for each choice of biases: the crossing that defines the phase, mean probabilities and true negative rates of
//! the levels, and the logits in the middle of the phase.

use super::{TINY, logit};
use crate::config::Bias;
use crate::plot::moments::responses_at;
use crate::plot::over_time::Subject;
use crate::plot::{Measure, Page, Panel};
use crate::record::RunFolder;

/// Bias, whether the start is tiny, and title of each column. `all` differs from `output` by less than a line's width.
const COLUMNS: [(Bias, bool, &str); 4] = [
    (Bias::None, false, "No biases"),
    (Bias::Input, false, "Input bias"),
    (Bias::Output, false, "Output bias"),
    (Bias::Output, true, "Output bias, tiny weights"),
];
/// Logits that colours tell apart.
const LOGITS: ((f64, f64), &str) = ((-2.5, 1.0), "logit");

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    let columns = COLUMNS.map(|(bias, is_tiny, title)| {
        let chosen = runs.pick_any(|config| {
            let strength = config.network.initialisation.aligned_strength();
            config.network.bias == bias && (strength == Some(TINY)) == is_tiny
        });
        (chosen.first().copied(), Subject::of_first(runs, &chosen), title)
    });
    let row = |of: &dyn Fn(&Subject) -> Panel| {
        columns.each_ref().map(|(_, subject, title)| of(subject).titled(*title))
    };
    let probability = || Measure::linear("mean probability").including([0.0]);
    let logits = columns.each_ref().map(|(run, ..)| {
        let middle = run.and_then(|run| run.phase.middle());
        responses_at(*run, middle, "no onset or no end", LOGITS, logit)
    });
    Page::new("With cross-entropy? The optimal constant solution (OCS) is a matter of logits")
        .row("Crossings", row(&|subject| subject.crossing()))
        .row("Mean probabilities", row(&|subject| subject.mean_responses().upwards(probability())))
        .row("True negative rate", row(&|subject| subject.true_negative_rates()))
        .row("Logits between onset and end; the OCS has 0, −ln 3 = −1.10, −ln 7 = −1.95", logits)
        .taller(1.25)
        .notes(
            "Aligned starts, a₀ = 10⁻⁸; tiny weights: a₀ = 10⁻¹⁶. d: the observation nearest to the geometric mean of onset \
             and end.",
        )
}
