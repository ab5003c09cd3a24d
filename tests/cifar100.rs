//! CIFAR-100 on small files of its layouts, made here: none of the real files is needed, or tried.

use std::fs;
use std::path::Path;

use ocs::config::{Config, Inputs, Override, Tree};
use ocs::data::{Dataset, FetchOptions, Identity, fetch, identify, is_present, load, verify};
use ocs::task::{Hierarchy, Task};

const IMAGE: usize = 3072;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn put(folder: &Path, path: &str, bytes: &[u8]) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn assert_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "'{part}' is not in: {text}");
    }
}

/// The superclass of a class, by the data set's table.
fn superclass(class: u8) -> u8 {
    let groups = Inputs::Cifar100.superclasses();
    groups.iter().position(|(_, classes)| classes.contains(&usize::from(class))).unwrap() as u8
}

fn pixels(at: usize, class: u8) -> Vec<u8> {
    (0..IMAGE).map(|pixel| ((pixel * 31 + at * 7) % 97) as u8 + class).collect()
}

fn records(classes: &[u8]) -> Vec<u8> {
    let record = |(at, &class): (usize, &u8)| [vec![superclass(class), class], pixels(at, class)];
    classes.iter().enumerate().flat_map(record).flatten().collect()
}

/// A protocol-2 pickle with the instructions of Python 2's cPickle.
fn pickle(classes: &[u8], superclasses: &[u8]) -> Vec<u8> {
    let list = |labels: &[u8]| {
        let items = labels.iter().flat_map(|&label| [b'K', label]);
        [b"](".to_vec(), items.collect(), b"e".to_vec()].concat()
    };
    let images: Vec<u8> =
        classes.iter().enumerate().flat_map(|(at, &class)| pixels(at, class)).collect();
    let mut bytes =
        b"\x80\x02}(U\x0bbatch_labelU\x15training batch 1 of 1U\x0bfine_labels".to_vec();
    bytes.extend(list(classes));
    bytes.extend(b"U\x0dcoarse_labels");
    bytes.extend(list(superclasses));
    bytes.extend(b"U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n");
    bytes.extend(b"K\x00\x85U\x01b\x87R(K\x01");
    bytes.extend([b'K', classes.len() as u8, b'M']);
    bytes.extend((IMAGE as u16).to_le_bytes());
    bytes.extend(b"\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNN");
    bytes.extend(b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T");
    bytes.extend((images.len() as u32).to_le_bytes());
    bytes.extend(images);
    bytes.extend(b"tbU\x09filenames](U\x0dtrout_s_1.pngeu.");
    bytes
}

/// Some classes of several superclasses, and each of those of two in both parts.
const TRAIN: [u8; 14] = [19, 1, 32, 67, 73, 91, 4, 30, 55, 72, 95, 0, 99, 47];
const TEST: [u8; 11] = [1, 32, 67, 73, 91, 4, 30, 55, 72, 95, 98];

fn binary(folder: &Path) {
    put(folder, "cifar-100-binary/train.bin", &records(&TRAIN));
    put(folder, "cifar-100-binary/test.bin", &records(&TEST));
}

fn python(folder: &Path) {
    let pickled = |classes: &[u8]| {
        let superclasses: Vec<u8> = classes.iter().map(|&class| superclass(class)).collect();
        pickle(classes, &superclasses)
    };
    put(folder, "cifar-100-python/train", &pickled(&TRAIN));
    put(folder, "cifar-100-python/test", &pickled(&TEST));
    put(folder, "cifar-100-python/meta", b"not read");
}

fn loaded(write: fn(&Path)) -> Dataset {
    let folder = folder();
    write(folder.path());
    load(Inputs::Cifar100, folder.path()).unwrap()
}

fn error_with(write: fn(&Path), path: &str, bytes: &[u8]) -> String {
    let folder = folder();
    write(folder.path());
    put(folder.path(), path, bytes);
    let error = format!("{:#}", load(Inputs::Cifar100, folder.path()).unwrap_err());
    assert_contains(&error, &["ocs data fetch cifar100", path]);
    error
}

#[test]
fn both_layouts_of_cifar100_give_the_same_images() {
    let (binary, python) = (loaded(binary), loaded(python));
    assert_eq!(binary, python);
    assert_eq!(binary.checksum(), python.checksum());
    assert_eq!((binary.channels, binary.height, binary.width), (3, 32, 32));
    assert_eq!(binary.test.classes.len(), TEST.len());
    let image = |at: usize| &binary.train.byte_pixels()[at * IMAGE..(at + 1) * IMAGE];
    assert_eq!((image(3), image(13)), (&*pixels(3, 67), &*pixels(13, 47)));
}

#[test]
fn a_superclass_that_is_not_its_classs_is_refused() {
    let mut bytes = records(&TRAIN);
    bytes[2 * (2 + IMAGE)] = 7;
    let error = error_with(binary, "cifar-100-binary/train.bin", &bytes);
    assert_contains(&error, &["image 2", "class 32 (flatfish)", "superclass 7", "of superclass 1"]);
    let error = error_with(python, "cifar-100-python/test", &pickle(&[1, 2], &[1, 1]));
    assert_contains(&error, &["image 1", "class 2 (baby)", "superclass 1", "of superclass 14"]);
}

#[test]
fn wrong_files_of_cifar100_are_named() {
    let good = records(&TEST);
    let path = "cifar-100-binary/test.bin";
    let error = error_with(binary, path, &good[..good.len() - 1]);
    assert_contains(&error, &["10 records of 3074 bytes", "truncated"]);
    assert_contains(&error_with(binary, path, b""), &["empty"]);
    let mut class = good.clone();
    class[1] = 100;
    assert_contains(&error_with(binary, path, &class), &["record 0", "class 100", "0 to 99"]);
    // CIFAR-10's records under these names.
    let foreign: Vec<u8> = (0..3 * 3073).map(|at| (at % 7) as u8).collect();
    assert_contains(&error_with(binary, path, &foreign), &["3074 bytes", "not cifar100"]);
    let path = "cifar-100-python/train";
    assert_contains(&error_with(python, path, &pickle(&[1], &[1, 1])), &["'coarse_labels' 2"]);
    let coarse_alone = pickle(&[1], &[1]);
    let at = coarse_alone.windows(11).position(|window| window == b"fine_labels").unwrap();
    let mut renamed = coarse_alone.clone();
    renamed[at..at + 11].copy_from_slice(b"fine_labelz");
    assert_contains(&error_with(python, path, &renamed), &["'fine_labels'"]);
}

#[test]
fn only_the_published_files_are_taken_for_cifar100() {
    let (home, given) = (folder(), folder());
    for (write, part) in [
        (binary as fn(&Path), "train.bin has the sha1"),
        (python as fn(&Path), "train has the md5"),
    ] {
        fs::remove_dir_all(given.path()).unwrap();
        write(given.path());
        let options = FetchOptions { from: Some(given.path().to_owned()), offline: true };
        let error = fetch(Inputs::Cifar100, home.path(), &options, &mut |_| {}).unwrap_err();
        assert_contains(&format!("{error:#}"), &[part, "www.cs.toronto.edu"]);
        assert!(!is_present(Inputs::Cifar100, home.path()));
        let checks = verify(Inputs::Cifar100, given.path()).unwrap();
        assert!(checks.len() == 2 && checks.iter().all(|check| !check.ok && check.found.is_some()));
        let dataset = load(Inputs::Cifar100, given.path()).unwrap();
        assert_eq!(identify(&dataset, given.path()).unwrap(), Identity::Unknown);
    }
}

fn parsed(keys: &[&str]) -> anyhow::Result<Config> {
    let overrides: Vec<Override> = keys.iter().map(|key| key.parse().unwrap()).collect();
    ocs::config::parse("task: {inputs: cifar100}", "test", &overrides)
}

fn config(keys: &[&str]) -> Config {
    parsed(keys).unwrap()
}

#[test]
fn superclasses_are_the_data_sets_own_tree() {
    let config = config(&["task.tree=superclasses"]);
    let hierarchy = Hierarchy::new(&config.task);
    assert_eq!(hierarchy.level_columns(), [0..20, 20..120]);
    assert_eq!(hierarchy.branching(), Some(vec![20, 5]));
    let classes = config.task.classes.clone().unwrap();
    for (item, &class) in classes.iter().enumerate() {
        let (_, group) = Inputs::Cifar100.superclasses()[item / 5];
        assert!(group.contains(&class));
    }
    // Written out in numbers, it is the same config.
    let text = serde_yaml::to_string(&config).unwrap();
    assert_eq!(ocs::config::parse(&text, "other", &[]).unwrap(), config);
    let json = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<Config>(&json).unwrap(), config);
}

#[test]
fn classes_go_by_their_names() {
    let names = |config: &Config| config.task.class_names();
    let chosen = config(&["task.tree=superclasses", "task.classes=[aquatic_mammals, Fish]"]);
    assert_eq!(Hierarchy::new(&chosen.task).branching(), Some(vec![2, 5]));
    assert_eq!(
        names(&chosen),
        [
            "beaver",
            "dolphin",
            "otter",
            "seal",
            "whale",
            "aquarium fish",
            "flatfish",
            "ray",
            "shark",
            "trout"
        ]
    );
    // Single classes stand under their superclass, in the order of the list.
    let mixed = config(&[
        "task.tree=superclasses",
        "task.classes=[rose, maple tree, 92, oak-tree, people]",
    ]);
    assert_eq!(
        mixed.task.tree.as_ref().map(Tree::to_string).unwrap(),
        "[[0, 1], [2, 3], [4, 5, 6, 7, 8]]"
    );
    assert_eq!(names(&mixed)[..5], ["rose", "tulip", "maple tree", "oak tree", "baby"]);
    let plain = config(&["task.branching=[2, 2]", "task.classes=[worm, 0, 'sweet_pepper', bus]"]);
    assert_eq!(plain.task.classes, Some(vec![99, 0, 83, 13]));
    // Any data set with names has them; and conditions.
    let cifar10 =
        config(&["task.inputs=cifar10", "task.tree=superclasses", "task.classes=[animals, ship]"]);
    assert_eq!(cifar10.task.classes, Some(vec![2, 3, 4, 5, 6, 7, 8]));
    let conditions = config(&[
        "conditions={flora: {task.tree: superclasses, task.classes: [flowers, trees]}, all: {task.tree: superclasses}}",
    ]);
    let resolved = ocs::config::resolve_conditions(&conditions).unwrap();
    let items: Vec<usize> = resolved.iter().map(|(_, config)| config.task.n_items()).collect();
    assert_eq!(items, [10, 100]);
}

#[test]
fn words_that_are_no_classes_are_told() {
    let error = |keys: &[&str]| format!("{:#}", parsed(keys).unwrap_err());
    for (keys, parts) in [
        (
            &["task.branching=[2]", "task.classes=[fish, bus]"][..],
            &["'fish', a superclass", "task.tree"][..],
        ),
        (
            &["task.branching=[2]", "task.classes=[buss, apple]"],
            &["'buss'", "no class of cifar100", "'bus'"],
        ),
        (
            &["task.tree=superclasses", "task.classes=[aquatic mamals]"],
            &["did you mean 'aquatic mammals'"],
        ),
        (&["task.tree=superclasses", "task.classes=[100]"], &["class 100", "0 to 99"]),
        (&["task.tree=superclasses", "task.classes=[fish, trout]"], &["class 91 twice"]),
        (&["task.tree=superclasses", "task.inputs=mnist"], &["mnist has none"]),
        (&["task.tree=superclasses", "task.inputs=one-hot"], &["one-hot has none"]),
        (&["task.tree=superclass"], &["task.tree"]),
    ] {
        assert_contains(&error(keys), parts);
    }
}

#[test]
fn networks_learn_cifar100s_superclasses_and_records_name_the_classes() {
    let home = folder();
    binary(home.path());
    let config = config(&[
        "task.tree=superclasses",
        "task.classes=[fish, aquatic mammals]",
        "network={kind: mlp, hidden: [8]}",
        "training={steps: 3, observations: 2}",
        "seeds=[0]",
    ]);
    let dataset = load(Inputs::Cifar100, home.path()).unwrap();
    let task = Task::new(&config.task, Some(&dataset)).unwrap();
    assert_eq!((task.targets.dim(), task.n_samples()), ((10, 12), 10));
    // The first fish's labels are those of fish and of itself.
    assert_eq!(task.targets.row(0).to_vec()[..3], [1.0, 0.0, 1.0]);
    fs::write(home.path().join("c.yaml"), serde_yaml::to_string(&config).unwrap()).unwrap();
    let output = assert_cmd::Command::cargo_bin("ocs")
        .unwrap()
        .current_dir(home.path())
        .args(["train", "c.yaml", "--data-dir", "."])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let record = fs::read_to_string(home.path().join("runs/test/default/0.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["dataset"]["name"], "cifar100 (unknown bytes)");
    assert_eq!(record["dataset"]["classes"][0], "aquarium fish");
    assert_eq!(record["levels"], serde_json::json!([2, 10]));
    let shown = assert_cmd::Command::cargo_bin("ocs")
        .unwrap()
        .current_dir(home.path())
        .args(["data", "show", "--config", "c.yaml", "--data-dir", ".", "--out", "sheet.png"])
        .output()
        .unwrap();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    assert!(home.path().join("sheet.png").is_file());
}
