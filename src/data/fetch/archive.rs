//! Tar archives that hold a data set's files: found by name, unpacked member by member. Nothing is written but files of
//! known names and no more than their kind's size, below the folder that was given.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::config::Inputs;
use crate::data::files;
use crate::data::form::spelled;
use crate::data::sets::{entry, forms};

/// Five times CIFAR's archives, unpacked.
const MOST_BYTES: u64 = 1 << 30;

const DAMAGED: &str = "it is damaged or cut off";

/// Archives of `inputs` in `folder`: packed or not, in any letter case, and as browsers name a second download.
pub fn lying_in(folder: &Path, inputs: Inputs) -> Vec<PathBuf> {
    let beginnings = entry(inputs).map_or(&[][..], |entry| entry.archives);
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut archives: Vec<(usize, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().to_lowercase();
            let order = beginnings.iter().position(|start| name.starts_with(start))?;
            let is_tar = [".tar.gz", ".tgz", ".tar"].iter().any(|end| name.ends_with(end));
            (is_tar && entry.path().is_file()).then(|| (order, entry.path()))
        })
        .collect();
    archives.sort();
    archives.into_iter().map(|(_, path)| path).collect()
}

/// Unpacks the members of `archive` that are files of `inputs`, each under its own folders, into `folder`.
///
/// # Errors
///
/// If it is no tar archive, is damaged or unpacks to too much, or a member would lie outside of `folder`.
pub fn unpack(archive: &Path, inputs: Inputs, folder: &Path) -> Result<()> {
    ensure_tar(archive)?;
    let contents = files::unpacked(archive)?.take(MOST_BYTES);
    for member in tar::Archive::new(contents).entries()? {
        let mut member = member.context(DAMAGED)?;
        let path = member.path()?.into_owned();
        let Some(most) = most_bytes(inputs, &path) else { continue };
        if !member.header().entry_type().is_file() {
            continue;
        }
        let is_inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        ensure!(
            path.components().all(is_inside),
            "its member '{}' would lie outside of the folder that it is unpacked into",
            path.display()
        );
        let size = member.size();
        ensure!(
            size <= most,
            "its member '{}' has {size} bytes, more than any such file",
            path.display()
        );
        let target = folder.join(&path);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::io::copy(&mut member, &mut File::create(&target)?).context(DAMAGED)?;
    }
    Ok(())
}

/// How large a member may be that has the name of a file of `inputs`; `None` if it has not.
fn most_bytes(inputs: Inputs, member: &Path) -> Option<u64> {
    let name = member.file_name()?.to_str()?;
    let forms = forms(inputs).iter();
    let known = forms.filter(|form| {
        let spelled = |name: &str| spelled(form.kind, name);
        form.files.iter().any(|file| spelled(file.name) == spelled(name))
    });
    known.map(|form| form.most_bytes).max()
}

/// Tells what people give in place of a tar archive, before tar's own words would puzzle them.
fn ensure_tar(path: &Path) -> Result<()> {
    let mut start = Vec::new();
    let contents = files::unpacked(path)?;
    contents.take(512).read_to_end(&mut start).context(DAMAGED)?;
    if start.starts_with(b"PK\x03\x04") {
        bail!("it is a zip archive: unpack it, and give the folder");
    }
    ensure!(
        start.get(257..262) == Some(b"ustar"),
        "it is no tar archive: give a .tar.gz, .tgz or .tar, or the folder that holds the files"
    );
    Ok(())
}
