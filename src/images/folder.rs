//! A folder of PNGs for each class; folders of such folders are a tree.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::parts::{Depth, Found, MOST_CLASSES, Part, Pixels, ensure_file, has_ending};
use super::png_file;

/// Folders deeper within each other are no classes but a link that leads in a circle.
const MOST_LEVELS: usize = 16;
/// Images of other kinds, which would be missed if they were passed over.
const OTHER_IMAGES: [&str; 10] =
    ["jpg", "jpeg", "bmp", "gif", "webp", "tif", "tiff", "ppm", "pgm", "svg"];
/// Names of the parts, if the folder has two.
const TRAIN: [&str; 2] = ["train", "training"];
const TEST: [&str; 4] = ["test", "testing", "val", "validation"];

/// A class's name and its images.
type Class = (String, Vec<PathBuf>);

pub fn find(root: &Path, depth: Depth) -> Result<Found> {
    let Some([train, test]) = parts(root)? else {
        let classes = classes_in(root)?;
        let (shape, train) = images(&classes, None, depth)?;
        let names = names(classes);
        return Ok(Found { shape, names, are_floats: false, train, test: None });
    };
    let (of_train, of_test) = (classes_in(&train)?, classes_in(&test)?);
    for (name, _) in &of_test {
        let is_there = of_train.iter().any(|(known, _)| known == name);
        ensure!(
            is_there,
            "{} has the class {name}, which {} lacks",
            test.display(),
            train.display()
        );
    }
    for (name, _) in &of_train {
        let is_there = of_test.iter().any(|(known, _)| known == name);
        ensure!(
            is_there,
            "{} has the class {name}, which {} lacks: put images of it there, or leave the test part out (some training images \
             of each class are held out then)",
            train.display(),
            test.display()
        );
    }
    let (shape, train) = images(&of_train, None, depth)?;
    let (_, test) = images(&of_test, Some((shape, &of_train)), depth)?;
    Ok(Found { shape, names: names(of_train), are_floats: false, train, test: Some(test) })
}

fn names(classes: Vec<Class>) -> Vec<String> {
    classes.into_iter().map(|(name, _)| name).collect()
}

/// The folders of the training and the test part, if there are such and nothing else.
fn parts(root: &Path) -> Result<Option<[PathBuf; 2]>> {
    let entries = entries(root)?;
    let folders: Vec<&(String, PathBuf)> =
        entries.iter().filter(|(_, path)| path.is_dir()).collect();
    let named = |names: &[&str]| {
        let mut all = folders.iter().filter(|(name, _)| names.contains(&&*name.to_lowercase()));
        all.next().map(|(_, path)| path.clone()).filter(|_| all.next().is_none())
    };
    Ok(match (named(&TRAIN), named(&TEST)) {
        (Some(train), Some(test)) if folders.len() == 2 => Some([train, test]),
        _ => None,
    })
}

/// What lies in a folder, but for what systems leave there, in order: numbers by size, names by letters.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let is_litter = |name: &str| {
        name.starts_with('.')
            || ["thumbs.db", "desktop.ini", "__macosx"].contains(&&*name.to_lowercase())
    };
    let context = || format!("cannot read {}", folder.display());
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).with_context(context)? {
        let entry = entry.with_context(context)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !is_litter(&name) {
            entries.push((name, entry.path()));
        }
    }
    entries.sort_by_cached_key(|(name, _)| {
        let number = name.parse::<u64>().ok();
        (number.is_none(), number, name.clone())
    });
    Ok(entries)
}

/// Classes below a folder, in order.
fn classes_in(root: &Path) -> Result<Vec<Class>> {
    let mut classes = Vec::new();
    collect(root, "", 0, &mut classes)?;
    ensure!(
        classes.len() <= MOST_CLASSES,
        "it has {} folders of PNGs: at most {MOST_CLASSES} classes are taken",
        classes.len()
    );
    Ok(classes)
}

fn collect(folder: &Path, name: &str, level: usize, classes: &mut Vec<Class>) -> Result<()> {
    ensure!(
        level <= MOST_LEVELS,
        "{} lies more than {MOST_LEVELS} folders deep: is it a link to one above?",
        folder.display()
    );
    let (mut images, mut folders) = (Vec::new(), Vec::new());
    for (name, path) in entries(folder)? {
        if path.is_dir() {
            folders.push((name, path));
        } else if has_ending(&path, &["png"]) {
            ensure_file(&path)?;
            images.push(path);
        } else if has_ending(&path, &OTHER_IMAGES) {
            bail!("{} is not a PNG: only PNGs are read, convert it", path.display());
        } else {
            tracing::debug!("{} is no image: passed over", path.display());
        }
    }
    match (images.first(), folders.first()) {
        (Some(image), Some((_, below))) => bail!(
            "{} lies beside the folder {}: a class has either images or classes below it",
            image.display(),
            below.display()
        ),
        (Some(image), None) => {
            ensure!(
                level > 0,
                "{} lies in no class's folder: put the PNGs of each class into a folder of its own",
                image.display()
            );
            classes.push((name.to_owned(), images));
        }
        (None, None) => bail!("{} has no PNG: remove the folder, or fill it", folder.display()),
        (None, Some(_)) => {
            for (below, path) in &folders {
                let name = if level == 0 { below.clone() } else { format!("{name}/{below}") };
                collect(path, &name, level + 1, classes)?;
            }
        }
    }
    Ok(())
}

/// The images of all classes, numbered as in `known` if that is given with the shape that all must have.
fn images(
    classes: &[Class],
    known: Option<([usize; 3], &[Class])>,
    depth: Depth,
) -> Result<([usize; 3], Part)> {
    let mut first = known.map(|(shape, _)| (shape, "the training images".to_owned()));
    let (mut pixels, mut numbers) = (Vec::new(), Vec::new());
    for (at, (name, files)) in classes.iter().enumerate() {
        let number = known.and_then(|(_, known)| known.iter().position(|(other, _)| other == name));
        let class = u16::try_from(number.unwrap_or(at))?;
        for file in files {
            let context = || file.display().to_string();
            if depth == Depth::All || first.is_none() {
                let (shape, bytes) = match depth {
                    Depth::All => png_file::read(file).with_context(context)?,
                    Depth::Classes => (png_file::shape(file).with_context(context)?, Vec::new()),
                };
                match &first {
                    None => first = Some((shape, context())),
                    Some((expected, what)) => ensure!(
                        shape == *expected,
                        "{} is {}, but {what} {}: all images must be of one size, all grey or all coloured",
                        file.display(),
                        in_words(shape),
                        in_words(*expected)
                    ),
                }
                pixels.extend(bytes);
            }
            numbers.push(class);
        }
    }
    let (shape, _) = first.context("it has no folders of PNGs")?;
    Ok((shape, Part { pixels: Pixels::Bytes(pixels), classes: numbers }))
}

fn in_words([channels, height, width]: [usize; 3]) -> String {
    let colour = if channels == 1 { "grey" } else { "coloured" };
    format!("{colour}, {height} x {width}")
}
