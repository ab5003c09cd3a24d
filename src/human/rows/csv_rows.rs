//! Rows of CSV, whichever its separator.

use anyhow::{Context, Result, bail, ensure};
use csv::{ByteRecord, ReaderBuilder};

use super::super::columns::ColumnMap;
use super::row::Row;
use super::wanted::{Wanted, nearest};

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
    let wanted = map.columns();
    let score = |separator: &u8| {
        let heading = heading_of(text.as_bytes(), *separator).unwrap_or_default();
        let known = wanted.iter().filter(|column| heading.iter().any(|name| name == *column));
        (known.count(), heading.len())
    };
    // Of equals the last one is taken, a comma.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(score).unwrap_or(b',')
}

/// The first row, which may have cells of several lines.
fn heading_of(text: &[u8], separator: u8) -> Option<Vec<String>> {
    let mut reader = ReaderBuilder::new().has_headers(false).delimiter(separator).from_reader(text);
    let mut record = ByteRecord::new();
    reader.read_byte_record(&mut record).ok()?;
    Some(record.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect())
}

/// Where wanted columns stand in a heading; each must be there once.
fn places(wanted: &Wanted, heading: &[String]) -> Result<Vec<Option<usize>>> {
    let hint = match heading {
        [_] => {
            "; if something else stands between columns, say so in the column map, separator: ':'"
        }
        _ => wanted.hint(),
    };
    let place = |column: &String| {
        let count = heading.iter().filter(|name| *name == column).count();
        let names = || heading.iter().map(String::as_str);
        let near = nearest(column, names());
        ensure!(
            count > 0 || wanted.optional.contains(column),
            "the heading (row 1) has no column '{column}'{near}{hint}"
        );
        ensure!(
            count <= 1,
            "the heading (row 1) has {count} columns '{column}': rename all but the one that is meant"
        );
        Ok(heading.iter().position(|name| name == column))
    };
    wanted.names.iter().map(place).collect()
}

pub fn read(
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
    let lines_before = text[..before].matches('\n').count() as u64;
    ensure_quotes(table, separator, lines_before)?;
    let mut lines = Lines::of(table, lines_before);
    let mut record = ByteRecord::new();
    reader.read_byte_record(&mut record)?;
    lines.pass(&reader, &record);
    let names = record.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned());
    let heading: Vec<String> = names.collect();
    let places = places(wanted, &heading)?;
    let mut seen = 0;
    while reader.read_byte_record(&mut record)? {
        lines.pass(&reader, &record);
        let Lines { row, line, .. } = lines;
        let at =
            || if line == row { format!("row {row}") } else { format!("row {row} (line {line})") };
        let cells: Vec<&str> =
            record.iter().map(std::str::from_utf8).collect::<Result<_, _>>().with_context(at)?;
        if let Some(cell) = cells.iter().find(|cell| holds_a_row(cell, separator, heading.len())) {
            let first: String =
                cell.chars().take_while(|sign| !sign.is_control()).take(40).collect();
            bail!(
                "{} has a cell in quotation marks that holds whole rows: is the one that opens before '{first}' a slip? Write it twice, or \
                 delete it",
                at()
            );
        }
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

/// Whether a cell of several lines looks as if it had swallowed rows: a line of it has as many separators as a row. One of two columns
/// might be any text.
fn holds_a_row(cell: &str, separator: u8, n_columns: usize) -> bool {
    let count = |line: &str| line.bytes().filter(|&byte| byte == separator).count();
    n_columns > 2 && cell.split(['\n', '\r']).skip(1).any(|line| count(line) + 1 >= n_columns)
}

/// Makes sure that quotation marks are those of whole cells (RFC 4180): readers take others in silence, and rows between two of them
/// for one cell.
///
/// # Errors
///
/// Names the line of a mark that is never closed, or that closes within a cell.
fn ensure_quotes(table: &str, separator: u8, lines_before: u64) -> Result<()> {
    /// Where a byte stands.
    #[derive(Clone, Copy, PartialEq)]
    enum In {
        Start,
        Plain,
        Quoted,
        Closed,
    }
    let end_of_line = if table.contains('\n') { b'\n' } else { b'\r' };
    let mut place = In::Start;
    let (mut line, mut opened) = (1 + lines_before, 0);
    for byte in table.bytes() {
        let is_end = byte == separator || byte == b'\n' || byte == b'\r';
        place = match (place, byte) {
            (In::Quoted, b'"') => In::Closed,
            (In::Quoted, _) => In::Quoted,
            (In::Start, b'"') => {
                opened = line;
                In::Quoted
            }
            // Two marks are one of the text.
            (In::Closed, b'"') => In::Quoted,
            (_, _) if is_end => In::Start,
            (In::Closed, b' ' | b'\t') => In::Closed,
            (In::Closed, _) => bail!(
                "line {line} goes on after a quotation mark that closes a cell{}: write marks within a cell twice, or delete them",
                if opened == line { String::new() } else { format!(", which line {opened} opens") }
            ),
            (In::Start | In::Plain, _) => In::Plain,
        };
        line += u64::from(byte == end_of_line);
    }
    ensure!(
        place != In::Quoted,
        "line {opened} opens a quotation mark that is never closed: is the file cut short, or the mark a slip?"
    );
    Ok(())
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
