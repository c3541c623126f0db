//! A fence around a shared store: while it stands nobody comes into the view, and who is alive finds out (HAZARDS H14).
//!
//! Nodes come into the view by a compare-and-set on one row, the item `view` of `cluster/view`. The fence is that row with
//! a `min_reader` that no version reaches. So it holds off every version, older ones too: none can read the view any more,
//! or write one that follows it. Who starts meets it before serving; who was taken out does not come back; who stood still
//! all the while stops when it reads it. It is raised after everybody was taken out, and only if nobody came back.
//!
//! The fence outlives the command that raised it. It is lowered when the command is done, or given up; around the source of
//! a copy it stays for ever.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    Body, Commit, Kind, Partition, PartitionKey, Put, Store, StoreError, Timestamp,
    record::{ClusterView, Unknown, ViewMember},
    resolve::commit_resolved,
    standing,
};

/// The id of the partition that the view is in.
pub(crate) const PARTITION: &str = "view";
const ITEM: &str = "view";
/// No version is as new as this.
const NOBODY: u16 = u16::MAX;
/// What `min_reader` was before, for who lowers the fence.
const BEFORE: &str = "before_fence";
/// How often a change is decided anew after a conflict, and the pause between: nodes write the row too.
const ATTEMPTS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(20);

/// What the row says.
#[derive(Clone, Debug)]
pub enum Seen {
    /// There is none: nobody was ever a member.
    Nobody,
    /// These are members.
    Members(Vec<ViewMember>),
    /// The fence stands.
    Fence,
}

/// Where it stands.
pub fn partition() -> PartitionKey {
    PartitionKey::new(Kind::Cluster, PARTITION)
}

/// What does the row say? Without taking part in the rounds of conditional writes: who is asked for may be joining.
pub async fn look(store: &dyn Store) -> Result<Seen, StoreError> {
    let found = store.peek(&partition(), &[ITEM]).await?;
    Ok(match row(&found)? {
        Row::None => Seen::Nobody,
        Row::View(view) => Seen::Members(view.members),
        Row::Fence(_) => Seen::Fence,
    })
}

/// Does the fence stand?
pub async fn stands(store: &dyn Store) -> Result<bool, StoreError> {
    Ok(is_fenced(&store.peek(&partition(), &[ITEM]).await?))
}

/// Takes everybody out of the view. Says whether somebody was in it. A fence stays.
pub async fn clear(store: &dyn Store, at: Timestamp) -> Result<bool, StoreError> {
    change(store, at, |found| {
        Ok(match row(found)? {
            Row::View(view) if !view.members.is_empty() => (Some(follow(view)), true),
            _ => (None, false),
        })
    })
    .await
}

/// Raises the fence, unless somebody is in the view: then says who, and leaves everything as it is.
pub async fn raise(store: &dyn Store, at: Timestamp) -> Result<Vec<ViewMember>, StoreError> {
    change(store, at, |found| {
        Ok(match row(found)? {
            Row::Fence(_) => (None, Vec::new()),
            Row::View(view) if !view.members.is_empty() => (None, view.members),
            Row::View(view) => (Some(fenced(&view)), Vec::new()),
            Row::None => {
                let view = ClusterView { epoch: 1, members: Vec::new(), unknown: Unknown::default() };
                (Some(fenced(&view)), Vec::new())
            }
        })
    })
    .await
}

/// Lowers the fence and leaves a view with nobody in it. Says whether it stood.
pub async fn lower(store: &dyn Store, at: Timestamp) -> Result<bool, StoreError> {
    change(store, at, |found| {
        // A view that only a newer version reads is no hindrance.
        if !is_fenced(found) {
            return Ok((None, false));
        }
        Ok(match row(found)? {
            Row::Fence(view) => (Some(follow(view)), true),
            _ => (None, false),
        })
    })
    .await
}

enum Row {
    None,
    View(ClusterView),
    /// What was there before, but for its members.
    Fence(ClusterView),
}

fn is_fenced(found: &Partition) -> bool {
    #[derive(Deserialize)]
    struct Versions {
        min_reader: u64,
    }
    let body = found.items.get(ITEM).map(|body| serde_json::from_str::<Versions>(body.json.get()));
    matches!(body, Some(Ok(versions)) if versions.min_reader == u64::from(NOBODY))
}

fn row(found: &Partition) -> Result<Row, StoreError> {
    let fence = found.items.get(ITEM).filter(|_| is_fenced(found));
    let Some(fence) = fence else {
        let view = found.get(&partition(), ITEM)?;
        return Ok(view.map_or(Row::None, Row::View));
    };
    let mut lowered = found.clone();
    lowered.items.insert(ITEM.into(), Body { json: without(&fence.json)?, expires_at: None });
    let view = lowered.get(&partition(), ITEM)?;
    Ok(view.map_or(Row::None, Row::Fence))
}

/// The next view, with nobody in it.
fn follow(view: ClusterView) -> Put {
    let next = ClusterView { epoch: view.epoch + 1, members: Vec::new(), ..view };
    Put::record(ITEM, &next, None)
}

/// The fence in the place of this view.
fn fenced(view: &ClusterView) -> Put {
    let put = Put::record(ITEM, view, None);
    let fence = fields(&put.body.json).and_then(|mut fields| {
        let before = fields.insert("min_reader".to_owned(), serde_json::value::to_raw_value(&NOBODY)?);
        fields.extend(before.map(|before| (BEFORE.to_owned(), before)));
        serde_json::value::to_raw_value(&fields)
    });
    let json = fence.expect("an object of JSON stays one");
    Put { body: Body { json, ..put.body }, ..put }
}

/// What the fence stands in the place of.
fn without(fence: &RawValue) -> Result<Box<RawValue>, StoreError> {
    let view = fields(fence).and_then(|mut fields| {
        let before = fields.remove(BEFORE);
        fields.extend(before.map(|before| ("min_reader".to_owned(), before)));
        serde_json::value::to_raw_value(&fields)
    });
    view.map_err(|_| StoreError::Corrupt { place: partition().to_string(), reason: "not a fence".to_owned() })
}

fn fields(body: &RawValue) -> Result<BTreeMap<String, Box<RawValue>>, serde_json::Error> {
    serde_json::from_str(body.get())
}

/// Reads the row, decides, and writes what was decided if the row is still the same; else all of that again.
async fn change<T>(
    store: &dyn Store,
    at: Timestamp,
    decide: impl Fn(&Partition) -> Result<(Option<Put>, T), StoreError>,
) -> Result<T, StoreError> {
    let key = partition();
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(PAUSE * attempt).await;
        }
        let found = store.load(&key, &[ITEM]).await?;
        let (put, answer) = decide(&found)?;
        let Some(put) = put else { return Ok(answer) };
        let write = standing::saying(&key, found.revision, put, at);
        if let Commit::Committed(_) = commit_resolved(store, write).await? {
            return Ok(answer);
        }
    }
    Err(StoreError::Unavailable(format!("{key} changed at every attempt")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        embedded::{EmbeddedStore, Options},
        record::Record as _,
    };

    const AT: Timestamp = Timestamp::from_millis(1);

    async fn with_view(text: &str) -> (tempfile::TempDir, EmbeddedStore) {
        let folder = tempfile::tempdir().expect("a folder");
        let store = EmbeddedStore::open(folder.path(), &Options::default()).expect("opens");
        let json = RawValue::from_string(text.to_owned()).expect("JSON");
        let put = Put { key: ITEM.into(), body: Body { json, expires_at: None } };
        store.commit(standing::saying(&partition(), None, put, AT)).await.expect("written");
        (folder, store)
    }

    async fn stored(store: &EmbeddedStore) -> Box<RawValue> {
        store.load(&partition(), &[ITEM]).await.expect("loads").items[ITEM].json.clone()
    }

    const MEMBER: &str = r#"{"node":"n1","generation":1,"roles":["http"]}"#;

    #[tokio::test]
    async fn no_version_reads_a_view_behind_a_fence_and_what_it_did_not_know_is_there_again_afterwards() {
        let (_folder, store) = with_view(r#"{"v":2,"min_reader":1,"epoch":7,"members":[],"later":[ 1 ]}"#).await;
        assert!(raise(&store, AT).await.expect("raised").is_empty());
        assert!(stands(&store).await.expect("looks"));
        assert!(matches!(look(&store).await, Ok(Seen::Fence)));
        let error = ClusterView::decode(&stored(&store).await).expect_err("nobody reads it");
        assert!(matches!(error, crate::record::RecordError::TooNew { min_reader: NOBODY, .. }), "{error}");
        assert!(raise(&store, AT).await.expect("it stands").is_empty());
        assert!(!clear(&store, AT).await.expect("it stays"));
        assert!(lower(&store, AT).await.expect("lowered"));
        assert_eq!(stored(&store).await.get(), r#"{"v":1,"min_reader":1,"epoch":8,"members":[],"later":[ 1 ]}"#);
        assert!(!lower(&store, AT).await.expect("nothing stands"));
    }

    #[tokio::test]
    async fn a_fence_is_not_raised_around_a_member() {
        let view = format!(r#"{{"v":1,"min_reader":1,"epoch":7,"members":[{MEMBER}]}}"#);
        let (_folder, store) = with_view(&view).await;
        let names: Vec<_> = raise(&store, AT).await.expect("looks").into_iter().map(|member| member.node).collect();
        assert_eq!(names, ["n1"]);
        assert_eq!(stored(&store).await.get(), view);
        assert!(clear(&store, AT).await.expect("taken out"));
        assert!(matches!(look(&store).await, Ok(Seen::Members(members)) if members.is_empty()));
        assert!(raise(&store, AT).await.expect("raised").is_empty());
    }

    #[tokio::test]
    async fn a_store_that_nobody_was_a_member_of_is_fenced_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = EmbeddedStore::open(folder.path(), &Options::default()).expect("opens");
        assert!(matches!(look(&store).await, Ok(Seen::Nobody)));
        assert!(raise(&store, AT).await.expect("raised").is_empty());
        assert!(stands(&store).await.expect("looks"));
    }

    #[tokio::test]
    async fn a_view_of_a_newer_version_is_left_alone() {
        let (_folder, store) = with_view(r#"{"v":9,"min_reader":9,"epoch":7,"members":[]}"#).await;
        assert!(matches!(raise(&store, AT).await, Err(StoreError::Unavailable(_))));
        assert!(!matches!(look(&store).await, Ok(Seen::Fence)));
    }
}
