//! Arguments that several commands take.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::outcome::misuse;
use super::{signals, stems};
use crate::config::{Config, Override, Scale};
use crate::derived::Derived;
use crate::record::Algorithms;
use crate::sweep::{self, Cores, Existing};
use crate::train::determinism;
use crate::train::device::DeviceChoice;

/// A config and what to change in it.
#[derive(Args)]
pub struct ConfigArguments {
    /// A YAML file, `-` for standard input, or an experiment such as ocs_linear (configs/ocs_linear.yaml if there is one, else
    /// what is built in); `ocs config CONFIG` prints it with all its keys, `ocs new` writes one
    #[arg(value_parser = path())]
    pub config: PathBuf,
    /// Change a key, such as --set training.steps=500 or --set task.branching='[3, 3]'; the last word, over
    /// conditions too
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<Override>,
    /// Vary a key over a list of values, such as --grid training.learning_rate='[0.01, 0.1]', in every condition; repeatable:
    /// every combination is trained. A key that the config's grid varies too takes these values instead
    #[arg(long, value_name = "KEY=[..]")]
    pub grid: Vec<Override>,
    /// Only these conditions; others, and what all share, need not fit what is set
    #[arg(long = "condition", value_name = "NAME")]
    pub conditions: Vec<String>,
}

impl ConfigArguments {
    pub fn load(&self) -> Result<Config> {
        self.load_unmarked().map_err(misuse)
    }

    /// What is set and what is varied, as overrides.
    fn changes(&self) -> Result<Vec<Override>> {
        let mut changes = self.overrides.clone();
        for (index, Override { key, value }) in self.grid.iter().enumerate() {
            anyhow::ensure!(
                self.grid[..index].iter().all(|other| other.key != *key),
                "--grid {key} is given twice: write all its values in one list"
            );
            changes.push(Override { key: format!("grid.{key}"), value: value.clone() });
        }
        Ok(changes)
    }

    pub fn load_unmarked(&self) -> Result<Config> {
        stems::Source::of(&self.config)?.load_conditions(&self.changes()?, &self.conditions)
    }
}

/// What becomes of runs that are there already; without either, they are an error.
#[derive(Args)]
pub struct ExistingArguments {
    /// Keep complete runs of the same config and continue interrupted ones from their checkpoints; with more training.steps
    /// than they had, complete ones too. --resume=any goes on also if another revision or libtorch began them
    #[arg(long, value_name = "any", num_args = 0..=1, require_equals = true, default_missing_value = "same")]
    pub resume: Option<Resume>,
    /// Replace runs that are there already
    #[arg(long, conflicts_with = "resume")]
    pub overwrite: bool,
}

/// Which programs' runs are continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Resume {
    /// Those of this revision and libtorch.
    Same,
    /// All: records of runs that two programs trained say so.
    Any,
}

/// Whose runs go on, of commands that go on anyway.
#[derive(Args)]
pub struct ProgramArguments {
    /// Runs go on in any case; with --resume=any also those that another revision or libtorch began: their records name both
    #[arg(long, value_name = "any", num_args = 0..=1, require_equals = true, default_missing_value = "same")]
    resume: Option<Resume>,
}

impl ProgramArguments {
    /// Whether it does not matter which program began a run.
    pub fn is_any(&self) -> bool {
        self.resume == Some(Resume::Any)
    }
}

impl ExistingArguments {
    /// Options with what becomes of runs that are there already.
    pub fn apply(&self, options: sweep::Options) -> sweep::Options {
        let any_program = self.resume == Some(Resume::Any);
        sweep::Options { existing: self.existing(), any_program, ..options }
    }

    fn existing(&self) -> Existing {
        match (self.resume.is_some(), self.overwrite) {
            (true, _) => Existing::Resume,
            (false, true) => Existing::Overwrite,
            (false, false) => Existing::Refuse,
        }
    }
}

/// Warns before hours are lost to a precision that this device only emulates.
pub fn warn_of_slow_precision(config: &Config, device: tch::Device) -> Result<()> {
    for (condition, resolved) in crate::config::resolve_conditions(config)? {
        if let Some(why) = crate::train::device::why_slow(resolved.training.precision, device) {
            tracing::warn!(condition, "{why}");
            break;
        }
    }
    Ok(())
}

/// Where runs compute.
#[derive(Args)]
pub struct ComputeArguments {
    /// auto (CUDA where there is a device) | cpu | cuda | cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: DeviceChoice,
    /// Threads of libtorch in each run; results may differ in the last digits between numbers of threads
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: u16,
    /// Runs (or stacks of them) at the same time [default: cores / threads, where cores are the least of SLURM_CPUS_PER_TASK,
    /// the affinity mask and the control group's quota; 1 on CUDA, where N of them share the GPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Most runs of one shape that train in one stack of tensors [default: of linear networks and perceptrons as many as
    /// suit the device; of convolutions 16 on CUDA, 1 on a CPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub stack: Option<u16>,
    /// On a GPU take the fastest algorithms, also those that give equal runs different bytes, and round products to TF32 (10 bits);
    /// records say so
    #[arg(long)]
    pub fast: bool,
    /// Seconds between checkpoints of unfinished runs
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS", value_parser = seconds)]
    pub checkpoint_every: f64,
    #[command(flatten)]
    pub data: DataFolder,
}

/// Reads a number of seconds.
pub fn seconds(text: &str) -> Result<f64> {
    let seconds = text.parse().ok().filter(|seconds| (0.0..=86400.0).contains(seconds));
    seconds.ok_or_else(|| anyhow::anyhow!("'{text}' is no number of seconds: write 30, or 0.5"))
}

/// Reads a path as it was typed; a leading `~` that the shell left is the home folder.
pub fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().map(|path| crate::file::with_home(&path))
}

/// Where data sets lie.
#[derive(Args)]
pub struct DataFolder {
    /// Folder of data sets, laid out as by torchvision [default: $OCS_DATA, or ocs/data in the user's cache folder]
    #[arg(long = "data-dir", value_name = "FOLDER", value_parser = path())]
    pub folder: Option<PathBuf>,
}

impl DataFolder {
    pub fn folder(&self) -> PathBuf {
        self.folder.clone().unwrap_or_else(crate::data::default_folder)
    }
}

impl ComputeArguments {
    /// Options for runs whose records go to `folder`, and which signals end after their checkpoints.
    pub fn options(&self, folder: &Path, existing: Existing) -> Result<sweep::Options> {
        let interrupted = signals::interrupted_flag()?;
        Ok(sweep::Options { existing, interrupted, ..self.unwatched_options(folder)? })
    }

    /// Options for runs that leave nothing: signals end them at once.
    pub fn unwatched_options(&self, folder: &Path) -> Result<sweep::Options> {
        let cores = Cores::of_this_process();
        sweep::limit_threads(&cores);
        let device = self.device.resolve().map_err(misuse)?;
        if device != tch::Device::Cpu && !self.fast {
            determinism::ensure_workspace().map_err(misuse)?;
        }
        let options = self.options_on(device, cores, folder);
        let sweep::Options { threads, jobs, cores, .. } = &options;
        let on = crate::train::device::name(device);
        tracing::info!(device = on, threads, jobs, %cores, "computing");
        Ok(options)
    }

    /// Options for a device that another machine may have.
    pub fn options_on(&self, device: tch::Device, cores: Cores, folder: &Path) -> sweep::Options {
        let threads = usize::from(self.threads);
        let jobs = self.jobs.map_or_else(
            || if device == tch::Device::Cpu { cores.jobs(threads) } else { 1 },
            usize::from,
        );
        sweep::Options {
            folder: folder.to_owned(),
            data: self.data.folder(),
            derived: Derived::of_user(),
            device,
            algorithms: if self.fast { Algorithms::Fast } else { Algorithms::Deterministic },
            threads,
            only: None,
            jobs,
            cores,
            stack: self.stack.map(usize::from),
            existing: Existing::Refuse,
            left_alone: Default::default(),
            anew: Default::default(),
            mended: Default::default(),
            on_failure: sweep::OnFailure::Stop,
            any_program: false,
            theory_of_images: false,
            scale: Scale::Default,
            write_every: std::time::Duration::from_secs_f64(self.checkpoint_every),
            interrupted: Arc::default(),
        }
    }
}
