//! How the bytes of images become inputs.

use ndarray::Array2;

use super::samples::ImageSet;
use crate::config::{InputScale, Preprocessing};

/// Bytes to inputs: `x = (byte / 255 - mean) * factor`, with one mean and factor per input value.
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocessor {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// `[n_inputs]`.
    pub mean: Vec<f64>,
    /// `[n_inputs]`.
    pub factor: Vec<f64>,
}

impl Preprocessor {
    /// Statistics of the training set.
    pub fn fit(
        train: &ImageSet,
        shape: [usize; 3],
        preprocessing: Preprocessing,
        scale: InputScale,
    ) -> Self {
        let n_inputs: usize = shape.iter().product();
        let factor = match scale {
            InputScale::None => 1.0,
            InputScale::InverseSqrtInputs => 1.0 / (n_inputs as f64).sqrt(),
        };
        let (mean, factor) = match preprocessing {
            Preprocessing::Raw => (vec![0.0; n_inputs], vec![factor; n_inputs]),
            Preprocessing::PixelCentred => (pixel_means(train, n_inputs), vec![factor; n_inputs]),
            Preprocessing::ChannelStandardised => {
                let (means, deviations) = channel_statistics(train, shape);
                let plane = shape[1] * shape[2];
                let mean = (0..n_inputs).map(|input| means[input / plane]).collect();
                (mean, (0..n_inputs).map(|input| factor / deviations[input / plane]).collect())
            }
        };
        Preprocessor { shape, mean, factor }
    }

    /// What becomes of a value in [0, 1], a byte divided by 255 or a mean of such, at a place of the image.
    pub fn input(&self, place: usize, value: f64) -> f64 {
        (value - self.mean[place]) * self.factor[place]
    }

    /// The same for bytes as they are, `x = (byte - mean) * factor`: mean and factor of each place.
    pub fn of_bytes(&self) -> (Vec<f64>, Vec<f64>) {
        let mean = self.mean.iter().map(|mean| 255.0 * mean).collect();
        (mean, self.factor.iter().map(|factor| factor / 255.0).collect())
    }

    /// Inputs of images, `[n, n_inputs]`, row after row.
    pub fn inputs<'a>(&self, images: impl Iterator<Item = &'a [u8]>) -> Vec<f64> {
        let of_image = |image: &'a [u8]| {
            image
                .iter()
                .enumerate()
                .map(|(place, &byte)| self.input(place, f64::from(byte) / 255.0))
        };
        images.flat_map(of_image).collect()
    }

    /// Mean input of each item, `[n_items, n_inputs]`.
    pub fn item_means(&self, images: &ImageSet, n_items: usize) -> Array2<f64> {
        let n_inputs = self.mean.len();
        let mut sums = vec![0u64; n_items * n_inputs];
        let mut counts = vec![0u64; n_items];
        for (image, &item) in images.images(0..images.n_samples()).zip(&images.items) {
            counts[item] += 1;
            for (sum, &pixel) in sums[item * n_inputs..(item + 1) * n_inputs].iter_mut().zip(image)
            {
                *sum += u64::from(pixel);
            }
        }
        Array2::from_shape_fn((n_items, n_inputs), |(item, input)| {
            let mean = sums[item * n_inputs + input] as f64 / (255.0 * counts[item].max(1) as f64);
            self.input(input, mean)
        })
    }
}

fn pixel_means(train: &ImageSet, n_inputs: usize) -> Vec<f64> {
    let mut sums = vec![0u64; n_inputs];
    for image in train.images(0..train.n_samples()) {
        for (sum, &pixel) in sums.iter_mut().zip(image) {
            *sum += u64::from(pixel);
        }
    }
    sums.iter().map(|&sum| sum as f64 / (255.0 * train.items.len() as f64)).collect()
}

/// Mean and standard deviation of each channel over all pixels of all images. A constant channel has deviation 1.
fn channel_statistics(train: &ImageSet, shape: [usize; 3]) -> (Vec<f64>, Vec<f64>) {
    let plane = shape[1] * shape[2];
    let mut sums = vec![(0u64, 0u64); shape[0]];
    for image in train.images(0..train.n_samples()) {
        for (channel, pixels) in image.chunks_exact(plane).enumerate() {
            let (sum, squares) = &mut sums[channel];
            *sum += pixels.iter().map(|&pixel| u64::from(pixel)).sum::<u64>();
            *squares +=
                pixels.iter().map(|&pixel| u64::from(pixel) * u64::from(pixel)).sum::<u64>();
        }
    }
    let count = (train.items.len() * plane) as f64;
    sums.iter()
        .map(|&(sum, squares)| {
            let mean = sum as f64 / (255.0 * count);
            let variance = squares as f64 / (255.0 * 255.0 * count) - mean * mean;
            (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 })
        })
        .unzip()
}
