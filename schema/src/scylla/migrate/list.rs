//! The migrations this version knows: one statement each, compiled in. A migration that was released is never edited;
//! what it made is changed by a later one, and taken away two releases after nobody reads it any more.

use std::sync::LazyLock;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

/// The level of the schema that this version is written for: that of its last migration. All migrations of a release
/// share a level, and a version works on its own level and the next.
pub const LEVEL: i32 = if cfg!(feature = "next-version") { 2 } else { 1 };

/// One step of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its place in the order.
    pub number: i32,
    /// What it makes.
    pub name: &'static str,
    /// The level that the schema has once it and those before it are there.
    pub level: i32,
    /// The text of its file.
    text: &'static str,
}

impl Migration {
    /// SHA-256 of its file, in hexadecimal.
    pub fn checksum(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(self.text.as_bytes()))
    }

    /// Its one statement, for a keyspace.
    pub(super) fn statement(&self, keyspace: &str) -> String {
        let lines = self.text.lines().filter(|line| !line.starts_with("--"));
        lines.collect::<Vec<_>>().join("\n").replace("${keyspace}", keyspace)
    }
}

macro_rules! migrations {
    ($($level:literal: $($file:literal)*;)*) => {
        /// All of them, in order.
        pub static MIGRATIONS: LazyLock<Vec<Migration>> = LazyLock::new(|| {
            let files = [$($(($level, $file, include_str!(concat!("../../../migrations/", $file, ".cql")))),*),*];
            files.into_iter().chain(next_version()).filter_map(|(level, file, text)| parse(level, file, text)).collect()
        });
    };
}

migrations! {
    1: "001_user" "002_client" "003_policy" "004_keyring" "005_handle" "006_ident" "007_claim" "008_cluster"
       "009_audit" "010_outbox" "011_dirty" "012_stream_bucket";
}

/// What a next release would add, for the test of two versions side by side.
fn next_version() -> Option<(i32, &'static str, &'static str)> {
    cfg!(feature = "next-version").then_some((2, "013_next_version", include_str!("next_version.cql")))
}

fn parse(level: i32, file: &'static str, text: &'static str) -> Option<Migration> {
    let (number, name) = file.split_once('_')?;
    Some(Migration { number: number.parse().ok()?, name, level, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_a_migration_and_they_are_numbered_without_a_gap() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .expect("there")
            .map(|entry| entry.expect("readable").file_name().into_string().expect("text"))
            .collect();
        files.sort();
        let known: Vec<_> = MIGRATIONS.iter().map(|m| format!("{:03}_{}.cql", m.number, m.name)).collect();
        assert_eq!(files, known);
        assert!(MIGRATIONS.iter().zip(1..).all(|(migration, number)| migration.number == number));
        assert!(MIGRATIONS.is_sorted_by_key(|migration| migration.level));
        assert_eq!(MIGRATIONS.last().map(|migration| migration.level), Some(LEVEL));
    }

    #[test]
    fn a_migration_is_one_statement_that_may_be_repeated_and_takes_nothing_away() {
        for migration in MIGRATIONS.iter() {
            let statement = migration.statement("ks");
            assert!(!statement.contains(';') && !statement.contains('$'), "{}", migration.name);
            assert!(!statement.contains("DROP"), "{}", migration.name);
            assert!(statement.contains("IF NOT EXISTS ks."), "{}", migration.name);
        }
    }

    /// What was released is recorded in keyspaces out there: a changed file would be refused by every one of them.
    #[test]
    fn released_migrations_do_not_change() {
        let mut all = Sha256::new();
        MIGRATIONS.iter().filter(|migration| migration.level == 1).for_each(|m| all.update(m.checksum()));
        assert_eq!(
            HEXLOWER.encode(&all.finalize()),
            "bbfedc2761bb678b5d9998b1d8c6519affa0a8a44a6f34b92da90b8df73edb3a"
        );
    }
}
