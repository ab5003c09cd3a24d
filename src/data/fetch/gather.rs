//! Finds a data set's files in a folder, loose or in an archive, and compares them with the published checksums.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::archive;
use crate::config::Inputs;
use crate::data::form::{Files, Form, Kind, KnownFile};
use crate::data::sets::{forms, published_as};

/// Contents with the published checksum.
pub struct Ready {
    /// Below the data folder.
    pub path: PathBuf,
    /// Unpacked.
    pub bytes: Vec<u8>,
}

/// Where files may lie besides the form's own folders: as in the packages.
const PACKAGED: [&str; 2] = ["package", "package/data"];

/// Contents of the files of `inputs` in the archive `root`, or below the folder `root`: loose, or in an archive that lies
/// there. Of IDX files only those in `bad` are wanted.
///
/// # Errors
///
/// If files are missing, cannot be read, or have another checksum; names them.
pub fn gather(root: &Path, inputs: Inputs, bad: &[String]) -> Result<Vec<Ready>> {
    if root.is_file() {
        return gather_from_archive(root, inputs, bad);
    }
    let mut reasons = Vec::new();
    match gather_loose(root, inputs, bad) {
        Ok(ready) => return Ok(ready),
        Err(reason) => reasons.push(reason),
    }
    for path in archive::lying_in(root, inputs) {
        match gather_from_archive(&path, inputs, bad) {
            Ok(ready) => return Ok(ready),
            Err(reason) => reasons.push(reason),
        }
    }
    let reasons: Vec<String> = reasons.iter().map(|reason| format!("{reason:#}")).collect();
    bail!("{}", reasons.join("; "))
}

/// Whether `folder` holds something that `load` does not read, but `gather` might: an archive, or files in a second place.
pub fn is_worth_a_look(folder: &Path, inputs: Inputs) -> bool {
    let complete = candidates(folder, inputs).filter(|files| files.lacking().is_empty());
    !archive::lying_in(folder, inputs).is_empty() || complete.count() > 1
}

fn gather_from_archive(path: &Path, inputs: Inputs, bad: &[String]) -> Result<Vec<Ready>> {
    let work = tempfile::tempdir()?;
    archive::unpack(path, inputs, work.path())
        .with_context(|| format!("cannot unpack {}", path.display()))?;
    gather_loose(work.path(), inputs, bad).with_context(|| path.display().to_string())
}

fn candidates(root: &Path, inputs: Inputs) -> impl Iterator<Item = Files> {
    forms(inputs).iter().flat_map(move |form| form.everywhere(root, &PACKAGED))
}

/// The first complete and right files below `root`.
fn gather_loose(root: &Path, inputs: Inputs, bad: &[String]) -> Result<Vec<Ready>> {
    let mut fewest: Option<Vec<&'static str>> = None;
    let mut wrong = None;
    for files in candidates(root, inputs) {
        let mut lacking = files.lacking();
        lacking.retain(|name| is_wanted(files.form, name, bad));
        if lacking.is_empty() {
            match collect(&files, inputs, bad) {
                Ok(ready) => return Ok(ready),
                Err(reason) => wrong = wrong.or(Some(reason)),
            }
        } else if fewest.as_ref().is_none_or(|fewest| lacking.len() < fewest.len()) {
            fewest = Some(lacking);
        }
    }
    match wrong {
        Some(reason) => Err(reason),
        None => bail!("{} lacks {}", root.display(), fewest.unwrap_or_default().join(", ")),
    }
}

/// The forms of CIFAR are taken whole, since a good file of one form does not complete another.
fn is_wanted(form: &Form, name: &str, bad: &[String]) -> bool {
    form.kind != Kind::Idx || bad.iter().any(|bad| bad == name)
}

fn collect(files: &Files, inputs: Inputs, bad: &[String]) -> Result<Vec<Ready>> {
    let as_published = || {
        let wanted = files.form.files.iter().filter(|file| is_wanted(files.form, file.name, bad));
        wanted
            .map(|file| {
                let path = files.path(file.name).context("a file went away")?;
                ready(files.form, file, files.form.read(path)?, path)
            })
            .collect()
    };
    match files.form.kind {
        Kind::Idx | Kind::Binary => as_published(),
        // Batches that were pickled anew hold the same images, though not the same bytes.
        Kind::Python => as_published().or_else(|reason| convert(files, inputs).map_err(|_| reason)),
        Kind::Png => convert(files, inputs),
    }
}

/// The files rewritten in the data set's first form: records load ten times faster than PNGs, and have checksums.
fn convert(files: &Files, inputs: Inputs) -> Result<Vec<Ready>> {
    let first = forms(inputs).first().context("it has no files")?;
    let rewritten = files.form.rewritten.as_ref().context("it is in its first form")?;
    let pairs = first.files.iter().zip((rewritten.all)(files)?);
    pairs
        .map(|(file, (name, bytes))| ready(first, file, bytes, &files.place.path.join(name)))
        .collect()
}

fn ready(form: &Form, file: &KnownFile, bytes: Vec<u8>, path: &Path) -> Result<Ready> {
    let found = file.checksum.of(&bytes);
    if found != file.checksum.expected() {
        let owner = published_as(file.name, &found);
        let whose = owner.map_or(String::new(), |set| format!(": this is {}'s file", set.name()));
        bail!(
            "{} has the {} {found}, but the published one is {}{whose}",
            path.display(),
            file.checksum.algorithm(),
            file.checksum.expected()
        );
    }
    Ok(Ready { path: Path::new(form.folder()).join(file.name), bytes })
}
