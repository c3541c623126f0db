use super::{short::Length, *};
use crate::page::{Branding, samples::letters::letters};

const NUMBER: &str = "+4915112345678";

fn writer(origin: &str) -> Writer {
    let pages = Arc::new(Pages::new(Branding { product_name: "Doorward".to_owned() }));
    Writer { pages, origin: origin.to_owned() }
}

#[test]
fn the_last_line_of_a_text_message_binds_the_code_to_the_host_of_the_issuer() {
    for (origin, host) in [
        ("https://id.example", "id.example"),
        ("https://id.example:8443", "id.example"),
        ("http://localhost:11080", "localhost"),
        ("http://[::1]:11080", "[::1]"),
    ] {
        for (tag, text) in texts(origin, |letter| !letter.content.is_unasked()) {
            assert_eq!(short::bound(&text), Some((host, "123456")), "{tag}: {}", *text);
            assert!(text.ends_with(&format!("\n@{host} #123456")), "{}", *text);
        }
    }
}

/// Every text message in every language that is one of these, with its tag.
fn texts(origin: &str, wanted: impl Fn(&Letter) -> bool) -> Vec<(String, Zeroizing<String>)> {
    let writer = writer(origin);
    let mut texts = Vec::new();
    for tag in writer.pages.locales().tags() {
        for (_, letter) in
            letters(&tag).into_iter().filter(|(_, letter)| letter.channel == Channel::Sms && wanted(letter))
        {
            texts.push((tag.clone(), writer.write(&letter).expect("renders").expect("has words").text));
        }
    }
    assert!(texts.len() >= 6, "two messages in three languages");
    texts
}

#[test]
fn a_text_message_is_one_segment_also_where_the_host_is_long() {
    for (tag, text) in texts("https://sign-in.accounts.example", |_| true) {
        assert!(Length::of(&text).is_one_message(), "{tag}: {}", *text);
    }
    // Chinese leaves room for 32 characters of it.
    let long = format!("https://{}.example", "long-name.".repeat(7));
    for (tag, text) in texts(&long, |_| true).into_iter().filter(|(tag, _)| tag != "zh-Hans") {
        let length = Length::of(&text);
        assert!(matches!(length, Length::Septets(_)) && length.is_one_message(), "{tag}: {length:?}: {}", *text);
    }
}

#[test]
fn a_letter_is_in_its_language_and_one_that_names_none_in_that_of_the_server() {
    let subject = |lang: Option<&str>| {
        let (_, letter) = letters("en").into_iter().next().expect("a letter");
        let letter = Letter { lang: lang.map(str::to_owned), ..letter };
        let mail = writer("https://id.example").write(&letter).expect("renders").expect("has words");
        mail.subject.expect("a mail has one")
    };
    assert_eq!(subject(None), "Your code to sign in to Doorward");
    assert_eq!(subject(Some("no tag at all")), "Your code to sign in to Doorward");
    assert_eq!(subject(Some("de")), "Ihr Code zur Anmeldung bei Doorward");
    assert_eq!(subject(Some("zh-CN")), "您登录 Doorward 的验证码");
}

#[test]
fn who_is_told_of_a_suspension_is_told_what_lifts_it() {
    let writer = writer("https://id.example");
    for tag in writer.pages.locales().tags() {
        for (notice, page) in [
            (Notice::PasswordSuspended, "https://id.example/forgot"),
            (Notice::CodesSuspended, "https://id.example/account/mfa"),
            (Notice::BackupCodesSuspended, "https://id.example/account/mfa"),
            (Notice::PasswordChanged, "https://id.example/account"),
        ] {
            let letters = letters(&tag);
            let told = |letter: &Letter| matches!(letter.content, Content::Notice { notice: told } if told == notice);
            let (_, letter) = letters.into_iter().find(|(_, letter)| told(letter)).expect("a letter");
            let mail = writer.write(&letter).expect("renders").expect("has words");
            let linked = mail.text.split_whitespace().any(|word| word == page);
            assert!(linked, "{tag}: {}", *mail.text);
        }
    }
}

#[test]
fn a_text_message_about_a_recovery_says_when_and_has_no_link() {
    let told = texts("https://id.example", |letter| {
        matches!(letter.content, Content::RecoveryBegun { .. } | Content::RecoveryDue { .. })
    });
    for (tag, text) in &told {
        assert!(
            !text.contains("id.example") && !text.contains(crate::page::samples::letters::TOKEN),
            "{tag}: {}",
            **text
        );
    }
    assert!(told.iter().filter(|(_, text)| text.contains("20:26 UTC")).count() == 3, "{told:?}");
}

#[test]
fn what_there_are_no_words_for_is_not_sent_by_text_message() {
    let letter = Letter {
        channel: Channel::Sms,
        to: NUMBER.to_owned(),
        user_name: "ada".to_owned(),
        lang: None,
        content: Content::Registered,
    };
    assert!(matches!(writer("https://id.example").letter(&letter), Err(NotCarried::Never(_))));
}
