//! How long cells live. A time to live is garbage collection and nothing else: what has ended is judged by the reader's
//! clock, and stays readable for [`GRACE`] after it.
//!
//! In a partition that ends all cells live equally long, only the statics a little longer, so that nothing is found in a
//! partition that has no revision. Its end moves later or never; when it moves, everything is written again.

use std::{collections::BTreeMap, time::Duration};

use super::{
    layout::{End, Statics},
    partition::Rewrite,
};
use crate::{Body, GRACE, Timestamp, WriteSet};

/// How much longer the statics live than the items.
const STATICS_LONGER: Duration = Duration::from_mins(10);

/// Longer lifetimes are not given at all: cells expire by a 32-bit clock that ends in 2038 in older formats.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 5);

/// The end of a partition that `write` makes.
pub(super) fn first(write: &WriteSet) -> End {
    write.partition_expires_at.map_or(End::Never, End::At)
}

/// What `write` must write again of a partition with these parts.
pub(super) fn rewrite(write: &WriteSet, statics: Statics, mut items: BTreeMap<Box<str>, Body>) -> Rewrite {
    let end = match (statics.end, write.partition_expires_at) {
        (End::Never, _) | (_, None) => End::Never,
        (End::At(known), Some(asked)) => End::At(known.max(asked)),
    };
    if end == statics.end {
        return Rewrite::new(end);
    }
    items.retain(|key, _| !write.deletes.contains(key) && !write.puts.iter().any(|put| put.key == *key));
    Rewrite { end, ring: statics.ring, items }
}

/// The lifetime of the statics in seconds; 0 is for ever.
pub(super) fn of_statics(end: End, at: Timestamp) -> i32 {
    match end {
        End::Never => 0,
        End::At(end) => seconds(end.after(GRACE).after(STATICS_LONGER), at),
    }
}

/// The lifetime of an item in seconds; 0 is for ever. In a permanent partition the item's own end counts.
pub(super) fn of_item(end: End, item: Option<Timestamp>, at: Timestamp) -> i32 {
    match (end, item) {
        (End::At(end), _) | (End::Never, Some(end)) => seconds(end.after(GRACE), at),
        (End::Never, None) => 0,
    }
}

fn seconds(until: Timestamp, at: Timestamp) -> i32 {
    let span = until.since(at);
    if span > LONGEST {
        return 0;
    }
    i32::try_from(span.as_secs().saturating_add(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::{Kind, PartitionKey, Revision, contract};

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const DAY: i32 = 24 * 60 * 60;

    #[test]
    fn nothing_goes_before_its_grace_and_the_statics_go_last() {
        let end = NOW.after(Duration::from_mins(1));
        assert_eq!(of_item(End::At(end), None, NOW), DAY + 61);
        assert_eq!(of_item(End::At(end), Some(NOW.after(GRACE * 9)), NOW), DAY + 61, "the partition's end counts");
        assert_eq!(of_item(End::Never, Some(end), NOW), DAY + 61);
        assert_eq!(of_item(End::Never, None, NOW), 0);
        assert!(of_statics(End::At(end), NOW) > of_item(End::At(end), None, NOW) + 500);
        assert_eq!(of_statics(End::Never, NOW), 0);
        assert_eq!(of_item(End::At(NOW.before(GRACE * 3)), None, NOW), 1, "never 0, which would be for ever");
        assert_eq!(of_item(End::Never, Some(NOW.after(LONGEST)), NOW), 0, "too long to be counted");
    }

    #[test]
    fn an_end_moves_later_or_never_and_takes_everything_along() {
        let items = || {
            let bodies = ["kept", "put", "deleted"].map(|key| (key.into(), contract::put(key, 1).body));
            BTreeMap::from(bodies)
        };
        let statics = |end| Statics { revision: Revision::from_u64(1), ring: HashMap::from([(1, String::new())]), end };
        let (early, late) = (NOW, NOW.after(GRACE));
        let cases = [
            (End::At(late), Some(early), End::At(late), false),
            (End::At(late), Some(late), End::At(late), false),
            (End::At(early), Some(late), End::At(late), true),
            (End::At(early), None, End::Never, true),
            (End::Never, Some(late), End::Never, false),
            (End::Never, None, End::Never, false),
        ];
        for (known, asked, wanted, all) in cases {
            let key = PartitionKey::new(Kind::Ident, "x");
            let mut write = contract::write(&key, Some(Revision::from_u64(1)), 1, vec![contract::put("put", 2)]);
            write.deletes = vec!["deleted".into()];
            write.partition_expires_at = asked;
            let found = rewrite(&write, statics(known), items());
            assert_eq!(found.end, wanted, "{known:?} {asked:?}");
            assert_eq!(
                found.items.keys().map(|key| &**key).collect::<Vec<_>>(),
                if all { vec!["kept"] } else { vec![] }
            );
            assert_eq!(found.ring.len(), usize::from(all));
        }
    }
}
