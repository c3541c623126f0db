//! The vectors of RFC 6238, windows and replays, and what a typed code looks like.

use proptest::prelude::*;

use super::*;

/// RFC 6238, appendix B, for SHA-1: the last six of eight digits.
const VECTORS: [(i64, &str); 6] = [
    (59, "287082"),
    (1_111_111_109, "081804"),
    (1_111_111_111, "050471"),
    (1_234_567_890, "005924"),
    (2_000_000_000, "279037"),
    (20_000_000_000, "353130"),
];
const SEED: &[u8] = b"12345678901234567890";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn code(text: &str) -> Code {
    parse_code(text).expect("a code")
}

/// The code of a step, as an app shows it.
fn code_of(step: u64) -> Code {
    let totp = Builder::new().with_skew(0).with_secret(SEED).build_noncompliant();
    Code(Secret::new(digits_of(&totp, step)))
}

#[test]
fn it_accepts_the_vectors_of_the_rfc() {
    for (seconds, digits) in VECTORS {
        let step = seconds.unsigned_abs() / 30;
        assert_eq!(check(SEED, &code(digits), at(seconds), Window::Strict, 0), Verdict::Accepted { step }, "{digits}");
    }
}

#[test]
fn a_window_takes_the_steps_that_it_names() {
    let now = at(3_000_015);
    let accepted = |window: Window| {
        let taken = |offset: &i64| {
            let step = 100_000u64.saturating_add_signed(*offset);
            matches!(check(SEED, &code_of(step), now, window, 0), Verdict::Accepted { step: s } if s == step)
        };
        (-3..=3).filter(taken).collect::<Vec<_>>()
    };
    assert_eq!(accepted(Window::Both), [-1, 0, 1]);
    assert_eq!(accepted(Window::Back), [-1, 0]);
    assert_eq!(accepted(Window::Strict), [0]);
}

#[test]
fn a_step_is_accepted_once_and_none_before_it_afterwards() {
    let now = at(3_000_015);
    assert_eq!(check(SEED, &code_of(100_000), now, Window::Both, 99_999), Verdict::Accepted { step: 100_000 });
    assert_eq!(check(SEED, &code_of(100_000), now, Window::Both, 100_000), Verdict::Replayed);
    assert_eq!(check(SEED, &code_of(99_999), now, Window::Both, 100_000), Verdict::Replayed);
    assert_eq!(check(SEED, &code_of(100_001), now, Window::Both, 100_000), Verdict::Accepted { step: 100_001 });
}

#[test]
fn a_wrong_code_is_wrong_and_so_is_another_seed() {
    assert_eq!(check(SEED, &code("000000"), at(59), Window::Both, 0), Verdict::Wrong);
    assert_eq!(check(&[7; 20], &code("287082"), at(59), Window::Both, 0), Verdict::Wrong);
}

#[test]
fn the_first_step_of_the_epoch_has_none_before_it() {
    assert!(matches!(check(SEED, &code_of(1), at(0), Window::Both, 0), Verdict::Accepted { step: 1 }));
    assert_eq!(check(SEED, &code_of(0), at(-40), Window::Both, 0), Verdict::Replayed);
}

#[test]
fn a_code_is_read_with_spaces_and_hyphens_and_nothing_else() {
    for good in ["287082", " 287 082 ", "287-082", "2-8-7-0-8-2"] {
        assert_eq!(String::from(code(good)), "287082", "{good}");
    }
    for bad in ["", "28708", "2870822", "28708a", "+28708", "２８７０８２", "287_082", "287\u{a0}082"] {
        assert!(parse_code(bad).is_none(), "{bad}");
    }
}

#[test]
fn a_code_travels_as_its_digits_and_does_not_show_itself() {
    let code = code("012345");
    assert_eq!(serde_json::to_string(&code).expect("encodes"), "\"012345\"");
    assert_eq!(format!("{code:?}"), "Code([redacted])");
    let error = serde_json::from_str::<Code>("\"hunter2\"").expect_err("no code");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn the_link_names_issuer_and_account_and_all_parameters() {
    let link = otpauth_uri("Door: ward", "Ämélie/x", SEED);
    assert_eq!(
        link.expose(),
        "otpauth://totp/Door%20%20ward:%C3%84m%C3%A9lie%2Fx?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Door%20%20ward\
         &algorithm=SHA1&digits=6&period=30"
    );
    let read = Totp::from_url(link.expose()).expect("a link");
    assert_eq!((read.secret().as_ref(), read.digits(), read.step()), (SEED, 6, 30));
    assert_eq!(base32_groups(SEED).expose(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
    assert_eq!(new_seed([7; 20]).expose(), &[7; 20]);
}

proptest! {
    #[test]
    fn a_code_of_its_own_step_is_always_accepted(seed in any::<[u8; 20]>(), seconds in 30..100_000_000_000i64) {
        let totp = Builder::new().with_skew(0).with_secret(&seed[..]).build_noncompliant();
        let now = at(seconds);
        let own = Code(Secret::new(digits_of(&totp, current_step(now))));
        let verdict = check(&seed, &own, now, Window::Both, 0);
        prop_assert!(matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
        prop_assert_eq!(check(&seed, &own, now, Window::Both, current_step(now) + 1), Verdict::Replayed);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = parse_code(&text);
    }
}
