//! From a data folder to images in memory.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::dataset::Dataset;
use super::entry::Maker;
use super::find::find;
use super::own;
use super::sets::{entry, forms};
use crate::config::Inputs;
use crate::file;

/// Where data sets are kept: `$OCS_DATA` (a leading `~` is the home folder), else `ocs/data` in the user's cache folder
/// (`$XDG_CACHE_HOME`, `~/.cache`).
pub fn default_folder() -> PathBuf {
    match std::env::var_os("OCS_DATA").filter(|folder| !folder.is_empty()) {
        Some(folder) => file::with_home(Path::new(&folder)),
        None => dirs::cache_dir().unwrap_or_else(|| PathBuf::from(".cache")).join("ocs/data"),
    }
}

/// Reads a data set from `folder`, laid out as by torchvision; glyphs are drawn and need no files, images of one's own lie at
/// their own path.
///
/// # Errors
///
/// If `inputs` are no images, files are missing or malformed, parts disagree in shape, or a class is not one of the data
/// set's. Names the file and `ocs data fetch`.
pub fn load(inputs: Inputs, folder: &Path) -> Result<Dataset> {
    let name = inputs.name();
    if let Some(images) = inputs.own() {
        return own::load(inputs, images);
    }
    let Some(entry) = entry(inputs) else {
        bail!("inputs '{name}' are not images: there is no data set to read")
    };
    let dataset = match entry.maker {
        Maker::Draws(draw) => draw(),
        Maker::Reads(read) => find(inputs, folder).and_then(|files| read(inputs, &files)),
    };
    dataset.and_then(|dataset| dataset.check().map(|()| dataset)).with_context(|| {
        format!("cannot load {name} from {} (to repair: `ocs data fetch {name}`)", folder.display())
    })
}

/// Whether `load` would find files of every name that it needs; their contents are not looked at.
pub fn is_present(inputs: Inputs, folder: &Path) -> bool {
    forms(inputs).is_empty() || find(inputs, folder).is_ok()
}
