//! Observations of a stack: made at once, or by a thread of their own while the stack goes on.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, channel, sync_channel};
use std::thread::{Builder, Scope};

use anyhow::{Context, Result};

use super::snapshot::Snapshot;

/// Sees the snapshot of a member, by its number.
pub type See<'a> = &'a mut dyn FnMut(usize, Snapshot) -> Result<()>;

/// What is left to do for the snapshots of one step: they are shown member by member, so that those of a large stack are never
/// all there. It holds copies of what later steps change.
pub type Observation = Box<dyn FnOnce(See) -> Result<()> + Send>;

/// What the other thread says: a member's snapshot, or that an observation is over.
type Said = Result<Option<(usize, Snapshot)>>;

/// Observations in the order in which they were asked for.
pub enum Observations {
    /// Made when they are shown.
    AtOnce(VecDeque<Observation>),
    /// Made by another thread.
    Aside {
        /// To that thread.
        asked: SyncSender<Observation>,
        /// From that thread.
        answers: Receiver<Said>,
        /// Asked for and not yet over.
        waiting: usize,
    },
}

/// Memory that copies of weights may take in observations that wait.
const WAITING_BYTES: usize = 1 << 28;
/// Observations that may wait, however small.
const MOST_WAITING: usize = 256;

impl Observations {
    /// Starts the other thread (without one, observations are made at once), with as many threads of libtorch as this one has; `bytes` are those of the stack's weights.
    pub fn aside<'scope>(scope: &'scope Scope<'scope, '_>, bytes: usize) -> Self {
        let (asked, observations) =
            sync_channel::<Observation>((WAITING_BYTES / bytes.max(1)).clamp(1, MOST_WAITING));
        let (answering, answers) = channel();
        let threads = tch::get_num_threads();
        let observe = move || {
            tch::set_num_threads(threads);
            for observation in observations {
                // Nobody listens any more if something cannot be sent: the runs have ended early.
                let mut tell = |member, snapshot| {
                    answering.send(Ok(Some((member, snapshot)))).ok().context("nobody listens")
                };
                let over = tch::no_grad(|| observation(&mut tell)).map(|()| None);
                if answering.send(over).is_err() {
                    return;
                }
            }
        };
        match Builder::new().spawn_scoped(scope, observe) {
            Ok(_) => Observations::Aside { asked, answers, waiting: 0 },
            // A limit on processes: the same numbers, somewhat later.
            Err(_) => Observations::AtOnce(VecDeque::new()),
        }
    }

    /// Asks for one, and waits where too many do.
    ///
    /// # Errors
    ///
    /// If the other thread has panicked.
    pub fn ask(&mut self, observation: Observation) -> Result<()> {
        match self {
            Observations::AtOnce(asked) => asked.push_back(observation),
            Observations::Aside { asked, waiting, .. } => {
                asked.send(observation).ok().context("observing panicked")?;
                *waiting += 1;
            }
        }
        Ok(())
    }

    /// Shows what is made by now; if `all` are to be, waits for them.
    ///
    /// # Errors
    ///
    /// If one cannot be made, or whoever sees it fails.
    pub fn show(&mut self, all: bool, see: See) -> Result<()> {
        match self {
            Observations::AtOnce(asked) => {
                while let Some(observation) = asked.pop_front() {
                    tch::no_grad(|| observation(&mut *see))?;
                }
            }
            Observations::Aside { answers, waiting, .. } => {
                while *waiting > 0 {
                    let said = match answers.try_recv() {
                        Err(TryRecvError::Empty) if !all => return Ok(()),
                        Err(TryRecvError::Empty) => answers.recv().ok(),
                        said => said.ok(),
                    };
                    match said.context("observing panicked")?? {
                        Some((member, snapshot)) => see(member, snapshot)?,
                        None => *waiting -= 1,
                    }
                }
            }
        }
        Ok(())
    }
}
