//! Mean ranks on a line, with bars over those that cannot be told apart (Demsar 2006, figure 1).

use super::canvas::{note, note_lines, note_room};
use super::scale::Scale;
use super::svg::{Anchor, Svg};
use super::theme::{FAINT, INK, Size};

/// A diagram of critical differences.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ranks {
    /// What it shows, for those who do not see it.
    pub name: String,
    /// The same in a sentence or two.
    pub description: String,
    /// What there is to know of it, below.
    pub note: String,
    /// Names with their mean ranks, from 1 for the best.
    pub ranked: Vec<(String, f64)>,
    /// Ranks closer than this cannot be told apart; none where nothing is known of it.
    pub critical_difference: Option<f64>,
}

impl Ranks {
    /// As SVG.
    #[must_use]
    pub fn svg(&self, size: Size) -> String {
        let font = size.font;
        let mut ranked = self.ranked.clone();
        ranked.sort_by(|a, b| a.1.total_cmp(&b.1));
        #[allow(clippy::cast_precision_loss)] // a few
        let most = (ranked.len() as f64).max(2.0);
        let margin = 0.3 * size.width;
        let x = Scale::between([1.0, most], [margin, size.width - margin]);
        let line = 3.0 * font;
        let mut svg = Svg::new(size);
        let at = |rank: f64| x.at(rank).unwrap_or(margin);
        svg.line((at(1.0), line), (at(most), line), "axis", INK, 1.0);
        for rank in 1..=ranked.len().max(2) {
            #[allow(clippy::cast_precision_loss)]
            let x = at(rank as f64);
            svg.line((x, line - 0.4 * font), (x, line), "axis", INK, 0.8);
            svg.text((x, line - 0.8 * font), &rank.to_string(), Anchor::Middle, INK, false);
        }
        let cliques = self.cliques(&ranked);
        let mut y = line + 0.7 * font;
        for (from, to) in &cliques {
            svg.line((at(*from) - 0.3 * font, y), (at(*to) + 0.3 * font, y), "ink", INK, 2.5);
            y += 0.7 * font;
        }
        let half = ranked.len().div_ceil(2);
        let mut lowest = y;
        for (index, (name, rank)) in ranked.iter().enumerate() {
            let is_left = index < half;
            let row = if is_left { index } else { ranked.len() - 1 - index };
            #[allow(clippy::cast_precision_loss)]
            let height = y + font * (1.0 + 1.5 * row as f64);
            lowest = lowest.max(height);
            let edge = if is_left { margin - 0.5 * font } else { size.width - margin + 0.5 * font };
            svg.line((at(*rank), line), (at(*rank), height), "ink", INK, 0.8);
            svg.line((at(*rank), height), (edge, height), "ink", INK, 0.8);
            let text = size.cut(&format!("{name} ({rank:.2})"), margin - font);
            let (x, anchor) = if is_left {
                (edge - 0.3 * font, Anchor::End)
            } else {
                (edge + 0.3 * font, Anchor::Start)
            };
            svg.text((x, height + 0.35 * font), &text, anchor, INK, false);
        }
        if let Some(difference) = self.critical_difference {
            let to = at(1.0) + (at(2.0) - at(1.0)) * difference;
            let y = 0.9 * font;
            svg.line((at(1.0), y), (to, y), "faint", FAINT, 1.2);
            let text = format!("critical difference {difference:.2}");
            svg.text((to + 0.5 * font, y + 0.35 * font), &text, Anchor::Start, FAINT, false);
        }
        let note_lines = note_lines(size, 0.0, &self.note);
        let height = lowest + font + note_room(size, &note_lines);
        note(&mut svg, size, 0.0, height, &note_lines);
        svg.finish(height, &self.name, &self.description)
    }

    /// From where to where ranks cannot be told apart, none within another.
    fn cliques(&self, ranked: &[(String, f64)]) -> Vec<(f64, f64)> {
        let Some(difference) = self.critical_difference else { return Vec::new() };
        // By places: several may have the same rank.
        let (mut found, mut reached) = (Vec::new(), 0);
        for (place, (_, from)) in ranked.iter().enumerate() {
            let is_far = |(_, rank): &(String, f64)| rank - from > difference;
            let last = ranked.iter().position(is_far).unwrap_or(ranked.len()) - 1;
            if last > place && last > reached {
                found.push((*from, ranked[last].1));
                reached = last;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_join_what_cannot_be_told_apart_and_no_bar_lies_within_another() {
        let ranked = [("a", 1.2), ("b", 1.9), ("c", 2.4), ("d", 4.0)];
        let ranked: Vec<(String, f64)> =
            ranked.iter().map(|(name, rank)| ((*name).to_owned(), *rank)).collect();
        let ranks =
            Ranks { ranked: ranked.clone(), critical_difference: Some(1.0), ..Ranks::default() };
        assert_eq!(ranks.cliques(&ranked), [(1.2, 1.9), (1.9, 2.4)]);
        assert!(ranks.svg(Size::page()).contains("critical difference 1.00"));
        // Equal ranks are a bar, too, and one alone.
        let equal = [("a", 1.0), ("b", 2.5), ("c", 2.5), ("d", 4.0)];
        let equal = equal.map(|(name, rank)| (name.to_owned(), rank));
        assert_eq!(ranks.cliques(&equal), [(2.5, 2.5)]);
    }
}
