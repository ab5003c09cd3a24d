//! Tables of numbers as colours, and the bar that says which colour is which number.

use super::axis::Axis;
use super::canvas::Canvas;
use super::geometry::Rectangle;
use super::style::{Colour, FRAME_WIDTH, INK, Stroke, TEXT_SIZE, TICK_LENGTH};
use super::text::{Anchor, Text};

/// White to dark blue, even steps of lightness: it reads in grey and with any kind of colour vision.
const RAMP: [Colour; 5] = [
    Colour(0xFF, 0xFF, 0xFF),
    Colour(0xC6, 0xDB, 0xEF),
    Colour(0x74, 0xA9, 0xD0),
    Colour(0x1F, 0x6C, 0xB0),
    Colour(0x08, 0x30, 0x6B),
];

/// The same for negative numbers, in vermilion, for numbers on both sides of 0.
const BELOW: [Colour; 5] = [
    Colour(0xFF, 0xFF, 0xFF),
    Colour(0xF9, 0xD9, 0xC4),
    Colour(0xEE, 0xA5, 0x7C),
    Colour(0xC9, 0x59, 0x1E),
    Colour(0x7A, 0x2E, 0x04),
];

/// The colour of a number between 0 and 1; others take the nearest end's.
pub fn colour_of(share: f64) -> Colour {
    along(&RAMP, share)
}

/// The colour of a number within a range: the lowest white, or, where the range is as wide below 0 as above, 0.
fn colour_within(value: f64, (lowest, highest): (f64, f64)) -> Colour {
    if lowest != -highest {
        return colour_of((value - lowest) / (highest - lowest));
    }
    along(if value < 0.0 { &BELOW } else { &RAMP }, value.abs() / highest)
}

fn along(ramp: &[Colour; 5], share: f64) -> Colour {
    let place = share.clamp(0.0, 1.0) * (ramp.len() - 1) as f64;
    let index = (place.floor() as usize).min(ramp.len() - 2);
    ramp[index].towards(ramp[index + 1], place - index as f64)
}

/// What the bar of colours takes at the right of a frame: itself, its numbers and its title.
pub const BAR_ROOM: f64 = 38.0;

/// Draws `values`, `[row][column]` within a range, into `frame`. Lines part the groups of rows, `groups` rows each.
pub fn heat_map(
    canvas: &mut Canvas,
    frame: Rectangle,
    (values, groups): (&[Vec<f64>], &[usize]),
    between: (f64, f64),
) {
    let rows = values.len().max(1) as f64;
    let height = frame.height / rows;
    for (row, cells) in values.iter().enumerate() {
        let width = frame.width / cells.len().max(1) as f64;
        for (column, &value) in cells.iter().enumerate() {
            let (left, top) = (frame.left + column as f64 * width, frame.top + row as f64 * height);
            canvas.fill(Rectangle { left, top, width, height }, colour_within(value, between));
        }
    }
    let mut row = 0;
    for group in &groups[..groups.len().saturating_sub(1)] {
        row += group;
        let y = frame.top + row as f64 * height;
        canvas.line((frame.left, y), (frame.right(), y), Stroke::solid(INK, FRAME_WIDTH));
    }
    canvas.frame(frame);
}

/// The bar with the numbers that colours stand for: the lowest white (bottom), the highest darkest; where the range is as wide
/// below 0 as above, 0 is white.
pub fn colour_bar(
    canvas: &mut Canvas,
    frame: Rectangle,
    (lowest, highest): (f64, f64),
    title: &str,
) {
    const STRIPS: usize = 64;
    for strip in 0..STRIPS {
        let (low, high) = (strip as f64 / STRIPS as f64, (strip + 1) as f64 / STRIPS as f64);
        let (top, bottom) =
            (frame.bottom() - high * frame.height, frame.bottom() - low * frame.height);
        let piece = Rectangle::between(frame.left, top, frame.right(), bottom);
        let value = lowest + (low + high) / 2.0 * (highest - lowest);
        canvas.fill(piece, colour_within(value, (lowest, highest)));
    }
    let right = frame.right();
    let mut widest: f64 = 0.0;
    let axis = Axis::linear(lowest, highest, title);
    for tick in axis.ticks(3) {
        let Some(up) = axis.position(tick.value) else { continue };
        let y = frame.bottom() - up * frame.height;
        canvas.line((right, y), (right + TICK_LENGTH, y), Stroke::solid(INK, FRAME_WIDTH));
        let at = (right + TICK_LENGTH + 1.5, y);
        let text = Text::centred(tick.label.unwrap_or_default(), at, Anchor::Start, TEXT_SIZE);
        widest = widest.max(text.bounds().width);
        canvas.text(text);
    }
    let at = (right + TICK_LENGTH + (widest + 8.0).max(20.0), frame.centre().1);
    canvas.text(Text::new(title, at, Anchor::Middle, TEXT_SIZE).upward());
    canvas.frame(frame);
}
