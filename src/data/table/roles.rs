//! What each column of a table is for, by what the config asks for.

use crate::config::data::{DataConfig, Target, Task};
use crate::data::error::{self, DataError, listed_shortly, shortened};

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// By place among the inputs.
    Input(usize),
    /// By place among the targets.
    Target(usize),
    Split,
    /// Not read.
    Dropped,
}

/// The columns of a table and what each is for.
#[derive(Debug, Clone)]
pub struct Roles {
    pub names: Vec<String>,
    pub of_columns: Vec<Role>,
    /// In the order asked for.
    pub targets: Vec<String>,
}

/// How the columns of a file suit a network that is trained.
pub struct Fit {
    pub roles: Roles,
    /// The inputs that the file does not have.
    pub lacking: Vec<usize>,
    /// Whether columns were found by their place: the network's are called `c1`, `c2`, … as those of a file without
    /// names are, and the file has names of its own.
    pub by_place: bool,
}

impl Fit {
    /// That inputs are lacking.
    pub fn problem(&self, inputs: &[&str]) -> String {
        let lacking: Vec<String> = self.lacking.iter().map(|at| inputs[*at].to_owned()).collect();
        let (column, was) =
            if lacking.len() == 1 { ("column", "was") } else { ("columns", "were") };
        let near = match &lacking[..] {
            [name] => error::nearest(name, self.roles.names.iter().map(String::as_str)),
            _ => None,
        };
        let instead = match near {
            Some(near) => format!("; did you mean `{}`?", shortened(near.as_bytes())),
            None if lacking.len() == inputs.len() => {
                format!("; there is {}", listed_shortly(&self.roles.names))
            }
            None => String::new(),
        };
        format!(
            "the {column} {} {was} trained on and cannot be found here: columns are found by their names{instead}",
            listed_shortly(&lacking)
        )
    }
}

/// The place of a column that has no name of its own.
fn place_of(name: &str) -> Option<usize> {
    let place: usize = name.strip_prefix('c')?.parse().ok()?;
    (place > 0 && format!("c{place}") == name).then(|| place - 1)
}

impl Roles {
    /// Those of a file for a network that is trained. Targets are read where all are there.
    pub fn known(names: Vec<String>, inputs: &[&str], targets: &[&str]) -> Fit {
        let by_place = inputs.iter().all(|name| place_of(name).is_some())
            && !inputs.iter().any(|name| names.iter().any(|own| own == name));
        let place = |name: &str| {
            if by_place {
                return place_of(name).filter(|place| *place < names.len());
            }
            names.iter().position(|own| own == name)
        };
        let mut of_columns = vec![Role::Dropped; names.len()];
        let mut lacking = Vec::new();
        for (at, name) in inputs.iter().enumerate() {
            match place(name) {
                Some(place) => of_columns[place] = Role::Input(at),
                None => lacking.push(at),
            }
        }
        let places: Option<Vec<usize>> = targets.iter().map(|name| place(name)).collect();
        let targets = match places {
            Some(places) => {
                for (at, place) in places.into_iter().enumerate() {
                    of_columns[place] = Role::Target(at);
                }
                targets.iter().map(|name| (*name).to_owned()).collect()
            }
            None => Vec::new(),
        };
        Fit { roles: Self { names, of_columns, targets }, lacking, by_place }
    }

    /// Gives every column its role. `said`: what the file itself says that it predicts; `source_name`
    /// is for messages.
    pub fn new(
        names: Vec<String>,
        said: Option<&[String]>,
        config: &DataConfig,
        source_name: &str,
    ) -> Result<Self, DataError> {
        let split = config.split.column.as_ref();
        check_known("data.drop", &config.drop, &names, source_name)?;
        check_known("data.categorical", &config.categorical, &names, source_name)?;
        check_known("data.split.column", split, &names, source_name)?;
        let may_be_target = |name: &&String| !config.drop.contains(name) && split != Some(name);
        let targets = match (&config.target, said) {
            (target, Some(said)) => {
                Self::check_target(target.as_ref(), said, source_name)?;
                said.to_vec()
            }
            (Some(target), None) => target.names().to_vec(),
            (None, None) => names.iter().rev().find(may_be_target).cloned().into_iter().collect(),
        };
        if said.is_none() {
            Self::check_target(config.target.as_ref(), &names, source_name)?;
        }
        let setting = |key, problem: String| {
            Err(DataError::Setting { key, source_name: source_name.to_owned(), problem })
        };
        if targets.len() > 1 && config.task == Some(Task::Classification) {
            let problem = "several targets are a regression: name one column in data.target, or set data.task = \"regression\"";
            return setting("data.task", problem.to_owned());
        }
        let mut roles = Vec::with_capacity(names.len());
        let mut inputs = 0;
        for name in &names {
            let target = targets.iter().position(|target| target == name);
            let (is_split, is_dropped) = (split == Some(name), config.drop.contains(name));
            let uses = [
                ("data.target", target.is_some()),
                ("data.split.column", is_split),
                ("data.drop", is_dropped),
                ("data.categorical", config.categorical.contains(name)),
            ];
            let uses: Vec<&'static str> = uses.iter().filter(|n| n.1).map(|n| n.0).collect();
            if let [one, other, ..] = uses[..] {
                let one = if one == "data.target" { "the target" } else { one };
                return setting(
                    other,
                    format!("the column `{name}` is both {one} and in {other}: choose one"),
                );
            }
            roles.push(match target {
                Some(place) => Role::Target(place),
                None if is_split => Role::Split,
                None if is_dropped => Role::Dropped,
                None => {
                    inputs += 1;
                    Role::Input(inputs - 1)
                }
            });
        }
        if targets.is_empty() {
            let problem = "no column is left to predict: take one out of data.drop";
            return setting("data.drop", problem.to_owned());
        }
        if inputs == 0 && targets.len() == names.len() {
            let problem = "every column is a target: leave at least one as an input";
            return setting("data.target", problem.to_owned());
        }
        if inputs == 0 {
            let problem = "no column is left as an input: take one out of data.drop";
            return setting("data.drop", problem.to_owned());
        }
        Ok(Self { names, of_columns: roles, targets })
    }

    /// The target of a source that brings its own columns, checked against what is asked for.
    pub fn check_target(
        wanted: Option<&Target>,
        names: &[String],
        source_name: &str,
    ) -> Result<(), DataError> {
        let wanted = wanted.map_or(&[][..], Target::names);
        match wanted.iter().find(|name| !names.contains(name)) {
            None => Ok(()),
            Some(unknown) => Err(DataError::UnknownTarget {
                source_name: source_name.to_owned(),
                name: unknown.clone(),
                nearest: error::nearest(unknown, names.iter().map(String::as_str)),
                columns: names.to_vec(),
            }),
        }
    }

    /// The names of the inputs.
    pub fn inputs(&self) -> impl Iterator<Item = &String> {
        let is_input = |role: &Role| matches!(role, Role::Input(_));
        self.names
            .iter()
            .zip(&self.of_columns)
            .filter(move |(_, role)| is_input(role))
            .map(|(n, _)| n)
    }

    /// The column's name, fit for a message.
    pub fn name_of(&self, wanted: Role) -> String {
        let place = self.of_columns.iter().position(|role| *role == wanted);
        place.map_or_else(String::new, |place| shortened(self.names[place].as_bytes()))
    }

    /// The role of each column of another file by its name, and the columns that are new there.
    pub fn in_file(&self, names: &[String]) -> Result<(Vec<Role>, Vec<String>), String> {
        let is_read = |role: &Role| *role != Role::Dropped;
        let lacking: Vec<String> = (self.names.iter().zip(&self.of_columns))
            .filter(|(name, role)| is_read(role) && !names.contains(name))
            .map(|(name, _)| name.clone())
            .collect();
        if !lacking.is_empty() {
            return Err(format!(
                "there is no column {}, which data.source has: both files need the same columns",
                listed_shortly(&lacking)
            ));
        }
        let place = |name: &String| self.names.iter().position(|own| own == name);
        let roles =
            names.iter().map(|name| place(name).map_or(Role::Dropped, |p| self.of_columns[p]));
        let new = names.iter().filter(|name| place(name).is_none()).cloned().collect();
        Ok((roles.collect(), new))
    }
}

fn check_known<'a>(
    key: &'static str,
    wanted: impl IntoIterator<Item = &'a String>,
    names: &[String],
    source_name: &str,
) -> Result<(), DataError> {
    match wanted.into_iter().find(|name| !names.contains(name)) {
        None => Ok(()),
        Some(unknown) => Err(DataError::UnknownColumn {
            source_name: source_name.to_owned(),
            key,
            name: unknown.clone(),
            nearest: error::nearest(unknown, names.iter().map(String::as_str)),
            columns: names.to_vec(),
        }),
    }
}
