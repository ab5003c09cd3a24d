//! Images as people have them: a folder of PNGs for each class, a NumPy archive, or IDX files.
//!
//! `look` tells what there is without reading pixels (a config must know classes and sizes), `read` brings the images. Nothing
//! is written, nothing that a file holds is run, and no memory is taken for what a file only promises.

mod array;
mod folder;
mod held_out;
mod idx;
mod npz;
mod parts;
mod png_file;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use parts::{Depth, Found, ensure_file, has_ending};
pub use parts::{Images, Layout, MOST_CLASSES, MOST_SIDE, Options, Part, Pixels, Summary};

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
            let [_, test] = held_out::split(&found.train.classes, options, &found.names)
                .with_context(|| from(path))?;
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
            let split = held_out::split(&train.classes, options, &names);
            split.with_context(|| from(path))?.map(|images| Part {
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
            ensure_file(path)?;
            npz::find(path, options.layout, depth)?
        } else {
            bail!(
                "it is neither a folder (of a folder of PNGs for each class, or of IDX files) nor a .npz"
            )
        };
        check(&found, options)?;
        Ok(found)
    };
    found().with_context(|| from(path))
}

fn from(path: &Path) -> String {
    format!("cannot take images from {}", path.display())
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
