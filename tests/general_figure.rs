use ocs::metrics::Phase;
use ocs::plot;
use ocs::record::{Record, Status, StretchRecord};

use crate::figures::{clashes, fake, says};

/// Runs under other names: two seeds of each condition.
fn named(names: &[String]) -> Vec<Record> {
    let some = fake::images().records;
    names
        .iter()
        .enumerate()
        .flat_map(|(index, name)| {
            let first = index * 3 % some.len();
            [&some[first], &some[first + 1]].map(|record| {
                let mut record = Record { condition: name.clone(), ..record.clone() };
                record.config.name = "a_run_of_many_conditions".to_owned();
                record
            })
        })
        .collect()
}

fn texts(records: &[Record]) -> Vec<String> {
    let pages = plot::run_figure(records);
    pages.iter().flat_map(|page| page.texts().map(|text| text.content.clone())).collect()
}

#[test]
fn no_condition_is_left_out_and_a_page_can_be_printed() {
    for (count, n_pages) in
        [(1, 1), (2, 1), (4, 1), (7, 1), (8, 1), (9, 2), (12, 2), (24, 3), (60, 8)]
    {
        let names: Vec<String> = (0..count).map(|index| format!("c{index:02}")).collect();
        let records = named(&names);
        let pages = plot::run_figure(&records);
        assert_eq!(pages.len(), n_pages, "{count}");
        for page in &pages {
            assert_eq!(clashes(page), Vec::<String>::new(), "{count}");
            assert!(page.height <= 9.7 * 72.0, "{count}: {} points high", page.height);
        }
        let texts = texts(&records);
        for name in &names {
            assert_eq!(texts.iter().filter(|text| *text == name).count(), 1, "{name}");
        }
    }
    assert_eq!(plot::run_figure(&[]).len(), 1);
}

#[test]
fn stretches_of_training_are_told_apart() {
    let phase = |onset, end| Phase::between(Some(onset), Some(end));
    let stretch = |label: &str, start_time, phase: Phase| StretchRecord {
        label: label.to_owned(),
        first_step: start_time as u64,
        start_time,
        ocs: vec![0.5; 14],
        target_variance: 2.0,
        phase,
        phase_sensitivity: Vec::new(),
    };
    let mut records = named(&["c".to_owned()]);
    for record in &mut records {
        let half = record.curves.time.last().unwrap() / 2.0;
        record.stretches =
            vec![stretch("tree", 0.0, phase(0.1, 0.4)), stretch("permuted", half, phase(0.4, 0.1))];
    }
    let texts = texts(&records);
    let count = |words: &str| texts.iter().filter(|text| *text == words).count();
    assert_eq!((count("tree"), count("permuted")), (3, 3), "a name above each panel: {texts:?}");
    let words = "tree: phase, end/onset = 4.00; permuted: no phase, end/onset = 0.25; n = 2";
    assert_eq!(count(words), 1, "{texts:?}");
    assert_eq!(count("a stretch begins"), 1);
    for page in plot::run_figure(&records) {
        assert_eq!(clashes(&page), Vec::<String>::new());
    }
}

#[test]
fn the_clock_of_a_schedule_is_no_multiple_of_steps_and_says_so() {
    let mut records = named(&["c".to_owned()]);
    let count = |records: &[Record], words: &str| {
        texts(records).iter().filter(|text| *text == words).count()
    };
    let (constant, scheduled) = ("time t = η · step", "time t = sum of η");
    assert_eq!((count(&records, constant), count(&records, scheduled)), (3, 0));
    for record in &mut records {
        record.config.training.schedule = ocs::config::Schedule::Cosine(Default::default());
    }
    assert_eq!((count(&records, constant), count(&records, scheduled)), (0, 3));
}

#[test]
fn pages_are_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..9).map(|index| format!("c{index}")).collect();
    let paths = plot::draw_run(&named(&names), folder.path(), "mine").unwrap();
    let names: Vec<_> = paths.iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["mine-1.png", "mine-1.svg", "mine-2.png", "mine-2.svg"]);
    assert!(paths.iter().all(|path| path.exists()));
}

#[test]
fn conditions_keep_their_order_and_long_names_stay_on_the_page() {
    let long = "0123456789".repeat(30);
    let names: Vec<String> = [
        "zeta".to_owned(),
        format!("{long}-lr-0.1-{long}"),
        format!("{long}-lr-0.2-{long}"),
        format!("{long}-a"),
        "Größe W₀ x⁻²".to_owned(),
        "alpha".to_owned(),
    ]
    .to_vec();
    let records = named(&names);
    let page = &plot::run_figure(&records)[0];
    assert_eq!(clashes(page), Vec::<String>::new());
    let bold: Vec<&str> =
        page.texts().filter(|text| text.bold).map(|text| &*text.content).collect();
    assert_eq!((bold[1], bold[5], bold[6]), ("zeta", "Größe W₀ x⁻²", "alpha"));
    // Title and conditions; behind them signs that the foot explains.
    let distinct: std::collections::BTreeSet<&str> = bold.iter().take(7).copied().collect();
    assert_eq!(distinct.len(), 7, "{bold:?}");
}

#[test]
fn a_figure_with_a_hundred_levels_or_a_long_title_leaves_nothing_over_another() {
    let mut records = named(&["one".to_owned(), "two".to_owned()]);
    for record in &mut records {
        record.config.name = "n".repeat(100);
        record.levels = vec![1; 14];
        let rates = record.curves.true_negative_rate[0].clone();
        record.curves.true_negative_rate = vec![rates; 14];
    }
    for page in plot::run_figure(&records) {
        assert_eq!(clashes(&page), Vec::<String>::new());
        assert_eq!(says(&page, "level 14"), 1);
    }
}

#[test]
fn a_row_says_the_verdict_and_what_other_thresholds_would() {
    let mut records = named(&["mine".to_owned()]);
    for record in &mut records {
        let phase = || record.phase.clone();
        record.phase_sensitivity = [0.05, 0.2]
            .map(|threshold| ocs::record::PhaseAt { threshold, phase: phase() })
            .to_vec();
    }
    records[1].phase_sensitivity[1].phase = ocs::metrics::Phase::between(Some(2.0), Some(1.0));
    let page = &plot::run_figure(&records)[0];
    assert_eq!(says(page, "phase: end/onset = "), 1);
    assert_eq!(
        says(page, "; at 0.05: phase; at 0.2: 1 phase, 1 no phase; n = 2"),
        1,
        "{:?}",
        texts(&records)
    );
}

#[test]
fn a_panel_without_curves_says_why() {
    let cut = |record: &mut Record, length: usize, status: Status| {
        record.curves.time.truncate(length);
        record.curves.step.truncate(length);
        record.curves.mean_output_error.truncate(length);
        record.curves.input_dependence.truncate(length);
        record.status = status;
    };
    let diverged = Status::Diverged { step: 3, last_finite_loss: 1.0 };
    let mut records = named(&["only".to_owned(), "one-of-two".to_owned()]);
    cut(&mut records[0], 1, diverged.clone());
    cut(&mut records[1], 1, diverged.clone());
    cut(&mut records[2], 1, diverged);
    let page = &plot::run_figure(&records)[0];
    // In the line above the panels and in each of them; where another seed went through, in the line alone.
    assert_eq!(says(page, "2 of 2 diverged at step 3"), 4);
    assert_eq!(says(page, "1 of 2 diverged at step 3"), 1);
    assert_eq!(says(page, "n = 1"), 1, "the seed that went through is drawn");
    assert_eq!(clashes(page), Vec::<String>::new());

    let mut records = named(&["begun".to_owned(), "short".to_owned()]);
    records.remove(1);
    records.pop();
    cut(&mut records[0], 1, Status::Running);
    cut(&mut records[1], 1, Status::Complete);
    let page = &plot::run_figure(&records)[0];
    assert_eq!(says(page, "not finished: step 0 of "), 4);
    assert_eq!(says(page, "only step 0 was observed"), 3);

    // One observation after step 0 is a dot: no line goes through it.
    let discs = |records: &[Record]| {
        let page = &plot::run_figure(records)[0];
        let is_disc = |mark: &&plot::canvas::Mark| matches!(mark, plot::canvas::Mark::Disc { .. });
        page.marks.iter().filter(is_disc).count()
    };
    let none = discs(&records);
    let mut records = named(&["short".to_owned()]);
    records.pop();
    cut(&mut records[0], 2, Status::Running);
    assert!(discs(&records) > none);
}

#[test]
fn a_run_that_stopped_before_an_end_has_its_onset_marked_and_nothing_shaded() {
    let mut records = named(&["longer".to_owned(), "without-end".to_owned()]);
    let onset = records[2].curves.time[20];
    for record in &mut records[2..] {
        record.phase = ocs::metrics::Phase::between(Some(onset), None);
        record.curves.time.truncate(40);
        record.curves.step.truncate(40);
    }
    let page = &plot::run_figure(&records)[0];
    let shades: Vec<_> = page
        .marks
        .iter()
        .filter_map(|mark| match mark {
            plot::canvas::Mark::Box { rectangle, colour } if *colour == plot::style::SHADE => {
                Some(rectangle)
            }
            _ => None,
        })
        .collect();
    assert!(shades.iter().all(|shade| shade.top < 150.0), "{shades:?}");
    let open = "undecided: no end; n = 2; the run stopped before responses differed between inputs";
    assert_eq!(says(page, open), 1, "{:?}", texts(&records));
}

#[test]
fn a_label_stands_in_place_of_a_condition_and_of_two_alike_both_names_are_told() {
    let mut records = named(&["a".to_owned(), "b".to_owned(), "c".to_owned()]);
    for (index, record) in records.iter_mut().enumerate() {
        record.config.label =
            [Some("Größe W₀"), Some("same"), Some("same")][index / 2].map(str::to_owned);
    }
    let texts = texts(&records);
    for name in ["Größe W₀", "same (b)", "same (c)"] {
        assert_eq!(texts.iter().filter(|text| *text == name).count(), 1, "{name}: {texts:?}");
    }
}
