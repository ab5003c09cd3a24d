//! MNIST and Fashion-MNIST: four IDX files each.
//!
//! IDX: big-endian u32 magic (2051: bytes in three dimensions, 2049: in one), a u32 for each dimension, then the bytes.
//! The header is read first: no more is unpacked than it promises, and nothing where images and labels differ in number.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::config::Inputs;
use crate::data::files::{self, Unpacked};
use crate::data::places::Files;
use crate::data::{Dataset, Split, ensure_classes, forms};

const IMAGES_MAGIC: u32 = 2051;
const LABELS_MAGIC: u32 = 2049;

/// Five times MNIST's training images: more is no such data set, however small its gzip file.
const MOST_BYTES: u64 = 1 << 28;

/// Reads the four files of `inputs` below `folder`, unpacked ones first.
pub fn load(inputs: Inputs, folder: &Path) -> Result<Dataset> {
    let files = forms::find(inputs, folder)?;
    let (train, [height, width]) = read_part(&files, "train")?;
    let (test, test_size) = read_part(&files, "t10k")?;
    ensure!(
        test_size == [height, width],
        "training images are {height} x {width}, but test images {} x {}",
        test_size[0],
        test_size[1]
    );
    Ok(Dataset { inputs, channels: 1, height, width, train, test })
}

/// Images and classes of one part, and the images' height and width.
fn read_part(files: &Files, part: &str) -> Result<(Split, [usize; 2])> {
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
    ensure_classes(&classes).with_context(|| path.display().to_string())?;
    Ok((Split { pixels: images.contents()?, classes }, [height, width]))
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

/// The header of a file of bytes with these sizes.
pub fn header(sizes: &[usize]) -> Vec<u8> {
    // The number of dimensions is the magic number's last byte, which 2051 and 2049 make 3 and 1.
    let magic = 2048 + sizes.len();
    let words = std::iter::once(magic).chain(sizes.iter().copied());
    words.flat_map(|word| (word as u32).to_be_bytes()).collect()
}
