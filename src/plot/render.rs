//! Pages as PNG, SVG and PDF files. The first two are drawn by plotters from the same marks, a PDF is made of the SVG.
//!
//! plotters places everything on whole pixels. The PNG is therefore drawn three times too large and averaged down, and
//! the SVG on a grid of a tenth of a point.

use anyhow::{Context, Result, anyhow};
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBAColor, RGBColor, ShapeStyle,
    TextStyle,
};

use super::canvas::{Canvas, Mark};
use super::fonts::{EMBEDDED, FONT_FAMILY, LINE_HEIGHT, register_fonts};
use super::geometry::{Point, Rectangle};
use super::style::{Colour, Stroke, WHITE};
use super::text::{Anchor, Text};

/// What the SVG backend divides a font's size by.
const SVG_LINE_HEIGHT: f64 = 1.24;
/// From the top of a text, as the SVG backend sees it, to its baseline, in ems.
const SVG_ASCENT: f64 = 0.76;
/// Pixels an inch.
const RESOLUTION: f64 = 300.0;
/// 300 pixels an inch, in pixels a metre.
const PIXELS_PER_METRE: u32 = 11811;
/// The bitmap is drawn so many times larger, then averaged.
const OVERSAMPLING: usize = 3;
/// Lines above this width end where their points do.
const BROAD: f64 = 1.5;
/// SVG units a point.
const UNITS_PER_POINT: f64 = 10.0;

/// What the two backends want done differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Medium {
    Bitmap,
    Vector,
}

/// The page as a PNG of 300 pixels an inch, with `source` saying where its numbers came from.
///
/// # Errors
///
/// If plotters or the encoder fails; both would be faults of this program.
pub fn png(canvas: &Canvas, source: &str) -> Result<Vec<u8>> {
    let pixels = |points: f64| (points / 72.0 * RESOLUTION).round() as usize;
    let (width, height) = (pixels(canvas.width), pixels(canvas.height));
    let (wide, high) = (width * OVERSAMPLING, height * OVERSAMPLING);
    let mut large = vec![255; wide * high * 3];
    {
        let mut backend = BitMapBackend::with_buffer(&mut large, (wide as u32, high as u32));
        let scale = RESOLUTION / 72.0 * OVERSAMPLING as f64;
        draw_marks(&mut backend, canvas, scale, Medium::Bitmap)?;
    }
    encode_png(&averaged(&large, width, height), width as u32, height as u32, source)
}

/// Averages squares of `OVERSAMPLING` pixels; `width` and `height` are those of the result.
fn averaged(large: &[u8], width: usize, height: usize) -> Vec<u8> {
    let stride = width * OVERSAMPLING * 3;
    let count = (OVERSAMPLING * OVERSAMPLING) as u32;
    let mut small = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let mut sum = 0;
                for row in 0..OVERSAMPLING {
                    let start = (y * OVERSAMPLING + row) * stride + x * OVERSAMPLING * 3 + channel;
                    sum += (0..OVERSAMPLING).map(|i| u32::from(large[start + 3 * i])).sum::<u32>();
                }
                small.push(((sum + count / 2) / count) as u8);
            }
        }
    }
    small
}

fn encode_png(pixels: &[u8], width: u32, height: u32, source: &str) -> Result<Vec<u8>> {
    // tEXt holds Latin-1 only.
    let source =
        source.chars().map(|c| if u32::from(c) < 256 && c != '\0' { c } else { '?' }).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: PIXELS_PER_METRE,
        yppu: PIXELS_PER_METRE,
        unit: png::Unit::Meter,
    }));
    encoder.add_text_chunk("Source".to_owned(), source)?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

/// The page as an SVG of the same size, with `source` as its description.
///
/// # Errors
///
/// If plotters fails, which would be a fault of this program.
pub fn svg(canvas: &Canvas, source: &str) -> Result<String> {
    let units = |points: f64| (points * UNITS_PER_POINT).round() as u32;
    let (width, height) = (units(canvas.width), units(canvas.height));
    let mut text = String::new();
    {
        let mut backend = SVGBackend::with_string(&mut text, (width, height));
        draw_marks(&mut backend, canvas, UNITS_PER_POINT, Medium::Vector)?;
    }
    let body = text.split_once(">\n").context("plotters wrote an SVG without a root")?.1;
    // Rectangles are cells and shades: without crisp edges viewers show seams between them.
    let body = body.replace("<rect ", "<rect shape-rendering=\"crispEdges\" ");
    Ok(format!(
        "<svg width=\"{}in\" height=\"{}in\" viewBox=\"0 0 {width} {height}\" \
         stroke-linejoin=\"round\" xmlns=\"http://www.w3.org/2000/svg\">\n<desc>{}</desc>\n{body}",
        canvas.width / 72.0,
        canvas.height / 72.0,
        source.replace('&', "&amp;").replace('<', "&lt;"),
    ))
}

/// The same page as a PDF of the same size. Text stays text: the faces that it uses are part of the file.
///
/// # Errors
///
/// If the SVG cannot be converted, which would be a fault of this program.
pub fn pdf(canvas: &Canvas, source: &str) -> Result<Vec<u8>> {
    use svg2pdf::usvg;
    let mut options = usvg::Options { font_family: EMBEDDED.to_owned(), ..Default::default() };
    let fonts = options.fontdb_mut();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    fonts.set_sans_serif_family(EMBEDDED);
    let tree = usvg::Tree::from_str(&svg(canvas, source)?, &options).map_err(failure)?;
    // The page's width is in inches, of which usvg makes so many units.
    let page = svg2pdf::PageOptions { dpi: options.dpi };
    svg2pdf::to_pdf(&tree, svg2pdf::ConversionOptions::default(), page).map_err(failure)
}

fn draw_marks<B: DrawingBackend>(
    backend: &mut B,
    canvas: &Canvas,
    scale: f64,
    medium: Medium,
) -> Result<()> {
    register_fonts();
    let page = Rectangle::between(0.0, 0.0, canvas.width, canvas.height);
    let mut pen = Pen { backend, scale, medium };
    pen.fill(page, WHITE)?;
    for mark in &canvas.marks {
        match mark {
            Mark::Path { points, stroke } => pen.path(points, *stroke)?,
            Mark::Area { points, colour, opacity } => pen.area(points, *colour, *opacity)?,
            Mark::Box { rectangle, colour } => pen.fill(*rectangle, *colour)?,
            Mark::Disc { centre, radius, colour } => pen.disc(*centre, *radius, *colour)?,
            Mark::Text(text) => pen.text(text)?,
        }
    }
    pen.backend.present().map_err(failure)
}

fn failure(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw the figure: {error}")
}

fn opaque(Colour(red, green, blue): Colour) -> RGBAColor {
    RGBColor(red, green, blue).to_rgba()
}

/// A backend, and how many of its units a point has.
struct Pen<'a, B: DrawingBackend> {
    backend: &'a mut B,
    scale: f64,
    medium: Medium,
}

impl<B: DrawingBackend> Pen<'_, B> {
    fn units(&self, length: f64) -> i32 {
        (length * self.scale).round() as i32
    }

    fn place(&self, (x, y): Point) -> (i32, i32) {
        (self.units(x), self.units(y))
    }

    fn fill(&mut self, area: Rectangle, colour: Colour) -> Result<()> {
        let corners =
            (self.place((area.left, area.top)), self.place((area.right(), area.bottom())));
        self.backend.draw_rect(corners.0, corners.1, &opaque(colour), true).map_err(failure)
    }

    fn area(&mut self, points: &[Point], colour: Colour, opacity: f64) -> Result<()> {
        let points: Vec<_> = points.iter().map(|&point| self.place(point)).collect();
        self.backend.fill_polygon(points, &opaque(colour).mix(opacity)).map_err(failure)
    }

    fn disc(&mut self, centre: Point, radius: f64, colour: Colour) -> Result<()> {
        let (centre, radius) = (self.place(centre), self.units(radius).max(1) as u32);
        self.backend.draw_circle(centre, radius, &opaque(colour), true).map_err(failure)
    }

    fn path(&mut self, points: &[Point], stroke: Stroke) -> Result<()> {
        match self.medium {
            Medium::Vector => {
                let points: Vec<_> = points.iter().map(|&point| self.place(point)).collect();
                let style = ShapeStyle {
                    color: opaque(stroke.colour),
                    filled: false,
                    stroke_width: self.units(stroke.width).max(1) as u32,
                };
                self.backend.draw_path(points, &style).map_err(failure)
            }
            // plotters' thick lines have spikes at sharp turns: draw each stretch by itself, with round joints.
            Medium::Bitmap => {
                for pair in points.windows(2) {
                    self.stretch(pair[0], pair[1], stroke)?;
                }
                for &joint in points.get(1..points.len() - 1).unwrap_or(&[]) {
                    self.disc(joint, stroke.width / 2.0, stroke.colour)?;
                }
                Ok(())
            }
        }
    }

    /// One straight piece of a line.
    fn stretch(&mut self, from: Point, to: Point, stroke: Stroke) -> Result<()> {
        let half = stroke.width / 2.0;
        if from.0 == to.0 || from.1 == to.1 {
            let (left, right) = (from.0.min(to.0), from.0.max(to.0));
            let (top, bottom) = (from.1.min(to.1), from.1.max(to.1));
            // Frames meet at their corners, so lines along the axes are square at their ends; broad ones would leave a frame.
            let end = if stroke.width > BROAD { 0.0 } else { half };
            let (along, across) = if from.0 == to.0 { (half, end) } else { (end, half) };
            let piece =
                Rectangle::between(left - along, top - across, right + along, bottom + across);
            let piece = match (from.0 == to.0, stroke.dash.lengths().is_empty()) {
                (_, true) => piece,
                (true, false) => Rectangle { top, height: bottom - top, ..piece },
                (false, false) => Rectangle { left, width: right - left, ..piece },
            };
            return self.fill(piece, stroke.colour);
        }
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let (dx, dy) = (half * (to.1 - from.1) / length, half * (from.0 - to.0) / length);
        let corners = [
            (from.0 + dx, from.1 + dy),
            (to.0 + dx, to.1 + dy),
            (to.0 - dx, to.1 - dy),
            (from.0 - dx, from.1 - dy),
        ];
        self.area(&corners, stroke.colour, 1.0)
    }

    fn text(&mut self, text: &Text) -> Result<()> {
        // Both backends take the top of a line; we know the baseline. `size` means another thing to each.
        let (size, rise) = match self.medium {
            Medium::Bitmap => (text.size * LINE_HEIGHT, text.size * LINE_HEIGHT / 2.0),
            Medium::Vector => (text.size * SVG_LINE_HEIGHT, text.size * SVG_ASCENT),
        };
        let at =
            if text.upward { (text.at.0 - rise, text.at.1) } else { (text.at.0, text.at.1 - rise) };
        let h_pos = match text.anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let transform = if text.upward { FontTransform::Rotate270 } else { FontTransform::None };
        let style = if text.bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = FontDesc::new(FontFamily::Name(FONT_FAMILY), size * self.scale, style);
        let colour = opaque(text.colour);
        let style = TextStyle::from(font.transform(transform))
            .color(&colour)
            .pos(Pos::new(h_pos, VPos::Top));
        let at = self.place(at);
        self.backend.draw_text(&text.content, &style, at).map_err(failure)
    }
}
