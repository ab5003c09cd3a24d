//! What can be shown to somebody who has no ocs? One page that needs nothing else: no network, no script, no other file.
//!
//! A `Section` is an experiment or a folder of runs: question, figure, claims, what its conditions differ in, what it took and how
//! to make it again. `templates/report.html` says how they look.

/// Words, their meaning, and where they are computed.
pub mod glossary;
mod section;
mod settings;

use anyhow::Result;
use askama::Template;

use glossary::{Term, terms};
pub use section::{Figure, Section, origin_of, rows_of};
pub use settings::Settings;

/// In the page's head: what tells a report of this program from another file.
const GENERATOR: &str = "ocs report";

/// The page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    title: &'a str,
    generator: &'static str,
    revision: &'static str,
    sections: &'a [Section],
    glossary: Vec<&'static Term>,
}

/// A page of sections, as HTML.
///
/// # Errors
///
/// If it cannot be made.
pub fn html(title: &str, mut sections: Vec<Section>) -> Result<String> {
    give_addresses(&mut sections);
    let revision = env!("OCS_REVISION");
    let glossary = terms().filter(|term| term.is_in_reports).collect();
    let page = Page { title, generator: GENERATOR, revision, sections: &sections, glossary };
    Ok(page.render()?)
}

/// Makes ids words, each of them once.
fn give_addresses(sections: &mut [Section]) {
    // The page has a section of its own.
    let mut taken = vec!["glossary".to_owned()];
    for section in sections {
        let word = section.id.replace(char::is_whitespace, "-");
        let numbered = (2..).map(|number| format!("{word}-{number}"));
        let id = std::iter::once(word.clone()).chain(numbered).find(|id| !taken.contains(id));
        section.id = id.unwrap_or(word);
        taken.push(section.id.clone());
    }
}

/// Whether a text is a report that this program wrote, which it may write anew.
pub fn is_report(text: &str) -> bool {
    text.contains(&format!("<meta name=\"generator\" content=\"{GENERATOR}\">"))
}
