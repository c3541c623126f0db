//! From each state each door is tried: with one thing wrong, and with everything right. What is no edge of the [`model`] changes
//! nothing, and each edge changes what it says.

use std::collections::BTreeSet;

use axum::body::Body;
use http::Method;

use crate::{
    doors::{Belongs, DOORS, Device, Door, Link, Typed},
    form::full,
    model::{Edge, edge},
    proofs::none_that_is_wrong_leads_on,
    scene::{Scene, server},
    snapshot::Look,
    state::{Carried, State},
    support::TestApp,
};

/// In what something carried is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Foreign,
    Older,
    Empty,
    Garbage,
    Absent,
}

const WRONGS: [Wrong; 5] = [Wrong::Foreign, Wrong::Older, Wrong::Empty, Wrong::Garbage, Wrong::Absent];

impl Wrong {
    fn text(self, foreign: &str, older: &str) -> String {
        match self {
            Self::Foreign => foreign.to_owned(),
            Self::Older => older.to_owned(),
            Self::Empty | Self::Absent => String::new(),
            Self::Garbage => "AAAA.garbage".to_owned(),
        }
    }

    /// Whose it is, if it is somebody's.
    fn of<T>(self, foreign: T, older: T) -> Option<T> {
        match self {
            Self::Foreign => Some(foreign),
            Self::Older => Some(older),
            Self::Empty | Self::Garbage | Self::Absent => None,
        }
    }
}

/// The cookie of a login.
fn named(label: &str, cookie: &str) -> (String, String) {
    (format!("dw_login_{label}"), cookie.to_owned())
}

/// Cookies in the place of those that a door goes by.
fn cookies(scene: &Scene<'_>, door: &Door, wrong: Wrong) -> Vec<(String, String)> {
    let of_jar = |name: &str| {
        let jar = wrong.of(&scene.foreign_jar, &scene.older_jar)?;
        Some((name.to_owned(), jar.get(&full(name)).expect("a browser that is signed in").clone()))
    };
    let mut all: Vec<_> = of_jar("dw_browser").into_iter().collect();
    match door.belongs {
        Belongs::Browser => {}
        Belongs::Login => {
            let login = wrong.of(&scene.foreign, &scene.older);
            all.extend(login.map(|login| named(&scene.own.l, &login.cookie)));
        }
        Belongs::Session => all.extend(of_jar("dw_session")),
    }
    all
}

/// What is typed or carried is wrong; `None` of what is always right.
fn typed_wrongly(scene: &Scene<'_>, right: &Carried, typed: Typed, wrong: Wrong) -> Option<Carried> {
    let right = right.clone();
    Some(match typed {
        Typed::Ceremony => Carried { ceremony: wrong.text(&scene.foreign.ceremony, &scene.older.ceremony), ..right },
        Typed::OtherSession => Carried { session: wrong.text(&scene.foreign_session, &scene.ended_session), ..right },
        Typed::TrustedDevice => Carried { trusted: wrong.text(&scene.foreign_trusted, &scene.amelia.totp), ..right },
        Typed::Sent => Carried { sent: wrong.text(&scene.foreign_sent, &scene.older_sent), ..right },
        _ => return None,
    })
}

/// Every way in which one thing that a form carries is wrong, and all of them at once.
fn wrongly(scene: &Scene<'_>, door: &Door) -> Vec<(String, Carried)> {
    let right = scene.rightly(door);
    let mut all = Vec::new();
    let (foreign, older) = (&scene.foreign, &scene.older);
    let (theirs, before, kind) = match door.belongs {
        // It is the same as long as the browser is.
        Belongs::Browser => (&foreign.browser, &older.login, &scene.own.login),
        Belongs::Login => (&foreign.login, &older.login, &scene.own.browser),
        Belongs::Session => (&foreign.session, &older.session, &scene.own.login),
    };
    all.push(("csrf of another kind".to_owned(), Carried { csrf: Some(kind.clone()), ..right.clone() }));
    for wrong in WRONGS {
        let csrf = (wrong != Wrong::Absent).then(|| wrong.text(theirs, before));
        all.push((format!("csrf {wrong:?}"), Carried { csrf, ..right.clone() }));
        all.extend(cookies(scene, door, wrong).into_iter().map(|(name, value)| {
            (format!("cookie {name} {wrong:?}"), Carried { cookies: vec![(name, value)], ..right.clone() })
        }));
        if door.belongs == Belongs::Login {
            let l = (wrong != Wrong::Absent).then(|| wrong.text(&foreign.l, &older.l));
            // The browser has the cookie of that login.
            let login = wrong.of(foreign, older);
            let cookies = login.map(|login| named(&login.l, &login.cookie)).into_iter().collect();
            let other = Carried { l, cookies, ..right.clone() };
            all.push((format!("l {wrong:?}"), other.clone()));
            // The value that goes with it, too. Who types the password in a login that was left gives all that one begins with.
            if !(door.path == "/login" && wrong == Wrong::Older) {
                let csrf = Some(wrong.text(&foreign.login, &older.login));
                all.push((format!("l and csrf {wrong:?}"), Carried { csrf, ..other }));
            }
        }
        if wrong == Wrong::Absent {
            // Nothing else can be left out of a form, but be empty.
            continue;
        }
        if door.device != Device::None {
            let factor = wrong.text(scene.foreign_device(door.device), &scene.other_device(door.device));
            all.push((format!("factor {wrong:?}"), Carried { factor, ..right.clone() }));
        }
        let typed = door.typed.iter().map(|typed| (format!("{typed:?} {wrong:?}"), *typed));
        all.extend(typed.filter_map(|(how, typed)| Some((how, typed_wrongly(scene, &right, typed, wrong)?))));
    }
    if let Some(link) = door.link() {
        let bad = scene.links.bad(link).into_iter();
        all.extend(bad.map(|(how, token)| (format!("a token {how}"), Carried { token, ..right.clone() })));
    }
    all.push(("from another site".to_owned(), Carried { same_origin: false, ..right }));
    all
}

/// A scene, and how it was before anything was tried.
struct Still<'a> {
    scene: Scene<'a>,
    state: State,
    before: Look,
    who: Option<&'static str>,
}

impl<'a> Still<'a> {
    async fn new(app: &'a TestApp, state: State) -> Self {
        let scene = Scene::new(app, state).await;
        let (before, who) = (scene.look().await, scene.who().await);
        Self { scene, state, before, who }
    }

    async fn stays(&mut self, door: &Door, how: &str, carried: &Carried) {
        let answer = self.scene.knock(door, carried).await;
        let told = format!("{:?}: POST {} with {how}: {}", self.state, door.path, answer.status);
        let changes = self.before.changes(&self.scene.look().await);
        assert!(changes.is_empty(), "{told} changed {changes:?}");
        assert!(!answer.status.is_server_error(), "{told}");
        assert_eq!(self.scene.who().await, self.who, "{told}");
    }
}

/// Groups of states, for tests that take long.
const GROUPS: [&[State]; 5] = {
    use State::{
        Asked, Awaiting, AwaitingMail, AwaitingText, Begun, ByMail, Cancelled, Due, Ended, Fresh, Further, Owner,
        Raising, Recovering, Stale, Trusted, Waiting,
    };
    [
        &[Begun, Awaiting, AwaitingMail, AwaitingText],
        &[Waiting, Due, Recovering, Cancelled, Further],
        &[Fresh, Owner],
        &[Stale, Trusted, ByMail, Raising],
        &[Asked, Ended],
    ]
};

#[test]
fn each_state_is_in_one_group() {
    let grouped: Vec<State> = GROUPS.concat();
    assert_eq!(grouped, State::ALL);
}

/// With one thing wrong no door leads anywhere.
async fn nothing_moves_wrongly(states: &[State]) {
    for state in states.iter().copied() {
        let app = server().await;
        let mut still = Still::new(&app, state).await;
        for door in &DOORS {
            for (how, carried) in wrongly(&still.scene, door) {
                still.stays(door, &how, &carried).await;
            }
        }
    }
}

#[tokio::test]
async fn nothing_moves_in_a_login_by_what_is_foreign_older_empty_or_made_up() {
    nothing_moves_wrongly(GROUPS[0]).await;
}

#[tokio::test]
async fn nothing_moves_in_a_recovery_by_what_is_foreign_older_empty_or_made_up() {
    nothing_moves_wrongly(GROUPS[1]).await;
}

#[tokio::test]
async fn nothing_moves_in_a_fresh_session_by_what_is_foreign_older_empty_or_made_up() {
    nothing_moves_wrongly(GROUPS[2]).await;
}

#[tokio::test]
async fn nothing_moves_in_other_sessions_by_what_is_foreign_older_empty_or_made_up() {
    nothing_moves_wrongly(GROUPS[3]).await;
}

#[tokio::test]
async fn nothing_moves_in_a_question_or_after_a_session_by_what_is_foreign_older_empty_or_made_up() {
    nothing_moves_wrongly(GROUPS[4]).await;
}

/// With everything right, what is no edge of the model leads nowhere either.
#[tokio::test]
async fn from_each_state_only_edges_lead_on() {
    for state in State::ALL {
        let app = server().await;
        let mut still = Still::new(&app, state).await;
        for door in DOORS.iter().filter(|door| edge(state, door.path).is_none()) {
            let carried = still.scene.rightly(door);
            still.stays(door, "everything right", &carried).await;
        }
    }
}

/// What somebody else was sent and whoever has it may use is for that one's account alone.
#[tokio::test]
async fn a_link_of_somebody_else_changes_nothing_here() {
    for state in [State::Begun, State::Recovering, State::Owner, State::Ended] {
        let app = server().await;
        let mut scene = Scene::new(&app, state).await;
        let (mut before, who) = (scene.look().await, scene.who().await);
        for (link, token) in scene.theirs_to_use.clone() {
            let door = DOORS.iter().find(|door| door.link() == Some(link)).expect("its door");
            let carried = Carried { token, ..scene.rightly(door) };
            let answer = scene.knock(door, &carried).await;
            let after = scene.look().await;
            let changed: Vec<_> = before.changes(&after).into_iter().map(|(of, _)| of).collect();
            assert_eq!(changed, ["mallory"], "{state:?}: POST {}: {}", door.path, answer.status);
            assert_eq!(scene.who().await, who, "{state:?}: POST {}", door.path);
            before = after;
        }
    }
}

/// Who opens a link has pressed no button, and need be no person: scanners of mail open them too.
#[tokio::test]
async fn opening_a_link_changes_nothing_in_any_browser() {
    for state in [State::Begun, State::AwaitingMail, State::Recovering, State::Owner] {
        let app = server().await;
        let mut scene = Scene::new(&app, state).await;
        let (before, who) = (scene.look().await, scene.who().await);
        for link in Link::ALL {
            let path = format!("{}?token={}", link.path(), scene.links.best(link));
            let mut stranger = app.browser();
            for browser in [&mut scene.browser, &mut stranger] {
                for method in [Method::HEAD, Method::GET] {
                    let request = browser.request(method, &path).body(Body::empty()).expect("a well-formed request");
                    assert!(!browser.send(request).await.status.is_server_error(), "{state:?}: {link:?}");
                }
            }
            assert_eq!(before.changes(&scene.look().await), [], "{state:?}: {link:?}");
            assert_eq!(scene.who().await, who, "{state:?}: {link:?}");
            assert!(!stranger.is_signed_in().await, "{state:?}: {link:?}");
        }
    }
}

/// Whoever is asked for a second step may make an account instead: it is theirs, and nothing of the other one is.
#[tokio::test]
async fn who_registers_in_the_login_of_somebody_is_somebody_else() {
    for path in ["/register", "/register/confirm"] {
        let app = server().await;
        let mut scene = Scene::new(&app, State::AwaitingMail).await;
        let door = DOORS.iter().find(|door| door.path == path).expect("a door");
        let (before, own) = (scene.look().await, scene.own.clone());
        let carried = Carried { csrf: Some(own.login), l: Some(own.l), ..scene.rightly(door) };
        let answer = scene.knock(door, &carried).await;
        let after = scene.look().await;
        let expected = edge(State::AwaitingMail, path).expect("an edge");
        assert_eq!(before.others.changes(&after.others), expected.others, "{path}: {}", answer.status);
        assert!(before.amelia.changes(&after.amelia).iter().all(|change| change == "-login"), "{path}");
        assert_eq!(scene.who().await, expected.who, "{path}");
        // The code that was sent for the login signs nobody in as its user any more, in this browser.
        let door = DOORS.iter().find(|door| door.path == "/login/link").expect("a door");
        let carried = scene.rightly(door);
        scene.knock(door, &carried).await;
        assert_eq!(scene.who().await, expected.who, "{path}");
    }
}

/// Goes through a door with everything right, after proofs that are wrong; gives what came of it.
async fn taken(state: State, door: &Door) -> Result<Edge, String> {
    let app = server().await;
    let mut scene = Scene::new(&app, state).await;
    none_that_is_wrong_leads_on(&mut scene, state, door).await;
    let before = scene.look().await;
    let carried = scene.rightly(door);
    let answer = scene.knock(door, &carried).await;
    let (after, who) = (scene.look().await, scene.who().await);
    // Several of a kind are told once; when a known browser was last seen says nothing of who may do what.
    let once = |mut changes: Vec<String>| {
        changes.dedup();
        changes.retain(|change| change != "~device");
        changes
    };
    let changes = (once(before.amelia.changes(&after.amelia)), once(before.others.changes(&after.others)));
    let expected = edge(state, door.path).expect("an edge");
    let theirs = before.mallory.changes(&after.mallory);
    let right = changes.0 == expected.changes && changes.1 == expected.others && who == expected.who;
    if right && theirs.is_empty() && !answer.status.is_client_error() {
        return Ok(expected);
    }
    Err(format!("{state:?}: POST {}: {} {changes:?} {theirs:?} {who:?}, not {expected:?}", door.path, answer.status))
}

/// The model is no wish: each of its edges is there, and changes what it says and nothing else.
async fn each_edge_from(states: &[State]) {
    let mut wrong = Vec::new();
    for state in states.iter().copied() {
        for door in DOORS.iter().filter(|door| edge(state, door.path).is_some()) {
            wrong.extend(taken(state, door).await.err());
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn each_edge_from_a_login_changes_what_it_says() {
    each_edge_from(GROUPS[0]).await;
}

#[tokio::test]
async fn each_edge_from_a_recovery_changes_what_it_says() {
    each_edge_from(GROUPS[1]).await;
}

#[tokio::test]
async fn each_edge_from_a_fresh_session_changes_what_it_says() {
    each_edge_from(GROUPS[2]).await;
}

#[tokio::test]
async fn each_edge_from_other_states_changes_what_it_says() {
    each_edge_from(GROUPS[3]).await;
}

#[tokio::test]
async fn each_edge_from_a_question_or_after_a_session_changes_what_it_says() {
    each_edge_from(GROUPS[4]).await;
}

/// A door that no edge goes through is closed for a reason, and each link opens the door that it leads to from somewhere.
#[test]
fn each_door_leads_on_from_some_state() {
    let leads = |door: &&Door| State::ALL.iter().any(|state| edge(*state, door.path).is_some());
    let closed: BTreeSet<&str> = DOORS.iter().filter(|door| !leads(door)).map(|door| door.path).collect();
    // There are users, so nobody is the first.
    assert_eq!(closed, BTreeSet::from(["/setup"]));
    for link in Link::ALL {
        assert!(DOORS.iter().any(|door| door.link() == Some(link) && door.path == link.path()), "{link:?}");
    }
}
