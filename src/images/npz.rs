//! NumPy archives: `x_train`, `y_train` and, where there is a test part, `x_test`, `y_test`.
//!
//! Arrays of Python objects are pickles, which run code when they are read: they are refused unread.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use npyz::{DType, NpyFile, NpyHeader, Order, TypeChar, TypeStr};
use zip::ZipArchive;

use super::array::{self, Numbers};
use super::parts::{Depth, Found, Layout, Part, Pixels};

/// Names of images and classes of the training part, and of those of the test part: Keras', MedMNIST's, and short ones.
const NAMES: [[&str; 4]; 4] = [
    ["x_train", "y_train", "x_test", "y_test"],
    ["train_images", "train_labels", "test_images", "test_labels"],
    ["images", "labels", "test_images", "test_labels"],
    ["x", "y", "x_test", "y_test"],
];
/// More bytes of one array than any machine that this is for would hold several times.
const MOST_BYTES: u64 = 1 << 33;
/// Headers hold a type and a shape.
const MOST_HEADER: usize = 10_000;
/// No plain array's header has deeper brackets.
const MOST_NESTED: usize = 8;

type Archive = ZipArchive<File>;

pub fn find(path: &Path, layout: Option<Layout>, depth: Depth) -> Result<Found> {
    let file = File::open(path)?;
    ensure!(file.metadata()?.len() > 0, "the file is empty");
    let mut archive =
        ZipArchive::new(file).context("it is no zip archive, which a .npz is, or is damaged")?;
    let known: Vec<String> = archive.file_names().map(str::to_owned).collect();
    let entry = |name: &str| {
        known.iter().find(|known| known.to_lowercase().trim_end_matches(".npy") == name).cloned()
    };
    let all = NAMES.map(|names| names.map(entry));
    let chosen =
        all.into_iter().find(|[images, classes, ..]| images.is_some() && classes.is_some());
    let Some([Some(images), Some(classes), of_test @ ..]) = chosen else {
        let mut names: Vec<&str> = known.iter().map(|name| name.trim_end_matches(".npy")).collect();
        names.truncate(12);
        bail!(
            "it has the arrays {}: it needs x_train and y_train, and may have x_test and y_test",
            names.join(", ").escape_debug()
        )
    };
    let (shape, are_floats, train) = part(&mut archive, [&images, &classes], layout, depth)?;
    let test = match of_test {
        [None, None] => None,
        [Some(images), Some(classes)] => {
            let names = [&*images, &*classes];
            let (of_test, floats, test) = part(&mut archive, names, layout, depth)?;
            ensure!(
                (of_test, floats) == (shape, are_floats),
                "{images} has images of {of_test:?}, but the training part of {shape:?} (channels, height, width), or of \
                 another type of numbers"
            );
            Some(test)
        }
        [images, classes] => {
            let lone = images.or(classes).unwrap_or_default();
            bail!("it has {lone} alone: a test part has images and classes")
        }
    };
    let n_train = array::numbered(&train.classes).len();
    let n_test = test.as_ref().map_or(0, |test: &Part| array::numbered(&test.classes).len());
    ensure!(
        n_test <= n_train,
        "its test part has class {}, which the training part lacks",
        n_test.max(1) - 1
    );
    let names = array::numbered(&train.classes);
    Ok(Found { shape, names, are_floats, train, test })
}

/// The images and classes of one part.
fn part(
    archive: &mut Archive,
    [images, classes]: [&str; 2],
    layout: Option<Layout>,
    depth: Depth,
) -> Result<([usize; 3], bool, Part)> {
    let (shape, numbers) = read(archive, classes, Depth::All)?;
    let n_classes = shape.first().copied().unwrap_or_default();
    let numbers = numbers.context("it was read")?;
    let of_images = array::classes(&shape, numbers).with_context(|| classes.to_owned())?;
    let (type_of, shape) = header(archive, images)?;
    let context = || images.to_owned();
    let (n, image, are_channels_last) = array::images_of(&shape, layout).with_context(context)?;
    ensure!(n == n_classes, "{images} has {n} images, but {classes} {n_classes} classes");
    let are_floats = type_of.type_char() == TypeChar::Float;
    let pixels = match read(archive, images, depth)? {
        (_, Some(numbers)) => {
            array::pixels(numbers, image, are_channels_last).with_context(context)?
        }
        (_, None) => {
            let is_byte = type_of.type_char() == TypeChar::Uint && type_of.size_field() == 1;
            ensure!(
                is_byte || are_floats,
                "{images} has numbers of type {type_of}: save images as uint8, or as float32"
            );
            Pixels::default()
        }
    };
    Ok((image, are_floats, Part { pixels, classes: of_images }))
}

/// The type and shape of an array.
fn header(archive: &mut Archive, name: &str) -> Result<(TypeStr, Vec<usize>)> {
    let mut entry = archive.by_name(name)?;
    let (_, type_of, shape, _) = begin(&mut entry).with_context(|| name.to_owned())?;
    Ok((type_of, shape))
}

/// The shape of an array and, at depth `All`, its numbers, the last axis fastest.
fn read(archive: &mut Archive, name: &str, depth: Depth) -> Result<(Vec<usize>, Option<Numbers>)> {
    let mut entry = archive.by_name(name)?;
    let there = entry.size();
    let mut read = || -> Result<(Vec<usize>, Option<Numbers>)> {
        let (header, type_of, shape, promised) = begin(&mut entry)?;
        ensure!(
            promised <= there,
            "its header promises {shape:?} numbers of type {type_of}, but it has {there} bytes: truncated"
        );
        if depth == Depth::Classes {
            return Ok((shape, None));
        }
        // What is there decides how much memory is taken, not what is promised.
        let mut bytes = Vec::new();
        entry.by_ref().take(promised + 1).read_to_end(&mut bytes).context("it is damaged")?;
        ensure!(
            bytes.len() as u64 == promised,
            "its header promises {promised} bytes, but {} {} there",
            bytes.len(),
            if (bytes.len() as u64) < promised { "are" } else { "or more are" }
        );
        let is_column_major = header.order() == Order::Fortran;
        let numbers = numbers(header, &type_of, bytes)?;
        let numbers = match (is_column_major, numbers) {
            (false, numbers) => numbers,
            (true, Numbers::Bytes(values)) => Numbers::Bytes(row_major(&values, &shape)),
            (true, Numbers::Integers(values)) => Numbers::Integers(row_major(&values, &shape)),
            (true, Numbers::Floats(values)) => Numbers::Floats(row_major(&values, &shape)),
        };
        Ok((shape, Some(numbers)))
    };
    read().with_context(|| name.to_owned())
}

/// Reads a header: also the type, the shape, and how many bytes it promises.
fn begin(entry: &mut impl Read) -> Result<(NpyHeader, TypeStr, Vec<usize>, u64)> {
    let mut start = Vec::new();
    entry.by_ref().take(8).read_to_end(&mut start).context("it is damaged")?;
    ensure!(start.starts_with(b"\x93NUMPY") && start.len() == 8, "it is no NumPy array");
    let n_size = if start[6] == 1 { 2 } else { 4 };
    entry.by_ref().take(n_size).read_to_end(&mut start).context("it is damaged")?;
    let size = start[8..].iter().rev().fold(0, |size, &byte| size << 8 | usize::from(byte));
    ensure!(
        start.len() as u64 == 8 + n_size && size <= MOST_HEADER,
        "its header has {size} bytes, more than any plain array's"
    );
    entry.by_ref().take(size as u64).read_to_end(&mut start).context("it is damaged")?;
    let brackets = start.iter().filter(|byte| b"([{".contains(byte)).count();
    ensure!(brackets <= MOST_NESTED, "its header is none of a plain array's");
    ensure_countable(&start[8 + n_size as usize..])?;
    let header = NpyHeader::from_reader(Cursor::new(&start)).context("its header is damaged")?;
    let DType::Plain(type_of) = header.dtype() else {
        bail!("its elements have fields or parts: images and classes are plain numbers")
    };
    ensure!(
        !type_of.uses_pickled_array(),
        "its elements are Python objects, which would have to be run to be read: save plain numbers (uint8, float32, int64)"
    );
    let size_of = type_of.num_bytes().context("its elements have no size")? as u64;
    let promised = header.shape().iter().try_fold(size_of, |all, &size| all.checked_mul(size));
    let promised = promised.filter(|&bytes| bytes <= MOST_BYTES).with_context(|| {
        format!("its header promises {:?} numbers: more than {MOST_BYTES} bytes", header.shape())
    })?;
    let shape: Result<Vec<usize>, _> = header.shape().iter().map(|&size| size.try_into()).collect();
    Ok((header, type_of, shape?, promised))
}

/// Makes sure that sizes can be multiplied, which the reader of headers does unasked.
fn ensure_countable(header: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(header).to_lowercase();
    let is_odd =
        ["0x", "0o", "0b", "_"].iter().any(|odd| text.replace("fortran_order", "").contains(odd));
    ensure!(!is_odd, "its header is none of a plain array's");
    let sizes = text.split(|letter: char| !letter.is_ascii_digit()).filter(|size| !size.is_empty());
    let all = sizes
        .map(|size| size.parse::<u64>().ok())
        .try_fold(1_u64, |all, size| all.checked_mul(size?.max(1)));
    ensure!(all.is_some(), "its header promises more numbers than can be counted");
    Ok(())
}

/// Numbers in the order of the file, of either byte order.
fn numbers(header: NpyHeader, type_of: &TypeStr, bytes: Vec<u8>) -> Result<Numbers> {
    fn integers<T: npyz::Deserialize>(header: NpyHeader, bytes: &[u8]) -> Result<Vec<i64>>
    where
        i64: TryFrom<T>,
    {
        let values: Vec<T> = NpyFile::with_header(header, bytes).into_vec()?;
        let integer = |value| i64::try_from(value).ok().context("a number of it is too large");
        values.into_iter().map(integer).collect()
    }
    let bytes_of = bytes.as_slice();
    Ok(match (type_of.type_char(), type_of.size_field()) {
        (TypeChar::Uint, 1) => Numbers::Bytes(bytes),
        (TypeChar::Uint, 2) => Numbers::Integers(integers::<u16>(header, bytes_of)?),
        (TypeChar::Uint, 4) => Numbers::Integers(integers::<u32>(header, bytes_of)?),
        (TypeChar::Uint, 8) => Numbers::Integers(integers::<u64>(header, bytes_of)?),
        (TypeChar::Int, 1) => Numbers::Integers(integers::<i8>(header, bytes_of)?),
        (TypeChar::Int, 2) => Numbers::Integers(integers::<i16>(header, bytes_of)?),
        (TypeChar::Int, 4) => Numbers::Integers(integers::<i32>(header, bytes_of)?),
        (TypeChar::Int, 8) => Numbers::Integers(integers::<i64>(header, bytes_of)?),
        (TypeChar::Float, 4) => Numbers::Floats(NpyFile::with_header(header, bytes_of).into_vec()?),
        (TypeChar::Float, 8) => {
            let doubles: Vec<f64> = NpyFile::with_header(header, bytes_of).into_vec()?;
            Numbers::Floats(doubles.into_iter().map(|value| value as f32).collect())
        }
        _ => bail!(
            "its numbers are of type {type_of}: images are uint8, float32 or float64, classes whole numbers"
        ),
    })
}

/// Numbers whose first axis runs fastest, with the last one fastest.
fn row_major<T: Copy>(values: &[T], shape: &[usize]) -> Vec<T> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for &size in shape {
        strides.push(stride);
        stride *= size;
    }
    let mut index = vec![0; shape.len()];
    let mut place = 0;
    let mut turned = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        turned.push(values[place]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            place += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            place -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    turned
}
