//! JSON lines: a map for each number, with the same keys in every line.

use std::io::{self, Write};

use anyhow::Result;
use serde::Serializer;
use serde::ser::SerializeMap;

use super::column::{Column, Field};
use super::sink::Sink;

/// Writes a line for each number; what is missing is `null`.
pub struct JsonLines<W: Write> {
    to: W,
    columns: Vec<Column>,
}

impl<W: Write> JsonLines<W> {
    pub fn new(to: W, columns: &[Column]) -> Self {
        JsonLines { to, columns: columns.to_vec() }
    }
}

impl<W: Write> Sink for JsonLines<W> {
    fn take(&mut self, line: &[Field]) -> Result<()> {
        // As errors of files, which a reader that went away is.
        self.write(line).map_err(io::Error::from)?;
        Ok(self.to.write_all(b"\n")?)
    }

    fn end(mut self: Box<Self>) -> Result<()> {
        Ok(self.to.flush()?)
    }
}

impl<W: Write> JsonLines<W> {
    fn write(&mut self, line: &[Field]) -> serde_json::Result<()> {
        let mut serializer = serde_json::Serializer::new(&mut self.to);
        let mut map = serializer.serialize_map(Some(line.len()))?;
        for (Column { name, .. }, field) in self.columns.iter().zip(line) {
            match field {
                Field::Text(text) => map.serialize_entry(name, text)?,
                Field::Whole(number) => map.serialize_entry(name, number)?,
                Field::Number(number) => map.serialize_entry(name, number)?,
                Field::Missing => map.serialize_entry(name, &())?,
            }
        }
        map.end()
    }
}
