//! Are these the published images? Told by what was read, whatever form the files had: a folder's name says nothing about
//! what somebody put there.

use std::path::Path;

use anyhow::{Result, bail};
use sha2::{Digest, Sha256};

use crate::config::Inputs;
use crate::data::forms::published_as;
use crate::data::{Dataset, Split, cifar10, files, idx};

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

impl Dataset {
    /// Compares what was read with the published checksums.
    ///
    /// # Errors
    ///
    /// If files of different data sets were read together, such as one's images with another's labels.
    pub fn identity(&self) -> Result<Identity> {
        let owners: Vec<(String, Option<Inputs>)> = self
            .published_files()
            .into_iter()
            .map(|(name, sha256)| {
                let owner = published_as(&name, &sha256);
                (name, owner)
            })
            .collect();
        let mut known = owners.iter().filter_map(|(name, owner)| Some((name, (*owner)?)));
        let Some((name, owner)) = known.next() else {
            return Ok(if self.inputs == Inputs::Glyphs {
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

    /// Name and SHA-256 of the published files' own form, of these images; none where nothing was published.
    fn published_files(&self) -> Vec<(String, String)> {
        match self.inputs {
            Inputs::OneHot
            | Inputs::Correlated
            | Inputs::Gaussian
            | Inputs::Circle
            | Inputs::Glyphs => Vec::new(),
            Inputs::Mnist | Inputs::FashionMnist => {
                let parts = [("train", &self.train), ("t10k", &self.test)];
                parts.into_iter().flat_map(|(part, split)| self.idx_files(part, split)).collect()
            }
            Inputs::Cifar10 => cifar10::batches(self)
                .map(|(name, classes, pixels)| {
                    let mut hasher = Sha256::new();
                    for (class, image) in classes.iter().zip(pixels.chunks(self.image_len())) {
                        hasher.update([*class]);
                        hasher.update(image);
                    }
                    (name, files::hex(&hasher.finalize()))
                })
                .collect(),
        }
    }

    fn idx_files(&self, part: &str, split: &Split) -> [(String, String); 2] {
        let n = split.classes.len();
        let hashed = |sizes: &[usize], contents: &[u8]| {
            let hasher = Sha256::new().chain_update(idx::header(sizes)).chain_update(contents);
            files::hex(&hasher.finalize())
        };
        [
            (
                format!("{part}-images-idx3-ubyte"),
                hashed(&[n, self.height, self.width], &split.pixels),
            ),
            (format!("{part}-labels-idx1-ubyte"), hashed(&[n], &split.classes)),
        ]
    }
}
