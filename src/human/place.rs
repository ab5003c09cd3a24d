//! Folders that a command writes as a whole: what may be replaced.

use std::path::Path;

use anyhow::{Result, bail, ensure};

/// Makes sure that a folder can be written: it is not there, or holds nothing but what `is_own` and may be replaced. Names in its
/// folders are asked for too, `a/b`; `foreign_is` ends the sentence on another.
///
/// # Errors
///
/// If it is a file or a link, is to stay, or holds something else, which is named.
pub fn ensure_replaceable(
    folder: &Path,
    overwrite: bool,
    is_own: impl Fn(&str) -> bool,
    foreign_is: &str,
) -> Result<()> {
    let shown = folder.display();
    ensure!(!folder.is_symlink(), "--out {shown} is a link: name the folder itself");
    ensure!(folder.is_dir() || !folder.exists(), "--out {shown} is a file: name a folder");
    let names = names_within(folder);
    ensure!(
        names.is_empty() || overwrite,
        "--out {shown} is there already: give --overwrite, or another name"
    );
    match names.iter().find(|name| !is_own(name)) {
        Some(foreign) => bail!(
            "--out {shown} holds {foreign}, {foreign_is}, and --overwrite would replace all of it: name another folder"
        ),
        None => Ok(()),
    }
}

/// What lies in a folder and in its folders, in order: `a`, `b`, `b/c`.
fn names_within(folder: &Path) -> Vec<String> {
    let within = |folder: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    let mut names = within(folder);
    for name in names.clone() {
        let below = within(&folder.join(&name)).into_iter().map(|below| format!("{name}/{below}"));
        names.extend(below);
    }
    names.sort();
    names
}
