//! The text of a page: every word that is not the page's own goes through [`escaped`].

use std::fmt::Write as _;

use crate::draw::escaped;

/// A page, or a part of it, while it is written.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup of the page's own.
    pub fn markup(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    /// Text.
    pub fn text(&mut self, text: &str) {
        self.0.push_str(&escaped(text));
    }

    /// An element that holds a text.
    pub fn element(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(name, attributes);
        self.text(text);
        self.close(name);
    }

    /// Begins an element; attributes that are empty are left out.
    pub fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let _ = write!(self.0, "<{name}");
        for (key, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = write!(self.0, " {key}=\"{}\"", escaped(value));
        }
        self.0.push('>');
    }

    /// Ends it.
    pub fn close(&mut self, name: &str) {
        let _ = write!(self.0, "</{name}>");
    }

    /// A table: headings, and rows of cells, the first of each names the row. Columns of figures stand to the
    /// right.
    pub fn table(&mut self, class: &str, caption: &str, headings: &[String], rows: &[Vec<Cell>]) {
        self.markup("<div class=\"scroll\" tabindex=\"0\" role=\"region\"");
        let _ = write!(self.0, " aria-label=\"{}\">", escaped(caption));
        self.open("table", &[("class", class)]);
        self.element("caption", &[], caption);
        self.markup("<thead><tr>");
        for heading in headings {
            self.element("th", &[("scope", "col")], heading);
        }
        self.markup("</tr></thead><tbody>");
        for row in rows {
            let attributes: Vec<(&str, &str)> = row
                .first()
                .map(|cell| cell.of_row.iter().map(|(k, v)| (*k, v.as_str())).collect())
                .unwrap_or_default();
            self.open("tr", &attributes);
            for (at, cell) in row.iter().enumerate() {
                let class = match (cell.is_figure, cell.is_best) {
                    (true, true) => "figure best",
                    (true, false) => "figure",
                    (false, true) => "best",
                    (false, false) => "",
                };
                if at == 0 {
                    self.element("th", &[("scope", "row"), ("class", class)], &cell.text);
                } else {
                    self.element("td", &[("class", class)], &cell.text);
                }
            }
            self.markup("</tr>");
        }
        self.markup("</tbody></table></div>");
    }

    /// The whole.
    pub fn finish(self) -> String {
        self.0
    }
}

/// A cell of a table.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    pub text: String,
    pub is_figure: bool,
    pub is_best: bool,
    /// Attributes of its row, where it is the first.
    pub of_row: Vec<(&'static str, String)>,
}

impl Cell {
    pub fn word(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub fn figure(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_figure: true, ..Self::default() }
    }
}
