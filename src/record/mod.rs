//! What a run leaves on disk: plain data that figures, claims and other programs read without libtorch.

mod array;
mod check;
mod distinct;
mod failure;
mod files;
mod kernel;
mod npy;
mod run_folder;
mod series;
mod stretches;
mod theory;

use anyhow::Result;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Deserializer, Serialize};

use crate::config::{self, Config, Overrides, Scale};
use crate::metrics::{Curves, Phase, norm};

pub use array::{
    ArrayBeside, ArrayRecord, Beside, EXAMPLES, NumberFormat, RESPONSES, Rows, TRAINING_EXAMPLES,
    remove_beside,
};
pub use check::Checked;
pub use distinct::distinct_runs;
pub use failure::{FailureRecord, digest_of_record};
pub use files::{ensure_writable, read_checked, read_json, to_json, write_atomically, write_json};
pub use kernel::{KernelMoment, KernelRecord, LazyRecord};
pub use npy::{array_of_words, header};
pub use run_folder::{
    RunFolder, condition_of_seed, config_path, kept_config, other_config, path_of, record_paths,
    runs_of, seeds_of, theory_paths, write_config,
};
pub use series::Series;
pub use stretches::{PhaseAt, StretchRecord};
pub use theory::{
    GramRecord, Method, ModeRecord, ReachRecord, ReachVerdict, TheoryRecord, VerifiedRecord,
};

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
    /// Name of the condition; with a grid, of the cell.
    pub condition: String,
    /// The condition and the values of a cell, apart from its name; absent without a grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<CellRecord>,
    /// Seed of this run.
    pub seed: u64,
    /// The scale at which it ran. Older records say `quick: true` or `quick: false` in its place.
    #[serde(alias = "quick", deserialize_with = "scale_or_quick")]
    pub scale: Scale,
    /// Revision of this program, with `-dirty-` and a digest of them if its sources had changes.
    pub revision: String,
    /// Where it ran: `cpu`, `cuda:0`.
    pub device: String,
    /// What libtorch might use; absent on a CPU, where nothing else is used, unless `--fast` was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithms: Option<Algorithms>,
    /// Version of libtorch.
    pub libtorch: String,
    /// Threads of libtorch.
    pub threads: usize,
    /// Cores that its runs shared; absent where they might use the whole machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<CoresRecord>,
    /// Runs that trained side by side in one stack of tensors, this one among them, on which the last digits hang; absent if it
    /// trained alone.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub stack: usize,
    /// The images' origin; `null` without images.
    pub dataset: Option<DatasetRecord>,
    /// Seconds from the first step to the last observation. The only field that differs between equal runs
    /// on one machine.
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
    /// What `probes` of the config saw along training, by name; absent if there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub series: BTreeMap<String, Series>,
    /// Arrays that lie beside this record, `SEED.NAME.npz`, by name: with a row for each of `curves.step`; absent if there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arrays: BTreeMap<String, ArrayRecord>,
    /// Steps whose weights are kept, with `training.checkpoints`: log, those in `SEED.weights/STEP.safetensors`; best, that in
    /// `SEED.weights/best.safetensors`. Absent if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights_at: Vec<u64>,
    /// What belongs to each stretch of training, where the config's `phases` make several; absent for one. `ocs`,
    /// `target_variance`, `phase` and `phase_sensitivity` above are the first stretch's; curves go on through all of them, and at
    /// each moment are relative to the targets of its stretch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stretches: Vec<StretchRecord>,
    /// Which part of the task's map this run's two balanced layers reach, in each stretch, told of its own initial weights: with the
    /// probe `representations`; absent where it is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reach: Vec<ReachRecord>,
    /// Steps at which the run stood, complete or not, when it was given more: up to the last of them its moments are those of the
    /// shorter run, and then those that the longer one has from there on; absent if it was not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extended_at: Vec<u64>,
    /// Every program that took part, if it was not one from the first step to the last: `revision`, `libtorch`, `threads` and
    /// `stack` above are the last one's; else absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<ProgramRecord>,
}

/// What trained a run from some step on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramRecord {
    /// Updates done before.
    pub from_step: u64,
    /// As in the record.
    pub revision: String,
    /// As in the record.
    pub libtorch: String,
    /// As in the record.
    pub threads: usize,
    /// As in the record, also if it trained alone.
    pub stack: usize,
}

fn one() -> usize {
    1
}

fn is_one(number: &usize) -> bool {
    *number == 1
}

/// What a grid made of a condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellRecord {
    /// Name of the condition; `null` where the config has none.
    pub condition: Option<String>,
    /// Dotted keys and the values that the grid gave them, in its order.
    pub values: Overrides,
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

impl Status {
    /// That a run diverged, and when; `None` of any other.
    pub fn diverged_in_words(&self) -> Option<String> {
        match self {
            Status::Diverged { step, last_finite_loss } => Some(format!(
                "training diverged by step {step} (last finite loss {last_finite_loss:.4})"
            )),
            Status::Running | Status::Complete => None,
        }
    }
}

/// Which algorithms libtorch may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithms {
    /// Those that give equal runs equal bytes, without TF32.
    Deterministic,
    /// The fastest (`--fast`): also those whose results depend on which thread comes first, and TF32.
    Fast,
}

/// The processor cores that a command might use, where something left it fewer than the machine has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoresRecord {
    /// How many.
    pub count: usize,
    /// Who allowed no more: `SLURM_CPUS_PER_TASK`, `affinity mask`, or `control group` and its file.
    pub origin: String,
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
    /// Names of the classes that items stand for, in the items' order; absent of data sets of ten classes, which config and data
    /// set tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
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

impl Record {
    /// Which moments of `curves` belong to each stretch of training.
    pub fn moments_of_stretches(&self) -> Vec<Range<usize>> {
        stretches::moments_of(&self.stretches, &self.curves)
    }

    /// Takes over from those who trained it before: `now` says which program goes on, and how. Nothing changes if it is the same.
    pub fn go_on_with(&mut self, now: ProgramRecord) {
        let before = ProgramRecord {
            from_step: self.programs.last().map_or(0, |last| last.from_step),
            revision: std::mem::replace(&mut self.revision, now.revision.clone()),
            libtorch: std::mem::replace(&mut self.libtorch, now.libtorch.clone()),
            threads: std::mem::replace(&mut self.threads, now.threads),
            stack: std::mem::replace(&mut self.stack, now.stack),
        };
        if before == (ProgramRecord { from_step: before.from_step, ..now.clone() }) {
            return;
        }
        if self.programs.is_empty() {
            self.programs.push(before);
        }
        self.programs.push(now);
    }

    /// A series of this record, made by `make` if it is not there yet.
    pub fn series_mut(&mut self, name: &str, make: impl FnOnce() -> Series) -> &mut Series {
        self.series.entry(name.to_owned()).or_insert_with(make)
    }

    /// Whether it is what a config asks for, but for seeds. A run that diverged is so of a longer one, too: more steps bring
    /// nothing more.
    pub fn is_of(&self, config: &Config) -> bool {
        let same =
            Config { seeds: self.config.seeds.clone(), ..config.with_pages_of(&self.config) }
                == self.config;
        let has_diverged = matches!(self.status, Status::Diverged { .. });
        same || (has_diverged && config.is_longer_than(&self.config))
    }

    /// Forgets what was seen after `step`.
    pub fn truncate_after(&mut self, step: u64) {
        self.curves.truncate_after(step);
        if let Some(curves) = &mut self.training_curves {
            curves.truncate_after(step);
        }
        if let Some(kernel) = &mut self.kernel {
            kernel.truncate_after(step);
        }
        for series in self.series.values_mut() {
            series.truncate_after(step);
        }
        self.weights_at.retain(|&kept| kept <= step);
    }

    /// What tables and figures call its condition.
    pub fn display_name(&self) -> String {
        match &self.cell {
            None => self.config.display_name(&self.condition).to_owned(),
            Some(CellRecord { condition, values }) => {
                config::cell_in_words(&self.config, condition.as_deref(), &self.condition, values)
            }
        }
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
