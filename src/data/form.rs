//! Forms in which data sets are kept on disk, and the files of a form in a folder.
//!
//! Only `verify` and `fetch` compare contents with checksums; the readers take files of any size, so that they can be
//! tested on small ones.

use std::path::{Path, PathBuf};

use anyhow::Result;
use md5::{Digest, Md5};

use super::files;
use super::places::{Place, entries, places};

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
    /// How the same images are written in the data set's first form.
    pub rewritten: Option<Rewritten>,
}

/// A file's name and contents.
pub type Named = (String, Vec<u8>);

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

impl KnownFile {
    /// A file known by its SHA-256.
    pub const fn sha256(name: &'static str, digits: &'static str) -> Self {
        KnownFile { name, checksum: Checksum::Sha256(digits) }
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
    /// 32 digits; all that is published for CIFAR-10's Python batches.
    Md5(&'static str),
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
