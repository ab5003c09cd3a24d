//! Forms in which data sets are kept on disk, and the files of a form in a folder.
//!
//! Only `verify` and `fetch` compare contents with checksums; the readers take files of any size, so that they can be
//! tested on small ones.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha256;

use super::files;
use super::places::{Place, entries, places};
use crate::file::hex;

/// One way in which a data set is kept on disk.
#[derive(Debug)]
pub struct Form {
    /// How it is read.
    pub kind: Kind,
    /// More than any of its published files has, unpacked; of pickles, as any protocol writes them (Python 2's text takes four
    /// bytes for one).
    pub most_bytes: u64,
    /// Where it may lie in the data folder, in the order in which places are looked at: first torchvision's, which is
    /// where `fetch` puts it; `""` is the data folder itself. See `places`.
    pub folders: &'static [&'static str],
    /// Every file that is needed.
    pub files: &'static [KnownFile],
    /// How the same images are written in the data set's first form.
    pub rewritten: Option<Rewritten>,
}

/// A file's name and contents, or what is told of them.
pub type Named<T = Vec<u8>> = (String, T);

/// Writes the contents of the file of that name anew.
pub type RewriteOne = fn(&str, &[u8]) -> Result<Named>;

/// The same images in the first form of their data set, which has checksums where this one may have none.
#[derive(Debug)]
pub struct Rewritten {
    /// Name and contents of each file.
    pub all: fn(&Files) -> Result<Vec<Named>>,
    /// The same of one file, given its name and contents; where one file here is one file there, and other programs may
    /// have written it anew.
    pub one: Option<RewriteOne>,
}

/// How files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bytes in one or three dimensions; gzip serves as well.
    Idx,
    /// Records of a class (or of a superclass and a class) and 3,072 bytes.
    Binary,
    /// Pickles, Python 2's in the published archive.
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

impl KnownFile {
    /// A file known by its SHA-256.
    pub const fn sha256(name: &'static str, digits: &'static str) -> Self {
        KnownFile { name, checksum: Checksum::Sha256(digits) }
    }

    /// A file known by its SHA-1.
    pub const fn sha1(name: &'static str, digits: &'static str) -> Self {
        KnownFile { name, checksum: Checksum::Sha1(digits) }
    }

    /// A file known by its MD5.
    pub const fn md5(name: &'static str, digits: &'static str) -> Self {
        KnownFile { name, checksum: Checksum::Md5(digits) }
    }
}

/// A published checksum, in hex.
#[derive(Debug, Clone, Copy)]
pub enum Checksum {
    /// 64 digits.
    Sha256(&'static str),
    /// 40 digits; all that is published for CIFAR-100's records.
    Sha1(&'static str),
    /// 32 digits; all that is published for Python batches.
    Md5(&'static str),
}

impl Checksum {
    /// `sha256`, `sha1` or `md5`.
    pub fn algorithm(self) -> &'static str {
        match self {
            Checksum::Sha256(_) => "sha256",
            Checksum::Sha1(_) => "sha1",
            Checksum::Md5(_) => "md5",
        }
    }

    /// The published digits.
    pub fn expected(self) -> &'static str {
        match self {
            Checksum::Sha256(digits) | Checksum::Sha1(digits) | Checksum::Md5(digits) => digits,
        }
    }

    /// The same kind of checksum of `bytes`.
    pub fn of(self, bytes: &[u8]) -> String {
        let mut running = self.begin();
        running.update(bytes);
        running.hex()
    }

    /// The same kind of checksum of bytes that come piece by piece.
    pub fn begin(self) -> RunningChecksum {
        match self {
            Checksum::Sha256(_) => RunningChecksum::Sha256(Sha256::new()),
            Checksum::Sha1(_) => RunningChecksum::Sha1(Sha1::new()),
            Checksum::Md5(_) => RunningChecksum::Md5(Md5::new()),
        }
    }
}

/// A checksum of the bytes so far.
pub enum RunningChecksum {
    Sha256(Sha256),
    Sha1(Sha1),
    Md5(Md5),
}

impl RunningChecksum {
    /// Goes on with `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            RunningChecksum::Sha256(running) => running.update(bytes),
            RunningChecksum::Sha1(running) => running.update(bytes),
            RunningChecksum::Md5(running) => running.update(bytes),
        }
    }

    /// Lower-case hexadecimal digits.
    pub fn hex(self) -> String {
        match self {
            RunningChecksum::Sha256(running) => hex(&running.finalize()),
            RunningChecksum::Sha1(running) => hex(&running.finalize()),
            RunningChecksum::Md5(running) => hex(&running.finalize()),
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
            Kind::Idx => files::read_unpacked(path, self.most_bytes),
            Kind::Binary | Kind::Python | Kind::Png => files::read(path, self.most_bytes),
        }
    }
}

/// Files of one form in one folder.
#[derive(Debug, Clone)]
pub struct Files {
    /// Which form.
    pub form: &'static Form,
    /// The folder.
    pub place: Place,
    /// Of each of the form's files.
    paths: Vec<Option<PathBuf>>,
}

impl Files {
    /// What `place` holds of `form`.
    pub fn in_place(form: &'static Form, place: Place) -> Files {
        let there = entries(&place.path);
        let paths = form.files.iter().map(|file| find(form.kind, &there, file.name)).collect();
        Files { form, place, paths }
    }

    /// Names of the files that are not there.
    pub fn lacking(&self) -> Vec<&'static str> {
        let files = self.form.files.iter().zip(&self.paths);
        files.filter(|(_, path)| path.is_none()).map(|(file, _)| file.name).collect()
    }

    /// Where the file of that name lies, and its bytes.
    ///
    /// # Errors
    ///
    /// If there is none, or it cannot be read.
    pub fn contents(&self, name: &str) -> Result<(&Path, Vec<u8>)> {
        let path = self.path(name).with_context(|| format!("there is no {name}"))?;
        Ok((path, self.form.read(path)?))
    }

    /// Where the file of that name lies.
    pub fn path(&self, name: &str) -> Option<&Path> {
        let index = self.form.files.iter().position(|file| file.name == name)?;
        self.paths[index].as_deref()
    }
}

/// The file that is called `name`, in one spelling or another. IDX files may be packed, have a dot where torchvision has
/// a hyphen (`train-images.idx3-ubyte`), or lie in a folder of their own name, as in Kaggle's archives. Unpacked files
/// come before packed ones, loose ones before those in a folder, the name as it stands before other spellings.
fn find(kind: Kind, there: &[(String, PathBuf)], name: &str) -> Option<PathBuf> {
    let mut found: Vec<(bool, bool, bool, PathBuf)> = Vec::new();
    let mut consider = |entry: &str, path: &Path, is_inside: bool| {
        if spelled(kind, entry) == spelled(kind, name) && path.is_file() {
            let is_packed = entry.to_lowercase().ends_with(".gz");
            found.push((is_packed, is_inside, !entry.starts_with(name), path.to_owned()));
        }
    };
    for (entry, path) in there {
        consider(entry, path, false);
        if kind == Kind::Idx && spelled(kind, entry) == spelled(kind, name) && path.is_dir() {
            for (inner, path) in entries(path) {
                consider(&inner, &path, true);
            }
        }
    }
    found.into_iter().min().map(|(.., path)| path)
}

/// A file's name without what may differ.
pub fn spelled(kind: Kind, name: &str) -> String {
    let name = name.to_lowercase();
    match kind {
        Kind::Idx => name.strip_suffix(".gz").unwrap_or(&name).replace(".idx", "-idx"),
        Kind::Binary | Kind::Python | Kind::Png => name,
    }
}
