//! Where people keep the files of a data set, and under which names: torchvision's layout first, then what archives,
//! browsers and other programs make of it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Most names of a folder that a message lists.
const MOST_NAMES: usize = 12;

/// A folder in which files of a form may lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The folder.
    pub path: PathBuf,
    /// Whether its name tells which data set it holds.
    pub is_named: bool,
}

/// Folders below `root` that `names` may mean, in their order: `""` is `root` itself. Letter case, hyphens, underscores,
/// dots and blanks do not matter; the name as it stands comes first, then other spellings by name.
pub fn places(root: &Path, names: &[&str]) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for name in names {
        let mut paths = vec![root.to_path_buf()];
        for part in name.split('/').filter(|part| !part.is_empty()) {
            paths = paths.iter().flat_map(|path| subfolders(path, part)).collect();
        }
        let is_named = !matches!(*name, "" | "raw");
        places.extend(paths.into_iter().map(|path| Place { path, is_named }));
    }
    places
}

/// Folders in `folder` that are called `name`.
fn subfolders(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = entries(folder)
        .into_iter()
        .filter(|(entry, path)| folded(entry) == folded(name) && path.is_dir())
        .map(|(_, path)| path)
        .collect();
    found.sort_by_key(|path| (!path.ends_with(name), path.clone()));
    found
}

fn folded(name: &str) -> String {
    let letters = name.chars().filter(|letter| !matches!(letter, '-' | '_' | '.' | ' '));
    letters.flat_map(char::to_lowercase).collect()
}

/// Names in `folder`, with their paths; none if it cannot be read.
pub fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect()
}

/// What lies in `folder`, for a message: some names, and how many more there are.
pub fn contents(folder: &Path) -> String {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return "does not exist".to_owned(),
        Err(error) => return format!("cannot be read ({error})"),
        Ok(_) => {}
    }
    let mut names: Vec<String> = entries(folder)
        .into_iter()
        .map(|(name, path)| {
            let short: String = name.escape_debug().take(60).collect();
            if path.is_dir() { short + "/" } else { short }
        })
        .collect();
    names.sort();
    let more = names.len().saturating_sub(MOST_NAMES);
    names.truncate(MOST_NAMES);
    match (names.is_empty(), more) {
        (true, _) => "is empty".to_owned(),
        (false, 0) => format!("holds {}", names.join(", ")),
        (false, more) => format!("holds {} and {more} more", names.join(", ")),
    }
}

/// What to do with a file in `folder` that may hold the images, but in a form that is not read.
pub fn advice(folder: &Path) -> Option<String> {
    const PACKED: [&str; 4] = [".zip", ".7z", ".rar", ".tar.xz"];
    const OTHER_FORMS: [&str; 7] = [".npz", ".npy", ".csv", ".parquet", ".mat", ".pkl.gz", ".h5"];
    let mut names: Vec<String> = entries(folder).into_iter().map(|(name, _)| name).collect();
    names.sort();
    let ends = |name: &str, ends: &[&str]| {
        let name = name.to_lowercase();
        ends.iter().any(|end| name.ends_with(end))
    };
    let shown = |name: &String| name.escape_debug().take(60).collect::<String>();
    let packed = names.iter().find(|name| ends(name, &PACKED));
    let other = names.iter().find(|name| ends(name, &OTHER_FORMS));
    packed
        .map(|name| format!("unpack {} first", shown(name)))
        .or_else(|| other.map(|name| format!("{} is in a form that is not read", shown(name))))
}
