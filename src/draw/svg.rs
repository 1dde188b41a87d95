//! The text of an SVG.

use std::fmt::Write as _;

use super::scale::Point;
use super::theme::{FAINT, INK, Size};

/// A picture while it is drawn.
pub(super) struct Svg {
    size: Size,
    body: String,
}

/// On which side of its position a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    pub fn new(size: Size) -> Self {
        Self { size, body: String::new() }
    }

    /// An element without content; attributes that are empty are left out.
    pub fn element(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.open(name, attributes);
        self.body.truncate(self.body.len() - 1);
        self.body.push_str("/>");
    }

    /// Begins an element.
    pub fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let _ = write!(self.body, "<{name}");
        for (key, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = write!(self.body, " {key}=\"{}\"", escaped(value));
        }
        self.body.push('>');
    }

    /// Ends it.
    pub fn close(&mut self, name: &str) {
        let _ = write!(self.body, "</{name}>");
    }

    /// A straight line.
    pub fn line(&mut self, from: Point, to: Point, class: &str, colour: &str, width: f64) {
        let [x1, y1, x2, y2, width] = [from.0, from.1, to.0, to.1, width].map(length);
        self.element(
            "line",
            &[
                ("class", class),
                ("x1", &x1),
                ("y1", &y1),
                ("x2", &x2),
                ("y2", &y2),
                ("stroke", colour),
                ("stroke-width", &width),
            ],
        );
    }

    /// A text; `turned` reads upwards.
    pub fn text(&mut self, at: Point, text: &str, anchor: Anchor, colour: &str, turned: bool) {
        let [x, y] = [at.0, at.1].map(length);
        let turn = if turned { format!("rotate(-90 {x} {y})") } else { String::new() };
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let class = if colour == FAINT { "faint" } else { "ink" };
        self.open(
            "text",
            &[
                ("class", class),
                ("x", &x),
                ("y", &y),
                ("text-anchor", anchor),
                ("transform", &turn),
                ("fill", colour),
            ],
        );
        self.body.push_str(&escaped(text));
        self.close("text");
    }

    /// What a reader is told who points at what was opened last.
    pub fn title(&mut self, text: &str) {
        let _ = write!(self.body, "<title>{}</title>", escaped(text));
    }

    /// The whole, so high, with what it is for those who do not see it.
    pub fn finish(self, height: f64, name: &str, description: &str) -> String {
        let Size { width, font, millimetres } = self.size;
        let [w, h, font] = [width, height, font].map(length);
        let on_paper = millimetres.map_or(String::new(), |millimetres| {
            let tall = length(millimetres * height / width);
            format!(" width=\"{}mm\" height=\"{tall}mm\"", length(millimetres))
        });
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\"{on_paper} role=\"img\" \
             font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\" font-size=\"{font}\" fill=\"{INK}\">\
             <title>{}</title><desc>{}</desc>{}</svg>",
            escaped(name),
            escaped(description),
            self.body
        )
    }
}

/// A path through points, from new where one is missing.
pub(super) fn path(points: impl IntoIterator<Item = Option<Point>>) -> String {
    let mut path = String::new();
    let mut is_open = false;
    for point in points {
        if let Some((x, y)) = point {
            path.push(if is_open { 'L' } else { 'M' });
            let _ = write!(path, "{} {}", length(x), length(y));
        }
        is_open = point.is_some();
    }
    path
}

/// A length to a tenth, as short as it can be written.
pub(super) fn length(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text that cannot become markup, in HTML and SVG, between tags and in quotes. Characters that XML has no
/// place for become question marks.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                escaped.push('?');
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_never_becomes_markup() {
        let hostile = "</text><script>alert('x')</script> & \"q\" \u{1}";
        let escaped = escaped(hostile);
        assert!(!escaped.contains(['<', '>', '"', '\'', '\u{1}']), "{escaped}");
        let mut svg = Svg::new(Size::page());
        svg.text((0.0, 0.0), hostile, Anchor::Start, INK, false);
        svg.element("path", &[("data-name", hostile)]);
        let text = svg.finish(10.0, hostile, hostile);
        assert!(!text.contains("<script"), "{text}");
        assert_eq!(text.matches('<').count(), text.matches('>').count());
    }

    #[test]
    fn a_path_begins_anew_behind_a_gap_and_lengths_are_short() {
        let points = [Some((0.0, 1.0)), Some((1.04, 2.0)), None, Some((-0.01, 3.25))];
        assert_eq!(path(points), "M0 1L1 2M0 3.2");
    }
}
