//! Panels as data: two measures and layers.

use super::layer::Layer;
use super::measure::Measure;

/// A panel of a page.
pub struct Panel {
    pub(super) x: Measure,
    pub(super) y: Measure,
    pub(super) title: String,
    pub(super) words: String,
    pub(super) missing: String,
    pub(super) layers: Vec<Layer>,
}

impl Panel {
    /// An empty panel.
    pub fn new(x: Measure, y: Measure) -> Panel {
        let (title, words, missing) = (String::new(), String::new(), "not run".to_owned());
        Panel { x, y, title, words, missing, layers: Vec::new() }
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

    /// What is drawn: without data nothing, for lines to compare with would lie.
    pub fn drawn(&self) -> &[Layer] {
        if self.layers.iter().any(Layer::has_data) { &self.layers } else { &[] }
    }
}
