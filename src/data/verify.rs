//! Whether files are the published ones.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use super::find::{find, find_in_part};
use super::form::{Files, Form, KnownFile};
use super::places::Place;
use super::sets::{forms, known_file, published_as};
use crate::config::Inputs;

/// One file compared with its published checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileCheck {
    /// Where the file is, or should be.
    pub path: PathBuf,
    /// Size on disk; `null` if there is no such file.
    pub bytes: Option<u64>,
    /// `sha256`, `sha1` or `md5`.
    pub algorithm: &'static str,
    /// Published checksum of the unpacked contents.
    pub expected: &'static str,
    /// The file's own; `null` if it cannot be read.
    pub found: Option<String>,
    /// Whether both agree.
    pub ok: bool,
    /// Another data set that was published with this very file; else `null`.
    pub published_as: Option<&'static str>,
}

/// Compares every file of the form that `load` would read with its published checksum; if no form is complete, of the one that
/// lacks the fewest files, and if there are none at all, those that `fetch` would bring. Empty for inputs without files.
///
/// # Errors
///
/// None at present: a file that cannot be read is one that is not `ok`.
pub fn verify(inputs: Inputs, folder: &Path) -> Result<Vec<FileCheck>> {
    let files = find(inputs, folder).ok().or_else(|| find_in_part(inputs, folder));
    Ok(files.map_or_else(|| verify_in_place(inputs, folder), |files| check_all(&files)))
}

/// The same of the files that `fetch` would bring, where it would put them.
pub fn verify_in_place(inputs: Inputs, folder: &Path) -> Vec<FileCheck> {
    let in_place = |form: &'static Form| {
        let place = Place { path: folder.join(form.folder()), is_named: true };
        check_all(&Files::in_place(form, place))
    };
    forms(inputs).first().map(in_place).unwrap_or_default()
}

fn check_all(files: &Files) -> Vec<FileCheck> {
    files.form.files.iter().map(|file| check(files, file)).collect()
}

fn check(files: &Files, file: &KnownFile) -> FileCheck {
    let lacking = || files.place.path.join(file.name);
    let path = files.path(file.name).map_or_else(lacking, Path::to_path_buf);
    let contents = files.form.read(&path).ok();
    let found = contents.as_ref().map(|bytes| file.checksum.of(bytes));
    let mut check = FileCheck {
        bytes: std::fs::metadata(&path).ok().map(|metadata| metadata.len()),
        path,
        algorithm: file.checksum.algorithm(),
        expected: file.checksum.expected(),
        ok: found.as_deref() == Some(file.checksum.expected()),
        published_as: None,
        found,
    };
    if !check.ok {
        let owner = check.found.as_ref().and_then(|found| published_as(file.name, found));
        check.published_as = owner.map(Inputs::name);
    }
    if let (false, Some(bytes)) = (check.ok, contents) {
        check.ok = is_written_anew(files, file.name, &bytes, &mut check);
    }
    check
}

/// Whether a file holds the published images though another program has written it: then, rewritten in the first form, it has
/// the published checksum of that, which `check` is given.
fn is_written_anew(files: &Files, name: &str, bytes: &[u8], check: &mut FileCheck) -> bool {
    let rewrite = files.form.rewritten.as_ref().and_then(|rewritten| rewritten.one);
    let Some(Ok((name, bytes))) = rewrite.map(|rewrite| rewrite(name, bytes)) else { return false };
    let Some(known) = known_file(&name) else { return false };
    let found = known.checksum.of(&bytes);
    let is_it = found == known.checksum.expected();
    if is_it {
        (check.algorithm, check.expected) = (known.checksum.algorithm(), known.checksum.expected());
        check.found = Some(found);
    }
    is_it
}
