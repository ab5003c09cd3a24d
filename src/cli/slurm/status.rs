//! `ocs slurm status`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::super::arguments::path;
use super::super::outcome::{Success, misuse};
use super::super::output;
use super::survey::Survey;
use crate::slurm::{Client, RunStatus, Standing, StatusReport};

/// Tells how each run stands: by its own files first (record, checkpoint, lock), then by the queue, then by accounting, where
/// the cluster has it. Exit status 1 if one failed or is lost.
///
/// complete: all steps are done. running: a process or a job is at it. waiting: a job will be. failed: it ended in an error,
/// or diverged. lost: it is not done, and no job is there to do it (`ocs slurm resubmit`). unknown: Slurm does not answer.
#[derive(Args)]
pub struct Status {
    /// A run folder, such as runs/my_config
    #[arg(value_parser = path())]
    run: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Told<'a> {
    counts: std::collections::BTreeMap<&'static str, usize>,
    #[serde(flatten)]
    report: &'a StatusReport,
}

impl Status {
    pub fn run(self) -> Result<Success> {
        let report = Survey::of(&self.run).map_err(misuse)?.report(Client::from_environment());
        if let Some(reason) = &report.slurm {
            tracing::warn!("by the runs' own files alone: {reason}");
        }
        if self.json {
            let counts =
                Standing::ALL.map(|standing| (standing.word(), report.count(standing))).into();
            output::json(&Told { counts, report: &report })?;
        } else {
            output::line(&summary(&report))?;
            let rows = rows(&report);
            if rows.len() > 1 {
                output::line(&output::table(&rows))?;
            }
        }
        let is_well = report.count(Standing::Failed) + report.count(Standing::Lost) == 0;
        Ok(if is_well { Success::Full } else { Success::Partial })
    }
}

/// `9 complete, 2 running, 1 lost of 12 runs`.
pub fn summary(report: &StatusReport) -> String {
    let told = Standing::ALL.map(|standing| (report.count(standing), standing.word()));
    let told: Vec<String> = told
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    format!("{} of {} runs", told.join(", "), report.runs.len())
}

/// A row for each run that is not complete; those that wait for the same share one.
fn rows(report: &StatusReport) -> Vec<Vec<String>> {
    let mut rows = vec![["run", "state", "job", "why"].map(str::to_owned).to_vec()];
    let mut waiting: Vec<(&str, usize)> = Vec::new();
    let mut runs: Vec<&RunStatus> = report.runs.iter().collect();
    runs.sort_by_key(|run| run.standing);
    for run in runs {
        match run.standing {
            Standing::Complete => {}
            Standing::Waiting => match waiting.iter_mut().find(|(why, _)| *why == run.reason) {
                Some((_, count)) => *count += 1,
                None => waiting.push((&run.reason, 1)),
            },
            Standing::Running | Standing::Failed | Standing::Lost | Standing::Unknown => {
                rows.push(vec![
                    format!("{}/{}", run.condition, run.seed),
                    run.standing.word().to_owned(),
                    run.job.clone().unwrap_or_else(|| "-".to_owned()),
                    run.reason.clone(),
                ]);
            }
        }
    }
    rows.extend(waiting.into_iter().map(|(why, count)| {
        vec![format!("{count} runs"), "waiting".to_owned(), "-".to_owned(), why.to_owned()]
    }));
    rows
}
