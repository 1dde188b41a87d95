//! CSV and TSV files.

use proptest::prelude::*;

use super::super::{Dataset, Inputs, Source, Targets};
use super::{doubts, gzipped, opened, taken, target};
use crate::config::data::{DataConfig, Task};
use crate::seed::Seed;

fn csv(content: &str) -> Result<Dataset, String> {
    taken("t.csv", content.as_bytes(), |_| ())
}

fn whole(config: &mut DataConfig) {
    (config.split.validation, config.split.test, config.standardize) = (0.0, 0.0, false);
}

fn table(dataset: &Dataset) -> Vec<f32> {
    match &dataset.inputs {
        Inputs::Table(rows) => rows.to_vec(),
        Inputs::Images { .. } => panic!("images"),
    }
}

/// Twenty rows of three columns and two classes.
fn rows() -> String {
    let row = |n: u32| format!("{n},{},1,{}\n", n * n, ["no", "yes"][n as usize % 2]);
    format!("a,b,c,y\n{}", (0..20).map(row).collect::<String>())
}

#[test]
fn a_table_is_standardised_by_its_training_rows_and_constant_columns_go() {
    let dataset = csv(&rows()).unwrap();
    assert_eq!(
        dataset.summary,
        "t.csv: 20 rows, 2 inputs, to predict: `y`, 2 classes (task inferred: classification); train 12, validation 4, test 4 (stratified, split seed 0)"
    );
    assert_eq!(doubts(&dataset), ["left out, constant over the training rows: `c`"]);
    let train = &dataset.splits.train;
    let mean: f64 = train.iter().map(|row| f64::from(*row)).sum::<f64>() / 12.0;
    let sd = (train.iter().map(|row| (f64::from(*row) - mean).powi(2)).sum::<f64>() / 12.0).sqrt();
    let column = &dataset.preprocessing["inputs"]["columns"][0];
    assert_eq!((column["name"].as_str(), column["mean"].as_f64()), (Some("a"), Some(mean)));
    assert!((column["sd"].as_f64().unwrap() - sd).abs() < 1e-14);
    for (row, values) in (0_u32..).zip(table(&dataset).chunks(2)) {
        assert!((f64::from(values[0]) - (f64::from(row) - mean) / sd).abs() < 1e-6);
    }
}

/// Of a table: a dataset made of its source, which is the same as one that takes its source along.
fn made_and_taken(text: &str) -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), text).unwrap();
    let config = DataConfig::new("t.csv");
    let open = || Source::open(&config, folder.path()).unwrap();
    let made = open().dataset(&config, Seed(1)).unwrap();
    let taken = open().into_dataset(&config, Seed(1)).unwrap();
    let bits = |dataset: &Dataset| table(dataset).iter().map(|x| x.to_bits()).collect::<Vec<u32>>();
    assert_eq!(bits(&taken), bits(&made));
    assert_eq!(taken.preprocessing, made.preprocessing);
    assert_eq!((&taken.doubts, &taken.summary), (&made.doubts, &made.summary));
    taken
}

#[test]
fn a_dataset_that_takes_its_source_along_is_the_same() {
    let row = |n: u32| match n % 7 {
        0 => format!("{},,x,1,{}\n", n * n, n % 2),
        1 => format!("{}.25,0.5,,1,{}\n", n % 5, n % 2),
        _ => format!("{n},{}e-7,y,1,{}\n", f64::from(n).sqrt(), n % 2),
    };
    made_and_taken(&format!("a,b,c,d,y\n{}", (0..2500).map(row).collect::<String>()));
}

/// Wide enough for blocks of few rows: numbers of few digits, of various places, long ones, and few
/// different ones; `more` stands in front of the class.
fn wide(rows: u32, more: impl Fn(u32) -> String) -> String {
    let columns = 6000;
    let cell = |row: u32, column: u32| match column % 4 {
        0 => format!("{}.{:03}", row * 7 % 113, column % 1000),
        1 => (f64::from(row * column) / 8.0).to_string(),
        2 => f64::from(row * 31 + column).sqrt().to_string(),
        _ => ((row + column) % 9).to_string(),
    };
    let header: Vec<String> = (0..columns).map(|column| format!("x{column}")).collect();
    let line = |row: u32| {
        let cells: Vec<String> = (0..columns).map(|column| cell(row, column)).collect();
        format!("{},{},{}\n", cells.join(","), more(row), row % 2)
    };
    format!("{},more,y\n{}", header.join(","), (0..rows).map(line).collect::<String>())
}

#[test]
#[allow(clippy::cast_possible_truncation)] // as the network computes
fn numbers_become_inputs_in_place_across_all_blocks() {
    let text = wide(270, |row| (row * row).to_string());
    let dataset = made_and_taken(&text);
    let columns = dataset.preprocessing["inputs"]["columns"].as_array().unwrap();
    assert_eq!(columns.len(), 6001, "none is left out");
    for (row, line) in text.lines().skip(1).enumerate() {
        let inputs = super::row(&dataset, row);
        for ((input, column), cell) in inputs.iter().zip(columns).zip(line.split(',')) {
            let (mean, sd) = (column["mean"].as_f64().unwrap(), column["sd"].as_f64().unwrap());
            let cell: f64 = cell.parse().unwrap();
            assert_eq!(*input, ((cell - mean) / sd) as f32, "row {row}, {}", column["name"]);
        }
    }
}

#[test]
fn levels_and_missing_cells_are_encoded_across_all_blocks() {
    let level = |row: u32| ["red", "", "blue", "green"][row as usize % 4].to_owned();
    let dataset = made_and_taken(&wide(270, level));
    for row in 0..270 {
        let inputs = super::row(&dataset, row);
        // blue, green, red, missing, other
        let mut expected = [0.0; 5];
        expected[[2, 3, 0, 1][row % 4]] = 1.0;
        assert_eq!(inputs[inputs.len() - 5..], expected, "row {row}");
    }
}

#[test]
fn a_changed_validation_or_test_row_changes_no_scale() {
    let before = csv(&rows()).unwrap();
    let mut lines: Vec<String> = rows().lines().map(str::to_owned).collect();
    for row in before.splits.validation.iter().chain(&before.splits.test) {
        let class = ["no", "yes"][*row as usize % 2];
        lines[*row as usize + 1] = format!("1e6,-1e6,7,{class}");
    }
    let after = csv(&lines.join("\n")).unwrap();
    assert_eq!(before.preprocessing, after.preprocessing);
    assert_eq!(before.splits, after.splits);
    let row = |dataset: &Dataset, row: u32| table(dataset)[row as usize * 2..][..2].to_vec();
    for train in &before.splits.train {
        assert_eq!(row(&before, *train), row(&after, *train));
    }
    assert_ne!(row(&before, before.splits.test[0]), row(&after, before.splits.test[0]));
}

#[test]
fn several_numeric_targets_are_a_regression_in_standardised_units() {
    let dataset = taken("t.csv", rows().as_bytes(), target(&["b", "a"]));
    // `y` is text, an indicator for each level and one for others.
    assert_eq!(dataset.unwrap().inputs.width(), 3);
    let content = rows().replace("no", "0").replace("yes", "1");
    let dataset = taken("t.csv", content.as_bytes(), target(&["b", "a"])).unwrap();
    assert!(
        dataset
            .summary
            .contains("1 input, to predict: `b`, `a`, 2 targets (task: regression); train 12"),
        "{}",
        dataset.summary
    );
    assert!(dataset.summary.contains("(random, split seed 0)"));
    let Targets::Values { values, names, mean, sd } = &dataset.targets else { panic!() };
    assert_eq!(names, &["b", "a"]);
    for (row, pair) in (0_u32..).zip(values.chunks(2)) {
        let own = |at: usize| f64::from(pair[at]) * sd[at] + mean[at];
        assert!((own(1) - f64::from(row)).abs() < 1e-5 && (own(0) - own(1).powi(2)).abs() < 1e-3);
    }
}

#[test]
fn a_target_that_does_not_vary_in_training_is_said_and_never_divides() {
    let content = |odd: u32| {
        let target = |row| if row == odd { 0.25 } else { 0.5 };
        (0..20)
            .map(|row| format!("{row},{}\n", target(row)))
            .fold("a,y\n".to_owned(), |a, b| a + &b)
    };
    // The split of a regression looks at no value, so the odd row can be put into the test.
    let odd = csv(&content(0)).unwrap().splits.test[0];
    let dataset = csv(&content(odd)).unwrap();
    assert_eq!(doubts(&dataset), ["warning: the target is the same in all training rows: `y`"]);
    let Targets::Values { values, mean, sd, .. } = &dataset.targets else { panic!() };
    assert_eq!((mean[0], sd[0]), (0.5, 1.0));
    assert_eq!((values[odd as usize], values[dataset.splits.train[0] as usize]), (-0.25, 0.0));
}

#[test]
fn delimiters_quotes_line_ends_and_a_byte_order_mark_make_no_difference() {
    let plain = taken("t.csv", b"a,b,y\n1,2,x\n3,5,z\n1,3,x\n", whole).unwrap();
    for (name, content) in [
        ("t.csv", "\u{feff}a;b;y\r\n1;2;x\r\n3;5;z\r\n1;3;x"),
        ("t.csv", "\n\"a\"\t\"b\"\t\"y\"\n\"1\"\t2\t\"x\"\n 3 \t5\tz\n\n1\t3\tx\n"),
        ("t.tsv", "a\tb\ty\n1\t2\tx\n3\t5\tz\n1\t3\tx\n"),
        ("t.csv", "a,b,y\r1,2,x\r3,5,z\r1,3,x\r"),
        ("t.csv", "\"a\", \"b\", \"y\"\n1, \"2\", \"x\"\n3, \"5\", \"z\"\n1, \"3\", \"x\"\n"),
    ] {
        let other = taken(name, content.as_bytes(), whole).unwrap();
        assert_eq!(table(&other), table(&plain), "{content}");
        assert_eq!(other.preprocessing, plain.preprocessing, "{content}");
    }
    let quoted = "\"a;\"\"b\"\"\",\"y\n1\"\n1,\"x, \"\"y\"\"\"\n2,z\n2,z\n";
    let quoted = taken("t.csv", quoted.as_bytes(), whole).unwrap();
    assert_eq!(quoted.preprocessing["inputs"]["columns"][0]["name"], "a;\"b\"");
    assert_eq!(quoted.preprocessing["target"]["name"], "y\n1");
    assert_eq!(quoted.preprocessing["target"]["classes"][0], "x, \"y\"");
}

#[test]
fn the_digest_is_of_the_content_not_of_its_compression() {
    let digest = |name, content: &[u8]| taken(name, content, |_| ()).unwrap().digest;
    let plain = digest("t.csv", rows().as_bytes());
    assert_eq!(plain.len(), 64);
    assert_eq!(plain, digest("u.csv.gz", &gzipped(rows().as_bytes())));
    assert_ne!(plain, digest("t.csv", rows().replace("yes", "ja").as_bytes()));
}

const EMPTY: &str = "t.csv: the file is empty: expected a header line and a row for each example; name another file in data.source, or fill this one";

#[test]
fn a_table_that_cannot_be_taken_says_what_where_and_what_to_do() {
    for (content, message) in [
        ("", EMPTY),
        ("\n\n", EMPTY),
        (
            "a,y\n",
            "t.csv: there is a header and no row below it: add the rows, or set data.header = false if the line is one",
        ),
        (
            "a\n1\n",
            "t.csv, line 1: there is one column, `a`: expected inputs and a target with `,`, tab, `;` or `|` between them; if something else stands there, set data.delimiter",
        ),
        (
            "1.5 2 x\n3 4\n",
            "t.csv, line 1: there is one column, `1.5 2 x`: expected inputs and a target with `,`, tab, `;` or `|` between them; if blanks stand there, set data.delimiter = \" \"",
        ),
        (
            "|1x3 Cross validator\n52, Gov, yes\n63, Gov, no\n",
            "t.csv, line 1: `|1x3 Cross validator` stands above lines of 3 cells: take this line out of the file if it is neither a row nor the names of the columns, else give it as many cells",
        ),
        (
            ",a,y\n0,1,2\n",
            "t.csv, line 1: column 1 of 3 has no name: name it, or leave it out by data.drop = [\"c1\"] if it only counts the rows",
        ),
        (
            "a,a,y\n1,2,x\n",
            "t.csv, line 1: two columns are called `a`: every column needs a name of its own",
        ),
        (
            "a,b,y\n1,2,x\n1,x\n",
            "t.csv, line 3 (row 2): 2 cells, but the header has 3: add or take out cells, or quote those that hold the delimiter",
        ),
        (
            "a,y\n\"1,x\n2,z\n",
            "t.csv, line 2: the quote that opens in this line is never closed: close it, or put a cell that begins with a quote into quotes and double those that belong to it (`\"\"`)",
        ),
        (
            "1,1,x\nred,2,y\n",
            "t.csv, line 1: two columns are called `1`: if the first line is a row, set data.header = false",
        ),
        (
            "a,y\n1,\n2,?\n",
            "t.csv: the target `y` is missing in every row: set data.target, or data.missing if its cells hold something",
        ),
        (
            "a;y\n1,5;x\n2,5;z\n1,5;x\n2,5;z\n3,5;x\n3,5;z\n",
            "t.csv, line 2 (row 1), column `a`: `1,5` is not a number: write decimals with a point",
        ),
        (
            "a,y\nNaN,x\n",
            "t.csv, line 2 (row 1), column `a`: `NaN` is not finite: correct the cell, or add `NaN` to data.missing if it means a missing value",
        ),
        (
            "a,y\n-inf,x\n",
            "t.csv, line 2 (row 1), column `a`: `-inf` is not finite: correct the cell, or add `-inf` to data.missing if it means a missing value",
        ),
        (
            "a,y\n1e39,x\n",
            "t.csv, line 2 (row 1), column `a`: `1e39` is too large: a 32-bit float ends at about 3.4e38, rescale the column",
        ),
        (
            "a,y\n1\0,x\n",
            "t.csv, line 2 (row 1), column `a`: there is a NUL byte: the file is damaged or not plain text; fetch it again, or save it as UTF-8 text",
        ),
        (
            "a,y\n1,x\n2,x\n",
            "t.csv: the target `y` has one class only (`x`): there is nothing to tell apart; set data.target to the column to predict",
        ),
        (
            "a,y\n1,2.5\n2,2.5\n",
            "t.csv: the target `y` is the same in every row: there is nothing to learn; set data.target to the column to predict",
        ),
        (
            "a,y\n1,x\n2,z\n3,w\n",
            "t.csv: the target `y` has 3 classes in 3 rows: is it the column to predict? set data.target, or task = \"regression\" for numbers",
        ),
        (
            "a,y\n1,x\n1,z\n1,z\n1,x\n1,x\n1,z\n",
            "t.csv: no input varies over the 4 training rows: there is nothing to learn from; `bnes data describe` shows what the columns hold",
        ),
        (
            "a,y\n1,x\n2,z\n",
            "t.csv: data.split.test = 0.2 of 2 rows leaves no row: raise it, or set it to 0",
        ),
    ] {
        assert_eq!(csv(content).map(|d| d.summary).unwrap_err(), message, "{content}");
    }
    let latin = taken("t.csv", b"a,y\n1,caf\xe9\n", |_| ()).unwrap_err();
    assert!(latin.starts_with("t.csv, line 2 (row 1), column `y`: this is not UTF-8"), "{latin}");
    let latin = taken("t.csv", b"caf\xe9,y\n1,x\n", |_| ()).unwrap_err();
    assert!(latin.starts_with("t.csv, line 1: this is not UTF-8"), "{latin}");
    let wide = taken("t.csv", b"\xff\xfea\0,\0y\0\n\0", |_| ()).unwrap_err();
    assert_eq!(wide, "t.csv: the text is UTF-16: save the file as UTF-8");
    let long = format!("a,y\n{}1,x\n{}", "m".repeat(10 << 20), "1,x\n1,y\n".repeat(100));
    let message = csv(&long).unwrap_err();
    assert!(
        message.contains("line 2 (row 1), column `a`: 10485761 bytes are too long"),
        "{message}"
    );
}

#[test]
fn delimiters_too_many_and_quotes_that_do_not_end_a_cell_say_so() {
    for (content, message) in [
        (
            "a,b,y,\n1,2,x,\n",
            "t.csv, line 1: column 4 of 4 has no name: name it, or leave it out by data.drop = [\"c4\"] if it is empty, as where every line ends with a delimiter",
        ),
        (
            "a,b,y\n1,2,x,\n",
            "t.csv, line 2 (row 1): 4 cells, but the header has 3: the line ends with a delimiter: take it out of every line, or end the header with one, too",
        ),
        (
            "a,y\n1,x\n2,\"x\"z\n",
            "t.csv, line 3: text follows the closing quote of a cell that begins in this line: expected the delimiter or the end of the line; double the quotes that belong to the cell (`\"\"`)",
        ),
    ] {
        assert_eq!(csv(content).map(|d| d.summary).unwrap_err(), message, "{content}");
    }
}

#[test]
fn a_target_that_is_not_there_is_answered_with_the_nearest() {
    let content = rows();
    let named = |names: &'static [&'static str]| taken("t.csv", content.as_bytes(), target(names));
    assert_eq!(
        taken("t.csv", b"length,species\n1,2\n", target(&["specis"])).unwrap_err(),
        "t.csv: there is no column `specis` to predict; did you mean `species`?; there is `length`, `species`"
    );
    assert_eq!(
        named(&["a", "b", "c", "y"]).unwrap_err(),
        "t.csv: every column is a target: leave at least one as an input"
    );
    let task = |task, content: &str| {
        taken("t.csv", content.as_bytes(), |config| config.task = Some(task)).unwrap_err()
    };
    assert_eq!(
        task(Task::Classification, "a,y\n1,1\n2,2.5\n"),
        "t.csv, line 3 (row 2), column `y`: `2.5` is not a class: numeric classes have to be whole numbers; set task = \"regression\" to predict the number"
    );
    assert_eq!(
        task(Task::Regression, "a,y\n1,1\n2,x\n"),
        "t.csv, line 3 (row 2), column `y`: `x` is not a number, and the target is numeric: correct the cell, or set task = \"classification\" if these are class names"
    );
}

#[test]
fn a_source_that_is_not_there_or_not_known_says_what_works() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        opened(folder.path(), "digit", |_| ()).unwrap_err(),
        "`digit` is neither a built-in set (`digits`, `penguins`, `concrete`) nor a file: digit is not there; did you mean `digits`?"
    );
    assert_eq!(
        taken("a.xlsx", b"x", |_| ()).unwrap_err(),
        "a.xlsx: the format is not known by this name: give a .csv, .tsv, .dt, .parquet, .npy, .npz, .arff, .libsvm or .jsonl file (.gz too) or a folder of IDX files"
    );
    assert_eq!(
        taken("a.csv.gz", b"a,y\n", |_| ()).unwrap_err(),
        "a.csv.gz: not a gzip file, although its name ends in .gz: rename it, or compress it with gzip"
    );
    let half = gzipped(rows().as_bytes());
    let message = taken("a.csv.gz", &half[..half.len() / 2], |_| ()).unwrap_err();
    let told = "a.csv.gz: the compressed data is cut short or damaged (";
    assert!(message.starts_with(told) && message.contains("download the file again"), "{message}");
}

proptest! {
    #[test]
    fn numbers_come_back_from_a_table_as_they_were_written(
        rows in prop::collection::vec(
            (any::<f32>().prop_filter("finite", |x| x.is_finite()), -9_i32..9, "[ -~]{0,6}x"), 3..30),
        delimiter in prop::sample::select(vec![b',', b';', b'\t']),
    ) {
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        writer.write_record(["a", "b", "y"]).unwrap();
        for (a, b, y) in &rows {
            writer.write_record([a.to_string(), b.to_string(), y.clone()]).unwrap();
        }
        let content = writer.into_inner().unwrap();
        if let Ok(dataset) = taken("t.csv", &content, whole) {
            let Inputs::Table(table) = &dataset.inputs else { panic!("images") };
            if table.width() != 2 {
                return Ok(());
            }
            let Targets::Classes { labels, names } = &dataset.targets else { panic!("no classes") };
            for (row, (a, b, y)) in rows.iter().enumerate() {
                #[allow(clippy::cast_precision_loss)]
                let b = *b as f32;
                prop_assert_eq!(table.row(row), &[*a, b]);
                prop_assert_eq!(names[labels[row] as usize].as_str(), y.trim_ascii());
            }
            prop_assert!(names.is_sorted());
        }
    }

    #[test]
    fn arbitrary_bytes_are_a_table_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        text in "[a-c0-9,;\t\n\r\". -]{0,200}",
    ) {
        let _ = taken("t.csv", &bytes, whole);
        let _ = taken("t.csv", text.as_bytes(), |_| ());
        let _ = taken("t.csv.gz", &[&[0x1f, 0x8b][..], &bytes].concat(), |_| ());
        let _ = taken("t.csv.gz", &gzipped(text.as_bytes()), |_| ());
    }
}
