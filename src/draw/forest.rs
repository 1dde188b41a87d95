//! Estimates with their intervals, a row each, around a line of no effect.

use super::canvas::{Frame, note, note_lines, note_room};
use super::scale::{Axis, Kind, Scale};
use super::svg::{Anchor, Svg, length};
use super::theme::{FAINT, INK, Size};

/// A row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    /// At the left.
    pub name: String,
    /// Whether it belongs to the row above it, and is drawn so.
    pub is_part: bool,
    /// None where there is no figure.
    pub estimate: Option<f64>,
    /// Around it.
    pub interval: Option<[f64; 2]>,
    /// At the right.
    pub figures: Vec<String>,
}

/// A forest plot.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Forest {
    /// What it shows, for those who do not see it.
    pub name: String,
    /// The same in a sentence or two.
    pub description: String,
    /// What there is to know of it, below.
    pub note: String,
    /// Below.
    pub x: Axis,
    /// Above the figures at the right.
    pub headings: Vec<String>,
    /// From the top.
    pub rows: Vec<Row>,
}

impl Forest {
    /// As SVG.
    #[must_use]
    pub fn svg(&self, size: Size) -> String {
        let font = size.font;
        let step = 1.7 * font;
        let columns = self.headings.len();
        let width_of = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.figures.get(column));
            let cells = cells.chain(self.headings.get(column));
            cells.map(|cell| size.text(cell)).fold(0.0, f64::max) + font
        };
        let widths: Vec<f64> = (0..columns).map(width_of).collect();
        let right = size.width - widths.iter().sum::<f64>() - 0.6 * font;
        let names = self.rows.iter().map(|row| size.text(&row.name) + indent(row, font));
        let left = names.fold(0.0, f64::max).min(0.48 * size.width) + font;
        #[allow(clippy::cast_precision_loss)] // rows of a page
        let bottom = 1.8 * font + step * self.rows.len() as f64;
        let frame = Frame { left, right: right.max(left + 6.0 * font), top: 1.5 * font, bottom };
        let ends = self
            .rows
            .iter()
            .flat_map(|row| row.interval.into_iter().flatten().chain(row.estimate).chain([0.0]));
        let x = Scale::over(Kind::Linear, ends, frame.across());
        let mut svg = Svg::new(size);
        frame.x_axis(&mut svg, size, &x, &self.x);
        if let Some(zero) = x.at(0.0) {
            svg.line((zero, frame.top), (zero, frame.bottom), "zero", INK, 1.0);
        }
        let mut edge = size.width;
        let mut edges = vec![0.0; columns];
        for column in (0..columns).rev() {
            edges[column] = edge;
            edge -= widths[column];
        }
        for (heading, edge) in self.headings.iter().zip(&edges) {
            svg.text((*edge, font), heading, Anchor::End, FAINT, false);
        }
        for (index, row) in self.rows.iter().enumerate() {
            #[allow(clippy::cast_precision_loss)]
            let y = 1.8 * font + step * (index as f64 + 0.5);
            let ink = if row.is_part { FAINT } else { INK };
            let indent = indent(row, font);
            svg.open(
                "g",
                &[("class", if row.is_part { "row part" } else { "row" }), ("data-row", &row.name)],
            );
            let name = size.cut(&row.name, left - indent - font);
            svg.text((indent, y + 0.35 * font), &name, Anchor::Start, ink, false);
            let class = if row.is_part { "faint" } else { "ink" };
            if let Some([low, high]) = row.interval
                && let (Some(low), Some(high)) = (x.at(low), x.at(high))
            {
                svg.line((low, y), (high, y), class, ink, if row.is_part { 0.8 } else { 1.4 });
                for end in [low, high] {
                    svg.line((end, y - 0.25 * font), (end, y + 0.25 * font), class, ink, 0.8);
                }
            }
            if let Some(at) = row.estimate.and_then(|estimate| x.at(estimate)) {
                let edge = if row.is_part { 0.4 * font } else { 0.6 * font };
                let [rx, ry, edge] = [at - edge / 2.0, y - edge / 2.0, edge].map(length);
                svg.element(
                    "rect",
                    &[
                        ("class", class),
                        ("x", &rx),
                        ("y", &ry),
                        ("width", &edge),
                        ("height", &edge),
                        ("fill", ink),
                    ],
                );
            }
            for (cell, edge) in row.figures.iter().zip(&edges) {
                svg.text((*edge, y + 0.35 * font), cell, Anchor::End, ink, false);
            }
            svg.close("g");
        }
        let note_lines = note_lines(size, 0.0, &self.note);
        let height = bottom + 3.4 * font + note_room(size, &note_lines);
        note(&mut svg, size, 0.0, height, &note_lines);
        svg.finish(height, &self.name, &self.description)
    }
}

fn indent(row: &Row, font: f64) -> f64 {
    if row.is_part { 1.2 * font } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_name_and_figures_and_one_without_an_estimate_is_empty() {
        let row = |name: &str, estimate: Option<f64>| Row {
            name: name.to_owned(),
            estimate,
            interval: estimate.map(|at| [at - 1.0, at + 1.0]),
            figures: vec!["0.01".to_owned(), "3/4".to_owned()],
            ..Row::default()
        };
        let forest = Forest {
            headings: vec!["p".to_owned(), "better".to_owned()],
            rows: vec![row("norm", Some(0.5)), row("lr", None)],
            ..Forest::default()
        };
        let svg = forest.svg(Size::page());
        assert_eq!(svg.matches("<rect").count(), 1, "{svg}");
        assert_eq!(svg.matches(">3/4</text>").count(), 2, "{svg}");
        assert!(!svg.contains("NaN"), "{svg}");
    }
}
