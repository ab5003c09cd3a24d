//! CIFAR-10 in three forms that hold the same bytes: records, Python batches, and PNGs with one image a row.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::config::Inputs;
use crate::data::forms::{self, Kind};
use crate::data::pickle::{self, Value};
use crate::data::{Dataset, Split, ensure_classes, files};

const CHANNELS: usize = 3;
const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const IMAGE: usize = CHANNELS * PLANE;
const RECORD: usize = 1 + IMAGE;

const TRAIN_BATCHES: [&str; 5] =
    ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"];
const TEST_BATCHES: [&str; 1] = ["test_batch"];

/// A PNG of a real batch has 30,720,000 bytes of pixels.
const MAX_PNG_BYTES: usize = 1 << 26;

/// Reads the first complete form below `folder`: records, Python batches, PNGs.
pub fn load(folder: &Path) -> Result<Dataset> {
    let (form, place) = forms::find(Inputs::Cifar10, folder)?;
    let [train, test] = match form.kind {
        Kind::Binary => [
            read_part(&place, &TRAIN_BATCHES, ".bin", append_binary)?,
            read_part(&place, &TEST_BATCHES, ".bin", append_binary)?,
        ],
        Kind::Python => [
            read_part(&place, &TRAIN_BATCHES, "", append_python)?,
            read_part(&place, &TEST_BATCHES, "", append_python)?,
        ],
        Kind::Png => read_png_batches(&place)?.map(join),
        Kind::Idx => bail!("CIFAR-10 is not kept as IDX files"),
    };
    Ok(Dataset {
        inputs: Inputs::Cifar10,
        channels: CHANNELS,
        height: SIDE,
        width: SIDE,
        train,
        test,
    })
}

/// The PNG package at `place` in the binary form: each file's name and contents.
///
/// # Errors
///
/// As `load`.
pub fn binary_files_of_png_package(place: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let batches = read_png_batches(place)?.into_iter().flatten();
    let names = TRAIN_BATCHES.into_iter().chain(TEST_BATCHES);
    Ok(names.zip(batches).map(|(name, batch)| (format!("{name}.bin"), records(&batch))).collect())
}

fn records(batch: &Split) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(batch.classes.len() * RECORD);
    for (&class, image) in batch.classes.iter().zip(batch.pixels.chunks_exact(IMAGE)) {
        bytes.push(class);
        bytes.extend_from_slice(image);
    }
    bytes
}

fn join(batches: Vec<Split>) -> Split {
    let mut joined = Split::default();
    joined.pixels.reserve_exact(batches.iter().map(|batch| batch.pixels.len()).sum());
    for batch in batches {
        joined.pixels.extend_from_slice(&batch.pixels);
        joined.classes.extend_from_slice(&batch.classes);
    }
    joined
}

/// The batches of one part, one after the other.
fn read_part(
    place: &Path,
    names: &[&str],
    extension: &str,
    append: fn(&[u8], &mut Split) -> Result<()>,
) -> Result<Split> {
    let mut part = Split::default();
    for name in names {
        let path = place.join(format!("{name}{extension}"));
        let bytes = files::read(&path)?;
        // All batches of a part are equally large; growing step by step would copy 150 MB once more.
        if part.pixels.is_empty() {
            part.pixels.reserve_exact(names.len() * bytes.len());
        }
        let before = part.classes.len();
        append(&bytes, &mut part)
            .and_then(|()| ensure_classes(&part.classes[before..]))
            .with_context(|| path.display().to_string())?;
    }
    Ok(part)
}

/// Appends records of a class and an image's red, green and blue planes.
fn append_binary(bytes: &[u8], part: &mut Split) -> Result<()> {
    ensure!(!bytes.is_empty(), "the file is empty");
    let n = bytes.len() / RECORD;
    ensure!(
        bytes.len() == n * RECORD,
        "{n} records of {RECORD} bytes are followed by {} bytes: truncated, or not CIFAR-10",
        bytes.len() - n * RECORD
    );
    for record in bytes.chunks_exact(RECORD) {
        part.classes.push(record[0]);
        part.pixels.extend_from_slice(&record[1..]);
    }
    Ok(())
}

/// Appends a dictionary whose `data` is an array `[n, 3072]` of bytes and whose `labels` are n numbers.
fn append_python(bytes: &[u8], part: &mut Split) -> Result<()> {
    let batch = pickle::parse(bytes)?;
    let Some(Value::Array(data)) = batch.entry("data") else {
        bail!("the pickle is no dictionary with an array 'data'")
    };
    let Some(Value::List(labels)) = batch.entry("labels") else {
        bail!("the pickle is no dictionary with a list 'labels'")
    };
    let &[n, IMAGE] = data.shape.as_slice() else {
        bail!("'data' has the shape {:?}, not [n, {IMAGE}]", data.shape)
    };
    ensure!(n == labels.len(), "'data' has {n} images, but 'labels' {} labels", labels.len());
    let class = |label: &Value| match label {
        Value::Int(class) => u8::try_from(*class).with_context(|| format!("class {class}")),
        _ => bail!("a label is not a number"),
    };
    for label in labels {
        part.classes.push(class(label)?);
    }
    if data.column_major {
        part.pixels.extend((0..n * IMAGE).map(|at| data.bytes[at % IMAGE * n + at / IMAGE]));
    } else {
        part.pixels.extend_from_slice(data.bytes);
    }
    Ok(())
}

/// Training and test batches of the PNG package. Its training labels are one list for all batches.
fn read_png_batches(place: &Path) -> Result<[Vec<Split>; 2]> {
    let train = read_png_part(place, &TRAIN_BATCHES, "train_lables.json")?;
    let test = read_png_part(place, &TEST_BATCHES, "test_lables.json")?;
    Ok([train, test])
}

fn read_png_part(place: &Path, names: &[&str], labels: &str) -> Result<Vec<Split>> {
    let path = place.join(labels);
    let mut classes: Vec<u8> = serde_json::from_slice(&files::read(&path)?)
        .with_context(|| format!("{} is no list of classes", path.display()))?;
    ensure_classes(&classes).with_context(|| path.display().to_string())?;
    let mut batches = Vec::new();
    for name in names {
        let path = place.join(format!("{name}.png"));
        let pixels =
            png_pixels(&files::read(&path)?).with_context(|| path.display().to_string())?;
        let n = pixels.len() / IMAGE;
        ensure!(
            n <= classes.len(),
            "{labels} has too few labels: {name}.png alone needs {n}, {} are left",
            classes.len()
        );
        let rest = classes.split_off(n);
        batches.push(Split { pixels, classes: std::mem::replace(&mut classes, rest) });
    }
    ensure!(classes.is_empty(), "{labels} has {} labels more than there are images", classes.len());
    Ok(batches)
}

/// `[n, 3, 32, 32]` from a PNG of n rows, each the 1,024 pixels of one image.
fn png_pixels(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_limits(png::Limits { bytes: MAX_PNG_BYTES });
    let mut reader = decoder.read_info()?;
    let (color, depth) = reader.output_color_type();
    ensure!(
        color == png::ColorType::Rgb && depth == png::BitDepth::Eight,
        "the PNG is {color:?} of {depth:?} bits, not RGB of 8"
    );
    let width = reader.info().width as usize;
    ensure!(width == PLANE, "the PNG is {width} pixels wide, not {PLANE}");
    let size = reader.output_buffer_size().filter(|&size| size <= MAX_PNG_BYTES);
    let mut interleaved = vec![0; size.context("the PNG is larger than any batch")?];
    reader.next_frame(&mut interleaved)?;
    let mut pixels = Vec::with_capacity(interleaved.len());
    for image in interleaved.chunks_exact(IMAGE) {
        for channel in 0..CHANNELS {
            pixels.extend(image.iter().skip(channel).step_by(CHANNELS));
        }
    }
    Ok(pixels)
}
