//! `ocs export`.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::{Args, ValueEnum};

use super::arguments::{DataFolder, path};
use super::outcome::{Success, misuse};
use super::run_folder::{self, Use};
use super::signals;
use super::torch::Torch;
use crate::export::{self, Format};
use crate::file;
use crate::sweep::At;

/// Writes every number that runs recorded as one long table, a row for each: metrics, levels, responses, norms, kernels, series,
/// phases, with columns `run, condition`, each key of a grid, `seed, status, set, stretch, step, time, metric, level, label,
/// label_name, item, item_name, layer, place, threshold, value`. docs/results.md says what they mean, and shows how pandas,
/// NumPy and R read them back exactly.
///
/// Unfinished runs are written as far as their records are, which grow with each checkpoint. One record is in memory at a time. Nothing is replaced unasked.
///
/// --torch FOLDER writes networks instead: of each run its weights (safetensors), a model.py of plain torch.nn that loads them, the
/// samples that it was trained and judged on with their preprocessing and targets, what was recorded at the end, and a check.py that
/// compares both. Of several runs each has FOLDER/CONDITION/SEED. An unfinished run has the weights of its last checkpoint.
#[derive(Args)]
pub struct Export {
    /// Folders of runs, as in runs/my_config, or experiments (ocs_linear means RUNS/ocs_linear)
    #[arg(required = true, value_name = "RUN", value_parser = path())]
    targets: Vec<PathBuf>,
    /// csv: with a heading | npz: NumPy's archive, an array for each column | json: a line of JSON for each row
    #[arg(long, value_enum, required_unless_present = "torch")]
    format: Option<Written>,
    /// Write the networks of one RUN to FOLDER, for PyTorch
    #[arg(long, value_name = "FOLDER", value_parser = path(), conflicts_with_all = ["format", "out", "theory"])]
    torch: Option<PathBuf>,
    /// Networks of these conditions alone
    #[arg(long = "condition", value_name = "NAME", requires = "torch")]
    conditions: Vec<String>,
    /// Networks of these seeds alone
    #[arg(long = "seed", value_name = "SEED", requires = "torch")]
    seeds: Vec<u64>,
    /// Where the table goes; standard output if it is left out, but for npz
    #[arg(long, value_name = "FILE", value_parser = path())]
    out: Option<PathBuf>,
    /// Write theory's answers too (set = theory)
    #[arg(long)]
    theory: bool,
    /// Networks of an earlier moment: a step, or best, where training.checkpoints kept their weights
    #[arg(long, value_name = "STEP|best", requires = "torch", value_parser = at)]
    at: Option<At>,
    /// Replace FILE if it is there, or the networks in FOLDER
    #[arg(long)]
    overwrite: bool,
    /// Folder of all runs, for experiments
    #[arg(long, default_value = "runs", value_name = "FOLDER", value_parser = path())]
    runs: PathBuf,
    #[command(flatten)]
    data: DataFolder,
}

/// A format as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Written {
    Csv,
    Npz,
    Json,
}

/// Reads a moment of training.
fn at(text: &str) -> Result<At> {
    match text {
        "best" => Ok(At::Best),
        step => step
            .parse()
            .map(At::Step)
            .map_err(|_| anyhow!("'{step}' is no moment: write a step, such as 100, or best")),
    }
}

const EXPORT: Use = Use { verb: "export", command: "ocs export", has_condition: false };

impl Export {
    pub fn run(self) -> Result<Success> {
        if self.torch.is_none() && self.data.folder.is_some() {
            return Err(misuse(anyhow!(
                "tables are written from records alone: leave --data-dir out, or write --torch FOLDER for networks and their samples"
            )));
        }
        // Where --format is given, clap lets pass what needs --torch.
        let chooses = !self.conditions.is_empty() || !self.seeds.is_empty() || self.at.is_some();
        if self.torch.is_none() && chooses {
            return Err(misuse(anyhow!(
                "--condition, --seed and --at choose the networks that --torch FOLDER writes; a table has all runs: take its rows of a \
                 condition or a seed"
            )));
        }
        let folders = self.folders().map_err(misuse)?;
        let format = match self.format {
            None => return self.networks(&folders),
            Some(Written::Csv) => Format::Csv,
            Some(Written::Npz) => Format::Npz,
            Some(Written::Json) => Format::Json,
        };
        self.ensure_place(format).map_err(misuse)?;
        let named: Vec<(String, &Path)> = folders
            .iter()
            .map(|folder| Ok((run_folder::name_of(folder)?, &**folder)))
            .collect::<Result<_>>()?;
        let sources = export::sources(&named, self.theory)?;
        let Some(out) = &self.out else {
            let stdout = io::BufWriter::new(io::stdout().lock());
            export::export_lines(&sources, format, stdout, &|| Ok(()))?;
            return Ok(Success::Full);
        };
        let interrupted = signals::interrupted_flag()?;
        let go_on = || {
            ensure!(
                !interrupted.load(std::sync::atomic::Ordering::Relaxed),
                "interrupted; {} was not written",
                out.display()
            );
            Ok(())
        };
        file::stream(out, self.overwrite, |file| export::export(&sources, format, file, &go_on))
            .with_context(|| format!("cannot write {}", out.display()))?;
        tracing::info!(file = %out.display(), "written");
        Ok(Success::Full)
    }

    /// Writes networks for PyTorch.
    fn networks(&self, folders: &[PathBuf]) -> Result<Success> {
        let folder = self.torch.as_deref().context("neither --format nor --torch")?;
        let [run] = folders else {
            return Err(misuse(anyhow!(
                "--torch writes the networks of one run: name one folder of runs"
            )));
        };
        let (conditions, seeds, overwrite) = (&self.conditions, &self.seeds, self.overwrite);
        let (at, data) = (self.at, self.data.folder());
        let torch = Torch { run, folder, conditions, seeds, at, overwrite, data };
        let runs = torch.runs().map_err(misuse)?;
        torch.ensure_place().map_err(misuse)?;
        let networks = torch.write(&runs)?;
        tracing::info!(folder = %folder.display(), networks, "written: python check.py there holds them to what was recorded");
        Ok(if networks == runs.len() { Success::Full } else { Success::Partial })
    }

    /// Makes sure, before anything is read, that the table has a place.
    fn ensure_place(&self, format: Format) -> Result<()> {
        match &self.out {
            None if self.overwrite => bail!("--overwrite replaces --out FILE, which is not given"),
            None if format == Format::Npz => {
                bail!("--format npz is no text: give --out FILE, such as --out runs.npz")
            }
            None => Ok(()),
            Some(out) => {
                ensure!(!out.is_dir(), "--out {} is a folder: name a file in it", out.display());
                ensure!(
                    self.overwrite || out.symlink_metadata().is_err(),
                    "--out {}: {}; give --overwrite, or another name",
                    out.display(),
                    io::Error::from(ErrorKind::AlreadyExists)
                );
                Ok(())
            }
        }
    }

    fn folders(&self) -> Result<Vec<PathBuf>> {
        let one = |target: &PathBuf| run_folder::run_of(target, &self.runs, EXPORT);
        self.targets.iter().map(one).collect()
    }
}
