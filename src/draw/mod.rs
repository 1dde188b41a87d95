//! Pictures as text: scales, marks and charts, as SVG or in the characters of a terminal.
//!
//! Here are numbers and names alone: what is drawn, in which order and under which name is decided by who asks.
//! Colours are presentation attributes, so that a picture needs no style sheet, with a class beside
//! each, so that a page can give it a theme. The same figures give the same bytes.

mod bars;
mod canvas;
mod forest;
mod lines;
mod png;
mod ranks;
mod scale;
mod scatter;
mod slopes;
mod sparkline;
mod svg;
mod terminal;
mod theme;

pub use self::png::png;
pub use bars::{Bar, Bars};
pub use forest::{Forest, Row};
pub use lines::{Lines, Series};
pub use ranks::Ranks;
pub use scale::{Axis, Kind, Point};
pub use scatter::{Dot, Scatter};
pub use slopes::{Slope, Slopes};
pub use sparkline::sparkline;
pub use svg::escaped;
pub use terminal::{Characters, lines as in_terminal};
pub use theme::Size;
