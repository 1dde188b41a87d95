//! Limits of single values, checked while they are read so that an error points at the value.

use serde::de::{Deserialize, Deserializer, Error};

fn number<'de, D: Deserializer<'de>>(
    deserializer: D,
    wanted: &str,
    holds: impl Fn(f64) -> bool,
) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    if value.is_finite() && holds(value) {
        Ok(value)
    } else {
        // Not 300 zeros.
        let shown = match value.abs() {
            0.0 | 1e-5..1e16 => value.to_string(),
            _ => format!("{value:e}"),
        };
        Err(D::Error::custom(format_args!("{shown} is out of range: expected {wanted}")))
    }
}

#[allow(clippy::cast_possible_truncation)] // what is left is asked
fn is_normal_in_single(value: f64) -> bool {
    (value as f32).is_normal()
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $wanted:literal, $bounds:tt, $holds:expr;)+) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// Where the value is not a number or outside its limits.
        pub fn $name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
            number(deserializer, $wanted, $holds)
        }
    )+

    /// What a JSON Schema says of each of these, for `schemars(schema_with = …)` beside them.
    pub mod schema {
        use schemars::{Schema, SchemaGenerator};
        use serde_json::{Value, json};

        const TINY: f32 = f32::MIN_POSITIVE;
        const HUGE: f32 = f32::MAX;

        /// A type, what is expected in words, and the limits.
        fn of(of_type: &str, expected: &str, limits: Value) -> Schema {
            let mut table = serde_json::Map::new();
            table.insert("type".to_owned(), of_type.into());
            table.insert("expected".to_owned(), expected.into());
            if let Value::Object(limits) = limits {
                table.extend(limits);
            }
            table.into()
        }

        $(
            /// Of the limits of this name.
            pub fn $name(_: &mut SchemaGenerator) -> Schema {
                of("number", $wanted, json!($bounds))
            }
        )+

        /// Of the limits of this name.
        pub fn optional_finite(generator: &mut SchemaGenerator) -> Schema {
            finite(generator)
        }

        /// Of the limits of this name.
        pub fn optional_positive(generator: &mut SchemaGenerator) -> Schema {
            positive(generator)
        }

        /// Of the limits of this name.
        pub fn optional_share(generator: &mut SchemaGenerator) -> Schema {
            share(generator)
        }

        /// Of the limits of this name.
        pub fn at_least_one(_: &mut SchemaGenerator) -> Schema {
            of("integer", "a whole number of at least 1", json!({ "minimum": 1 }))
        }

        /// Of the limits of this name.
        pub fn at_least_two(_: &mut SchemaGenerator) -> Schema {
            of("integer", "a whole number of at least 2", json!({ "minimum": 2 }))
        }

        /// A string or a list of strings.
        pub fn one_or_several(_: &mut SchemaGenerator) -> Schema {
            schemars::json_schema!({
                "expected": "a string or a list of strings",
                "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }]
            })
        }

        /// Names or cells, each once.
        pub fn different(_: &mut SchemaGenerator) -> Schema {
            schemars::json_schema!({
                "expected": "a list of strings, each once",
                "type": "array",
                "items": { "type": "string" },
                "uniqueItems": true
            })
        }
    }};
}

limits! {
    /// Any finite number.
    finite: "a finite number", {}, |_| true;
    /// Above 0.
    positive: "a number above 0", { "exclusiveMinimum": 0 }, |v| v > 0.0;
    /// Above 0 in 32 bits, too, where a smaller number is 0 or its inverse infinite, and 0 times that is NaN.
    positive_in_single: "a number above 0 that is a normal 32-bit float: 1.2e-38 to 3.4e38", { "minimum": TINY, "maximum": HUGE }, |v| {
        v > 0.0 && is_normal_in_single(v)
    };
    /// Above 1: a factor that something grows by.
    above_one: "a number above 1", { "exclusiveMinimum": 1 }, |v| v > 1.0;
    /// At least 1, and no infinity in 32 bits: a factor up or down.
    one_or_more: "a number of at least 1, at most 3.4e38", { "minimum": 1, "maximum": HUGE }, |v| v >= 1.0 && is_normal_in_single(v);
    /// At least 0.
    non_negative: "a number of at least 0", { "minimum": 0 }, |v| v >= 0.0;
    /// At least 0, and no other number in 32 bits.
    non_negative_in_single: "0, or a number above 0 that is a normal 32-bit float: 1.2e-38 to 3.4e38", { "minimum": 0, "maximum": HUGE }, |v| {
        v == 0.0 || v > 0.0 && is_normal_in_single(v)
    };
    /// At least 0 and below 1: a share of the rows, a dropout rate.
    share: "a number of at least 0 and below 1", { "minimum": 0, "exclusiveMaximum": 1 }, |v| (0.0..1.0).contains(&v);
    /// At least 0 and below 1, and no other number in 32 bits: a decay.
    share_in_single: "0, or a number below 1 that is a normal 32-bit float: from 1.2e-38", { "minimum": 0, "exclusiveMaximum": 1 }, |v| {
        v == 0.0 || (0.0..1.0).contains(&v) && is_normal_in_single(v)
    };
    /// At least 0 and at most 1.
    probability: "a number from 0 to 1", { "minimum": 0, "maximum": 1 }, |v| (0.0..=1.0).contains(&v);
    /// Above 0 and at most 1.
    weight: "a number above 0 and at most 1", { "exclusiveMinimum": 0, "maximum": 1 }, |v| v > 0.0 && v <= 1.0;
    /// Above 0, in 32 bits too, and at most 1.
    weight_in_single: "a number of at most 1 that is a normal 32-bit float: from 1.2e-38", { "minimum": TINY, "maximum": 1 }, |v| {
        v > 0.0 && v <= 1.0 && is_normal_in_single(v)
    };
}

/// A finite number, where the key is there.
///
/// # Errors
/// Where the value is not a number or not finite.
pub fn optional_finite<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    finite(d).map(Some)
}

/// A number above 0, where the key is there.
///
/// # Errors
/// Where the value is not a number or not above 0.
pub fn optional_positive<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    positive(d).map(Some)
}

/// A whole number above 0, where the key is there.
///
/// # Errors
/// Where it is none.
pub fn optional_count<'de, D: Deserializer<'de>>(d: D) -> Result<Option<usize>, D::Error> {
    at_least_one(d).map(Some)
}

/// A number of at least 0 and below 1, where the key is there.
///
/// # Errors
/// Where the value is not a number or outside its limits.
pub fn optional_share<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    share(d).map(Some)
}

/// A value, or a list of them, where the key is there.
///
/// # Errors
/// Where it is neither.
pub fn one_or_several<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    struct Several<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Several<T> {
        type Value = Vec<T>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
            formatter.write_str("a string or a list of strings")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            T::deserialize(serde::de::value::StrDeserializer::new(text)).map(|one| vec![one])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(
            self,
            mut items: A,
        ) -> Result<Self::Value, A::Error> {
            let mut found = Vec::new();
            while let Some(item) = items.next_element()? {
                found.push(item);
            }
            Ok(found)
        }
    }
    deserializer.deserialize_any(Several(std::marker::PhantomData)).map(Some)
}

/// A whole number of at least 1.
///
/// # Errors
/// Where the value is not a whole number or 0.
pub fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    whole(deserializer, 1)
}

/// A whole number of at least 2: the points of a line, of a correlation.
///
/// # Errors
/// Where the value is not a whole number or below 2.
pub fn at_least_two<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    whole(deserializer, 2)
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D, least: usize) -> Result<usize, D::Error> {
    match usize::deserialize(deserializer)? {
        n if n < least => Err(D::Error::custom(format_args!(
            "{n} is out of range: expected a whole number of at least {least}"
        ))),
        n => Ok(n),
    }
}

/// Gives a type that reads itself the JSON Schema of what it reads.
macro_rules! written_as {
    ($type:ident: $expected:literal, $schema:tt) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut schema = schemars::json_schema!($schema);
                schema.insert("expected".to_owned(), $expected.into());
                schema
            }
        }
    };
}

pub(crate) use written_as;
