//! Who is at which runs: each process says so in a file of its own beside them, on whatever disk hosts share.
//!
//! `RUN/.locks/HOST-PID-NAMESPACE-N.json` names host, process and runs, and is touched as long as the process lives. A process
//! writes its own claim first and then looks at the others': of two that claim one run at once at least one sees the other. One
//! that was stopped for so long that another took its runs over finds its claim gone, and writes nothing any more. No lock of
//! a file system is asked for, since shared disks do not agree on them.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow, ensure};
use rand::Rng;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};
use serde::{Deserialize, Serialize};

use super::refused::Refused;
use super::roster::Run;
use crate::file;

/// The folder of claims in a run folder.
const LOCKS: &str = ".locks";
/// How often a living process touches its claim.
const BEAT: Duration = Duration::from_secs(10);
/// A claim of another host that was not touched for so long is of a dead process.
const STALE: Duration = Duration::from_secs(60);
/// Claims of so young an age began at once with ours: both step back.
const AT_ONCE: Duration = Duration::from_secs(5);
/// So often a process steps back before it gives way.
const TRIES: usize = 8;

/// What a process claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Name of its machine.
    pub host: String,
    /// Its number there.
    pub pid: u32,
    /// When it was started, in ticks since its machine was; with `boot`, no other process has host, number and this.
    started: u64,
    /// Which start of the machine that was.
    boot: String,
    /// Among which processes of the machine its number is told: containers count for themselves.
    #[serde(default)]
    namespace: String,
    /// When it claimed the runs, in UTC.
    pub since: String,
    /// Condition and seed of each.
    pub runs: BTreeSet<Run>,
}

impl Claim {
    fn of(runs: BTreeSet<Run>) -> Claim {
        Claim {
            host: file::host_name(),
            pid: std::process::id(),
            started: started(std::process::id()).unwrap_or(0),
            boot: file::boot(),
            namespace: file::pid_namespace(),
            since: chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            runs,
        }
    }

    /// The process, in words.
    pub fn words(&self) -> String {
        format!("process {} on {}, since {}", self.pid, self.host, self.since)
    }

    /// Whether its process may be at work; `age` is the time since its file was touched.
    fn is_alive(&self, age: Duration) -> bool {
        let here = [&file::host_name(), &file::boot(), &file::pid_namespace()];
        if [&self.host, &self.boot, &self.namespace] == here {
            return started(self.pid) == Some(self.started);
        }
        age < STALE
    }
}

/// When a process of this machine was started, if there is one of this number. One that was killed and that nobody has waited
/// for (a zombie, as in containers without an init) is none.
fn started(pid: u32) -> Option<u64> {
    let stat = procfs::process::Process::new(i32::try_from(pid).ok()?).ok()?.stat().ok()?;
    (!['Z', 'X', 'x'].contains(&stat.state)).then_some(stat.starttime)
}

/// Claims in a run folder whose processes are alive, by what their files say.
pub fn claims(folder: &Path) -> Vec<Claim> {
    let locks = folder.join(LOCKS);
    if !locks.is_dir() {
        return Vec::new();
    }
    // Where nothing can be written, this machine's time has to do.
    let now = file::time_of_disk(&locks).unwrap_or_else(|_| SystemTime::now());
    // Its process may have gone meanwhile, and left the folder to us.
    let _ = std::fs::remove_dir(&locks);
    read(folder, now).into_iter().filter(|it| it.is_alive).map(|it| it.claim).collect()
}

/// The same by this machine's clock, for those who look on and write nothing.
pub fn claims_at_a_glance(folder: &Path) -> Vec<Claim> {
    let found = read(folder, SystemTime::now());
    found.into_iter().filter(|it| it.is_alive).map(|it| it.claim).collect()
}

/// A claim's file.
struct Found {
    path: PathBuf,
    claim: Claim,
    age: Duration,
    is_alive: bool,
}

/// All claims; `now` is the time of the disk that holds them.
fn read(folder: &Path, now: SystemTime) -> Vec<Found> {
    let entries = std::fs::read_dir(folder.join(LOCKS)).into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| {
        let path = entry.path();
        path.extension().filter(|end| *end == "json")?;
        // One that is gone meanwhile claims nothing.
        let claim: Claim = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        let touched = entry.metadata().ok()?.modified().ok()?;
        let age = now.duration_since(touched).unwrap_or_default();
        let is_alive = claim.is_alive(age);
        Some(Found { path, claim, age, is_alive })
    });
    found.collect()
}

/// Runs that this process holds until it is dropped.
pub struct Lock {
    path: PathBuf,
    /// Whether another process took them over.
    is_lost: Arc<AtomicBool>,
    beat: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Lock {
    /// Claims runs of a run folder; what processes claim that are dead is taken over.
    ///
    /// # Errors
    ///
    /// `Refused` if another process is at one of them; else if the claim cannot be written.
    pub fn take(folder: &Path, runs: BTreeSet<Run>) -> Result<Lock> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let claim = Claim::of(runs);
        let namespace: String = claim.namespace.chars().filter(char::is_ascii_digit).collect();
        let name = format!("{}-{}-{namespace}-{number}.json", claim.host, claim.pid);
        let path = folder.join(LOCKS).join(name);
        for tried in 1.. {
            write(&path, &claim)?;
            let Some(other) = other(folder, &path, &claim) else { break };
            file::remove(&path)?;
            if other.age_of_claim() > AT_ONCE || tried == TRIES {
                return Err(refusal(folder, &claim, &other.claim));
            }
            std::thread::sleep(Duration::from_millis(rand::rng().random_range(20..500)));
        }
        let (beat, ended) = channel();
        let mut lock = Lock { path, is_lost: Arc::default(), beat: Some(beat), thread: None };
        let (path, is_lost) = (lock.path.clone(), lock.is_lost.clone());
        let thread = Builder::new().name("lock".to_owned()).spawn(move || {
            while ended.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                match touch(&path) {
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        is_lost.store(true, Ordering::SeqCst);
                    }
                    // Where it cannot be touched, others may think that this process is dead: no reason to make it so.
                    Ok(()) | Err(_) => {}
                }
            }
        });
        lock.thread = thread.ok();
        Ok(lock)
    }

    /// Whether it is known already that another process took the runs over.
    pub fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::SeqCst)
    }

    /// Makes sure that nobody took the runs over, before something of them is written.
    ///
    /// # Errors
    ///
    /// `Lost` if somebody did.
    pub fn ensure_held(&self) -> Result<()> {
        // A process that wakes up must not write before its clock beats. Opening asks a shared disk, and no cache.
        let is_gone =
            std::fs::File::open(&self.path).is_err_and(|error| error.kind() == ErrorKind::NotFound);
        ensure!(!is_gone && !self.is_lost(), Lost(self.path.clone()));
        Ok(())
    }
}

/// A process was stopped or cut off from the disk for so long that another took its runs over.
#[derive(Debug)]
pub struct Lost(PathBuf);

impl std::fmt::Display for Lost {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(
            formatter,
            "{} is gone, by which this process held its runs: it was still for more than {} s, and another process has taken \
             them over. Nothing more of them is written here; what was kept up to then is, and --resume goes on once the \
             other is done",
            self.0.display(),
            STALE.as_secs()
        )
    }
}

impl std::error::Error for Lost {}

/// Says that the process lives, by the time of the disk: clocks of hosts differ.
fn touch(path: &Path) -> std::io::Result<()> {
    let file = std::fs::File::options().append(true).open(path)?;
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    futimens(&file, &Timestamps { last_access: now, last_modification: now })?;
    Ok(())
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.beat = None;
        if let Some(thread) = self.thread.take() {
            // Had it panicked, its message was told.
            let _ = thread.join();
        }
        // One that stays is of a dead process soon.
        let _ = file::remove(&self.path);
        // Others may have theirs in it.
        let _ = self.path.parent().map(std::fs::remove_dir);
    }
}

impl Found {
    /// Time since it was claimed.
    fn age_of_claim(&self) -> Duration {
        let since = chrono::DateTime::parse_from_rfc3339(&self.claim.since).ok();
        let age = since.map(|since| chrono::Utc::now().signed_duration_since(since).num_seconds());
        // Clocks of hosts may differ; one that was touched long ago is no newcomer's.
        Duration::from_secs(age.unwrap_or(i64::MAX).unsigned_abs()).max(self.age)
    }
}

fn write(path: &Path, claim: &Claim) -> Result<()> {
    let text = serde_json::to_vec(claim)?;
    file::replace_unsafely(path, &text).with_context(|| {
        format!("cannot write {}: choose another folder with --out, or make room", path.display())
    })
}

/// A living process that is at one of the runs. Claims of dead ones are removed.
fn other(folder: &Path, own: &Path, claim: &Claim) -> Option<Found> {
    let now = std::fs::metadata(own).and_then(|data| data.modified());
    let mut others = read(folder, now.unwrap_or_else(|_| SystemTime::now()));
    others.retain(|found| found.path != own);
    for dead in others.iter().filter(|found| !found.is_alive) {
        tracing::info!("{} is gone: its runs are free", dead.claim.words());
        // Another process may have removed it by now.
        let _ = file::remove(&dead.path);
    }
    others.into_iter().find(|found| found.is_alive && !found.claim.runs.is_disjoint(&claim.runs))
}

fn refusal(folder: &Path, own: &Claim, other: &Claim) -> anyhow::Error {
    let both: Vec<&Run> = own.runs.intersection(&other.runs).collect();
    let (condition, seed) = both[0];
    let more = match both.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    anyhow!(Refused(format!(
        "{} is at work in {} ('{condition}', seed {seed}{more}): wait for it or end it, name other runs (--seeds, --condition), \
         or another folder (--set name=..., --out)",
        other.words(),
        folder.display()
    )))
}
