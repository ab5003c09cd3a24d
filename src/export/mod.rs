//! How do other programs read what runs left? As one long table: a row for each number, with what it is in columns beside it.
//! And a trained network as a folder for PyTorch.
//!
//! `rows` walks through a record, `column` says what a table of several runs has for columns, and a `Sink` for each format takes
//! its lines. No more than one record is in memory at a time. `docs/results.md` says what each column means.

mod column;
mod csv;
mod events;
mod json_lines;
mod names;
mod npz;
mod row;
mod rows;
mod sink;
mod table;
mod torch;

pub use column::names_of_folders;
pub use events::EventFile;
pub use row::Row;
pub use rows::{THEORY, TRAINING, of_record, of_theory};
pub use table::{Format, Source, export, export_lines, sources};
pub use torch::{FILES, TorchExport, write_network};
