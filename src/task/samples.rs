//! Which images stand for which item, and how their bytes become inputs.

use anyhow::{Result, ensure};
use ndarray::{Array1, Array2};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::config::{InputScale, Preprocessing, TaskConfig};
use crate::data::Split;

/// Images, in the bytes of the data set.
#[derive(Debug, Clone)]
pub struct ImageSet {
    /// `[n_samples, n_inputs]` bytes, row after row.
    pub pixels: Vec<u8>,
    /// Item of each sample.
    pub items: Vec<usize>,
}

/// Which samples a limited set takes does not depend on a run's seed.
const CHOICE_SEED: u64 = 0x6f63_7321;

impl ImageSet {
    /// Samples of the items' classes. Unequal `frequencies` and `size` are met by leaving samples out.
    ///
    /// # Errors
    ///
    /// If an item is left without samples, or the split has fewer than `size`.
    pub fn choose(
        split: &Split,
        config: &TaskConfig,
        size: Option<usize>,
        part: &str,
    ) -> Result<Self> {
        let classes = config.classes.clone().unwrap_or_else(|| (0..config.n_items()).collect());
        let mut candidates: Vec<(usize, usize)> = (0..split.classes.len())
            .filter_map(|sample| {
                let class = usize::from(split.classes[sample]);
                Some((sample, classes.iter().position(|&listed| listed == class)?))
            })
            .collect();
        candidates.shuffle(&mut ChaCha8Rng::seed_from_u64(CHOICE_SEED));
        let mut available = vec![0usize; classes.len()];
        for &(_, item) in &candidates {
            available[item] += 1;
        }
        for (item, &count) in available.iter().enumerate() {
            ensure!(
                count > 0,
                "the {part} set of {} has no image of class {} (item {item}): choose other task.classes",
                config.inputs.name(),
                classes[item]
            );
        }
        let size = size.unwrap_or(candidates.len());
        ensure!(
            size <= candidates.len(),
            "task.samples asks for {size} {part} samples, but {} has {} of the listed classes: ask for fewer, or null",
            config.inputs.name(),
            candidates.len()
        );
        let quotas = match &config.frequencies {
            Some(frequencies) => shares(frequencies, &available, size),
            // The data set's own proportions; what rounding leaves over is filled up below.
            None => shares(
                &available.iter().map(|&count| count as f64).collect::<Vec<_>>(),
                &available,
                size,
            ),
        };
        ensure!(
            quotas.iter().all(|&count| count > 0),
            "{size} {part} samples leave an item without any: ask for more task.samples, or milder task.frequencies"
        );
        let mut taken = vec![0; quotas.len()];
        let (mut candidates, spare): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|&(_, item)| {
                taken[item] += 1;
                taken[item] <= quotas[item]
            });
        if config.frequencies.is_none() {
            let missing = size - candidates.len();
            candidates.extend(spare.into_iter().take(missing));
        }
        candidates.sort_unstable();
        let n_inputs = split.pixels.len() / split.classes.len();
        let mut pixels = Vec::with_capacity(candidates.len() * n_inputs);
        for &(sample, _) in &candidates {
            pixels.extend_from_slice(&split.pixels[sample * n_inputs..(sample + 1) * n_inputs]);
        }
        Ok(ImageSet { pixels, items: candidates.into_iter().map(|(_, item)| item).collect() })
    }

    /// Fraction of the samples that belong to each item.
    pub fn item_probabilities(&self, n_items: usize) -> Array1<f64> {
        let mut probabilities = Array1::zeros(n_items);
        for &item in &self.items {
            probabilities[item] += 1.0 / self.items.len() as f64;
        }
        probabilities
    }
}

/// The largest counts of the given proportions that are available and not more than `size` together.
fn shares(frequencies: &[f64], available: &[usize], size: usize) -> Vec<usize> {
    let total: f64 = frequencies.iter().sum();
    let scale = frequencies
        .iter()
        .zip(available)
        .map(|(frequency, &count)| count as f64 / frequency)
        .fold(size as f64 / total, f64::min);
    // A count that is whole but for rounding errors must not lose one.
    frequencies.iter().map(|frequency| (frequency * scale + 1e-9).floor() as usize).collect()
}

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

    /// Mean input of each item, `[n_items, n_inputs]`.
    pub fn item_means(&self, images: &ImageSet, n_items: usize) -> Array2<f64> {
        let n_inputs = self.mean.len();
        let mut sums = vec![0u64; n_items * n_inputs];
        let mut counts = vec![0u64; n_items];
        for (image, &item) in images.pixels.chunks_exact(n_inputs).zip(&images.items) {
            counts[item] += 1;
            for (sum, &pixel) in sums[item * n_inputs..(item + 1) * n_inputs].iter_mut().zip(image)
            {
                *sum += u64::from(pixel);
            }
        }
        Array2::from_shape_fn((n_items, n_inputs), |(item, input)| {
            let mean = sums[item * n_inputs + input] as f64 / (255.0 * counts[item].max(1) as f64);
            (mean - self.mean[input]) * self.factor[input]
        })
    }
}

fn pixel_means(train: &ImageSet, n_inputs: usize) -> Vec<f64> {
    let mut sums = vec![0u64; n_inputs];
    for image in train.pixels.chunks_exact(n_inputs) {
        for (sum, &pixel) in sums.iter_mut().zip(image) {
            *sum += u64::from(pixel);
        }
    }
    sums.iter().map(|&sum| sum as f64 / (255.0 * train.items.len() as f64)).collect()
}

/// Mean and standard deviation of each channel over all pixels of all images. A constant channel has deviation 1.
fn channel_statistics(train: &ImageSet, shape: [usize; 3]) -> (Vec<f64>, Vec<f64>) {
    let (n_inputs, plane) = (shape.iter().product(), shape[1] * shape[2]);
    let mut sums = vec![(0u64, 0u64); shape[0]];
    for image in train.pixels.chunks_exact(n_inputs) {
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
