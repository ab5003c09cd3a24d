//! Tasks without a tree: vectors that are drawn or laid out, with targets that are numbers.

use anyhow::{Result, ensure};
use ndarray::{Array1, Array2, Axis};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::config::{
    Circle, ContrastTargets, Gaussian, Inputs, LinearTargets, Sign, Sine, Targets, TaskConfig,
};

/// Apart from the streams of a run's seed, which draw weights (0) and orders of samples (1).
const TASK_STREAM: u64 = 2;
/// Of maps that have a seed of their own.
const MAP_STREAM: u64 = 3;
/// Of draws that are only judged, so that those which are learned stay what they are.
const HELD_OUT_STREAM: u64 = 4;

/// Inputs `[n_items, n_inputs]` and targets `[n_items, n_outputs]`.
pub struct Drawn {
    pub inputs: Array2<f64>,
    pub targets: Array2<f64>,
    /// So many of them, the last, are only judged.
    pub held_out: usize,
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
        // What inputs were before they were spread.
        let mut white = None;
        let (inputs, is_mirrored, held_out) = match config.inputs {
            Inputs::OneHot => (Array2::eye(config.n_items()), false, 0),
            Inputs::Gaussian => {
                let gaussian = config.gaussian.clone().unwrap_or_default();
                let mut others = generator.clone();
                others.set_stream(HELD_OUT_STREAM);
                let [drawn, inputs] = normal_vectors(&gaussian, &mut generator, &mut others)?;
                white = Some(drawn);
                (inputs, gaussian.mirrored, gaussian.held_out)
            }
            Inputs::Circle => (points(&config.circle.clone().unwrap_or_default()), false, 0),
            _ => {
                anyhow::bail!(
                    "task.targets {} is for task.inputs gaussian or circle",
                    targets.name()
                )
            }
        };
        let targets = match targets {
            Targets::Linear(linear) => {
                linear_targets(linear, &inputs, (is_mirrored, held_out), &mut generator)
            }
            Targets::Contrasts(contrasts) => contrast_targets(*contrasts),
            Targets::Sine(Sine { frequency }) => inputs
                .rows()
                .into_iter()
                .map(|point| (f64::from(*frequency) * point[1].atan2(point[0])).sin())
                .collect::<Array1<f64>>()
                .insert_axis(Axis(1)),
            Targets::Sign(sign) => {
                let seen = white.as_ref().filter(|_| sign.before_spread).unwrap_or(&inputs);
                signs(sign, seen, &mut generator).insert_axis(Axis(1))
            }
        };
        Ok(Drawn { inputs, targets, held_out })
    }
}

fn normal(generator: &mut ChaCha8Rng) -> f64 {
    generator.sample(StandardNormal)
}

/// Draws, the opposites of all after them if they are mirrored, whitened, and those that are only judged, of another generator;
/// and the same spread, then shifted.
fn normal_vectors(
    config: &Gaussian,
    generator: &mut ChaCha8Rng,
    others: &mut ChaCha8Rng,
) -> Result<[Array2<f64>; 2]> {
    let &Gaussian { dimension, count, mirrored, shift, whitened: white, held_out, .. } = config;
    let draws = Array2::from_shape_simple_fn((count, dimension), || normal(generator));
    let common = Array1::from_shape_simple_fn(dimension, || shift * normal(generator));
    // Opposites leave <x x^T> as it is.
    let mut vectors = if white { whitened(&draws)? } else { draws };
    let held_out = Array2::from_shape_simple_fn((held_out, dimension), || normal(others));
    vectors.append(Axis(0), held_out.view())?;
    if mirrored {
        vectors.append(Axis(0), (-&vectors).view())?;
    }
    let spread = match config.deviations() {
        Some(deviations) => &vectors * &Array1::from(deviations),
        None => vectors.clone(),
    };
    Ok([vectors, spread + &common])
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

/// The map `[n_outputs, n_inputs]` of linear targets, by a generator of its own if it has a seed.
fn linear_map(config: &LinearTargets, n_inputs: usize, generator: &mut ChaCha8Rng) -> Array2<f64> {
    let mut own = config.seed.map(ChaCha8Rng::seed_from_u64);
    if let Some(own) = &mut own {
        own.set_stream(MAP_STREAM);
    }
    let generator = own.as_mut().unwrap_or(generator);
    let n_outputs = config.n_outputs();
    let mut draws = |shape| Array2::from_shape_simple_fn(shape, || normal(generator));
    if let Some(deviation) = config.entries {
        return deviation * draws((n_outputs, n_inputs));
    }
    if let Some(values) = &config.singular_values {
        let mut modes = |size| orthonormal_columns(draws((size, values.len())));
        let (left, right) = (modes(n_outputs), modes(n_inputs));
        return (left * &Array1::from(values.clone())).dot(&right.t());
    }
    let direction = draws((n_outputs, n_inputs));
    let size = direction.iter().map(|entry| entry * entry).sum::<f64>().sqrt();
    direction * (config.norm / size)
}

/// Columns made orthonormal one after the other (Gram and Schmidt, twice over).
fn orthonormal_columns(mut columns: Array2<f64>) -> Array2<f64> {
    for index in 0..columns.ncols() {
        let (before, mut rest) = columns.view_mut().split_at(Axis(1), index);
        let mut column = rest.column_mut(0);
        for _ in 0..2 {
            for other in before.columns() {
                let along = other.dot(&column);
                column.scaled_add(-along, &other);
            }
        }
        let size = column.dot(&column).sqrt();
        column /= size;
    }
    columns
}

/// `scale (1 + spread / i)` times feature i: 1 for all items, then 1 and -1 for the sides of each split, level by level.
fn contrast_targets(config: ContrastTargets) -> Array2<f64> {
    let n_items = config.n_items();
    let mut targets = Array2::zeros((n_items, n_items));
    targets.column_mut(0).fill(1.0);
    let mut feature = 1;
    for level in 0..config.levels {
        let size = n_items >> level;
        for first in (0..n_items).step_by(size) {
            for item in first..first + size {
                targets[[item, feature]] = if item < first + size / 2 { 1.0 } else { -1.0 };
            }
            feature += 1;
        }
    }
    for (index, mut column) in targets.columns_mut().into_iter().enumerate() {
        column *= config.scale * (1.0 + config.spread / (index + 1) as f64);
    }
    targets
}

/// `W x`, noise (opposite for the second half, if that is the first's opposite), and an even part of mean zero.
fn linear_targets(
    config: &LinearTargets,
    inputs: &Array2<f64>,
    (is_mirrored, held_out): (bool, usize),
    generator: &mut ChaCha8Rng,
) -> Array2<f64> {
    let &LinearTargets { noise, even, .. } = config;
    let map = linear_map(config, inputs.ncols(), generator);
    let mut targets = Array2::zeros((inputs.nrows(), map.nrows()));
    for (mut output, weights) in targets.columns_mut().into_iter().zip(map.rows()) {
        output.assign(&inputs.dot(&weights));
    }
    let n_items = targets.nrows();
    let n_drawn = if is_mirrored { n_items / 2 } else { n_items };
    for item in 0..n_drawn {
        for output in 0..map.nrows() {
            let deviation = noise * normal(generator);
            targets[[item, output]] += deviation;
            if is_mirrored {
                targets[[item + n_drawn, output]] -= deviation;
            }
        }
    }
    let sizes = inputs.column(0).mapv(f64::abs);
    let n_learned = n_items - held_out;
    let mean = sizes.slice(ndarray::s![..n_learned]).sum() / n_learned as f64;
    targets + &(even * (sizes - mean)).insert_axis(Axis(1))
}

/// `amplitude sign(w.x) + offset` with a direction w that is drawn; 0 counts as positive.
fn signs(config: &Sign, inputs: &Array2<f64>, generator: &mut ChaCha8Rng) -> Array1<f64> {
    let &Sign { amplitude, offset, .. } = config;
    let direction = Array1::from_shape_simple_fn(inputs.ncols(), || normal(generator));
    let side = |along: f64| if along >= 0.0 { amplitude } else { -amplitude };
    inputs.dot(&direction).mapv(|along| side(along) + offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(gaussian: Gaussian, linear: LinearTargets) -> Drawn {
        let targets = Targets::Linear(linear);
        let config = TaskConfig {
            inputs: Inputs::Gaussian,
            gaussian: Some(gaussian),
            targets: Some(targets.clone()),
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
        let Drawn { inputs, targets, .. } =
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
    fn a_map_has_the_rows_entries_and_singular_values_that_are_asked_for() {
        let gaussian =
            || Gaussian { dimension: 5, count: 40, mirrored: false, ..Gaussian::default() };
        let map_of = |linear: LinearTargets| {
            let Drawn { inputs, targets, .. } = drawn(gaussian(), linear);
            targets.t().dot(&inputs) / 40.0
        };
        let outputs = Some(3);
        let singular_values = Some(vec![2.0, 0.5]);
        let map = map_of(LinearTargets { outputs, singular_values, ..LinearTargets::default() });
        // A A^T has trace s_1^2 + s_2^2, and its square s_1^4 + s_2^4.
        let square = map.dot(&map.t());
        assert_eq!(map.dim(), (3, 5));
        assert!((square.diag().sum() - 4.25).abs() < 1e-12);
        assert!((square.dot(&square).diag().sum() - (16.0 + 0.0625)).abs() < 1e-11);
        let norm = map_of(LinearTargets { outputs, norm: 2.0, ..LinearTargets::default() });
        assert!((norm.iter().map(|w| w * w).sum::<f64>() - 4.0).abs() < 1e-12);
        let entries = |deviation| {
            map_of(LinearTargets { outputs, entries: Some(deviation), ..LinearTargets::default() })
        };
        assert!(furthest(&entries(3.0), &(3.0 * entries(1.0))) < 1e-12);
    }

    #[test]
    fn a_seed_of_the_map_leaves_inputs_as_they_are() {
        let of = |seed| {
            drawn(
                Gaussian::default(),
                LinearTargets { seed, outputs: Some(2), ..LinearTargets::default() },
            )
        };
        let (one, other) = (of(Some(1)), of(Some(2)));
        assert_eq!(one.inputs, of(None).inputs);
        assert_eq!(one.inputs, other.inputs);
        assert!(furthest(&one.targets, &other.targets) > 0.1);
    }

    #[test]
    fn contrasts_are_orthogonal_features_of_a_binary_tree() {
        let targets = contrast_targets(ContrastTargets { levels: 3, spread: 0.1, scale: 2.0 });
        assert_eq!(targets.column(0), Array1::from_elem(8, 2.2));
        let signs =
            [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, -1.0, -1.0].map(|side| side * 2.0 * (1.0 + 0.025));
        assert_eq!(targets.column(3).to_vec(), signs);
        let products = targets.t().dot(&targets);
        for (row, column) in (0..8).flat_map(|row| (0..row).map(move |column| (row, column))) {
            assert!(products[[row, column]].abs() < 1e-14);
        }
        // NEIGHBOURS A: singular values of Y^T / 8.
        let values =
            contrast_targets(ContrastTargets { scale: 0.125, ..ContrastTargets::default() });
        let first = values.column(0).dot(&values.column(0)).sqrt();
        assert!((first - 0.388_908_73).abs() < 1e-8);
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
            Drawn::new(&config, config.targets.as_ref().unwrap()).unwrap().inputs
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
            targets: Some(targets.clone()),
            ..TaskConfig::default()
        };
        let Drawn { inputs, targets, .. } = Drawn::new(&config, &targets).unwrap();
        for item in 0..6 {
            assert_eq!(inputs.row(item), -&inputs.row(item + 6));
            assert!((targets[[item, 0]] + targets[[item + 6, 0]]).abs() < 1e-14);
        }
        // 30 degrees: sin 90.
        assert!((targets[[1, 0]] - 1.0).abs() < 1e-14);
    }
}
