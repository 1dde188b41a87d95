//! A picture as PNG: its SVG, drawn by resvg with letters that come along.

use std::fmt::Display;

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// As wide, letter for letter, as the Helvetica that pictures are laid out for. See `font/README.md`.
const FONT: &[u8] = include_bytes!("font/Arimo-subset.ttf");
const FAMILY: &str = "Arimo";

/// Dots per inch, as journals ask for.
const DPI: f32 = 300.0;

/// Dots per metre.
const PER_METRE: u32 = 11_811;

/// A picture of paper size in dots, on white, with its size in millimetres.
///
/// # Errors
/// Where `svg` is none, or too large to be drawn.
pub fn png(svg: &str) -> Result<Vec<u8>, String> {
    let mut options = Options { dpi: DPI, font_family: FAMILY.to_owned(), ..Options::default() };
    let fonts = options.fontdb_mut();
    fonts.load_font_data(FONT.to_vec());
    fonts.set_sans_serif_family(FAMILY);
    let failed = |error: &dyn Display| format!("the picture cannot be drawn: {error}");
    let tree = Tree::from_str(svg, &options).map_err(|error| failed(&error))?;
    let size = tree.size().to_int_size();
    let (width, height) = (size.width(), size.height());
    let mut pixels = Pixmap::new(width, height).ok_or_else(|| failed(&"it is too large"))?;
    pixels.fill(Color::WHITE);
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let unit = png::Unit::Meter;
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: PER_METRE, yppu: PER_METRE, unit }));
    // On white nothing shines through.
    let colours: Vec<u8> =
        pixels.data().chunks_exact(4).flat_map(|dot| &dot[..3]).copied().collect();
    let mut writer = encoder.write_header().map_err(|error| failed(&error))?;
    writer.write_image_data(&colours).map_err(|error| failed(&error))?;
    writer.finish().map_err(|error| failed(&error))?;
    Ok(bytes)
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
