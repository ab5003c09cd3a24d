//! One PNG as channels, height and width, and bytes.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use png::{BitDepth, ColorType, Transformations};

use super::parts::MOST_SIDE;

/// What the decoder may hold besides pixels: text, colour profiles and the like.
const MOST_EXTRAS: usize = 1 << 24;

type Reader = png::Reader<BufReader<File>>;

/// Channels, height and width; nothing is unpacked.
///
/// # Errors
///
/// If it is no PNG, or one that is not taken; does not name the file.
pub fn shape(path: &Path) -> Result<[usize; 3]> {
    opened(path).map(|(_, shape)| shape)
}

/// Channels, height and width, and the values `[channels, height, width]`.
///
/// # Errors
///
/// As `shape`, and if it is damaged.
pub fn read(path: &Path) -> Result<([usize; 3], Vec<u8>)> {
    let (mut reader, shape) = opened(path)?;
    let [channels, height, width] = shape;
    let mut bytes = vec![0; reader.output_buffer_size().context("it is too large")?];
    let frame = reader.next_frame(&mut bytes).context("it is damaged or cut off")?;
    bytes.truncate(frame.buffer_size());
    ensure!(bytes.len() == channels * height * width, "it is not as large as its header says");
    let planes = (0..channels).flat_map(|channel| bytes.iter().skip(channel).step_by(channels));
    Ok((shape, planes.copied().collect()))
}

fn opened(path: &Path) -> Result<(Reader, [usize; 3])> {
    let file = File::open(path).context("cannot open it")?;
    ensure!(file.metadata()?.len() > 0, "the file is empty");
    let mut decoder = png::Decoder::new(BufReader::new(file));
    decoder.set_limits(png::Limits { bytes: MOST_EXTRAS });
    // Fewer than 8 bits become 8, and a palette its colours.
    decoder.set_transformations(Transformations::EXPAND);
    let reader = decoder.read_info().context("it is no PNG, or damaged")?;
    let info = reader.info();
    ensure!(
        info.bit_depth != BitDepth::Sixteen,
        "it has 16 bits a value: save it with 8, or give floats in a .npz"
    );
    let (height, width) = (info.height as usize, info.width as usize);
    let has_alpha = info.trns.is_some();
    let channels = match (reader.output_color_type().0, has_alpha) {
        (ColorType::Grayscale, false) => 1,
        (ColorType::Rgb, false) => 3,
        (ColorType::GrayscaleAlpha | ColorType::Rgba, _) | (_, true) => {
            bail!("it has transparency: save it without (flattened)")
        }
        (ColorType::Indexed, false) => bail!("its palette is missing"),
    };
    ensure!(
        height <= MOST_SIDE && width <= MOST_SIDE,
        "it has {height} x {width} pixels: at most {MOST_SIDE} x {MOST_SIDE} are taken, make images smaller"
    );
    Ok((reader, [channels, height, width]))
}
