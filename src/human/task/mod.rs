//! The experiment as a folder that any web server, JATOS or a browser by itself can show: a page, its program, pictures and jsPsych.

mod jspsych;
mod shapes;
mod words;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use pulldown_cmark::{Event, Options, Parser, html};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::config::{HumanConfig, PageConfig, Save};
use crate::data::npm_files;
use crate::file;

use super::place;
use super::resample::random;
use super::tree::Taught;

/// Files of the page that the program brings along.
const PAGE: [(&str, &str); 6] = [
    ("index.html", include_str!("page/index.html")),
    ("style.css", include_str!("page/style.css")),
    ("order.js", include_str!("page/order.js")),
    ("storage.js", include_str!("page/storage.js")),
    ("mark-labels.js", include_str!("page/mark-labels.js")),
    ("task.js", include_str!("page/task.js")),
];
const EXPERIMENT: &str = "experiment.js";
const JSPSYCH: &str = "jspsych";
const STIMULI: &str = "stimuli";
const NOTICE: &str = "NOTICE.txt";

/// Nobody learns more.
const MOST_WORDS: usize = 1000;

/// Pictures that browsers show.
const PICTURES: [&str; 6] = ["svg", "png", "jpg", "jpeg", "webp", "gif"];

/// All that the page is told.
#[derive(Debug, Clone, Serialize)]
struct Experiment {
    /// The first digits of the SHA-256 of all that follows.
    hash: String,
    ocs: &'static str,
    seed: u64,
    days: usize,
    /// A day.
    blocks: usize,
    /// A block.
    trials: usize,
    /// How often each item comes in each block of all days, `[block][item]`.
    times: Vec<Vec<usize>>,
    /// 0 or 1, `[item][label]`, labels level by level.
    targets: Vec<Vec<u8>>,
    /// Files, one an item; which stands for which is the participant's own.
    stimuli: Vec<String>,
    /// One a label; likewise.
    words: Vec<String>,
    feedback_time: Option<f64>,
    deadline: Option<f64>,
    pause: f64,
    keyboard: bool,
    bonus: Option<String>,
    save: Save,
    /// HTML.
    pages: Pages,
}

#[derive(Debug, Clone, Serialize)]
struct Pages {
    consent: Option<String>,
    instructions: String,
    debrief: String,
}

/// Writes the page of an experiment to `folder`, at once. `beside` is where relative paths of the config begin, `kept` where jsPsych's
/// files are kept between calls.
///
/// # Errors
///
/// If a file of the config cannot be read, jsPsych cannot be brought, or the folder holds what no earlier call wrote, or is there
/// and not to be replaced.
pub fn write_task(
    (human, taught): (&HumanConfig, &Taught),
    beside: &Path,
    kept: &Path,
    (folder, overwrite): (&Path, bool),
) -> Result<()> {
    ensure_place(folder, overwrite)?;
    let page = human.page.clone().unwrap_or_default();
    if let (Some(stimuli), Ok(out)) = (&page.stimuli, folder.canonicalize()) {
        let within = beside.join(stimuli).canonicalize().is_ok_and(|path| path.starts_with(&out));
        ensure!(
            !within,
            "human.page.stimuli lies within --out {}, which would be replaced with it: keep the pictures elsewhere",
            folder.display()
        );
    }
    // Before pictures are drawn, which takes longer.
    let words = words(&page, taught)?;
    let pictures = pictures(&page, taught, beside)?;
    let experiment = experiment((human, &page), words, taught, beside, &pictures)?;
    let programs = npm_files(&jspsych::FILES, &kept.join("jspsych-8.3.0"))?;
    let text = format!("window.OCS_EXPERIMENT = {};\n", serde_json::to_string(&experiment)?);
    let written = file::make_folder(folder, overwrite, |new| {
        for (name, text) in PAGE {
            std::fs::write(new.join(name), text)?;
        }
        std::fs::write(new.join(EXPERIMENT), text)?;
        let (of_jspsych, stimuli) = (new.join(JSPSYCH), new.join(STIMULI));
        std::fs::create_dir(&of_jspsych)?;
        std::fs::create_dir(&stimuli)?;
        for (file, bytes) in jspsych::FILES.iter().zip(&programs) {
            std::fs::write(of_jspsych.join(file.name), bytes)?;
        }
        std::fs::write(of_jspsych.join(NOTICE), jspsych::NOTICE)?;
        for (name, bytes) in &pictures {
            std::fs::write(new.join(name), bytes)?;
        }
        anyhow::Ok(())
    });
    written.with_context(|| format!("cannot write {}", folder.display()))
}

/// Makes sure that a folder can be written: it is not there, or an earlier call wrote all of it and it may be replaced.
///
/// # Errors
///
/// Names the first file that no call wrote.
pub fn ensure_place(folder: &Path, overwrite: bool) -> Result<()> {
    let of_page = |name: &str| PAGE.iter().any(|(file, _)| *file == name) || name == EXPERIMENT;
    let of_jspsych =
        |name: &str| jspsych::FILES.iter().any(|file| file.name == name) || name == NOTICE;
    let is_own = |name: &str| match name.split_once('/') {
        None => of_page(name) || [JSPSYCH, STIMULI].contains(&name),
        Some((JSPSYCH, name)) => of_jspsych(name),
        Some((STIMULI, name)) => is_numbered(name),
        Some(_) => false,
    };
    place::ensure_replaceable(folder, overwrite, is_own, "which is no part of the task")
}

/// Whether a picture is called as this program calls them: a number and a kind.
fn is_numbered(name: &str) -> bool {
    let digits = |stem: &str| !stem.is_empty() && stem.chars().all(|c| c.is_ascii_digit());
    name.split_once('.').is_some_and(|(stem, kind)| digits(stem) && PICTURES.contains(&kind))
}

/// One a label: the config's, or made-up ones.
fn words(page: &PageConfig, taught: &Taught) -> Result<Vec<String>> {
    let labels = taught.n_labels();
    if let Some(words) = &page.words {
        ensure!(
            words.len() == labels,
            "human.page.words has {} words, the tree has {labels} labels: give a word for each, or leave them out for made-up ones",
            words.len()
        );
        return Ok(words.clone());
    }
    ensure!(
        labels <= MOST_WORDS,
        "the tree has {labels} labels: words are made up for {MOST_WORDS} at most; give human.page.words"
    );
    Ok(words::made_up(labels, &mut random(page.seed, WORDS)))
}

fn experiment(
    (human, page): (&HumanConfig, &PageConfig),
    words: Vec<String>,
    taught: &Taught,
    beside: &Path,
    pictures: &[(String, Vec<u8>)],
) -> Result<Experiment> {
    let trials = human.trials_of_block(taught.n_items());
    let text = |key: &str, path: &Option<PathBuf>, own: &str| -> Result<String> {
        let Some(path) = path else { return Ok(to_html(own)) };
        let path = beside.join(path);
        let context = || format!("human.page.{key}");
        let text = crate::config::text_of(&path).with_context(context)?;
        ensure!(
            !text.trim().is_empty(),
            "human.page.{key}: {} is empty: write the text, or leave the key out",
            path.display()
        );
        Ok(to_html(&text))
    };
    let pages = Pages {
        consent: page.consent.as_ref().map(|_| text("consent", &page.consent, "")).transpose()?,
        instructions: text("instructions", &page.instructions, include_str!("instructions.md"))?,
        debrief: text("debrief", &page.debrief, include_str!("debrief.md"))?,
    };
    let mut experiment = Experiment {
        hash: String::new(),
        ocs: env!("CARGO_PKG_VERSION"),
        seed: page.seed,
        days: human.days,
        blocks: human.blocks,
        trials,
        times: times(taught, trials, human.days * human.blocks)?,
        targets: taught
            .targets
            .rows()
            .into_iter()
            .map(|row| row.iter().map(|&label| u8::from(label > 0.5)).collect())
            .collect(),
        stimuli: pictures.iter().map(|(name, _)| name.clone()).collect(),
        words,
        feedback_time: page.feedback_time,
        deadline: page.deadline,
        pause: page.pause,
        keyboard: page.keyboard,
        bonus: page.bonus.clone(),
        save: page.save,
        pages,
    };
    let mut hasher = Sha256::new();
    hasher.update(serde_json::to_vec(&experiment)?);
    pictures.iter().for_each(|(_, bytes)| hasher.update(bytes));
    let digest = hasher.finalize();
    experiment.hash = file::hex(&digest[..6]);
    Ok(experiment)
}

/// Purposes of random numbers.
const WORDS: u64 = 11;
const SHAPES: u64 = 12;

/// How often each item comes in each block, `[block][item]`: one after the other whichever is due most, so that after every block each
/// item came as often as its frequency says, to within one.
fn times(taught: &Taught, trials: usize, blocks: usize) -> Result<Vec<Vec<usize>>> {
    let mut due = vec![0.0; taught.n_items()];
    let mut times = Vec::with_capacity(blocks);
    for _ in 0..blocks {
        let mut block = vec![0; taught.n_items()];
        for _ in 0..trials {
            due.iter_mut().zip(&taught.frequencies).for_each(|(due, frequency)| *due += frequency);
            // Of equals the first; sums of equal frequencies differ by rounding.
            let next = (0..due.len())
                .reduce(|best, item| if due[item] > due[best] + 1e-9 { item } else { best });
            let next = next.context("a tree has items")?;
            due[next] -= 1.0;
            block[next] += 1;
        }
        times.push(block);
    }
    Ok(times)
}

/// Names in the folder and contents, one an item.
fn pictures(page: &PageConfig, taught: &Taught, beside: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let n = taught.n_items();
    let digits = n.to_string().len();
    let name = |index: usize, kind: &str| format!("{STIMULI}/{:0digits$}.{kind}", index + 1);
    let Some(folder) = &page.stimuli else {
        let outlines = shapes::outlines(n, &mut random(page.seed, SHAPES));
        let drawn = outlines.iter().enumerate();
        return Ok(drawn
            .map(|(index, outline)| (name(index, "svg"), shapes::svg(outline).into_bytes()))
            .collect());
    };
    let folder = beside.join(folder);
    let shown = folder.display();
    let entries = std::fs::read_dir(&folder)
        .with_context(|| format!("human.page.stimuli: cannot read the folder {shown}"))?;
    let kind = |path: &Path| path.extension().and_then(OsStr::to_str).map(str::to_lowercase);
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_file() && kind(path).is_some_and(|kind| PICTURES.contains(&&*kind)))
        .collect();
    files.sort();
    ensure!(
        files.len() == n,
        "human.page.stimuli: {shown} has {} pictures ({}), the tree has {n} items: put one for each there",
        files.len(),
        PICTURES.join(", ")
    );
    let read = |(index, path): (usize, &PathBuf)| {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let kind = kind(path).unwrap_or_default();
        ensure!(
            is_picture(&bytes, &kind),
            "human.page.stimuli: {} is no {kind} picture: browsers would show none",
            path.display()
        );
        Ok((name(index, &kind), bytes))
    };
    let pictures: Vec<(String, Vec<u8>)> =
        files.iter().enumerate().map(read).collect::<Result<_>>()?;
    let mut seen: HashMap<&[u8], &PathBuf> = HashMap::new();
    for (path, (_, bytes)) in files.iter().zip(&pictures) {
        if let Some(other) = seen.insert(bytes, path) {
            bail!(
                "human.page.stimuli: {} and {} are one picture: participants could not tell the items apart",
                other.display(),
                path.display()
            );
        }
    }
    Ok(pictures)
}

/// Whether bytes begin as a picture of a kind does.
fn is_picture(bytes: &[u8], kind: &str) -> bool {
    match kind {
        "png" => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
        "jpg" | "jpeg" => bytes.starts_with(b"\xff\xd8\xff"),
        "gif" => bytes.starts_with(b"GIF8"),
        "webp" => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
        // Of XML what stands before the root may be long.
        _ => std::str::from_utf8(bytes).is_ok_and(|text| text.contains("<svg")),
    }
}

/// Markdown as HTML; HTML that stands in it is shown as text.
fn to_html(markdown: &str) -> String {
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        event => event,
    });
    let mut page = String::new();
    html::push_html(&mut page, events);
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn taught(keys: &[&str]) -> Taught {
        let overrides: Vec<_> = keys.iter().map(|key| key.parse().unwrap()).collect();
        Taught::of(&config::parse("name: x", "test", &overrides).unwrap()).unwrap()
    }

    #[test]
    fn after_every_block_each_item_came_as_often_as_it_is_due_to_within_one() {
        for (keys, trials) in [
            (vec!["task.branching=[2, 2]"], 6),
            (vec!["task.branching=[2, 2]", "task.frequencies=[5, 3, 1, 1]"], 7),
            (vec!["task.branching=[3]", "task.frequencies=[1, 10, 100]"], 12),
        ] {
            let taught = taught(&keys);
            let mut so_far = vec![0.0; taught.n_items()];
            for (block, counts) in times(&taught, trials, 9).unwrap().into_iter().enumerate() {
                assert_eq!(counts.iter().sum::<usize>(), trials);
                for (item, count) in counts.into_iter().enumerate() {
                    so_far[item] += count as f64;
                    let due = taught.frequencies[item] * ((block + 1) * trials) as f64;
                    assert!(
                        (so_far[item] - due).abs() < 1.0 + 1e-9,
                        "{item}: {} {due}",
                        so_far[item]
                    );
                }
            }
        }
    }

    #[test]
    fn equal_items_come_equally_often_in_every_whole_block() {
        let counts = times(&taught(&["task.branching=[2, 2, 2]"]), 40, 18).unwrap();
        assert_eq!(counts, vec![vec![5; 8]; 18]);
    }

    #[test]
    fn markdown_is_shown_and_html_in_it_is_text() {
        let html = to_html("# A\n\n- *b*\n\n<script>alert(1)</script>\n\nc <b onclick=x>d</b>\n");
        assert!(html.contains("<h1>A</h1>") && html.contains("<em>b</em>"), "{html}");
        assert!(!html.contains("<script") && !html.contains("<b "), "{html}");
        assert!(html.contains("&lt;script&gt;"), "{html}");
    }

    #[test]
    fn wrong_words_pictures_and_texts_are_told_by_key_and_file() {
        let folder = tempfile::tempdir().unwrap();
        let taught = taught(&["task.branching=[2]"]);
        let with = |change: fn(&mut PageConfig)| {
            let mut page = PageConfig::default();
            change(&mut page);
            let human = HumanConfig::default();
            let shown = words(&page, &taught).and_then(|words| {
                let pictures = pictures(&page, &taught, folder.path())?;
                experiment((&human, &page), words, &taught, folder.path(), &pictures)
            });
            format!("{:#}", shown.unwrap_err())
        };
        let error = with(|page| page.words = Some(vec!["bamok".to_owned()]));
        assert!(error.contains("human.page.words has 1 words, the tree has 2 labels"), "{error}");
        let error = with(|page| page.consent = Some("no.md".into()));
        assert!(error.contains("human.page.consent") && error.contains("no.md"), "{error}");
        std::fs::create_dir(folder.path().join("pictures")).unwrap();
        std::fs::write(folder.path().join("pictures/a.png"), b"x").unwrap();
        std::fs::write(folder.path().join("pictures/readme.txt"), b"x").unwrap();
        std::fs::write(folder.path().join("empty.md"), b" \n").unwrap();
        let error = with(|page| page.consent = Some("empty.md".into()));
        assert!(
            error.contains("human.page.consent") && error.contains("empty.md is empty"),
            "{error}"
        );
        let error = with(|page| page.stimuli = Some("pictures".into()));
        assert!(error.contains("has 1 pictures") && error.contains("2 items"), "{error}");
        std::fs::write(folder.path().join("pictures/b.png"), b"").unwrap();
        let error = with(|page| page.stimuli = Some("pictures".into()));
        assert!(error.contains("a.png is no png picture"), "{error}");
        for name in ["a.png", "b.png"] {
            std::fs::write(folder.path().join("pictures").join(name), b"\x89PNG\r\n\x1a\n")
                .unwrap();
        }
        let error = with(|page| page.stimuli = Some("pictures".into()));
        assert!(error.contains("are one picture"), "{error}");
        let error = with(|page| page.stimuli = Some("nowhere".into()));
        assert!(error.contains("human.page.stimuli") && error.contains("nowhere"), "{error}");
    }

    #[test]
    fn the_hash_is_that_of_all_that_participants_see() {
        let taught = taught(&["task.branching=[2, 2]"]);
        let hash = |human: &HumanConfig, picture: &[u8]| {
            let page = human.page.clone().unwrap_or_default();
            let pictures = vec![("stimuli/1.svg".to_owned(), picture.to_vec())];
            let words = words(&page, &taught).unwrap();
            experiment((human, &page), words, &taught, Path::new(""), &pictures).unwrap().hash
        };
        let human = HumanConfig::default();
        let first = hash(&human, b"one");
        assert_eq!(first, hash(&human, b"one"));
        assert_ne!(first, hash(&human, b"two"));
        let page = Some(PageConfig { pause: 0.5, ..PageConfig::default() });
        assert_ne!(first, hash(&HumanConfig { page, ..human }, b"one"));
    }

    #[test]
    fn a_folder_that_holds_anything_else_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let study = folder.path().join("study");
        std::fs::create_dir(&study).unwrap();
        ensure_place(&study, false).unwrap();
        std::fs::write(study.join("index.html"), b"").unwrap();
        let error = ensure_place(&study, false).unwrap_err().to_string();
        assert!(error.contains("--overwrite"), "{error}");
        for (own, name) in [("stimuli", "1.svg"), ("jspsych", "jspsych.js")] {
            std::fs::create_dir(study.join(own)).unwrap();
            std::fs::write(study.join(own).join(name), b"").unwrap();
        }
        ensure_place(&study, true).unwrap();
        for foreign in ["stimuli/cat.svg", "stimuli/1.txt", "jspsych/mine.js"] {
            std::fs::write(study.join(foreign), b"").unwrap();
            let error = ensure_place(&study, true).unwrap_err().to_string();
            assert!(error.contains(foreign), "{error}");
            std::fs::remove_file(study.join(foreign)).unwrap();
        }
        std::fs::write(study.join("anna-day-1.json"), b"").unwrap();
        let error = ensure_place(&study, true).unwrap_err().to_string();
        assert!(error.contains("anna-day-1.json"), "{error}");
    }
}
