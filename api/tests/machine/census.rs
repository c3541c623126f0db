//! Which POST routes the sources have, and that each is classed.

use std::{collections::BTreeSet, fs, path::Path};

use http::StatusCode;
use schema::FactorId;

use crate::{
    doors::{DOORS, OTHERS},
    support::TestApp,
};

/// The first argument of every `.route(…)` in the sources whose methods have a POST.
fn posted(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            posted(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).expect("text");
        for (at, _) in text.match_indices(".route(") {
            let (first, methods) = arguments(&text[at + ".route(".len()..]);
            // The methods may have a name of their own.
            let named = text.split_once(&format!("let {} = ", methods.trim_end_matches(".clone()")));
            let methods = named.map_or(methods, |(_, after)| after.split(";\n").next().unwrap_or(after));
            if methods.contains("post(") {
                found.insert(first.trim_matches('"').to_owned());
            }
        }
    }
}

/// The two arguments of a call, from its parenthesis on.
fn arguments(text: &str) -> (&str, &str) {
    let (mut depth, mut comma) = (1, None);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 1 && comma.is_none() => comma = Some(at),
            _ => {}
        }
        if depth == 0 {
            let comma = comma.expect("two arguments");
            return (text[..comma].trim(), text[comma + 1..at].trim().trim_end_matches(','));
        }
    }
    panic!("a parenthesis is not closed: {text:.60}")
}

#[test]
fn every_route_that_takes_a_post_is_classed() {
    let mut found = BTreeSet::new();
    posted(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let classed = DOORS.iter().map(|door| door.source).chain(OTHERS.iter().map(|(source, _)| *source));
    let classed: BTreeSet<String> = classed.map(str::to_owned).collect();
    assert_eq!(found, classed, "class the routes in doors.rs, and say in edges.rs from where they lead on");
}

#[tokio::test]
async fn every_door_is_there() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    for path in DOORS.iter().map(|door| door.path).chain(OTHERS.iter().map(|(_, path)| *path)) {
        let path = path.replace("{factor}", &FactorId::from_bytes([7; 16]).to_string());
        let status = browser.post(&path, &[]).await.status;
        assert!(status != StatusCode::NOT_FOUND && status != StatusCode::METHOD_NOT_ALLOWED, "{path}: {status}");
    }
}
