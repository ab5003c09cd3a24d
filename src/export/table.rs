//! The long table of several runs, written line by line.

use std::collections::BTreeMap;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::column::{Column, Columns, Run, names_of_folders};
use super::csv::Csv;
use super::json_lines::JsonLines;
use super::npz::Npz;
use super::rows::{of_record, of_theory};
use super::sink::Sink;
use crate::config;
use crate::record::{self, CellRecord, Record, TheoryRecord, read_checked, read_json};

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
    /// By the names of their folders; none without a grid.
    cells: BTreeMap<String, CellRecord>,
}

/// What a record says of its cell; the rest may be megabytes.
#[derive(Deserialize)]
struct OfCell {
    condition: String,
    #[serde(default)]
    cell: Option<CellRecord>,
}

/// What lies in folders of runs, each with its own name; `theory` says whether its answers are wanted.
///
/// # Errors
///
/// If a folder holds no record, or it or one of its files cannot be read.
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
        let mut cells = if theory { planned_cells(folder)? } else { BTreeMap::new() };
        for path in &records {
            let OfCell { condition, cell } = read_json(path)?;
            cells.extend(cell.map(|cell| (condition, cell)));
        }
        sources.push(Source { name, records, theories, cells });
    }
    Ok(sources)
}

/// Cells of the config that a folder keeps: theory may have answered to one that has no record yet.
fn planned_cells(folder: &Path) -> Result<BTreeMap<String, CellRecord>> {
    let Some(config) = record::kept_config(folder).filter(|config| !config.grid.is_empty()) else {
        return Ok(BTreeMap::new());
    };
    let cells = config::cells(&config)
        .with_context(|| format!("{} tells no cells", record::config_path(folder).display()))?;
    let of_cell = |cell: config::Cell| {
        (cell.name, CellRecord { condition: cell.condition, values: cell.values })
    };
    Ok(cells.into_iter().map(of_cell).collect())
}

impl Source {
    /// The cell that theory answered to; an answer for a further seed keeps the name that it has in place of the condition's.
    fn cell_of(&self, theory: &TheoryRecord) -> Option<CellRecord> {
        if let Some(cell) = self.cells.get(&theory.condition) {
            return Some(cell.clone());
        }
        let seed = *theory.config.seeds.first()?;
        let of_seed = |(name, _): &(&String, &CellRecord)| {
            theory.condition == record::condition_of_seed(name, seed)
        };
        let (_, cell) = self.cells.iter().find(of_seed)?;
        Some(CellRecord { condition: Some(theory.condition.clone()), ..cell.clone() })
    }
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
    let to = BufWriter::new(to);
    match format {
        Format::Npz => {
            let columns = columns_of(sources);
            fill(Box::new(Npz::new(to, &columns.all())?), sources, &columns, go_on)
        }
        Format::Csv | Format::Json => export_lines(sources, format, to, go_on),
    }
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
    let columns = columns_of(sources);
    let all: Vec<Column> = columns.all();
    let sink: Box<dyn Sink + '_> = match format {
        Format::Csv => Box::new(Csv::new(to, &all)?),
        Format::Json => Box::new(JsonLines::new(to, &all)),
        Format::Npz => anyhow::bail!("an archive is written to a file"),
    };
    fill(sink, sources, &columns, go_on)
}

fn columns_of(sources: &[Source]) -> Columns {
    let mut columns = Columns::default();
    sources.iter().flat_map(|source| source.cells.values()).for_each(|cell| columns.add(cell));
    columns
}

fn fill(
    mut sink: Box<dyn Sink + '_>,
    sources: &[Source],
    columns: &Columns,
    go_on: &dyn Fn() -> Result<()>,
) -> Result<()> {
    for source in sources {
        let Source { name, records, theories, .. } = source;
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
            let cell = source.cell_of(&theory);
            let run = Run::of_theory(name, &theory, cell.as_ref(), columns);
            of_theory(&theory, &mut |row| {
                let mut line = Vec::new();
                run.line(row, columns, &mut line);
                sink.take(&line)
            })?;
        }
    }
    sink.end()
}
