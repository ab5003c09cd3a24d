//! What can be kept beside a record.

use anyhow::{Result, ensure};

use super::{Checkpoints, Config, ProbeKind, TaskConfig};

impl Config {
    /// What is kept is of the whole run.
    pub(super) fn check_keeping(&self, stretches: &[Config]) -> Result<()> {
        let checkpoints = self.training.checkpoints;
        ensure!(
            checkpoints != Checkpoints::Best || stretches.len() < 2,
            "training.checkpoints best compares losses, but those of phases are on other targets each: write log or last"
        );
        let samples = |config: &Config| TaskConfig {
            preprocessing: TaskConfig::default().preprocessing,
            input_scale: TaskConfig::default().input_scale,
            whitening: None,
            projection: None,
            labels: None,
            permutation: None,
            target_scale: None,
            targets: None,
            ..config.task.clone()
        };
        for stretch in stretches {
            ensure!(
                stretch.training.checkpoints == checkpoints,
                "training.checkpoints is {} in one of phases, but {} of the run: it is of the whole run, set it outside of phases",
                stretch.training.checkpoints.name(),
                checkpoints.name()
            );
            ensure!(
                self.record.responses.is_none() || samples(stretch) == samples(&stretches[0]),
                "record.responses each-sample asks for the same samples throughout, but phases change task: leave it out, or let them \
                 change task.permutation, task.target_scale, task.targets, task.preprocessing or task.input_scale alone"
            );
            let of_samples = [
                ("probes lists examples, which", self.probes.contains(&ProbeKind::Examples)),
                ("projections, whose critical_component", !self.projections.is_empty()),
            ];
            for (key, is_asked) in of_samples {
                ensure!(
                    !is_asked || samples(stretch) == samples(&stretches[0]),
                    "{key} tells of the same samples throughout, but phases change task: leave it out, or let them change \
                     task.permutation, task.labels, task.projection, task.targets, task.preprocessing or task.input_scale alone"
                );
            }
            ensure!(
                !self.probes.contains(&ProbeKind::Representations)
                    || samples(stretch) == samples(&stretches[0]),
                "probes lists representations, which tells of the same inputs throughout, but phases change task: leave it out, or let \
                 them change task.permutation, task.target_scale or task.targets alone"
            );
        }
        Ok(())
    }
}
