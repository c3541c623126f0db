//! What claims promise, whoever is paused when (HAZARDS H9).

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use super::{
    Backend, NOW, committed,
    faulty::{Fault, Faulty},
    user, whole, write,
};
use crate::{
    ClaimId, Commit, GRACE, PartitionKey, Put, Store, UserId, WriteSet,
    claim::{Claimed, Swept, VOID_PREFIX, claim, is_void, owner_of, release, sweep},
    record::{Account, HeldClaim},
};

const NAME: &str = "user-name/ann";
const BOUND: Duration = Duration::from_mins(5);

fn id(number: u8) -> ClaimId {
    ClaimId::from_bytes([number; 16])
}

/// The commit that makes `holding` count: an account that lists it, on what was loaded of the owner.
async fn listing(store: &dyn Store, owner: &PartitionKey, holding: ClaimId) -> WriteSet {
    let found = store.load(owner, &["account", VOID_PREFIX]).await.expect("works");
    assert!(!is_void(&found, holding), "a decision never lists a voided holding");
    let claims = vec![HeldClaim { look_up: NAME.to_owned(), claim: holding }];
    let account = Account { claims, ..Account::new(UserId::from_random([7; 16]), "Ann", NOW) };
    let number = u64::from(holding.as_bytes()[0]);
    write(owner, found.revision, number, vec![Put::record("account", &account, None)])
}

async fn holder(store: &dyn Store) -> Option<(PartitionKey, ClaimId)> {
    owner_of(store, NAME).await.expect("works").map(|held| (held.owner, held.claim))
}

async fn won(store: &dyn Store, owner: &PartitionKey, holding: ClaimId) {
    assert_eq!(claim(store, NAME, owner, holding, NOW).await.expect("works"), Claimed::Won);
}

/// The first; who asks again hears so, and others hear who it is.
pub async fn a_look_up_has_one_holder(backend: &mut dyn Backend) {
    let (store, ann) = (backend.store(), user("ann"));
    assert_eq!(holder(&*store).await, None);
    won(&*store, &ann, id(1)).await;
    won(&*store, &ann, id(1)).await;
    let held = Claimed::Held { owner: ann.clone(), claim: id(1), at: NOW };
    assert_eq!(claim(&*store, NAME, &user("bob"), id(2), NOW).await.expect("works"), held);
    assert_eq!(claim(&*store, NAME, &ann, id(3), NOW).await.expect("works"), held, "another holding of the same owner");
    assert_eq!(holder(&*store).await, Some((ann, id(1))));
}

/// At once, on a look-up that nobody had.
pub async fn of_many_claimants_one_wins(backend: &mut dyn Backend) {
    let store = backend.store();
    let mut tasks = JoinSet::new();
    for number in 1..=32 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let owner = user(&format!("user-{number}"));
            (claim(&*store, NAME, &owner, id(number), NOW).await.expect("works"), owner)
        });
    }
    let outcomes = tasks.join_all().await;
    let winners: Vec<_> = outcomes.into_iter().filter(|(outcome, _)| *outcome == Claimed::Won).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(holder(&*store).await.map(|(owner, _)| owner), Some(winners[0].1.clone()));
}

/// One of them alone changes nothing.
pub async fn a_release_needs_owner_and_id(backend: &mut dyn Backend) {
    let (store, ann) = (backend.store(), user("ann"));
    won(&*store, &ann, id(1)).await;
    assert!(!release(&*store, NAME, &user("bob"), id(1), NOW).await.expect("works"));
    assert!(!release(&*store, NAME, &ann, id(2), NOW).await.expect("works"));
    assert_eq!(holder(&*store).await, Some((ann.clone(), id(1))));
    assert!(release(&*store, NAME, &ann, id(1), NOW).await.expect("works"));
    assert!(!release(&*store, NAME, &ann, id(1), NOW).await.expect("works"), "it is free already");
}

/// The partition keeps its revisions over a release.
pub async fn a_released_look_up_can_be_claimed_again(backend: &mut dyn Backend) {
    let store = backend.store();
    for number in 1..=3 {
        let owner = user(&format!("user-{number}"));
        won(&*store, &owner, id(number)).await;
        assert!(release(&*store, NAME, &owner, id(number), NOW).await.expect("works"));
    }
    let partition = whole(&*store, &PartitionKey::new(crate::Kind::Claim, NAME)).await;
    assert!(partition.items.is_empty());
    assert_eq!(partition.operations.len(), 6);
}

/// Listed at any age, or not listed and within the bound.
pub async fn the_sweeper_leaves_what_counts_and_what_is_young(backend: &mut dyn Backend) {
    let (store, ann) = (backend.store(), user("ann"));
    assert_eq!(sweep(&*store, NAME, BOUND, NOW).await.expect("works"), Swept::Free);
    won(&*store, &ann, id(1)).await;
    let young = NOW.after(BOUND / 2);
    assert_eq!(sweep(&*store, NAME, BOUND, young).await.expect("works"), Swept::Pending);
    let account = listing(&*store, &ann, id(1)).await;
    committed(&*store, account).await;
    let old = NOW.after(BOUND * 100);
    assert_eq!(sweep(&*store, NAME, BOUND, old).await.expect("works"), Swept::Counts);
    assert_eq!(holder(&*store).await, Some((ann, id(1))));
}

/// The void stands in the owner's partition, in a tombstone that ends where there was none.
pub async fn the_sweeper_voids_before_it_releases(backend: &mut dyn Backend) {
    let (store, ann) = (backend.store(), user("ann"));
    won(&*store, &ann, id(1)).await;
    let old = NOW.after(BOUND);
    assert_eq!(sweep(&*store, NAME, BOUND, old).await.expect("works"), Swept::Released);
    assert_eq!(holder(&*store).await, None);
    let tombstone = whole(&*store, &ann).await;
    assert!(is_void(&tombstone, id(1)) && !is_void(&tombstone, id(2)));
    let [body] = &tombstone.items.values().collect::<Vec<_>>()[..] else { panic!("the void alone") };
    assert_eq!(body.expires_at, Some(old.after(GRACE)));
    won(&*store, &user("bob"), id(2)).await;
}

/// The owner has claimed and loaded; the sweeper voids and releases; somebody else claims; the owner wakes. Its commit
/// conflicts, and what it loads then tells it to begin again.
pub async fn an_owner_paused_while_the_sweeper_runs_cannot_list_its_claim(backend: &mut dyn Backend) {
    let (store, ann, bob) = (backend.store(), user("ann"), user("bob"));
    won(&*store, &ann, id(1)).await;
    let paused = listing(&*store, &ann, id(1)).await;
    assert_eq!(sweep(&*store, NAME, BOUND, NOW.after(BOUND)).await.expect("works"), Swept::Released);
    won(&*store, &bob, id(2)).await;
    let account = listing(&*store, &bob, id(2)).await;
    committed(&*store, account).await;

    assert_eq!(store.commit(paused).await.expect("works"), Commit::Conflict);
    let found = store.load(&ann, &["account", VOID_PREFIX]).await.expect("works");
    assert!(is_void(&found, id(1)), "the reload tells why");
    assert!(matches!(claim(&*store, NAME, &ann, id(3), NOW).await.expect("works"), Claimed::Held { .. }));
    assert_eq!(holder(&*store).await, Some((bob, id(2))));
}

/// The sweeper dies between void and release.
pub async fn a_sweep_that_was_interrupted_is_finished_by_the_next(backend: &mut dyn Backend) {
    let ann = user("ann");
    let store = Faulty::new(backend.store());
    won(&store, &ann, id(1)).await;
    let old = NOW.after(BOUND);
    store.script([Fault::Pass, Fault::Unavailable]);
    assert!(sweep(&store, NAME, BOUND, old).await.is_err());
    assert!(is_void(&whole(&store, &ann).await, id(1)));
    assert_eq!(holder(&store).await, Some((ann.clone(), id(1))));
    assert_eq!(sweep(&store, NAME, BOUND, old).await.expect("works"), Swept::Released);
    let operations = whole(&store, &ann).await.operations.len();
    assert_eq!(operations, 1, "a void that is there is not written again");
}

/// The release of the old holding arrives late, when somebody else has claimed.
pub async fn a_sweep_does_not_touch_a_newer_holding(backend: &mut dyn Backend) {
    let (ann, bob) = (user("ann"), user("bob"));
    let store = Faulty::new(backend.store());
    won(&store, &ann, id(1)).await;
    let old = NOW.after(BOUND);
    // The void passes; the release is held back and reported as unknown, then ruled out and decided anew.
    store.script([Fault::Pass, Fault::Held]);
    assert_eq!(sweep(&store, NAME, BOUND, old).await.expect("works"), Swept::Released);
    won(&store, &bob, id(2)).await;
    assert_eq!(store.deliver().await, [Commit::Conflict]);
    assert_eq!(holder(&store).await, Some((bob, id(2))));
}
