//! Files that are whole or as they were, and what a path that was typed means.

use std::io::{ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// Held for reading by whoever writes a file.
static WRITING: RwLock<()> = RwLock::new(());

/// While this is held, the process is not ended by itself: for what takes more than one file.
pub fn writing() -> impl Drop {
    WRITING.read().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until no file is being written, and lets nobody begin: for a process that is about to end.
pub fn stop_writing() {
    std::mem::forget(WRITING.write().unwrap_or_else(PoisonError::into_inner));
}

/// Writes `bytes` to `path` at once, making its folder if need be: a reader sees the old file or the new one, and what was
/// there stays if the disk is full or the folder not writable.
///
/// # Errors
///
/// What the system says; the caller names the path and the remedy.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let _writing = WRITING.read().unwrap_or_else(PoisonError::into_inner);
    std::fs::create_dir_all(folder_of(path))?;
    written(path, bytes)?.persist(path)?;
    Ok(())
}

/// Writes `bytes` to a file that is not there yet, at once, in a folder that is.
///
/// # Errors
///
/// `AlreadyExists` if something of that name is there, which stays; else what the system says.
pub fn create(path: &Path, bytes: &[u8]) -> Result<()> {
    let _writing = WRITING.read().unwrap_or_else(PoisonError::into_inner);
    // A link that leads nowhere is something, too.
    if path.symlink_metadata().is_ok() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    written(path, bytes)?.persist_noclobber(path)?;
    Ok(())
}

/// A file beside `path` that holds `bytes`.
fn written(path: &Path, bytes: &[u8]) -> Result<tempfile::NamedTempFile> {
    let mut file = new_file(folder_of(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    #[cfg(unix)]
    {
        // Temporary files are private; records, configs and data sets on a shared disk are not.
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    Ok(file)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a folder if need be, and a file in it that is gone at once.
///
/// # Errors
///
/// What the system says.
pub fn try_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    new_file(folder)?.close()
}

fn new_file(folder: &Path) -> Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".writing-").tempfile_in(folder)
}

/// `path` with a leading `~` replaced by the user's home folder. Shells do so only where a word starts with it: not in
/// `--data-dir=~/sets`, nor in quotes, nor in the environment files of containers and Slurm.
///
/// `~name` stays: no other user is looked up. A folder that is really called `~` is `./~`.
pub fn with_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), dirs::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        (Ok(_), None) | (Err(_), _) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_folder_and_a_name_with_one_is_a_name() {
        let home = dirs::home_dir().unwrap();
        assert_eq!(with_home(Path::new("~")), home);
        assert_eq!(with_home(Path::new("~/sets/mnist")), home.join("sets/mnist"));
        for literal in ["./~", "~ada/sets", "a/~/b", "/~", "~~", ""] {
            assert_eq!(with_home(Path::new(literal)), Path::new(literal));
        }
    }
}
