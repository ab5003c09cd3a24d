//! Threads that do runs, as many as the system gives: a limit on processes makes work slower, never impossible.

use std::sync::mpsc::channel;
use std::thread::{Builder, scope};

use anyhow::{Result, ensure};

use super::cores::Cores;

/// What limits the number of threads, for messages.
pub const LIMIT: &str =
    "no more threads can be started: see `ulimit -u`, and pids.max of the cgroup";

/// How many of `wanted` threads the system gives at once.
pub fn affordable(wanted: usize) -> usize {
    scope(|scope| {
        let mut held = Vec::new();
        while held.len() < wanted {
            let (release, wait) = channel::<()>();
            // Each waits until its sender is dropped.
            match Builder::new().spawn_scoped(scope, move || wait.recv().is_err()) {
                Ok(thread) => held.push((release, thread)),
                Err(_) => break,
            }
        }
        let count = held.len();
        for (release, thread) in held {
            drop(release);
            // Its thread is gone by then, and another can take its place.
            let _ = thread.join();
        }
        count
    })
}

/// Lets libtorch compute on this thread with as many threads as there are, which it would otherwise end the process about, and
/// with no more than this process has cores.
pub fn limit_threads(cores: &Cores) {
    let all = tch::get_num_threads().max(1) as usize;
    let wanted = all.min(cores.count);
    if wanted < all {
        tch::set_num_threads(wanted as i32);
    }
    let given = 1 + affordable(wanted - 1);
    if given < wanted {
        tracing::warn!("computing with {given} of {wanted} threads: {LIMIT}");
        tch::set_num_threads(given as i32);
    }
}

/// Makes sure that `workers` can have so many threads of libtorch each.
///
/// # Errors
///
/// Says how many there are, and what to lower.
pub fn ensure_threads(workers: usize, threads: usize) -> Result<()> {
    if threads > 1 {
        let (wanted, given) = (workers * threads, affordable(workers * threads));
        ensure!(
            given == wanted,
            "--threads {threads}: {workers} runs at once need {wanted} threads, of which {given} can be started: lower \
             --threads or --jobs ({LIMIT})"
        );
    }
    Ok(())
}

/// Does the work by so many threads at once, or by as many of them as can be started, if need be by this one.
pub fn work_together(workers: usize, work: &(dyn Fn() + Sync)) {
    scope(|scope| {
        for started in 0..workers {
            let Err(error) = Builder::new().spawn_scoped(scope, work) else { continue };
            tracing::warn!("{} of {workers} runs at once ({error}): {LIMIT}", started.max(1));
            if started == 0 {
                work();
            }
            return;
        }
    });
}
