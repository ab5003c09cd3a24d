//! Which runs are of which kind, and what is read off them: shared by claims and figure.

use anyhow::Result;

use crate::config::{Config, Initialisation, LinearTargets, NormalOverWidth, Targets};
use crate::metrics::{first_time, rank_correlation};
use crate::record::{Record, RunFolder, Series};

/// Targets below this size of the map's entries are the small ones.
const SMALL_ENTRIES: f64 = 0.1;

/// Kinds of runs, by their configs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// One layer.
    OneLayer,
    /// Lazy networks of a depth on inputs of unequal variances until L t = 3, with small targets or others.
    Lazy { depth: usize, small_targets: bool },
    /// Lazy networks on such inputs until all is learned.
    Raw,
    /// Lazy networks on inputs of equal variances.
    White,
    /// A small start.
    SmallStart,
    /// ReLU networks on labels.
    Relu(Labelled),
}

/// What ReLU networks learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labelled {
    /// Inputs of unequal variances.
    Raw,
    /// Inputs of equal variances.
    White,
    /// Labels that were shuffled.
    Shuffled,
}

impl Kind {
    fn words(self) -> String {
        let of = |small_targets: bool| if small_targets { "small targets" } else { "targets" };
        match self {
            Kind::OneLayer => "a linear network of one layer".to_owned(),
            Kind::Lazy { depth, small_targets } => {
                format!(
                    "{depth} layers from normal-over-width and {} until L t = 3",
                    of(small_targets)
                )
            }
            Kind::Raw => "normal-over-width until L t > 3".to_owned(),
            Kind::White => "linear networks on equal variances".to_owned(),
            Kind::SmallStart => "normal-over-width with a std below 1".to_owned(),
            Kind::Relu(labelled) => format!("ReLU networks on labels ({labelled:?})"),
        }
    }

    fn fits(self, config: &Config) -> bool {
        let Some(gaussian) = &config.task.gaussian else { return false };
        let is_even = gaussian.spectrum.is_none_or(|spectrum| spectrum.exponent == 0.0);
        if let Kind::Relu(labelled) = self {
            let found = match (config.task.labels.is_some(), is_even) {
                (true, _) => Labelled::Shuffled,
                (false, true) => Labelled::White,
                (false, false) => Labelled::Raw,
            };
            return !config.network.kind.is_linear() && found == labelled;
        }
        let Some(Targets::Linear(LinearTargets { entries: Some(entries), .. })) =
            &config.task.targets
        else {
            return false;
        };
        let layers = config.network.hidden.len() + 1;
        let end = config.training.learning_rate * config.training.steps as f64 * layers as f64;
        let is_early = end <= 3.0 + 1e-9;
        let start = match config.network.initialisation {
            Initialisation::NormalOverWidth(NormalOverWidth { std }) => Some(std),
            _ => None,
        };
        let are_small = *entries < SMALL_ENTRIES;
        match self {
            Kind::OneLayer => layers == 1,
            Kind::Lazy { depth, small_targets } => {
                start == Some(1.0)
                    && !is_even
                    && is_early
                    && layers == depth
                    && are_small == small_targets
            }
            Kind::Raw => start == Some(1.0) && !is_even && !is_early,
            Kind::White => start == Some(1.0) && is_even,
            Kind::SmallStart => start.is_some_and(|std| std < 1.0),
            Kind::Relu(_) => false,
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

/// Runs in groups that share a number, in its order.
fn grouped(runs: Vec<&Record>, number: fn(&Record) -> u64) -> Vec<(u64, Vec<&Record>)> {
    let mut numbers: Vec<u64> = runs.iter().map(|run| number(run)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let of = |wanted: u64| runs.iter().copied().filter(|run| number(run) == wanted).collect();
    numbers.into_iter().map(|wanted| (wanted, of(wanted))).collect()
}

/// Width of hidden layers.
pub fn width(run: &Record) -> f64 {
    run.config.network.hidden.first().copied().unwrap_or(1) as f64
}

/// Runs of a kind by their width.
///
/// # Errors
///
/// As for `pick`.
pub fn by_width(runs: &RunFolder, kind: Kind) -> Result<Vec<(f64, Vec<&Record>)>> {
    let of_width = |run: &Record| width(run) as u64;
    let groups = grouped(pick(runs, kind)?, of_width).into_iter();
    Ok(groups.map(|(width, runs)| (width as f64, runs)).collect())
}

/// ReLU networks by their data set.
///
/// # Errors
///
/// As for `pick`.
pub fn by_data_set(runs: &RunFolder, labelled: Labelled) -> Result<Vec<(u64, Vec<&Record>)>> {
    let seed = |run: &Record| run.config.task.seed.unwrap_or(0);
    Ok(grouped(pick(runs, Kind::Relu(labelled))?, seed))
}

/// All values of a series at a place, if all are there.
fn whole(series: Option<&Series>, place: &[usize]) -> Option<Vec<f64>> {
    let values: Option<Vec<f64>> = series?.at(place).into_iter().collect();
    values.filter(|values| !values.is_empty())
}

/// e: the largest distance of the map from the formula's, as a share of the way there is to go.
pub fn map_error(run: &Record) -> Option<f64> {
    whole(run.series.get("wide_map_error"), &[])?.into_iter().reduce(f64::max)
}

/// Mean of a quantity over runs; `None` where it is missing in one.
pub fn mean(runs: &[&Record], of: fn(&Record) -> Option<f64>) -> Option<f64> {
    let values: Option<Vec<f64>> = runs.iter().map(|run| of(run)).collect();
    let values = values.filter(|values| !values.is_empty())?;
    Some(values.iter().sum::<f64>() / values.len() as f64)
}

/// d_j.
pub fn variances(run: &Record) -> Vec<f64> {
    let series = run.series.get("component_variances");
    series.map(|series| series.last().iter().flatten().copied().collect()).unwrap_or_default()
}

/// Layers of weights L.
pub fn depth(run: &Record) -> f64 {
    run.config.network.hidden.len() as f64 + 1.0
}

/// Distance of a component's column from least squares, or that of the formula, as a share of what it was at first, `[time]`.
pub fn distance(run: &Record, series: &str, component: usize) -> Option<Vec<f64>> {
    let distances = whole(run.series.get(series), &[component])?;
    Some(distances.iter().map(|distance| distance / distances[0]).collect())
}

/// When half of each component's distance is gone; `None` if never.
pub fn half_times(run: &Record) -> Vec<Option<f64>> {
    let half = |component| {
        let gone: Vec<f64> = distance(run, "component_distances", component)?
            .into_iter()
            .map(|share| 1.0 - share)
            .collect();
        first_time(&run.curves.time, &gone, 0.5)
    };
    (0..variances(run).len()).map(half).collect()
}

/// Half times over `ln 2 / (L d_j)`.
pub fn half_time_ratios(run: &Record) -> Vec<Option<f64>> {
    let ratio = |(time, variance): (Option<f64>, f64)| {
        Some(time? * depth(run) * variance / std::f64::consts::LN_2)
    };
    let ratios: Vec<_> = half_times(run).into_iter().zip(variances(run)).map(ratio).collect();
    // Of a run that tells of none, one is missing.
    if ratios.is_empty() { vec![None] } else { ratios }
}

/// Spearman's correlation of half times, of those components that come so far, with 1 / d_j.
pub fn order(run: &Record) -> Option<f64> {
    let pairs: Vec<(f64, f64)> = half_times(run)
        .into_iter()
        .zip(variances(run))
        .filter_map(|(time, variance)| Some((time?, 1.0 / variance)))
        .collect();
    rank_correlation(&pairs)
}

/// Largest half time over the smallest; `None` where one is missing.
pub fn range(run: &Record) -> Option<f64> {
    let times: Option<Vec<f64>> = half_times(run).into_iter().collect();
    let times = times?;
    let largest = times.iter().copied().reduce(f64::max)?;
    Some(largest / times.into_iter().reduce(f64::min)?)
}

/// Standard deviation of a component's column over networks, as a share of what it was at first, `[time]`.
pub fn spread(runs: &[&Record], component: usize) -> Option<Vec<f64>> {
    let maps: Option<Vec<&Series>> =
        runs.iter().map(|run| run.series.get("component_map")).collect();
    let maps = maps.filter(|maps| maps.len() > 1)?;
    let n_outputs = *maps[0].shape.first()?;
    let mut squares = vec![0.0; maps[0].step.len()];
    for output in 0..n_outputs {
        let columns: Option<Vec<Vec<f64>>> =
            maps.iter().map(|map| whole(Some(map), &[output, component])).collect();
        let columns = columns?;
        let count = columns.len() as f64;
        for (time, square) in squares.iter_mut().enumerate() {
            let middle = columns.iter().map(|column| column[time]).sum::<f64>() / count;
            *square += columns.iter().map(|column| (column[time] - middle).powi(2)).sum::<f64>();
        }
    }
    let first = squares[0];
    Some(squares.into_iter().map(|square| (square / first).sqrt()).collect())
}

/// `lambda_j^s` at every step that was observed, `[time]`.
pub fn shares(run: &Record, component: usize) -> Option<Vec<f64>> {
    let variance = *variances(run).get(component)?;
    let factor = 1.0 - run.config.training.learning_rate * variance * depth(run);
    Some(run.curves.step.iter().map(|&step| factor.powi(step as i32)).collect())
}

/// Largest distance of the spread from `lambda_j^s`, of each component.
pub fn spread_errors(runs: &[&Record]) -> Vec<Option<f64>> {
    let Some(run) = runs.first() else { return Vec::new() };
    let of_component = |component| {
        let pairs = std::iter::zip(spread(runs, component)?, shares(run, component)?);
        pairs.map(|(one, other)| (one - other).abs()).reduce(f64::max)
    };
    (0..variances(run).len()).map(of_component).collect()
}

/// Which surroundings of which layer.
#[derive(Debug, Clone, Copy)]
pub enum Side {
    /// `||A_1 - I||`, all that lies above the first layer.
    Above,
    /// `||B_L - I||`, all that lies below the last.
    Below,
}

/// It at the start, over `2 sqrt((L - 1) n / m)` of n outputs above, or inputs below.
pub fn surroundings(run: &Record, side: Side) -> Option<f64> {
    let series = run.series.get("layer_surroundings")?;
    let map = run.series.get("component_map")?;
    let (place, size) = match side {
        Side::Above => ([0, 0], map.shape[0]),
        Side::Below => ([series.shape[0] - 1, 1], map.shape[1]),
    };
    let found = *series.at(&place).first()?;
    Some(found? / (2.0 * ((depth(run) - 1.0) * size as f64 / width(run)).sqrt()))
}

/// Largest distance of the loss from (B3), as a share of what there is to lose.
pub fn loss_error(run: &Record) -> Option<f64> {
    let wide = whole(run.series.get("wide_loss"), &[])?;
    let loss = &run.curves.loss;
    let most = std::iter::zip(loss, &wide).map(|(one, other)| (one - other).abs());
    Some(most.reduce(f64::max)? / loss[0])
}

/// How often each held-out sample was right, mean over epochs and networks, with its critical component in `of`; shuffled labels have
/// none of their own.
pub fn accessibilities(runs: &[&Record], of: &Record) -> Option<Vec<(f64, f64)>> {
    let of_sample = |run: &Record, name: &str| -> Option<Vec<f64>> {
        run.series.get(name)?.last().iter().copied().collect()
    };
    let critical = of_sample(of, "critical_component")?;
    let mut sums = vec![0.0; critical.len()];
    for run in runs {
        let shares = of_sample(run, "accessibility")?;
        std::iter::zip(&mut sums, shares).for_each(|(sum, share)| *sum += share);
    }
    let count = runs.len() as f64;
    Some(std::iter::zip(sums, critical).map(|(sum, critical)| (sum / count, critical)).collect())
}

/// Accuracy on inputs with their first P components alone at an epoch, mean over networks, for each P.
pub fn accuracies(runs: &[&Record], epoch: usize) -> Option<Vec<(f64, f64)>> {
    let counts = &runs.first()?.config.projections;
    let at = |place: usize| {
        let of_run = |run: &&Record| {
            whole(run.series.get("projected_accuracy"), &[place])?.get(epoch).copied()
        };
        let all: Option<Vec<f64>> = runs.iter().map(of_run).collect();
        Some(all?.iter().sum::<f64>() / runs.len() as f64)
    };
    let accuracy = |(place, count): (usize, &usize)| Some((*count as f64, at(place)?));
    counts.iter().enumerate().map(accuracy).collect()
}

/// Share of the accuracy above chance that the first ten components carry at an epoch.
pub fn share_of_ten(runs: &[&Record], epoch: usize) -> Option<f64> {
    let accuracies = accuracies(runs, epoch)?;
    let (_, few) = *accuracies.iter().find(|(count, _)| *count == 10.0)?;
    let (_, all) = *accuracies.last()?;
    Some((few - 0.5) / (all - 0.5))
}

/// The last epoch that was observed.
pub fn last_epoch(runs: &[&Record]) -> Option<usize> {
    runs.first()?.curves.step.len().checked_sub(1)
}
