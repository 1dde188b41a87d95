//! Judged gates as the tests of a JUnit report, which servers of continuous integration show.

use anyhow::Result;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::sentences::{gate_name, gate_sentence};
use crate::compare::gate::{GateResult, Outcome};

/// What the report and its one suite are called.
const NAME: &str = "bnes compare";

/// A test per gate and arm; what could not be judged was skipped. The same results give the same bytes.
///
/// # Errors
/// Where the XML cannot be written.
pub fn junit(gates: &[GateResult]) -> Result<String> {
    let mut suite = TestSuite::new(NAME);
    suite.add_test_cases(gates.iter().map(test));
    let mut report = Report::new(NAME);
    report.add_test_suite(suite);
    Ok(report.to_string()?)
}

fn test(gate: &GateResult) -> TestCase {
    let mut status = match gate.outcome {
        Outcome::Passed(_) => TestCaseStatus::success(),
        Outcome::Failed(_) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Outcome::NotJudged(_) => TestCaseStatus::skipped(),
    };
    let sentence = gate_sentence(gate);
    if matches!(gate.outcome, Outcome::Failed(_)) {
        status.set_type("gate").set_description(sentence.clone());
    }
    // Of one that passed it goes nowhere.
    status.set_message(sentence.clone());
    let mut test = TestCase::new(gate_name(gate), status);
    test.set_classname(gate.arm.as_ref().map_or(NAME, |arm| arm.experiment.as_str()));
    if matches!(gate.outcome, Outcome::Passed(_)) {
        test.set_system_out(sentence);
    }
    test
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Gate;
    use crate::results::fixtures::two_by_two_of;

    #[test]
    fn a_gate_is_a_test_that_passed_failed_or_was_skipped_with_its_sentence() {
        let results = [two_by_two_of(6)];
        let judged = |table| {
            let gate: Gate = serde_json::from_value(table).unwrap();
            gate.judge(&results, &[], None)
        };
        let mut gates = judged(json!({"metric": "test_loss", "max": 100.0}));
        gates.extend(judged(json!({"metric": "test_loss", "max": 1e-9})));
        gates.extend(judged(json!({"metric": "a<b&\"c\"", "max": 1.0})));
        let text = junit(&gates).unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
        for (key, count) in [("tests", "9"), ("failures", "4"), ("skipped", "1"), ("errors", "0")] {
            assert_eq!(suite.attribute(key), Some(count), "{key} of {text}");
        }
        let tests: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
        assert_eq!(tests.len(), gates.len());
        for (test, gate) in tests.iter().zip(&gates) {
            assert_eq!(test.attribute("name"), Some(gate_name(gate).as_str()));
            let told = |name: &str| {
                let child = test.children().find(|node| node.has_tag_name(name))?;
                child.attribute("message").map(str::to_owned)
            };
            let sentence = Some(gate_sentence(gate));
            match gate.outcome {
                Outcome::Passed(_) => assert_eq!((told("failure"), told("skipped")), (None, None)),
                Outcome::Failed(_) => assert_eq!(told("failure"), sentence),
                Outcome::NotJudged(_) => assert_eq!(told("skipped"), sentence),
            }
        }
    }
}
