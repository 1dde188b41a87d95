//! `bnes data fetch`: a public data set onto this machine, and what to write into a config.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

use crate::fetch::{self, Progress, Set};

/// Arguments of `bnes data fetch`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "What was downloaded before is checked and not downloaded again, and what was cut off \
                        is gone on from. Without a network, put the files there by hand: the message of the \
                        failure says which and where."
)]
pub struct FetchArgs {
    /// The set
    #[arg(value_name = "NAME", value_enum)]
    pub set: Set,
    /// A folder in which the set gets a folder of its name
    /// [default: `bnes` in `$XDG_CACHE_HOME` or ~/.cache]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Download from URL/NAME/FILE instead of where the sets are kept
    #[arg(long, value_name = "URL", env = "BNES_MIRROR")]
    pub mirror: Option<String>,
}

/// Fetches the set, and prints where it is and how a config names it.
///
/// # Errors
/// Where it cannot be had or written.
pub fn fetch(args: &FetchArgs, out: &mut dyn Write) -> Result<()> {
    let below = args.output.clone().or_else(fetch::cache);
    let below =
        below.context("there is no home folder to keep data sets in: give one by --output DIR")?;
    let style = "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    let style =
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    // On standard error, and hidden where that is no terminal.
    let bar = ProgressBar::new(0).with_style(style);
    let fetched = fetch::fetch(args.set, &below, args.mirror.as_deref(), &mut |progress| {
        let Progress { file, at, bytes } = progress;
        if bar.message() != file {
            bar.set_message(file.to_owned());
            bar.set_length(bytes);
            bar.reset_eta();
        }
        bar.set_position(at);
    });
    bar.finish_and_clear();
    let fetched = fetched?;
    let mut text = format!(
        "{}: {} in {}, {} of them new\n\n[data]\n",
        args.set.name(),
        crate::text::counted(fetched.files, "file"),
        fetched.folder.display(),
        fetched.downloaded
    );
    let lines = fetched.keys.iter();
    text.extend(
        lines.map(|(key, value)| format!("{key} = {}\n", toml::Value::from(value.as_str()))),
    );
    super::output::print(out, &text)
}
