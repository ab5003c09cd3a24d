//! What a checkpoint says: a step, and of each run of a stack its record so far, its state, and its tensors.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use serde::{Deserialize, Serialize};

use super::notes::Notes;
use super::roster::{Roster, Run, previous};
use crate::file;
use crate::record::{Checked, Record};
use crate::train::checkpoint_file::{Contents, from_bytes, read_head, to_bytes};
use crate::train::{Checkpoint, NamedTensors, Place, Progress};

/// Raised when the meaning of a checkpoint changes.
const SCHEMA: u32 = 1;
/// Names of a run's words beside its tensors.
const RECORD: &str = "record";
const STATE: &str = "state";

/// What the head of a checkpoint says. Seeds, configs and programs stand in the records.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    schema: u32,
    step: u64,
    roster: Roster,
}

/// What is neither a tensor nor in the record.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    /// Position of the order's generator before the current epoch, as decimal digits (128 bits), and samples of the epoch that
    /// were shown; `null` if every step sees all samples.
    place: Option<(String, usize)>,
    /// Loss of the last observation, where the record does not end with it: at the start of a stretch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_loss: Option<f64>,
    /// What the observer keeps between two observations.
    notes: Notes,
}

/// One run of a checkpoint that is to be written.
pub struct Entry {
    /// The record so far, as its file has it.
    pub record: Vec<u8>,
    /// Notes of its observer, and its place.
    pub state: Vec<u8>,
    /// Weights, optimiser state, tables.
    pub tensors: NamedTensors,
}

impl Entry {
    /// Of a run with this record, as its file has it.
    ///
    /// # Errors
    ///
    /// If something is no JSON.
    pub fn new(
        record: &Record,
        text: Vec<u8>,
        notes: Notes,
        checkpoint: Checkpoint,
    ) -> Result<Entry> {
        let last_loss = Some(checkpoint.last_loss()).filter(|loss| loss.is_finite());
        let last_loss = last_loss.filter(|loss| record.curves.loss.last() != Some(loss));
        let (place, tensors) = checkpoint.into_parts();
        let place = place.map(|(word, position)| (word.to_string(), position));
        let state = serde_json::to_vec(&State { place, last_loss, notes })?;
        Ok(Entry { record: text, state, tensors })
    }
}

/// One run of a checkpoint that was read.
pub struct Member {
    /// Condition and seed.
    pub run: Run,
    /// Its record so far.
    pub record: Record,
    /// The same, byte by byte.
    pub text: Vec<u8>,
    /// What its observer kept.
    pub notes: Notes,
    /// Where training goes on.
    pub checkpoint: Checkpoint,
}

/// A checkpoint that was read, every byte of it as it was written.
pub struct Saved {
    /// Updates done.
    pub step: u64,
    /// In the stack's order.
    pub members: Vec<Member>,
}

/// Why a checkpoint cannot be used.
pub enum Unusable {
    /// Bytes of it are lost or others.
    Damaged(anyhow::Error),
    /// It is whole, and of another version of this program.
    Foreign(anyhow::Error),
}

fn prefix(index: usize, of: usize) -> String {
    // Whoever loads the weights of one run finds them under their own names.
    if of == 1 { String::new() } else { format!("{index}/") }
}

/// The bytes of a checkpoint.
///
/// # Errors
///
/// If they cannot be made.
pub fn bytes_of(roster: &Roster, step: u64, entries: &[Entry]) -> Result<Vec<u8>> {
    let mut contents = Contents::default();
    for (index, entry) in entries.iter().enumerate() {
        let prefix = prefix(index, entries.len());
        contents.texts.push((format!("{prefix}{RECORD}"), entry.record.clone()));
        contents.texts.push((format!("{prefix}{STATE}"), entry.state.clone()));
        let tensors = entry.tensors.iter();
        contents
            .tensors
            .extend(tensors.map(|(name, it)| (format!("{prefix}{name}"), it.shallow_clone())));
    }
    to_bytes(&Head { schema: SCHEMA, step, roster: roster.clone() }, &contents)
}

impl Saved {
    /// Reads a checkpoint.
    ///
    /// # Errors
    ///
    /// The reason why it cannot be used.
    pub fn read(path: &Path) -> Result<Saved, Unusable> {
        let bytes = std::fs::read(path).map_err(|error| Unusable::Damaged(error.into()))?;
        let read = from_bytes::<serde_json::Value>(bytes);
        let (head, contents) = read.map_err(Unusable::Damaged)?;
        Saved::of(head, contents).map_err(Unusable::Foreign)
    }

    fn of(head: serde_json::Value, contents: Contents) -> Result<Saved> {
        let schema = head.get("schema").and_then(serde_json::Value::as_u64);
        ensure!(
            schema == Some(SCHEMA.into()),
            "schema was {}, is {SCHEMA}",
            schema.map_or("none".to_owned(), |schema| schema.to_string())
        );
        let Head { step, roster, .. } = serde_json::from_value(head)?;
        let n = roster.0.len();
        let mut members = Vec::new();
        let (mut texts, mut tensors) = (contents.texts, contents.tensors);
        for (index, run) in roster.0.into_iter().enumerate() {
            let prefix = prefix(index, n);
            let mut text = |name: &str| {
                let name = format!("{prefix}{name}");
                let place = texts.iter().position(|(known, _)| *known == name);
                Ok::<_, anyhow::Error>(texts.swap_remove(place.context("a text is not there")?).1)
            };
            let (text, state) = (text(RECORD)?, text(STATE)?);
            let record: Record = serde_json::from_slice(&text).context("its record")?;
            record.check().context("its record")?;
            ensure!(run == (record.condition.clone(), record.seed), "its record is another run's");
            let State { place, last_loss, notes } =
                serde_json::from_slice(&state).context("its state")?;
            let (own, others): (NamedTensors, NamedTensors) =
                tensors.into_iter().partition(|(name, _)| name.starts_with(&prefix));
            tensors = others;
            let own = own.into_iter().map(|(name, it)| (name[prefix.len()..].to_owned(), it));
            let last_loss = last_loss.or(record.curves.loss.last().copied()).unwrap_or(f64::NAN);
            let progress = Progress { seed: record.seed, step, last_loss };
            let checkpoint = Checkpoint::of_kept(progress, place_of(place)?, own.collect());
            members.push(Member { run, record, text, notes, checkpoint });
        }
        Ok(Saved { step, members })
    }

    /// The runs that it is of.
    pub fn roster(&self) -> Roster {
        Roster(self.members.iter().map(|member| member.run.clone()).collect())
    }
}

fn place_of(place: Option<(String, usize)>) -> Result<Option<Place>> {
    let place = place.map(|(word, position)| Ok::<_, anyhow::Error>((word.parse()?, position)));
    place.transpose().context("its place in the order of samples")
}

/// Unfinished work of a run folder.
pub struct Unfinished {
    /// The newest checkpoint's file, damaged or not.
    pub path: PathBuf,
    /// The newest checkpoint that is whole.
    pub saved: Saved,
    /// Records of the checkpoint before, as views of them may still stand.
    pub before: Vec<(Run, Vec<u8>)>,
    /// Whether this is the checkpoint before, since the newest is damaged or not there.
    pub is_previous: bool,
}

impl Unfinished {
    /// Has a checkpoint that is gone on from stand in the newest one's place, so that the next one does not replace the only
    /// one that is whole.
    ///
    /// # Errors
    ///
    /// Names the file.
    pub fn put_right(&self) -> Result<()> {
        if !self.is_previous {
            return Ok(());
        }
        let previous = previous(&self.path);
        std::fs::rename(&previous, &self.path)
            .with_context(|| format!("cannot rename {}", previous.display()))
    }
}

/// Reads the newest checkpoint at `path` that is whole, and says which one is not.
///
/// # Errors
///
/// If neither is, with the ways on.
pub fn read_newest(path: &Path) -> Result<Unfinished> {
    let previous = previous(path);
    let older = |error: anyhow::Error| {
        anyhow!(
            "{} is a checkpoint of another version of ocs ({error:#}): finish its runs with the version that began them, \
             replace them with --overwrite, or keep the new ones apart by another name or folder (--set name=..., --out)",
            path.display()
        )
    };
    let damage = match Saved::read(path) {
        Ok(saved) => {
            let before = match Saved::read(&previous) {
                Ok(before) => before.members.into_iter().map(|it| (it.run, it.text)).collect(),
                Err(_) => Vec::new(),
            };
            return Ok(Unfinished { path: path.to_owned(), saved, before, is_previous: false });
        }
        Err(Unusable::Foreign(error)) => return Err(older(error)),
        Err(Unusable::Damaged(error)) => error,
    };
    let is_there = path.exists();
    match Saved::read(&previous) {
        Ok(saved) => {
            if is_there {
                tracing::warn!(
                    "{} is damaged ({damage:#}): going on from the checkpoint before it, of step {}",
                    path.display(),
                    saved.step
                );
            }
            Ok(Unfinished { path: path.to_owned(), saved, before: Vec::new(), is_previous: true })
        }
        Err(Unusable::Foreign(error)) => Err(older(error)),
        Err(Unusable::Damaged(error)) => Err(anyhow!(
            "{} is damaged ({damage:#}), and so is the one before it ({error:#}): start its runs anew by deleting both files, or \
             with --overwrite, or keep new runs apart by another name or folder (--set name=..., --out)",
            path.display()
        )),
    }
}

/// Step and runs of unfinished work, by the head of its checkpoint alone.
///
/// # Errors
///
/// If neither the newest checkpoint nor the one before it has a head.
pub fn step_and_roster(path: &Path) -> Result<(u64, Roster)> {
    let head = read_head::<Head>(path).or_else(|_| read_head(&previous(path)));
    let Head { step, roster, .. } =
        head.with_context(|| format!("{} is damaged", path.display()))?;
    Ok((step, roster))
}

/// Removes a checkpoint and the one before it.
///
/// # Errors
///
/// If one is there and cannot be removed; names it.
pub fn remove(path: &Path) -> Result<()> {
    // The older first: what is left must not be taken for the newest.
    for path in [&previous(path), path] {
        file::remove(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}
