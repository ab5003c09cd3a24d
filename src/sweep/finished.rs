//! What a run leaves at its end, a checkpoint beside its record: whether both are as they were written.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::differences::first_difference;
use super::keeper::final_path;
use super::roster::Run;
use super::saved::{Member, Saved, Unusable};

/// A file of one run is not as it was written. That says nothing of other runs.
#[derive(Debug)]
pub struct Damage(pub String);

impl std::fmt::Display for Damage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Damage {}

/// Marks an error as of one run's files.
pub fn damage(error: anyhow::Error) -> anyhow::Error {
    Damage(format!("{error:#}")).into()
}

/// The run of a checkpoint that a run left at its end.
pub fn last_of(path: &Path, run: &Run) -> Result<(Member, u64)> {
    let saved = match Saved::read(path) {
        Ok(saved) => saved,
        Err(Unusable::Damaged(error)) => {
            bail!(Damage(format!("{} is damaged ({error:#})", path.display())))
        }
        Err(Unusable::Foreign(error)) => {
            bail!("{} is of another version of ocs ({error:#})", path.display())
        }
    };
    let step = saved.step;
    let member = saved.members.into_iter().next().context("a checkpoint has a run")?;
    let (condition, seed) = &member.run;
    ensure!(
        member.run == *run,
        Damage(format!("{} is of '{condition}', seed {seed}", path.display()))
    );
    Ok((member, step))
}

/// Makes sure that a complete record is the one that its run wrote, as far as its checkpoint can tell.
pub fn ensure_as_written(path: &Path, run: &Run, text: &[u8]) -> Result<()> {
    let checkpoint = final_path(path);
    // Records that came without their checkpoints, and those of older versions, are as they are.
    if !checkpoint.exists() || path.with_extension("checkpoint").join("state.json").exists() {
        return Ok(());
    }
    match last_of(&checkpoint, run) {
        Ok((member, _)) => {
            ensure!(member.text == text, edited(&first_difference(&member.text, text)));
        }
        // The record is whole by itself.
        Err(reason) => {
            tracing::warn!("{} is kept, but cannot be extended: {reason:#}", path.display());
        }
    }
    Ok(())
}

/// What is told of a record that is not what its checkpoint says.
pub fn edited(difference: &str) -> Damage {
    Damage(format!(
        "it was edited or damaged after it was written: {difference} (delete the record, and --resume writes it again from its \
         checkpoint; of a sweep, --retry does)"
    ))
}
