//! Proofs that are wrong, at every door that the right ones open: nothing moves. [`edges`](crate::edges) types them before the right
//! ones, which do lead on, so it was not for another reason. And the cookies of devices and of trust, which weaken what is asked for: others' and older ones do not.

use std::time::Duration;

use crate::{
    doors::{DOORS, Door, NEW_PASSWORD, Typed},
    form::full,
    scene::{Scene, server},
    state::{Carried, State},
    support::TestApp,
};

/// Longer ago than a code of the app is good.
const BEFORE: Duration = Duration::from_secs(90);

/// What is typed in the place of a proof; nothing for what proves nothing. Few of them are counted, so that no door waits.
fn instead(scene: &mut Scene<'_>, state: State, door: &Door, typed: Typed) -> Vec<String> {
    let (app, pending, theirs) = (scene.app, &scene.pending, &scene.theirs);
    let mut all = match typed {
        // Elsewhere a password is set.
        Typed::Password(_) if !matches!(door.path, "/login" | "/account/password" | "/account/reauthenticate") => {
            return Vec::new();
        }
        Typed::Password(_) => vec![NEW_PASSWORD.to_owned()],
        Typed::Totp => vec![app.code(&scene.mallory.seed), app.code_of(&scene.amelia.seed, BEFORE)],
        Typed::Backup => {
            let own = &scene.amelia.backup[0];
            vec![scene.mallory.backup[0].clone(), format!("{}0000", &own[..own.len() - 4])]
        }
        Typed::Sent => vec![scene.foreign_sent.clone(), scene.older_sent.clone()],
        // Where nobody is awaited, somebody else may sign in.
        Typed::Assertion if state.is_awaiting() || state == State::Raising => {
            vec![scene.mallory.key.sign(&scene.own.options).to_string(), scene.older.assertion.clone()]
        }
        Typed::Assertion => vec![scene.foreign.assertion.clone(), scene.older.assertion.clone()],
        Typed::PendingTotp => vec![app.code(&theirs.seed), app.code(&scene.amelia.seed)],
        Typed::PendingEmail => vec![theirs.email_code.clone(), pending.phone_code.clone()],
        Typed::PendingPhone => vec![theirs.phone_code.clone(), pending.email_code.clone()],
        Typed::PendingKey => vec![theirs.making.clone()],
        _ => return Vec::new(),
    };
    all.extend([String::new(), "AAAA.garbage".to_owned()]);
    all
}

/// All that is typed at a door, with one proof wrong.
fn wrongly(scene: &mut Scene<'_>, state: State, door: &Door) -> Vec<Vec<(&'static str, String)>> {
    let carried = scene.rightly(door);
    let mut all = Vec::new();
    for (place, proof) in door.typed.iter().enumerate() {
        for text in instead(scene, state, door, *proof) {
            let mut typed: Vec<_> = door.typed.iter().map(|typed| scene.typed(*typed, &carried)).collect();
            typed[place].1 = text;
            all.push(typed);
        }
    }
    all
}

/// Types everything that is wrong at a door.
pub(crate) async fn none_that_is_wrong_leads_on(scene: &mut Scene<'_>, state: State, door: &Door) {
    let wrong = wrongly(scene, state, door);
    let (before, who, carried) = (scene.look().await, scene.who().await, scene.rightly(door));
    for typed in wrong {
        let told = format!("{state:?}: POST {} with {typed:?}", door.path);
        let answer = scene.send(door, &carried, typed).await;
        let mut changes = before.changes(&scene.look().await);
        // The right password alone begins a login, which the next wrong code of it finds.
        if door.path == "/account/reauthenticate" {
            changes.retain(|(whose, of)| *whose != "amelia" || of.iter().any(|change| change != "+login"));
        }
        assert!(changes.is_empty(), "{told}: {} changed {changes:?}", answer.status);
        assert!(answer.status.is_client_error(), "{told}: {}", answer.status);
        assert_eq!(scene.who().await, who, "{told}");
    }
}

/// A browser at the login page with the cookies of a device and of trust that were given to somebody else, or before the password was
/// another one; those of trust also under the name that the owner's has.
/// Gives the cookie of its own device as well.
async fn with_cookies_of(app: &TestApp, foreign: bool) -> (Scene<'_>, String) {
    let mut scene = Scene::new(app, State::Begun).await;
    let known = scene.browser.cookie("dw_device").expect("a known device");
    let jar = if foreign { &scene.foreign_jar } else { &scene.older_jar };
    let own = scene.older_jar.keys().find(|name| name.contains("dw_trusted_")).expect("a trusted browser").clone();
    let device = jar[&full("dw_device")].clone();
    let (name, trust) = jar.iter().find(|(name, _)| name.contains("dw_trusted_")).expect("a trusted browser");
    let given = [(full("dw_device"), device), (name.clone(), trust.clone()), (own, trust.clone())];
    scene.browser.jar.extend(given);
    (scene, known)
}

fn password() -> &'static Door {
    DOORS.iter().find(|door| door.path == "/login").expect("a door")
}

#[tokio::test]
async fn trust_in_somebody_else_and_of_before_spares_no_second_step() {
    for foreign in [true, false] {
        let app = server().await;
        let (mut scene, _) = with_cookies_of(&app, foreign).await;
        let (before, carried) = (scene.look().await, scene.rightly(password()));
        let answer = scene.knock(password(), &carried).await;
        let changes = before.changes(&scene.look().await);
        assert_eq!(changes, [("amelia", vec!["+login".to_owned()])], "foreign: {foreign}");
        assert!(answer.location().contains("?l="), "foreign: {foreign}: {}", answer.location());
        assert_eq!(scene.who().await, None, "foreign: {foreign}");
    }
}

/// Once strangers have used up their guesses, the device of somebody else or of before has none; that of the owner has its own.
#[tokio::test]
async fn a_device_of_somebody_else_or_of_before_is_unknown() {
    for foreign in [true, false] {
        let app = server().await;
        let (mut scene, known) = with_cookies_of(&app, foreign).await;
        for _ in 0..5 {
            app.browser().log_in("amelia", NEW_PASSWORD).await;
        }
        let (before, carried) = (scene.look().await, scene.rightly(password()));
        let answer = scene.knock(password(), &carried).await;
        assert!(answer.status.is_client_error(), "foreign: {foreign}: {}", answer.status);
        assert!(before.changes(&scene.look().await).is_empty(), "foreign: {foreign}");
        let cookies = vec![("dw_device".to_owned(), known)];
        let answer = scene.knock(password(), &Carried { cookies, ..carried }).await;
        assert!(answer.location().contains("?l="), "foreign: {foreign}: {}", answer.location());
    }
}
