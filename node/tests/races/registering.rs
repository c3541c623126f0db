//! Links that make accounts, used by many at once: an address has one account.

use crate::{House, browser::Browser, http::race, inbox::Inbox, person::Person};

const PASSWORD: &str = "tractor violin harbour lantern";

#[test]
fn of_64_uses_of_two_links_to_one_address_one_makes_the_account() {
    let house = House::new();
    let address = "address-race@mail.example";
    let nobody =
        Person { name: address.to_owned(), password: PASSWORD.to_owned(), browser: Browser::new(house.site()) };
    let mut inbox = Inbox::default();
    let links = [(); 2].map(|()| {
        let mut browser = Browser::new(house.site());
        let page = browser.open("/register/email").expect("served");
        let page = browser.submit(&page, "/register/email", &[("email", address)]).expect("served");
        assert!(page.body.contains("Look into your mail"), "{page}");
        inbox.link(&nobody, address).expect("served")
    });
    let fields = [("password", PASSWORD)];
    let presses = (0..64).map(|n| {
        let mut browser = Browser::new(house.site());
        let page = browser.open(&links[n % 2]).expect("served");
        browser.fill(&page, "/register/confirm", &fields)
    });
    let answers = race(house.site(), presses.collect::<Vec<_>>());
    assert_eq!(answers.iter().filter(|answer| answer.gives("dw_session=")).count(), 1);
    for link in &links {
        let late = Browser::new(house.site()).open(link).expect("served");
        let used = late.status == 410;
        assert!(used || late.body.contains("action=\"/register/confirm\""), "{late}");
    }
    let (_, page) = nobody.password().expect("served");
    assert!(page.body.contains("Sign out"), "{page}");
    let mut browser = Browser::new(house.site());
    let page = browser.open("/register/email").expect("served");
    let said = browser.submit(&page, "/register/email", &[("email", address)]).expect("served");
    assert!(said.body.contains("Look into your mail"), "{said}");
}
