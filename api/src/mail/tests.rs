use actors::domain::factor::totp;

use super::*;
use crate::page::Branding;

const NUMBER: &str = "+4915112345678";

fn writer(origin: &str) -> Writer {
    let pages = Arc::new(Pages::new(Branding { product_name: "Doorward".to_owned() }));
    Writer { pages, origin: origin.to_owned() }
}

fn code() -> Code {
    totp::parse_code("123456").expect("six digits")
}

fn texts(origin: &str) -> Vec<Zeroizing<String>> {
    let contents = [Content::SignInCode { code: code() }, Content::ActivationCode { code: code() }];
    let letters = contents.map(|content| Letter {
        channel: Channel::Sms,
        to: NUMBER.to_owned(),
        user_name: "ada".to_owned(),
        content,
    });
    letters.iter().map(|letter| writer(origin).write(letter).expect("renders").expect("has words").text).collect()
}

/// What a browser reads out of a text message: the host and the code ("Parsing" of the WICG's Origin-bound one-time codes).
fn parsed(message: &str) -> Option<(String, String)> {
    let last = message.split('\n').next_back()?;
    let rest = last.strip_prefix('@')?;
    let (host, rest) = rest.split_once([' ', '\t', '\r'])?;
    let code = rest.strip_prefix('#')?;
    let code = code.split(char::is_whitespace).next()?;
    (!host.is_empty() && !code.is_empty()).then(|| (host.to_owned(), code.to_owned()))
}

/// The septets of a text in the default alphabet (3GPP TS 23.038, 6.2.1); `None` if another one is needed.
fn septets(text: &str) -> Option<usize> {
    const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿\
                         abcdefghijklmnopqrstuvwxyzäöñüà";
    const EXTENDED: &str = "\u{c}^{}\\[~]|€";
    text.chars()
        .map(|c| match c {
            c if BASIC.contains(c) => Some(1),
            c if EXTENDED.contains(c) => Some(2),
            _ => None,
        })
        .sum()
}

#[test]
fn the_last_line_of_a_text_message_binds_the_code_to_the_host_of_the_issuer() {
    for (origin, host) in [
        ("https://id.example", "id.example"),
        ("https://id.example:8443", "id.example"),
        ("http://localhost:11080", "localhost"),
        ("http://[::1]:11080", "[::1]"),
    ] {
        for text in texts(origin) {
            assert_eq!(parsed(&text), Some((host.to_owned(), "123456".to_owned())), "{}", *text);
            assert!(text.ends_with(&format!("\n@{host} #123456")), "{}", *text);
        }
    }
}

#[test]
fn what_would_break_the_binding_is_noticed() {
    for broken in
        ["@id.example #123456\n", "id.example #123456", "@id.example  #123456", "@id.example 123456", "x @a #1"]
    {
        assert_eq!(parsed(broken), None, "{broken:?}");
    }
}

#[test]
fn a_text_message_is_one_segment_also_where_the_host_is_long() {
    let long = format!("https://{}.example", "long-name.".repeat(7));
    for text in [texts("https://id.example"), texts(&long)].concat() {
        let septets = septets(&text).expect("the default alphabet is enough");
        assert!(septets <= 160, "{septets}: {}", *text);
    }
    assert_eq!((septets("[€]"), septets("„x“")), (Some(6), None));
}

#[test]
fn what_there_are_no_words_for_is_not_sent_by_text_message() {
    let notice = Content::Notice { notice: Notice::PasswordChanged };
    let letter = Letter { channel: Channel::Sms, to: NUMBER.to_owned(), user_name: "ada".to_owned(), content: notice };
    assert!(matches!(writer("https://id.example").letter(&letter), Err(NotCarried::Never(_))));
}
