//! A store comes out of a backup: what was consumed since is not accepted again (HAZARDS H14).

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use actors::{
    ServicesError,
    domain::{
        command::{CheckSession, LoginRef, RedeemOutcome, SignInOutcome},
        restore::{Ended, Terms},
    },
    entropy::SeededEntropy,
    restored::{Tools, begin, finish, restored_at},
};
use futures_util::FutureExt as _;
use schema::{
    Kind, Store,
    export::{Entry, Importer, Place, Walk},
    record::{ActiveKey, Standing},
    standing::{self, NotServing},
};

use crate::support::{MemoryStore, PASSWORD, World, refresh_of};

const STEP: Duration = Duration::from_secs(30);

/// Everything that the world's store holds.
async fn backup(world: &World) -> Vec<Entry> {
    world.services.shipper.settled().await;
    let walk = Walk::new(world.store.as_ref(), world.now());
    let (mut place, mut all) = (Place::default(), Vec::new());
    while let Some(page) = walk.page(&place).await.expect("readable") {
        all.extend(page.entries);
        place = page.next;
    }
    all
}

/// A store with that in it, as it comes out of the backup.
async fn filled(world: &World, entries: Vec<Entry>) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::default());
    Importer::new(store.as_ref(), [5; 16], world.now()).put(entries).await.expect("put in");
    store
}

async fn finished(world: &World, store: &dyn Store, passwords: bool) -> Ended {
    let entropy = SeededEntropy::new(0xbac0);
    let tools = Tools { store, entropy: &entropy, progress: &|_| {} };
    finish(tools, Terms { at: world.now(), passwords }).await.expect("finished")
}

/// The services over a restored store.
async fn serving(world: &World, store: Arc<MemoryStore>) -> World {
    World::node(store, Arc::clone(&world.clock), SeededEntropy::new(0xbac1), |_| {}).await
}

async fn lives(world: &World, person: &crate::support::Person) -> bool {
    let check = CheckSession { session: person.session.clone() };
    let shown = world.services.accounts.ask(person.user, &world.attempt(), check, crate::support::soon()).await;
    shown.expect("answers").is_some()
}

#[tokio::test]
async fn what_was_consumed_after_the_backup_is_refused_after_the_restore() {
    let world = World::new().await;
    let (person, app) = world.register_with_totp("ada").await;
    let bob = world.register("bob").await;
    let shop = world.app("shop").await;
    world.pass(2 * STEP);
    let unused = world.code(&person, &shop).await;
    let (grant, attempt) = world.grant(&person, &world.code(&person, &shop).await).await;
    let sealed = {
        let locators = actors::locator::Locators { vault: &world.services.vault, entropy: world.entropy.as_ref() };
        locators.session(person.user, person.session.session, &[1; 16])
    };
    let setup = world.services.registration.setup_link().await.expect("works").expect("no administrator yet").0;
    let saved = backup(&world).await;

    // All of this happens after the backup, and is forgotten.
    let code = app.code(world.now());
    let login = world.first_proof(&person).await;
    assert!(matches!(world.type_totp(&person, &login, code.clone()).await, SignInOutcome::SignedIn(_)));
    let login = world.first_proof(&person).await;
    assert!(matches!(world.type_backup_code(&person, &login, &app.backup[0]).await, SignInOutcome::SignedIn(_)));
    assert!(matches!(world.redeem(&person, &unused).await.0, RedeemOutcome::Granted(_)));
    let refresh = refresh_of(&grant, &attempt);
    assert!(matches!(world.refresh(&person, refresh.clone()).await.0, RedeemOutcome::Granted(_)));

    let store = filled(&world, saved).await;
    let ended = finished(&world, store.as_ref(), false).await;
    assert_eq!((ended.users, ended.backup_codes), (2, 10));
    assert!(ended.sessions >= 2 && ended.codes >= 1 && ended.families >= 1 && ended.devices >= 2, "{ended:?}");
    let after = serving(&world, store).await;
    assert!(!lives(&after, &person).await && !lives(&after, &bob).await);
    assert!(!matches!(after.redeem(&person, &unused).await.0, RedeemOutcome::Granted(_)));
    assert!(!matches!(after.refresh(&person, refresh).await.0, RedeemOutcome::Granted(_)));
    assert!(!after.counts(&person, grant.family).await);
    // What names a session, or the link of the first administrator, does not even open.
    let locators = actors::locator::Locators { vault: &after.services.vault, entropy: after.entropy.as_ref() };
    assert!(locators.open_session(&sealed).is_err());
    let good = after.services.registration.setup_link_is_good(setup.expose(), person.browser).await;
    assert!(!good.expect("works"));
    // A burst is spent everywhere: the right password of a stranger is as good as a wrong one, then it works.
    assert_eq!(after.guess("bob", PASSWORD).await, SignInOutcome::Wrong);
    after.pass(STEP);
    assert!(matches!(after.guess("bob", PASSWORD).await, SignInOutcome::SignedIn(_)));
    // The code is still within the window by the clock, and refused all the same; so is the backup code.
    let login: LoginRef = after.first_proof(&person).await;
    assert!(!matches!(after.type_totp(&person, &login, code).await, SignInOutcome::SignedIn(_)));
    assert!(!matches!(after.type_backup_code(&person, &login, &app.backup[0]).await, SignInOutcome::SignedIn(_)));
    after.pass(2 * STEP);
    let login = after.first_proof(&person).await;
    let fresh = after.type_totp(&person, &login, app.code(after.now())).await;
    assert!(matches!(fresh, SignInOutcome::SignedIn(_)), "{fresh:?}");
    assert_eq!(after.told("store.restored").await, 1);
}

#[tokio::test]
async fn a_restore_that_is_cut_short_opens_nothing_and_can_be_finished() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let store = filled(&world, backup(&world).await).await;
    let key = schema::PartitionKey::new(Kind::Keyring, "data");
    let incarnation = async |store: &MemoryStore| {
        let found = store.load(&key, &["active"]).await.expect("readable");
        found.get::<ActiveKey>(&key, "active").expect("readable").expect("there").incarnation
    };
    let before = incarnation(&store).await;
    let terms = Terms { at: world.now(), passwords: false };
    begin(store.as_ref(), terms).await.expect("begun");
    let refused = open(&world, &store).await;
    assert!(matches!(refused, Some(ServicesError::NotServing(NotServing::Restoring))), "{refused:?}");
    let entropy = SeededEntropy::new(1);
    let tools = Tools { store: store.as_ref(), entropy: &entropy, progress: &|_| panic!("cut short") };
    assert!(AssertUnwindSafe(finish(tools, terms)).catch_unwind().await.is_err());
    assert!(matches!(standing::read(store.as_ref()).await, Ok((_, Standing::Restoring { .. }))));
    assert!(open(&world, &store).await.is_some());
    world.pass(STEP);
    finished(&world, store.as_ref(), false).await;
    assert_ne!(incarnation(&store).await, before);
    let at = restored_at(store.as_ref()).await.expect("readable");
    assert_eq!(at, Some(terms.at), "the moment of its beginning counts");
    let after = serving(&world, store).await;
    assert!(!lives(&after, &person).await);
}

#[tokio::test]
async fn passwords_end_where_that_is_asked_for_and_a_link_sets_a_new_one() {
    let world = World::new().await;
    let person = world.register("ada").await;
    let store = filled(&world, backup(&world).await).await;
    assert_eq!(finished(&world, store.as_ref(), true).await.passwords, 1);
    let after = serving(&world, store).await;
    after.pass(2 * STEP);
    assert_eq!(after.guess("ada", PASSWORD).await, SignInOutcome::Wrong);
    let operator = actors::operator::Operator::new(after.services.clone());
    let request = actors::operator::Request::UserPasswordReset(person.user.to_string());
    let response = operator.run("operator uid 0".to_owned(), request, crate::support::soon()).await;
    assert!(!matches!(response, actors::operator::Response::Refused { .. }), "{response:?}");
}

/// What refuses the store, if anything does.
async fn open(world: &World, store: &Arc<MemoryStore>) -> Option<ServicesError> {
    let store: Arc<dyn Store> = Arc::clone(store) as _;
    crate::support::start(store, Arc::clone(&world.clock)).await.err()
}
