//! `ocs bench`.

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::arguments::ComputeArguments;
use super::outcome::{Success, refused};
use super::output;
use super::train::SeededConfigArguments;
use crate::sweep;

/// Times the bare steps of a config on this machine: every seed of every condition for `training.steps` steps, without
/// observations, records or checkpoints, after a warm-up. Of a config with `phases` the first one's steps are timed, and said to
/// be: time another by a config that begins with it. What a sweep will take, before it is sent to a cluster; a whole
/// `ocs train` adds its observations.
#[derive(Args)]
pub struct Bench {
    #[command(flatten)]
    config: SeededConfigArguments,
    #[command(flatten)]
    compute: ComputeArguments,
    /// Steps of each run before the clock starts
    #[arg(long, default_value_t = 20, value_name = "N")]
    warm_up: u64,
    /// Print times as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Timing {
    condition: String,
    seeds: usize,
    steps: u64,
    /// Of all seeds together.
    seconds: f64,
    /// Steps of all seeds together, per second.
    steps_per_second: f64,
}

#[derive(Serialize)]
struct Answer {
    device: String,
    threads: usize,
    jobs: usize,
    conditions: Vec<Timing>,
}

impl Bench {
    pub fn run(self) -> Result<Success> {
        let config = self.config.load()?;
        let options = self.compute.unwatched_options(std::path::Path::new(""))?;
        super::arguments::warn_of_slow_precision(&config, options.device)?;
        sweep::ensure_runs_fit(&config, &options).map_err(refused)?;
        let seeds = config.seeds.len();
        let conditions = sweep::time_steps(&config, &options, self.warm_up)?
            .into_iter()
            .map(|(condition, steps, seconds)| {
                let steps_per_second = steps as f64 * seeds as f64 / seconds;
                Timing { condition, seeds, steps, seconds, steps_per_second }
            })
            .collect();
        let device = crate::train::device::name(options.device);
        let (threads, jobs) = (options.threads, options.jobs);
        let answer = Answer { device, threads, jobs, conditions };
        if self.json {
            output::json(&answer)?;
        } else {
            output::line(&table(&answer))?;
        }
        Ok(Success::Full)
    }
}

fn table(answer: &Answer) -> String {
    let heading = ["condition", "seeds", "steps", "seconds", "steps/s, all seeds"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(answer.conditions.iter().map(|timing| {
        vec![
            timing.condition.clone(),
            timing.seeds.to_string(),
            timing.steps.to_string(),
            format!("{:.3}", timing.seconds),
            format!("{:.0}", timing.steps_per_second),
        ]
    }));
    output::table(&rows)
}
