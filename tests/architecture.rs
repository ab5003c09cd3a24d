use std::fs;
use std::path::{Path, PathBuf};

/// Each module and all it may import. `cli` joins everything and is left out.
const MAY_IMPORT: [(&str, &[&str]); 14] = [
    ("file", &[]),
    ("config", &[]),
    ("data", &["file", "config"]),
    ("task", &["config", "data"]),
    ("theory", &["config", "task"]),
    ("model", &["config", "task"]),
    ("train", &["file", "config", "task", "model"]),
    ("metrics", &[]),
    ("record", &["file", "config", "metrics"]),
    ("probes", &["config", "task", "theory", "model", "train", "metrics", "record"]),
    (
        "sweep",
        &["config", "data", "task", "theory", "model", "train", "metrics", "record", "probes"],
    ),
    ("claim", &["config", "metrics", "record"]),
    ("plot", &["config", "metrics", "record"]),
    ("studies", &["config", "theory", "metrics", "record", "claim", "plot"]),
];

/// Modules that never see a tensor; `theory` does, for its decompositions alone.
const WITHOUT_TENSORS: [&str; 9] =
    ["file", "config", "data", "task", "metrics", "record", "claim", "plot", "studies"];

fn files_of(module: &str) -> Vec<PathBuf> {
    fn below(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { below(&path, files) } else { files.push(path) }
        }
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let single = source.join(format!("{module}.rs"));
    let mut files = Vec::new();
    if source.join(module).is_dir() {
        below(&source.join(module), &mut files);
    }
    if single.exists() {
        files.push(single);
    }
    assert!(!files.is_empty(), "there is no module `{module}`");
    files
}

/// Names of modules that a source text imports or mentions by path.
fn imports(source: &str) -> Vec<String> {
    source
        .split("crate::")
        .skip(1)
        .map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

#[test]
fn data_flows_one_way() {
    for (module, allowed) in MAY_IMPORT {
        for path in files_of(module) {
            for name in imports(&fs::read_to_string(&path).unwrap()) {
                assert!(
                    name == module || allowed.contains(&name.as_str()),
                    "`{module}` imports `{name}` ({}), but may import only {allowed:?}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn tensors_stop_at_the_door() {
    for module in WITHOUT_TENSORS {
        for path in files_of(module) {
            let source = fs::read_to_string(&path).unwrap();
            assert!(
                !source.contains(" tch::") && !source.contains("(tch::"),
                "`{module}` sees tensors ({})",
                path.display()
            );
        }
    }
}

/// Stems stand in the rooms of their studies, and nowhere else.
#[test]
fn nothing_outside_of_studies_knows_a_stem() {
    for (module, _) in
        MAY_IMPORT.iter().chain(&[("cli", &[][..])]).filter(|(name, _)| *name != "studies")
    {
        for path in files_of(module) {
            let source = fs::read_to_string(&path).unwrap();
            let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                for stem in ocs::studies::stems() {
                    assert!(!line.contains(stem), "{} knows {stem}: {line}", path.display());
                }
            }
        }
    }
}

#[test]
fn the_check_would_notice_a_forbidden_import() {
    assert_eq!(
        imports("use crate::theory::Mode;\nlet x = crate::plot::draw();"),
        ["theory", "plot"]
    );
}
