//! From a config to jobs in the queue.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::Serialize;

use super::super::arguments::{ComputeArguments, DataFolder};
use super::super::outcome::{Success, misuse, refused};
use super::super::output;
use super::survey::{Survey, live_jobs};
use crate::config::{Config, resolve_conditions};
use crate::data;
use crate::record;
use crate::slurm::{
    self, Client, Compute, Place, Profile, RunId, Script, Submission, Tasks, Unanswered,
    array_script, chunks, collect_script, group, next_folder,
};
use crate::sweep::{
    self, Again, Cores, Existing, OnFailure, Options, RunState, State, states_in_words,
};

/// What is to be submitted.
pub struct Order {
    /// Whose runs.
    pub config: Config,
    /// The runs' folder.
    pub folder: PathBuf,
    /// What the cluster is asked for.
    pub profile: Profile,
    /// How each task computes.
    pub compute: Compute,
    /// Whether failed and diverged runs are done again.
    pub retry: bool,
    /// Whether it is only shown.
    pub dry_run: bool,
    /// Whether it is told as JSON.
    pub json: bool,
}

/// How tasks compute: as the command line says, and where it says nothing, as the profile does. Written out, so that no task
/// chooses otherwise on another node.
///
/// # Errors
///
/// If a folder is no text.
pub fn compute_of(arguments: &ComputeArguments, profile: &Profile) -> Result<Compute> {
    let device = match (arguments.device.to_string(), profile.has_gpu()) {
        (device, has_gpu) if device == "auto" => if has_gpu { "cuda" } else { "cpu" }.to_owned(),
        (device, _) => device,
    };
    let threads = usize::from(arguments.threads);
    let cpus = profile.cpus.map_or(1, |cpus| cpus as usize);
    let jobs = if device == "cpu" { (cpus / threads).max(1) } else { 1 };
    Ok(Compute {
        threads,
        jobs: Some(arguments.jobs.map_or(jobs, usize::from)),
        stack: arguments.stack.map(usize::from),
        fast: arguments.fast,
        any_program: false,
        checkpoint_every: arguments.checkpoint_every,
        data: absolute(&arguments.data.folder())?,
        device,
    })
}

fn absolute(path: &Path) -> Result<String> {
    let whole =
        std::path::absolute(path).with_context(|| format!("where is {}?", path.display()))?;
    let text = whole
        .to_str()
        .with_context(|| format!("{} is no text: choose another folder", path.display()))?;
    Ok(text.to_owned())
}

/// What was submitted, or would be.
#[derive(Serialize)]
struct Told<'a> {
    runs: usize,
    tasks: &'a Tasks,
    folder: Option<&'a Path>,
    submission: &'a Submission,
    script: &'a str,
}

/// Submits what is missing, and only that.
///
/// # Errors
///
/// If data are missing, an earlier submission has jobs in the queue, or Slurm refuses or does not answer.
pub fn submit(order: &Order) -> Result<Success> {
    let mut states = sweep::states(&order.config, &order.folder)?;
    let broken = ensure_nothing_is_lost(order, &states)?;
    states = sweep::with_broken(states, &broken);
    if !order.dry_run {
        sweep::note_broken(&order.folder, &broken)?;
    }
    let all = states_in_words(states.iter().map(|run| &run.state));
    let wanted = wanted(&states, order.retry);
    let given_up = states
        .iter()
        .any(|run| matches!(run.state, State::Failed(_) | State::Diverged(_)) && !order.retry);
    if wanted.is_empty() {
        let is_run = |run: &RunState| matches!(run.state, State::Running(_));
        if states.iter().any(is_run) && !order.dry_run {
            ensure_nothing_queued(&order.folder, Client::from_environment())?;
        }
        tracing::info!("nothing is to be submitted: {all}");
        return Ok(if given_up { Success::Partial } else { Success::Full });
    }
    ensure_data(&order.config, &wanted, Path::new(&order.compute.data)).map_err(misuse)?;
    let tasks = tasks(order, &states, &wanted)?;
    tracing::info!("{all}; to submit: {} runs in {} tasks", wanted.len(), tasks.0.len());
    let client = Client::from_environment();
    if order.dry_run { show(order, &tasks, client) } else { send(order, &tasks, client) }?;
    Ok(Success::Full)
}

/// Makes sure that the tasks will not be refused for what lies in the run folder, after they have waited for hours.
fn ensure_nothing_is_lost(
    order: &Order,
    states: &[RunState],
) -> Result<BTreeMap<(String, u64), String>> {
    let Compute { device, threads, jobs, stack, fast, any_program, checkpoint_every, data } =
        &order.compute;
    let few = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    let arguments = ComputeArguments {
        device: device.parse()?,
        threads: few(*threads),
        jobs: jobs.map(few),
        stack: stack.map(few),
        fast: *fast,
        checkpoint_every: *checkpoint_every,
        data: DataFolder { folder: Some(PathBuf::from(data)) },
    };
    // Of the node: this machine may have none.
    let device = arguments.device.there();
    let options = arguments.options_on(device, Cores::of_this_process(), &order.folder);
    let is_left = |run: &&RunState| match run.state {
        State::Running(_) => true,
        State::Failed(_) | State::Diverged(_) => !order.retry,
        State::Complete | State::Unfinished { .. } | State::Waiting => false,
    };
    let left_alone =
        states.iter().filter(is_left).map(|run| (run.condition.clone(), run.seed)).collect();
    let again = if order.retry { sweep::again(&order.folder, states) } else { Again::default() };
    let options = Options {
        existing: Existing::Resume,
        left_alone,
        anew: again.anew,
        mended: again.mended,
        any_program: *any_program,
        on_failure: OnFailure::Mark,
        ..options
    };
    sweep::ensure_nothing_is_lost(&order.config, &options).map_err(refused)
}

/// Which task does which runs. A task of an earlier submission that was begun stays as it was, with its runs that are done: the
/// last digits of runs hang on who trains beside them. Where several have a run, the latest one holds: no run is in two tasks.
fn tasks(order: &Order, states: &[RunState], wanted: &BTreeSet<RunId>) -> Result<Tasks> {
    let is_begun = |run: &RunState| run.state != State::Waiting;
    let id = |run: &RunState| RunId { condition: run.condition.clone(), seed: run.seed };
    let all: BTreeSet<RunId> = states.iter().map(id).collect();
    let begun: BTreeSet<RunId> = states.iter().filter(|run| is_begun(run)).map(id).collect();
    let mut left = wanted.clone();
    let (mut tasks, mut taken) = (Vec::new(), BTreeSet::new());
    for folder in slurm::submissions(&order.folder).iter().rev() {
        for task in slurm::tasks_of(folder)?.0 {
            let is_whole = task.iter().all(|run| all.contains(run));
            let is_left = task.iter().any(|run| left.contains(run));
            let is_free = task.iter().all(|run| !taken.contains(run));
            let is_begun = task.iter().any(|run| begun.contains(run));
            if is_whole && is_left && is_free && is_begun {
                for run in &task {
                    left.remove(run);
                    taken.insert(run.clone());
                }
                tasks.push(task);
            }
        }
    }
    let per_task = order.profile.cells_per_task.unwrap_or(1) as usize;
    tasks.extend(group(&order.config, &left, per_task)?.0);
    Ok(Tasks(tasks))
}

/// Runs that are to be done.
fn wanted(states: &[RunState], retry: bool) -> BTreeSet<RunId> {
    let is_wanted = |run: &&RunState| match &run.state {
        State::Complete => false,
        State::Running(holder) => {
            tracing::warn!(
                condition = run.condition,
                seed = run.seed,
                "not submitted: {holder} is at it"
            );
            false
        }
        State::Failed(sentence) | State::Diverged(sentence) => {
            if !retry {
                tracing::warn!(
                    condition = run.condition,
                    seed = run.seed,
                    "not submitted (--retry does): {sentence}"
                );
            }
            retry
        }
        State::Unfinished { .. } | State::Waiting => true,
    };
    let id = |run: &RunState| RunId { condition: run.condition.clone(), seed: run.seed };
    states.iter().filter(is_wanted).map(id).collect()
}

/// Data sets are there before a job waits for hours: a compute node fetches none.
fn ensure_data(config: &Config, wanted: &BTreeSet<RunId>, folder: &Path) -> Result<()> {
    for (condition, resolved) in resolve_conditions(config)? {
        if !wanted.iter().any(|run| run.condition == condition) {
            continue;
        }
        for stretch in resolved.stretches()? {
            let inputs = stretch.config.task.inputs;
            ensure!(
                !inputs.are_images() || data::is_present(inputs, folder),
                "{name} is not in {}, and a compute node fetches nothing: on this machine, `ocs data fetch {name} --data-dir \
                 {}` (or --from PATH for files that you have)",
                folder.display(),
                folder.display(),
                name = inputs.name()
            );
        }
    }
    Ok(())
}

/// Texts of both scripts.
fn scripts(
    order: &Order,
    place: &Place,
    submission: &Submission,
    tasks: &Tasks,
) -> Result<(String, String)> {
    let first = submission.jobs.first().context("a submission has a job")?;
    let last = submission.jobs.last().context("a submission has a job")?;
    let script = Script { profile: &order.profile, place, job_name: &first.name };
    let chunk = slurm::Chunk { offset: first.offset, length: first.length };
    let array =
        array_script(&script, chunk, tasks.0.len(), tasks.n_runs(), &order.compute, order.retry)?;
    let script = Script { job_name: &last.name, ..script };
    let collect = collect_script(&script, &order.compute.data, &absolute(Path::new("plots"))?)?;
    Ok((array, collect))
}

fn place(order: &Order, submission: &Path) -> Result<Place> {
    let program = std::env::current_exe().context("where is this program?")?;
    Ok(Place {
        program: absolute(&program)?,
        submission: absolute(submission)?,
        run: absolute(&order.folder)?,
    })
}

/// The smallest MaxArraySize that Slurm ships with, for clusters that are not asked.
const USUAL_ARRAY: usize = 1001;

fn show(order: &Order, tasks: &Tasks, client: Client) -> Result<()> {
    let size = client.max_array_size().unwrap_or_else(|error| {
        tracing::warn!("taking {USUAL_ARRAY} for MaxArraySize: {error:#}");
        USUAL_ARRAY
    });
    let chunks = chunks(tasks.0.len(), size);
    let submission =
        Submission::now(&order.config.name, &order.profile, order.compute.clone(), &chunks);
    let folder = order.folder.join("slurm").join("N");
    let (array, _) = scripts(order, &place(order, &folder)?, &submission, tasks)?;
    if order.json {
        let told = Told {
            runs: tasks.n_runs(),
            tasks,
            folder: None,
            submission: &submission,
            script: &array,
        };
        return output::json(&told);
    }
    output::line(&array)?;
    output::line(&task_lines(tasks, &submission))
}

/// A line for each task: `0  none/3, none/4`.
fn task_lines(tasks: &Tasks, submission: &Submission) -> String {
    let mut rows = vec![["task", "runs"].map(str::to_owned).to_vec()];
    for (task, runs) in tasks.0.iter().enumerate() {
        let runs: Vec<String> =
            runs.iter().map(|run| format!("{}/{}", run.condition, run.seed)).collect();
        rows.push(vec![task.to_string(), runs.join(" ")]);
    }
    let arrays = submission.jobs.iter().filter(|job| !job.collects()).count();
    format!(
        "{}\n{arrays} array(s), then a job that collects; nothing was submitted",
        output::table(&rows)
    )
}

/// Held while a run folder's submissions are looked at and added to.
fn lock(folder: &Path) -> Result<Option<File>> {
    let path = folder.join("slurm").join(".lock");
    let context = || {
        format!("cannot make {}: choose another folder with --out, or make room", path.display())
    };
    std::fs::create_dir_all(folder.join("slurm")).with_context(context)?;
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(context)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Err(misuse(anyhow!(
            "another `ocs` is submitting runs of {} at this moment: wait for it",
            folder.display()
        ))),
        // A file system without locks: the queue is asked all the same.
        Err(_) => Ok(None),
    }
}

fn send(order: &Order, tasks: &Tasks, client: Client) -> Result<()> {
    let _lock = lock(&order.folder)?;
    ensure_nothing_queued(&order.folder, client)?;
    let size = client.max_array_size()?;
    let chunks = chunks(tasks.0.len(), size);
    let mut submission =
        Submission::now(&order.config.name, &order.profile, order.compute.clone(), &chunks);
    let folder = next_folder(&order.folder)?;
    let (array, collect) = scripts(order, &place(order, &folder)?, &submission, tasks)?;
    // Tasks know their own cells alone.
    record::write_config(&order.folder, &order.config)?;
    record::write_config(&folder, &order.config)?;
    record::write_atomically(&folder.join("tasks.json"), tasks.to_json()?.as_bytes())?;
    record::write_atomically(&folder.join("array.sh"), array.as_bytes())?;
    record::write_atomically(&folder.join("collect.sh"), collect.as_bytes())?;
    submission.write(&folder)?;
    send_arrays(&folder, &mut submission, order, client)?;
    send_collector(&folder, &mut submission, client)?;
    tell(order, tasks, &folder, &submission, &array)
}

/// Makes sure that no job of an earlier submission is still to do something.
fn ensure_nothing_queued(folder: &Path, client: Client) -> Result<()> {
    if slurm::submissions(folder).is_empty() {
        return Ok(());
    }
    let listed = Survey::of(folder)?.listed(client)?;
    let live = live_jobs(&listed);
    if !live.is_empty() {
        let run = folder.display();
        let jobs: Vec<&str> = live.iter().map(String::as_str).collect();
        return Err(misuse(anyhow!(
            "jobs of an earlier submission are queued or running ({}): see them with `ocs slurm status {run}`, end them with \
             `ocs slurm cancel {run}`, then submit what is missing",
            jobs.join(", ")
        )));
    }
    Ok(())
}

/// Submits array after array, and writes each id down at once.
fn send_arrays(
    folder: &Path,
    submission: &mut Submission,
    order: &Order,
    client: Client,
) -> Result<()> {
    let n_arrays = submission.jobs.len() - 1;
    for index in 0..n_arrays {
        let job = &submission.jobs[index];
        let chunk = slurm::Chunk { offset: job.offset, length: job.length };
        let mut options = vec![
            format!("--array={}", chunk.array(order.profile.at_most)),
            format!("--job-name={}", job.name),
        ];
        // The bound on tasks at once holds within an array: several wait for each other.
        let before = index.checked_sub(1).and_then(|before| submission.jobs[before].id.clone());
        if let (Some(before), true) = (before, order.profile.at_most.is_some()) {
            options.push(format!("--dependency=afterany:{before}"));
        }
        let sent = client.submit(&options, &folder.join("array.sh"), chunk.offset);
        match sent.or_else(|error| found(&job.name, error, client)) {
            Ok((id, cluster)) => {
                let job = &mut submission.jobs[index];
                (job.id, job.cluster) = (Some(id), cluster);
                submission.write(folder)?;
            }
            Err(error) => return Err(not_sent(folder, submission, index, &order.folder, error)),
        }
    }
    Ok(())
}

/// A submission that got no answer may have been made all the same: the queue knows it by its name.
fn found(name: &str, error: anyhow::Error, client: Client) -> Result<(String, Option<String>)> {
    if was_not_taken(&error) {
        return Err(error);
    }
    let listed = client.listed(&BTreeSet::from([name.to_owned()]), &BTreeSet::new());
    match listed.ok().and_then(|listed| listed.into_iter().next()) {
        Some(task) => Ok((task.job, None)),
        None => Err(error),
    }
}

/// Whether Slurm has no such job for certain. After any other error, an answer that cannot be read say, it may have one.
fn was_not_taken(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Unanswered::Refused(_) | Unanswered::Missing(_)))
}

fn not_sent(
    folder: &Path,
    submission: &Submission,
    index: usize,
    run: &Path,
    error: anyhow::Error,
) -> anyhow::Error {
    let is_refused = was_not_taken(&error);
    if index == 0 && is_refused {
        // Nothing is in the queue, and nothing else lies in its folder. What cannot be removed does no harm.
        let _ = std::fs::remove_dir_all(folder);
        return misuse(error.context("nothing was submitted"));
    }
    let run = run.display();
    if is_refused {
        let done: usize = submission.jobs[..index].iter().map(|job| job.length).sum();
        return error.context(format!(
            "only the first {done} tasks were submitted ({}); `ocs slurm resubmit {run}` takes the others once these are done",
            submission.array_ids().into_iter().collect::<Vec<_>>().join(", ")
        ));
    }
    error.context(format!(
        "whether the job {} was submitted is not known: ask `ocs slurm status {run}` once Slurm answers",
        submission.jobs[index].name
    ))
}

/// Submits the job that collects. Without it nothing is lost: somebody collects by hand.
fn send_collector(folder: &Path, submission: &mut Submission, client: Client) -> Result<()> {
    let Some((last, arrays)) = submission.jobs.split_last_mut() else {
        bail!("a submission has a job")
    };
    let ids: Vec<String> = arrays.iter().filter_map(|job| job.id.clone()).collect();
    let options =
        [format!("--dependency=afterany:{}", ids.join(":")), format!("--job-name={}", last.name)];
    let sent = client.submit(&options, &folder.join("collect.sh"), 0);
    match sent.or_else(|error| found(&last.name, error, client)) {
        Ok((id, cluster)) => (last.id, last.cluster) = (Some(id), cluster),
        Err(error) => {
            tracing::warn!("no job will collect: run `ocs slurm collect` yourself ({error:#})");
        }
    }
    submission.write(folder)
}

fn tell(
    order: &Order,
    tasks: &Tasks,
    folder: &Path,
    submission: &Submission,
    array: &str,
) -> Result<()> {
    if order.json {
        return output::json(&Told {
            runs: tasks.n_runs(),
            tasks,
            folder: Some(folder),
            submission,
            script: array,
        });
    }
    let id = |job: &slurm::SubmittedJob| job.id.clone().unwrap_or_else(|| "none".to_owned());
    let arrays: Vec<String> =
        submission.jobs.iter().filter(|job| !job.collects()).map(id).collect();
    let collector = submission.jobs.last().map_or("none".to_owned(), id);
    output::line(&format!(
        "submitted {} runs in {} tasks: job {}; job {collector} collects\nscript and logs: {}\nocs slurm status {}",
        tasks.n_runs(),
        tasks.0.len(),
        arrays.join(", "),
        folder.display(),
        order.folder.display()
    ))
}
