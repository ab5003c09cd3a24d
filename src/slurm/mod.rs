//! Runs as a job array on a cluster: what is asked of it, the scripts that it is given, what was submitted, and what became
//! of it.
//!
//! A submission is a folder `RUN/slurm/N`: the config, the tasks (which runs each does), two scripts that a person can read
//! and edit, logs, and `submission.json`. Jobs are found again by their names, which no other submission has: ids may be lost
//! between Slurm's answer and the disk, and a script may be submitted by hand. What a run's own files say comes before what
//! Slurm says.

mod client;
mod lives;
mod plan;
mod profile;
mod quote;
mod script;
mod status;
mod submission;

pub use client::{
    Client, Ended, Listed, Queue, Unanswered, parse_ended, parse_listed, parse_max_array_size,
};
pub use lives::{Life, Verdict, excuse_life, may_go_on, note_life};
pub use plan::{Chunk, RunId, Tasks, chunks, group};
pub use profile::Profile;
pub use quote::shell_word;
pub use script::{Compute, Place, Script, array_script, collect_script};
pub use status::{RunStatus, Standing, StatusReport, TaskPlace, standings};
pub use submission::{Submission, SubmittedJob, config_of, next_folder, submissions, tasks_of};
