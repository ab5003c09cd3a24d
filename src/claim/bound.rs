//! What a number must be, in words and as a test, both made from one constant: a criterion cannot say one thing and ask another.

use std::fmt;

/// A bound on a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// `<= most`.
    AtMost(f64),
    /// `< limit`.
    Below(f64),
    /// `>= least`.
    AtLeast(f64),
    /// `> limit`.
    Above(f64),
    /// No further than `tolerance` from `of`: `within 0.05 of 0.5`.
    Within {
        /// Largest distance.
        tolerance: f64,
        /// The number in the middle.
        of: f64,
    },
    /// No further than so many percent of `of` from it. Its words name no number, for that may be one of many, or bear a name:
    /// `within 1 %`.
    Percent {
        /// Largest distance, in percent of `of`.
        percent: f64,
        /// The number in the middle.
        of: f64,
    },
    /// `between low and high`, both allowed.
    Between(f64, f64),
}

/// `<= most`.
pub fn at_most(most: f64) -> Bound {
    Bound::AtMost(most)
}

/// `< limit`.
pub fn below(limit: f64) -> Bound {
    Bound::Below(limit)
}

/// `>= least`.
pub fn at_least(least: f64) -> Bound {
    Bound::AtLeast(least)
}

/// `> limit`.
pub fn above(limit: f64) -> Bound {
    Bound::Above(limit)
}

/// `within tolerance of of`.
pub fn within(tolerance: f64, of: f64) -> Bound {
    Bound::Within { tolerance, of }
}

/// `within percent %` of a number.
pub fn within_percent(percent: f64, of: f64) -> Bound {
    Bound::Percent { percent, of }
}

/// `between low and high`.
pub fn between(low: f64, high: f64) -> Bound {
    Bound::Between(low, high)
}

impl Bound {
    /// Whether a number meets it. What is not a number meets none.
    pub fn admits(self, value: f64) -> bool {
        match self {
            Bound::AtMost(most) => value <= most,
            Bound::Below(limit) => value < limit,
            Bound::AtLeast(least) => value >= least,
            Bound::Above(limit) => value > limit,
            Bound::Within { tolerance, of } => (value - of).abs() <= tolerance,
            Bound::Percent { percent, of } => (value / of - 1.0).abs() <= percent / 100.0,
            Bound::Between(low, high) => (low..=high).contains(&value),
        }
    }

    /// Whether there are numbers, none is missing, and each meets it.
    pub fn admits_each(self, values: &[Option<f64>]) -> bool {
        !values.is_empty() && values.iter().all(|value| value.is_some_and(|v| self.admits(v)))
    }
}

/// A number as people write it: 0.01, 1e-6.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let value = self.0;
        if value != 0.0 && value.abs() < 1e-5 {
            write!(formatter, "{value:e}")
        } else {
            write!(formatter, "{value}")
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Bound::AtMost(most) => write!(formatter, "<= {}", Number(most)),
            Bound::Below(limit) => write!(formatter, "< {}", Number(limit)),
            Bound::AtLeast(least) => write!(formatter, ">= {}", Number(least)),
            Bound::Above(limit) => write!(formatter, "> {}", Number(limit)),
            Bound::Within { tolerance, of } => {
                write!(formatter, "within {} of {}", Number(tolerance), Number(of))
            }
            Bound::Percent { percent, .. } => write!(formatter, "within {} %", Number(percent)),
            Bound::Between(low, high) => {
                write!(formatter, "between {} and {}", Number(low), Number(high))
            }
        }
    }
}
