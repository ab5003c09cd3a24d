//! Files are written at once or not at all, and read whole.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::check::Checked;
use crate::file;

/// Writes JSON to `path` at once: a reader sees the old file or the new one, never half of one.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    write_atomically(path, &to_json(value)?)
}

/// The bytes that `write_json` writes.
pub fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    Ok(text)
}

/// Writes `bytes` to `path` at once, making its folder if need be.
///
/// # Errors
///
/// Names the path; a full disk or an unwritable folder leaves what was there before.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    file::replace(path, bytes).with_context(|| {
        format!("cannot write {}: choose another folder with --out, or make room", path.display())
    })
}

/// Makes sure that files can be written to a folder, making it if need be.
///
/// # Errors
///
/// Names the folder and the remedy.
pub fn ensure_writable(folder: &Path) -> Result<()> {
    file::try_folder(folder).with_context(|| {
        format!(
            "cannot write to {}: choose another folder with --out, or make room",
            folder.display()
        )
    })
}

/// Reads JSON.
///
/// # Errors
///
/// Names the file and the key.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let read = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(&text));
    read.map_err(|error| {
        let what = if error.inner().classify() == Category::Eof {
            "is cut short, as by a full disk or an interrupted copy: delete it and run it again"
        } else {
            "was not written by this version of ocs: run it again"
        };
        anyhow::Error::new(error).context(format!("{} {what}", path.display()))
    })
}

/// Reads a record, a theory's answer or a Gram matrix, and makes sure that it is whole.
///
/// # Errors
///
/// Names the file and the field.
pub fn read_checked<T: DeserializeOwned + Checked>(path: &Path) -> Result<T> {
    let read: T = read_json(path)?;
    read.check().with_context(|| {
        format!("{} is damaged or of another version: run it again", path.display())
    })?;
    Ok(read)
}
