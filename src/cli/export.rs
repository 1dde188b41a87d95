//! `bnes export`: the weights kept, for other programs.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::kept::{KeptArgs, check_output};
use crate::console::eprintln;
use crate::data::InputCoding;
use crate::kept::OnnxModel;
use crate::storage::atomic::write_with;
use crate::text::{counted, quoted};

/// Arguments of `bnes export`.
#[derive(Debug, Clone, clap::Args)]
pub struct ExportArgs {
    /// Which weights.
    #[command(flatten)]
    pub kept: KeptArgs,
    /// What to write
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// The file [default: weights-EPOCH.onnx here]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What a network can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    /// One file that takes the columns of the source as they are, for onnxruntime and its kin.
    Onnx,
}

/// Writes the model, and says where and what it takes.
///
/// # Errors
/// Where weights cannot be read, or the file or `out` cannot be written.
pub fn export(args: &ExportArgs, out: &mut dyn Write) -> Result<()> {
    let kept = args.kept.read()?;
    let ExportFormat::Onnx = args.format;
    let model = OnnxModel::of(&kept)?;
    let by_default = || Path::new(kept.file.file_name().unwrap_or_default()).with_extension("onnx");
    let file = args.output.clone().unwrap_or_else(by_default);
    check_output("--output", &file, &kept, None)?;
    write_with(&file, |out| Ok(out.write_all(&model.bytes)?))?;
    writeln!(out, "{}", file.display())?;
    let names = |names: &[String]| quoted(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let inputs = match &kept.preprocessing.inputs {
        InputCoding::Table { .. } => {
            format!("{}, one a column, [rows, 1] each", counted(model.inputs.len(), "input"))
        }
        InputCoding::Image(image) => format!(
            "{}, unsigned bytes [rows, {}, {}]",
            names(&model.inputs),
            image.height,
            image.width
        ),
    };
    eprintln(format_args!("{}: takes {inputs}; gives {}", file.display(), names(&model.outputs)));
    Ok(())
}
