//! Every message that is sent, by every way on which there are words for it.

use actors::{
    domain::{
        factor::totp,
        letter::{Content, Letter, Notice, Token},
    },
    secret::Secret,
};
use schema::{Timestamp, record::Channel};

/// The code of the samples.
pub const CODE: &str = "123456";
/// The token of the samples.
pub const TOKEN: &str = "v1.k1.sealed";

/// Letters in a language, each with its template.
pub fn letters(lang: &str) -> Vec<(&'static str, Letter)> {
    let code = || totp::parse_code(CODE).expect("six digits");
    let to = |channel| match channel {
        Channel::Email => "amelia@mail.example",
        Channel::Sms => "+4915112345678",
    };
    let letter = |channel, content| Letter {
        channel,
        to: to(channel).to_owned(),
        user_name: "amelia".to_owned(),
        lang: Some(lang.to_owned()),
        content,
    };
    let token = || Secret::new(TOKEN.to_owned());
    let mail = |content| letter(Channel::Email, content);
    let mut letters = Vec::new();
    for link in [None, Some(Token(token()))] {
        let (sign_in, code) = (Content::SignInCode { code: code(), link: link.clone() }, code());
        letters.push(("mail/sign_in_code.txt", mail(sign_in)));
        letters.push(("mail/activation_code.txt", mail(Content::ActivationCode { code, link })));
    }
    let due_at = Timestamp::from_millis(1_780_000_000_000);
    letters.extend([
        ("mail/address_code.txt", mail(Content::AddressCode { code: code() })),
        ("mail/password_reset.txt", mail(Content::PasswordReset { token: token() })),
        ("mail/recovery_begun.txt", mail(Content::RecoveryBegun { due_at, token: token() })),
        ("mail/recovery_code.txt", mail(Content::RecoveryCode { code: code(), token: token() })),
        ("mail/recovery_due.txt", mail(Content::RecoveryDue { token: token() })),
        ("mail/registration.txt", mail(Content::Registration { token: Token(token()) })),
        ("mail/registered.txt", mail(Content::Registered)),
        ("sms/sign_in_code.txt", letter(Channel::Sms, Content::SignInCode { code: code(), link: None })),
        ("sms/activation_code.txt", letter(Channel::Sms, Content::ActivationCode { code: code(), link: None })),
        ("sms/recovery_begun.txt", letter(Channel::Sms, Content::RecoveryBegun { due_at, token: token() })),
        ("sms/recovery_due.txt", letter(Channel::Sms, Content::RecoveryDue { token: token() })),
    ]);
    for notice in Notice::ALL {
        letters.push(("mail/notice.txt", letter(Channel::Email, Content::Notice { notice })));
        letters.push(("sms/notice.txt", letter(Channel::Sms, Content::Notice { notice })));
    }
    letters
}
