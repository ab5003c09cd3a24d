//! The embedded font, as plotters knows it.

use std::sync::Once;

use plotters::style::{FontStyle, register_font};

/// The embedded font by itself.
pub const EMBEDDED: &str = "DejaVu Sans";
/// The embedded font; the rest of the list serves SVG viewers that do not have it.
pub const FONT_FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";
/// Height of a line of DejaVu Sans in ems: what the bitmap backend takes for a font's size.
pub const LINE_HEIGHT: f64 = 2384.0 / 2048.0;
/// Makes the embedded font known to plotters, once.
pub fn register_fonts() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // An unreadable font would show as an error of the first text that is drawn.
        let _ = register_font(FONT_FAMILY, FontStyle::Normal, dejavu::sans::regular());
        let _ = register_font(FONT_FAMILY, FontStyle::Bold, dejavu::sans::bold());
    });
}
