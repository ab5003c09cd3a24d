//! Axes: where a value stands, and which ticks tell it.

/// How values are spread along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Evenly.
    Linear,
    /// By their logarithms; values must be positive.
    Logarithmic,
}

/// One axis of a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// How values are spread.
    pub scale: Scale,
    /// The value at the left or lower end.
    pub low: f64,
    /// The value at the right or upper end.
    pub high: f64,
    /// What it shows, with its unit.
    pub title: String,
    /// Names at places along it, which then stand for ticks and numbers; usually empty.
    pub names: Vec<(f64, String)>,
    /// Whether each of the equal parts that names stand for has a tick of its own, in its middle.
    pub ticks_parts: bool,
}

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Where.
    pub value: f64,
    /// Its text; a minor tick has none.
    pub label: Option<String>,
}

impl Axis {
    fn new(scale: Scale, (low, high): (f64, f64), title: &str) -> Axis {
        Axis { scale, low, high, title: title.to_owned(), names: Vec::new(), ticks_parts: false }
    }

    /// Middles of the parts that have ticks.
    pub fn parts(&self) -> Vec<f64> {
        let n = if self.ticks_parts { (self.high - self.low) as usize } else { 0 };
        (0..n).map(|part| self.low + part as f64 + 0.5).collect()
    }

    /// An evenly spaced axis.
    pub fn linear(low: f64, high: f64, title: &str) -> Axis {
        let high = if high > low { high } else { low + 1.0 };
        Axis::new(Scale::Linear, (low, high), title)
    }

    /// A logarithmic axis; bounds that are not positive and increasing become a decade around the sound one.
    pub fn logarithmic(low: f64, high: f64, title: &str) -> Axis {
        let high = if high > 0.0 && high.is_finite() { high } else { 1.0 };
        let low = if low > 0.0 && low < high { low } else { high / 10.0 };
        Axis::new(Scale::Logarithmic, (low, high), title)
    }

    /// Where a value stands: 0 at the low end, 1 at the high end; `None` if it has no place.
    pub fn position(&self, value: f64) -> Option<f64> {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic if value > 0.0 => {
                (value / self.low).log10() / (self.high / self.low).log10()
            }
            Scale::Logarithmic => return None,
        };
        share.is_finite().then_some(share)
    }

    /// Ticks from low to high, at most `most` of them labelled (two at least, if the range has two).
    pub fn ticks(&self, most: usize) -> Vec<Tick> {
        if !self.names.is_empty() {
            let tick =
                |(value, name): &(f64, String)| Tick { value: *value, label: Some(name.clone()) };
            return self.names.iter().map(tick).collect();
        }
        match self.scale {
            Scale::Linear => linear_ticks(self.low, self.high, most),
            Scale::Logarithmic => logarithmic_ticks(self.low, self.high, most),
        }
    }
}

/// Rounding must not push a tick off the end of its axis.
const SLACK: f64 = 1e-9;

fn linear_ticks(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let span = high - low;
    let smallest = span / most.max(2) as f64;
    let power = smallest.log10().floor() as i32;
    let steps = [(1.0, 0), (2.0, 0), (2.5, 1), (5.0, 0), (10.0, -1), (20.0, -1)];
    let count =
        |step: f64| ((high / step + SLACK).floor() - (low / step - SLACK).ceil()) as i64 + 1;
    let (factor, extra) = *steps
        .iter()
        .find(|(factor, _)| count(factor * 10f64.powi(power)) <= most.max(2) as i64)
        .unwrap_or(&steps[5]);
    let step = factor * 10f64.powi(power);
    let decimals = (extra - power).max(0) as usize;
    let first = (low / step - SLACK).ceil() as i64;
    (first..first + count(step))
        .map(|index| {
            let value = index as f64 * step;
            Tick { value, label: Some(number(value, decimals)) }
        })
        .collect()
}

fn logarithmic_ticks(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let (bottom, top) = (low * (1.0 - SLACK), high * (1.0 + SLACK));
    let powers = bottom.log10().floor() as i32..=top.log10().floor() as i32;
    let mut ticks: Vec<(i32, i32)> = powers
        .flat_map(|power| (1..10).map(move |mantissa| (mantissa, power)))
        .filter(|&tick| (bottom..=top).contains(&value_of(tick)))
        .collect();
    let decades: Vec<i32> = ticks.iter().filter(|tick| tick.0 == 1).map(|tick| tick.1).collect();
    let labelled: Box<dyn Fn((i32, i32)) -> bool> = if decades.len() > 1 {
        let every = decades.len().div_ceil(most.max(2)) as i32;
        if every > 1 || decades.len() > 8 {
            // So long an axis has no room for the ticks within decades.
            ticks.retain(|tick| tick.0 == 1);
        }
        let last = decades[decades.len() - 1];
        Box::new(move |(mantissa, power)| mantissa == 1 && (last - power) % every == 0)
    } else {
        // About one decade or less: the ticks within it must speak.
        let among = |mantissas: &[i32]| ticks.iter().filter(|t| mantissas.contains(&t.0)).count();
        if among(&[1, 2, 5]) > 1 {
            Box::new(|(mantissa, _)| [1, 2, 5].contains(&mantissa))
        } else if ticks.len() > 1 {
            Box::new(|_| true)
        } else {
            return linear_ticks(low, high, most);
        }
    };
    let whole_decades = decades.len() > 1;
    ticks
        .into_iter()
        .map(|tick| {
            let label = if whole_decades { power_of_ten(tick.1) } else { plain(tick) };
            Tick { value: value_of(tick), label: labelled(tick).then_some(label) }
        })
        .collect()
}

fn value_of((mantissa, power): (i32, i32)) -> f64 {
    f64::from(mantissa) * 10f64.powi(power)
}

/// `10⁻³`.
pub fn power_of_ten(power: i32) -> String {
    let superscript = |c: char| match c {
        '-' => '⁻',
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        _ => '⁹',
    };
    format!("10{}", power.to_string().chars().map(superscript).collect::<String>())
}

/// `20`, `0.5`, or `2·10⁻⁵` where the plain number would be long.
fn plain((mantissa, power): (i32, i32)) -> String {
    if (-3..4).contains(&power) {
        number(value_of((mantissa, power)), (-power).max(0) as usize)
    } else {
        format!("{mantissa}·{}", power_of_ten(power))
    }
}

/// A number with a true minus sign.
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        // No "−0.0".
        Some(digits) if digits.chars().all(|c| c == '0' || c == '.') => digits.to_owned(),
        Some(digits) => format!("−{digits}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, most: usize) -> Vec<String> {
        axis.ticks(most).into_iter().filter_map(|tick| tick.label).collect()
    }

    #[test]
    fn an_axis_within_one_decade_is_labelled_at_round_mantissas() {
        let axis = Axis::logarithmic(0.12, 0.9, "");
        assert_eq!(labels(&axis, 5), ["0.2", "0.5"]);
        assert_eq!(axis.ticks(5).len(), 8, "0.2 to 0.9, minor ticks included");
        assert_eq!(labels(&Axis::logarithmic(2.5e-6, 4.5e-6, ""), 5), ["3·10⁻⁶", "4·10⁻⁶"]);
        assert_eq!(labels(&Axis::logarithmic(2.1, 2.9, ""), 5), ["2.2", "2.4", "2.6", "2.8"]);
    }

    #[test]
    fn an_axis_over_some_decades_has_minor_ticks_on_both_sides_of_each() {
        let axis = Axis::logarithmic(0.05, 300.0, "");
        assert_eq!(labels(&axis, 5), ["10⁻¹", "10⁰", "10¹", "10²"]);
        let values: Vec<f64> = axis.ticks(5).iter().map(|tick| tick.value).collect();
        assert!((values[0] - 0.05).abs() < 1e-12 && (values.last().unwrap() - 300.0).abs() < 1e-9);
    }

    #[test]
    fn an_axis_over_many_decades_skips_labels_but_not_decades() {
        let axis = Axis::logarithmic(1e-10, 1.0, "");
        assert_eq!(axis.ticks(4).len(), 11);
        assert_eq!(labels(&axis, 4), ["10⁻⁹", "10⁻⁶", "10⁻³", "10⁰"]);
    }

    #[test]
    fn an_even_axis_has_round_ticks_and_true_minus_signs() {
        assert_eq!(labels(&Axis::linear(-0.03, 1.1, ""), 4), ["0.0", "0.5", "1.0"]);
        assert_eq!(labels(&Axis::linear(-20.0, 20.0, ""), 5), ["−20", "−10", "0", "10", "20"]);
        assert_eq!(labels(&Axis::linear(0.45, 1.03, ""), 4), ["0.6", "0.8", "1.0"]);
        assert_eq!(
            labels(&Axis::linear(0.0, 0.01, ""), 5),
            ["0.0000", "0.0025", "0.0050", "0.0075", "0.0100"]
        );
    }

    #[test]
    fn what_has_no_logarithm_has_no_place() {
        let axis = Axis::logarithmic(1.0, 100.0, "");
        assert_eq!(axis.position(10.0), Some(0.5));
        assert_eq!(
            (axis.position(0.0), axis.position(-1.0), axis.position(f64::NAN)),
            (None, None, None)
        );
    }
}
