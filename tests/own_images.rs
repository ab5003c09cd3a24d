//! Images of one's own: folders of PNGs, NumPy archives and IDX files that are made here.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use ocs::config::{Config, Inputs, Override, Preprocessing, Tree};
use ocs::data::{Dataset, Split, load};
use ocs::images::{self, Images, Layout, Options, Pixels, Summary};
use ocs::task::{Task, TaskInputs};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn put(folder: &Path, path: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

fn assert_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "'{part}' is not in: {text}");
    }
}

/// A PNG of these pixels, interleaved.
fn encoded(color: png::ColorType, depth: png::BitDepth, size: [u32; 2], pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size[1], size[0]);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == png::ColorType::Indexed {
        encoder.set_palette(vec![10, 20, 30, 40, 50, 60]);
    }
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    bytes
}

fn grey(size: [u32; 2], first: u8) -> Vec<u8> {
    let pixels: Vec<u8> = (0..size[0] * size[1]).map(|at| first.wrapping_add(at as u8)).collect();
    encoded(png::ColorType::Grayscale, png::BitDepth::Eight, size, &pixels)
}

/// Some grey images of 2 x 3 pixels for each of some folders; the first pixel of each tells which it is.
fn fill(root: &Path, classes: &[&str], n: u8) {
    for (class, name) in classes.iter().enumerate() {
        for image in 0..n {
            put(root, &format!("{name}/{image}.png"), &grey([2, 3], 16 * class as u8 + image));
        }
    }
}

fn look(path: &Path) -> Summary {
    images::look(path, &Options::default()).unwrap()
}

fn read(path: &Path) -> Images {
    images::read(path, &Options::default()).unwrap()
}

/// What is said of a path that cannot be taken, by looking or at the latest by reading.
fn refusal(path: &Path) -> String {
    let error = images::read(path, &Options::default()).unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains(&path.display().to_string()), "{text}");
    text
}

fn config(inputs: &str, keys: &[&str]) -> anyhow::Result<Config> {
    let overrides: Vec<Override> = keys.iter().map(|key| key.parse().unwrap()).collect();
    ocs::config::parse(&format!("seeds: [0]\ntask: {{inputs: {inputs}}}"), "mine", &overrides)
}

fn of_path(path: &Path, keys: &[&str]) -> Config {
    config(&format!("{{path: '{}'}}", path.display()), keys).unwrap()
}

fn tree(config: &Config) -> String {
    config.task.tree.as_ref().map(Tree::to_string).unwrap()
}

// Folders of PNGs

#[test]
fn a_folder_of_pngs_for_each_class_is_read_in_order() {
    let root = folder();
    fill(root.path(), &["cat", "ant", "bee"], 5);
    let summary = look(root.path());
    assert_eq!(summary.names, ["ant", "bee", "cat"]);
    assert_eq!((summary.shape, summary.counts, summary.are_floats), ([1, 2, 3], [12, 3], false));
    let Images { shape, parts: [train, test] } = read(root.path());
    assert_eq!(shape, [1, 2, 3]);
    assert_eq!(train.classes, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    assert_eq!(test.classes, [0, 1, 2]);
    // Every image is in one part, with its class's pixels.
    let mut firsts: Vec<u8> = [&train, &test]
        .iter()
        .flat_map(|part| part.pixels.bytes().unwrap().chunks(6).map(|image| image[0]))
        .collect();
    firsts.sort_unstable();
    let expected: Vec<u8> =
        (0..3).flat_map(|class| (0..5).map(move |image| 16 * class + image)).collect();
    assert_eq!(firsts, expected);
    assert!(test.pixels.bytes().unwrap()[..6].windows(2).all(|pair| pair[1] == pair[0] + 1));
    // The same seed holds the same images out, another one others, and the share is what is asked for.
    assert_eq!(read(root.path()).parts[1], test);
    let of_seed =
        |seed| images::read(root.path(), &Options { seed, ..Options::default() }).unwrap();
    assert!((1..9).any(|seed| of_seed(seed).parts[1] != test));
    let half = Options { held_out: Some(0.4), ..Options::default() };
    assert_eq!(images::look(root.path(), &half).unwrap().counts, [9, 6]);
}

#[test]
fn folders_within_each_other_are_the_tree() {
    let root = folder();
    fill(
        root.path(),
        &["animals/cat", "animals/dog", "cars", "plants/trees/oak", "plants/rose"],
        2,
    );
    let config = of_path(root.path(), &[]);
    let own = config.task.inputs.own().unwrap();
    assert_eq!(
        own.names,
        ["animals/cat", "animals/dog", "cars", "plants/rose", "plants/trees/oak"]
    );
    assert_eq!(tree(&config), "[[0, 1], 2, [3, [4]]]");
    assert_eq!(config.task.n_items(), 5);
    // Some of the classes, by name, have their part of the tree; superclasses are its first level.
    let some = of_path(root.path(), &["task.classes=[cars, animals/dog, animals/cat]"]);
    assert_eq!(
        (tree(&some).as_str(), some.task.classes.clone()),
        ("[0, [1, 2]]", Some(vec![2, 1, 0]))
    );
    let first = of_path(root.path(), &["task.tree=superclasses", "task.classes=[plants, animals]"]);
    assert_eq!(tree(&first), "[[0, 1], [2, 3]]");
    // Any other tree may be put over the classes.
    let flat = of_path(root.path(), &["task.branching=[5]"]);
    assert_eq!(flat.task.classes, Some(vec![0, 1, 2, 3, 4]));
}

#[test]
fn a_test_part_of_its_own_is_taken_as_such() {
    let root = folder();
    fill(&root.path().join("train"), &["10", "9", "2"], 3);
    fill(&root.path().join("test"), &["10", "9", "2"], 1);
    let summary = look(root.path());
    // Numbers are in their order.
    assert_eq!(
        (summary.names, summary.counts),
        (vec!["2".into(), "9".into(), "10".into()], [9, 3])
    );
    let held = Options { held_out: Some(0.5), ..Options::default() };
    assert_contains(&format!("{:#}", images::look(root.path(), &held).unwrap_err()), &["held_out"]);
    fs::remove_dir_all(root.path().join("test/9")).unwrap();
    assert_contains(&refusal(root.path()), &["train has the class 9, which", "test lacks"]);
}

#[test]
fn what_systems_leave_in_folders_is_passed_over() {
    let root = folder();
    fill(root.path(), &["a", "b"], 2);
    let expected = read(root.path());
    for litter in [
        ".DS_Store",
        "a/.DS_Store",
        "a/Thumbs.db",
        "b/desktop.ini",
        "b/notes.txt",
        ".cache/x.png",
        "__MACOSX/a/._0.png",
    ] {
        put(root.path(), litter, b"litter");
    }
    assert_eq!(read(root.path()), expected);
}

#[test]
fn folders_that_are_no_classes_are_named() {
    let root = folder();
    fill(root.path(), &["a"], 2);
    assert_contains(&refusal(root.path()), &["1 class", "two or more"]);
    fill(root.path(), &["b"], 1);
    assert_contains(&refusal(root.path()), &["class b has 1 image"]);
    fill(root.path(), &["b"], 2);
    fs::create_dir(root.path().join("c")).unwrap();
    assert_contains(&refusal(root.path()), &["/c has no PNG"]);
    put(root.path(), "c/photo.JPG", b"");
    assert_contains(&refusal(root.path()), &["photo.JPG is not a PNG", "convert"]);
    fs::remove_dir_all(root.path().join("c")).unwrap();
    put(root.path(), "a/below/0.png", &grey([2, 3], 0));
    assert_contains(&refusal(root.path()), &["/a/0.png", "/a/below", "either images or classes"]);
    fs::remove_dir_all(root.path().join("a/below")).unwrap();
    put(root.path(), "loose.png", &grey([2, 3], 0));
    assert_contains(&refusal(root.path()), &["loose.png", "either images or classes"]);
    let empty = folder();
    assert_contains(&refusal(empty.path()), &["has no PNG"]);
    put(empty.path(), "loose.png", &grey([2, 3], 0));
    assert_contains(&refusal(empty.path()), &["loose.png", "a folder of its own"]);
    assert_contains(&refusal(&empty.path().join("nowhere")), &["nothing that can be read"]);
    assert_contains(
        &refusal(&put(empty.path(), "images.csv", b"1,2")),
        &["neither a folder", ".npz"],
    );
    #[cfg(unix)]
    {
        let root = folder();
        fill(root.path(), &["b"], 2);
        std::os::unix::fs::symlink(root.path(), root.path().join("a")).unwrap();
        assert_contains(&refusal(root.path()), &["16 folders deep", "link"]);
    }
}

/// What is said of a folder of good images with this one among them.
fn refusal_of_png(bytes: &[u8]) -> String {
    let root = folder();
    fill(root.path(), &["a", "b"], 3);
    put(root.path(), "b/odd.png", bytes);
    let refusal = refusal(root.path());
    assert_contains(&refusal, &["b/odd.png"]);
    refusal
}

#[test]
fn pngs_that_cannot_be_taken_are_named() {
    use png::{BitDepth, ColorType};
    let png = |color, depth, size, pixels: &[u8]| encoded(color, depth, size, pixels);
    for (bytes, part) in [
        (Vec::new(), "empty"),
        (b"GIF89a".to_vec(), "no PNG"),
        (grey([2, 3], 0)[..50].to_vec(), "damaged"),
        (png(ColorType::Grayscale, BitDepth::Sixteen, [2, 3], &[0; 12]), "16 bits"),
        (png(ColorType::GrayscaleAlpha, BitDepth::Eight, [2, 3], &[0; 12]), "transparency"),
        (png(ColorType::Rgba, BitDepth::Eight, [2, 3], &[0; 24]), "transparency"),
        (grey([3, 2], 0), "grey, 3 x 2, but"),
        (png(ColorType::Rgb, BitDepth::Eight, [2, 3], &[0; 18]), "coloured, 2 x 3, but"),
        (png(ColorType::Indexed, BitDepth::Eight, [2, 3], &[0; 6]), "coloured, 2 x 3, but"),
        (grey([257, 3], 0), "257 x 3"),
    ] {
        assert_contains(&refusal_of_png(&bytes), &[part]);
    }
    // A header that promises much is not believed.
    let mut huge = grey([2, 3], 0);
    huge[16..20].copy_from_slice(&0x7fff_ffff_u32.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&huge[12..29]);
    huge[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    assert_contains(&refusal_of_png(&huge), &["limits"]);
}

#[test]
fn palettes_and_few_bits_become_bytes() {
    let root = folder();
    for name in ["a/0.png", "a/1.png", "b/0.png", "b/1.png"] {
        let indexed = encoded(png::ColorType::Indexed, png::BitDepth::Eight, [1, 2], &[1, 0]);
        put(root.path(), name, &indexed);
    }
    let Images { shape, parts } = read(root.path());
    assert_eq!(shape, [3, 1, 2]);
    assert_eq!(parts[1].pixels.bytes().unwrap()[..6], [40, 10, 50, 20, 60, 30]);
    let root = folder();
    for name in ["a/0.png", "a/1.png", "b/0.png", "b/1.png"] {
        let bits = encoded(png::ColorType::Grayscale, png::BitDepth::One, [1, 3], &[0b1010_0000]);
        put(root.path(), name, &bits);
    }
    assert_eq!(read(root.path()).parts[1].pixels.bytes().unwrap()[..3], [255, 0, 255]);
}

// NumPy archives

/// An array as `numpy.save` writes it.
fn npy(kind: &str, is_column_major: bool, shape: &[usize], contents: &[u8]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let order = if is_column_major { "True" } else { "False" };
    let header = format!("{{'descr': {kind}, 'fortran_order': {order}, 'shape': ({sizes}), }}");
    let padded = format!("{header:<width$}\n", width = (header.len() + 11).div_ceil(64) * 64 - 11);
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((padded.len() as u16).to_le_bytes());
    bytes.extend(padded.as_bytes());
    bytes.extend(contents);
    bytes
}

fn bytes_of(shape: &[usize], contents: &[u8]) -> Vec<u8> {
    npy("'|u1'", false, shape, contents)
}

fn npz(folder: &Path, arrays: &[(&str, Vec<u8>)]) -> PathBuf {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    put(folder, "mine.npz", &archive.finish().unwrap().into_inner())
}

/// Four training images of two classes, and two test images.
fn with_images(folder: &Path, images: impl Fn(usize) -> Vec<u8>) -> PathBuf {
    npz(
        folder,
        &[
            ("x_train", images(4)),
            ("y_train", bytes_of(&[4], &[0, 1, 1, 0])),
            ("x_test", images(2)),
            (
                "y_test",
                npy("'<i8'", false, &[2, 1], &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            ),
        ],
    )
}

fn count(n: usize) -> Vec<u8> {
    (0..n).map(|at| at as u8).collect()
}

#[test]
fn arrays_of_every_shape_become_channels_rows_and_columns() {
    let root = folder();
    let shape_of = |shape: &[usize]| {
        let path = with_images(root.path(), |n| {
            let shape = [&[n], shape].concat();
            bytes_of(&shape, &count(shape.iter().product()))
        });
        look(&path).shape
    };
    assert_eq!(shape_of(&[5]), [1, 1, 5]);
    assert_eq!(shape_of(&[2, 5]), [1, 2, 5]);
    assert_eq!(shape_of(&[2, 5, 3]), [3, 2, 5]);
    assert_eq!(shape_of(&[3, 2, 5]), [3, 2, 5]);
    assert_eq!(shape_of(&[2, 5, 1]), [1, 2, 5]);
    // Channels are planes, wherever they stood.
    let path = with_images(root.path(), |n| bytes_of(&[n, 2, 2, 3], &count(12 * n)));
    let Images { parts: [train, test], .. } = read(&path);
    assert_eq!(train.pixels.bytes().unwrap()[..12], [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
    assert_eq!((train.classes, test.classes), (vec![0, 1, 1, 0], vec![1, 0]));
    // What may be either is asked for.
    let path = with_images(root.path(), |n| bytes_of(&[n, 3, 2, 3], &count(18 * n)));
    assert_contains(&refusal(&path), &["[4, 3, 2, 3]", "task.inputs.layout", "channels-first"]);
    let first = Options { layout: Some(Layout::ChannelsFirst), ..Options::default() };
    assert_eq!(images::look(&path, &first).unwrap().shape, [3, 2, 3]);
    let path = with_images(root.path(), |n| bytes_of(&[n, 7, 8, 9], &count(504 * n)));
    let last = Options { layout: Some(Layout::ChannelsLast), ..Options::default() };
    assert_eq!(images::look(&path, &last).unwrap().shape, [9, 7, 8]);
}

#[test]
fn column_major_and_big_endian_arrays_are_the_same_images() {
    let root = folder();
    let values: Vec<f32> = (0..24).map(|value| value as f32 - 3.5).collect();
    let written = |kind: &str, bytes: &dyn Fn(f32) -> Vec<u8>| {
        let path = with_images(root.path(), |n| {
            let contents: Vec<u8> =
                values[..6 * n].iter().flat_map(|value| bytes(*value)).collect();
            npy(kind, false, &[n, 2, 3], &contents)
        });
        read(&path)
    };
    let little = written("'<f4'", &|value| value.to_le_bytes().to_vec());
    assert_eq!(little.parts[0].pixels, Pixels::Floats(values.clone()));
    assert_eq!(written("'>f4'", &|value| value.to_be_bytes().to_vec()), little);
    assert_eq!(written("'<f8'", &|value| f64::from(value).to_le_bytes().to_vec()), little);
    assert_eq!(written("'>f8'", &|value| f64::from(value).to_be_bytes().to_vec()), little);
    let row_major = |n: usize| bytes_of(&[n, 2, 3], &count(6 * n));
    let column_major = |n: usize| {
        let contents: Vec<u8> =
            (0..6 * n).map(|at| ((at % n) * 6 + at / n % 2 * 3 + at / (2 * n)) as u8).collect();
        npy("'|u1'", true, &[n, 2, 3], &contents)
    };
    let expected = read(&with_images(root.path(), row_major));
    assert_eq!(read(&with_images(root.path(), column_major)), expected);
}

#[test]
fn archives_that_cannot_be_taken_say_why() {
    let root = folder();
    let images = || bytes_of(&[4, 2, 2], &count(16));
    let classes = || bytes_of(&[4], &[0, 1, 0, 1]);
    let floats = |value: f32| {
        let values = [0.0, 1.0, value, 2.0].map(f32::to_le_bytes);
        npy("'<f4'", false, &[4, 1], &values.concat())
    };
    let bomb = npy("'|u1'", false, &[4, 60_000, 60_000], &[0; 16]);
    let beyond = npy("'|u1'", false, &[usize::MAX, 60_000, 60_000], &[0; 16]);
    let deep = npy(&format!("{}{}", "(".repeat(9000), ")".repeat(900)), false, &[4], &[]);
    let integers =
        |classes: [i16; 4]| npy("'<i2'", false, &[4], &classes.map(i16::to_le_bytes).concat());
    for (arrays, parts) in [
        (
            [("x_train", npy("'|O'", false, &[4], b"\x80\x04c")), ("y_train", classes())],
            &["x_train", "Python objects"][..],
        ),
        (
            [("x_train", images()), ("y_train", npy("'|O'", false, &[4], b"\x80\x04c"))],
            &["y_train", "Python objects"],
        ),
        (
            [("x_train", images()), ("y_train", npy("[('a', '<i4')]", false, &[4], &[0; 16]))],
            &["y_train", "fields"],
        ),
        (
            [("x_train", images()), ("y_train", bytes_of(&[3], &[0, 1, 0]))],
            &["4 images", "3 classes"],
        ),
        ([("x_train", images()), ("y_train", integers([0, -1, 1, 0]))], &["image 1 has class -1"]),
        (
            [("x_train", images()), ("y_train", integers([0, 3, 1, 0]))],
            &["no training image has class 2"],
        ),
        (
            [("x_train", images()), ("y_train", npy("'<i4'", false, &[4], &[255; 16]))],
            &["class -1"],
        ),
        (
            [("x_train", images()), ("y_train", npy("'<i4'", false, &[4], &[127; 16]))],
            &["class 2139062143"],
        ),
        ([("x_train", images()), ("y_train", npy("'<f4'", false, &[4], &[0; 16]))], &["floats"]),
        (
            [("x_train", images()), ("y_train", npy("'|b1'", false, &[4], &[0; 4]))],
            &["y_train", "|b1"],
        ),
        ([("x_train", images()), ("y_train", bytes_of(&[4, 2], &[0; 8]))], &["one-hot", "argmax"]),
        ([("x_train", images()), ("y_train", bytes_of(&[4], &[0; 4]))], &["1 class"]),
        ([("x_train", floats(f32::NAN)), ("y_train", classes())], &["x_train", "image 2", "NaN"]),
        ([("x_train", floats(f32::INFINITY)), ("y_train", classes())], &["image 2", "inf"]),
        (
            [("x_train", npy("'<i4'", false, &[4, 1], &[0; 16])), ("y_train", classes())],
            &["x_train", "uint8"],
        ),
        (
            [("x_train", npy("'<f2'", false, &[4, 1], &[0; 8])), ("y_train", classes())],
            &["x_train", "<f2"],
        ),
        ([("x_train", bytes_of(&[4], &[0; 4])), ("y_train", classes())], &["x_train", "N x H x W"]),
        ([("x_train", bytes_of(&[4, 0, 2], &[])), ("y_train", classes())], &["no pixels"]),
        (
            [("x_train", bytes_of(&[4, 300, 2], &[0; 2400])), ("y_train", classes())],
            &["300 x 2", "256"],
        ),
        ([("x_train", bomb), ("y_train", classes())], &["x_train", "promises"]),
        ([("x_train", beyond), ("y_train", classes())], &["x_train", "promises"]),
        (
            [("x_train", bytes_of(&[4, 2, 2], &[0; 15])), ("y_train", classes())],
            &["x_train", "but 15 are there"],
        ),
        (
            [("x_train", bytes_of(&[4, 2, 2], &[0; 17])), ("y_train", classes())],
            &["x_train", "or more are there"],
        ),
        ([("x_train", deep), ("y_train", classes())], &["x_train", "header"]),
        ([("x_train", Vec::new()), ("y_train", classes())], &["x_train", "no NumPy array"]),
        (
            [("x_train", b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec()), ("y_train", classes())],
            &["x_train", "header"],
        ),
        (
            [("pictures", images()), ("y_train", classes())],
            &["pictures, y_train", "x_train and y_train"],
        ),
    ] {
        assert_contains(&refusal(&npz(root.path(), &arrays)), parts);
    }
    let alone = [("x_train", images()), ("y_train", classes()), ("x_test", images())];
    assert_contains(&refusal(&npz(root.path(), &alone)), &["x_test", "alone"]);
    let [images, classes] = [alone[0].clone(), alone[1].clone()];
    let foreign = [
        images,
        classes,
        ("x_test", bytes_of(&[1, 3, 3], &[0; 9])),
        ("y_test", bytes_of(&[1], &[1])),
    ];
    assert_contains(&refusal(&npz(root.path(), &foreign)), &["[1, 3, 3]", "[1, 2, 2]"]);
    assert_contains(&refusal(&put(root.path(), "text.npz", b"no archive")), &["no zip archive"]);
    assert_contains(&refusal(&put(root.path(), "empty.npz", b"")), &["empty"]);
}

// IDX files

fn idx(kind: u8, sizes: &[u32], contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend_from_slice(contents);
    bytes
}

#[test]
fn idx_files_of_any_classes_and_numbers_are_read() {
    let root = folder();
    let labels: Vec<u8> = (0..12).collect();
    put(root.path(), "emnist-train-images-idx3-ubyte", &idx(8, &[12, 2, 2], &count(48)));
    put(root.path(), "emnist-train-labels-idx1-ubyte", &idx(8, &[12], &labels));
    assert_contains(&refusal(root.path()), &["class 0 has 1 image", "test part"]);
    put(root.path(), "emnist-test-images-idx3-ubyte", &idx(8, &[2, 2, 2], &count(8)));
    put(root.path(), "emnist-test-labels-idx1-ubyte", &idx(8, &[2], &[11, 0]));
    let summary = look(root.path());
    assert_eq!((summary.names.len(), summary.counts, summary.shape), (12, [12, 2], [1, 2, 2]));
    assert_eq!(read(root.path()).parts[1].classes, [11, 0]);
    let floats: Vec<u8> = (0..12).flat_map(|value| (value as f32).to_be_bytes()).collect();
    put(root.path(), "emnist-train-images-idx3-ubyte", &idx(13, &[12, 1, 1], &floats));
    assert_contains(&refusal(root.path()), &["emnist-test-images", "[1, 2, 2]", "[1, 1, 1]"]);
    put(root.path(), "emnist-train-images-idx3-ubyte", &idx(8, &[12, u32::MAX, 2], &count(48)));
    assert_contains(&refusal(root.path()), &["emnist-train-images", "promises"]);
    put(root.path(), "emnist-train-images-idx3-ubyte", &idx(8, &[11, 2, 2], &count(44)));
    assert_contains(&refusal(root.path()), &["11 images", "12 labels"]);
    put(root.path(), "emnist-train-images-idx3-ubyte", b"");
    assert_contains(&refusal(root.path()), &["emnist-train-images", "empty"]);
    put(root.path(), "emnist-train-images-idx3-ubyte", b"\0\0\x08");
    assert_contains(&refusal(root.path()), &["emnist-train-images", "no IDX file"]);
    put(root.path(), "other-train-images-idx3-ubyte", &idx(8, &[12, 2, 2], &count(48)));
    assert_contains(&refusal(root.path()), &["several", "other-train-images"]);
}

// Configs

#[test]
fn a_config_that_names_a_path_is_written_out_with_what_is_there() {
    let root = folder();
    fill(root.path(), &["cat", "dog", "eel"], 5);
    let config = of_path(root.path(), &["task.classes=[eel, cat]"]);
    assert_eq!((tree(&config).as_str(), config.task.classes.clone()), ("[0, 1]", Some(vec![2, 0])));
    assert_eq!(config.task.class_names(), ["eel", "cat"]);
    let text = serde_yaml::to_string(&config).unwrap();
    assert_contains(&text, &["path: /", "- dog", "shape:"]);
    // It reads back the same, from YAML and from a record's JSON, and looks nowhere.
    let json = serde_json::to_string(&config).unwrap();
    let path = root.path().canonicalize().unwrap();
    drop(root);
    assert_eq!(ocs::config::parse(&text, "other", &[]).unwrap(), config);
    assert_eq!(serde_json::from_str::<Config>(&json).unwrap(), config);
    let error = format!("{:#}", load(config.task.inputs, Path::new("")).unwrap_err());
    assert_contains(&error, &["nothing that can be read", path.to_str().unwrap()]);
}

#[test]
fn names_may_be_given_and_conditions_may_take_other_paths() {
    let (one, other) = (folder(), folder());
    let path = with_images(one.path(), |n| bytes_of(&[n, 2, 2], &count(4 * n)));
    fill(other.path(), &["x", "y", "z"], 2);
    let keys = format!("{{path: '{}', names: [pets/cat, pets/dog]}}", path.display());
    let named = config(&keys, &[]).unwrap();
    assert_eq!(
        (tree(&named).as_str(), named.task.class_names()[1].as_str()),
        ("[[0, 1]]", "pets/dog")
    );
    let conditions = format!(
        "conditions={{a: {{}}, b: {{task.inputs.path: '{}', task.tree: [0, 1, 2], task.classes: [z, y, x]}}, c: {{task.inputs: mnist}}}}",
        other.path().display()
    );
    let resolved =
        ocs::config::resolve_conditions(&config(&keys, &[&conditions]).unwrap()).unwrap();
    assert_eq!(resolved[0].1.task, named.task);
    assert_eq!(resolved[1].1.task.class_names(), ["z", "y", "x"]);
    assert_eq!(resolved[2].1.task.inputs, Inputs::Mnist);
    let error = |inputs: &str, keys: &[&str]| format!("{:#}", config(inputs, keys).unwrap_err());
    let path = path.display();
    for (inputs, keys, parts) in [
        (format!("{{path: '{path}', names: [a]}}"), &[][..], &["1 names for 2 classes"][..]),
        (format!("{{path: '{path}', names: [a, a]}}"), &[], &["'a' twice"]),
        (format!("{{path: '{path}', names: [a, b/]}}"), &[], &["'b/'"]),
        (format!("{{path: '{path}', held_out: 0.5}}"), &[], &["held_out"]),
        (format!("{{path: '{path}', held_out: 1.5}}"), &[], &["held_out"]),
        (format!("{{path: '{path}', pth: 1}}"), &[], &["task.inputs has no key 'pth'"]),
        (format!("{{path: '{path}', layout: last}}"), &[], &["layout", "channels-last"]),
        ("{names: [a, b]}".to_owned(), &[], &["task.inputs", "'path'"]),
        ("[mnist]".to_owned(), &[], &["task.inputs", "{path: PATH}"]),
        ("{path: /nowhere/at/all}".to_owned(), &[], &["task.inputs.path", "/nowhere/at/all"]),
        (format!("{{path: '{path}'}}"), &["task.classes=[0, 2]"], &["class 2", "0 to 1"]),
        (
            format!("{{path: '{path}'}}"),
            &["network={kind: cnn, hidden: [4, 4]}"],
            &["2 convolution blocks", "2 x 2"],
        ),
    ] {
        assert_contains(&error(&inputs, keys), parts);
    }
}

#[test]
fn floats_are_taken_as_they_are() {
    let root = folder();
    let values: Vec<f32> = (0..24).map(|value| (value * value % 13) as f32 - 4.25).collect();
    let path = with_images(root.path(), |n| {
        npy(
            "'<f4'",
            false,
            &[n, 2, 3],
            &values[..6 * n].iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>(),
        )
    });
    let task_of = |preprocessing: Preprocessing| {
        let mut config = of_path(&path, &[]);
        config.task.preprocessing = preprocessing;
        let dataset = load(config.task.inputs, Path::new("")).unwrap();
        Task::new(&config.task, Some(&dataset)).unwrap()
    };
    let inputs = |task: &Task| {
        let TaskInputs::Images { train, preprocessor, .. } = &task.inputs else {
            panic!("vectors")
        };
        preprocessor.inputs(train, 0..4)
    };
    let raw = task_of(Preprocessing::Raw);
    assert_eq!(inputs(&raw), values.iter().map(|&value| f64::from(value)).collect::<Vec<f64>>());
    let mean = |item: usize| f64::from(values[item * 6 + 5]);
    assert!((raw.item_means()[[0, 5]] - (mean(0) + mean(3)) / 2.0).abs() < 1e-12);
    let centred = inputs(&task_of(Preprocessing::PixelCentred));
    for pixel in 0..6 {
        assert!((0..4).map(|image| centred[image * 6 + pixel]).sum::<f64>().abs() < 1e-12);
    }
    let standardised = inputs(&task_of(Preprocessing::ChannelStandardised));
    let squares: f64 = standardised.iter().map(|value| value * value).sum();
    assert!((squares / 24.0 - 1.0).abs() < 1e-9 && standardised.iter().sum::<f64>().abs() < 1e-9);
}

#[test]
fn the_checksum_is_of_what_was_read_not_of_where() {
    let (one, other) = (folder(), folder());
    let of = |root: &Path| load(of_path(root, &[]).task.inputs, Path::new("")).unwrap();
    fill(one.path(), &["a", "b"], 5);
    fill(other.path(), &["a", "b"], 5);
    let first: Dataset = of(one.path());
    assert_eq!(first.checksum(), of(other.path()).checksum());
    put(other.path(), "b/3.png", &grey([2, 3], 99));
    assert_ne!(first.checksum(), of(other.path()).checksum());
    let split: &Split = &first.train;
    assert_eq!(split.classes.len(), 8);
    // More images than when the config was written.
    let config = of_path(other.path(), &[]);
    put(other.path(), "b/9.png", &grey([2, 3], 99));
    let error = format!("{:#}", load(config.task.inputs, Path::new("")).unwrap_err());
    assert_contains(&error, &["no longer those of the config", "task.inputs.found"]);
}

// From a folder to a record and a figure

#[test]
fn networks_learn_ones_own_images() {
    let home = folder();
    for (class, name) in ["animals/cat", "animals/dog", "cars"].iter().enumerate() {
        for image in 0..6_u8 {
            let pixels: Vec<u8> =
                (0..192).map(|at| (at as u8).wrapping_mul(class as u8 + 2) ^ image).collect();
            let bytes = encoded(png::ColorType::Rgb, png::BitDepth::Eight, [8, 8], &pixels);
            put(home.path(), &format!("mine/{name}/{image}.png"), &bytes);
        }
    }
    let text = "
task: {inputs: {path: mine, held_out: 0.34, seed: 3}}
network: {hidden: [8], bias: all}
training: {steps: 20, learning_rate: 0.01, observations: 8}
conditions: {linear: {}, cnn: {network.kind: cnn, network.hidden: [4, 4], training.batch_size: 6}}
seeds: [0]
";
    put(home.path(), "own.yaml", text.as_bytes());
    let ocs = |arguments: &[&str]| {
        let mut command = assert_cmd::Command::cargo_bin("ocs").unwrap();
        let output = command.current_dir(home.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    ocs(&["train", "own.yaml"]);
    let record = fs::read_to_string(home.path().join("runs/own/cnn/0.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["dataset"]["name"], "mine");
    assert_eq!(
        record["dataset"]["classes"],
        serde_json::json!(["animals/cat", "animals/dog", "cars"])
    );
    assert_eq!(
        (&record["dataset"]["train_samples"], &record["dataset"]["test_samples"]),
        (&12.into(), &6.into())
    );
    assert_eq!(record["dataset"]["checksum"].as_str().unwrap().len(), 64);
    assert_eq!(record["levels"], serde_json::json!([2, 2]));
    // The run folder's config is one of its own, wherever it is read.
    fs::copy(home.path().join("runs/own/config.yaml"), home.path().join("mine/again.yaml"))
        .unwrap();
    ocs(&["config", "mine/again.yaml"]);
    ocs(&["train", "runs/own/config.yaml", "--resume"]);
    ocs(&["plot", "runs/own", "--out", "figures"]);
    ocs(&["data", "show", "--config", "own.yaml", "--out", "sheet.png"]);
    ocs(&["gram", "own.yaml"]);
    assert!(
        home.path().join("figures/own.png").is_file() && home.path().join("sheet.png").is_file()
    );
}
