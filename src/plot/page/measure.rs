//! What an axis measures, and how far it reaches: from what the panels that share it show.

use crate::plot::axis::{Axis, Scale};

/// What an axis measures. Axes of one page that measure the same share their range.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    scale: Scale,
    title: String,
    /// Measures of one key share a range; `None` keeps a panel's range its own.
    key: Option<String>,
    /// Both ends, where they are not found from what is shown.
    ends: Option<(f64, f64)>,
    /// Values that lie within.
    including: Vec<f64>,
    /// What is shown at most; values beyond leave the frame.
    bounds: (f64, f64),
    /// Room beyond the outermost values, as a share of the whole.
    margin: f64,
    /// Names in place of numbers.
    names: Vec<(f64, String)>,
    /// Whether each part that names stand for has a tick.
    ticks_parts: bool,
    /// Begins this many times before the first mark of a phase.
    before_marks: Option<f64>,
}

/// How long before the earliest onset or end a clock begins, as a factor.
const BEFORE_MARKS: f64 = 25.0;

impl Measure {
    fn new(scale: Scale, title: impl Into<String>) -> Measure {
        let title = title.into();
        Measure {
            scale,
            key: Some(title.clone()),
            title,
            ends: None,
            including: Vec::new(),
            bounds: (f64::NEG_INFINITY, f64::INFINITY),
            margin: 0.05,
            names: Vec::new(),
            ticks_parts: false,
            before_marks: None,
        }
    }

    /// Evenly spaced.
    pub fn linear(title: impl Into<String>) -> Measure {
        Measure::new(Scale::Linear, title)
    }

    /// Spaced by logarithms: what is not positive is not shown.
    pub fn logarithmic(title: impl Into<String>) -> Measure {
        Measure::new(Scale::Logarithmic, title)
    }

    /// The flow's clock, from well before the first onset or end.
    pub fn time() -> Measure {
        Measure::logarithmic("time t = η · step").clock()
    }

    /// The flow's clock, evenly spaced: for several stretches of training.
    pub fn even_time() -> Measure {
        Measure::linear("time t = η · step")
    }

    /// Updates, likewise.
    pub fn step() -> Measure {
        Measure::logarithmic("step").clock()
    }

    /// Under other words, such as those of rates that change.
    pub fn titled(mut self, title: impl Into<String>) -> Measure {
        self.title = title.into();
        self
    }

    fn clock(mut self) -> Measure {
        (self.margin, self.before_marks) = (0.0, Some(BEFORE_MARKS));
        self
    }

    /// Names in the middle of equal parts, in place of numbers: `n` names from 0 to n.
    pub fn named<S: Into<String>>(title: &str, names: impl IntoIterator<Item = S>) -> Measure {
        let groups: Vec<(usize, String)> = names.into_iter().map(|name| (1, name.into())).collect();
        Measure::grouped(title, &groups)
    }

    /// Names in the middle of groups of so many parts each.
    pub fn grouped(title: &str, groups: &[(usize, String)]) -> Measure {
        let mut from = 0;
        let mut names = Vec::new();
        for (count, name) in groups {
            names.push((from as f64 + *count as f64 / 2.0, name.clone()));
            from += count;
        }
        if names.is_empty() {
            names.push((0.5, String::new()));
        }
        Measure { names, ..Measure::linear(title).between(0.0, from.max(1) as f64).own() }
    }

    /// With a tick for each part that names stand for.
    pub fn ticked(mut self) -> Measure {
        self.ticks_parts = true;
        self
    }

    /// From top to bottom in place of bottom to top, for names.
    pub fn downwards(mut self) -> Measure {
        let end = self.ends.map_or(0.0, |ends| ends.1);
        self.names.iter_mut().for_each(|(place, _)| *place = end - *place);
        self
    }

    /// From one end to another, whatever is shown.
    pub fn between(mut self, low: f64, high: f64) -> Measure {
        self.ends = Some((low, high));
        self
    }

    /// Wide enough for these values too.
    pub fn including(mut self, values: impl IntoIterator<Item = f64>) -> Measure {
        self.including.extend(values);
        self
    }

    /// Without room beyond the outermost values.
    pub fn tight(mut self) -> Measure {
        self.margin = 0.0;
        self
    }

    /// Values below do not widen it.
    pub fn at_least(mut self, low: f64) -> Measure {
        self.bounds.0 = low;
        self
    }

    /// Values above do not widen it.
    pub fn at_most(mut self, high: f64) -> Measure {
        self.bounds.1 = high;
        self
    }

    /// A range for each panel.
    pub fn own(mut self) -> Measure {
        self.key = None;
        self
    }

    /// One range for all measures of a key, whatever their titles.
    pub fn sharing(mut self, key: &str) -> Measure {
        self.key = Some(key.to_owned());
        self
    }

    /// What it shows, with its unit.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What it shares its range by.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The axis for what is shown along it, and for the marks of phases.
    pub fn axis(
        &self,
        values: impl Iterator<Item = f64>,
        marks: impl Iterator<Item = f64>,
    ) -> Axis {
        let (low, high) = self.ends.unwrap_or_else(|| self.range(values, marks));
        let axis = match self.scale {
            Scale::Linear => Axis::linear(low, high, &self.title),
            Scale::Logarithmic => Axis::logarithmic(low, high, &self.title),
        };
        Axis { names: self.names.clone(), ticks_parts: self.ticks_parts, ..axis }
    }

    fn range(
        &self,
        values: impl Iterator<Item = f64>,
        marks: impl Iterator<Item = f64>,
    ) -> (f64, f64) {
        let is_shown =
            |value: &f64| value.is_finite() && (self.scale == Scale::Linear || *value > 0.0);
        let widens = |value: &f64| is_shown(value) && self.bounds.0 <= *value;
        let bounded = values.filter(widens).map(|value| value.min(self.bounds.1));
        let all = bounded.chain(self.including.iter().copied().filter(is_shown));
        let (low, high) =
            all.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        match self.scale {
            Scale::Linear if high < low => (0.0, 1.0),
            Scale::Logarithmic if high < low => (1.0, 10.0),
            // One value alone stands in the middle.
            Scale::Linear if low == high => (low - 0.5, high + 0.5),
            Scale::Logarithmic if low == high => (low / 3.0, high * 3.0),
            Scale::Linear => {
                let room = self.margin * (high - low);
                (low - room, high + room)
            }
            Scale::Logarithmic => {
                let first = marks.filter(is_shown).fold(f64::INFINITY, f64::min);
                let begin = match self.before_marks {
                    Some(factor) if first.is_finite() => (first / factor).min(high / 10.0).max(low),
                    Some(_) | None => low,
                };
                let room = (high / begin).powf(self.margin);
                (begin / room, high * room)
            }
        }
    }
}
