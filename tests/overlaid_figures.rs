use ocs::config::{Override, Overrides};
use ocs::plot::canvas::{Canvas, Mark};
use ocs::plot::curve::Clock;
use ocs::plot::overlay::{Overlay, Seeds};
use ocs::plot::{self, Page, style};
use ocs::record::{CellRecord, Record, RunFolder, Series, Status};

use crate::figures::{clashes, fake, says};

fn overlay(panels: &[&str], width: f64) -> Overlay {
    let panels = panels.iter().map(|word| (*word).to_owned()).collect();
    Overlay { panels, clock: Clock::Time, width, seeds: Seeds::Range }
}

fn drawn(runs: &[(&str, &RunFolder)], overlay: &Overlay) -> Canvas {
    let (page, records) = figure(runs, overlay);
    page.canvas(&records)
}

fn figure(runs: &[(&str, &RunFolder)], overlay: &Overlay) -> (Page, Vec<Record>) {
    let runs: Vec<(String, &RunFolder)> =
        runs.iter().map(|(name, runs)| ((*name).to_owned(), *runs)).collect();
    plot::overlay_figure(&runs, overlay).unwrap()
}

fn refused(runs: &RunFolder, panels: &[&str]) -> String {
    let runs = [("mine".to_owned(), runs)];
    plot::overlay_figure(&runs, &overlay(panels, 180.0)).err().unwrap().to_string()
}

/// Conditions with two seeds each.
fn conditions(names: &[String]) -> RunFolder {
    let some = fake::images().records;
    let of_name = |(index, name): (usize, &String)| {
        let first = index * 3 % some.len();
        [0, 1].map(|seed| Record {
            condition: name.clone(),
            seed: seed as u64,
            ..some[first + seed].clone()
        })
    };
    let records = names.iter().enumerate().flat_map(of_name).collect();
    RunFolder { records, ..RunFolder::default() }
}

/// One seed for each value of a key, the highest first.
fn grid(count: usize, condition: Option<&str>) -> RunFolder {
    let mut runs = RunFolder::default();
    let some = &fake::linear().records[0];
    for index in (0..count).rev() {
        let rate = format!("{}e-2", index + 1);
        let value = serde_yaml::from_str(&rate).unwrap();
        let key = "training.learning_rate".to_owned();
        let values = Overrides(vec![Override { key, value }]);
        let condition = condition.map(str::to_owned);
        runs.records.push(Record {
            condition: format!("{},learning_rate={rate}", condition.as_deref().unwrap_or("")),
            cell: Some(CellRecord { condition, values }),
            ..some.clone()
        });
    }
    runs
}

/// Colours of lines that are as thick as those of conditions.
fn colours(canvas: &Canvas) -> Vec<style::Colour> {
    let mut colours: Vec<style::Colour> = Vec::new();
    for mark in &canvas.marks {
        if let Mark::Path { stroke, .. } = mark
            && stroke.width == 1.0
            && !colours.contains(&stroke.colour)
        {
            colours.push(stroke.colour);
        }
    }
    colours
}

#[test]
fn conditions_of_any_number_and_name_share_a_panel_at_every_width() {
    let long = "a condition with a name as long as people write them ".repeat(4);
    for count in [1, 2, 4, 8, 12] {
        let names: Vec<String> = (0..count).map(|index| format!("{long}{index}")).collect();
        let runs = conditions(&names);
        for width in [60.0, 85.0, 120.0, 180.0, 300.0] {
            let canvas = drawn(&[("mine", &runs)], &overlay(&[], width));
            assert_eq!(clashes(&canvas), Vec::<String>::new(), "{count} at {width} mm");
            assert!((canvas.width - width * 72.0 / 25.4).abs() < 1e-9);
            assert!(canvas.height <= 9.8 * 72.0, "{count} at {width}: {}", canvas.height);
            assert!(canvas.texts().all(|text| text.size >= style::NOTE_SIZE));
        }
        let canvas = drawn(&[("mine", &runs)], &overlay(&["M"], 180.0));
        assert_eq!(colours(&canvas).len(), count.min(8), "{count}");
    }
}

#[test]
fn values_of_a_grids_key_are_colours_from_dark_to_light_with_a_key() {
    let lightness =
        |style::Colour(r, g, b)| 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
    for count in [2, 5, 20] {
        let runs = grid(count, None);
        let (page, records) = figure(&[("mine", &runs)], &overlay(&["M"], 85.0));
        let canvas = page.canvas(&records);
        assert_eq!(clashes(&canvas), Vec::<String>::new());
        assert_eq!(says(&canvas, "training.learning_rate"), 1);
        let texts: Vec<&str> = canvas.texts().map(|text| &*text.content).collect();
        let last = format!("{}", count as f64 / 100.0);
        assert!(texts.contains(&"0.01") && texts.contains(&&*last), "{texts:?}");
        // The records came from the highest.
        let mut order = colours(&canvas);
        order.reverse();
        assert_eq!(order.len(), count);
        let rises = order.windows(2).all(|pair| lightness(pair[1]) > lightness(pair[0]) + 1.0);
        assert!(rises, "{order:?}");
    }
    // What else differs is how lines are broken, and the legend says so.
    let mut runs = grid(3, Some("none"));
    runs.records.extend(grid(3, Some("all")).records);
    let canvas = drawn(&[("mine", &runs)], &overlay(&["M"], 120.0));
    let is = |word: &str| canvas.texts().filter(|text| text.content == word).count();
    assert_eq!((is("none"), is("all")), (1, 1));
    let mut runs = RunFolder::default();
    for name in ["a", "b", "c", "d", "e"] {
        runs.records.extend(grid(3, Some(name)).records);
    }
    let text = refused(&runs, &["M"]);
    assert!(text.contains("training.learning_rate") && text.contains("--condition"), "{text}");
}

#[test]
fn runs_of_two_folders_are_told_apart_by_their_names() {
    let (one, other) =
        (conditions(&["x".into(), "y".into()]), conditions(&["x".into(), "y".into()]));
    let canvas = drawn(&[("first", &one), ("second", &other)], &overlay(&["M"], 180.0));
    for name in ["x", "y", "first", "second"] {
        assert_eq!(canvas.texts().filter(|text| text.content == name).count(), 1, "{name}");
    }
    assert_eq!(says(&canvas, "first, second"), 1, "the title");
    let told = colours(&canvas).into_iter().filter(|colour| *colour != style::GREY).count();
    assert_eq!(told, 2);
    // Of different tasks, with nothing in common.
    let third = conditions(&["z".into()]);
    let canvas = drawn(&[("first", &one), ("third", &third)], &overlay(&["M"], 180.0));
    let names = ["first: x", "first: y", "third"];
    for name in names {
        assert_eq!(canvas.texts().filter(|text| text.content == name).count(), 1, "{name}");
    }
    assert_eq!(clashes(&canvas), Vec::<String>::new());
}

#[test]
fn a_word_that_names_nothing_is_answered_with_what_these_runs_have() {
    let mut runs = conditions(&["c".into()]);
    let mut series = Series::new(&[("layer", 2), ("rank", 2)], "1");
    for step in [0, 1, 10] {
        series.push(step, &[Some(1.0), Some(0.5), Some(2.0), Some(0.1)]).unwrap();
    }
    runs.records[0].series.insert("singular_values".to_owned(), series);
    let text = refused(&runs, &["los"]);
    for words in [
        "--panels los: these runs have no such quantity but M, V, D_ocs, D_target, loss",
        "true_negative_rate:1 to :3",
        "singular_values:1:rank=0 to :2:rank=1",
        "did you mean 'loss'?",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let text = refused(&runs, &["TNR_4"]);
    assert!(text.contains("no part '4'") && text.contains(":1 to :3"), "{text}");
    assert!(refused(&runs, &["M:1"]).contains("write M alone"));
    assert!(refused(&runs, &["M", "M"]).contains("names M twice"));
    assert!(refused(&runs, &["item_response"]).contains("name fewer"));
    // A word alone means all its parts; one part, or a part's parts, by their numbers.
    for (words, count) in [
        ("true_negative_rate", 3),
        ("TNR", 3),
        ("TNR_2", 1),
        ("singular_values", 4),
        ("singular_values:2", 2),
    ] {
        let (page, _) = figure(&[("mine", &runs)], &overlay(&[words], 180.0));
        assert_eq!(page.panels().count(), count, "{words}");
    }
}

#[test]
fn what_is_drawn_is_what_records_say_on_either_clock() {
    let mut runs = conditions(&["c".into()]);
    runs.records.truncate(1);
    let record = &runs.records[0];
    let last = *record.curves.step.last().unwrap() as f64;
    let end = *record.curves.time.last().unwrap();
    let mut on_steps = overlay(&["mean_response:3", "loss"], 180.0);
    on_steps.clock = Clock::Step;
    for (overlay, title, last) in
        [(on_steps, "step", last), (overlay(&["loss"], 180.0), "time t = η · step", end)]
    {
        let canvas = drawn(&[("mine", &runs)], &overlay);
        assert!(says(&canvas, title) >= 1, "{title}");
        // The last tick that is labelled lies within a decade of the end.
        assert!(says(&canvas, &plot::axis::power_of_ten(last.log10().floor() as i32)) >= 1);
    }
}

#[test]
fn theory_lies_upon_its_condition_and_is_explained_once() {
    let runs = fake::linear();
    let canvas = drawn(&[("mine", &runs)], &overlay(&["M", "V", "TNR"], 180.0));
    assert_eq!(canvas.texts().filter(|text| text.content == "theory").count(), 1);
    let mut without = runs.clone();
    without.theories.clear();
    let canvas = drawn(&[("mine", &without)], &overlay(&["M", "V"], 180.0));
    assert_eq!(says(&canvas, "theory"), 0);
}

#[test]
fn runs_that_diverged_or_are_under_way_say_so_and_hide_no_other() {
    let cut = |record: &mut Record, length: usize, status: Status| {
        record.curves.truncate_after(record.curves.step[length - 1]);
        record.status = status;
    };
    let diverged = || Status::Diverged { step: 9, last_finite_loss: 1.0 };
    let mut runs = conditions(&["good".into(), "bad".into(), "begun".into()]);
    for index in [2, 3] {
        cut(&mut runs.records[index], 1, diverged());
    }
    for index in [4, 5] {
        cut(&mut runs.records[index], 20 + index, Status::Running);
    }
    let canvas = drawn(&[("mine", &runs)], &overlay(&[], 120.0));
    assert_eq!(says(&canvas, "bad: 2 of 2 diverged at step 9"), 1);
    assert_eq!(says(&canvas, "begun: 2 of 2 not finished"), 1);
    assert_eq!(clashes(&canvas), Vec::<String>::new());
    assert_eq!(colours(&canvas).len(), 2);
    runs.records.drain(..2);
    runs.records.truncate(2);
    let canvas = drawn(&[("mine", &runs)], &overlay(&["M", "V"], 120.0));
    assert_eq!(
        canvas.texts().filter(|text| text.content == "2 of 2 diverged at step 9").count(),
        2
    );
}

/// The numbers at a page's axes.
fn ticks(canvas: &Canvas) -> Vec<String> {
    let texts = canvas.texts().map(|text| text.content.clone());
    let mut ticks: Vec<String> =
        texts.filter(|text| text.starts_with(|first: char| first.is_ascii_digit())).collect();
    ticks.sort();
    ticks
}

#[test]
fn what_chosen_cells_of_a_grid_have_alike_is_told() {
    let mut runs = grid(3, Some("none"));
    for (index, record) in runs.records.iter_mut().enumerate() {
        let cell = record.cell.as_mut().unwrap();
        let width = serde_yaml::from_str("[16]").unwrap();
        cell.values.0.push(Override { key: "network.hidden".to_owned(), value: width });
        record.condition = format!("none,learning_rate={index},hidden=16");
    }
    let canvas = drawn(&[("mine", &runs)], &overlay(&["M"], 120.0));
    assert_eq!(says(&canvas, "All: none, network.hidden = 16"), 1);
    // Signs of axes are explained.
    assert_eq!(says(&canvas, "distance of the mean response"), 1);
}

#[test]
fn a_line_under_another_is_named_with_its_panel_and_what_lies_upon_it() {
    let mut runs = conditions(&["one".into(), "two".into(), "apart".into()]);
    let first: Vec<Record> = runs.records[..2].to_vec();
    for (record, own) in runs.records[2..4].iter_mut().zip(&first) {
        *record = Record { condition: "two".to_owned(), ..own.clone() };
        // Far from it by loss, and by less than is seen in the rate.
        record.curves.loss.iter_mut().for_each(|loss| *loss *= 3.0);
        record.curves.true_negative_rate[0]
            .iter_mut()
            .flatten()
            .for_each(|rate| *rate *= 1.0 - 1e-6);
    }
    let canvas = drawn(&[("mine", &runs)], &overlay(&["M", "loss", "TNR_1"], 180.0));
    assert_eq!(says(&canvas, "Hidden: one under two in a, c."), 1);
    let canvas = drawn(&[("mine", &runs)], &overlay(&["loss"], 180.0));
    assert_eq!(says(&canvas, "Hidden"), 0);
}

#[test]
fn runs_that_were_observed_rarely_show_their_moments_and_no_theory_between_them() {
    let mut runs = fake::linear();
    runs.records.retain(|record| record.condition == "none");
    runs.records.truncate(1);
    let dots = |runs: &RunFolder| {
        let canvas = drawn(&[("mine", runs)], &overlay(&["M"], 85.0));
        let is_dot = |mark: &&Mark| !matches!(mark, Mark::Path { .. } | Mark::Text(_));
        (
            canvas.marks.iter().filter(is_dot).count(),
            says(&canvas, "few observations"),
            says(&canvas, "theory"),
        )
    };
    let (many, told, theory) = dots(&runs);
    assert_eq!((told, theory), (0, 1));
    let step = runs.records[0].curves.step[4];
    runs.records[0].curves.truncate_after(step);
    let (few, told, theory) = dots(&runs);
    assert!(few > many, "{few} {many}");
    assert_eq!((told, theory), (1, 0));
}

#[test]
fn a_run_that_diverged_flattens_no_other() {
    let panels = ["loss", "D_ocs", "mean_response:1"];
    let mut runs = conditions(&["good".into(), "bad".into()]);
    let good = RunFolder { records: runs.records[..2].to_vec(), ..RunFolder::default() };
    let alone = ticks(&drawn(&[("mine", &good)], &overlay(&panels, 120.0)));
    for record in &mut runs.records[2..] {
        *record =
            Record { condition: "bad".to_owned(), seed: record.seed, ..good.records[0].clone() };
        let curves = &mut record.curves;
        for (index, loss) in curves.loss.iter_mut().enumerate().skip(10) {
            *loss *= 10.0_f64.powi(index as i32 / 10);
            curves.distance_to_ocs[index] *= 1e9;
            curves.mean_response[0][index] += 1e4;
        }
    }
    let finished = drawn(&[("mine", &runs)], &overlay(&panels, 120.0));
    assert_ne!(ticks(&finished), alone, "a run that did not diverge is shown to its ends");
    for record in &mut runs.records[2..] {
        record.status = Status::Diverged { step: 9, last_finite_loss: 1.0 };
    }
    assert_eq!(ticks(&drawn(&[("mine", &runs)], &overlay(&panels, 120.0))), alone);
}

#[test]
fn a_pdf_has_the_pages_size_and_text_that_is_text() {
    let runs = conditions(&["c".into()]);
    let canvas = drawn(&[("mine", &runs)], &overlay(&["M"], 85.0));
    let pdf = plot::render::pdf(&canvas, "source").unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    let text = String::from_utf8_lossy(&pdf);
    let size = text.split("/MediaBox").nth(1).unwrap().split(']').next().unwrap();
    let numbers: Vec<f64> =
        size.split(['[', ' ']).filter_map(|number| number.trim().parse().ok()).collect();
    assert!((numbers[2] - 85.0 * 72.0 / 25.4).abs() < 0.1, "{numbers:?}");
    assert!(text.contains("DejaVuSans") && text.contains("/ToUnicode"), "text became outlines");
}
