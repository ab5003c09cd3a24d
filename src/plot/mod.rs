//! What does a finding look like? One file per figure; each reads records and nothing else.
//!
//! A figure puts marks on a `Canvas`; `render` writes it as PNG (300 pixels an inch) and SVG. How things look is decided in
//! `style`.

mod biases;
mod contact_sheet;
mod images;
mod moments;
mod ocs_cifar10;
mod ocs_classes;
mod ocs_depth;
mod ocs_init_scale;
mod ocs_correlation;
mod ocs_frequencies;
mod ocs_gram;
mod ocs_kernel;
mod ocs_linear;
mod ocs_loss;
mod ocs_mnist;
mod ocs_modes;
mod page;
mod reference;
mod run;
mod run_words;
mod scales;

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
/// Captions and headings.
pub mod legend;
/// Names, shortened.
pub mod names;
/// Axes with data between them.
pub mod panel;
/// PNG and SVG.
pub mod render;
/// Colours, lines and sizes.
pub mod style;
/// Lines of text.
pub mod text;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::config::Experiment;
use crate::record::{Record, RunFolder, write_atomically};

pub use contact_sheet::{ContactRow, ContactSheet, contact_sheet};

/// Draws an experiment's figure: `<stem>.png` and `<stem>.svg` in `folder`. Returns their paths.
///
/// Conditions that were not run leave panels that say so.
///
/// # Errors
///
/// If a file cannot be written.
pub fn draw(stem: Experiment, runs: &RunFolder, folder: &Path) -> Result<Vec<PathBuf>> {
    draw_as(stem, runs, folder, stem.stem())
}

/// As `draw`, but `<name>.png` and `<name>.svg`: the figure of an experiment from other runs than its own.
///
/// # Errors
///
/// If a file cannot be written.
pub fn draw_as(
    stem: Experiment,
    runs: &RunFolder,
    folder: &Path,
    name: &str,
) -> Result<Vec<PathBuf>> {
    write(&figure(stem, runs), &page::source(&runs.records), folder, name)
}

/// An experiment's figure as a page.
pub fn figure(stem: Experiment, runs: &RunFolder) -> canvas::Canvas {
    match stem {
        Experiment::OcsLinear => ocs_linear::figure(runs),
        Experiment::OcsModes => ocs_modes::figure(runs),
        Experiment::OcsInitScale => ocs_init_scale::figure(runs),
        Experiment::OcsDepth => ocs_depth::figure(runs),
        Experiment::OcsCorrelation => ocs_correlation::figure(runs),
        Experiment::OcsFrequencies => ocs_frequencies::figure(runs),
        Experiment::OcsLoss => ocs_loss::figure(runs),
        Experiment::OcsGram => ocs_gram::figure(runs),
        Experiment::OcsKernel => ocs_kernel::figure(runs),
        Experiment::OcsMnist => ocs_mnist::figure(runs),
        Experiment::OcsCifar10 => ocs_cifar10::figure(runs),
        Experiment::OcsClasses => ocs_classes::figure(runs),
    }
}

/// Draws runs that belong to no experiment: `M` and `V`, distances and true negative rates, a row for each condition,
/// as `<name>.png` and `<name>.svg` in `folder`, or `<name>-1.png`, `<name>-1.svg`, `<name>-2.png` ... where one page does
/// not hold them. Returns their paths.
///
/// # Errors
///
/// If a file cannot be written.
pub fn draw_run(records: &[Record], folder: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let pages = run_figure(records);
    let mut paths = Vec::new();
    for (index, page) in pages.iter().enumerate() {
        let name = match pages.len() {
            1 => name.to_owned(),
            _ => format!("{name}-{}", index + 1),
        };
        paths.extend(write(page, &page::source(records), folder, &name)?);
    }
    Ok(paths)
}

/// The figure of runs that belong to no experiment, as pages.
pub fn run_figure(records: &[Record]) -> Vec<canvas::Canvas> {
    run::pages(records)
}

fn write(canvas: &canvas::Canvas, source: &str, folder: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let png = folder.join(format!("{name}.png"));
    write_atomically(&png, &render::png(canvas, source)?)?;
    let svg = folder.join(format!("{name}.svg"));
    write_atomically(&svg, render::svg(canvas, source)?.as_bytes())?;
    Ok(vec![png, svg])
}
