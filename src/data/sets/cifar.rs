//! What CIFAR-10 and CIFAR-100 have in common: photographs as records, and as Python batches.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};

use crate::config::Inputs;
use crate::data::dataset::{ByteSplit, Dataset, ensure_classes};
use crate::data::form::{Files, Form, Kind, Named};
use crate::data::pickle::{self, Value};

pub const CHANNELS: usize = 3;
pub const SIDE: usize = 32;
pub const PLANE: usize = SIDE * SIDE;
pub const IMAGE: usize = CHANNELS * PLANE;

/// How one of the two is laid out.
pub struct Layout {
    /// Which one.
    pub inputs: Inputs,
    /// Names of the batches of the training and the test part; records' names end in `.bin`.
    pub parts: [&'static [&'static str]; 2],
    /// Name of the classes in pickles.
    pub classes: &'static str,
    /// Name of the superclasses in pickles; records then begin with a byte for it.
    pub superclasses: Option<&'static str>,
    /// Reads the training and the test part of PNGs, where they are published.
    pub read_pngs: fn(&Files) -> Result<[Vec<ByteSplit>; 2]>,
}

impl Layout {
    /// Bytes of classes before an image.
    fn n_labels(&self) -> usize {
        1 + usize::from(self.superclasses.is_some())
    }

    /// Reads records, Python batches or PNGs.
    pub fn load(&self, files: &Files) -> Result<Dataset> {
        let [train, test] = self.read_batches(files)?.map(|batches| Arc::new(join(batches).into()));
        let inputs = self.inputs;
        Ok(Dataset { inputs, channels: CHANNELS, height: SIDE, width: SIDE, train, test })
    }

    /// `files` as records: each file's name and contents.
    ///
    /// # Errors
    ///
    /// As `load`.
    pub fn binary_files(&self, files: &Files) -> Result<Vec<Named>> {
        let batches = self.read_batches(files)?.into_iter().flatten();
        let names = self.parts.into_iter().flatten();
        Ok(names
            .zip(batches)
            .map(|(name, batch)| (records_of(name), self.records(&batch)))
            .collect())
    }

    /// The records' name of the file `name` of Python batches, and its contents as records.
    ///
    /// # Errors
    ///
    /// As `load`.
    pub fn binary_file_of_pickle(&self, name: &str, bytes: &[u8]) -> Result<Named> {
        let mut batch = ByteSplit::default();
        self.append_python(bytes, &mut batch)?;
        Ok((records_of(name), self.records(&batch)))
    }

    /// Name and checksum of each file of records of these images, of the kind that is published for `records`.
    pub fn checksums(&self, dataset: &Dataset, records: &Form) -> Vec<Named<String>> {
        let parts = [(&dataset.train, self.parts[0]), (&dataset.test, self.parts[1])];
        let files = parts.into_iter().flat_map(|(split, names)| {
            let n = split.classes.len().div_ceil(names.len());
            let classes = split.byte_classes();
            let classes: Vec<Vec<u8>> = classes.chunks(n).map(<[u8]>::to_vec).collect();
            let batches = classes.into_iter().zip(split.byte_pixels().chunks(n * IMAGE));
            names.iter().zip(batches)
        });
        let known = files.filter_map(|(name, (classes, pixels))| {
            let name = records_of(name);
            let known = records.files.iter().find(|file| file.name == name)?;
            let mut running = known.checksum.begin();
            for (class, image) in classes.iter().zip(pixels.chunks(IMAGE)) {
                running.update(&self.labels(*class));
                running.update(image);
            }
            Some((name, running.hex()))
        });
        known.collect()
    }

    /// Training and test batches.
    fn read_batches(&self, files: &Files) -> Result<[Vec<ByteSplit>; 2]> {
        match files.form.kind {
            Kind::Binary => self.read_both(files, ".bin", Layout::append_binary),
            Kind::Python => self.read_both(files, "", Layout::append_python),
            Kind::Png => (self.read_pngs)(files),
            Kind::Idx => bail!("{} is not kept as IDX files", self.inputs.name()),
        }
    }

    fn read_both(
        &self,
        files: &Files,
        extension: &str,
        append: fn(&Layout, &[u8], &mut ByteSplit) -> Result<()>,
    ) -> Result<[Vec<ByteSplit>; 2]> {
        let read = |name: &&str| -> Result<ByteSplit> {
            let (path, bytes) = files.contents(&format!("{name}{extension}"))?;
            let mut batch = ByteSplit::default();
            append(self, &bytes, &mut batch)
                .and_then(|()| ensure_classes(self.inputs, &batch.classes))
                .with_context(|| path.display().to_string())?;
            Ok(batch)
        };
        let [train, test] =
            self.parts.map(|names| names.iter().map(read).collect::<Result<Vec<ByteSplit>>>());
        Ok([train?, test?])
    }

    /// What stands before the image of a class in its record.
    fn labels(&self, class: u8) -> Vec<u8> {
        match self.superclasses {
            None => vec![class],
            Some(_) => vec![self.superclass_of(class), class],
        }
    }

    /// The superclass of a class that the data set has.
    fn superclass_of(&self, class: u8) -> u8 {
        let mut groups = (0_u8..).zip(self.inputs.superclasses());
        let has_it = |classes: &[usize]| classes.contains(&usize::from(class));
        groups.find(|(_, (_, classes))| has_it(classes)).map_or(u8::MAX, |(number, _)| number)
    }

    fn records(&self, batch: &ByteSplit) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(batch.classes.len() * (self.n_labels() + IMAGE));
        for (&class, image) in batch.classes.iter().zip(batch.pixels.chunks_exact(IMAGE)) {
            bytes.extend(self.labels(class));
            bytes.extend_from_slice(image);
        }
        bytes
    }

    /// Appends records of a superclass where there are some, a class, and an image's red, green and blue planes.
    fn append_binary(&self, bytes: &[u8], part: &mut ByteSplit) -> Result<()> {
        ensure!(!bytes.is_empty(), "the file is empty");
        let n_labels = self.n_labels();
        let record = n_labels + IMAGE;
        let n = bytes.len() / record;
        ensure!(
            bytes.len() == n * record,
            "{n} records of {record} bytes are followed by {} bytes: truncated, or not {}",
            bytes.len() - n * record,
            self.inputs.name()
        );
        for (at, record) in bytes.chunks_exact(record).enumerate() {
            let class = record[n_labels - 1];
            part.classes.push(class);
            part.pixels.extend_from_slice(&record[n_labels..]);
            if self.superclasses.is_some() {
                self.ensure_superclass(at, class, i64::from(record[0]))?;
            }
        }
        Ok(())
    }

    /// Makes sure that an image's superclass is that of its class: else they are not labels.
    fn ensure_superclass(&self, at: usize, class: u8, found: i64) -> Result<()> {
        ensure_classes(self.inputs, &[class])
            .map_err(|error| anyhow::anyhow!("record {at}: {error}"))?;
        let expected = self.superclass_of(class);
        ensure!(
            i64::from(expected) == found,
            "image {at} has class {class} ({}) and superclass {found}, but that class is of superclass {expected}",
            self.inputs.class_name(usize::from(class))
        );
        Ok(())
    }

    /// Appends a dictionary whose `data` is an array `[n, 3072]` of bytes (or `[n, 3, 32, 32]`, which are the same bytes) and
    /// whose labels are n numbers: a list, a tuple or an array.
    fn append_python(&self, bytes: &[u8], part: &mut ByteSplit) -> Result<()> {
        let batch = pickle::parse(bytes)?;
        let Some(Value::Array(data)) = batch.entry("data") else {
            bail!("the pickle is no dictionary with an array 'data'")
        };
        ensure!(data.element.is_byte(), "the elements of 'data' are not bytes (uint8)");
        let (n, turned) = match (data.shape.as_slice(), data.column_major) {
            (&[n, IMAGE], turned) => (n, turned),
            (&[n, CHANNELS, SIDE, SIDE], false) => (n, false),
            (shape, _) => bail!("'data' has the shape {shape:?}, not [n, {IMAGE}]"),
        };
        for class in labels_of(&batch, self.classes, n)? {
            part.classes.push(u8::try_from(class).with_context(|| format!("class {class}"))?);
        }
        if let Some(name) = self.superclasses {
            for (at, superclass) in labels_of(&batch, name, n)?.into_iter().enumerate() {
                self.ensure_superclass(at, part.classes[at], superclass)?;
            }
        }
        let pixels = data.bytes();
        if turned {
            part.pixels.extend((0..n * IMAGE).map(|at| pixels[at % IMAGE * n + at / IMAGE]));
        } else {
            part.pixels.extend_from_slice(pixels);
        }
        Ok(())
    }
}

/// The records' name of a batch.
fn records_of(name: &str) -> String {
    format!("{name}.bin")
}

/// The n numbers that a batch has under a name.
fn labels_of(batch: &Value, name: &str, n: usize) -> Result<Vec<i64>> {
    let labels = batch.entry(name).and_then(Value::integers);
    let labels = labels.with_context(|| {
        format!("the pickle is no dictionary with '{name}' in a list, tuple or array")
    })?;
    ensure!(n == labels.len(), "'data' has {n} images, but '{name}' {} labels", labels.len());
    Ok(labels)
}

fn join(batches: Vec<ByteSplit>) -> ByteSplit {
    let mut joined = ByteSplit::default();
    joined.pixels.reserve_exact(batches.iter().map(|batch| batch.pixels.len()).sum());
    for batch in batches {
        joined.pixels.extend_from_slice(&batch.pixels);
        joined.classes.extend_from_slice(&batch.classes);
    }
    joined
}
