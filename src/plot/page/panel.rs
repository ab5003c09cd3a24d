//! Panels as data: two measures and layers.

use super::layer::Layer;
use super::measure::Measure;
use crate::plot::style::THEORY;

/// A panel of a page.
pub struct Panel {
    pub(super) x: Measure,
    pub(super) y: Measure,
    pub(super) title: String,
    pub(super) words: String,
    pub(super) missing: String,
    pub(super) layers: Vec<Layer>,
    /// Whether nothing stands in its place, neither axes nor words.
    pub(super) is_blank: bool,
}

impl Panel {
    /// An empty panel.
    pub fn new(x: Measure, y: Measure) -> Panel {
        let (title, words, missing) = (String::new(), String::new(), "not run".to_owned());
        Panel { x, y, title, words, missing, layers: Vec::new(), is_blank: false }
    }

    /// Predicted against observed, on axes of one range.
    pub fn compared(predicted: &str, observed: &str) -> Panel {
        let axis = |title: &str| Measure::logarithmic(title).sharing(predicted);
        Panel::new(axis(predicted), axis(observed))
            .layer(Layer::diagonal(THEORY, "predicted = observed"))
    }

    /// With a title above, in bold; said once for a column of panels.
    pub fn titled(mut self, title: impl Into<String>) -> Panel {
        self.title = title.into();
        self
    }

    /// With words above, in small print: what was found.
    pub fn saying(mut self, words: impl Into<String>) -> Panel {
        self.words = words.into();
        self
    }

    /// With other words than "not run" where none of its layers has data.
    pub fn missing(mut self, words: impl Into<String>) -> Panel {
        self.missing = words.into();
        self
    }

    /// With another horizontal axis.
    pub fn across(mut self, x: Measure) -> Panel {
        self.x = x;
        self
    }

    /// With another vertical axis.
    pub fn upwards(mut self, y: Measure) -> Panel {
        self.y = y;
        self
    }

    /// With one layer more, upon the others.
    pub fn layer(mut self, layer: Layer) -> Panel {
        self.layers.push(layer);
        self
    }

    /// With more layers.
    pub fn layers(mut self, layers: impl IntoIterator<Item = Layer>) -> Panel {
        self.layers.extend(layers);
        self
    }

    /// With a vertical range of its own.
    pub fn apart(mut self) -> Panel {
        self.y = self.y.own();
        self
    }

    /// What it says where none of its layers has data.
    pub fn words_if_empty(&self) -> &str {
        &self.missing
    }

    /// What is drawn, as it was said: without data nothing, for lines to compare with would lie.
    pub fn shown(&self) -> impl Iterator<Item = &Layer> {
        let is_empty = !self.layers.iter().any(Layer::has_data);
        self.layers.iter().filter(move |layer| !is_empty && (layer.has_data() || !layer.is_found()))
    }

    /// The same, from below.
    pub fn drawn(&self) -> Vec<&Layer> {
        let mut drawn: Vec<&Layer> = self.shown().collect();
        drawn.sort_by_key(|layer| layer.order());
        drawn
    }
}
