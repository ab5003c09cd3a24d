//! Images on disk: which files hold them, how they are read, where they come from.
//!
//! Bytes only: scaling, tensors and subsampling are others' work. `load` takes images of any number and size,
//! `Dataset::identity` tells whether they are the published ones, `verify` which files are, and `fetch` gives no file its
//! name before that comparison.

mod checksums;
mod cifar10;
mod fetch;
mod files;
mod forms;
mod glyphs;
mod identity;
mod idx;
mod pickle;
mod places;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use crate::config::Inputs;
use crate::file;

pub use fetch::{FetchOptions, Progress, fetch, fetch_unless};
pub use forms::{FileCheck, verify};
pub use identity::Identity;

/// Number of classes of every data set.
pub const N_CLASSES: usize = 10;

/// Images of one data set as read from files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// Which data set.
    pub inputs: Inputs,
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// The training part.
    pub train: Split,
    /// The test part.
    pub test: Split,
}

/// One part of a data set, n images.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// `[n, channels, height, width]`, row-major.
    pub pixels: Vec<u8>,
    /// `[n]`, each below `N_CLASSES`.
    pub classes: Vec<u8>,
}

impl Dataset {
    /// SHA-256, in hex, over name, shapes, classes and pixels of both parts: equal data give equal checksums, whatever
    /// the files' form.
    pub fn checksum(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.inputs.name().as_bytes());
        let sizes = [self.channels, self.height, self.width];
        let counts = [self.train.classes.len(), self.test.classes.len()];
        for size in sizes.into_iter().chain(counts) {
            hasher.update((size as u64).to_le_bytes());
        }
        for split in [&self.train, &self.test] {
            hasher.update(&split.classes);
            hasher.update(&split.pixels);
        }
        files::hex(&hasher.finalize())
    }

    /// Number of values of one image.
    pub fn image_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    fn check(&self) -> Result<()> {
        for (part, split) in [("training", &self.train), ("test", &self.test)] {
            let n = split.classes.len();
            ensure!(n > 0 && self.image_len() > 0, "the {part} part has no images");
            ensure!(
                split.pixels.len() == n * self.image_len(),
                "the {part} part has {n} classes, but {} bytes of images of {} bytes each",
                split.pixels.len(),
                self.image_len()
            );
        }
        Ok(())
    }
}

/// Refuses a class that is not below `N_CLASSES`.
fn ensure_classes(classes: &[u8]) -> Result<()> {
    match classes.iter().position(|&class| usize::from(class) >= N_CLASSES) {
        None => Ok(()),
        Some(at) => {
            bail!("image {at} has class {}, but classes are 0 to {}", classes[at], N_CLASSES - 1)
        }
    }
}

/// Where data sets are kept: `$OCS_DATA` (a leading `~` is the home folder), else `ocs/data` in the user's cache folder
/// (`$XDG_CACHE_HOME`, `~/.cache`).
pub fn default_folder() -> PathBuf {
    match std::env::var_os("OCS_DATA").filter(|folder| !folder.is_empty()) {
        Some(folder) => file::with_home(Path::new(&folder)),
        None => dirs::cache_dir().unwrap_or_else(|| PathBuf::from(".cache")).join("ocs/data"),
    }
}

/// Reads a data set from `folder`, laid out as by torchvision; glyphs are drawn and need no files.
///
/// # Errors
///
/// If `inputs` are no images, files are missing or malformed, parts disagree in shape, or a class is not below
/// `N_CLASSES`. Names the file and `ocs data fetch`.
pub fn load(inputs: Inputs, folder: &Path) -> Result<Dataset> {
    let name = inputs.name();
    let dataset = match inputs {
        Inputs::OneHot | Inputs::Correlated | Inputs::Gaussian | Inputs::Circle => {
            bail!("inputs '{name}' are not images: there is no data set to read")
        }
        Inputs::Glyphs => glyphs::draw(),
        Inputs::Mnist | Inputs::FashionMnist => idx::load(inputs, folder),
        Inputs::Cifar10 => cifar10::load(folder),
    };
    dataset.and_then(|dataset| dataset.check().map(|()| dataset)).with_context(|| {
        format!("cannot load {name} from {} (to repair: `ocs data fetch {name}`)", folder.display())
    })
}

/// Whether `load` would find files of every name that it needs; their contents are not looked at.
pub fn is_present(inputs: Inputs, folder: &Path) -> bool {
    checksums::forms(inputs).is_empty() || forms::find(inputs, folder).is_ok()
}
