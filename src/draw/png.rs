//! A picture as PNG: the marks that [`svg`](super::svg) writes, and of SVG no more than these, with letters that
//! come along.

use std::fmt::Display;

use roxmltree::{Document, Node};
use tiny_skia::{
    Color, FillRule, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform,
};
use ttf_parser::{Face, GlyphId, OutlineBuilder};

/// As wide, letter for letter, as the Helvetica that pictures are laid out for. See `font/README.md`.
const FONT: &[u8] = include_bytes!("font/Arimo-subset.ttf");

/// Dots per inch, as journals ask for.
const DPI: f32 = 300.0;

/// Dots per metre.
const PER_METRE: u32 = 11_811;

/// Points to an inch, which are the units of a picture for paper.
const POINTS: f32 = 72.0;

/// A picture of paper size in dots, on white, with its size in millimetres.
///
/// # Errors
/// Where `svg` is no picture of ours, or too large to be drawn.
pub fn png(svg: &str) -> Result<Vec<u8>, String> {
    let failed = |error: &dyn Display| format!("the picture cannot be drawn: {error}");
    let document = Document::parse(svg).map_err(|error| failed(&error))?;
    let root = document.root_element();
    let size = root.attribute("viewBox").unwrap_or_default();
    let size: Vec<f32> = size.split(' ').filter_map(|number| number.parse().ok()).collect();
    let &[_, _, width, height] = &size[..] else { return Err(failed(&"it has no size")) };
    let scale = DPI / POINTS;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // dots of a picture
    let dots = |length: f32| (length * scale).round().max(1.0) as u32;
    let pixels = Pixmap::new(dots(width), dots(height));
    let mut pixels = pixels.ok_or_else(|| failed(&"it is too large"))?;
    pixels.fill(Color::WHITE);
    let face = Face::parse(FONT, 0).map_err(|error| failed(&error))?;
    let font = number(root, "font-size");
    let mut canvas = Canvas { pixels, face, font, scale: Transform::from_scale(scale, scale) };
    for node in root.descendants().filter(Node::is_element) {
        canvas.draw(node);
    }
    encoded(&canvas.pixels).map_err(|error| failed(&error))
}

fn encoded(pixels: &Pixmap) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let unit = png::Unit::Meter;
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: PER_METRE, yppu: PER_METRE, unit }));
    // On white nothing shines through.
    let colours: Vec<u8> =
        pixels.data().chunks_exact(4).flat_map(|dot| &dot[..3]).copied().collect();
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&colours)?;
    writer.finish()?;
    Ok(bytes)
}

/// What is drawn on.
struct Canvas {
    pixels: Pixmap,
    face: Face<'static>,
    /// Size of the letters.
    font: f32,
    /// From units of the picture to dots.
    scale: Transform,
}

impl Canvas {
    /// Draws one mark; what is none, a group or a title, is passed by.
    fn draw(&mut self, node: Node) {
        let of = |name| number(node, name);
        let path = match node.tag_name().name() {
            "line" => {
                let mut path = PathBuilder::new();
                path.move_to(of("x1"), of("y1"));
                path.line_to(of("x2"), of("y2"));
                path.finish()
            }
            "rect" => Rect::from_xywh(of("x"), of("y"), of("width"), of("height"))
                .map(PathBuilder::from_rect),
            "circle" => PathBuilder::from_circle(of("cx"), of("cy"), of("r")),
            "path" => polygon(node.attribute("d").unwrap_or_default()),
            "text" => return self.text(node),
            _ => None,
        };
        let Some(path) = path else { return };
        let fill = node.attribute("fill").and_then(|fill| paint(fill, node, "fill-opacity"));
        if let Some(paint) = fill.filter(|_| node.tag_name().name() != "line") {
            self.pixels.fill_path(&path, &paint, FillRule::Winding, self.scale, None);
        }
        let stroke = node.attribute("stroke");
        if let Some(paint) = stroke.and_then(|stroke| paint(stroke, node, "stroke-opacity")) {
            let width = node.attribute("stroke-width").map_or(1.0, |_| of("stroke-width"));
            let dashes = node.attribute("stroke-dasharray").unwrap_or_default();
            let dashes = dashes.split(' ').filter_map(|length| length.parse().ok()).collect();
            let dash = StrokeDash::new(dashes, 0.0);
            let stroke = Stroke { width, dash, ..Stroke::default() };
            self.pixels.stroke_path(&path, &paint, &stroke, self.scale, None);
        }
    }

    /// Draws a text: its letters one after the other, as wide as the font has them.
    fn text(&mut self, node: Node) {
        let fill = node.attribute("fill").and_then(|fill| paint(fill, node, "fill-opacity"));
        let Some(paint) = fill else { return };
        let unit = self.font / f32::from(self.face.units_per_em());
        let glyph = |letter| self.face.glyph_index(letter).unwrap_or(GlyphId(0));
        let glyphs: Vec<GlyphId> = node.text().unwrap_or_default().chars().map(glyph).collect();
        let advance = |glyph: &GlyphId| {
            unit * f32::from(self.face.glyph_hor_advance(*glyph).unwrap_or_default())
        };
        let width: f32 = glyphs.iter().map(advance).sum();
        let (x, y) = (number(node, "x"), number(node, "y"));
        let mut at = match node.attribute("text-anchor") {
            Some("middle") => x - width / 2.0,
            Some("end") => x - width,
            _ => x,
        };
        // Those that are turned read upwards.
        let turned = node.attribute("transform").map(|_| Transform::from_rotate_at(-90.0, x, y));
        let scale = turned.map_or(self.scale, |turned| self.scale.pre_concat(turned));
        for glyph in &glyphs {
            let mut outline = Outline { path: PathBuilder::new(), at: (at, y), unit };
            self.face.outline_glyph(*glyph, &mut outline);
            if let Some(path) = outline.path.finish() {
                self.pixels.fill_path(&path, &paint, FillRule::Winding, scale, None);
            }
            at += advance(glyph);
        }
    }
}

/// An attribute that is a number; 0 where it is none.
fn number(node: Node, name: &str) -> f32 {
    node.attribute(name).and_then(|value| value.parse().ok()).unwrap_or(0.0)
}

/// A colour `#rrggbb` with the opacity that an attribute gives; none for `none`.
fn paint(colour: &str, node: Node, opacity: &str) -> Option<Paint<'static>> {
    let digits = colour.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let part = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let opacity = node.attribute(opacity).map_or(1.0, |_| number(node, opacity));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and 255
    let opacity = (255.0 * opacity.clamp(0.0, 1.0)).round() as u8;
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(part(0)?, part(2)?, part(4)?, opacity);
    Some(paint)
}

/// What [`path`](super::svg::path) writes: `M`, `L` and `Z`.
fn polygon(text: &str) -> Option<Path> {
    let mut path = PathBuilder::new();
    let mut rest = text;
    while let Some(command) = rest.chars().next() {
        let end = rest[1..].find(['M', 'L', 'Z']).map_or(rest.len(), |end| end + 1);
        let (this, after) = rest.split_at(end);
        rest = after;
        if command == 'Z' {
            path.close();
            continue;
        }
        let (x, y) = this[1..].split_once(' ')?;
        let (x, y) = (x.parse().ok()?, y.trim().parse().ok()?);
        if command == 'M' { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    path.finish()
}

/// The outline of a letter, in units of the picture.
struct Outline {
    path: PathBuilder,
    at: (f32, f32),
    unit: f32,
}

impl Outline {
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        (self.at.0 + self.unit * x, self.at.1 - self.unit * y)
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.place(x1, y1), self.place(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2)) = (self.place(x1, y1), self.place(x2, y2));
        let (x, y) = self.place(x, y);
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
#[cfg(test)]
mod tests {
    use super::super::{Axis, Lines, Series, Size};
    use super::*;

    fn picture(label: &str) -> Vec<u8> {
        let line = (0..20).map(|at| (f64::from(at), 1.0 / f64::from(at + 1))).collect();
        let series = vec![Series { name: "a".to_owned(), line, ..Series::default() }];
        let x = Axis { label: label.to_owned(), ..Axis::default() };
        png(&Lines { x, series, ..Lines::default() }.svg(Size::paper(85.0))).unwrap()
    }

    #[test]
    fn a_picture_has_300_dots_an_inch_and_its_text_is_drawn() {
        let bytes = picture("epoch");
        let decoder = png::Decoder::new(std::io::Cursor::new(&bytes));
        let mut reader = decoder.read_info().unwrap();
        // 85 mm.
        assert!(reader.info().width.abs_diff(1004) <= 1, "{}", reader.info().width);
        assert_eq!(reader.info().pixel_dims.map(|dims| dims.xppu), Some(PER_METRE));
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert!(pixels.contains(&255) && pixels.iter().any(|dot| *dot < 40));
        for other in ["epocH", "→ ±", "Größe", "Ωλ"] {
            assert_ne!(bytes, picture(other), "{other}");
        }
        assert_eq!(bytes, picture("epoch"));
    }
}
