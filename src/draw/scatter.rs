//! Points with names in two dimensions, with the front of those that none is better than in both.

use super::canvas::{Frame, apart, note, note_lines, note_room, room_of};
use super::scale::{Axis, Point, Scale};
use super::svg::{Anchor, Svg, length, path};
use super::theme::{FAINT, INK, Size, class, colour};

/// A point.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dot {
    /// Beside it.
    pub name: String,
    /// Which colour it has.
    pub style: usize,
    /// Where it is.
    pub at: Point,
    /// An interval of its height.
    pub interval: Option<[f64; 2]>,
    /// Whether it is drawn as a ring.
    pub is_hollow: bool,
}

/// A chart of points.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scatter {
    /// What it shows, for those who do not see it.
    pub name: String,
    /// The same in a sentence or two.
    pub description: String,
    /// What there is to know of it, below.
    pub note: String,
    /// Below.
    pub x: Axis,
    /// At the left.
    pub y: Axis,
    /// The points.
    pub dots: Vec<Dot>,
    /// A line through some of them.
    pub front: Vec<Point>,
}

impl Scatter {
    /// As SVG.
    #[must_use]
    pub fn svg(&self, size: Size) -> String {
        let font = size.font;
        let note_lines = note_lines(size, 3.0 * font, &self.note);
        let bottom = 0.44 * size.width;
        let height = bottom + 3.2 * font + note_room(size, &note_lines);
        let ys = || {
            let ends = self.dots.iter().flat_map(|dot| dot.interval.into_iter().flatten());
            ends.chain(self.dots.iter().map(|dot| dot.at.1))
        };
        let names = self.dots.iter().map(|dot| size.text(&dot.name)).fold(0.0, f64::max);
        let names = names.min(0.34 * size.width);
        let probe = Scale::over(self.y.kind, ys(), [bottom, font]);
        let frame = Frame {
            left: room_of(&probe, size),
            right: size.width - names - 1.4 * font,
            top: font,
            bottom,
        };
        let x = Scale::over(self.x.kind, self.dots.iter().map(|dot| dot.at.0), frame.across());
        let y = Scale::over(self.y.kind, ys(), frame.upwards());
        let mut svg = Svg::new(size);
        frame.y_axis(&mut svg, size, &y, &self.y);
        frame.x_axis(&mut svg, size, &x, &self.x);
        let place = |point: &Point| Some((x.at(point.0)?, y.at(point.1)?));
        svg.element(
            "path",
            &[
                ("class", "faint-line"),
                ("d", &path(self.front.iter().map(place))),
                ("fill", "none"),
                ("stroke", FAINT),
                ("stroke-width", "1"),
                ("stroke-dasharray", "3 3"),
            ],
        );
        let placed: Vec<(&Dot, Point)> =
            self.dots.iter().filter_map(|dot| Some((dot, place(&dot.at)?))).collect();
        let wanted: Vec<f64> = placed.iter().map(|(_, at)| at.1).collect();
        let heights = apart(&wanted, 1.15 * font, frame.top, frame.bottom);
        let label = frame.right + 1.2 * font;
        for ((dot, at), height) in placed.iter().zip(heights) {
            let (class, colour) = (class(dot.style), colour(dot.style));
            svg.open("g", &[("class", &class), ("data-dot", &dot.name)]);
            svg.title(&dot.name);
            svg.line(*at, (label - 0.2 * font, height), "leader", colour, 0.3);
            if let Some([Some(low), Some(high)]) =
                dot.interval.map(|ends| ends.map(|end| y.at(end)))
            {
                svg.line((at.0, low), (at.0, high), "line", colour, 1.0);
            }
            let [cx, cy, r] = [at.0, at.1, 0.38 * font].map(length);
            let fill = if dot.is_hollow { "#ffffff" } else { colour };
            svg.element(
                "circle",
                &[
                    ("class", if dot.is_hollow { "ring" } else { "dot" }),
                    ("cx", &cx),
                    ("cy", &cy),
                    ("r", &r),
                    ("fill", fill),
                    ("stroke", colour),
                    ("stroke-width", "1.2"),
                ],
            );
            let name = size.cut(&dot.name, size.width - label);
            svg.text((label, height + 0.35 * font), &name, Anchor::Start, INK, false);
            svg.close("g");
        }
        note(&mut svg, size, 3.0 * font, height, &note_lines);
        svg.finish(height, &self.name, &self.description)
    }
}
