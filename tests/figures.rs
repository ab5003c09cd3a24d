pub mod fake;

use std::path::Path;

use ocs::config::Scale;
use ocs::metrics::Phase;
use ocs::plot::axes::Axes;
use ocs::plot::axis::Axis;
use ocs::plot::canvas::{Canvas, Mark};
use ocs::plot::curve::Curve;
use ocs::plot::geometry::Rectangle;
use ocs::plot::style::{BLUE, Stroke};
use ocs::plot::{self, ContactRow, ContactSheet, contact_sheet};
use ocs::record::{RunFolder, Status};

use crate::quick_runs::{draw, figure};

pub fn runs_of(stem: &str) -> RunFolder {
    match stem {
        "ocs_linear" => fake::linear(),
        "ocs_modes" => fake::modes(),
        "ocs_init_scale" | "ocs_depth" => fake::depths(),
        "ocs_correlation" => fake::correlation(),
        "ocs_frequencies" => fake::frequencies(),
        "ocs_loss" => fake::loss(),
        "ocs_gram" => fake::gram(),
        "ocs_kernel" => fake::kernel(),
        "ocs_mnist" | "ocs_cifar10" => fake::images(),
        "ocs_architectures" => fake::architectures(),
        "ocs_classes" => fake::classes(),
        "ocs_sequence" => fake::quick("ocs_sequence"),
        "bias_free_relu" => fake::quick("bias_free_relu"),
        "prior_knowledge" => fake::quick("prior_knowledge"),
        "ocs_human" => fake::quick("ocs_human"),
        "early_linear" | "pc_bias" | "pc_bias_images" => crate::claims::kept::read(stem).unwrap(),
        _ => panic!("there are no fake runs of {stem}"),
    }
}

/// What the figure of an experiment says.
fn contents(stem: &str) -> &'static [&'static str] {
    match stem {
        "ocs_linear" | "ocs_correlation" | "ocs_frequencies" => {
            &["mean-output error, M / ‖ȳ‖", "end/onset = ", "10¹"]
        }
        "ocs_mnist" | "ocs_cifar10" => &["mean-output error, M / ‖ȳ‖", "end/onset = ", "10²"],
        "ocs_loss" => &["probability", "logit", "10¹", "response = frequency", "Output, balanced"],
        "ocs_architectures" => &["ResNet, BN", "No shortcuts", "What takes the mean away", "10²"],
        "ocs_modes" => &["learned fraction", "half times: f₀ ", "slope 2μ", "Drift of ln a"],
        "ocs_gram" => &["M / ‖ȳ‖", "Fashion-MNIST", "predicted", "10⁻¹"],
        "ocs_kernel" => {
            &["drift at the crossing", "hidden units", "ReLU CNN, raw", "10⁻¹", "last − onset"]
        }
        "ocs_classes" => {
            &["vehicles against animals", "learned fraction", "regrouped 3", "never", "10⁰"]
        }
        "ocs_init_scale" => &["ln(end / onset)", "1/a₀", "2 layers", "ln 3"],
        "ocs_depth" => &["ln(end / onset)", "3 layers", "layers", "thresholds"],
        "ocs_sequence" => {
            &["strength / final strength", "contrasts reversed", "3 layers", "permuted", "10¹"]
        }
        "bias_free_relu" => &[
            "leaky ReLU, α = 0.3",
            "two groups",
            "slope − theory",
            "weight / largest",
            "angle θ / 2π",
        ],
        "prior_knowledge" => {
            &["mode uₐᵗW₂W₁vₐ", "balanced, large", "tanh", "time since the turn", "10⁻⁸"]
        }
        "pc_bias_images" => {
            &["CNN, whitened", "accessibility, linear", "whole inputs", "random labels", "10²"]
        }
        "early_linear" => &["width m", "linear model", "M / ‖ȳ‖", "mean target", "10⁻³"],
        "ocs_human" => &[
            "Simulated participants (ideal), no people",
            "mean of 20 simulated participants",
            "biases in all layers",
            "last block, trial 712",
            "items one by one",
            "trials per unit of t",
        ],
        "pc_bias" => &["variance d", "small start", "slope −1/2", "components kept P", "7–12"],
        _ => panic!("nobody says what the figure of {stem} holds"),
    }
}

/// Pixels of a PNG, red, green, blue; and its header.
fn decoded(path: &Path) -> (Vec<u8>, png::Info<'static>) {
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    (pixels, reader.info().clone())
}

/// How often words stand on a page; lines of its footer may break within them.
pub fn says(canvas: &Canvas, words: &str) -> usize {
    let texts: Vec<&str> = canvas.texts().map(|text| &*text.content).collect();
    texts.join(" ").matches(words).count()
}

/// Texts that overlap, or leave the page.
pub fn clashes(canvas: &Canvas) -> Vec<String> {
    let texts: Vec<_> = canvas.texts().map(|text| (text.bounds(), &text.content)).collect();
    let mut clashes = Vec::new();
    for (index, (bounds, content)) in texts.iter().enumerate() {
        let inside = bounds.left >= 0.0
            && bounds.top >= 0.0
            && bounds.right() <= canvas.width
            && bounds.bottom() <= canvas.height;
        if !inside {
            clashes.push(format!("`{content}` leaves the page"));
        }
        for (other, name) in &texts[..index] {
            if bounds.overlaps(other, 0.2) {
                clashes.push(format!("`{content}` and `{name}` overlap"));
            }
        }
    }
    clashes
}

#[test]
fn every_experiment_has_a_figure_of_print_size_that_says_where_it_came_from() {
    let folder = tempfile::tempdir().unwrap();
    for stem in ocs::studies::stems() {
        let runs = runs_of(stem);
        let paths = draw(stem, &runs, folder.path()).unwrap();
        assert_eq!(paths[0], folder.path().join(format!("{}.png", stem)));
        let (pixels, info) = decoded(&paths[0]);
        assert_eq!(info.width, 2100, "7 inches at 300 pixels an inch");
        let density = info.pixel_dims.unwrap();
        assert_eq!((density.xppu, density.yppu, density.unit), (11811, 11811, png::Unit::Meter));
        let source = &info.uncompressed_latin1_text[0];
        assert_eq!(source.keyword, "Source");
        assert!(
            source.text.contains(&format!("revision {}", runs.records[0].revision))
                && source.text.contains("device cpu")
        );
        let drawn = pixels.chunks(3).filter(|pixel| *pixel != [255, 255, 255]).count();
        assert!(drawn * 3 > pixels.len() / 50, "blank: {drawn} pixels");

        let svg = std::fs::read_to_string(&paths[1]).unwrap();
        assert!(svg.starts_with("<svg width=\"7in\"") && svg.trim_end().ends_with("</svg>"));
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
        for words in contents(stem).iter().chain(&["shape-rendering"]) {
            assert!(svg.contains(words), "{stem:?}: {words} is missing");
        }
    }
}

#[test]
fn no_text_overlaps_another_or_leaves_the_page() {
    for stem in ocs::studies::stems() {
        let mut runs = runs_of(stem);
        assert_eq!(clashes(&figure(stem, &runs)), Vec::<String>::new(), "{stem:?}");
        for record in &mut runs.records {
            record.scale = Scale::Quick;
            record.status = Status::Running;
            record.device = "cuda:0".to_owned();
            record.phase = Phase::default();
        }
        assert_eq!(clashes(&figure(stem, &runs)), Vec::<String>::new(), "{stem:?}, quick");
    }
}

#[test]
fn a_quick_or_unfinished_run_is_marked() {
    let mut runs = fake::images();
    assert_eq!(says(&figure("ocs_mnist", &runs), "uick run"), 0);
    runs.records[0].scale = Scale::Quick;
    runs.records[1].status = Status::Diverged { step: 3, last_finite_loss: 1.0 };
    let canvas = figure("ocs_mnist", &runs);
    assert_eq!(says(&canvas, "Quick run: fewer seeds and steps"), 1);
    assert_eq!(says(&canvas, "full run"), 0);
    assert_eq!(says(&canvas, "1 of 48 runs diverged"), 1);
}

#[test]
fn a_full_run_is_marked_on_every_figure_and_marks_overlap_nothing() {
    for stem in ocs::studies::stems() {
        let mut runs = runs_of(stem);
        runs.records.iter_mut().for_each(|record| record.scale = Scale::Full);
        let canvas = figure(stem, &runs);
        assert_eq!(says(&canvas, "Full run"), 1, "{stem:?}");
        assert_eq!(clashes(&canvas), Vec::<String>::new(), "{stem:?}");
    }
}

#[test]
fn undefined_values_leave_gaps() {
    let axes = Axes {
        frame: Rectangle { left: 0.0, top: 0.0, width: 100.0, height: 100.0 },
        x: Axis::linear(0.0, 10.0, ""),
        y: Axis::linear(0.0, 1.0, ""),
    };
    let points = (0..11).map(|x| (f64::from(x), (x != 5).then_some(0.5)));
    let mut canvas = Canvas::new(100.0, 100.0);
    axes.curve(&mut canvas, &Curve { points: points.collect() }, Stroke::solid(BLUE, 1.0));
    let ends: Vec<(f64, f64)> = canvas
        .marks
        .iter()
        .map(|mark| match mark {
            Mark::Path { points, .. } => (points[0].0, points[points.len() - 1].0),
            other => panic!("not a line: {other:?}"),
        })
        .collect();
    assert_eq!(ends, [(0.0, 40.0), (60.0, 100.0)]);

    let mut runs = fake::linear();
    for record in &mut runs.records {
        record.curves.true_negative_rate[0].fill(None);
        record.curves.item_responses = None;
        record.phase = Phase::default();
    }
    assert_eq!(clashes(&figure("ocs_linear", &runs)), Vec::<String>::new());
}

#[test]
fn seeds_of_which_one_was_cut_short_are_drawn_as_far_as_all_of_them_go() {
    let mut runs = fake::images();
    runs.records[0].curves.step.truncate(20);
    runs.records[1].curves.step.clear();
    runs.records[1].curves.mean_output_error.clear();
    let folder = tempfile::tempdir().unwrap();
    draw("ocs_mnist", &runs, folder.path()).unwrap();
}

#[test]
fn a_figure_drawn_twice_is_the_same_file() {
    let runs = fake::linear();
    let folder = tempfile::tempdir().unwrap();
    let (once, twice) = (folder.path().join("once"), folder.path().join("twice"));
    for path in [&once, &twice] {
        plot::draw_run(&runs.records[..12], path, "run").unwrap();
    }
    for name in ["run.png", "run.svg"] {
        assert!(
            std::fs::read(once.join(name)).unwrap() == std::fs::read(twice.join(name)).unwrap()
        );
    }
}

#[test]
fn a_contact_sheet_enlarges_pixels_without_smoothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sheet.png");
    let image = vec![200, 10, 0, 0, 30, 40, 50, 60, 1, 2, 3, 4];
    let rows = vec![ContactRow { title: "truck, 2.1".to_owned(), images: vec![image; 2] }];
    let title = "cifar10".to_owned();
    let mut sheet = ContactSheet { title, rows, channels: 3, height: 2, width: 2 };
    contact_sheet(&sheet, &path).unwrap();
    let (pixels, _) = decoded(&path);
    let of = |colour: [u8; 3]| pixels.chunks(3).filter(|pixel| **pixel == colour).count();
    assert_eq!((of([200, 30, 1]), of([0, 60, 4])), (2 * 6 * 6, 2 * 6 * 6));

    sheet.rows[0].images[1].pop();
    let error = contact_sheet(&sheet, &path).unwrap_err().to_string();
    assert_eq!(error, "an image has 11 bytes, not 12");
}
