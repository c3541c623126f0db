use proptest::{
    prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest},
    test_runner::TestCaseError,
};
use serde_json::json;

use super::*;

fn types() -> BTreeSet<String> {
    ["wire.transfer", "account.close"].map(str::to_owned).into()
}

fn read_one(text: &str) -> Result<AuthorizationDetail, DetailsError> {
    parse(text, &types()).map(|mut all| all.remove(0))
}

#[test]
fn what_is_of_a_registered_type_is_taken_as_it_is() {
    let text = r#"[{"type":"wire.transfer","amount":"123.50","to":{"name":"Merchant A","iban":"DE02100100109307118603"},"n":2}]"#;
    let detail = read_one(text).expect("reads");
    assert_eq!(kind(&detail), Some("wire.transfer"));
    let shown =
        [("amount", "123.50"), ("n", "2"), ("to › iban", "DE02100100109307118603"), ("to › name", "Merchant A")];
    assert_eq!(lines(&detail), shown.map(|(path, value)| (path.to_owned(), value.to_owned())));
    let two =
        r#"[{"type":"account.close"},{"type":"wire.transfer","actions":["read","pay"],"left":[1,{"x":null}],"no":[]}]"#;
    let two = parse(two, &types()).expect("reads");
    assert_eq!(operations(&two), types());
    let shown =
        [("actions › 1", "read"), ("actions › 2", "pay"), ("left › 1", "1"), ("left › 2 › x", "null"), ("no", "[]")];
    assert_eq!(lines(&two[1]), shown.map(|(path, value)| (path.to_owned(), value.to_owned())));
}

#[test]
fn what_is_not_of_the_form_is_refused_with_what_to_do() {
    let deep = r#"[{"type":"wire.transfer","a":{"b":{"c":{"d":{"e":{}}}}}}]"#;
    let many = format!(r#"[{{"type":"wire.transfer","a":{:?}}}]"#, [1; MAX_LINES]);
    let objects = format!("[{}]", [r#"{"type":"wire.transfer"}"#; MAX_OBJECTS + 1].join(","));
    let long = format!(r#"[{{"type":"wire.transfer","a":"{}"}}]"#, "x".repeat(MAX));
    for (wrong, why) in [
        ("", DetailsError::NotObjects),
        ("{}", DetailsError::NotObjects),
        ("[]", DetailsError::NotObjects),
        (r#"["wire.transfer"]"#, DetailsError::NotObjects),
        (&objects, DetailsError::NotObjects),
        (&long, DetailsError::TooLong),
        (r#"[{"amount":1}]"#, DetailsError::NoType),
        (r#"[{"type":7}]"#, DetailsError::NoType),
        (r#"[{"type":"other"}]"#, DetailsError::UnknownType),
        (r#"[{"type":"wire.transfer"},{"type":"other"}]"#, DetailsError::UnknownType),
        (r#"[{"type":"wire.transfer","actions":"pay"}]"#, DetailsError::Member("actions", "a list of strings")),
        (r#"[{"type":"wire.transfer","identifier":7}]"#, DetailsError::Member("identifier", "a string")),
        (r#"[{"type":"wire.transfer","amount":1.5}]"#, DetailsError::Number),
        (r#"[{"type":"wire.transfer","amount":1e3}]"#, DetailsError::Number),
        (r#"[{"type":"wire.transfer","amount":9007199254740993}]"#, DetailsError::Number),
        (r#"[{"type":"wire.transfer","to":"\u202eevil"}]"#, DetailsError::Text),
        (r#"[{"type":"wire.transfer","a":"x\ny"}]"#, DetailsError::Text),
        (r#"[{"type":"wire.transfer","a › b":"x"}]"#, DetailsError::Name),
        (r#"[{"type":"wire.transfer","a":{"":"x"}}]"#, DetailsError::Name),
        (deep, DetailsError::TooMuch),
        (&many, DetailsError::TooMuch),
    ] {
        assert_eq!(parse(wrong, &types()), Err(why), "{wrong:.60}");
    }
    assert_eq!(parse(r#"[{"type":"wire.transfer"}]"#, &BTreeSet::new()), Err(DetailsError::UnknownType));
}

#[test]
fn a_member_that_comes_twice_is_refused_and_named() {
    let twice = |name: &str| Err(DetailsError::Twice(name.to_owned()));
    for (wrong, name) in [
        (r#"[{"type":"wire.transfer","amount":"1","amount":"1000"}]"#, "amount"),
        (r#"[{"type":"account.close","type":"wire.transfer"}]"#, "type"),
        (r#"[{"type":"account.close"},{"type":"wire.transfer","to":{"iban":"a","iban":"b"}}]"#, "iban"),
        (r#"[{"type":"wire.transfer","all":[1,{"x":[{"y":1,"y":1}]}]}]"#, "y"),
        // Names are compared as they are read (RFC 8259, 8.3).
        (r#"[{"type":"wire.transfer","amount":"1","\u0061mount":"1000"}]"#, "amount"),
    ] {
        assert_eq!(parse(wrong, &types()), twice(name), "{wrong}");
    }
    // What no member may be called is not said.
    assert_eq!(parse(r#"[{"type":"wire.transfer","<b>":1,"<b>":2}]"#, &types()), Err(DetailsError::Name));
    assert!(parse(r#"[{"type":"wire.transfer","a":{"x":1},"b":{"x":1}},{"type":"account.close"}]"#, &types()).is_ok());
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1000..1000_i64).prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,4}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Values that are no object and no list, or an empty one.
fn leaves(value: &Value) -> usize {
    match value {
        Value::Array(values) if !values.is_empty() => values.iter().map(leaves).sum(),
        Value::Object(members) if !members.is_empty() => members.values().map(leaves).sum(),
        _ => 1,
    }
}

proptest! {
    /// What is shown is all that is confirmed.
    #[test]
    fn every_value_is_shown(name in "[a-z]{1,5}", value in value()) {
        let detail = json!({ "type": "wire.transfer", "x": { name: value } });
        let read = read_one(&json!([detail]).to_string()).map_err(|error| TestCaseError::reject(error.to_string()))?;
        prop_assert_eq!(Value::Object(read.clone()), detail);
        prop_assert_eq!(lines(&read).len(), leaves(&read["x"]));
    }

    #[test]
    fn no_text_makes_it_panic(text: String) {
        let _ = parse(&text, &types());
    }
}
