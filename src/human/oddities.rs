//! What is odd about trials: rows that come twice, trials out of order, constant responses, missed deadlines. It is reported, and
//! left out by stated rules alone.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::config::{Exclude, Kept};

use super::columns::ColumnMap;
use super::trials::{Place, Trials};

/// Something odd about a participant's day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Odd {
    /// duplicate | out of order | unknown item | unknown label | constant responses | missed | partly missed.
    pub kind: String,
    /// Who.
    pub participant: String,
    /// Which day; `null`: all of them.
    pub day: Option<u64>,
    /// How many trials.
    pub trials: u64,
    /// The first of them, in words.
    pub first: String,
    /// kept | left out.
    pub fate: String,
}

/// What is odd, in the order in which it was first seen.
#[derive(Debug, Default)]
pub struct Oddities {
    odd: Vec<Odd>,
    /// Places in that list, by kind, participant, day and fate.
    places: HashMap<(&'static str, String, u64, &'static str), usize>,
}

impl Oddities {
    /// Counts one more trial of a kind; `first` says which, if it is the first.
    pub fn count(
        &mut self,
        kind: &'static str,
        (who, day): (&str, u64),
        first: impl FnOnce() -> String,
        fate: &'static str,
    ) {
        let place = *self.places.entry((kind, who.to_owned(), day, fate)).or_insert_with(|| {
            self.odd.push(Odd {
                kind: kind.to_owned(),
                participant: who.to_owned(),
                day: Some(day),
                trials: 0,
                first: first(),
                fate: fate.to_owned(),
            });
            self.odd.len() - 1
        });
        self.odd[place].trials += 1;
    }

    /// One that is of no single trial.
    fn push(&mut self, odd: Odd) {
        self.odd.push(odd);
    }

    /// All of them.
    pub fn into_odd(self) -> Vec<Odd> {
        self.odd
    }
}

impl Odd {
    /// One line.
    pub fn in_words(&self) -> String {
        let day = self.day.map_or_else(String::new, |day| format!(", day {day}"));
        let trials = if self.trials == 1 { "trial" } else { "trials" };
        format!(
            "participant {}{day}: {}, {} {trials}, {} ({})",
            self.participant, self.kind, self.trials, self.fate, self.first
        )
    }
}

/// What was found among trials.
pub struct Found {
    /// Trials that stay, by participant, day and number.
    pub order: Vec<usize>,
    pub odd: Vec<Odd>,
}

/// Where a trial stands, as far as it must be told: its row, and of several files which.
pub fn row_in_words(place: Place, files: &[PathBuf]) -> String {
    match &files {
        [_] | [] => format!("row {}", place.row),
        several => format!("{} row {}", several[place.file].display(), place.row),
    }
}

/// Orders trials and tells what is odd. `places` say where each was read.
///
/// # Errors
///
/// If trials of one participant, day and number stand in two files, or say different things for more than a tenth of a day: then
/// two participants have one id.
pub fn find_oddities(
    trials: &Trials,
    places: &[Place],
    files: &[PathBuf],
    map: &ColumnMap,
    exclude: &Exclude,
) -> Result<Found> {
    let mut odd = Oddities::default();
    let mut order: Vec<usize> = (0..trials.trials.len()).collect();
    let day_of = |index: usize| (trials.trials[index].participant, trials.trials[index].day);
    let key = |&index: &usize| (day_of(index), trials.trials[index].trial);
    order.sort_by_key(key);
    out_of_order(trials, (places, files), &mut odd);
    let mut kept = Vec::with_capacity(order.len());
    for day in order.chunk_by(|one, other| day_of(*one) == day_of(*other)) {
        let same: Vec<&[usize]> = day.chunk_by(|one, other| key(one) == key(other)).collect();
        if exclude.duplicates.is_none() {
            ensure_one_participant(trials, places, files, map, &same)?;
        }
        for group in same {
            let (stays, told, what) = match exclude.duplicates {
                None => (group, &group[1..], " again"),
                Some(Kept::First) => (&group[..1], &group[1..], " again"),
                Some(Kept::Last) => {
                    let (before, last) = group.split_at(group.len() - 1);
                    (last, before, ", which comes again")
                }
            };
            kept.extend(stays);
            let fate = if exclude.duplicates.is_some() { "left out" } else { "kept" };
            for &one in told {
                let trial = trials.trials[one];
                let who = &trials.participants[trial.participant as usize];
                let first = || {
                    format!("{} is trial {}{what}", row_in_words(places[one], files), trial.trial)
                };
                odd.count("duplicate", (who, trial.day), first, fate);
            }
        }
    }
    missed_and_constant(trials, &kept, map, &mut odd);
    Ok(Found { order: kept, odd: odd.into_odd() })
}

/// Trials that stand after a later one of their day in a file: the order of files is that in which they were named.
fn out_of_order(trials: &Trials, (places, files): (&[Place], &[PathBuf]), odd: &mut Oddities) {
    // The latest trial of a day in a file, with it, and how many came after a later one.
    let mut days: BTreeMap<(u32, u64), (usize, u64, Option<Odd>)> = BTreeMap::new();
    for (trial, place) in trials.trials.iter().zip(places) {
        let (file, last, found) =
            days.entry((trial.participant, trial.day)).or_insert((place.file, trial.trial, None));
        if *file != place.file {
            (*file, *last) = (place.file, trial.trial);
        }
        match found {
            Some(odd) if trial.trial < *last => odd.trials += 1,
            None if trial.trial < *last => {
                *found = Some(Odd {
                    kind: "out of order".to_owned(),
                    participant: trials.participants[trial.participant as usize].clone(),
                    day: Some(trial.day),
                    trials: 1,
                    first: format!(
                        "{}: trial {} after trial {last}",
                        row_in_words(*place, files),
                        trial.trial
                    ),
                    fate: "kept".to_owned(),
                });
            }
            Some(_) | None => *last = trial.trial.max(*last),
        }
    }
    days.into_values().filter_map(|(.., found)| found).for_each(|found| odd.push(found));
}

/// Makes sure that trials of one number do not tell of two participants.
fn ensure_one_participant(
    trials: &Trials,
    places: &[Place],
    files: &[PathBuf],
    map: &ColumnMap,
    day: &[&[usize]],
) -> Result<()> {
    /// Share of a day's trials of which a person may have given two answers, as after a reload.
    const REPEATED: f64 = 0.1;
    let says_other = |one: usize, other: usize| {
        let bits = |index: usize| trials.responses(index).iter().map(|response| response.to_bits());
        trials.trials[one].item != trials.trials[other].item || !bits(one).eq(bits(other))
    };
    let file = |index: usize| places[index].file;
    let pairs = || day.iter().flat_map(|group| group[1..].iter().map(|&other| (group[0], other)));
    let elsewhere = pairs().find(|(one, other)| file(*one) != file(*other));
    let differing: Vec<(usize, usize)> =
        pairs().filter(|(one, other)| says_other(*one, *other)).collect();
    let is_second = differing.len() as f64 > REPEATED * day.len() as f64;
    let Some((first, other)) =
        elsewhere.or_else(|| differing.first().filter(|_| is_second).copied())
    else {
        return Ok(());
    };
    let trial = trials.trials[first];
    let at = |index: usize| format!("{} row {}", files[file(index)].display(), places[index].row);
    let n_twice = pairs().count();
    let what = match differing.len() {
        0 => format!(
            "with the same answer ({n_twice} trials of that day stand twice, all with the same): is it one session that was kept twice? \
             Leave one of the files out, or say"
        ),
        differing => format!(
            "({n_twice} trials of that day stand twice, {differing} of them with another answer): are they two participants of one id? \
             Give each an id of his own, number trials through each day, or say"
        ),
    };
    let days = match map.day {
        None => {
            "Does a column say the day or session? Then name it in the column map (day: COLUMN). Else: "
        }
        Some(_) => "",
    };
    bail!(
        "{days}participant '{}', day {}, trial {} stands in {} and again in {} {what} which rows count with exclude: {{duplicates: first}} or \
         last",
        trials.participants[trial.participant as usize],
        trial.day,
        trial.trial,
        at(first),
        at(other)
    )
}

/// What somebody answers, as long as it is always the same.
struct Pattern {
    /// `[label]`: NaN as long as none was given.
    first: Vec<f64>,
    has_repeated: bool,
    varies: bool,
}

impl Pattern {
    fn of(n_labels: usize) -> Pattern {
        Pattern { first: vec![f64::NAN; n_labels], has_repeated: false, varies: false }
    }

    /// Takes one more trial; labels without a response say nothing.
    fn see(&mut self, responses: &[f64]) {
        for (first, given) in self.first.iter_mut().zip(responses) {
            if first.is_nan() {
                *first = *given;
            } else if !given.is_nan() {
                self.has_repeated = true;
                self.varies |= first != given;
            }
        }
    }

    fn is_constant(&self) -> bool {
        self.has_repeated && !self.varies
    }
}

fn missed_and_constant(trials: &Trials, kept: &[usize], map: &ColumnMap, odd: &mut Oddities) {
    let may_be_answers = !map.labels.is_empty() && map.empty.is_none();
    let hint = if may_be_answers {
        "; if an empty list means that no label was marked, write empty: nothing-marked in the column map"
    } else {
        ""
    };
    let participant = |index: &usize| trials.trials[*index].participant;
    for own in kept.chunk_by(|one, other| participant(one) == participant(other)) {
        let who = &trials.participants[participant(&own[0]) as usize];
        let mut pattern = Pattern::of(trials.n_labels);
        let mut n_answered = 0u64;
        for &index in own {
            if trials.is_missed(index) {
                let trial = trials.trials[index];
                let first = || format!("trial {} has no response{hint}", trial.trial);
                odd.count("missed", (who, trial.day), first, "kept");
                continue;
            }
            if trials.responses(index).iter().any(|response| response.is_nan()) {
                let trial = trials.trials[index];
                let first = || format!("trial {} has no response to some labels", trial.trial);
                odd.count("partly missed", (who, trial.day), first, "kept");
            }
            n_answered += 1;
            pattern.see(trials.responses(index));
        }
        if pattern.is_constant() {
            odd.push(Odd {
                kind: "constant responses".to_owned(),
                participant: who.clone(),
                day: None,
                trials: n_answered,
                first: "every trial has the same".to_owned(),
                fate: "kept".to_owned(),
            });
        }
    }
}

/// Why rules leave out a participant whose trials are these; `None` if they do not.
pub fn excluded(
    trials: &Trials,
    own: std::ops::Range<usize>,
    odd: &[Odd],
    exclude: &Exclude,
) -> Option<String> {
    let who = own.clone().next().map(|index| trials.trials[index].participant as usize)?;
    let who = &trials.participants[who];
    let n_trials = own.len();
    let is_odd = |kind: &str| odd.iter().any(|odd| odd.participant == *who && odd.kind == kind);
    if exclude.participants.contains(who) {
        return Some("named by exclude.participants".to_owned());
    }
    if exclude.constant_responders && is_odd("constant responses") {
        return Some("the same response in every trial (exclude.constant_responders)".to_owned());
    }
    if exclude.out_of_order && is_odd("out of order") {
        return Some("trials out of order (exclude.out_of_order)".to_owned());
    }
    let n_missed = own.filter(|&index| trials.is_missed(index)).count();
    let share = n_missed as f64 / n_trials as f64;
    if exclude.missed.is_some_and(|most| share > most) {
        return Some(format!("missed {n_missed} of {n_trials} trials (exclude.missed)"));
    }
    let least = exclude.fewer_trials_than.filter(|least| (n_trials as u64) < *least);
    least.map(|least| format!("{n_trials} trials, fewer than {least} (exclude.fewer_trials_than)"))
}
