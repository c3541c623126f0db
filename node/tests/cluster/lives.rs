//! Whole lives under load: with the password into an application, tokens and their rotation, and again.
//!
//! 1. A browser that was never here: the page, the password, and where that leads.
//! 2. A code for the application, redeemed once.
//! 3. The refresh token of that, rotated some times; each access token shows who it is of.
//!
//! A code, a refresh token and a form with a password are good once. Whoever got no answer and tries once more may be told
//! so, and begins at 1.

use crate::{
    application::Tokens,
    browser::Browser,
    http::Answer,
    load::{Visitor, Walk, code_of},
    person::signed_in,
};

/// Codes of one sign-in.
const CODES: usize = 2;
/// Rotations of one code's refresh token.
const ROTATIONS: usize = 3;

/// Leads them until the walk is over.
pub(crate) fn live(visitor: &Visitor, walk: &mut Walk) {
    while !walk.over {
        let _ = one_session(visitor, walk);
    }
}

/// One sign-in and what is done with it; nothing, if it was cut short.
fn one_session(visitor: &Visitor, walk: &mut Walk) -> Option<()> {
    let browser = sign_in(visitor, walk)?;
    for _ in 0..CODES {
        if walk.over {
            break;
        }
        let answer = walk.ask(&visitor.application.authorized(&browser), |answer| code_of(answer).is_some())?;
        let redemption = visitor.application.redemption(&code_of(&answer)?);
        let mut tokens = Tokens::of(&walk.ask_once(&redemption, is_ok)?)?;
        for _ in 0..ROTATIONS {
            walk.ask(&tokens.userinfo(), is_ok)?;
            tokens = Tokens::of(&walk.ask_once(&visitor.application.refresh(&tokens.refresh), is_ok)?)?;
        }
    }
    Some(())
}

fn sign_in(visitor: &Visitor, walk: &mut Walk) -> Option<Browser> {
    let person = &visitor.person;
    let mut browser = Browser::new(person.browser.site);
    let page = walk.ask(&browser.request("/login", None), is_ok)?;
    browser.keep(&page);
    let form = browser.fill(&page, "/login", &[("username", &person.name), ("password", &person.password)]);
    let answer = walk.ask_once(&form, signed_in)?;
    browser.keep(&answer);
    walk.ask(&browser.request("/account", None), |page| is_ok(page) && page.body.contains("Sign out"))?;
    Some(browser)
}

fn is_ok(answer: &Answer) -> bool {
    answer.status == 200
}
