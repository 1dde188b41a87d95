//! `bnes completions SHELL` and `bnes man`: what the command line says of itself, for shells and for `man`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Command;
use clap_complete::Shell;

use super::exit::UsageError;

/// Arguments of `bnes completions`.
#[derive(Debug, Clone, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Arguments of `bnes man`.
#[derive(Debug, Clone, clap::Args)]
pub struct ManArgs {
    /// A command, whose page is printed rather than that of bnes: `run`, `data describe`
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
    /// Write the page of bnes and one for each command into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub output: Option<PathBuf>,
}

/// Prints a completion script for the command line.
///
/// # Errors
/// Where `out` cannot be written.
pub fn completions(args: &CompletionsArgs, mut cli: Command, out: &mut dyn Write) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli, "bnes", &mut script);
    out.write_all(&script)?;
    Ok(())
}

/// Prints a page of the manual, or writes all of them.
///
/// # Errors
/// Where there is no such command, or a file or `out` cannot be written.
pub fn man(args: &ManArgs, mut cli: Command, out: &mut dyn Write) -> Result<()> {
    cli.build();
    if let Some(dir) = &args.output {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        clap_mangen::generate_to(cli, dir).with_context(|| dir.display().to_string())?;
        return Ok(());
    }
    let mut found = &cli;
    for name in &args.command {
        found = found.find_subcommand(name).ok_or_else(|| {
            let known: Vec<&str> = found.get_subcommands().map(Command::get_name).collect();
            UsageError(format!(
                "there is no command `{name}`: there are {}",
                crate::text::quoted(&known)
            ))
        })?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(found.clone()).render(&mut page)?;
    out.write_all(&page)?;
    Ok(())
}
