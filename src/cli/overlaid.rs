//! Options of `ocs plot --overlay`.

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use crate::plot::curve::Clock;
use crate::plot::overlay::{Overlay, Seeds, WIDTHS};

/// What is drawn in one panel, and how.
#[derive(Args, Default)]
pub struct Overlaid {
    /// Draw conditions, or several RUNs, in one panel for each quantity. Values of a grid's key become colours, with a key
    #[arg(long)]
    pub overlay: bool,
    /// What to show: M, V, D_ocs, D_target (relative, as in other figures), TNR_1, and every metric of `ocs export`:
    /// loss, training.loss, true_negative_rate:1, mean_response:3, weight_norm:2, series of probes ... A word alone means
    /// all its levels, labels, layers. A word that these runs lack is answered with those that they have [default: M,V,TNR_1]
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    panels: Vec<String>,
    /// What lies across [default: time]
    #[arg(long, value_enum)]
    x: Option<Across>,
    /// Width of the figure in millimetres, 60 to 300: 85 fills a journal's column, 180 two. Text keeps its size [default: 180]
    #[arg(long, value_name = "MM")]
    width: Option<f64>,
    /// Seeds of a condition: their mean in a band of their range, with a thin line for each, or the mean alone
    /// [default: range]
    #[arg(long, value_enum, value_name = "HOW")]
    seeds: Option<Shown>,
}

/// A clock, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Across {
    Step,
    Time,
}

/// Seeds, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shown {
    Range,
    Lines,
    Mean,
}

impl Overlaid {
    /// # Errors
    ///
    /// If an option stands without --overlay, or a width is none.
    pub fn check(&self) -> Result<()> {
        let given = [
            ("--panels", !self.panels.is_empty()),
            ("--x", self.x.is_some()),
            ("--width", self.width.is_some()),
            ("--seeds", self.seeds.is_some()),
        ];
        for (option, is_given) in given {
            ensure!(
                self.overlay || !is_given,
                "{option} is of --overlay: an experiment's figure and the general one have their own panels, clock and width; \
                 give --overlay too"
            );
        }
        if let Some(width) = self.width {
            ensure!(
                WIDTHS.contains(&width),
                "--width {width}: millimetres from {} to {} (85 fills a journal's column, 180 two)",
                WIDTHS.start(),
                WIDTHS.end()
            );
        }
        Ok(())
    }

    pub fn settings(&self) -> Overlay {
        Overlay {
            panels: self.panels.clone(),
            clock: match self.x {
                Some(Across::Step) => Clock::Step,
                Some(Across::Time) | None => Clock::Time,
            },
            width: self.width.unwrap_or(180.0),
            seeds: match self.seeds {
                Some(Shown::Lines) => Seeds::Lines,
                Some(Shown::Mean) => Seeds::Mean,
                Some(Shown::Range) | None => Seeds::Range,
            },
        }
    }
}

/// What a figure of some runs is called.
pub fn name_of_figure(runs: &[String]) -> String {
    /// Longer names are a burden.
    const MOST: usize = 3;
    let first = &runs[..runs.len().min(MOST)];
    let more = match runs.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!("-and-{more}-more"),
    };
    let mut names: Vec<&str> = first.iter().map(String::as_str).collect();
    names.dedup();
    format!("{}{more}-overlay", names.join("-"))
}
