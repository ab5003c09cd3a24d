//! Which runs are of which kind, and what is read off them: shared by claims and figure.

use anyhow::Result;

use crate::config::{Activation, Config, Gaussian, Inputs, NetworkKind};
use crate::metrics::{first_time, norm};
use crate::record::{Record, RunFolder, Series};

/// Kinds of runs, by their configs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// White inputs of a dimension d, width d^2/2, until t = d/2.
    Wide(usize),
    /// White inputs of 40 dimensions, a width, until t = d/2.
    Width(usize),
    /// 512 units, white inputs of a dimension, until t = d/4 ln d.
    Narrow(usize),
    /// The second layer stays.
    FirstLayer,
    /// The first layer stays.
    SecondLayer,
    /// Unequal directions.
    Spiked,
    /// Until hardly any loss is left.
    Late,
    /// Until directions are learned, too.
    Phase(Activation),
    /// Images.
    Images(Activation),
    /// Images, whatever the activation.
    AnyImages,
    /// A convolutional network with its tangent kernel.
    Cnn,
}

impl Kind {
    /// In words.
    fn words(self) -> String {
        match self {
            Kind::Wide(dimension) => {
                format!("{dimension} white inputs and d²/2 units until t = d/2")
            }
            Kind::Width(width) => format!("40 white inputs and {width} units until t = d/2"),
            Kind::Narrow(dimension) => format!("{dimension} white inputs and 512 units"),
            Kind::FirstLayer => "training.frozen: [2]".to_owned(),
            Kind::SecondLayer => "training.frozen: [1]".to_owned(),
            Kind::Spiked => "unequal task.gaussian.spread".to_owned(),
            Kind::Late => "25 white inputs until t > 10 d".to_owned(),
            Kind::Phase(activation) => {
                format!("40 white inputs and {activation:?} units until t > d")
            }
            Kind::Images(activation) => format!("images and {activation:?} units"),
            Kind::AnyImages => "images".to_owned(),
            Kind::Cnn => "a convolutional network and its kernel".to_owned(),
        }
    }

    /// Whether a config is of this kind.
    pub fn fits(self, config: &Config) -> bool {
        let (network, training) = (&config.network, &config.training);
        let are_images = config.task.inputs.are_images();
        let is_mlp = network.kind == NetworkKind::Mlp;
        match self {
            Kind::Images(activation) => {
                return are_images && is_mlp && network.activation == activation;
            }
            Kind::AnyImages => return are_images && is_mlp,
            Kind::Cnn => return are_images && !is_mlp && config.kernel.is_some(),
            _ => {}
        }
        let Some(Gaussian { dimension, spread, .. }) = &config.task.gaussian else { return false };
        let is_white = spread.is_none() && config.task.inputs == Inputs::Gaussian;
        let (d, all_learn) = (*dimension as f64, training.frozen.is_empty());
        let end = training.learning_rate * training.steps as f64 / d;
        let is_width = |width: usize| network.hidden == [width];
        let until = |share: f64| (end - share).abs() < 1e-9;
        let is_plain = is_white && all_learn;
        match self {
            Kind::Wide(dimension) => {
                is_plain
                    && d == dimension as f64
                    && is_width(dimension * dimension / 2)
                    && until(0.5)
            }
            Kind::Width(width) => is_plain && d == 40.0 && is_width(width) && until(0.5),
            Kind::Narrow(dimension) => {
                // Steps are whole.
                is_plain
                    && d == dimension as f64
                    && is_width(512)
                    && (end - 0.25 * d.ln()).abs() < 0.01
            }
            Kind::FirstLayer => is_white && training.frozen == [2],
            Kind::SecondLayer => is_white && training.frozen == [1],
            Kind::Spiked => !is_white && all_learn,
            Kind::Late => is_plain && d < 40.0 && end > 10.0,
            Kind::Phase(activation) => {
                is_plain && d == 40.0 && end > 1.0 && network.activation == activation
            }
            Kind::Images(_) | Kind::AnyImages | Kind::Cnn => false,
        }
    }
}

/// Runs of a kind.
///
/// # Errors
///
/// If there is none.
pub fn pick(runs: &RunFolder, kind: Kind) -> Result<Vec<&Record>> {
    runs.pick(kind.words(), |config| kind.fits(config))
}

/// Those of an activation.
///
/// # Errors
///
/// If there is no run of the kind.
pub fn of_activation(runs: &RunFolder, kind: Kind, activation: Activation) -> Result<Vec<&Record>> {
    let mut chosen = pick(runs, kind)?;
    chosen.retain(|run| run.config.network.activation == activation);
    Ok(chosen)
}

/// Pairs of the same activation and seed.
pub fn by_seed<'a>(ones: &[&'a Record], others: &[&'a Record]) -> Vec<(&'a Record, &'a Record)> {
    let key = |run: &Record| (run.seed, run.config.network.activation);
    let partner = |one: &&'a Record| {
        others.iter().find(|other| key(other) == key(one)).map(|other| (*one, *other))
    };
    ones.iter().filter_map(partner).collect()
}

/// Groups of runs that differ in their seeds alone. D of a few hundred samples is uncertain by a tenth in each.
pub fn alike<'a>(runs: &[&'a Record]) -> Vec<Vec<&'a Record>> {
    let mut groups: Vec<Vec<&Record>> = Vec::new();
    for &run in runs {
        match groups.iter_mut().find(|group| group[0].condition == run.condition) {
            Some(group) => group.push(run),
            None => groups.push(vec![run]),
        }
    }
    groups
}

/// When D is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Moment {
    /// t = d/8.
    Quarter,
    /// The observation nearest to t = this share of d.
    Near(f64),
    /// The last step.
    End,
}

/// D of a set, 0 the training set and 1 what else is judged, at a moment that was observed.
pub fn difference(run: &Record, moment: Moment, set: usize) -> Option<f64> {
    at(run, run.series.get("twin_difference")?, moment, set)
}

/// D of one run over that of another at a moment, training set.
pub fn ratio((one, other): (&Record, &Record), moment: Moment) -> Option<f64> {
    Some(difference(one, moment, 0)? / difference(other, moment, 0)?)
}

/// D of a run at a moment over what it was at t = d/2, training set.
pub fn growth(run: &Record, moment: Moment) -> Option<f64> {
    Some(difference(run, moment, 0)? / difference(run, Moment::Near(0.5), 0)?)
}

fn at(run: &Record, series: &Series, moment: Moment, set: usize) -> Option<f64> {
    let values = series.at(&[set]);
    let step = match moment {
        Moment::End => return *values.last()?,
        Moment::Quarter => step_at(run, 0.125)?,
        Moment::Near(share) => {
            let wanted = step_at(run, share)?;
            *series.step.iter().min_by_key(|step| step.abs_diff(wanted))?
        }
    };
    values[series.step.iter().position(|&seen| seen == step)?]
}

/// The step at t = share d.
fn step_at(run: &Record, share: f64) -> Option<u64> {
    let d = run.config.task.gaussian.as_ref()?.dimension as f64;
    Some((share * d / run.config.training.learning_rate).round() as u64)
}

/// Smallest D of the model without the norm at t = d/8 and later, training set.
pub fn least_without_norm(run: &Record) -> Option<f64> {
    let series = run.series.get("twin_difference_without_norm")?;
    let from = step_at(run, 0.125)?;
    let values = std::iter::zip(&series.step, series.at(&[0]));
    let late: Option<Vec<f64>> =
        values.filter(|(step, _)| **step >= from).map(|(_, value)| value).collect();
    late?.into_iter().reduce(f64::min)
}

/// Mean responses of network and linear model to the training set, `[time]`, of the first label.
pub fn means(run: &Record) -> Option<[Vec<f64>; 2]> {
    let of = |name: &str| -> Option<Vec<f64>> {
        run.series.get(name)?.at(&[0, 0]).into_iter().collect()
    };
    Some([of("network_mean_response")?, of("twin_mean_response")?])
}

/// Largest distance of the two.
pub fn mean_curve_error(run: &Record) -> Option<f64> {
    let [network, twin] = means(run)?;
    let off = std::iter::zip(network, twin).map(|(one, other)| (one - other).abs());
    off.reduce(f64::max)
}

/// Times to 90 % of the mean target: of the network, of the linear model, and `ln 10 / lambda`.
pub fn mean_times(run: &Record) -> Option<[f64; 3]> {
    let [network, twin] = means(run)?;
    let target = *run.ocs.first()?;
    let time = |mean: Vec<f64>| {
        let shares: Vec<f64> = mean.into_iter().map(|mean| mean / target).collect();
        first_time(&run.curves.time, &shares, 0.9)
    };
    Some([time(network)?, time(twin)?, formula_onset(run)?])
}

/// `ln 10 / lambda` of the constant, whose distance from the mean target is then a tenth of that at the start.
pub fn formula_onset(run: &Record) -> Option<f64> {
    let rate = *run.series.get("twin_rates")?.values.first()?;
    Some(std::f64::consts::LN_10 / rate?)
}

/// When the linear model's mean answer comes as near to the mean target as an onset asks.
pub fn twin_onset(run: &Record) -> Option<f64> {
    let size = norm(&run.ocs);
    let errors: Option<Vec<f64>> =
        run.series.get("twin_mean_output_error")?.at(&[]).into_iter().collect();
    let nearness: Vec<f64> = errors?.into_iter().map(|error| size / error).collect();
    first_time(&run.curves.time, &nearness, 1.0 / run.config.phase_threshold)
}

/// Largest distance of a convolutional network's M from that of the linear model of its kernel at step 0, over the size of the mean
/// target, and of the roots of V over that of the targets; on the training set.
pub fn distance_from_kernel(run: &Record) -> Option<[f64; 2]> {
    let lazy = run.kernel.as_ref()?.lazy.as_ref()?;
    let curves = run.training_curves.as_ref()?;
    let largest = |ones: &[f64], others: &[f64], of: fn(f64) -> f64| {
        let off = std::iter::zip(ones, others).map(|(one, other)| (of(*one) - of(*other)).abs());
        off.reduce(f64::max)
    };
    let size = norm(&run.ocs);
    let error = largest(&curves.mean_output_error, &lazy.mean_output_error, |error| error)?;
    let dependence = largest(&curves.input_dependence, &lazy.input_dependence, f64::sqrt)?;
    Some([error / size, dependence / lazy.target_variance.sqrt()])
}
