//! Words of a report, and of `ocs explain`: what they mean, their equations, and where they are computed.

mod dynamics;
mod measures;
mod neighbours;
mod people;
mod records;
mod tasks;
mod term;

pub use term::Term;

/// All terms: tasks, what is measured, how it is learned, what is kept, people, neighbouring results.
pub fn terms() -> impl Iterator<Item = &'static Term> {
    tasks::TERMS
        .iter()
        .chain(measures::TERMS)
        .chain(dynamics::TERMS)
        .chain(records::TERMS)
        .chain(people::TERMS)
        .chain(neighbours::TERMS)
}

/// The term of a name: as it is written, or else whatever its case and hyphens.
pub fn find(name: &str) -> Option<&'static Term> {
    let as_written = terms().find(|term| term.all_names().any(|own| own == name.trim()));
    as_written.or_else(|| terms().find(|term| term.is_called(name.trim())))
}
