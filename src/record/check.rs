//! What records must be, whoever wrote the file. Checked once, where they are read: nothing that draws or decides meets a
//! curve of another length, or a level that has more labels than there are.

use anyhow::{Context, Result, ensure};

use super::{
    GramRecord, KernelMoment, KernelRecord, LazyRecord, Record, SCHEMA_VERSION, Series, Status,
    StretchRecord, TheoryRecord,
};
use crate::config::{Config, Stretch};
use crate::metrics::{Curves, Phase};

/// A file that can be checked when it is read.
pub trait Checked {
    /// # Errors
    ///
    /// Names the field and what is wrong with it.
    fn check(&self) -> Result<()>;
}

/// What curves are held against.
struct Shape {
    labels: usize,
    levels: usize,
    items: usize,
    /// Whether a network has them, and not a theory.
    of_network: bool,
}

impl Checked for Record {
    fn check(&self) -> Result<()> {
        ensure!(
            (1..=SCHEMA_VERSION).contains(&self.schema_version),
            "schema_version is {}, this program reads 1 to {SCHEMA_VERSION}",
            self.schema_version
        );
        self.config.check().context("config")?;
        ensure!(
            self.config.seeds.contains(&self.seed),
            "config.seeds is {:?}, without seed {}",
            self.config.seeds,
            self.seed
        );
        let first = first_stretch(&self.config)?;
        check_targets(&first, &self.levels, &self.ocs, self.target_variance)?;
        check_phase("phase", &self.phase)?;
        for (index, at) in self.phase_sensitivity.iter().enumerate() {
            let name = format!("phase_sensitivity[{index}]");
            let is_share = at.threshold > 0.0 && at.threshold < 1.0;
            ensure!(is_share, "{name}.threshold is {}, not between 0 and 1", at.threshold);
            check_phase(&name, &at.phase)?;
        }
        if let Status::Diverged { last_finite_loss, .. } = self.status {
            check_finite("status.diverged.last_finite_loss", &[last_finite_loss])?;
        }
        check_not_negative("wall_time", &[self.wall_time])?;
        let shape = Shape::of(&first, &self.levels, &self.ocs, true);
        check_curves("curves", &self.curves, &shape)?;
        if let Some(curves) = &self.training_curves {
            check_curves("training_curves", curves, &shape)?;
        }
        for (name, series) in &self.series {
            check_series(&format!("series.{name}"), series)?;
        }
        check_stretches(&self.stretches, &self.config, &self.levels)?;
        self.kernel.as_ref().map_or(Ok(()), KernelRecord::check)
    }
}

impl Checked for TheoryRecord {
    fn check(&self) -> Result<()> {
        self.config.check().context("config")?;
        let first = first_stretch(&self.config)?;
        check_targets(&first, &self.levels, &self.ocs, self.target_variance)?;
        check_phase("phase", &self.phase)?;
        for (index, mode) in self.modes.iter().enumerate() {
            let numbers = [
                mode.singular_value,
                mode.input_variance,
                mode.initial_strength,
                mode.final_strength,
            ];
            check_finite(&format!("modes[{index}]"), &numbers)?;
        }
        let shape = Shape::of(&first, &self.levels, &self.ocs, false);
        check_stretches(&self.stretches, &self.config, &self.levels)?;
        check_curves("curves", &self.curves, &shape)
    }
}

impl Checked for GramRecord {
    fn check(&self) -> Result<()> {
        ensure!(self.samples > 0 && self.features > 0, "samples or features is 0");
        ensure!(!self.eigenvalues.is_empty(), "eigenvalues is empty");
        check_finite("eigenvalues", &self.eigenvalues)?;
        check_share("ones_overlap", &[Some(self.ones_overlap)])?;
        check_not_negative("ratio, projection_cv", &known(&[self.ratio, self.projection_cv]))
    }
}

impl KernelRecord {
    fn check(&self) -> Result<()> {
        let n = self.step.len();
        ensure!(self.samples > 0, "kernel.samples is 0");
        ensure!(n > 0, "kernel.step is empty");
        check_steps("kernel.step", &self.step)?;
        for (name, curve) in [("largest", &self.largest), ("trace", &self.trace)] {
            check_length(&format!("kernel.{name}"), curve.len(), n)?;
            check_finite(&format!("kernel.{name}"), curve)?;
        }
        let curves = [
            ("ones_alignment", &self.ones_alignment),
            ("ratio", &self.ratio),
            ("drift", &self.drift),
            ("cosine", &self.cosine),
        ];
        for (name, curve) in curves {
            check_length(&format!("kernel.{name}"), curve.len(), n)?;
            check_finite(&format!("kernel.{name}"), &known(curve))?;
        }
        check_share("kernel.ones_alignment", &self.ones_alignment)?;
        check_moment("kernel.inputs", &self.inputs)?;
        if let Some(expected) = &self.expected {
            check_moment("kernel.expected", expected)?;
        }
        self.lazy.as_ref().map_or(Ok(()), LazyRecord::check)
    }
}

impl LazyRecord {
    fn check(&self) -> Result<()> {
        check_not_negative("kernel.lazy.target_variance", &[self.target_variance])?;
        check_phase("kernel.lazy.phase", &self.phase)?;
        check_increasing("kernel.lazy.time", &self.time)?;
        let curves = [
            ("kernel.lazy.mean_output_error", &self.mean_output_error),
            ("kernel.lazy.input_dependence", &self.input_dependence),
        ];
        for (name, curve) in curves {
            check_length(name, curve.len(), self.time.len())?;
            check_finite(name, curve)?;
        }
        Ok(())
    }
}

impl Shape {
    fn of(config: &Config, levels: &[usize], ocs: &[f64], of_network: bool) -> Self {
        Shape { labels: ocs.len(), levels: levels.len(), items: config.task.n_items(), of_network }
    }
}

/// What the top-level fields of a record are held against.
fn first_stretch(config: &Config) -> Result<Config> {
    let first = config.stretches()?.into_iter().next();
    Ok(first.map_or_else(|| config.clone(), |stretch| stretch.config))
}

/// Levels are those of the config's tree, if it has one, and the OCS has a value for each label.
fn check_targets(config: &Config, levels: &[usize], ocs: &[f64], variance: f64) -> Result<()> {
    check_not_negative("target_variance", &[variance])?;
    if !config.task.has_tree() {
        ensure!(
            levels.is_empty(),
            "levels {levels:?} are those of a tree, which config.task has not"
        );
        ensure!(!ocs.is_empty(), "ocs is empty");
        return check_finite("ocs", ocs);
    }
    let sum = levels.iter().try_fold(0usize, |sum, &labels| sum.checked_add(labels));
    ensure!(
        sum == Some(ocs.len()) && !levels.is_empty() && !levels.contains(&0),
        "levels {levels:?} are not those of the {} labels of ocs",
        ocs.len()
    );
    if let Some(branching) = &config.task.branching {
        let mut nodes = 1;
        let expected = branching.iter().map(|&factor| {
            nodes *= factor;
            nodes
        });
        ensure!(
            expected.eq(levels.iter().copied()),
            "levels {levels:?} are not those of config.task.branching {branching:?}"
        );
    }
    if config.task.target_scale.is_some() {
        check_finite("ocs", ocs)?;
        return check_not_negative("target_variance", &[variance]);
    }
    let are_rates = ocs.iter().all(|rate| (0.0..=1.0 + 1e-9).contains(rate));
    ensure!(are_rates && ocs.iter().any(|rate| *rate > 0.0), "ocs holds what is no rate");
    Ok(())
}

/// Stretches are the config's `phases`, if there are several.
fn check_stretches(stretches: &[StretchRecord], config: &Config, levels: &[usize]) -> Result<()> {
    let several = config.phases.len() > 1;
    let expected = if several { config.stretches()? } else { Vec::new() };
    check_length("stretches", stretches.len(), expected.len())?;
    for (index, (found, Stretch { span, config, .. })) in
        stretches.iter().zip(&expected).enumerate()
    {
        let name = format!("stretches[{index}]");
        ensure!(
            (found.first_step, found.start_time) == (span.first_step, span.start_time),
            "{name} starts at step {}, time {}, not where config.phases says",
            found.first_step,
            found.start_time
        );
        check_targets(config, levels, &found.ocs, found.target_variance).context(name.clone())?;
        check_phase(&format!("{name}.phase"), &found.phase)?;
        for at in &found.phase_sensitivity {
            check_phase(&format!("{name}.phase_sensitivity"), &at.phase)?;
        }
    }
    Ok(())
}

fn check_phase(name: &str, phase: &Phase) -> Result<()> {
    check_not_negative(&format!("{name}.onset, {name}.end"), &known(&[phase.onset, phase.end]))?;
    check_finite(&format!("{name}.log_ratio"), &known(&[phase.log_ratio]))?;
    let decided = Phase::decided(phase.onset, phase.end, phase.verdict, phase.why.clone());
    let exact = Phase::between(phase.onset, phase.end);
    ensure!(
        decided.exists == phase.exists
            && decided.log_ratio.is_some() == phase.log_ratio.is_some()
            && (phase.exists.is_none() || phase.exists == exact.exists),
        "{name}: verdict, exists and log_ratio do not follow from onset and end"
    );
    Ok(())
}

fn check_moment(name: &str, moment: &KernelMoment) -> Result<()> {
    check_share(&format!("{name}.ones_alignment"), &[moment.ones_alignment])?;
    check_not_negative(&format!("{name}.ratio"), &known(&[moment.ratio]))
}

/// Every curve has a value for each time, of every label, level and item.
fn check_curves(name: &str, curves: &Curves, shape: &Shape) -> Result<()> {
    let n = curves.time.len();
    ensure!(n > 0, "{name}.time is empty");
    check_increasing(&format!("{name}.time"), &curves.time)?;
    check_steps(&format!("{name}.step"), &curves.step)?;
    let of_network = if shape.of_network { n } else { 0 };
    check_length(&format!("{name}.step"), curves.step.len(), of_network)?;
    // A theory has a loss where it is a squared error.
    if shape.of_network || !curves.loss.is_empty() {
        check_length(&format!("{name}.loss"), curves.loss.len(), n)?;
    }
    check_finite(&format!("{name}.loss"), &curves.loss)?;
    for (field, curve) in [
        ("mean_output_error", &curves.mean_output_error),
        ("input_dependence", &curves.input_dependence),
        ("distance_to_ocs", &curves.distance_to_ocs),
        ("distance_to_targets", &curves.distance_to_targets),
    ] {
        check_length(&format!("{name}.{field}"), curve.len(), n)?;
        check_finite(&format!("{name}.{field}"), curve)?;
    }
    check_tables(name, curves, shape, n)
}

fn check_tables(name: &str, curves: &Curves, shape: &Shape, n: usize) -> Result<()> {
    let field = |field: &str| format!("{name}.{field}");
    let table = |name: &str, table: &[Vec<f64>], rows: usize| -> Result<()> {
        check_length(name, table.len(), rows)?;
        for row in table {
            check_length(name, row.len(), n)?;
            check_finite(name, row)?;
        }
        Ok(())
    };
    table(&field("mean_response"), &curves.mean_response, shape.labels)?;
    table(&field("weight_norms"), &curves.weight_norms, curves.weight_norms.len())?;
    if let Some(strengths) = &curves.mode_strengths {
        // Levels that split nothing have none.
        table(&field("mode_strengths"), strengths, strengths.len().min(shape.levels + 1))?;
    }
    if let Some(items) = &curves.item_responses {
        check_length(&field("item_responses"), items.len(), shape.items)?;
        for item in items {
            table(&field("item_responses"), item, shape.labels)?;
        }
    }
    for (name, table, rows) in [
        ("true_negative_rate", &curves.true_negative_rate, shape.levels),
        ("true_positive_rate", &curves.true_positive_rate, shape.levels),
        ("thresholded_true_negative_rate", &curves.thresholded_true_negative_rate, shape.levels),
        ("thresholded_true_positive_rate", &curves.thresholded_true_positive_rate, shape.levels),
        ("level_accuracy", &curves.level_accuracy, shape.levels),
        ("bias_norms", &curves.bias_norms, curves.bias_norms.len()),
    ] {
        check_length(&field(name), table.len(), rows)?;
        for row in table {
            check_length(&field(name), row.len(), n)?;
            check_finite(&field(name), &known(row))?;
        }
    }
    Ok(())
}

fn check_series(name: &str, series: &Series) -> Result<()> {
    check_length(&format!("{name}.dims"), series.dims.len(), series.shape.len())?;
    let size = series.shape.iter().try_fold(series.step.len(), |size, n| size.checked_mul(*n));
    ensure!(
        size == Some(series.values.len()),
        "{name}.values are not as many as step and shape say"
    );
    check_steps(&format!("{name}.step"), &series.step)?;
    check_finite(&format!("{name}.values"), &known(&series.values))
}

fn known(values: &[Option<f64>]) -> Vec<f64> {
    values.iter().flatten().copied().collect()
}

fn check_length(name: &str, length: usize, expected: usize) -> Result<()> {
    ensure!(length == expected, "{name} has {length} values in a row, not {expected}");
    Ok(())
}

fn check_finite(name: &str, values: &[f64]) -> Result<()> {
    ensure!(values.iter().all(|value| value.is_finite()), "{name} holds what is no finite number");
    Ok(())
}

fn check_not_negative(name: &str, values: &[f64]) -> Result<()> {
    let fits = values.iter().all(|value| value.is_finite() && *value >= 0.0);
    ensure!(fits, "{name} holds a negative number");
    Ok(())
}

fn check_share(name: &str, values: &[Option<f64>]) -> Result<()> {
    let fits = values.iter().flatten().all(|value| (0.0..=1.0 + 1e-9).contains(value));
    ensure!(fits, "{name} holds what is not between 0 and 1");
    Ok(())
}

fn check_steps(name: &str, steps: &[u64]) -> Result<()> {
    ensure!(steps.windows(2).all(|pair| pair[0] < pair[1]), "{name} does not increase");
    Ok(())
}

/// Times of far steps may be equal up to rounding.
fn check_increasing(name: &str, values: &[f64]) -> Result<()> {
    check_not_negative(name, values)?;
    ensure!(values.windows(2).all(|pair| pair[0] <= pair[1]), "{name} does not increase");
    Ok(())
}
