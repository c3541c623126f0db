//! The law of `actors/src/domain`: rules do no I/O, read no clock, draw no randomness and run no tasks.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What no rule may mention, as whole words.
const FORBIDDEN: [&str; 22] = [
    "async",
    "await",
    "tokio",
    "ractor",
    "futures_util",
    "Store",
    "load(",
    "commit(",
    "SystemTime",
    "Instant",
    "Clock",
    "rand::",
    "SysRng",
    "SystemEntropy",
    "thread::",
    "std::fs",
    "std::net",
    "std::io",
    "std::env",
    "println!",
    "tracing::",
    "metrics::",
];

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Does the line say it as a word of code? Comments may talk about everything.
fn mentions(line: &str, word: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, found)| {
        let before = code[..at].chars().next_back();
        let after = code[at + found.len()..].chars().next();
        let ends_open = !word.ends_with(|c: char| part(c));
        !before.is_some_and(part) && (ends_open || !after.is_some_and(part))
    })
}

#[test]
fn the_rules_are_pure() {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domain"), &mut found);
    assert!(found.len() > 30, "the folder moved: {}", found.len());
    let mut broken = Vec::new();
    for path in found {
        let text = fs::read_to_string(&path).expect("readable");
        for (number, line) in (1..).zip(text.lines()) {
            for word in FORBIDDEN.iter().filter(|word| mentions(line, word)) {
                broken.push(format!("{}:{number}: {word}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_check_sees_words_of_code_and_no_others() {
    assert!(mentions("    store.load(&key)", "load("));
    assert!(mentions("async fn x() {}", "async"));
    assert!(!mentions("// async", "async"));
    assert!(!mentions("let asynchronous = 1;", "async"));
    assert!(!mentions("StoreError", "Store"));
    assert!(!mentions("unload(", "load("));
}
