//! The keys of a table of the schema.

use serde_json::Value;

/// A key of a table.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Its name.
    pub name: &'a str,
    /// What may stand there: one form, but where several kinds have a key of the name.
    pub forms: Vec<Form<'a>>,
}

/// What a key is for some kinds of its table.
#[derive(Debug)]
pub struct Form<'a> {
    /// Its schema.
    pub schema: &'a Value,
    /// The kinds; none where it is of all of them.
    pub kinds: Vec<&'a str>,
    /// Whether it has to be there.
    pub is_required: bool,
}

impl<'a> Entry<'a> {
    /// Those of a table, in its order.
    #[must_use]
    pub fn of(table: &'a Value) -> Vec<Self> {
        let properties = table["properties"].as_object().into_iter().flatten();
        properties.map(|(name, schema)| Self::new(table, name, schema)).collect()
    }

    fn new(table: &'a Value, name: &'a str, schema: &'a Value) -> Self {
        let requires = |table: &Value| {
            table["required"].as_array().is_some_and(|keys| keys.iter().any(|key| key == name))
        };
        let mut forms: Vec<Form> = Vec::new();
        if schema.as_object().is_some_and(|schema| !schema.is_empty()) {
            forms.push(Form { schema, kinds: Vec::new(), is_required: requires(table) });
        }
        for branch in table["allOf"].as_array().into_iter().flatten() {
            let schema = &branch["then"]["properties"][name];
            let Some(kind) = branch["if"]["properties"]["kind"]["const"].as_str() else { continue };
            if schema.is_null() {
                continue;
            }
            let is_required = requires(&branch["then"]);
            let is_alike =
                |form: &&mut Form| form.schema == schema && form.is_required == is_required;
            match forms.iter_mut().find(is_alike) {
                Some(form) => form.kinds.push(kind),
                None => forms.push(Form { schema, kinds: vec![kind], is_required }),
            }
        }
        Self { name, forms }
    }

    /// The table that stands there, or each of the tables of a list, if one does.
    #[must_use]
    pub fn table(&self) -> Option<&'a Value> {
        let schema = self.forms.first()?.schema;
        [schema, &schema["items"]].into_iter().find(|schema| schema["type"] == "object")
    }
}
