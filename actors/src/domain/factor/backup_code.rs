//! Backup codes: ten of `LLLL-SSSS-SSSS-SSSS-SSSS` in Crockford's base 32. The first four characters find the code among
//! the ten, so that one hash a try is enough; the other sixteen are its 80 secret bits.

use std::{fmt, sync::LazyLock};

use data_encoding::{Encoding, Specification};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    domain::limits::BACKUP_CODES,
    secret::{Secret, Seed},
};

/// Crockford's digits: no I, L, O or U.
const DIGITS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of the locator.
const LOCATOR: usize = 4;
/// Characters of a whole code, without hyphens.
const LENGTH: usize = 20;

static CROCKFORD: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str(DIGITS);
    specification.encoding().expect("32 distinct digits are an encoding")
});

/// A code to be shown once, with hyphens.
#[derive(Clone)]
pub struct BackupCodeText(Secret<String>);

impl BackupCodeText {
    /// The code as the user sees and saves it.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Its parts, as they are stored: the locator as it is, the secret hashed.
    pub fn parts(&self) -> BackupCode {
        parse(self.expose()).expect("a drawn code is well formed")
    }
}

impl fmt::Debug for BackupCodeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackupCodeText([redacted])")
    }
}

/// A code that somebody typed, in its canonical form.
#[derive(Clone, Debug)]
pub struct BackupCode {
    /// The first four characters. No secret.
    pub locator: String,
    /// The other sixteen, without hyphens: what is hashed.
    pub secret: Secret<String>,
}

/// The ten codes of an attempt. The same seed draws the same ten (HAZARDS H5); their locators differ from each other.
pub fn draw(seed: &Seed) -> [BackupCodeText; BACKUP_CODES] {
    let mut locators: Vec<String> = Vec::with_capacity(BACKUP_CODES);
    std::array::from_fn(|index| {
        let mut retry = 0;
        loop {
            let mut bytes: [u8; 13] = seed.derive(&format!("backup code {index} {retry}"));
            // 13 bytes are 21 characters; the last holds four bits only and is left out.
            let mut digits = Zeroizing::new(CROCKFORD.encode(&bytes));
            bytes.zeroize();
            digits.truncate(LENGTH);
            let locator = digits[..LOCATOR].to_owned();
            if !locators.contains(&locator) {
                locators.push(locator);
                return BackupCodeText(Secret::new(super::in_fours(&digits, '-')));
            }
            retry += 1;
        }
    })
}

/// Reads a code as people type it: in any case, with hyphens and spaces anywhere, O for 0, I and L for 1.
pub fn parse(text: &str) -> Option<BackupCode> {
    let mut digits = Zeroizing::new(String::with_capacity(LENGTH));
    for typed in text.chars().filter(|c| *c != '-' && !c.is_whitespace()) {
        let digit = match typed.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        if digits.len() == LENGTH || !DIGITS.contains(digit) {
            return None;
        }
        digits.push(digit);
    }
    let complete = digits.len() == LENGTH;
    complete.then(|| BackupCode {
        locator: digits[..LOCATOR].to_owned(),
        secret: Secret::new(digits[LOCATOR..].to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_is_five_groups_of_four_and_the_same_seed_draws_it_again() {
        let codes = draw(&Seed::new([7; 32]));
        let again = draw(&Seed::new([7; 32]));
        for (code, same) in codes.iter().zip(&again) {
            assert_eq!(code.expose(), same.expose());
            assert_eq!(code.expose().split('-').map(str::len).collect::<Vec<_>>(), [4; 5]);
            assert!(code.expose().chars().all(|c| c == '-' || DIGITS.contains(c)));
            assert_eq!(format!("{code:?}"), "BackupCodeText([redacted])");
        }
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = parse(" o1iL-abcd efgh-JKMN-pqrs ").expect("a code");
        assert_eq!((code.locator.as_str(), code.secret.expose().as_str()), ("0111", "ABCDEFGHJKMNPQRS"));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for bad in [
            "",
            "0111-ABCD-EFGH-JKMN-PQR",
            "0111-ABCD-EFGH-JKMN-PQRST",
            "0111-ABCD-EFGH-JKMN-PQRU",
            "0111-ABCD-EFGH-JKMN-PQRé",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn locators_of_a_set_are_distinct_and_every_code_reads_back(bytes in any::<[u8; 32]>()) {
            let codes = draw(&Seed::new(bytes));
            let parts: Vec<_> = codes.iter().map(BackupCodeText::parts).collect();
            prop_assert_eq!(parts.iter().map(|code| &code.locator).collect::<BTreeSet<_>>().len(), BACKUP_CODES);
            for (code, parts) in codes.iter().zip(&parts) {
                let plain = code.expose().replace('-', "").to_lowercase();
                let back = parse(&plain).expect("reads back");
                prop_assert_eq!(&back.locator, &parts.locator);
                prop_assert!(back.secret.ct_eq(&parts.secret));
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>()) {
            if let Some(code) = parse(&text) {
                prop_assert_eq!(code.locator.len() + code.secret.expose().len(), LENGTH);
            }
        }
    }
}
