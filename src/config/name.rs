//! Names that become folders, and labels that do not.

use anyhow::{Result, ensure};

/// A folder's name of this length is short enough for every file system, with what is written beside it.
pub(super) const LONGEST_NAME: usize = 100;
/// A longer label would fill a figure.
const LONGEST_LABEL: usize = 200;

/// Names in a run's folder that are taken by its own files.
const TAKEN: [&str; 1] = ["config.yaml"];

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty()
        && !name.starts_with('.')
        && name.len() <= LONGEST_NAME
        && name.chars().all(allowed)
}

/// A name that is a folder's on every system.
///
/// # Errors
///
/// Names the key, and the nearest name that would do.
pub fn ensure_name(key: &str, name: &str) -> Result<()> {
    let instead = match name_from_stem(name) {
        Some(valid) => format!(": write {valid}"),
        None => String::new(),
    };
    ensure!(
        is_name(name),
        "{key} names a folder: use at most {LONGEST_NAME} letters, digits, '-', '_' and '.', not '{}'{instead}",
        shortened(name)
    );
    Ok(())
}

/// A condition's name is a folder beside the run's own files; what figures call it may be another.
pub(super) fn ensure_condition_name(key: &str, name: &str) -> Result<()> {
    let label = if name.contains(' ') { ", and keep yours as its label" } else { "" };
    ensure_name(key, name).map_err(|error| anyhow::anyhow!("{error}{label}"))?;
    ensure!(
        !TAKEN.contains(&name),
        "{key} is '{name}', which a run's own file is called: rename it"
    );
    Ok(())
}

/// A label is one line of a figure.
pub(super) fn ensure_label(label: &str) -> Result<()> {
    ensure!(!label.trim().is_empty(), "label is empty: leave it out for the condition's name");
    ensure!(
        !label.chars().any(char::is_control) && label.chars().count() <= LONGEST_LABEL,
        "label must be one line of at most {LONGEST_LABEL} characters, not '{}'",
        shortened(label)
    );
    Ok(())
}

/// The beginning of what may be long.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut shown: String =
        text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

/// The valid name nearest to a file's stem: `Größe & Breite` becomes `Grosse-Breite`, ASCII with "-" for all else.
/// `None` if nothing of it is left.
pub fn name_from_stem(stem: &str) -> Option<String> {
    let mut name = String::new();
    for character in deunicode::deunicode_with_tofu(stem, "-").chars() {
        if character.is_ascii_alphanumeric() || "_.".contains(character) {
            name.push(character);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    let name: String = name.trim_start_matches(['.', '-']).chars().take(LONGEST_NAME).collect();
    let name = name.trim_end_matches('-');
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_any_stem_that_has_a_letter() {
        let long = "x".repeat(300);
        let cases = [
            ("plain_1.5-b", Some("plain_1.5-b")),
            ("my config", Some("my-config")),
            ("Größe & Breite", Some("Grosse-Breite")),
            (".hidden", Some("hidden")),
            ("..", None),
            ("  ", None),
            ("a/b", Some("a-b")),
            (&long, Some(&long[..100])),
            ("\u{fffd}x", Some("x")),
        ];
        for (stem, name) in cases {
            assert_eq!(name_from_stem(stem).as_deref(), name, "{stem}");
            if let Some(name) = name {
                ensure_name("name", name).unwrap();
            }
        }
    }
}
