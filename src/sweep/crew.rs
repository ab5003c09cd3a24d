//! Runs that train together and where they go on: stacks that are under way stay as they began.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use super::earlier::Earlier;
use super::job::Job;
use super::options::Options;
use super::roster::{Roster, Run};
use super::saved::{Member, Saved, Unfinished, read_newest};
use super::stacks::stacks;

/// Runs of one stack.
pub struct Crew {
    /// In the stack's order.
    pub seats: Vec<Seat>,
    /// Whether a checkpoint of these runs lies in their folder, or records that they will replace.
    pub goes_on: bool,
}

/// One run of a stack.
pub struct Seat {
    pub job: Job,
    /// Where it goes on; `None`: it begins.
    pub saved: Option<Member>,
    /// Whether it is over, and takes part for the others' sake alone: what it left stays.
    pub is_over: bool,
}

impl Crew {
    /// Who they are.
    pub fn roster(&self) -> Roster {
        Roster(self.seats.iter().map(|seat| seat.job.run()).collect())
    }

    /// Runs that are not over.
    pub fn n_active(&self) -> usize {
        self.seats.iter().filter(|seat| !seat.is_over).count()
    }

    /// Those that are not over, each by itself, from where the stack's newest checkpoint left them.
    pub fn each_alone(self, folder: &Path) -> impl Iterator<Item = Crew> {
        let path = self.roster().path(folder);
        // Without one that is whole, they go on from where they began to be trained now.
        let newest = if path.exists() { read_newest(&path).ok() } else { None };
        let members = newest.into_iter().flat_map(|newest| newest.saved.members);
        let mut saved: BTreeMap<Run, Member> =
            members.map(|member| (member.run.clone(), member)).collect();
        let active = self.seats.into_iter().filter(|seat| !seat.is_over);
        active.map(move |seat| {
            let saved = saved.remove(&seat.job.run()).or(seat.saved);
            Crew { goes_on: saved.is_some(), seats: vec![Seat { saved, ..seat }] }
        })
    }
}

/// All that is left to train. Stacks that are under way are composed as they began, whatever is asked for now: the last digits
/// of runs hang on who trains beside them. What is begun is composed as if nothing were there, for the same reason.
pub fn crews(jobs: Vec<Job>, earlier: Earlier, options: &Options) -> VecDeque<Crew> {
    let Earlier { complete, diverged, over, unfinished, extended, broken, .. } = earlier;
    let composed = stacks(jobs, options);
    let rosters: Vec<Vec<Run>> =
        composed.iter().map(|stack| stack.iter().map(Job::run).collect()).collect();
    let known: BTreeMap<Run, &Job> =
        composed.iter().flatten().map(|job| (job.run(), job)).collect();
    let mut taken: BTreeSet<Run> = complete.into_iter().chain(diverged.into_keys()).collect();
    let finished: BTreeSet<Run> = taken.iter().cloned().chain(over).collect();
    taken.extend(options.left_alone.iter().cloned().chain(broken.into_keys()));
    let mut crews = VecDeque::new();
    for (stack, active) in unfinished {
        taken.extend(active.iter().cloned());
        crews.push_back(of_unfinished(stack, &active, &known, (&rosters, &finished)));
    }
    let mut extended: BTreeMap<Run, (u64, Member)> = extended
        .into_iter()
        .flat_map(|Saved { step, members }| members.into_iter().map(move |member| (step, member)))
        .map(|(step, member)| (member.run.clone(), (step, member)))
        .collect();
    for roster in &rosters {
        let mut begun: BTreeMap<u64, Vec<Seat>> = BTreeMap::new();
        let mut fresh = Vec::new();
        for run in roster.iter().filter(|run| !taken.contains(*run)) {
            let job = known[run].clone();
            match extended.remove(run) {
                Some((step, saved)) => {
                    begun.entry(step).or_default().push(Seat {
                        job,
                        saved: Some(saved),
                        is_over: false,
                    });
                }
                None => fresh.push(Seat { job, saved: None, is_over: false }),
            }
        }
        crews.extend(begun.into_values().map(|seats| Crew { seats, goes_on: true }));
        if !fresh.is_empty() {
            crews.push_back(Crew { seats: fresh, goes_on: false });
        }
    }
    crews
}

/// A stack that is under way, all of it if all its runs are asked for or over.
fn of_unfinished(
    Unfinished { path, saved, .. }: Unfinished,
    active: &BTreeSet<Run>,
    known: &BTreeMap<Run, &Job>,
    (rosters, finished): (&[Vec<Run>], &BTreeSet<Run>),
) -> Crew {
    let Roster(roster) = saved.roster();
    // What is left alone in mid-run keeps this checkpoint for itself.
    let takes_part = |run: &Run| active.contains(run) || finished.contains(run);
    let is_whole = roster.iter().all(|run| known.contains_key(run) && takes_part(run));
    if !is_whole {
        tracing::warn!(
            "{} is of {} runs that train in one stack, of which {} are asked for: they go on without the others, so that their \
             last digits may differ; their records say so",
            path.display(),
            roster.len(),
            active.len()
        );
    } else if !rosters.contains(&roster) {
        tracing::warn!(
            "{} runs go on in the stack in which they began, whatever --stack and --jobs say now: {}",
            roster.len(),
            path.display()
        );
    }
    let members = saved.members.into_iter();
    let seats = members.filter_map(|member| {
        let is_over = !active.contains(&member.run);
        let job = (*known.get(&member.run)?).clone();
        (is_whole || !is_over).then_some(Seat { job, saved: Some(member), is_over })
    });
    Crew { seats: seats.collect(), goes_on: true }
}
