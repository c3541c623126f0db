use actors::clock::SystemClock;
use bytes::Bytes;

use super::*;

const NUMBER: &str = "+4915112345678";
const TEXT: &str = "123456 is \"it\"\n\n@id.example #123456";
/// What a message in simplified Chinese has beside the line for browsers.
const CHINESE: &str = "123456 是您登录 Doorward 的验证码。\n\n@id.example #123456";
const SECRET: &str = "hunter2&=";

fn provider(kind: Kind) -> Provider {
    Provider {
        kind: Some(kind),
        from: Some("+4930123456".to_owned()),
        username: Some("AC0".to_owned()),
        password: Some(SECRET.to_owned().into()),
        region: Some("eu-central-1".to_owned()),
        ..Provider::default()
    }
}

fn answer(status: u16, body: &'static str) -> Answer {
    Answer { status: StatusCode::from_u16(status).expect("a status"), body: Bytes::from_static(body.as_bytes()) }
}

/// What is told of a refusal names neither number nor secret.
fn kind(verdict: Result<(), NotCarried>) -> &'static str {
    let (kind, said) = match verdict {
        Ok(()) => return "taken",
        Err(NotCarried::Down(said)) => ("down", said),
        Err(NotCarried::Later(said)) => ("later", said),
        Err(NotCarried::Never(said)) => ("never", said),
    };
    assert!(!said.contains("4915112345678") && !said.contains(SECRET), "{said}");
    kind
}

fn form(request: &Request) -> Vec<(String, String)> {
    url::form_urlencoded::parse(request.body.as_bytes()).into_owned().collect()
}

#[test]
fn twilio_gets_a_form_and_says_what_is_wrong_with_a_number() {
    let twilio = twilio::Twilio::new(&provider(Kind::Twilio)).expect("complete");
    let request = twilio.request(NUMBER, TEXT).expect("a request");
    assert_eq!(request.path, "/2010-04-01/Accounts/AC0/Messages.json");
    assert_eq!(request.headers[1].1.to_str().ok(), Some("Basic QUMwOmh1bnRlcjImPQ=="));
    assert_eq!(
        form(&request),
        [("To", NUMBER), ("From", "+4930123456"), ("Body", TEXT)].map(|(k, v)| (k.into(), v.into()))
    );
    // It looks itself which alphabet a message needs.
    let chinese = twilio.request(NUMBER, CHINESE).expect("a request");
    assert_eq!(form(&chinese)[2], ("Body".to_owned(), CHINESE.to_owned()));
    let service = Provider { from: Some("MG42".to_owned()), ..provider(Kind::Twilio) };
    let request = twilio::Twilio::new(&service).expect("complete").request(NUMBER, TEXT).expect("a request");
    assert_eq!(form(&request)[1], ("MessagingServiceSid".to_owned(), "MG42".to_owned()));
    for (status, body, expected) in [
        (201, r#"{"sid":"SM1"}"#, "taken"),
        (400, r#"{"code":21211,"message":"+4915112345678 is not valid"}"#, "never"),
        (400, r#"{"code":21610}"#, "never"),
        (401, r#"{"code":20003}"#, "down"),
        (429, r#"{"code":20429}"#, "down"),
        (503, "<html>", "down"),
        (302, "", "down"),
    ] {
        assert_eq!(kind(twilio.verdict(&answer(status, body))), expected, "{status} {body}");
    }
}

#[test]
fn vonage_gets_json_and_answers_200_whatever_came_of_it() {
    let vonage = vonage::Vonage::new(&provider(Kind::Vonage)).expect("complete");
    let request = vonage.request(NUMBER, TEXT).expect("a request");
    let body: serde_json::Value = serde_json::from_str(&request.body).expect("JSON");
    assert_eq!(
        body,
        serde_json::json!({
            "api_key": "AC0", "api_secret": SECRET, "from": "4930123456", "to": "4915112345678", "text": TEXT, "type": "text",
        })
    );
    for (text, alphabet) in [(CHINESE, "unicode"), ("„123456“", "unicode"), ("Für 5 € [ß]", "text")] {
        let request = vonage.request(NUMBER, text).expect("a request");
        let body: serde_json::Value = serde_json::from_str(&request.body).expect("JSON");
        assert_eq!((&body["text"], &body["type"]), (&text.into(), &alphabet.into()));
    }
    for (status, body, expected) in [
        (200, r#"{"message-count":"1","messages":[{"to":"4915112345678","status":"0"}]}"#, "taken"),
        (200, r#"{"messages":[{"status":"0"},{"status":"1"}]}"#, "down"),
        (200, r#"{"messages":[{"status":"4","error-text":"Bad credentials"}]}"#, "down"),
        (200, r#"{"messages":[{"status":"7","error-text":"4915112345678 barred"}]}"#, "never"),
        (200, r#"{"messages":[{"status":"4915112345678"}]}"#, "down"),
        (200, r#"{"messages":[]}"#, "down"),
        (200, "4915112345678", "down"),
        (500, "", "down"),
    ] {
        assert_eq!(kind(vonage.verdict(&answer(status, body))), expected, "{status} {body}");
    }
}

#[test]
fn sns_gets_a_signed_form() {
    let clock = Arc::new(SystemClock::new());
    let sns = sns::Sns::new(&provider(Kind::Sns), "sns.eu-central-1.amazonaws.com", clock).expect("complete");
    // It looks itself which alphabet a message needs.
    let chinese = sns.request(NUMBER, CHINESE).expect("a request");
    assert!(form(&chinese).contains(&("Message".to_owned(), CHINESE.to_owned())));
    let request = sns.request(NUMBER, TEXT).expect("a request");
    let form = form(&request);
    for (name, value) in [
        ("Action", "Publish"),
        ("PhoneNumber", NUMBER),
        ("Message", TEXT),
        ("MessageAttributes.entry.1.Value.StringValue", "Transactional"),
        ("MessageAttributes.entry.2.Value.StringValue", "+4930123456"),
    ] {
        assert!(form.contains(&(name.to_owned(), value.to_owned())), "{name}: {form:?}");
    }
    let authorization = request.headers[2].1.to_str().expect("text");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AC0/2"), "{authorization}");
    assert!(authorization.contains("/eu-central-1/sns/aws4_request, SignedHeaders=content-type;host;x-amz-date, "));
    let refused =
        "<ErrorResponse><Error><Code>InvalidParameter</Code><Message>+4915112345678</Message></Error></ErrorResponse>";
    for (status, body, expected) in [
        (200, "<PublishResponse/>", "taken"),
        (400, refused, "never"),
        (400, "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>", "down"),
        (403, "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>", "down"),
        (500, "", "down"),
    ] {
        assert_eq!(kind(sns.verdict(&answer(status, body))), expected, "{status} {body}");
    }
}

#[test]
fn any_other_gets_what_the_templates_say() {
    let with = |headers: &[&str], body: &str| Provider {
        headers: headers.iter().map(|line| (*line).to_owned()).collect(),
        body: Some(body.to_owned()),
        ..provider(Kind::Http)
    };
    let json = with(
        &["Content-Type: application/json", r#"Authorization: Basic {{ (username ~ ":" ~ password)|base64 }}"#],
        r#"{"to": {{ to|tojson }}, "text": {{ text|tojson }}}"#,
    );
    let request = template::Templates::new(&json).expect("compiles").request(NUMBER, TEXT).expect("a request");
    let body: serde_json::Value = serde_json::from_str(&request.body).expect("JSON");
    assert_eq!(body, serde_json::json!({ "to": NUMBER, "text": TEXT }));
    assert_eq!(request.headers[1].1.to_str().ok(), Some("Basic QUMwOmh1bnRlcjImPQ=="));
    let query = with(&[], "to={{ to|query }}&text={{ text|query }}&key={{ password|query }}");
    let request = template::Templates::new(&query).expect("compiles").request(NUMBER, TEXT).expect("a request");
    assert_eq!(form(&request), [("to", NUMBER), ("text", TEXT), ("key", SECRET)].map(|(k, v)| (k.into(), v.into())));

    let told = with(&[], r#"{"text": {{ text|tojson }}, "alphabet": "{{ "unicode" if unicode else "text" }}"}"#);
    let told = template::Templates::new(&told).expect("compiles");
    for (text, alphabet) in [(TEXT, "text"), (CHINESE, "unicode")] {
        let request = told.request(NUMBER, text).expect("a request");
        let body: serde_json::Value = serde_json::from_str(&request.body).expect("JSON");
        assert_eq!(body, serde_json::json!({ "text": text, "alphabet": alphabet }));
    }

    let secret = provider(Kind::Http).password;
    for (wrong, key) in [
        (with(&[], "{{ number }}"), "body"),
        (with(&[], "{{ to"), "body"),
        (with(&["no header hunter2"], "{{ to }}"), "headers"),
        (with(&["X-Text: {{ text }}"], "{{ to }}"), "headers"),
        (with(&["X-Text: {{ hunter2 }}"], "{{ to }}"), "headers"),
    ] {
        let (at, error) = template::check(&wrong, secret.as_ref()).expect_err("refused");
        assert!(at == key && !error.contains("hunter2"), "{at}: {error}");
    }
    assert_eq!(kind(by_status(StatusCode::UNPROCESSABLE_ENTITY)), "never");
}
