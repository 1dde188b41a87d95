//! `bnes pack`: finished trainings into one archive an experiment, and back.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::console::eprintln;
use crate::results::archive::ARCHIVE_FILE;
use crate::results::load::experiment_folders;
use crate::results::tuning::tune_dir;
use crate::storage::pack::{Packed, pack as pack_folder, unpack};
use crate::text::counted;

/// Arguments of `bnes pack`.
#[derive(Debug, Clone, clap::Args)]
pub struct PackArgs {
    /// A results directory, or an experiment's below it
    #[arg(value_name = "DIR", default_value = "results")]
    pub dir: PathBuf,
    /// Move the trainings of the archives back into folders of their own
    #[arg(long)]
    pub unpack: bool,
}

/// Moves the finished trainings of each experiment into its archive, or back.
///
/// # Errors
/// Where there are no results, a file cannot be read or written, or a training in an archive is damaged.
pub fn pack(args: &PackArgs, out: &mut dyn Write) -> Result<()> {
    let mut all_damaged = 0;
    for experiment in experiment_folders(&args.dir)? {
        let folders = [tune_dir(&experiment), experiment];
        for folder in folders.into_iter().filter(|folder| folder.is_dir()) {
            let Packed { trainings, files, left, damaged } =
                if args.unpack { unpack(&folder)? } else { pack_folder(&folder)? };
            for left in left {
                eprintln(format_args!("left: {}/{left}", folder.display()));
            }
            for problem in &damaged {
                eprintln(format_args!("left: {problem}"));
            }
            all_damaged += damaged.len();
            let archive = folder.join(ARCHIVE_FILE);
            let (trainings, files) = (counted(trainings, "training"), counted(files, "file"));
            let way = if args.unpack { "unpacked from" } else { "packed into" };
            writeln!(out, "{trainings} ({files}) {way} {}", archive.display())?;
        }
    }
    if all_damaged > 0 {
        bail!(
            "{} cannot be unpacked, and the archive stays: restore it from a copy, or remove it, and `bnes run` \
             trains again what no folder holds",
            counted(all_damaged, "training")
        );
    }
    Ok(())
}
