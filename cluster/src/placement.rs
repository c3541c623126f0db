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
    members.sort_by_cached_key(|m| std::cmp::Reverse((score(m, key), &m.node)));
    members
}

#[cfg(test)]
mod tests {
    use std::ops::RangeInclusive;

    use proptest::prelude::*;
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;
    use crate::{Generation, NodeId, Role};

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

    /// Names as clusters have them. Each is shared among ten.
    fn clusters() -> [Vec<String>; 5] {
        let ten = |name: fn(u32) -> String| (0..10).map(name).collect();
        [
            ten(|n| format!("node-{n}")),
            ten(|n| format!("doorward-{:02}", n + 1)),
            ten(|n| format!("eu-west-{}{}", 1 + n / 4, ["a", "b", "c", "d"][n as usize % 4])),
            ten(|n| format!("ip-10-0-{}-{}", n / 3, 17 * n)),
            ten(|n| format!("doorward-7d9c5b6f4-{:05x}", n.wrapping_mul(0x9e37_79b9) >> 12)),
        ]
    }

    const USERS: u32 = 100_000;

    /// A tenth of the users, give or take 5 %.
    const TENTH: RangeInclusive<u32> = 9_500..=10_500;

    /// Ids as users have them: UUIDs of version 7, a millisecond apart.
    fn users() -> Vec<[u8; 16]> {
        let mut dice = StdRng::seed_from_u64(7);
        let user = |ms: u32| {
            let mut id: [u8; 16] = dice.random();
            id[..6].copy_from_slice(&(0x018f_3a5c_7710 + u64::from(ms)).to_be_bytes()[2..]);
            (id[6], id[8]) = (0x70 | id[6] & 0x0f, 0x80 | id[8] & 0x3f);
            id
        };
        (0..USERS).map(user).collect()
    }

    fn owners(view: &View, users: &[[u8; 16]]) -> Vec<NodeId> {
        users.iter().map(|user| owner(view, user).expect("members").node.clone()).collect()
    }

    #[test]
    fn ten_members_share_evenly_whatever_their_names() {
        let users = users();
        for names in clusters() {
            let mut shares = std::collections::BTreeMap::new();
            for owner in owners(&view(&names), &users) {
                *shares.entry(owner).or_insert(0_u32) += 1;
            }
            assert_eq!(shares.len(), 10);
            assert!(shares.values().all(|share| TENTH.contains(share)), "{shares:?}");
        }
    }

    #[test]
    fn who_comes_goes_or_drains_moves_its_own_share_and_nothing_else() {
        let users = users();
        for names in clusters() {
            let (with, without) = (view(&names), view(&names[..9]));
            let (mut draining, tenth) = (with.clone(), &with.members[9].node);
            draining.members[9].draining = true;
            let [with, without, draining] = [&with, &without, &draining].map(|view| owners(view, &users));
            // Read forwards the tenth goes or drains, read backwards it comes.
            for others in [without, draining] {
                let moved: Vec<_> = with.iter().zip(&others).filter(|(before, after)| before != after).collect();
                assert!(moved.iter().all(|(before, after)| *before == tenth && *after != tenth), "{names:?}");
                assert!(u32::try_from(moved.len()).is_ok_and(|moved| TENTH.contains(&moved)), "{}", moved.len());
            }
        }
    }
}
