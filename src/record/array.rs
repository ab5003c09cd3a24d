//! Arrays over learning that would outgrow a record: they lie beside it, and are written row by row as training goes.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::npy::{array_of_words, header};
use crate::file;

/// How an array keeps its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberFormat {
    /// Eight bytes.
    Float64,
    /// Four bytes.
    Float32,
    /// A byte for a whole number from 0 to 255, as of what is right (1) or wrong (0).
    Uint8,
}

impl NumberFormat {
    /// Bytes of a number.
    pub fn width(self) -> usize {
        match self {
            NumberFormat::Float64 => 8,
            NumberFormat::Float32 => 4,
            NumberFormat::Uint8 => 1,
        }
    }

    fn append(self, value: f64, bytes: &mut Vec<u8>) {
        match self {
            NumberFormat::Float64 => bytes.extend(value.to_le_bytes()),
            NumberFormat::Float32 => bytes.extend((value as f32).to_le_bytes()),
            NumberFormat::Uint8 => bytes.push(value as u8),
        }
    }

    fn number(self, bytes: &[u8]) -> f64 {
        match (self, bytes) {
            (NumberFormat::Float64, &[a, b, c, d, e, f, g, h]) => {
                f64::from_le_bytes([a, b, c, d, e, f, g, h])
            }
            (NumberFormat::Float32, &[a, b, c, d]) => f64::from(f32::from_le_bytes([a, b, c, d])),
            (_, bytes) => bytes.first().map_or(f64::NAN, |&byte| f64::from(byte)),
        }
    }

    /// As NumPy calls it.
    fn numpy(self) -> &'static str {
        match self {
            NumberFormat::Float64 => "<f8",
            NumberFormat::Float32 => "<f4",
            NumberFormat::Uint8 => "|u1",
        }
    }
}

/// What a record says of an array beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArrayRecord {
    /// Names of the dimensions after time.
    pub dims: Vec<String>,
    /// Their sizes.
    pub shape: Vec<usize>,
    /// Unit of the values.
    pub unit: String,
    /// How numbers are kept.
    pub format: NumberFormat,
}

impl ArrayRecord {
    /// Of dimensions with their sizes.
    pub fn new(dims: &[(&str, usize)], unit: &str, format: NumberFormat) -> Self {
        ArrayRecord {
            dims: dims.iter().map(|(name, _)| (*name).to_owned()).collect(),
            shape: dims.iter().map(|(_, size)| *size).collect(),
            unit: unit.to_owned(),
            format,
        }
    }

    /// Numbers of one row.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    fn row_bytes(&self) -> u64 {
        (self.size() * self.format.width()) as u64
    }
}

/// An array that is to lie beside a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArrayBeside {
    /// Its name, in lower-case letters and dashes.
    pub name: String,
    /// What the record says of it.
    pub array: ArrayRecord,
    /// Whole numbers along a dimension, by name: which item each sample is of.
    pub constants: Vec<(String, Vec<i64>)>,
}

impl ArrayBeside {
    /// The file that a run leaves beside its record at `path`: an archive of NumPy with the array, `[time, ...]`, `step` and
    /// `time` of its rows, the constants, and `dims`, the dimensions' names.
    pub fn path(&self, record: &Path) -> PathBuf {
        path_of(record, &self.name)
    }
}

fn path_of(record: &Path, name: &str) -> PathBuf {
    record.with_extension(format!("{name}.npz"))
}

/// Where rows of a run under way are: behind a dot, since what they are part of is not whole.
fn rows_path(record: &Path, name: &str) -> PathBuf {
    let stem = record.file_stem().unwrap_or_default().to_string_lossy();
    record.with_file_name(format!(".{stem}.{name}.rows"))
}

/// Rows of an array of a run under way.
pub struct Rows {
    beside: ArrayBeside,
    /// The run's record.
    record: PathBuf,
    file: BufWriter<File>,
}

impl Rows {
    /// Goes on behind the first `rows` rows, of which a checkpoint knows; behind none it begins anew.
    ///
    /// # Errors
    ///
    /// If those are not there; names the file and the remedy.
    pub fn open(beside: ArrayBeside, record: &Path, rows: usize) -> Result<Rows> {
        let (path, left) = (rows_path(record, &beside.name), beside.path(record));
        let cannot =
            || format!("cannot write {}: make room, or choose another --out", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(cannot)?;
        }
        let length = rows as u64 * beside.array.row_bytes();
        let open =
            || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open().with_context(cannot)?;
        if file.metadata().with_context(cannot)?.len() < length && left.exists() {
            // Of a run that had ended, and is given more steps.
            file.set_len(0).with_context(cannot)?;
            let mut archive = archive(&left)?;
            let array = array_in(&mut archive, &beside.name, &left)?;
            std::io::copy(&mut array.take(length), &mut file).with_context(cannot)?;
        }
        let there = file.metadata().with_context(cannot)?.len();
        ensure!(
            there >= length,
            "{} has fewer rows than its run's checkpoint says, and {} does not have them either: begin the run anew with --overwrite",
            path.display(),
            left.display()
        );
        file.set_len(length).with_context(cannot)?;
        file.seek(SeekFrom::End(0)).with_context(cannot)?;
        Ok(Rows { beside, record: record.to_owned(), file: BufWriter::new(file) })
    }

    fn cannot(&self) -> String {
        let path = rows_path(&self.record, &self.beside.name);
        format!("cannot write {}: make room, or choose another --out", path.display())
    }

    /// Appends a row.
    ///
    /// # Errors
    ///
    /// If it has another number of values, or cannot be written.
    pub fn push(&mut self, values: &[f64]) -> Result<()> {
        let ArrayRecord { format, .. } = self.beside.array;
        let size = self.beside.array.size();
        ensure!(
            values.len() == size,
            "a row of {} has {size} values, not {}",
            self.beside.name,
            values.len()
        );
        let mut bytes = Vec::with_capacity(size * format.width());
        values.iter().for_each(|&value| format.append(value, &mut bytes));
        self.file.write_all(&bytes).with_context(|| self.cannot())
    }

    /// Returns when all rows are on the disk: a checkpoint may count them then.
    ///
    /// # Errors
    ///
    /// Names the file.
    pub fn sync(&mut self) -> Result<()> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_data());
        synced.with_context(|| self.cannot())
    }

    /// Writes what a run leaves, whose moments are at these steps and times.
    ///
    /// # Errors
    ///
    /// Names the file; what was there stays.
    pub fn leave(&mut self, step: &[u64], time: &[f64]) -> Result<()> {
        self.sync()?;
        let path = self.beside.path(&self.record);
        let ArrayBeside { name, array, constants } = &self.beside;
        let rows = step.len() as u64;
        let source = self.file.get_mut();
        let written = file::stream::<anyhow::Error>(&path, true, |to| {
            let mut archive = ZipWriter::new(BufWriter::new(to));
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .large_file(true);
            let begin = |archive: &mut ZipWriter<_>, name: &str, kind: &str, shape: &[u64]| {
                archive.start_file(format!("{name}.npy"), options)?;
                archive.write_all(&header(kind, shape))?;
                anyhow::Ok(())
            };
            let shape: Vec<u64> =
                std::iter::once(rows).chain(array.shape.iter().map(|&size| size as u64)).collect();
            begin(&mut archive, name, array.format.numpy(), &shape)?;
            source.rewind()?;
            std::io::copy(&mut source.take(rows * array.row_bytes()), &mut archive)?;
            begin(&mut archive, "step", "<i8", &[rows])?;
            for &step in step {
                archive.write_all(&i64::try_from(step)?.to_le_bytes())?;
            }
            begin(&mut archive, "time", "<f8", &[rows])?;
            for time in time {
                archive.write_all(&time.to_le_bytes())?;
            }
            for (name, values) in constants {
                begin(&mut archive, name, "<i8", &[values.len() as u64])?;
                for value in values {
                    archive.write_all(&value.to_le_bytes())?;
                }
            }
            let dims: Vec<&str> =
                std::iter::once("time").chain(array.dims.iter().map(String::as_str)).collect();
            archive.start_file("dims.npy", options)?;
            archive.write_all(&array_of_words(&dims))?;
            archive.finish()?.flush()?;
            source.seek(SeekFrom::End(0))?;
            Ok(())
        });
        written.with_context(|| {
            format!("cannot write {}: make room, or choose another --out", path.display())
        })
    }

    /// Removes the rows of a run that has left its arrays.
    pub fn close(&self) -> Result<()> {
        let path = rows_path(&self.record, &self.beside.name);
        file::remove(&path).with_context(|| format!("cannot remove {}", path.display()))
    }
}

fn archive(path: &Path) -> Result<ZipArchive<BufReader<File>>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    ZipArchive::new(BufReader::new(file)).with_context(|| format!("{} is damaged", path.display()))
}

/// An array of an archive, behind its header.
fn array_in<'a>(
    archive: &'a mut ZipArchive<BufReader<File>>,
    name: &str,
    path: &Path,
) -> Result<impl Read + use<'a>> {
    let damaged = || format!("{} is damaged", path.display());
    let mut array = archive.by_name(&format!("{name}.npy")).with_context(damaged)?;
    let mut before = [0; 10];
    array.read_exact(&mut before).with_context(damaged)?;
    let mut words = vec![0; usize::from(u16::from_le_bytes([before[8], before[9]]))];
    array.read_exact(&mut words).with_context(damaged)?;
    Ok(array)
}

impl ArrayRecord {
    /// Reads all rows of the array `name` that a run left beside its record, one for each moment.
    ///
    /// # Errors
    ///
    /// If the file is not there, or ends within a row; names it.
    pub fn read_rows(&self, record: &Path, name: &str, rows: usize) -> Result<Vec<Vec<f64>>> {
        let path = path_of(record, name);
        let mut archive = archive(&path)?;
        let mut array = array_in(&mut archive, name, &path)?;
        let mut bytes = vec![0; self.row_bytes() as usize];
        let mut row = |index: usize| -> Result<Vec<f64>> {
            array
                .read_exact(&mut bytes)
                .with_context(|| format!("{} has no row {index}", path.display()))?;
            let numbers = bytes.chunks_exact(self.format.width());
            Ok(numbers.map(|bytes| self.format.number(bytes)).collect())
        };
        (0..rows).map(&mut row).collect()
    }

    /// Reads one row of the array `name` that a run left beside its record.
    ///
    /// # Errors
    ///
    /// If the file is not there, or has no such row; names it.
    pub fn read_row(&self, record: &Path, name: &str, row: usize) -> Result<Vec<f64>> {
        let path = path_of(record, name);
        let mut archive = archive(&path)?;
        let mut array = array_in(&mut archive, name, &path)?;
        let before = row as u64 * self.row_bytes();
        let skipped = std::io::copy(&mut array.by_ref().take(before), &mut std::io::sink())?;
        let mut bytes = vec![0; self.row_bytes() as usize];
        array
            .read_exact(&mut bytes)
            .with_context(|| format!("{} has no row {row}", path.display()))?;
        ensure!(skipped == before, "{} has no row {row}", path.display());
        Ok(bytes.chunks_exact(self.format.width()).map(|bytes| self.format.number(bytes)).collect())
    }
}

/// What the array of responses to each sample is called: `SEED.responses.npz`.
pub const RESPONSES: &str = "responses";
/// The array of which evaluation samples are right.
pub const EXAMPLES: &str = "examples";
/// The same of training samples.
pub const TRAINING_EXAMPLES: &str = "training-examples";
/// Arrays beside records. Of other files there nothing is known.
const ARRAYS: [&str; 3] = [RESPONSES, EXAMPLES, TRAINING_EXAMPLES];

/// Which files beside records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Arrays, and rows of them.
    All,
    /// Rows alone: of runs that are over, whose process was killed before it had removed them.
    Rows,
}

/// Removes files that lie beside records in the folder of a condition, of the runs whose seeds `is_of` takes.
///
/// # Errors
///
/// Names what cannot be removed.
pub fn remove_beside(folder: &Path, which: Beside, is_of: &dyn Fn(u64) -> bool) -> Result<()> {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_rows = name.starts_with('.') && name.ends_with(".rows");
        let is_array = name
            .split_once('.')
            .and_then(|(_, rest)| rest.strip_suffix(".npz"))
            .is_some_and(|array| ARRAYS.contains(&array));
        let seed =
            name.trim_start_matches('.').split('.').next().and_then(|seed| seed.parse().ok());
        let is_meant = is_rows || (is_array && which == Beside::All);
        if is_meant && seed.is_some_and(is_of) {
            let path = entry.path();
            file::remove(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}
