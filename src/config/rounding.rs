//! What a number becomes in the format that a network computes in: a start that is 0 there never learns.

use anyhow::{Result, ensure};

use super::{
    Aligned, Antisymmetric, Balanced, Initialisation, Kaiming, Mirrored, NetworkConfig, Normal,
    Orthogonal, Precision, StartMap, TaskConfig, TrainingConfig,
};

/// Refuses a fraction of the mean target that responses, once they are near it, do not tell from none.
pub(super) fn check_threshold(threshold: f64, precision: Precision) -> Result<()> {
    let precision = precision.of_updates();
    let (resolved, wider) = match precision {
        Precision::Float64 => (f64::EPSILON, ""),
        Precision::Float32 | Precision::Bfloat16 => {
            (f64::from(f32::EPSILON), "set training.precision to float64, or ")
        }
    };
    ensure!(
        threshold >= resolved,
        "phase_threshold is {threshold:e}, but {} resolves {resolved:.1e} of a mean target at best, and M would never come so \
         near: {wider}write a larger value",
        precision.name()
    );
    Ok(())
}

/// Refuses numbers that lose their meaning in the chosen precision.
pub(super) fn check(
    task: &TaskConfig,
    network: &NetworkConfig,
    training: &TrainingConfig,
) -> Result<()> {
    let precision = training.precision;
    check_start(network, training)?;
    if task.correlation > 0.0 {
        let what = format!("task.correlation is {:e}, whose root", task.correlation);
        precision.ensure_holds(&what, task.correlation.sqrt())?;
    }
    let precision = precision.of_updates();
    training.optimiser.check_rounding(precision, training.learning_rate)
}

/// What is added to weights of a size must be more than their rounding.
fn check_perturbation(perturbation: f64, size: f64, precision: Precision) -> Result<()> {
    let (resolved, wider) = match precision.of_updates() {
        Precision::Float64 => (f64::EPSILON, ""),
        Precision::Float32 | Precision::Bfloat16 => {
            (f64::from(f32::EPSILON), "set training.precision to float64, or ")
        }
    };
    ensure!(
        perturbation == 0.0 || perturbation >= resolved * size,
        "network.initialisation.balanced.perturbation is {perturbation:e}, of which {} keeps nothing beside weights of {size:e}: {wider}\
         write a larger value, or 0",
        precision.name()
    );
    Ok(())
}

/// A layer's weights are stored one by one, and its gradient carries the product of all others: neither may be 0.
fn check_start(network: &NetworkConfig, training: &TrainingConfig) -> Result<()> {
    let n_layers = network.n_layers();
    let widest = network.hidden.iter().copied().max().unwrap_or(1) as f64;
    // Size of a weight, and that of a layer as a map; estimates from above, so that nothing is refused that would learn.
    let (key, value, weight, layer) = match network.initialisation {
        Initialisation::Aligned(Aligned { a0, biases: _ }) => {
            let share = a0.powf(1.0 / n_layers as f64);
            ("aligned.a0", a0, share, share)
        }
        Initialisation::Normal(Normal { std }) => ("normal.std", std, std, std * widest.sqrt()),
        Initialisation::NormalOverWidth(start) => {
            ("normal-over-width.std", start.std, start.deviation(&network.hidden), start.std)
        }
        Initialisation::Kaiming(Kaiming { gain }) => {
            ("kaiming.gain", gain, gain / widest.sqrt(), gain)
        }
        Initialisation::Orthogonal(Orthogonal { scale }) => {
            ("orthogonal.scale", scale, scale, scale)
        }
        // What has been learned is of the task's own size.
        Initialisation::Balanced(Balanced { map: StartMap::Learned, perturbation, .. }) => {
            return check_perturbation(perturbation, 1.0, training.precision);
        }
        Initialisation::Balanced(balanced @ Balanced { lambda, perturbation, .. }) => {
            let std = balanced.deviation();
            check_perturbation(perturbation, std, training.precision)?;
            // Of a product of normal layers, shared out evenly.
            ("balanced.std", std, std, (std * widest.sqrt()).hypot(lambda.abs().sqrt()))
        }
        Initialisation::Mirrored(Mirrored { scale, direction: _ }) => {
            ("mirrored.scale", scale, scale / widest.sqrt(), scale)
        }
        Initialisation::Antisymmetric(Antisymmetric { std, output }) => {
            let least = std.min(output);
            ("antisymmetric", least, least, std.max(output) * widest.sqrt())
        }
    };
    let precision = training.precision;
    let what = format!("network.initialisation.{key} is {value:e}: a weight of {weight:.1e}");
    let scales = network.layer_scales.iter().copied();
    precision.ensure_holds(&what, weight * scales.clone().fold(1.0, f64::min))?;
    if !network.normalisation.is_none() || network.residual {
        // What hidden layers make is of size 1, or goes round them, however small their weights are.
        return Ok(());
    }
    let others = i32::try_from(n_layers - 1).map_or(0.0, |power| layer.powi(power));
    // Of all but the largest.
    let largest = scales.clone().reduce(f64::max).unwrap_or(1.0);
    let others = others * scales.product::<f64>() / largest;
    let what = format!(
        "network.initialisation.{key} is {value:e}: what {} of its {n_layers} layers make together, {others:.1e},",
        n_layers - 1
    );
    precision.ensure_holds(&what, others)?;
    let what = format!(
        "network.initialisation.{key} is {value:e}: times training.learning_rate {:e}, a step of {:.1e}",
        training.learning_rate,
        others * training.learning_rate
    );
    precision.of_updates().ensure_holds(&what, others * training.learning_rate)
}
