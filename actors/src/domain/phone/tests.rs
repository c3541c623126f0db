use proptest::prelude::*;

use super::*;

fn country(name: &str) -> Country {
    name.parse().expect(name)
}

fn read(text: &str, default: Option<&str>) -> Result<(String, String), PhoneError> {
    PhoneNumber::parse(text, default.map(country)).map(|n| (n.as_str().to_owned(), n.country().to_string()))
}

#[test]
fn a_number_is_read_as_people_write_it() {
    for (text, default, number, country) in [
        ("+49 151 12345678", None, "+4915112345678", "DE"),
        (" +49 (0)151 / 123-456.78 ", None, "+4915112345678", "DE"),
        ("+49 0151 12345678", None, "+4915112345678", "DE"),
        ("0049 0151 12345678", None, "+4915112345678", "DE"),
        ("+44 07911 123456", None, "+447911123456", "GB"),
        ("+39 06 12345678", None, "+390612345678", "IT"),
        ("+225 01 23 45 67 89", None, "+2250123456789", "CI"),
        ("+226 07 12 34 56", None, "+22607123456", "BF"),
        ("+36 06 20 123 4567", None, "+36201234567", "HU"),
        ("0049-151-12345678", None, "+4915112345678", "DE"),
        ("＋49 151 12345678", None, "+4915112345678", "DE"),
        ("0151 12345678", Some("DE"), "+4915112345678", "DE"),
        ("+43 664 1234567", Some("DE"), "+436641234567", "AT"),
        ("(415) 555-2671", Some("US"), "+14155552671", "US"),
        ("1 415 555 2671", Some("US"), "+14155552671", "US"),
        ("+1 416 555 0123", None, "+14165550123", "CA"),
        ("+1 876 555 0123", None, "+18765550123", "JM"),
        ("876 555 0123", Some("JM"), "+18765550123", "JM"),
        ("8 912 345-67-89", Some("RU"), "+79123456789", "RU"),
        ("+7 701 234 5678", None, "+77012345678", "KZ"),
        ("06 20 123 4567", Some("HU"), "+36201234567", "HU"),
        ("06 12345678", Some("IT"), "+390612345678", "IT"),
        ("+358 41 2345678", None, "+358412345678", "FI"),
    ] {
        assert_eq!(read(text, default), Ok((number.to_owned(), country.to_owned())), "{text}");
    }
}

#[test]
fn what_is_no_number_is_refused_with_what_to_do() {
    for (text, error) in [
        ("0151 12345678", PhoneError::NoCountry),
        ("15112345678", PhoneError::NoCountry),
        ("", PhoneError::NoCountry),
        ("+", PhoneError::Syntax),
        ("+49", PhoneError::Syntax),
        ("+49 151 12345678 ext. 5", PhoneError::Syntax),
        ("+49 151 1234 5678 9012 345", PhoneError::Syntax),
        ("+49+15112345678", PhoneError::Syntax),
        ("+49 151 １２３４５６７８", PhoneError::Syntax),
        ("+210 1234567", PhoneError::UnknownCountry),
        ("+999 1234567", PhoneError::UnknownCountry),
        ("+1 415 555 26", PhoneError::UnknownCountry),
        ("+1 115 555 2671", PhoneError::UnknownCountry),
        ("+49 00151 12345678", PhoneError::Syntax),
        ("+33 6 12 34 56 789", PhoneError::Syntax),
        ("+33 6 12 34 56 7", PhoneError::Syntax),
        ("+91 98765 432101", PhoneError::Syntax),
        ("+7 912 345 67 890", PhoneError::Syntax),
    ] {
        assert_eq!(read(text, None), Err(error), "{text:?}");
    }
    assert_eq!(read(&"1".repeat(1000), Some("DE")), Err(PhoneError::Syntax));
}

#[test]
fn a_country_is_two_letters_that_have_a_calling_code() {
    for bad in ["", "D", "de", "DEU", "ZZ", "Ä"] {
        assert!(bad.parse::<Country>().is_err(), "{bad}");
    }
    assert_eq!(serde_json::from_str::<Country>("\"VA\"").map(|c| c.to_string()).ok().as_deref(), Some("VA"));
}

#[test]
fn no_calling_code_is_the_beginning_of_another_and_each_names_its_country() {
    assert!(CODES.is_sorted_by_key(|(code, _)| *code) && NORTH_AMERICA.is_sorted_by_key(|(code, _)| *code));
    for (code, name) in CODES {
        let code = code.to_string();
        let longer = CODES.iter().filter(|(other, _)| other.to_string().starts_with(&code)).count();
        assert_eq!((longer, code.starts_with(['1', '7']) && code.len() == 1), (1, false), "{code}");
        let named = PhoneNumber::country_of(&format!("+{code}612345678")).map(|country| country.to_string());
        assert_eq!(named.as_deref(), Some(*name));
    }
}

#[test]
fn the_lengths_of_a_plan_belong_to_countries_that_there_are() {
    for (name, least, most) in LENGTHS {
        let code = country(name).calling_code().expect("a calling code").to_string();
        assert!(least <= most && (MIN_DIGITS..=MAX_DIGITS).contains(&(code.len() + least)), "{name}");
    }
}

proptest! {
    /// Whatever is typed: what comes out is E.164, and reading it again changes nothing.
    #[test]
    fn what_is_read_is_e164_and_stays_as_it_is(text in "[+0-9 ()./\\-a]{0,24}", home in 0..CODES.len()) {
        let home = CODES[home].1.parse::<Country>().ok();
        if let Ok(number) = PhoneNumber::parse(&text, home) {
            let digits = number.as_str().strip_prefix('+').expect("begins with +");
            prop_assert!((7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()));
            prop_assert_eq!(PhoneNumber::parse(number.as_str(), None), Ok(number));
        }
    }

    /// Marks between the digits make no difference, as long as there are few enough of them, and neither does `00` in place of `+`.
    #[test]
    fn the_ways_of_writing_a_number_are_one_number(
        home in 0..CODES.len(), subscriber in "[2-9][0-9]{9,10}", marks in prop::collection::vec("[ ./()-]{0,2}", 16)
    ) {
        let (code, name) = CODES[home];
        let most = LENGTHS.iter().find(|(known, ..)| *known == name).map_or(subscriber.len(), |(_, _, most)| *most);
        let subscriber = &subscriber[..most.min(subscriber.len())];
        let digits = format!("{code}{subscriber}");
        let plain = PhoneNumber::parse(&format!("+{digits}"), None);
        prop_assert!(plain.is_ok());
        let marked: String = digits.chars().zip(&marks).flat_map(|(digit, mark)| [digit].into_iter().chain(mark.chars())).collect();
        prop_assume!(!marked.contains("(0)") && format!("00 {}", marked.trim_end()).len() <= MAX_TYPED);
        prop_assert_eq!(&PhoneNumber::parse(&format!("+{marked}"), None), &plain);
        prop_assert_eq!(&PhoneNumber::parse(&format!("00 {marked}"), None), &plain);
        let trunk = name.parse::<Country>().expect("listed").trunk();
        if trunk.starts_with('0') {
            prop_assert_eq!(&PhoneNumber::parse(&format!("+{code} {trunk}{subscriber}"), None), &plain);
        }
        let within = format!("{}{subscriber}", CODES[home].1.parse::<Country>().expect("listed").trunk());
        prop_assert_eq!(&PhoneNumber::parse(&within, CODES[home].1.parse().ok()), &plain);
    }

    #[test]
    fn nothing_typed_makes_it_fail(text in "\\PC{0,50}") {
        let _ = PhoneNumber::parse(&text, "DE".parse().ok());
    }
}
