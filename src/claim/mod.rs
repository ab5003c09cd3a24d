//! A sentence, a number, a criterion fixed beforehand, and a verdict.
//!
//! A study picks runs by their configs, measures, and gives a criterion whose words and test are one constant:
//!
//! ```text
//! let without = runs.pick("bias: none", |config| config.network.bias == Bias::None)?;
//! claim("no-phase-without-biases")
//!     .says("Without biases there is no OCS phase.")
//!     .control()
//!     .of(&without)                                       // measures ln(end/onset), until `measures` or `values`
//!     .at_other_thresholds()
//!     .every(ABSENT, "{}, in every run"),
//! claim("responses-are-theorys")
//!     .says("Responses follow the closed form.")
//!     .values("largest |yhat - theory|", deviations)      // one a run, `None` where there is none
//!     .also(is_sorted)                                    // what the words say besides
//!     .each(at_most(0.01), "in every run"),               // "<= 0.01 in every run"
//! ```
//!
//! `every` asks for an order of onset and end, `each` for a bound on every value, `each_in_words` for the same in words of the
//! study's own (made from the bound's constants), `holds_if` for anything else; `reported` asks for nothing. Each of these ends
//! the draft. A criterion of several parts asks for each by an `also` of its own, so that a case in `tests/claims` can break it
//! alone. What is missing (no run, `None`, a phase that is undecided) meets no criterion. The stem is the study's to add
//! (`Study::decide`).
//!
//! `bound` and `order`: what can be asked. `draft`: a claim in the making. `decided`: one that is made. `selection`: which runs
//! have a config. `measurement`: numbers over runs. `markdown`: CLAIMS.md.

mod bound;
mod decided;
mod draft;
mod markdown;
mod measurement;
mod order;
mod selection;

pub use bound::{Bound, above, at_least, at_most, below, between, within, within_percent};
pub use decided::{Claim, Verdict};
pub use draft::{Draft, claim};
pub use markdown::to_markdown;
pub use measurement::Measurement;
pub use order::{
    ABSENT, ABSENT_IN_STEPS, Order, PRESENT, agree, crossing_errors, exists, is_absent,
};
