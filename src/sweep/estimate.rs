//! What a sweep may take, from a few bare steps of each shape of networks in it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use indicatif::HumanDuration;
use serde::Serialize;

use super::bench::warmed_up;
use super::job::Job;
use super::options::Options;
use super::run::{caught, jobs_of};
use super::stacks::stacks;
use super::state::{RunState, State};
use super::tasks::Tasks;
use crate::config::{Config, cells};
use crate::train::runs_can_be_stacked;

/// How long a sweep may take on this machine. It knows of bare steps alone: observations, set-up and theory come on top, and
/// runs at the same time may slow each other down.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// From now to the end.
    pub seconds: f64,
    /// Stacks of runs that train together.
    pub stacks: usize,
    /// Of them at the same time.
    pub at_once: usize,
    /// Shapes of networks, and of stacks.
    pub shapes: usize,
    /// Of them timed; the others are taken to be like these.
    pub timed: usize,
}

impl Estimate {
    /// In one line.
    pub fn in_words(&self) -> String {
        let Estimate { seconds, stacks, at_once, shapes, timed } = self;
        let time = match Duration::try_from_secs_f64(*seconds) {
            Ok(time) if time.as_secs() > 0 => HumanDuration(time).to_string(),
            Ok(_) => "a second".to_owned(),
            Err(_) => format!("{seconds:.0} seconds"),
        };
        format!(
            "{stacks} stacks, {at_once} at once: an estimate of {time} for bare steps on this machine ({timed} of {shapes} \
             shapes timed); observations and set-up come on top"
        )
    }
}

/// No longer than this is spent on timing, but for the first shape.
const BUDGET: Duration = Duration::from_secs(10);
/// Steps of one shape are timed for so long.
const ENOUGH: Duration = Duration::from_millis(50);
const WARM_UP: u64 = 3;

/// Times a few steps of each shape of what is to be done, and adds up. Nothing is written.
///
/// # Errors
///
/// If data cannot be read or a network not be built, or if there is nothing to do.
pub fn estimate(config: &Config, options: &Options, states: &[RunState]) -> Result<Estimate> {
    let (mut jobs, mut tasks) = (Vec::new(), Tasks::keeping(&options.data, &options.derived));
    for cell in cells(config)? {
        if config.seeds.iter().any(|seed| options.does(&cell.name, *seed)) {
            jobs.extend(jobs_of(&cell, config, options, &mut tasks)?);
        }
    }
    let known: HashMap<(&str, u64), &State> =
        states.iter().map(|run| ((&*run.condition, run.seed), &run.state)).collect();
    let done = |job: &Job| match known.get(&(&*job.condition, job.seed)) {
        _ if options.leaves_alone(&job.condition, job.seed) => u64::MAX,
        _ if options.begins_anew(&job.condition, job.seed) => 0,
        Some(State::Unfinished { step, .. }) => *step,
        Some(State::Complete) => u64::MAX,
        _ => 0,
    };
    let mut stacks: Vec<Vec<Job>> = stacks(jobs, options).into();
    for stack in &mut stacks {
        stack.retain(|job| done(job) < job.config.total_steps());
    }
    stacks.retain(|stack| !stack.is_empty());
    ensure!(!stacks.is_empty(), "nothing is to be done");
    let mut shapes: Vec<(&[Job], Option<f64>)> = Vec::new();
    let mut of_stacks = Vec::new();
    let start = Instant::now();
    for stack in &stacks {
        let is_alike = |(other, _): &(&[Job], _)| {
            other.len() == stack.len()
                && runs_can_be_stacked(&other[0].lessons(), &stack[0].lessons())
        };
        let shape = match shapes.iter().position(is_alike) {
            Some(known) => known,
            None => {
                let is_due = shapes.is_empty() || start.elapsed() < BUDGET;
                let timed =
                    is_due.then(|| caught(|| seconds_a_step(stack, options))).transpose()?;
                shapes.push((stack, timed));
                shapes.len() - 1
            }
        };
        let left = stack.iter().map(|job| job.config.total_steps().saturating_sub(done(job))).max();
        of_stacks.push((shape, left.unwrap_or(0), stack.len()));
    }
    // Of one run in its stack, on the average.
    let a_run = |(stack, timed): &(&[Job], Option<f64>)| Some((*timed)? / stack.len() as f64);
    let timed: Vec<f64> = shapes.iter().filter_map(a_run).collect();
    let usual = timed.iter().sum::<f64>() / timed.len().max(1) as f64;
    let at_once = options.jobs.clamp(1, stacks.len());
    let mut workers = vec![0.0; at_once];
    for (shape, steps, runs) in of_stacks {
        let a_step = shapes[shape].1.unwrap_or(usual * runs as f64);
        workers.sort_by(f64::total_cmp);
        workers[0] += a_step * steps as f64;
    }
    Ok(Estimate {
        seconds: workers.into_iter().fold(0.0, f64::max),
        stacks: stacks.len(),
        at_once,
        shapes: shapes.len(),
        timed: timed.len(),
    })
}

fn seconds_a_step(stack: &[Job], options: &Options) -> Result<f64> {
    tch::set_num_threads(options.threads as i32);
    let mut run = warmed_up(stack, options, WARM_UP)?;
    let (start, mut done, mut next) = (Instant::now(), 0, 1);
    while start.elapsed() < ENOUGH {
        run.descend(next);
        done += next;
        next *= 2;
    }
    Ok(start.elapsed().as_secs_f64() / done as f64)
}
