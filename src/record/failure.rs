//! What is left of a run that could not be done: the reason, beside the place of its record.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::files::{read_json, write_json};
use super::run_folder::path_of;
use crate::file::hex;

/// A run that ended in an error. It says nothing of the run's record and checkpoint, which may lie beside it, unfinished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailureRecord {
    /// The error in one line.
    pub sentence: String,
    /// When it was met: UTC, as `2026-11-26T20:05:49Z`.
    pub when: String,
    /// Name of the machine.
    pub host: String,
    /// Process id there.
    pub pid: u32,
    /// Revision of this program.
    pub revision: String,
    /// SHA-256 of the run's record, where that is what cannot be used, whatever it says of itself; else absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
}

/// SHA-256 of a run's record as it lies there; `None` if it cannot be read.
pub fn digest_of_record(folder: &Path, condition: &str, seed: u64) -> Option<String> {
    let text = std::fs::read(path_of(folder, condition, seed)).ok()?;
    Some(hex(&Sha256::digest(text)))
}

impl FailureRecord {
    /// Met now, by this process.
    pub fn now(sentence: String) -> Self {
        FailureRecord {
            sentence,
            when: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            host: crate::file::host_name(),
            pid: std::process::id(),
            revision: env!("OCS_REVISION").to_owned(),
            record: None,
        }
    }

    /// Where it lies: `folder/condition/seed.failed.json`.
    pub fn path(folder: &Path, condition: &str, seed: u64) -> PathBuf {
        folder.join(condition).join(format!("{seed}.failed.json"))
    }

    /// That of a run; `None` if it did not fail.
    ///
    /// # Errors
    ///
    /// If it cannot be read; names the file.
    pub fn read(folder: &Path, condition: &str, seed: u64) -> Result<Option<Self>> {
        let path = FailureRecord::path(folder, condition, seed);
        path.exists().then(|| read_json(&path)).transpose()
    }

    /// Writes it for a run.
    ///
    /// # Errors
    ///
    /// If it cannot be written; names the file.
    pub fn write(&self, folder: &Path, condition: &str, seed: u64) -> Result<()> {
        write_json(&FailureRecord::path(folder, condition, seed), self)
    }

    /// Removes that of a run, if there is one.
    ///
    /// # Errors
    ///
    /// If it cannot be removed; names the file.
    pub fn remove(folder: &Path, condition: &str, seed: u64) -> Result<()> {
        let path = FailureRecord::path(folder, condition, seed);
        match std::fs::remove_file(&path) {
            // Where its folder is none, it is not there either.
            Err(error)
                if ![ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) =>
            {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
