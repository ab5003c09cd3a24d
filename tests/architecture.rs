use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and all it may import. `cli` joins everything and is left out.
const MAY_IMPORT: [(&str, &[&str]); 21] = [
    ("file", &[]),
    ("derived", &["file"]),
    ("decompositions", &[]),
    ("images", &["file"]),
    ("config", &["file", "images"]),
    ("data", &["file", "images", "config"]),
    ("task", &["derived", "decompositions", "images", "config", "data"]),
    ("theory", &["decompositions", "config", "task"]),
    ("model", &["config", "task"]),
    ("train", &["file", "derived", "config", "task", "model"]),
    ("metrics", &[]),
    ("record", &["file", "config", "metrics"]),
    ("probes", &["config", "task", "theory", "model", "train", "metrics", "record"]),
    (
        "sweep",
        &[
            "file", "derived", "config", "data", "task", "theory", "model", "train", "metrics",
            "record", "probes",
        ],
    ),
    ("slurm", &["file", "config", "record", "sweep"]),
    ("export", &["file", "config", "task", "model", "metrics", "record"]),
    ("claim", &["config", "metrics", "record"]),
    ("plot", &["config", "metrics", "record", "export"]),
    ("human", &["file", "config", "data", "task", "metrics", "record", "plot"]),
    ("studies", &["config", "theory", "metrics", "record", "claim", "plot", "human"]),
    ("report", &["config", "metrics", "record", "claim", "studies"]),
];

/// Modules that never see a tensor.
const WITHOUT_TENSORS: [&str; 14] = [
    "file", "derived", "images", "config", "data", "task", "metrics", "record", "export", "human",
    "claim", "plot", "studies", "report",
];

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

/// A file of the library as a module path without `crate`: `["data", "sets", "idx"]`.
type Module = Vec<String>;

/// The library's files: what each says in code, and what it hands on from others.
struct Sources {
    files: BTreeMap<Module, File>,
}

struct File {
    name: String,
    /// Paths that its code uses, as written.
    uses: Vec<String>,
    /// Names that it hands on with `pub use`, and where from.
    handed_on: BTreeMap<String, String>,
}

/// Code without comments, texts, unit tests and declarations of modules.
fn bare(text: &str) -> String {
    let text = text.split("\nmod tests {").next().unwrap_or_default();
    let mut code = String::new();
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '/' if rest.peek() == Some(&'/') => {
                rest.by_ref().find(|&c| c == '\n');
                code.push('\n');
            }
            '"' => {
                let mut is_escaped = false;
                rest.by_ref().find(|&c| {
                    let ends = c == '"' && !is_escaped;
                    is_escaped = c == '\\' && !is_escaped;
                    ends
                });
            }
            // The character of a quotation mark begins no text.
            '\'' if rest.peek() == Some(&'"') => {
                rest.next();
            }
            other => code.push(other),
        }
    }
    let is_declaration = |line: &&str| {
        let line = line.trim_start_matches("pub ").trim_start();
        !(line.starts_with("mod ") && line.ends_with(';'))
    };
    code.lines().filter(is_declaration).collect::<Vec<_>>().join("\n")
}

/// `a::{b, c::{d, self}}` as `a::b`, `a::c::d`, `a::c`.
fn expanded(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((before, inside)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().replace(char::is_whitespace, "");
        return if path.is_empty() { Vec::new() } else { vec![path] };
    };
    let inside = inside.trim_end().strip_suffix('}').unwrap_or(inside);
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for character in inside.chars() {
        depth += i32::from(character == '{') - i32::from(character == '}');
        match (character, parts.last_mut()) {
            (',', _) if depth == 0 => parts.push(String::new()),
            (other, Some(part)) => part.push(other),
            (_, None) => {}
        }
    }
    let before = before.replace(char::is_whitespace, "");
    let joined = |path: String| match path.as_str() {
        "self" => before.trim_end_matches("::").to_owned(),
        path => format!("{before}{path}"),
    };
    parts.iter().flat_map(|part| expanded(part)).map(joined).collect()
}

/// Every `a::b::c` of some code, and every single name.
fn paths(code: &str) -> Vec<String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = code.split(|c: char| !is_part(c)).map(|word| word.trim_matches(':'));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

impl File {
    fn read(name: &str, text: &str) -> Self {
        let (mut uses, mut handed_on) = (Vec::new(), BTreeMap::new());
        let mut code = String::new();
        for statement in bare(text).split_inclusive(';') {
            let after = |word: &str| {
                let at = statement.find(&format!("{word} "))?;
                let is_word = statement[..at].chars().next_back().is_none_or(char::is_whitespace);
                is_word.then(|| statement[at + word.len()..].trim_end_matches(';'))
            };
            match (after("pub use").or_else(|| after("pub(crate) use")), after("use")) {
                (Some(tree), _) => {
                    code.push_str(statement.split("pub").next().unwrap_or_default());
                    for path in expanded(tree) {
                        let name = path.rsplit("::").next().unwrap_or_default().to_owned();
                        handed_on.insert(name, path);
                    }
                }
                (None, Some(tree)) => {
                    // What stands before it in the same piece is code.
                    code.push_str(statement.split("use ").next().unwrap_or_default());
                    uses.extend(expanded(tree));
                }
                (None, None) => code.push_str(statement),
            }
        }
        // What it hands on and uses itself, it imports.
        let words: BTreeSet<String> = paths(&code).into_iter().collect();
        let own = handed_on.iter().filter(|(name, _)| words.contains(*name));
        uses.extend(own.map(|(_, path)| path.clone()));
        uses.extend(words.into_iter().filter(|word| word.contains("::")));
        File { name: name.to_owned(), uses, handed_on }
    }
}

impl Sources {
    fn read(texts: &[(&str, &str)]) -> Self {
        let of = |(name, text): &(&str, &str)| {
            let mut module: Module =
                name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            module.pop_if(|last| last == "mod" || last == "lib");
            (module, File::read(name, text))
        };
        Sources { files: texts.iter().map(of).collect() }
    }

    /// The file that a path leads to from a module; through `pub use` to where a name is at home.
    fn resolve(&self, from: &Module, path: &str, depth: usize) -> Option<&Module> {
        let mut parts = path.split("::").peekable();
        let mut place = from.clone();
        match parts.peek() {
            Some(&"crate") => {
                parts.next();
                place.clear();
            }
            Some(&"self") => {
                parts.next();
            }
            Some(&"super") => {
                while parts.next_if_eq(&"super").is_some() {
                    place.pop();
                }
            }
            Some(first) => {
                place.push((*first).to_owned());
                if !self.files.contains_key(&place) {
                    return None;
                }
                place.pop();
            }
            None => return None,
        }
        while let Some(part) = parts.peek() {
            place.push((*part).to_owned());
            if !self.files.contains_key(&place) {
                place.pop();
                break;
            }
            parts.next();
        }
        let (module, file) = self.files.get_key_value(&place)?;
        let elsewhere = parts.peek().and_then(|name| file.handed_on.get(*name));
        match elsewhere {
            Some(path) if depth < 8 => self.resolve(module, path, depth + 1).or(Some(module)),
            _ => Some(module),
        }
    }

    /// Pairs of files that import each other.
    fn circles(&self) -> Vec<(String, String)> {
        let mut imported: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (module, file) in &self.files {
            let found = file.uses.iter().filter_map(|path| self.resolve(module, path, 0));
            let rooms = found.map(|other| room(&self.files[other].name));
            let rooms = rooms.filter(|other| *other != room(&file.name));
            imported.entry(room(&file.name)).or_default().extend(rooms);
        }
        let imports = |one: &str, other: &str| imported[one].contains(other);
        let pairs =
            imported.keys().flat_map(|one| imported.keys().map(move |other| (*one, *other)));
        pairs
            .filter(|(one, other)| one < other && imports(one, other) && imports(other, one))
            .map(|(one, other)| (one.to_owned(), other.to_owned()))
            .collect()
    }
}

/// A study's room counts as one file: its page shows its analysis, and its study names its page.
fn room(name: &str) -> &str {
    match name.strip_prefix("studies/").and_then(|rest| rest.split_once('/')) {
        Some((stem, _)) => &name[..="studies/".len() + stem.len() - 1],
        None => name,
    }
}

#[test]
fn no_two_files_import_each_other() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders = fs::read_dir(&source).unwrap().map(|entry| entry.unwrap().path());
    let mut texts: Vec<(String, String)> = Vec::new();
    for path in folders.filter(|path| !path.ends_with("main.rs")) {
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let files = if path.ends_with("lib.rs") { vec![path] } else { files_of(&module) };
        for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "rs")) {
            let name = file.strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
            texts.push((name, fs::read_to_string(file).unwrap()));
        }
    }
    let texts: Vec<(&str, &str)> =
        texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let circles = Sources::read(&texts).circles();
    assert!(circles.is_empty(), "files that import each other: {circles:#?}");
}

#[test]
fn a_circle_of_two_files_would_be_noticed() {
    let empty = [("a/mod.rs", "")];
    let circles = |texts: &[(&str, &str)]| Sources::read(&[&empty, texts].concat()).circles();
    let pair = |one: &str, other: &str| vec![(one.to_owned(), other.to_owned())];
    let store = ("a/store.rs", "pub struct Store; // see super::reader::Reader");
    let reader = ("a/reader.rs", "use super::store::Store;\npub struct Reader(Store);");
    assert_eq!(circles(&[store, reader]), []);
    let store = ("a/store.rs", "use crate::{b, a::reader::{self, Reader}};\npub struct Store;");
    assert_eq!(circles(&[store, reader]), pair("a/reader.rs", "a/store.rs"));
    // By a path in the midst of code.
    let store = ("a/store.rs", "pub fn read() { super::reader::Reader::new() }");
    assert_eq!(circles(&[store, reader]), pair("a/reader.rs", "a/store.rs"));
    // A map hands names on without using them.
    let map =
        ("a/mod.rs", "mod reader;\nmod store;\npub use reader::Reader;\npub use store::Store;");
    let reader = ("a/reader.rs", "use crate::a::Store;\npub struct Reader(Store);");
    let store = ("a/store.rs", "pub struct Store;");
    assert_eq!(circles(&[map, reader, store]), []);
    let map = (map.0, "mod reader;\npub struct Store;\nfn read() { reader::Reader::new(); }");
    assert_eq!(circles(&[map, reader]), pair("a/mod.rs", "a/reader.rs"));
    // And a name that is handed on leads to where it is at home.
    let map = (map.0, "pub use reader::Reader;\npub use store::Store;");
    let store = ("a/store.rs", "use super::Reader;\npub struct Store;");
    assert_eq!(circles(&[map, reader, store]), pair("a/reader.rs", "a/store.rs"));
}
