//! `bnes init`: a config to start from, with what a data file holds filled in.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

use super::data::{DescribeArgs, DescribeFormat, experiment};
use super::exit::UsageError;
use super::look::{Look, Task};
use super::template::{Template, list, template};

/// Arguments of `bnes init`.
#[derive(Debug, Clone, clap::Args)]
pub struct InitArgs {
    /// The config to write, which must not be there yet; `-` is standard output
    #[arg(value_name = "FILE", default_value = "experiment.toml")]
    pub file: PathBuf,
    /// What to start from [default: by the data, else classification]; an unknown name lists them
    #[arg(long, value_name = "NAME")]
    pub template: Option<String>,
    /// Data to look at, as `data.source` names it: source, target, task, drops and batch size are filled in
    #[arg(long, value_name = "FILE")]
    pub data: Option<String>,
}

/// Writes a config.
///
/// # Errors
/// Where there is no such template, the data cannot be read, or the file is there already or cannot be written.
pub fn init(args: &InitArgs, out: &mut dyn Write) -> Result<()> {
    let is_stdout = args.file == Path::new("-");
    if !is_stdout && args.file.extension().is_none_or(|ending| ending != "toml") {
        let message =
            format!("{} is no .toml file: configs to start from are TOML", args.file.display());
        return Err(UsageError(message).into());
    }
    if !is_stdout && args.file.exists() {
        return Err(there_already(&args.file).into());
    }
    let look = args.data.as_deref().map(look_at).transpose()?;
    let template = chosen(args.template.as_deref(), look.as_ref())?;
    if look.is_some() && template.is_of_a_paper {
        let message =
            format!("the template {} has data of its own: leave out --data", template.name);
        return Err(UsageError(message).into());
    }
    let text = template.text.replace("../../datasets/", "datasets/");
    let text = match (&look, &args.data) {
        (Some(look), Some(data)) => {
            let dir =
                if is_stdout { Path::new("") } else { args.file.parent().unwrap_or(Path::new("")) };
            look.fill(&text, &source_from(dir, data))
        }
        _ => text,
    };
    let text = text.replace(
        "FILE",
        &if is_stdout {
            "FILE".to_owned()
        } else {
            crate::text::shell_word(&args.file.display().to_string())
        },
    );
    if is_stdout {
        return super::output::print(out, &text);
    }
    let mut file =
        OpenOptions::new().write(true).create_new(true).open(&args.file).map_err(|error| {
            if error.kind() == ErrorKind::AlreadyExists {
                there_already(&args.file).into()
            } else {
                anyhow::Error::from(error)
                    .context(format!("{} cannot be written", args.file.display()))
            }
        })?;
    file.write_all(text.as_bytes()).with_context(|| args.file.display().to_string())?;
    let told =
        format!("{}: the template {}, {}\n", args.file.display(), template.name, template.about);
    super::output::print(out, &told)
}

fn there_already(file: &Path) -> UsageError {
    UsageError(format!(
        "{} is there already: name another file, or `-` to see the config",
        file.display()
    ))
}

fn chosen(name: Option<&str>, look: Option<&Look>) -> Result<Template> {
    let by_data = look.map_or("classification", |look| match look.task {
        _ if look.is_images => "images",
        Task::Classification => "classification",
        Task::Regression => "regression",
    });
    let name = name.unwrap_or(by_data);
    let found = template(name)
        .ok_or_else(|| UsageError(format!("there is no template `{name}`; there are{}", list())))?;
    Ok(found)
}

/// Reads the data as a config would that says nothing but its source.
fn look_at(source: &str) -> Result<Look> {
    let reads = |target: Vec<String>, set: Vec<String>| {
        let source = source.to_owned();
        experiment(&DescribeArgs { source, target, set, format: DescribeFormat::Json })
    };
    Look::at(&reads)
}

/// The source as a config in `dir` names it.
fn source_from(dir: &Path, source: &str) -> String {
    let path = Path::new(source);
    // A built-in set has no place, and an absolute path the same one from everywhere.
    let places = || {
        Some((
            path.canonicalize().ok()?,
            if dir.as_os_str().is_empty() { Path::new(".") } else { dir }.canonicalize().ok()?,
        ))
    };
    let (false, Some((to, from))) = (path.is_absolute() || dir.as_os_str().is_empty(), places())
    else {
        return source.to_owned();
    };
    let shared = to.components().zip(from.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let down = to.components().skip(shared);
    up.chain(down).collect::<PathBuf>().display().to_string()
}
