//! Data sets under the names that people's downloads have, in archives, in homes, and too large for their headers.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use ocs::config::Inputs;
use ocs::data::{FetchOptions, Progress, fetch, fetch_unless, is_present, load, verify};
use tempfile::TempDir;

const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn put(folder: &Path, path: &str, bytes: &[u8]) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn idx(sizes: &[u32], contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, u8::try_from(sizes.len()).unwrap()];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend_from_slice(contents);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(bytes, flate2::Compression::fast());
    encoder.read_to_end(&mut packed).unwrap();
    packed
}

/// Three training images and a test image of 2 x 2 pixels; `first` is the first pixel.
fn contents(first: u8) -> [Vec<u8>; 4] {
    let pixels: Vec<u8> = (first..first + 12).collect();
    [
        idx(&[3, 2, 2], &pixels),
        idx(&[3], &[1, 0, 9]),
        idx(&[1, 2, 2], &pixels[..4]),
        idx(&[1], &[4]),
    ]
}

fn error_of(inputs: Inputs, folder: &Path) -> String {
    format!("{:#}", load(inputs, folder).unwrap_err())
}

fn assert_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "'{part}' is not in: {text}");
    }
}

fn assert_loads(inputs: Inputs, folder: &Path, first: u8, what: &str) {
    assert!(is_present(inputs, folder), "{what}");
    let dataset = load(inputs, folder).unwrap_or_else(|error| panic!("{what}: {error:#}"));
    assert_eq!(dataset.train.classes, [1, 0, 9], "{what}");
    assert_eq!(dataset.test.classes, [4], "{what}");
    assert_eq!(dataset.train.byte_pixels()[0], first, "{what}");
}

fn dotted(name: &str) -> String {
    name.replace("-idx", ".idx")
}

#[test]
fn files_are_found_under_the_names_of_kaggle_browsers_and_other_programs() {
    type Naming = fn(&str) -> String;
    let namings: [(&str, Naming); 8] = [
        ("torchvision's", str::to_owned),
        ("Kaggle's", dotted),
        ("packed", |name| format!("{name}.gz")),
        ("packed, capitals", |name| format!("{name}.GZ")),
        ("Kaggle's, packed", |name| format!("{}.gz", dotted(name))),
        ("capitals", |name| dotted(name).to_uppercase()),
        ("in a folder of its own name", |name| format!("{name}/{name}")),
        ("in a folder of Kaggle's name", |name| format!("{}/{}", dotted(name), dotted(name))),
    ];
    let folders = ["MNIST/raw", "MNIST", "mnist", "mnist/raw", "Mnist/RAW", "raw", "."];
    for (what, naming) in namings {
        for place in folders {
            let folder = folder();
            for (name, bytes) in NAMES.iter().zip(contents(0)) {
                let is_packed = naming(name).to_lowercase().ends_with("gz");
                let bytes = if is_packed { gzip(&bytes) } else { bytes };
                put(folder.path(), &format!("{place}/{}", naming(name)), &bytes);
            }
            assert_loads(Inputs::Mnist, folder.path(), 0, &format!("{what} in {place}"));
        }
    }
    for place in
        ["FashionMNIST/raw", "fashion-mnist", "fashion_mnist/raw", "fashion", "Fashion MNIST"]
    {
        let folder = folder();
        for (name, bytes) in NAMES.iter().zip(contents(0)) {
            put(folder.path(), &format!("{place}/{name}"), &bytes);
        }
        assert_loads(Inputs::FashionMnist, folder.path(), 0, place);
        assert!(!is_present(Inputs::Mnist, folder.path()), "{place}");
    }
}

#[test]
fn of_several_candidates_the_documented_first_is_taken_as_a_whole() {
    let folder = folder();
    // Later in the order comes first here; each next one takes over.
    let places = ["", "raw/", "mnist/", "MNIST/", "mnist/raw/", "MNIST/raw/"];
    for (first, place) in places.iter().enumerate() {
        for (name, bytes) in NAMES.iter().zip(contents(first as u8)) {
            put(folder.path(), &format!("{place}{name}"), &bytes);
        }
        assert_loads(Inputs::Mnist, folder.path(), first as u8, place);
    }
    // An incomplete folder is passed over, not completed from another.
    fs::remove_file(folder.path().join("MNIST/raw/t10k-labels-idx1-ubyte")).unwrap();
    assert_loads(Inputs::Mnist, folder.path(), 4, "mnist/raw");
    // Unpacked before packed, loose before within a folder, the plain name before another spelling.
    let [images, ..] = contents(50);
    let raw = folder.path().join("mnist/raw");
    put(&raw, "train-images-idx3-ubyte.gz", &gzip(&images));
    put(&raw, "train-images.idx3-ubyte", &images);
    put(&raw, "TRAIN-IMAGES-IDX3-UBYTE", &images);
    assert_loads(Inputs::Mnist, folder.path(), 4, "the plain name");
    fs::remove_file(raw.join("train-images-idx3-ubyte")).unwrap();
    assert_loads(Inputs::Mnist, folder.path(), 50, "another spelling");
}

#[test]
fn files_that_are_not_found_are_told_with_the_places_and_the_names_there() {
    let folder = folder();
    put(folder.path(), "mnist/train-images.idx3-ubyte", b"x");
    put(folder.path(), "mnist.npz", b"x");
    for number in 0..40 {
        put(folder.path(), &format!("notes-{number:02}"), b"");
    }
    let error = error_of(Inputs::Mnist, folder.path());
    assert_contains(
        &error,
        &[
            "mnist without train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte",
            "looked in MNIST, MNIST/raw, raw and the folder itself",
            "mnist holds train-images.idx3-ubyte",
            "the folder itself holds mnist.npz, mnist/, notes-00",
            "30 more",
        ],
    );
    assert!(error.len() < 1_500, "{error}");
    let nowhere = folder.path().join("nowhere");
    assert_contains(
        &error_of(Inputs::Cifar10, &nowhere),
        &["cifar-10-batches-bin", "does not exist"],
    );
}

#[test]
fn cifar10_is_found_one_folder_further_down_and_in_other_spellings() {
    let record = [vec![3], vec![7; 3072]].concat();
    for place in [
        "cifar-10-batches-bin",
        "cifar10/cifar-10-batches-bin",
        "CIFAR-10",
        "Cifar_10_Batches_Bin",
        ".",
    ] {
        let folder = folder();
        for name in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"]
        {
            put(folder.path(), &format!("{place}/{name}.bin"), &record);
        }
        put(folder.path(), &format!("{place}/test_batch.bin"), &record);
        assert_eq!(load(Inputs::Cifar10, folder.path()).unwrap().train.classes, [3; 5], "{place}");
    }
}

#[test]
fn forms_that_are_not_read_and_folders_that_cannot_be_are_told() {
    let folder = folder();
    put(folder.path(), "mnist.npz", b"PK");
    let error = error_of(Inputs::Mnist, folder.path());
    assert_contains(&error, &["mnist.npz is in a form that is not read", "ocs data fetch mnist"]);
    put(folder.path(), "Archive.ZIP", b"PK");
    assert_contains(&error_of(Inputs::FashionMnist, folder.path()), &["unpack Archive.ZIP first"]);
    let file = folder.path().join("mnist.npz");
    assert_contains(&error_of(Inputs::Mnist, &file), &["cannot be read"]);
    let empty = self::folder();
    assert_contains(&error_of(Inputs::Mnist, empty.path()), &["the folder itself is empty"]);
}

// Memory

#[test]
fn a_gzip_bomb_is_not_unpacked_beyond_its_header() {
    let folder = folder();
    for (name, bytes) in NAMES.iter().zip(contents(0)) {
        put(folder.path(), name, &bytes);
    }
    // 64 MB of zeros in 64 kB, behind a header that promises three images.
    let bomb = gzip(&idx(&[3, 2, 2], &vec![0; 1 << 26]));
    put(folder.path(), NAMES[0], &bomb);
    assert_contains(&error_of(Inputs::Mnist, folder.path()), &[NAMES[0], "13 or more", "trailing"]);
    // A header that promises them, but labels for three.
    let honest = gzip(&idx(&[1 << 16, 32, 32], &vec![0; 1 << 26]));
    put(folder.path(), NAMES[0], &honest);
    assert_contains(&error_of(Inputs::Mnist, folder.path()), &["65536 images", "3 labels"]);
    // Labels that promise as many: more than any such data set.
    put(folder.path(), NAMES[0], &gzip(&idx(&[u32::MAX, 28, 28], &[0; 64])));
    assert_contains(&error_of(Inputs::Mnist, folder.path()), &["more than any such data set"]);
    put(folder.path(), NAMES[0], &contents(0)[0]);
    put(folder.path(), NAMES[1], &gzip(&idx(&[3], &vec![0; 1 << 26])));
    assert_contains(&error_of(Inputs::Mnist, folder.path()), &[NAMES[1], "trailing"]);
}

#[test]
fn a_packed_file_that_is_cut_off_or_followed_by_something_is_named() {
    let folder = folder();
    for (name, bytes) in NAMES.iter().zip(contents(0)) {
        put(folder.path(), &format!("{name}.gz"), &gzip(&bytes));
    }
    assert_loads(Inputs::Mnist, folder.path(), 0, "packed");
    let whole = gzip(&contents(0)[0]);
    let name = "train-images-idx3-ubyte.gz";
    let followed = [&whole[..], b"<html>"].concat();
    for bytes in [&whole[..whole.len() - 4], &whole[..12], &followed] {
        put(folder.path(), name, bytes);
        assert_contains(
            &error_of(Inputs::Mnist, folder.path()),
            &[name, "cannot unpack", "ocs data fetch mnist"],
        );
    }
    // Packed in two parts, as some packers do.
    let [images, ..] = contents(0);
    let (head, tail) = images.split_at(9);
    put(folder.path(), name, &[gzip(head), gzip(tail)].concat());
    assert_loads(Inputs::Mnist, folder.path(), 0, "two parts");
}

#[test]
fn a_sparse_file_is_not_read_into_memory() {
    let folder = folder();
    for (name, bytes) in NAMES.iter().zip(contents(0)) {
        put(folder.path(), name, &bytes);
    }
    let file = fs::OpenOptions::new().write(true).open(folder.path().join(NAMES[2])).unwrap();
    file.set_len(1 << 40).unwrap();
    assert_contains(&error_of(Inputs::Mnist, folder.path()), &[NAMES[2], "trailing"]);
    let checks = verify(Inputs::Mnist, folder.path()).unwrap();
    assert!(!checks[2].ok && checks[2].found.is_none() && checks[2].bytes == Some(1 << 40));
}

#[test]
fn a_png_with_more_rows_than_labels_is_refused_before_it_is_unpacked() {
    let folder = folder();
    let png = |rows: usize| {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 1024, rows as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(&vec![0; rows * 3072]).unwrap();
        bytes
    };
    for batch in 1..=5 {
        put(folder.path(), &format!("data_batch_{batch}.png"), &png(1));
    }
    put(folder.path(), "test_batch.png", &png(1));
    put(folder.path(), "train_lables.json", b"[0, 1, 2, 3, 4]");
    put(folder.path(), "test_lables.json", b"[5]");
    assert_eq!(load(Inputs::Cifar10, folder.path()).unwrap().train.classes, [0, 1, 2, 3, 4]);
    put(folder.path(), "test_batch.png", &png(5_000));
    let error = error_of(Inputs::Cifar10, folder.path());
    assert_contains(&error, &["test_batch.png", "too few labels", "5000 images"]);
}

// Archives

/// A tar archive of members by name.
fn tar(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        // Written by hand: the builder refuses names that lead out.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        archive.append(&header, bytes.as_slice()).unwrap();
    }
    archive.into_inner().unwrap()
}

fn offline(from: Option<&Path>) -> FetchOptions {
    FetchOptions { from: from.map(Path::to_path_buf), offline: true }
}

fn fetch_error(inputs: Inputs, folder: &Path, from: Option<&Path>) -> String {
    format!("{:#}", fetch(inputs, folder, &offline(from), &mut |_| {}).unwrap_err())
}

/// Small records under CIFAR-10's names: their checksums are wrong, which shows that they were unpacked and looked at.
fn small_cifar10() -> Vec<(&'static str, Vec<u8>)> {
    let record = [vec![3], vec![7; 3072]].concat();
    let names = [
        "cifar-10-batches-bin/data_batch_1.bin",
        "cifar-10-batches-bin/data_batch_2.bin",
        "cifar-10-batches-bin/data_batch_3.bin",
        "cifar-10-batches-bin/data_batch_4.bin",
        "cifar-10-batches-bin/data_batch_5.bin",
        "cifar-10-batches-bin/test_batch.bin",
    ];
    names.map(|name| (name, record.clone())).to_vec()
}

#[test]
fn an_archive_that_lies_in_the_data_folder_is_unpacked_before_any_network() {
    let packed = gzip(&tar(&small_cifar10()));
    for (name, bytes) in [
        ("cifar-10-binary.tar.gz", packed.clone()),
        ("CIFAR-10-binary.TGZ", packed.clone()),
        ("cifar-10-binary.tar", tar(&small_cifar10())),
        ("cifar-10-binary (1).tar.gz", packed.clone()),
    ] {
        let folder = folder();
        put(folder.path(), name, &bytes);
        let error = fetch_error(Inputs::Cifar10, folder.path(), None);
        let looked_into = error.find("data_batch_1.bin has the sha256").expect(&error);
        assert!(looked_into < error.find("www.cs.toronto.edu").unwrap(), "{error}");
        assert_contains(&error, &[name]);
    }
    // Also the archive itself, under any name.
    let (folder, given) = (folder(), self::folder());
    put(given.path(), "download", &packed);
    let error = fetch_error(Inputs::Cifar10, folder.path(), Some(&given.path().join("download")));
    assert_contains(&error, &["download: ", "data_batch_1.bin has the sha256"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn what_is_no_tar_archive_is_told_by_what_it_is() {
    let (folder, given) = (folder(), self::folder());
    for (bytes, part) in [
        (b"PK\x03\x04rest".to_vec(), "zip archive: unpack it"),
        (b"<html>".to_vec(), "no tar archive"),
        (gzip(b"not tar"), "no tar archive"),
        (gzip(&tar(&small_cifar10()))[..200].to_vec(), "damaged"),
        (Vec::new(), "no tar archive"),
        (tar(&[("readme.html", b"hello".to_vec())]), "lacks"),
    ] {
        put(given.path(), "given", &bytes);
        let error = fetch_error(Inputs::Cifar10, folder.path(), Some(&given.path().join("given")));
        assert_contains(&error, &["given", part]);
    }
    let error = fetch_error(Inputs::Mnist, folder.path(), Some(&given.path().join("absent")));
    assert_contains(&error, &["no such folder or archive"]);
}

#[test]
fn members_that_lead_out_of_the_folder_or_are_too_large_are_refused() {
    let (folder, given) = (folder(), self::folder());
    let archive = given.path().join("cifar-10-binary.tar");
    for name in ["../test_batch.bin", "a/../../test_batch.bin", "/tmp/ocs-test/test_batch.bin"] {
        fs::write(&archive, tar(&[(name, vec![0; 8])])).unwrap();
        let error = fetch_error(Inputs::Cifar10, folder.path(), Some(&archive));
        assert_contains(&error, &[name, "outside"]);
    }
    assert!(!Path::new("/tmp/ocs-test").exists());
    let mut header = tar::Header::new_gnu();
    header.set_path("cifar-10-batches-bin/test_batch.bin").unwrap();
    header.set_size(1 << 33);
    header.set_cksum();
    fs::write(&archive, header.as_bytes()).unwrap();
    let error = fetch_error(Inputs::Cifar10, folder.path(), Some(&archive));
    assert_contains(&error, &["test_batch.bin", "8589934592 bytes", "more than any"]);
    // A link under a known name is no file.
    let mut header = tar::Header::new_gnu();
    header.set_path("cifar-10-batches-bin/test_batch.bin").unwrap();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_link_name("/etc/passwd").unwrap();
    header.set_size(0);
    header.set_cksum();
    fs::write(&archive, [&header.as_bytes()[..], &[0; 1024]].concat()).unwrap();
    assert_contains(&fetch_error(Inputs::Cifar10, folder.path(), Some(&archive)), &["lacks"]);
}

// Two at once

#[test]
fn a_second_fetch_into_the_same_folder_waits_for_the_first() {
    let folder = folder();
    put(folder.path(), ".downloads/mnist.lock", b"");
    let held = fs::File::open(folder.path().join(".downloads/mnist.lock")).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let (sender, notes) = std::sync::mpsc::channel();
    let path = folder.path().to_path_buf();
    let second = std::thread::spawn(move || {
        fetch(Inputs::Mnist, &path, &offline(None), &mut |progress| {
            if let Progress::Note(note) = progress {
                sender.send(note.to_owned()).unwrap();
            }
        })
    });
    let first = notes.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
    assert_contains(&first, &["waiting for another fetch"]);
    assert!(notes.recv_timeout(std::time::Duration::from_millis(200)).is_err(), "it waits");
    drop(held);
    // Nothing was brought meanwhile, and offline there is no source.
    assert_contains(&format!("{:#}", second.join().unwrap().unwrap_err()), &["no source of mnist"]);
    assert!(!folder.path().join(".downloads").exists(), "the lock is gone");
}

#[test]
fn a_fetch_that_waits_can_be_interrupted() {
    let folder = folder();
    put(folder.path(), ".downloads/mnist.lock", b"");
    let held = fs::File::open(folder.path().join(".downloads/mnist.lock")).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let interrupted = AtomicBool::new(true);
    let options = offline(None);
    let outcome = fetch_unless(&interrupted, Inputs::Mnist, folder.path(), &options, &mut |_| {});
    assert_contains(&format!("{:#}", outcome.unwrap_err()), &["interrupted"]);
}

// Homes

/// The program, with a home and an empty cache of its own.
fn ocs(home: &Path) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::cargo_bin("ocs").unwrap();
    command.current_dir(home).env_remove("OCS_DATA").env("HOME", home).env("XDG_CACHE_HOME", home);
    command
}

#[test]
fn a_tilde_that_no_shell_replaced_is_the_home_folder() {
    let home = folder();
    let home = home.path();
    for (name, bytes) in NAMES.iter().zip(contents(0)) {
        put(home, &format!("sets/MNIST/raw/{name}"), &bytes);
    }
    let show = |command: &mut assert_cmd::Command| {
        let output = command.args(["data", "verify", "mnist", "--json"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let expected = home.join("sets/MNIST/raw/train-images-idx3-ubyte").display().to_string();
    assert_contains(&show(ocs(home).env("OCS_DATA", "~/sets")), &[&expected]);
    let output = ocs(home)
        .args(["data", "verify", "mnist", "--json", "--data-dir=~/sets"])
        .output()
        .unwrap();
    assert_contains(&String::from_utf8(output.stdout).unwrap(), &[&expected]);
    let output = ocs(home)
        .args(["data", "fetch", "mnist", "--offline", "--from=~/sets", "--data-dir=~/new"])
        .output()
        .unwrap();
    // Small files are not the published ones, but they were looked for in the right place.
    assert_contains(&String::from_utf8(output.stderr).unwrap(), &[&expected, "has the sha256"]);
    assert!(!home.join("~").exists(), "no folder is called ~");
}

// Whose images

/// Eight images of two classes under MNIST's names.
fn two_classes(folder: &Path) {
    let pixels: Vec<u8> = (0..32).map(|at| at * 7).collect();
    let files = [
        idx(&[8, 2, 2], &pixels),
        idx(&[8], &[0, 1, 0, 1, 0, 1, 0, 1]),
        idx(&[4, 2, 2], &pixels[..16]),
        idx(&[4], &[0, 1, 0, 1]),
    ];
    for (name, bytes) in NAMES.iter().zip(files) {
        put(folder, &format!("sets/MNIST/raw/{name}"), &bytes);
    }
}

const OF_TWO_CLASSES: &str = "
name: two
task: {inputs: mnist, branching: [2], classes: [0, 1], samples: {train: 8, test: 4}}
network: {kind: linear, hidden: [4], bias: none, initialisation: {kaiming: {gain: 0.5}}}
training: {steps: 4, learning_rate: 0.01, observations: 3}
";

#[test]
fn training_on_unpublished_images_warns_once_and_the_record_says_so() {
    let home = folder();
    two_classes(home.path());
    put(home.path(), "two.yaml", OF_TWO_CLASSES.as_bytes());
    let output = ocs(home.path())
        .args(["train", "two.yaml", "--data-dir", "sets", "--device", "cpu"])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    assert_eq!(told.matches("not the published ones").count(), 1, "{told}");
    assert_contains(&told, &["WARN", "mnist in sets", "ocs data verify mnist"]);
    let record = fs::read_to_string(home.path().join("runs/two/default/0.json")).unwrap();
    assert_contains(&record, &["\"name\":\"mnist (unknown bytes)\""]);
    // Other commands that read images warn too.
    for command in [&["theory", "two.yaml"][..], &["gram", "two.yaml"], &["data", "show", "mnist"]]
    {
        let output = ocs(home.path()).args(command).args(["--data-dir", "sets"]).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(told.matches("not the published ones").count(), 1, "{command:?}: {told}");
    }
}

#[test]
fn reproduce_refuses_unpublished_images_unless_any_data_is_asked_for() {
    let home = folder();
    two_classes(home.path());
    let reproduce = |more: &[&str]| {
        let output = ocs(home.path())
            .args(["reproduce", "ocs_mnist", "--quick", "--device", "cpu", "--data-dir", "sets"])
            .args(more)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let refused = reproduce(&[]);
    assert_contains(&refused, &["not the published ones", "ocs data fetch mnist", "--any-data"]);
    assert!(!home.path().join("runs").exists(), "nothing was trained");
    // These few images do not do for the experiment, but that is what it says then.
    let taken = reproduce(&["--any-data"]);
    assert!(!taken.contains("takes these"), "{taken}");
    assert_contains(&taken, &["WARN", "not the published ones", "class 2"]);
}

#[test]
fn figures_name_unpublished_images() {
    use ocs::record::DatasetRecord;
    let mut runs = crate::figures::fake::images();
    let texts = |runs: &ocs::record::RunFolder| {
        let canvas = crate::quick_runs::figure("ocs_mnist", runs);
        let (width, texts) = (canvas.width, canvas.texts());
        let words = texts.map(|text| {
            assert!(text.bounds().right() <= width, "`{}` leaves the page", text.content);
            text.content.to_string()
        });
        words.collect::<Vec<_>>().join(" ")
    };
    assert!(!texts(&runs).contains("unknown"));
    for record in &mut runs.records {
        let name = DatasetRecord::name_of("mnist", false);
        let (train_samples, test_samples) = (8, 4);
        let checksum = String::new();
        let classes = Vec::new();
        record.dataset =
            Some(DatasetRecord { name, checksum, train_samples, test_samples, classes });
    }
    assert_contains(
        &texts(&runs),
        &["Do networks trained on MNIST (unknown bytes)", "ata: mnist (unknown bytes)"],
    );
}

#[test]
#[ignore = "needs the real files in the default folder: `ocs data fetch` brings those of the experiments"]
fn fashion_mnist_under_mnists_names_and_mixtures_of_both_are_told() {
    use ocs::data::Identity;
    let real = ocs::data::default_folder();
    for inputs in [Inputs::Mnist, Inputs::Cifar10, Inputs::Glyphs] {
        assert_eq!(load(inputs, &real).unwrap().identity().unwrap(), Identity::Published);
    }
    if !is_present(Inputs::FashionMnist, &real) {
        return;
    }
    let folder = folder();
    let copy = |from: &str, name: &str, to: &str| {
        put(folder.path(), &format!("{to}{name}"), &fs::read(real.join(from).join(name)).unwrap());
    };
    let copy_all = |to: &str| NAMES.iter().for_each(|name| copy("FashionMNIST/raw", name, to));
    copy_all("MNIST/raw/");
    let identity = load(Inputs::Mnist, folder.path()).unwrap().identity().unwrap();
    assert_eq!(identity, Identity::Other(Inputs::FashionMnist));
    let warning = identity.warning(Inputs::Mnist, folder.path()).unwrap();
    assert_contains(&warning, &["these are fashion-mnist's files under mnist's names"]);
    let checks = verify(Inputs::Mnist, folder.path()).unwrap();
    assert!(checks.iter().all(|check| check.published_as == Some("fashion-mnist")));
    // Images of one with labels of the other.
    copy("MNIST/raw", NAMES[1], "MNIST/raw/");
    let error = load(Inputs::Mnist, folder.path()).unwrap().identity().unwrap_err().to_string();
    assert_contains(
        &error,
        &["train-images-idx3-ubyte is fashion-mnist's", "train-labels-idx1-ubyte is mnist's"],
    );
    // Loose files are those whose labels they are, and no one else's.
    fs::remove_dir_all(folder.path().join("MNIST")).unwrap();
    copy_all("");
    assert!(is_present(Inputs::FashionMnist, folder.path()));
    assert!(!is_present(Inputs::Mnist, folder.path()));
    let error = error_of(Inputs::Mnist, folder.path());
    assert_contains(&error, &["the files in the folder itself are those of fashion-mnist"]);
    // A fetch of MNIST from there says whose they are.
    let error = fetch_error(Inputs::Mnist, &folder.path().join("new"), Some(folder.path()));
    assert_contains(&error, &["this is fashion-mnist's file"]);
}
