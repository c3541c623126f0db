//! Which passwords may be chosen, and what the others are told.

use super::*;

const WITH_SECOND_FACTOR: Policy =
    Lengths { alone: MIN_ALONE, with_second_factor: MIN_WITH_SECOND_FACTOR, max: MAX }.policy(true);

fn verdict(policy: Policy, password: &str) -> Result<(), Weakness> {
    check(&policy, &normalise(password), &["ada", "ada.lovelace@example.org"])
}

#[test]
fn two_spellings_of_a_character_are_one_password() {
    assert_eq!(normalise("Ma\u{308}rchen").expose(), normalise("M\u{e4}rchen").expose());
    assert_eq!(normalise("\u{ff50}ass \u{fb01}re").expose(), "pass fire");
    assert_eq!(normalise("  Keeps Case and Spaces ").expose(), "  Keeps Case and Spaces ");
}

#[test]
fn length_counts_characters_and_says_what_is_asked() {
    let fourteen = "grüner Hut lie";
    assert_eq!(fourteen.chars().count(), 14);
    assert_eq!(verdict(Policy::default(), fourteen), Err(Weakness::TooShort { min: 15, len: 14 }));
    assert_eq!(
        verdict(Policy::default(), &"ab cd ef gh ij klm ".repeat(7)[..129]),
        Err(Weakness::TooLong { max: 128, len: 129 })
    );
    let message = Weakness::TooShort { min: 15, len: 14 }.to_string();
    assert_eq!(message, "Use at least 15 characters; this has 14. A few unrelated words work well.");
}

#[test]
fn fewer_characters_do_where_a_second_factor_is_demanded() {
    assert_eq!(Lengths::default().policy(false), Policy::default());
    assert_eq!(verdict(WITH_SECOND_FACTOR, "vQ8#mzt"), Err(Weakness::TooShort { min: 8, len: 7 }));
    assert_eq!(verdict(WITH_SECOND_FACTOR, "vQ8#mzt2"), Ok(()));
    assert_eq!(verdict(Lengths::default().policy(false), "vQ8#mzt2"), Err(Weakness::TooShort { min: 15, len: 8 }));
}

#[test]
fn a_long_phrase_of_unrelated_words_may_be_chosen_without_digits_or_symbols() {
    assert_eq!(verdict(Policy::default(), "grüner hut liest quittenmarmelade"), Ok(()));
    assert_eq!(verdict(Policy::default(), &"zx kvj qpw mnb rtg ".repeat(7)[..128]), Ok(()));
    assert_eq!(verdict(WITH_SECOND_FACTOR, "vQ8#mzt2Kp"), Ok(()));
}

#[test]
fn common_passwords_and_their_disguises_are_refused() {
    for common in
        ["password1", "Passw0rd", "qwertyuiop", "iloveyou1", "1q2w3e4r5t", "drowssap1", "trustno1", "letmein123"]
    {
        assert!(matches!(verdict(WITH_SECOND_FACTOR, common), Err(Weakness::Guessable(_))), "{common}");
    }
    for long in ["aaaaaaaaaaaaaaaa", "abcdefghijklmnopq", "passwordpassword", "123456789012345678"] {
        assert!(matches!(verdict(Policy::default(), long), Err(Weakness::Guessable(_))), "{long}");
    }
}

#[test]
fn advice_is_never_empty_and_does_not_repeat_the_password() {
    for weak in ["password1", "aaaaaaaaa", "letmein123"] {
        let message = verdict(WITH_SECOND_FACTOR, weak).expect_err(weak).to_string();
        assert!(message.len() > "This password is easy to guess. ".len() && message.ends_with('.'), "{message}");
        assert!(!message.contains(weak), "{message}");
    }
}

#[test]
fn names_of_the_user_may_not_be_in_it_in_any_case() {
    for bad in ["my-ADA-quincunx-41", "Ada.Lovelace quincunx", "xx ada.lovelace@example.org"] {
        assert_eq!(verdict(Policy::default(), bad), Err(Weakness::ContainsInput), "{bad}");
    }
    let short_name = check(&Policy::default(), &normalise("quincunx marmalade jo"), &["jo", ""]);
    assert_eq!(short_name, Ok(()));
}
