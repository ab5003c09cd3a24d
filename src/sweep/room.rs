//! The memory that this process may still take.

use std::path::{Path, PathBuf};

use procfs::process::{LimitValue, Process};
use procfs::{Current, Meminfo};
use tch::Device;

use super::control_groups::control_groups;
use crate::train::gpus::Gpu;

/// So many bytes, and who says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Room {
    pub bytes: f64,
    /// As in "there are 3.1 GB (`ulimit -v`)".
    pub origin: String,
}

/// The least that the machine, a control group (of a container or a batch job) and `ulimit -v` leave; `None` where none can
/// be read.
pub fn of_host() -> Option<Room> {
    let room = |bytes: f64, origin: &str| Room { bytes: bytes.max(0.0), origin: origin.to_owned() };
    let mut rooms = Vec::new();
    if let Some(available) = Meminfo::current().ok().and_then(|memory| memory.mem_available) {
        rooms.push(room(
            available as f64,
            "available on this machine, MemAvailable in /proc/meminfo",
        ));
    }
    let process = Process::myself().ok()?;
    if let (Ok(limits), Ok(state)) = (process.limits(), process.stat())
        && let LimitValue::Value(limit) = limits.max_address_space.soft_limit
    {
        rooms.push(room(limit as f64 - state.vsize as f64, "left under `ulimit -v`"));
    }
    for (limit, used, file) in limits_of_groups(&process) {
        rooms.push(room(limit - used, &format!("left in this control group, {}", file.display())));
    }
    rooms.into_iter().min_by(|one, other| one.bytes.total_cmp(&other.bytes))
}

/// Limit, use and the limit's file of each control group that limits this process's memory. What the kernel would give back at
/// once, cached files, is not counted as used.
fn limits_of_groups(process: &Process) -> Vec<(f64, f64, PathBuf)> {
    let names = |is_unified| match is_unified {
        true => ["memory.max", "memory.current", "inactive_file "],
        false => ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "],
    };
    let groups = control_groups(process, "memory");
    groups.iter().filter_map(|group| limit_in(&group.folder, names(group.is_unified))).collect()
}

fn limit_in(folder: &Path, [limit, used, cached]: [&str; 3]) -> Option<(f64, f64, PathBuf)> {
    let number = |name: &str| -> Option<f64> {
        std::fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok()
    };
    let statistics = std::fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let cached = statistics.lines().find_map(|line| line.strip_prefix(cached)?.parse::<f64>().ok());
    // "max" is no number: no limit.
    Some((number(limit)?, number(used)? - cached.unwrap_or(0.0), folder.join(limit)))
}

/// What is free on a GPU, as nvidia-smi tells; `None` if it does not.
pub fn of_device(device: Device) -> Option<Room> {
    let Device::Cuda(index) = device else { return None };
    let gpu = Gpu::of(index).ok()?;
    Some(Room {
        bytes: gpu.free_mebibytes * 1024.0 * 1024.0,
        origin: format!("free on cuda:{index}, by nvidia-smi"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_limit_counts_and_says_where_it_comes_from() {
        let room = of_host().unwrap();
        assert!(room.bytes > 1e6, "{room:?}");
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let names = ["memory.max", "memory.current", "inactive_file "];
        write("memory.current", "700\n");
        write("memory.max", "max\n");
        assert_eq!(limit_in(folder.path(), names), None);
        write("memory.max", "1000\n");
        write("memory.stat", "anon 100\ninactive_file 200\n");
        let (limit, used, _) = limit_in(folder.path(), names).unwrap();
        assert_eq!((limit, used), (1000.0, 500.0));
    }
}
