//! Points and rectangles, in points (1/72 inch) from a page's top left corner.

/// Across and down, in points.
pub type Point = (f64, f64);

/// An upright rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rectangle {
    /// Left edge.
    pub left: f64,
    /// Top edge.
    pub top: f64,
    /// Extent to the right.
    pub width: f64,
    /// Extent downwards.
    pub height: f64,
}

impl Rectangle {
    /// The rectangle between two corners.
    pub fn between(left: f64, top: f64, right: f64, bottom: f64) -> Rectangle {
        Rectangle { left, top, width: right - left, height: bottom - top }
    }

    /// Right edge.
    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Bottom edge.
    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// Centre.
    pub fn centre(&self) -> Point {
        (self.left + self.width / 2.0, self.top + self.height / 2.0)
    }

    /// Whether it lies in `other`, edges included.
    pub fn within(&self, other: &Rectangle) -> bool {
        self.left >= other.left
            && self.top >= other.top
            && self.right() <= other.right()
            && self.bottom() <= other.bottom()
    }

    /// Whether the two share more than `slack` points in both directions.
    pub fn overlaps(&self, other: &Rectangle, slack: f64) -> bool {
        let across = self.right().min(other.right()) - self.left.max(other.left);
        let down = self.bottom().min(other.bottom()) - self.top.max(other.top);
        across > slack && down > slack
    }
}
