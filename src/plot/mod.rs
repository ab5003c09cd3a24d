//! What does a finding look like? What all figures are made of; each study's own figure stands in its room (`studies`).
//!
//! A figure puts marks on a `Canvas`; `render` writes it as PNG (300 pixels an inch) and SVG. How things look is decided in
//! `style`.

/// Bias options side by side.
pub mod biases;
mod contact_sheet;
/// Several conditions in one panel.
pub mod overlay;
/// Responses at moments of learning.
pub mod moments;
/// What runs did along learning.
pub mod over_time;
/// Pages as data.
pub mod page;
mod run;
mod run_words;

/// Axes with data between them.
pub mod axes;
/// Axes and ticks.
pub mod axis;
/// Pages as lists of marks.
pub mod canvas;
/// What is drawn of a record.
pub mod curve;
/// The embedded font.
pub mod fonts;
/// Points and rectangles.
pub mod geometry;
/// Tables as colours.
pub mod heat_map;
/// Names, shortened.
pub mod names;
/// The OCS phase on a panel.
pub mod phases;
/// PNG and SVG.
pub mod render;
/// Colours, lines and sizes.
pub mod style;
/// Signs and their meanings.
pub mod symbols;
/// Lines of text.
pub mod text;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::record::{Record, RunFolder, write_atomically};

pub use contact_sheet::{ContactRow, ContactSheet, contact_sheet};
pub use page::{Entry, HeatMap, Layer, Measure, Page, Panel, Sample};

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Pixels, 300 an inch.
    Png,
    /// Lines and text, for browsers and drawing programs.
    Svg,
    /// Lines and text, for LaTeX and printers.
    Pdf,
}

impl Format {
    /// What an experiment's figure is written as.
    pub const USUAL: [Format; 2] = [Format::Png, Format::Svg];

    /// The end of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Svg => "svg",
            Format::Pdf => "pdf",
        }
    }

    fn bytes(self, canvas: &canvas::Canvas, source: &str) -> Result<Vec<u8>> {
        match self {
            Format::Png => render::png(canvas, source),
            Format::Svg => Ok(render::svg(canvas, source)?.into_bytes()),
            Format::Pdf => render::pdf(canvas, source),
        }
    }
}

/// Draws a figure of `records`: `<name>.png` and `<name>.svg` in `folder`. Returns their paths.
///
/// # Errors
///
/// If a file cannot be written.
pub fn draw(figure: &Page, records: &[Record], folder: &Path, name: &str) -> Result<Vec<PathBuf>> {
    draw_as(&Format::USUAL, figure, records, folder, name)
}

/// The same as files of other kinds.
///
/// # Errors
///
/// If a file cannot be written.
pub fn draw_as(
    formats: &[Format],
    figure: &Page,
    records: &[Record],
    folder: &Path,
    name: &str,
) -> Result<Vec<PathBuf>> {
    write(formats, &figure.canvas(records), &page::source(records), (folder, name))
}

/// The PNG that `draw` writes.
///
/// # Errors
///
/// If it cannot be made.
pub fn png(figure: &Page, records: &[Record]) -> Result<Vec<u8>> {
    render::png(&figure.canvas(records), &page::source(records))
}

/// The PNGs that `draw_run` writes, one for each page.
///
/// # Errors
///
/// If one cannot be made.
pub fn run_pngs(records: &[Record]) -> Result<Vec<Vec<u8>>> {
    let source = page::source(records);
    run_figure(records).iter().map(|page| render::png(page, &source)).collect()
}

/// Draws runs that belong to no experiment: `M` and `V`, distances and true negative rates, a row for each condition,
/// as `<name>.png` and `<name>.svg` in `folder`, or `<name>-1.png`, `<name>-1.svg`, `<name>-2.png` ... where one page does
/// not hold them. Returns their paths.
///
/// # Errors
///
/// If a file cannot be written.
pub fn draw_run(records: &[Record], folder: &Path, name: &str) -> Result<Vec<PathBuf>> {
    draw_run_as(&Format::USUAL, records, folder, name)
}

/// The same as files of other kinds.
///
/// # Errors
///
/// If a file cannot be written.
pub fn draw_run_as(
    formats: &[Format],
    records: &[Record],
    folder: &Path,
    name: &str,
) -> Result<Vec<PathBuf>> {
    let pages = run_figure(records);
    let mut paths = Vec::new();
    for (index, page) in pages.iter().enumerate() {
        let name = match pages.len() {
            1 => name.to_owned(),
            _ => format!("{name}-{}", index + 1),
        };
        paths.extend(write(formats, page, &page::source(records), (folder, &name))?);
    }
    Ok(paths)
}

/// The figure of runs that belong to no experiment, as pages.
pub fn run_figure(records: &[Record]) -> Vec<canvas::Canvas> {
    run::pages(records).iter().map(|page| page.canvas(records)).collect()
}

/// The figure of several conditions or folders of runs in one panel, and the records that it is drawn from.
///
/// # Errors
///
/// Those of `overlay::page`.
pub fn overlay_figure(
    runs: &[(String, &RunFolder)],
    overlay: &overlay::Overlay,
) -> Result<(Page, Vec<Record>)> {
    let of_run = |(run, folder): &(String, &RunFolder)| -> Vec<Record> {
        // Conditions of one name in two folders are two.
        let apart = |record: &Record| Record {
            condition: format!("{run}/{}", record.condition),
            ..record.clone()
        };
        folder.records.iter().map(apart).collect()
    };
    Ok((overlay::page(runs, overlay)?, runs.iter().flat_map(of_run).collect()))
}

fn write(
    formats: &[Format],
    canvas: &canvas::Canvas,
    source: &str,
    (folder, name): (&Path, &str),
) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for format in formats {
        let path = folder.join(format!("{name}.{}", format.extension()));
        write_atomically(&path, &format.bytes(canvas, source)?)?;
        paths.push(path);
    }
    Ok(paths)
}
