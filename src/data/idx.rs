//! MNIST and Fashion-MNIST: four IDX files each.
//!
//! IDX: big-endian u32 magic (2051: bytes in three dimensions, 2049: in one), a u32 for each dimension, then the bytes.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::config::Inputs;
use crate::data::forms::{self, Form};
use crate::data::{Dataset, Split, ensure_classes};

const IMAGES_MAGIC: u32 = 2051;
const LABELS_MAGIC: u32 = 2049;

/// Reads the four files of `inputs` below `folder`, unpacked ones first.
pub fn load(inputs: Inputs, folder: &Path) -> Result<Dataset> {
    let (form, place) = forms::find(inputs, folder)?;
    let (train, [height, width]) = read_part(form, &place, "train")?;
    let (test, test_size) = read_part(form, &place, "t10k")?;
    ensure!(
        test_size == [height, width],
        "training images are {height} x {width}, but test images {} x {}",
        test_size[0],
        test_size[1]
    );
    Ok(Dataset { inputs, channels: 1, height, width, train, test })
}

/// Images and classes of one part, and the images' height and width.
fn read_part(form: &Form, place: &Path, part: &str) -> Result<(Split, [usize; 2])> {
    let (images, labels) =
        (format!("{part}-images-idx3-ubyte"), format!("{part}-labels-idx1-ubyte"));
    let ([n, height, width], pixels) = read(form, place, &images, IMAGES_MAGIC)?;
    let ([n_labels], classes) = read(form, place, &labels, LABELS_MAGIC)?;
    ensure!(n == n_labels, "{images} has {n} images, but {labels} {n_labels} labels");
    ensure_classes(&classes).with_context(|| labels)?;
    Ok((Split { pixels, classes }, [height, width]))
}

fn read<const D: usize>(
    form: &Form,
    place: &Path,
    name: &str,
    magic: u32,
) -> Result<([usize; D], Vec<u8>)> {
    let path = form.existing(place, name).with_context(|| format!("there is no {name}"))?;
    parse(form.read(&path)?, magic).with_context(|| path.display().to_string())
}

/// Sizes and contents of an IDX file of bytes in `D` dimensions.
fn parse<const D: usize>(mut bytes: Vec<u8>, magic: u32) -> Result<([usize; D], Vec<u8>)> {
    let header = 4 + 4 * D;
    ensure!(!bytes.is_empty(), "the file is empty");
    ensure!(
        bytes.len() >= header,
        "truncated: {} bytes, its header alone has {header}",
        bytes.len()
    );
    let word =
        |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    ensure!(word(0) == magic, "its magic number is {}, not {magic}", word(0));
    let sizes: [u32; D] = std::array::from_fn(|dimension| word(4 + 4 * dimension));
    let expected = sizes.iter().fold(1_u64, |product, &size| product.saturating_mul(size.into()));
    let found = (bytes.len() - header) as u64;
    ensure!(
        expected <= found,
        "truncated: its header promises {sizes:?} values, but only {found} are there"
    );
    ensure!(
        expected == found,
        "its header promises {sizes:?} values, but {found} are there: trailing bytes"
    );
    bytes.drain(..header);
    Ok((sizes.map(|size| size as usize), bytes))
}
