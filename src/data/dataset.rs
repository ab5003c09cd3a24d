//! Images in memory, as bytes.

use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use sha2::{Digest, Sha256};

use super::files;
use crate::config::Inputs;

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
    /// The training part; tasks share it.
    pub train: Arc<Split>,
    /// The test part.
    pub test: Arc<Split>,
}

/// One part of a data set, n images.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// `[n, channels, height, width]`, row-major.
    pub pixels: Vec<u8>,
    /// `[n]`, each below `Inputs::n_classes`.
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

    /// Whether both parts hold images, all of one size, and a class for each.
    ///
    /// # Errors
    ///
    /// Says which part does not.
    pub fn check(&self) -> Result<()> {
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

/// Refuses a class that the data set `inputs` does not have.
pub fn ensure_classes(inputs: Inputs, classes: &[u8]) -> Result<()> {
    let n_classes = inputs.n_classes();
    match classes.iter().position(|&class| usize::from(class) >= n_classes) {
        None => Ok(()),
        Some(at) => {
            bail!("image {at} has class {}, but classes are 0 to {}", classes[at], n_classes - 1)
        }
    }
}
