//! `ocs sweep`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use clap::Args;
use serde::Serialize;

use super::arguments::{ComputeArguments, ProgramArguments, path, warn_of_slow_precision};
use super::outcome::{Success, misuse, refused};
use super::summary::{RunSummary, Table, records_of};
use super::tensorboard::TensorBoardArguments;
use super::train::{SeededConfigArguments, train_runs};
use super::{output, slurm};
use crate::config::{Cell, Config, cells};
use crate::record::CellRecord;
use crate::slurm::{Compute, Profile};
use crate::sweep::{
    self, Again, Estimate, Existing, OnFailure, Options, RunState, State, states_in_words,
};

/// Trains a sweep: every condition of a config, with every combination of the values that its `grid` or --grid lists, with
/// every seed. The same command again goes on where it ended: complete runs are kept, unfinished ones continued from their
/// checkpoints. A run that fails or diverges stops no other; it is listed with its reason, left alone by later calls, and run
/// again with --retry.
///
/// Runs lie in OUT/NAME/CELL/SEED.json, where CELL is called `none,learning_rate=0.1,hidden=64`; records hold the values apart
/// from that name. Exit status: 0 if all runs are complete, 1 if one failed or diverged, or is held by another process.
#[derive(Args)]
pub struct Sweep {
    #[command(flatten)]
    config: SeededConfigArguments,
    #[command(flatten)]
    compute: ComputeArguments,
    #[command(flatten)]
    programs: ProgramArguments,
    #[command(flatten)]
    tensorboard: TensorBoardArguments,
    /// Run those again that failed (they continue from their checkpoints) or diverged (they begin anew)
    #[arg(long)]
    retry: bool,
    /// Replace all runs of this sweep that are there already
    #[arg(long, conflicts_with_all = ["retry", "resume"])]
    overwrite: bool,
    /// Print the plan: cells, how far each run is, and an estimate of the time. Nothing is written
    #[arg(long)]
    dry_run: bool,
    /// Give the runs to Slurm: a YAML file that says what each task asks for (configs/slurm/cpu.yaml shows all keys). With
    /// --dry-run the batch script and the tasks are printed and nothing is submitted
    #[arg(long, value_name = "PROFILE", conflicts_with_all = ["overwrite", "tensorboard"], value_parser = path())]
    slurm: Option<PathBuf>,
    /// Folder of all runs
    #[arg(long, default_value = "runs", value_name = "FOLDER", value_parser = path())]
    out: PathBuf,
    /// Print the plan, or a summary of every run, as JSON
    #[arg(long)]
    json: bool,
}

/// A sweep before anything of it is done or written: what `--dry-run` tells, this machine trains, or a cluster is given.
pub struct Plan {
    pub config: Config,
    /// All cells of the config.
    pub cells: Vec<Cell>,
    /// Where the runs lie, and how they run.
    pub options: Options,
    /// How far each run is, in the order of cells, then of seeds.
    pub states: Vec<RunState>,
}

impl Plan {
    /// Runs that are to be done now.
    pub fn to_do(&self) -> impl Iterator<Item = &RunState> {
        self.states.iter().filter(|run| self.is_due(run))
    }

    fn is_due(&self, run: &RunState) -> bool {
        let is_kept = run.state == State::Complete && self.options.existing == Existing::Resume;
        !is_kept && !self.options.leaves_alone(&run.condition, run.seed)
    }
}

impl Sweep {
    pub fn run(self) -> Result<Success> {
        if let Some(profile) = &self.slurm {
            return self.submit(profile);
        }
        let plan = self.plan()?;
        if self.dry_run {
            tell_plan(&plan, self.json)?;
            return Ok(Success::Full);
        }
        self.train(&plan)
    }

    /// Gives the runs to a cluster. What this machine is does not matter then.
    fn submit(&self, profile: &Path) -> Result<Success> {
        let config = self.config.load()?;
        let profile = Profile::load(profile).map_err(misuse)?;
        let compute = slurm::compute_of(&self.compute, &profile)?;
        slurm::submit(&slurm::Order {
            folder: self.out.join(&config.name),
            compute: Compute { any_program: self.programs.is_any(), ..compute },
            config,
            profile,
            retry: self.retry,
            dry_run: self.dry_run,
            json: self.json,
        })
    }

    /// Reads the config and how far its runs are.
    pub fn plan(&self) -> Result<Plan> {
        let config = self.config.load()?;
        let folder = self.out.join(&config.name);
        let existing = if self.overwrite { Existing::Overwrite } else { Existing::Resume };
        let any_program = self.programs.is_any();
        let options = Options { any_program, ..self.compute.options(&folder, existing)? };
        warn_of_slow_precision(&config, options.device)?;
        let states = sweep::states(&config, &folder)?;
        let options = self.with_what_ended(options, &states);
        let mut plan = Plan { cells: cells(&config)?, config, options, states };
        // Else it is found when runs are opened.
        if self.retry || self.dry_run {
            let broken = sweep::ensure_nothing_is_lost(&plan.config, &plan.options);
            plan.states = sweep::with_broken(plan.states, &broken.map_err(refused)?);
            plan.options = self.with_what_ended(plan.options, &plan.states);
        }
        Ok(plan)
    }

    /// What failed or diverged is left alone, unless it is asked for again; what somebody is at is in any case.
    fn with_what_ended(&self, options: Options, states: &[RunState]) -> Options {
        let is_left = |run: &&RunState| match run.state {
            State::Complete | State::Waiting | State::Unfinished { .. } => false,
            State::Running(_) => true,
            State::Diverged(_) | State::Failed(_) => !self.retry && !self.overwrite,
        };
        let key = |run: &RunState| (run.condition.clone(), run.seed);
        let left_alone = states.iter().filter(is_left).map(key).collect();
        let Again { anew, mended } =
            if self.retry { sweep::again(&options.folder, states) } else { Again::default() };
        Options { left_alone, anew, mended, on_failure: OnFailure::Mark, ..options }
    }

    /// Trains what is to be done on this machine, and tells of all.
    fn train(&self, plan: &Plan) -> Result<Success> {
        let Plan { config, options, states, .. } = plan;
        let all = states_in_words(states.iter().map(|run| &run.state));
        let n_to_do = plan.to_do().count();
        tracing::info!(folder = %options.folder.display(), to_do = n_to_do, "{all}");
        let mut success = Success::Full;
        // Records of another config are refused, also where none is touched; of those that cannot be used a note is left.
        let is_done = n_to_do == 0
            && sweep::ensure_nothing_is_lost(config, options).map_err(refused)?.is_empty();
        if is_done {
            let board = self.tensorboard.open(config, options)?;
            board.keep_complete(states);
            board.close()?;
        } else {
            let with_work: HashSet<&str> = plan.to_do().map(|run| &*run.condition).collect();
            let board = self.tensorboard.open(config, options)?;
            let asks_theory = |cell: &str| with_work.contains(cell);
            let done = train_runs(config, options, "", &asks_theory, &|event| board.tell(event));
            let closed = board.close();
            let done = done?;
            closed?;
            // Also where the failure could not be noted in the folder.
            if !done.failed.is_empty() {
                success = Success::Partial;
            }
        }
        let states = sweep::states(config, &options.folder)?;
        tell_runs(plan, &states, self.json)?;
        let ended = sentences_of_ended(&states);
        for sentence in ended.iter().take(MOST_TOLD) {
            tracing::error!("{sentence}");
        }
        if let Some(more) = ended.len().checked_sub(MOST_TOLD).filter(|more| *more > 0) {
            tracing::error!("and {more} more failed or diverged: --json tells why each did");
        }
        if !ended.is_empty() {
            success = Success::Partial;
        }
        if success == Success::Partial {
            tracing::error!("these are left alone from now on; --retry runs them again");
        }
        if let Some(words) = held_by_others(&states) {
            let nothing = if is_done { "nothing was done here: " } else { "" };
            tracing::error!("{nothing}{words}");
            success = Success::Partial;
        }
        Ok(success)
    }
}

/// So many runs that failed or diverged are told one by one.
const MOST_TOLD: usize = 20;

/// A sentence for each run that failed or diverged.
fn sentences_of_ended(states: &[RunState]) -> Vec<String> {
    let sentence = |RunState { condition, seed, state }: &RunState| match state {
        State::Diverged(why) | State::Failed(why) => {
            Some(format!("'{condition}', seed {seed}, {}: {why}", state.word()))
        }
        _ => None,
    };
    states.iter().filter_map(sentence).collect()
}

/// Who is at runs that are not complete, and what to do; `None` if nobody is.
fn held_by_others(states: &[RunState]) -> Option<String> {
    let holder = |run: &RunState| match &run.state {
        State::Running(holder) => Some(holder.clone()),
        _ => None,
    };
    let n_held = states.iter().filter_map(holder).count();
    let mut holders: Vec<String> = states.iter().filter_map(holder).collect();
    holders.sort();
    holders.dedup();
    let first = holders.first()?;
    let others = match holders.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "{n_held} of {} runs are not complete and held by other processes ({first}{others}): run the same command again when those \
         have ended",
        states.len()
    ))
}

/// A run with its state, as JSON tells it.
#[derive(Serialize)]
struct Run<'a> {
    condition: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cell: Option<CellRecord>,
    seed: u64,
    /// complete | unfinished | running | diverged | failed | waiting.
    state: &'a str,
    /// How far it is, who is at it, or why it ended.
    why: Option<String>,
    /// What it came to, of runs that have a record.
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<RunSummary>,
}

impl<'a> Run<'a> {
    fn of(run: &'a RunState, cell: &Cell, summary: Option<RunSummary>) -> Self {
        let values = cell.values.clone();
        let of_grid = (!values.0.is_empty())
            .then(|| CellRecord { condition: cell.condition.clone(), values });
        let RunState { condition, seed, state } = run;
        let (state, why) = (state.word(), state.why());
        Run { condition, cell: of_grid, seed: *seed, state, why, summary }
    }
}

/// Every cell with its runs' states; all cells have as many seeds.
fn by_cell<'a>(
    plan: &'a Plan,
    states: &'a [RunState],
) -> impl Iterator<Item = (&'a Cell, &'a [RunState])> {
    plan.cells.iter().zip(states.chunks(plan.config.seeds.len().max(1)))
}

fn tell_runs(plan: &Plan, states: &[RunState], as_json: bool) -> Result<()> {
    let Plan { config, options, .. } = plan;
    let mut table = Table::new(&plan.cells, true);
    let mut runs = Vec::new();
    for (cell, states) in by_cell(plan, states) {
        let has_record = |seed: u64| {
            let of_seed = states.iter().find(|run| run.seed == seed);
            of_seed.is_some_and(|run| matches!(run.state, State::Complete | State::Diverged(_)))
        };
        let records = records_of(cell, config, options, &|_, seed| has_record(seed))?;
        if as_json {
            runs.extend(states.iter().map(|run| {
                let record = records.iter().find(|record| record.seed == run.seed);
                Run::of(run, cell, record.map(|record| RunSummary::of(record, &options.folder)))
            }));
        } else {
            table.push(cell, &records, &states_in_words(states.iter().map(|run| &run.state)));
        }
    }
    if as_json {
        return output::json(&runs);
    }
    table.tell_reasons();
    output::line(&table.text())
}

/// What `--dry-run` prints as JSON.
#[derive(Serialize)]
struct PlanSummary<'a> {
    folder: String,
    cells: usize,
    /// Runs to be done now.
    to_do: usize,
    /// Of their time on this machine.
    estimate: Option<Estimate>,
    /// Why there is no estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_estimate: Option<String>,
    runs: Vec<Run<'a>>,
}

fn tell_plan(plan: &Plan, as_json: bool) -> Result<()> {
    let Plan { config, cells, options, states } = plan;
    let n_to_do = plan.to_do().count();
    let estimate = match n_to_do {
        0 => Err(anyhow!("nothing is to be done")),
        _ => sweep::estimate(config, options, states),
    };
    if as_json {
        let mut runs = Vec::new();
        for (cell, states) in by_cell(plan, states) {
            runs.extend(states.iter().map(|run| Run::of(run, cell, None)));
        }
        return output::json(&PlanSummary {
            folder: options.folder.to_string_lossy().into_owned(),
            cells: cells.len(),
            to_do: n_to_do,
            no_estimate: estimate.as_ref().err().map(|error| format!("{error:#}")),
            estimate: estimate.ok(),
            runs,
        });
    }
    let mut table = Table::of_plan(cells);
    for (cell, states) in by_cell(plan, states) {
        let to_do = states.iter().filter(|run| plan.is_due(run)).count();
        table.push_plan(cell, &states_in_words(states.iter().map(|run| &run.state)), to_do);
    }
    output::line(&table.text())?;
    for RunState { condition, seed, state } in states {
        if let (State::Running(_) | State::Diverged(_) | State::Failed(_), Some(why)) =
            (state, state.why())
        {
            output::line(&format!("'{condition}', seed {seed}, {}: {why}", state.word()))?;
        }
    }
    let all = states_in_words(states.iter().map(|run| &run.state));
    output::line(&format!(
        "{} cells, {} runs in {}: {all}",
        cells.len(),
        states.len(),
        options.folder.display()
    ))?;
    output::line(&match estimate {
        Ok(estimate) => format!("{} to do, {}", n_to_do, estimate.in_words()),
        Err(error) => format!("{} to do; no estimate of the time: {error:#}", n_to_do),
    })
}
