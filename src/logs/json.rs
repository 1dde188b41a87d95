//! JSON as Python writes it, with bare `NaN` and infinities, and as small in memory as numbers are.

use serde_json::{Map, Value};

/// How deep lists and objects may nest.
const DEEPEST: usize = 100;

/// A value of JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(Box<str>),
    /// A list of nothing but numbers.
    Numbers(Vec<f64>),
    List(Vec<Json>),
    Object(Vec<(Box<str>, Json)>),
}

/// Where and why a text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoJson {
    pub offset: usize,
    pub problem: &'static str,
}

impl Json {
    /// Reads a whole text.
    pub fn parse(text: &[u8]) -> Result<Self, NoJson> {
        let mut parser = Parser { text, at: 0, room: ROOM + 12 * text.len() };
        let value = parser.value(0)?;
        parser.blanks();
        if parser.at < text.len() {
            return Err(parser.fault("expected nothing behind the value"));
        }
        Ok(value)
    }

    /// Of an object, the value of a key; the last one where it stands there several times.
    pub fn get(&self, key: &str) -> Option<&Json> {
        let Self::Object(entries) = self else { return None };
        entries.iter().rev().find(|(name, _)| **name == *key).map(|(_, value)| value)
    }

    pub fn entries(&self) -> Option<&[(Box<str>, Json)]> {
        match self {
            Self::Object(entries) => Some(entries),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number, or a text that stands for one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            Self::Text(text) => super::number::in_json(text),
            _ => None,
        }
    }

    /// The items of a list of numbers, in which `null` is what was not measured.
    pub fn numbers(&self) -> Option<Vec<Option<f64>>> {
        match self {
            Self::Numbers(values) => Some(values.iter().copied().map(Some).collect()),
            Self::List(items) => items
                .iter()
                .map(|item| match item {
                    Json::Null => Some(None),
                    item => item.number().map(Some),
                })
                .collect(),
            _ => None,
        }
    }

    pub fn list(&self) -> Option<&[Json]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// As other rooms hold JSON; what is not finite becomes text.
    pub fn value(&self) -> Value {
        let number = |value: f64| {
            #[allow(clippy::cast_possible_truncation)] // within 2^53
            let whole = value.fract() == 0.0 && value.abs() < 9e15;
            if whole {
                #[allow(clippy::cast_possible_truncation)]
                return Value::from(value as i64);
            }
            serde_json::Number::from_f64(value)
                .map_or_else(|| value.to_string().into(), Value::Number)
        };
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Number(value) => number(*value),
            Self::Text(text) => text.to_string().into(),
            Self::Numbers(values) => values.iter().copied().map(number).collect(),
            Self::List(items) => items.iter().map(Self::value).collect(),
            Self::Object(entries) => Value::Object(
                entries.iter().map(|(key, value)| (key.to_string(), value.value())).collect(),
            ),
        }
    }

    /// The entries of an object as parameters, tables below it by dotted keys.
    pub fn parameters(&self) -> Map<String, Value> {
        fn add(prefix: &str, json: &Json, found: &mut Map<String, Value>) {
            for (key, value) in json.entries().unwrap_or_default() {
                let key =
                    if prefix.is_empty() { key.to_string() } else { format!("{prefix}.{key}") };
                match value {
                    Json::Object(_) => add(&key, value, found),
                    value => {
                        found.insert(key, value.value());
                    }
                }
            }
        }
        let mut found = Map::new();
        add("", self, &mut found);
        found
    }
}

/// Bytes that values may take beside twelve times their text.
const ROOM: usize = 32 << 20;

/// Bytes of an entry of an object, of an item of a list, and of what the allocator adds to a text.
const OF_ENTRY: usize = 64;
const OF_ITEM: usize = 32;
const OF_TEXT: usize = 24;

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    /// Bytes that values may still take.
    room: usize,
}

impl Parser<'_> {
    fn fault(&self, problem: &'static str) -> NoJson {
        // An escape at the very end is looked for behind it.
        NoJson { offset: self.at.min(self.text.len()), problem }
    }

    /// Takes room for a value.
    fn take(&mut self, bytes: usize) -> Result<(), NoJson> {
        let left = self.room.checked_sub(bytes);
        self.room = left.ok_or_else(|| {
            self.fault("more small values than fit into the memory that such a text is given")
        })?;
        Ok(())
    }

    fn blanks(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn takes(&mut self, word: &[u8]) -> bool {
        let found = self.text[self.at..].starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Result<Json, NoJson> {
        if depth > DEEPEST {
            return Err(self.fault("lists and objects nest more than 100 deep"));
        }
        self.blanks();
        match self.text.get(self.at) {
            None => Err(self.fault("the text ends where a value is expected")),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Json::Text),
            Some(_) => self.word(),
        }
    }

    fn word(&mut self) -> Result<Json, NoJson> {
        const WORDS: [(&[u8], Json); 7] = [
            (b"null", Json::Null),
            (b"true", Json::Bool(true)),
            (b"false", Json::Bool(false)),
            (b"NaN", Json::Number(f64::NAN)),
            (b"-NaN", Json::Number(f64::NAN)),
            (b"Infinity", Json::Number(f64::INFINITY)),
            (b"-Infinity", Json::Number(f64::NEG_INFINITY)),
        ];
        for (word, value) in WORDS {
            if self.takes(word) {
                return Ok(value);
            }
        }
        let rest = &self.text[self.at..];
        let is_part = |c: &u8| c.is_ascii_digit() || b"+-.eE".contains(c);
        let length = rest.iter().position(|c| !is_part(c)).unwrap_or(rest.len());
        let number = std::str::from_utf8(&rest[..length]).ok().and_then(|text| text.parse().ok());
        let value = number.ok_or_else(|| self.fault("expected a value"))?;
        self.at += length;
        Ok(Json::Number(value))
    }

    fn list(&mut self, depth: usize) -> Result<Json, NoJson> {
        self.at += 1;
        let mut numbers = Vec::new();
        self.blanks();
        if self.takes(b"]") {
            return Ok(Json::List(Vec::new()));
        }
        let mut items: Vec<Json> = Vec::new();
        loop {
            match self.value(depth + 1)? {
                Json::Number(value) if items.is_empty() => numbers.push(value),
                other => {
                    self.take(OF_ITEM * (1 + numbers.len()))?;
                    items.extend(numbers.drain(..).map(Json::Number));
                    items.push(other);
                }
            }
            self.blanks();
            if self.takes(b"]") {
                break;
            }
            if !self.takes(b",") {
                return Err(self.fault("expected `,` or `]` in a list"));
            }
        }
        numbers.shrink_to_fit();
        items.shrink_to_fit();
        Ok(if items.is_empty() { Json::Numbers(numbers) } else { Json::List(items) })
    }

    fn object(&mut self, depth: usize) -> Result<Json, NoJson> {
        self.at += 1;
        let mut entries = Vec::new();
        self.blanks();
        if self.takes(b"}") {
            return Ok(Json::Object(entries));
        }
        loop {
            self.blanks();
            if self.text.get(self.at) != Some(&b'"') {
                return Err(self.fault("expected a key in quotes"));
            }
            let key = self.string()?;
            self.blanks();
            if !self.takes(b":") {
                return Err(self.fault("expected `:` behind a key"));
            }
            self.take(OF_ENTRY)?;
            entries.push((key, self.value(depth + 1)?));
            self.blanks();
            if self.takes(b"}") {
                entries.shrink_to_fit();
                return Ok(Json::Object(entries));
            }
            if !self.takes(b",") {
                return Err(self.fault("expected `,` or `}` in an object"));
            }
        }
    }

    fn string(&mut self) -> Result<Box<str>, NoJson> {
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.iter().position(|c| *c == b'"' || *c == b'\\');
            let plain = plain.ok_or_else(|| self.fault("a text without its closing quote"))?;
            bytes.extend_from_slice(&rest[..plain]);
            self.at += plain + 1;
            if rest[plain] == b'"' {
                break;
            }
            self.escape(&mut bytes)?;
        }
        self.take(OF_TEXT + bytes.len())?;
        // Names and notes: what is no UTF-8 in them costs no curve.
        Ok(String::from_utf8_lossy(&bytes).into_owned().into_boxed_str())
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), NoJson> {
        let escaped = self.text.get(self.at).copied();
        self.at += 1;
        let plain = match escaped {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(c @ (b'"' | b'\\' | b'/')) => c,
            Some(b'u') => {
                let mut letter = self.hex()?;
                if (0xd800..0xdc00).contains(&letter) && self.takes(b"\\u") {
                    let low = self.hex()?;
                    letter =
                        0x10000 + ((letter - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff);
                }
                let letter = char::from_u32(letter).unwrap_or(char::REPLACEMENT_CHARACTER);
                bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(self.fault("an unknown escape in a text")),
        };
        bytes.push(plain);
        Ok(())
    }

    fn hex(&mut self) -> Result<u32, NoJson> {
        let digits = self.text.get(self.at..self.at + 4).and_then(|d| std::str::from_utf8(d).ok());
        let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at = (self.at + 4).min(self.text.len());
        value.ok_or_else(|| self.fault("expected four hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pythons_words_for_what_is_not_finite_are_numbers() {
        let json = Json::parse(b"{\"a\": [NaN, -Infinity, Infinity], \"b\": \"NaN\"}").unwrap();
        let Some(Json::Numbers(values)) = json.get("a") else { panic!("{json:?}") };
        assert!(values[0].is_nan() && values[1] == f64::NEG_INFINITY);
        assert!(json.get("b").and_then(Json::number).is_some_and(f64::is_nan));
    }

    #[test]
    fn what_is_no_json_is_an_error_at_its_place() {
        let fault = |text: &str| Json::parse(text.as_bytes()).unwrap_err();
        assert_eq!(fault("{\"a\": [1, 2").offset, 11);
        assert_eq!(fault("[1] 2").problem, "expected nothing behind the value");
        assert!(fault(&"[".repeat(5000)).problem.contains("100 deep"));
        assert_eq!(fault("\"abc").problem, "a text without its closing quote");
        assert_eq!(fault("\"abc\\").offset, 5);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-1e9..1e9).prop_map(|v: f64| Value::from(v + 0.5)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-z\"]{1,4}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn plain_json_is_read_as_serde_reads_it(value in any_value()) {
            let text = value.to_string();
            let read = Json::parse(text.as_bytes()).unwrap().value();
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), read);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = Json::parse(&bytes);
        }
    }
}
