//! The frame of a chart: two axes with their ticks.

use super::scale::{Axis, Scale};
use super::svg::{Anchor, Svg};
use super::theme::{FAINT, GRID, INK, Size};

/// A plot within a picture: its edges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

/// Ticks of an axis that stands upright.
pub(super) const UPRIGHT: usize = 5;

impl Frame {
    /// Room from side to side, and from the foot to the head.
    pub fn across(&self) -> [f64; 2] {
        [self.left, self.right]
    }

    pub fn upwards(&self) -> [f64; 2] {
        [self.bottom, self.top]
    }

    /// Grid and figures of the axis below, and its label.
    pub fn x_axis(&self, svg: &mut Svg, size: Size, scale: &Scale, axis: &Axis) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some ticks
        let about = ((self.right - self.left) / (5.0 * size.font)).clamp(2.0, 10.0) as usize;
        let ticks = scale.ticks(about).into_iter();
        for tick in ticks.filter(|tick| !axis.is_whole || tick.value.fract() == 0.0) {
            let Some(x) = scale.at(tick.value) else { continue };
            svg.line((x, self.top), (x, self.bottom), "grid", GRID, 0.5);
            svg.text((x, self.bottom + 1.3 * size.font), &tick.label, Anchor::Middle, INK, false);
        }
        svg.line((self.left, self.bottom), (self.right, self.bottom), "axis", INK, 0.8);
        let middle = f64::midpoint(self.left, self.right);
        svg.text((middle, self.bottom + 2.7 * size.font), &axis.label, Anchor::Middle, INK, false);
    }

    /// The same of the axis at the left.
    pub fn y_axis(&self, svg: &mut Svg, size: Size, scale: &Scale, axis: &Axis) {
        for tick in scale.ticks(UPRIGHT) {
            let Some(y) = scale.at(tick.value) else { continue };
            svg.line((self.left, y), (self.right, y), "grid", GRID, 0.5);
            let at = (self.left - 0.5 * size.font, y + 0.35 * size.font);
            svg.text(at, &tick.label, Anchor::End, INK, false);
        }
        svg.line((self.left, self.top), (self.left, self.bottom), "axis", INK, 0.8);
        let middle = f64::midpoint(self.top, self.bottom);
        svg.text((size.font, middle), &axis.label, Anchor::Middle, INK, true);
    }
}

/// Room that the figures and the label of an upright axis take.
pub(super) fn room_of(scale: &Scale, size: Size) -> f64 {
    let widest = scale.ticks(UPRIGHT).iter().map(|tick| size.text(&tick.label)).fold(0.0, f64::max);
    widest + 2.4 * size.font
}

/// Moves labels apart that stand too close to be read, each by as little as that takes: `wanted` heights in
/// any order, `apart` from one to the next, between `top` and `bottom`.
pub(super) fn apart(wanted: &[f64], apart: f64, top: f64, bottom: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut places = wanted.to_vec();
    for pair in 1..order.len() {
        let least = places[order[pair - 1]] + apart;
        places[order[pair]] = places[order[pair]].max(least);
    }
    // What was pushed below the foot pushes the others up again.
    let mut most = bottom;
    for at in order.iter().rev() {
        places[*at] = places[*at].min(most).max(top.min(most));
        most = places[*at] - apart;
    }
    places
}

/// The lines of a note below a chart, as wide as there is room.
pub(super) fn note_lines(size: Size, left: f64, text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if size.text(line) + size.text(word) + size.font < size.width - left => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The height that so many lines of a note take.
pub(super) fn note_room(size: Size, lines: &[String]) -> f64 {
    #[allow(clippy::cast_precision_loss)] // a few
    let lines = lines.len() as f64;
    if lines > 0.0 { (1.3 * lines + 0.6) * size.font } else { 0.0 }
}

/// Writes them at the foot of a picture so high.
pub(super) fn note(svg: &mut Svg, size: Size, left: f64, height: f64, lines: &[String]) {
    for (index, line) in lines.iter().rev().enumerate() {
        #[allow(clippy::cast_precision_loss)]
        let y = height - (0.5 + 1.3 * index as f64) * size.font;
        svg.text((left, y), line, Anchor::Start, FAINT, false);
    }
}

#[cfg(test)]
mod tests {
    use super::apart;

    #[test]
    fn labels_stand_apart_in_their_order_and_stay_inside() {
        let places = apart(&[50.0, 10.0, 52.0, 99.0, 98.0], 10.0, 0.0, 100.0);
        assert_eq!(places, [50.0, 10.0, 60.0, 100.0, 90.0]);
    }
}
