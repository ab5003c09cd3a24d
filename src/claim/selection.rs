//! Which runs a claim or a panel is about, by their configs.

use std::fmt::Display;

use anyhow::{Context, Result, ensure};

use crate::config::Config;
use crate::record::{Record, RunFolder, TheoryRecord};

impl RunFolder {
    /// Runs whose config fits, in the folder's order; `wanted` says in words what it must be, for the message. Of runs that
    /// differ by rounding alone, as seeds do that draw nothing, the first of each condition stands for all.
    ///
    /// # Errors
    ///
    /// If there is none: which config was wanted, and how to have it run.
    pub fn pick(
        &self,
        wanted: impl Display,
        fits: impl Fn(&Config) -> bool,
    ) -> Result<Vec<&Record>> {
        let picked = self.pick_any(fits);
        ensure!(!picked.is_empty(), "no run has {wanted}: {}", self.remedy());
        Ok(picked)
    }

    /// The same; may be empty.
    pub fn pick_any(&self, fits: impl Fn(&Config) -> bool) -> Vec<&Record> {
        let mut picked: Vec<&Record> = Vec::new();
        for run in self.records.iter().filter(|run| fits(&run.config)) {
            let is_the_same = |other: &&Record| other.condition == run.condition;
            if run.config.seeds_draw_something() || !picked.iter().any(is_the_same) {
                picked.push(run);
            }
        }
        picked
    }

    /// The first run that `pick` would find.
    ///
    /// # Errors
    ///
    /// As for `pick`.
    pub fn pick_one(
        &self,
        wanted: impl Display,
        fits: impl Fn(&Config) -> bool,
    ) -> Result<&Record> {
        Ok(self.pick(wanted, fits)?[0])
    }

    /// Answers of theory to conditions that were not trained and whose config fits.
    ///
    /// # Errors
    ///
    /// If there is none, as for `pick`.
    pub fn pick_predicted(
        &self,
        wanted: impl Display,
        fits: impl Fn(&Config) -> bool,
    ) -> Result<Vec<&TheoryRecord>> {
        let is_trained = |theory: &TheoryRecord| {
            self.records.iter().any(|run| run.condition == theory.condition)
        };
        let picked: Vec<&TheoryRecord> = self
            .theories
            .iter()
            .filter(|theory| fits(&theory.config) && !is_trained(theory))
            .collect();
        ensure!(!picked.is_empty(), "no theory has {wanted}: {}", self.remedy());
        Ok(picked)
    }

    /// Theory's answer to a run's condition.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn theory_beside(&self, run: &Record) -> Result<&TheoryRecord> {
        let lacks =
            || format!("there is no theory of condition '{}': {}", run.condition, self.remedy());
        self.theory_of(&run.condition).with_context(lacks)
    }

    /// The same, at the times at which the run was observed.
    ///
    /// # Errors
    ///
    /// If there is none, or its times are others.
    pub fn theory_along(&self, run: &Record) -> Result<&TheoryRecord> {
        let theory = self.theory_beside(run)?;
        ensure!(
            run.curves.time == theory.curves.time,
            "run and theory of condition '{}' have other times: {} again",
            run.condition,
            self.remedy()
        );
        Ok(theory)
    }

    /// What brings the runs that are missing.
    fn remedy(&self) -> String {
        let stem = self.records.iter().find_map(|run| run.config.experiment.as_deref());
        match stem {
            Some(stem) => format!("run `ocs reproduce {stem}`"),
            None => "run `ocs reproduce`".to_owned(),
        }
    }
}
