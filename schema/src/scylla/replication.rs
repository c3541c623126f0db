//! How a keyspace is replicated: as configured, and as it is. The two must agree, since nodes that ask different
//! majorities accept what the other has refused.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use scylla::client::session::Session;

use super::{failure, options::ConnectError};

/// Fewer copies than this in a data centre do not survive the loss of one.
const ENOUGH: u32 = 3;

/// How many copies of each partition there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replication {
    /// This many in every data centre that the cluster has when the keyspace is made.
    EachDc(u32),
    /// This many in each data centre named.
    PerDc(Vec<(String, u32)>),
}

impl fmt::Display for Replication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EachDc(copies) => write!(f, "replication={copies}"),
            Self::PerDc(centres) => write_centres(f, centres.iter().map(|(name, copies)| (name, copies))),
        }
    }
}

/// What the cluster says of a keyspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Actual {
    /// Copies in each data centre that has any.
    Centres(BTreeMap<String, u32>),
    /// A strategy that does not know data centres, or counts otherwise.
    Other(String),
}

impl fmt::Display for Actual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Centres(centres) => write_centres(f, centres.iter()),
            Self::Other(text) => f.write_str(text),
        }
    }
}

fn write_centres<'a>(f: &mut fmt::Formatter<'_>, centres: impl Iterator<Item = (&'a String, &'a u32)>) -> fmt::Result {
    let centres: Vec<_> = centres.map(|(name, copies)| format!("{name}:{copies}")).collect();
    write!(f, "replication={}", centres.join(","))
}

impl Actual {
    /// Asks the cluster; `None` if there is no such keyspace.
    pub(super) async fn read(session: &Session, keyspace: &str) -> Result<Option<Self>, ConnectError> {
        let select = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?";
        let answer = session.query_unpaged(select, (keyspace,)).await.map_err(|error| failure::plain(&error))?;
        let unreadable = |error: &dyn fmt::Display| ConnectError::Unfit(format!("its keyspaces: {error}"));
        let rows = answer.into_rows_result().map_err(|error| unreadable(&error))?;
        let row = rows.maybe_first_row::<(HashMap<String, String>,)>().map_err(|error| unreadable(&error))?;
        Ok(row.map(|(columns,)| Self::parse(columns.into_iter().collect())))
    }

    fn parse(mut columns: BTreeMap<String, String>) -> Self {
        let text = format!("{columns:?}");
        let class = columns.remove("class").unwrap_or_default();
        let centres = columns.into_iter().map(|(name, copies)| Some((name, copies.parse().ok()?)));
        match centres.collect::<Option<BTreeMap<_, u32>>>() {
            Some(centres) if class.ends_with("NetworkTopologyStrategy") => {
                Self::Centres(centres.into_iter().filter(|(_, copies)| *copies > 0).collect())
            }
            _ => Self::Other(text),
        }
    }

    /// Refuses what is not as configured: an existing keyspace keeps what it was made with. Warns of too few copies.
    pub(super) fn check(&self, keyspace: &str, wanted: &Replication) -> Result<(), ConnectError> {
        let same = match (self, wanted) {
            (Self::Other(_), _) => false,
            (Self::Centres(centres), Replication::EachDc(copies)) => {
                !centres.is_empty() && centres.values().all(|found| found == copies)
            }
            (Self::Centres(centres), Replication::PerDc(wanted)) => *centres == wanted.iter().cloned().collect(),
        };
        if !same {
            return Err(ConnectError::Replication {
                keyspace: keyspace.to_owned(),
                found: self.to_string(),
                wanted: wanted.to_string(),
            });
        }
        if matches!(self, Self::Centres(centres) if centres.values().any(|copies| *copies < ENOUGH)) {
            tracing::warn!(keyspace, replication = %self, "with fewer than 3 copies the store stops when one is lost");
        }
        Ok(())
    }

    /// May there be copies in this data centre, of which a node may say nothing?
    pub(super) fn may_be_in(&self, centre: Option<&str>) -> bool {
        match (self, centre) {
            (Self::Centres(centres), Some(centre)) => centres.contains_key(centre),
            _ => true,
        }
    }

    /// Do all copies lie in this data centre?
    pub(super) fn is_only_in(&self, centre: Option<&str>) -> bool {
        matches!(self, Self::Centres(centres) if centres.len() == 1
            && centre.is_some_and(|centre| centres.contains_key(centre)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actual(class: &str, centres: &[(&str, &str)]) -> Actual {
        let class = ("class".to_owned(), format!("org.apache.cassandra.locator.{class}"));
        let centres = centres.iter().map(|(name, copies)| ((*name).to_owned(), (*copies).to_owned()));
        Actual::parse(std::iter::once(class).chain(centres).collect())
    }

    fn topology(centres: &[(&str, &str)]) -> Actual {
        actual("NetworkTopologyStrategy", centres)
    }

    fn per_dc(centres: &[(&str, u32)]) -> Replication {
        Replication::PerDc(centres.iter().map(|(name, copies)| ((*name).to_owned(), *copies)).collect())
    }

    #[test]
    fn a_keyspace_that_is_not_as_configured_is_refused() {
        let (one, two) = (topology(&[("a", "3")]), topology(&[("b", "3"), ("a", "3")]));
        for (actual, wanted, same) in [
            (&one, Replication::EachDc(3), true),
            (&two, Replication::EachDc(3), true),
            (&one, Replication::EachDc(2), false),
            (&one, per_dc(&[("a", 3)]), true),
            (&two, per_dc(&[("a", 3)]), false),
            (&two, per_dc(&[("b", 3)]), false),
            (&two, per_dc(&[("a", 3), ("b", 3)]), true),
            (&one, per_dc(&[("a", 3), ("b", 3)]), false),
            (&topology(&[("a", "3"), ("b", "0")]), per_dc(&[("a", 3)]), true),
            (&topology(&[("a", "3/1")]), per_dc(&[("a", 3)]), false),
            (&topology(&[]), Replication::EachDc(3), false),
            (&actual("SimpleStrategy", &[("replication_factor", "3")]), Replication::EachDc(3), false),
            (&topology(&[("a", "1")]), Replication::EachDc(1), true),
        ] {
            assert_eq!(actual.check("door", &wanted).is_ok(), same, "{actual} {wanted}");
        }
        let error = two.check("door", &per_dc(&[("a", 3)])).expect_err("another").to_string();
        for part in ["door", "replication=a:3,b:3", "says replication=a:3:", "ALTER KEYSPACE"] {
            assert!(error.contains(part), "{part} in {error}");
        }
    }

    #[test]
    fn a_node_may_have_copies_unless_it_is_in_a_data_centre_without() {
        let one = topology(&[("a", "3"), ("b", "0")]);
        assert!(one.may_be_in(Some("a")) && one.may_be_in(None) && !one.may_be_in(Some("b")));
        assert!(actual("SimpleStrategy", &[("replication_factor", "3")]).may_be_in(Some("b")));
    }

    #[test]
    fn only_one_data_centre_of_all_can_be_the_only_one() {
        let (one, two) = (topology(&[("a", "3")]), topology(&[("b", "3"), ("a", "3")]));
        assert!(one.is_only_in(Some("a")));
        assert!(!one.is_only_in(Some("b")) && !one.is_only_in(None) && !two.is_only_in(Some("a")));
        assert!(!actual("SimpleStrategy", &[("a", "3")]).is_only_in(Some("a")));
    }
}
