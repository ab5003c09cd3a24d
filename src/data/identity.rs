//! Are these the published images? Told by what was read, whatever form the files had: a folder's name says nothing about
//! what somebody put there.

use std::path::Path;

use anyhow::{Result, bail};

use super::dataset::Dataset;
use super::sets::{entry, forms, published_as};
use super::verify::verify;
use crate::config::Inputs;

/// Whose images a data set's are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// Those that were published under its name, or drawn by this program.
    Published,
    /// All of them are those that were published under another name.
    Other(Inputs),
    /// At least one file is none that was published.
    Unknown,
}

impl Identity {
    /// What a person should know of the `inputs` that lie in `folder`; `None` if they are the published ones.
    pub fn warning(self, inputs: Inputs, folder: &Path) -> Option<String> {
        let (name, folder) = (inputs.name(), folder.display());
        let what = match self {
            Identity::Published => return None,
            Identity::Other(owner) => {
                format!("these are {}'s files under {name}'s names", owner.name())
            }
            Identity::Unknown => {
                format!("their checksums are unknown: `ocs data verify {name}` tells which")
            }
        };
        Some(format!("the images of {name} in {folder} are not the published ones: {what}"))
    }
}

/// Whose images those read from `folder` are: as `Dataset::identity`, and where that knows none of them, by the files.
///
/// # Errors
///
/// Those of `Dataset::identity`.
pub fn identify(dataset: &Dataset, folder: &Path) -> Result<Identity> {
    let identity = dataset.identity()?;
    let are_right =
        || verify(dataset.inputs, folder).is_ok_and(|files| files.iter().all(|file| file.ok));
    // Batches may have been published in another order than records, which are compared.
    Ok(if identity == Identity::Unknown && are_right() { Identity::Published } else { identity })
}

impl Dataset {
    /// Compares what was read with the published checksums.
    ///
    /// # Errors
    ///
    /// If files of different data sets were read together, such as one's images with another's labels.
    pub fn identity(&self) -> Result<Identity> {
        let checksums = entry(self.inputs).map(|entry| (entry.checksums)(self));
        let owners: Vec<(String, Option<Inputs>)> = checksums
            .into_iter()
            .flatten()
            .map(|(name, sha256)| {
                let owner = published_as(&name, &sha256);
                (name, owner)
            })
            .collect();
        let mut known = owners.iter().filter_map(|(name, owner)| Some((name, (*owner)?)));
        let Some((name, owner)) = known.next() else {
            return Ok(if forms(self.inputs).is_empty() {
                Identity::Published
            } else {
                Identity::Unknown
            });
        };
        if let Some((other_name, other)) = known.find(|(_, other)| *other != owner) {
            bail!(
                "{name} is {}'s, but {other_name} is {}'s: files of two data sets lie in one folder; \
                 `ocs data fetch {}` brings the right ones",
                owner.name(),
                other.name(),
                self.inputs.name()
            );
        }
        Ok(if owners.iter().any(|(_, owner)| owner.is_none()) {
            Identity::Unknown
        } else if owner == self.inputs {
            Identity::Published
        } else {
            Identity::Other(owner)
        })
    }
}
