//! What a reader hands over.

/// A cell as its format has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    Missing,
    Number(f64),
    /// It may hold a number or a word for a missing cell, with blanks around it.
    Text(&'a [u8]),
}

/// The words for a missing cell: `data.missing`.
pub(super) struct MissingWords {
    words: Vec<Vec<u8>>,
    /// Whether one of them begins with this byte, which few cells of numbers do.
    begins: [bool; 256],
    has_empty: bool,
}

impl MissingWords {
    pub fn new(words: &[String]) -> Self {
        let words: Vec<Vec<u8>> =
            words.iter().map(|word| word.trim().as_bytes().to_vec()).collect();
        let mut begins = [false; 256];
        for byte in words.iter().filter_map(|word| word.first()) {
            begins[usize::from(*byte)] = true;
        }
        Self { has_empty: words.contains(&Vec::new()), words, begins }
    }

    /// The cell without blanks around its text; missing where that is one of the words.
    #[inline]
    pub fn applied<'a>(&self, cell: Cell<'a>) -> Cell<'a> {
        let Cell::Text(text) = cell else { return cell };
        let text = text.trim_ascii();
        let is_missing = match text.first() {
            None => self.has_empty,
            Some(first) => {
                self.begins[usize::from(*first)] && self.words.iter().any(|word| word == text)
            }
        };
        if is_missing { Cell::Missing } else { Cell::Text(text) }
    }
}
