//! placeholder
use super::canvas::Canvas;
use crate::record::RunFolder;
/// The figure.
pub fn figure(_: &RunFolder) -> Canvas {
    Canvas::new(504.0, 100.0)
}
