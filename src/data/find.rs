//! Where the files of a data set lie.

use std::path::Path;

use anyhow::{Result, bail};

use super::files;
use super::form::Files;
use super::places;
use super::sets::{forms, published_as};
use crate::config::Inputs;

/// Finds the files that `load` reads: of the first form, in the first place, where none is lacking. In a folder whose
/// name tells no data set, those with the published labels of another one are that other's.
///
/// # Errors
///
/// Names what is lacking, where it was looked for, and what is there.
pub fn find(inputs: Inputs, root: &Path) -> Result<Files> {
    let forms = forms(inputs);
    let mut all: Vec<Files> = forms.iter().flat_map(|form| form.everywhere(root, &[])).collect();
    let is_ours = |files: &Files| {
        files.lacking().is_empty() && (files.place.is_named || owner(files, inputs).is_none())
    };
    match all.iter().position(is_ours) {
        Some(index) => Ok(all.swap_remove(index)),
        None => bail!("{}", not_found(inputs, root, &all)),
    }
}

/// The files of which the fewest are lacking, if not all are.
pub fn find_in_part(inputs: Inputs, root: &Path) -> Option<Files> {
    let all = forms(inputs).iter().flat_map(|form| form.everywhere(root, &[]));
    let some = all.filter(|files| {
        files.lacking().len() < files.form.files.len()
            && (files.place.is_named || owner(files, inputs).is_none())
    });
    some.min_by_key(|files| files.lacking().len())
}

/// The data set other than `inputs` whose published labels lie among `files`. Labels are small: they tell quickly.
fn owner(files: &Files, inputs: Inputs) -> Option<Inputs> {
    let labels = files.form.files.iter().filter(|file| file.name.contains("labels"));
    let owners = labels.filter_map(|file| {
        let bytes = files.form.read(files.path(file.name)?).ok()?;
        published_as(file.name, &files::sha256(&bytes))
    });
    owners.into_iter().find(|owner| *owner != inputs)
}

/// What was found in place of a data set.
fn not_found(inputs: Inputs, root: &Path, all: &[Files]) -> String {
    let mut parts = Vec::new();
    for files in all {
        let (place, lacking) = (within(root, &files.place.path), files.lacking());
        if lacking.is_empty() {
            let owner = owner(files, inputs).map_or("another set", Inputs::name);
            parts.push(format!("the files in {place} are those of {owner}"));
        } else if lacking.len() < files.form.files.len() {
            parts.push(format!("there is {place} without {}", lacking.join(", ")));
        }
    }
    if parts.is_empty() {
        parts.push("there are no files of it".to_owned());
    }
    let names = forms(inputs).iter().flat_map(|form| form.folders).filter(|name| !name.is_empty());
    let mut names: Vec<&str> = names.copied().collect();
    names.sort_unstable();
    names.dedup();
    parts.push(format!("looked in {} and the folder itself, in any letter case", names.join(", ")));
    let mut seen = vec![root];
    seen.extend(all.iter().map(|files| files.place.path.as_path()));
    seen.dedup();
    parts.extend(
        seen.iter()
            .enumerate()
            .filter(|(at, path)| !seen[..*at].contains(path))
            .map(|(_, path)| format!("{} {}", within(root, path), places::contents(path))),
    );
    parts.extend(places::advice(root));
    parts.join("; ")
}

/// `path` as seen from the data folder.
fn within(root: &Path, path: &Path) -> String {
    match path.strip_prefix(root) {
        Ok(rest) if !rest.as_os_str().is_empty() => rest.display().to_string(),
        Ok(_) | Err(_) => "the folder itself".to_owned(),
    }
}
