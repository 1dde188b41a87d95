//! Columns of text, and how they are aligned for a terminal.

/// How a column's cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// A table: a heading and cells per column.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub columns: Vec<Column>,
    /// What is said of rows that are not shown; empty where all are.
    pub more: String,
}

/// A column of a table.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub heading: Label,
    pub align: Align,
    pub cells: Vec<Label>,
    /// Columns with the largest number go first where the table is too wide; 0 stays.
    spare: u8,
    /// Whether its cells are drawn of characters that have to be equally wide.
    pub is_drawn: bool,
}

/// A text, with a shorter one where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    pub text: String,
    pub short: Option<String>,
}

impl From<String> for Label {
    fn from(text: String) -> Self {
        Self { text, short: None }
    }
}

impl From<&str> for Label {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Label {
    fn shorten(&mut self) {
        if let Some(short) = self.short.take() {
            self.text = short;
        }
    }
}

/// Spaces between two columns.
const GAP: usize = 2;

impl Table {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column, unless no cell holds anything.
    pub fn push<C: Into<Label>>(
        &mut self,
        heading: impl Into<Label>,
        align: Align,
        spare: u8,
        cells: Vec<C>,
    ) {
        let cells: Vec<Label> = cells.into_iter().map(Into::into).collect();
        if cells.iter().any(|cell| !cell.text.is_empty()) {
            let (heading, is_drawn) = (heading.into(), false);
            self.columns.push(Column { heading, align, cells, spare, is_drawn });
        }
    }

    /// Adds a column whose cells are drawn.
    pub fn push_drawn(&mut self, heading: &str, cells: Vec<String>) {
        self.push(heading, Align::Left, 0, cells);
        if let Some(column) = self.columns.last_mut() {
            column.is_drawn = true;
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.rows() == 0
    }

    /// Takes the shorter text of every heading and cell.
    pub fn shorten(&mut self) {
        self.columns.iter_mut().for_each(|column| column.heading.shorten());
        self.shorten_cells();
    }

    /// Takes the shorter text of every cell.
    pub fn shorten_cells(&mut self) {
        self.columns.iter_mut().flat_map(|column| &mut column.cells).for_each(Label::shorten);
    }

    /// Of its lines.
    pub fn width(&self) -> usize {
        let gaps = GAP * self.columns.len().saturating_sub(1);
        self.columns.iter().map(Column::width).sum::<usize>() + gaps
    }

    /// Leaves out columns to spare until the table is within `width`, and gives their headings.
    pub fn fit(&mut self, width: Option<usize>) -> Vec<String> {
        let mut headings: Vec<String> =
            self.columns.iter().map(|column| column.heading.text.clone()).collect();
        while width.is_some_and(|width| self.width() > width) {
            let most = self.columns.iter().map(|column| column.spare).max().unwrap_or(0);
            if most == 0 {
                break;
            }
            if let Some(index) = self.columns.iter().rposition(|column| column.spare == most) {
                self.columns.remove(index);
            }
        }
        headings
            .retain(|heading| self.columns.iter().all(|column| column.heading.text != *heading));
        headings
    }

    pub fn rows(&self) -> usize {
        self.columns.iter().map(|column| column.cells.len()).max().unwrap_or(0)
    }

    /// The lines of the table; none where it has no rows.
    pub fn render(&self) -> String {
        let rows = self.rows();
        if rows == 0 {
            return String::new();
        }
        let widths: Vec<usize> = self.columns.iter().map(Column::width).collect();
        let mut text = self.line(&widths, |column| &column.heading.text);
        for row in 0..rows {
            text.push_str(&self.line(&widths, |column| column.cell(row)));
        }
        text
    }

    fn line<'a>(&'a self, widths: &[usize], cell: impl Fn(&'a Column) -> &'a str) -> String {
        let mut line = String::new();
        for (index, (column, width)) in self.columns.iter().zip(widths).enumerate() {
            if index > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            line.push_str(&padded(cell(column), column.align, *width));
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

impl Column {
    /// Characters of the widest text.
    pub fn width(&self) -> usize {
        let cells = self.cells.iter().chain([&self.heading]);
        cells.map(|cell| cell.text.chars().count()).max().unwrap_or(0)
    }

    /// The text of a row; empty below the last.
    pub fn cell(&self, row: usize) -> &str {
        self.cells.get(row).map_or("", |cell| &cell.text)
    }
}

/// A text with spaces to a width.
pub(super) fn padded(text: &str, align: Align, width: usize) -> String {
    let pad = " ".repeat(width.saturating_sub(text.chars().count()));
    match align {
        Align::Left => format!("{text}{pad}"),
        Align::Right => format!("{pad}{text}"),
    }
}

/// What a terminal was too narrow for.
pub(super) fn narrow(left_out: &[String]) -> String {
    format!("no room for: {} (a file or a pipe gets all)", left_out.join(", "))
}
