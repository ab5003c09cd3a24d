//! Colours, line styles and sizes of every figure. Lengths are points (1/72 inch) at print size.

/// An opaque colour: red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

// Okabe and Ito's palette: its colours stay apart for the common kinds of colour blindness.
/// Okabe-Ito blue.
pub const BLUE: Colour = Colour(0x00, 0x72, 0xB2);
/// Okabe-Ito vermilion.
pub const VERMILION: Colour = Colour(0xD5, 0x5E, 0x00);
/// Okabe-Ito bluish green.
pub const GREEN: Colour = Colour(0x00, 0x9E, 0x73);
/// Okabe-Ito reddish purple.
pub const PURPLE: Colour = Colour(0xCC, 0x79, 0xA7);
/// Okabe-Ito orange.
pub const ORANGE: Colour = Colour(0xE6, 0x9F, 0x00);
/// Okabe-Ito sky blue.
pub const SKY: Colour = Colour(0x56, 0xB4, 0xE9);
/// Text, frames, and the lines of theory.
pub const INK: Colour = Colour(0x1A, 0x1A, 0x1A);
/// Thresholds and other reference lines.
pub const GREY: Colour = Colour(0x70, 0x70, 0x70);
/// The shade of the OCS phase.
pub const SHADE: Colour = Colour(0xEC, 0xEC, 0xE4);
/// Behind words on a frame.
pub const STRIP: Colour = Colour(0xF5, 0xF5, 0xF5);
/// Paper.
pub const WHITE: Colour = Colour(0xFF, 0xFF, 0xFF);

/// Panel letters.
pub const LETTER_SIZE: f64 = 9.0;
/// Titles of columns and rows.
pub const TITLE_SIZE: f64 = 7.5;
/// Axis titles, captions and tick labels.
pub const TEXT_SIZE: f64 = 6.5;
/// Notes; no text is smaller.
pub const NOTE_SIZE: f64 = 6.0;
/// Width of a figure that fills two columns: 7 inches.
pub const PAGE_WIDTH: f64 = 504.0;
/// Frames and ticks.
pub const FRAME_WIDTH: f64 = 0.5;
/// Length of a labelled tick.
pub const TICK_LENGTH: f64 = 2.5;
/// Radius of a marker that stands for a run or a label by itself.
pub const POINT_RADIUS: f64 = 2.2;
/// Radius of a dot on a curve.
pub const DOT_RADIUS: f64 = 1.25;
/// Opacity of bands over seeds.
pub const BAND_OPACITY: f64 = 0.28;

impl Colour {
    /// This colour with `share` of white, in [0, 1].
    pub fn paler(self, share: f64) -> Colour {
        self.towards(WHITE, share)
    }

    /// The colour `share` of the way to `other`.
    pub fn towards(self, other: Colour, share: f64) -> Colour {
        let mix = |from: u8, to: u8| {
            (f64::from(from) + share * (f64::from(to) - f64::from(from))).round() as u8
        };
        Colour(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }
}

/// How a line is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dash {
    /// Unbroken.
    Solid,
    /// Long strokes.
    Dashed,
    /// Dots.
    Dotted,
    /// Stroke and dot.
    DashDotted,
}

impl Dash {
    /// Lengths of strokes and gaps in turn, in points; empty for an unbroken line.
    pub fn lengths(self) -> &'static [f64] {
        match self {
            Dash::Solid => &[],
            Dash::Dashed => &[3.6, 1.8],
            Dash::Dotted => &[0.8, 1.4],
            Dash::DashDotted => &[4.2, 1.5, 0.9, 1.5],
        }
    }
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// Its colour.
    pub colour: Colour,
    /// Its width.
    pub width: f64,
    /// How it is broken.
    pub dash: Dash,
}

impl Stroke {
    /// An unbroken line.
    pub const fn solid(colour: Colour, width: f64) -> Stroke {
        Stroke { colour, width, dash: Dash::Solid }
    }

    /// A broken line.
    pub const fn broken(colour: Colour, width: f64, dash: Dash) -> Stroke {
        Stroke { colour, width, dash }
    }
}

/// The exact theory, over what was measured.
pub const THEORY: Stroke = Stroke::solid(INK, 0.6);
/// Thresholds of the OCS phase.
pub const THRESHOLD: Stroke = Stroke::broken(GREY, 0.6, Dash::Dashed);

/// Values at the OCS.
pub const AT_OCS: Stroke = Stroke::broken(GREY, 0.8, Dash::Dotted);

/// Shapes of dots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// A filled circle.
    Disc,
    /// A filled square.
    Square,
    /// A filled triangle, pointing up.
    Triangle,
    /// A square on its corner.
    Diamond,
}

/// One thing told apart from its neighbours by colour, dash and marker alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Its colour.
    pub colour: Colour,
    /// Its dash, where it is a line.
    pub dash: Dash,
    /// Its marker, where it is dots.
    pub marker: Marker,
}

impl Look {
    /// A look.
    pub const fn new(colour: Colour, dash: Dash, marker: Marker) -> Look {
        Look { colour, dash, marker }
    }

    /// As a line.
    pub fn stroke(self, width: f64) -> Stroke {
        Stroke { colour: self.colour, width, dash: self.dash }
    }
}

/// Four looks that stay apart in grey too.
pub const LOOKS: [Look; 4] = [
    Look { colour: BLUE, dash: Dash::Solid, marker: Marker::Disc },
    Look { colour: VERMILION, dash: Dash::Dashed, marker: Marker::Triangle },
    Look { colour: GREEN, dash: Dash::DashDotted, marker: Marker::Square },
    Look { colour: PURPLE, dash: Dash::Dotted, marker: Marker::Diamond },
];

/// The look of the `index`-th thing; beyond four they repeat.
pub fn look(index: usize) -> Look {
    LOOKS[index % LOOKS.len()]
}

/// The look of a level of the hierarchy, counted from 0. Its colours differ from those of `M` and `V`, which share a page.
pub fn level_look(level: usize) -> Look {
    let colours = [PURPLE, GREEN, ORANGE, SKY];
    let markers = [Marker::Disc, Marker::Square, Marker::Triangle, Marker::Diamond];
    let dashes = [Dash::Solid, Dash::Dashed, Dash::DashDotted, Dash::Dotted];
    let index = level % colours.len();
    // Beyond four levels colours return with other dashes and markers.
    let other = (level + level / colours.len()) % dashes.len();
    Look { colour: colours[index], dash: dashes[other], marker: markers[other] }
}
