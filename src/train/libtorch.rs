//! Which libtorch does this process compute with? The one that it was built for, or it says so before anything is
//! computed: another version's functions have the same names and other arguments, and end in nonsense or a crash.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::version_header::version_of;

/// The version that this program was built for.
pub const BUILT_FOR: &str = env!("OCS_LIBTORCH");

/// The folder of libraries that this program was linked with.
pub const BUILT_WITH: &str = env!("OCS_LIBTORCH_FOLDER");

/// Libraries that are compared, each with its size in bytes when this program was linked: no two builds share it, and a
/// copy elsewhere has it too.
const LIBRARIES: [(&str, &str); 2] = [
    ("libtorch_cpu.so", env!("OCS_LIBTORCH_CPU_SIZE")),
    ("libc10.so", env!("OCS_LIBTORCH_C10_SIZE")),
];

/// A library of libtorch in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// Where it was loaded from.
    pub file: PathBuf,
    /// Its version; `None` if it is not the file that was linked and no headers beside it tell.
    pub version: Option<String>,
}

/// What is loaded of libtorch, `libtorch_cpu.so` first. Empty where the system does not tell (it does on Linux).
pub fn loaded() -> Vec<Library> {
    std::fs::read_to_string("/proc/self/maps").map_or_else(|_| Vec::new(), |maps| libraries(&maps))
}

fn libraries(maps: &str) -> Vec<Library> {
    let file_of = |name: &str| {
        let line = maps.lines().find(|line| line.ends_with(&format!("/{name}")))?;
        line.find('/').map(|start| PathBuf::from(&line[start..]))
    };
    LIBRARIES
        .iter()
        .filter_map(|(name, size)| {
            let file = file_of(name)?;
            let version = version_of_library(&file, size);
            Some(Library { file, version })
        })
        .collect()
}

/// What was linked is known; of others the headers beside them tell.
fn version_of_library(file: &Path, linked_size: &str) -> Option<String> {
    let size = std::fs::metadata(file).map(|found| found.len().to_string());
    if size.is_ok_and(|size| size == linked_size) {
        return Some(BUILT_FOR.to_owned());
    }
    version_of(&file.parent()?.parent()?.join("include"))
}

/// The loaded library that is not of the version that this program was built for, or else the first one.
pub fn other_or_first() -> Option<Library> {
    let loaded = loaded();
    other(&loaded).or(loaded.first()).cloned()
}

fn other(loaded: &[Library]) -> Option<&Library> {
    loaded.iter().find(|library| library.version.as_deref() != Some(BUILT_FOR))
}

/// Refuses to go on with another libtorch than this program was built for.
///
/// # Errors
///
/// If one is loaded, with both versions and how to get rid of it.
pub fn ensure_built_for() -> Result<()> {
    refuse_others(&loaded())
}

fn refuse_others(loaded: &[Library]) -> Result<()> {
    let Some(other) = other(loaded) else { return Ok(()) };
    let culprit = ["LD_PRELOAD", "LD_LIBRARY_PATH"]
        .into_iter()
        .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    bail!(
        "this program was built for libtorch {BUILT_FOR}, but {} is loaded from {}: {}",
        other.version.as_deref().unwrap_or("an unknown version"),
        other.file.display(),
        match culprit {
            Some(name) => format!("unset {name}"),
            None => "run `make build`, which builds it anew".to_owned(),
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(version: &str) -> tempfile::TempDir {
        let folder = tempfile::Builder::new().prefix("other torch").tempdir().unwrap();
        let include = folder.path().join("include/torch/csrc/api/include/torch");
        std::fs::create_dir_all(&include).unwrap();
        std::fs::create_dir(folder.path().join("lib")).unwrap();
        std::fs::write(folder.path().join("lib/libtorch_cpu.so"), "other").unwrap();
        let parts: Vec<&str> = version.split('.').collect();
        let header = ["MAJOR", "MINOR", "PATCH"].iter().zip(parts);
        let header: String = header
            .map(|(name, number)| format!("#define TORCH_VERSION_{name} {number}\n"))
            .collect();
        std::fs::write(include.join("version.h"), header).unwrap();
        folder
    }

    fn maps(library: &Path) -> String {
        format!(
            "7f0000000000-7f0000001000 r-xp 00000000 fe:00 1  /usr/lib/libm.so.6\n\
             7f0000001000-7f0000002000 r--p 00000000 fe:00 2  {}\n",
            library.display()
        )
    }

    #[test]
    fn another_version_is_refused_with_both_numbers_and_its_file() {
        let other = tree("2.11.0");
        let found = libraries(&maps(&other.path().join("lib/libtorch_cpu.so")));
        assert_eq!(found[0].version.as_deref(), Some("2.11.0"));
        let error = refuse_others(&found).unwrap_err().to_string();
        for part in [BUILT_FOR, "2.11.0", &found[0].file.display().to_string()] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn another_build_of_the_same_version_is_as_good() {
        let same = tree(BUILT_FOR);
        let found = libraries(&maps(&same.path().join("lib/libtorch_cpu.so")));
        assert!(refuse_others(&found).is_ok());
    }

    #[test]
    fn a_library_of_which_nothing_is_known_is_refused() {
        let other = tree("2.11.0");
        std::fs::remove_dir_all(other.path().join("include")).unwrap();
        let found = libraries(&maps(&other.path().join("lib/libtorch_cpu.so")));
        assert!(refuse_others(&found).unwrap_err().to_string().contains("an unknown version"));
    }

    #[test]
    fn this_process_has_what_it_was_built_for() {
        let found = loaded();
        assert_eq!(found.len(), LIBRARIES.len());
        assert!(found[0].file.starts_with(BUILT_WITH), "{found:?}");
        ensure_built_for().unwrap();
    }
}
