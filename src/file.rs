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
    let folder = folder.unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".writing-").tempfile_in(folder)?;
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
