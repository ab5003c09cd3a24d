//! How the values of images become inputs.

use std::ops::Range;
use std::sync::Arc;

use anyhow::Result;
use ndarray::Array2;

use super::components::{Components, Rows};
use super::samples::{ImageSet, Stored};
use super::turn::Turn;
use crate::config::{InputScale, Preprocessing, Projection, TaskConfig};
use crate::decompositions::threads;
use crate::derived::{Derived, Key};

/// Values to inputs: `x = (value / unit - mean) * factor`, with one mean and factor per input value; then a turn, if inputs are
/// whitened or projected.
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
    /// What follows, of whitened or projected inputs.
    pub turn: Option<Arc<Turn>>,
}

impl Preprocessor {
    /// As a task asks for it, with principal components of what networks see if it is made of some, or `wants_components`. These are
    /// kept in `derived`.
    ///
    /// # Errors
    ///
    /// If there are fewer components than are asked for, or too many samples.
    pub fn of(
        train: &ImageSet,
        shape: [usize; 3],
        config: &TaskConfig,
        wants_components: bool,
        derived: &Derived,
    ) -> Result<(Self, Option<Arc<Components>>)> {
        let is_whitened = config.preprocessing.is_whitened();
        // Of whitened inputs the scale comes last: before, whitening would undo it.
        let scale = if is_whitened { InputScale::None } else { config.input_scale };
        let before = Preprocessor::fit(train, shape, config.preprocessing, scale);
        if !is_whitened && config.projection.is_none() && !wants_components {
            return Ok((before, None));
        }
        let all = before.components(train, derived)?;
        let total = all.variances.sum();
        let kept = match config.projection {
            Some(Projection { components }) => {
                all.first(components, "task.projection.components")?
            }
            None => all,
        };
        if !is_whitened && config.projection.is_none() {
            return Ok((before, Some(Arc::new(kept))));
        }
        let turn = match is_whitened {
            false => Turn::projecting(kept),
            true => {
                let scale = factor_of(config.input_scale, before.mean.len());
                Turn::whitening(kept, total, (config.ridge(), scale), config.preprocessing)
            }
        };
        let seen = Arc::new(turn.seen());
        Ok((Preprocessor { turn: Some(Arc::new(turn)), ..before }, Some(seen)))
    }

    /// Principal components of the training inputs, kept for later.
    fn components(&self, train: &ImageSet, derived: &Derived) -> Result<Components> {
        let rows = Rows {
            count: train.n_samples(),
            n_inputs: self.mean.len(),
            of: &|range| self.rows(train, range),
        };
        let key = || {
            let key = Key::of("components", 1).on("cpu", threads());
            self.named_in(train.named_in(key))
        };
        let make = || Ok(Components::of(&rows)?.tables());
        Components::of_tables(derived.kept_or(key, make)?)
    }

    /// Adds to a name all that decides inputs besides images.
    pub fn named_in(&self, key: Key) -> Key {
        let key = key.numbers(&self.mean).numbers(&self.factor);
        match &self.turn {
            None => key,
            Some(turn) => key.numbers(&turn.numbers()),
        }
    }

    /// Statistics of the training set; of whitened inputs those of what comes before whitening.
    pub fn fit(
        train: &ImageSet,
        shape: [usize; 3],
        preprocessing: Preprocessing,
        scale: InputScale,
    ) -> Self {
        let n_inputs: usize = shape.iter().product();
        let factor = factor_of(scale, n_inputs);
        let (mean, factor) = match preprocessing {
            Preprocessing::Raw => (vec![0.0; n_inputs], vec![factor; n_inputs]),
            Preprocessing::PixelCentred
            | Preprocessing::PcaWhitened
            | Preprocessing::ZcaWhitened => (pixel_means(train, n_inputs), vec![factor; n_inputs]),
            Preprocessing::ChannelStandardised => {
                let (means, deviations) = channel_statistics(train, shape);
                let plane = shape[1] * shape[2];
                let mean = (0..n_inputs).map(|input| means[input / plane]).collect();
                (mean, (0..n_inputs).map(|input| factor / deviations[input / plane]).collect())
            }
        };
        Preprocessor { shape, mean, factor, unit: train.unit(), turn: None }
    }

    /// What becomes of a value divided by its unit, or a mean of such, at a place of the image, before a turn.
    fn input(&self, place: usize, value: f64) -> f64 {
        (value - self.mean[place]) * self.factor[place]
    }

    /// The same, before a turn, for values as they are stored, `x = (value - mean) * factor`: mean and factor of each place.
    pub fn of_stored(&self) -> (Vec<f64>, Vec<f64>) {
        let mean = self.mean.iter().map(|mean| self.unit * mean).collect();
        (mean, self.factor.iter().map(|factor| factor / self.unit).collect())
    }

    /// Inputs of images, `[n, n_inputs]`, row after row.
    pub fn inputs(&self, images: &ImageSet, range: Range<usize>) -> Vec<f64> {
        match &self.turn {
            None => self.before_turn(images, range),
            Some(turn) => turn.of(&self.rows(images, range)).into_iter().collect(),
        }
    }

    /// Inputs before a turn, `[n, n_inputs]`.
    fn rows(&self, images: &ImageSet, range: Range<usize>) -> Array2<f64> {
        let (count, n_inputs) = (range.len(), self.mean.len());
        Array2::from_shape_vec((count, n_inputs), self.before_turn(images, range))
            .expect("n_inputs values of each image")
    }

    fn before_turn(&self, images: &ImageSet, range: Range<usize>) -> Vec<f64> {
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
        let means = Array2::from_shape_fn((n_items, n_inputs), |(item, input)| {
            let sum = sums[item * n_inputs + input];
            self.input(input, sum / (self.unit * counts[item].max(1) as f64))
        });
        match &self.turn {
            None => means,
            Some(turn) => turn.of(&means),
        }
    }
}

/// A common factor on all of so many input values.
fn factor_of(scale: InputScale, n_inputs: usize) -> f64 {
    match scale {
        InputScale::None => 1.0,
        InputScale::InverseSqrtInputs => 1.0 / (n_inputs as f64).sqrt(),
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
