//! What was submitted: on disk before Slurm is asked, so that no crash between loses a job.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chrono::{SecondsFormat, Utc};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::plan::{Chunk, Tasks};
use super::profile::Profile;
use super::script::Compute;
use super::status::TaskPlace;
use crate::config::{self, Config};
use crate::record;

/// One submission, as `submission.json` holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// When: UTC, as `2026-11-26T20:05:49Z`.
    pub submitted: String,
    /// From which machine.
    pub host: String,
    /// Revision of this program.
    pub revision: String,
    /// What the cluster was asked for.
    pub profile: Profile,
    /// How its tasks compute.
    pub compute: Compute,
    /// The jobs, the one that collects last.
    pub jobs: Vec<SubmittedJob>,
}

/// One job of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmittedJob {
    /// Its name, which no other job has: by it the job is found if its id was lost.
    pub name: String,
    /// Slurm's id; `null` until Slurm answered.
    pub id: Option<String>,
    /// Its cluster, in a federation.
    pub cluster: Option<String>,
    /// Number of its first task.
    pub offset: usize,
    /// Tasks in it; 0 for the job that collects.
    pub length: usize,
}

impl SubmittedJob {
    /// Whether it is the job that collects.
    pub fn collects(&self) -> bool {
        self.length == 0
    }
}

/// Name of the folder of submissions in a run's folder.
const FOLDER: &str = "slurm";
/// Slurm's commands show the beginning of names.
const LONGEST_NAME: usize = 60;

impl Submission {
    /// Of these chunks of tasks, from this machine, now. Nothing is submitted yet.
    pub fn now(run: &str, profile: &Profile, compute: Compute, chunks: &[Chunk]) -> Self {
        let token: u32 = rand::rng().random();
        let run: String = run.chars().take(LONGEST_NAME).collect();
        let name = format!("{run}-{token:08x}");
        let job = |(index, chunk): (usize, &Chunk)| SubmittedJob {
            name: if chunks.len() == 1 { name.clone() } else { format!("{name}-{}", index + 1) },
            id: None,
            cluster: None,
            offset: chunk.offset,
            length: chunk.length,
        };
        let mut jobs: Vec<SubmittedJob> = chunks.iter().enumerate().map(job).collect();
        jobs.push(SubmittedJob {
            name: format!("{name}-collect"),
            id: None,
            cluster: None,
            offset: 0,
            length: 0,
        });
        Submission {
            submitted: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            revision: env!("OCS_REVISION").to_owned(),
            profile: profile.clone(),
            compute,
            jobs,
        }
    }

    /// Writes it to its folder.
    ///
    /// # Errors
    ///
    /// If it cannot be written; names the file.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        record::write_atomically(&folder.join("submission.json"), &text)
    }

    /// Reads that of a folder.
    ///
    /// # Errors
    ///
    /// If it cannot be read; names the file.
    pub fn read(folder: &Path) -> Result<Self> {
        record::read_json(&folder.join("submission.json"))
    }

    /// Names of its jobs.
    pub fn names(&self) -> BTreeSet<String> {
        self.jobs.iter().map(|job| job.name.clone()).collect()
    }

    /// Clusters of its jobs, in a federation.
    pub fn clusters(&self) -> BTreeSet<String> {
        self.jobs.iter().filter_map(|job| job.cluster.clone()).collect()
    }

    /// Where a task of it is; `None` if it has no such task.
    pub fn place_of(&self, task: usize) -> Option<TaskPlace> {
        let holds = |job: &&SubmittedJob| (job.offset..job.offset + job.length).contains(&task);
        let job = self.jobs.iter().find(holds)?;
        Some(TaskPlace { name: job.name.clone(), id: job.id.clone(), index: task - job.offset })
    }

    /// Ids of its arrays, as far as they are known.
    pub fn array_ids(&self) -> BTreeSet<String> {
        self.jobs.iter().filter(|job| !job.collects()).filter_map(|job| job.id.clone()).collect()
    }
}

/// Reads the config of a submission's folder.
///
/// # Errors
///
/// If it cannot be read; names the file.
pub fn config_of(submission: &Path) -> Result<Config> {
    config::load(&record::config_path(submission), &[])
}

/// Reads the tasks of a submission's folder.
///
/// # Errors
///
/// If they cannot be read; names the file.
pub fn tasks_of(submission: &Path) -> Result<Tasks> {
    record::read_json(&submission.join("tasks.json"))
}

/// Folders of a run's submissions that were written whole, oldest first.
pub fn submissions(run: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(run.join(FOLDER)).into_iter().flatten().flatten();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u64>().ok();
    let mut numbered: Vec<(u64, PathBuf)> =
        entries.filter_map(|entry| Some((number(&entry.path())?, entry.path()))).collect();
    numbered.retain(|(_, folder)| folder.join("submission.json").is_file());
    numbered.sort();
    numbered.into_iter().map(|(_, folder)| folder).collect()
}

/// Makes the folder of the next submission, with its folder of logs: without that, Slurm fails a job before it starts.
///
/// # Errors
///
/// If it cannot be made; names it.
pub fn next_folder(run: &Path) -> Result<PathBuf> {
    let folder = run.join(FOLDER);
    let context = || {
        format!("cannot make {}: choose another folder with --out, or make room", folder.display())
    };
    std::fs::create_dir_all(&folder).with_context(context)?;
    for number in 1..u64::MAX {
        let next = folder.join(number.to_string());
        match std::fs::create_dir(&next) {
            Ok(()) => {
                std::fs::create_dir(next.join("logs")).with_context(context)?;
                return Ok(next);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(context),
        }
    }
    bail!("{} has no number left", folder.display())
}
