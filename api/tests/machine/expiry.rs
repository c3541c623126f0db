//! What is over moves nothing, and until then it does: all is right but for the time.

use std::time::Duration;

use crate::{
    doors::{DOORS, Door},
    links::WAIT,
    model::edge,
    scene::{Scene, server},
    state::State,
};

const CODE: Duration = Duration::from_mins(10);
const HOUR: Duration = Duration::from_hours(1);
/// After its wait a recovery can be completed for a week.
const RECOVERY: Duration = Duration::from_mins(7 * 24 * 60 + 20);
/// Nothing here was sent longer ago than that.
const EARLIER: Duration = Duration::from_mins(2);

/// How long what opens a door is good.
const GOOD_FOR: [(State, &str, Duration); 8] = [
    (State::AwaitingMail, "/login/link", CODE),
    (State::AwaitingMail, "/login/email", CODE),
    (State::AwaitingText, "/login/sms", CODE),
    (State::Recovering, "/login/recovery/complete", CODE),
    (State::Begun, "/reset", HOUR),
    (State::Begun, "/register/confirm", HOUR),
    (State::Waiting, "/recovery/cancel", RECOVERY),
    (State::Owner, "/recovery/cancel", RECOVERY),
];

fn at(path: &str) -> &'static Door {
    DOORS.iter().find(|door| door.path == path).expect("a door")
}

#[tokio::test]
async fn what_was_mailed_is_good_until_its_end_and_no_longer() {
    assert_eq!(RECOVERY, WAIT + Duration::from_hours(7 * 24));
    for (state, path, good_for) in GOOD_FOR {
        for over in [false, true] {
            let app = server().await;
            let mut scene = Scene::new(&app, state).await;
            app.pass(if over { good_for } else { good_for.saturating_sub(EARLIER) });
            let (before, carried) = (scene.look().await, scene.rightly(at(path)));
            let answer = scene.knock(at(path), &carried).await;
            let after = scene.look().await;
            let (amelia, others) = (before.amelia.changes(&after.amelia), before.others.changes(&after.others));
            let told = format!("{state:?}: POST {path}, over: {over}: {} {amelia:?} {others:?}", answer.status);
            if over {
                assert!(before.changes(&after).is_empty(), "{told}");
                continue;
            }
            let expected = edge(state, path).expect("an edge");
            // What ended long before may be swept away as well.
            assert!(expected.changes.iter().all(|change| amelia.iter().any(|found| found == change)), "{told}");
            assert!(expected.others.iter().all(|change| others.iter().any(|found| found == change)), "{told}");
        }
    }
}

/// Proofs that are asked for again make the session fresh, and the link no younger.
#[tokio::test]
async fn a_link_to_an_address_is_over_in_a_session_that_is_fresh_again() {
    for over in [false, true] {
        let app = server().await;
        let mut scene = Scene::new(&app, State::Fresh).await;
        app.pass(if over { CODE } else { CODE.saturating_sub(EARLIER) });
        let again = at("/account/reauthenticate");
        let carried = scene.rightly(again);
        assert_eq!(scene.knock(again, &carried).await.location(), "/account");
        let door = at("/account/mfa/email/link");
        let (before, carried) = (scene.look().await, scene.rightly(door));
        let answer = scene.knock(door, &carried).await;
        let changes = before.changes(&scene.look().await);
        assert_eq!(changes.is_empty(), over, "{} {changes:?}", answer.status);
        assert_eq!(scene.who().await, Some("amelia"));
    }
}
