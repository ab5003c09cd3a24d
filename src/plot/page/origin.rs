//! What all figures say about their numbers: where they came from, in a file's metadata and at the foot of a page.

use std::collections::BTreeSet;

use crate::config::Scale;
use crate::plot::canvas::Canvas;
use crate::plot::style::NOTE_SIZE;
use crate::plot::text::{Anchor, Text, text_width};
use crate::record::{Record, Status, unpublished};

/// Marks of the scales at which runs ran, each once.
fn marks(records: &[Record]) -> Vec<&'static str> {
    let scales = [Scale::Quick, Scale::Full];
    let is_there = |scale: &Scale| records.iter().any(|record| record.scale == *scale);
    scales.into_iter().filter(is_there).filter_map(Scale::mark).collect()
}

/// Where the numbers came from, for a file's metadata.
pub fn source(records: &[Record]) -> String {
    let configs = distinct(records, |record| record.config.name.clone());
    let seeds: BTreeSet<u64> = records.iter().map(|record| record.seed).collect();
    let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
    let devices = distinct(records, |record| record.device.clone());
    let revisions = distinct(records, |record| record.revision.clone());
    let marks: String = marks(records).iter().map(|mark| format!("; {mark}")).collect();
    let data: String = unpublished(records).iter().map(|name| format!("; data {name}")).collect();
    let seeds = seeds.join(", ");
    format!(
        "ocs: config {configs}; seeds {seeds}; device {devices}; revision {revisions}{marks}{data}"
    )
}

/// Where the numbers came from, for a reader; of no records nothing.
pub fn footer_notes(records: &[Record]) -> String {
    if records.is_empty() {
        return String::new();
    }
    let mut notes: Vec<String> = marks(records).into_iter().map(str::to_owned).collect();
    notes.extend(unpublished(records).iter().map(|name| format!("data: {name}")));
    let mut conditions: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for record in records {
        *conditions.entry(&record.condition).or_default() += 1;
    }
    let fewest = conditions.values().min().copied().unwrap_or(0);
    let most = conditions.values().max().copied().unwrap_or(0);
    let plural = if most == 1 { "" } else { "s" };
    notes.push(if fewest == most {
        format!("seed{plural} per condition: n = {most}")
    } else {
        format!("seed{plural} per condition: n = {fewest} to {most}")
    });
    notes.push(format!("device {}", distinct(records, |record| record.device.clone())));
    notes.push(format!("revision {}", distinct(records, |record| record.revision.clone())));
    let count = |wanted: fn(&Status) -> bool| records.iter().filter(|r| wanted(&r.status)).count();
    let (unfinished, diverged) = (
        count(|status| matches!(status, Status::Running)),
        count(|status| matches!(status, Status::Diverged { .. })),
    );
    if unfinished > 0 {
        notes.push(format!("{unfinished} of {} runs not finished", records.len()));
    }
    if diverged > 0 {
        notes.push(format!("{diverged} of {} runs diverged", records.len()));
    }
    capitalised(&notes.join("; "))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn distinct(records: &[Record], of: impl Fn(&Record) -> String) -> String {
    let values: BTreeSet<String> = records.iter().map(of).collect();
    values.into_iter().collect::<Vec<_>>().join(", ")
}

/// Words of one face.
pub struct Words {
    pub text: String,
    pub bold: bool,
}

/// Small paragraphs at the foot of a page, broken to its width; `top` is the middle of the first line. The page grows with them.
pub fn footer(canvas: &mut Canvas, top: f64, (left, right): (f64, f64), paragraphs: &[Vec<Words>]) {
    let line_height = NOTE_SIZE + 2.0;
    let blank = text_width("n n", NOTE_SIZE, false) - text_width("nn", NOTE_SIZE, false);
    let mut middle = top;
    for (index, paragraph) in paragraphs.iter().enumerate() {
        if index > 0 {
            middle += line_height;
        }
        let mut x = left;
        for (place, Words { text, bold }) in paragraph.iter().enumerate() {
            // A sign stays beside the first word of its meaning.
            let next = paragraph.get(place + 1).filter(|_| *bold);
            let next = next.and_then(|words| words.text.split(' ').next());
            let after = next.map_or(0.0, |word| blank + text_width(word, NOTE_SIZE, false));
            // What of it stands on the current line, and where that begins.
            let mut line = Text::centred("", (x, middle), Anchor::Start, NOTE_SIZE);
            line.bold = *bold;
            for word in text.split(' ') {
                let one = |content: String| Text { content, ..line.clone() };
                let longer = match line.content.is_empty() {
                    true => one(word.to_owned()),
                    false => one(format!("{} {word}", line.content)),
                };
                if longer.bounds().right() + after <= right || x == left && line.content.is_empty()
                {
                    line = longer;
                    continue;
                }
                canvas.text(line);
                (x, middle) = (left, middle + line_height);
                line = Text::centred(word, (x, middle), Anchor::Start, NOTE_SIZE);
                line.bold = *bold;
            }
            x = line.bounds().right() + blank;
            canvas.text(line);
        }
    }
    canvas.height = canvas.height.max(middle + line_height);
}
