//! What can be typed. The only module that prints: data to stdout, all else to stderr.

mod bench;
mod config;
mod data;
mod doctor;
mod figures;
mod gram;
mod log;
mod meter;
mod new;
mod output;
mod progress;
mod reproduce;
mod run_folder;
mod stems;
mod theory;
mod train;
mod watchdog;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::config::{Config, Override, Scale, did_you_mean};
use crate::sweep::{self, Existing};
use crate::train::device::DeviceChoice;

/// What do networks learn first? Teaches networks a hierarchy of categories, watches every step on a logarithmic
/// clock, lays exact theory over what it measured, decides claims by numbers and draws the figures.
///
/// Exit status: 0 done, 1 failed (a failed claim or a diverged run too), 2 misused (arguments, config, device).
/// Data go to stdout, all else to stderr. RUST_LOG sets the level of messages; TZ their time, NO_COLOR keeps them plain.
#[derive(Parser)]
#[command(name = "ocs", version = concat!(env!("CARGO_PKG_VERSION"), " (", env!("OCS_REVISION"), ", for libtorch ", env!("OCS_LIBTORCH"), ")"))]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Tell warnings and errors only
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Train every condition of a config with every seed; write a record for each run
    Train(train::Train),
    /// Print what theory says of a config: modes, onset and end of the OCS phase, curves
    Theory(theory::Theory),
    // Its help is the doc comment of `gram::Gram`, all of it: a comment here would hide it.
    Gram(gram::Gram),
    /// Draw the figure of an experiment, or of a folder of runs, from its records
    Plot(figures::Plot),
    /// Train, decide claims and draw figures of the shipped experiments
    Reproduce(reproduce::Reproduce),
    /// Decide the claims of experiments from their records; exit status 1 if one fails
    Claims(figures::Claims),
    /// Fetch, check and show the image data sets
    #[command(subcommand)]
    Data(data::Data),
    /// Time the bare steps of a config on this machine
    Bench(bench::Bench),
    /// Write a config to start from, with comments
    New(new::New),
    /// Print a config with every default written out
    Config(config::Print),
    /// Tell what this installation has: libtorch, CUDA, threads, data, folders, Slurm
    Doctor(doctor::Doctor),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// A failure that is the caller's (exit status 2): arguments, config, device.
#[derive(Debug)]
struct Misuse(anyhow::Error);

impl std::fmt::Display for Misuse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(formatter, "{:#}", self.0)
    }
}

impl std::error::Error for Misuse {}

/// Marks an error as the caller's.
fn misuse(error: anyhow::Error) -> anyhow::Error {
    Misuse(error).into()
}

/// Whether everything that was asked for succeeded; if not, the reasons were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Success {
    Full,
    Partial,
}

/// Parses arguments, runs the command and tells errors in one line.
pub fn run() -> ExitCode {
    log::settle_colours();
    let cli = Cli::parse();
    log::start(cli.quiet);
    // Relative paths lead nowhere then, and libtorch's MKL ends the process.
    if !where_we_are().is_empty() {
        let _ = writeln!(io::stderr(), "error: nothing was done{}", where_we_are());
        return ExitCode::from(2);
    }
    match cli.command.checked().and_then(Command::run) {
        Ok(Success::Full) => ExitCode::SUCCESS,
        Ok(Success::Partial) => ExitCode::FAILURE,
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let line = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
            // A full disk behind stderr must not hide the exit status.
            let _ = writeln!(io::stderr(), "error: {line}{}", where_we_are());
            if error.chain().any(|cause| cause.is::<Misuse>()) {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// What an error does not know: that every relative path leads nowhere.
fn where_we_are() -> &'static str {
    match std::env::current_dir() {
        Ok(_) => "",
        Err(_) => " (the working folder is gone: change to one that is there, `cd` alone will do)",
    }
}

impl Command {
    /// Itself, if the libtorch of this process is the one that it was built for, or does not matter.
    fn checked(self) -> Result<Self> {
        if !matches!(self, Command::Doctor(_) | Command::Completions { .. } | Command::Config(_)) {
            crate::train::libtorch::ensure_built_for()?;
        }
        Ok(self)
    }

    fn run(self) -> Result<Success> {
        match self {
            Command::Train(train) => train.run(),
            Command::Theory(theory) => theory.run(),
            Command::Gram(gram) => gram.run(),
            Command::Plot(plot) => plot.run(),
            Command::Reproduce(reproduce) => reproduce.run(),
            Command::Claims(claims) => claims.run(),
            Command::Data(data) => data.run(),
            Command::Bench(bench) => bench.run(),
            Command::New(new) => new.run(),
            Command::Config(print) => print.run(),
            Command::Doctor(doctor) => doctor.run(),
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "ocs", &mut script);
                output::bytes(&script)?;
                Ok(Success::Full)
            }
        }
    }
}

/// A config and what to change in it.
#[derive(Args)]
struct ConfigArguments {
    /// A YAML file, `-` for standard input, or an experiment such as ocs_linear (configs/ocs_linear.yaml if there is one, else
    /// what is built in); `ocs config CONFIG` prints it with all its keys, `ocs new` writes one
    #[arg(value_parser = path())]
    config: PathBuf,
    /// Change a key, such as --set training.steps=500 or --set task.branching='[3, 3]'; the last word, over
    /// conditions too
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<Override>,
    /// Only these conditions
    #[arg(long = "condition", value_name = "NAME")]
    conditions: Vec<String>,
}

impl ConfigArguments {
    fn load(&self) -> Result<Config> {
        self.load_unmarked().map_err(misuse)
    }

    fn load_unmarked(&self) -> Result<Config> {
        let mut config = stems::Source::of(&self.config)?.load(&self.overrides)?;
        if !self.conditions.is_empty() {
            let known: Vec<&str> =
                config.conditions.0.iter().map(|(name, _)| name.as_str()).collect();
            for name in &self.conditions {
                anyhow::ensure!(
                    known.contains(&name.as_str()),
                    "--condition {name}: {} has the conditions {}{}",
                    self.config.display(),
                    if known.is_empty() { "default only".to_owned() } else { known.join(", ") },
                    did_you_mean(name, known.iter().copied())
                );
            }
            config.conditions.0.retain(|(name, _)| self.conditions.contains(name));
        }
        Ok(config)
    }
}

/// What becomes of runs that are there already; without either, they are an error.
#[derive(Args)]
struct ExistingArguments {
    /// Keep complete runs of the same config and continue interrupted ones from their checkpoints
    #[arg(long)]
    resume: bool,
    /// Replace runs that are there already
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
}

impl ExistingArguments {
    fn existing(&self) -> Existing {
        match (self.resume, self.overwrite) {
            (true, _) => Existing::Resume,
            (false, true) => Existing::Overwrite,
            (false, false) => Existing::Refuse,
        }
    }
}

/// What was refused before anything was done is the caller's to change.
fn refused(error: anyhow::Error) -> anyhow::Error {
    if error.is::<sweep::Refused>() { misuse(error) } else { error }
}

/// Warns before hours are lost to a precision that this device only emulates.
fn warn_of_slow_precision(config: &Config, device: tch::Device) -> Result<()> {
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
struct ComputeArguments {
    /// auto (CUDA where there is a device) | cpu | cuda | cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    device: DeviceChoice,
    /// Threads of libtorch in each run; results may differ in the last digits between numbers of threads
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// Runs at the same time [default: processor cores / threads; 1 on CUDA]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Most runs of one shape that train in one stack of tensors [default: of linear networks and perceptrons as many as
    /// suit the device; of convolutions 16 on CUDA, 1 on a CPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    stack: Option<u16>,
    #[command(flatten)]
    data: DataFolder,
}

/// Reads a path as it was typed; a leading `~` that the shell left is the home folder.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().map(|path| crate::file::with_home(&path))
}

/// Where data sets lie.
#[derive(Args)]
struct DataFolder {
    /// Folder of data sets, laid out as by torchvision [default: $OCS_DATA, or ocs/data in the user's cache folder]
    #[arg(long = "data-dir", value_name = "FOLDER", value_parser = path())]
    folder: Option<PathBuf>,
}

impl DataFolder {
    fn folder(&self) -> PathBuf {
        self.folder.clone().unwrap_or_else(crate::data::default_folder)
    }
}

impl ComputeArguments {
    /// Options for runs whose records go to `folder`, and which signals end after their checkpoints.
    fn options(&self, folder: &Path, existing: Existing) -> Result<sweep::Options> {
        let interrupted = progress::interrupted_flag()?;
        Ok(sweep::Options { existing, interrupted, ..self.unwatched_options(folder)? })
    }

    /// Options for runs that leave nothing: signals end them at once.
    fn unwatched_options(&self, folder: &Path) -> Result<sweep::Options> {
        sweep::limit_threads();
        let device = self.device.resolve().map_err(misuse)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = usize::from(self.threads);
        let jobs = self.jobs.map_or_else(
            || if device == tch::Device::Cpu { (cores / threads).max(1) } else { 1 },
            usize::from,
        );
        tracing::info!(device = crate::train::device::name(device), threads, jobs, "computing");
        Ok(sweep::Options {
            folder: folder.to_owned(),
            data: self.data.folder(),
            device,
            threads,
            jobs,
            cores,
            stack: self.stack.map(usize::from),
            existing: Existing::Refuse,
            theory_of_images: false,
            scale: Scale::Default,
            write_every: std::time::Duration::from_secs(30),
            interrupted: Arc::default(),
        })
    }
}
