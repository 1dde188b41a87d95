//! No circle of files: which file imports from which, over re-exports, leads back nowhere.
//!
//! A file imports from the one that defines what it names. That a module declares its children, or
//! re-exports what is theirs, is no import; that it calls into one is, and so is a child's use of what
//! the module itself defines. Tests do not count.

use std::collections::{BTreeMap, BTreeSet};

use super::floors::house;

/// A module by its path below the crate: `compare::gate`.
type Path = Vec<String>;

/// What a file declares and names.
struct Module {
    file: String,
    /// By the name that it has here, where it is from.
    uses: BTreeMap<String, Use>,
    /// Of whole modules: `use super::*`.
    globs: Vec<Path>,
    /// Every other path in the code, as it stands there.
    paths: Vec<Path>,
    /// Every word of the code.
    words: BTreeSet<String>,
}

struct Use {
    from: Path,
    is_public: bool,
}

/// The code alone: no comments, no texts, no tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut code = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let raw = rest.strip_prefix('r').map(|rest| rest.trim_start_matches('#'));
        let hashes = raw.map_or(0, |raw| rest.len() - 1 - raw.len());
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if raw.is_some_and(|raw| raw.starts_with('"')) && !code.ends_with(is_word) {
            let end = format!("\"{}", "#".repeat(hashes));
            2 + hashes + rest[2 + hashes..].find(&end).unwrap() + end.len()
        } else if first == '"' {
            let mut escaped = false;
            let end = rest[1..].find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            end.unwrap() + 2
        } else if rest.starts_with("'\\") {
            // A quote may itself be escaped.
            3 + rest[3..].find('\'').unwrap() + 1
        } else if first == '\'' && rest.chars().nth(2) == Some('\'') {
            rest.char_indices().nth(3).map_or(rest.len(), |(at, _)| at)
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        code.push(' ');
        rest = &rest[length..];
    }
    code
}

/// The leaves of a `use`: each path with the name that it has from then on.
fn leaves(tree: &str, prefix: &[String], found: &mut Vec<(Path, String)>) {
    let with_prefix = |path: &str| -> Path {
        let parts = path.split("::").map(|part| part.trim().to_owned());
        prefix.iter().cloned().chain(parts).filter(|part| !part.is_empty()).collect()
    };
    let Some((head, group)) = tree.split_once('{') else {
        let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
        let mut path = with_prefix(path);
        path.pop_if(|last| last == "self");
        let name =
            if alias.is_empty() { path.last().unwrap().clone() } else { alias.trim().into() };
        found.push((path, name));
        return;
    };
    let (mut depth, mut start) = (0, 0);
    let group = &group[..group.rfind('}').unwrap()];
    for (at, c) in group.char_indices().chain([(group.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !group[start..at].trim().is_empty() {
                    leaves(&group[start..at], &with_prefix(head), found);
                }
                start = (at + 1).min(group.len());
            }
            _ => {}
        }
    }
}

/// The paths `a::b` in code.
fn paths(code: &str) -> Vec<Path> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    code.split(|c: char| !is_part(c))
        .filter(|word| word.contains("::"))
        .map(|word| word.split("::").map(str::to_owned).filter(|part| !part.is_empty()).collect())
        .collect()
}

/// The module that a file holds.
fn module_of(file: &str) -> Path {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" { Path::new() } else { path.split('/').map(str::to_owned).collect() }
}

fn read(file: &str, text: &str) -> Module {
    let own = module_of(file);
    let mut code = code(text);
    let (mut uses, mut globs) = (BTreeMap::new(), Vec::new());
    while let Some(at) = next_use(&code) {
        let end = at + code[at..].find(';').unwrap();
        let line = code[..at].rsplit('\n').next().unwrap();
        let is_public = line.trim_start().starts_with("pub");
        let mut found = Vec::new();
        leaves(&code[at + USE.len()..end], &[], &mut found);
        for (path, name) in found {
            let from = absolute(&own, &path);
            if name == "*" {
                globs.push(from[..from.len() - 1].to_vec());
            } else {
                uses.insert(name, Use { from, is_public });
            }
        }
        code.replace_range(at..=end, "");
    }
    let words = code.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect();
    Module { file: file.to_owned(), uses, globs, paths: paths(&code), words }
}

const USE: &str = "use ";

/// Where the next `use` begins.
fn next_use(code: &str) -> Option<usize> {
    let begins = |at: &usize| {
        let before = code[..*at].trim_end_matches(' ');
        before.is_empty() || before.ends_with(['\n', ')', '{', ';']) || before.ends_with("pub")
    };
    code.match_indices(USE).map(|(at, _)| at).find(begins)
}

/// A path from the crate on; one that begins with neither `crate` nor `super` nor `self` is taken to
/// begin with a child of the module.
fn absolute(own: &[String], path: &[String]) -> Path {
    let mut base = own.to_vec();
    let mut rest = path;
    match path.first().map(String::as_str) {
        Some("crate") => (base, rest) = (Path::new(), &path[1..]),
        Some("self") => rest = &path[1..],
        _ => {
            while rest.first().is_some_and(|part| part == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
    }
    base.extend(rest.iter().cloned());
    base
}

/// The module that defines what a path names; none where that is none of ours, or a module itself.
fn definer<'a>(
    modules: &'a BTreeMap<Path, Module>,
    path: &[String],
    depth: usize,
) -> Option<&'a Path> {
    let deepest = (0..=path.len()).rev().find(|n| modules.contains_key(&path[..*n]))?;
    let (at, module) = modules.get_key_value(&path[..deepest])?;
    let item = path.get(deepest)?;
    if depth > 9 {
        return Some(at);
    }
    if let Some(known) = module.uses.get(item) {
        let whole: Path = known.from.iter().chain(&path[deepest + 1..]).cloned().collect();
        if known.from.starts_with(at) && known.from[..] == path[..=deepest] {
            return Some(at);
        }
        return definer(modules, &whole, depth + 1);
    }
    Some(at)
}

/// From each file, those that it imports from.
fn imports(modules: &BTreeMap<Path, Module>) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (own, module) in modules {
        let reexported = |name: &str, path: &Path, is_public: bool| {
            is_public
                && path.len() > own.len()
                && path.starts_with(own)
                && !module.words.contains(name)
        };
        let uses =
            module.uses.iter().filter(|(name, of)| !reexported(name, &of.from, of.is_public));
        let named = uses.map(|(_, of)| of.from.clone());
        let spelled = module.paths.iter().map(|path| match module.uses.get(&path[0]) {
            Some(of) => of.from.iter().chain(&path[1..]).cloned().collect(),
            None => absolute(own, path),
        });
        let of_globs = module.globs.iter().map(|path| [&path[..], &["*".to_owned()]].concat());
        let to = graph.entry(&module.file).or_default();
        for path in named.chain(spelled).chain(of_globs) {
            if let Some(found) = definer(modules, &path, 0).filter(|found| *found != own) {
                to.insert(&modules[found].file);
            }
        }
    }
    graph
}

fn reached<'a>(graph: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &'a str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        open.extend(graph.get(file).into_iter().flatten().filter(|to| seen.insert(**to)));
    }
    seen
}

fn is_test(file: &str) -> bool {
    let mut parts = file.split('/');
    parts.any(|part| part == "tests") || file.ends_with("tests.rs") || file.ends_with("fixtures.rs")
}

/// The circles, each by its files.
fn circles(house: &[(String, String)]) -> BTreeSet<Vec<String>> {
    let files = house.iter().filter(|(file, _)| !is_test(file) && file != "main.rs");
    let modules: BTreeMap<Path, Module> =
        files.map(|(file, text)| (module_of(file), read(file, text))).collect();
    let graph = imports(&modules);
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|file| (*file, reached(&graph, file))).collect();
    let circle = |file: &&str| -> Vec<String> {
        let both = reached[*file].iter().filter(|other| reached[**other].contains(*file));
        both.map(|other| (*other).to_owned()).collect()
    };
    reached.keys().map(circle).filter(|circle| !circle.is_empty()).collect()
}

#[test]
fn no_circle_of_files() {
    let found = circles(&house());
    assert!(found.is_empty(), "files that import from each other: {found:#?}");
}

#[test]
fn a_circle_is_seen_over_re_exports_and_through_the_module_above() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let circles = |files: &[(String, String)]| circles(files).into_iter().collect::<Vec<_>>();
    let over_reexports = [
        file("a/mod.rs", "mod one;\nmod two;\npub use one::One;\npub use two::Two;\n"),
        file("a/one.rs", "use super::Two;\n"),
        file("a/two.rs", "fn two() { crate::a::One::new() } // no text\n"),
    ];
    assert_eq!(circles(&over_reexports), [["a/one.rs", "a/two.rs"]]);
    let through_the_module = [
        file("a/mod.rs", "mod one;\nconst LEVEL: f64 = 0.95;\nfn go() { one::one() }\n"),
        file("a/one.rs", "use super::LEVEL;\n"),
    ];
    assert_eq!(circles(&through_the_module), [["a/mod.rs", "a/one.rs"]]);
    let none = [
        file("a/mod.rs", "mod one;\nmod two;\npub use one::One;\npub use two::Two;\n"),
        file(
            "a/one.rs",
            "use super::two::{self, Two};\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n",
        ),
        file("a/two.rs", "fn two() { \"crate::a::One\" } // crate::a::One\n"),
    ];
    assert_eq!(circles(&none), [[""; 0]; 0]);
}
