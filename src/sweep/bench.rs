//! What the bare steps of a config cost.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, scope};
use std::time::Instant;

use anyhow::{Context, Result, anyhow};

use super::job::Job;
use super::options::Options;
use super::run::{caught, jobs_of};
use super::stacks::stacks;
use super::tasks::Tasks;
use super::workers::{LIMIT, affordable, ensure_threads};
use crate::config::{Config, cells};
use crate::train::{Member, Snapshot, Unwatched};

/// Seconds that the bare steps of each condition take, all its seeds together: condition, steps of each run, seconds.
///
/// # Errors
///
/// If data cannot be read or a network not be built.
pub fn time_steps(
    config: &Config,
    options: &Options,
    warm_up: u64,
) -> Result<Vec<(String, u64, f64)>> {
    options.settle_algorithms()?;
    let mut tasks = Tasks::keeping(&options.data, &options.derived);
    let mut times = Vec::new();
    for cell in cells(config)? {
        let (name, stretches) = (cell.name.clone(), cell.config.stretches()?);
        let steps = stretches.first().map_or(0, |stretch| stretch.span.steps);
        if let [first, .., _] = &stretches[..] {
            tracing::warn!(
                condition = name,
                "the {steps} steps of '{}' are timed, not those of the phases after it",
                first.label
            );
        }
        let stacks = stacks(jobs_of(&cell, config, options, &mut tasks)?, options);
        let wanted = options.jobs.clamp(1, stacks.len().max(1));
        // All, or this thread alone: the system may give a moment later what it refused, or the other way round.
        let workers = if affordable(wanted) < wanted { 1 } else { wanted };
        if workers < wanted {
            tracing::warn!("one run at a time, not {wanted}: {LIMIT}");
        }
        let mut shares: Vec<Vec<Vec<Job>>> = (0..workers).map(|_| Vec::new()).collect();
        for (index, stack) in stacks.into_iter().enumerate() {
            shares[index % workers].push(stack);
        }
        times.push((name, steps, time_shares(&shares, options, (warm_up, steps))?));
    }
    Ok(times)
}

/// Seconds that the slowest worker's stacks take, from the moment when all workers are ready.
fn time_shares(shares: &[Vec<Vec<Job>>], options: &Options, steps: (u64, u64)) -> Result<f64> {
    ensure_threads(shares.len(), options.threads)?;
    if let [only] = shares {
        return caught(|| Ok(descend(prepare(only, options, steps.0)?, steps.1)));
    }
    scope(|scope| {
        let (telling, ready) = channel();
        let (mut starts, mut threads) = (Vec::new(), Vec::new());
        for share in shares {
            let (start, started) = channel();
            let telling = telling.clone();
            let work = move || time_share(share, options, steps, (&telling, &started));
            threads
                .push(Builder::new().spawn_scoped(scope, work).context("cannot start a worker")?);
            starts.push(start);
        }
        // All are ready, or one of them has ended; then all end, because `starts` is dropped.
        for _ in shares {
            ready.recv().context("a worker ended early")??;
        }
        for start in starts {
            start.send(()).context("a worker ended early")?;
        }
        let seconds =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| panicked()));
        Ok(seconds.collect::<Result<Vec<f64>>>()?.into_iter().fold(0.0, f64::max))
    })
}

/// One worker's part: gets ready, says so, and waits for the start.
fn time_share(
    share: &[Vec<Job>],
    options: &Options,
    (warm_up, steps): (u64, u64),
    (telling, started): (&Sender<Result<()>>, &Receiver<()>),
) -> Result<f64> {
    let (told, runs) = match caught(|| prepare(share, options, warm_up)) {
        Ok(runs) => (Ok(()), runs),
        Err(error) => (Err(error), Vec::new()),
    };
    telling.send(told).context("nobody waits for this worker")?;
    started.recv().context("another worker ended early")?;
    caught(|| Ok(descend(runs, steps)))
}

fn prepare(share: &[Vec<Job>], options: &Options, warm_up: u64) -> Result<Vec<Unwatched>> {
    tch::set_num_threads(options.threads as i32);
    share.iter().map(|stack| warmed_up(stack, options, warm_up)).collect()
}

/// Runs of a stack that nobody watches, after so many steps.
pub(super) fn warmed_up(stack: &[Job], options: &Options, warm_up: u64) -> Result<Unwatched> {
    let mut observers: Vec<fn(Snapshot)> = vec![|_| (); stack.len()];
    let members: Vec<Member> = stack
        .iter()
        .zip(&mut observers)
        .map(|(job, nobody)| job.member(None, None, nobody))
        .collect();
    let mut run = Unwatched::new(&members, options.device)?;
    run.descend(warm_up);
    Ok(run)
}

fn descend(mut runs: Vec<Unwatched>, steps: u64) -> f64 {
    let start = Instant::now();
    for run in &mut runs {
        run.descend(steps);
    }
    start.elapsed().as_secs_f64()
}

fn panicked<T>() -> Result<T> {
    Err(anyhow!("a run panicked: please report the message above"))
}
