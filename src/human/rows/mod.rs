//! Rows of CSV, JSON and JSON lines, one after the other, by the names of their columns.

mod csv_rows;
mod json_rows;
mod keys;

use std::cell::RefCell;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::config::did_you_mean;
use crate::file::hex;

use super::cell::Cell;
use super::columns::ColumnMap;
use keys::Keys;

/// Columns that a reader asks for, by their places in this list.
pub struct Wanted {
    names: Vec<String>,
    /// Columns that a file may lack.
    optional: Vec<String>,
    /// Whether they are those of the task in the browser.
    are_of_task: bool,
}

impl Wanted {
    /// Those of a map, in the order of `ColumnMap::columns`, and then those by which it tells trials from other rows.
    pub fn of(map: &ColumnMap) -> Wanted {
        let names = map.columns().into_iter().chain(map.only.keys().map(String::as_str));
        Wanted {
            names: names.map(str::to_owned).collect(),
            optional: map.reaction_time.iter().cloned().collect(),
            are_of_task: *map == ColumnMap::of_task(),
        }
    }

    /// What else to do where a column is not there.
    fn hint(&self) -> &'static str {
        match self.are_of_task {
            true => " (without --columns MAP.yaml, files are those of the task in the browser)",
            false => "",
        }
    }

    /// The place of a column.
    pub fn place(&self, column: &str) -> usize {
        self.names.iter().position(|name| name == column).unwrap_or(usize::MAX)
    }

    /// The name at a place.
    pub fn name(&self, place: usize) -> &str {
        self.names.get(place).map_or("", String::as_str)
    }
}

/// One row of a file.
pub enum Row<'a> {
    /// Cells of CSV, and where the wanted columns stand among them.
    Cells(&'a [&'a str], &'a [Option<usize>]),
    /// An object of JSON.
    Object(&'a Map<String, Value>, &'a Wanted, &'a RefCell<Keys>),
}

/// What a file holds.
pub struct Content {
    /// How many rows.
    pub rows: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

impl Row<'_> {
    /// What stands in the wanted column of a place; nothing if an object leaves it out.
    pub fn cell(&self, place: usize) -> Cell<'_> {
        match self {
            Row::Cells(cells, places) => {
                let cell = places.get(place).copied().flatten().and_then(|place| cells.get(place));
                Cell::of_text(cell.unwrap_or(&""))
            }
            Row::Object(object, wanted, keys) => match object.get(wanted.name(place)) {
                Some(value) => Cell::of_json(value),
                None => {
                    keys.borrow_mut().miss(place, wanted);
                    Cell::Missing("")
                }
            },
        }
    }
}

/// The nearest of the columns that there are, or all of them.
fn nearest<'a>(column: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    let names = names.filter(|name| !name.is_empty());
    match did_you_mean(column, names.clone()) {
        near if !near.is_empty() => near,
        _ => format!(": its columns are {}", names.collect::<Vec<_>>().join(", ")),
    }
}

/// Shows each row of a file with its number to `see`; numbers count from 1, of CSV with the heading and with empty lines, as
/// spreadsheets do. Says what the file holds; it is read once, so that it may be a pipe.
///
/// # Errors
///
/// Names the file, and the row, if it cannot be read, is no table, is cut short, or lacks a column; those of `see`.
pub fn read_rows(
    path: &Path,
    map: &ColumnMap,
    wanted: &Wanted,
    mut see: impl FnMut(u64, &Row) -> Result<()>,
) -> Result<Content> {
    let file = path.display();
    ensure!(!path.is_dir(), "{file} is a folder: give its files, such as {file}/*.csv");
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {file}"))?;
    let text = text_of(&bytes).with_context(|| file.to_string())?;
    let first = text.bytes().find(|byte| !byte.is_ascii_whitespace());
    let rows = match first {
        None => bail!("{file} is empty"),
        Some(b'{' | b'[') => json_rows::read(text, wanted, &mut see),
        Some(_) => csv_rows::read(text, map, wanted, &mut see),
    };
    let rows = rows.with_context(|| file.to_string())?;
    ensure!(rows > 0, "{file} has no rows");
    Ok(Content { rows, sha256: hex(&Sha256::digest(&bytes)) })
}

/// Files that are no text, by their first bytes, and what to do about them.
const NO_TEXT: [(&[u8], &str); 8] = [
    (&[0x1f, 0x8b], "it is compressed by gzip: unpack it first (gunzip)"),
    (b"BZh", "it is compressed by bzip2: unpack it first (bunzip2)"),
    (&[0xfd, b'7', b'z', b'X', b'Z'], "it is compressed by xz: unpack it first (unxz)"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "it is compressed by zstd: unpack it first (unzstd)"),
    (
        b"PK\x03\x04",
        "it is a spreadsheet (xlsx, ods) or a zip archive: save it as CSV in UTF-8, or unpack it",
    ),
    (&[0xd0, 0xcf, 0x11, 0xe0], "it is a spreadsheet (xls): save it as CSV in UTF-8"),
    (b"PAR1", "it is a Parquet file: write it as CSV"),
    (b"%PDF", "it is a PDF: is it the right file?"),
];

/// Text without a byte order mark.
fn text_of(bytes: &[u8]) -> Result<&str> {
    if let Some((_, what)) = NO_TEXT.iter().find(|(start, _)| bytes.starts_with(start)) {
        bail!("{what}");
    }
    ensure!(
        !bytes.starts_with(&[0xff, 0xfe]) && !bytes.starts_with(&[0xfe, 0xff]),
        "it is text in UTF-16: save it as CSV in UTF-8"
    );
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        anyhow!(
            "line {line} is no text in UTF-8: save it in that encoding, or is it the right file?"
        )
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    ensure!(!text.contains('\0'), "it holds bytes that are no text: is it the right file?");
    Ok(text)
}
