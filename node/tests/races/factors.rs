//! Second factors, presented by many at once: in several logins of one user, several times in each.

use crate::{
    House,
    browser::Browser,
    http::{Answer, Request, race},
    inbox::Inbox,
    no_more_than,
    person::{Person, passkey_options, signed_in, to_backup_code},
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

/// Wrong codes, where codes were sent to `address` for several logins of one user.
fn sent_code_guesses(name: &str, way: &str, (field, address): (&str, &str)) {
    let house = House::new();
    let mut person = Person::register(house.site(), name).expect("served");
    let mut inbox = Inbox::default();
    let page = person.add_address(way, (field, address)).expect("served");
    let code = inbox.code(&person, address).expect("served");
    let confirm = format!("/account/mfa/{way}/*/confirm");
    person.browser.submit(&page, &confirm, &[("code", &code)]).expect("served");

    let logins = [(); 3].map(|()| person.password().expect("served"));
    let codes = [(); 3].map(|()| inbox.code(&person, address).expect("served"));
    let wrong = (0..=codes.len()).map(|code| format!("{code:06}")).find(|code| !codes.contains(code));
    let form = format!("/login/{way}");
    let answers = race(house.site(), presentations(&logins, &form, &wrong.expect("one more than was sent"), 200));
    assert!(!answers.iter().any(signed_in));
    no_more_than(5, answers.iter().filter(|answer| !answer.throttled()).count());
    for ((browser, page), code) in logins.iter().flat_map(|login| codes.iter().map(move |code| (login, code))) {
        let right = browser.fill(page, &form, &[("code", code)]).served(house.site()).expect("served");
        assert!(right.throttled(), "the right code must wait as well: {right}");
    }
}

#[test]
fn of_200_wrong_codes_by_mail_no_more_than_a_burst_is_looked_at() {
    sent_code_guesses("mail-guesses", "email", ("email", "guesses@mail.example"));
}

#[test]
fn of_200_wrong_codes_by_text_message_no_more_than_a_burst_is_looked_at() {
    sent_code_guesses("sms-guesses", "sms", ("phone", "+4915112345679"));
}

/// A code that is sent to `address`, to be typed at the pages of this way.
fn sent_code_race(name: &str, way: &str, (field, address): (&str, &str)) {
    let house = House::new();
    let mut person = Person::register(house.site(), name).expect("served");
    let mut inbox = Inbox::default();
    let page = person.add_address(way, (field, address)).expect("served");
    let code = inbox.code(&person, address).expect("served");
    let confirm = format!("/account/mfa/{way}/*/confirm");
    let confirmations = (0..16).map(|_| person.browser.fill(&page, &confirm, &[("code", &code)]));
    let answers = race(house.site(), confirmations.collect::<Vec<_>>());
    let shown = answers.iter().filter(|answer| answer.body.contains("Save your backup codes")).count();
    assert_eq!(shown, 1, "the backup codes are shown once");

    let (browser, page) = person.password().expect("served");
    let code = inbox.code(&person, address).expect("served");
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

/// Somebody whose second step is mail, in a house; and the messages.
fn with_mail(house: &House, name: &str) -> (Person, Inbox, String) {
    let mut person = Person::register(house.site(), name).expect("served");
    let (mut inbox, address) = (Inbox::default(), format!("{name}@mail.example"));
    person.add_address("email", ("email", &address)).expect("served");
    let page = person.browser.open(&inbox.link(&person, &address).expect("served")).expect("served");
    let presses = (0..64).map(|_| person.browser.fill(&page, "/account/mfa/email/link", &[]));
    let answers = race(house.site(), presses.collect::<Vec<_>>());
    let shown = answers.iter().filter(|answer| answer.body.contains("Save your backup codes")).count();
    assert_eq!(shown, 1, "the backup codes are shown once");
    inbox.code(&person, &address).expect("served");
    (person, inbox, address)
}

#[test]
fn of_64_presentations_of_one_link_one_signs_in_and_none_in_another_browser() {
    let house = House::new();
    let (person, mut inbox, address) = with_mail(&house, "link-race");
    let (mut browser, _) = person.password().expect("served");
    let link = inbox.link(&person, &address).expect("served");
    let page = browser.open(&link).expect("served");
    let opened =
        race(house.site(), (0..64).map(|_| Browser::new(house.site()).request(&link, None)).collect::<Vec<_>>());
    assert!(opened.iter().all(|answer| answer.status == 200 && !signed_in(answer)), "opening consumes nothing");
    let answers = race(house.site(), (0..64).map(|_| browser.fill(&page, "/login/link", &[])).collect::<Vec<_>>());
    // The press that comes second finds its login over; where it leads says nothing of a session.
    assert_eq!(answers.iter().filter(|answer| answer.gives("dw_session=")).count(), 1);
    let mut late = browser.clone();
    let late = late.open(&link).expect("served");
    assert!(!signed_in(&late) && !late.body.contains("action=\"/login/link\""), "{late}");
}

#[test]
fn of_64_presentations_of_a_link_and_the_code_beside_it_one_signs_in() {
    let house = House::new();
    let (person, mut inbox, address) = with_mail(&house, "link-and-code-race");
    let (mut browser, typing) = person.password().expect("served");
    let (link, code) = (inbox.link(&person, &address).expect("served"), inbox.code(&person, &address).expect("served"));
    let pressing = browser.open(&link).expect("served");
    let both = (0..64).map(|n| match n % 2 {
        0 => browser.fill(&pressing, "/login/link", &[]),
        _ => browser.fill(&typing, "/login/email", &[("code", &code)]),
    });
    let answers = race(house.site(), both.collect::<Vec<_>>());
    assert_eq!(answers.iter().filter(|answer| answer.gives("dw_session=")).count(), 1);
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
    assert!(answers.iter().all(signed_in), "{}", answers.iter().find(|answer| !signed_in(answer)).expect("one"));
    assert_eq!(answers.iter().filter(|answer| answer.gives("dw_trusted_")).count(), 1);
}

#[test]
fn of_64_presentations_of_one_passkeys_answer_one_signs_in() {
    let house = House::new();
    let mut person = Person::register(house.site(), "passkey-race").expect("served");
    let (page, mut key, made) = person.make_passkey().expect("served");
    let confirmations =
        (0..16).map(|_| person.browser.fill(&page, "/account/mfa/passkey/*/confirm", &[("answer", &made)]));
    let answers = race(house.site(), confirmations.collect::<Vec<_>>());
    let shown = answers.iter().filter(|answer| answer.body.contains("Save your backup codes")).count();
    assert_eq!(shown, 1, "the backup codes are shown once");

    let mut browser = Browser::new(house.site());
    let page = browser.open("/login").expect("served");
    let signed = key.sign(&passkey_options(&page)).to_string();
    let presentations = (0..64).map(|_| browser.fill(&page, "/login/passkey", &[("answer", &signed)]));
    let answers = race(house.site(), presentations.collect::<Vec<_>>());
    assert_eq!(answers.iter().filter(|answer| signed_in(answer)).count(), 1);
    let (browser, page) = person.password().expect("served");
    let again = browser.fill(&page, "/login/passkey", &[("answer", &signed)]).served(house.site()).expect("served");
    assert!(!signed_in(&again), "the answer of one login is worth nothing in another");
}
