//! Curves: the mean of each series with its band, and what belongs to single curves.

use super::canvas::{Frame, apart, note, note_lines, note_room, room_of};
use super::scale::{Axis, Kind, Point, Scale};
use super::svg::{Anchor, Svg, length, path};
use super::theme::{FAINT, INK, Size, class, colour, dash};

/// A position with an interval: x, low, high.
pub type Band = (f64, f64, f64);

/// A curve with what belongs to it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// Written at its end.
    pub name: String,
    /// Which colour and dashes it has.
    pub style: usize,
    /// The curve, as far as it stands for all it is a mean of.
    pub line: Vec<Point>,
    /// Where it stands for fewer.
    pub thin: Vec<Point>,
    /// The interval around it.
    pub band: Vec<Band>,
    /// Single curves behind it.
    pub faint: Vec<Vec<Point>>,
    /// Marks on the axis below.
    pub rug: Vec<f64>,
    /// Its best point.
    pub dot: Option<Point>,
    /// How many it stands for, from where on.
    pub counts: Vec<Point>,
}

/// A chart of curves.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lines {
    /// What it shows, for those who do not see it.
    pub name: String,
    /// The same in a sentence or two.
    pub description: String,
    /// What the marks are, below the chart.
    pub note: String,
    /// Below.
    pub x: Axis,
    /// At the left.
    pub y: Axis,
    /// The curves, the last in front.
    pub series: Vec<Series>,
}

impl Lines {
    /// Every value that has to have a place.
    fn ys(&self) -> impl Iterator<Item = f64> {
        self.series.iter().flat_map(|series| {
            let points = series.line.iter().chain(&series.thin);
            let points = points.chain(series.faint.iter().flatten()).chain(&series.dot);
            let ends = series.band.iter().flat_map(|band| [band.1, band.2]);
            // An interval far wider than its curve, of three seeds, does not flatten the curves.
            let (low, high) = span(series);
            points.map(|point| point.1).chain(ends.map(move |end| end.clamp(low, high)))
        })
    }

    /// As SVG.
    #[must_use]
    pub fn svg(&self, size: Size) -> String {
        let font = size.font;
        let mut svg = Svg::new(size);
        let names = self.series.iter().map(|series| size.text(&series.name)).fold(0.0, f64::max);
        let names = names.min(0.34 * size.width);
        let height = 0.52 * size.width;
        let has_counts = self.series.iter().any(|series| series.counts.len() > 1);
        let strip = if has_counts { 4.0 * font } else { 0.0 };
        let note_lines = note_lines(size, 3.0 * font, &self.note);
        let bottom = height - 3.2 * font - strip;
        let height = height + note_room(size, &note_lines);
        let probe = Scale::over(self.y.kind, self.ys(), [bottom, font]);
        let frame = Frame {
            left: room_of(&probe, size),
            right: size.width - names - 1.4 * font,
            top: font,
            bottom,
        };
        let xs = self.series.iter().flat_map(|series| {
            let points =
                series.line.iter().chain(&series.thin).chain(series.faint.iter().flatten());
            points.map(|point| point.0)
        });
        let x = Scale::over(Kind::Linear, xs, frame.across());
        let y = Scale::over(self.y.kind, self.ys(), frame.upwards());
        frame.y_axis(&mut svg, size, &y, &self.y);
        frame.x_axis(&mut svg, size, &x, &self.x);
        let place = |point: &Point| Some((x.at(point.0)?, y.at(point.1)?));
        // Clipped, since an interval may reach beyond.
        let keep = |point: Point| {
            (point.0.clamp(frame.left, frame.right), point.1.clamp(frame.top, frame.bottom))
        };
        for series in &self.series {
            behind(&mut svg, series, &frame, &x, &y);
        }
        for series in &self.series {
            let (class, colour) = (class(series.style), colour(series.style));
            svg.open("g", &[("class", &class), ("data-series", &series.name)]);
            let curve = |svg: &mut Svg, points: &[Point], width: &str, dash: &str| {
                let d = path(points.iter().map(|point| place(point).map(keep)));
                svg.element(
                    "path",
                    &[
                        ("class", "line"),
                        ("d", &d),
                        ("fill", "none"),
                        ("stroke", colour),
                        ("stroke-width", width),
                        ("stroke-dasharray", dash),
                    ],
                );
            };
            let width = length(0.14 * font);
            curve(&mut svg, &series.line, &width, dash(series.style));
            if series.thin.len() > 1 {
                curve(&mut svg, &series.thin, &length(0.07 * font), "1 2");
            }
            if let Some((cx, cy)) = series.dot.as_ref().and_then(place) {
                let [cx, cy, r] = [cx, cy, 0.28 * font].map(length);
                svg.element(
                    "circle",
                    &[
                        ("class", "dot"),
                        ("cx", &cx),
                        ("cy", &cy),
                        ("r", &r),
                        ("fill", colour),
                        ("stroke", "#ffffff"),
                        ("stroke-width", "0.8"),
                    ],
                );
            }
            for at in series.rug.iter().filter_map(|at| x.at(*at)) {
                svg.line((at, frame.bottom - 0.5 * font), (at, frame.bottom), "rug", colour, 0.8);
            }
            svg.close("g");
        }
        self.labels(&mut svg, size, &frame, &x, &y);
        if has_counts {
            self.counts(&mut svg, size, &frame, &x, bottom + 3.4 * font);
        }
        note(&mut svg, size, 3.0 * font, height, &note_lines);
        svg.finish(height, &self.name, &self.description)
    }

    /// The name of each series where it ends.
    fn labels(&self, svg: &mut Svg, size: Size, frame: &Frame, x: &Scale, y: &Scale) {
        let end = |series: &Series| {
            let last = series.thin.last().or(series.line.last())?;
            Some((x.at(last.0)?, y.at(last.1)?.clamp(frame.top, frame.bottom)))
        };
        let named: Vec<(&Series, Point)> =
            self.series.iter().filter_map(|series| Some((series, end(series)?))).collect();
        let wanted: Vec<f64> = named.iter().map(|(_, end)| end.1).collect();
        let places = apart(&wanted, 1.15 * size.font, frame.top, frame.bottom);
        let left = frame.right + 1.2 * size.font;
        for ((series, end), place) in named.iter().zip(places) {
            let (class, colour) = (class(series.style), colour(series.style));
            svg.open("g", &[("class", &class), ("data-label", &series.name)]);
            svg.line(*end, (left - 0.2 * size.font, place), "leader", colour, 0.4);
            let name = size.cut(&series.name, size.width - left);
            svg.text((left, place + 0.35 * size.font), &name, Anchor::Start, INK, false);
            svg.close("g");
        }
    }

    /// How many each stands for, as steps.
    fn counts(&self, svg: &mut Svg, size: Size, frame: &Frame, x: &Scale, top: f64) {
        let most = self.series.iter().flat_map(|series| &series.counts).map(|at| at.1);
        let most = most.fold(1.0, f64::max);
        let foot = top + 2.6 * size.font;
        let y = Scale::between([0.0, most], [foot, top]);
        svg.line((frame.left, foot), (frame.right, foot), "axis", FAINT, 0.5);
        let at = |height: f64| (frame.left - 0.5 * size.font, height + 0.35 * size.font);
        svg.text(at(foot), "0", Anchor::End, FAINT, false);
        svg.text(at(top), &length(most), Anchor::End, FAINT, false);
        let place = (size.font, f64::midpoint(top, foot));
        svg.text(place, "n", Anchor::Middle, FAINT, true);
        for series in &self.series {
            let mut steps: Vec<Option<Point>> = Vec::new();
            let mut before = None;
            for (from, count) in &series.counts {
                let (Some(at), Some(height)) = (x.at(*from), y.at(*count)) else { continue };
                steps.extend(before.map(|before| Some((at, before))));
                steps.push(Some((at, height)));
                before = Some(height);
            }
            let (class, colour) = (class(series.style), colour(series.style));
            svg.element(
                "path",
                &[
                    ("class", &class),
                    ("d", &path(steps)),
                    ("fill", "none"),
                    ("stroke", colour),
                    ("stroke-width", "0.8"),
                    ("stroke-dasharray", dash(series.style)),
                ],
            );
        }
    }
}

/// The band and the single curves of a series.
fn behind(svg: &mut Svg, series: &Series, frame: &Frame, x: &Scale, y: &Scale) {
    let (class, colour) = (class(series.style), colour(series.style));
    for curve in &series.faint {
        let d = path(curve.iter().map(|point| Some((x.at(point.0)?, y.at(point.1)?))));
        let attributes = [
            ("class", format!("{class} faint-line")),
            ("d", d),
            ("fill", "none".to_owned()),
            ("stroke", colour.to_owned()),
            ("stroke-width", "0.5".to_owned()),
            ("stroke-opacity", "0.35".to_owned()),
        ];
        let attributes: Vec<(&str, &str)> =
            attributes.iter().map(|(key, value)| (*key, value.as_str())).collect();
        svg.element("path", &attributes);
    }
    let edge = |end: fn(&Band) -> f64| {
        series.band.iter().map(move |band| {
            // What a logarithm has no place for is below the foot.
            let at = y.at(end(band)).unwrap_or(frame.bottom).clamp(frame.top, frame.bottom);
            Some((x.at(band.0)?, at))
        })
    };
    let upper: Vec<Option<Point>> = edge(|band| band.2).collect();
    let mut outline: Vec<Option<Point>> = edge(|band| band.1).collect();
    outline.extend(upper.into_iter().rev());
    if outline.len() > 2 {
        let class = format!("{class} band");
        svg.element(
            "path",
            &[
                ("class", &class),
                ("d", &format!("{}Z", path(outline))),
                ("fill", colour),
                ("fill-opacity", "0.16"),
            ],
        );
    }
}

/// How far an interval may widen the axis: by the height of the curve itself to either side.
fn span(series: &Series) -> (f64, f64) {
    let points = || series.line.iter().map(|point| point.1).filter(|y| y.is_finite());
    let (low, high) =
        (points().fold(f64::INFINITY, f64::min), points().fold(f64::NEG_INFINITY, f64::max));
    if low > high {
        return (f64::NEG_INFINITY, f64::INFINITY);
    }
    let room = (high - low).max(0.25 * high.abs());
    (low - room, high + room)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(kind: Kind) -> Lines {
        let series = |style: usize| Series {
            name: format!("arm {style}"),
            style,
            line: (1..=9).map(|at| (f64::from(at), 1.0 / f64::from(at))).collect(),
            band: (1..=9).map(|at| (f64::from(at), -1.0, 1e9)).collect(),
            thin: vec![(9.0, 0.1), (12.0, 0.09)],
            counts: vec![(1.0, 10.0), (9.0, 4.0), (12.0, 4.0)],
            rug: vec![9.0, 12.0],
            dot: Some((9.0, 1.0 / 9.0)),
            ..Series::default()
        };
        Lines {
            name: "val_loss".to_owned(),
            y: Axis { label: "val_loss".to_owned(), kind, is_whole: false },
            series: vec![series(0), series(1)],
            ..Lines::default()
        }
    }

    #[test]
    fn every_series_has_a_line_a_band_and_its_name_whatever_the_axis() {
        for kind in [Kind::Linear, Kind::Log] {
            let svg = chart(kind).svg(Size::page());
            for part in ["arm 0", "arm 1", "class=\"s1 band\"", "stroke-dasharray=\"6 3\""] {
                assert!(svg.contains(part), "{part}: {svg}");
            }
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn an_empty_chart_is_a_chart() {
        let svg = Lines::default().svg(Size::paper(85.0));
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"), "{svg}");
        assert!(svg.contains("width=\"85mm\""), "{svg}");
    }
}
