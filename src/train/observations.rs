//! Observations of a stack: made at once, or by a thread of their own while the stack goes on.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, channel, sync_channel};
use std::thread::{Builder, Scope};

use anyhow::{Context, Result, anyhow};

use super::snapshot::Snapshot;

/// What is left to do for the snapshots of one step, one for each member. It holds copies of what later steps change.
pub type Observation = Box<dyn FnOnce() -> Result<Vec<Snapshot>> + Send>;

/// Observations in the order in which they were asked for.
pub enum Observations {
    /// Made when they are asked for.
    AtOnce(VecDeque<Result<Vec<Snapshot>>>),
    /// Made by another thread.
    Aside {
        /// To that thread.
        asked: SyncSender<Observation>,
        /// From that thread.
        answers: Receiver<Result<Vec<Snapshot>>>,
        /// Asked for and not yet taken.
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
                // Nobody listens any more: the runs have ended early.
                if answering.send(tch::no_grad(observation)).is_err() {
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
            Observations::AtOnce(made) => made.push_back(tch::no_grad(observation)),
            Observations::Aside { asked, waiting, .. } => {
                asked.send(observation).ok().context("observing panicked")?;
                *waiting += 1;
            }
        }
        Ok(())
    }

    /// The next one that is made; if `all` are to be, waits for it. `None` if there is none.
    pub fn next(&mut self, all: bool) -> Option<Result<Vec<Snapshot>>> {
        match self {
            Observations::AtOnce(made) => made.pop_front(),
            Observations::Aside { waiting: 0, .. } => None,
            Observations::Aside { answers, waiting, .. } => {
                let answer = match answers.try_recv() {
                    Err(TryRecvError::Empty) if !all => return None,
                    Err(TryRecvError::Empty) => answers.recv().ok(),
                    answer => answer.ok(),
                };
                *waiting -= 1;
                Some(answer.unwrap_or_else(|| Err(anyhow!("observing panicked"))))
            }
        }
    }
}
