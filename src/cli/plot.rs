//! `bnes plot`: one picture of a comparison.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

use super::compared::{Compared, ComparedArgs, means};
use super::exit::UsageError;
use super::output;
use crate::draw::{Kind, Size};
use crate::report::plot::{Asked, NoPicture, Plot, in_terminal, svg};
use crate::storage::atomic::write_with;

/// The height of curves in a terminal, in lines.
const LINES: usize = 18;

/// Arguments of `bnes plot`.
#[derive(Debug, Clone, clap::Args)]
pub struct PlotArgs {
    /// What is drawn.
    #[command(flatten)]
    pub compared: ComparedArgs,
    /// What to draw
    #[arg(long, value_enum, default_value = "curves")]
    pub kind: Plot,
    /// The file to write, FILE.svg or FILE.png; without, curves are drawn in the terminal
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The width on paper: 85 mm is a column, 170 mm a page
    #[arg(long, value_name = "MM", default_value_t = 170, value_parser = clap::value_parser!(u16).range(40..=1000))]
    pub width: u16,
    /// The column that curves are of
    #[arg(long, value_name = "COLUMN")]
    pub column: Option<String>,
    /// The effect that pairs are of, with its level where there are several: `model.norm.kind=batch`; default: the
    /// first main effect
    #[arg(long, value_name = "EFFECT")]
    pub effect: Option<String>,
    /// How the axis of the heights of curves is divided; default: logarithmic where curves fall far
    #[arg(long, value_name = "AXIS", value_enum)]
    pub axis: Option<AxisOf>,
}

/// How an axis is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum AxisOf {
    /// Equal differences take equal room
    Linear,
    /// Equal ratios do
    Log,
}

impl AxisOf {
    fn kind(self) -> Kind {
        match self {
            Self::Linear => Kind::Linear,
            Self::Log => Kind::Log,
        }
    }
}

/// Draws, and writes or prints.
///
/// # Errors
/// Where nothing can be loaded or drawn, or the file cannot be written.
pub fn plot(args: &PlotArgs, out: &mut dyn Write) -> Result<ExitCode> {
    let form = args.output.as_deref().map(Form::of).transpose()?;
    if form.is_none() && args.kind != Plot::Curves {
        let told = "a terminal shows curves alone: name a file, --output FILE.svg".to_owned();
        return Err(UsageError(told).into());
    }
    let Compared { experiments, mut comparison } = args.compared.load()?;
    if args.kind == Plot::Curves {
        let curves = crate::compare::curves::curves(&experiments, &args.compared.filters)?;
        comparison.curves = means(&curves, None);
    }
    let asked = Asked {
        column: args.column.clone(),
        effect: args.effect.clone(),
        heights: args.axis.map(AxisOf::kind),
    };
    if let Some((path, form)) = args.output.as_ref().zip(form) {
        let size = Size::paper(f64::from(args.width));
        let text = svg(args.kind, &comparison, &asked, size).map_err(|why| usage(&why))?;
        let bytes = form.bytes(text)?;
        write_with(path, |file| {
            file.write_all(&bytes).context("the picture could not be written")
        })?;
    } else {
        let width = output::columns().unwrap_or(output::WIDTH);
        let colour = output::is_coloured();
        let text = in_terminal(&comparison, &asked, [width, LINES], output::characters(), colour)
            .map_err(|why| usage(&why))?;
        output::print(out, &text)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn usage(why: &NoPicture) -> UsageError {
    UsageError(why.to_string())
}

/// What a file of a picture holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Svg,
    Png,
}

impl Form {
    /// By the ending of a file's name.
    fn of(path: &Path) -> Result<Self, UsageError> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        let svg = path.with_extension("svg");
        match ending.as_deref() {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            Some("pdf") => Err(UsageError(format!(
                "there is no PDF writer in bnes: write {}, which `rsvg-convert -f pdf`, Inkscape or a browser turn \
                 into PDF",
                svg.display()
            ))),
            _ => Err(UsageError(format!(
                "--output names {}: pictures are written as SVG or PNG, so name a file that ends in .svg or .png",
                path.display()
            ))),
        }
    }

    /// The bytes of a picture.
    fn bytes(self, svg: String) -> Result<Vec<u8>> {
        match self {
            Self::Svg => Ok(svg.into_bytes()),
            Self::Png => crate::draw::png(&svg).map_err(anyhow::Error::msg),
        }
    }
}
