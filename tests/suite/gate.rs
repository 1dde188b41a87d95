//! `bnes compare --gate` as continuous integration meets it: exit codes and what is said.

use crate::common::Place;

const CONFIG: &str = "[data]\nsource = \"penguins\"\n[model]\nhidden = [8]\n[training]\nepochs = 8\n\
                      [matrix]\n\"model.norm.kind\" = [\"none\", \"batch\"]\nseed = \"0..4\"\n";

fn trained() -> Place {
    let place = Place::new();
    place.write("penguins.toml", CONFIG);
    place.succeeds(&["run", "--config", "penguins.toml", "--quiet"]);
    place
}

#[test]
fn a_gate_ends_with_0_3_or_4_and_says_figure_interval_limit_and_n() {
    let place = trained();
    let gate = |rule: &str, code: i32| {
        let output = place.bnes(&["compare", "results", "--gate", rule]);
        let said = crate::common::stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{rule}: {said}");
        assert!(output.stdout.starts_with(b"penguins"), "the comparison is printed all the same");
        said
    };
    gate("metric = \"test_loss\", max = 100.0", 0);
    let said =
        gate("metric = \"test_loss\", where = { \"model.norm.kind\" = \"batch\" }, max = 1e-6", 3);
    for what in [
        "gate FAILED: test_loss of penguins, model.norm.kind=batch: ",
        "(95 % interval ",
        ", n = 4), limit max 0.000001000",
    ] {
        assert!(said.contains(what), "{said}");
    }
    gate("metric = \"test_loss\", baseline = \"results\", max_increase = 0.02", 0);
    let said =
        gate("metric = \"test_loss\", where = { \"model.norm.kind\" = \"layer\" }, max = 1.0", 4);
    assert!(
        said.contains(
            "gate not judged: test_loss: `model.norm.kind` has no level `layer`: the levels are none, batch"
        ),
        "{said}"
    );
    // A gate that failed weighs more than one that could not be judged.
    let both = [
        "compare",
        "results",
        "--gate",
        "metric = \"nothing\", max = 1.0",
        "--gate",
        "metric = \"test_loss\", max = 1e-6",
    ];
    assert_eq!(place.bnes(&both).status.code(), Some(3));
}

#[test]
fn a_gate_that_is_asked_wrongly_is_a_usage_error() {
    let place = trained();
    for (rule, said) in [
        ("metric = \"test_loss\"", "a gate needs a limit"),
        ("metric = \"test_loss\", maximum = 1.0", "unknown key `maximum`"),
        ("max = 1.0", "`metric` is missing"),
    ] {
        let message = place.fails(2, &["compare", "results", "--gate", rule]);
        assert!(message.contains(said), "{message}");
    }
    let rule = "metric = \"test_loss\", baseline = \"nowhere\", max_increase = 0.1";
    assert!(place.fails(1, &["compare", "results", "--gate", rule]).contains("nowhere"));
}
