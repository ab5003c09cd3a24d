//! Data on stdout.

use std::io::{self, Write};

use anyhow::Result;
use serde::Serialize;

/// Writes text, with a line's end.
pub fn line(text: &str) -> Result<()> {
    bytes(text.as_bytes())?;
    bytes(b"\n")
}

/// Writes bytes.
pub fn bytes(bytes: &[u8]) -> Result<()> {
    Ok(io::stdout().lock().write_all(bytes)?)
}

/// Writes indented JSON.
pub fn json<T: Serialize>(value: &T) -> Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Whether the reader of stdout went away, which is no failure (`ocs ... | head`).
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// A table with columns as wide as their widest cell; the first row is the heading.
pub fn table(rows: &[Vec<String>]) -> String {
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..n_columns).map(width).collect();
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect();
    lines.join("\n")
}

/// A number for a table; `-` where there is none.
pub fn number(value: Option<f64>) -> String {
    match value {
        Some(value) if value != 0.0 && (value.abs() < 1e-3 || value.abs() >= 1e5) => {
            format!("{value:.3e}")
        }
        Some(value) => format!("{value:.4}"),
        None => "-".to_owned(),
    }
}
