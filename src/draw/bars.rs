//! Shares of a whole, a bar each.

use super::svg::{Anchor, Svg, length};
use super::theme::{GRID, INK, Size, class, colour};

/// A bar.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bar {
    /// At the left.
    pub name: String,
    /// Which colour it has.
    pub style: usize,
    /// From 0 to 1.
    pub share: f64,
    /// At the right.
    pub said: String,
}

/// Bars, all as long as the whole is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bars {
    /// What they show, for those who do not see them.
    pub name: String,
    /// The same in a sentence or two.
    pub description: String,
    /// From the top.
    pub rows: Vec<Bar>,
}

impl Bars {
    /// As SVG.
    #[must_use]
    pub fn svg(&self, size: Size) -> String {
        let font = size.font;
        let step = 2.0 * font;
        let widest = |text: fn(&Bar) -> &str| {
            self.rows.iter().map(|bar| size.text(text(bar))).fold(0.0, f64::max)
        };
        let left = widest(|bar| &bar.name).min(0.4 * size.width) + font;
        let right = (size.width - widest(|bar| &bar.said) - font).max(left + 8.0 * font);
        let mut svg = Svg::new(size);
        for (index, bar) in self.rows.iter().enumerate() {
            #[allow(clippy::cast_precision_loss)] // a few
            let y = step * (index as f64 + 0.5);
            let name = size.cut(&bar.name, left - font);
            svg.text((0.0, y + 0.35 * font), &name, Anchor::Start, INK, false);
            let mut rect = |class: &str, share: f64, fill: &str| {
                let [x, top, width, high] =
                    [left, y - 0.5 * font, share.clamp(0.0, 1.0) * (right - left), font]
                        .map(length);
                svg.element(
                    "rect",
                    &[
                        ("class", class),
                        ("x", &x),
                        ("y", &top),
                        ("width", &width),
                        ("height", &high),
                        ("fill", fill),
                    ],
                );
            };
            rect("whole", 1.0, GRID);
            rect(&class(bar.style), bar.share, colour(bar.style));
            let at = (right + 0.6 * font, y + 0.35 * font);
            svg.text(at, &bar.said, Anchor::Start, INK, false);
        }
        #[allow(clippy::cast_precision_loss)]
        svg.finish(step * self.rows.len() as f64, &self.name, &self.description)
    }
}
