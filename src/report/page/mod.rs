//! A comparison as one page that opens from disk: verdict, tables and pictures, complete without its script.
//!
//! Nothing is fetched and nothing of a config, a file name or the data can become markup or run: every word goes
//! through one function, and the page forbids itself all but its own script. No statistics are made here.

mod data;
mod html;

use std::collections::HashMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

pub use self::data::PageData;
use self::data::base64;
use self::html::{Cell, Html};
use super::figures;
use super::number::{figure, fixed};
use super::plot::COLUMN;
use super::sentences::{finding, warning_kind};
use super::tables;
use crate::compare::{
    ArmSummary, Comparison, Effect, ExperimentSummary, Finding, MeanCurve, Verdict, Warning,
    WarningKind,
};
use crate::draw::{Kind, Size};
use crate::text::counted;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A row of the table of trainings.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// The experiment.
    pub experiment: String,
    /// The number of the arm in the comparison.
    pub arm: usize,
    /// The repetition.
    pub seed: u64,
    /// How it ended, and why.
    pub ended: String,
    /// Epochs that the arm read.
    pub epochs: usize,
    /// The epoch that it keeps.
    pub best_epoch: Option<usize>,
    /// Of the weights kept: the metric of the verdict, and the accuracy where there is one.
    pub metrics: [Option<f64>; 2],
}

/// What a page is made of.
#[derive(Debug)]
pub struct Page<'a> {
    /// The statistics, with curves over seeds.
    pub comparison: &'a Comparison,
    /// Curves of trainings, for the script.
    pub data: PageData,
    /// Every arm at every seed.
    pub runs: Vec<RunRow>,
    /// Of each experiment: its name, the effective config of its first training, where it ran.
    pub origins: Vec<Origin>,
    /// The effective config of each arm, by its number in the comparison, as its first training had it.
    pub configs: Vec<Value>,
    /// The command that made the page.
    pub command: String,
    /// Set where there is more to come.
    pub preview: Option<Preview>,
}

/// Where the figures of an experiment come from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The experiment.
    pub experiment: String,
    /// The config of its first training.
    pub config: Value,
    /// Names and values: version, commit, processor, digest of the data.
    pub facts: Vec<(&'static str, String)>,
}

/// How far trainings are that a page is a preview of.
#[derive(Debug, Clone, Copy)]
pub struct Preview {
    /// Trainings that have ended.
    pub done: usize,
    /// All of them; 0 where that is not known yet.
    pub all: usize,
    /// Whether there is more to come: the page then reloads itself.
    pub goes_on: bool,
    /// After so many seconds.
    pub every_s: u64,
}

impl Preview {
    fn sentence(&self) -> String {
        let Self { done, all, goes_on, every_s } = self;
        let so_far = match all {
            0 => "no training has ended yet".to_owned(),
            all => format!("{done} of {} have ended", counted(*all, "training")),
        };
        if *goes_on {
            format!(
                "Preview: {so_far}, and figures will change. The page reloads itself every {every_s} s until all have."
            )
        } else {
            format!("Interrupted: {so_far}. The same `bnes run` goes on with the others.")
        }
    }
}

/// A page while there is nothing to show.
#[must_use]
pub fn waiting(name: &str, preview: &Preview) -> String {
    let mut page = Html::default();
    begin(&mut page, name, Some(preview));
    page.markup("<header>");
    page.element("h1", &[], name);
    page.element("p", &[("class", "preview")], &preview.sentence());
    page.markup("</header></body></html>\n");
    page.finish()
}

/// Everything before the first that is seen.
fn begin(page: &mut Html, names: &str, preview: Option<&Preview>) {
    let script_hash = base64(&Sha256::digest(SCRIPT.as_bytes()));
    page.markup("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.open(
        "meta",
        &[
            ("http-equiv", "Content-Security-Policy"),
            (
                "content",
                &format!(
                    "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{script_hash}'; \
                     base-uri 'none'; form-action 'none'"
                ),
            ),
        ],
    );
    if let Some(preview) = preview.filter(|preview| preview.goes_on) {
        let every = preview.every_s.to_string();
        page.open("meta", &[("http-equiv", "refresh"), ("content", &every)]);
    }
    page.markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    page.markup("<meta name=\"color-scheme\" content=\"light dark\">");
    page.element("title", &[], &format!("{names} · bnes"));
    page.markup("<style>");
    page.markup(STYLE);
    page.markup("</style></head><body>");
}

/// Arms whose configs are beside each other.
const MOST_CONFIGS: usize = 24;

/// The second metric of a table of trainings.
pub const SECOND: &str = "test_accuracy";

impl Page<'_> {
    /// The whole page.
    ///
    /// # Errors
    /// Where the curves cannot be written.
    pub fn write(mut self) -> Result<String, serde_json::Error> {
        for (number, arm) in self.comparison.arms.iter().enumerate() {
            let of_arm = |curve: &&MeanCurve| {
                curve.experiment == arm.experiment && curve.factors == arm.factors
            };
            for curve in self.comparison.curves.iter().filter(of_arm) {
                self.data.mean(number, curve);
            }
        }
        let names: Vec<&str> =
            self.comparison.experiments.iter().map(|one| one.name.as_str()).collect();
        let mut page = Html::default();
        begin(&mut page, &names.join(", "), self.preview.as_ref());
        self.header(&mut page, &names);
        page.markup("<main>");
        // What holds over all of them is what a reader of one minute wants first.
        self.across(&mut page);
        for experiment in &self.comparison.experiments {
            self.experiment(&mut page, experiment);
        }
        self.runs(&mut page);
        self.origin(&mut page);
        page.markup("</main>");
        page.markup("<script type=\"application/json\" id=\"data\">");
        page.markup(&self.data.json()?);
        page.markup("</script><script>");
        page.markup(SCRIPT);
        page.markup("</script></body></html>\n");
        Ok(page.finish())
    }

    fn header(&self, page: &mut Html, names: &[&str]) {
        page.markup("<header><div class=\"bar\">");
        page.element("h1", &[], &names.join(", "));
        page.markup("<button id=\"theme\" type=\"button\" hidden>dark</button></div>");
        if let Some(preview) = &self.preview {
            page.element("p", &[("class", "preview")], &preview.sentence());
        }
        for experiment in &self.comparison.experiments {
            let arms = self.arms(experiment);
            let seeds = arms.iter().map(|(_, arm)| arm.n);
            let (least, most) = (seeds.clone().min().unwrap_or(0), seeds.max().unwrap_or(0));
            let seeds = if least == most {
                counted(most, "seed")
            } else {
                format!("{least} to {most} seeds")
            };
            let split = match experiment.split_per_seed {
                Some(true) => "one split per seed",
                Some(false) => "on one split",
                None => "splits unknown",
            };
            let data = experiment.data.as_ref().map_or(String::new(), |data| {
                format!(
                    "{}: {} training, {} validation and {} test rows; ",
                    data.source, data.train_rows, data.validation_rows, data.test_rows
                )
            });
            page.open("p", &[("class", "lead")]);
            if names.len() > 1 {
                let address = format!("#{}", anchor(&experiment.name));
                page.element("a", &[("href", &address)], &experiment.name);
                page.text(": ");
            }
            page.text(&format!("{data}{}, {seeds}, {split}", counted(arms.len(), "arm")));
            page.markup("</p>");
        }
        page.markup("</header>");
    }

    /// The arms of an experiment with their numbers in the comparison.
    fn arms(&self, experiment: &ExperimentSummary) -> Vec<(usize, &ArmSummary)> {
        let all = self.comparison.arms.iter().enumerate();
        all.filter(|(_, arm)| arm.experiment == experiment.name).collect()
    }

    fn experiment(&self, page: &mut Html, experiment: &ExperimentSummary) {
        let id = anchor(&experiment.name);
        page.open(
            "section",
            &[("id", &id), ("aria-label", &experiment.name), ("data-experiment", &experiment.name)],
        );
        if self.comparison.experiments.len() > 1 {
            page.element("h2", &[], &experiment.name);
        }
        self.verdict(page, experiment);
        self.table_of_arms(page, experiment);
        let bars = figures::savings(experiment, self.comparison);
        if !bars.rows.is_empty() {
            page.element("h3", &[], "What early stopping saved and gave up");
            let rows =
                bars.rows.iter().map(|bar| vec![Cell::word(&bar.name), Cell::word(&bar.said)]);
            let headings = ["rule".to_owned(), "saved; gave up in what it monitors".to_owned()];
            figure_of(
                page,
                &bars.svg(Size::page()),
                &bars.description,
                &headings,
                &rows.collect::<Vec<_>>(),
            );
        }
        self.curves(page, experiment);
        self.effects(page, experiment);
        self.configs(page, experiment);
        page.close("section");
    }

    /// The conclusions, each with its word and, below it, the warnings that qualify it.
    fn verdict(&self, page: &mut Html, experiment: &ExperimentSummary) {
        let is_of =
            |name: &Option<String>| name.as_ref().is_none_or(|name| *name == experiment.name);
        let mut open: Vec<&Warning> =
            self.comparison.warnings.iter().filter(|one| is_of(&one.experiment)).collect();
        page.element("h3", &[], "Verdict");
        page.markup("<ul class=\"verdict\">");
        let conclusions = self.comparison.conclusions.iter();
        for one in conclusions
            .filter(|one| one.experiment.as_ref().is_some_and(|name| *name == experiment.name))
        {
            let sentence = finding(&one.finding);
            page.markup("<li>");
            if let Some((word, class)) = chip(&one.finding) {
                page.element("span", &[("class", &format!("chip {class}"))], word);
                page.markup(" ");
            }
            let sentence = begins_with_chip(&sentence, &one.finding);
            page.text(&sentence);
            let (own, others): (Vec<&Warning>, Vec<&Warning>) =
                open.into_iter().partition(|warning| qualifies(&warning.kind, &one.finding));
            open = others;
            notes(page, &own);
            page.markup("</li>");
        }
        page.markup("</ul>");
        if !open.is_empty() {
            page.element("p", &[("class", "of-all")], "What limits all of this:");
            notes(page, &open);
        }
    }

    fn table_of_arms(&self, page: &mut Html, experiment: &ExperimentSummary) {
        let table = tables::arms(experiment, self.comparison);
        let bests = self.comparison.conclusions.iter().filter_map(|one| match &one.finding {
            Finding::Best(best) if one.experiment.as_ref() == Some(&experiment.name) => Some(best),
            _ => None,
        });
        // Marked only where all others are told from it.
        let best = bests.filter(|best| best.not_told.is_empty()).map(|best| &best.arm).next();
        let arms = self.arms(experiment);
        let headings: Vec<String> =
            table.columns.iter().map(|column| column.heading.text.clone()).collect();
        let rows = table.columns.first().map_or(0, |column| column.cells.len());
        let row = |at: usize| -> Vec<Cell> {
            let is_best = best.is_some() && arms.get(at).map(|(_, arm)| &arm.factors) == best;
            let cell = |column: &super::table::Column| {
                let is_figure = column.heading.text != headings[0]
                    && column.cells[at].text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
                let is_best = is_best && column.heading.text == experiment.metric;
                let mark = if is_best { " (best)" } else { "" };
                Cell {
                    text: format!("{}{mark}", column.cells[at].text),
                    is_figure,
                    is_best,
                    of_row: Vec::new(),
                }
            };
            table.columns.iter().map(cell).collect()
        };
        let rows: Vec<Vec<Cell>> = (0..rows).map(row).collect();
        page.element("h3", &[], "Arms");
        let caption = format!(
            "Metrics of the weights kept: mean ± standard deviation over seeds, 95 % interval of the mean of {}",
            experiment.metric
        );
        page.table("arms", &caption, &headings, &rows);
        let mut references = self.comparison.references.iter();
        if references.any(|reference| reference.experiment == experiment.name) {
            page.element(
                "p",
                &[("class", "note")],
                "(best epoch): best checkpoint of the full run; a reference, not an arm",
            );
        }
    }

    fn curves(&self, page: &mut Html, experiment: &ExperimentSummary) {
        let chart = figures::curves(experiment, self.comparison, COLUMN, None);
        if chart.series.is_empty() {
            return;
        }
        page.element("h3", &[], "Learning curves");
        let arms: Vec<(usize, &ArmSummary)> = self.arms(experiment);
        let numbers: Vec<String> = arms.iter().map(|(number, _)| number.to_string()).collect();
        let labels: Vec<String> =
            arms.iter().map(|(_, arm)| figures::arm_label(&arm.factors)).collect();
        let labels = Value::from(labels).to_string();
        page.open(
            "div",
            &[
                ("class", "curves"),
                ("data-arms", &numbers.join(",")),
                ("data-labels", &labels),
                ("data-log", if chart.y.kind == Kind::Log { "1" } else { "" }),
            ],
        );
        let headings = ["arm", "n", "first epoch", "best epoch kept (mean)", "last epoch of all"]
            .map(str::to_owned);
        let rows = chart.series.iter().map(|series| {
            let at = |point: Option<&(f64, f64)>| {
                point.map_or(String::new(), |(x, y)| {
                    format!("{} at epoch {}", figure(*y, 4), fixed(*x, 0))
                })
            };
            let n = series.counts.first().map_or(String::new(), |count| fixed(count.1, 0));
            vec![
                Cell::word(&series.name),
                Cell::figure(n),
                Cell::figure(at(series.line.first())),
                Cell::figure(at(series.dot.as_ref())),
                Cell::figure(at(series.line.last())),
            ]
        });
        figure_of(
            page,
            &chart.svg(Size::page()),
            &chart.description,
            &headings,
            &rows.collect::<Vec<_>>(),
        );
        page.close("div");
    }

    fn effects(&self, page: &mut Html, experiment: &ExperimentSummary) {
        let forest = figures::forest(experiment, self.comparison);
        if forest.rows.iter().all(|row| row.estimate.is_none()) {
            return;
        }
        page.element("h3", &[], "Effects");
        let headings =
            ["effect", "estimate", "95 % interval", "p", "Holm", "better"].map(str::to_owned);
        let digits = 5;
        let rows = forest.rows.iter().map(|row| {
            let interval = row.interval.map_or(String::new(), |[low, high]| {
                format!("{} to {}", fixed(low, digits), fixed(high, digits))
            });
            let estimate = row.estimate.map_or(String::new(), |estimate| fixed(estimate, digits));
            let mut cells =
                vec![Cell::word(&row.name), Cell::figure(estimate), Cell::figure(interval)];
            cells.extend(row.figures.iter().map(Cell::figure));
            cells
        });
        figure_of(
            page,
            &forest.svg(Size::page()),
            &forest.description,
            &headings,
            &rows.collect::<Vec<_>>(),
        );
        let shown = self.comparison.contrasts.iter().filter(|contrast| {
            contrast.experiment == experiment.name
                && contrast.metric == experiment.metric
                && !contrast.by_seed.is_empty()
                && contrast.kind == crate::compare::ContrastKind::Main
        });
        for contrast in shown {
            let slopes = figures::pairs(experiment, contrast);
            let [from, to] = &slopes.levels;
            page.element("h3", &[], &format!("Seed by seed: {}, {from} → {to}", contrast.name));
            let headings = [
                "seed".to_owned(),
                slopes.levels[0].clone(),
                slopes.levels[1].clone(),
                "difference".to_owned(),
            ];
            let rows = contrast.by_seed.iter().map(|pair| {
                vec![
                    Cell::word(pair.seed.to_string()),
                    Cell::figure(figure(pair.levels[0], 4)),
                    Cell::figure(figure(pair.levels[1], 4)),
                    Cell::figure(figure(pair.levels[1] - pair.levels[0], 3)),
                ]
            });
            figure_of(
                page,
                &slopes.svg(Size::page()),
                &slopes.description,
                &headings,
                &rows.collect::<Vec<_>>(),
            );
        }
        let pareto = figures::pareto(experiment, self.comparison);
        if pareto.dots.len() > 1 {
            page.element("h3", &[], "Cost against quality");
            let headings = ["arm", "epochs", experiment.metric.as_str()].map(str::to_owned);
            let rows = pareto.dots.iter().map(|dot| {
                vec![
                    Cell::word(&dot.name),
                    Cell::figure(fixed(dot.at.0, 1)),
                    Cell::figure(figure(dot.at.1, 4)),
                ]
            });
            figure_of(
                page,
                &pareto.svg(Size::page()),
                &pareto.description,
                &headings,
                &rows.collect::<Vec<_>>(),
            );
        }
    }

    /// The keys in which the configs of arms differ, a column an arm; all keys folded.
    fn configs(&self, page: &mut Html, experiment: &ExperimentSummary) {
        let arms = self.arms(experiment);
        let shown: Vec<(usize, &ArmSummary)> = arms.iter().copied().take(MOST_CONFIGS).collect();
        let mut keys: Vec<String> = Vec::new();
        let mut values: Vec<HashMap<String, String>> = Vec::new();
        for (number, _) in &shown {
            let mut found = Vec::new();
            if let Some(config) = self.configs.get(*number) {
                flat(config, "", &mut found);
            }
            for (key, _) in &found {
                if !keys.contains(key) {
                    keys.push(key.clone());
                }
            }
            values.push(found.into_iter().collect());
        }
        let row = |key: &String| -> Vec<Cell> {
            let cell =
                |of: &HashMap<String, String>| Cell::word(of.get(key).map_or("", |value| value));
            std::iter::once(Cell::word(key)).chain(values.iter().map(cell)).collect()
        };
        let differs = |key: &&String| values.iter().any(|of| of.get(*key) != values[0].get(*key));
        let differing: Vec<Vec<Cell>> = keys.iter().filter(differs).map(row).collect();
        if keys.is_empty() {
            return;
        }
        page.element("h3", &[], "Where the configs differ");
        let mut headings = vec!["key".to_owned()];
        headings.extend(shown.iter().map(|(_, arm)| figures::arm_label(&arm.factors)));
        if !differing.is_empty() {
            page.table("configs", "Keys with more than one value", &headings, &differing);
        }
        if arms.len() > shown.len() {
            let told = format!("the first {MOST_CONFIGS} of {} arms", arms.len());
            page.element("p", &[("class", "note")], &told);
        }
        page.markup("<details><summary>All keys</summary>");
        let all: Vec<Vec<Cell>> = keys.iter().map(row).collect();
        page.table(
            "configs",
            "The effective config of the first training of each arm",
            &headings,
            &all,
        );
        page.markup("</details>");
    }

    fn across(&self, page: &mut Html) {
        for across in &self.comparison.data_sets {
            let ranks = figures::ranks(across);
            page.markup("<section aria-label=\"Several data sets\"><h2>Several data sets</h2>");
            for one in &self.comparison.conclusions {
                if matches!(&one.finding, Finding::Ranks(found) if found == across) {
                    page.element("p", &[], &finding(&one.finding));
                }
            }
            let headings = ["arm".to_owned(), "mean rank".to_owned()];
            let rows = ranks.ranked.iter();
            let rows =
                rows.map(|(name, rank)| vec![Cell::word(name), Cell::figure(fixed(*rank, 2))]);
            figure_of(
                page,
                &ranks.svg(Size::page()),
                &ranks.description,
                &headings,
                &rows.collect::<Vec<_>>(),
            );
            page.markup("</section>");
        }
    }

    fn runs(&self, page: &mut Html) {
        page.markup("<section aria-label=\"Trainings\"><h2>Trainings</h2>");
        page.markup(
            "<p class=\"note\" id=\"runs-hint\" hidden>Click a heading to sort, a row to see that seed in the curves. \
             <label>Filter <input id=\"filter\" type=\"search\"></label></p>",
        );
        let several = self.comparison.experiments.len() > 1;
        let metric_of = |name: &str| {
            let of = self.comparison.experiments.iter().find(|one| one.name == name);
            of.map_or("", |one| one.metric.as_str())
        };
        let mut metrics: Vec<&str> =
            self.comparison.experiments.iter().map(|one| one.metric.as_str()).collect();
        metrics.dedup();
        let metric = if let [one] = metrics[..] { one } else { "metric of the verdict" };
        let has_second = self.runs.iter().any(|run| run.metrics[1].is_some());
        let mut headings: Vec<String> =
            if several { vec!["experiment".to_owned()] } else { Vec::new() };
        let names = ["arm", "seed", "ended", "epochs", "best epoch", metric];
        headings.extend(names.map(str::to_owned));
        headings.extend(has_second.then(|| SECOND.to_owned()));
        let row = |run: &RunRow| {
            let arm = self.comparison.arms.get(run.arm);
            let arm = arm.map_or(String::new(), |arm| figures::arm_label(&arm.factors));
            let value =
                |value: Option<f64>| value.map_or("not finite".to_owned(), |v| figure(v, 5));
            let mut cells: Vec<Cell> = Vec::new();
            if several {
                cells.push(Cell::word(&run.experiment));
            }
            cells.push(Cell::word(arm));
            cells.push(Cell::figure(run.seed.to_string()));
            cells.push(Cell::word(&run.ended));
            cells.push(Cell::figure(run.epochs.to_string()));
            cells.push(Cell::figure(
                run.best_epoch.map_or(String::new(), |epoch| epoch.to_string()),
            ));
            let first = value(run.metrics[0]);
            cells.push(Cell::figure(match metrics.len() {
                1 => first,
                _ => format!("{} {first}", metric_of(&run.experiment)),
            }));
            if has_second {
                cells.push(Cell::figure(value(run.metrics[1])));
            }
            cells[0].of_row =
                vec![("data-arm", run.arm.to_string()), ("data-seed", run.seed.to_string())];
            cells
        };
        let rows: Vec<Vec<Cell>> = self.runs.iter().map(row).collect();
        page.table("runs", "Every arm at every seed", &headings, &rows);
        page.markup("</section>");
    }

    fn origin(&self, page: &mut Html) {
        page.markup("<section aria-label=\"Where this comes from\"><h2>Where this comes from</h2>");
        for origin in &self.origins {
            if self.origins.len() > 1 {
                page.element("h3", &[], &origin.experiment);
            }
            page.markup("<dl>");
            for (name, value) in &origin.facts {
                page.element("dt", &[], name);
                page.element("dd", &[], value);
            }
            page.markup("</dl><details><summary>Config of its first training</summary><pre>");
            page.text(&serde_json::to_string_pretty(&origin.config).unwrap_or_default());
            page.markup("</pre></details>");
        }
        page.markup("<p>Made by <code>");
        page.text(&self.command);
        page.markup("</code> with bnes ");
        page.text(env!("CARGO_PKG_VERSION"));
        page.markup(
            ". To cite: the versions, the config and the digest of the data above fix every figure; \
             <a href=\"#top\">back to the top</a>.</p></section>",
        );
    }
}

/// A picture with the sentence that says what it shows, and its numbers folded below.
fn figure_of(
    page: &mut Html,
    svg: &str,
    description: &str,
    headings: &[String],
    rows: &[Vec<Cell>],
) {
    page.markup("<figure role=\"group\">");
    page.markup(svg);
    page.markup("<figcaption>");
    page.element("p", &[], description);
    page.markup("<details><summary>The numbers</summary>");
    page.table("numbers", "The numbers of the picture above", headings, rows);
    page.markup("</details></figcaption></figure>");
}

fn notes(page: &mut Html, warnings: &[&Warning]) {
    if warnings.is_empty() {
        return;
    }
    page.markup("<ul class=\"warnings\">");
    for one in warnings {
        page.element("li", &[], &warning_kind(&one.kind));
    }
    page.markup("</ul>");
}

/// The word of a conclusion, and its class.
fn chip(finding: &Finding) -> Option<(&'static str, &'static str)> {
    let Finding::Effect(Effect { verdict, .. }) = finding else {
        return match finding {
            Finding::Interaction(one) if one.is_clear => Some(("It depends", "depends")),
            Finding::Diverged { .. } => Some(("Diverged", "worse")),
            _ => None,
        };
    };
    Some(match verdict {
        Verdict::Better => ("Better", "better"),
        Verdict::Worse => ("Worse", "worse"),
        Verdict::Depends { is_clear: true, .. } => ("It depends", "depends"),
        Verdict::Equivalent { .. } => ("Equivalent", "same"),
        Verdict::NoDifference => ("No difference", "same"),
        Verdict::TooFewSeeds => ("Too few seeds", "open"),
        Verdict::NoPair | Verdict::NotComparable => ("Nothing to tell", "open"),
        Verdict::OtherRows
        | Verdict::CannotTell
        | Verdict::CannotTellCorrected { .. }
        | Verdict::Depends { .. } => ("Cannot tell", "open"),
    })
}

/// The sentence without the word that its chip says already.
fn begins_with_chip(sentence: &str, finding: &Finding) -> String {
    let Some((word, _)) = chip(finding) else { return sentence.to_owned() };
    // `It depends by how much: …` goes on behind its chip.
    let rest = sentence.strip_prefix(word);
    let rest = rest.map(|rest| rest.strip_prefix(" to tell").unwrap_or(rest));
    let rest = rest.and_then(|rest| rest.strip_prefix(": ").or(rest.strip_prefix(' ')));
    let begun = |rest: &str| {
        // A key is written as it is.
        if rest.split(' ').next().is_some_and(|word| word.contains(['.', '_'])) {
            return rest.to_owned();
        }
        let mut letters = rest.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    };
    rest.map_or_else(|| sentence.to_owned(), begun)
}

/// Whether a warning is about what a conclusion says, rather than about all.
fn qualifies(kind: &WarningKind, finding: &Finding) -> bool {
    let Finding::Effect(effect) = finding else { return false };
    let name = &effect.contrast.name;
    match kind {
        WarningKind::MetricsDisagree { factor, .. }
        | WarningKind::NotShared { factor, .. }
        | WarningKind::Unpaired { factor, .. }
        | WarningKind::OneLearningRate { factor, .. } => factor == name,
        _ => false,
    }
}

/// A name as an anchor: letters, digits and dashes, other characters by their numbers, so that no two names are
/// alike.
fn anchor(name: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_ascii_alphanumeric() || c == '-' => c.to_string(),
        other => format!("_{:x}_", u32::from(other)),
    };
    format!("experiment-{}", name.chars().map(plain).collect::<String>())
}

/// Every key of a config with its value as text, tables by their dotted keys.
fn flat(config: &Value, above: &str, found: &mut Vec<(String, String)>) {
    let key = |key: &str| if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") };
    match config {
        Value::Object(table) => {
            for (name, value) in table {
                flat(value, &key(name), found);
            }
        }
        Value::Null => {}
        value => found.push((above.to_owned(), crate::compare::label::text(value))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::compare::{Options, compare};
    use crate::results::fixtures::two_by_two_of;

    #[test]
    fn names_that_look_alike_have_anchors_of_their_own() {
        let names = ["a b", "a-b", "a_b", "a_20_b", "ä", "a"];
        let anchors: std::collections::BTreeSet<String> =
            names.iter().map(|name| anchor(name)).collect();
        assert_eq!(anchors.len(), names.len(), "{anchors:?}");
        assert!(anchors.iter().all(|id| !id.contains(' ')), "{anchors:?}");
    }

    #[test]
    fn the_keys_in_which_arms_differ_are_a_table_and_all_keys_are_folded() {
        let comparison = compare(&[two_by_two_of(6)], &Options::default()).unwrap();
        let configs = comparison.arms.iter().map(|arm| {
            let kind = arm.factors["model.norm.kind"].clone();
            json!({"model": {"norm": {"kind": kind}, "hidden": [64]}, "early_stopping": {"kind": arm.factors["early_stopping"]}})
        });
        let page = Page {
            comparison: &comparison,
            data: PageData::default(),
            runs: Vec::new(),
            origins: Vec::new(),
            configs: configs.collect(),
            command: "bnes report".to_owned(),
            preview: None,
        };
        let text = page.write().unwrap();
        let section = text.split("Where the configs differ").nth(1).unwrap();
        let (differ, all) = section.split_once("<details>").unwrap();
        assert_eq!(differ.matches("<tr>").count(), 1 + 2, "{differ}");
        assert!(
            differ.contains(">model.norm.kind</th>")
                && differ.contains(">early_stopping.kind</th>")
        );
        assert!(
            !differ.contains("model.hidden") && all.contains(">model.hidden</th><td"),
            "{section}"
        );
    }
}
