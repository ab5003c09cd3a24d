//! Images of one's own, read from the path that a config says.

use anyhow::{Result, ensure};

use super::dataset::{Dataset, Split};
use super::sets::entry;
use crate::config::{Inputs, OwnImages};
use crate::images::{self, Part};

/// How large the images of a data set are, and how many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// Channels, height and width.
    pub shape: [usize; 3],
    /// Images of the training and the test part.
    pub counts: [usize; 2],
    /// Bytes of one value in memory.
    pub value_bytes: usize,
}

/// How large a data set is, before it is read; `None` for one vector per item.
pub fn extent(inputs: Inputs) -> Option<Extent> {
    if let Some(found) = inputs.own().and_then(|own| own.found.as_ref()) {
        let value_bytes = if found.floats { 4 } else { 1 };
        return Some(Extent { shape: found.shape, counts: [found.train, found.test], value_bytes });
    }
    let entry = entry(inputs)?;
    Some(Extent { shape: entry.shape, counts: entry.counts, value_bytes: 1 })
}

/// Reads them.
///
/// # Errors
///
/// Names the file at fault, or what is no longer as it was when the config was written.
pub fn load(inputs: Inputs, own: &OwnImages) -> Result<Dataset> {
    let images = images::read(&own.path, &own.options())?;
    let [channels, height, width] = images.shape;
    let counts = images.parts.each_ref().map(|part| part.classes.len());
    let classes = images.parts.iter().flat_map(|part| &part.classes);
    let n_classes = classes.max().map_or(0, |&class| usize::from(class) + 1);
    let expected = own.found.as_ref().map(|found| (found.shape, [found.train, found.test]));
    ensure!(
        expected == Some((images.shape, counts)) && n_classes == own.names.len(),
        "the images at {} are no longer those of the config: there are {counts:?} (training, test) of shape {:?} in {n_classes} \
         classes; leave task.inputs.found and names out to take them as they are now",
        own.path.display(),
        images.shape
    );
    let [train, test] = images.parts.map(|Part { pixels, classes }| Split { pixels, classes });
    let dataset =
        Dataset { inputs, channels, height, width, train: train.into(), test: test.into() };
    dataset.check()?;
    Ok(dataset)
}
