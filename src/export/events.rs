//! TensorBoard's event files: what `--tensorboard` writes while runs train.
//!
//! A file is a row of records of TFRecord (length, its checksum, bytes, their checksum), each an `Event` of TensorFlow's
//! `event.proto`, of which only the fields that scalars need are named here. A run's file is written anew from its curves when it
//! goes on, so that it has every moment once, and grows at its end from there on.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use prost::Message;

use super::row::Row;
use super::rows::{EVALUATION, TRAINING, of_moment};
use crate::file;
use crate::metrics::Curves;

/// TensorBoard looks for `tfevents` in names.
const NAME: &str = "events.out.tfevents.ocs";
/// What the first event says, else nothing is read.
const VERSION: &str = "brain.Event:2";
/// Events are given to the system so often.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, tag = "2")]
    simple_value: f32,
}

impl Event {
    fn of_version(wall_time: f64) -> Event {
        let file_version = Some(VERSION.to_owned());
        Event { wall_time, step: 0, file_version, summary: None }
    }

    /// Appends it as TFRecord frames it.
    fn append_to(&self, bytes: &mut Vec<u8>) {
        let event = self.encode_to_vec();
        let length = (event.len() as u64).to_le_bytes();
        bytes.extend(length);
        bytes.extend(masked_checksum(&length));
        bytes.extend(&event);
        bytes.extend(masked_checksum(&event));
    }
}

/// CRC-32C, rotated and shifted as TFRecord wants it: a checksum of bytes that hold checksums would be a weak one.
fn masked_checksum(bytes: &[u8]) -> [u8; 4] {
    const SHIFT: u32 = 0xa282_ead8;
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(SHIFT).to_le_bytes()
}

/// The tag under which TensorBoard shows a number: `true_negative_rate/evaluation/level_1`. `None` of responses to single items,
/// which are too many for it.
fn tag_of(row: &Row) -> Option<String> {
    if row.item.is_some() {
        return None;
    }
    let mut tag = format!("{}/{}", row.metric, row.set.unwrap_or(EVALUATION));
    let places = [("label", row.label), ("layer", row.layer)];
    let level = row.level.filter(|_| row.label.is_none());
    for (name, place) in places.into_iter().chain([("level", level)]) {
        if let Some(place) = place {
            tag.push_str(&format!("/{name}_{place}"));
        }
    }
    Some(tag)
}

/// The event file of one run.
pub struct EventFile {
    path: PathBuf,
    /// Moments that were told; none before the file is begun.
    told: Option<usize>,
    pending: Vec<u8>,
    flushed: Instant,
}

impl EventFile {
    /// Of a run that was not told of yet, in a folder of its own.
    pub fn new(folder: &Path) -> Self {
        EventFile {
            path: EventFile::path(folder),
            told: None,
            pending: Vec::new(),
            flushed: Instant::now(),
        }
    }

    /// Where the file in a folder lies.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(NAME)
    }

    /// Tells of all moments of a run's curves that were not told yet. The first call replaces what lies there.
    ///
    /// # Errors
    ///
    /// Names the file.
    pub fn tell(&mut self, evaluation: &Curves, training: Option<&Curves>) -> Result<()> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let wall_time = since.map_or(0.0, |since| since.as_secs_f64());
        let is_new = self.told.is_none();
        if is_new {
            Event::of_version(wall_time).append_to(&mut self.pending);
        }
        for moment in self.told.unwrap_or(0)..evaluation.step.len() {
            let mut value = Vec::new();
            let sets = [(EVALUATION, Some(evaluation)), (TRAINING, training)];
            for (set, curves) in sets {
                let Some(curves) = curves else { continue };
                of_moment(curves, set, &[], (moment, 1), &mut |row| {
                    if let (Some(tag), Some(number)) = (tag_of(row), row.value) {
                        value.push(Value { tag, simple_value: number as f32 });
                    }
                    Ok(())
                })?;
            }
            let step = i64::try_from(evaluation.step[moment]).unwrap_or(i64::MAX);
            let summary = Some(Summary { value });
            Event { wall_time, step, file_version: None, summary }.append_to(&mut self.pending);
        }
        self.told = Some(evaluation.step.len());
        if is_new {
            let bytes = std::mem::take(&mut self.pending);
            file::replace_unsafely(&self.path, &bytes).with_context(|| self.cannot())?;
            self.flushed = Instant::now();
        } else if self.flushed.elapsed() >= FLUSH_EVERY {
            self.flush()?;
        }
        Ok(())
    }

    /// Gives what was told to the system.
    ///
    /// # Errors
    ///
    /// Names the file.
    pub fn flush(&mut self) -> Result<()> {
        self.flushed = Instant::now();
        let bytes = std::mem::take(&mut self.pending);
        file::append(&self.path, &bytes).with_context(|| self.cannot())
    }

    fn cannot(&self) -> String {
        format!(
            "cannot write {}: choose another folder with --tensorboard, or make room",
            self.path.display()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_masked_crc_32c() {
        // CRC-32C of nine digits is 0xe3069283 (RFC 3720, and every table of checksums).
        let sum = 0xe306_9283_u32.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(masked_checksum(b"123456789"), sum.to_le_bytes());
    }
}
