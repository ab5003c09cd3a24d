//! From a config to records: cells of conditions and seeds, tasks that they share, stacks in which they train, what is there
//! already, what fits into memory, and what theory answers to the same conditions.
//!
//! Knows no study: whose claims and figure the records are for is none of its business.

mod again;
mod bench;
mod components;
mod control_groups;
mod cores;
mod crew;
mod differences;
mod disk;
mod earlier;
mod estimate;
mod failed;
mod finished;
mod gram;
mod initial;
mod job;
mod keeper;
mod keeping;
mod kept;
mod lock;
mod look;
mod memory;
mod notes;
mod options;
mod prepared;
mod refused;
mod representations;
mod room;
mod roster;
mod run;
mod saved;
mod sizes;
mod so_far;
mod stacks;
mod state;
mod tasks;
mod theory;
mod watch;
mod weights;
mod workers;

pub use again::{Again, again};
pub use bench::time_steps;
pub use components::add_components;
pub use cores::{Cores, Origin};
pub use disk::OnDisk;
pub use estimate::{Estimate, estimate};
pub use failed::note_broken;
pub use gram::gram_of;
pub use keeping::is_keeping;
pub use lock::{Claim, Lock, Lost, claims};
pub use look::ensure_nothing_is_lost;
pub use memory::{bytes_on_disk, ensure_gram_fits, ensure_runs_fit, ensure_theory_fits};
pub use options::{Event, Existing, Interrupted, Observed, OnFailure, Options, Summary};
pub use refused::Refused;
pub use representations::add_representations;
pub use run::{Opened, Plan, plan, train_all};
pub use so_far::{files_of_run, record_so_far, who_is_at};
pub use state::{
    RunState, State, states, states_at_a_glance, states_for, states_in_words, with_broken,
};
pub use tasks::Tasks;
pub use theory::{theory_of, write_theories};
pub use weights::{At, Weights};
pub use workers::{affordable, limit_threads};
