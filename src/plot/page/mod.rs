//! Pages as data: rows of panels, panels of layers. A study says what is shown; the page finds frames, ranges, shared axes,
//! who shows numbers and titles, letters, "not run", and the legend from the layers that are drawn.
//!
//! ```
//! use ocs::plot::{Layer, Measure, Page, Panel, style};
//! let panel = Panel::new(Measure::time(), Measure::linear("fraction"))
//!     .titled("2 layers")
//!     .layer(Layer::level(0.1, style::THRESHOLD, "threshold"));
//! let page = Page::new("Does depth remove the phase?")
//!     .row("No biases", [panel])
//!     .notes("Aligned start.");
//! assert!(page.canvas(&[]).texts().any(|text| text.content == "not run"));
//! ```
//!
//! `row` begins a row under a letter and a name, `below` one more under the same letter, `beside` goes on in the same row
//! under the next letter. Panels of a page whose axes measure the same share their range; a neighbour that does shows no
//! numbers, unless a letter of its own stands above it. An entry of the legend that several letters need stands on top, else beside
//! the letter's name. `key` names the symbols of a page's texts, which its foot explains; `plot::symbols` has those that recur.
//!
//! Panels that recur have a function: `over_time::Subject` (`crossing`, `distances`, `true_negative_rates`, `mean_responses`,
//! `item_responses`, or `panel` and `curves` for another quantity), `biases::bias_options` against any abscissa. Layers of
//! one's own take a `Curve` (`Curve::of(&times, values)`, `Curve::through(points)`) or points, a look and a caption; what
//! many layers have in common is told by `also`, or by `explained_by` in place of their own caption. `studies/ocs_depth/page.rs`
//! is a figure to begin from.

mod colour_key;
mod figure;
mod layer;
mod layout;
mod legend;
mod measure;
mod origin;
mod panel;
mod placing;
mod rows;

pub use colour_key::{ColourKey, ramp};
pub use figure::{Page, TEXT_ROOM};
pub use layer::{HeatMap, Layer};
pub(super) use layout::MARGIN;
pub use legend::{Entry, Sample};
pub use measure::Measure;
pub use origin::source;
pub use panel::Panel;
