//! What a user reads when a config is refused: file, line, column, the text at fault, what to do.

use std::path::Path;

use bnes::config::{Experiment, Overrides};

fn with(file_name: &str, text: &str, set: &[&str], seeds: Option<u64>) -> String {
    let set = set.iter().map(|text| (*text).to_owned()).collect();
    match Experiment::parse(file_name, text, Path::new(""), &Overrides { set, seeds }) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// A config whose first line is right.
fn refused(text: &str) -> String {
    with("a.toml", &format!("data.source = \"digits\"\n{text}"), &[], None)
}

fn refused_set(set: &str) -> String {
    with("a.toml", "data.source = \"digits\"\n", &[set], None)
}

/// Message, place and underlined text of an error as it is shown.
fn parts(shown: &str) -> (&str, &str, String) {
    let lines: Vec<&str> = shown.lines().collect();
    let place = lines[1].trim_start().trim_start_matches("--> ");
    let at = |text: &str| text.chars().filter(|c| *c == '^').count();
    let start = lines[4].chars().take_while(|c| *c != '^').count();
    (lines[0], place, lines[3].chars().skip(start).take(at(lines[4])).collect())
}

#[track_caller]
fn points(shown: &str, message: &str, place: &str, text: &str) {
    assert_eq!(parts(shown), (message, place, text.to_owned()), "\n{shown}");
}

#[test]
fn an_unknown_key_is_shown_in_its_line_with_the_nearest_known_one() {
    let text =
        "name = \"x\"\n\n[early_stopping]\nkind = \"patience\"\n\n\n\n\npatiance = 10 # ten\n";
    // The nearest comes before the other keys of this rule and those of every rule.
    let shown = refused(text);
    let expected = "unknown key `patiance` in [early_stopping]\n  --> a.toml:10:1\n   |\n\
                    10 | patiance = 10 # ten\n   | ^^^^^^^^\n   \
                    = help: did you mean `patience`? There are: `patience`, `kind`, `min_delta`, \
                    `min_delta_mode`, `baseline`, `start_from_epoch`, `monitor`, `mode`, \
                    `restore_best`";
    assert_eq!(shown, expected);
    // A key of another kind is passed over, so that a slip in one is near it.
    let shown = refused("[early_stopping]\nkind = \"none\"\npatiance = 10");
    let help = "did you mean `patience`? There are: `patience`, `kind`, `monitor`, `mode`, \
                `restore_best`";
    assert!(shown.ends_with(help), "{shown}");
}

#[test]
fn unknown_keys_are_refused_at_every_level() {
    for (text, key, table, near) in [
        ("sed = 1", "sed", "", "seed"),
        ("[modle]", "modle", "", "model"),
        ("data.tget = \"x\"", "tget", " in [data]", "target"),
        ("data.split.tset = 0.1", "tset", " in [data.split]", "test"),
        ("model.hiden = [1]", "hiden", " in [model]", "hidden"),
        ("model.init.knd = 1", "knd", " in [model.init]", "kind"),
        ("model.norm.epz = 1", "epz", " in [model.norm]", "eps"),
        ("training.epoch = 1", "epoch", " in [training]", "epochs"),
        ("training.optimizer.momentun = 1", "momentun", " in [training.optimizer]", "momentum"),
        ("training.schedule.warmup = 1", "warmup", " in [training.schedule]", "warmup_epochs"),
        ("evaluation.tran = true", "tran", " in [evaluation]", "train"),
        ("matrix.\"model.nrom.kind\" = [1]", "nrom", " in [model]", "norm"),
        ("matrix.model.nrom.kind = [1]", "nrom", " in [model]", "norm"),
        ("matrix.\"modle\" = [{}]", "modle", "", "model"),
        ("matrix.model = [{}, { hiden = [] }]", "hiden", " in [model]", "hidden"),
    ] {
        let shown = refused(text);
        let (message, _, underlined) = parts(&shown);
        assert_eq!(message, format!("unknown key `{key}`{table}"), "{shown}");
        assert_eq!(underlined, key, "{shown}");
        assert!(shown.contains(&format!("did you mean `{near}`?")), "{shown}");
    }
}

#[test]
fn a_key_in_the_wrong_table_is_shown_its_own() {
    for (text, places) in [
        ("training.lr = 0.1", "`training.optimizer.lr`"),
        ("lr = 0.1", "`training.optimizer.lr`"),
        ("training.learning_rate = 0.1", "`training.optimizer.lr`"),
        ("training.patience = 3", "`early_stopping.patience`"),
        ("training.seed = 3", "`seed` or `data.split.seed`"),
        ("data.validation = 0.1", "`data.split.validation`"),
        (
            "matrix.\"training.momentum\" = [0.1, 0.2]",
            "`model.norm.momentum` or `training.optimizer.momentum`",
        ),
    ] {
        let shown = refused(text);
        assert!(
            shown.ends_with(&format!("did you mean {places}?"))
                || shown.contains(&format!("did you mean {places}?\n")),
            "{shown}"
        );
    }
    let shown = refused("[early_stopping]\nkind = \"patience\"\nlr = 1");
    assert!(shown.contains("did you mean `training.optimizer.lr`?"), "{shown}");
}

#[test]
fn json_is_pointed_into_as_well() {
    let text = "{\n\t\"data\": {\"source\": \"digits\"},\n\t\"model\": {\"dropout\": 1.5}\n}";
    assert_eq!(
        with("a.json", text, &[], None),
        "`model.dropout`: 1.5 is out of range: expected a number of at least 0 and below 1\n \
         --> a.json:3:23\n  |\n3 |     \"model\": {\"dropout\": 1.5}\n  |                          ^^^"
    );
}

#[test]
fn syntax_errors_have_a_place() {
    points(
        &refused("seed = "),
        "this is not valid TOML: string values must be quoted, expected literal string",
        "a.toml:2:8",
        "",
    );
    points(
        &refused("data.source = 1"),
        "this is not valid TOML: duplicate key",
        "a.toml:2:6",
        "source",
    );
    let json = |text: &str| with("a.json", text, &[], None);
    for (text, message, column) in [
        ("{\"data\": {},}", "this is not valid JSON: Trailing commas are not allowed", 12),
        ("{\"data\": 1 /* */}", "this is not valid JSON: Comments are not allowed", 12),
        ("{data: 1}", "this is not valid JSON: Expected string for object property", 2),
        ("{\"a\": 1, \"a\": 2}", "the key `a` appears twice", 10),
        ("{\"data\": null}", "`data`: no key takes null", 10),
        ("[1]", "a config is an object: `{ … }`", 1),
        (
            "{\"seed\": 1e400}",
            "`seed`: this is not a finite number: expected one, such as 0.01",
            10,
        ),
        (
            "{\"seed\": 18446744073709551616}",
            "`seed`: this whole number does not fit into 64 bits",
            10,
        ),
    ] {
        let shown = json(text);
        let (found, place, _) = parts(&shown);
        assert_eq!((found, place), (message, format!("a.json:1:{column}").as_str()), "{shown}");
    }
    assert!(json("").starts_with("the file is empty\n --> a.json:1:1"));
    points(
        &refused("seed = 2024-01-01"),
        "`seed`: no key takes a date or a time",
        "a.toml:2:8",
        "2024-01-01",
    );
    points(
        &refused("model.dropout = -inf"),
        "`model.dropout`: this is not a finite number: expected one, such as 0.01",
        "a.toml:2:17",
        "-inf",
    );
    points(
        &refused("[matrix]\n\"model.dropout\" = [0.1, nan]"),
        "`matrix.model.dropout`: this is not a finite number: expected one, such as 0.01",
        "a.toml:3:25",
        "nan",
    );
}

#[test]
fn what_is_missing_is_named_with_its_table() {
    assert_eq!(
        with("a.toml", "", &[], None),
        "the key `data` is missing\n --> a.toml:1:1\n  = help: a config needs at least its data: data.source = \"digits\""
    );
    assert_eq!(
        with("a.toml", "[data]\n", &[], None),
        "the key `source` is missing in [data]\n --> a.toml:1:1\n  |\n1 | [data]\n  | ^^^^^^"
    );
    points(
        &refused("[early_stopping]\nkind = \"threshold\""),
        "the key `column` is missing in [early_stopping]",
        "a.toml:2:1",
        "[early_stopping]",
    );
    assert!(refused("[early_stopping]\npatience = 1").starts_with(
        "`early_stopping`: `kind` is missing: the name of a stopping rule, one of `none`"
    ));
}

#[test]
fn wrong_types_and_values_are_said_in_words() {
    for (text, message, underlined) in [
        ("seed = -1", "`seed`: -1 is out of range: expected a whole number of at least 0", "-1"),
        ("seed = 1.5", "`seed`: expected a whole number of at least 0, found 1.5", "1.5"),
        ("model = 1", "`model`: expected a table, found 1", "1"),
        ("model.hidden = 3", "`model.hidden`: expected a list, found 3", "3"),
        (
            "model.hidden = [3, 0]",
            "`model.hidden`: a layer of 0 units: expected whole numbers of at least 1",
            "[3, 0]",
        ),
        (
            "model.hidden = [3, \"a\"]",
            "`model.hidden`: expected a whole number of at least 0, found the string \"a\"",
            "\"a\"",
        ),
        (
            "model.dropout = \"a\"",
            "`model.dropout`: expected a number, found the string \"a\"",
            "\"a\"",
        ),
        ("model.activation = \"rleu\"", "`model.activation`: unknown value `rleu`", "\"rleu\""),
        (
            "training.epochs = 0",
            "`training.epochs`: 0 is out of range: expected a whole number of at least 1",
            "0",
        ),
        (
            "training.batch_size = 0",
            "`training.batch_size`: 0 is out of range: expected a whole number of at least 1, or \"full\"",
            "0",
        ),
        (
            "training.optimizer.lr = 0",
            "`training.optimizer.lr`: 0 is out of range: expected a number above 0 that is a normal 32-bit float: 1.2e-38 to 3.4e38",
            "0",
        ),
        (
            "training.optimizer.lr = 1e-320",
            "`training.optimizer.lr`: 1e-320 is out of range: expected a number above 0 that is a normal 32-bit float: 1.2e-38 to 3.4e38",
            "1e-320",
        ),
        (
            "training.optimizer.weight_decay = 1e39",
            "`training.optimizer.weight_decay`: 1e39 is out of range: expected 0, or a number above 0 that is a normal 32-bit float: 1.2e-38 to 3.4e38",
            "1e39",
        ),
        (
            "training.optimizer = { kind = \"sgd\", momentum = 1e-40 }",
            "`training.optimizer.momentum`: 1e-40 is out of range: expected 0, or a number below 1 that is a normal 32-bit float: from 1.2e-38",
            "1e-40",
        ),
        (
            "training.optimizer.eps = 1e-46",
            "`training.optimizer.eps`: 1e-46 is out of range: expected a number above 0 that is a normal 32-bit float: 1.2e-38 to 3.4e38",
            "1e-46",
        ),
        (
            "model.norm = { kind = \"batch\", eps = 1e-40 }",
            "`model.norm.eps`: 1e-40 is out of range: expected a number above 0 that is a normal 32-bit float: 1.2e-38 to 3.4e38",
            "1e-40",
        ),
        (
            "training.optimizer.eps = 1e300",
            "`training.optimizer.eps`: 1e300 is out of range: expected a number above 0 that is a normal 32-bit float: 1.2e-38 to 3.4e38",
            "1e300",
        ),
        ("evaluation.train = 1", "`evaluation.train`: expected true or false, found 1", "1"),
        (
            "evaluation.inside = [\"modes\", \"drfit\"]",
            "`evaluation.inside`: unknown value `drfit`",
            "\"drfit\"",
        ),
        (
            "evaluation.inside = \"modes\"",
            "`evaluation.inside`: expected a list, found the string \"modes\"",
            "\"modes\"",
        ),
        (
            "early_stopping = \"none\"",
            "`early_stopping`: expected a table with the `kind` of a stopping rule, such as { kind = \"…\" }, found the string \"none\"",
            "\"none\"",
        ),
        ("model.norm.kind = 3", "`model.norm.kind`: expected the name of a norm, found 3", "3"),
        ("model.norm.kind = \"bacth\"", "`model.norm.kind`: unknown value `bacth`", "\"bacth\""),
        (
            "name = \"a/b\"",
            "`name`: \"a/b\" cannot name the directory of the results: it holds a path separator; take a plain name, such as \"digits\"",
            "\"a/b\"",
        ),
        (
            "early_stopping = { kind = \"patience\", monitor = \"test_loss\" }",
            "`early_stopping.monitor`: `test_loss` is a test column, which no rule may read: use a column of the validation or the training split",
            "\"test_loss\"",
        ),
    ] {
        let shown = refused(text);
        let (found, _, at) = parts(&shown);
        assert_eq!((found, at.as_str()), (message, underlined), "{shown}");
    }
}

#[test]
fn what_data_cannot_be_is_refused_at_its_value() {
    for (text, message) in [
        (
            "data.delimiter = \"ab\"",
            "`data.delimiter`: \"ab\" cannot separate cells: expected one character, such as \",\", \";\", \"|\" or \"\\t\" for a tab",
        ),
        ("data.drop = [\"a\", \"a\"]", "`data.drop`: `a` is listed twice"),
        (
            "data.binarize = 1.5",
            "`data.binarize`: 1.5 is out of range: expected a number of at least 0 and below 1",
        ),
        (
            "data.header = \"yes\"",
            "`data.header`: expected true or false, found the string \"yes\"",
        ),
        (
            "training.class_weights = \"balancd\"",
            "`training.class_weights`: unknown value `balancd`",
        ),
    ] {
        let shown = refused(text);
        assert_eq!(shown.lines().next(), Some(message), "{shown}");
    }
}

#[test]
fn a_norm_that_does_nothing_for_a_layer_is_refused_with_what_would_do() {
    for (text, message, help) in [
        (
            "model = { hidden = [64, 30], norm = { kind = \"group\" } }",
            "the norm `group`: 8 groups do not divide 30 units",
            "the nearest number of groups that does is 2",
        ),
        (
            "model = { hidden = [8], norm = { kind = \"group\" } }",
            "the norm `group`: a group of one unit comes out as its mean makes it",
            "take fewer groups",
        ),
        (
            "model = { hidden = [1, 8], norm = { kind = \"layer\" } }",
            "the norm `layer`: a layer of one unit comes out as its mean makes it",
            "give every hidden layer more units",
        ),
        (
            "model = { hidden = [1], norm = { kind = \"rms\" } }",
            "the norm `rms`: a layer of one unit comes out as its sign makes it",
            "give every hidden layer more units",
        ),
        (
            "model.norm = { kind = \"weight\", at = [\"hidden\", \"input\"] }",
            "the norm `weight`: it normalises the weights of a layer, and there is none before the inputs",
            "leave \"input\" out of `at`",
        ),
        (
            "model.norm = { kind = \"batch\", at = [] }",
            "an empty list: expected \"hidden\", \"input\" or both",
            "",
        ),
        (
            "model.norm = { kind = \"batch\", at = [\"input\", \"input\"] }",
            "the same place twice",
            "",
        ),
        ("model.norm = { kind = \"batch\", at = [\"inputs\"] }", "unknown value `inputs`", "input"),
        ("model.norm = { kind = \"batch\", at = \"input\" }", "`model.norm.at`", "a list"),
        (
            "model.norm = { kind = \"ghost_batch\", ghost_size = 1 }",
            "1 is out of range: expected a whole number of at least 2",
            "",
        ),
        (
            "model.norm = { kind = \"batch_renorm\", r_max = 0.5 }",
            "0.5 is out of range: expected a number of at least 1, at most 3.4e38",
            "",
        ),
    ] {
        let shown = refused(text);
        assert!(shown.contains(message) && shown.contains(help), "{shown}");
    }
}

#[test]
fn ghost_batches_no_smaller_than_a_batch_are_the_batch_norm_beside_them() {
    let text = "training.batch_size = 32\nmatrix.\"model.norm.kind\" = [\"batch\", \"ghost_batch\"]\nmodel.norm.ghost_size = 32";
    let shown = refused(text);
    assert!(
        shown.contains("two arms are equal: here `model.norm.kind` makes no difference"),
        "{shown}"
    );
}

#[test]
fn norms_that_are_the_same_under_two_names_are_no_two_arms() {
    for (text, key) in [
        ("matrix.\"model.norm.kind\" = [\"layer\", \"group\"]\nmodel.norm.groups = 1", "kind"),
        (
            "matrix.\"model.norm.kind\" = [\"batch\", \"batch_renorm\"]\nmodel.norm = { r_max = 1.0, d_max = 0.0 }",
            "kind",
        ),
        (
            "matrix.\"model.norm.placement\" = [\"before_activation\", \"after_activation\"]\nmodel.norm = { kind = \"layer\", at = [\"input\"] }",
            "placement",
        ),
        (
            "matrix.\"model.norm.weight_norm\" = [true, false]\nmodel.norm = { kind = \"mean_only_batch\", at = [\"input\"] }",
            "weight_norm",
        ),
    ] {
        let shown = refused(text);
        let message = format!("two arms are equal: here `model.norm.{key}` makes no difference");
        assert!(shown.contains(&message), "{text}: {shown}");
    }
}

#[test]
fn what_cannot_be_tuned_is_refused_with_its_place() {
    const RATES: &str = "\"training.optimizer.lr\" = [0.1, 0.2]";
    for (text, message, underlined) in [
        ("seeds = [1]", "`tune`: there is no key to tune", "[tune]"),
        (
            "\"training.optimizer.lr\" = 0.1",
            "`training.optimizer.lr`: expected a list of values, found a number",
            "0.1",
        ),
        (
            "\"training.optimizer.lr\" = [0.1, -1]",
            "-1 is out of range: expected a number above 0 that is a normal 32-bit float: 1.2e-38 to 3.4e38",
            "-1",
        ),
        (
            "\"training.optimizer.lr\" = []",
            "`training.optimizer.lr`: the list is empty: expected at least one level",
            "[]",
        ),
        ("\"training.optimizer.rate\" = [1]", "unknown key `rate` in [training.optimizer]", "rate"),
        (
            "\"training.epochs\" = [1, 2]",
            "which `training.epochs` makes another figure",
            "training.epochs",
        ),
        (
            "\"early_stopping.patience\" = [1, 2]",
            "it is not a setting of the model or the training",
            "early_stopping.patience",
        ),
        ("\"model.dropout\" = [0.1]\nseeds = [1, 1]", "`tune.seeds`: 1 appears twice", "1"),
    ] {
        let shown = refused(&format!("[tune]\n{text}"));
        let (found, _, at) = parts(&shown);
        assert!(found.contains(message), "{shown}");
        assert_eq!(at, underlined, "{shown}");
    }
    let shown = refused(&format!("seed = 7\n[tune]\n{RATES}\nseeds = [6, 7]"));
    assert!(shown.starts_with("`tune.seeds`: 7 is one of the experiment's own seeds"), "{shown}");
    assert!(shown.contains("a.toml:5:9"), "{shown}");
    let shown = refused(&format!("[matrix]\nseed = \"990..1010\"\n[tune]\n{RATES}"));
    assert!(shown.starts_with("`tune.seeds`: 1000 is one of the experiment's own"), "{shown}");
    let shown = refused(&format!("[matrix]\n\"training.optimizer.lr\" = [0.1]\n[tune]\n{RATES}"));
    points(
        &shown,
        "`training.optimizer.lr` is in [matrix], too",
        "a.toml:5:2",
        "training.optimizer.lr",
    );
    // A table of the matrix goes with a tuned key that none of its levels writes.
    let kinds = |rest: &str| {
        let levels = format!("[{{ kind = \"sgd\"{rest} }}, {{ kind = \"adam\" }}]");
        refused(&format!("[matrix]\n\"training.optimizer\" = {levels}\n[tune]\n{RATES}"))
    };
    assert_eq!(kinds(""), "accepted");
    let shown = kinds(", lr = 0.1");
    assert!(shown.contains("leave it out of the levels of `training.optimizer`"), "{shown}");
    let text = format!("data.source = \"digits\"\n[tune]\n{RATES}");
    let set = |set: &str| with("a.toml", &text, &[set], None);
    let shown = set("training.optimizer.lr=0.1");
    assert!(shown.starts_with("`training.optimizer.lr` is tuned by [tune]"), "{shown}");
    assert!(shown.ends_with("--set 'tune.\"training.optimizer.lr\"=[…]'"), "{shown}");
    assert_eq!(set("tune.seeds=[5]"), "accepted");
    assert!(set("tune.seeds=[0]").contains("0 is one of the experiment's own seeds"));
}

#[test]
fn checkpoints_are_made_after_no_less_than_no_time() {
    assert_eq!(refused("[checkpoint]\nevery_s = 1"), "accepted");
    assert!(refused("[checkpoint]\nevery_s = -1").contains("a number of at least 0"));
}

#[test]
fn faults_of_a_level_name_the_cell() {
    let shown = refused(
        "[matrix]\n\"model.norm.kind\" = [\"none\", \"batch\"]\n\
         early_stopping = [{ kind = \"none\" }, { kind = \"patience\", patiance = 10 }]",
    );
    points(&shown, "unknown key `patiance` in [early_stopping]", "a.toml:4:59", "patiance");
    assert!(shown.ends_with(
        "  = note: in the cell model.norm.kind = \"none\", early_stopping = \"patience\""
    ));
    points(
        &refused("[matrix]\nmodel.norm.kind = [\"none\", \"bacth\"]"),
        "`model.norm.kind`: unknown value `bacth`",
        "a.toml:3:28",
        "\"bacth\"",
    );
}

#[test]
fn a_slip_in_a_table_that_the_matrix_replaces_is_still_refused() {
    let matrix = "[matrix]\nearly_stopping = [{ kind = \"none\" }, { kind = \"patience\" }]";
    let shown = refused(&format!("[early_stopping]\npatiance = 3\nkind = \"patience\"\n{matrix}"));
    points(&shown, "unknown key `patiance` in [early_stopping]", "a.toml:3:1", "patiance");
    assert_eq!(refused(&format!("[early_stopping]\npatience = 3\n{matrix}")), "accepted");
}

#[test]
fn the_matrix_refuses_what_cannot_be_varied() {
    for (text, message, underlined) in [
        ("data.split.seed = [1, 2]", "`data.split.seed` cannot be varied", "data.split.seed"),
        (
            "name = [\"a\", \"b\"]",
            "`name` cannot be varied: `name` is of the whole experiment",
            "name",
        ),
        (
            "checkpoint.every_s = [1]",
            "`checkpoint.every_s` cannot be varied: `checkpoint` is of the whole experiment",
            "checkpoint.every_s",
        ),
        (
            "model.hidden = []",
            "`model.hidden`: the list is empty: expected at least one level",
            "[]",
        ),
        (
            "model.activation = \"relu\"",
            "`model.activation`: expected a list of levels, found a string",
            "\"relu\"",
        ),
        ("model.dropout = [0.1, 0.2, 0.1]", "`model.dropout`: this level appears twice", "0.1"),
        ("\"model.\" = [1]", "the key `model.` has an empty part", "\"model.\""),
        (
            "seed = \"3\"",
            "`seed`: expected a list of whole numbers, or \"a..b\" for a to b - 1, found the string \"3\"",
            "\"3\"",
        ),
        ("seed = \"3..3\"", "`seed`: there is no number in 3..3", "\"3..3\""),
        ("seed = [1, 2.5]", "`seed`: expected a whole number of at least 0", "2.5"),
        ("seed = [1, 1]", "`seed`: 1 appears twice", "1"),
        ("seed = \"0..99999999999\"", "`seed`: more than 10000000 seeds", "\"0..99999999999\""),
        (
            "early_stopping = [{ kind = \"none\" }]\n\"early_stopping.patience\" = [1]",
            "`early_stopping` and `early_stopping.patience` cannot both be varied",
            "early_stopping.patience",
        ),
        (
            "model.norm.kind = [\"none\"]\n\"model.norm.kind\" = [\"batch\"]",
            "`model.norm.kind` is varied twice",
            "model.norm.kind",
        ),
    ] {
        let shown = refused(&format!("[matrix]\n{text}"));
        let (found, _, _) = parts(&shown);
        assert_eq!(found, message, "{shown}");
        assert!(shown.contains(underlined), "{shown}");
    }
    assert!(refused("[matrix]\ndata.split.seed = [1]").contains("data.split.seed = \"seed\""));
}

#[test]
fn equal_arms_are_refused_with_both_cells() {
    let shown = refused("[matrix]\n\"model.norm.eps\" = [1e-5, 1e-3]");
    points(
        &shown,
        "two arms are equal: here `model.norm.eps` makes no difference",
        "a.toml:3:27",
        "1e-3",
    );
    assert!(shown.contains("one is the cell model.norm.eps = 0.00001"), "{shown}");
    assert!(shown.contains("the other is the cell model.norm.eps = 0.001"), "{shown}");
    let batch = "[model.norm]\nkind = \"batch\"\nstatistics = \"cumulative\"\n";
    let shown = refused(&format!("{batch}[matrix]\n\"model.norm.momentum\" = [0.1, 0.5]"));
    assert!(shown.contains("here `model.norm.momentum` makes no difference"), "{shown}");
    assert!(shown.contains("read with model.norm.statistics = \"ema\" alone"), "{shown}");
    let levels =
        "[matrix]\n\"model.norm\" = [{ kind = \"batch\" }, { kind = \"batch\", momentum = 0.99 }]";
    assert!(refused(levels).contains("Keras's 0.99 is 0.01 here"), "{}", refused(levels));
    let ema = batch.replace("cumulative", "ema");
    let shown = refused(&format!("{ema}[matrix]\n\"model.norm.momentum\" = [0.1, 0.5]"));
    assert_eq!(shown, "accepted");
}

#[test]
fn keys_that_contradict_each_other_are_refused() {
    for (text, message, underlined) in [
        (
            "training.optimizer = { kind = \"sgd\", nesterov = true }",
            "needs a `momentum` above 0",
            "true",
        ),
        (
            "training.optimizer = { kind = \"rprop\", step_min = 60 }",
            "above the `step_max` of 50",
            "60",
        ),
        (
            "training.optimizer = { kind = \"rprop\", step_max = 1e-7 }",
            "above the `step_max`",
            "1e-7",
        ),
        (
            "data.task = \"regression\"\ntraining.loss = \"bce\"",
            "this loss is for classes",
            "\"bce\"",
        ),
        ("training.batch_size = 1\nmodel.norm.kind = \"batch\"", "has no variance", "1"),
        (
            "training.epochs = 5\ntraining.schedule.warmup_epochs = 5",
            "the warm-up of 5 epochs",
            "5",
        ),
        (
            "training.epochs = 5\nearly_stopping = { kind = \"patience\", start_from_epoch = 5 }",
            "the rule looks at no epoch",
            "5",
        ),
        (
            "early_stopping = { kind = \"any\", rules = [{ kind = \"patience\", start_from_epoch = 100 }] }",
            "the rule looks at no epoch",
            "100",
        ),
    ] {
        let shown = refused(text);
        let (found, _, at) = parts(&shown);
        assert!(found.contains(message), "{shown}");
        assert_eq!(at, underlined, "{shown}");
    }
    for text in
        ["training.batch_size = 1", "training.optimizer = { kind = \"adam\", nesterov = true }"]
    {
        assert_eq!(refused(text), "accepted", "{text}");
    }
    let shown =
        refused("training.batch_size = 1\nmatrix.\"model.norm.kind\" = [\"none\", \"batch\"]");
    assert!(shown.ends_with("  = note: in the cell model.norm.kind = \"batch\""), "{shown}");
}

#[test]
fn overrides_are_pointed_into() {
    assert_eq!(
        refused_set("training.optimzer.lr=1"),
        "unknown key `optimzer` in [training]\n --> --set training.optimzer.lr=1:10\n  |\n\
         1 | training.optimzer.lr=1\n  |          ^^^^^^^^\n  \
         = help: did you mean `optimizer`? There are: `optimizer`, `epochs`, `batch_size`, `loss`, \
         `clip_norm`, `schedule`, `class_weights`"
    );
    for (text, message, column) in [
        (
            "training.epochs=abc",
            "`training.epochs`: expected a whole number of at least 0, found the string \"abc\"",
            17,
        ),
        ("training.epochs", "expected `=` after the key", 16),
        ("training.epochs=", "the value is missing", 17),
        ("=3", "a part of the key is empty", 1),
        ("a..b=3", "a part of the key is empty", 3),
        ("\"a=3", "this quote is not closed", 1),
        (
            "data.source.x=3",
            "`data.source.x` cannot be set: `data.source` is a string, not a table",
            13,
        ),
        ("name=2024-01-01", "no key takes a date or a time", 6),
        ("seed=nan", "this is not a finite number: expected one, such as 0.01", 6),
        ("matrix.seed=3..1", "`seed`: there is no number in 3..1", 13),
        ("matrix.\"model.nrm\"=[1]", "unknown key `nrm` in [model]", 15),
    ] {
        let shown = refused_set(text);
        points(&shown, message, &format!("--set {text}:{column}"), &parts(&shown).2.clone());
    }
    let shown = refused_set("name=a b");
    assert!(shown.contains("needs quotes"), "{shown}");
    let shown = with("a.toml", "data.source = \"digits\"", &[], Some(0));
    points(&shown, "expected at least one seed", "--seeds 0:1", "0");
}

#[test]
fn an_override_that_the_matrix_would_undo_is_refused() {
    let text = "data.source = \"digits\"\nmatrix.\"model.norm.kind\" = [\"none\", \"batch\"]";
    let shown = with("a.toml", text, &["model.norm.kind=batch"], None);
    points(
        &shown,
        "`model.norm.kind` is varied by [matrix]",
        "--set model.norm.kind=batch:1",
        "model.norm.kind",
    );
    assert!(shown.ends_with("--set 'matrix.\"model.norm.kind\"=[…]'"), "{shown}");
    let shown = with("a.toml", text, &["seed=3"], Some(2));
    assert!(shown.ends_with("--set 'matrix.seed=[…]'"), "{shown}");
}

#[test]
fn a_file_is_named_by_its_path_as_given() {
    let load = |path: &Path| Experiment::load(path, &Overrides::default()).unwrap_err().to_string();
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("a.toml");
    assert!(
        load(&missing).starts_with(&format!("there is no config file `{}`", missing.display()))
    );
    assert!(load(folder.path()).contains("is a folder, not a config file"));
    std::fs::write(&missing, b"seed = 1\n# \xff").unwrap();
    assert!(load(&missing).contains("is not UTF-8 text (line 2)"));
    std::fs::write(&missing, "sed = 1").unwrap();
    assert!(load(&missing).contains(&format!("--> {}:1:1\n", missing.display())));
    std::fs::write(&missing, "data.source = \"x.csv\"").unwrap();
    let experiment = Experiment::load(&missing, &Overrides::default()).unwrap();
    assert_eq!((experiment.name.as_str(), experiment.base.as_path()), ("a", folder.path()));
    assert_eq!(experiment.config.file_name, "a.toml");
}
