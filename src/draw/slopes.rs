//! Pairs: a line from one value to another for each, and the differences beside them.

use super::canvas::{Frame, note, note_lines, note_room, room_of};
use super::scale::{Axis, Kind, Scale};
use super::svg::{Anchor, Svg, length};
use super::theme::{FAINT, GRID, INK, Size};

/// A pair.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Slope {
    /// What it is a pair of.
    pub name: String,
    /// First and second value.
    pub values: [f64; 2],
    /// Whether the second is better; none where both are equal.
    pub is_better: Option<bool>,
}

/// Pairs of two levels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Slopes {
    /// What it shows, for those who do not see it.
    pub name: String,
    /// The same in a sentence or two.
    pub description: String,
    /// What there is to know of it, below.
    pub note: String,
    /// Of the values.
    pub y: Axis,
    /// The two levels.
    pub levels: [String; 2],
    /// The pairs.
    pub pairs: Vec<Slope>,
    /// The mean difference.
    pub estimate: Option<f64>,
    /// Around it.
    pub interval: Option<[f64; 2]>,
}

/// Where the second is better, worse, or the same.
const BETTER: (&str, &str, &str) = ("s0", "#0072b2", "");
const WORSE: (&str, &str, &str) = ("s1", "#d55e00", "4 2");
const SAME: (&str, &str, &str) = ("faint", FAINT, "1 2");

fn style(pair: &Slope) -> (&'static str, &'static str, &'static str) {
    match pair.is_better {
        Some(true) => BETTER,
        Some(false) => WORSE,
        None => SAME,
    }
}

impl Slopes {
    /// As SVG.
    #[must_use]
    pub fn svg(&self, size: Size) -> String {
        let font = size.font;
        let note_lines = note_lines(size, 0.0, &self.note);
        let (top, bottom) = (1.2 * font, 0.46 * size.width);
        let height = bottom + 2.2 * font + note_room(size, &note_lines);
        let values = || self.pairs.iter().flat_map(|pair| pair.values);
        let y = Scale::over(self.y.kind, values(), [bottom, top]);
        let left = room_of(&y, size);
        let middle = left + 0.52 * (size.width - left);
        let frame = Frame { left, right: middle, top, bottom };
        let mut svg = Svg::new(size);
        frame.y_axis(&mut svg, size, &y, &self.y);
        let columns = [left + 0.16 * (middle - left), left + 0.84 * (middle - left)];
        for (at, level) in columns.iter().zip(&self.levels) {
            svg.line((*at, top), (*at, bottom), "grid", GRID, 0.8);
            let level = size.cut(level, 0.6 * (middle - left));
            svg.text((*at, bottom + 1.4 * font), &level, Anchor::Middle, INK, false);
        }
        for pair in &self.pairs {
            let [Some(from), Some(to)] = pair.values.map(|value| y.at(value)) else { continue };
            let (class, colour, dash) = style(pair);
            svg.open("g", &[("class", class), ("data-pair", &pair.name)]);
            svg.title(&pair.name);
            let [x1, x2, y1, y2] = [columns[0], columns[1], from, to].map(length);
            svg.element(
                "line",
                &[
                    ("class", "line"),
                    ("x1", &x1),
                    ("y1", &y1),
                    ("x2", &x2),
                    ("y2", &y2),
                    ("stroke", colour),
                    ("stroke-width", "1.1"),
                    ("stroke-dasharray", dash),
                ],
            );
            svg.close("g");
        }
        self.differences(&mut svg, size, middle, [top, bottom]);
        note(&mut svg, size, 0.0, height, &note_lines);
        svg.finish(height, &self.name, &self.description)
    }

    /// The differences as dots, in rows where they would lie on each other, with their mean.
    fn differences(&self, svg: &mut Svg, size: Size, middle: f64, [top, bottom]: [f64; 2]) {
        let font = size.font;
        let frame =
            Frame { left: middle + 4.5 * font, right: size.width - 0.6 * font, top, bottom };
        let difference = |pair: &Slope| pair.values[1] - pair.values[0];
        let all = self.pairs.iter().map(difference).chain(self.interval.into_iter().flatten());
        let y = Scale::over(Kind::Linear, all.chain([0.0]), frame.upwards());
        let label = Axis { label: String::new(), kind: Kind::Linear, is_whole: false };
        frame.y_axis(svg, size, &y, &label);
        if let Some(zero) = y.at(0.0) {
            svg.line((frame.left, zero), (frame.right, zero), "zero", INK, 1.0);
        }
        let room = frame.right - frame.left;
        let mut taken: Vec<(f64, usize)> = Vec::new();
        for pair in &self.pairs {
            let Some(cy) = y.at(difference(pair)) else { continue };
            let near = |row: usize| {
                taken.iter().any(|(at, of)| *of == row && (at - cy).abs() < 0.6 * font)
            };
            let row = (0..=taken.len()).find(|row| !near(*row)).unwrap_or(0);
            taken.push((cy, row));
            #[allow(clippy::cast_precision_loss)] // some rows
            let cx = (frame.left + 0.12 * room + 0.65 * font * row as f64).min(frame.right);
            let (class, colour, _) = style(pair);
            let [cx, cy, r] = [cx, cy, 0.26 * font].map(length);
            svg.open(
                "circle",
                &[
                    ("class", class),
                    ("data-pair", &pair.name),
                    ("cx", &cx),
                    ("cy", &cy),
                    ("r", &r),
                    ("fill", colour),
                ],
            );
            svg.title(&pair.name);
            svg.close("circle");
        }
        let at = frame.left + 0.82 * room;
        if let Some([Some(low), Some(high)]) = self.interval.map(|ends| ends.map(|end| y.at(end))) {
            svg.line((at, low), (at, high), "ink", INK, 1.4);
            for end in [low, high] {
                svg.line((at - 0.25 * font, end), (at + 0.25 * font, end), "ink", INK, 0.8);
            }
        }
        if let Some(mean) = self.estimate.and_then(|estimate| y.at(estimate)) {
            let [rx, ry, edge] = [at - 0.3 * font, mean - 0.3 * font, 0.6 * font].map(length);
            svg.element(
                "rect",
                &[
                    ("class", "ink"),
                    ("x", &rx),
                    ("y", &ry),
                    ("width", &edge),
                    ("height", &edge),
                    ("fill", INK),
                ],
            );
        }
        let place = f64::midpoint(frame.left, frame.right);
        let text = size.cut("difference", room + 4.0 * font);
        svg.text((place, bottom + 1.4 * font), &text, Anchor::Middle, INK, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_has_a_line_and_a_dot_with_its_name() {
        let pair = |seed: u32, second: f64| Slope {
            name: format!("seed {seed}"),
            values: [1.0, second],
            is_better: (second != 1.0).then_some(second < 1.0),
        };
        let slopes = Slopes {
            pairs: vec![pair(0, 0.5), pair(1, 1.5), pair(2, 1.0)],
            estimate: Some(0.0),
            interval: Some([-1.0, 1.0]),
            ..Slopes::default()
        };
        let svg = slopes.svg(Size::page());
        assert_eq!(svg.matches("<circle").count(), 3, "{svg}");
        assert_eq!(svg.matches("<title>seed 1</title>").count(), 2, "{svg}");
    }
}
