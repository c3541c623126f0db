//! Rendezvous hashing: each member that owns keys scores every key, and the highest score owns it.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::{Member, View};

/// The score of a member for a key. The generation is left out, so that a restart moves nothing.
fn score(member: &Member, key: &[u8]) -> u64 {
    xxh3_64_with_seed(key, xxh3_64_with_seed(member.node.as_str().as_bytes(), 0))
}

/// The owner of `key`; `None` if no member of the view owns keys.
pub fn owner<'a>(view: &'a View, key: &[u8]) -> Option<&'a Member> {
    let owners = view.members.iter().filter(|m| m.owns_keys());
    // The name breaks ties, so that the order of members does not matter.
    owners.max_by_key(|m| (score(m, key), &m.node))
}

/// All members that own keys, the owner of `key` first, then those that serve in its place.
pub fn order<'a>(view: &'a View, key: &[u8]) -> Vec<&'a Member> {
    let mut members: Vec<_> = view.members.iter().filter(|m| m.owns_keys()).collect();
    members.sort_by_key(|m| std::cmp::Reverse((score(m, key), &m.node)));
    members
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Generation, Role};

    fn view(names: &[String]) -> View {
        let member = |name: &String| Member {
            node: name.parse().expect("a node name"),
            generation: Generation(1),
            roles: vec![Role::Actors],
            address: "".into(),
            level: 0,
            draining: false,
            term: 1,
        };
        View { epoch: 1, members: names.iter().map(member).collect() }
    }

    fn names() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::btree_set("[a-z]{1,8}", 1..12).prop_map(|set| set.into_iter().collect())
    }

    proptest! {
        #[test]
        fn the_order_of_members_does_not_matter(names in names(), key: u64) {
            let forward = view(&names);
            let mut backward = forward.clone();
            backward.members.reverse();
            let key = key.to_be_bytes();
            prop_assert_eq!(owner(&forward, &key), owner(&backward, &key));
        }

        #[test]
        fn the_owner_is_the_first_in_order(names in names(), key: u64) {
            let view = view(&names);
            let key = key.to_be_bytes();
            prop_assert_eq!(owner(&view, &key), order(&view, &key).first().copied());
        }

        #[test]
        fn a_leaving_member_moves_only_its_own_keys(names in names(), key: u64) {
            let before = view(&names);
            let after = view(&names[1..]);
            let key = key.to_be_bytes();
            let old = owner(&before, &key).expect("at least one member");
            if old.node.as_str() != names[0] {
                prop_assert_eq!(owner(&after, &key), Some(old));
            }
        }
    }

    /// Nodes of two versions place alike, or each calls the other the owner: who owns these must never change.
    #[test]
    fn owners_are_the_same_in_every_version() {
        let names = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let user = [0x01, 0x8f, 0x3a, 0x5c, 0x77, 0x10, 0x7b, 0x2e, 0x90, 0xaa, 0x04, 0x6d, 0xfe, 0x13, 0xc2, 0x58];
        let pinned: [(&[u8], &str, &str); 10] = [
            (b"", "a b c", "b"),
            (b"0", "a b c", "c"),
            (b"1", "a b c", "a"),
            (b"2", "a b c", "c"),
            (&[0; 16], "a b c", "a"),
            (&[0xff; 16], "a b c", "a"),
            (&user, "a b c", "b"),
            (&user, "node-1 node-2 node-3 node-4 node-5", "node-3"),
            (b"somebody", "node-1 node-2 node-3 node-4 node-5", "node-1"),
            (b"somebody else", "eu-west-1 eu-west-2", "eu-west-2"),
        ];
        let owner_of = |key: &[u8], members: &str| {
            let view = view(&names(members));
            owner(&view, key).expect("members").node.to_string()
        };
        let found: Vec<_> = pinned.iter().map(|(key, members, _)| owner_of(key, members)).collect();
        let meant: Vec<_> = pinned.iter().map(|(_, _, owner)| *owner).collect();
        assert_eq!(found, meant);
    }

    #[test]
    fn ten_members_share_evenly() {
        let names: Vec<String> = (0..10).map(|n| format!("node-{n}")).collect();
        let view = view(&names);
        let mut shares = std::collections::BTreeMap::new();
        for user in 0..100_000_u64 {
            let owner = owner(&view, &user.to_be_bytes()).expect("ten members");
            *shares.entry(owner.node.clone()).or_insert(0_u32) += 1;
        }
        assert_eq!(shares.len(), 10);
        assert!(shares.values().all(|n| (9_500..=10_500).contains(n)), "{shares:?}");
    }
}
