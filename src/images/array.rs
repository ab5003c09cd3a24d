//! Arrays of numbers from files, and the images or classes that they are.

use anyhow::{Context, Result, bail, ensure};

use super::parts::{Layout, MOST_CLASSES, Pixels};

/// Larger floats are refused: with 65,536 of them in an image, their products with weights and the squares of those stay finite.
const MOST_VALUE: f32 = 1e12;

/// Numbers of an array, the last axis fastest.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    /// 8 bits without sign.
    Bytes(Vec<u8>),
    /// Other whole numbers.
    Integers(Vec<i64>),
    /// Floats, of any width.
    Floats(Vec<f32>),
}

/// Channels of images in four dimensions, where the axis says it by its size.
const USUAL_CHANNELS: [usize; 3] = [1, 3, 4];

/// Number of images, and their channels, height and width; and whether channels come last.
///
/// # Errors
///
/// If the shape is none of images, or leaves the choice.
pub fn images_of(shape: &[usize], layout: Option<Layout>) -> Result<(usize, [usize; 3], bool)> {
    match *shape {
        [n, values] => Ok((n, [1, 1, values], false)),
        [n, height, width] => Ok((n, [1, height, width], false)),
        [n, first, middle, last] => {
            let is_usual = |size: usize| USUAL_CHANNELS.contains(&size);
            let layout = match (layout, is_usual(first), is_usual(last)) {
                (Some(layout), ..) => layout,
                (None, true, false) => Layout::ChannelsFirst,
                (None, false, true) => Layout::ChannelsLast,
                (None, ..) => bail!(
                    "its shape {shape:?} may be N x C x H x W or N x H x W x C: set task.inputs.layout to channels-first or \
                     channels-last"
                ),
            };
            Ok(match layout {
                Layout::ChannelsFirst => (n, [first, middle, last], false),
                Layout::ChannelsLast => (n, [last, first, middle], true),
            })
        }
        _ => bail!(
            "its shape is {shape:?}: images are N x D, N x H x W, N x H x W x C or N x C x H x W"
        ),
    }
}

/// Images with channels first.
///
/// # Errors
///
/// Of whole numbers that are no bytes, and of numbers that are not finite.
pub fn pixels(numbers: Numbers, shape: [usize; 3], are_channels_last: bool) -> Result<Pixels> {
    match numbers {
        Numbers::Bytes(bytes) => Ok(Pixels::Bytes(in_planes(bytes, shape, are_channels_last))),
        Numbers::Floats(floats) => {
            let length: usize = shape.iter().product();
            if let Some(at) = floats.iter().position(|value| !value.is_finite()) {
                bail!("image {} has a value that is {}", at / length.max(1), floats[at]);
            }
            if let Some(at) = floats.iter().position(|value| value.abs() > MOST_VALUE) {
                bail!(
                    "image {} has a value of {:e}: floats are taken as they are, and squares of sums of such overflow float32; scale \
                     images to about 1 first, as bytes are by 1 / 255",
                    at / length.max(1),
                    floats[at]
                );
            }
            Ok(Pixels::Floats(in_planes(floats, shape, are_channels_last)))
        }
        Numbers::Integers(_) => {
            bail!("its numbers are whole, but no bytes: save images as uint8, or as float32")
        }
    }
}

fn in_planes<T: Copy>(values: Vec<T>, [channels, height, width]: [usize; 3], last: bool) -> Vec<T> {
    if !last || channels == 1 {
        return values;
    }
    let plane = height * width;
    let turned = |image: &[T]| -> Vec<T> {
        (0..channels * plane).map(|at| image[at % plane * channels + at / plane]).collect()
    };
    values.chunks_exact(channels * plane).flat_map(turned).collect()
}

/// Classes of images.
///
/// # Errors
///
/// If they are no whole numbers of 0 or more, or too large.
pub fn classes(shape: &[usize], numbers: Numbers) -> Result<Vec<u16>> {
    ensure!(
        matches!(shape, [_] | [_, 1]),
        "its shape is {shape:?}: classes are one whole number for each image (of one-hot rows, the argmax)"
    );
    let integers: Vec<i64> = match numbers {
        Numbers::Bytes(bytes) => bytes.into_iter().map(i64::from).collect(),
        Numbers::Integers(integers) => integers,
        Numbers::Floats(_) => bail!("its numbers are floats: classes are whole numbers"),
    };
    let class = |(at, &class): (usize, &i64)| {
        u16::try_from(class).ok().with_context(|| {
            format!("image {at} has class {class}: classes are 0 to {}", MOST_CLASSES - 1)
        })
    };
    integers.iter().enumerate().map(class).collect()
}

/// Names of classes that have none but their numbers.
pub fn numbered(classes: &[u16]) -> Vec<String> {
    let n_classes = classes.iter().max().map_or(0, |&class| usize::from(class) + 1);
    (0..n_classes).map(|class| class.to_string()).collect()
}
