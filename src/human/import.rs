//! From files to trials: what each row says, and what is wrong or odd about them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};

use unicode_normalization::UnicodeNormalization;

use crate::config::{Exclude, did_you_mean};

use super::columns::ColumnMap;
use super::oddities::{Found, Odd, Oddities, find_oddities, row_in_words};
use super::rows::{CONFIG_HASH, Content, Row, TARGETS, Wanted, read_rows};
use super::tree::Taught;
use super::trials::{Place, Trial, Trials};

/// What was read.
pub struct Imported {
    /// Ordered by participant, day and number.
    pub trials: Trials,
    /// What is odd about them.
    pub odd: Vec<Odd>,
    /// What each file holds.
    pub files: Vec<Content>,
    /// Participants all of whose trials were left out.
    pub without_trials: Vec<String>,
    /// Rows that were no trials, as the map says.
    pub n_other_rows: u64,
}

/// Reads files of trials.
///
/// # Errors
///
/// Names file, row and column of what is no trial of the tree, and of trials that two participants of one id seem to have done.
pub fn import(
    files: &[PathBuf],
    map: &ColumnMap,
    taught: &Taught,
    exclude: &Exclude,
) -> Result<Imported> {
    map.ensure_of(taught)?;
    let wanted = Wanted::of(map);
    let mut reader = Reader::new((map, &wanted), taught, exclude, files);
    let (mut contents, mut empty) = (Vec::new(), Vec::new());
    for (file, path) in files.iter().enumerate() {
        let n_before = reader.n_trials();
        contents.push(read_rows(path, map, &wanted, |row, cells| {
            reader.see(Place { file, row }, cells)
        })?);
        if reader.n_trials() == n_before {
            empty.push(format!(
                "{} has no row of a trial: {}",
                path.display(),
                reader.other_rows()
            ));
        }
    }
    if let (0, Some(first)) = (reader.n_trials(), empty.first()) {
        bail!("{first}");
    }
    // Somebody who declined leaves a session without trials.
    empty.iter().for_each(|what| tracing::warn!("{what}"));
    let Reader { trials, places, odd, numbers, left_out, hashes, n_other_rows, .. } = reader;
    let mut odd = odd.into_odd();
    warn_of_several_tasks(&hashes, files);
    ensure!(!trials.trials.is_empty(), "no trial is left: see what exclude says");
    warn_of_marks_alone(&trials);
    warn_of_names_that_look_alike(&trials.participants);
    let Found { order, odd: found } = find_oddities(&trials, &places, files, map, exclude)?;
    odd.extend(found);
    let mut without_trials: Vec<String> =
        left_out.into_iter().filter(|who| !numbers.contains_key(who)).collect();
    without_trials.sort();
    let trials = trials.chosen(&order);
    Ok(Imported { trials, odd, files: contents, without_trials, n_other_rows })
}

/// Sessions of the task say which config they were shown by, times and texts too.
fn warn_of_several_tasks(hashes: &[(String, usize)], files: &[PathBuf]) {
    if hashes.len() > 1 {
        let told =
            hashes.iter().map(|(hash, file)| format!("{hash} in {}", files[*file].display()));
        tracing::warn!(
            "sessions are of {} versions of the task ({CONFIG_HASH} {}): texts, times, pictures or words may have been others",
            hashes.len(),
            told.collect::<Vec<_>>().join(", ")
        );
    }
}

/// Exports of tick boxes leave what was not ticked empty: then no response is 0, and rates are of marks alone.
fn warn_of_marks_alone(trials: &Trials) {
    let given = || trials.responses.iter().filter(|response| !response.is_nan());
    let is_without_zero = given().next().is_some() && given().all(|response| *response > 0.0);
    if is_without_zero && trials.responses.iter().any(|response| response.is_nan()) {
        tracing::warn!(
            "no response is 0, and some are empty: if an empty cell means that the label was not marked, write empty: nothing-marked in \
             the column map; as it is, labels that were not marked count as not answered"
        );
    }
}

/// Programs that read ids as numbers make one of 007, 7 and 7.0; eyes make one of what differs in signs that are not seen.
fn warn_of_names_that_look_alike(names: &[String]) {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for name in names {
        if let Some(other) = seen.insert(look_of(name), name) {
            tracing::warn!(
                "participants {other:?} and {name:?} look alike or are one number: if they are one, mend the file; read exported tables with \
                 ids as text"
            );
        }
    }
}

/// What is seen of a name, numbers in one form.
fn look_of(name: &str) -> String {
    /// Of no width: spaces, joiners, marks of direction and of byte order.
    const UNSEEN: [char; 8] = [
        '\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{2060}',
        '\u{feff}',
    ];
    let seen: String = name.nfkc().filter(|sign| !UNSEEN.contains(sign)).collect();
    let seen = seen.trim();
    match seen.parse::<f64>() {
        Ok(number) if number.is_finite() => number.to_string(),
        Ok(_) | Err(_) => seen.to_owned(),
    }
}

/// Reads a table of which nothing is odd any more.
///
/// # Errors
///
/// As `import`.
pub fn read_tidy(path: &Path, taught: &Taught) -> Result<Trials> {
    let map = ColumnMap::of_tidy_table(taught.n_labels());
    let wanted = Wanted::of(&map);
    let exclude = Exclude::default();
    let mut reader = Reader::new((&map, &wanted), taught, &exclude, &[]);
    read_rows(path, &map, &wanted, |row, cells| reader.see(Place { file: 0, row }, cells))?;
    let trials = reader.trials;
    let key = |trial: &Trial| (trial.participant, trial.day, trial.trial);
    ensure!(
        trials.trials.is_sorted_by_key(key),
        "{}: rows are not in the order of participant, day and trial: import it again",
        path.display()
    );
    Ok(trials)
}

/// Where a map's columns stand.
struct Columns {
    participant: usize,
    day: Option<usize>,
    trial: usize,
    item: usize,
    reaction_time: Option<usize>,
    /// The first of those with responses, or the one with a list.
    responses: usize,
    only: Vec<(usize, Vec<String>)>,
    /// Of the task's own files: labels of the item, and the config.
    told: Option<[usize; 2]>,
}

struct Reader<'a> {
    map: &'a ColumnMap,
    wanted: &'a Wanted,
    taught: &'a Taught,
    exclude: &'a Exclude,
    files: &'a [PathBuf],
    columns: Columns,
    numbers: HashMap<String, u32>,
    trials: Trials,
    places: Vec<Place>,
    odd: Oddities,
    n_left_out: usize,
    n_other_rows: u64,
    /// Participants some of whose trials were left out.
    left_out: HashSet<String>,
    /// Which configs the task was shown by, each with the first file.
    hashes: Vec<(String, usize)>,
}

impl<'a> Reader<'a> {
    fn new(
        (map, wanted): (&'a ColumnMap, &'a Wanted),
        taught: &'a Taught,
        exclude: &'a Exclude,
        files: &'a [PathBuf],
    ) -> Self {
        let place = |column: &String| wanted.place(column);
        let responses = map.responses.first().or(map.response_list.as_ref());
        let columns = Columns {
            participant: place(&map.participant),
            day: map.day.as_ref().map(place),
            trial: place(&map.trial),
            item: place(&map.item),
            reaction_time: map.reaction_time.as_ref().map(place),
            responses: responses.map_or(usize::MAX, place),
            only: map.only.iter().map(|(column, values)| (place(column), values.clone())).collect(),
            told: wanted
                .are_of_task()
                .then(|| [TARGETS, CONFIG_HASH].map(|column| wanted.place(column))),
        };
        let trials = Trials { n_labels: taught.n_labels(), ..Trials::default() };
        Reader {
            map,
            wanted,
            taught,
            exclude,
            files,
            columns,
            numbers: HashMap::new(),
            trials,
            places: Vec::new(),
            odd: Oddities::default(),
            n_left_out: 0,
            n_other_rows: 0,
            left_out: HashSet::new(),
            hashes: Vec::new(),
        }
    }

    /// Trials that were read, with those that a rule left out.
    fn n_trials(&self) -> usize {
        self.trials.trials.len() + self.n_left_out
    }

    /// What tells trials from other rows.
    fn other_rows(&self) -> String {
        let only = self.map.only.iter();
        let told = only.map(|(column, values)| format!("{column}: {}", values.join(", ")));
        format!("only those with {} are", told.collect::<Vec<_>>().join(" and "))
    }

    fn is_trial(&self, row: &Row) -> bool {
        self.columns.only.iter().all(|(place, values)| {
            let cell = row.cell(*place);
            values.iter().any(|value| cell.is_called(value))
        })
    }

    fn see(&mut self, place: Place, row: &Row) -> Result<()> {
        if !self.is_trial(row) {
            self.n_other_rows += 1;
            return Ok(());
        }
        let at = |column: usize| {
            let name = self.wanted.name(column);
            move |error: anyhow::Error| anyhow!("column '{name}': {error:#}")
        };
        let Columns { participant, day, trial, item, reaction_time, .. } = self.columns;
        let cell = row.cell(participant);
        let id = cell.name().map_err(at(participant))?;
        let day = match day {
            Some(day) => self.day(row, day).map_err(at(day))?,
            None => 1,
        };
        let number = row.cell(trial).whole().map_err(at(trial))?;
        let reaction_time = match reaction_time {
            Some(column) => row.cell(column).optional_number().map_err(at(column))?,
            None => None,
        };
        let shown = self.item(row).map_err(at(item))?;
        if let Some(told) = self.columns.told {
            self.ensure_taught(row, told, shown.as_ref().ok().copied(), place.file)?;
        }
        let start = self.trials.responses.len();
        let strange = self.responses(row)?;
        let strange = match shown {
            Ok(_) => strange.map(|what| ("unknown label", what)),
            Err(ref what) => Some(("unknown item", what.clone())),
        };
        if let Some((kind, what)) = strange {
            self.trials.responses.truncate(start);
            self.n_left_out += 1;
            let files = self.files;
            self.odd.count(
                kind,
                (&id, day),
                || format!("{}: {what}", row_in_words(place, files)),
                "left out",
            );
            if !self.left_out.contains(&*id) {
                self.left_out.insert(id.into_owned());
            }
            return Ok(());
        }
        let participant = match self.numbers.get(&*id) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.numbers.len())?;
                self.numbers.insert(id.clone().into_owned(), number);
                self.trials.participants.push(id.into_owned());
                number
            }
        };
        let item = shown.unwrap_or_default();
        self.trials.trials.push(Trial { participant, day, trial: number, item, reaction_time });
        self.places.push(place);
        Ok(())
    }

    /// Makes sure that the task showed the config's tree, as far as its files say.
    fn ensure_taught(
        &mut self,
        row: &Row,
        [targets, hash]: [usize; 2],
        item: Option<u32>,
        file: usize,
    ) -> Result<()> {
        let hash = row.cell(hash);
        let hash = hash.text();
        if !hash.is_empty() && !self.hashes.iter().any(|(known, _)| **known == *hash) {
            self.hashes.push((hash.into_owned(), file));
        }
        let (cell, Some(item)) = (row.cell(targets), item) else { return Ok(()) };
        if cell.text().is_empty() {
            return Ok(());
        }
        let mut told = Vec::new();
        let read = cell.responses(self.taught.n_labels(), &mut told);
        read.with_context(|| format!("column '{TARGETS}'"))?;
        let own = self.taught.targets.row(item as usize);
        ensure!(
            own.iter().eq(&told),
            "column '{TARGETS}': item {item} had the labels {} when it was learned and has {} in the config: give the config by which the \
             task was written",
            marks(&told),
            marks(own.as_slice().unwrap_or_default())
        );
        Ok(())
    }

    fn day(&self, row: &Row, column: usize) -> Result<u64> {
        let cell = row.cell(column);
        if self.map.days.is_empty() {
            return cell.whole().map_err(|error| {
                anyhow!("{error}; if days have names, list them in the column map under days")
            });
        }
        let name = cell.name()?;
        match self.map.days.iter().position(|day| *day == *name) {
            Some(day) => Ok(day as u64 + 1),
            None => {
                let near = did_you_mean(&name, self.map.days.iter().map(String::as_str));
                bail!("'{name}' is none of the map's days{near}")
            }
        }
    }

    /// The item that was shown; as an inner error, why it is none of the tree's where such trials are to be left out.
    fn item(&self, row: &Row) -> Result<Result<u32, String>> {
        let cell = row.cell(self.columns.item);
        let n_items = self.taught.n_items();
        let names = &self.map.items;
        let wrong = if names.is_empty() {
            match cell.whole() {
                Ok(item) if item < n_items as u64 => return Ok(Ok(item as u32)),
                Ok(item) => format!(
                    "is {item}, but items are 0 to {}; if they count from 1, list their numbers in the column map: items: [1, .., {n_items}]",
                    n_items - 1
                ),
                Err(error) => {
                    format!("{error}; if items have names, list them in the column map under items")
                }
            }
        } else {
            let name = cell.name()?;
            if let Some(item) = names.iter().position(|own| *own == *name) {
                return Ok(Ok(item as u32));
            }
            format!(
                "'{name}' is none of the map's items{}",
                did_you_mean(&name, names.iter().map(String::as_str))
            )
        };
        ensure!(
            self.exclude.unknown_items,
            "{wrong} (exclude: {{unknown_items: true}} leaves such trials out)"
        );
        Ok(Err(wrong))
    }

    /// Reads responses; tells of a label that is none of the tree's where such trials are to be left out.
    fn responses(&mut self, row: &Row) -> Result<Option<String>> {
        let n_labels = self.taught.n_labels();
        let first = self.columns.responses;
        let name = |place: usize| self.wanted.name(place);
        if !self.map.responses.is_empty() {
            for place in first..first + n_labels {
                let cell = row.cell(place);
                let response = match cell.says_nothing_marked(self.map.empty) {
                    true => Ok(Some(0.0)),
                    false => cell.response(),
                };
                let response = response.with_context(|| format!("column '{}'", name(place)))?;
                self.trials.responses.push(response.unwrap_or(f64::NAN));
            }
            return Ok(None);
        }
        let cell = row.cell(first);
        let context = || format!("column '{}'", name(first));
        if self.map.labels.is_empty() {
            cell.responses(n_labels, &mut self.trials.responses).with_context(context)?;
            return Ok(None);
        }
        let labels = &self.map.labels;
        let given = &mut self.trials.responses;
        let unknown = cell.marked(labels, self.map.empty, given).with_context(context)?;
        if let (Some(unknown), false) = (&unknown, self.exclude.unknown_labels) {
            bail!(
                "{}: {unknown} (exclude: {{unknown_labels: true}} leaves such trials out)",
                context()
            );
        }
        Ok(unknown)
    }
}

/// Labels that an item has: `1 0 1`.
fn marks(targets: &[f64]) -> String {
    targets.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
}
