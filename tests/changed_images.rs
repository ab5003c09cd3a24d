use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use ocs::config::{self, Config};
use ocs::images::{self, Options as Reading};
use ocs::record::{Record, RunFolder, path_of, read_json, write_json};
use ocs::sweep::{Existing, Options, Refused, train_all};
use tempfile::tempdir;

use crate::reproducible_runs::options;

fn png(first: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 4, 4);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels: Vec<u8> = (0..16).map(|at: u8| first.wrapping_add(17 * at)).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    bytes
}

fn put(folder: &Path, path: &str, bytes: &[u8]) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn fill(root: &Path, part: &str, classes: &[&str]) {
    for (class, name) in classes.iter().enumerate() {
        for image in 0..5_u8 {
            put(root, &format!("{part}{name}/{image}.png"), &png(60 * class as u8 + image));
        }
    }
}

fn of_path(path: &Path, more: &str) -> anyhow::Result<Config> {
    let text = format!(
        "name: mine\ntask: {{inputs: {{path: '{}'}}{more}}}\n\
         network: {{hidden: [4], initialisation: {{normal: {{std: 0.1}}}}}}\n\
         training: {{steps: 20, observations: 5}}\n",
        path.display()
    );
    config::parse(&text, "mine", &[])
}

#[test]
fn images_that_change_in_their_place_between_seeds_are_noticed() {
    let (home, runs) = (tempdir().unwrap(), tempdir().unwrap());
    fill(home.path(), "", &["a", "b"]);
    let with =
        |seeds: &[u64]| Config { seeds: seeds.to_vec(), ..of_path(home.path(), "").unwrap() };
    let [refusing, resuming, replacing] = [Existing::Refuse, Existing::Resume, Existing::Overwrite]
        .map(|existing| Options { existing, ..options(runs.path()) });
    train_all(&with(&[0]), &refusing, &|_| ()).unwrap();
    let before = fs::read(home.path().join("a/0.png")).unwrap();
    put(home.path(), "a/0.png", &png(9));
    for (seeds, options) in
        [(&[1][..], &refusing), (&[1], &resuming), (&[0, 1], &resuming), (&[1], &replacing)]
    {
        let error = train_all(&with(seeds), options, &|_| ()).unwrap_err();
        assert!(error.is::<Refused>(), "{error:#}");
        let words = error.to_string();
        for part in ["default/0.json", "its images were others", "SHA-256"] {
            assert!(words.contains(part), "{words}");
        }
    }
    assert!(!path_of(runs.path(), "default", 1).exists());
    put(home.path(), "a/0.png", &before);
    train_all(&with(&[1]), &refusing, &|_| ()).unwrap();
    RunFolder::read(runs.path()).unwrap();
    // Records that were brought together by hand are not drawn together either.
    let path = path_of(runs.path(), "default", 1);
    let mut other: Record = read_json(&path).unwrap();
    other.dataset.as_mut().unwrap().checksum = "0".repeat(64);
    write_json(&path, &other).unwrap();
    let words = format!("{:#}", RunFolder::read(runs.path()).unwrap_err());
    assert!(words.contains("saw different images") && words.contains("--overwrite"), "{words}");
}

fn refusal(path: &Path) -> String {
    // Whoever hangs is found out: nothing of this takes a second.
    let start = Instant::now();
    let words = format!("{:#}", images::read(path, &Reading::default()).unwrap_err());
    assert!(start.elapsed() < Duration::from_secs(20));
    words
}

#[test]
fn what_is_no_file_is_refused_by_name_and_not_waited_at() {
    let fifo = |path: &Path| {
        let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
        assert!(made.success());
    };
    let home = tempdir().unwrap();
    fill(home.path(), "", &["a", "b"]);
    fifo(&home.path().join("b/5.png"));
    let words = refusal(home.path());
    assert!(words.contains("b/5.png is a FIFO, not a file"), "{words}");
    fs::remove_file(home.path().join("b/5.png")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(home.path().join("b/5.png")).unwrap();
    assert!(refusal(home.path()).contains("b/5.png is a socket"));
    fs::remove_file(home.path().join("b/5.png")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", home.path().join("b/5.png")).unwrap();
    assert!(refusal(home.path()).contains("b/5.png is a device"));
    fifo(&home.path().join("a.npz"));
    assert!(refusal(&home.path().join("a.npz")).contains("a.npz is a FIFO"));
    let idx = tempdir().unwrap();
    for name in ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"] {
        fifo(&idx.path().join(name));
    }
    assert!(refusal(idx.path()).contains("is a FIFO, not a file"));
}

#[test]
fn a_test_part_that_lacks_a_class_is_told_with_what_helps() {
    let home = tempdir().unwrap();
    fill(home.path(), "train/", &["a", "b", "c"]);
    fill(home.path(), "test/", &["a", "b"]);
    let words = refusal(home.path());
    for part in ["the class c, which", "put images of it there", "leave the test part out"] {
        assert!(words.contains(part), "{words}");
    }
    // Of an archive it is found when images are chosen.
    let folder = tempdir().unwrap();
    let path = folder.path().join("mine.npz");
    archive(&path, 1.0, &[0, 1, 2], &[0, 1]);
    let error = train_all(&of_path(&path, "").unwrap(), &options(folder.path()), &|_| ());
    let words = format!("{:#}", error.unwrap_err());
    for part in ["the test set of mine.npz has no image of class 2", "leave the test part out"] {
        assert!(words.contains(part), "{words}");
    }
}

/// Four images of each class, whose values reach `scale`.
fn archive(path: &Path, scale: f32, train: &[u8], test: &[u8]) {
    use std::io::Write;
    let mut archive = zip::ZipWriter::new(fs::File::create(path).unwrap());
    let mut put = |name: &str, kind: &str, shape: &str, contents: Vec<u8>| {
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
        let header = format!("{header:<width$}\n", width = 117);
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(b"\x93NUMPY\x01\x00").unwrap();
        archive.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
        archive.write_all(header.as_bytes()).unwrap();
        archive.write_all(&contents).unwrap();
    };
    for (part, classes) in [("train", train), ("test", test)] {
        let all: Vec<u8> = classes.iter().flat_map(|class| [*class; 4]).collect();
        let value = |at: usize| scale * (1.0 - 0.01 * (at % 7) as f32);
        let pixels = (0..all.len() * 6).flat_map(|at| value(at).to_le_bytes()).collect();
        put(&format!("x_{part}.npy"), "<f4", &format!("({}, 2, 3)", all.len()), pixels);
        put(&format!("y_{part}.npy"), "|u1", &format!("({},)", all.len()), all);
    }
    archive.finish().unwrap();
}

#[test]
fn floats_that_are_too_large_are_told_as_such() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("mine.npz");
    archive(&path, 1e38, &[0, 1], &[0, 1]);
    let words = refusal(&path);
    assert!(words.contains("image 0 has a value of 1e38") && words.contains("scale"), "{words}");
    archive(&path, 1e4, &[0, 1], &[0, 1]);
    let told = train_all(&of_path(&path, "").unwrap(), &options(folder.path()), &|_| ()).unwrap();
    assert!(told.diverged[0].contains("or scale the inputs, which reach 1.000e4"), "{told:?}");
}
