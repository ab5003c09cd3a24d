//! A folder of IDX files: images and labels of a training part and, where there is one, of a test part.
//!
//! IDX: two zeros, a byte for the type, one for the number of dimensions, a big-endian u32 for each, then big-endian numbers.
//! Names are as in MNIST and its kin: `train-images-idx3-ubyte`, `emnist-letters-test-labels-idx1-ubyte.gz`.

use std::fs::{self, File};
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::MultiGzDecoder;

use super::array::{self, Numbers};
use super::parts::{Depth, Found, Layout, Part, Pixels, ensure_file};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const TRAIN: &[&str] = &["train"];
const TEST: &[&str] = &["t10k", "test"];
/// More bytes of one file than any machine that this is for would hold several times.
const MOST_BYTES: u64 = 1 << 33;

/// Whether a folder holds IDX files.
pub fn are_in(folder: &Path) -> bool {
    files(folder).next().is_some()
}

/// Names, in lower case and without `.gz`, and paths of a folder's IDX files.
fn files(folder: &Path) -> impl Iterator<Item = (String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name).to_owned();
        let is_one = name.contains("idx") && (name.contains("images") || name.contains("labels"));
        (is_one && !name.starts_with('.') && !entry.path().is_dir()).then(|| (name, entry.path()))
    })
}

/// The file of a part and kind, unpacked before packed.
fn file(folder: &Path, part: &[&str], kind: &str) -> Result<Option<PathBuf>> {
    let is_it = |name: &str| name.contains(kind) && part.iter().any(|word| name.contains(word));
    let mut found: Vec<(String, PathBuf)> = files(folder).filter(|(name, _)| is_it(name)).collect();
    found.sort_by_key(|(name, path)| (name.clone(), path.as_os_str().len()));
    found.dedup_by(|one, other| one.0 == other.0);
    ensure!(
        found.len() <= 1,
        "there are several files of {kind} of one part: {}: leave one of them in the folder",
        found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    );
    Ok(found.pop().map(|(_, path)| path))
}

pub fn find(folder: &Path, layout: Option<Layout>, depth: Depth) -> Result<Found> {
    let pair = |part| -> Result<[Option<PathBuf>; 2]> {
        Ok([file(folder, part, "images")?, file(folder, part, "labels")?])
    };
    let [Some(images), Some(labels)] = pair(TRAIN)? else {
        bail!("it lacks IDX files of images and labels whose names say train")
    };
    let (shape, train) = part(&images, &labels, layout, depth)?;
    let are_floats = matches!(train.pixels, Pixels::Floats(_));
    let test = match pair(TEST)? {
        [None, None] => None,
        [Some(images), Some(labels)] => {
            let (of_test, test) = part(&images, &labels, layout, depth)?;
            ensure!(
                of_test == shape && matches!(test.pixels, Pixels::Floats(_)) == are_floats,
                "{} has images of {of_test:?}, but the training part of {shape:?} (channels, height, width), or of another \
                 type of numbers",
                images.display()
            );
            Some(test)
        }
        [images, labels] => {
            let lone = images.or(labels).unwrap_or_default();
            bail!("there is {} alone: a test part has images and labels", lone.display())
        }
    };
    let names = array::numbered(&train.classes);
    let n_test = test.as_ref().map_or(0, |test| array::numbered(&test.classes).len());
    ensure!(
        n_test <= names.len(),
        "its test part has class {}, which the training part lacks",
        n_test.max(1) - 1
    );
    Ok(Found { shape, names, are_floats, train, test })
}

fn part(
    images: &Path,
    labels: &Path,
    layout: Option<Layout>,
    depth: Depth,
) -> Result<([usize; 3], Part)> {
    let named = |path: &Path| path.display().to_string();
    [images, labels].into_iter().try_for_each(ensure_file)?;
    let (shape, numbers) = read(labels, Depth::All).with_context(|| named(labels))?;
    let n_labels = shape.first().copied().unwrap_or_default();
    let classes = array::classes(&shape, numbers).with_context(|| named(labels))?;
    let (shape, numbers) = read(images, depth).with_context(|| named(images))?;
    let of_images = || -> Result<(usize, [usize; 3], Pixels)> {
        let (n, image, are_channels_last) = array::images_of(&shape, layout)?;
        Ok((n, image, array::pixels(numbers, image, are_channels_last)?))
    };
    let (n, image, pixels) = of_images().with_context(|| named(images))?;
    ensure!(
        n == n_labels,
        "{} has {n} images, but {} {n_labels} labels",
        images.display(),
        labels.display()
    );
    Ok((image, Part { pixels, classes }))
}

/// The sizes and, at depth `All`, the numbers of an IDX file; else none of the right type.
fn read(path: &Path, depth: Depth) -> Result<(Vec<usize>, Numbers)> {
    let mut contents = unpacked(path)?;
    let mut start = Vec::new();
    contents.by_ref().take(4).read_to_end(&mut start).context("cannot unpack it")?;
    ensure!(!start.is_empty(), "the file is empty");
    let &[0, 0, kind, n_sizes] = start.as_slice() else { bail!("it is no IDX file") };
    let mut sizes = Vec::new();
    let most = 4 * u64::from(n_sizes);
    contents.by_ref().take(most).read_to_end(&mut sizes).context("cannot unpack it")?;
    ensure!(sizes.len() as u64 == most && n_sizes > 0, "its header is cut off");
    let size = |word: &[u8]| u32::from_be_bytes([word[0], word[1], word[2], word[3]]) as usize;
    let shape: Vec<usize> = sizes.chunks_exact(4).map(size).collect();
    let width: u64 = match kind {
        0x08 | 0x09 => 1,
        0x0b => 2,
        0x0c | 0x0d => 4,
        0x0e => 8,
        _ => bail!("its numbers are of type {kind:#04x}, which IDX files do not have"),
    };
    let promised = shape.iter().try_fold(width, |all, &size| all.checked_mul(size as u64));
    let promised = promised.filter(|&bytes| bytes <= MOST_BYTES).with_context(|| {
        format!("its header promises {shape:?} numbers: more than {MOST_BYTES} bytes")
    })?;
    let mut bytes = Vec::new();
    if depth == Depth::All {
        // What is there decides how much memory is taken, not what is promised.
        contents.take(promised + 1).read_to_end(&mut bytes).context("cannot unpack it")?;
        ensure!(
            bytes.len() as u64 == promised,
            "its header promises {shape:?} numbers, {promised} bytes, but {} {} there",
            bytes.len(),
            if (bytes.len() as u64) < promised { "are" } else { "or more are" }
        );
    }
    Ok((shape, numbers(kind, bytes)))
}

fn numbers(kind: u8, bytes: Vec<u8>) -> Numbers {
    fn of<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes.as_chunks::<N>().0.iter().map(|word| number(*word)).collect()
    }
    match kind {
        0x08 => Numbers::Bytes(bytes),
        0x09 => Numbers::Integers(of(&bytes, |word| i64::from(i8::from_be_bytes(word)))),
        0x0b => Numbers::Integers(of(&bytes, |word| i64::from(i16::from_be_bytes(word)))),
        0x0c => Numbers::Integers(of(&bytes, |word| i64::from(i32::from_be_bytes(word)))),
        0x0d => Numbers::Floats(of(&bytes, f32::from_be_bytes)),
        _ => Numbers::Floats(of(&bytes, |word| f64::from_be_bytes(word) as f32)),
    }
}

/// A file's contents, uncompressed if it is a gzip file whatever its name.
fn unpacked(path: &Path) -> Result<Box<dyn Read>> {
    let mut file = File::open(path).context("cannot open it")?;
    let mut magic = Vec::new();
    file.by_ref().take(2).read_to_end(&mut magic).context("cannot read it")?;
    file.rewind().context("cannot read it")?;
    let file = BufReader::new(file);
    Ok(if magic == GZIP_MAGIC { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}
