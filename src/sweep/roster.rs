//! Runs that train together, and where their checkpoint lies while they do.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::file::hex;

/// A run: its condition and its seed.
pub type Run = (String, u64);

/// Runs of one stack, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Roster(pub Vec<Run>);

/// The folder of checkpoints of unfinished work in a run folder.
pub const UNFINISHED: &str = ".unfinished";
const ENDING: &str = ".safetensors";
const PREVIOUS: &str = ".previous.safetensors";
/// Longest readable part of a name, in characters.
const READABLE: usize = 60;

impl Roster {
    /// In words: `'none', seed 0` or `'none', seed 0 and 3 more`.
    pub fn words(&self) -> String {
        let Some((condition, seed)) = self.0.first() else { return "no run".to_owned() };
        match self.0.len() - 1 {
            0 => format!("'{condition}', seed {seed}"),
            more => format!("'{condition}', seed {seed} and {more} more"),
        }
    }

    /// The first few in words, and how many there are besides: `'none', seed 0; 'none', seed 1; ... and 498 more`.
    pub fn first_words(&self) -> String {
        const MOST: usize = 4;
        let names = self.0.iter().take(MOST);
        let names: Vec<String> =
            names.map(|(condition, seed)| format!("'{condition}', seed {seed}")).collect();
        match self.0.len().saturating_sub(MOST) {
            0 => names.join("; "),
            more => format!("{}; and {more} more", names.join("; ")),
        }
    }

    /// The checkpoint of these runs in their run folder.
    pub fn path(&self, folder: &Path) -> PathBuf {
        folder.join(UNFINISHED).join(format!("{}{ENDING}", self.name()))
    }

    /// Readable, and another one for other runs.
    fn name(&self) -> String {
        let mut digest = Sha256::new();
        for (condition, seed) in &self.0 {
            digest.update(format!("{condition}\n{seed}\n"));
        }
        let sum = hex(&digest.finalize()[..4]);
        let Some((condition, seed)) = self.0.first() else { return sum };
        let readable: String = condition.chars().take(READABLE).collect();
        match self.0.len() - 1 {
            0 => format!("{readable}-{seed}-{sum}"),
            more => format!("{readable}-{seed}-and-{more}-{sum}"),
        }
    }
}

/// Where the checkpoint before the newest lies.
pub fn previous(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{}{PREVIOUS}", name.strip_suffix(ENDING).unwrap_or(&name)))
}

/// Newest checkpoints of all unfinished work in a run folder, sorted; of some only the one before may be there.
pub fn unfinished_paths(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join(UNFINISHED)).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| {
            let path = entry.path();
            let name = path.file_name()?.to_str()?;
            let stem = name.strip_suffix(PREVIOUS).or_else(|| name.strip_suffix(ENDING))?;
            (!name.starts_with('.')).then(|| path.with_file_name(format!("{stem}{ENDING}")))
        })
        .collect();
    paths.sort();
    paths.dedup();
    paths
}
