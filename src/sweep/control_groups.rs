//! Where do this process's control groups (of a container, or of a batch job) tell their limits?

use std::path::{Path, PathBuf};

use procfs::process::{MountInfo, Process};

/// A folder of a control group that this process is in, or of one above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlGroup {
    /// Holds the group's files.
    pub folder: PathBuf,
    /// Whether the files are named as in version 2 of control groups.
    pub is_unified: bool,
}

/// The groups that may limit what `controller` (`memory`, `cpu`) rules, the innermost of each tree first. Empty where the system
/// does not tell.
pub fn control_groups(process: &Process, controller: &str) -> Vec<ControlGroup> {
    let (Ok(groups), Ok(mounts)) = (process.cgroups(), process.mountinfo()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for group in &groups {
        let is_unified = group.hierarchy == 0;
        let is_of_group = |mount: &&MountInfo| match is_unified {
            true => mount.fs_type == "cgroup2",
            false => {
                mount.fs_type == "cgroup"
                    && mount.super_options.contains_key(controller)
                    && group.controllers.iter().any(|name| name == controller)
            }
        };
        let Some(mount) = mounts.iter().find(is_of_group) else { continue };
        // In a container the mount shows a part of the tree alone.
        let below = Path::new(&group.pathname);
        let below = below.strip_prefix(&mount.root).or_else(|_| below.strip_prefix("/"));
        let folder = mount.mount_point.join(below.unwrap_or(Path::new("")));
        let folders =
            folder.ancestors().take_while(|folder| folder.starts_with(&mount.mount_point));
        found.extend(
            folders.map(|folder| ControlGroup { folder: folder.to_path_buf(), is_unified }),
        );
    }
    found
}
