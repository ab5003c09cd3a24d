//! A word and what is said of it.

use serde::Serialize;

/// A word and what it means. What does not apply is empty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Term {
    /// As a heading has it: `M, mean-output error`.
    pub word: &'static str,
    /// What else it is asked for by; the parts of `word` between commas are known too.
    pub names: &'static [&'static str],
    /// A sentence or two.
    pub meaning: &'static str,
    /// In plain characters.
    pub equation: &'static str,
    /// Of its numbers.
    pub unit: &'static str,
    /// Whose it is.
    pub source: &'static str,
    /// Where it is computed, or stands in a config or a record: files of the program's source, and items in them.
    pub code: &'static [(&'static str, &'static str)],
    /// Whether reports explain it.
    pub is_in_reports: bool,
}

impl Term {
    pub(super) const fn new(word: &'static str, meaning: &'static str) -> Term {
        Term {
            word,
            names: &[],
            meaning,
            equation: "",
            unit: "",
            source: "",
            code: &[],
            is_in_reports: false,
        }
    }

    pub(super) const fn also(self, names: &'static [&'static str]) -> Term {
        Term { names, ..self }
    }

    pub(super) const fn equals(self, equation: &'static str) -> Term {
        Term { equation, ..self }
    }

    pub(super) const fn in_units_of(self, unit: &'static str) -> Term {
        Term { unit, ..self }
    }

    pub(super) const fn from(self, source: &'static str) -> Term {
        Term { source, ..self }
    }

    pub(super) const fn at(self, code: &'static [(&'static str, &'static str)]) -> Term {
        Term { code, ..self }
    }

    pub(super) const fn in_reports(self) -> Term {
        Term { is_in_reports: true, ..self }
    }

    /// Every name that it is asked for by.
    pub fn all_names(&self) -> impl Iterator<Item = &'static str> {
        self.word.split(", ").chain(self.names.iter().copied())
    }

    /// Whether it is asked for by a name, whatever its case, blanks, hyphens and underscores.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.all_names().any(|own| plain(own) == plain(name))
    }
}

/// Small letters, without what joins words.
fn plain(name: &str) -> String {
    name.to_lowercase().replace([' ', '-', '_'], "")
}
