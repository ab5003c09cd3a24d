use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use ocs::config::{self, Config};
use ocs::record::{Record, Status, path_of, read_json};
use ocs::sweep::{
    Event, Existing, Interrupted, Lock, Lost, OnFailure, Options, Refused, State, states, train_all,
};
use ocs::train::checkpoint_file::{Contents, from_bytes, to_bytes};
use serde_json::Value;

use crate::reproducible_runs::options;

const TEXT: &str = "name: test
network: {hidden: [4], bias: all, initialisation: {normal: {std: 0.05}}}
training: {steps: 60, learning_rate: 0.05, observations: 12}
seeds: [0, 1, 2]";

fn config() -> Config {
    config::parse(TEXT, "test", &[]).unwrap()
}

/// One stack, with a checkpoint at each step that it is asked about.
pub fn eager(folder: &Path) -> Options {
    Options { stack: Some(8), write_every: Duration::ZERO, ..options(folder) }
}

pub fn resumed(folder: &Path) -> Options {
    Options { existing: Existing::Resume, ..eager(folder) }
}

/// Name, shape and values of a tensor.
type Kept = (String, Vec<i64>, String);

/// All records, without their wall times, and all tensors that the runs left.
fn left(folder: &Path, config: &Config) -> Vec<(String, Vec<Kept>)> {
    let of_seed = |&seed: &u64| {
        let mut record: Value = read_json(&path_of(folder, "default", seed)).unwrap();
        record["wall_time"] = Value::Null;
        (record.to_string(), tensors(folder, seed))
    };
    config.seeds.iter().map(of_seed).collect()
}

fn tensors(folder: &Path, seed: u64) -> Vec<Kept> {
    let path = folder.join(format!("default/{seed}.checkpoint/tensors.safetensors"));
    let (_, contents) = from_bytes::<Value>(std::fs::read(path).unwrap()).unwrap();
    let tensors = contents.tensors.iter();
    tensors.map(|(name, it)| (name.clone(), it.size(), it.to_string(60).unwrap())).collect()
}

/// Trains until a step was observed, and stops there.
pub fn interrupted(config: &Config, options: &Options, at: u64) {
    let stop = |event: Event| {
        if let Event::Observed { step, .. } = event {
            options.interrupted.store(step >= at, Ordering::Relaxed);
        }
    };
    assert!(train_all(config, options, &stop).unwrap_err().is::<Interrupted>());
}

/// Trains on, and says from which step each run did.
pub fn trained_on(config: &Config, options: &Options) -> Vec<u64> {
    let steps = Mutex::new(Vec::new());
    let see = |event: Event| {
        if let Event::Started { step, .. } = event {
            steps.lock().unwrap().push(step);
        }
    };
    train_all(config, options, &see).unwrap();
    steps.into_inner().unwrap()
}

fn refused(config: &Config, options: &Options) -> String {
    let error = train_all(config, options, &|_| ()).unwrap_err();
    assert!(error.is::<Refused>(), "{error:#}");
    error.to_string()
}

/// The newest checkpoint of the one stack that is under way, and the one before.
fn generations(folder: &Path) -> [PathBuf; 2] {
    let entries = std::fs::read_dir(folder.join(".unfinished")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort_by_key(|path| path.to_string_lossy().contains(".previous."));
    paths.try_into().unwrap()
}

fn copied(from: &Path) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &to);
            } else {
                std::fs::copy(entry.path(), to).unwrap();
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    copy(from, folder.path());
    folder
}

#[test]
fn one_flipped_bit_anywhere_in_a_checkpoint_is_found_and_the_one_before_is_used() {
    const FLIPS: usize = 2400;
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    train_all(&config(), &eager(whole.path()), &|_| ()).unwrap();
    interrupted(&config(), &eager(broken.path()), 20);
    let [newest, before] = generations(broken.path());
    let step = |path: &Path| {
        let (head, _) = from_bytes::<Value>(std::fs::read(path).unwrap()).unwrap();
        head["step"].as_u64().unwrap()
    };
    let (step, earlier) = (step(&newest), step(&before));
    assert!(earlier < step);
    let bytes = std::fs::read(&newest).unwrap();
    let bits = bytes.len() * 8;
    let flipped = |flip: usize| {
        let bit = flip * (bits / FLIPS) + flip % 8;
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        damaged
    };
    for flip in 0..FLIPS {
        assert!(from_bytes::<Value>(flipped(flip)).is_err(), "flip {flip} is not noticed");
    }
    for length in [0, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        assert!(from_bytes::<Value>(bytes[..length].to_vec()).is_err(), "cut to {length}");
    }
    // In the header, in a record and in a tensor.
    for flip in [0, 3, FLIPS / 2, FLIPS - 1] {
        let folder = copied(broken.path());
        let [newest, before] = generations(folder.path());
        std::fs::write(&newest, flipped(flip)).unwrap();
        assert_eq!(trained_on(&config(), &resumed(folder.path())), [earlier; 3]);
        assert_eq!(left(folder.path(), &config()), left(whole.path(), &config()));
        assert!(!newest.exists() && !before.exists());
    }
    let [newest, before] = generations(broken.path());
    std::fs::write(&newest, flipped(9)).unwrap();
    std::fs::write(&before, "junk").unwrap();
    let words = refused(&config(), &resumed(broken.path()));
    for part in ["is damaged", "so is the one before", "--overwrite", "deleting both", "--set name"]
    {
        assert!(words.contains(part), "{words}");
    }
    std::fs::remove_file(newest).unwrap();
    std::fs::remove_file(before).unwrap();
    assert_eq!(trained_on(&config(), &resumed(broken.path())), [0; 3]);
    assert_eq!(left(broken.path(), &config()), left(whole.path(), &config()));
}

#[test]
fn a_process_killed_between_two_writes_leaves_a_stack_that_goes_on_as_one() {
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    train_all(&config(), &eager(whole.path()), &|_| ()).unwrap();
    interrupted(&config(), &eager(broken.path()), 20);
    // Renamed, and the new one not yet there; records that people see of one step, of another, of none.
    let folder = copied(broken.path());
    let [newest, _] = generations(folder.path());
    std::fs::remove_file(&newest).unwrap();
    std::fs::remove_file(path_of(folder.path(), "default", 1)).unwrap();
    trained_on(&config(), &resumed(folder.path()));
    assert_eq!(left(folder.path(), &config()), left(whole.path(), &config()));
    // Some runs have left what they leave, the others not yet.
    let folder = copied(broken.path());
    let names = ["0.json", "0.checkpoint/tensors.safetensors"].map(|it| format!("default/{it}"));
    std::fs::create_dir(folder.path().join("default/0.checkpoint")).unwrap();
    for name in &names {
        std::fs::copy(whole.path().join(name), folder.path().join(name)).unwrap();
    }
    assert_eq!(trained_on(&config(), &resumed(folder.path())).len(), 2, "one is over already");
    assert_eq!(left(folder.path(), &config()), left(whole.path(), &config()));
    // All steps are done, and some runs have left what they leave.
    let folder = Mutex::new(None);
    let busy = tempfile::tempdir().unwrap();
    let copy_at_first = |event: Event| {
        if let Event::Finished { .. } = event {
            folder.lock().unwrap().get_or_insert_with(|| copied(busy.path()));
        }
    };
    train_all(&config(), &eager(busy.path()), &copy_at_first).unwrap();
    let folder = folder.into_inner().unwrap().unwrap();
    // Its process is gone, and so is its claim.
    std::fs::remove_dir_all(folder.path().join(".locks")).unwrap();
    assert_eq!(trained_on(&config(), &resumed(folder.path())), [60, 60]);
    assert_eq!(left(folder.path(), &config()), left(whole.path(), &config()));
    // A checkpoint without its record.
    std::fs::remove_file(path_of(folder.path(), "default", 2)).unwrap();
    assert!(trained_on(&config(), &resumed(folder.path())).is_empty());
    assert_eq!(left(folder.path(), &config()), left(whole.path(), &config()));
}

#[test]
fn a_run_that_diverged_beside_others_changes_no_byte_of_theirs_when_they_are_resumed() {
    let text = "training: {steps: 200, observations: 20}
network: {hidden: [4], initialisation: {normal: {std: 0.05}}}
conditions: {calm: {training.learning_rate: 0.05}, wild: {training.learning_rate: 60}}
seeds: [0, 1]";
    let config = config::parse(text, "test", &[]).unwrap();
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let summary = train_all(&config, &eager(whole.path()), &|_| ()).unwrap();
    assert_eq!((summary.complete, summary.diverged.len()), (2, 2));
    let stop = eager(broken.path());
    let calm_at_100 = |event: Event| {
        if let Event::Observed { condition: "calm", step, .. } = event {
            stop.interrupted.store(step >= 100, Ordering::Relaxed);
        }
    };
    assert!(train_all(&config, &stop, &calm_at_100).unwrap_err().is::<Interrupted>());
    let summary = train_all(&config, &resumed(broken.path()), &|_| ()).unwrap();
    assert_eq!((summary.complete, summary.diverged.len()), (2, 2));
    for (condition, seed) in [("calm", 0), ("calm", 1), ("wild", 0), ("wild", 1)] {
        let [before, now] = [&whole, &broken].map(|folder| {
            let mut record: Record = read_json(&path_of(folder.path(), condition, seed)).unwrap();
            record.wall_time = 0.0;
            record
        });
        assert_eq!(before, now);
    }
    // It is told again, not trained again.
    let summary = train_all(&config, &resumed(broken.path()), &|_| ()).unwrap();
    assert_eq!((summary.complete, summary.diverged.len()), (2, 2));
}

#[test]
fn a_record_that_was_edited_or_cut_is_found_and_its_checkpoint_brings_it_back() {
    let folder = tempfile::tempdir().unwrap();
    train_all(&config(), &eager(folder.path()), &|_| ()).unwrap();
    let path = path_of(folder.path(), "default", 1);
    let written = std::fs::read(&path).unwrap();
    let mut edited: Record = read_json(&path).unwrap();
    edited.curves.loss[3] *= 0.5;
    ocs::record::write_json(&path, &edited).unwrap();
    let words = refused(&config(), &resumed(folder.path()));
    for part in ["default/1.json", "was edited or damaged", "curves.loss[3]", "delete the record"] {
        assert!(words.contains(part), "{words}");
    }
    std::fs::write(&path, &written[..written.len() / 2]).unwrap();
    assert!(trained_on(&config(), &resumed(folder.path())).is_empty());
    assert_eq!(std::fs::read(&path).unwrap(), written);
    std::fs::remove_file(&path).unwrap();
    assert!(trained_on(&config(), &resumed(folder.path())).is_empty());
    assert_eq!(std::fs::read(&path).unwrap(), written);
    // Of a run under way the checkpoint tells.
    let (whole, broken) = (folder, tempfile::tempdir().unwrap());
    interrupted(&config(), &eager(broken.path()), 20);
    std::fs::write(path_of(broken.path(), "default", 0), "{\"schema").unwrap();
    let path = path_of(broken.path(), "default", 1);
    let mut edited: Record = read_json(&path).unwrap();
    edited.curves.loss[3] *= 0.5;
    ocs::record::write_json(&path, &edited).unwrap();
    trained_on(&config(), &resumed(broken.path()));
    assert_eq!(left(broken.path(), &config()), left(whole.path(), &config()));
}

/// The newest checkpoint with other words in its first run's record, sealed anew.
fn forge(path: &Path, from: &str, to: &str) {
    let (head, mut contents): (Value, Contents) = from_bytes(std::fs::read(path).unwrap()).unwrap();
    for (name, text) in &mut contents.texts {
        let record = String::from_utf8(text.clone()).unwrap();
        assert!(!name.ends_with("record") || record.contains(from), "{name} lacks {from}");
        *text = record.replace(from, to).into_bytes();
    }
    std::fs::write(path, to_bytes(&head, &contents).unwrap()).unwrap();
}

#[test]
fn a_checkpoint_of_another_program_or_config_is_refused_by_key_and_any_program_may_be_allowed() {
    let broken = tempfile::tempdir().unwrap();
    interrupted(&config(), &eager(broken.path()), 20);
    let revision = read_json::<Record>(&path_of(broken.path(), "default", 0)).unwrap().revision;
    let revision = format!("\"revision\":\"{revision}\"");
    let cases = [
        (&*revision, "\"revision\":\"0123456789ab\"", "revision was 0123456789ab", true),
        ("\"libtorch\":\"2.13.0\"", "\"libtorch\":\"2.12.0\"", "libtorch was 2.12.0", true),
        (
            "\"learning_rate\":0.05",
            "\"learning_rate\":0.04",
            "learning_rate was 0.04, is 0.05",
            false,
        ),
    ];
    for (from, to, words, may_differ) in cases {
        let folder = copied(broken.path());
        let [newest, _] = generations(folder.path());
        forge(&newest, from, to);
        let told = refused(&config(), &resumed(folder.path()));
        assert!(told.contains(words) && told.contains("--overwrite"), "{told}");
        let any = Options { any_program: true, ..resumed(folder.path()) };
        if !may_differ {
            refused(&config(), &any);
            continue;
        }
        assert!(told.contains("--resume=any"), "{told}");
        let steps = trained_on(&config(), &any);
        let record: Record = read_json(&path_of(folder.path(), "default", 0)).unwrap();
        let from: Vec<u64> = record.programs.iter().map(|program| program.from_step).collect();
        assert_eq!(from, [0, steps[0]], "every program that took part is named");
        assert_ne!(record.programs[0], record.programs[1]);
        assert_eq!(record.status, Status::Complete);
    }
}

#[test]
fn swapped_checkpoints_block_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let alone = |options: Options| Options { stack: Some(1), ..options };
    train_all(&config(), &alone(eager(folder.path())), &|_| ()).unwrap();
    let expected = left(folder.path(), &config());
    let swap = |folder: &Path, one: &Path, other: &Path| {
        std::fs::rename(one, folder.join("aside")).unwrap();
        std::fs::rename(other, one).unwrap();
        std::fs::rename(folder.join("aside"), other).unwrap();
    };
    let [one, other] = [0, 1].map(|seed| folder.path().join(format!("default/{seed}.checkpoint")));
    swap(folder.path(), &one, &other);
    // Their records are whole; that they cannot be extended is told.
    assert!(trained_on(&config(), &alone(resumed(folder.path()))).is_empty());
    let mut longer = config();
    longer.training.steps = 70;
    let words = refused(&longer, &alone(resumed(folder.path())));
    assert!(words.contains("is of 'default', seed 1"), "{words}");
    // Under way, who is who stands in the checkpoint.
    let broken = tempfile::tempdir().unwrap();
    for seed in [0, 1] {
        let one = Config { seeds: vec![seed], ..config() };
        interrupted(&one, &alone(eager(broken.path())), 20 + seed);
    }
    let entries = std::fs::read_dir(broken.path().join(".unfinished")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| !path.to_string_lossy().contains(".previous."));
    swap(broken.path(), &paths[0], &paths[1]);
    trained_on(&config(), &alone(resumed(broken.path())));
    assert_eq!(left(broken.path(), &config()), expected);
}

#[test]
fn a_part_of_a_stack_goes_on_alone_and_says_so() {
    let broken = tempfile::tempdir().unwrap();
    interrupted(&config(), &eager(broken.path()), 20);
    let part = Config { seeds: vec![1], ..config() };
    let steps = trained_on(&part, &resumed(broken.path()));
    let record: Record = read_json(&path_of(broken.path(), "default", 1)).unwrap();
    let stacks: Vec<(u64, usize)> =
        record.programs.iter().map(|program| (program.from_step, program.stack)).collect();
    assert_eq!(stacks, [(0, 3), (steps[0], 1)]);
    // The others have lost nothing, and it is not trained again.
    assert_eq!(trained_on(&config(), &resumed(broken.path())).len(), 2);
    let record: Record = read_json(&path_of(broken.path(), "default", 0)).unwrap();
    assert!(record.programs.is_empty() && record.stack == 3);
}

#[test]
fn a_complete_run_is_extended_by_more_steps() {
    let (long, extended) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut longer = config();
    longer.training.steps = 300;
    train_all(&longer, &eager(long.path()), &|_| ()).unwrap();
    train_all(&config(), &eager(extended.path()), &|_| ()).unwrap();
    let short: Record = read_json(&path_of(extended.path(), "default", 2)).unwrap();
    // Interrupted on its way, too.
    interrupted(&longer, &resumed(extended.path()), 100);
    assert!(trained_on(&longer, &resumed(extended.path())).iter().all(|step| *step >= 100));
    let record: Record = read_json(&path_of(extended.path(), "default", 2)).unwrap();
    assert_eq!((record.status, &record.extended_at), (Status::Complete, &vec![60]));
    assert_eq!(record.config.training.steps, 300);
    // Moments of the shorter run, then those of the longer one.
    let seen = short.curves.step.len();
    assert_eq!(record.curves.step[..seen], short.curves.step);
    assert_eq!(record.curves.loss[..seen], short.curves.loss);
    let whole: Record = read_json(&path_of(long.path(), "default", 2)).unwrap();
    let rest: Vec<u64> = whole.curves.step.iter().copied().filter(|step| *step > 60).collect();
    assert_eq!(record.curves.step[seen..], rest);
    for seed in [0, 1, 2] {
        assert_eq!(tensors(extended.path(), seed), tensors(long.path(), seed));
    }
    // Fewer steps, or other keys besides, are another config.
    let words = refused(&config(), &resumed(extended.path()));
    assert!(words.contains("training.steps was 300, is 60"), "{words}");
}

#[test]
fn without_resume_unfinished_work_and_records_of_another_config_are_refused_with_the_ways_on() {
    let folder = tempfile::tempdir().unwrap();
    interrupted(&config(), &eager(folder.path()), 20);
    for seed in [0, 1, 2] {
        std::fs::remove_file(path_of(folder.path(), "default", seed)).unwrap();
    }
    let is_told = |words: &str, what: &str| {
        for part in [what, "--resume", "--overwrite", "--set name="] {
            assert!(words.contains(part), "{words}");
        }
    };
    is_told(&refused(&config(), &eager(folder.path())), "holds unfinished work");
    let part = Config { seeds: vec![0], ..config() };
    let overwriting = Options { existing: Existing::Overwrite, ..eager(folder.path()) };
    let words = refused(&part, &overwriting);
    assert!(words.contains("would lose the work of 'default', seed 1"), "{words}");
    trained_on(&config(), &resumed(folder.path()));
    let text = format!("{}\nconditions: {{other: {{}}}}", TEXT.replace("0.05, obs", "0.06, obs"));
    let other = config::parse(&text, "test", &[]).unwrap();
    let words = refused(&other, &eager(folder.path()));
    for part in ["runs of another config (training.learning_rate was 0.05, is 0.06)", "--set name="]
    {
        assert!(words.contains(part), "{words}");
    }
}

#[test]
fn runs_that_another_process_is_at_are_refused_by_its_name_and_those_of_dead_ones_are_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let runs = |seeds: &[u64]| -> BTreeSet<(String, u64)> {
        seeds.iter().map(|seed| ("default".to_owned(), *seed)).collect()
    };
    let held = Lock::take(folder.path(), runs(&[1, 7])).unwrap();
    // Side by side.
    drop(Lock::take(folder.path(), runs(&[0, 2])).unwrap());
    let state = |seed: usize| states(&config(), folder.path()).unwrap()[seed].state.clone();
    assert_eq!(state(0), State::Waiting);
    let State::Running(words) = state(1) else { panic!("{:?}", state(1)) };
    let words = [words, refused(&config(), &eager(folder.path()))];
    for words in &words {
        assert!(words.contains(&format!("process {} on ", std::process::id())), "{words}");
    }
    assert!(words[1].contains("'default', seed 1"), "{words:?}");
    // Claims of a process that is gone, of one whose number another has by now, and of a host that is silent.
    let locks = folder.path().join(".locks");
    let own = std::fs::read_dir(&locks).unwrap().next().unwrap().unwrap().path();
    let claim: Value = read_json(&own).unwrap();
    drop(held);
    let forged = |name: &str, changes: &[(&str, Value)], age: u64| {
        let mut claim = claim.clone();
        for (key, value) in changes {
            claim[*key] = value.clone();
        }
        std::fs::create_dir_all(&locks).unwrap();
        std::fs::write(locks.join(name), claim.to_string()).unwrap();
        let file = std::fs::File::options().append(true).open(locks.join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    };
    forged("gone.json", &[("pid", 4_000_000.into())], 0);
    forged("reused.json", &[("started", 1.into())], 0);
    forged(
        "silent.json",
        &[("host", "elsewhere".into()), ("since", "2026-01-01T00:00:00Z".into())],
        90,
    );
    let container = [("namespace", "pid:[1]".into()), ("since", "2026-01-01T00:00:00Z".into())];
    forged("silent-container.json", &container, 90);
    drop(Lock::take(folder.path(), runs(&[1])).unwrap());
    assert!(!locks.exists(), "dead claims are gone");
    // Its number says nothing here, where none or another has it.
    let unseen = [container, [("pid", 4_000_000.into()), ("started", 1.into())]].concat();
    forged("container.json", &unseen, 20);
    assert!(Lock::take(folder.path(), runs(&[1])).is_err());
    std::fs::remove_file(locks.join("container.json")).unwrap();
    let there = [("host", "elsewhere".into()), ("since", "2026-01-01T00:00:00Z".into())];
    forged("alive.json", &there, 20);
    let error = Lock::take(folder.path(), runs(&[1])).err().unwrap().to_string();
    assert!(error.contains("on elsewhere, since 2026-01-01"), "{error}");
}

#[test]
fn a_process_whose_runs_were_taken_over_writes_nothing_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let there = || {
        let paths = [".unfinished", "default"].map(|name| folder.path().join(name));
        let entries = paths.into_iter().flat_map(|path| std::fs::read_dir(path).unwrap());
        let read = |path: std::path::PathBuf| (std::fs::read(&path).unwrap_or_default(), path);
        entries.map(|entry| read(entry.unwrap().path())).collect::<BTreeSet<_>>()
    };
    let before = Mutex::new(BTreeSet::new());
    let take_over = |event: Event| {
        let locks = folder.path().join(".locks");
        if matches!(event, Event::Observed { step: 20..60, seed: 0, .. }) && locks.exists() {
            std::fs::remove_dir_all(locks).unwrap();
            *before.lock().unwrap() = there();
        }
    };
    for on_failure in [OnFailure::Stop, OnFailure::Mark] {
        let options = Options { on_failure, existing: Existing::Overwrite, ..eager(folder.path()) };
        let error = train_all(&config(), &options, &take_over).unwrap_err();
        assert!(error.is::<Lost>(), "{error:#}");
        assert_eq!(there(), *before.lock().unwrap());
    }
    // Of many in one stack the first few are named.
    let many = Config { seeds: (0..8).collect(), ..config() };
    let options = Options { existing: Existing::Overwrite, ..eager(folder.path()) };
    let words = format!("{:#}", train_all(&many, &options, &take_over).unwrap_err());
    assert!(words.contains("'default', seed 3; and 4 more: "), "{words}");
}

#[test]
fn runs_that_are_over_are_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let only = |seeds: &[u64]| {
        let runs = seeds.iter().map(|seed| ("default".to_owned(), *seed)).collect();
        Options { only: Some(runs), ..resumed(folder.path()) }
    };
    trained_on(&config(), &only(&[0]));
    let beside = |event: Event| {
        if let Event::Started { seed: 1, .. } = event {
            trained_on(&config(), &only(&[0, 2]));
        }
    };
    train_all(&config(), &only(&[0, 1]), &beside).unwrap();
    let states = states(&config(), folder.path()).unwrap();
    assert!(states.iter().all(|run| run.state == State::Complete), "{states:?}");
}

#[test]
fn of_processes_that_begin_one_run_at_once_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let run = BTreeSet::from([("default".to_owned(), 0)]);
    let (mut won, mut lost) = (0, 0);
    std::thread::scope(|scope| {
        let take = || Lock::take(folder.path(), run.clone());
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        // Those that won hold on until all have tried.
        let taken: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        won = taken.iter().filter(|lock| lock.is_ok()).count();
        lost = taken.iter().filter(|lock| lock.is_err()).count();
    });
    assert_eq!((won, lost), (1, 3));
}

#[test]
fn what_killed_processes_left_half_written_is_removed_and_what_others_write_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let host = ocs::file::host_name();
    let digits = |text: String| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let namespace = digits(ocs::file::pid_namespace());
    let boot: String = ocs::file::boot().replace('-', "").chars().take(12).collect();
    let (here, own) = (format!("{namespace}.{boot}@{host}"), std::process::id());
    // No process has so large a number; and where nobody can be asked, an hour has to pass.
    let names = [
        (format!("default/.writing-4000000.{here}-abc"), false),
        (format!(".unfinished/.writing-4000000.{here}-abc"), false),
        (format!("default/.writing-{own}.{here}-abc"), true),
        (format!("default/.writing-4000000.1{here}-of-another-container"), true),
        (format!("default/.writing-4000000.{namespace}.0{boot}@{host}-of-another-start"), true),
        (format!("default/.writing-4000000.{here}2-of-another-host"), true),
        (format!("default/.writing-4000000@{host}-of-an-older-version"), true),
        ("default/.writing-1@elsewhere-abc".to_owned(), true),
        ("default/.writing-1@elsewhere-old".to_owned(), false),
        (format!("default/.writing-4000000.1{here}-old"), false),
    ];
    for (name, _) in &names {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "half").unwrap();
        if name.ends_with("-old") {
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(3700)).unwrap();
        }
    }
    train_all(&config(), &eager(folder.path()), &|_| ()).unwrap();
    for (name, stays) in names {
        assert_eq!(folder.path().join(&name).exists(), stays, "{name}");
    }
}

#[test]
fn killed_processes_end_with_the_bytes_of_one_that_was_not() {
    // `make test-kills` kills many more, of every kind of run.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kills/kill.py");
    let output = std::process::Command::new("python3")
        .arg("-B")
        .arg(script)
        .args(["--ocs", env!("CARGO_BIN_EXE_ocs"), "--kills", "8", "--length", "0.2"])
        .args(["--only", "linear,mlp"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_run_that_is_left_alone_keeps_its_checkpoint_whatever_others_do() {
    let folder = tempfile::tempdir().unwrap();
    interrupted(&config(), &eager(folder.path()), 20);
    let [newest, before] = generations(folder.path());
    let kept = [&newest, &before].map(|path| std::fs::read(path).unwrap());
    // As after a failure: one run of the stack is not to be done, the others are, and one more.
    let first = || BTreeSet::from([("default".to_owned(), 0)]);
    let alone = Options { left_alone: first(), ..resumed(folder.path()) };
    let more = Config { seeds: vec![0, 1, 2, 3], ..config() };
    let steps = trained_on(&more, &alone);
    assert!(steps.len() == 3 && steps.iter().filter(|step| **step > 0).count() == 2, "{steps:?}");
    assert_eq!([&newest, &before].map(|path| std::fs::read(path).unwrap()), kept);
    // When it is done again, it goes on from there, and then nothing needs the stack's checkpoint any more.
    let steps = trained_on(&more, &resumed(folder.path()));
    assert!(steps.len() == 1 && steps[0] > 0, "{steps:?}");
    assert!(trained_on(&more, &resumed(folder.path())).is_empty());
    assert!(!newest.exists() && !before.exists());
}

#[test]
fn a_checkpoint_before_a_damaged_one_takes_its_place_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    interrupted(&config(), &eager(folder.path()), 20);
    let [newest, before] = generations(folder.path());
    let whole = std::fs::read(&before).unwrap();
    std::fs::write(&newest, b"cut").unwrap();
    let config = config();
    let options = resumed(folder.path());
    let opened = ocs::sweep::plan(&config, &options).unwrap().open().unwrap();
    assert_eq!(std::fs::read(&newest).unwrap(), whole);
    assert!(!before.exists());
    opened.train(&|_| ()).unwrap();
}

#[test]
fn a_run_that_is_given_more_steps_before_its_end_says_where() {
    let folder = tempfile::tempdir().unwrap();
    interrupted(&config(), &eager(folder.path()), 20);
    let mut longer = config();
    longer.training.steps = 120;
    let steps = trained_on(&longer, &resumed(folder.path()));
    let record: Record = read_json(&path_of(folder.path(), "default", 0)).unwrap();
    assert_eq!(record.extended_at, [steps[0]]);
    assert_eq!(record.status, Status::Complete);
}

#[test]
fn a_killed_process_that_nobody_waited_for_is_no_holder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("test.yaml"), TEXT.replace("steps: 60", "steps: 5000000"))
        .unwrap();
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("ocs"))
        .current_dir(folder.path())
        .args(["-q", "train", "test.yaml", "--device", "cpu"])
        .spawn()
        .unwrap();
    let runs = folder.path().join("runs/test");
    let start = std::time::Instant::now();
    while ocs::sweep::claims(&runs).is_empty() {
        assert!(start.elapsed() < Duration::from_secs(60), "no claim");
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    // It is dead within moments, and a zombie until it is waited for.
    let start = std::time::Instant::now();
    while !ocs::sweep::claims(&runs).is_empty() {
        assert!(start.elapsed() < Duration::from_secs(10), "a zombie holds its runs");
        std::thread::sleep(Duration::from_millis(50));
    }
    child.wait().unwrap();
}

#[test]
fn runs_whose_representations_and_forgetting_are_watched_go_on_and_end_the_same() {
    let keys = [
        "probes=[representations, forgetting]",
        "network={hidden: [5, 4, 3], bias: none, initialisation: {normal: {std: 0.3}}}",
        "training.precision=float64",
        "phases=[{steps: 40}, {task.permutation: [1, 0, 2, 3, 4, 5, 6, 7]}]",
    ];
    let overrides: Vec<_> = keys.iter().map(|key| key.parse().unwrap()).collect();
    let config = config::parse(TEXT, "test", &overrides).unwrap();
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    train_all(&config, &eager(whole.path()), &|_| ()).unwrap();
    for at in [20, 60] {
        let options = if at == 20 { eager(broken.path()) } else { resumed(broken.path()) };
        interrupted(&config, &options, at);
    }
    trained_on(&config, &resumed(broken.path()));
    let seeds = |folder: &Path| {
        let of_seed = |&seed: &u64| -> Value {
            let record: Value = read_json(&path_of(folder, "default", seed)).unwrap();
            record["series"].clone()
        };
        config.seeds.iter().map(of_seed).collect::<Vec<Value>>()
    };
    assert_eq!(seeds(whole.path()), seeds(broken.path()));
    let names = seeds(whole.path())[0].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for name in ["network_map", "input_similarity", "kernel_distance", "task_losses"] {
        assert!(names.iter().any(|other| other == name), "{names:?}");
    }
}
