//! Single files of npm packages, such as programs that a page carries.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;

use super::packages::npm_pack;
use crate::data::files::sha256;
use crate::file;

/// A file of a published npm package.
#[derive(Debug, Clone, Copy)]
pub struct NpmFile {
    /// The package and its version, `NAME@VERSION`.
    pub package: &'static str,
    /// Where the file lies in the package.
    pub path: &'static str,
    /// What it is called here.
    pub name: &'static str,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: &'static str,
}

/// More than any such file has.
const MOST_BYTES: u64 = 1 << 24;

impl NpmFile {
    fn place(&self, folder: &Path) -> PathBuf {
        folder.join(self.name)
    }

    fn is_right(&self, bytes: &[u8]) -> bool {
        sha256(bytes) == self.sha256
    }

    fn in_folder(&self, folder: &Path) -> Option<Vec<u8>> {
        std::fs::read(self.place(folder)).ok().filter(|bytes| self.is_right(bytes))
    }
}

/// The contents of files, in their order: those in `folder` that have their checksums, others from the registry, into `folder`.
///
/// # Errors
///
/// If npm is not on PATH or fails, a package lacks a file, or a file is another than was published; says where to put it by hand.
pub fn npm_files(files: &[NpmFile], folder: &Path) -> Result<Vec<Vec<u8>>> {
    files.iter().map(|file| one(file, files, folder)).collect()
}

fn one(wanted: &NpmFile, files: &[NpmFile], folder: &Path) -> Result<Vec<u8>> {
    if let Some(bytes) = wanted.in_folder(folder) {
        return Ok(bytes);
    }
    let remedy = || {
        format!(
            "cannot bring {} ({} of the npm package {}); where there is no network, put it there by hand",
            wanted.place(folder).display(),
            wanted.path,
            wanted.package
        )
    };
    bring(wanted.package, files, folder).with_context(remedy)?;
    wanted.in_folder(folder).with_context(remedy)
}

/// Unpacks what is wanted of a package.
fn bring(package: &str, files: &[NpmFile], folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let beside = tempfile::tempdir_in(folder)?;
    npm_pack(package, beside.path())?;
    let packed = std::fs::read_dir(beside.path())?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .context("npm packed nothing")?;
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(packed)?));
    for member in archive.entries()? {
        let mut member = member?;
        let path = member.path()?.into_owned();
        let of_package = files.iter().filter(|file| file.package == package);
        for file in of_package.filter(|file| path == Path::new("package").join(file.path)) {
            ensure!(member.size() <= MOST_BYTES, "{} has {} bytes", file.path, member.size());
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes)?;
            if !file.is_right(&bytes) {
                bail!("{} of {package} is not the published file", file.path);
            }
            file::replace(&file.place(folder), &bytes)?;
        }
    }
    Ok(())
}
