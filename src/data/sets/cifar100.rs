//! CIFAR-100 in two forms that hold the same bytes: records and Python batches, one file for each part.

use anyhow::bail;

use super::cifar::{CHANNELS, Layout, SIDE};
use crate::config::Inputs;
use crate::data::entry::{Entry, Maker, Source};
use crate::data::form::{Form, Kind, KnownFile, Rewritten};

/// Krizhevsky's photographs of 100 classes in 20 superclasses: as records, as Python 2 pickles.
///
/// Records are known by the SHA-1s that Gluon publishes (whose SHA-1s of CIFAR-10's records are those of the real files), batches
/// by torchvision's MD5s. The archives' own MD5s are 03b5dce01913d631647c71ecec9e9cb8 (records) and
/// eb9058c3a382ffc7106e4002c42a8d85 (batches).
pub static CIFAR100: Entry = Entry {
    inputs: Inputs::Cifar100,
    shape: [CHANNELS, SIDE, SIDE],
    counts: [50_000, 10_000],
    maker: Maker::Reads(|_, files| LAYOUT.load(files)),
    forms: &[
        Form {
            kind: Kind::Binary,
            most_bytes: 1 << 28,
            folders: &["cifar-100-binary", "cifar100/cifar-100-binary", "cifar100", ""],
            files: &[
                KnownFile::sha1("train.bin", "e207cd2e05b73b1393c74c7f5e7bea451d63e08e"),
                KnownFile::sha1("test.bin", "8fb6623e830365ff53cf14adec797474f5478006"),
            ],
            rewritten: None,
        },
        Form {
            kind: Kind::Python,
            most_bytes: 1 << 30,
            folders: &["cifar-100-python", "cifar100/cifar-100-python", "cifar100", ""],
            files: &[
                KnownFile::md5("train", "16019d7e3df5f24257cddd939b257f8d"),
                KnownFile::md5("test", "f0ef6b0ae62326f3e7ffdfab6717acfc"),
            ],
            rewritten: Some(Rewritten {
                all: |files| LAYOUT.binary_files(files),
                one: Some(|name, bytes| LAYOUT.binary_file_of_pickle(name, bytes)),
            }),
        },
    ],
    checksums: |dataset| LAYOUT.checksums(dataset, &CIFAR100.forms[0]),
    sources: &[Source::Mirror {
        url: "https://www.cs.toronto.edu/~kriz/",
        archive: Some("cifar-100-binary.tar.gz"),
    }],
    archives: &["cifar-100-binary", "cifar-100-python"],
};

const LAYOUT: Layout = Layout {
    inputs: Inputs::Cifar100,
    parts: [&["train"], &["test"]],
    classes: "fine_labels",
    superclasses: Some("coarse_labels"),
    read_pngs: |_| bail!("CIFAR-100 is not kept as PNGs"),
};
