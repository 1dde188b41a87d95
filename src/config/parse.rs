//! The text of a config as a tree: TOML, or JSON where the file's name ends so.
//!
//! Refused here is what no key takes: dates, `null`, numbers that are not finite or that no 64 bits
//! hold, and nesting beyond any use.

use std::cell::RefCell;
use std::sync::Arc;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use super::node::{Key, Node, Origin, Source, Value};

/// Tables and lists within each other, at most: no config needs more, and a stack has an end.
const DEPTH: usize = 32;

/// Whether the file at this path holds JSON.
#[must_use]
pub fn is_json(path: &str) -> bool {
    std::path::Path::new(path)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

/// Reads a config; its root is always a table.
///
/// # Errors
/// Where the text is not TOML or JSON, with the place.
pub fn parse(path: &str, text: &str) -> Result<Node, ConfigError> {
    let (root, faults) = parse_all(path, text)?;
    first(root, faults)
}

fn first(node: Node, faults: Vec<ConfigError>) -> Result<Node, ConfigError> {
    faults.into_iter().next().map_or(Ok(node), Err)
}

/// As [`parse`], with every value that no key takes; `false` stands in for it.
pub(super) fn parse_all(path: &str, text: &str) -> Result<(Node, Vec<ConfigError>), ConfigError> {
    // Some editors begin a file with a mark of its encoding, which is not part of the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
    let source = Arc::new(Source { name: path.to_owned(), text, command_line: false });
    if is_json(path) { parse_json(&source) } else { parse_toml(&source) }
}

fn parse_toml(source: &Arc<Source>) -> Result<(Node, Vec<ConfigError>), ConfigError> {
    let place = Place::new(source, 0);
    let table = DeTable::parse(&source.text).map_err(|error| place.toml_error(&error))?;
    let value = place.toml_table(table.get_ref(), &Way::ROOT);
    Ok((Node { value, origin: Origin::whole(source) }, place.faults.into_inner()))
}

/// Reads a TOML value from `offset` to the end of the text.
///
/// # Errors
/// Where it is none, with the place.
pub fn parse_toml_value(source: &Arc<Source>, offset: usize) -> Result<Node, ConfigError> {
    let place = Place::new(source, isize::try_from(offset).unwrap_or(isize::MAX));
    let value = DeValue::parse(&source.text[offset..]).map_err(|error| place.toml_error(&error))?;
    let node = place.toml_node(&value, &Way::ROOT);
    first(node, place.faults.into_inner())
}

/// Reads the body of an inline table, `key = value, key = value`.
///
/// # Errors
/// Where it is none, with the place.
pub fn parse_toml_body(source: &Arc<Source>) -> Result<Node, ConfigError> {
    let place = Place::new(source, -1);
    let table = format!("{{{}}}", source.text);
    let value = DeValue::parse(&table).map_err(|error| place.toml_error(&error))?;
    let node = place.toml_node(&value, &Way::ROOT);
    let whole = Node { value: node.value, origin: Origin::whole(source) };
    first(whole, place.faults.into_inner())
}

/// The keys and lists around what is being read.
struct Way<'a> {
    around: Option<&'a Way<'a>>,
    /// None in a list.
    key: Option<&'a str>,
    depth: usize,
}

impl<'a> Way<'a> {
    const ROOT: Self = Self { around: None, key: None, depth: 0 };

    fn to(&'a self, key: Option<&'a str>) -> Self {
        Self { around: Some(self), key, depth: self.depth + 1 }
    }

    /// The dotted key; empty where there is none.
    fn dotted(&self) -> String {
        let around = self.around.map_or_else(String::new, Way::dotted);
        match self.key {
            Some(key) if around.is_empty() => key.to_owned(),
            Some(key) => format!("{around}.{key}"),
            None => around,
        }
    }

    fn error(&self, origin: &Origin, fault: &str) -> ConfigError {
        let key = self.dotted();
        let key = if key.is_empty() { key } else { format!("`{key}`: ") };
        ConfigError::at(origin, format!("{key}{fault}"))
    }
}

/// Where in a source a parser's offsets begin; negative where the parser was given more in front.
struct Place<'a> {
    source: &'a Arc<Source>,
    offset: isize,
    /// What was refused so far.
    faults: RefCell<Vec<ConfigError>>,
}

impl<'a> Place<'a> {
    fn new(source: &'a Arc<Source>, offset: isize) -> Self {
        Self { source, offset, faults: RefCell::default() }
    }

    /// What stands in for a value that is refused.
    fn refuse(&self, fault: ConfigError) -> Value {
        self.faults.borrow_mut().push(fault);
        Value::Bool(false)
    }

    fn origin(&self, range: &std::ops::Range<usize>) -> Origin {
        let length = self.source.text.len();
        let at = |index: usize| index.saturating_add_signed(self.offset).min(length);
        Origin::new(self.source, at(range.start)..at(range.end))
    }

    fn toml_error(&self, error: &toml::de::Error) -> ConfigError {
        let end = self.source.text.len().saturating_add_signed(-self.offset);
        let origin = self.origin(&error.span().unwrap_or(end..end));
        ConfigError::at(&origin, format!("this is not valid TOML: {}", error.message()))
    }

    fn toml_table(&self, table: &DeTable, way: &Way) -> Value {
        let entries = table.iter().map(|(key, value)| {
            let origin = self.origin(&key.span());
            let name = key.get_ref().to_string();
            let node = self.toml_node(value, &way.to(Some(&name)));
            (Key { name, origin }, node)
        });
        Value::Table(entries.collect())
    }

    fn toml_node(&self, node: &Spanned<DeValue>, way: &Way) -> Node {
        let origin = self.origin(&node.span());
        let value = self.toml_value(node.get_ref(), &origin, way);
        Node { value: value.unwrap_or_else(|fault| self.refuse(fault)), origin }
    }

    fn toml_value(
        &self,
        value: &DeValue,
        origin: &Origin,
        way: &Way,
    ) -> Result<Value, ConfigError> {
        check_depth(origin, way)?;
        Ok(match value {
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::String(text) => Value::Str(text.to_string()),
            DeValue::Integer(digits) => {
                int(origin, way, i128::from_str_radix(digits.as_str(), digits.radix()).ok())?
            }
            DeValue::Float(digits) => float(origin, way, digits.as_str().parse().ok())?,
            DeValue::Datetime(_) => {
                return Err(way
                    .error(origin, "no key takes a date or a time")
                    .help("put it in quotes if a string is meant"));
            }
            DeValue::Array(elements) => Value::List(
                elements.iter().map(|element| self.toml_node(element, &way.to(None))).collect(),
            ),
            DeValue::Table(table) => self.toml_table(table, way),
        })
    }

    fn json_node(&self, node: &ast::Value, way: &Way) -> Node {
        let range = node.range();
        let origin = self.origin(&(range.start..range.end));
        let value = self.json_value(node, &origin, way);
        Node { value: value.unwrap_or_else(|fault| self.refuse(fault)), origin }
    }

    fn json_value(
        &self,
        node: &ast::Value,
        origin: &Origin,
        way: &Way,
    ) -> Result<Value, ConfigError> {
        check_depth(origin, way)?;
        Ok(match node {
            ast::Value::BooleanLit(literal) => Value::Bool(literal.value),
            ast::Value::StringLit(literal) => Value::Str(literal.value.to_string()),
            ast::Value::NumberLit(literal) => {
                if literal.value.contains(['.', 'e', 'E']) {
                    float(origin, way, literal.value.parse().ok())?
                } else {
                    int(origin, way, literal.value.parse().ok())?
                }
            }
            ast::Value::NullKeyword(_) => {
                return Err(way.error(origin, "no key takes null").help("leave the key out"));
            }
            ast::Value::Array(array) => Value::List(
                array
                    .elements
                    .iter()
                    .map(|element| self.json_node(element, &way.to(None)))
                    .collect(),
            ),
            ast::Value::Object(object) => self.json_table(object, way),
        })
    }

    fn json_table(&self, object: &ast::Object, way: &Way) -> Value {
        let mut seen = std::collections::HashSet::new();
        let mut entries = Vec::new();
        for property in &object.properties {
            let name = property.name.clone().into_string();
            let range = property.name.range();
            let key = Key { origin: self.origin(&(range.start..range.end)), name };
            if !seen.insert(key.name.clone()) {
                let message = format!("the key `{}` appears twice", key.name);
                self.refuse(ConfigError::at(&key.origin, message));
                continue;
            }
            let node = self.json_node(&property.value, &way.to(Some(&key.name)));
            entries.push((key, node));
        }
        Value::Table(entries)
    }
}

fn check_depth(origin: &Origin, way: &Way) -> Result<(), ConfigError> {
    if way.depth > DEPTH {
        return Err(ConfigError::at(origin, "tables and lists are nested too deeply"));
    }
    Ok(())
}

fn int(origin: &Origin, way: &Way, value: Option<i128>) -> Result<Value, ConfigError> {
    value
        .filter(|value| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(value))
        .map(Value::Int)
        .ok_or_else(|| way.error(origin, "this whole number does not fit into 64 bits"))
}

fn float(origin: &Origin, way: &Way, value: Option<f64>) -> Result<Value, ConfigError> {
    value
        .filter(|value| value.is_finite())
        // -0 and 0 are one number, so that configs are equal where their values are.
        .map(|value| Value::Float(value + 0.0))
        .ok_or_else(|| way.error(origin, "this is not a finite number: expected one, such as 0.01"))
}

fn parse_json(source: &Arc<Source>) -> Result<(Node, Vec<ConfigError>), ConfigError> {
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = jsonc_parser::parse_to_ast(&source.text, &CollectOptions::default(), &strict)
        .map_err(|error| {
            let range = error.range();
            let origin = Origin::new(source, range.start..range.end);
            ConfigError::at(&origin, format!("this is not valid JSON: {}", error.kind()))
        })?;
    let place = Place::new(source, 0);
    match parsed.value {
        Some(ast::Value::Object(object)) => {
            let value = place.json_table(&object, &Way::ROOT);
            Ok((Node { value, origin: Origin::whole(source) }, place.faults.into_inner()))
        }
        Some(value) => {
            let range = value.range();
            let origin = place.origin(&(range.start..range.end));
            Err(ConfigError::at(&origin, "a config is an object: `{ … }`"))
        }
        None => Err(ConfigError::at(&Origin::whole(source), "the file is empty")
            .help("a config is an object: `{ \"data\": { \"source\": \"digits\" } }`")),
    }
}
