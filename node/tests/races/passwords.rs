//! Passwords, typed by many at once: guesses cost no more hashes than the throttle allows, and nobody who knows the
//! password is turned away because of others who know it.

use std::iter;

use crate::{
    House,
    browser::Browser,
    http::race,
    no_more_than,
    person::{Person, signed_in},
    several_nodes,
};

#[test]
fn of_200_wrong_passwords_no_more_than_a_burst_is_looked_at() {
    let house = House::new();
    let person = Person::register(house.site(), "password-guesses").expect("served");
    let mut browser = Browser::new(house.site());
    let page = browser.open("/login").expect("served");
    let wrong = browser.fill(&page, "/login", &[("username", &person.name), ("password", "one that is not right")]);
    let before = house.hashes();
    let answers = race(house.site(), iter::repeat_n(wrong, 200));
    assert!(!answers.iter().any(signed_in));
    let hashes = house.hashes() - before;
    no_more_than(5, house.looked_at(&answers));
    assert!(hashes == 5 || several_nodes(), "{hashes} hashes");
    let (_, page) = person.password().expect("served");
    assert!(page.throttled(), "the right password must wait as well: {page}");
}

#[test]
fn of_20_right_passwords_of_one_user_all_are_served() {
    let house = House::new();
    let person = Person::register(house.site(), "password-crowd").expect("served");
    let before = house.hashes();
    let attempts = iter::repeat_with(|| {
        let mut browser = Browser::new(house.site());
        let page = browser.open("/login").expect("served");
        browser.fill(&page, "/login", &[("username", &person.name), ("password", &person.password)])
    });
    let attempts: Vec<_> = attempts.take(20).collect();
    let answers = race(house.site(), attempts);
    assert!(answers.iter().all(signed_in), "{}", answers.iter().map(ToString::to_string).collect::<String>());
    // One that was not served in time is hashed again.
    assert!(house.hashes() - before >= 20);
}
