//! Images of one's own, `inputs: {path: PATH}`: what a config says of them, and what was found at the path.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tree::Tree;
use crate::file;
use crate::images::{self, Layout, Options};

/// Keys of `inputs: {path: PATH}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnImages {
    /// A folder of a folder of PNGs for each class (within each other: a tree), a folder of IDX files, or a `.npz`. A relative path
    /// begins at the working folder; written out, it begins at the root.
    pub path: PathBuf,
    /// Names of the classes in the order of their numbers; a slash makes a tree: `[animals/cat, animals/dog, cars]`. Default: names of
    /// folders, or numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// channels-first | channels-last, for arrays in four dimensions. Default: the axis that has 1, 3 or 4, if one alone has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// Share of each class's images that becomes the test part where there is none, in (0, 1). Default: 0.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<f64>,
    /// Draws the images that are held out. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What was found there; written out, not to be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<FoundImages>,
}

/// What lies at the path of one's own images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundImages {
    /// Channels, height and width.
    pub shape: [usize; 3],
    /// Images of the training part.
    pub train: usize,
    /// Images of the test part.
    pub test: usize,
    /// Whether values are floats, which are taken as they are, and not bytes, which are divided by 255.
    pub floats: bool,
}

impl OwnImages {
    /// How they are to be read.
    pub fn options(&self) -> Options {
        let OwnImages { layout, held_out, seed, .. } = *self;
        Options { layout, held_out, seed: seed.unwrap_or(0) }
    }

    /// The same with what is found at the path, unless that is written out.
    ///
    /// # Errors
    ///
    /// If there is nothing that can be taken, or not as many classes as names.
    pub(super) fn looked_up(self) -> Result<Self> {
        /// What was asked for, and what was found: a command resolves its conditions more than once.
        static SEEN: Mutex<Vec<(OwnImages, OwnImages)>> = Mutex::new(Vec::new());
        if self.found.is_some() {
            return Ok(self);
        }
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = seen.iter().find(|(asked, _)| *asked == self) {
            return Ok(found.clone());
        }
        let found = self.clone().look()?;
        seen.push((self, found.clone()));
        Ok(found)
    }

    fn look(self) -> Result<Self> {
        if let Some(share) = self.held_out {
            ensure!(
                share > 0.0 && share < 1.0,
                "task.inputs.held_out must be above 0 and below 1, not {share}"
            );
        }
        let path = file::with_home(&self.path);
        let summary = images::look(&path, &self.options()).context("task.inputs.path")?;
        tracing::info!(
            images = summary.counts[0] + summary.counts[1],
            classes = summary.names.len(),
            "images of one's own: {}",
            summary.path.display()
        );
        let n_classes = summary.names.len();
        let names = if self.names.is_empty() { summary.names } else { self.names };
        ensure!(
            names.len() == n_classes,
            "task.inputs.names has {} names for {n_classes} classes: give one for each",
            names.len()
        );
        for (at, name) in names.iter().enumerate() {
            let has_empty_part = name.split('/').any(|part| part.trim().is_empty());
            ensure!(!has_empty_part, "task.inputs.names has '{name}': no part of a name is empty");
            ensure!(!names[..at].contains(name), "task.inputs.names has '{name}' twice");
        }
        let [train, test] = summary.counts;
        let floats = summary.are_floats;
        let found = Some(FoundImages { shape: summary.shape, train, test, floats });
        Ok(OwnImages { path: summary.path, names, found, ..self })
    }
}

/// Images of one's own. What is said of them is in memory once, however often this is copied.
#[derive(Clone, Copy)]
pub struct Own(&'static Said);

struct Said {
    images: OwnImages,
    name: String,
    names: Vec<&'static str>,
    superclasses: Vec<(&'static str, &'static [usize])>,
}

impl Own {
    /// Those of which this is said.
    pub fn of(images: OwnImages) -> Self {
        static ALL: Mutex<Vec<Own>> = Mutex::new(Vec::new());
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.iter().find(|own| own.0.images == images) {
            return *known;
        }
        // Kept to the end, as names of data sets are: a config says few.
        let name = images.path.file_name().map(|name| name.to_string_lossy().into_owned());
        let names: Vec<&'static str> =
            images.names.iter().map(|name| &*name.clone().leak()).collect();
        let superclasses = superclasses(&names);
        let name = name.unwrap_or_else(|| "own".to_owned());
        let own = Own(Box::leak(Box::new(Said { images, name, names, superclasses })));
        all.push(own);
        own
    }

    /// What a config says of them.
    pub fn images(self) -> &'static OwnImages {
        &self.0.images
    }

    /// The file's or folder's name.
    pub fn name(self) -> &'static str {
        &self.0.name
    }

    /// Names of the classes in the order of their numbers.
    pub fn class_names(self) -> &'static [&'static str] {
        &self.0.names
    }

    /// Classes by the first part of their names, if that is not all of them.
    pub fn superclasses(self) -> &'static [(&'static str, &'static [usize])] {
        &self.0.superclasses
    }
}

impl PartialEq for Own {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Own {}

impl std::fmt::Debug for Own {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        self.0.images.fmt(formatter)
    }
}

fn superclasses(names: &[&'static str]) -> Vec<(&'static str, &'static [usize])> {
    if !names.iter().any(|name| name.contains('/')) {
        return Vec::new();
    }
    let groups = grouped(names.iter().copied().enumerate().collect());
    let leaked = |(group, members): (&'static str, Vec<(usize, &str)>)| {
        let classes: Vec<usize> = members.into_iter().map(|(class, _)| class).collect();
        (group, &*classes.leak())
    };
    groups.into_iter().map(leaked).collect()
}

/// Numbers and names by the first part of the names, each with what follows that part.
fn grouped(items: Vec<(usize, &str)>) -> Vec<(&str, Vec<(usize, &str)>)> {
    let mut groups: Vec<(&str, Vec<(usize, &str)>)> = Vec::new();
    for (number, name) in items {
        let (first, rest) = name.split_once('/').unwrap_or((name, ""));
        match groups.iter_mut().find(|(known, _)| *known == first) {
            Some((_, members)) => members.push((number, rest)),
            None => groups.push((first, vec![(number, rest)])),
        }
    }
    groups
}

/// The tree that names make, whose leaves are the numbers of the names.
pub(super) fn tree_of(names: &[String]) -> Tree {
    fn below(items: Vec<(usize, &str)>) -> Tree {
        let node = |(_, members): (&str, Vec<(usize, &str)>)| match members.as_slice() {
            [(number, "")] => Tree::Leaf(*number),
            all if all.iter().all(|(_, rest)| rest.is_empty()) => {
                Tree::Node(all.iter().map(|(number, _)| Tree::Leaf(*number)).collect())
            }
            _ => below(members),
        };
        Tree::Node(grouped(items).into_iter().map(node).collect())
    }
    below(names.iter().map(String::as_str).enumerate().collect())
}
