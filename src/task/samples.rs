//! Which images stand for which item.

use std::ops::Range;
use std::sync::Arc;

use anyhow::{Result, ensure};
use ndarray::Array1;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::config::{RandomLabels, TaskConfig};
use crate::data::Split;
use crate::derived::Key;
use crate::images::Pixels;

/// Images that stand for items. Their pixels stay where the data set has them, however many tasks use them.
#[derive(Debug, Clone)]
pub struct ImageSet {
    split: Arc<Split>,
    /// Which images of the split, in the order of samples.
    chosen: Vec<usize>,
    /// Item of each sample.
    pub items: Vec<usize>,
}

/// Some images as the data set has them, each `[n_inputs]`.
#[derive(Debug)]
pub enum Stored<'a> {
    /// Bytes.
    Bytes(Vec<&'a [u8]>),
    /// Floats.
    Floats(Vec<&'a [f32]>),
}

/// Which samples a limited set takes does not depend on a run's seed.
const CHOICE_SEED: u64 = 0x6f63_7321;
/// Of labels that are shuffled among samples.
const LABELS_STREAM: u64 = 5;

impl ImageSet {
    /// Samples of the items' classes. Unequal `frequencies` and `size` are met by leaving samples out.
    ///
    /// # Errors
    ///
    /// If an item is left without samples, or the split has fewer than `size`.
    pub fn choose(
        split: &Arc<Split>,
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
                "the {part} set of {} has no image of class {} (item {item}): {}",
                config.inputs.name(),
                classes[item],
                if config.inputs.own().is_some() && part == "test" {
                    "put some there, leave the test part out (some training images of each class are held out then), or choose \
                     other task.classes"
                } else {
                    "choose other task.classes"
                }
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
        let (chosen, items) = candidates.into_iter().unzip();
        Ok(ImageSet { split: split.clone(), chosen, items })
    }

    /// Images of their own, `[n_samples, n_inputs]` bytes, with the item of each.
    pub fn of(pixels: Vec<u8>, items: Vec<usize>) -> Self {
        let split = Split { pixels: pixels.into(), classes: vec![0; items.len()] };
        ImageSet { split: Arc::new(split), chosen: (0..items.len()).collect(), items }
    }

    /// Whether these are the same images in the same order, whatever they stand for.
    pub fn are_those_of(&self, other: &ImageSet) -> bool {
        let one_split = Arc::ptr_eq(&self.split, &other.split) || self.split == other.split;
        one_split && self.chosen == other.chosen
    }

    /// The same with the items of some samples shuffled among them: each is as frequent as before.
    pub fn shuffled(mut self, random: RandomLabels) -> Self {
        let order = shuffled_places(self.items.len(), random);
        self.items = order.into_iter().map(|place| self.items[place]).collect();
        self
    }

    /// Adds to a name the values of all images.
    pub fn named_in(&self, key: Key) -> Key {
        match self.images(0..self.n_samples()) {
            Stored::Bytes(images) => key.parts(images.into_iter()),
            Stored::Floats(images) => {
                let bytes = |image: &&[f32]| -> Vec<u8> {
                    image.iter().flat_map(|value| value.to_le_bytes()).collect()
                };
                let images: Vec<Vec<u8>> = images.iter().map(bytes).collect();
                key.parts(images.iter().map(Vec::as_slice)).numbers(&[self.unit()])
            }
        }
    }

    /// Which images of the data set's part, counted from 0 in its order, in the order of samples.
    pub fn indices(&self) -> &[usize] {
        &self.chosen
    }

    /// Number of samples.
    pub fn n_samples(&self) -> usize {
        self.items.len()
    }

    /// The values of each sample in a range, `[n_inputs]`, in the order of samples.
    pub fn images(&self, range: Range<usize>) -> Stored<'_> {
        let n_inputs = self.split.pixels.len() / self.split.classes.len();
        let places =
            self.chosen[range].iter().map(|image| image * n_inputs..(image + 1) * n_inputs);
        match &self.split.pixels {
            Pixels::Bytes(all) => Stored::Bytes(places.map(|place| &all[place]).collect()),
            Pixels::Floats(all) => Stored::Floats(places.map(|place| &all[place]).collect()),
        }
    }

    /// What a value is divided by to become an input: 255 for bytes, 1 for floats.
    pub fn unit(&self) -> f64 {
        match self.split.pixels {
            Pixels::Bytes(_) => 255.0,
            Pixels::Floats(_) => 1.0,
        }
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

/// Whose label each of so many samples gets: those of a share of them are shuffled.
pub(super) fn shuffled_places(count: usize, random: RandomLabels) -> Vec<usize> {
    let mut generator = ChaCha8Rng::seed_from_u64(random.seed);
    generator.set_stream(LABELS_STREAM);
    let mut chosen: Vec<usize> = (0..count).collect();
    chosen.shuffle(&mut generator);
    chosen.truncate((random.share * count as f64).round() as usize);
    let mut others = chosen.clone();
    others.shuffle(&mut generator);
    let mut places: Vec<usize> = (0..count).collect();
    for (sample, place) in chosen.into_iter().zip(others) {
        places[sample] = place;
    }
    places
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
