//! Images as people have them: a folder of PNGs for each class, a NumPy archive, or IDX files.
//!
//! `look` tells what there is without reading pixels (a config must know classes and sizes), `read` brings the images. Nothing
//! is written, nothing that a file holds is run, and no memory is taken for what a file only promises.

mod array;
mod folder;
mod held_out;
mod idx;
mod npz;
mod png_file;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

pub use array::Layout;

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
    fn chosen(&self, length: usize, images: &[usize]) -> Pixels {
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
struct Found {
    shape: [usize; 3],
    names: Vec<String>,
    are_floats: bool,
    train: Part,
    /// Absent where there is none.
    test: Option<Part>,
}

/// How much is read of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Classes and sizes; pixels stay empty.
    Classes,
    /// Everything.
    All,
}

/// What lies at `path`, without its pixels.
///
/// # Errors
///
/// Names the file at fault, and what to do.
pub fn look(path: &Path, options: &Options) -> Result<Summary> {
    let found = find(path, options, Depth::Classes)?;
    let n_images = found.train.classes.len();
    let counts = match &found.test {
        Some(test) => [n_images, test.classes.len()],
        None => {
            let [_, test] = held_out::split(&found.train.classes, options, &found.names)?;
            [n_images - test.len(), test.len()]
        }
    };
    let Found { shape, names, are_floats, .. } = found;
    let path = path.canonicalize().with_context(|| path.display().to_string())?;
    Ok(Summary { path, shape, counts, are_floats, names })
}

/// The images at `path`.
///
/// # Errors
///
/// As `look`; of damaged pixels, too.
pub fn read(path: &Path, options: &Options) -> Result<Images> {
    let Found { shape, names, train, test, .. } = find(path, options, Depth::All)?;
    let parts = match test {
        Some(test) => [train, test],
        None => {
            let length = shape.iter().product();
            held_out::split(&train.classes, options, &names)?.map(|images| Part {
                pixels: train.pixels.chosen(length, &images),
                classes: images.iter().map(|&at| train.classes[at]).collect(),
            })
        }
    };
    Ok(Images { shape, parts })
}

fn find(path: &Path, options: &Options, depth: Depth) -> Result<Found> {
    let found = || -> Result<Found> {
        let metadata = path.metadata().context("there is nothing that can be read")?;
        let found = if metadata.is_dir() {
            if idx::are_in(path) {
                idx::find(path, options.layout, depth)?
            } else {
                folder::find(path, depth)?
            }
        } else if has_ending(path, &["npz"]) {
            npz::find(path, options.layout, depth)?
        } else {
            bail!(
                "it is neither a folder (of a folder of PNGs for each class, or of IDX files) nor a .npz"
            )
        };
        check(&found, options)?;
        Ok(found)
    };
    found().with_context(|| format!("cannot take images from {}", path.display()))
}

/// What holds of images of every form.
fn check(found: &Found, options: &Options) -> Result<()> {
    let Found { shape: [channels, height, width], names, train, test, .. } = found;
    ensure!(*channels > 0 && *height > 0 && *width > 0, "its images have no pixels");
    let (is_row, sides) = (*channels == 1 && *height == 1, [*height, *width]);
    let most = if is_row { MOST_SIDE * MOST_SIDE } else { MOST_SIDE };
    ensure!(
        sides.iter().all(|&side| side <= most),
        "its images have {height} x {width} pixels: at most {MOST_SIDE} x {MOST_SIDE} are taken, make them smaller"
    );
    ensure!(
        names.len() >= 2,
        "it has {} class{}: there is nothing to tell apart, give two or more",
        names.len(),
        if names.len() == 1 { "" } else { "es" }
    );
    for (part, which) in [Some(train), test.as_ref()].into_iter().zip(["training", "test"]) {
        let Some(part) = part else { continue };
        ensure!(!part.classes.is_empty(), "its {which} part has no images");
    }
    let mut is_used = vec![false; names.len()];
    train.classes.iter().for_each(|&class| is_used[usize::from(class)] = true);
    if let Some(class) = is_used.iter().position(|is_used| !is_used) {
        bail!(
            "no training image has class {class}{}: classes are numbered from 0 without gaps",
            if names[class] == class.to_string() {
                String::new()
            } else {
                format!(" ({})", names[class])
            }
        );
    }
    ensure!(
        test.is_none() || options.held_out.is_none(),
        "it has a test part of its own, but held_out is set: leave that out"
    );
    Ok(())
}

/// Whether a file's name ends in one of these, in any letter case.
fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| endings.contains(&ending.as_str()))
}
