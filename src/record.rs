//! What a run leaves on disk: plain data that figures, claims and other programs read without libtorch.

mod check;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::config::{Conditions, Config, Scale, TaskConfig};
use crate::file;
use crate::metrics::{Curves, Phase, norm};

pub use check::Checked;

/// Raised when the meaning of a field changes.
pub const SCHEMA_VERSION: u32 = 2;

/// One run. Enough to redraw its figure, or to run it again, without asking anyone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// `SCHEMA_VERSION` of the program that wrote it.
    pub schema_version: u32,
    /// How far the run came.
    pub status: Status,
    /// The condition's own config, every default written out; `seeds` holds this run's seed alone.
    pub config: Config,
    /// Name of the condition.
    pub condition: String,
    /// Seed of this run.
    pub seed: u64,
    /// The scale at which it ran. Older records say `quick: true` or `quick: false` in its place.
    #[serde(alias = "quick", deserialize_with = "scale_or_quick")]
    pub scale: Scale,
    /// Revision of this program, with `-dirty` if the tree had changes.
    pub revision: String,
    /// Where it ran: `cpu`, `cuda:0`.
    pub device: String,
    /// Version of libtorch.
    pub libtorch: String,
    /// Threads of libtorch.
    pub threads: usize,
    /// The images' origin; `null` without images.
    pub dataset: Option<DatasetRecord>,
    /// Seconds from the first step to the last observation. The only field that differs between equal runs.
    pub wall_time: f64,
    /// The optimal constant solution, `[label]`.
    pub ocs: Vec<f64>,
    /// `V_target` of the evaluation set.
    pub target_variance: f64,
    /// Number of labels of each level.
    pub levels: Vec<usize>,
    /// The OCS phase at the config's threshold, from `curves` and, on one vector per item, from what was read between their
    /// moments.
    pub phase: Phase,
    /// The phase at other thresholds: does the verdict depend on it?
    pub phase_sensitivity: Vec<PhaseAt>,
    /// Metrics on the evaluation set.
    pub curves: Curves,
    /// Metrics on the training set; for full-batch runs on images, else `null`.
    pub training_curves: Option<Curves>,
    /// The neural tangent kernel along training; `null` unless the config asks for it.
    #[serde(default)]
    pub kernel: Option<KernelRecord>,
}

/// A scale by name, or whether a run was quick.
fn scale_or_quick<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scale, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Scale(Scale),
        Quick(bool),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Scale(scale) => scale,
        Written::Quick(true) => Scale::Quick,
        Written::Quick(false) => Scale::Default,
    })
}

/// How far a run came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Still under way, or killed.
    Running,
    /// Every step was done.
    Complete,
    /// Stopped by a loss that was not finite.
    Diverged {
        /// The first step with a loss that was not finite, or where it was noticed.
        step: u64,
        /// The last finite loss that was observed.
        last_finite_loss: f64,
    },
}

/// Which images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetRecord {
    /// As in `task.inputs`; of other bytes than the published ones, `mnist (unknown bytes)`.
    pub name: String,
    /// SHA-256 over classes and pixels as read.
    pub checksum: String,
    /// Training samples used.
    pub train_samples: usize,
    /// Evaluation samples used.
    pub test_samples: usize,
}

/// Behind the name of a data set whose bytes are not the published ones.
const UNKNOWN_BYTES: &str = " (unknown bytes)";

impl DatasetRecord {
    /// The name under which figures and claims show images of `inputs`, as in `task.inputs`.
    pub fn name_of(inputs: &str, are_published: bool) -> String {
        format!("{inputs}{}", if are_published { "" } else { UNKNOWN_BYTES })
    }

    /// Whether the images are those that were published under their name.
    pub fn is_published(&self) -> bool {
        !self.name.ends_with(UNKNOWN_BYTES)
    }
}

/// Names of the data sets among `records` whose images are not the published ones, each once.
pub fn unpublished(records: &[Record]) -> Vec<String> {
    let sets = records.iter().filter_map(|record| record.dataset.as_ref());
    let names = sets.filter(|set| !set.is_published()).map(|set| set.name.clone());
    names.collect::<std::collections::BTreeSet<String>>().into_iter().collect()
}

/// The phase at one threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseAt {
    /// q.
    pub threshold: f64,
    /// The phase with q.
    pub phase: Phase,
}

/// What theory says of one condition; printed by `ocs theory --json` and kept as `theory.json` beside the runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TheoryRecord {
    /// Name of the condition.
    pub condition: String,
    /// The condition's own config, every default written out.
    pub config: Config,
    /// How the curves were found.
    pub method: Method,
    /// What the answer is good for, in a sentence.
    pub validity: String,
    /// The optimal constant solution, `[label]`.
    pub ocs: Vec<f64>,
    /// `V_target`.
    pub target_variance: f64,
    /// Number of labels of each level.
    pub levels: Vec<usize>,
    /// Singular modes, the constant first, then level by level.
    pub modes: Vec<ModeRecord>,
    /// The OCS phase, solved for (not read off the curves).
    pub phase: Phase,
    /// The same metrics as a network's.
    pub curves: Curves,
}

impl TheoryRecord {
    /// `||ybar||`.
    pub fn ocs_norm(&self) -> f64 {
        norm(&self.ocs)
    }

    /// One of the (degenerate) modes of a split: 0 is the constant, l the contrasts of level l. For balanced trees on which
    /// every level splits; `None` beyond them, and where modes are not known.
    pub fn mode_of_split(&self, split: usize) -> Option<&ModeRecord> {
        // A level has as many modes as it has more nodes than the one above: the modes above it are as many as those.
        if self.levels.windows(2).any(|pair| pair[0] >= pair[1]) {
            return None;
        }
        let index = match split {
            0 | 1 => split,
            _ => *self.levels.get(split - 2)?,
        };
        self.modes.get(index)
    }

    /// Learned fraction `a d / s` of a split in the weights, `[time]`, in a run's curves or in this theory's own. An output
    /// bias is no part of it. `None` where strengths or modes are not known.
    pub fn learned_fraction(&self, curves: &Curves, split: usize) -> Option<Vec<f64>> {
        let mode = self.mode_of_split(split)?;
        let strengths = curves.mode_strengths.as_ref()?.get(split)?;
        Some(strengths.iter().map(|a| a * mode.input_variance / mode.singular_value).collect())
    }

    /// Output bias along the OCS, `[time]`: the norm that a run recorded; in a theory's curves, which have none, what the
    /// mean response has beyond the weights' share, `||ybar|| (f_0 - a d / s)`. `None` for a run without output bias.
    pub fn output_bias(&self, curves: &Curves) -> Option<Vec<f64>> {
        if let Some(norms) = curves.bias_norms.last() {
            return norms.iter().copied().collect();
        }
        let whole = curves.constant_fraction(&self.ocs);
        let of_weights = self.learned_fraction(curves, 0)?;
        let norm = self.ocs_norm();
        Some(std::iter::zip(whole, of_weights).map(|(f, weights)| norm * (f - weights)).collect())
    }
}

/// How a theory found its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// An exact solution (or a named approximation of the start, see `validity`).
    ClosedForm,
    /// The flow's equations, integrated.
    Integrated,
    /// Eigenvectors of a kernel.
    Spectral,
}

/// One singular mode of Sigma_yx.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ModeRecord {
    /// s.
    pub singular_value: f64,
    /// d.
    pub input_variance: f64,
    /// a(0), end to end.
    pub initial_strength: f64,
    /// a(infinity).
    pub final_strength: f64,
}

/// The Gram matrix of one condition's training inputs; printed by `ocs gram --json`, and kept as `gram.json` beside
/// `theory.json` where theory covers images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GramRecord {
    /// Name of the condition.
    pub condition: String,
    /// What is learned.
    pub task: TaskConfig,
    /// N.
    pub samples: usize,
    /// D.
    pub features: usize,
    /// Of `X X^T / N`, the largest 64, descending. With `task.frequencies` on one vector per item: of
    /// `P^(1/2) X X^T P^(1/2)`.
    pub eigenvalues: Vec<f64>,
    /// `|<v_top, 1>| / sqrt(N)`, in [0, 1].
    pub ones_overlap: f64,
    /// `kappa_0 / kappa_1`; `null` if there is one eigenvalue above rounding errors.
    pub ratio: Option<f64>,
    /// Standard deviation over mean of the samples' projections on the mean input; `null` where the mean is zero.
    pub projection_cv: Option<f64>,
}

/// What the neural tangent kernel of a network did along training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KernelRecord {
    /// N: the kernel is that of the first so many training samples.
    pub samples: usize,
    /// Steps at which it was computed; one value of each curve below for each.
    pub step: Vec<u64>,
    /// Largest eigenvalue of `Theta / N` (of `P^(1/2) Theta P^(1/2)` for weighted items).
    pub largest: Vec<f64>,
    /// Sum of all eigenvalues, likewise.
    pub trace: Vec<f64>,
    /// `|<v_top, 1>| / sqrt(N)`, in [0, 1]; its square is `||P_top 1||^2 / N`. `null` for a kernel of zeros.
    pub ones_alignment: Vec<Option<f64>>,
    /// `kappa_0 / kappa_1`; `null` where there is one eigenvalue alone.
    pub ratio: Vec<Option<f64>>,
    /// `||Theta - Theta(0)|| / ||Theta(0)||`, Frobenius norms; `null` if the first kernel is zero.
    pub drift: Vec<Option<f64>>,
    /// Cosine of Theta and Theta(0); `null` if one of them is zero.
    pub cosine: Vec<Option<f64>>,
    /// The same samples' inputs, `X X^T`: the kernel of one linear layer.
    pub inputs: KernelMoment,
    /// The expected kernel of wide layers at step 0: of ReLU MLPs with independent weights (normal on vectors) where no input
    /// is zero, else `null`.
    pub expected: Option<KernelMoment>,
    /// What a network with this kernel, standing still, would do; in full batch under squared error, where all training
    /// samples are the kernel's, else `null`.
    pub lazy: Option<LazyRecord>,
}

/// A kernel at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KernelMoment {
    /// `|<v_top, 1>| / sqrt(N)`; `null` for a kernel of zeros.
    pub ones_alignment: Option<f64>,
    /// `kappa_0 / kappa_1`.
    pub ratio: Option<f64>,
}

/// Learning under the kernel of step 0, on the training set, from the network's own start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LazyRecord {
    /// `V_target` of the training set.
    pub target_variance: f64,
    /// Its phase, exact to a step or a sixty-fourth of the time between two observations.
    pub phase: Phase,
    /// `eta * step` at the run's observations.
    pub time: Vec<f64>,
    /// `M`, likewise.
    pub mean_output_error: Vec<f64>,
    /// `V`, likewise.
    pub input_dependence: Vec<f64>,
}

impl KernelRecord {
    /// `kappa_0` over the mean of all other eigenvalues at step 0. Contrasts that share one eigenvalue in wide networks have
    /// it split in narrow ones, largest first, which lowers `kappa_0 / kappa_1` but not this. `None` if there is no other.
    pub fn ratio_to_mean(&self) -> Option<f64> {
        let (largest, trace) = (self.largest.first()?, self.trace.first()?);
        let others = trace - largest;
        (others > 0.0).then(|| largest * (self.samples as f64 - 1.0) / others)
    }

    /// Drift at a time, interpolated between the steps at which the kernel is known; `None` after the last, and where it is
    /// undefined.
    pub fn drift_at(&self, time: f64, learning_rate: f64) -> Option<f64> {
        let times: Vec<f64> = self.step.iter().map(|&step| learning_rate * step as f64).collect();
        let after = times.iter().position(|&known| known >= time)?;
        let Some(before) = after.checked_sub(1) else { return self.drift.first().copied()? };
        let share = (time - times[before]) / (times[after] - times[before]);
        let (from, to) = (self.drift[before]?, self.drift[after]?);
        Some(from + share * (to - from))
    }
}

/// Where a run's record lies: `folder/condition/seed.json`.
pub fn path_of(folder: &Path, condition: &str, seed: u64) -> PathBuf {
    folder.join(condition).join(format!("{seed}.json"))
}

/// What theory's answer for a further seed of a condition is called.
pub fn condition_of_seed(condition: &str, seed: u64) -> String {
    format!("{condition}-seed-{seed}")
}

impl Record {
    /// What tables and figures call its condition.
    pub fn display_name(&self) -> &str {
        self.config.display_name(&self.condition)
    }

    /// The phase on the samples to which a lazy prediction refers: the training set, which is the evaluation set where each
    /// item is one vector.
    pub fn lazily_predicted(&self) -> Option<(Phase, Phase)> {
        let lazy = self.kernel.as_ref()?.lazy.as_ref()?;
        let observed = match &self.training_curves {
            Some(_) => self.training_phase(lazy.target_variance)?,
            None => self.phase.clone(),
        };
        Some((lazy.phase.clone(), observed))
    }

    /// The phase on the training set, whose `V_target` theory tells; `None` if it was not observed.
    pub fn training_phase(&self, target_variance: f64) -> Option<Phase> {
        let curves = self.training_curves.as_ref()?;
        let threshold = self.config.phase_threshold;
        Some(Phase::of(curves, threshold, norm(&self.ocs), target_variance))
    }
}

/// Writes JSON to `path` at once: a reader sees the old file or the new one, never half of one.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    write_atomically(path, &text)
}

/// Writes `bytes` to `path` at once, making its folder if need be.
///
/// # Errors
///
/// Names the path; a full disk or an unwritable folder leaves what was there before.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    file::replace(path, bytes).with_context(|| {
        format!("cannot write {}: choose another folder with --out, or make room", path.display())
    })
}

/// Makes sure that files can be written to a folder, making it if need be.
///
/// # Errors
///
/// Names the folder and the remedy.
pub fn ensure_writable(folder: &Path) -> Result<()> {
    file::try_folder(folder).with_context(|| {
        format!(
            "cannot write to {}: choose another folder with --out, or make room",
            folder.display()
        )
    })
}

/// Where a run folder keeps the config of its runs, with all its conditions in their order.
pub fn config_path(folder: &Path) -> PathBuf {
    folder.join("config.yaml")
}

/// Writes a config, every default written out, beside the folders of its conditions. One that is there and differs in
/// conditions and seeds alone is of other runs of the same question, as tasks of a cluster have them: theirs are kept in it.
///
/// # Errors
///
/// If it cannot be written.
pub fn write_config(folder: &Path, config: &Config) -> Result<()> {
    let path = config_path(folder);
    let mut all = config.clone();
    let but_runs = |config: &Config| Config {
        seeds: Vec::new(),
        conditions: Conditions::default(),
        ..config.clone()
    };
    let there = std::fs::read_to_string(&path).ok();
    let there = there.and_then(|text| serde_yaml::from_str::<Config>(&text).ok());
    if let Some(there) = there.filter(|there| but_runs(there) == but_runs(config)) {
        let now = |name: &String| config.conditions.0.iter().find(|(other, _)| other == name);
        all.conditions = there.conditions;
        for (name, entries) in &mut all.conditions.0 {
            if let Some((_, changed)) = now(name) {
                entries.clone_from(changed);
            }
        }
        let known: Vec<String> = all.conditions.0.iter().map(|(name, _)| name.clone()).collect();
        let added = config.conditions.0.iter().filter(|(name, _)| !known.contains(name));
        all.conditions.0.extend(added.cloned());
        all.seeds.extend(there.seeds.iter().filter(|seed| !config.seeds.contains(seed)));
        all.seeds.sort_unstable();
    }
    write_atomically(&path, serde_yaml::to_string(&all)?.as_bytes())
}

/// Reads JSON.
///
/// # Errors
///
/// Names the file and the key.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(&text)).with_context(
        || format!("{} was not written by this version of ocs: run it again", path.display()),
    )
}

/// Two runs whose curves differ by less than this share of their scale are one: rounding is all that sets them apart. Seeds
/// that draw anything differ by some 1e-4 at least.
const SAME: f64 = 1e-5;

impl Record {
    /// Whether another run of the same condition did the same, but for rounding: from an aligned start in full batch all seeds
    /// do.
    pub fn is_same_run(&self, other: &Record) -> bool {
        let near = |one: &[f64], other: &[f64], scale: f64| {
            one.len() == other.len()
                && std::iter::zip(one, other).all(|(a, b)| (a - b).abs() <= SAME * scale)
        };
        let (one, two) = (&self.curves, &other.curves);
        self.condition == other.condition
            && self.status == other.status
            && one.step == two.step
            && near(&one.mean_output_error, &two.mean_output_error, norm(&self.ocs))
            && near(&one.input_dependence, &two.input_dependence, self.target_variance)
    }

    /// Equal for equal runs, near for nearly equal ones.
    fn signature(&self) -> f64 {
        self.curves.mean_output_error.iter().sum()
    }
}

/// Those of the runs that are not another one again, in their order. The evidence of runs that differ by rounding alone is that
/// of one.
pub fn distinct_runs(records: Vec<Record>) -> Vec<Record> {
    let mut order: Vec<usize> = (0..records.len()).collect();
    let key = |index: &usize| (&records[*index].condition, records[*index].signature());
    order.sort_by(|a, b| {
        let ((one, at_one), (two, at_two)) = (key(a), key(b));
        one.cmp(two).then(at_one.total_cmp(&at_two)).then(a.cmp(b))
    });
    // Of a chain of equal runs the one that comes first in the list is kept.
    let mut kept = vec![false; records.len()];
    for chain in order.chunk_by(|&a, &b| records[a].is_same_run(&records[b])) {
        kept[chain.iter().copied().min().unwrap_or_default()] = true;
    }
    records.into_iter().zip(kept).filter_map(|(record, kept)| kept.then_some(record)).collect()
}

/// Reads a record, a theory's answer or a Gram matrix, and makes sure that it is whole.
///
/// # Errors
///
/// Names the file and the field.
pub fn read_checked<T: DeserializeOwned + Checked>(path: &Path) -> Result<T> {
    let read: T = read_json(path)?;
    read.check().with_context(|| {
        format!("{} is damaged or of another version: run it again", path.display())
    })?;
    Ok(read)
}

/// Everything that a run folder holds.
#[derive(Debug, Clone, Default)]
pub struct RunFolder {
    /// All runs, in their config's order of conditions, then by seed.
    pub records: Vec<Record>,
    /// Theory's answers, one for each condition that theory covers.
    pub theories: Vec<TheoryRecord>,
    /// Gram matrices, one for each condition with images that theory covers.
    pub grams: Vec<GramRecord>,
}

impl RunFolder {
    /// The same without runs that are another one again.
    pub fn distinct(self) -> RunFolder {
        RunFolder { records: distinct_runs(self.records), ..self }
    }

    /// Reads every `condition/seed.json`, `condition/theory.json` and `condition/gram.json` below `folder`. Conditions that
    /// `folder/config.yaml` lacks come last, by name, as all do where there is no such file.
    ///
    /// # Errors
    ///
    /// If there is no record, or one cannot be read.
    pub fn read(folder: &Path) -> Result<RunFolder> {
        let mut runs = RunFolder::default();
        let mut paths = Vec::new();
        for condition in subfolders(folder)? {
            for entry in std::fs::read_dir(&condition)? {
                let path = entry?.path();
                let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
                // Other files may lie there: backups, notes, what a file system adds.
                let is_ours = ["theory", "gram"].contains(&stem) || stem.parse::<u64>().is_ok();
                if is_ours
                    && path.extension().is_some_and(|extension| extension == "json")
                    && path.is_file()
                {
                    paths.push(path);
                }
            }
        }
        for path in paths {
            if path.file_stem().is_some_and(|stem| stem == "theory") {
                runs.theories.push(read_checked(&path)?);
            } else if path.file_stem().is_some_and(|stem| stem == "gram") {
                runs.grams.push(read_checked(&path)?);
            } else {
                runs.records.push(read_checked(&path)?);
            }
        }
        ensure!(
            !runs.records.is_empty(),
            "{} holds no records: run `ocs train` or `ocs reproduce` first",
            folder.display()
        );
        runs.sort(&order_of_conditions(folder)?);
        runs.ensure_comparable(folder)?;
        Ok(runs)
    }

    fn sort(&mut self, order: &[String]) {
        let ranks: HashMap<&str, usize> = order.iter().map(String::as_str).zip(0..).collect();
        let rank = |condition: &str| ranks.get(condition).copied().unwrap_or(order.len());
        let place = |condition: &str| (rank(condition), condition.to_owned());
        self.records.sort_by_cached_key(|record| (place(&record.condition), record.seed));
        self.theories.sort_by_cached_key(|theory| place(&theory.condition));
        self.grams.sort_by_cached_key(|gram| place(&gram.condition));
    }

    /// Seeds of one condition must differ in nothing else.
    fn ensure_comparable(&self, folder: &Path) -> Result<()> {
        for pair in self.records.windows(2) {
            let [a, b] = pair else { continue };
            let but_seeds = |record: &Record| Config { seeds: Vec::new(), ..record.config.clone() };
            ensure!(
                a.condition != b.condition || but_seeds(a) == but_seeds(b),
                "{} and {} come from different configs: delete the older, or train all seeds again",
                path_of(folder, &a.condition, a.seed).display(),
                path_of(folder, &b.condition, b.seed).display()
            );
        }
        Ok(())
    }

    /// Records of one condition, by seed.
    pub fn of(&self, condition: &str) -> Vec<&Record> {
        self.records.iter().filter(|record| record.condition == condition).collect()
    }

    /// Theory of one condition.
    pub fn theory_of(&self, condition: &str) -> Option<&TheoryRecord> {
        self.theories.iter().find(|theory| theory.condition == condition)
    }

    /// Theory of one run: of its condition, from its seed's initial weights.
    pub fn theory_of_run(&self, record: &Record) -> Option<&TheoryRecord> {
        let of_seed = condition_of_seed(&record.condition, record.seed);
        self.theories.iter().find(|theory| {
            (theory.condition == record.condition || theory.condition == of_seed)
                && theory.config.seeds.first() == Some(&record.seed)
        })
    }

    /// The Gram matrix of one condition's inputs.
    pub fn gram_of(&self, condition: &str) -> Option<&GramRecord> {
        self.grams.iter().find(|gram| gram.condition == condition)
    }
}

/// Names of conditions as the run folder's config lists them; none without that file. Keys that this version does not
/// know do not matter here.
fn order_of_conditions(folder: &Path) -> Result<Vec<String>> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Ordered {
        conditions: Conditions,
    }
    let path = config_path(folder);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let config: Option<Ordered> = serde_yaml::from_str(&text).with_context(|| {
        format!(
            "{} does not say the order of conditions: delete it to have them by name",
            path.display()
        )
    })?;
    Ok(config.unwrap_or_default().conditions.0.into_iter().map(|(name, _)| name).collect())
}

fn subfolders(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| {
        format!(
            "there are no runs in {}: run `ocs train` or `ocs reproduce` first",
            folder.display()
        )
    })?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in the order that a run folder's config gives them.
    fn order(config: Option<&str>) -> Result<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = config {
            std::fs::write(config_path(folder.path()), text).unwrap();
        }
        order_of_conditions(folder.path())
    }

    #[test]
    fn conditions_keep_the_order_of_the_config_that_ran_not_of_their_names() {
        let text = "name: mine\nof_another_version: 3\nconditions: {z: {}, b: {network.bias: all}, a: null}\n";
        assert_eq!(order(Some(text)).unwrap(), ["z", "b", "a"]);
        for nothing in [None, Some(""), Some("name: mine"), Some("conditions:")] {
            assert!(order(nothing).unwrap().is_empty(), "{nothing:?}");
        }
        let error = format!("{:#}", order(Some("conditions: [a, b]")).unwrap_err());
        assert!(error.contains("config.yaml") && error.contains("delete it"), "{error}");

        let gram = |condition: &str| GramRecord {
            condition: condition.to_owned(),
            task: Config::default().task,
            samples: 1,
            features: 1,
            eigenvalues: Vec::new(),
            ones_overlap: 1.0,
            ratio: None,
            projection_cv: None,
        };
        let grams = ["y", "a", "b", "x", "z"].map(gram).to_vec();
        let mut runs = RunFolder { grams, ..RunFolder::default() };
        runs.sort(&["z", "b", "a"].map(str::to_owned));
        let sorted: Vec<&str> = runs.grams.iter().map(|gram| &*gram.condition).collect();
        assert_eq!(sorted, ["z", "b", "a", "x", "y"], "those that the config lacks come last");
    }
}
