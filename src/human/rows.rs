//! Rows of CSV, JSON and JSON lines, one after the other, by the names of their columns.

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use csv::{ByteRecord, ReaderBuilder};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::config::did_you_mean;

use super::cell::Cell;
use super::columns::ColumnMap;

/// Columns that a reader asks for, by their places in this list.
pub struct Wanted {
    names: Vec<String>,
    /// Columns that a file may lack.
    optional: Vec<String>,
}

impl Wanted {
    /// Those of a map, in the order of `ColumnMap::columns`, and then those by which it tells trials from other rows.
    pub fn of(map: &ColumnMap) -> Wanted {
        let names = map.columns().into_iter().chain(map.only.keys().map(String::as_str));
        Wanted {
            names: names.map(str::to_owned).collect(),
            optional: map.reaction_time.iter().cloned().collect(),
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
    Object(&'a Map<String, Value>, &'a Wanted),
}

impl Row<'_> {
    /// What stands in the wanted column of a place.
    ///
    /// # Errors
    ///
    /// If the row has no such column; names the nearest.
    pub fn cell(&self, place: usize) -> Result<Cell<'_>> {
        match self {
            Row::Cells(cells, places) => {
                let cell = places.get(place).copied().flatten().and_then(|place| cells.get(place));
                Ok(Cell::of_text(cell.unwrap_or(&"")))
            }
            Row::Object(object, wanted) => match object.get(wanted.name(place)) {
                Some(value) => Ok(Cell::of_json(value)),
                None => {
                    let column = wanted.name(place);
                    let near = did_you_mean(column, object.keys().map(String::as_str));
                    bail!("there is no column '{column}'{near}")
                }
            },
        }
    }
}

/// Shows each row of a file with its number to `see`; numbers count from 1, of CSV with the heading, as spreadsheets do. Says
/// how many rows there were.
///
/// # Errors
///
/// Names the file, and the row, if it cannot be read, is no table, is cut short, or lacks a column; those of `see`.
pub fn read_rows(
    path: &Path,
    map: &ColumnMap,
    wanted: &Wanted,
    mut see: impl FnMut(u64, &Row) -> Result<()>,
) -> Result<u64> {
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
    Ok(rows)
}

/// Text without a byte order mark.
fn text_of(bytes: &[u8]) -> Result<&str> {
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
        let near = match did_you_mean(column, names()) {
            near if !near.is_empty() => near,
            _ => format!(": its columns are {}", names().collect::<Vec<_>>().join(", ")),
        };
        ensure!(
            count > 0 || wanted.optional.contains(column),
            "the heading (row 1) has no column '{column}'{near}"
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
    let separator = match map.separator()? {
        Some(separator) => separator,
        None => {
            let found = found_separator(text, map);
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
        .from_reader(text.as_bytes());
    let mut record = ByteRecord::new();
    reader.read_byte_record(&mut record)?;
    let names = record.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned());
    let heading: Vec<String> = names.collect();
    let places = places(wanted, &heading)?;
    let is_odd = text.bytes().filter(|&byte| byte == b'"').count() % 2 == 1;
    let (mut row, mut seen) = (1, 0);
    while reader.read_byte_record(&mut record)? {
        row += 1;
        // Quoted line ends make rows of several lines.
        let line = record.position().map_or(row, csv::Position::line);
        let at =
            || if line == row { format!("row {row}") } else { format!("row {row} (line {line})") };
        let cells: Vec<&str> =
            record.iter().map(std::str::from_utf8).collect::<Result<_, _>>().with_context(at)?;
        ensure!(
            !(is_odd
                && reader.position().byte() as usize >= text.len()
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

/// One array of objects, or objects (or such arrays) one after the other, as JSON lines are.
fn read_json(
    text: &str,
    wanted: &Wanted,
    see: &mut impl FnMut(u64, &Row) -> Result<()>,
) -> Result<u64> {
    let text = null_for_nan(text);
    let mut rows = Rows { row: 0, wanted, fault: None, see };
    let mut reader = serde_json::Deserializer::from_str(&text);
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
    match (rows.fault, told) {
        (Some(fault), _) => Err(fault).with_context(|| format!("row {}", rows.row)),
        (None, Ok(())) => Ok(rows.row),
        (None, Err(error)) if error.is_eof() => {
            bail!(
                "it is cut short after row {} (line {}), as by an interrupted download: fetch it again",
                rows.row,
                error.line()
            )
        }
        (None, Err(error)) => bail!("it is no JSON after row {}: {error}", rows.row),
    }
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
        self.rows.row += 1;
        (self.rows.see)(self.rows.row, &Row::Object(&object, self.rows.wanted)).map_err(|fault| {
            self.rows.fault = Some(fault);
            A::Error::custom("a row at fault")
        })
    }
}
