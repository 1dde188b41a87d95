//! `bnes completions` and `bnes man`.

use std::process::{Command, Stdio};

use crate::common::Place;

#[test]
fn a_completion_script_is_one_that_its_shell_takes_and_knows_every_command() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.succeeds(&["completions", shell]);
        for word in ["compare", "--criterion", "--launcher", "slurm"] {
            assert!(script.contains(word.trim_start_matches('-')), "{shell}: {word}");
        }
        let path = place.write(&format!("bnes.{shell}"), &script);
        // Where the shell is at hand, it reads the script.
        let check = Command::new(shell).arg("-n").arg(&path).stderr(Stdio::piped()).output();
        if let Ok(output) = check {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    let known = place.succeeds(&["completions", "bash"]);
    let completed = format!(
        "{known}\nCOMP_WORDS=(bnes compa) COMP_CWORD=1; _bnes bnes compa bnes; echo \"${{COMPREPLY[@]}}\""
    );
    let output = Command::new("bash").arg("-c").arg(completed).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "compare");
}

#[test]
fn every_command_has_a_page_of_the_manual() {
    let place = Place::new();
    assert!(place.succeeds(&["man"]).contains(".TH bnes 1"));
    let page = place.succeeds(&["man", "data", "describe"]);
    assert!(
        page.contains("bnes\\-data\\-describe") || page.contains("bnes data describe"),
        "{page}"
    );
    place.succeeds(&["man", "--output", "man1"]);
    for name in ["bnes", "bnes-run", "bnes-compare", "bnes-data-describe"] {
        assert!(place.path(&format!("man1/{name}.1")).is_file(), "{name}");
    }
    let message = place.fails(2, &["man", "rum"]);
    assert!(
        message.contains("there is no command `rum`") && message.contains("`run`"),
        "{message}"
    );
}
