//! What is wrong with what somebody typed, as the rules in [`actors::domain`] tell it, in the words of pages.

use actors::domain::{
    email::{self, EmailError},
    factor::password::{Advice, Suggestion, Warning, Weakness},
    phone::PhoneError,
    user_name::{self, UserNameError},
};

use crate::locale::{Text, text};

/// Why a text is not an e-mail address.
pub(super) fn email(error: EmailError) -> Text {
    match error {
        EmailError::TooLong => text("email-long").with_number("max", email::MAX),
        EmailError::Syntax => text("email-syntax"),
        EmailError::LookAlike => text("email-look-alike"),
        EmailError::TooLarge => text("email-large"),
    }
}

/// Why a text is not a phone number.
pub(super) const fn phone(error: PhoneError) -> Text {
    match error {
        PhoneError::NoCountry => text("phone-no-country"),
        PhoneError::UnknownCountry => text("phone-unknown-country"),
        PhoneError::Syntax => text("phone-syntax"),
    }
}

/// Why a text is not a user name.
pub(super) fn user_name(error: UserNameError) -> Text {
    match error {
        UserNameError::Empty => text("user-name-empty"),
        UserNameError::TooLong => text("user-name-long").with_number("max", user_name::MAX),
        UserNameError::TooLarge => text("user-name-large"),
        UserNameError::Space => text("user-name-space"),
        UserNameError::Invisible => text("user-name-invisible"),
        UserNameError::At => text("user-name-at"),
    }
}

/// Why a password cannot be chosen.
pub(super) fn weakness(weakness: &Weakness) -> Text {
    match weakness {
        Weakness::TooShort { min, len } => text("weak-short").with_number("min", *min).with_number("len", *len),
        Weakness::TooLong { max, len } => text("weak-long").with_number("max", *max).with_number("len", *len),
        Weakness::ContainsInput => text("weak-input"),
        Weakness::Guessable(advice) => text("weak-guessable").with_text("advice", self::advice(*advice)),
    }
}

const fn advice(advice: Advice) -> Text {
    match advice {
        Advice::Warning(warning) => self::warning(warning),
        Advice::Suggestion(suggestion) => self::suggestion(suggestion),
        Advice::None => text("advice-add-words"),
    }
}

const fn warning(warning: Warning) -> Text {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess => text("advice-straight-rows"),
        Warning::ShortKeyboardPatternsAreEasyToGuess => text("advice-keyboard-pattern"),
        Warning::RepeatsLikeAaaAreEasyToGuess => text("advice-repeats"),
        Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => text("advice-repeated-parts"),
        Warning::ThisIsATop10Password => text("advice-top-10"),
        Warning::ThisIsATop100Password => text("advice-top-100"),
        Warning::ThisIsACommonPassword => text("advice-common"),
        Warning::ThisIsSimilarToACommonlyUsedPassword => text("advice-similar-to-common"),
        Warning::SequencesLikeAbcAreEasyToGuess => text("advice-sequences"),
        Warning::RecentYearsAreEasyToGuess => text("advice-recent-years"),
        Warning::AWordByItselfIsEasyToGuess => text("advice-single-word"),
        Warning::DatesAreOftenEasyToGuess => text("advice-dates"),
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess => text("advice-single-names"),
        Warning::CommonNamesAndSurnamesAreEasyToGuess => text("advice-common-names"),
    }
}

const fn suggestion(suggestion: Suggestion) -> Text {
    match suggestion {
        Suggestion::UseAFewWordsAvoidCommonPhrases => text("advice-few-words"),
        Suggestion::NoNeedForSymbolsDigitsOrUppercaseLetters => text("advice-no-symbols"),
        Suggestion::AddAnotherWordOrTwo => text("advice-another-word"),
        Suggestion::CapitalizationDoesntHelpVeryMuch => text("advice-capitals"),
        Suggestion::AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase => text("advice-all-capitals"),
        Suggestion::ReversedWordsArentMuchHarderToGuess => text("advice-reversed"),
        Suggestion::PredictableSubstitutionsDontHelpVeryMuch => text("advice-substitutions"),
        Suggestion::UseALongerKeyboardPatternWithMoreTurns => text("advice-longer-pattern"),
        Suggestion::AvoidRepeatedWordsAndCharacters => text("advice-no-repeats"),
        Suggestion::AvoidSequences => text("advice-no-sequences"),
        Suggestion::AvoidRecentYears => text("advice-no-recent-years"),
        Suggestion::AvoidYearsThatAreAssociatedWithYou => text("advice-no-own-years"),
        Suggestion::AvoidDatesAndYearsThatAreAssociatedWithYou => text("advice-no-own-dates"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{Branding, Pages};

    #[test]
    fn the_english_words_are_those_of_the_rules() {
        let pages = Pages::new(Branding::default());
        let said = |text: &Text| pages.say(pages.locales().default(), text).expect("there are words for it");
        for error in [EmailError::TooLong, EmailError::Syntax] {
            assert_eq!(said(&email(error)), error.to_string());
        }
        for error in [PhoneError::NoCountry, PhoneError::UnknownCountry, PhoneError::Syntax] {
            assert_eq!(said(&phone(error)), error.to_string());
        }
        for error in [
            UserNameError::Empty,
            UserNameError::TooLong,
            UserNameError::TooLarge,
            UserNameError::Space,
            UserNameError::Invisible,
            UserNameError::At,
        ] {
            assert_eq!(said(&user_name(error)), error.to_string());
        }
        for error in [
            Weakness::TooShort { min: 15, len: 1 },
            Weakness::TooLong { max: 128, len: 1290 },
            Weakness::ContainsInput,
            Weakness::Guessable(Advice::None),
            Weakness::Guessable(Advice::Warning(Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess)),
            Weakness::Guessable(Advice::Suggestion(Suggestion::PredictableSubstitutionsDontHelpVeryMuch)),
        ] {
            assert_eq!(said(&weakness(&error)), error.to_string());
        }
    }
}
