//! The long table of several runs, written line by line.

use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::column::{Column, Columns, OfCell, Run, names_of_folders};
use super::csv::Csv;
use super::json_lines::JsonLines;
use super::npz::Npz;
use super::rows::{of_record, of_theory};
use super::sink::Sink;
use crate::record::{self, Record, TheoryRecord, read_checked, read_json};

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values.
    Csv,
    /// NumPy's archive.
    Npz,
    /// A line of JSON for each number.
    Json,
}

/// A folder of runs whose numbers go into the table.
pub struct Source {
    /// What the table calls it.
    name: String,
    records: Vec<PathBuf>,
    theories: Vec<PathBuf>,
}

/// What lies in folders of runs, each with its own name; `theory` says whether its answers are wanted.
///
/// # Errors
///
/// If a folder holds no record, or cannot be read.
pub fn sources(folders: &[(String, &Path)], theory: bool) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for (name, (_, folder)) in names_of_folders(folders).into_iter().zip(folders) {
        let records = record::record_paths(folder)?;
        ensure!(
            !records.is_empty(),
            "{} holds no records: run `ocs train` or `ocs reproduce` first",
            folder.display()
        );
        let theories = if theory { record::theory_paths(folder)? } else { Vec::new() };
        sources.push(Source { name, records, theories });
    }
    Ok(sources)
}

/// Writes the table of all numbers of all runs to `to`; `go_on` is asked before each run.
///
/// # Errors
///
/// Names a file that cannot be read, or says what the writer does; or is that of `go_on`.
pub fn export<W: Write + Seek>(
    sources: &[Source],
    format: Format,
    to: W,
    go_on: &dyn Fn() -> Result<()>,
) -> Result<()> {
    let columns = columns_of(sources)?;
    let to = BufWriter::new(to);
    let sink: Box<dyn Sink> = match format {
        Format::Npz => Box::new(Npz::new(to, &columns.all())?),
        Format::Csv | Format::Json => return export_lines(sources, format, to, go_on),
    };
    fill(sink, sources, &columns, go_on)
}

/// As `export`, of formats that are lines of text, also to what is no file.
///
/// # Errors
///
/// Those of `export`; an archive cannot be written so.
pub fn export_lines<W: Write>(
    sources: &[Source],
    format: Format,
    to: W,
    go_on: &dyn Fn() -> Result<()>,
) -> Result<()> {
    let columns = columns_of(sources)?;
    let all: Vec<Column> = columns.all();
    let sink: Box<dyn Sink + '_> = match format {
        Format::Csv => Box::new(Csv::new(to, &all)?),
        Format::Json => Box::new(JsonLines::new(to, &all)),
        Format::Npz => anyhow::bail!("an archive is written to a file"),
    };
    fill(sink, sources, &columns, go_on)
}

fn columns_of(sources: &[Source]) -> Result<Columns> {
    let mut columns = Columns::default();
    for path in sources.iter().flat_map(|source| &source.records) {
        columns.add(&read_json::<OfCell>(path)?);
    }
    Ok(columns)
}

fn fill(
    mut sink: Box<dyn Sink + '_>,
    sources: &[Source],
    columns: &Columns,
    go_on: &dyn Fn() -> Result<()>,
) -> Result<()> {
    for Source { name, records, theories } in sources {
        for path in records {
            go_on()?;
            let record: Record = read_checked(path)?;
            let run = Run::of_record(name, &record, columns);
            of_record(&record, &mut |row| {
                let mut line = Vec::new();
                run.line(row, columns, &mut line);
                sink.take(&line)
            })?;
        }
        for path in theories {
            go_on()?;
            let theory: TheoryRecord = read_checked(path)?;
            let run = Run::of_theory(name, &theory, columns);
            of_theory(&theory, &mut |row| {
                let mut line = Vec::new();
                run.line(row, columns, &mut line);
                sink.take(&line)
            })?;
        }
    }
    sink.end()
}
