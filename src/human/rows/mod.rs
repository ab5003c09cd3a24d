//! Rows of CSV, JSON and JSON lines, one after the other, by the names of their columns.

mod csv_rows;
mod json_rows;
mod keys;
mod row;
mod wanted;

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use sha2::{Digest, Sha256};

use crate::file::hex;

use super::columns::ColumnMap;
pub use row::Row;
pub use wanted::{CONFIG_HASH, TARGETS, Wanted};

/// What a file holds.
pub struct Content {
    /// How many rows.
    pub rows: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
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
