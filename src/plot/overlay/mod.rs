//! Several conditions, or runs, in one panel: a panel for each quantity, a line for each condition.

mod group;
mod hidden;
mod looks;
mod measures;
mod quantity;

use anyhow::{Result, ensure};

use self::group::{Group, groups};
use self::hidden::{Hidden, hidden};
use self::looks::{Looks, WIDTH, looks};
use self::measures::{clock, measure, title};
use self::quantity::{Quantity, known, named, of_answer, of_run};
use super::axis::Axis;
use super::curve::{Clock, Curve, Observed, Range, Spread};
use super::names::shortened;
use super::page::{Entry, Layer, MARGIN, Measure, Page, Panel, Sample};
use super::run_words::{FEW_MOMENTS, has_few_moments, of_few_moments};
use super::style::{
    BAND_OPACITY, Colour, LETTER_SIZE, Look, Stroke, TEXT_SIZE, THRESHOLD, TITLE_SIZE,
};
use super::symbols::{self, Symbol};
use super::text::text_width;
use crate::config::value_in_words;
use crate::record::{Record, RunFolder};

/// How seeds of one condition are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Seeds {
    /// Their mean, and a band from the lowest to the highest.
    #[default]
    Range,
    /// Their mean, and a thin line for each.
    Lines,
    /// Their mean alone.
    Mean,
}

/// What is drawn, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlay {
    /// Words for quantities; none for `M`, `V` and what tells most besides.
    pub panels: Vec<String>,
    /// What lies across.
    pub clock: Clock,
    /// Width of the page in millimetres.
    pub width: f64,
    /// How seeds are shown.
    pub seeds: Seeds,
}

/// A page's width in millimetres: below, a panel's numbers have no room; above, no journal prints it.
pub const WIDTHS: std::ops::RangeInclusive<f64> = 60.0..=300.0;
const POINTS_PER_MILLIMETRE: f64 = 72.0 / 25.4;
/// A panel's width at least, with what stands at its left.
const PANEL: f64 = 145.0;
const MOST_COLUMNS: usize = 4;
/// More rows would leave nothing of a panel on a page of print.
const MOST_ROWS: usize = 5;

/// The figure of run folders under their names.
///
/// # Errors
///
/// If a word names no quantity that the runs have, there are more panels than a page holds, or more lines than can be told
/// apart.
pub fn page(runs: &[(String, &RunFolder)], overlay: &Overlay) -> Result<Page> {
    let groups = groups(runs);
    let firsts: Vec<&Record> = runs
        .iter()
        .flat_map(|(_, folder)| folder.records.chunk_by(alike))
        .map(|it| &it[0])
        .collect();
    let known = known(&firsts);
    let wanted =
        if overlay.panels.is_empty() { usual(&known) } else { named(&overlay.panels, &known)? };
    let width = overlay.width * POINTS_PER_MILLIMETRE;
    let columns = ((width / PANEL) as usize).clamp(1, MOST_COLUMNS);
    ensure!(
        wanted.len() <= columns * MOST_ROWS,
        "--panels names {} quantities, and a page of {} mm holds {}: name fewer (METRIC:1 in place of METRIC) or make it wider \
         (--width)",
        wanted.len(),
        overlay.width,
        columns * MOST_ROWS
    );
    let columns = columns.min(wanted.len()).max(1);
    let looks = looks(&groups)?;
    let (panels, hidden) = panels(&groups, &wanted, &looks, (overlay, width));
    let hidden = hidden_in_words(&groups, &hidden, width);
    let drawn: Vec<&Record> =
        groups.iter().flat_map(|group| group.records.iter().copied()).collect();
    let notes = format!("{hidden}{} {}", notes(&groups, overlay.seeds), of_few_moments(&drawn));
    let mut page =
        Page::new(title_of(runs, width)).wide(width).explained_on_top().notes(notes.trim_end());
    page = page.key(key(&wanted)).key(
        match overlay.clock {
            Clock::Time => &[symbols::TIME, symbols::LEARNING_RATE][..],
            Clock::Step => &[],
        }
        .iter()
        .copied(),
    );
    if let Some(key) = looks.key {
        page = page.coloured_by(key);
    }
    let room = (width - 2.0 * MARGIN) / columns as f64 - 30.0;
    let width = |text: &str| text_width(text, TITLE_SIZE, false);
    let names: Vec<String> = wanted
        .iter()
        .map(|quantity| shortened(&[&title(quantity, &groups)], width, room).concat())
        .collect();
    let missing = (columns - wanted.len() % columns) % columns;
    for (index, (panel, name)) in std::iter::zip(panels, names).enumerate() {
        page =
            if index % columns == 0 { page.row(name, [panel]) } else { page.beside(name, [panel]) };
        page = page.taller(if wanted.len() > 2 * columns { 1.1 } else { 1.4 });
    }
    Ok(if missing > 0 { page.blank(missing) } else { page })
}

fn alike(one: &Record, other: &Record) -> bool {
    one.condition == other.condition
}

/// What is shown unless something is asked for.
fn usual(known: &[Quantity]) -> Vec<Quantity> {
    let is_there =
        |quantity: &&Quantity| ["M", "V", "true_negative_rate:1"].contains(&&*quantity.to_string());
    let mut usual: Vec<Quantity> = known.iter().filter(is_there).cloned().collect();
    if usual.len() < 3 {
        usual.extend(known.iter().find(|quantity| quantity.word == "loss").cloned());
    }
    usual
}

fn title_of(runs: &[(String, &RunFolder)], width: f64) -> String {
    let names: Vec<&str> = runs.iter().map(|(name, _)| &**name).collect();
    let wide = |text: &str| text_width(text, LETTER_SIZE, true);
    shortened(&[&names.join(", ")], wide, width - 2.0 * MARGIN).concat()
}

/// Which lines cannot be seen, with what lies upon them, as far as a foot has room.
fn hidden_in_words(groups: &[Group], hidden: &[Hidden], width: f64) -> String {
    // A line of the foot for each, about.
    let most = ((width / (60.0 * POINTS_PER_MILLIMETRE)) as usize).max(1);
    let wide = |text: &str| text_width(text, TEXT_SIZE, false);
    let names: Vec<&str> = groups.iter().map(|group| &*group.name).collect();
    let names = shortened(&names, wide, 0.35 * (width - 2.0 * MARGIN));
    let mut pairs: Vec<(usize, usize, String)> = Vec::new();
    for Hidden { panel, line, by } in hidden {
        let letter = char::from(b'a' + (*panel % 26) as u8);
        match pairs.iter_mut().find(|(one, other, _)| (*one, *other) == (*line, *by)) {
            Some((.., letters)) => letters.push_str(&format!(", {letter}")),
            None => pairs.push((*line, *by, letter.to_string())),
        }
    }
    let told = pairs
        .iter()
        .take(most)
        .map(|(line, by, letters)| format!("{} under {} in {letters}", names[*line], names[*by]));
    let more = match pairs.len().saturating_sub(most) {
        0 => "",
        _ => "; and others",
    };
    match pairs.len() {
        0 => String::new(),
        _ => format!("Hidden: {}{more}. ", told.collect::<Vec<_>>().join("; ")),
    }
}

/// The panels, and which lines cannot be seen in them.
fn panels(
    groups: &[Group],
    wanted: &[Quantity],
    looks: &Looks,
    (overlay, width): (&Overlay, f64),
) -> (Vec<Panel>, Vec<Hidden>) {
    let curves: Vec<Vec<Vec<Curve>>> = groups
        .iter()
        .map(|group| {
            group.records.iter().map(|record| of_run(record, wanted, overlay.clock)).collect()
        })
        .collect();
    let theories: Vec<Option<Vec<Curve>>> = groups
        .iter()
        .map(|group| {
            let is_of_training = group.records.iter().any(|it| it.training_curves.is_some());
            // Its moments are those of observations: few of them make no curve.
            let is_curve = !group.records.iter().any(|record| has_few_moments(record));
            let theory = group.theory.filter(|_| is_curve)?;
            Some(of_answer(theory, wanted, overlay.clock, is_of_training))
        })
        .collect();
    let x = clock(groups, overlay.clock);
    let has_data = |index: &usize| {
        let all = curves.iter().flatten().flat_map(|run| &run[*index].points);
        all.into_iter().any(|point| point.1.is_some())
    };
    // Where nothing is seen there is nothing to explain.
    let first = (0..wanted.len()).find(has_data);
    let measures: Vec<Measure> = wanted
        .iter()
        .enumerate()
        .map(|(index, quantity)| {
            let all = curves.iter().flatten().map(|run| &run[index]);
            measure(quantity, &all.collect::<Vec<_>>(), groups)
        })
        .collect();
    let axis = |(index, measure): (usize, &Measure)| {
        let points = curves.iter().flatten().flat_map(|run| &run[index].points);
        measure.axis(points.filter_map(|point| point.1), std::iter::empty())
    };
    let axes: Vec<Axis> = measures.iter().enumerate().map(axis).collect();
    let panel = |(index, quantity): (usize, &Quantity)| {
        let y = measures[index].clone();
        let mut panel = Panel::new(x.clone(), y).layers(thresholds(quantity, groups));
        if Some(index) == first {
            panel = panel.layer(legend(groups, looks, width));
        }
        for (seeds, (look, _)) in std::iter::zip(&curves, &looks.of) {
            let of_group: Vec<Curve> = seeds.iter().map(|run| run[index].clone()).collect();
            panel = panel.layers(lines(of_group, *look, overlay.seeds));
        }
        let theories = theories.iter().flatten().map(|curves| of_theory(curves[index].clone()));
        let words = if groups.len() == 1 { &*groups[0].state } else { "" };
        panel.layers(theories).saying(words).missing(why_empty(groups))
    };
    let panels = wanted.iter().enumerate().map(panel).collect();
    (panels, hidden(&curves, &axes))
}

/// Entries whose captions fit on a page so wide.
fn short(entries: &[Entry], width: f64) -> Vec<Entry> {
    let room = width - 2.0 * MARGIN - 25.0;
    let wide = |text: &str| text_width(text, TEXT_SIZE, false);
    let short = |entry: &Entry| Entry {
        caption: shortened(&[&entry.caption], wide, room).concat(),
        ..entry.clone()
    };
    entries.iter().map(short).collect()
}

/// What `M` and `V` are held against, where all runs have one threshold.
fn thresholds(quantity: &Quantity, groups: &[Group]) -> Option<Layer> {
    let mut all = groups.iter().flat_map(|group| &group.records);
    let threshold = all.next()?.config.phase_threshold;
    if all.any(|record| record.config.phase_threshold != threshold) {
        return None;
    }
    let height = match &*quantity.word {
        "M" => threshold,
        "V" => threshold.sqrt(),
        _ => return None,
    };
    Some(Layer::level(height, THRESHOLD, "thresholds of onset (M) and end (V)").numbered())
}

/// The seeds of one group.
fn lines(curves: Vec<Curve>, look: Look, seeds: Seeds) -> Vec<Layer> {
    let (places, ranges) = ranges(&curves);
    let middle = Curve {
        points: places.iter().copied().zip(ranges.iter().map(|it| it.map(|it| it.1))).collect(),
    };
    let mut layers = Vec::new();
    if curves.len() > 1 {
        match seeds {
            Seeds::Range => {
                let spread = Spread { points: places.into_iter().zip(ranges).collect() };
                layers.push(Layer::band(spread, look.colour, "").uncaptioned());
            }
            Seeds::Lines => {
                let thin = Stroke::solid(look.colour.paler(1.0 - BAND_OPACITY * 2.0), 0.5);
                layers.extend(
                    curves.into_iter().map(|curve| Layer::line(curve, thin, "").uncaptioned()),
                );
            }
            Seeds::Mean => {}
        }
    }
    // A line needs two points, and of few the reader sees each.
    let later: Vec<(f64, f64)> =
        middle.points.iter().filter_map(|(x, y)| Some((*x, (*y)?))).collect();
    if later.len() <= FEW_MOMENTS {
        layers.push(Layer::points(later, look, "").uncaptioned());
    }
    layers.push(Layer::line(middle, look.stroke(WIDTH), "").uncaptioned());
    layers
}

/// Lowest, mean and highest of some curves, as far as all of them go, at the places of the first.
fn ranges(curves: &[Curve]) -> (Vec<f64>, Vec<Option<Range>>) {
    let length = curves.iter().map(|curve| curve.points.len()).min().unwrap_or(0);
    let of_place = |index: usize| -> (f64, Option<Range>) {
        let points: Vec<Observed> = curves.iter().map(|curve| curve.points[index]).collect();
        let values: Option<Vec<f64>> = points.iter().map(|point| point.1).collect();
        let range = values.map(|values| {
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (low, values.iter().sum::<f64>() / values.len() as f64, high)
        });
        (points[0].0, range)
    };
    (0..length).map(of_place).unzip()
}

fn of_theory(curve: Curve) -> Layer {
    /// Wider and paler than any line, and below all of them: colours and dashes show upon it.
    const RIBBON: Stroke = Stroke::solid(Colour(0xC4, 0xC4, 0xC4), 2.6);
    const BELOW_ALL: usize = 1000;
    Layer::line(curve, RIBBON, "")
        .explained_by(Entry::new(Sample::Line(RIBBON), "theory"))
        .below(BELOW_ALL)
}

/// Captions of all lines, without any mark: what colours tell, and then what broken lines tell.
fn legend(groups: &[Group], looks: &Looks, width: f64) -> Layer {
    // Of what is drawn alone.
    let drawn = std::iter::zip(groups, &looks.of).filter(|(group, _)| !group.records.is_empty());
    let drawn: Vec<&Vec<Entry>> = drawn.map(|(_, (_, entries))| entries).collect();
    let most = drawn.iter().map(|entries| entries.len()).max().unwrap_or(0);
    let ordered =
        (0..most).flat_map(|index| drawn.iter().filter_map(move |it| it.get(index).cloned()));
    Layer::custom(short(&ordered.collect::<Vec<_>>(), width), |_, _| ())
}

/// What all cells of a grid that are shown have alike, which neither colours nor legends tell.
fn common(groups: &[Group]) -> String {
    let Some(first) = groups.first().filter(|first| !first.values.is_empty()) else {
        return String::new();
    };
    let mut words = Vec::new();
    let is_of_all = |group: &Group| group.condition == first.condition;
    if !first.condition.is_empty() && groups.iter().all(is_of_all) {
        words.push(first.condition.clone());
    }
    for (key, value) in &first.values {
        if groups.iter().all(|group| group.value(key) == Some(value)) {
            words.push(format!("{key} = {}", value_in_words(value)));
        }
    }
    words.join(", ")
}

/// Signs of axes that the foot explains.
fn key(wanted: &[Quantity]) -> Vec<Symbol> {
    let mut key = Vec::new();
    for quantity in wanted {
        match quantity.word.trim_start_matches("training.") {
            "M" | "mean_output_error" => key.extend([symbols::M, symbols::MEAN_TARGET]),
            "V" | "input_dependence" => key.push(symbols::V),
            "D_ocs" | "D_target" => key.extend([symbols::D, symbols::V]),
            "distance_to_ocs" | "distance_to_targets" => key.push(symbols::D),
            _ => {}
        }
    }
    key
}

/// Why a panel shows nothing.
fn why_empty(groups: &[Group]) -> &'static str {
    match groups.iter().all(|group| group.records.is_empty()) {
        true => "only step 0 was observed",
        false => "undefined",
    }
}

/// What lines are, and what became of runs that did not end well.
fn notes(groups: &[Group], seeds: Seeds) -> String {
    /// Further ones are counted.
    const MOST_NAMED: usize = 6;
    let several = groups.iter().any(|group| group.records.len() > 1);
    let lines = match seeds {
        _ if !several => "",
        Seeds::Range => "Lines: mean over seeds, bands: their range. ",
        Seeds::Lines => "Thick lines: mean over seeds, thin lines: seeds. ",
        Seeds::Mean => "Lines: mean over seeds. ",
    };
    // One line has no legend.
    let only = match groups {
        [only] if only.name != "default" => format!("Shown: {}. ", only.name),
        _ => match common(groups) {
            all if all.is_empty() => all,
            all => format!("All: {all}. "),
        },
    };
    let states: Vec<String> = groups
        .iter()
        .filter(|group| groups.len() > 1 && !group.state.is_empty())
        .map(|group| format!("{}: {}", group.name, group.state))
        .collect();
    let more = match states.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!("; {more} more did not end well"),
    };
    let states = states.into_iter().take(MOST_NAMED).collect::<Vec<_>>().join("; ");
    let states = if states.is_empty() { states } else { format!("{states}{more}.") };
    format!("{only}{lines}{states}").trim_end().to_owned()
}
