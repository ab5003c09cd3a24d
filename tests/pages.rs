use ocs::plot::canvas::{Canvas, Mark};
use ocs::plot::curve::Curve;
use ocs::plot::style::{BLUE, GREY, Stroke, THRESHOLD, look};
use ocs::plot::{Entry, HeatMap, Layer, Measure, Page, Panel, Sample};
use ocs::record::RunFolder;

use crate::figures::{clashes, runs_of, says};
use crate::quick_runs::study;

/// Layers that are drawn and of which no legend says what they are.
fn unexplained(page: &Page) -> Vec<String> {
    let canvas = page.canvas(&[]);
    let is_said = |entry: &Entry| {
        !entry.caption.is_empty()
            && canvas.texts().any(|text| {
                text.content.split(", ").any(|c| c == entry.caption)
                    || text.content.contains(&entry.caption)
            })
    };
    let layers = page.panels().flat_map(Panel::shown).filter(|layer| layer.needs_caption());
    let mut silent = Vec::new();
    for layer in layers {
        let entries: Vec<&Entry> =
            layer.own_entry().into_iter().chain(layer.common_entries()).collect();
        if entries.is_empty() || !entries.iter().all(|entry| is_said(entry)) {
            silent.push(format!("{entries:?}"));
        }
    }
    silent.dedup();
    silent
}

/// Looks that mean two things in one panel.
fn ambiguous(page: &Page) -> Vec<String> {
    let mut found = Vec::new();
    for panel in page.panels() {
        let entries: Vec<&Entry> = panel
            .shown()
            .flat_map(|layer| layer.own_entry().into_iter().chain(layer.common_entries()))
            .collect();
        for one in &entries {
            for other in &entries {
                if one.samples == other.samples && one.caption < other.caption {
                    found.push(format!("`{}` and `{}` look alike", one.caption, other.caption));
                }
            }
        }
    }
    found.dedup();
    found
}

fn rising() -> Curve {
    Curve::through([(1.0, 0.1), (10.0, 0.9)])
}

fn panel() -> Panel {
    Panel::new(Measure::time(), Measure::linear("fraction"))
}

fn line(caption: &str) -> Layer {
    Layer::line(rising(), Stroke::solid(BLUE, 1.0), caption)
}

#[test]
fn every_layer_of_every_figure_is_explained_and_no_look_means_two_things() {
    for stem in ocs::studies::stems() {
        let page = (study(stem).page)(&runs_of(stem));
        assert_eq!(unexplained(&page), Vec::<String>::new(), "{stem}");
        assert_eq!(ambiguous(&page), Vec::<String>::new(), "{stem}");
    }
}

#[test]
fn a_layer_without_a_caption_and_a_look_with_two_meanings_would_be_noticed() {
    let page = |layers: Vec<Layer>| Page::new("").row("", [panel().layers(layers)]);
    assert_eq!(unexplained(&page(vec![line("")])).len(), 1);
    assert_eq!(unexplained(&page(vec![line("weights")])), Vec::<String>::new());
    assert_eq!(ambiguous(&page(vec![line("weights"), line("biases")])).len(), 1);
}

#[test]
fn a_panel_without_data_says_why_and_nothing_else_of_it_is_drawn() {
    for stem in ocs::studies::stems() {
        let nothing = (study(stem).page)(&RunFolder::default());
        let canvas = nothing.canvas(&[]);
        assert_eq!(says(&canvas, "not run"), nothing.panels().count(), "{stem}");
        assert_eq!(clashes(&canvas), Vec::<String>::new(), "{stem}");

        let mut runs = runs_of(stem);
        runs.records.retain(|record| record.condition.starts_with("no") || record.seed == 1);
        runs.theories.clear();
        runs.grams.clear();
        let page = (study(stem).page)(&runs);
        let canvas = page.canvas(&runs.records);
        let empty = page.panels().filter(|panel| panel.shown().next().is_none());
        for panel in empty {
            assert!(says(&canvas, panel.words_if_empty()) > 0, "{stem}");
        }
        assert_eq!(clashes(&canvas), Vec::<String>::new(), "{stem}");
    }
    let empty = panel().layer(Layer::level(0.5, THRESHOLD, "threshold"));
    let canvas = Page::new("").row("", [empty.missing("theory missing")]).canvas(&[]);
    assert_eq!((says(&canvas, "theory missing"), says(&canvas, "threshold")), (1, 0));
}

/// How often a number or a title stands on a page.
fn count(canvas: &Canvas, words: &str) -> usize {
    canvas.texts().filter(|text| text.content == words).count()
}

#[test]
fn panels_that_measure_the_same_share_numbers_titles_and_ranges() {
    let large = Layer::line(Curve::through([(1.0, 0.0), (10.0, 5.0)]), THRESHOLD, "large");
    let two =
        || [panel().layer(line("small")), panel().layer(Layer::line(rising(), THRESHOLD, "large"))];
    let canvas = Page::new("").row("One", two()).row("Two", two()).canvas(&[]);
    assert_eq!(count(&canvas, "fraction"), 2, "at the left of each row");
    assert_eq!(count(&canvas, "time t = η · step"), 2, "below the last row");
    let panels = [panel().layer(line("small")), panel().layer(large)];
    let shared = Page::new("").row("One", panels).canvas(&[]);
    assert_eq!(count(&shared, "4"), 1);
    let apart =
        |curve: Curve, caption: &str| panel().layer(Layer::line(curve, THRESHOLD, caption)).apart();
    let panels =
        [apart(rising(), "small"), apart(Curve::through([(1.0, 0.0), (10.0, 5.0)]), "large")];
    let apart = Page::new("").row("One", panels).canvas(&[]);
    assert!(count(&apart, "0.4") == 1 && count(&apart, "4") == 1, "each has numbers of its own");
    assert_eq!(count(&apart, "fraction"), 1, "and one title");
    assert_eq!(clashes(&apart), Vec::<String>::new());
}

#[test]
fn an_entry_that_two_letters_need_stands_on_top_and_looks_of_one_caption_are_one_entry() {
    let dots = |caption: &str| Layer::points([(2.0, 0.5)], look(0), caption);
    let page = Page::new("")
        .row("One", [panel().layer(line("weights")).layer(line("biases"))])
        .row("Two", [panel().layer(dots("weights"))]);
    let [top, one, two] = &page.legends()[..] else { panic!("a top and two letters") };
    assert_eq!(top.len(), 1);
    assert_eq!((&*top[0].caption, top[0].samples.len()), ("weights", 2), "a line and a marker");
    assert_eq!((one.len(), two.len()), (1, 0));
    assert_eq!(one[0].caption, "biases");

    // Bars of colours, notes and borders need none; what several layers have in common is said once.
    let grey = || Entry::new(Sample::Upright(Stroke::solid(GREY, 1.0)), "critical");
    let uprights = [2.0, 3.0].map(|x| Layer::upright(x, THRESHOLD, "").explained_by(grey()));
    let page = Page::new("").row("One", [panel().layer(line("weights")).layers(uprights)]);
    assert_eq!(page.legends()[0].len(), 2);
}

#[test]
fn a_page_of_many_rows_still_fits_on_paper() {
    let row = |page: Page, index: usize| {
        page.row(format!("Row {index}"), [panel().titled("One").layer(line("weights"))])
    };
    let page = (0..12).fold(Page::new("Many"), row);
    let canvas = page.canvas(&[]);
    assert!(canvas.height <= 9.7 * 72.0, "{}", canvas.height);
    assert_eq!(clashes(&canvas), Vec::<String>::new());

    let long = Measure::linear("a title that is longer than a usual panel is high");
    let page = Page::new("Long").row("Row", [panel().upwards(long).layer(line("weights"))]);
    assert_eq!(clashes(&page.canvas(&[])), Vec::<String>::new());
}

#[test]
fn odd_panels_draw_for_themselves_and_tables_have_one_bar_of_colours() {
    let entry = Entry::new(Sample::Line(THRESHOLD), "by hand");
    let custom = Layer::custom(vec![entry], |canvas, axes| {
        canvas.line((axes.frame.left, axes.frame.top), axes.frame.centre(), THRESHOLD);
    });
    let page = Page::new("").row("One", [panel().layer(custom)]);
    assert_eq!(unexplained(&page), Vec::<String>::new());
    assert!(
        page.canvas(&[])
            .marks
            .iter()
            .any(|mark| matches!(mark, Mark::Path { points, .. } if points.len() == 2))
    );

    let table = || {
        let map = HeatMap {
            values: vec![vec![0.0, 1.0]; 2],
            groups: vec![1, 1],
            between: (0.0, 1.0),
            title: "response".to_owned(),
        };
        let labels = Measure::grouped("labels", &[(1, "one".to_owned()), (1, "two".to_owned())]);
        Panel::new(Measure::named("item", ["1", "2"]), labels.downwards())
            .layer(Layer::heat_map(map))
    };
    let canvas = Page::new("").row("Tables", [table(), table()]).canvas(&[]);
    assert_eq!((count(&canvas, "response"), count(&canvas, "two")), (1, 1));
    let height = |words: &str| canvas.texts().find(|text| text.content == words).unwrap().at.1;
    assert!(height("one") < height("two"), "from top to bottom");
}
