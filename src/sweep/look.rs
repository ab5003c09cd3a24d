//! Looks at what a command would find of its runs, before anything is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use tch::Device;

use super::differences::{differences, first_difference};
use super::earlier::Earlier;
use super::finished::{Damage, damage, edited, ensure_as_written, last_of};
use super::keeper::final_path;
use super::options::{Existing, OnFailure, Options};
use super::refused::{
    Refused, ensure_comparable, ensure_free, ensure_one_config, ensure_replaceable, is_diverged,
    refusal,
};
use super::roster::{Run, previous, unfinished_paths};
use super::saved::{Member, Saved, read_newest, step_and_roster};
use crate::config::{Config, resolve_conditions};
use crate::record::{self, Algorithms, Record, Status};
use crate::train::device;

/// Looks at all that a config's runs would write, before anything is changed and before data are read.
///
/// # Errors
///
/// `Refused` if something would be lost, or cannot be continued.
pub fn look(config: &Config, options: &Options) -> Result<Earlier> {
    let beside = ensure_comparable(config, options)?;
    let mut asked = BTreeMap::new();
    for (condition, resolved) in resolve_conditions(config)? {
        for &seed in config.seeds.iter().filter(|seed| options.does(&condition, **seed)) {
            let config = Config { seeds: vec![seed], ..resolved.clone() };
            asked.insert((condition.clone(), seed), config);
        }
    }
    let mut earlier = match options.existing {
        Existing::Refuse => ensure_free(&asked, options).map(|()| Earlier::default()),
        Existing::Overwrite => ensure_replaceable(&asked, options).map(|()| Earlier::default()),
        Existing::Resume => Looking { asked: &asked, options }.look(),
    }?;
    ensure_one_config(config, &asked, options)?;
    earlier.datasets.extend(beside);
    Ok(earlier)
}

/// Makes sure that no run would be lost by a command, before anything is changed.
///
/// # Errors
///
/// `Refused` if one would. Where the others go on, runs of which something cannot be used are returned with the reason.
pub fn ensure_nothing_is_lost(config: &Config, options: &Options) -> Result<BTreeMap<Run, String>> {
    look(config, options).map(|earlier| earlier.broken)
}

/// What `--resume` makes of what is there.
struct Looking<'a> {
    asked: &'a BTreeMap<Run, Config>,
    options: &'a Options,
}

/// What the record's file of a run says.
enum Found {
    Nothing,
    /// All steps are done, of this config.
    Complete(Box<Record>),
    Diverged(Box<Record>, String),
    /// All steps of a shorter run are done.
    Shorter(Box<Record>),
    /// Under way, or cannot be read: its bytes, and the reason.
    Else(Vec<u8>, Option<anyhow::Error>),
}

impl Looking<'_> {
    fn look(&self) -> Result<Earlier> {
        let mut earlier = Earlier::default();
        let (mut open, mut revisions) = (BTreeMap::new(), BTreeSet::new());
        for (run, config) in self.asked {
            if self.options.begins_anew(&run.0, run.1) {
                continue;
            }
            let path = self.path_of(run);
            if self.options.leaves_alone(&run.0, run.1) {
                match is_diverged(&path, config) {
                    Ok(true) => drop(earlier.over.insert(run.clone())),
                    Ok(false) => {}
                    Err(reason) => {
                        let found = self.found(&path, run, config);
                        ensure!(found.is_err_and(|reason| reason.is::<Damage>()), reason);
                    }
                }
                continue;
            }
            let found = match self.found(&path, run, config) {
                Ok(found) => found,
                Err(reason) => {
                    self.set_aside(run, reason, &mut earlier)?;
                    continue;
                }
            };
            if let Found::Complete(record) | Found::Diverged(record, _) = &found {
                earlier.datasets.push((path, run.clone(), record.dataset.clone()));
                if record.revision != env!("OCS_REVISION") {
                    revisions.insert(record.revision.clone());
                }
                if record.threads != self.options.threads {
                    tracing::debug!("kept: a run with {} threads", record.threads);
                }
            }
            match found {
                Found::Complete(_) => drop(earlier.complete.insert(run.clone())),
                Found::Diverged(_, words) => drop(earlier.diverged.insert(run.clone(), words)),
                other => drop(open.insert(run.clone(), other)),
            }
        }
        if let Some(first) = revisions.first() {
            tracing::warn!(
                "keeping complete runs of another revision of this program, such as {first}: --overwrite makes them anew"
            );
        }
        self.assign(&mut open, &mut earlier)?;
        for (run, found) in open {
            let path = self.path_of(&run);
            if let Err(reason) = self.without_stack(&run, &path, found, &mut earlier) {
                self.set_aside(&run, reason, &mut earlier)?;
            }
        }
        Ok(earlier)
    }

    /// Notes a run of which a file cannot be used, where that is to stop none of the others.
    fn set_aside(&self, run: &Run, reason: Error, earlier: &mut Earlier) -> Result<()> {
        let path = self.path_of(run);
        if self.options.on_failure == OnFailure::Stop || !reason.is::<Damage>() {
            return Err(refusal(&path, &reason));
        }
        earlier.broken.insert(run.clone(), format!("{}: {reason:#}", path.display()));
        Ok(())
    }

    fn path_of(&self, (condition, seed): &Run) -> PathBuf {
        record::path_of(&self.options.folder, condition, *seed)
    }

    /// What a record's file says.
    fn found(&self, path: &Path, run: &Run, config: &Config) -> Result<Found> {
        if path.symlink_metadata().is_err() {
            return Ok(Found::Nothing);
        }
        let text = std::fs::read(path).context("it cannot be read").map_err(damage)?;
        let record: Record = match record::read_checked(path) {
            Ok(record) => record,
            Err(error) => return Ok(Found::Else(text, Some(damage(error)))),
        };
        let found = differences(&record.config, config)?;
        let extended = config.is_longer_than(&record.config);
        if !found.is_empty() && !extended {
            let words = of_another(&record.config, config, &found);
            // What its checkpoint says decides, where it has one.
            if record.status == Status::Running {
                return Ok(Found::Else(text, Some(anyhow!(words))));
            }
            let kept = last_of(&final_path(path), run);
            let is_edited = kept.is_ok_and(|(member, _)| self.is_of(&member, config));
            if is_edited && self.mends(run) {
                return Ok(Found::Else(text, Some(edited(&words).into())));
            }
            ensure!(!is_edited, edited(&words));
            bail!(words);
        }
        self.ensure_same_device(&record)?;
        Ok(match record.status.diverged_in_words() {
            // More steps bring nothing more.
            Some(words) => Found::Diverged(Box::new(record), words),
            _ if record.status == Status::Running => Found::Else(text, None),
            _ if extended => Found::Shorter(Box::new(record)),
            _ => match ensure_as_written(path, run, &text) {
                Ok(()) => Found::Complete(Box::new(record)),
                Err(error) if self.mends(run) => Found::Else(text, Some(error)),
                Err(error) => return Err(error),
            },
        })
    }

    /// Whether a record of a run that is not as it was written gives way to what its checkpoint holds.
    fn mends(&self, run: &Run) -> bool {
        self.options.mended.contains(run)
    }

    /// Whether the run of a checkpoint is of this config, or of a shorter one.
    fn is_of(&self, member: &Member, config: &Config) -> bool {
        let before = &member.record.config;
        before.with_pages_of(config) == *config || config.is_longer_than(before)
    }

    /// Makes sure that a run was on this device, with the same algorithms.
    fn ensure_same_device(&self, record: &Record) -> Result<()> {
        let Options { device, algorithms, .. } = self.options;
        let name = device::name(*device);
        ensure!(record.device == name, "it ran on {}, not on {name} (--device)", record.device);
        // On a CPU both are the same algorithms.
        ensure!(
            *device == Device::Cpu || record.algorithms == Some(*algorithms),
            "it ran {} --fast, not {} it",
            if record.algorithms == Some(Algorithms::Deterministic) { "without" } else { "with" },
            if *algorithms == Algorithms::Deterministic { "without" } else { "with" }
        );
        Ok(())
    }

    /// Gives runs to the stacks in which they are under way: where there are several, to the farthest.
    fn assign(&self, open: &mut BTreeMap<Run, Found>, earlier: &mut Earlier) -> Result<()> {
        let mut stacks = Vec::new();
        for path in unfinished_paths(&self.options.folder) {
            let roster = step_and_roster(&path).map(|(_, roster)| roster.0);
            // Of a damaged file nobody knows whose it is.
            let concerns =
                roster.map_or(true, |runs| runs.iter().any(|it| self.asked.contains_key(it)));
            if concerns {
                match read_newest(&path) {
                    Ok(stack) => stacks.push(stack),
                    // Another process came to the end of it meanwhile.
                    Err(_) if !path.exists() && !previous(&path).exists() => {}
                    Err(reason) if self.options.on_failure == OnFailure::Stop => {
                        return Err(anyhow!(Refused(format!("{reason:#}"))));
                    }
                    Err(reason) => {
                        // Of a damaged file nobody knows whose it is.
                        let Ok((_, roster)) = step_and_roster(&path) else {
                            return Err(anyhow!(Refused(format!("{reason:#}"))));
                        };
                        for run in roster.0.iter().filter(|run| open.remove(*run).is_some()) {
                            earlier.broken.insert(run.clone(), format!("{reason:#}"));
                        }
                    }
                }
            }
        }
        stacks
            .sort_by_key(|stack| std::cmp::Reverse((stack.saved.step, stack.saved.members.len())));
        for stack in stacks {
            let mut runs = BTreeSet::new();
            for member in &stack.saved.members {
                let Some(found) = open.remove(&member.run) else { continue };
                self.ensure_fits(&stack.path, member, stack.saved.step)
                    .map_err(|reason| refusal(&stack.path, &reason))?;
                // A record's file may be of the newest checkpoint, of which nothing is known then.
                if !stack.is_previous {
                    self.compare(&member.run, &found, (member, &stack.before));
                }
                let dataset = member.record.dataset.clone();
                earlier.datasets.push((stack.path.clone(), member.run.clone(), dataset));
                runs.insert(member.run.clone());
            }
            let is_over = |Member { run, .. }: &Member| {
                earlier.is_finished(run) || self.options.anew.contains(run)
            };
            if !runs.is_empty() {
                earlier.unfinished.push((stack, runs));
            } else if stack.saved.members.iter().all(is_over) {
                earlier.left_over.push(stack.path);
            }
        }
        Ok(())
    }

    /// Makes sure that a run of a checkpoint is this one, by config and program.
    fn ensure_fits(&self, path: &Path, member: &Member, step: u64) -> Result<()> {
        let (record, config) = (&member.record, &self.asked[&member.run]);
        let found = differences(&record.config, config)?;
        ensure!(
            found.is_empty() || config.is_longer_than(&record.config),
            "{}",
            of_another(&record.config, config, &found)
        );
        self.ensure_same_device(record)?;
        let steps = config.total_steps();
        ensure!(step <= steps, "it is of step {step}, beyond the last, {steps}");
        let programs = [
            ("revision", &*record.revision, env!("OCS_REVISION")),
            ("libtorch", &*record.libtorch, env!("OCS_LIBTORCH")),
        ];
        for (key, before, now) in programs {
            if before == now {
                continue;
            }
            ensure!(
                self.options.any_program,
                "its {key} was {before}, is {now}: go on all the same with --resume=any (its record will name both), or with \
                 the program that began it"
            );
            tracing::warn!("{}: {key} was {before}, is {now}", path.display());
        }
        if record.threads != self.options.threads {
            tracing::warn!(
                "{} was begun with --threads {}, and goes on with {}: its last digits may differ from those of a run with one \
                 of them; its record will name both",
                path.display(),
                record.threads,
                self.options.threads
            );
        }
        Ok(())
    }

    /// Says of a record's file that it is neither what its checkpoint says, nor what the one before said.
    fn compare(&self, run: &Run, found: &Found, (member, before): (&Member, &[(Run, Vec<u8>)])) {
        let Found::Else(text, error) = found else { return };
        let earlier = before.iter().filter(|(of, _)| of == run).map(|(_, text)| text);
        if std::iter::once(&member.text).chain(earlier).all(|known| known != text) {
            let what = match error {
                Some(error) => format!("{error:#}"),
                None => first_difference(&member.text, text),
            };
            tracing::warn!(
                "{} was edited or damaged ({what}): going on from its checkpoint, which holds the record too",
                self.path_of(run).display()
            );
        }
    }

    /// What becomes of a run that is in no stack under way.
    fn without_stack(
        &self,
        run: &Run,
        path: &Path,
        found: Found,
        earlier: &mut Earlier,
    ) -> Result<()> {
        let checkpoint = final_path(path);
        let folder = path.with_extension("checkpoint");
        let is_older = folder.join("state.json").exists();
        let config = &self.asked[run];
        match found {
            Found::Else(_, Some(error)) if checkpoint.exists() && !is_older => {
                let (member, step) = last_of(&checkpoint, run)?;
                self.ensure_fits(&checkpoint, &member, step)?;
                tracing::warn!("{} is damaged ({error:#})", path.display());
                self.take_up(path, member, step, earlier)
            }
            // Whatever it says, that a run is over cannot be known, nor that it is not.
            Found::Else(_, Some(error)) => Err(error),
            Found::Else(_, None) if is_older => bail!(
                "{} is a checkpoint of an older version of ocs: finish this run with that version",
                folder.display()
            ),
            Found::Else(_, None) | Found::Nothing if !checkpoint.exists() || is_older => {
                if let Found::Else(..) = found {
                    tracing::warn!(
                        "{} is unfinished, and has no checkpoint: starting it anew",
                        path.display()
                    );
                }
                Ok(())
            }
            Found::Else(_, None) | Found::Nothing => {
                let (member, step) = last_of(&checkpoint, run)?;
                self.ensure_fits(&checkpoint, &member, step).with_context(|| {
                    format!("its record is gone, and of its checkpoint {}", checkpoint.display())
                })?;
                self.take_up(path, member, step, earlier)
            }
            Found::Shorter(record) => {
                ensure!(
                    checkpoint.exists(),
                    Damage(format!("{} is not there: it can only be kept", checkpoint.display()))
                );
                let (member, step) = last_of(&checkpoint, run)?;
                earlier.datasets.push((path.to_owned(), run.clone(), record.dataset.clone()));
                if differences(&member.record.config, config)?.is_empty() {
                    // It was extended already, and its process killed before it had written the record.
                    earlier.restored.push((run.clone(), path.to_owned(), member.text));
                    earlier.complete.insert(run.clone());
                    return Ok(());
                }
                ensure_as_written(path, run, &std::fs::read(path)?)?;
                self.ensure_fits(&checkpoint, &member, step)?;
                earlier.extended.push(Saved { step, members: vec![member] });
                Ok(())
            }
            Found::Complete(_) | Found::Diverged(..) => Ok(()),
        }
    }

    /// Takes up a run by what its checkpoint holds alone: its record is written again, or, of a shorter run, is what the longer one
    /// begins with.
    fn take_up(&self, path: &Path, member: Member, step: u64, earlier: &mut Earlier) -> Result<()> {
        let run = member.run.clone();
        if differences(&member.record.config, &self.asked[&run])?.is_empty() {
            earlier.complete.insert(run.clone());
            earlier.restored.push((run, path.to_owned(), member.text));
        } else {
            earlier.datasets.push((final_path(path), run, member.record.dataset.clone()));
            earlier.extended.push(Saved { step, members: vec![member] });
        }
        Ok(())
    }
}

/// That a run is of another config, and why more steps are no way on where they might seem one.
fn of_another(before: &Config, now: &Config, differences: &[String]) -> String {
    let is_longer = now.total_steps() > before.total_steps();
    let is_alike =
        now.with_end_of(before) == Config { seeds: now.seeds.clone(), ..before.with_pages_of(now) };
    let why = if is_longer && is_alike {
        now.fixed_end().map_or_else(String::new, |why| format!(" ({why})"))
    } else if now.total_steps() < before.total_steps() {
        " (a run may be given more steps, not fewer)".to_owned()
    } else {
        String::new()
    };
    format!("its config is another: {}{why}", differences.join(", "))
}
