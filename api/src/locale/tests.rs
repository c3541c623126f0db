use std::{collections::BTreeSet, fs, path::Path};

use super::{
    words::{arguments_of, read},
    *,
};
use crate::page::{Branding, PageOptions, Pages};

fn built_in() -> Locales {
    Locales::new(&Offer::default(), &BTreeMap::new()).expect("the built-in languages are whole")
}

fn chosen(ui_locales: Option<&str>, accept: Option<&str>) -> String {
    let locales = built_in();
    locales.tag(locales.choose(ui_locales, accept.map(str::as_bytes)))
}

/// Languages with these files, `fr` offered beside those that are built in if there is one for it.
fn with_files(files: &[(&str, &str)]) -> Result<Locales, Vec<String>> {
    let mut offer = Offer::default();
    if files.iter().any(|(tag, _)| *tag == "fr") {
        offer.tags.push("fr".to_owned());
    }
    let files = files.iter().map(|(tag, source)| ((*tag).to_owned(), (*source).to_owned())).collect();
    Locales::new(&offer, &files).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

#[test]
fn all_languages_have_the_same_messages_with_the_same_arguments() {
    let reference = words::reference();
    assert!(reference.len() > 400, "the English messages are read");
    for (tag, source) in BUILT_IN {
        let mut faults = Vec::new();
        let given = arguments_of(&read(tag, source, &mut faults));
        assert_eq!(faults, [], "{tag}");
        let keys = |of: &words::Arguments| of.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(keys(&given), keys(&reference), "{tag}");
        for (key, arguments) in &reference {
            assert_eq!(given.get(key), Some(arguments), "{tag}: {key}");
        }
    }
}

/// Keys in `opening"key"` of every file under a folder.
fn keys_in(folder: &Path, opening: &str, keys: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of the source") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            keys_in(&path, opening, keys);
            continue;
        }
        let source = fs::read_to_string(&path).expect("text");
        let ends_a_name = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        let mut pieces = source.split(opening);
        let mut before = pieces.next().unwrap_or_default();
        for after in pieces {
            if !ends_a_name(before) {
                keys.insert(after.split('"').next().unwrap_or_default().to_owned());
            }
            before = after;
        }
    }
}

#[test]
fn every_message_is_said_somewhere_and_what_is_said_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut said = BTreeSet::new();
    keys_in(&root.join("templates"), "t(\"", &mut said);
    for opening in ["text(\"", "say(\""] {
        keys_in(&root.join("src"), opening, &mut said);
    }
    let there: BTreeSet<String> = words::reference().into_keys().collect();
    assert_eq!(said.difference(&there).collect::<Vec<_>>(), Vec::<&String>::new(), "said, and not there");
    assert_eq!(there.difference(&said).collect::<Vec<_>>(), Vec::<&String>::new(), "there, and never said");
}

#[test]
fn an_application_is_heard_before_the_browser_and_the_default_comes_last() {
    for (ui_locales, accept, expected) in [
        (None, None, "en"),
        (None, Some("de-AT,de;q=0.9,en;q=0.8"), "de"),
        (None, Some("fr, de;q=0.5"), "de"),
        (None, Some("zh-CN,zh;q=0.9"), "zh-Hans"),
        (None, Some("zh-SG"), "zh-Hans"),
        (None, Some("zh-TW,en;q=0.1"), "en"),
        (None, Some("zh-HK,de"), "de"),
        (Some("de"), Some("zh-CN"), "de"),
        (Some("fr-CA zh-Hans-CN de"), Some("en"), "zh-Hans"),
        (Some("se"), Some("de"), "de"),
        (Some("se"), None, "en"),
        (Some(" \u{0}\u{1F600} -- x_y_z é "), Some("de"), "de"),
        (Some(""), Some(""), "en"),
        (Some("en-GB"), Some("de"), "en"),
    ] {
        assert_eq!(chosen(ui_locales, accept), expected, "{ui_locales:?} {accept:?}");
    }
}

#[test]
fn plurals_are_those_of_the_language() {
    let locales = built_in();
    let said = |tag: &str, count: usize| {
        let text = Text { key: "codes-left", arguments: Vec::new() }.with_number("count", count);
        locales.words(locales.tagged(Some(tag))).say_text(Form::Plain, &text).expect("there are words for it")
    };
    assert_eq!(said("en", 0), "You have no backup codes left.");
    assert_eq!(said("en", 1), "You have 1 unused backup code left.");
    assert_eq!(said("en", 10), "You have 10 unused backup codes left.");
    assert_eq!(said("de", 1), "Sie haben noch 1 unbenutzten Backup-Code.");
    assert_eq!(said("de", 2), "Sie haben noch 2 unbenutzte Backup-Codes.");
    assert_eq!(said("zh", 1), "您还有 1 个未使用的备用代码。");
}

#[test]
fn a_list_is_a_sentence_in_every_language() {
    let locales = built_in();
    let said = |tag: &str, count: usize| {
        let all = ["needed-app", "needed-sms", "needed-passkey"].map(super::text::text);
        let text = Text::one_of(all.into_iter().take(count).collect()).expect("one of them");
        locales.words(locales.tagged(Some(tag))).say_text(Form::Plain, &text).expect("there are words for it")
    };
    assert_eq!(said("en", 1), "an authenticator app");
    assert_eq!(said("en", 3), "an authenticator app, codes by text message or a passkey");
    assert_eq!(said("de", 3), "eine Authenticator-App, Codes per SMS oder einen Passkey");
    assert_eq!(said("zh", 2), "身份验证器应用或短信验证码");
    assert_eq!(Text::one_of(Vec::new()), None);
}

#[test]
fn what_is_not_there_is_an_error_and_never_a_gap() {
    let locales = built_in();
    let words = locales.words(locales.default());
    for form in [Form::Plain, Form::Html] {
        let unsaid = words.say(form, "no-such-message", &[]).expect_err("no message");
        assert_eq!(unsaid.to_string(), "there is no message no-such-message");
        let unsaid = words.say(form, "codes-left", &[]).expect_err("no argument");
        assert!(unsaid.to_string().starts_with("message codes-left: Resolver error: Unknown variable: $count"));
    }
}

#[test]
fn no_name_brings_markup_onto_a_page() {
    let locales = built_in();
    let words = locales.words(locales.default());
    let hostile = "<b onclick=\"x\">'&";
    let escaped = "&lt;b onclick=&quot;x&quot;&gt;&#x27;&amp;";
    let said = |form, argument| words.say(form, "signed-in-as", &[("user", argument)]).expect("there are words for it");
    let word = || Argument::Word(hostile.into());
    assert_eq!(said(Form::Html, word()), format!("You are signed in as {escaped}."));
    assert_eq!(said(Form::Plain, word()), format!("You are signed in as {hostile}."));
    let inner = Text { key: "scope-other", arguments: Vec::new() }.with("scope", hostile);
    assert!(said(Form::Html, Argument::Text(&inner)).contains(escaped));
    let markup = Argument::Markup("<strong>amelia</strong>".into());
    assert_eq!(said(Form::Html, markup), "You are signed in as <strong>amelia</strong>.");
}

#[test]
fn no_message_brings_markup_onto_a_page() {
    let locales =
        with_files(&[("en", "signed-in-as = <script>alert(\"x\")</script> { $user } & more")]).expect("it is a text");
    let said =
        locales.words(locales.default()).say(Form::Html, "signed-in-as", &[("user", Argument::Word("a".into()))]);
    assert_eq!(
        said.expect("there are words for it"),
        "&lt;script&gt;alert(&quot;x&quot;)&lt;&#x2f;script&gt; a &amp; more"
    );
    for quoted in ["{ \"<b>\" }", "{ \"\\u003C\" }", "{ $user ->\n  [a] x\n *[b] { \"&lt;\" }\n }"] {
        let faults = with_files(&[("en", &format!("signed-in-as = {quoted}"))]).expect_err("quotes markup");
        assert_eq!(faults, ["locales/en.ftl:1: message signed-in-as quotes markup; markup belongs into templates"]);
    }
    let faults = with_files(&[("en", "-mark = { \"<b>\" }\n")]).expect_err("quotes markup");
    assert_eq!(faults, ["locales/en.ftl:1: term -mark quotes markup; markup belongs into templates"]);
}

#[test]
fn a_file_of_messages_replaces_adds_and_is_told_what_is_wrong_with_it() {
    let files = [("de", "sign-in = Los geht's\nour-own = Nur hier\n")];
    let locales = with_files(&files).expect("a good file");
    let words = locales.words(locales.tagged(Some("de")));
    assert_eq!(words.say(Form::Plain, "sign-in", &[]).expect("replaced"), "Los geht's");
    assert_eq!(words.say(Form::Plain, "our-own", &[]).expect("added"), "Nur hier");
    assert_eq!(words.say(Form::Plain, "sign-out", &[]).expect("built in"), "Abmelden");
    let broken = "# A comment\n\nsign-in = { $name }\nsign-out = a\nsign-out = b\nsession = { $\nhelp\n";
    let faults = with_files(&[("de", broken)]).expect_err("a broken file");
    for expected in [
        "locales/de.ftl:3: message sign-in is given no argument $name; its arguments are: none",
        "locales/de.ftl:5: message sign-out is there twice",
        "locales/de.ftl:6: this cannot be read: ",
        "locales/de.ftl:7: this cannot be read: ",
    ] {
        assert!(faults.iter().any(|fault| fault.starts_with(expected)), "{expected}: {faults:#?}");
    }
}

#[test]
fn what_a_message_refers_to_is_there_and_comes_to_an_end() {
    let good = "-brand = Ours\n .kind = x\nour-own = Ours\n .title = { -brand }\n\
                sign-in = { -brand.kind ->\n [x] { our-own.title }\n *[y] { sign-out }\n }\n\
                signed-in-as = { greeting }\ngreeting = { $user }!\n";
    let locales = with_files(&[("de", good)]).expect("a good file");
    let words = locales.words(locales.tagged(Some("de")));
    assert_eq!(words.say(Form::Plain, "sign-in", &[]).expect("it is said"), "Ours");
    assert_eq!(
        words.say(Form::Plain, "signed-in-as", &[("user", Argument::Word("a".into()))]).expect("it is said"),
        "a!"
    );
    for (source, expected) in [
        ("sign-in = { nowhere }", "locales/de.ftl:1: message sign-in refers to nowhere, which is not there"),
        ("sign-in = a { -brand } b", "locales/de.ftl:1: message sign-in refers to -brand, which is not there"),
        ("sign-in = { sign-out.title }", "message sign-in refers to sign-out.title, which is not there"),
        (
            "-brand = Ours\nsign-in = { -brand.kind ->\n [x] a\n *[y] b\n }",
            "locales/de.ftl:2: message sign-in refers to -brand.kind, which is not there",
        ),
        ("-brand = { nowhere }", "locales/de.ftl:1: term -brand refers to nowhere, which is not there"),
        ("our-own = Ours\n .title = { nowhere }", "locales/de.ftl:2: message our-own.title refers to nowhere"),
        ("sign-in = { $user ->\n *[x] { nowhere }\n }", "message sign-in refers to nowhere, which is not there"),
        ("sign-in = { NUMBER(nowhere) }", "message sign-in refers to nowhere, which is not there"),
        ("sign-in = { sign-in }", "locales/de.ftl:1: message sign-in comes back to itself: sign-in → sign-in"),
        (
            "help = x\nsign-out = { sign-in }\nsign-in = { sign-out }",
            "locales/de.ftl:3: message sign-in comes back to itself: sign-in → sign-out → sign-in",
        ),
        (
            "-a = { -b.x ->\n *[y] z\n }\n-b = b\n .x = { -a }\n",
            "locales/de.ftl:1: term -a comes back to itself: -a → -b.x → -a",
        ),
        (
            "sign-in = { signed-in-as }",
            "locales/de.ftl:1: message sign-in is given no argument $user, which signed-in-as names",
        ),
    ] {
        let faults = with_files(&[("de", source)]).expect_err(source);
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{source}: {faults:#?}");
    }
    let once = with_files(&[("de", "sign-out = { sign-in }\nsign-in = { sign-out }")]).expect_err("a circle");
    assert_eq!(once.len(), 1, "a circle is told once: {once:#?}");
}

#[test]
fn a_language_of_ones_own_must_be_whole_and_offered() {
    let (_, english) = BUILT_IN[0];
    let whole = with_files(&[("fr", english)]).expect("whole");
    assert_eq!(whole.tags(), ["en", "de", "zh-Hans", "fr"]);
    assert_eq!(whole.tag(whole.choose(None, Some(b"fr-CA"))), "fr");
    let faults = with_files(&[("fr", "sign-in = Se connecter")]).expect_err("not whole");
    assert!(faults.contains(&"locales/fr.ftl: message sign-out is missing".to_owned()), "{faults:#?}");
    let offer = |tags: &[&str], default: &str| Offer {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        default: default.to_owned(),
    };
    let files = BTreeMap::from([("fr".to_owned(), english.to_owned())]);
    let refused = |offer: &Offer, files: &BTreeMap<String, String>| {
        let faults = Locales::new(offer, files).expect_err("refused");
        faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    for (offer, expected) in [
        (offer(&["en"], "en"), "locales/fr.ftl: locale.offered does not have fr; add it there, or remove the file"),
        (offer(&["en", "fr"], "de"), "locale.default: is none of locale.offered"),
        (offer(&["en", "it", "fr"], "en"), "locale.offered: it is not built in, and there is no locales/it.ftl"),
        (
            offer(&["en", "fr", "not a tag"], "en"),
            "locale.offered: \"not a tag\" is no language tag, such as en or zh-Hans",
        ),
        (offer(&["en", "fr", "EN-us"], "en"), "locale.offered: write \"EN-us\" as \"en-US\""),
    ] {
        assert_eq!(refused(&offer, &files), expected);
    }
}

#[test]
fn a_language_that_is_written_from_right_to_left_says_so() {
    let (_, english) = BUILT_IN[0];
    let offer = Offer { tags: ["en", "ar", "az-Arab"].map(str::to_owned).to_vec(), default: "ar".to_owned() };
    let files = ["ar", "az-Arab"].map(|tag| (tag.to_owned(), english.to_owned())).into();
    let locales = Locales::new(&offer, &files).expect("whole");
    let directions: Vec<&str> = locales.all().map(|locale| locales.direction(locale)).collect();
    assert_eq!(directions, ["ltr", "rtl", "rtl"]);
    assert_eq!(locales.tag(locales.default()), "ar");
}

#[test]
fn templates_of_ones_own_are_told_their_file_and_line() {
    let load = |name: &str, source: &str| {
        let files = BTreeMap::from([(name.to_owned(), source.to_owned())]);
        let pages = Pages::load(PageOptions { files, ..PageOptions::default() })?;
        let faults = crate::page::check(&std::sync::Arc::new(pages), "https://id.example");
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    };
    let told = |name: &str, source: &str| {
        let faults = load(name, source).expect_err("a fault");
        faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    load("front.html", "{% extends \"layout.html\" %}{% block content %}<h1>Ours</h1>{% endblock %}")
        .expect("a good one");
    for (name, source, expected) in [
        ("front.html", "one\n{% if %}", "front.html:2: "),
        ("front.htm", "", "front.htm: there is no built-in file of this name"),
        ("front.html", "one\n\n{{ page.nothing }}", "front.html:3: in en: undefined value"),
        ("front.html", "{{ t(\"no-such-message\") }}", "front.html:1: in en: there is no message no-such-message"),
        ("front.html", "{{ t(\"signed-in-as\") }}", "front.html:1: in de: message signed-in-as: "),
        (
            "sessions.html",
            "{{ page.sessions[0].browser }}",
            "sessions.html: in en, as sessions: a message is shown without t(…)",
        ),
        (
            "front.html",
            "{% for x in range(100000) %}{% for y in range(100000) %}x{% endfor %}{% endfor %}",
            "out of fuel",
        ),
        ("totp_remove.html", "{{ page.name|safe }}", "what people type is shown unescaped"),
        (
            "forgot.html",
            "<form method=\"post\" action=\"/forgot\"></form>",
            "the form to \"/forgot\" has no hidden field csrf",
        ),
        ("sms/sign_in_code.txt", "{{ code }}", "its last line must be @{{ host }} #{{ code }}"),
        (
            "sms/sign_in_code.txt",
            "“{{ code }}” completes your sign-in. Never, never give it to anybody at all.\n@{{ host }} #{{ code }}",
            "and 70 fit into one message",
        ),
        ("mail/sign_in_code.txt", "{{ code }}", "it must begin with one line, its subject"),
        ("mail/sign_in_code.txt", "Subject\n\nNothing.", "the code or the token that it is for is not in it"),
    ] {
        let told = told(name, source);
        assert!(told.contains(expected), "{name}: {source}: {told}");
    }
}

#[test]
fn pages_are_in_the_language_of_their_chrome() {
    let pages = Pages::new(Branding::default());
    let page = |tag: &str| {
        let locale = pages.locales().tagged(Some(tag));
        let chrome = crate::page::Chrome::new(locale, "https://id.example", "csrf");
        pages.render(&chrome, &crate::page::FrontPage {}).expect("it renders")
    };
    for (tag, expected) in [("en", "Create an account"), ("de", "Konto erstellen"), ("zh-Hans", "创建账户")] {
        let html = page(tag);
        assert!(html.contains(expected) && html.contains(&format!("<html lang=\"{tag}\" dir=\"ltr\">")), "{html}");
    }
}

#[test]
fn the_longest_page_has_room_under_the_bound_for_templates_of_ones_own() {
    use crate::page::{Chrome, SessionRow, SessionsPage, TrustedRow, When, describe_user_agent};

    let files = BTreeMap::from([("locales/en.ftl".to_owned(), String::new())]);
    let pages = Pages::load(PageOptions { files, ..PageOptions::default() }).expect("a good file");
    let at = || When::from_unix_secs(1_780_000_000);
    // Four times the bounds of a user.
    let session = |n: usize| SessionRow {
        id: n.to_string(),
        browser: describe_user_agent(Some("Firefox/140.0 on Linux")),
        address: Some("2001:db8:85a3:8d3:1319:8a2e:370:7348".to_owned()),
        started: at(),
        last_seen: at(),
        current: n == 0,
    };
    let trusted = |n: usize| TrustedRow {
        id: n.to_string(),
        browser: describe_user_agent(None),
        since: at(),
        last_used: at(),
        until: at(),
    };
    let page = SessionsPage {
        sessions: (0..200).map(session).collect(),
        trusted: (0..40).map(trusted).collect(),
        notice: None,
    };
    let chrome = Chrome::new(pages.locales().default(), "https://id.example", "csrf");
    let html = pages.render(&chrome, &page).expect("it renders");
    assert!(html.matches("Firefox on Linux").count() >= 200);
}
