//! Tasks without a tree: vectors that are drawn or laid out, with targets that are numbers.

use anyhow::{Result, ensure};
use ndarray::{Array1, Array2, Axis};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::config::{Circle, Gaussian, Inputs, LinearTargets, Sine, Targets, TaskConfig};

/// Apart from the streams of a run's seed, which draw weights (0) and orders of samples (1).
const TASK_STREAM: u64 = 2;

/// Inputs `[n_items, n_inputs]` and targets `[n_items, n_outputs]`.
pub struct Drawn {
    pub inputs: Array2<f64>,
    pub targets: Array2<f64>,
}

impl Drawn {
    /// The inputs and targets that a checked config describes, drawn by `task.seed`. Draws that an option leaves unused are made
    /// all the same, so that configs which differ in options share everything else.
    ///
    /// # Errors
    ///
    /// If the draws cannot be whitened.
    pub fn new(config: &TaskConfig, targets: &Targets) -> Result<Self> {
        let mut generator = ChaCha8Rng::seed_from_u64(config.seed.unwrap_or(0));
        generator.set_stream(TASK_STREAM);
        let (inputs, is_mirrored) = match config.inputs {
            Inputs::Gaussian => {
                let gaussian = config.gaussian.clone().unwrap_or_default();
                (normal_vectors(&gaussian, &mut generator)?, gaussian.mirrored)
            }
            Inputs::Circle => (points(&config.circle.clone().unwrap_or_default()), false),
            _ => {
                anyhow::bail!(
                    "task.targets {} is for task.inputs gaussian or circle",
                    targets.name()
                )
            }
        };
        let values = match targets {
            Targets::Linear(linear) => linear_targets(linear, &inputs, is_mirrored, &mut generator),
            Targets::Sine(Sine { frequency }) => inputs
                .rows()
                .into_iter()
                .map(|point| (f64::from(*frequency) * point[1].atan2(point[0])).sin())
                .collect(),
        };
        Ok(Drawn { inputs, targets: values.insert_axis(Axis(1)) })
    }
}

fn normal(generator: &mut ChaCha8Rng) -> f64 {
    generator.sample(StandardNormal)
}

/// Draws, the opposites of all after them if they are mirrored, whitened, then spread, then shifted.
fn normal_vectors(config: &Gaussian, generator: &mut ChaCha8Rng) -> Result<Array2<f64>> {
    let &Gaussian { dimension, count, mirrored, ref spread, shift } = config;
    let draws = Array2::from_shape_simple_fn((count, dimension), || normal(generator));
    let common = Array1::from_shape_simple_fn(dimension, || shift * normal(generator));
    // Opposites leave <x x^T> as it is.
    let mut vectors = whitened(&draws)?;
    if let Some(spread) = spread {
        vectors *= &Array1::from(spread.clone());
    }
    if mirrored {
        vectors.append(Axis(0), (-&vectors).view())?;
    }
    Ok(vectors + &common)
}

/// The same draws `x` as `L^-1 x` with `L L^T = <x x^T>`: exactly white, not on average.
fn whitened(draws: &Array2<f64>) -> Result<Array2<f64>> {
    let (count, dimension) = draws.dim();
    let moment = draws.t().dot(draws) / count as f64;
    // L, row by row (Cholesky).
    let mut root = Array2::<f64>::zeros((dimension, dimension));
    for row in 0..dimension {
        for column in 0..=row {
            let known = (0..column).map(|k| root[[row, k]] * root[[column, k]]).sum::<f64>();
            let left = moment[[row, column]] - known;
            if row == column {
                ensure!(
                    left > 1e-12 * moment[[row, row]],
                    "{count} draws in {dimension} dimensions cannot be whitened: raise task.gaussian.count, or choose another task.seed"
                );
                root[[row, row]] = left.sqrt();
            } else {
                root[[row, column]] = left / root[[column, column]];
            }
        }
    }
    let mut vectors = draws.clone();
    for mut vector in vectors.rows_mut() {
        for row in 0..dimension {
            let known = (0..row).map(|k| root[[row, k]] * vector[k]).sum::<f64>();
            vector[row] = (vector[row] - known) / root[[row, row]];
        }
    }
    Ok(vectors)
}

/// `(cos theta, sin theta)` at equal distances from angle 0 on. Of an even number the second half is the first's opposite,
/// exactly.
fn points(config: &Circle) -> Array2<f64> {
    let count = config.count;
    let mut points = Array2::from_shape_fn((count, 2), |(point, axis)| {
        let angle = 2.0 * std::f64::consts::PI * point as f64 / count as f64;
        if axis == 0 { angle.cos() } else { angle.sin() }
    });
    if count.is_multiple_of(2) {
        let half = points.slice(ndarray::s![..count / 2, ..]).to_owned();
        points.slice_mut(ndarray::s![count / 2.., ..]).assign(&-half);
    }
    points
}

/// `w.x`, noise (opposite for the second half, if that is the first's opposite), and an even part of mean zero.
fn linear_targets(
    config: &LinearTargets,
    inputs: &Array2<f64>,
    is_mirrored: bool,
    generator: &mut ChaCha8Rng,
) -> Array1<f64> {
    let &LinearTargets { norm, noise, even } = config;
    let direction = Array1::from_shape_simple_fn(inputs.ncols(), || normal(generator));
    let weights = &direction * (norm / direction.dot(&direction).sqrt());
    let mut targets = inputs.dot(&weights);
    let n_items = targets.len();
    let n_drawn = if is_mirrored { n_items / 2 } else { n_items };
    for item in 0..n_drawn {
        let deviation = noise * normal(generator);
        targets[item] += deviation;
        if is_mirrored {
            targets[item + n_drawn] -= deviation;
        }
    }
    let sizes = inputs.column(0).mapv(f64::abs);
    let mean = sizes.sum() / n_items as f64;
    targets + even * (sizes - mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(gaussian: Gaussian, linear: LinearTargets) -> Drawn {
        let targets = Targets::Linear(linear);
        let config = TaskConfig {
            inputs: Inputs::Gaussian,
            gaussian: Some(gaussian),
            targets: Some(targets),
            ..TaskConfig::default()
        };
        Drawn::new(&config, &targets).unwrap()
    }

    fn furthest(one: &Array2<f64>, other: &Array2<f64>) -> f64 {
        (one - other).iter().fold(0.0, |most, value| value.abs().max(most))
    }

    #[test]
    fn inputs_are_exactly_white_mirrored_or_not() {
        for mirrored in [true, false] {
            let inputs =
                drawn(Gaussian { mirrored, ..Gaussian::default() }, LinearTargets::default())
                    .inputs;
            let moment = inputs.t().dot(&inputs) / inputs.nrows() as f64;
            assert_eq!(inputs.nrows(), if mirrored { 400 } else { 200 });
            assert!(furthest(&moment, &Array2::eye(8)) < 1e-13);
        }
    }

    #[test]
    fn mirrored_inputs_have_opposite_targets_with_noise_and_spread_too() {
        let gaussian =
            Gaussian { spread: Some(vec![0.5, 2.0, 1.0]), dimension: 3, ..Gaussian::default() };
        let Drawn { inputs, targets } =
            drawn(gaussian, LinearTargets { noise: 0.5, ..LinearTargets::default() });
        for item in 0..200 {
            assert_eq!(inputs.row(item), -&inputs.row(item + 200));
            assert_eq!(targets[[item, 0]], -targets[[item + 200, 0]]);
        }
        let moment = inputs.t().dot(&inputs) / 400.0;
        assert!(furthest(&moment, &Array2::from_diag(&ndarray::array![0.25, 4.0, 1.0])) < 1e-13);
    }

    #[test]
    fn options_change_what_they_name_and_nothing_else() {
        let plain = drawn(Gaussian::default(), LinearTargets::default());
        let shifted =
            drawn(Gaussian { shift: 0.7, ..Gaussian::default() }, LinearTargets::default());
        let shift = &shifted.inputs.row(0) - &plain.inputs.row(0);
        assert!(shift.dot(&shift) > 0.1);
        for item in [1, 150, 399] {
            let other = &shifted.inputs.row(item) - &plain.inputs.row(item);
            assert!((&other - &shift).dot(&(&other - &shift)) < 1e-24);
        }
        let even =
            drawn(Gaussian::default(), LinearTargets { even: 0.8, ..LinearTargets::default() });
        let added = &even.targets - &plain.targets;
        assert!(added.sum().abs() < 1e-10);
        for item in 0..200 {
            assert!((added[[item, 0]] - added[[item + 200, 0]]).abs() < 1e-12);
        }
        // <y x> = w: white inputs.
        let slope = plain.inputs.t().dot(&plain.targets) / 400.0;
        assert!((slope.iter().map(|w| w * w).sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(furthest(&plain.inputs.dot(&slope), &plain.targets) < 1e-12);
    }

    #[test]
    fn seeds_of_tasks_draw_other_inputs_and_their_absence_is_zero() {
        let config = |seed| TaskConfig {
            inputs: Inputs::Gaussian,
            targets: Some(Targets::Linear(LinearTargets::default())),
            seed,
            ..TaskConfig::default()
        };
        let inputs = |seed| {
            let config = config(seed);
            Drawn::new(&config, &config.targets.unwrap()).unwrap().inputs
        };
        assert_eq!(inputs(None), inputs(Some(0)));
        assert!(furthest(&inputs(None), &inputs(Some(1))) > 0.1);
    }

    #[test]
    fn a_sine_of_odd_frequency_is_odd_on_the_circle() {
        let targets = Targets::Sine(Sine { frequency: 3 });
        let config = TaskConfig {
            inputs: Inputs::Circle,
            circle: Some(Circle { count: 12 }),
            targets: Some(targets),
            ..TaskConfig::default()
        };
        let Drawn { inputs, targets } = Drawn::new(&config, &targets).unwrap();
        for item in 0..6 {
            assert_eq!(inputs.row(item), -&inputs.row(item + 6));
            assert!((targets[[item, 0]] + targets[[item + 6, 0]]).abs() < 1e-14);
        }
        // 30 degrees: sin 90.
        assert!((targets[[1, 0]] - 1.0).abs() < 1e-14);
    }
}
