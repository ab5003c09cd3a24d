//! How the values of images become inputs.

use ndarray::Array2;

use std::ops::Range;

use super::samples::{ImageSet, Stored};
use crate::config::{InputScale, Preprocessing};

/// Values to inputs: `x = (value / unit - mean) * factor`, with one mean and factor per input value.
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocessor {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// `[n_inputs]`.
    pub mean: Vec<f64>,
    /// `[n_inputs]`.
    pub factor: Vec<f64>,
    /// 255 for bytes; 1 for floats, which are taken as they are.
    pub unit: f64,
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
        Preprocessor { shape, mean, factor, unit: train.unit() }
    }

    /// What becomes of a value divided by its unit, or a mean of such, at a place of the image.
    pub fn input(&self, place: usize, value: f64) -> f64 {
        (value - self.mean[place]) * self.factor[place]
    }

    /// The same for values as they are stored, `x = (value - mean) * factor`: mean and factor of each place.
    pub fn of_stored(&self) -> (Vec<f64>, Vec<f64>) {
        let mean = self.mean.iter().map(|mean| self.unit * mean).collect();
        (mean, self.factor.iter().map(|factor| factor / self.unit).collect())
    }

    /// Inputs of images, `[n, n_inputs]`, row after row.
    pub fn inputs(&self, images: &ImageSet, range: Range<usize>) -> Vec<f64> {
        fn of<T: Copy + Into<f64>>(images: &[&[T]], input: impl Fn(usize, f64) -> f64) -> Vec<f64> {
            let of_image = |image: &&[T]| -> Vec<f64> {
                image.iter().enumerate().map(|(place, &value)| input(place, value.into())).collect()
            };
            images.iter().flat_map(of_image).collect()
        }
        let input = |place, value: f64| self.input(place, value / self.unit);
        match images.images(range) {
            Stored::Bytes(images) => of(&images, input),
            Stored::Floats(images) => of(&images, input),
        }
    }

    /// Mean input of each item, `[n_items, n_inputs]`.
    pub fn item_means(&self, images: &ImageSet, n_items: usize) -> Array2<f64> {
        let n_inputs = self.mean.len();
        let mut counts = vec![0u64; n_items];
        for &item in &images.items {
            counts[item] += 1;
        }
        let sums = match images.images(0..images.n_samples()) {
            Stored::Bytes(all) => sums_of(&all, &images.items, n_items, n_inputs),
            Stored::Floats(all) => sums_of(&all, &images.items, n_items, n_inputs),
        };
        Array2::from_shape_fn((n_items, n_inputs), |(item, input)| {
            let sum = sums[item * n_inputs + input];
            self.input(input, sum / (self.unit * counts[item].max(1) as f64))
        })
    }
}

/// Numbers that are summed: of bytes exactly, so that no order matters.
trait Value: Copy {
    type Sum: Copy + Default + std::ops::AddAssign;
    fn summand(self) -> Self::Sum;
    fn square(self) -> Self::Sum;
    fn float(sum: Self::Sum) -> f64;
}

impl Value for u8 {
    type Sum = u64;

    fn summand(self) -> u64 {
        u64::from(self)
    }

    fn square(self) -> u64 {
        u64::from(self) * u64::from(self)
    }

    fn float(sum: u64) -> f64 {
        sum as f64
    }
}

impl Value for f32 {
    type Sum = f64;

    fn summand(self) -> f64 {
        f64::from(self)
    }

    fn square(self) -> f64 {
        f64::from(self) * f64::from(self)
    }

    fn float(sum: f64) -> f64 {
        sum
    }
}

/// Sums of the images of each item, `[n_items, n_inputs]`.
fn sums_of<T: Value>(
    images: &[&[T]],
    items: &[usize],
    n_items: usize,
    n_inputs: usize,
) -> Vec<f64> {
    let mut sums = vec![T::Sum::default(); n_items * n_inputs];
    for (image, &item) in images.iter().zip(items) {
        let sums = &mut sums[item * n_inputs..(item + 1) * n_inputs];
        for (sum, &value) in sums.iter_mut().zip(*image) {
            *sum += value.summand();
        }
    }
    sums.into_iter().map(T::float).collect()
}

fn pixel_means(train: &ImageSet, n_inputs: usize) -> Vec<f64> {
    let one_item = vec![0; train.n_samples()];
    let sums = match train.images(0..train.n_samples()) {
        Stored::Bytes(images) => sums_of(&images, &one_item, 1, n_inputs),
        Stored::Floats(images) => sums_of(&images, &one_item, 1, n_inputs),
    };
    let count = train.unit() * train.items.len() as f64;
    sums.into_iter().map(|sum| sum / count).collect()
}

/// Mean and standard deviation of each channel over all pixels of all images. A constant channel has deviation 1.
fn channel_statistics(train: &ImageSet, shape: [usize; 3]) -> (Vec<f64>, Vec<f64>) {
    let plane = shape[1] * shape[2];
    let sums = match train.images(0..train.n_samples()) {
        Stored::Bytes(images) => channel_sums(&images, shape[0], plane),
        Stored::Floats(images) => channel_sums(&images, shape[0], plane),
    };
    let (unit, count) = (train.unit(), (train.items.len() * plane) as f64);
    let of_channel = |(sum, squares): (f64, f64)| {
        let mean = sum / (unit * count);
        let variance = squares / (unit * unit * count) - mean * mean;
        (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 })
    };
    sums.into_iter().map(of_channel).unzip()
}

/// Sums of the values of each channel, and of their squares.
fn channel_sums<T: Value>(images: &[&[T]], n_channels: usize, plane: usize) -> Vec<(f64, f64)> {
    let mut sums = vec![(T::Sum::default(), T::Sum::default()); n_channels];
    for image in images {
        for ((sum, squares), values) in sums.iter_mut().zip(image.chunks_exact(plane)) {
            for &value in values {
                *sum += value.summand();
                *squares += value.square();
            }
        }
    }
    sums.into_iter().map(|(sum, squares)| (T::float(sum), T::float(squares))).collect()
}
