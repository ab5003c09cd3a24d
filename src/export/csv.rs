//! Comma-separated values.

use std::io::{self, Write};

use anyhow::Result;

use super::column::{Column, Field};
use super::sink::Sink;

/// Writes a heading, then a line for each number; what is missing is empty.
pub struct Csv<W: Write>(csv::Writer<W>);

impl<W: Write> Csv<W> {
    pub fn new(to: W, columns: &[Column]) -> Result<Self> {
        let mut writer = csv::Writer::from_writer(to);
        writer.write_record(columns.iter().map(|column| &column.name)).map_err(io::Error::from)?;
        Ok(Csv(writer))
    }
}

impl<W: Write> Sink for Csv<W> {
    fn take(&mut self, line: &[Field]) -> Result<()> {
        // As errors of files, which a reader that went away is.
        self.write(line).map_err(io::Error::from)?;
        Ok(())
    }

    fn end(mut self: Box<Self>) -> Result<()> {
        Ok(self.0.flush()?)
    }
}

impl<W: Write> Csv<W> {
    fn write(&mut self, line: &[Field]) -> csv::Result<()> {
        for field in line {
            match field {
                Field::Text(text) => self.0.write_field(text)?,
                Field::Whole(number) => self.0.write_field(number.to_string())?,
                // The fewest digits that are this number and no other.
                Field::Number(number) => self.0.write_field(format!("{number:?}"))?,
                Field::Missing => self.0.write_field("")?,
            }
        }
        self.0.write_record(None::<&[u8]>)
    }
}
