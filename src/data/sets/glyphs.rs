//! Ten letters that the program draws itself: a data set for machines without files and without a network.
//!
//! Class i is the i-th capital letter, white on black like MNIST's digits, with random position, size, slant, rotation,
//! brightness and noise. Only basic arithmetic and a fixed generator are used, so that every machine draws the same.

use std::sync::Arc;

use ab_glyph::{Font, FontRef, Point};
use anyhow::{Context, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::config::Inputs;
use crate::data::dataset::{ByteSplit, Dataset};
use crate::data::entry::{Entry, Maker};

/// The data set's row of the table.
pub static GLYPHS: Entry = Entry {
    inputs: Inputs::Glyphs,
    shape: [1, SIDE, SIDE],
    counts: [N_TRAIN, N_TEST],
    maker: Maker::Draws(draw),
    forms: &[],
    checksums: |_| Vec::new(),
    sources: &[],
    archives: &[],
};

const LETTERS: [char; 10] = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J'];
const N_TRAIN: usize = 4000;
const N_TEST: usize = 1000;
const SIDE: usize = 28;

/// Masters are drawn larger than images, so that they can be turned and scaled before they are sampled.
const MASTER_SIDE: usize = 2 * SIDE;
const MASTER_SCALE: f32 = 52.0;

/// Samples along each side of a pixel.
const SUBSAMPLES: usize = 2;

/// Ranges of the random changes, to both sides: pixels, factor, tangents.
const SHIFT: f32 = 2.0;
const SCALE: f32 = 0.15;
const SLANT: f32 = 0.2;
const HALF_TURN: f32 = 0.09;
const NOISE: f32 = 40.0;

/// Draws the data set; both parts are balanced.
fn draw() -> Result<Dataset> {
    let font = FontRef::try_from_slice(dejavu::sans::bold())?;
    let masters = LETTERS
        .iter()
        .map(|&letter| Master::draw(&font, letter))
        .collect::<Option<Vec<Master>>>()
        .context("the built-in font lacks a letter")?;
    Ok(Dataset {
        inputs: Inputs::Glyphs,
        channels: 1,
        height: SIDE,
        width: SIDE,
        train: Arc::new(draw_part(&masters, N_TRAIN, 0).into()),
        test: Arc::new(draw_part(&masters, N_TEST, 1).into()),
    })
}

fn draw_part(masters: &[Master], n: usize, seed: u64) -> ByteSplit {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut split = ByteSplit::default();
    for (class, master) in (0_u8..).zip(masters).cycle().take(n) {
        split.classes.push(class);
        draw_image(master, &mut random, &mut split.pixels);
    }
    split
}

/// Appends one image, `[28, 28]`.
fn draw_image(master: &Master, random: &mut ChaCha8Rng, pixels: &mut Vec<u8>) {
    let pose = Pose::random(random);
    let brightness = random.random_range(180.0_f32..=255.0);
    let step = 1.0 / SUBSAMPLES as f32;
    for row in 0..SIDE {
        for column in 0..SIDE {
            let mut ink = 0.0;
            for sample in 0..SUBSAMPLES * SUBSAMPLES {
                let x = column as f32 + (0.5 + (sample % SUBSAMPLES) as f32) * step;
                let y = row as f32 + (0.5 + (sample / SUBSAMPLES) as f32) * step;
                let (x, y) = pose.source(x, y);
                ink += master.ink(x, y);
            }
            ink *= step * step * brightness;
            // The difference of two uniform numbers; what falls below black or above white is clipped.
            let noise = random.random_range(0.0..NOISE) - random.random_range(0.0..NOISE);
            pixels.push((ink + noise).clamp(0.0, 255.0) as u8);
        }
    }
}

/// Where an image's points lie on the master.
struct Pose {
    shift: (f32, f32),
    matrix: [[f32; 2]; 2],
}

impl Pose {
    fn random(random: &mut ChaCha8Rng) -> Pose {
        let mut up_to = |bound: f32| random.random_range(-bound..=bound);
        let shift = (up_to(SHIFT), up_to(SHIFT));
        let scale = MASTER_SIDE as f32 / SIDE as f32 / (1.0 + up_to(SCALE));
        let slant = up_to(SLANT);
        // Cosine and sine from the half angle's tangent: the platform's own may differ in the last digit.
        let half = up_to(HALF_TURN);
        let cosine = (1.0 - half * half) / (1.0 + half * half);
        let sine = 2.0 * half / (1.0 + half * half);
        let matrix = [
            [scale * cosine, scale * (slant * cosine - sine)],
            [scale * sine, scale * (slant * sine + cosine)],
        ];
        Pose { shift, matrix }
    }

    fn source(&self, x: f32, y: f32) -> (f32, f32) {
        let centre = SIDE as f32 / 2.0;
        let (x, y) = (x - centre - self.shift.0, y - centre - self.shift.1);
        let [across, down] = self.matrix.map(|row| row[0] * x + row[1] * y);
        (across + MASTER_SIDE as f32 / 2.0, down + MASTER_SIDE as f32 / 2.0)
    }
}

/// A letter in the middle of a square, ink in [0, 1].
struct Master {
    ink: Vec<f32>,
}

impl Master {
    /// `None` if the font has no outline for `letter`.
    fn draw(font: &FontRef, letter: char) -> Option<Master> {
        let glyph = font.glyph_id(letter).with_scale(MASTER_SCALE);
        let outline = font.outline_glyph(glyph)?;
        let bounds = outline.px_bounds();
        let middle = Point { x: MASTER_SIDE as f32 / 2.0, y: MASTER_SIDE as f32 / 2.0 };
        let left = (middle.x - bounds.width() / 2.0) as usize;
        let top = (middle.y - bounds.height() / 2.0) as usize;
        let mut ink = vec![0.0; MASTER_SIDE * MASTER_SIDE];
        outline.draw(|x, y, coverage| {
            let (x, y) = (left + x as usize, top + y as usize);
            if x < MASTER_SIDE && y < MASTER_SIDE {
                ink[y * MASTER_SIDE + x] = coverage.clamp(0.0, 1.0);
            }
        });
        Some(Master { ink })
    }

    /// Ink at a point, interpolated between the centres of the four nearest pixels; none outside.
    fn ink(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (x - 0.5, y - 0.5);
        let last = (MASTER_SIDE - 1) as f32;
        if x < 0.0 || y < 0.0 || x >= last || y >= last {
            return 0.0;
        }
        let (column, row) = (x as usize, y as usize);
        let (across, down) = (x - column as f32, y - row as f32);
        let at = row * MASTER_SIDE + column;
        let upper = self.ink[at] * (1.0 - across) + self.ink[at + 1] * across;
        let below = at + MASTER_SIDE;
        let lower = self.ink[below] * (1.0 - across) + self.ink[below + 1] * across;
        upper * (1.0 - down) + lower * down
    }
}
