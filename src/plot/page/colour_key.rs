//! Colours that stand for values of one thing: a strip with its name at the left and a number below each colour.

use crate::plot::canvas::Canvas;
use crate::plot::geometry::Rectangle;
use crate::plot::style::{BLUE, Colour, FRAME_WIDTH, GREEN, INK, NOTE_SIZE, Stroke, TEXT_SIZE};
use crate::plot::text::{Anchor, Text, text_width};

/// Which colour is which value.
#[derive(Debug, Clone, PartialEq)]
pub struct ColourKey {
    /// What differs: a dotted key.
    pub title: String,
    /// Colours and values, from the lowest.
    pub values: Vec<(Colour, String)>,
}

/// From dark to light: lightness rises all along, so it reads in grey and with any kind of colour vision. The light end is
/// dark enough to be seen as a line on white.
const RAMP: [Colour; 4] = [Colour(0x2B, 0x10, 0x55), BLUE, GREEN, Colour(0xDD, 0xC0, 0x1E)];

/// `count` colours in the order of what they stand for.
pub fn ramp(count: usize) -> Vec<Colour> {
    let last = count.saturating_sub(1).max(1) as f64;
    let colour = |index: usize| {
        let place = index as f64 / last * (RAMP.len() - 1) as f64;
        let stop = (place as usize).min(RAMP.len() - 2);
        RAMP[stop].towards(RAMP[stop + 1], place - stop as f64)
    };
    (0..count).map(colour).collect()
}

/// Of a colour, if there is room.
const USUAL_WIDTH: f64 = 30.0;
const STRIP: f64 = 5.0;
const LINE: f64 = 8.5;
/// Between numbers.
const APART: f64 = 4.0;

impl ColourKey {
    /// Draws it from `top`, between a left and a right. Returns the height that it takes.
    pub fn draw(&self, canvas: &mut Canvas, (left, right): (f64, f64), top: f64) -> f64 {
        let title = text_width(&self.title, TEXT_SIZE, false);
        let is_beside = title < 0.45 * (right - left);
        let (begin, strip) =
            if is_beside { (left + title + 6.0, top + 4.0) } else { (left, top + 2.0 + LINE) };
        let middle = if is_beside { strip + STRIP / 2.0 } else { top + LINE / 2.0 };
        canvas.text(Text::centred(&*self.title, (left, middle), Anchor::Start, TEXT_SIZE));
        let widest = self.values.iter().map(|(_, value)| text_width(value, NOTE_SIZE, false));
        let usual = USUAL_WIDTH.max(widest.fold(0.0, f64::max) + APART);
        let width = usual.min((right - begin) / self.values.len().max(1) as f64);
        let edge = |index: usize| begin + index as f64 * width;
        for (index, (colour, _)) in self.values.iter().enumerate() {
            canvas.fill(Rectangle { left: edge(index), top: strip, width, height: STRIP }, *colour);
        }
        canvas.frame(Rectangle {
            left: begin,
            top: strip,
            width: width * self.values.len() as f64,
            height: STRIP,
        });
        self.numbers(canvas, &edge, strip + STRIP, right);
        strip + STRIP + LINE + 2.0 - top
    }

    /// A number below each colour; of two that would touch, the earlier, but for the last, which always stands there.
    fn numbers(&self, canvas: &mut Canvas, edge: &dyn Fn(usize) -> f64, strip: f64, right: f64) {
        let place = |index: usize| {
            let half = text_width(&self.values[index].1, NOTE_SIZE, false) / 2.0;
            let middle = (edge(index) + edge(index + 1)) / 2.0;
            let middle = middle.max(edge(0) + half).min((right - half).max(edge(0) + half));
            (middle - half, middle, middle + half)
        };
        let Some(last) = self.values.len().checked_sub(1) else { return };
        let mut end = f64::NEG_INFINITY;
        for index in 0..=last {
            let (from, middle, to) = place(index);
            let is_free = from >= end && (index == last || to + APART <= place(last).0);
            if !is_free {
                continue;
            }
            end = to + APART;
            let tick = (edge(index) + edge(index + 1)) / 2.0;
            canvas.line((tick, strip), (tick, strip + 1.5), Stroke::solid(INK, FRAME_WIDTH));
            let at = (middle, strip + 2.0 + LINE / 2.0);
            canvas.text(Text::centred(&*self.values[index].1, at, Anchor::Middle, NOTE_SIZE));
        }
    }
}
