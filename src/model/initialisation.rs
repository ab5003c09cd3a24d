//! Initial weights, drawn in float64 from a generator of our own. tch's defaults are not PyTorch's, so none is used.

use anyhow::{Context, Result, ensure};
use ndarray::{Array2, Axis, concatenate};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use tch::{Kind, Tensor};

use super::from_host::{from_host, to_tensor};
use crate::config::{
    Aligned, AlignedBiases, Antisymmetric, Balanced, Direction, Initialisation, Kaiming, Mirrored,
    NetworkConfig, Normal, Orthogonal, StartMap,
};
use crate::task::{Task, TaskInputs};

/// Weight and bias of every layer, biases of layers that have none included.
pub fn draw(
    config: &NetworkConfig,
    shapes: &[Vec<i64>],
    task: &Task,
    generator: &mut ChaCha8Rng,
) -> Result<Vec<(Tensor, Tensor)>> {
    let mut layers = draw_unscaled(config, shapes, task, generator)?;
    for ((weight, _), scale) in layers.iter_mut().zip(&config.layer_scales) {
        *weight *= *scale;
    }
    Ok(layers)
}

fn draw_unscaled(
    config: &NetworkConfig,
    shapes: &[Vec<i64>],
    task: &Task,
    generator: &mut ChaCha8Rng,
) -> Result<Vec<(Tensor, Tensor)>> {
    let each = |weight: &mut dyn FnMut(&[i64]) -> Tensor| {
        shapes.iter().map(|shape| (weight(shape), zeros(shape[0]))).collect()
    };
    Ok(match config.initialisation {
        Initialisation::Aligned(aligned) => draw_aligned(config, aligned, task, generator)?,
        Initialisation::Normal(Normal { std }) => each(&mut |shape| normal(shape, generator) * std),
        Initialisation::NormalOverWidth(start) => {
            let std = start.deviation(&config.hidden);
            each(&mut |shape| normal(shape, generator) * std)
        }
        Initialisation::Kaiming(Kaiming { gain }) => each(&mut |shape| {
            let fan_in: i64 = shape[1..].iter().product();
            uniform(shape, gain / (fan_in as f64).sqrt(), generator)
        }),
        Initialisation::Orthogonal(Orthogonal { scale }) => {
            each(&mut |shape| orthogonal(shape, generator) * scale)
        }
        Initialisation::Mirrored(mirrored) => draw_mirrored(config, mirrored, task, generator)?,
        Initialisation::Balanced(balanced) => {
            ensure_balance_fits(config, balanced, task)?;
            draw_balanced(balanced, shapes, task, generator)?
        }
        Initialisation::Antisymmetric(antisymmetric) => {
            draw_antisymmetric(antisymmetric, shapes, generator)
        }
    })
}

/// Makes sure that `draw` can: an aligned start needs as many units as there are modes, a mirrored one a single output.
///
/// # Errors
///
/// Names the key, and what to write instead.
pub fn ensure_can_be_drawn(config: &NetworkConfig, task: &Task) -> Result<()> {
    match config.initialisation {
        Initialisation::Aligned(aligned) => {
            let (u, _) = modes(task, has_aligned_bias(config, aligned));
            ensure_wide_enough(config, u.size()[1])
        }
        Initialisation::Mirrored(mirrored) => {
            ensure_one_output(task)?;
            match mirrored.direction {
                Direction::Random => Ok(()),
                Direction::Aligned => correlated_direction(task).map(drop),
            }
        }
        Initialisation::Balanced(balanced) => ensure_balance_fits(config, balanced, task),
        Initialisation::Normal(_)
        | Initialisation::NormalOverWidth(_)
        | Initialisation::Kaiming(_)
        | Initialisation::Orthogonal(_)
        | Initialisation::Antisymmetric(_) => Ok(()),
    }
}

fn zeros(size: i64) -> Tensor {
    Tensor::zeros([size], (Kind::Double, tch::Device::Cpu))
}

fn normal(shape: &[i64], generator: &mut ChaCha8Rng) -> Tensor {
    let count = shape.iter().product::<i64>() as usize;
    let values: Vec<f64> = (0..count).map(|_| generator.sample(StandardNormal)).collect();
    from_host(&values).view(shape)
}

fn uniform(shape: &[i64], bound: f64, generator: &mut ChaCha8Rng) -> Tensor {
    let count = shape.iter().product::<i64>() as usize;
    let values: Vec<f64> =
        (0..count).map(|_| bound * (2.0 * generator.random::<f64>() - 1.0)).collect();
    from_host(&values).view(shape)
}

/// Orthonormal rows or columns, whichever are fewer; convolution kernels count as rows of all their inputs.
fn orthogonal(shape: &[i64], generator: &mut ChaCha8Rng) -> Tensor {
    let (rows, columns) = (shape[0], shape[1..].iter().product::<i64>());
    let tall = normal(&[rows.max(columns), rows.min(columns)], generator);
    let q = orthonormal_columns(&tall);
    let q = if rows >= columns { q } else { q.tr() };
    q.contiguous().view(shape)
}

/// `Q` of a QR decomposition with the signs that make it uniformly distributed for a normal matrix.
fn orthonormal_columns(tall: &Tensor) -> Tensor {
    let (q, r) = Tensor::linalg_qr(tall, "reduced");
    q * r.diagonal(0, 0, 1).sign().unsqueeze(0)
}

/// Every layer carries `c = a0^(1/L)` along the modes: `W_1 = c R_1 V^T`, `W_l = c R_l R_(l-1)^T`, `W_L = c U R_(L-1)^T`
/// with random orthonormal `R_l`, `[width, n_modes]`, so that seeds differ in the hidden basis alone.
fn draw_aligned(
    config: &NetworkConfig,
    aligned: Aligned,
    task: &Task,
    generator: &mut ChaCha8Rng,
) -> Result<Vec<(Tensor, Tensor)>> {
    let with_bias = has_aligned_bias(config, aligned);
    let (u, v) = modes(task, with_bias);
    let n_modes = u.size()[1];
    ensure_wide_enough(config, n_modes)?;
    let n_layers = config.hidden.len() + 1;
    let c = aligned.a0.powf(1.0 / n_layers as f64);
    let mut factors = vec![v];
    for &width in &config.hidden {
        factors.push(orthonormal_columns(&normal(&[width as i64, n_modes], generator)));
    }
    factors.push(u);
    let mut layers: Vec<(Tensor, Tensor)> = factors
        .windows(2)
        .map(|pair| (pair[1].matmul(&pair[0].tr()) * c, zeros(pair[1].size()[0])))
        .collect();
    if with_bias {
        // The constant's column is the bias.
        let augmented = layers[0].0.shallow_clone();
        let n_inputs = task.n_inputs() as i64;
        layers[0] = (
            augmented.narrow(1, 0, n_inputs).contiguous(),
            augmented.select(1, n_inputs).contiguous(),
        );
    }
    Ok(layers)
}

/// Whether the bias of the first layer starts along the modes, as a further input that is 1.
fn has_aligned_bias(config: &NetworkConfig, aligned: Aligned) -> bool {
    match aligned.biases {
        AlignedBiases::Zero => false,
        AlignedBiases::Aligned => config.bias.at_input(),
    }
}

fn ensure_wide_enough(config: &NetworkConfig, n_modes: i64) -> Result<()> {
    for &width in &config.hidden {
        ensure!(
            width as i64 >= n_modes,
            "network.hidden has a width of {width}, but the aligned start needs one unit for each of the {n_modes} modes: \
             raise it, or use another network.initialisation"
        );
    }
    Ok(())
}

fn ensure_one_output(task: &Task) -> Result<()> {
    let n_labels = task.targets.ncols();
    ensure!(
        n_labels == 1,
        "network.initialisation.mirrored is for one output, but the task has {n_labels}: use normal, kaiming or orthogonal"
    );
    Ok(())
}

/// The direction of the inputs that goes with the targets, `[n_inputs, 1]`.
fn correlated_direction(task: &Task) -> Result<Tensor> {
    let seen = to_tensor(&task.input_output_correlation()).tr();
    ensure!(
        seen.norm().double_value(&[]) > 0.0,
        "network.initialisation.mirrored.direction is aligned, but targets have no correlation with inputs: set it to random"
    );
    Ok(seen)
}

/// Which shapes allow a difference of layers, and which tasks a map that was learned.
fn ensure_balance_fits(config: &NetworkConfig, balanced: Balanced, task: &Task) -> Result<()> {
    ensure!(
        balanced.map == StartMap::Random || matches!(task.inputs, TaskInputs::Vectors(_)),
        "network.initialisation.balanced.map is learned, which is found for one vector per item, not for images: set it to random"
    );
    let lambda = balanced.lambda;
    let [width] = config.hidden[..] else { return Ok(()) };
    let (size, whose) = match lambda {
        0.0 => return Ok(()),
        _ if lambda > 0.0 => (task.targets.ncols(), "outputs"),
        _ => (task.n_inputs(), "inputs"),
    };
    ensure!(
        size >= width,
        "network.initialisation.balanced.lambda is {lambda}, but W_2^T W_2 - W_1 W_1^T = {lambda} I on {width} hidden units takes as many \
         {whose}, and the task has {size}: lower network.hidden to {size}, or turn lambda's sign if there are enough {}",
        if lambda > 0.0 { "inputs" } else { "outputs" }
    );
    Ok(())
}

/// Layers of which `W_2^T W_2 - W_1 W_1^T = lambda I`: the start that `Balanced` describes.
fn draw_balanced(
    balanced: Balanced,
    shapes: &[Vec<i64>],
    task: &Task,
    generator: &mut ChaCha8Rng,
) -> Result<Vec<(Tensor, Tensor)>> {
    let mut weights = match shapes {
        [first, second] if balanced.lambda != 0.0 => {
            apart(balanced, [first, second], generator).into()
        }
        _ => shared_out(balanced, shapes, task, generator)?,
    };
    if balanced.perturbation > 0.0 {
        for weight in &mut weights {
            *weight += normal(&weight.size(), generator) * balanced.perturbation;
        }
    }
    Ok(weights.into_iter().map(|weight| (weight.contiguous(), zeros(weight.size()[0]))).collect())
}

/// One layer normal, the other `lambda` from it.
fn apart(
    balanced: Balanced,
    [first, second]: [&[i64]; 2],
    generator: &mut ChaCha8Rng,
) -> [Tensor; 2] {
    let (std, lambda) = (balanced.deviation(), balanced.lambda);
    // (|lambda| I + G)^(1/2) for G = W W^T.
    let root = |rows: &Tensor| {
        let (squares, vectors) = rows.matmul(&rows.tr()).linalg_eigh("L");
        (&vectors * (squares + lambda.abs()).sqrt()).matmul(&vectors.tr())
    };
    if lambda > 0.0 {
        let below = normal(first, generator) * std;
        let columns = orthonormal_columns(&normal(second, generator));
        let above = columns.matmul(&root(&below));
        return [below, above];
    }
    let above = normal(second, generator) * std;
    let columns = orthonormal_columns(&normal(&[first[1], first[0]], generator));
    [root(&above.tr()).matmul(&columns.tr()), above]
}

/// A map of which every layer carries the same share.
fn shared_out(
    balanced: Balanced,
    shapes: &[Vec<i64>],
    task: &Task,
    generator: &mut ChaCha8Rng,
) -> Result<Vec<Tensor>> {
    let n_layers = shapes.len();
    let map = match balanced.map {
        StartMap::Random => shapes
            .iter()
            .map(|shape| normal(shape, generator) * balanced.deviation())
            .reduce(|below, above| above.matmul(&below))
            .context("a network has layers")?,
        StartMap::Learned => learned_map(task),
    };
    let (u, s, v) = map.f_svd(true, true).unwrap_or_else(|_| by_eigenvectors(&map));
    let n_modes = shapes.iter().flatten().copied().min().unwrap_or(1);
    let share = s.narrow(0, 0, n_modes).pow_tensor_scalar(1.0 / n_layers as f64);
    let mut factors = vec![v.narrow(1, 0, n_modes)];
    for shape in &shapes[..n_layers - 1] {
        factors.push(orthonormal_columns(&normal(&[shape[0], n_modes], generator)));
    }
    factors.push(u.narrow(1, 0, n_modes));
    Ok(factors.windows(2).map(|pair| (&pair[1] * &share).matmul(&pair[0].tr())).collect())
}

/// The least-squares map of a task on vectors, `Sigma_yx Sigma_x^+`.
fn learned_map(task: &Task) -> Tensor {
    let inputs = task.item_means();
    let weighted = &inputs * &task.probabilities.view().insert_axis(Axis(1));
    let covariance = to_tensor(&weighted.t().dot(&inputs));
    to_tensor(&task.input_output_correlation()).matmul(&covariance.pinverse(1e-12))
}

/// Two opposite halves of rank one in every layer: the start that `Mirrored` describes.
fn draw_mirrored(
    config: &NetworkConfig,
    Mirrored { scale, direction }: Mirrored,
    task: &Task,
    generator: &mut ChaCha8Rng,
) -> Result<Vec<(Tensor, Tensor)>> {
    ensure_one_output(task)?;
    let unit = |column: Tensor| &column / column.norm();
    let seen = match direction {
        Direction::Random => normal(&[task.n_inputs() as i64, 1], generator),
        Direction::Aligned => correlated_direction(task)?,
    };
    // A layer's halves: what answers to r.x, and what answers to -r.x.
    let halves = |width: usize, generator: &mut ChaCha8Rng| {
        let half = unit(normal(&[width as i64 / 2, 1], generator).abs());
        [
            half.constant_pad_nd([0, 0, 0, half.size()[0]]),
            half.constant_pad_nd([0, 0, half.size()[0], 0]),
        ]
    };
    let mut layers: Vec<Tensor> = Vec::new();
    let mut below: Option<[Tensor; 2]> = None;
    for &width in &config.hidden {
        let [positive, negative] = halves(width, generator);
        layers.push(match &below {
            None => (&positive - &negative).matmul(&unit(seen.shallow_clone()).tr()),
            Some([for_positive, for_negative]) => {
                positive.matmul(&for_positive.tr()) + negative.matmul(&for_negative.tr())
            }
        });
        below = Some([positive, negative]);
    }
    if let Some([positive, negative]) = below {
        layers.push((positive - negative).tr());
    }
    Ok(layers.into_iter().map(|weight| (&weight * scale, zeros(weight.size()[0]))).collect())
}

/// Normal weights, random signs at the output, and the last hidden layer in two halves whose answers cancel.
fn draw_antisymmetric(
    Antisymmetric { std, output }: Antisymmetric,
    shapes: &[Vec<i64>],
    generator: &mut ChaCha8Rng,
) -> Vec<(Tensor, Tensor)> {
    let last = shapes.len() - 1;
    let of_layer = |(index, shape): (usize, &Vec<i64>)| {
        let (rows, columns) = (shape[0], shape[1]);
        let weight = if index == last {
            let half = normal(&[rows, columns / 2], generator).sign() * output;
            Tensor::cat(&[&half, &-&half], 1)
        } else if index + 1 == last {
            (normal(&[rows / 2, columns], generator) * std).repeat([2, 1])
        } else {
            normal(shape, generator) * std
        };
        (weight, zeros(rows))
    };
    shapes.iter().enumerate().map(of_layer).collect()
}

/// Output modes `[n_labels, n_modes]` and input modes `[n_inputs (+ 1), n_modes]` of Sigma_yx with singular values above
/// rounding errors.
fn modes(task: &Task, with_constant: bool) -> (Tensor, Tensor) {
    let mut correlation: Array2<f64> = task.input_output_correlation();
    if with_constant {
        // < y 1 > = ybar.
        correlation = concatenate![Axis(1), correlation, task.ocs().insert_axis(Axis(1))];
    }
    singular_modes(&to_tensor(&correlation))
}

/// Singular vectors with singular values above rounding errors.
fn singular_modes(matrix: &Tensor) -> (Tensor, Tensor) {
    let (u, s, v) = matrix.f_svd(true, true).unwrap_or_else(|_| by_eigenvectors(matrix));
    let threshold = s.max().double_value(&[]) * 1e-10;
    let n_modes = s.gt(threshold).sum(Kind::Int64).int64_value(&[]);
    (u.narrow(1, 0, n_modes), v.narrow(1, 0, n_modes))
}

/// The same by the eigenvectors of `A^T A`: LAPACK's SVD does not converge on some matrices with many equal singular
/// values, as deep trees have. Singular values below 1e-7 of the largest are lost.
fn by_eigenvectors(matrix: &Tensor) -> (Tensor, Tensor, Tensor) {
    let (squares, vectors) = matrix.tr().matmul(matrix).linalg_eigh("L");
    let (squares, v) = (squares.flip([0]), vectors.flip([1]));
    let s = squares.clamp_min(0.0).sqrt();
    let s = &s * s.gt(s.max().double_value(&[]) * 1e-7);
    let u = matrix.matmul(&v) / s.clamp_min(f64::MIN_POSITIVE);
    (u, s, v)
}
