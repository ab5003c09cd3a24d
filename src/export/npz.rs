//! NumPy's archives: an array for each column, all of one length, none of Python objects.
//!
//! Words are numbered: `metric` holds numbers, -1 for what is missing, and `metric_names` the words that they stand for. Whole
//! numbers that are missing are -1, too, and numbers that are missing NaN.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, Write};

use anyhow::{Context, Result};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::column::{Column, Field, Kind};
use super::sink::Sink;
use crate::record::{array_of_words, header};

/// A column on its way: how many lines a table has is known at its end, and they may be more than memory holds.
struct Spool {
    column: Column,
    values: BufWriter<File>,
    /// Words that were met, with their numbers.
    words: HashMap<String, i32>,
}

/// Writes an archive at the end.
pub struct Npz<W: Write + Seek> {
    to: W,
    spools: Vec<Spool>,
    lines: u64,
}

impl<W: Write + Seek> Npz<W> {
    pub fn new(to: W, columns: &[Column]) -> Result<Self> {
        let spool = |column: &Column| {
            let file = tempfile::tempfile()
                .context("cannot write to the folder of temporary files (TMPDIR)")?;
            let (values, words) = (BufWriter::new(file), HashMap::new());
            Ok(Spool { column: column.clone(), values, words })
        };
        let spools = columns.iter().map(spool).collect::<Result<_>>()?;
        Ok(Npz { to, spools, lines: 0 })
    }
}

impl Column {
    /// A whole number of this column, as NumPy has them beside -1 for what is missing.
    fn signed(&self, number: u64) -> Result<i64> {
        i64::try_from(number).ok().with_context(|| {
            format!(
                "column '{}' holds {number}, more than the {} that --format npz can: --format csv and json hold it",
                self.name,
                i64::MAX
            )
        })
    }
}

impl Spool {
    fn take(&mut self, field: &Field) -> Result<()> {
        let number = match (self.column.kind, field) {
            (Kind::Whole, Field::Whole(number)) => self.column.signed(*number)?,
            _ => -1,
        };
        self.write(field, number).context("no room for temporary files (TMPDIR names their folder)")
    }

    /// Appends what stands in a line; `whole` is that of a column of whole numbers.
    fn write(&mut self, field: &Field, whole: i64) -> std::io::Result<()> {
        let values = &mut self.values;
        match (self.column.kind, field) {
            (Kind::Text, Field::Text(word)) => {
                let next = self.words.len() as i32;
                let number = match self.words.get(*word) {
                    Some(number) => *number,
                    None => *self.words.entry((*word).to_owned()).or_insert(next),
                };
                values.write_all(&number.to_le_bytes())?;
            }
            (Kind::Text, _) => values.write_all(&(-1i32).to_le_bytes())?,
            (Kind::Whole, _) => values.write_all(&whole.to_le_bytes())?,
            (Kind::Number, Field::Number(number)) => values.write_all(&number.to_le_bytes())?,
            (Kind::Number, _) => values.write_all(&f64::NAN.to_le_bytes())?,
        }
        Ok(())
    }

    /// Numbered words, in the order of their numbers.
    fn words(&self) -> Vec<&str> {
        let mut words: Vec<(&i32, &str)> =
            self.words.iter().map(|(word, number)| (number, &**word)).collect();
        words.sort_unstable();
        words.into_iter().map(|(_, word)| word).collect()
    }
}

impl<W: Write + Seek> Sink for Npz<W> {
    fn take(&mut self, line: &[Field]) -> Result<()> {
        self.lines += 1;
        self.spools.iter_mut().zip(line).try_for_each(|(spool, field)| spool.take(field))
    }

    fn end(self: Box<Self>) -> Result<()> {
        let Npz { to, spools, lines } = *self;
        let mut archive = ZipWriter::new(to);
        let options = SimpleFileOptions::default().large_file(true);
        for mut spool in spools {
            let name = spool.column.name.clone();
            let kind = match spool.column.kind {
                Kind::Text => "<i4",
                Kind::Whole => "<i8",
                Kind::Number => "<f8",
            };
            archive.start_file(format!("{name}.npy"), options)?;
            archive.write_all(&header(kind, &[lines]))?;
            spool.values.flush()?;
            spool.values.get_mut().rewind()?;
            std::io::copy(&mut BufReader::new(spool.values.get_ref()), &mut archive)?;
            if spool.column.kind == Kind::Text {
                archive.start_file(format!("{name}_names.npy"), options)?;
                archive.write_all(&array_of_words(&spool.words()))?;
            }
        }
        archive.finish()?.flush()?;
        Ok(())
    }
}
