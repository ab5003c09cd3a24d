//! The table of data sets.

mod cifar;
mod cifar10;
mod cifar100;
mod glyphs;
mod idx;

use super::entry::Entry;
use super::form::{Form, KnownFile};
use crate::config::Inputs;

static ENTRIES: [&Entry; 5] =
    [&idx::MNIST, &idx::FASHION_MNIST, &cifar10::CIFAR10, &cifar100::CIFAR100, &glyphs::GLYPHS];

/// Every data set, in the order of their names in help texts.
pub fn all() -> impl Iterator<Item = Inputs> {
    ENTRIES.iter().map(|entry| entry.inputs)
}

/// What is known of a data set; `None` for inputs that are one vector per item.
pub fn entry(inputs: Inputs) -> Option<&'static Entry> {
    ENTRIES.into_iter().find(|entry| entry.inputs == inputs)
}

/// The forms of a data set, in the order in which `load` prefers them. None for inputs without files.
pub fn forms(inputs: Inputs) -> &'static [Form] {
    entry(inputs).map_or(&[], |entry| entry.forms)
}

/// The data set that was published with a file of this name and checksum.
pub fn published_as(name: &str, digits: &str) -> Option<Inputs> {
    let is_it = |file: &KnownFile| file.name == name && file.checksum.expected() == digits;
    let has_it = |entry: &&Entry| entry.forms.iter().flat_map(|form| form.files).any(is_it);
    ENTRIES.into_iter().find(has_it).map(|entry| entry.inputs)
}

/// The published file of this name.
pub fn known_file(name: &str) -> Option<&'static KnownFile> {
    let files = || ENTRIES.into_iter().flat_map(|entry| entry.forms).flat_map(|form| form.files);
    files().find(|file| file.name == name)
}
