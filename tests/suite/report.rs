//! `bnes report` and `bnes plot`: pages and pictures as users meet them.
//!
//! `tests/browser` opens the page in Chromium.

use std::fs;

use crate::common::{Place, stderr};

/// Two arms and a rule, short, with names that try to be markup.
const HOSTILE: &str = r#"
name = "a<b"
[data]
source = "t\"><script>alert(1)<.csv"
[model]
hidden = [4]
[training]
epochs = 6
[matrix]
"model.norm.kind" = ["none", "batch"]
early_stopping = [{ kind = "none" }, { kind = "patience", patience = 1 }]
seed = "0..6"
"#;

fn rows() -> String {
    let row = |at: u32| {
        let (angle, side) = (f64::from(at) * 2.4, f64::from(at % 2));
        let class = if at.is_multiple_of(2) { "</script><b>" } else { "b'\\\"" };
        format!("{:.4},{:.4},{}\n", angle.sin() + 1.5 * side, angle.cos(), class.replace('"', ""))
    };
    std::iter::once("x<i>,y,class\n".to_owned()).chain((0..120).map(row)).collect()
}

fn trained(config: &str) -> Place {
    let place = Place::new();
    place.write("t\"><script>alert(1)<.csv", &rows());
    place.write("c.toml", config);
    place.succeeds(&["run", "--config", "c.toml", "--quiet"]);
    place
}

fn page(place: &Place) -> String {
    place.succeeds(&["report", "results", "--output", "page.html"]);
    fs::read_to_string(place.path("page.html")).unwrap()
}

#[test]
fn no_name_of_a_config_a_file_or_the_data_becomes_markup() {
    let place = trained(&HOSTILE.replace("a<b", "a-b"));
    let page = page(&place);
    assert_eq!(page.matches("<script").count(), 2, "the data and the page's own");
    assert!(!page.contains("<i>") && !page.contains("<b>"), "{page}");
    assert!(page.contains("alert(1)"), "the file is named");
    for part in ["http://", "https://"] {
        let fetched = page
            .match_indices(part)
            .filter(|(at, _)| !page[*at..].starts_with("http://www.w3.org/"));
        assert_eq!(fetched.count(), 0, "{part}");
    }
}

#[test]
fn the_same_trainings_give_the_same_page_and_it_is_whole_without_its_script() {
    let place = trained(HOSTILE.replace("a<b", "a-b").as_str());
    let first = page(&place);
    assert_eq!(first, page(&place));
    let script = first.find("<script").unwrap();
    let standing = &first[..script];
    for part in [
        "Verdict",
        "Learning curves",
        "Effects",
        "Seed by seed",
        "Cost against quality",
        "Trainings",
    ] {
        assert!(standing.contains(&format!(">{part}")), "{part}");
    }
    assert!(standing.matches("<svg").count() >= 5, "{}", standing.matches("<svg").count());
    assert!(first.len() < 400_000, "{}", first.len());
}

#[test]
fn pictures_are_written_and_drawn_in_the_terminal_and_what_cannot_be_is_told() {
    let place = trained(HOSTILE.replace("a<b", "a-b").as_str());
    for kind in ["curves", "forest", "pairs", "pareto"] {
        place.succeeds(&["plot", "results", "--kind", kind, "--output", "p.svg", "--width", "85"]);
        let svg = fs::read_to_string(place.path("p.svg")).unwrap();
        assert!(svg.starts_with("<svg ") && svg.contains("width=\"85mm\""), "{kind}: {svg}");
    }
    let shown = place.succeeds(&["plot", "results"]);
    assert!(shown.contains("batch norm, patience (n = 6)") && !shown.contains('\x1b'), "{shown}");
    let output = place.command(&["plot", "results"]).env("LC_ALL", "C").output().unwrap();
    assert!(output.stdout.is_ascii(), "{}", stderr(&output));
    for kind in ["curves", "forest", "pairs", "pareto"] {
        place.succeeds(&["plot", "results", "--kind", kind, "--output", "p.png"]);
        assert!(fs::read(place.path("p.png")).unwrap().starts_with(b"\x89PNG"));
    }
    assert!(
        place.fails(2, &["plot", "results", "--output", "p.pdf"]).contains("rsvg-convert -f pdf")
    );
    assert!(place.fails(2, &["plot", "results", "--kind", "forest"]).contains("--output FILE.svg"));
    let told = place.fails(2, &["plot", "results", "--column", "val_f2", "--output", "p.svg"]);
    assert!(told.contains("no training recorded the column `val_f2`"), "{told}");
    assert!(
        place
            .fails(2, &["plot", "results", "--kind", "ranks", "--output", "p.svg"])
            .contains("data sets")
    );
}

/// A hundred trainings that take a while together.
const SLOW: &str = r#"
name = "slow"
data.source = "digits"
model.hidden = [64, 64]
training = { epochs = 200, batch_size = 8 }
matrix.seed = "0..100"
"#;

#[test]
#[cfg(target_os = "linux")]
fn while_it_trains_the_page_is_a_preview_and_at_the_end_that_of_report_or_says_what_is_missing() {
    use crate::common::broken::{signal, start};
    use std::time::{Duration, Instant};

    let place = Place::new();
    place.write("slow.toml", SLOW);
    let args = ["run", "--config", "slow.toml", "--report", "live.html", "--quiet", "--jobs", "1"];
    let mut child = start(&place, &args);
    let read = || fs::read_to_string(place.path("live.html")).unwrap_or_default();
    let refreshes = |page: &str| page.contains("http-equiv=\"refresh\" content=\"5\"");
    let until = Instant::now() + Duration::from_mins(2);
    let mut seen = String::new();
    // With figures of what has ended.
    while !seen.contains("<h3>Verdict</h3>") {
        seen = read();
        if !seen.is_empty() {
            assert!(seen.starts_with("<!DOCTYPE html>") && seen.ends_with("</html>\n"), "{seen}");
            assert!(seen.contains("Preview: ") && refreshes(&seen), "{seen}");
        }
        assert!(Instant::now() < until, "no preview came: {seen}");
        assert!(child.try_wait().unwrap().is_none(), "it is over: make it take longer");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(seen.contains(" of 100 trainings have ended, and figures will change."), "{seen}");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let page = read();
    assert!(page.contains("Interrupted: ") && !refreshes(&page), "{page}");
    // Fewer trainings, so that it ends.
    let short = ["--set", "matrix.seed=\"0..2\"", "--set", "training.epochs=3"];
    place.succeeds(&[&args[..], &short].concat());
    place.succeeds(&["report", "results/slow", "--output", "page.html"]);
    assert_eq!(read(), fs::read_to_string(place.path("page.html")).unwrap());
    assert!(!read().contains("Preview"), "it is over");
    let without = [&["run", "--config", "slow.toml", "--results", "other", "--quiet"], &short[..]];
    place.succeeds(&without.concat());
    for (with, without) in place.trainings("results/slow").iter().zip(place.trainings("other/slow"))
    {
        if with.file_name() == without.file_name() {
            assert_eq!(crate::common::curve(with), crate::common::curve(&without));
        }
    }
    place.write("notes.md", "mine");
    assert!(place.fails(2, &["run", "--report", "notes.md"]).contains("is no page"));
    assert!(place.fails(2, &["report", "results", "--output", "notes.md"]).contains("is no page"));
    assert_eq!(fs::read_to_string(place.path("notes.md")).unwrap(), "mine");
}
