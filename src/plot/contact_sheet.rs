//! Samples of a data set beside the items that they stand for: is the mapping what one meant?

use std::path::Path;

use anyhow::{Result, ensure};

use super::canvas::Canvas;
use super::geometry::Rectangle;
use super::render;
use super::style::{Colour, PAGE_WIDTH, TEXT_SIZE, TITLE_SIZE};
use super::text::{Anchor, Text, text_width};
use crate::record::write_atomically;

/// Samples to be shown, a row for each item.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactSheet {
    /// What they are, with their number.
    pub title: String,
    /// The items in the tree's order.
    pub rows: Vec<ContactRow>,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
}

/// One item's samples.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactRow {
    /// The class's name or number, and the item's path in the hierarchy.
    pub title: String,
    /// Bytes of each image, one channel after the other, row by row: `[channel][y][x]`.
    pub images: Vec<Vec<u8>>,
}

const MARGIN: f64 = 12.0;
/// One pixel of the PNG, in points: image pixels are whole numbers of them.
const PIXEL: f64 = 72.0 / 300.0;
// Multiples of a pixel, so that the pixels of images fall on whole ones.
const GAP: f64 = 12.0 * PIXEL;
const TOP: f64 = 108.0 * PIXEL;
/// Enlargement beyond this adds nothing.
const LARGEST: f64 = 6.0;

/// Writes the samples to `path` as a PNG, enlarged without smoothing.
///
/// # Errors
///
/// If an image has another size than the sheet says, or the file cannot be written.
pub fn contact_sheet(sheet: &ContactSheet, path: &Path) -> Result<()> {
    let canvas = page(sheet)?;
    write_atomically(path, &render::png(&canvas, &format!("ocs: {}", sheet.title))?)
}

fn page(sheet: &ContactSheet) -> Result<Canvas> {
    let expected = sheet.channels * sheet.height * sheet.width;
    ensure!(
        [1, 3].contains(&sheet.channels) && expected > 0,
        "a contact sheet shows images of 1 or 3 channels and at least one pixel, not {} x {} x {}",
        sheet.channels,
        sheet.height,
        sheet.width
    );
    for image in sheet.rows.iter().flat_map(|row| &row.images) {
        ensure!(image.len() == expected, "an image has {} bytes, not {expected}", image.len());
    }
    let titles = sheet.rows.iter().map(|row| text_width(&row.title, TEXT_SIZE, false));
    let left = MARGIN + titles.fold(0.0, f64::max) + 8.0;
    let left = (left / PIXEL).ceil() * PIXEL;
    let columns = sheet.rows.iter().map(|row| row.images.len()).max().unwrap_or(0).max(1) as f64;
    let room = (PAGE_WIDTH - left - MARGIN) / columns - GAP;
    let pixels = (room / PIXEL / sheet.width as f64).floor().clamp(1.0, LARGEST);
    let size = pixels * PIXEL;
    let (across, down) = (size * sheet.width as f64 + GAP, size * sheet.height as f64 + GAP);
    let title_width = text_width(&sheet.title, TITLE_SIZE, true);
    let width = (left + columns * across).max(MARGIN + title_width) + MARGIN;
    let mut canvas = Canvas::new(width, TOP + sheet.rows.len() as f64 * down + MARGIN);
    let title = Text::centred(&*sheet.title, (MARGIN, 13.0), Anchor::Start, TITLE_SIZE);
    canvas.text(title.bold());
    for (index, row) in sheet.rows.iter().enumerate() {
        let top = TOP + index as f64 * down;
        let at = (MARGIN, top + (down - GAP) / 2.0);
        canvas.text(Text::centred(&*row.title, at, Anchor::Start, TEXT_SIZE));
        for (column, image) in row.images.iter().enumerate() {
            show(&mut canvas, sheet, image, (left + column as f64 * across, top, size));
        }
    }
    Ok(canvas)
}

fn show(canvas: &mut Canvas, sheet: &ContactSheet, image: &[u8], place: (f64, f64, f64)) {
    let (left, top, size) = place;
    let plane = sheet.height * sheet.width;
    for y in 0..sheet.height {
        for x in 0..sheet.width {
            let at = y * sheet.width + x;
            let channel = |index: usize| image[at + index.min(sheet.channels - 1) * plane];
            let colour = Colour(channel(0), channel(1), channel(2));
            // Ends are computed from the same products, so that neighbours meet without a seam.
            let cell = Rectangle::between(
                left + x as f64 * size,
                top + y as f64 * size,
                left + (x + 1) as f64 * size,
                top + (y + 1) as f64 * size,
            );
            canvas.fill(cell, colour);
        }
    }
}
