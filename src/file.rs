//! Files that are whole or as they were.

use std::io::{Result, Write};
use std::path::Path;

/// Writes `bytes` to `path` at once, making its folder if need be: a reader sees the old file or the new one, and what was
/// there stays if the disk is full or the folder not writable.
///
/// # Errors
///
/// What the system says; the caller names the path and the remedy.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = new_file(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    #[cfg(unix)]
    {
        // Temporary files are private; records and data sets on a shared disk are not.
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path)?;
    Ok(())
}

/// Makes a folder if need be, and a file in it that is gone at once.
///
/// # Errors
///
/// What the system says.
pub fn try_folder(folder: &Path) -> Result<()> {
    new_file(folder)?.close()
}

fn new_file(folder: &Path) -> Result<tempfile::NamedTempFile> {
    std::fs::create_dir_all(folder)?;
    tempfile::Builder::new().prefix(".writing-").tempfile_in(folder)
}
