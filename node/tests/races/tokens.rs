//! Codes and refresh tokens, presented by many at once (HAZARDS H6).

use std::iter;

use crate::{
    House,
    application::{Application, Tokens},
    http::race,
    person::Person,
    support::doorward,
};

#[test]
fn of_64_redemptions_of_one_code_one_gets_tokens_and_then_they_end() {
    let house = House::new();
    let application = Application::register(&mut doorward(house.folder.path()));
    let mut person = Person::register(house.site(), "code-race").expect("served");
    let code = application.code(&mut person.browser).expect("served");
    let answers = race(house.site(), iter::repeat_n(application.redemption(&code), 64));
    let tokens: Vec<_> = answers.iter().filter_map(Tokens::of).collect();
    assert_eq!(tokens.len(), 1);
    let refreshed = application.refresh(&tokens[0].refresh).served(house.site()).expect("served");
    assert_eq!(Tokens::of(&refreshed), None, "the family must have ended");
    assert!(!tokens[0].live(house.site()), "what the code gave must have ended");
}

#[test]
fn of_64_uses_of_one_refresh_token_one_gets_the_successor_and_then_the_family_ends() {
    let house = House::new();
    let application = Application::register(&mut doorward(house.folder.path()));
    let mut person = Person::register(house.site(), "refresh-race").expect("served");
    let code = application.code(&mut person.browser).expect("served");
    let first = Tokens::of(&application.redemption(&code).served(house.site()).expect("served")).expect("tokens");
    assert!(first.live(house.site()));
    let answers = race(house.site(), iter::repeat_n(application.refresh(&first.refresh), 64));
    let successors: Vec<_> = answers.iter().filter_map(Tokens::of).collect();
    assert_eq!(successors.len(), 1, "one new generation, and one who saw it");
    for token in [&first.refresh, &successors[0].refresh] {
        assert_eq!(Tokens::of(&application.refresh(token).served(house.site()).expect("served")), None);
    }
    assert!(!first.live(house.site()) && !successors[0].live(house.site()), "the family must have ended");
    // The theft of one family's token costs no other family.
    let code = application.code(&mut person.browser).expect("served");
    assert!(Tokens::of(&application.redemption(&code).served(house.site()).expect("served")).is_some());
}
