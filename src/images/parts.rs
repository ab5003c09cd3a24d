//! What images are: their values, parts, and how they are to be read.

use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Larger images are refused, in pixels a side.
pub const MOST_SIDE: usize = 256;
/// Classes are numbered below this.
pub const MOST_CLASSES: usize = 65_536;

/// Values of images, one image after the other, `[n, channels, height, width]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// 0 to 255.
    Bytes(Vec<u8>),
    /// Any finite numbers.
    Floats(Vec<f32>),
}

impl Default for Pixels {
    fn default() -> Self {
        Pixels::Bytes(Vec::new())
    }
}

impl From<Vec<u8>> for Pixels {
    fn from(bytes: Vec<u8>) -> Self {
        Pixels::Bytes(bytes)
    }
}

impl FromIterator<u8> for Pixels {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        Pixels::Bytes(bytes.into_iter().collect())
    }
}

impl Pixels {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Pixels::Bytes(bytes) => bytes.len(),
            Pixels::Floats(floats) => floats.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All values, if they are bytes.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Pixels::Bytes(bytes) => Some(bytes),
            Pixels::Floats(_) => None,
        }
    }

    /// The given images of `length` values each, in that order.
    pub(super) fn chosen(&self, length: usize, images: &[usize]) -> Pixels {
        fn of<T: Copy>(all: &[T], length: usize, images: &[usize]) -> Vec<T> {
            let image = |&at: &usize| &all[at * length..(at + 1) * length];
            images.iter().flat_map(image).copied().collect()
        }
        match self {
            Pixels::Bytes(all) => Pixels::Bytes(of(all, length, images)),
            Pixels::Floats(all) => Pixels::Floats(of(all, length, images)),
        }
    }
}

/// One part of the images.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Part {
    /// Values of all images.
    pub pixels: Pixels,
    /// Class of each image.
    pub classes: Vec<u16>,
}

/// All images that lie at a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Images {
    /// Channels, height and width.
    pub shape: [usize; 3],
    /// The training and the test part.
    pub parts: [Part; 2],
}

/// What lies at a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The path, without links and relative parts.
    pub path: PathBuf,
    /// Channels, height and width.
    pub shape: [usize; 3],
    /// Images of the training and the test part.
    pub counts: [usize; 2],
    /// Whether values are floats.
    pub are_floats: bool,
    /// Names of the classes in the order of their numbers: folders, with a slash between those within each other; else numbers.
    pub names: Vec<String>,
}

/// How images are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Options {
    /// Which axis of four-dimensional arrays is that of channels.
    pub layout: Option<Layout>,
    /// Share of each class's images that become the test part where there is none, above 0 and below 1; `None` = 0.2.
    pub held_out: Option<f64>,
    /// Draws the images that are held out.
    pub seed: u64,
}

/// Images before a test part is held out.
pub struct Found {
    /// Channels, height and width.
    pub shape: [usize; 3],
    /// Names of the classes in the order of their numbers.
    pub names: Vec<String>,
    /// Whether values are floats.
    pub are_floats: bool,
    /// All images, or the training part.
    pub train: Part,
    /// Absent where there is none.
    pub test: Option<Part>,
}

/// How much is read of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Classes and sizes; pixels stay empty.
    Classes,
    /// Everything.
    All,
}

/// Which axis of a four-dimensional array is that of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// N x C x H x W.
    ChannelsFirst,
    /// N x H x W x C.
    ChannelsLast,
}

/// Makes sure that a path is no device, FIFO or socket, which whoever reads it may wait at for ever.
///
/// # Errors
///
/// Says what it is.
pub fn ensure_file(path: &Path) -> Result<()> {
    // What is not there is told by whoever opens it.
    let Ok(kind) = path.metadata().map(|data| data.file_type()) else { return Ok(()) };
    let what = if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_block_device() || kind.is_char_device() {
        "a device"
    } else {
        return Ok(());
    };
    bail!("{} is {what}, not a file: remove it, or copy what it brings to a file", path.display())
}

/// Whether a file's name ends in one of these, in any letter case.
pub fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| endings.contains(&ending.as_str()))
}
