use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn program() -> PathBuf {
    assert_cmd::cargo::cargo_bin("ocs")
}

fn doctor(command: &mut Command) -> Value {
    let output = command.args(["doctor", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn theory(command: &mut Command) -> Output {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/ocs_linear.yaml");
    command.arg("theory").arg(config).output().unwrap()
}

/// The folder of libraries that the program loads when nobody interferes.
fn libraries() -> PathBuf {
    let file = doctor(&mut Command::new(program()))["libtorch_file"].as_str().unwrap().to_owned();
    Path::new(&file).parent().unwrap().to_owned()
}

/// A small part of another libtorch, with headers that say which: a real library with a byte more at its end.
fn other_libtorch() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let headers = folder.path().join("include/torch/headeronly");
    fs::create_dir_all(&headers).unwrap();
    fs::create_dir(folder.path().join("lib")).unwrap();
    let header = [("MAJOR", 2), ("MINOR", 11), ("PATCH", 3)]
        .map(|(name, number)| format!("#define TORCH_VERSION_{name} {number}\n"))
        .concat();
    fs::write(headers.join("version.h"), header).unwrap();
    let mut bytes = fs::read(libraries().join("libc10.so")).unwrap();
    bytes.push(0);
    fs::write(folder.path().join("lib/libc10.so"), bytes).unwrap();
    folder
}

/// Runs a file of set-up's own tests.
fn python_tests_pass(file: &str) {
    let output = Command::new("python3")
        .args(["-B", "-m", "unittest", "discover", "-s", "tests/set_up", "-p", file])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("python3 is needed");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert!(words.contains("Ran ") && !words.contains("Ran 0 tests"), "{words}");
}

#[test]
fn set_up_brings_wheels_from_the_indexes_that_people_have() {
    python_tests_pass("test_indexes.py");
}

#[test]
fn set_up_respects_what_the_machine_has() {
    python_tests_pass("test_machines.py");
}

#[test]
fn another_torch_on_ld_library_path_is_not_loaded() {
    let other = other_libtorch();
    let with = |program| {
        let mut command = Command::new(program);
        command.env("LD_LIBRARY_PATH", other.path().join("lib"));
        command
    };
    let found = doctor(&mut with(program()));
    assert_eq!(found["libtorch_problem"], Value::Null);
    assert_eq!(found["libtorch"], found["built_for_libtorch"]);
    assert!(theory(&mut with(program())).status.success());
}

#[test]
fn another_torch_that_is_loaded_is_refused_before_anything_is_computed() {
    let other = other_libtorch();
    let library = other.path().join("lib/libc10.so");
    let with = || {
        let mut command = Command::new(program());
        command.env("LD_PRELOAD", &library);
        command
    };
    let output = theory(&mut with());
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(output.stdout.is_empty());
    for part in ["2.11.3", library.to_str().unwrap(), "unset LD_PRELOAD"] {
        assert!(words.contains(part), "{words}");
    }
    let found = doctor(&mut with());
    assert_eq!(found["libtorch"], "2.11.3");
    assert_eq!(found["libtorch_file"], library.to_str().unwrap());
    assert_ne!(found["built_for_libtorch"], "2.11.3");
    assert!(found["libtorch_problem"].as_str().unwrap().contains("unset LD_PRELOAD"));
}

fn install(prefix: &Path) -> (bool, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("python3")
        .args(["-B".as_ref(), root.join("set_up/install.py").as_os_str(), prefix.as_os_str()])
        .args(["--link".as_ref(), "--program".as_ref(), program().as_os_str()])
        .output()
        .expect("python3 is needed");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_installed_tree_runs_wherever_it_is_moved_with_no_environment() {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let place = place.path().canonicalize().unwrap();
    let prefix = place.join("first place");
    let (done, said) = install(&prefix);
    assert!(done, "{said}");
    let (done, said) = install(&prefix);
    assert!(done && said.contains("is there already"), "{said}");
    // A run that was started from a build keeps it: what is made anew has another place.
    let builds = fs::read_dir(prefix.join("lib/ocs")).unwrap();
    let builds = builds.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    assert_eq!(builds, 1);
    let moved = place.join("elsewhere");
    fs::rename(&prefix, &moved).unwrap();
    let ocs = moved.join("bin/ocs");
    let found = doctor(Command::new(&ocs).env_clear());
    let file = found["libtorch_file"].as_str().unwrap();
    assert!(Path::new(file).starts_with(&moved), "{file}");
    assert!(moved.join("lib/torch/lib/libtorch_cpu.so").is_file());
    assert!(moved.join("configs/ocs_linear.yaml").is_file());
    for page in
        ["man/man1/ocs-train.1", "bash-completion/completions/ocs", "zsh/site-functions/_ocs"]
    {
        assert!(moved.join("share").join(page).is_file(), "{page}");
    }
    let output =
        Command::new(&ocs).args(["theory", "ocs_linear"]).env_clear().current_dir(&moved).output();
    assert!(output.unwrap().status.success());
    // A library that lacks is not made up for silently.
    fs::remove_file(moved.join("lib/torch/lib/libc10.so")).unwrap();
    let (done, said) = install(&moved);
    assert!(!done && said.contains("is not as it was installed"), "{said}");
}

#[test]
fn an_installation_replaces_nothing_that_it_did_not_put_there() {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::create_dir(place.path().join("configs")).unwrap();
    fs::write(place.path().join("configs/mine.yaml"), "mine").unwrap();
    let (done, said) = install(place.path());
    assert!(
        !done && said.contains("configs is there") && said.contains("another PREFIX"),
        "{said}"
    );
    assert!(!place.path().join("bin").exists());
    let (done, said) = install(Path::new("/proc/nowhere"));
    assert!(!done && said.contains("cannot write to /proc/nowhere"), "{said}");
}
