//! Images in memory, as bytes or, of one's own, as floats.

use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use sha2::{Digest, Sha256};

use crate::config::Inputs;
use crate::file::hex;
use crate::images::Pixels;

/// Images of one data set as read from files.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Which data set.
    pub inputs: Inputs,
    /// 1 for grey, 3 for red, green and blue; of one's own images any number.
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
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Split {
    /// `[n, channels, height, width]`, row-major.
    pub pixels: Pixels,
    /// `[n]`, each below `Inputs::n_classes`.
    pub classes: Vec<u16>,
}

/// One part as published files have it: bytes, and classes that are bytes.
#[derive(Debug, Clone, Default)]
pub struct ByteSplit {
    /// As of a `Split`.
    pub pixels: Vec<u8>,
    /// As of a `Split`.
    pub classes: Vec<u8>,
}

impl From<ByteSplit> for Split {
    fn from(ByteSplit { pixels, classes }: ByteSplit) -> Self {
        Split { pixels: pixels.into(), classes: classes.into_iter().map(u16::from).collect() }
    }
}

impl Split {
    /// Classes as bytes, as published files have them; those of data sets with more are another matter.
    pub fn byte_classes(&self) -> Vec<u8> {
        self.classes.iter().map(|&class| class.to_le_bytes()[0]).collect()
    }

    /// Pixels as bytes; none of floats.
    pub fn byte_pixels(&self) -> &[u8] {
        self.pixels.bytes().unwrap_or_default()
    }
}

impl Dataset {
    /// SHA-256, in hex, over name, shapes, classes and pixels of both parts: equal data give equal checksums, whatever
    /// the files' form. Of one's own images the name is `own`, wherever they lie.
    pub fn checksum(&self) -> String {
        let mut hasher = Sha256::new();
        let is_own = self.inputs.own().is_some();
        hasher.update(if is_own { "own" } else { self.inputs.name() });
        let sizes = [self.channels, self.height, self.width];
        let counts = [self.train.classes.len(), self.test.classes.len()];
        for size in sizes.into_iter().chain(counts) {
            hasher.update((size as u64).to_le_bytes());
        }
        for split in [&self.train, &self.test] {
            if is_own {
                split.classes.iter().for_each(|class| hasher.update(class.to_le_bytes()));
            } else {
                hasher.update(split.byte_classes());
            }
            match &split.pixels {
                Pixels::Bytes(bytes) => hasher.update(bytes),
                Pixels::Floats(floats) => {
                    floats.iter().for_each(|value| hasher.update(value.to_le_bytes()));
                }
            }
        }
        hex(&hasher.finalize())
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
                "the {part} part has {n} classes, but {} values of images of {} values each",
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
