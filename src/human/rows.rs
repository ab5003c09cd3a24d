//! Rows of CSV, JSON and JSON lines, one after the other, by the names of their columns.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use csv::{ByteRecord, ReaderBuilder};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::config::did_you_mean;
use crate::file::hex;

use super::cell::Cell;
use super::columns::ColumnMap;

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

/// Which of the wanted columns the objects of a file have had so far: writers leave a key out where there is nothing, and a column
/// that no object has is none.
pub struct Keys {
    /// `[column]`.
    seen: Vec<bool>,
    /// All keys, while a wanted column is unseen.
    names: BTreeSet<String>,
    /// Columns that were asked for and not there, each with the first row.
    absent: Vec<(usize, u64)>,
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

impl Keys {
    fn of(wanted: &Wanted) -> Keys {
        Keys { seen: vec![false; wanted.names.len()], names: BTreeSet::new(), absent: Vec::new() }
    }

    fn see(&mut self, object: &Map<String, Value>, wanted: &Wanted) {
        if self.seen.contains(&false) {
            for key in object.keys() {
                if !self.names.contains(key) {
                    self.names.insert(key.clone());
                }
            }
        }
        for (seen, name) in self.seen.iter_mut().zip(&wanted.names) {
            *seen = *seen || object.contains_key(name);
        }
    }

    fn miss(&mut self, place: usize, wanted: &Wanted) {
        let is_known = self.seen.get(place) != Some(&false)
            || self.absent.iter().any(|(absent, _)| *absent == place)
            || wanted.optional.iter().any(|name| name == wanted.name(place));
        if !is_known {
            self.absent.push((place, 0));
        }
    }

    /// Says in which row columns were missed that no row before had.
    fn number(&mut self, row: u64) {
        for (_, first) in self.absent.iter_mut().filter(|(_, first)| *first == 0) {
            *first = row;
        }
    }

    /// Makes sure that every column that was asked for was in some row.
    fn ensure_all(&self, wanted: &Wanted) -> Result<()> {
        match self.absent.iter().find(|(place, _)| !self.seen[*place]) {
            Some((place, row)) => {
                let column = wanted.name(*place);
                let near = nearest(column, self.names.iter().map(String::as_str));
                bail!("row {row}: there is no column '{column}'{near}{}", wanted.hint())
            }
            None => Ok(()),
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
        Some(b'{' | b'[') => read_json(text, wanted, &mut see),
        Some(_) => read_csv(text, map, wanted, &mut see),
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

/// Splits off a first line such as `sep=;`, which Excel reads and writes.
fn split_said_separator(text: &str) -> (Option<u8>, &str) {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let said = line.trim().trim_matches('"');
    match said
        .get(..4)
        .filter(|key| key.eq_ignore_ascii_case("sep="))
        .map(|_| &said.as_bytes()[4..])
    {
        Some([separator]) => (Some(*separator), rest),
        // A tab at its end is trimmed off.
        Some([]) => (Some(b'\t'), rest),
        Some(_) | None => (None, text),
    }
}

/// The separator under which the heading has most of the map's columns, or else most columns.
fn found_separator(text: &str, map: &ColumnMap) -> u8 {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let wanted = map.columns();
    let score = |separator: &u8| {
        let heading = heading_of(line.as_bytes(), *separator).unwrap_or_default();
        let known = wanted.iter().filter(|column| heading.iter().any(|name| name == *column));
        (known.count(), heading.len())
    };
    // Of equals the last one is taken, a comma.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(score).unwrap_or(b',')
}

fn heading_of(line: &[u8], separator: u8) -> Option<Vec<String>> {
    let mut reader = ReaderBuilder::new().has_headers(false).delimiter(separator).from_reader(line);
    let mut record = ByteRecord::new();
    reader.read_byte_record(&mut record).ok()?;
    Some(record.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect())
}

/// Where wanted columns stand in a heading; each must be there once.
fn places(wanted: &Wanted, heading: &[String]) -> Result<Vec<Option<usize>>> {
    let place = |column: &String| {
        let count = heading.iter().filter(|name| *name == column).count();
        let names = || heading.iter().map(String::as_str);
        let near = nearest(column, names());
        ensure!(
            count > 0 || wanted.optional.contains(column),
            "the heading (row 1) has no column '{column}'{near}{}",
            wanted.hint()
        );
        ensure!(
            count <= 1,
            "the heading (row 1) has {count} columns '{column}': rename all but the one that is meant"
        );
        Ok(heading.iter().position(|name| name == column))
    };
    wanted.names.iter().map(place).collect()
}

fn read_csv(
    text: &str,
    map: &ColumnMap,
    wanted: &Wanted,
    see: &mut impl FnMut(u64, &Row) -> Result<()>,
) -> Result<u64> {
    let (said, table) = split_said_separator(text);
    let before = text.len() - table.len();
    let separator = match map.separator()?.or(said) {
        Some(separator) => separator,
        None => {
            let found = found_separator(table, map);
            if found != b',' {
                let name = if found == b'\t' { "tab".to_owned() } else { (found as char).into() };
                tracing::info!("columns are separated by {name}");
            }
            found
        }
    };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(table.as_bytes());
    let mut lines = Lines::of(table, text[..before].matches('\n').count() as u64);
    let mut record = ByteRecord::new();
    reader.read_byte_record(&mut record)?;
    lines.pass(&reader, &record);
    let names = record.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned());
    let heading: Vec<String> = names.collect();
    let places = places(wanted, &heading)?;
    let is_odd = table.bytes().filter(|&byte| byte == b'"').count() % 2 == 1;
    let mut seen = 0;
    while reader.read_byte_record(&mut record)? {
        lines.pass(&reader, &record);
        let Lines { row, line, .. } = lines;
        let at =
            || if line == row { format!("row {row}") } else { format!("row {row} (line {line})") };
        let cells: Vec<&str> =
            record.iter().map(std::str::from_utf8).collect::<Result<_, _>>().with_context(at)?;
        ensure!(
            !(is_odd
                && reader.position().byte() as usize >= table.len()
                && cells.iter().any(|cell| cell.contains('\n'))),
            "{} opens a quotation mark that is never closed",
            at()
        );
        // Spreadsheets leave rows of separators alone.
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        ensure!(
            cells.len() == heading.len(),
            "{} has {} cells, the heading has {}: is it cut short, or a separator within a cell without quotation marks?",
            at(),
            cells.len(),
            heading.len()
        );
        seen += 1;
        see(row, &Row::Cells(&cells, &places)).with_context(at)?;
    }
    ensure!(seen > 0, "it has a heading and no rows");
    Ok(seen)
}

/// Where the records of CSV stand. A row of a spreadsheet is a record or an empty line; quoted line ends make rows of several lines.
struct Lines<'a> {
    table: &'a [u8],
    end_of_line: u8,
    /// Bytes of records that were passed.
    passed: usize,
    /// Line ends before the record, in the whole file and outside of cells.
    ends: u64,
    within: u64,
    /// The record's, from 1.
    row: u64,
    line: u64,
    /// Lines of the file before the table.
    before: u64,
}

impl<'a> Lines<'a> {
    fn of(table: &'a str, before: u64) -> Lines<'a> {
        let end_of_line = if table.contains('\n') { b'\n' } else { b'\r' };
        let table = table.as_bytes();
        Lines { table, end_of_line, passed: 0, ends: 0, within: 0, row: 0, line: 0, before }
    }

    /// Goes on to the record that was read last.
    fn pass(&mut self, reader: &csv::Reader<&[u8]>, record: &ByteRecord) {
        let until = (reader.position().byte() as usize).min(self.table.len());
        let chunk = &self.table[self.passed..until];
        let is_end = |byte: &&u8| **byte == self.end_of_line;
        let start = chunk.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let first = self.ends + chunk[..start].iter().filter(is_end).count() as u64;
        self.row = 1 + first - self.within;
        self.line = 1 + first + self.before;
        self.within +=
            record.iter().map(|cell| cell.iter().filter(is_end).count() as u64).sum::<u64>();
        self.ends += chunk.iter().filter(is_end).count() as u64;
        self.passed = until;
    }
}

/// One array of objects, or objects (or such arrays) one after the other, as JSON lines are.
fn read_json(
    text: &str,
    wanted: &Wanted,
    see: &mut impl FnMut(u64, &Row) -> Result<()>,
) -> Result<u64> {
    let text = null_for_nan(text);
    let keys = RefCell::new(Keys::of(wanted));
    let mut rows = Rows { row: 0, wanted, keys: &keys, fault: None, see };
    // Of a string, `end` would count the lines from its beginning each time: minutes for 10^5 lines.
    let mut reader = serde_json::Deserializer::from_reader(text.as_bytes());
    let told = loop {
        if let Err(error) = rows.read(&mut reader) {
            break Err(error);
        }
        // At the end of the text, no value follows.
        match reader.end() {
            Ok(()) => break Ok(()),
            Err(_) => continue,
        }
    };
    let Rows { row, fault, .. } = rows;
    match (fault, told) {
        // A column that is nowhere explains what else is wrong with a row.
        (Some(fault), _) => keys.borrow().ensure_all(wanted).and(Err(fault)),
        (None, Ok(())) => keys.borrow().ensure_all(wanted).map(|()| row),
        (None, Err(error)) => match (line_at_fault(&text), error.is_eof()) {
            (Some((line, what)), _) => bail!("line {line} {what}"),
            (None, true) => bail!(
                "it is cut short after row {row} (line {}), as by an interrupted download: fetch it again",
                error.line()
            ),
            (None, false) => bail!("it is no JSON after row {row}: {error}"),
        },
    }
}

/// The first line that is no JSON by itself, from 1, and what it is, of a text most of whose lines are: half a line swallows the next,
/// and the reader stumbles later.
fn line_at_fault(text: &str) -> Option<(usize, String)> {
    let lines = || text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |line: &str| serde_json::from_str::<serde::de::IgnoredAny>(line);
    let (mut n_whole, mut first) = (0, None);
    for (number, line) in lines() {
        let is_row = line.trim_start().starts_with(['{', '[']);
        match read(line) {
            Ok(_) if is_row => n_whole += 1,
            Ok(_) => {}
            Err(error) if first.is_none() => first = Some((number + 1, error)),
            Err(_) => {}
        }
    }
    let (number, error) = first.filter(|_| 2 * n_whole >= lines().count())?;
    let what = match error.is_eof() {
        true => "is cut short, as by a program that was stopped while it wrote: mend or delete it"
            .to_owned(),
        false => format!("is no JSON: {error}"),
    };
    Some((number, what))
}

/// JSON has no NaN, but Python's `json.dumps` and others write it: outside of strings it is `null`.
fn null_for_nan(text: &str) -> Cow<'_, str> {
    const NAN: &str = "NaN";
    if !text.contains(NAN) {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len() + text.len() / 8);
    let (mut is_quoted, mut is_escaped, mut kept) = (false, false, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'N' if !is_quoted && text[at..].starts_with(NAN) => {
                written.push_str(&text[kept..at]);
                written.push_str("null");
                kept = at + NAN.len();
            }
            _ => {}
        }
    }
    written.push_str(&text[kept..]);
    Cow::Owned(written)
}

/// Shows objects of JSON without keeping them.
struct Rows<'s, S> {
    row: u64,
    wanted: &'s Wanted,
    keys: &'s RefCell<Keys>,
    /// What `see` said.
    fault: Option<anyhow::Error>,
    see: &'s mut S,
}

impl<S: FnMut(u64, &Row) -> Result<()>> Rows<'_, S> {
    fn read<'de, R: serde_json::de::Read<'de>>(
        &mut self,
        reader: &mut serde_json::Deserializer<R>,
    ) -> serde_json::Result<()> {
        DeserializeSeed::deserialize(Level { rows: self, is_outermost: true }, reader)
    }
}

struct Level<'r, 's, S> {
    rows: &'r mut Rows<'s, S>,
    is_outermost: bool,
}

impl<'de, S: FnMut(u64, &Row) -> Result<()>> DeserializeSeed<'de> for Level<'_, '_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: FnMut(u64, &Row) -> Result<()>> Visitor<'de> for Level<'_, '_, S> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("an object with a value for each column, or a list of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if !self.is_outermost {
            return Err(A::Error::custom("a list within a list: each row is an object"));
        }
        let rows = self.rows;
        while list.next_element_seed(Level { rows: &mut *rows, is_outermost: false })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut object = Map::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            object.insert(key, value);
        }
        let Rows { row, wanted, keys, fault, see } = self.rows;
        *row += 1;
        keys.borrow_mut().see(&object, wanted);
        if fault.is_some() {
            // Read on for columns alone, which may explain it.
            return Ok(());
        }
        if let Err(told) = see(*row, &Row::Object(&object, wanted, keys)) {
            *fault = Some(told.context(format!("row {row}")));
        }
        keys.borrow_mut().number(*row);
        match fault.is_some() && keys.borrow().ensure_all(wanted).is_ok() {
            true => Err(A::Error::custom("a row at fault")),
            false => Ok(()),
        }
    }
}
