//! Crossings of four networks by four pairs of constants and preprocessing, then what takes a mean away and what brings one
//! back, and the onsets beside each other.

use super::{Beside, Constants, Setting, Shape};
use crate::config::Preprocessing;
use crate::plot::curve::Clock;
use crate::plot::over_time::Subject;
use crate::plot::style::{GREY, Look, look};
use crate::plot::symbols::{self, Symbol};
use crate::plot::{Entry, Layer, Measure, Page, Panel, Sample};
use crate::record::{DatasetRecord, Record, RunFolder, unpublished};

const ROWS: [(Shape, bool, &str); 4] = [
    (Shape::Vgg, false, "VGG"),
    (Shape::Vgg, true, "VGG, BN"),
    (Shape::Resnet, false, "ResNet"),
    (Shape::Resnet, true, "ResNet, BN"),
];
const COLUMNS: [(Constants, Preprocessing, &str); 4] = [
    (Constants::All, Preprocessing::Raw, "Biases, raw"),
    (Constants::All, Preprocessing::PixelCentred, "Biases, centred"),
    (Constants::None, Preprocessing::Raw, "No biases, raw"),
    (Constants::None, Preprocessing::PixelCentred, "No biases, centred"),
];
/// What takes the mean away, and what brings it back.
const CONTROLS: [(Shape, bool, Constants, &str); 4] = [
    (Shape::Tanh, false, Constants::None, "tanh VGG"),
    (Shape::Tanh, true, Constants::None, "tanh VGG, BN"),
    (Shape::Tanh, true, Constants::Shifts, "tanh VGG, BN, shift"),
    (Shape::Unresidual, false, Constants::None, "No shortcuts"),
];

const BN: Symbol =
    Symbol::new("BN", "batch normalisation, by the statistics of the samples that are answered");

/// The figure.
pub fn page(runs: &RunFolder) -> Page {
    let crossing =
        |setting: Setting| Subject::of_seeds(&setting.runs(runs), Clock::Step).crossing();
    let dataset = DatasetRecord::name_of("CIFAR-10", unpublished(&runs.records).is_empty());
    let mut page = Page::new(format!(
        "Does the optimal constant solution (OCS) survive in the networks people train? {dataset}"
    ));
    for (index, (shape, is_normalised, name)) in ROWS.into_iter().enumerate() {
        let panels = COLUMNS.map(|(constants, preprocessing, title)| {
            crossing(Setting { shape, is_normalised, constants, preprocessing }).titled(title)
        });
        page = if index == 0 { page.row("Crossings", panels) } else { page.below(panels) };
        page = page.named(name).taller(0.8);
    }
    let controls = CONTROLS.map(|(shape, is_normalised, constants, title)| {
        let preprocessing = Preprocessing::Raw;
        crossing(Setting { shape, is_normalised, constants, preprocessing }).titled(title)
    });
    page = page.row("What takes the mean away, and what brings it back: no biases, raw", controls);
    for (beside, title) in [
        (Beside::Superclasses, "CIFAR-100 under its superclasses: no biases, raw"),
        (Beside::Wide, "VGG11 and ResNet18: no biases, raw"),
    ] {
        let found = ROWS
            .map(|(shape, is_normalised, name)| (beside.runs(runs, shape, is_normalised), name));
        if found.iter().any(|(runs, _)| !runs.is_empty()) {
            let panels = found
                .map(|(runs, name)| Subject::of_seeds(&runs, Clock::Step).crossing().titled(name));
            page = page.row(title, panels);
        }
    }
    page.row("Onsets and ends", [times(runs)])
        .key(symbols::CROSSING_IN_STEPS.into_iter().chain([BN]))
        .notes(
            "Lines: median over seeds, bands: their range. Without biases the shift of BN is left out, but where it is named. No \
             shortcuts: the ResNet's layers without them. Curves end where runs do, well after most phases, while networks learn on ever more slowly; the noise of \
             minibatches may lift M above its threshold again within a phase.",
        )
}

/// Onset and end of every run, network by network.
fn times(runs: &RunFolder) -> Panel {
    let of_phase = |run: &Record| {
        let step = |time: Option<f64>| Some(run.config.step_at(time?));
        (step(run.phase.onset), step(run.phase.end))
    };
    let grey = Look { colour: GREY, ..look(0) };
    let mut layers = Vec::new();
    for (row, (shape, is_normalised, _)) in ROWS.into_iter().enumerate() {
        for (column, (constants, preprocessing, title)) in COLUMNS.into_iter().enumerate() {
            let setting = Setting { shape, is_normalised, constants, preprocessing };
            let x = row as f64 + 0.2 * (column as f64 + 1.0);
            for run in setting.runs(runs) {
                let (onset, end) = of_phase(run);
                let look = look(column);
                let [at_onset, at_end] = [onset, end].map(|time| time.map(|time| (x, time)));
                let onset = Entry::new(Sample::Marker(grey), "onset");
                layers.push(Layer::points(at_onset, look, title).also(onset));
                let column = Entry::new(Sample::Marker(look), title);
                let end = Entry::new(Sample::Open(grey), "end");
                layers.push(Layer::open_points(at_end, look, "").explained_by(column).also(end));
            }
        }
    }
    let names = ROWS.map(|(.., name)| name);
    Panel::new(Measure::named("", names), Measure::logarithmic("step").own()).layers(layers)
}
