//! What a panel can show: each word of `ocs export`, and `M`, `V` and distances relative to what they are judged by.

use std::fmt;

use anyhow::{Result, bail, ensure};

use crate::config::did_you_mean;
use crate::export::{Row, THEORY, TRAINING, of_record, of_theory};
use crate::plot::curve::{Account, Clock, Curve, Observed};
use crate::record::{Record, TheoryRecord};

/// One number over learning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// A relative one, or a metric of the table; `training.loss` for that of the training set where there is another.
    pub word: String,
    /// Level, item, label, layer and what else tells it from its like, as far as it has them, between colons: `1`, `0:3`, `2:rank=0`.
    pub place: String,
}

impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let colon = if self.place.is_empty() { "" } else { ":" };
        write!(formatter, "{}{colon}{}", self.word, self.place)
    }
}

/// Relative to what they are judged by, as the figures of experiments show them.
const RELATIVE: [&str; 4] = ["M", "V", "D_ocs", "D_target"];
/// Short words for metrics of the table.
const SHORT: [(&str, &str); 2] = [("TNR", "true_negative_rate"), ("TPR", "true_positive_rate")];
/// Of the training set's table, without a word that says so: nothing of the kind is there of other samples.
const OF_TRAINING_ALONE: [&str; 2] = ["kernel_", "lazy_"];

/// The quantity of a row; `None` of one that is no moment of learning.
fn of_row(row: &Row) -> Option<Quantity> {
    if row.step.is_none() && row.time.is_none() {
        return None;
    }
    let is_own = OF_TRAINING_ALONE.iter().any(|start| row.metric.starts_with(start));
    let prefix = if row.set == Some(TRAINING) && !is_own { "training." } else { "" };
    // A label has one level.
    let level = row.level.filter(|_| row.label.is_none());
    let numbers = [level, row.item, row.label, row.layer].into_iter().flatten();
    let words = numbers.map(|number| number.to_string()).chain(row.place.map(str::to_owned));
    let place = words.collect::<Vec<_>>().join(":");
    Some(Quantity { word: format!("{prefix}{}", row.metric), place })
}

/// All that is defined in some runs, each once, in the order of their table.
pub fn known(records: &[&Record]) -> Vec<Quantity> {
    let relative = |word: &&str| Quantity { word: (*word).to_owned(), place: String::new() };
    let mut known: Vec<Quantity> = RELATIVE.iter().map(relative).collect();
    let mut seen = std::collections::HashSet::new();
    for record in records {
        let mut add = |row: &Row| {
            let quantity = of_row(row).filter(|_| row.value.is_some());
            if let Some(quantity) = quantity.filter(|it| seen.insert(it.to_string())) {
                known.push(quantity);
            }
            Ok(())
        };
        // Nothing that is done here fails.
        let _ = of_record(record, &mut add);
    }
    known
}

/// What words name, in their order: `true_negative_rate` all levels, `TNR_1` and `true_negative_rate:1` the first alone.
///
/// # Errors
///
/// A word that names nothing, with those that do.
pub fn named(words: &[String], known: &[Quantity]) -> Result<Vec<Quantity>> {
    let mut all: Vec<Quantity> = Vec::new();
    for word in whole(words) {
        // What is known by its whole name is that, whatever its short name stands for elsewhere.
        let is_known = |name: &str| known.iter().any(|it| it.word == name);
        let (name, place) = match word.split_once(':').map_or((&*word, ""), |parts| parts) {
            (name, place) if is_known(name) => (name.to_owned(), place.to_owned()),
            _ => split(&word),
        };
        let is_it = |quantity: &&Quantity| {
            let rest = quantity.place.strip_prefix(&*place);
            let is_at = rest
                .is_some_and(|rest| place.is_empty() || rest.is_empty() || rest.starts_with(':'));
            quantity.word == name && is_at
        };
        let found: Vec<&Quantity> = known.iter().filter(is_it).collect();
        if found.is_empty() {
            bail!("--panels {word}: {}", instead(&name, &place, known));
        }
        for quantity in found {
            ensure!(!all.contains(quantity), "--panels names {quantity} twice");
            all.push(quantity.clone());
        }
    }
    Ok(all)
}

/// Words as they were before commas parted them: `network_map:output=0,input=1` is one.
fn whole(words: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for word in words.iter().map(|word| word.trim()) {
        match all.last_mut() {
            Some(last) if last.contains('=') && word.contains('=') && !word.contains(':') => {
                last.push(',');
                last.push_str(word);
            }
            _ => all.push(word.to_owned()),
        }
    }
    all
}

/// A word's metric and place.
fn split(word: &str) -> (String, String) {
    let (name, place) = match word.split_once(':') {
        Some((name, place)) => (name, place),
        None => SHORT
            .iter()
            .find_map(|(short, _)| Some((*short, word.strip_prefix(short)?.strip_prefix('_')?)))
            .unwrap_or((word, "")),
    };
    let long = SHORT.iter().find(|(short, _)| *short == name).map_or(name, |(_, long)| long);
    (long.to_owned(), place.to_owned())
}

/// What to write in place of a word that names nothing.
fn instead(name: &str, place: &str, known: &[Quantity]) -> String {
    let places: Vec<&str> =
        known.iter().filter(|it| it.word == name).map(|it| &*it.place).collect();
    match &places[..] {
        [] => {
            let mut words: Vec<&str> = known.iter().map(|it| &*it.word).collect();
            words.dedup();
            let listed: Vec<String> = words.iter().map(|word| with_places(word, known)).collect();
            let short = SHORT.iter().map(|(short, _)| *short);
            let near = did_you_mean(name, words.iter().copied().chain(short));
            format!("these runs have no such quantity but {}{near}", listed.join(", "))
        }
        [""] => format!("{name} has no part '{place}': write {name} alone"),
        _ => format!("{name} has no part '{place}' in these runs but {}", with_places(name, known)),
    }
}

/// `loss`, `weight_norm:1`, `true_negative_rate:1 to :3`.
fn with_places(word: &str, known: &[Quantity]) -> String {
    let of_word: Vec<&Quantity> = known.iter().filter(|it| it.word == word).collect();
    match &of_word[..] {
        [] => word.to_owned(),
        [only] => only.to_string(),
        [first, .., last] => format!("{first} to :{}", last.place),
    }
}

/// The curves of a run, one for each quantity; without points where it lacks one.
pub fn of_run(record: &Record, wanted: &[Quantity], clock: Clock) -> Vec<Curve> {
    let place = |row: &Row| match clock {
        Clock::Step => row.step.map(|step| step as f64),
        // A probe may look where nothing else was observed.
        Clock::Time => row.time.or_else(|| row.step.map(|step| record.config.time_at(step))),
    };
    let mut curves = vec![Curve::default(); wanted.len()];
    let _ = of_record(record, &mut |row| {
        take(&mut curves, wanted, row, place(row));
        Ok(())
    });
    with_relative(curves, wanted, &Account::of_run(record, clock))
}

/// Likewise what theory says: of the training set, where runs were observed on that too.
pub fn of_answer(
    theory: &TheoryRecord,
    wanted: &[Quantity],
    clock: Clock,
    is_of_training: bool,
) -> Vec<Curve> {
    let at = |time: f64| match clock {
        Clock::Time => time,
        Clock::Step => theory.config.step_of_time(time),
    };
    let set = if is_of_training { Some(TRAINING) } else { Some(THEORY) };
    let mut curves = vec![Curve::default(); wanted.len()];
    let _ = of_theory(theory, &mut |row| {
        take(&mut curves, wanted, &Row { set, ..*row }, row.time.map(at));
        Ok(())
    });
    if is_of_training {
        return curves;
    }
    let mut curves = with_relative(curves, wanted, &Account::of_theory(theory));
    for (curve, quantity) in curves.iter_mut().zip(wanted) {
        if RELATIVE.contains(&&*quantity.word) {
            curve.points.iter_mut().for_each(|point| point.0 = at(point.0));
        }
    }
    curves
}

fn take(curves: &mut [Curve], wanted: &[Quantity], row: &Row, place: Option<f64>) {
    // Most rows are of responses that nobody asked for.
    if !wanted.iter().any(|it| it.word.ends_with(row.metric)) {
        return;
    }
    let (Some(quantity), Some(place)) = (of_row(row), place) else { return };
    if let Some(index) = wanted.iter().position(|it| *it == quantity) {
        let point: Observed = (place, row.value.filter(|value| value.is_finite()));
        curves[index].points.push(point);
    }
}

fn with_relative(mut curves: Vec<Curve>, wanted: &[Quantity], account: &Account) -> Vec<Curve> {
    for (curve, quantity) in curves.iter_mut().zip(wanted) {
        match &*quantity.word {
            "M" => *curve = account.mean_output_error(),
            "V" => *curve = account.input_dependence(),
            "D_ocs" => *curve = account.distance_to_ocs(),
            "D_target" => *curve = account.distance_to_targets(),
            _ => {}
        }
    }
    curves
}
