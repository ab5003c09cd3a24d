//! Runs of a stack, and what they learn.

use super::checkpoint::Checkpoint;
use super::observer::{Observer, Outcome};
use super::shared::Shared;
use crate::config::{Config, Span, Stretch};
use crate::task::Task;

/// What one stretch of a run trains on.
#[derive(Clone, Copy)]
pub struct Lesson<'a> {
    /// The stretch's own config.
    pub config: &'a Config,
    /// What is learned in it.
    pub task: &'a Task,
    /// What all runs that learn this task have in common.
    pub shared: &'a Shared,
    /// Where it lies on the run's clocks.
    pub span: Span,
    /// Whether the optimiser's state goes on from the stretch before.
    pub keeps_optimiser: bool,
}

impl<'a> Lesson<'a> {
    /// Of a stretch.
    pub fn of(stretch: &'a Stretch, task: &'a Task, shared: &'a Shared) -> Self {
        let Stretch { config, span, keeps_optimiser, .. } = stretch;
        Lesson { config, task, shared, span: *span, keeps_optimiser: *keeps_optimiser }
    }

    /// Of a run that has no other.
    pub fn only(config: &'a Config, task: &'a Task, shared: &'a Shared) -> Self {
        let span = Span::first(config);
        Lesson { config, task, shared, span, keeps_optimiser: false }
    }
}

/// One run of a stack.
pub struct Member<'a> {
    /// What it learns, stretch by stretch; at least one. The first draws its initial weights.
    pub lessons: Vec<Lesson<'a>>,
    /// Draws its initial weights and its order of samples.
    pub seed: u64,
    /// Where it goes on; `None`: at the start.
    pub resumed: Option<&'a Checkpoint>,
    /// How it ended before, if it did: it stays in the stack for the others' sake, unseen.
    pub ended: Option<Outcome>,
    /// Who watches.
    pub observer: &'a mut dyn Observer,
}

impl<'a> Member<'a> {
    /// What it learns in a stretch.
    pub(super) fn lesson(&self, stretch: usize) -> Lesson<'a> {
        self.lessons[stretch]
    }

    /// Updates of all its stretches.
    pub(super) fn steps(&self) -> u64 {
        self.lessons.last().map_or(0, |lesson| lesson.span.end())
    }

    /// The stretch in which the update after so many is made; the last one at the end.
    pub(super) fn stretch_at(&self, step: u64) -> usize {
        Span::index_at(self.lessons.iter().map(|lesson| lesson.span), step)
    }

    /// Updates done before the optimiser's state of a stretch was zero.
    pub(super) fn optimiser_since(&self, stretch: usize) -> u64 {
        let anew = self.lessons[..=stretch].iter().rev().find(|lesson| !lesson.keeps_optimiser);
        anew.map_or(0, |lesson| lesson.span.first_step)
    }
}
