//! Curves in the characters of a terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::lines::Lines;
use super::scale::{Kind, Scale};

/// What a terminal can show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Characters {
    /// Braille, two by four dots in each character, and blocks of eight heights.
    #[default]
    Unicode,
    /// A letter for each series.
    Ascii,
}

/// ANSI colours of the series, near those of pictures.
const COLOURS: [&str; 6] = ["34", "31", "32", "35", "33", "36"];

/// A chart so many characters wide and high, its names below; `colour`: in colours.
#[must_use]
pub fn lines(
    chart: &Lines,
    width: usize,
    height: usize,
    characters: Characters,
    colour: bool,
) -> String {
    let ys = || chart.series.iter().flat_map(|series| series.line.iter().chain(&series.thin));
    #[allow(clippy::cast_precision_loss)] // characters of a terminal
    let probe = Scale::over(chart.y.kind, ys().map(|point| point.1), [height as f64, 0.0]);
    let ticks = probe.ticks(4);
    let room = ticks.iter().map(|tick| tick.label.chars().count()).max().unwrap_or(1);
    let columns = width.saturating_sub(room + 2).max(8);
    let (across, down) = match characters {
        Characters::Unicode => (2, 4),
        Characters::Ascii => (1, 1),
    };
    let mut grid = Grid::new(columns, height, across, down);
    #[allow(clippy::cast_precision_loss)]
    let (right, foot) = ((columns * across - 1) as f64, (height * down - 1) as f64);
    let x = Scale::over(Kind::Linear, ys().map(|point| point.0), [0.0, right]);
    let y = Scale::over(chart.y.kind, ys().map(|point| point.1), [foot, 0.0]);
    for (index, series) in chart.series.iter().enumerate() {
        for curve in [&series.line, &series.thin] {
            let mut before = None;
            for point in curve {
                let at = x.at(point.0).zip(y.at(point.1));
                if let Some(at) = at {
                    grid.draw(before.unwrap_or(at), at, index);
                }
                before = at;
            }
        }
    }
    // Its letter where each series ends, the first where several end together.
    for (index, series) in chart.series.iter().enumerate().rev() {
        let last = series.thin.last().or(series.line.last());
        if let Some(at) = last.and_then(|last| x.at(last.0).zip(y.at(last.1))) {
            grid.end(at, index);
        }
    }
    let rows: Vec<(usize, &str)> = ticks
        .iter()
        .filter_map(|tick| {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss
            )] // inside the grid
            let row = (y.at(tick.value)? / down as f64).round() as usize;
            Some((row.min(height - 1), tick.label.as_str()))
        })
        .collect();
    let bar = if characters == Characters::Ascii { '|' } else { '│' };
    let mut text = format!("{}\n", chart.y.label);
    for row in 0..height {
        let label = rows.iter().find(|(at, _)| *at == row).map_or("", |(_, label)| label);
        let _ = write!(text, "{label:>room$} {bar}");
        text.push_str(grid.row(row, characters, colour).trim_end());
        text.push('\n');
    }
    let (corner, dash) = if characters == Characters::Ascii { ('+', "-") } else { ('└', "─") };
    let _ = writeln!(text, "{:room$} {corner}{}", "", dash.repeat(columns));
    let ends = x.ticks(columns / 10);
    let mut below = vec![' '; columns + room + 2];
    for tick in ends.into_iter().filter(|tick| !chart.x.is_whole || tick.value.fract() == 0.0) {
        let Some(at) = x.at(tick.value) else { continue };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss
        )]
        let at = room + 2 + (at / across as f64) as usize;
        let from = at.saturating_sub(tick.label.len() / 2);
        if from + tick.label.len() <= below.len()
            && below[from.saturating_sub(1)..from + tick.label.len()].iter().all(|c| *c == ' ')
        {
            for (place, letter) in below[from..].iter_mut().zip(tick.label.chars()) {
                *place = letter;
            }
        }
    }
    text.push_str(below.into_iter().collect::<String>().trim_end());
    let _ = writeln!(text, "\n{:room$}  {}", "", chart.x.label);
    for (index, series) in chart.series.iter().enumerate() {
        let mark = coloured(&letter_of(index).to_string(), index, colour);
        let _ = writeln!(text, "{:room$}  {mark} {}", "", series.name);
    }
    text
}

/// The letter of a series.
fn letter_of(series: usize) -> char {
    #[allow(clippy::cast_possible_truncation)] // below 26
    let letter = b'a' + (series % 26) as u8;
    char::from(letter)
}

fn coloured(text: &str, series: usize, colour: bool) -> String {
    if colour {
        format!("\x1b[{}m{text}\x1b[0m", COLOURS[series % COLOURS.len()])
    } else {
        text.to_owned()
    }
}

/// The dots of a character of braille by column and row, as Unicode numbers them.
const BITS: [[u8; 4]; 2] = [[0, 1, 2, 6], [3, 4, 5, 7]];

/// Dots, several in each character.
struct Grid {
    columns: usize,
    across: usize,
    down: usize,
    /// Of each character: its dots, and the series that was there last.
    cells: Vec<(u8, usize)>,
    rows: usize,
    /// Characters that are the letters of series, by row and column.
    ends: BTreeMap<(usize, usize), usize>,
}

impl Grid {
    fn new(columns: usize, rows: usize, across: usize, down: usize) -> Self {
        Self {
            columns,
            across,
            down,
            cells: vec![(0, 0); columns * rows],
            rows,
            ends: BTreeMap::new(),
        }
    }

    fn draw(&mut self, from: (f64, f64), to: (f64, f64), series: usize) {
        let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs()).ceil().max(1.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // inside the grid
        for step in 0..=steps as usize {
            #[allow(clippy::cast_precision_loss)]
            let share = step as f64 / steps;
            let at = |a: f64, b: f64| (a + share * (b - a)).round().max(0.0) as usize;
            self.dot(at(from.0, to.0), at(from.1, to.1), series);
        }
    }

    /// Puts the letter of a series over what is there.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // inside the grid
    fn end(&mut self, at: (f64, f64), series: usize) {
        let (column, row) =
            (at.0.max(0.0) as usize / self.across, at.1.max(0.0) as usize / self.down);
        if column < self.columns && row < self.rows {
            self.ends.insert((row, column), series);
        }
    }

    fn dot(&mut self, x: usize, y: usize, series: usize) {
        let (column, row) = (x / self.across, y / self.down);
        if column >= self.columns || row >= self.rows {
            return;
        }
        let bit = if self.down == 1 { 0 } else { BITS[x % self.across][y % self.down] };
        let cell = &mut self.cells[row * self.columns + column];
        *cell = (cell.0 | 1 << bit, series);
    }

    fn row(&self, row: usize, characters: Characters, colour: bool) -> String {
        let cells = &self.cells[row * self.columns..][..self.columns];
        let letter = |(column, (dots, series)): (usize, &(u8, usize))| match (dots, characters) {
            _ if self.ends.contains_key(&(row, column)) => {
                let series = self.ends[&(row, column)];
                coloured(&letter_of(series).to_string(), series, colour)
            }
            (0, _) => " ".to_owned(),
            (dots, Characters::Unicode) => {
                let letter = char::from_u32(0x2800 + u32::from(*dots)).unwrap_or(' ');
                coloured(&letter.to_string(), *series, colour)
            }
            (_, Characters::Ascii) => coloured(&letter_of(*series).to_string(), *series, colour),
        };
        cells.iter().enumerate().map(letter).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::Series;
    use super::*;

    fn chart() -> Lines {
        let series = |name: &str, from: f64| Series {
            name: name.to_owned(),
            line: (0..50).map(|at| (f64::from(at), from / f64::from(at + 1))).collect(),
            ..Series::default()
        };
        Lines { series: vec![series("none", 1.0), series("batch", 0.5)], ..Lines::default() }
    }

    #[test]
    fn a_chart_is_as_wide_as_it_may_be_and_names_every_series() {
        for width in [40, 80, 120] {
            for characters in [Characters::Unicode, Characters::Ascii] {
                let text = lines(&chart(), width, 12, characters, false);
                assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
                assert!(text.contains(" none\n") && text.contains(" batch\n"), "{text}");
                assert_eq!(characters == Characters::Ascii, text.is_ascii(), "{text}");
                assert!(!text.contains('\x1b'));
            }
        }
    }
}
