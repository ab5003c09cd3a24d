//! `ocs watch`.

mod frame;
mod runs;
mod screen;

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::arguments::path;
use super::outcome::{Success, misuse};
use super::output;
use super::run_folder::{self, Use};
use runs::Runs;

/// Draws a run in the terminal, against the step on a logarithmic clock: M with the threshold of the phase's onset, V with that of
/// its end, and the true negative rate of each level. The newest record is shown, or what a checkpoint has beyond it, whoever
/// trains the run: another process, or a job of a cluster that shares the disk. Nothing is written or claimed.
///
/// Keys: right and left (or n and p) another run, q or Ctrl-C ends. Where stdout is no terminal, one frame is printed.
#[derive(Args)]
pub struct Watch {
    /// Folder of runs, as in runs/my_config, or an experiment (ocs_linear means RUNS/ocs_linear)
    #[arg(value_name = "RUN", value_parser = path())]
    target: PathBuf,
    /// Begin with this condition (with a grid: cell)
    #[arg(long, value_name = "NAME")]
    condition: Option<String>,
    /// Begin with this seed
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Print one frame and end
    #[arg(long)]
    once: bool,
    /// Seconds between looks at the files
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS", value_parser = super::arguments::seconds)]
    every: f64,
    /// Columns of a frame that is printed [default: the terminal's, else 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(40..=500))]
    width: Option<u16>,
    /// Lines of a frame that is printed [default: the terminal's, else 36]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(10..=200))]
    height: Option<u16>,
    /// Folder of all runs, for experiments
    #[arg(long, default_value = "runs", value_name = "FOLDER", value_parser = path())]
    runs: PathBuf,
}

const WATCH: Use = Use { verb: "watch", command: "ocs watch", has_condition: true };

impl Watch {
    pub fn run(self) -> Result<Success> {
        let folder = run_folder::begun_run_of(&self.target, &self.runs, WATCH).map_err(misuse)?;
        let mut runs = Runs::of(&folder)?;
        runs.choose(self.condition.as_deref(), self.seed).map_err(misuse)?;
        if self.once || !io::stdout().is_terminal() {
            let seen = terminal_size::terminal_size_of(io::stdout());
            let seen = seen.map(|(width, height)| (width.0, height.0.saturating_sub(1)));
            let (width, height) = seen.unwrap_or((100, 36));
            let size = (self.width.unwrap_or(width), self.height.unwrap_or(height));
            output::line(&frame::text(&runs.look()?, size)?)?;
        } else {
            screen::show(&mut runs, std::time::Duration::from_secs_f64(self.every))?;
        }
        Ok(Success::Full)
    }
}
