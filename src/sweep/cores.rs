//! How many processor cores may this process use, and who says so?

use std::fmt;
use std::path::{Path, PathBuf};

use procfs::process::Process;
use serde::Serialize;

use super::control_groups::{ControlGroup, control_groups};
use crate::record::CoresRecord;

/// The variable by which Slurm tells what it gave to each task, if the job asked for it.
const OF_SLURM: &str = "SLURM_CPUS_PER_TASK";

/// Cores that this process may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cores {
    /// How many, at least 1.
    pub count: usize,
    /// Who allows no more.
    pub origin: Origin,
}

/// Who says how many cores a process may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `SLURM_CPUS_PER_TASK`.
    Slurm,
    /// The affinity mask, as of `taskset` or of Slurm's `task/affinity`.
    Affinity,
    /// A quota of time in this file of a control group.
    ControlGroup(PathBuf),
    /// Nobody: it may use the whole machine.
    Machine,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Origin::Slurm => formatter.write_str(OF_SLURM),
            Origin::Affinity => formatter.write_str("affinity mask"),
            Origin::ControlGroup(file) => write!(formatter, "control group, {}", file.display()),
            Origin::Machine => formatter.write_str("whole machine"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{} ({})", self.count, self.origin)
    }
}

impl Cores {
    /// All cores of a machine that has so many.
    pub fn of_machine(count: usize) -> Self {
        Cores { count: count.max(1), origin: Origin::Machine }
    }

    /// What Slurm, the affinity mask and control groups leave to this process: the least of them. A `SLURM_CPUS_PER_TASK` that is
    /// no number is warned of and not followed.
    pub fn of_this_process() -> Self {
        let slurm = std::env::var(OF_SLURM).ok().filter(|text| !text.trim().is_empty());
        let slurm = slurm.and_then(|text| {
            let count = of_slurm(&text);
            if count.is_none() {
                tracing::warn!("{OF_SLURM} is '{text}', which is no number of cores: not followed");
            }
            count
        });
        let process = Process::myself().ok();
        let allowed = process
            .as_ref()
            .and_then(|process| process.status().ok())
            .and_then(|status| status.cpus_allowed_list)
            .map(|ranges| ranges.iter().map(|(first, last)| (last - first) as usize + 1).sum());
        let quotas = process.map_or_else(Vec::new, |process| {
            control_groups(&process, "cpu").iter().filter_map(quota).collect()
        });
        fewest(slurm, allowed, &quotas, online())
    }

    /// What records keep; `None` of a whole machine.
    pub fn record(&self) -> Option<CoresRecord> {
        let Cores { count, origin } = self;
        (*origin != Origin::Machine)
            .then(|| CoresRecord { count: *count, origin: origin.to_string() })
    }

    /// Runs at the same time that suit so many threads in each.
    pub fn jobs(&self, threads: usize) -> usize {
        (self.count / threads.max(1)).max(1)
    }
}

/// Cores that are switched on, whoever may use them.
fn online() -> usize {
    // SAFETY: reads a number of the system.
    let count = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    usize::try_from(count).unwrap_or(1).max(1)
}

fn of_slurm(text: &str) -> Option<usize> {
    text.trim().parse().ok().filter(|count| *count > 0)
}

/// The least of what is given, and who gave it. Of equal ones the first in this order: Slurm, the affinity mask, the narrowest
/// control group, the machine.
fn fewest(
    slurm: Option<usize>,
    allowed: Option<usize>,
    quotas: &[(f64, PathBuf)],
    online: usize,
) -> Cores {
    let quota = quotas.iter().min_by(|one, other| one.0.total_cmp(&other.0));
    // A mask of all cores masks none; half a core is one that is slow.
    let allowed = allowed.filter(|count| (1..online).contains(count));
    let quota = quota
        .map(|(cores, file)| ((cores.floor() as usize).max(1), file))
        .filter(|(count, _)| *count < online);
    let candidates = [
        slurm.map(|count| Cores { count, origin: Origin::Slurm }),
        allowed.map(|count| Cores { count, origin: Origin::Affinity }),
        quota.map(|(count, file)| Cores { count, origin: Origin::ControlGroup(file.clone()) }),
        Some(Cores::of_machine(online)),
    ];
    let least = candidates.into_iter().flatten().min_by_key(|cores| cores.count);
    least.unwrap_or_else(|| Cores::of_machine(online))
}

/// The cores' worth of time that a control group gives, and the file that says so; `None` if it gives all.
fn quota(group: &ControlGroup) -> Option<(f64, PathBuf)> {
    let read = |file: &Path| std::fs::read_to_string(file).ok();
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let (file, quota, period) = if group.is_unified {
        let file = group.folder.join("cpu.max");
        let text = read(&file)?;
        let (quota, period) = text.trim().split_once(' ')?;
        // "max" is no number: no limit.
        (file, number(quota)?, number(period)?)
    } else {
        let file = group.folder.join("cpu.cfs_quota_us");
        let period = read(&group.folder.join("cpu.cfs_period_us"))?;
        // -1: no limit.
        let quota = number(&read(&file)?)?;
        (file, quota, number(&period)?)
    };
    (quota > 0.0 && period > 0.0).then(|| (quota / period, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_counts_and_says_who_gave_it() {
        let quota = |cores: f64| vec![(64.0, PathBuf::from("/wide")), (cores, PathBuf::from("/q"))];
        let group = Origin::ControlGroup(PathBuf::from("/q"));
        for (slurm, allowed, quotas, count, origin) in [
            (None, None, vec![], 8, Origin::Machine),
            (None, Some(8), quota(8.0), 8, Origin::Machine),
            (Some(1), Some(8), vec![], 1, Origin::Slurm),
            (Some(4), Some(4), quota(4.0), 4, Origin::Slurm),
            (Some(8), Some(8), vec![], 8, Origin::Slurm),
            // Slurm believes that the node has more cores than it has, or somebody narrowed a task's mask.
            (Some(64), Some(8), vec![], 8, Origin::Machine),
            (Some(4), Some(2), vec![], 2, Origin::Affinity),
            (None, Some(3), quota(5.0), 3, Origin::Affinity),
            (None, Some(3), quota(2.5), 2, group.clone()),
            (None, None, quota(0.5), 1, group.clone()),
        ] {
            let found = fewest(slurm, allowed, &quotas, 8);
            assert_eq!(found, Cores { count, origin }, "{slurm:?} {allowed:?} {quotas:?}");
        }
    }

    #[test]
    fn quotas_of_both_versions_of_control_groups_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let cores = |is_unified| {
            let group = ControlGroup { folder: folder.path().to_path_buf(), is_unified };
            quota(&group).map(|(cores, _)| cores)
        };
        assert_eq!((cores(true), cores(false)), (None, None));
        write("cpu.max", "max 100000\n");
        write("cpu.cfs_quota_us", "-1\n");
        write("cpu.cfs_period_us", "100000\n");
        assert_eq!((cores(true), cores(false)), (None, None));
        write("cpu.max", "150000 100000\n");
        write("cpu.cfs_quota_us", "400000\n");
        assert_eq!((cores(true), cores(false)), (Some(1.5), Some(4.0)));
    }

    #[test]
    fn a_number_of_slurm_is_a_number_of_cores() {
        assert_eq!(
            ["4", " 16\n", "0", "-1", "2(x3)"].map(of_slurm),
            [Some(4), Some(16), None, None, None]
        );
    }

    #[test]
    fn jobs_and_threads_share_the_cores_and_one_job_there_is_always() {
        let cores = Cores::of_machine(8);
        assert_eq!([1, 2, 3, 16].map(|threads| cores.jobs(threads)), [8, 4, 2, 1]);
    }
}
