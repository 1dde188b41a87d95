//! Data that is not what it looks like: what `data describe`, `check`, `run` and `compare` say of it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::common::{Place, curve, json, stderr};

/// A table of these columns, with a cell for each row.
fn table(header: &str, rows: usize, cells: impl Fn(usize) -> String) -> String {
    (0..rows).fold(format!("{header}\n"), |text, row| text + &cells(row) + "\n")
}

/// A number with three decimals that no other row has, in no order.
fn noise(row: usize) -> String {
    format!("{}.{:03}", row * 7 % 10, row * 389 % 1000)
}

fn class(row: usize) -> &'static str {
    ["no", "yes"][row * row % 7 % 2]
}

fn place(files: &[(&str, &str)]) -> Place {
    let place = Place::new();
    for (name, text) in files {
        place.write(name, text);
    }
    place
}

/// One line of what is said of a file.
fn described(name: &str, text: &str) -> String {
    place(&[(name, text)]).succeeds(&["data", "describe", name]).replace("\n  ", " ")
}

/// Messages of the warnings that a check finds, with their advice; it ends well, and with `--strict` only
/// where there are none.
#[track_caller]
fn warnings(place: &Place, config: &str) -> Vec<String> {
    let json = place.succeeds(&["check", "--config", config, "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let findings = json["findings"].as_array().unwrap().iter();
    let text = |finding: &Value| finding["text"].as_str().unwrap().to_owned();
    let found: Vec<String> = findings.filter(|f| f["level"] == "warning").map(text).collect();
    let strict = place.bnes(&["check", "--config", config, "--strict"]);
    assert_eq!(strict.status.code(), Some(i32::from(!found.is_empty())), "{}", stderr(&strict));
    found
}

/// The warnings about a table of its own.
#[track_caller]
fn of_table(text: &str, data: &str) -> Vec<String> {
    let config = format!("[data]\nsource = \"t.csv\"\n{data}\n[training]\nepochs = 2\n");
    warnings(&place(&[("t.csv", text), ("t.toml", &config)]), "t.toml")
}

#[track_caller]
fn is_one(found: &[String], parts: &[&str]) {
    assert_eq!(found.len(), 1, "{found:#?}");
    for part in parts {
        assert!(found[0].contains(part), "{part} in\n{}", found[0]);
    }
}

fn clean(rows: usize) -> String {
    table("a,b,y", rows, |row| format!("{},{},{}", noise(row), row % 9, class(row)))
}

#[test]
fn a_clean_table_has_no_warning() {
    assert_eq!(of_table(&clean(120), ""), [""; 0]);
    let out = described("t.csv", &clean(120));
    assert!(!out.contains("warning"), "{out}");
}

#[test]
fn columns_that_tell_rows_apart_are_named_with_the_line_that_drops_them() {
    let with = |name: &str, id: fn(usize) -> String| {
        table(&format!("{name},a,y"), 120, |row| {
            format!("{},{},{}", id(row), noise(row), class(row))
        })
    };
    for (name, id) in [
        ("Unnamed: 0", (|row| row.to_string()) as fn(usize) -> String),
        ("n", |row| (120 - row).to_string()),
        ("n", |row| (row * 7 % 120 + 1).to_string()),
        ("n", |row| (row * row + 100_000).to_string()),
        ("customer_id", |row| (row * row * 31 % 99_991).to_string()),
        ("who", |row| format!("name {row}")),
    ] {
        let text = with(name, id);
        let drop = format!("data.drop = [\"{name}\"]");
        is_one(&of_table(&text, ""), &["most rows have a value of their own", &drop]);
        assert_eq!(of_table(&text, &format!("drop = [\"{name}\"]")), [""; 0]);
        assert!(described("t.csv", &text).contains(&drop));
    }
    let both =
        table("id,who,a,y", 120, |row| format!("{row},name {row},{},{}", noise(row), class(row)));
    is_one(&of_table(&both, "drop = [\"a\"]"), &["data.drop = [\"a\", \"id\", \"who\"]"]);
    let counts = with("n", |row| (row * row % 60).to_string());
    assert_eq!(of_table(&counts, ""), [""; 0]);
}

#[test]
fn a_doubt_about_the_data_is_told_by_run_and_by_compare() {
    let text = table("Unnamed: 0,a,y", 120, |row| {
        format!("{row},{},{}", noise(row), ["no", "yes"][row / 60])
    });
    let config = "[data]\nsource = \"t.csv\"\nsplit.seed = \"seed\"\n[model]\nhidden = [4]\n\
                  [training]\nepochs = 2\n[matrix]\nseed = \"0..3\"\n";
    let place = place(&[("t.csv", &text), ("t.toml", config)]);
    let output = place.bnes(&["run", "--config", "t.toml"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let told = "most rows have a value of their own";
    assert_eq!(stderr(&output).matches(told).count(), 1, "{}", stderr(&output));
    let record = json(&place.training("results/t", "seed0").join("run.json"));
    assert_eq!(record["data"]["warnings"][0]["kind"], "identifiers", "{}", record["data"]);
    assert_eq!(
        record["data"]["warnings"][0]["advice"],
        "leave out by data.drop = [\"Unnamed: 0\"]"
    );
    let out = place.succeeds(&["compare", "results"]);
    assert_eq!(out.replace("\n  ", " ").matches(told).count(), 1, "{out}");
    let out = place.succeeds(&["compare", "results", "--format", "json"]);
    let compared: Value = serde_json::from_str(&out).unwrap();
    let of_data = |warning: &&Value| warning.as_str().is_some_and(|text| text.contains(told));
    assert_eq!(compared["warnings"].as_array().unwrap().iter().filter(of_data).count(), 1);

    let set =
        ["run", "--config", "t.toml", "--set", "data.drop=[\"Unnamed: 0\"]", "--results", "r"];
    let output = place.bnes(&set);
    assert!(!stderr(&output).contains(told), "{}", stderr(&output));
    let record = json(&place.training("r/t", "seed0").join("run.json"));
    assert!(record["data"].get("warnings").is_none(), "{}", record["data"]);
}

#[test]
fn rows_that_stand_in_several_splits_are_counted() {
    let four_times = clean(30).lines().skip(1).fold("a,b,y\n".to_owned(), |mut text, row| {
        for _ in 0..4 {
            writeln!(text, "{row}").unwrap();
        }
        text
    });
    is_one(&of_table(&four_times, ""), &["of 24 test rows are also training rows, word for word"]);
    assert!(described("t.csv", &four_times).contains("of 24 test rows are also training rows"));
    // As a test file that was cut off the training file, its columns in another order.
    let test = "y,b,a\n".to_owned()
        + &clean(120).lines().skip(1).take(10).fold(String::new(), |text, row| {
            let cells: Vec<&str> = row.split(',').collect();
            text + &format!("{},{},{}\n", cells[2], cells[1], cells[0])
        });
    let config = "[data]\nsource = \"t.csv\"\ntest_source = \"u.csv\"\n[data.split]\nvalidation = 0\n\
                  [training]\nepochs = 2\n";
    let place = place(&[("t.csv", &clean(120)), ("u.csv", &test), ("t.toml", config)]);
    let found = warnings(&place, "t.toml");
    is_one(&found, &["10 of 10 test rows are also training rows"]);
}

#[test]
fn classes_that_no_training_row_has_are_counted_and_refused_where_they_are_most() {
    let train = table("a,b,y", 60, |row| {
        format!("{},{},{}", noise(row), row % 9, ["<=50K", ">50K"][row % 3 % 2])
    });
    let rows = |classes: [&str; 4]| {
        table("a,b,y", 40, |row| format!("{},{},{}", noise(row + 300), row % 9, classes[row % 4]))
    };
    let config = "[data]\nsource = \"t.csv\"\ntest_source = \"u.csv\"\n[training]\nepochs = 2\n";
    let test = rows(["<=50K.", ">50K.", "<=50K.", "<=50K."]);
    let bad = place(&[("t.csv", &train), ("u.csv", &test), ("t.toml", config)]);
    let message = bad.fails(2, &["check", "--config", "t.toml"]);
    for part in [
        "40 of 40 test rows are of classes that no training row has",
        "`<=50K.` (did you mean `<=50K`?)",
        "`>50K.` (did you mean `>50K`?)",
        "t.toml:3:15",
    ] {
        assert!(message.contains(part), "{part} in\n{message}");
    }
    assert_eq!(message, bad.fails(2, &["run", "--config", "t.toml"]));
    let test = rows(["<=50K", ">50K", "<=50K", "<=50K."]);
    let few = place(&[("t.csv", &train), ("u.csv", &test), ("t.toml", config)]);
    is_one(&warnings(&few, "t.toml"), &["10 of 40 test rows are of classes", "`<=50K.`"]);
}

#[test]
fn a_line_above_the_table_is_named_as_it_stands() {
    let test = "|1x3 Cross validator\n52, Gov, yes.\n63, Private, no.\n";
    let train = table("40, Gov, yes", 60, |row| format!("{}, Gov, {}", row % 50, class(row)));
    let config = "[data]\nsource = \"t.csv\"\ntest_source = \"u.csv\"\n";
    let message = place(&[("t.csv", &train), ("u.csv", test), ("t.toml", config)])
        .fails(1, &["check", "--config", "t.toml"]);
    assert!(message.contains("u.csv, line 1: `|1x3 Cross validator` stands above"), "{message}");
}

#[test]
fn numbers_with_something_around_or_between_their_digits_are_one_finding() {
    let with = |cell: fn(usize) -> String| {
        table("a,rate,y", 120, |row| format!("{},{},{}", noise(row), cell(row), class(row)))
    };
    for (what, bare, cell) in [
        (
            "`%` behind them",
            "`10%` for 10",
            (|row| format!("{}%", row % 4 * 5 + 10)) as fn(usize) -> String,
        ),
        ("`mg` behind them", "`20 mg` for 20", |row| format!("{} mg", row % 3 * 5 + 20)),
        ("`€` before them", "`€10` for 10", |row| format!("€{}", row * row % 50 + 10)),
        ("`,` between thousands", "`5,755` for 5755", |row| format!("\"{},755\"", row % 5 + 5)),
        ("`,` between thousands", "`1,005,755` for 1005755", |row| {
            format!("\"1,00{},755\"", row % 5 + 5)
        }),
        ("no-break spaces between thousands", "for 1089", |row| {
            format!("{}\u{a0}089", row % 5 + 1)
        }),
        ("`.` between thousands, a comma", "`1.089,50` for 1089.50", |row| {
            format!("\"{}.089,50\"", row % 5 + 1)
        }),
        ("a no-break space", "for 5", |row| format!("{}\u{a0}", row % 5 + 5)),
    ] {
        let text = with(cell);
        let advice = "data.categorical = [\"rate\"]";
        is_one(&of_table(&text, ""), &["`rate` (", what, bare, "write the numbers alone", advice]);
        assert_eq!(of_table(&text, "categorical = [\"rate\"]"), [""; 0]);
        assert!(described("t.csv", &text).contains(what), "{what}");
    }
    for names in [
        |row: usize| format!("size {}", row % 5),
        |row: usize| format!("{}-{}", row % 5, row % 5 + 10),
        |row: usize| format!("2020-01-0{}", row % 5 + 1),
        |row: usize| ["1st", "2nd", "3rd", "4th"][row % 4].to_owned(),
    ] {
        assert_eq!(of_table(&with(names), ""), [""; 0], "{}", names(1));
    }
    // More than there may be levels: still told as numbers, not as names of rows.
    let many = table("a,rate,y", 1500, |row| {
        format!("{},{}.{:03}%,{}", noise(row), row % 90, row * 7 % 1000, class(row))
    });
    let out = described("t.csv", &many);
    assert!(out.contains("`%` behind them, as in `0.000%` for 0.000; too many levels"), "{out}");
    assert!(out.contains("numbers but for `%` behind them: write `0.000` for `0.000%`"), "{out}");
    assert!(!out.contains("data.drop"), "{out}");
}

#[test]
fn a_target_of_numbers_with_a_sign_is_told_before_it_becomes_classes() {
    let text = table("a,b,rate", 120, |row| {
        format!("{},{},{}.{}%", noise(row), row % 9, row % 60, row % 3)
    });
    let out = described("t.csv", &text);
    assert!(out.contains("the target `rate` holds numbers with more than digits"), "{out}");
    assert!(out.contains("`0.0%` for 0.0"), "{out}");
    let config = "[data]\nsource = \"t.csv\"\n";
    let many = table("a,b,rate", 120, |row| format!("{},{},{}.5%", noise(row), row % 9, row % 100));
    let message =
        place(&[("t.csv", &many), ("t.toml", config)]).fails(2, &["check", "--config", "t.toml"]);
    assert!(
        message.contains("numbers but for `%` behind them: write `0.5` for `0.5%`"),
        "{message}"
    );
    let all = table("a,b,rate", 120, |row| format!("{},{},{row}.5%", noise(row), row % 9));
    let message = place(&[("t.csv", &all)]).fails(1, &["data", "describe", "t.csv"]);
    assert!(message.contains("write `0.5` for `0.5%`"), "{message}");
}

#[test]
fn points_between_thousands_are_pointed_at_between_semicolons() {
    let text = |price: fn(usize) -> String| {
        table("a;price;y", 120, |row| format!("{};{};{}", noise(row), price(row), class(row)))
    };
    let prices = text(|row| match row % 3 {
        0 => (row + 500).to_string(),
        _ => format!("{}.089", row % 9 + 1),
    });
    is_one(
        &of_table(&prices, ""),
        &["every point has three digits behind it", "`price` (`2.089`)"],
    );
    let target = table("a;b;price", 120, |row| {
        format!("{};{};{}.089", noise(row), row % 9, row * 7 % 119 + 1)
    });
    is_one(
        &of_table(&target, ""),
        &["every point has three digits behind it", "`price` (`1.089`)"],
    );
    for other in [|row: usize| format!("0.{:03}", row * 7), |row: usize| format!("{}.5", row % 40)]
    {
        assert_eq!(of_table(&text(other), ""), [""; 0], "{}", other(1));
    }
}

#[test]
fn decimal_commas_and_commas_between_thousands_are_told_apart() {
    let text = |delimiter: &str, price: &str| {
        table(&["a", "price", "y"].join(delimiter), 60, |row| {
            let price = price.replace('#', &(row % 5 + 1).to_string());
            [&row.to_string(), &price, class(row)].join(delimiter)
        })
    };
    for (delimiter, price, advice) in [
        (",", "\"#,5\"", "write decimals with a point"),
        (";", "#,5", "write decimals with a point"),
        (";", "#,755", "write decimals with a point, and take separators of thousands out"),
        (",", "\"#,755\"", "`,` between thousands"),
        (";", "#.755,25", "`.` between thousands"),
    ] {
        let out = described("t.csv", &text(delimiter, price));
        assert!(out.contains(advice), "{price}: {out}");
    }
}

#[test]
fn zeros_before_digits_are_those_of_codes() {
    let text = table("zip,a,y", 120, |row| {
        format!("{:05},{},{}", row * 7919 % 99_991 / 7 * 7 % 9000, noise(row), class(row))
    });
    is_one(&of_table(&text, ""), &["zeros before their digits", "data.categorical = [\"zip\"]"]);
    assert!(described("zip.csv", &text).contains("data.categorical = [\"zip\"]"));
}

#[test]
fn levels_and_classes_that_differ_in_case_alone_are_pointed_at() {
    let text = |levels: [&str; 3], classes: [&str; 3]| {
        table("colour,a,y", 120, |row| {
            format!("{},{},{}", levels[row % 3], noise(row), classes[row * row % 7 % 3])
        })
    };
    let colours = text(["Red", "red", "blue"], ["x", "z", "x"]);
    is_one(
        &of_table(&colours, ""),
        &["differ in case or blanks alone: `colour` (`Red` and `red`)"],
    );
    let classes = text(["red", "blue", "red"], ["No", "no", "yes"]);
    is_one(&of_table(&classes, ""), &["classes of `y` that differ in case or blanks alone"]);
}

#[test]
fn levels_that_most_rows_of_a_test_file_have_and_no_training_row_are_pointed_at() {
    let text = |end: &'static str, from: usize| {
        table("kind,a,y", 60, move |row| {
            format!("{}{end},{},{}", ["car", "bus"][row % 2], noise(row + from), class(row))
        })
    };
    let config = "[data]\nsource = \"t.csv\"\ntest_source = \"u.csv\"\n[training]\nepochs = 2\n";
    let place = place(&[("t.csv", &text("", 0)), ("u.csv", &text(".", 300)), ("t.toml", config)]);
    is_one(&warnings(&place, "t.toml"), &["`kind`", "no training row has"]);
}

#[test]
fn the_header_that_pandas_counts_is_one() {
    let text = table(",0,1,2", 120, |row| format!("{row},{},5.5,{}", noise(row), row % 2));
    let place = place(&[("np.csv", &text)]);
    let message = place.fails(1, &["data", "describe", "np.csv"]);
    assert!(message.contains("column 1 of 4 has no name"), "{message}");
    let out = place.succeeds(&["data", "describe", "np.csv", "--set", "data.drop=[\"c1\"]"]);
    assert!(out.starts_with("np.csv: 120 rows, 2 input columns, to predict: `2`"), "{out}");
    let text = table("0,1,2", 120, |row| format!("{},5.5,{}", noise(row), row % 2));
    let out = described("np.csv", &text);
    assert!(out.contains("120 rows, 2 input columns, to predict: `2`"), "{out}");
    assert!(out.contains("warning: the first line, which ends with `2`"), "{out}");
    is_one(&of_table(&text, ""), &["names of columns", "if it is a row, set data.header = false"]);
    assert_eq!(of_table(&text, "header = true"), [""; 0]);
    let text = table("1,2,3", 120, |row| format!("{},5.5,{}", noise(row), row % 2));
    is_one(&of_table(&text, ""), &["names of columns", "if it is none, set data.header = true"]);
}

#[test]
fn a_quote_behind_a_blank_opens_a_cell() {
    let text = table("\"a\", \"b\", \"y\"", 60, |row| {
        format!("{}, \"{}\", \"{}\"", noise(row), row % 9, class(row))
    });
    let out = described("q.csv", &text);
    assert!(out.contains("to predict: `y` (classification, 2 classes)"), "{out}");
    assert!(out.contains("b       input   number"), "{out}");
    let text =
        table("a, note, y", 60, |row| format!("{}, \"x, y\", \"{}\"", noise(row), class(row)));
    assert!(described("q.csv", &text).starts_with("q.csv: 60 rows, 2 input columns"));
}

#[test]
fn columns_may_be_parted_by_runs_of_blanks() {
    let text =
        table(" 0.5   2  no ", 60, |row| format!("  {}   {}\t{}", noise(row), row % 9, class(row)));
    let config = "[data]\nsource = \"h.data\"\n[training]\nepochs = 2\n";
    let place = place(&[("h.data", &text), ("h.toml", config)]);
    let out = place.succeeds(&["data", "describe", "h.data"]);
    assert!(out.starts_with("h.data: 61 rows, 2 input columns"), "{out}");
    assert!(out.contains("any run of blanks or tabs is taken for one delimiter"), "{out}");
    let set = ["data.delimiter=\" \"", "data.header=false"];
    let out = place.succeeds(&["data", "describe", "h.data", "--set", set[0], "--set", set[1]]);
    assert!(!out.contains("run of blanks"), "who says it need not be told\n{out}");
    let out = place.succeeds(&["check", "--config", "h.toml"]);
    assert!(out.contains("h.data: 61 rows, 2 inputs, to predict: `c3`"), "{out}");
    let commas = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(","));
    place.write("c.csv", &(commas.collect::<Vec<_>>().join("\n") + "\n"));
    for (source, name) in [("h.data", "blanks"), ("c.csv", "commas")] {
        let (source, name) = (format!("data.source={source}"), format!("name={name}"));
        place.succeeds(&["run", "--config", "h.toml", "--set", &source, "--set", &name, "--quiet"]);
    }
    let of = |name: &str| curve(&place.trainings(&format!("results/{name}"))[0]);
    assert_eq!(of("blanks"), of("commas"));
}

#[test]
fn lines_that_blanks_do_not_part_alike_are_pointed_at() {
    let told = |text: &str| {
        let place = place(&[("t.data", text)]);
        let message = place.fails(1, &["data", "describe", "t.data"]);
        assert!(message.contains("set data.delimiter = \" \""), "{message}");
    };
    let cars = |row: usize| format!("{}   {}\t\"a {}\"", noise(row), row % 9, class(row));
    let inferred = place(&[("t.data", &table("a   b\ty", 60, cars))]);
    let out = inferred.succeeds(&["data", "describe", "t.data"]);
    assert!(out.starts_with("t.data: 60 rows, 2 input columns"), "{out}");
    told(&table(
        "a   b\ty",
        60,
        |row| if row == 7 { format!("1  {}", cars(row)) } else { cars(row) },
    ));
    told(&table("a b y", 60, |row| if row == 7 { "1 2".to_owned() } else { "1 2 x".to_owned() }));
    let told = |text: &str| {
        told(text);
        let place = place(&[("t.data", text)]);
        let out = place.succeeds(&["data", "describe", "t.data", "--set", "data.delimiter=\" \""]);
        assert!(out.starts_with("t.data: 60 rows, 2 input columns"), "{out}");
    };
    told(&table("a\tb\ty", 60, |row| match row % 2 {
        0 => format!("{}\t{}\t{}", noise(row), row % 9, class(row)),
        _ => format!("{}\t\t{}\t{}", noise(row), row % 9, class(row)),
    }));
    told(&table("a\t\tb\ty", 60, |row| format!("{}\t{}\t{}", noise(row), row % 9, class(row))));
}

#[test]
fn a_line_of_blanks_is_an_empty_line() {
    let text = table("a,b,y", 60, |row| format!("{},{},{}", noise(row), row % 9, class(row)));
    assert_eq!(described("t.csv", &text), described("t.csv", &(text.clone() + "   \n\t")));
}

#[test]
fn multipliers_are_multiplied_out_and_different_units_are_told() {
    let with = |cell: fn(usize) -> String| {
        table("a,size,y", 120, |row| format!("{},{},{}", noise(row), cell(row), class(row)))
    };
    let installs = with(|row| ["4.4M", "0.3K", "1.5K"][row % 3].to_owned());
    is_one(
        &of_table(&installs, ""),
        &["`M` behind them (millions), `K` behind them (thousands), as in `4.4M` for 4400000"],
    );
    let doses = with(|row| ["1 g", "20 mg", "50 mg"][row % 3].to_owned());
    let advice = "convert them to one unit and write the numbers alone";
    is_one(&of_table(&doses, ""), &["different units, `g` and `mg`", advice]);
}

#[test]
fn a_word_for_a_missing_cell_hides_no_numbers() {
    let with = |cells: [&'static str; 4]| {
        table("a;rate;y", 120, move |row| {
            format!("{};{};{}", noise(row), cells[row % 4], class(row))
        })
    };
    is_one(
        &of_table(&with(["10 %", "15 %", "20 %", "n/a"]), ""),
        &["`%` behind them, as in `10 %` for 10"],
    );
    let out = described("t.csv", &with(["1,5", "2,5", "3,25", "n/a"]));
    assert!(out.contains("write decimals with a point"), "{out}");
}

#[test]
fn separators_of_thousands_in_a_target_are_named_wherever_its_classes_are() {
    let prices = |from: usize| {
        table("a,b,price", 24, move |row| {
            format!("{},{},\"{},898\"", noise(row), row % 9, row / 2 + from)
        })
    };
    let config = "[data]\nsource = \"t.csv\"\ntest_source = \"u.csv\"\n";
    let files = place(&[("t.csv", &prices(1)), ("u.csv", &prices(50)), ("t.toml", config)]);
    let message = files.fails(2, &["check", "--config", "t.toml"]);
    assert!(message.contains("`,` between thousands: write `1898` for `1,898`"), "{message}");
    let all = table("a,b,price", 60, |row| {
        format!("{},{},\"{},{:03}\"", noise(row), row % 9, row + 1, row * 7)
    });
    let message = place(&[("t.csv", &all)]).fails(1, &["data", "describe", "t.csv"]);
    assert!(message.contains("`,` between thousands: write `1000` for `1,000`"), "{message}");
}
