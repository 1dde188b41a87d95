//! Columns of text, aligned for a terminal or as Markdown.

/// How a column's cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// A table: a heading and cells per column.
pub(super) struct Table {
    columns: Vec<Column>,
}

struct Column {
    heading: String,
    align: Align,
    cells: Vec<String>,
    /// Columns with the largest number go first where the table is too wide; 0 stays.
    spare: u8,
}

/// Spaces between two columns.
const GAP: usize = 2;

impl Table {
    pub fn new() -> Self {
        Self { columns: Vec::new() }
    }

    /// Adds a column, unless no cell holds anything.
    pub fn push(&mut self, heading: &str, align: Align, spare: u8, cells: Vec<String>) {
        if cells.iter().any(|cell| !cell.is_empty()) {
            self.columns.push(Column { heading: heading.to_owned(), align, cells, spare });
        }
    }

    /// Of its lines.
    pub fn width(&self) -> usize {
        let gaps = GAP * self.columns.len().saturating_sub(1);
        self.columns.iter().map(Column::width).sum::<usize>() + gaps
    }

    /// Leaves out columns to spare until the table is within `width`, and gives their headings.
    pub fn fit(&mut self, width: Option<usize>) -> Vec<String> {
        let mut headings: Vec<String> =
            self.columns.iter().map(|column| column.heading.clone()).collect();
        while width.is_some_and(|width| self.width() > width) {
            let most = self.columns.iter().map(|column| column.spare).max().unwrap_or(0);
            if most == 0 {
                break;
            }
            if let Some(index) = self.columns.iter().rposition(|column| column.spare == most) {
                self.columns.remove(index);
            }
        }
        headings.retain(|heading| self.columns.iter().all(|column| column.heading != *heading));
        headings
    }

    fn rows(&self) -> usize {
        self.columns.iter().map(|column| column.cells.len()).max().unwrap_or(0)
    }

    /// The lines of the table; none where it has no rows.
    pub fn render(&self) -> String {
        let rows = self.rows();
        if rows == 0 {
            return String::new();
        }
        let widths: Vec<usize> = self.columns.iter().map(Column::width).collect();
        let mut text = self.line(&widths, |column| &column.heading);
        for row in 0..rows {
            text.push_str(
                &self.line(&widths, |column| column.cells.get(row).map_or("", String::as_str)),
            );
        }
        text
    }

    /// The table in GitHub's Markdown, aligned in its source too; nothing where it has no rows.
    pub fn markdown(mut self) -> String {
        let rows = self.rows();
        if rows == 0 {
            return String::new();
        }
        self.columns = self.columns.into_iter().map(Column::for_markdown).collect();
        let widths: Vec<usize> = self.columns.iter().map(Column::width).collect();
        let mut text = self.markdown_line(&widths, |column| column.heading.trim_end());
        text.push('|');
        for (column, width) in self.columns.iter().zip(&widths) {
            let (dashes, end) = match column.align {
                Align::Left => (*width, " |"),
                Align::Right => (width - 1, ": |"),
            };
            text.extend([" ", &"-".repeat(dashes), end]);
        }
        text.push('\n');
        for row in 0..rows {
            text.push_str(
                &self.markdown_line(&widths, |column| {
                    column.cells.get(row).map_or("", String::as_str)
                }),
            );
        }
        text
    }

    fn markdown_line<'a>(
        &'a self,
        widths: &[usize],
        cell: impl Fn(&'a Column) -> &'a str,
    ) -> String {
        let mut line = String::from("|");
        for (column, width) in self.columns.iter().zip(widths) {
            line.extend([" ", &padded(cell(column), column.align, *width), " |"]);
        }
        line.push('\n');
        line
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
    /// With the pipes in its cells escaped, and as wide as the shortest ruler.
    fn for_markdown(mut self) -> Self {
        let cells = self.cells.iter_mut().chain([&mut self.heading]);
        cells.for_each(|cell| *cell = cell.replace('|', "\\|"));
        let missing = 3_usize.saturating_sub(self.heading.chars().count());
        self.heading.push_str(&" ".repeat(missing));
        self
    }

    fn width(&self) -> usize {
        let cells = self.cells.iter().chain([&self.heading]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

fn padded(text: &str, align: Align, width: usize) -> String {
    let pad = " ".repeat(width.saturating_sub(text.chars().count()));
    match align {
        Align::Left => format!("{text}{pad}"),
        Align::Right => format!("{pad}{text}"),
    }
}

/// What a terminal was too narrow for.
pub(super) fn narrow(left_out: &[String]) -> String {
    format!("too narrow for: {} (a file or a pipe gets all)", left_out.join(", "))
}

/// Words broken into lines within `width`, further lines indented; `95 %` and `p = 0.1` stay whole.
pub(super) fn wrap(text: &str, width: usize, indent: &str) -> String {
    const NO_BREAK: &str = "\u{a0}";
    let text = text.replace(" %", "\u{a0}%").replace(" = ", "\u{a0}=\u{a0}");
    let mut wrapped = String::new();
    let mut column = 0;
    for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            wrapped.push('\n');
            wrapped.push_str(indent);
            column = indent.len();
        } else if column > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(&word.replace(NO_BREAK, " "));
        column += length;
    }
    wrapped.push('\n');
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_but_not_within_a_figure() {
        assert_eq!(
            wrap("an interval of 95 % and p = 0.1", 16, "  "),
            "an interval of\n  95 % and\n  p = 0.1\n"
        );
        assert_eq!(wrap("aaaaaaaaaa b", 4, ""), "aaaaaaaaaa\nb\n");
    }
}
