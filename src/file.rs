//! Files that are whole or as they were, and what a path that was typed means.

use std::io::{ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime};

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

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
    if !folder_of(path).is_dir() {
        return Err(ErrorKind::NotFound.into());
    }
    written(path, bytes)?.persist_noclobber(path)?;
    Ok(())
}

/// As `replace` and `create`, for what is too large to be in memory at once: `write` is given the file, which gets its name
/// when all is written. `replaces` says whether something of that name may be there.
///
/// # Errors
///
/// Those of `write`; `AlreadyExists` if something is there that stays; else what the system says.
pub fn stream<E: From<std::io::Error>>(
    path: &Path,
    replaces: bool,
    write: impl FnOnce(&mut std::fs::File) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let _writing = WRITING.read().unwrap_or_else(PoisonError::into_inner);
    if !replaces && path.symlink_metadata().is_ok() {
        return Err(E::from(ErrorKind::AlreadyExists.into()));
    }
    std::fs::create_dir_all(folder_of(path))?;
    let mut file = new_file(folder_of(path))?;
    write(file.as_file_mut())?;
    file.as_file().sync_all()?;
    open_to_readers(&file)?;
    let persisted = if replaces { file.persist(path) } else { file.persist_noclobber(path) };
    persisted.map_err(|error| error.error)?;
    Ok(())
}

/// Makes a folder at once: `write` fills one that gets its name when all is written. `replaces` says whether a folder may be
/// there; it stays until the new one is whole.
///
/// # Errors
///
/// Those of `write`; `AlreadyExists` if something is there that stays; else what the system says.
pub fn make_folder<E: From<std::io::Error>>(
    path: &Path,
    replaces: bool,
    write: impl FnOnce(&Path) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let _writing = WRITING.read().unwrap_or_else(PoisonError::into_inner);
    // An empty folder gives way to its own replacement.
    let is_there = path.symlink_metadata().is_ok() && std::fs::remove_dir(path).is_err();
    if is_there && !replaces {
        return Err(E::from(ErrorKind::AlreadyExists.into()));
    }
    let around = folder_of(path);
    std::fs::create_dir_all(around)?;
    let prefix = format!("{WRITING_NAME}{}-", writer());
    let new = tempfile::Builder::new().prefix(&prefix).tempdir_in(around)?;
    write(new.path())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(new.path(), std::fs::Permissions::from_mode(0o755))?;
    }
    let old = tempfile::Builder::new().prefix(&prefix).tempdir_in(around)?;
    if is_there {
        std::fs::rename(path, old.path())?;
    }
    if let Err(error) = std::fs::rename(new.path(), path) {
        if is_there {
            // Another writer was faster, or the first one's folder gets its name again; else it stays beside, and is not removed.
            if std::fs::rename(old.path(), path).is_err() && path.symlink_metadata().is_err() {
                let _ = old.keep();
            }
        }
        return Err(E::from(error));
    }
    // It has another name now.
    let _ = new.keep();
    Ok(())
}

/// As `replace`, for what can be made again: a machine that loses its power may leave it damaged.
///
/// # Errors
///
/// What the system says.
pub fn replace_unsafely(path: &Path, bytes: &[u8]) -> Result<()> {
    let _writing = WRITING.read().unwrap_or_else(PoisonError::into_inner);
    std::fs::create_dir_all(folder_of(path))?;
    let mut file = new_file(folder_of(path))?;
    file.write_all(bytes)?;
    open_to_readers(&file)?;
    file.persist(path)?;
    Ok(())
}

/// Appends `bytes` to a file that is there. A machine that stops meanwhile may leave some of them alone.
///
/// # Errors
///
/// What the system says.
pub fn append(path: &Path, bytes: &[u8]) -> Result<()> {
    let _writing = WRITING.read().unwrap_or_else(PoisonError::into_inner);
    std::fs::OpenOptions::new().append(true).open(path)?.write_all(bytes)
}

/// As `replace`; what was there is called `previous` then. At every moment one of the two is whole.
///
/// # Errors
///
/// What the system says.
pub fn replace_keeping(path: &Path, previous: &Path, bytes: &[u8]) -> Result<()> {
    let _writing = WRITING.read().unwrap_or_else(PoisonError::into_inner);
    std::fs::create_dir_all(folder_of(path))?;
    let file = written(path, bytes)?;
    if path.exists() {
        std::fs::rename(path, previous)?;
    }
    file.persist(path)?;
    // Names are on the disk when their folder is. Where folders cannot be synchronised, files were.
    let _ = std::fs::File::open(folder_of(path)).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Removes a file, if it is there.
///
/// # Errors
///
/// What the system says.
pub fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A file beside `path` that holds `bytes`.
fn written(path: &Path, bytes: &[u8]) -> Result<tempfile::NamedTempFile> {
    let mut file = new_file(folder_of(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    open_to_readers(&file)?;
    Ok(file)
}

/// Temporary files are private; records, configs and data sets on a shared disk are not.
fn open_to_readers(file: &tempfile::NamedTempFile) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
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

/// What time it is by the clock of the disk that holds a folder, which may be another machine's.
///
/// # Errors
///
/// If nothing can be written there.
pub fn time_of_disk(folder: &Path) -> Result<SystemTime> {
    new_file(folder)?.as_file().metadata()?.modified()
}

/// Before the names of files that have not got theirs yet.
const WRITING_NAME: &str = ".writing-";
/// A file without its name whose writer cannot be asked for is left behind if it is so old.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);

fn new_file(folder: &Path) -> Result<tempfile::NamedTempFile> {
    let writer = format!("{WRITING_NAME}{}-", writer());
    let new = || tempfile::Builder::new().prefix(&writer).tempfile_in(folder);
    match new() {
        // Another process found the folder empty just now, and removed it.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            std::fs::create_dir_all(folder)?;
            new()
        }
        other => other,
    }
}

/// The name of this machine.
pub fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    name.replace(['/', '@'], "_")
}

/// Which start of the machine this is, by an id that no other start of any machine has; empty where the system does not tell.
pub fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// Which set of processes this one can see, such as `pid:[4026531836]`: containers count theirs for themselves. Empty where the
/// system has but one.
pub fn pid_namespace() -> String {
    let link = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    link.to_string_lossy().into_owned()
}

/// This process, as names of its half-written files say it: number, among which processes of which start of which machine.
fn writer() -> String {
    format!("{}{}", std::process::id(), neighbourhood())
}

/// Among whom numbers of processes can be compared: machines of one name and containers of one machine have each their own.
fn neighbourhood() -> String {
    let namespace: String = pid_namespace().chars().filter(char::is_ascii_digit).collect();
    let boot: String = boot().chars().filter(|letter| *letter != '-').take(12).collect();
    format!(".{namespace}.{boot}@{}", host_name())
}

/// Removes what killed processes left half written in a folder and in those below it, `depth` deep, and says how much it was.
pub fn remove_leftovers(folder: &Path, depth: usize) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let mut removed = 0;
    for entry in entries.flatten() {
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let name = entry.file_name().to_string_lossy().into_owned();
        match name.strip_prefix(WRITING_NAME) {
            Some(writer) if is_left_behind(writer, folder, &entry) => {
                let gone = if is_folder {
                    std::fs::remove_dir_all(&path)
                } else {
                    std::fs::remove_file(&path)
                };
                removed += usize::from(gone.is_ok());
            }
            Some(_) => {}
            None if is_folder && depth > 0 => removed += remove_leftovers(&path, depth - 1),
            None => {}
        }
    }
    removed
}

/// Whether nobody goes on writing: the process is gone, or cannot be asked for here (it is of another machine, of another start
/// of this one, or of another container) and has not written for long, by the clock of the disk.
fn is_left_behind(writer: &str, folder: &Path, entry: &std::fs::DirEntry) -> bool {
    let digits = writer.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(writer.len());
    let (pid, rest) = writer.split_at(digits);
    if rest.strip_prefix(&*neighbourhood()).is_some_and(|end| end.starts_with('-')) {
        return !Path::new("/proc").join(pid).exists();
    }
    let modified = entry.metadata().and_then(|data| data.modified());
    let now = time_of_disk(folder).unwrap_or_else(|_| SystemTime::now());
    modified.is_ok_and(|then| now.duration_since(then).is_ok_and(|age| age > LEFT_BEHIND))
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

    #[test]
    fn a_folder_that_cannot_get_its_name_leaves_nothing_and_no_other_is_lost() {
        let around = tempfile::tempdir().unwrap();
        let path = around.path().join("data");
        // Another writer is faster.
        let made = make_folder(&path, false, |new| {
            std::fs::write(new.join("mine"), b"")?;
            std::fs::create_dir(&path)?;
            std::fs::write(path.join("theirs"), b"")
        });
        assert!(made.is_err());
        let names = |folder: &Path| {
            let entries = std::fs::read_dir(folder).unwrap();
            entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (names(around.path()), names(&path)),
            (vec!["data".into()], vec!["theirs".into()])
        );
        make_folder(&path, true, |new| std::fs::write(new.join("mine"), b"")).unwrap();
        assert_eq!(
            (names(around.path()), names(&path)),
            (vec!["data".into()], vec!["mine".into()])
        );
    }
}
