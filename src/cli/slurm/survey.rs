//! All that is known of a run folder's submissions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::config::Config;
use crate::slurm::{
    self, Client, Listed, Queue, RunId, StatusReport, Submission, TaskPlace, standings,
};
use crate::sweep::{self, RunState};

/// The submissions of a run folder, and how each of their runs stands by its own files.
pub struct Survey {
    /// Folder and contents of each submission, oldest first.
    pub submissions: Vec<(PathBuf, Submission)>,
    /// The config of the latest.
    pub config: Config,
    /// Every run that was ever asked for, those of the latest submission first.
    pub states: Vec<RunState>,
    /// Where each run was submitted last.
    pub places: BTreeMap<RunId, TaskPlace>,
}

impl Survey {
    /// Of the files in a run folder; Slurm is not asked.
    ///
    /// # Errors
    ///
    /// If nothing was submitted from it, or a file of a submission cannot be read.
    pub fn of(run: &Path) -> Result<Survey> {
        let folders = slurm::submissions(run);
        ensure!(
            !folders.is_empty(),
            "{} holds no submission: `ocs sweep CONFIG --slurm PROFILE` makes one, and says the folder to name here, such as \
             runs/my_config",
            run.display()
        );
        let (mut config, mut states, mut submissions) = (None, Vec::<RunState>::new(), Vec::new());
        let (mut places, mut known) = (BTreeMap::new(), BTreeSet::new());
        for folder in folders.iter().rev() {
            let submission = Submission::read(folder)?;
            let of_this = slurm::config_of(folder)?;
            for state in sweep::states(&of_this, run)? {
                if known.insert((state.condition.clone(), state.seed)) {
                    states.push(state);
                }
            }
            for (run, task) in slurm::tasks_of(folder)?.of_run() {
                if let Some(place) = submission.place_of(task) {
                    places.entry(run).or_insert(place);
                }
            }
            config.get_or_insert(of_this);
            submissions.push((folder.clone(), submission));
        }
        submissions.reverse();
        let config = config.context("a submission has a config")?;
        Ok(Survey { submissions, config, states, places })
    }

    /// Tasks in the queue, those that ended a while ago too.
    ///
    /// # Errors
    ///
    /// If Slurm does not answer.
    pub fn listed(&self, client: Client) -> Result<Vec<Listed>> {
        let all = self.submissions.iter().map(|(_, submission)| submission);
        let names: BTreeSet<String> = all.clone().flat_map(Submission::names).collect();
        let clusters: BTreeSet<String> = all.flat_map(Submission::clusters).collect();
        client.listed(&names, &clusters)
    }

    /// How each run stands, by its own files, then by what Slurm says.
    pub fn report(&self, client: Client) -> StatusReport {
        let listed = self.listed(client);
        let mut slurm = listed.as_ref().err().map(|error| format!("{error:#}"));
        let ended = match self.ended(client, listed.as_deref().unwrap_or_default()) {
            // One that is down is waited for once.
            _ if listed.is_err() => None,
            Ok(ended) => ended,
            Err(error) => {
                slurm = slurm.or_else(|| Some(format!("{error:#}")));
                None
            }
        };
        let listed = listed.ok();
        StatusReport {
            runs: standings(&self.states, &self.places, listed.as_deref(), ended.as_deref()),
            slurm,
        }
    }

    fn ended(&self, client: Client, listed: &[Listed]) -> Result<Option<Vec<slurm::Ended>>> {
        if listed.is_empty() && self.submissions.iter().all(|(_, one)| one.array_ids().is_empty()) {
            return Ok(None);
        }
        let all = self.submissions.iter().map(|(_, submission)| submission);
        let mut ids: BTreeSet<String> = all.clone().flat_map(Submission::array_ids).collect();
        ids.extend(listed.iter().filter(|task| task.index.is_some()).map(|task| task.job.clone()));
        client.ended(&ids, &all.flat_map(Submission::clusters).collect())
    }
}

/// Ids of jobs that are still to do something; of an array, the array's.
pub fn live_jobs(listed: &[Listed]) -> BTreeSet<String> {
    let live = listed.iter().filter(|task| Queue::of(&task.state) != Queue::Ended);
    live.map(|task| task.job.clone()).collect()
}
