//! A column for each choice of biases: the crossing that defines the phase, the distances, the true negative rates, every
//! label's response to item 1; below, all responses at four moments.

use super::{BIASES, aligned, random};
use crate::config::Bias;
use crate::plot::axis::power_of_ten;
use crate::plot::moments::moments;
use crate::plot::over_time::Subject;
use crate::plot::{Page, Panel, symbols};
use crate::record::RunFolder;

const TITLES: [&str; 4] = ["No biases", "Input bias", "Output bias", "Biases in all layers"];

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    let columns = BIASES.map(|bias| {
        let (aligned, random) = (aligned(runs, bias), random(runs, bias));
        Subject::of_first(runs, &aligned.unwrap_or_default()).beside(&random.unwrap_or_default())
    });
    let in_full = aligned(runs, Bias::All).ok().and_then(|runs| runs.first().copied());
    let row = |of: &dyn Fn(&Subject) -> Panel| {
        let titled = columns.iter().zip(TITLES);
        titled.map(|(subject, title)| of(subject).titled(title)).collect::<Vec<_>>()
    };
    Page::new("Do linear networks with biases visit the optimal constant solution (OCS) first?")
        .row("Crossings", row(&|subject| subject.crossing()))
        .row("Distances", row(&|subject| subject.distances()))
        .row("True negative rate", row(&|subject| subject.true_negative_rates()))
        .row("Responses to item 1, all labels", row(&|subject| subject.item_responses(0)))
        .row("Responses with biases in all layers", moments(in_full))
        .taller(1.3)
        .key(symbols::CROSSING.into_iter().chain([symbols::D, symbols::TNR]))
        .notes(notes(runs))
}

/// What was measured at which start, and that two columns look alike because they are.
fn notes(runs: &RunFolder) -> String {
    let first = |bias| aligned(runs, bias).ok()?.first().copied();
    let apart = first(Bias::Output)
        .zip(first(Bias::All))
        .and_then(|(output, all)| output.curves.responses_apart(&all.curves));
    let alike = apart.map_or_else(String::new, |apart| {
        format!(
            " Columns 3 and 4 look alike because beside an output bias the others hardly matter: their responses differ by less than \
             {}.",
            power_of_ten(apart.max(f64::EPSILON).log10().floor() as i32 + 1)
        )
    });
    format!(
        "Dots and theory: aligned start. Broad pale lines in a to c: small random starts.{alike}"
    )
}
