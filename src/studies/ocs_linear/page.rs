//! A column for each choice of biases: the crossing that defines the phase, the distances, the true negative rates, every
//! label's response to item 1; below, all responses at four moments.

use super::{BIASES, aligned, random};
use crate::config::Bias;
use crate::plot::moments::moments;
use crate::plot::over_time::Subject;
use crate::plot::{Page, Panel};
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
        .notes("Dots and theory: aligned start. Bands: small random start.")
}
