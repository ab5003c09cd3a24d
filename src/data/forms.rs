//! Which files a data set consists of, where they lie, and whether they are the published ones.
//!
//! Only `verify` and `fetch` compare contents with checksums; the readers take files of any size, so that they can be
//! tested on small ones.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use md5::{Digest, Md5};
use serde::Serialize;

use crate::config::Inputs;
use crate::data::checksums::forms;
use crate::data::places::{self, Files, Place, places};
use crate::data::{cifar10, files};

/// One way in which a data set is kept on disk.
#[derive(Debug)]
pub struct Form {
    /// How it is read.
    pub kind: Kind,
    /// Where it may lie in the data folder, in the order in which places are looked at: first torchvision's, which is
    /// where `fetch` puts it; `""` is the data folder itself. See `places`.
    pub folders: &'static [&'static str],
    /// Every file that is needed.
    pub files: &'static [KnownFile],
}

/// How files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bytes in one or three dimensions; gzip serves as well.
    Idx,
    /// Records of a class and 3,072 bytes.
    Binary,
    /// Pickles, Python 2's in the published archive.
    Python,
    /// One image a row, classes in JSON.
    Png,
}

impl Kind {
    /// More than any published file of this kind has, unpacked; of pickles, as any protocol writes them (Python 2's text
    /// takes four bytes for one).
    pub fn most_bytes(self) -> u64 {
        match self {
            Kind::Idx | Kind::Binary | Kind::Png => 1 << 26,
            Kind::Python => 1 << 27,
        }
    }
}

/// A file with its published checksum.
#[derive(Debug)]
pub struct KnownFile {
    /// Without folder.
    pub name: &'static str,
    /// Of the unpacked contents.
    pub checksum: Checksum,
}

/// A published checksum, in hex.
#[derive(Debug, Clone, Copy)]
pub enum Checksum {
    /// 64 digits.
    Sha256(&'static str),
    /// 32 digits; all that is published for CIFAR-10's Python batches.
    Md5(&'static str),
}

/// One file compared with its published checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileCheck {
    /// Where the file is, or should be.
    pub path: PathBuf,
    /// Size on disk; `null` if there is no such file.
    pub bytes: Option<u64>,
    /// `sha256` or `md5`.
    pub algorithm: &'static str,
    /// Published checksum of the unpacked contents.
    pub expected: &'static str,
    /// The file's own; `null` if it cannot be read.
    pub found: Option<String>,
    /// Whether both agree.
    pub ok: bool,
    /// Another data set that was published with this very file; else `null`.
    pub published_as: Option<&'static str>,
}

impl Checksum {
    /// `sha256` or `md5`.
    pub fn algorithm(self) -> &'static str {
        match self {
            Checksum::Sha256(_) => "sha256",
            Checksum::Md5(_) => "md5",
        }
    }

    /// The published digits.
    pub fn expected(self) -> &'static str {
        match self {
            Checksum::Sha256(digits) | Checksum::Md5(digits) => digits,
        }
    }

    /// The same kind of checksum of `bytes`.
    pub fn of(self, bytes: &[u8]) -> String {
        match self {
            Checksum::Sha256(_) => files::sha256(bytes),
            Checksum::Md5(_) => files::hex(&Md5::digest(bytes)),
        }
    }
}

impl Form {
    /// Where torchvision has it, and `fetch` puts it.
    pub fn folder(&self) -> &'static str {
        self.folders[0]
    }

    /// What each place below `root` holds of this form; `others` are further places.
    pub fn everywhere(&'static self, root: &Path, others: &[&str]) -> Vec<Files> {
        let places = places(root, self.folders).into_iter().chain(places(root, others));
        places.map(|place| Files::in_place(self, place)).collect()
    }

    /// All bytes of a file of this form, unpacked where gzip serves.
    ///
    /// # Errors
    ///
    /// Names the file.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>> {
        match self.kind {
            Kind::Idx => files::read_unpacked(path, self.kind.most_bytes()),
            Kind::Binary | Kind::Python | Kind::Png => files::read(path, self.kind.most_bytes()),
        }
    }
}

/// Finds the files that `load` reads: of the first form, in the first place, where none is lacking. In a folder whose
/// name tells no data set, those with the published labels of another one are that other's.
///
/// # Errors
///
/// Names what is lacking, where it was looked for, and what is there.
pub fn find(inputs: Inputs, root: &Path) -> Result<Files> {
    let forms = forms(inputs);
    let mut all: Vec<Files> = forms.iter().flat_map(|form| form.everywhere(root, &[])).collect();
    let is_ours = |files: &Files| {
        files.lacking().is_empty() && (files.place.is_named || owner(files, inputs).is_none())
    };
    match all.iter().position(is_ours) {
        Some(index) => Ok(all.swap_remove(index)),
        None => bail!("{}", not_found(inputs, root, &all)),
    }
}

/// The data set other than `inputs` whose published labels lie among `files`. Labels are small: they tell quickly.
fn owner(files: &Files, inputs: Inputs) -> Option<Inputs> {
    let labels = files.form.files.iter().filter(|file| file.name.contains("labels"));
    let owners = labels.filter_map(|file| {
        let bytes = files.form.read(files.path(file.name)?).ok()?;
        published_as(file.name, &files::sha256(&bytes))
    });
    owners.into_iter().find(|owner| *owner != inputs)
}

/// The data set that was published with a file of this name and SHA-256.
pub fn published_as(name: &str, sha256: &str) -> Option<Inputs> {
    let sets = [Inputs::Mnist, Inputs::FashionMnist, Inputs::Cifar10];
    let is_it = |file: &KnownFile| file.name == name && file.checksum.expected() == sha256;
    sets.into_iter().find(|set| forms(*set).iter().flat_map(|form| form.files).any(is_it))
}

/// What was found in place of a data set.
fn not_found(inputs: Inputs, root: &Path, all: &[Files]) -> String {
    let mut parts = Vec::new();
    for files in all {
        let (place, lacking) = (within(root, &files.place.path), files.lacking());
        if lacking.is_empty() {
            let owner = owner(files, inputs).map_or("another set", Inputs::name);
            parts.push(format!("the files in {place} are those of {owner}"));
        } else if lacking.len() < files.form.files.len() {
            parts.push(format!("there is {place} without {}", lacking.join(", ")));
        }
    }
    if parts.is_empty() {
        parts.push("there are no files of it".to_owned());
    }
    let names = forms(inputs).iter().flat_map(|form| form.folders).filter(|name| !name.is_empty());
    let mut names: Vec<&str> = names.copied().collect();
    names.sort_unstable();
    names.dedup();
    parts.push(format!("looked in {} and the folder itself, in any letter case", names.join(", ")));
    let mut seen = vec![root];
    seen.extend(all.iter().map(|files| files.place.path.as_path()));
    seen.dedup();
    parts.extend(
        seen.iter()
            .enumerate()
            .filter(|(at, path)| !seen[..*at].contains(path))
            .map(|(_, path)| format!("{} {}", within(root, path), places::contents(path))),
    );
    parts.extend(places::advice(root));
    parts.join("; ")
}

/// `path` as seen from the data folder.
fn within(root: &Path, path: &Path) -> String {
    match path.strip_prefix(root) {
        Ok(rest) if !rest.as_os_str().is_empty() => rest.display().to_string(),
        Ok(_) | Err(_) => "the folder itself".to_owned(),
    }
}

/// Compares every file of the form that `load` would read with its published checksum; if no form is complete, those
/// that `fetch` would bring. Empty for inputs without files.
///
/// # Errors
///
/// None at present: a file that cannot be read is one that is not `ok`.
pub fn verify(inputs: Inputs, folder: &Path) -> Result<Vec<FileCheck>> {
    match find(inputs, folder) {
        Ok(files) => Ok(check_all(&files)),
        Err(_) => Ok(verify_in_place(inputs, folder)),
    }
}

/// The same of the files that `fetch` would bring, where it would put them.
pub fn verify_in_place(inputs: Inputs, folder: &Path) -> Vec<FileCheck> {
    let in_place = |form: &'static Form| {
        let place = Place { path: folder.join(form.folder()), is_named: true };
        check_all(&Files::in_place(form, place))
    };
    forms(inputs).first().map(in_place).unwrap_or_default()
}

fn check_all(files: &Files) -> Vec<FileCheck> {
    files.form.files.iter().map(|file| check(files, file)).collect()
}

fn check(files: &Files, file: &KnownFile) -> FileCheck {
    let lacking = || files.place.path.join(file.name);
    let path = files.path(file.name).map_or_else(lacking, Path::to_path_buf);
    let contents = files.form.read(&path).ok();
    let found = contents.as_ref().map(|bytes| file.checksum.of(bytes));
    let mut check = FileCheck {
        bytes: std::fs::metadata(&path).ok().map(|metadata| metadata.len()),
        path,
        algorithm: file.checksum.algorithm(),
        expected: file.checksum.expected(),
        ok: found.as_deref() == Some(file.checksum.expected()),
        published_as: None,
        found,
    };
    if !check.ok {
        let owner = check.found.as_ref().and_then(|found| published_as(file.name, found));
        check.published_as = owner.map(Inputs::name);
    }
    if let (false, Kind::Python, Some(bytes)) = (check.ok, files.form.kind, contents) {
        check.ok = is_pickled_anew(file, &bytes, &mut check);
    }
    check
}

/// Whether a batch holds the published images though another program has pickled it: then, rewritten as records, it has
/// the published checksum of those, which `check` is given.
fn is_pickled_anew(file: &KnownFile, bytes: &[u8], check: &mut FileCheck) -> bool {
    let Ok((name, records)) = cifar10::binary_file_of_pickle(file.name, bytes) else {
        return false;
    };
    let found = files::sha256(&records);
    let known = forms(Inputs::Cifar10).iter().flat_map(|form| form.files);
    let Some(known) = known.into_iter().find(|known| known.name == name) else { return false };
    let is_it = found == known.checksum.expected();
    if is_it {
        (check.algorithm, check.expected) = (known.checksum.algorithm(), known.checksum.expected());
        check.found = Some(found);
    }
    is_it
}
