//! Second factors, presented by many at once: in several logins of one user, several times in each.

use actors::testing::{SoftKey, Traits};

use crate::{
    House,
    browser::Browser,
    http::{Answer, ORIGIN, Request, race},
    inbox::Inbox,
    no_more_than,
    person::{Person, signed_in, to_backup_code},
};

/// Logins of one user that await a second factor; below the bound at which the oldest ends.
const LOGINS: usize = 16;

/// `count` requests, spread over logins that await a code.
fn presentations(challenged: &[(Browser, Answer)], action: &str, code: &str, count: usize) -> Vec<Request> {
    let logins = challenged.iter().cycle().take(count);
    logins.map(|(browser, page)| browser.fill(page, action, &[("code", code)])).collect()
}

fn challenged(person: &Person) -> Vec<(Browser, Answer)> {
    (0..LOGINS).map(|_| person.challenged().expect("served")).collect()
}

#[test]
fn of_64_presentations_of_one_totp_code_one_signs_in() {
    let house = House::new();
    let mut person = Person::register(house.site(), "totp-race").expect("served");
    let authenticator = person.enrol().expect("served");
    let logins = challenged(&person);
    let code = authenticator.code();
    let answers = race(house.site(), presentations(&logins, "/login/totp", &code, 64));
    assert_eq!(answers.iter().filter(|answer| signed_in(answer)).count(), 1);
    let (browser, page) = person.challenged().expect("served");
    let again = browser.fill(&page, "/login/totp", &[("code", &code)]).served(house.site()).expect("served");
    assert!(!signed_in(&again));
}

#[test]
fn of_64_presentations_of_one_backup_code_one_signs_in() {
    let house = House::new();
    let mut person = Person::register(house.site(), "backup-race").expect("served");
    let authenticator = person.enrol().expect("served");
    let logins = challenged(&person).into_iter().map(|login| to_backup_code(login).expect("served"));
    let logins: Vec<_> = logins.collect();
    let code = &authenticator.backup_codes[3];
    let answers = race(house.site(), presentations(&logins, "/login/backup-code", code, 64));
    assert_eq!(answers.iter().filter(|answer| signed_in(answer)).count(), 1);
    let page = person.browser.open("/account/mfa").expect("served");
    assert!(page.body.contains("You have 9 unused backup codes left."), "{page}");
}

#[test]
fn of_200_wrong_totp_codes_no_more_than_a_burst_is_looked_at() {
    let house = House::new();
    let mut person = Person::register(house.site(), "totp-guesses").expect("served");
    let authenticator = person.enrol().expect("served");
    let logins = challenged(&person);
    let answers = race(house.site(), presentations(&logins, "/login/totp", &authenticator.wrong_code(), 200));
    assert!(!answers.iter().any(signed_in));
    let evaluated = answers.iter().filter(|answer| !answer.throttled()).count();
    no_more_than(5, evaluated);
    let (browser, page) = person.challenged().expect("served");
    let right = browser.fill(&page, "/login/totp", &[("code", &authenticator.code())]);
    assert!(right.served(house.site()).expect("served").throttled(), "the right code must wait as well");
}

/// A code that is sent to `address`, to be typed at the pages of this way.
fn sent_code_race(name: &str, way: &str, (field, address): (&str, &str)) {
    let house = House::new();
    let mut person = Person::register(house.site(), name).expect("served");
    let mut inbox = Inbox::default();
    let page = person.browser.open("/account/mfa").expect("served");
    let begin = format!("/account/mfa/{way}");
    let page = person.browser.submit(&page, &begin, &[(field, address)]).expect("served");
    let code = inbox.code(&person, address);
    let confirm = format!("{begin}/*/confirm");
    let confirmations = (0..16).map(|_| person.browser.fill(&page, &confirm, &[("code", &code)]));
    let answers = race(house.site(), confirmations.collect::<Vec<_>>());
    let shown = answers.iter().filter(|answer| answer.body.contains("Save your backup codes")).count();
    assert_eq!(shown, 1, "the backup codes are shown once");

    let (browser, page) = person.password().expect("served");
    let code = inbox.code(&person, address);
    let (login, form) = ([(browser, page)], format!("/login/{way}"));
    let answers = race(house.site(), presentations(&login, &form, &code, 64));
    assert_eq!(answers.iter().filter(|answer| signed_in(answer)).count(), 1);
    let (browser, page) = person.password().expect("served");
    let again = browser.fill(&page, &form, &[("code", &code)]).served(house.site()).expect("served");
    assert!(!signed_in(&again), "the code of one login is worth nothing in another");
}

#[test]
fn of_64_presentations_of_one_code_by_mail_one_signs_in() {
    sent_code_race("mail-race", "email", ("email", "race@mail.example"));
}

#[test]
fn of_64_presentations_of_one_code_by_text_message_one_signs_in() {
    sent_code_race("sms-race", "sms", ("phone", "+4915112345678"));
}

#[test]
fn of_16_tabs_of_a_trusted_browser_all_are_let_in_and_one_gets_the_next_cookie() {
    let house = House::new();
    let mut person = Person::register(house.site(), "trust-race").expect("served");
    let authenticator = person.enrol().expect("served");
    let (mut browser, page) = person.challenged().expect("served");
    let fields = [("code", &*authenticator.code()), ("trust", "on")];
    let done = browser.fill(&page, "/login/totp", &fields).served(house.site()).expect("served");
    assert!(signed_in(&done), "{done}");
    let page = browser.follow(done).expect("served");
    browser.submit(&page, "/logout", &[]).expect("served");
    let proof = [("username", &*person.name), ("password", &*person.password)];
    let tabs = (0..16).map(|_| {
        let mut tab = browser.clone();
        let page = tab.open("/login").expect("served");
        tab.fill(&page, "/login", &proof)
    });
    let answers = race(house.site(), tabs.collect::<Vec<_>>());
    let given = |answer: &&Answer| answer.headers("set-cookie").any(|line| line.starts_with("dw_trusted_"));
    assert!(answers.iter().all(signed_in), "{}", answers.iter().find(|answer| !signed_in(answer)).expect("one"));
    assert_eq!(answers.iter().filter(given).count(), 1);
}

/// What a page asks of the browser's passkeys.
fn options(page: &Answer) -> serde_json::Value {
    let text = page.body.split("data-options=\"").nth(1).and_then(|rest| rest.split('"').next());
    let text = text.unwrap_or_else(|| panic!("no passkey form on {page}"));
    serde_json::from_str(&text.replace("&quot;", "\"").replace("&#x2f;", "/")).expect("JSON")
}

#[test]
fn of_64_presentations_of_one_passkeys_answer_one_signs_in() {
    let house = House::new();
    let mut person = Person::register(house.site(), "passkey-race").expect("served");
    let page = person.browser.open("/account/mfa").expect("served");
    let page = person.browser.submit(&page, "/account/mfa/passkey", &[("passkey_name", "")]).expect("served");
    let (mut key, made) = SoftKey::make(&options(&page), ORIGIN, Traits::SYNCED);
    let made = made.to_string();
    let confirmations =
        (0..16).map(|_| person.browser.fill(&page, "/account/mfa/passkey/*/confirm", &[("answer", &made)]));
    let answers = race(house.site(), confirmations.collect::<Vec<_>>());
    let shown = answers.iter().filter(|answer| answer.body.contains("Save your backup codes")).count();
    assert_eq!(shown, 1, "the backup codes are shown once");

    let mut browser = Browser::new(house.site());
    let page = browser.open("/login").expect("served");
    let signed = key.sign(&options(&page)).to_string();
    let presentations = (0..64).map(|_| browser.fill(&page, "/login/passkey", &[("answer", &signed)]));
    let answers = race(house.site(), presentations.collect::<Vec<_>>());
    assert_eq!(answers.iter().filter(|answer| signed_in(answer)).count(), 1);
    let (browser, page) = person.password().expect("served");
    let again = browser.fill(&page, "/login/passkey", &[("answer", &signed)]).served(house.site()).expect("served");
    assert!(!signed_in(&again), "the answer of one login is worth nothing in another");
}
