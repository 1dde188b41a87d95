//! Tables that carry a `kind`: one list names every kind, its settings and what is still to come.
//!
//! A config table such as `[early_stopping]` may hold keys of several kinds at once, so that a
//! matrix can vary `kind` alone. The keys of the chosen kind are read, keys of its siblings are
//! passed over, and any other key is refused. [`kinds!`](crate::kinds!) writes the enum, its
//! `Deserialize`, its `Serialize` (a table with `kind` first) and the list of names.
//!
//! The format has to yield `kind` before the other entries of such a table.

mod table;

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

pub use table::{KindSchema, table_schema};

use crate::names::nearest;
use crate::text::{quoted, with_article};

/// Settings that stand in the same table whatever its kind is, such as `monitor`; its JSON Schema has a
/// property for each.
pub trait SharedKeys: Default + JsonSchema {
    /// The keys this type reads.
    const KEYS: &'static [&'static str];

    /// Reads the value that follows `key`, one of [`Self::KEYS`].
    ///
    /// # Errors
    /// Where the value is not what the key takes.
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;
}

impl SharedKeys for () {
    const KEYS: &'static [&'static str] = &[];

    fn take<'de, A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
        map.next_value::<IgnoredAny>().map(|_| ())
    }
}

/// Settings of a kind that has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, Deserialize, JsonSchema)]
pub struct NoSettings {}

/// The names of the fields of a struct that derives `Deserialize`.
#[must_use]
pub fn fields_of<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    let seen = RefCell::new(&[][..]);
    // The probe answers every request with an error, after it has noted the fields asked for.
    let _ = T::deserialize(FieldProbe { seen: &seen });
    seen.into_inner()
}

struct FieldProbe<'a> {
    seen: &'a RefCell<&'static [&'static str]>,
}

impl<'de> Deserializer<'de> for FieldProbe<'_> {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("no fields"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        *self.seen.borrow_mut() = fields;
        Err(de::Error::custom("noted"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier
        ignored_any
    }
}

/// All that [`kinds!`](crate::kinds!) knows of its kinds.
pub struct Kinds {
    /// What such a kind is called in a message: `stopping rule`.
    pub what: &'static str,
    /// The kinds that work and the keys of each.
    pub built: Vec<(&'static str, &'static [&'static str])>,
    /// Kinds that the contract names and this version refuses.
    pub later: &'static [&'static str],
    /// The keys of those.
    pub later_keys: &'static [&'static str],
    /// The kind of a table that names none; `None`: a table has to.
    pub default: Option<&'static str>,
}

impl Kinds {
    fn names(&self) -> Vec<&'static str> {
        self.built.iter().map(|(name, _)| *name).collect()
    }

    fn keys(&self, kind: &str) -> &'static [&'static str] {
        self.built.iter().find(|(name, _)| *name == kind).map_or(&[], |(_, keys)| keys)
    }

    fn is_sibling(&self, key: &str) -> bool {
        self.later_keys.contains(&key) || self.built.iter().any(|(_, keys)| keys.contains(&key))
    }
}

/// Reads the value of `kind`; an error points at it.
struct KindSeed<'a>(&'a Kinds);

impl<'de> DeserializeSeed<'de> for KindSeed<'_> {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KindSeed<'_> {
    type Value = &'static str;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "the name of {}", with_article(self.0.what))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        let names = self.0.names();
        if let Some(kind) = names.iter().find(|kind| **kind == name) {
            return Ok(kind);
        }
        if self.0.later.contains(&name) {
            return Err(E::custom(format_args!(
                "the {} `{name}` is not yet built; there are {}",
                self.0.what,
                quoted(&names)
            )));
        }
        // serde wants a list that lives as long as the program, and the program is about to end.
        Err(E::unknown_variant(name, names.leak()))
    }
}

enum Key {
    Kind,
    Own(String),
    Shared(String),
    Sibling,
}

struct KeySeed<'a> {
    kinds: &'a Kinds,
    kind: &'a str,
    shared: &'static [&'static str],
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name == "kind" {
            return Ok(Key::Kind);
        }
        let own = self.kinds.keys(self.kind);
        if own.contains(&name.as_str()) {
            return Ok(Key::Own(name));
        }
        if self.shared.contains(&name.as_str()) {
            return Ok(Key::Shared(name));
        }
        if self.kinds.is_sibling(&name) {
            return Ok(Key::Sibling);
        }
        let mut known: Vec<&'static str> = vec!["kind"];
        known.extend(own);
        known.extend(self.shared);
        // A slip in a key of another kind; all of their keys would be too many to read.
        if nearest(&name, &known).is_none() {
            let siblings: Vec<&'static str> =
                self.kinds.built.iter().flat_map(|(_, keys)| keys.iter().copied()).collect();
            known.extend(nearest(&name, &siblings));
        }
        Err(de::Error::unknown_field(&name, known.leak()))
    }
}

/// A table after its `kind`: own keys pass through, shared keys are collected on the way.
pub struct Settings<'a, A, S> {
    map: A,
    shared: &'a mut S,
    kinds: &'a Kinds,
    kind: &'static str,
    pending: Option<Key>,
}

impl<'a, 'de, A: MapAccess<'de>, S: SharedKeys> Settings<'a, A, S> {
    /// Reads the `kind` of a table.
    ///
    /// # Errors
    /// Where it is unknown, not yet built, or missing without a default.
    pub fn open(mut map: A, kinds: &'a Kinds, shared: &'a mut S) -> Result<Self, A::Error> {
        let fallback = kinds.default.unwrap_or("");
        let first = map.next_key_seed(KeySeed { kinds, kind: fallback, shared: S::KEYS })?;
        let (kind, pending) = match (first, kinds.default) {
            (Some(Key::Kind), _) => (map.next_value_seed(KindSeed(kinds))?, None),
            (first, Some(default)) => (default, first),
            (_, None) => {
                return Err(de::Error::custom(format_args!(
                    "`kind` is missing: the name of {}, one of {}",
                    with_article(kinds.what),
                    quoted(&kinds.names())
                )));
            }
        };
        Ok(Self { map, shared, kinds, kind, pending })
    }

    /// The kind that was read.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind
    }
}

impl<'de, A: MapAccess<'de>, S: SharedKeys> MapAccess<'de> for Settings<'_, A, S> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        loop {
            let next = match self.pending.take() {
                Some(key) => Some(key),
                None => self.map.next_key_seed(KeySeed {
                    kinds: self.kinds,
                    kind: self.kind,
                    shared: S::KEYS,
                })?,
            };
            match next {
                None => return Ok(None),
                Some(Key::Own(name)) => {
                    return seed.deserialize(de::value::StringDeserializer::new(name)).map(Some);
                }
                Some(Key::Shared(name)) => self.shared.take(&name, &mut self.map)?,
                Some(Key::Kind | Key::Sibling) => {
                    self.map.next_value::<IgnoredAny>()?;
                }
            }
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// Hands a table to a function; the function's result is the table's value.
pub struct TableVisitor<T, F> {
    /// What is being read, for messages.
    pub what: &'static str,
    /// Reads the table.
    pub read: F,
    /// The result's type.
    pub marker: PhantomData<T>,
}

/// A function that reads any table into a `T`.
pub trait ReadTable<T> {
    /// Reads the table.
    ///
    /// # Errors
    /// Where its content is refused.
    fn read<'de, A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error>;
}

impl<'de, T, F: ReadTable<T>> Visitor<'de> for TableVisitor<T, F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "a table with the `kind` of {}, such as {{ kind = \"…\" }}",
            with_article(self.what)
        )
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        self.read.read(map)
    }
}

/// The name and the one field by which a format recognises a table with a `kind`.
pub const TABLE: (&str, &[&str]) = ("table with a kind", &["kind"]);

/// Writes an enum of kinds; see the [module](mod@crate::kinds).
///
/// Each kind is `"name" => Variant(Settings)`, where `Settings` derives `Serialize`,
/// `Deserialize`, `JsonSchema`, `Clone`, `Debug` and `PartialEq`. A new kind is its file and one such line; the
/// comment above the line is what `bnes explain` and the JSON Schema say of it.
#[macro_export]
macro_rules! kinds {
    (@inner $name:ident [] $($variant:ident)+) => {};
    (@inner $name:ident [$trait:path] $($variant:ident)+) => {
        impl $name {
            /// The settings as what each of them can do.
            #[must_use]
            pub fn inner(&self) -> &dyn $trait {
                match self { $(Self::$variant(settings) => settings,)+ }
            }
        }
    };
    (
        $(#[$meta:meta])*
        pub enum $name:ident: $what:literal, default $default:expr $(, each a $trait:path)?;
        $($(#[doc = $doc:literal])* $kind:literal => $variant:ident($settings:ty),)+
        later [$($later:literal),* $(,)?] with keys [$($key:literal),* $(,)?]
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $name { $($(#[doc = $doc])* $variant($settings),)+ }

        impl $name {
            /// The names of all kinds, as a config writes them.
            pub const KINDS: &'static [&'static str] = &[$($kind),+];

            /// The name of this kind.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)+ }
            }

            /// All kinds and the keys of each.
            #[must_use]
            pub fn all_kinds() -> $crate::kinds::Kinds {
                $crate::kinds::Kinds {
                    what: $what,
                    built: vec![$(($kind, $crate::kinds::fields_of::<$settings>())),+],
                    later: &[$($later),*],
                    later_keys: &[$($key),*],
                    default: $default,
                }
            }

            /// What each kind does, and the JSON Schema of its settings.
            #[must_use]
            pub fn schemas(
                generator: &mut schemars::SchemaGenerator,
            ) -> Vec<$crate::kinds::KindSchema> {
                vec![$($crate::kinds::KindSchema {
                    kind: $kind,
                    does: concat!($($doc),*).trim(),
                    settings: <$settings as schemars::JsonSchema>::json_schema(generator),
                }),+]
            }

            /// Reads a table of this kind together with the settings all kinds share.
            ///
            /// # Errors
            /// Where the kind or one of its settings is refused.
            pub fn deserialize_with<'de, S, D>(deserializer: D) -> Result<(Self, S), D::Error>
            where
                S: $crate::kinds::SharedKeys,
                D: serde::Deserializer<'de>,
            {
                struct Read;
                impl<S: $crate::kinds::SharedKeys> $crate::kinds::ReadTable<($name, S)> for Read {
                    fn read<'de, A: serde::de::MapAccess<'de>>(
                        self,
                        map: A,
                    ) -> Result<($name, S), A::Error> {
                        let kinds = $name::all_kinds();
                        let mut shared = S::default();
                        let settings =
                            $crate::kinds::Settings::open(map, &kinds, &mut shared)?;
                        let value = match settings.kind() {
                            $($kind => $name::$variant(serde::Deserialize::deserialize(
                                serde::de::value::MapAccessDeserializer::new(settings),
                            )?),)+
                            _ => unreachable!("a kind outside of its own list"),
                        };
                        Ok((value, shared))
                    }
                }
                let (table, fields) = $crate::kinds::TABLE;
                deserializer.deserialize_struct(table, fields, $crate::kinds::TableVisitor {
                    what: $what,
                    read: Read,
                    marker: std::marker::PhantomData,
                })
            }
        }

        $crate::kinds!(@inner $name [$($trait)?] $($variant)+);

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize_with::<(), D>(deserializer).map(|(value, ())| value)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::Error;
                let settings = match self {
                    $(Self::$variant(settings) => serde_json::to_value(settings),)+
                }
                .map_err(S::Error::custom)?;
                let mut table = serde_json::Map::new();
                table.insert("kind".to_owned(), self.kind().into());
                if let serde_json::Value::Object(settings) = settings {
                    table.extend(settings);
                }
                table.serialize(serializer)
            }
        }
    };
}

/// Gives a type the JSON Schema of a table with a kind and the keys that all of its kinds share.
macro_rules! as_table {
    ($type:ident: $kinds:ident, $shared:ty) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let shared = <$shared as schemars::JsonSchema>::json_schema(generator);
                let schemas = $kinds::schemas(generator);
                let kinds = $kinds::all_kinds();
                $crate::kinds::table_schema(kinds.what, kinds.default, schemas, &shared)
            }
        }
    };
}

pub(crate) use as_table;
