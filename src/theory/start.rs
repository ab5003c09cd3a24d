//! Where a network starts: strengths along modes for the closed forms, layers of weights for the flow.

use anyhow::{Result, bail, ensure};
use ndarray::{Array1, Array2, Axis, concatenate, s};

use super::balanced::{InputVariances, ModeStart};
use super::flow::LayerStart;
use crate::config::{
    Aligned, AlignedBiases, Bias, Initialisation, Kaiming, NetworkConfig, Normal, NormalOverWidth,
    Orthogonal,
};
use crate::decompositions::{orthonormal_columns, singular_vectors};
use crate::task::Task;

/// Whether the first layer's bias is part of what starts aligned.
pub fn aligns_bias(bias: Bias, Aligned { biases, .. }: Aligned) -> bool {
    match biases {
        AlignedBiases::Zero => false,
        AlignedBiases::Aligned => bias.at_input(),
    }
}

/// Strengths along the modes of a balanced tree under the aligned start.
///
/// THEORY (6a): with b1 = 0 only the part of the augmented constant mode that lies in the inputs is carried, the root
/// of the ratio of its plain to its augmented variance.
pub fn aligned_modes(
    aligned: Aligned,
    bias: Bias,
    variances: InputVariances,
    n_layers: usize,
) -> ModeStart {
    let c = aligned.a0.powf(1.0 / n_layers as f64);
    let share = if aligns_bias(bias, aligned) {
        1.0
    } else {
        (variances.constant / variances.constant_with(bias)).sqrt()
    };
    ModeStart { constant: (share * c, c), contrast: aligned.a0 }
}

/// A random start is small if its modes' strengths are below this fraction of their final ones: then the early flow
/// is linear, and (12) gives onset and end to some 2 % on average over seeds.
const SMALL: f64 = 0.01;

/// Mean effective strengths of a small random start of two layers.
///
/// ```text
/// A' = s B, B' = s A grows |A + B| / 2:   a0_eff = (1/4) <||W_1 w + W_2^T u||^2> = (l_1 + l_2) / 4
/// ```
///
/// with `l_1`, `l_2` the mean squared lengths of a unit mode through either layer; with b1 = 0 only the inputs' share of
/// the augmented constant mode passes the first. THEORY (12).
///
/// # Errors
///
/// If the start is not small, or modes are degenerate so that they mix: without biases and correlations the constant
/// shares its singular value with the top split.
pub fn random_modes(
    network: &NetworkConfig,
    task: &Task,
    variances: InputVariances,
) -> Result<ModeStart> {
    ensure!(
        network.layer_scales.is_empty(),
        "a random start has effective strengths where network.layer_scales is left out"
    );
    let [width] = network.hidden[..] else {
        bail!("a random start has effective strengths in networks of two layers only");
    };
    ensure!(
        network.bias != Bias::None || variances.constant > 1.5 * variances.contrast,
        "a random start without biases mixes the constant with the top split, which has nearly the same singular value"
    );
    let (width, n_inputs, n_labels) =
        (width as f64, task.n_inputs() as f64, task.targets.ncols() as f64);
    let (first, second) = match network.initialisation {
        Initialisation::Normal(Normal { std }) => (width * std * std, width * std * std),
        Initialisation::NormalOverWidth(NormalOverWidth { std }) => (std * std, std * std),
        Initialisation::Kaiming(Kaiming { gain }) => {
            (width * gain * gain / (3.0 * n_inputs), gain * gain / 3.0)
        }
        Initialisation::Orthogonal(Orthogonal { scale }) => {
            let length = |size: f64| scale * scale * (width / size).min(1.0);
            (length(n_inputs), length(n_labels))
        }
        Initialisation::Aligned(_) => bail!("the aligned start is not random"),
        Initialisation::Mirrored(_) => bail!("the mirrored start has rank one"),
        Initialisation::Balanced(_) => bail!("a balanced start is answered for one seed"),
        Initialisation::Antisymmetric(_) => bail!("the antisymmetric start is 0 end to end"),
    };
    let share = variances.constant / variances.constant_with(network.bias);
    ensure!(
        network.hidden[0] >= task.targets.nrows(),
        "{width} hidden units cannot hold all {} modes, which then compete",
        task.targets.nrows()
    );
    let contrast = 0.25 * (first + second);
    let constant = 0.25 * (second + share * first);
    // A contrast ends at sqrt(g) >= 1, the constant at ||ybar|| / mu, which may be less.
    let ocs = task.ocs();
    let final_constant = (ocs.dot(&ocs) / variances.constant_with(network.bias)).sqrt();
    let largest =
        if network.bias.at_output() { contrast } else { contrast.max(constant / final_constant) };
    ensure!(
        largest <= SMALL,
        "a random start has effective strengths only if they are small: here {largest:.2e} of the final ones, above {SMALL}"
    );
    // Beside an output bias the constant stays so weak that the shrinking half of it counts too: with c_1 = 0 and
    // c_2 = 2 sqrt(a0_eff) the mean strength is a0_eff (e^(2 mu b) - e^(-2 mu b)), zero at first.
    let constant = if network.bias.at_output() {
        (0.0, 2.0 * constant.sqrt())
    } else {
        (constant.sqrt(), constant.sqrt())
    };
    Ok(ModeStart { constant, contrast })
}

/// Whether every hidden layer holds every mode of the aligned start.
///
/// # Errors
///
/// Names the width.
pub fn ensure_wide_enough(network: &NetworkConfig, task: &Task) -> Result<()> {
    // In a tree every item has a label of its own and an input of its own, so there are as many modes as items; numbers that are
    // drawn have no more modes than there are of them.
    let n_modes = task.targets.nrows().min(task.targets.ncols());
    for &width in &network.hidden {
        ensure!(
            width >= n_modes,
            "network.hidden has a width of {width}, but the aligned start needs one unit for each of the {n_modes} modes"
        );
    }
    Ok(())
}

/// Layers of the aligned start, with hidden layers as wide as there are modes: `W_1 = c V^T`, `W_l = c I`, `W_L = c U`.
/// A random hidden basis, as a trained network has, changes no response.
pub fn aligned_layers(
    network: &NetworkConfig,
    aligned: Aligned,
    task: &Task,
) -> Result<Vec<LayerStart>> {
    let with_bias = aligns_bias(network.bias, aligned);
    let mut correlation = task.input_output_correlation();
    if with_bias {
        correlation = concatenate![Axis(1), correlation, task.ocs().insert_axis(Axis(1))];
    }
    let (u, v) = singular_vectors(&correlation);
    let n_modes = u.ncols();
    let n_layers = network.hidden.len() + 1;
    let c = aligned.a0.powf(1.0 / n_layers as f64);
    let mut factors = vec![v];
    factors.extend(vec![Array2::eye(n_modes); network.hidden.len()]);
    factors.push(u);
    let mut layers: Vec<LayerStart> = factors
        .windows(2)
        .enumerate()
        .map(|(index, pair)| {
            let weight = c * pair[1].dot(&pair[0].t());
            let bias =
                network.bias.at_layer(index, n_layers).then(|| Array1::zeros(weight.nrows()));
            LayerStart { weight, bias }
        })
        .collect();
    if with_bias {
        let augmented = layers[0].weight.clone();
        let n_inputs = augmented.ncols() - 1;
        layers[0].weight = augmented.slice(s![.., ..n_inputs]).to_owned();
        layers[0].bias = Some(augmented.column(n_inputs).to_owned());
    }
    Ok(layers)
}

/// Hidden layers reduced to the span of what reaches them from both sides, which the flow never leaves: the same
/// responses from fewer numbers.
pub fn reduced(mut layers: Vec<LayerStart>) -> Vec<LayerStart> {
    for index in 0..layers.len().saturating_sub(1) {
        let (below, above) = (&layers[index], &layers[index + 1]);
        let mut span = concatenate![Axis(1), below.weight, above.weight.t()];
        if let Some(bias) = &below.bias {
            span = concatenate![Axis(1), span, bias.clone().insert_axis(Axis(1))];
        }
        if span.ncols() >= span.nrows() {
            continue;
        }
        let basis = orthonormal_columns(&span);
        let weight = basis.t().dot(&below.weight);
        let bias = below.bias.as_ref().map(|bias| basis.t().dot(bias));
        let above_weight = above.weight.dot(&basis);
        layers[index] = LayerStart { weight, bias };
        layers[index + 1].weight = above_weight;
    }
    layers
}
