//! What can be typed. The only module that prints: data to stdout, all else to stderr.

mod arguments;
mod bar;
mod bench;
mod config;
mod data;
mod decided;
mod devices;
mod doctor;
mod explain;
mod export;
mod figures;
mod gram;
mod human;
mod list;
mod log;
mod manual;
mod meter;
mod new;
mod outcome;
mod output;
mod overlaid;
mod progress;
mod report;
mod reproduce;
mod run_folder;
mod signals;
mod slurm;
mod stems;
mod summary;
mod sweep;
mod tensorboard;
mod theory;
mod torch;
mod train;
mod watch;
mod watchdog;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};

use outcome::{Misuse, Success};

/// What do networks learn first? Teaches networks a hierarchy of categories, watches every step on a logarithmic
/// clock, lays exact theory over what it measured, decides claims by numbers and draws the figures.
///
/// Exit status: 0 done, 1 failed (a failed claim or a diverged run too), 2 misused (arguments, config, device), 128 + n ended
/// by signal n after a checkpoint: 130 SIGINT (Ctrl-C; a second one ends at once), 143 SIGTERM, 138 SIGUSR1, 129 SIGHUP.
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
    /// Train a grid of settings, or go on with it: what is complete is kept, what fails stops nothing else
    Sweep(sweep::Sweep),
    /// Print what theory says of a config: modes, onset and end of the OCS phase, curves
    Theory(theory::Theory),
    // Its help is the doc comment of `gram::Gram`, all of it: a comment here would hide it.
    Gram(gram::Gram),
    /// Draw the figure of an experiment, or of a folder of runs, from its records
    Plot(figures::Plot),
    /// Train, decide claims and draw figures of the shipped experiments
    Reproduce(reproduce::Reproduce),
    /// Look after runs on a cluster: status, collect, cancel, resubmit
    #[command(subcommand)]
    Slurm(slurm::Slurm),
    /// Write one page of experiments or runs that needs no other file: questions, figures, claims, settings, glossary
    Report(report::Report),
    /// List runs (how far, which question, when) and experiments (claims, figure)
    List(list::List),
    /// Draw M, V and true negative rates of a run in the terminal, also while another process trains it
    Watch(watch::Watch),
    /// Write the numbers of runs as one long table, for pandas, NumPy or R; or their networks, for PyTorch
    Export(export::Export),
    // Its help is the doc comment of `human::Human`.
    #[command(subcommand)]
    Human(human::Human),
    /// Decide the claims of experiments from their records; exit status 1 if one fails
    Claims(figures::Claims),
    /// Fetch, check and show the image data sets
    #[command(subcommand, long_about = data::ABOUT)]
    Data(data::Data),
    /// Time the bare steps of a config on this machine
    Bench(bench::Bench),
    /// Write a config to start from, with comments
    New(new::New),
    /// Print a config with every default written out
    Config(config::Print),
    /// Explain a word of figures, records and configs: meaning, equation, unit, source, where it is computed
    Explain(explain::Explain),
    /// Tell what this installation has: libtorch, CUDA, threads, data, folders, Slurm
    Doctor(doctor::Doctor),
    /// Write manual pages, one for each command, for `man`
    Man(manual::Man),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// All that can be typed, as clap knows it.
pub fn command() -> clap::Command {
    Cli::command()
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
            match signals::signal() {
                _ if error.chain().any(|cause| cause.is::<Misuse>()) => ExitCode::from(2),
                Some(signal) => ExitCode::from(signals::status_of(signal) as u8),
                None => ExitCode::FAILURE,
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
        let needs_no_libtorch = matches!(
            self,
            Command::Doctor(_)
                | Command::Completions { .. }
                | Command::Config(_)
                | Command::Explain(_)
                | Command::Man(_)
        );
        if !needs_no_libtorch {
            crate::train::libtorch::ensure_built_for()?;
        }
        Ok(self)
    }

    fn run(self) -> Result<Success> {
        match self {
            Command::Train(train) => train.run(),
            Command::Sweep(sweep) => sweep.run(),
            Command::Theory(theory) => theory.run(),
            Command::Gram(gram) => gram.run(),
            Command::Plot(plot) => plot.run(),
            Command::Reproduce(reproduce) => reproduce.run(),
            Command::Slurm(slurm) => slurm.run(),
            Command::Report(report) => report.run(),
            Command::List(list) => list.run(),
            Command::Watch(watch) => watch.run(),
            Command::Export(export) => export.run(),
            Command::Human(human) => human.run(),
            Command::Claims(claims) => claims.run(),
            Command::Data(data) => data.run(),
            Command::Bench(bench) => bench.run(),
            Command::New(new) => new.run(),
            Command::Config(print) => print.run(),
            Command::Explain(explain) => explain.run(),
            Command::Doctor(doctor) => doctor.run(),
            Command::Man(man) => man.run(&Cli::command()),
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "ocs", &mut script);
                output::bytes(&script)?;
                Ok(Success::Full)
            }
        }
    }
}
