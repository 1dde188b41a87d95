//! Which norm a model has, and where: the keys of `[model.norm]` that every kind has.

use schemars::JsonSchema;
use serde::de::{Error, MapAccess};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::Norm;
use super::settings::NormSettings;
use crate::check::written_as;
use crate::kinds::as_table;
use crate::kinds::{NoSettings, SharedKeys};

/// `[model.norm]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalisation {
    /// Which norm.
    pub norm: Norm,
    /// Where it stands.
    pub at: Sites,
}

/// Where norms stand, each with tensors of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sites {
    /// In every hidden layer.
    pub hidden: bool,
    /// On what goes into the network, before the first Linear.
    pub input: bool,
}

written_as!(Sites: "a list of \"hidden\", \"input\" or both", {
    "type": "array",
    "items": { "enum": ["hidden", "input"] },
    "minItems": 1,
    "uniqueItems": true
});

impl Default for Sites {
    fn default() -> Self {
        Self { hidden: true, input: false }
    }
}

/// An entry of the key `at`.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Site {
    Hidden,
    Input,
}

impl<'de> Deserialize<'de> for Sites {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sites = Vec::<Site>::deserialize(deserializer)?;
        let (hidden, input) = (sites.contains(&Site::Hidden), sites.contains(&Site::Input));
        if sites.is_empty() {
            return Err(D::Error::custom(
                "an empty list: expected \"hidden\", \"input\" or both; without a norm, kind = \"none\"",
            ));
        }
        if sites.len() > usize::from(hidden) + usize::from(input) {
            return Err(D::Error::custom("the same place twice: expected each at most once"));
        }
        Ok(Self { hidden, input })
    }
}

impl Serialize for Sites {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sites = [(self.hidden, Site::Hidden), (self.input, Site::Input)];
        serializer.collect_seq(sites.into_iter().filter(|(is_there, _)| *is_there).map(|(_, s)| s))
    }
}

impl From<Norm> for Normalisation {
    fn from(norm: Norm) -> Self {
        Self { norm, at: Sites::default() }
    }
}

impl Default for Normalisation {
    fn default() -> Self {
        Self::from(Norm::None(NoSettings {}))
    }
}

impl Normalisation {
    /// The name of its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.norm.kind()
    }

    /// What there is to know of the norm; none where there is none.
    #[must_use]
    pub fn settings(&self) -> Option<&dyn NormSettings> {
        self.norm.settings()
    }

    /// The table of another norm at the same places that this is the same as, where no batch has more than so many
    /// rows.
    #[must_use]
    pub fn same_as(&self, rows: usize) -> Option<Value> {
        let mut table = self.settings()?.same_as(rows)?;
        if let Some(at) = self.unusual_sites() {
            table["at"] = serde_json::json!(at);
        }
        Some(table)
    }

    /// Its places as far as they tell it from a norm that was written before there was a choice.
    fn unusual_sites(&self) -> Option<Sites> {
        Some(self.at).filter(|at| self.settings().is_some() && *at != Sites::default())
    }
}

/// The keys of `[model.norm]` that every kind has.
#[derive(Default, JsonSchema)]
#[schemars(default)]
struct OfEveryNorm {
    /// Where norms stand, each with statistics and parameters of its own: in every hidden layer, on what goes into the
    /// network, or both; `weight` has no place on the inputs.
    at: Sites,
}

as_table!(Normalisation: Norm, OfEveryNorm);

impl SharedKeys for OfEveryNorm {
    const KEYS: &'static [&'static str] = &["at"];

    fn take<'de, A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
        self.at = map.next_value()?;
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Normalisation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (norm, shared) = Norm::deserialize_with::<OfEveryNorm, D>(deserializer)?;
        Ok(Self { norm, at: shared.at })
    }
}

impl Serialize for Normalisation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Table<'a> {
            #[serde(flatten)]
            norm: &'a Norm,
            #[serde(skip_serializing_if = "Option::is_none")]
            at: Option<Sites>,
        }
        Table { norm: &self.norm, at: self.unusual_sites() }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(table: Value) -> Result<Normalisation, String> {
        serde_json::from_value(table).map_err(|error| error.to_string())
    }

    #[test]
    fn places_are_written_only_where_they_are_not_the_hidden_layers_of_a_norm() {
        for (kind, at, written) in [
            ("batch", json!(["hidden"]), Value::Null),
            ("batch", json!(["input"]), json!(["input"])),
            ("batch", json!(["input", "hidden"]), json!(["hidden", "input"])),
            ("none", json!(["input"]), Value::Null),
        ] {
            let norm = read(json!({ "kind": kind, "at": at })).unwrap();
            assert_eq!(json!(norm)["at"], written);
            if kind != "none" {
                assert_eq!(read(json!(norm)).unwrap(), norm);
            }
        }
        let plain = read(json!({ "kind": "layer" })).unwrap();
        assert_eq!(json!(plain).to_string(), json!(plain.norm).to_string());
    }

    #[test]
    fn what_is_no_list_of_different_places_is_refused() {
        for at in [json!([]), json!(["input", "input"]), json!(["output"]), json!("input")] {
            assert!(read(json!({ "kind": "batch", "at": at })).is_err(), "{at}");
        }
    }

    #[test]
    fn ghost_batches_of_the_inputs_that_never_divide_are_a_batch_norm_of_the_inputs() {
        let ghost = read(json!({ "kind": "ghost_batch", "at": ["input"] })).unwrap();
        let batch = read(json!({ "kind": "batch", "at": ["input"] })).unwrap();
        assert_eq!(ghost.same_as(20).unwrap().to_string(), json!(batch).to_string());
        assert_eq!(ghost.same_as(32), None);
    }
}
