//! `ocs explain`.

use anyhow::{Result, anyhow};
use clap::Args;

use super::outcome::{Success, misuse};
use super::output;
use crate::config::{Key, did_you_mean, keys};
use crate::report::glossary::{Term, find, terms};

/// Tells what a word of figures, records and configs means: its equation, its unit, where it comes from and in which file of
/// the program it is computed. Without a word it lists all of them.
#[derive(Args)]
pub struct Explain {
    /// A word, such as OCS, M, TNR, "mode strength", onset (case and hyphens do not matter); or a key of configs, such as
    /// training.learning_rate
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub fn run(self) -> Result<Success> {
        if self.words.is_empty() {
            return self.list();
        }
        let word = self.words.join(" ");
        match find(&word) {
            Some(term) if self.json => output::json(term)?,
            Some(term) => output::line(&in_words(term))?,
            None => self.tell_keys(&word)?,
        }
        Ok(Success::Full)
    }

    /// Keys of configs of this name, with or without their section.
    fn tell_keys(&self, word: &str) -> Result<()> {
        let is_meant = |key: &Key| key.key == word || key.last() == word;
        let meant: Vec<Key> = keys().into_iter().filter(is_meant).collect();
        if meant.is_empty() {
            return Err(misuse(unknown(word)));
        }
        if self.json {
            return output::json(&meant);
        }
        output::line(&meant.iter().map(Key::in_markdown).collect::<Vec<_>>().join("\n"))
    }

    fn list(&self) -> Result<Success> {
        if self.json {
            output::json(&terms().collect::<Vec<_>>())?;
            return Ok(Success::Full);
        }
        let first = |text: &'static str| text.split_inclusive(". ").next().unwrap_or(text).trim();
        let row = |term: &Term| vec![term.word.to_owned(), first(term.meaning).to_owned()];
        let head = ["word", "meaning"].map(str::to_owned).to_vec();
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(terms().map(row)).collect();
        output::line(&output::table(&rows))?;
        Ok(Success::Full)
    }
}

/// What to ask for in place of a word that is none: those that hold it, or the nearest.
fn unknown(word: &str) -> anyhow::Error {
    /// More would be the list itself.
    const MOST: usize = 5;
    let small = word.to_lowercase();
    let holds = |term: &&Term| {
        let is_near = |name: &str| name.to_lowercase().contains(&small);
        small.chars().count() > 2 && (term.all_names().any(is_near) || is_near(term.meaning))
    };
    let holding: Vec<&str> =
        terms().filter(holds).filter_map(|term| term.all_names().next()).take(MOST).collect();
    let near = match &holding[..] {
        [] => {
            let keys = keys();
            let names: Vec<&str> = terms().flat_map(Term::all_names).collect();
            let of_keys = keys.iter().flat_map(|key| [&*key.key, key.last()]);
            did_you_mean(word, names.into_iter().chain(of_keys))
        }
        words => format!("; it bears on {}", words.join(", ")),
    };
    anyhow!("'{word}' is not among the words that are explained{near}; `ocs explain` lists them")
}

fn in_words(term: &Term) -> String {
    let places: Vec<String> =
        term.code.iter().map(|(file, item)| format!("{file} ({item})")).collect();
    let lines = [
        ("", term.meaning.to_owned()),
        ("equation  ", term.equation.to_owned()),
        ("unit      ", term.unit.to_owned()),
        ("source    ", term.source.to_owned()),
        ("computed  ", places.join(", ")),
        ("also      ", term.names.join(", ")),
    ];
    let lines = lines.into_iter().filter(|(_, text)| !text.is_empty());
    let lines: Vec<String> = lines.map(|(name, text)| format!("{name}{text}")).collect();
    format!("{}\n\n{}", term.word, lines.join("\n"))
}
