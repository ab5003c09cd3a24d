//! Which files a data set consists of, where they lie, and whether they are the published ones.
//!
//! Only `verify` and `fetch` compare contents with checksums; the readers take files of any size, so that they can be
//! tested on small ones.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use md5::Md5;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::config::Inputs;
use crate::data::checksums::forms;
use crate::data::files;

/// One way in which a data set is kept on disk.
#[derive(Debug)]
pub struct Form {
    /// How it is read.
    pub kind: Kind,
    /// The folder's name in torchvision's layout.
    pub folder: &'static str,
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
    /// Python 2 pickles.
    Python,
    /// One image a row, classes in JSON.
    Png,
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
            Checksum::Sha256(_) => files::hex(&Sha256::digest(bytes)),
            Checksum::Md5(_) => files::hex(&Md5::digest(bytes)),
        }
    }
}

impl Form {
    /// The folder that holds every file of this form: `root/folder`, or `root` itself where that is unambiguous.
    pub fn place(&self, root: &Path) -> Option<PathBuf> {
        // MNIST and Fashion-MNIST share their files' names, so theirs count in their own folders only.
        let places = match self.kind {
            Kind::Idx => vec![root.join(self.folder)],
            Kind::Binary | Kind::Python | Kind::Png => {
                vec![root.join(self.folder), root.to_path_buf()]
            }
        };
        places.into_iter().find(|place| self.lacks(place).is_empty())
    }

    /// Names of the files that `place` lacks.
    pub fn lacks(&self, place: &Path) -> Vec<&'static str> {
        let names = self.files.iter().map(|file| file.name);
        names.filter(|name| self.existing(place, name).is_none()).collect()
    }

    /// `place/name`, or `place/name.gz` if only that exists and serves.
    pub fn existing(&self, place: &Path, name: &str) -> Option<PathBuf> {
        let unpacked = place.join(name);
        let packed = place.join(format!("{name}.gz"));
        if unpacked.is_file() {
            Some(unpacked)
        } else if self.kind == Kind::Idx && packed.is_file() {
            Some(packed)
        } else {
            None
        }
    }

    /// All bytes of a file of this form, unpacked where gzip serves.
    ///
    /// # Errors
    ///
    /// Names the file.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>> {
        match self.kind {
            Kind::Idx => files::read_unpacked(path),
            Kind::Binary | Kind::Python | Kind::Png => files::read(path),
        }
    }
}

/// Finds the form that `load` reads: the first of which all files are there, and its folder.
///
/// # Errors
///
/// Names the folder that was searched and the files that it lacks.
pub fn find(inputs: Inputs, folder: &Path) -> Result<(&'static Form, PathBuf)> {
    let forms = forms(inputs);
    let complete = forms.iter().find_map(|form| form.place(folder).map(|place| (form, place)));
    complete.with_context(|| {
        let missing = forms.iter().map(|form| match form.lacks(&folder.join(form.folder)) {
            all if all.len() == form.files.len() => format!("no {}", form.folder),
            some => format!("{} without {}", form.folder, some.join(", ")),
        });
        format!("there is {}", missing.collect::<Vec<_>>().join(", "))
    })
}

/// Compares every file of the form that `load` would read with its published checksum; if no form is complete, those
/// that `fetch` would bring. Empty for inputs without files.
///
/// # Errors
///
/// None at present: a file that cannot be read is one that is not `ok`.
pub fn verify(inputs: Inputs, folder: &Path) -> Result<Vec<FileCheck>> {
    let forms = forms(inputs);
    let Some(first) = forms.first() else { return Ok(Vec::new()) };
    let (form, place) = find(inputs, folder).unwrap_or_else(|_| (first, folder.join(first.folder)));
    Ok(form.files.iter().map(|file| check(form, &place, file)).collect())
}

fn check(form: &Form, place: &Path, file: &KnownFile) -> FileCheck {
    let path = form.existing(place, file.name).unwrap_or_else(|| place.join(file.name));
    let contents = form.read(&path);
    let found = contents.ok().map(|bytes| file.checksum.of(&bytes));
    FileCheck {
        bytes: std::fs::metadata(&path).ok().map(|metadata| metadata.len()),
        path,
        algorithm: file.checksum.algorithm(),
        expected: file.checksum.expected(),
        ok: found.as_deref() == Some(file.checksum.expected()),
        found,
    }
}
