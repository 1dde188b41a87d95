//! serde reads a checked type from a tree; what it refuses is shown where it was written.
//!
//! A fault raised while a key is read points at the key, one raised while a value is read at the
//! innermost value that was being read.

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::error::ConfigError;
use super::fault::{Elsewhere, Fault, Path, no_other_table};
use super::node::{Key, Node, Value};
use crate::kinds;
use crate::text::quoted;

/// Reads a value from the root of a config.
///
/// # Errors
/// Where the tree does not hold such a value.
pub fn decode<T: DeserializeOwned>(root: &Node) -> Result<T, ConfigError> {
    decode_with(root, no_other_table)
}

/// As [`decode`]; `elsewhere` names the tables in which a key that is unknown where it stands is
/// known.
///
/// # Errors
/// Where the tree does not hold such a value.
pub(super) fn decode_with<T: DeserializeOwned>(
    root: &Node,
    elsewhere: Elsewhere,
) -> Result<T, ConfigError> {
    let path = Path { around: None, name: "", elsewhere };
    T::deserialize(Reader { node: root, path: &path })
        .map_err(|fault| fault.placed(&root.origin, &path).into_error())
}

/// A value that serde reads.
struct Reader<'a> {
    node: &'a Node,
    path: &'a Path<'a>,
}

impl Reader<'_> {
    fn unfit(&self, expected: &dyn Expected) -> Fault {
        let found = match &self.node.value {
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Int(value) => match (u64::try_from(*value), i64::try_from(*value)) {
                (Ok(value), _) => Unexpected::Unsigned(value),
                (_, Ok(value)) => Unexpected::Signed(value),
                _ => Unexpected::Other("a large number"),
            },
            Value::Float(value) => Unexpected::Float(*value),
            Value::Str(text) => Unexpected::Str(text),
            Value::List(_) => Unexpected::Seq,
            Value::Table(_) => Unexpected::Map,
        };
        de::Error::invalid_type(found, expected)
    }

    fn float<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.value {
            // Beyond 2^53 the nearest float is what a reader of `1e30` expects too.
            #[allow(clippy::cast_precision_loss)]
            Value::Int(value) => visitor.visit_f64(value as f64),
            _ => self.deserialize_any(visitor),
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(value) => match (u64::try_from(*value), i64::try_from(*value)) {
                (Ok(value), _) => visitor.visit_u64(value),
                (_, Ok(value)) => visitor.visit_i64(value),
                _ => Err(self.unfit(&visitor)),
            },
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Str(text) => visitor.visit_str(text),
            Value::List(elements) => {
                visitor.visit_seq(Elements { nodes: elements, next: 0, path: self.path })
            }
            Value::Table(entries) => {
                visitor.visit_map(Entries::new(entries.iter().collect(), self.path))
            }
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.float(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.float(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        // A list would do for a derived struct, but a config has names for its values.
        let Value::Table(entries) = &self.node.value else { return Err(self.unfit(&visitor)) };
        let mut entries: Vec<&(Key, Node)> = entries.iter().collect();
        if name == kinds::TABLE.0 {
            // The kind decides how the other keys are read; the sort keeps their order.
            entries.sort_by_key(|(key, _)| key.name != "kind");
        }
        visitor.visit_map(Entries::new(entries, self.path))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Str(text) => visitor.visit_enum(Word(text)),
            _ => Err(self.unfit(&format!("one of {}", quoted(variants)).as_str())),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier
    }
}

struct Elements<'a> {
    nodes: &'a [Node],
    next: usize,
    path: &'a Path<'a>,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(node) = self.nodes.get(self.next) else { return Ok(None) };
        self.next += 1;
        let reader = Reader { node, path: self.path };
        seed.deserialize(reader).map(Some).map_err(|fault| fault.placed(&node.origin, self.path))
    }
}

struct Entries<'a> {
    left: std::vec::IntoIter<&'a (Key, Node)>,
    value: Option<&'a (Key, Node)>,
    path: &'a Path<'a>,
}

impl<'a> Entries<'a> {
    fn new(entries: Vec<&'a (Key, Node)>, path: &'a Path<'a>) -> Self {
        Self { left: entries.into_iter(), value: None, path }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some(entry) = self.left.next() else { return Ok(None) };
        self.value = Some(entry);
        let (key, _) = entry;
        seed.deserialize(StrDeserializer::<Fault>::new(&key.name))
            .map(Some)
            .map_err(|fault| fault.placed(&key.origin, self.path))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((key, node)) = self.value.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        let path =
            Path { around: Some(self.path), name: &key.name, elsewhere: self.path.elsewhere };
        seed.deserialize(Reader { node, path: &path })
            .map_err(|fault| fault.placed(&node.origin, &path))
    }
}

/// A name as a variant without content.
struct Word<'a>(&'a str);

impl<'de> EnumAccess<'de> for Word<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        Ok((seed.deserialize(StrDeserializer::<Fault>::new(self.0))?, self))
    }
}

impl<'de> VariantAccess<'de> for Word<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Fault> {
        Err(de::Error::custom("a name alone is not enough here"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Fault> {
        Err(de::Error::custom("a name alone is not enough here"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fault> {
        Err(de::Error::custom("a name alone is not enough here"))
    }
}
