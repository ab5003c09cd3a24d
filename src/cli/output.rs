//! Data on stdout.

use std::io::{self, Write};

use anyhow::Result;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::plot::names::shortened;

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
    let is_broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        let of_table = || match cause.downcast_ref::<csv::Error>().map(csv::Error::kind) {
            Some(csv::ErrorKind::Io(error)) => is_broken(error),
            Some(_) | None => false,
        };
        cause.downcast_ref::<io::Error>().is_some_and(is_broken) || of_table()
    })
}

/// A table with columns as wide as their widest cell; the first row is the heading. On a terminal that is too narrow, the
/// names in the first column are shortened, or each row is told over several lines; in a pipe nothing is changed.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0);
    table_within(rows, columns.map(usize::from))
}

/// Names in the first column are not cut shorter than this.
const SHORTEST_NAME: usize = 16;
const GAP: &str = "  ";

fn table_within(rows: &[Vec<String>], columns: Option<usize>) -> String {
    let widths = widths(rows);
    let all = widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
    match columns {
        Some(columns) if all > columns => {
            let first = widths.first().copied().unwrap_or(0);
            let room = columns.saturating_sub(all - first);
            if room >= SHORTEST_NAME.min(first) {
                aligned(&with_short_names(rows, room))
            } else {
                over_several_lines(rows, columns)
            }
        }
        Some(_) | None => aligned(rows),
    }
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    (0..n_columns).map(width).collect()
}

fn aligned(rows: &[Vec<String>]) -> String {
    let widths = widths(rows);
    let padded = |(cell, &width): (&String, &usize)| {
        format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width())))
    };
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(padded).collect();
        cells.join(GAP).trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Rows whose first cells take at most `room` columns.
fn with_short_names(rows: &[Vec<String>], room: usize) -> Vec<Vec<String>> {
    let names: Vec<&str> = rows.iter().map(|row| row.first().map_or("", String::as_str)).collect();
    let names = shortened(&names, |text| text.width() as f64, room as f64);
    let rest = |row: &Vec<String>| row.iter().skip(1).cloned().collect::<Vec<_>>();
    rows.iter().zip(names).map(|(row, name)| [vec![name], rest(row)].concat()).collect()
}

fn over_several_lines(rows: &[Vec<String>], columns: usize) -> String {
    let rows = with_short_names(rows, columns);
    let Some((heading, rows)) = rows.split_first() else { return String::new() };
    let mut lines = Vec::new();
    for row in rows {
        lines.extend(row.first().cloned());
        let cells = heading.iter().zip(row).skip(1);
        lines.extend(cells.map(|(heading, cell)| format!("{GAP}{heading}: {cell}")));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(names: &[&str]) -> Vec<Vec<String>> {
        let heading = ["condition", "onset", "end"].map(str::to_owned).to_vec();
        let row = |name: &&str| [*name, "14.4992..18.7234", "22.2098"].map(str::to_owned).to_vec();
        [vec![heading], names.iter().map(row).collect()].concat()
    }

    #[test]
    fn a_table_fits_the_terminal_and_loses_nothing_in_a_pipe() {
        let long = ["x".repeat(90) + "-lr-0.1", "x".repeat(90) + "-lr-0.2", "größe".to_owned()];
        let rows = rows(&long.each_ref().map(String::as_str));
        let whole = table_within(&rows, None);
        assert!(whole.contains(&long[0]) && whole.lines().count() == 4);
        for columns in [200, 80, 50, 44] {
            let table = table_within(&rows, Some(columns));
            assert_eq!(table.lines().count(), 4, "{table}");
            assert!(table.lines().all(|line| line.width() <= columns), "{columns}:\n{table}");
            assert!(table.contains("-lr-0.1 ") && table.contains("-lr-0.2 "), "{table}");
        }
        let narrow = table_within(&rows, Some(30));
        assert_eq!(narrow.lines().count(), 9, "{narrow}");
        assert!(narrow.ends_with("größe\n  onset: 14.4992..18.7234\n  end: 22.2098"), "{narrow}");
        assert!(narrow.lines().all(|line| line.width() <= 30), "{narrow}");
    }

    #[test]
    fn columns_are_aligned_as_a_terminal_shows_them() {
        let table = table_within(&rows(&["abcd", "名前", "e\u{301}\u{301}tat"]), Some(80));
        let place = |line: &str| line.split("14.4992").next().unwrap().width();
        let places: Vec<usize> = table.lines().skip(1).map(place).collect();
        assert_eq!(places, [11, 11, 11], "{table}");
        assert_eq!(table_within(&[], Some(80)), "");
    }
}
