//! Who takes the lines of a table.

use anyhow::Result;

use super::column::Field;

/// Takes the lines of a table.
pub trait Sink {
    /// Takes one, its fields in the order of the columns.
    fn take(&mut self, line: &[Field]) -> Result<()>;

    /// There are no more.
    fn end(self: Box<Self>) -> Result<()>;
}
