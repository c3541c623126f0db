//! Every page renders in every state, and the HTML keeps the promises of the page checklist.

mod html;

use std::sync::{Arc, LazyLock};

use api::page::{
    Branding, Pages, check,
    samples::{self, CSRF, HOSTILE, Sample},
};
use html::{Tag, tags};

/// Every sample in every language, rendered once for all tests.
static RENDERED: LazyLock<Vec<(Sample, String)>> = LazyLock::new(rendered);

fn rendered() -> Vec<(Sample, String)> {
    let pages = Pages::new(Branding::default());
    let english = pages.locales().default();
    let of_english = samples::all(&pages, english).len();
    assert!(of_english > 60, "the samples cover every page");
    let all = pages.locales().all().flat_map(|locale| {
        let tag = pages.locales().tag(locale);
        let named = move |sample: Sample| match tag.as_str() {
            "en" => sample,
            tag => Sample { name: format!("{tag}-{}", sample.name), ..sample },
        };
        samples::all(&pages, locale).into_iter().map(named).collect::<Vec<_>>()
    });
    all.collect::<Vec<_>>()
        .into_iter()
        .map(|mut sample| match std::mem::replace(&mut sample.html, Ok(String::new())) {
            Ok(html) => (sample, html),
            Err(error) => panic!("{} does not render: {error}", sample.name),
        })
        .collect()
}

/// Checks every page; `check` returns what is wrong.
fn every_page(check: impl Fn(&Sample, &str, &[Tag]) -> Result<(), String>) {
    for (sample, html) in &*RENDERED {
        if let Err(fault) = check(sample, html, &tags(html)) {
            panic!("{}: {fault}", sample.name);
        }
    }
}

fn ensure(holds: bool, fault: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(fault()) }
}

fn lang(sample: &Sample) -> &'static str {
    let others = ["de", "zh-Hans"];
    others.into_iter().find(|tag| sample.name.starts_with(&format!("{tag}-"))).unwrap_or("en")
}

fn is_control(tag: &Tag) -> bool {
    matches!(tag.name.as_str(), "input" | "select" | "textarea") && tag.text("type") != "hidden"
}

#[test]
fn everything_that_is_built_in_passes_the_check_of_templates() {
    let pages = Arc::new(Pages::new(Branding::default()));
    assert_eq!(check(&pages, "https://id.example"), []);
}

#[test]
fn hostile_text_stays_text() {
    every_page(|_, html, tags| {
        ensure(!html.contains("<script>"), || "a script came through".to_owned())?;
        ensure(!html.contains(HOSTILE), || "the text came through unescaped".to_owned())?;
        let handler = tags.iter().flat_map(Tag::names).find(|name| name.starts_with("on")).map(ToOwned::to_owned);
        ensure(handler.is_none(), || format!("attribute {handler:?}"))
    });
}

#[test]
fn no_page_has_inline_script_or_style_or_fetches_from_elsewhere() {
    every_page(|sample, html, tags| {
        for tag in tags {
            ensure(tag.name != "style" && tag.get("style").is_none(), || format!("inline style: {tag:?}"))?;
            ensure(tag.name != "script" || tag.text("src").starts_with("&#x2f;assets&#x2f;"), || format!("{tag:?}"))?;
            ensure(tag.text("http-equiv").is_empty(), || format!("{tag:?}"))?;
            // Its form goes to the application, which is named by its address.
            if sample.template == "form_post.html" && tag.name == "form" {
                continue;
            }
            for name in ["src", "srcset", "poster", "action", "formaction"] {
                ensure(!tag.text(name).contains(':'), || format!("an address elsewhere: {tag:?}"))?;
            }
        }
        ensure(!html.contains("javascript:"), || "a javascript: address".to_owned())
    });
}

#[test]
fn every_page_has_a_language_one_heading_landmarks_a_skip_link_and_help() {
    every_page(|sample, _, tags| {
        let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
        ensure(
            tags.iter().any(|tag| tag.name == "html" && tag.text("lang") == lang(sample) && tag.text("dir") == "ltr"),
            || "no language".to_owned(),
        )?;
        for landmark in ["h1", "main", "title"] {
            ensure(count(landmark) >= 1, || format!("no {landmark}"))?;
        }
        ensure(count("h1") == 1 && count("main") == 1, || "more than one h1 or main".to_owned())?;
        ensure(tags.iter().any(|tag| tag.text("href") == "#main"), || "no skip link".to_owned())?;
        ensure(tags.iter().any(|tag| tag.name == "summary"), || "no help".to_owned())?;
        let is_error = ["Error: ", "Fehler: ", "错误："].iter().any(|mark| sample.title.starts_with(mark));
        let alert = tags.iter().any(|tag| tag.text("role") == "alert");
        ensure(!alert || is_error, || "an error that the title does not tell".to_owned())
    });
}

#[test]
fn headings_skip_no_level() {
    every_page(|_, _, tags| {
        let levels = tags.iter().filter_map(|tag| tag.name.strip_prefix('h')?.parse::<u8>().ok());
        let mut last = 0;
        for level in levels {
            ensure(level <= last + 1, || format!("h{level} after h{last}"))?;
            last = level;
        }
        Ok(())
    });
}

#[test]
fn every_field_has_a_label_and_a_known_autocomplete_token() {
    const TOKENS: [&str; 9] = [
        "username",
        "username webauthn",
        "email",
        "tel",
        "current-password",
        "new-password",
        "one-time-code",
        "off",
        "",
    ];
    every_page(|_, _, tags| {
        for field in tags.iter().filter(|tag| is_control(tag)) {
            let label = tags.iter().any(|tag| tag.name == "label" && tag.get("for") == field.get("id"));
            ensure(label || field.get("aria-label").is_some(), || format!("no label: {field:?}"))?;
            let token = field.text("autocomplete");
            ensure(TOKENS.contains(&token), || format!("autocomplete token {token:?}"))?;
            ensure(!token.is_empty() || field.text("type") == "checkbox", || format!("no token: {field:?}"))?;
            let password = field.text("type") == "password";
            ensure(password == token.ends_with("-password"), || format!("password token: {field:?}"))?;
            ensure(field.text("maxlength").is_empty(), || format!("cuts a paste short: {field:?}"))?;
        }
        Ok(())
    });
}

#[test]
fn every_new_password_page_tells_the_rule_and_names_its_user_for_password_managers() {
    every_page(|_, html, tags| {
        let of =
            |token: &str| tags.iter().filter(|tag| tag.text("autocomplete").starts_with(token)).collect::<Vec<_>>();
        for field in of("new-password") {
            ensure(field.text("minlength") == "15", || format!("{field:?}"))?;
            let told = ["15 to 128 characters", "15 bis 128 Zeichen", "15 到 128 个字符"];
            ensure(told.iter().any(|told| html.contains(told)), || "the rule is not told".to_owned())?;
        }
        let asks = !of("new-password").is_empty() || !of("current-password").is_empty();
        ensure(!asks || of("username").len() == 1, || "no user name beside the password".to_owned())
    });
}

#[test]
fn ids_are_unique_and_everything_that_refers_to_one_finds_it() {
    every_page(|_, _, tags| {
        let mut ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        ensure(ids.len() == all, || "an id twice".to_owned())?;
        for tag in tags {
            for name in ["for", "aria-describedby", "aria-labelledby", "aria-controls", "data-copies", "data-head"] {
                for id in tag.text(name).split_whitespace() {
                    ensure(ids.contains(&id), || format!("{name}={id} refers to nothing"))?;
                }
            }
            let fragment = tag.text("href").strip_prefix('#');
            ensure(fragment.is_none_or(|id| ids.contains(&id)), || format!("{tag:?} leads nowhere"))?;
        }
        Ok(())
    });
}

#[test]
fn every_post_form_carries_the_anti_forgery_value_and_login_steps_their_login() {
    every_page(|sample, _, tags| {
        if sample.template == "form_post.html" {
            return Ok(());
        }
        let mut form: Option<&Tag> = None;
        let mut hidden: Vec<(&str, &str)> = Vec::new();
        for tag in tags {
            match tag.name.as_str() {
                "form" => {
                    ensure(tag.text("method") == "post", || format!("{tag:?}"))?;
                    form = Some(tag);
                    hidden.clear();
                }
                "input" if tag.text("type") == "hidden" => hidden.push((tag.text("name"), tag.text("value"))),
                "/form" => {
                    let action = form.take().map_or("", |form| form.text("action"));
                    ensure(hidden.contains(&("csrf", CSRF)), || format!("no csrf in {action}"))?;
                    let step = action.starts_with("/login") || action == "/consent";
                    ensure(!step || hidden.iter().any(|(name, _)| *name == "l"), || format!("no l in {action}"))?;
                }
                _ => {}
            }
        }
        Ok(())
    });
}

#[test]
fn a_refused_form_takes_the_focus_to_its_summary_and_marks_its_fields() {
    every_page(|sample, _, tags| {
        let first_focus = tags.iter().find(|tag| tag.get("autofocus").is_some());
        let summary = tags.iter().find(|tag| tag.text("id") == "error-summary");
        let Some(summary) = summary else { return Ok(()) };
        ensure(summary.text("role") == "alert" && summary.text("tabindex") == "-1", || format!("{summary:?}"))?;
        ensure(first_focus.is_some_and(|tag| tag.text("id") == "error-summary"), || "focus elsewhere".to_owned())?;
        let marked = tags.iter().filter(|tag| tag.text("aria-invalid") == "true");
        let described = marked.filter(|tag| tag.text("aria-describedby").contains("error-text")).count();
        let said = ["-wait", "-refused"].iter().any(|mark| sample.name.contains(mark));
        // A passkey's answer is no field that anybody could go to, and the box beside it is never what is wrong.
        let whole = said || !tags.iter().any(|tag| is_control(tag) && tag.text("id") != "trust");
        ensure(whole == (described == 0), || format!("{described} fields marked"))
    });
}

#[test]
fn typed_values_are_kept_and_passwords_and_codes_are_not() {
    every_page(|_, _, tags| {
        for field in tags.iter().filter(|tag| is_control(tag)) {
            let secret = matches!(field.text("autocomplete"), "current-password" | "new-password" | "one-time-code");
            ensure(!secret || field.get("value").is_none(), || format!("{field:?}"))?;
        }
        Ok(())
    });
    let kept = |name: &str, part: &str| {
        let page = RENDERED.iter().find(|(sample, _)| sample.name == name);
        assert!(page.is_some_and(|(_, html)| html.contains(part)), "{name} lost {part}");
    };
    kept("login-error", r#"value="amelia""#);
    kept("register-error", r#"value="amelia@mail.example""#);
    kept("register-email-error", r#"value="amelia@mail.example""#);
    kept("mfa-phone-error", r#"value="0151 12345678""#);
}

#[test]
fn a_cool_down_tells_the_time_and_leaves_the_other_ways_open() {
    let page = RENDERED.iter().find(|(sample, _)| sample.name == "totp-wait");
    let html = page.map(|(_, html)| html.as_str()).unwrap_or_default();
    assert!(
        html.contains("Too many attempts. Try again at <time datetime=\"2026-05-28T20:26:41Z\">20:26:41 UTC</time>")
    );
    assert!(html.contains("(in 1 second)") && html.contains("Use a backup code"));
}

#[test]
fn what_must_be_set_up_reads_as_a_sentence() {
    for (state, words) in [
        ("mfa-needed", "set up an authenticator app. The"),
        ("mfa-needed-one-of-two", "set up an authenticator app or a passkey. The"),
        ("mfa-needed-one-of-three", "set up an authenticator app, codes by text message or a passkey. The"),
    ] {
        let (_, html) = RENDERED.iter().find(|(sample, _)| sample.name == state).expect("a sample of that name");
        assert!(html.contains(words), "{state}: {html}");
    }
}
