//! What an art editor would mark: signs without a meaning, texts that are wider than what they belong to.

use ocs::plot::Page;
use ocs::plot::canvas::{Canvas, Mark};
use ocs::plot::geometry::Rectangle;
use ocs::plot::style::{LETTER_SIZE, NOTE_SIZE, PAGE_WIDTH};
use ocs::plot::symbols::Symbol;
use ocs::plot::text::{Anchor, Text};
use ocs::plot::{Layer, Measure, Panel, style};
use ocs::record::{Record, RunFolder};

use crate::figures::runs_of;
use crate::quick_runs::{of_study, study};

/// Studies whose quick runs need no images: their figures have real courses in them.
const REAL: [&str; 4] = ["ocs_linear", "ocs_loss", "ocs_sequence", "bias_free_relu"];

/// Every figure from records that were made up, and some from real ones.
fn figures() -> Vec<(String, Page, Vec<Record>)> {
    let page = |name: &str, stem: &str, runs: &RunFolder| {
        (format!("{stem}, {name}"), (study(stem).page)(runs), runs.records.clone())
    };
    let fake = ocs::studies::stems().map(|stem| page("fake", stem, &runs_of(stem)));
    fake.chain(REAL.map(|stem| page("quick", stem, of_study(stem)))).collect()
}

/// Names of data sets, architectures and rules, which are no abbreviations to a reader of this.
const NAMES: [&str; 4] = ["MNIST", "CIFAR", "VGG", "SGD"];

/// Signs and abbreviations in a text: single letters with what hangs on them, and words of capitals. `known` ones are found
/// as they are; letters of panels and articles are none.
fn signs(text: &Text, known: &[Symbol]) -> Vec<String> {
    let content: Vec<char> = text.content.chars().collect();
    let mut found = Vec::new();
    let mut place = 0;
    let hangs = |letter: char| "₀₁₂₃₄₅₆₇₈₉*".contains(letter);
    let is_word = |letter: char| letter.is_ascii_alphabetic();
    while place < content.len() {
        let rest: String = content[place..].iter().collect();
        let starts = place == 0 || !is_word(content[place - 1]) || !is_word(content[place]);
        let longest = known.iter().filter(|symbol| {
            let after = rest.strip_prefix(symbol.sign).map(|rest| rest.chars().next());
            after.is_some_and(|next| next.is_none_or(|next| !is_word(next) && !hangs(next)))
        });
        if let Some(symbol) = longest.max_by_key(|symbol| symbol.sign.len()).filter(|_| starts) {
            found.push(symbol.sign.to_owned());
            place += symbol.sign.chars().count();
            continue;
        }
        let letter = content[place];
        let run: String = content[place..].iter().take_while(|l| is_word(**l)).collect();
        let next = content.get(place + run.len().max(1)).copied();
        let hanging = next.filter(|next| hangs(*next)).map(String::from).unwrap_or_default();
        match run.len() {
            0 if letter.is_alphabetic() && !"ᵗπ".contains(letter) => {
                found.push(format!("{letter}{hanging}"));
            }
            0 => {}
            // An article, and the base of natural logarithms.
            1 if matches!(&*run, "a" | "A") && hanging.is_empty() => {}
            // Of a genitive.
            1 if run == "s" && place > 0 && content[place - 1] == '\'' => {}
            1 if run == "e" && next == Some('⁻') => {}
            1 => found.push(format!("{run}{hanging}")),
            _ => {
                let one = run.strip_suffix('s').unwrap_or(&run);
                if one.chars().all(|l| l.is_ascii_uppercase()) && !NAMES.contains(&one) {
                    found.push(one.to_owned());
                }
            }
        }
        place += run.len().max(1);
    }
    found
}

/// Whether letters of panels, and `n` of seeds, may stand in it.
fn is_of_the_foot(text: &Text, canvas: &Canvas) -> bool {
    let in_panels = |other: &&Text| other.size > NOTE_SIZE;
    let lowest = canvas.texts().filter(in_panels).map(|text| text.at.1).fold(0.0, f64::max);
    text.at.1 > lowest
}

/// Signs of a figure that its key lacks, and signs of its key that it lacks.
fn faults_of_the_key(page: &Page, records: &[Record]) -> Vec<String> {
    let canvas = page.canvas(records);
    let key = page.symbols();
    let meanings: String = key.iter().map(|symbol| symbol.meaning).collect();
    let is_said = |word: &str| meanings.contains(&format!("({word})"));
    let mut stand = Vec::new();
    let mut faults = Vec::new();
    for text in canvas.texts() {
        let is_letter = text.bold && text.size == LETTER_SIZE && text.content.len() == 1;
        let at_the_foot = is_of_the_foot(text, &canvas);
        if is_letter || at_the_foot && key.iter().any(|symbol| text.content == symbol.sign) {
            continue;
        }
        for sign in signs(text, key) {
            let names_a_panel = at_the_foot && matches!(&*sign, "b" | "c" | "d" | "e" | "f" | "n");
            let is_known = key.iter().any(|symbol| symbol.sign == sign);
            let in_title = canvas.texts().any(|text| text.content.contains(&format!("({sign})")));
            if !is_known && !names_a_panel && !is_said(&sign) && !in_title {
                faults.push(format!("`{sign}` of `{}` is not in the key", text.content));
            }
            stand.push(sign);
        }
    }
    let missing = key.iter().filter(|symbol| !stand.iter().any(|sign| sign == symbol.sign));
    faults.extend(missing.map(|symbol| format!("`{}` stands nowhere but in the key", symbol.sign)));
    faults.sort();
    faults.dedup();
    faults
}

#[test]
fn every_sign_in_a_figure_is_in_its_key_and_no_other_is() {
    let faults = figures().into_iter().flat_map(|(name, page, records)| {
        faults_of_the_key(&page, &records).into_iter().map(move |fault| format!("{name}: {fault}"))
    });
    assert_eq!(faults.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn a_sign_that_no_key_explains_is_noticed_and_so_is_one_that_stands_nowhere() {
    let page = |key: Vec<Symbol>| {
        let panel = Panel::new(Measure::linear("bound ημ²‖ȳ‖² of TNR"), Measure::linear("2μb, W₁"));
        let line = Layer::level(0.5, style::THRESHOLD, "a slope of e⁻ᵗ");
        let point = Layer::points([(0.5, 0.5)], style::look(0), "MNIST");
        Page::new("").row("Optimal (OCS)", [panel.layer(line).layer(point)]).key(key)
    };
    let sign = |sign| Symbol::new(sign, "something else");
    let all = ["η", "μ", "ȳ", "TNR", "b", "W₁"].map(sign);
    assert_eq!(faults_of_the_key(&page(all.to_vec()), &[]), Vec::<String>::new());
    for index in 0..all.len() {
        let mut some = all.to_vec();
        some.remove(index);
        let faults = faults_of_the_key(&page(some), &[]);
        assert!(!faults.is_empty());
        let sign = format!("`{}` of", all[index].sign);
        assert!(faults.iter().all(|fault| fault.starts_with(&sign)), "{faults:?}");
    }
    let more = all.into_iter().chain([sign("W₂")]).collect();
    assert_eq!(faults_of_the_key(&page(more), &[]), ["`W₂` stands nowhere but in the key"]);
}

/// Frames of panels, and of the strips above them.
fn frames(canvas: &Canvas) -> Vec<Rectangle> {
    let corner = |mark: &Mark| match mark {
        Mark::Path { points, .. } if points.len() == 2 => Some((points[0], points[1])),
        _ => None,
    };
    let edges: Vec<_> = canvas.marks.iter().map(corner).collect();
    let closed = edges.windows(4).filter_map(|edges| match edges {
        [Some(top), Some(right), Some(bottom), Some(left)] => {
            let follow = top.1 == right.0 && right.1 == bottom.0 && bottom.1 == left.0;
            (follow && left.1 == top.0)
                .then(|| Rectangle::between(top.0.0, top.0.1, right.1.0, right.1.1))
        }
        _ => None,
    });
    closed.filter(|frame| frame.width > 40.0).collect()
}

/// Texts centred on a panel that are wider than it or were made small to fit, and those beyond the page's margins.
fn too_wide(canvas: &Canvas) -> Vec<String> {
    const ABOVE: f64 = 24.0;
    // Numbers at the end of an axis may reach beyond it.
    const MARGIN: f64 = 4.0;
    let frames = frames(canvas);
    let mut found = Vec::new();
    for text in canvas.texts().filter(|text| !text.upward) {
        let bounds = text.bounds();
        let is_of = |frame: &&Rectangle| {
            text.anchor == Anchor::Middle
                && (frame.centre().0 - text.at.0).abs() < 0.01
                && (frame.top - ABOVE..frame.bottom()).contains(&text.at.1)
        };
        let is_outside = |frame: &Rectangle| {
            bounds.left < frame.left - 0.5 || bounds.right() > frame.right() + 0.5
        };
        if frames.iter().filter(is_of).any(is_outside) {
            found.push(format!("`{}` is wider than its panel", text.content));
        }
        if bounds.left < MARGIN || bounds.right() > PAGE_WIDTH - MARGIN {
            found.push(format!("`{}` stands in the margin", text.content));
        }
        // Words above a panel that has no room for them.
        if text.size < NOTE_SIZE {
            found.push(format!("`{}` is smaller than a note", text.content));
        }
    }
    found
}

#[test]
fn titles_are_no_wider_than_their_panels_and_nothing_stands_in_the_margins() {
    let mut faults = Vec::new();
    for (name, page, records) in figures() {
        let canvas = page.canvas(&records);
        assert!(frames(&canvas).len() >= page.panels().count(), "{name}: frames were not found");
        let found = [too_wide(&canvas), crate::figures::clashes(&canvas)].concat();
        faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn a_title_wider_than_its_panel_would_be_noticed() {
    let line = || Layer::points([(1.0, 0.5)], style::look(0), "runs");
    let panel = |title: &str| {
        let panel = Panel::new(Measure::linear("x"), Measure::linear("y")).layer(line());
        panel.titled(title).saying(title)
    };
    let page = |title: &str| Page::new("").row("Row", ["", title, "", ""].map(panel)).canvas(&[]);
    assert_eq!(too_wide(&page("short")), Vec::<String>::new());
    assert_eq!(too_wide(&page("longer than a panel of four is wide")).len(), 2);
}

#[test]
fn a_legend_takes_few_rows_of_about_one_length_and_ends_where_frames_end() {
    let points = |caption: String| Layer::points([(1.0, 0.5)], style::look(0), caption);
    for count in 1..14 {
        let layers = (0..count).map(|index| points(format!("caption number {index:02}")));
        // One look for each caption would be joined.
        let layers = layers.enumerate().map(|(index, layer)| {
            layer.larger(1.0).explained_by(ocs::plot::Entry::new(
                ocs::plot::Sample::Swatch(style::Colour(index as u8, 0, 0)),
                format!("caption number {index:02}"),
            ))
        });
        let panel = Panel::new(Measure::linear("x"), Measure::linear("y")).layers(layers);
        let canvas = Page::new("").row("Row", [panel]).canvas(&[]);
        let captions = canvas.texts().filter(|text| text.content.starts_with("caption"));
        let mut rows: Vec<(f64, usize)> = Vec::new();
        for text in captions {
            assert!(text.bounds().right() <= frames(&canvas)[0].right() + 0.5);
            match rows.last_mut().filter(|row| row.0 == text.at.1) {
                Some(row) => row.1 += 1,
                None => rows.push((text.at.1, 1)),
            }
        }
        let counts: Vec<usize> = rows.iter().map(|row| row.1).collect();
        let most = *counts.iter().max().unwrap();
        assert!(counts.iter().all(|count| most - count <= counts.len()), "{count}: {counts:?}");
        assert!(counts.len() == 1 || counts.iter().all(|count| *count > 1), "{count}: {counts:?}");
    }
}
