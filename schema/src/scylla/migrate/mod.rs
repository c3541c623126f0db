//! Migrations: who may make tables, when, and what is recorded of it.
//!
//! 1. [`Migrator::up`] makes the keyspace and the table `migration`, if they are not there.
//! 2. It takes the lock, a row that names its holder, carries out what is missing in order, waits after each
//!    step until all nodes know the new schema, makes one conditional write in each new table (ScyllaDB makes what that
//!    needs with the first), and records the step with its checksum by a conditional write.
//! 3. A store refuses a keyspace below its own [`LEVEL`], and one more than one level above it.
//!
//! Steps only add, and may be repeated: a migrator that died between a step and its record does it once more. So may every
//! request of a migrator: what gets no answer, from nodes that do not know of a table yet or beside other migrators, is
//! asked again ([`insist`]).

mod insist;
mod list;
mod lock;

use std::collections::BTreeMap;

use scylla::{client::session::Session, serialize::row::SerializeRow, value::CqlTimestamp};

use sha2::{Digest as _, Sha256};

use self::insist::insist;
pub use self::list::{LEVEL, MIGRATIONS, Migration};
use super::{
    failure,
    options::{ConnectError, ScyllaOptions},
    partition::applied,
    replication::{Actual, Replication},
};
use crate::{Kind, StoreError};

/// What is recorded of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    name: String,
    level: i32,
    checksum: String,
}

/// What became of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Carried out and recorded.
    Applied,
    /// Not carried out, or not recorded.
    Pending,
    /// Recorded with another checksum: its file was changed, or another version made it.
    Changed,
    /// Recorded, but this version does not know it: a newer one made it.
    Unknown,
}

/// One line of [`Migrator::status`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The place in the order.
    pub number: i32,
    /// What it makes.
    pub name: String,
    /// What became of it.
    pub state: State,
}

/// Makes and changes the tables.
pub struct Migrator {
    session: Session,
    keyspace: String,
    replication: Replication,
}

impl std::fmt::Debug for Migrator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Migrator").field("keyspace", &self.keyspace).finish_non_exhaustive()
    }
}

impl Migrator {
    /// Connects. Makes nothing.
    pub async fn connect(options: &ScyllaOptions) -> Result<Self, ConnectError> {
        let session = options.session().await?;
        Ok(Self { session, keyspace: options.keyspace.clone(), replication: options.replication.clone() })
    }

    /// What is known and what is recorded, in order. Fails if there is no keyspace, or nothing of ours in it.
    pub async fn status(&self) -> Result<Vec<Status>, ConnectError> {
        Ok(compare(&self.recorded().await?))
    }

    /// What is recorded, with what is being recorded.
    async fn recorded(&self) -> Result<BTreeMap<i32, Record>, ConnectError> {
        let keyspace = &self.keyspace;
        let missing = |what| ConnectError::Migration(format!("{what}: run `doorward migrate up`"));
        if !exists(&self.session, keyspace, None).await? {
            return Err(missing(format!("there is no keyspace {keyspace}")));
        }
        if !exists(&self.session, keyspace, Some("migration")).await? {
            return Err(missing(format!("the keyspace {keyspace} has no table of migrations")));
        }
        records(&self.session, keyspace, true).await
    }

    /// Makes the keyspace if it is not there, carries out what is missing, in the name of `by`, and says what that was. An
    /// existing keyspace must be replicated as configured, and of no version that this one cannot work beside.
    pub async fn up(&self, by: &str) -> Result<Vec<Status>, ConnectError> {
        self.prepare().await?;
        let lock = lock::Lock::take(&self.session, &self.keyspace, by).await?;
        let outcome = self.carry_out(&lock).await;
        // A lock that could not be given back is reported to the next migrator, with its holder.
        lock.release().await.and(outcome)
    }

    /// Is everything that this version needs there, as it knows it? Migrations of the next level are no fault;
    /// [`Migrator::status`] names them.
    pub async fn check(&self) -> Result<(), ConnectError> {
        let recorded = self.recorded().await?;
        self.check_replication().await?;
        refuse_foreign(&self.keyspace, &recorded)?;
        match compare(&recorded).iter().find(|status| status.state == State::Pending) {
            Some(missing) => Err(ConnectError::Migration(format!(
                "migration {} ({}) is missing: run `doorward migrate up`",
                missing.number, missing.name
            ))),
            None => Ok(()),
        }
    }

    /// Makes the keyspace and the table of migrations.
    async fn prepare(&self) -> Result<(), ConnectError> {
        let keyspace = &self.keyspace;
        if !exists(&self.session, keyspace, None).await? {
            let create = self.create_keyspace(&self.replication).await?;
            self.change(&create).await?;
        }
        // Also of one just made: another migrator may have been first.
        self.check_replication().await?;
        // Both scopes are written conditionally: `step` and `lock`. There is no lock before this table, so migrators that
        // begin at once may all make it, through nodes that do not know of each other's. Its id is no node's choice: they
        // make the same table then, and not several of one name, of which all but one lose what was written.
        self.change(&format!(
            "CREATE TABLE IF NOT EXISTS {keyspace}.migration (scope text, number int, name text, level int, \
             checksum text, holder text, at timestamp, PRIMARY KEY (scope, number)) WITH id = '{}'",
            table_id(keyspace)
        ))
        .await
    }

    async fn check_replication(&self) -> Result<(), ConnectError> {
        match Actual::read(&self.session, &self.keyspace).await? {
            Some(actual) => actual.check(&self.keyspace, &self.replication),
            None => Err(ConnectError::Migration(format!("there is no keyspace {}", self.keyspace))),
        }
    }

    async fn carry_out(&self, lock: &lock::Lock<'_>) -> Result<Vec<Status>, ConnectError> {
        let recorded = self.recorded().await?;
        refuse_foreign(&self.keyspace, &recorded)?;
        let status = compare(&recorded);
        let mut done = Vec::new();
        let pending = |number| status.iter().any(|s| s.number == number && s.state == State::Pending);
        for migration in MIGRATIONS.iter().filter(|migration| pending(migration.number)) {
            lock.during(async {
                self.change(&migration.statement(&self.keyspace)).await?;
                self.warm_up(migration).await
            })
            .await?;
            self.record(migration, lock.holder()).await?;
            tracing::info!(number = migration.number, name = migration.name, "migrated");
            let name = migration.name.to_owned();
            done.push(Status { number: migration.number, name, state: State::Applied });
        }
        Ok(done)
    }

    /// One change of the schema; returns when all nodes know it. It waits longer than other requests.
    async fn change(&self, statement: &str) -> Result<(), ConnectError> {
        let mut change = scylla::statement::Statement::new(statement);
        change.set_request_timeout(Some(std::time::Duration::from_secs(30)));
        let changed = insist(&self.session, change, ()).await;
        changed.map_err(|error| ConnectError::Migration(format!("{error}, at: {statement}")))?;
        let agreed = self.session.await_schema_agreement().await;
        agreed
            .map(drop)
            .map_err(|error| ConnectError::Migration(format!("the nodes do not agree on the schema: {error}")))
    }

    /// A conditional write that writes nothing, in a table that will see others.
    async fn warm_up(&self, migration: &Migration) -> Result<(), ConnectError> {
        if !Kind::ALL.iter().any(|kind| kind.as_str() == migration.name) {
            return Ok(());
        }
        let write = format!(
            "UPDATE {}.\"{}\" SET revision = 0 WHERE id = 'warm-up' IF revision = 0",
            self.keyspace, migration.name
        );
        ask(&self.session, &write, ()).await.map(drop)
    }

    async fn record(&self, migration: &Migration, by: &str) -> Result<(), ConnectError> {
        let insert = format!(
            "INSERT INTO {}.migration (scope, number, name, level, checksum, holder, at) \
             VALUES ('step', ?, ?, ?, ?, ?, toTimestamp(now())) IF NOT EXISTS",
            self.keyspace
        );
        let values = (migration.number, migration.name, migration.level, migration.checksum(), by);
        ask(&self.session, &insert, values).await.map(drop)
    }

    /// The statement that makes the keyspace.
    async fn create_keyspace(&self, replication: &Replication) -> Result<String, ConnectError> {
        let centres = match replication {
            Replication::PerDc(centres) => centres.iter().cloned().collect(),
            Replication::EachDc(copies) => {
                let state = self.session.get_cluster_state();
                let names = state.get_nodes_info().iter().filter_map(|node| node.datacenter.clone());
                names.map(|name| (name, *copies)).collect::<BTreeMap<_, _>>()
            }
        };
        if let Some(bad) = centres.keys().find(|name| name.contains('\'')) {
            return Err(ConnectError::Unfit(format!("a data centre is named {bad:?}")));
        }
        if centres.is_empty() {
            return Err(ConnectError::Unfit("no node tells its data centre, and none is configured".to_owned()));
        }
        let copies: Vec<_> = centres.iter().map(|(name, copies)| format!("'{name}': {copies}")).collect();
        let copies = copies.join(", ");
        // ScyllaDB lists this table, Cassandra has none of the kind. Whether a keyspace is on tablets cannot be changed
        // later, and conditional writes are promised without them.
        let scylla = exists(&self.session, "system_schema", Some("scylla_tables")).await?;
        let tablets = if scylla { " AND tablets = {'enabled': false}" } else { "" };
        Ok(format!(
            "CREATE KEYSPACE IF NOT EXISTS {} WITH replication = {{'class': 'NetworkTopologyStrategy', {copies}}}{tablets}",
            self.keyspace
        ))
    }
}

/// The id of the table `migration`: one for each keyspace, since a cluster has one table of an id.
fn table_id(keyspace: &str) -> uuid::Uuid {
    let digest = Sha256::new().chain_update("doorward/").chain_update(keyspace).chain_update("/migration").finalize();
    let digest: [u8; 32] = digest.into();
    let (bytes, _) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
    uuid::Builder::from_custom_bytes(*bytes).into_uuid()
}

/// Refuses a keyspace that this version cannot work with.
pub(super) async fn check_level(session: &Session, options: &ScyllaOptions) -> Result<(), ConnectError> {
    let keyspace = options.keyspace.clone();
    let recorded = if exists(session, &keyspace, Some("migration")).await? {
        // A majority knows what was recorded, and nodes that start together would meet in serial reads.
        records(session, &keyspace, false).await?
    } else {
        BTreeMap::new()
    };
    let missing = MIGRATIONS.iter().any(|migration| !recorded.contains_key(&migration.number));
    refuse_foreign(&keyspace, &recorded)?;
    if missing {
        return Err(ConnectError::Older { keyspace, found: highest(&recorded).min(LEVEL - 1), needed: LEVEL });
    }
    Ok(())
}

/// The level of what is recorded.
fn highest(recorded: &BTreeMap<i32, Record>) -> i32 {
    recorded.values().map(|record| record.level).max().unwrap_or(0)
}

/// Each migration that is known or recorded, and its state.
fn compare(recorded: &BTreeMap<i32, Record>) -> Vec<Status> {
    let known = MIGRATIONS.iter().map(|migration| {
        let state = match recorded.get(&migration.number) {
            None => State::Pending,
            Some(record) if record.checksum == migration.checksum() => State::Applied,
            Some(_) => State::Changed,
        };
        Status { number: migration.number, name: migration.name.to_owned(), state }
    });
    let newer = recorded.iter().filter(|(number, _)| MIGRATIONS.iter().all(|known| known.number != **number));
    let newer =
        newer.map(|(number, record)| Status { number: *number, name: record.name.clone(), state: State::Unknown });
    known.chain(newer).collect()
}

/// Refuses what another build made, and what is newer than the level after this version's.
fn refuse_foreign(keyspace: &str, recorded: &BTreeMap<i32, Record>) -> Result<(), ConnectError> {
    if let Some(changed) = compare(recorded).iter().find(|status| status.state == State::Changed) {
        return Err(ConnectError::Migration(format!(
            "migration {} ({}) is recorded with another checksum: the keyspace was made by a build that is not this \
             version's, and nothing may be migrated on top of it",
            changed.number, changed.name
        )));
    }
    let found = highest(recorded);
    if found > LEVEL + 1 {
        return Err(ConnectError::Newer { keyspace: keyspace.to_owned(), found, known: LEVEL });
    }
    Ok(())
}

/// What is recorded: as a majority knows it, or as a serial read shows it, which sees a step that is being recorded.
async fn records(session: &Session, keyspace: &str, serial: bool) -> Result<BTreeMap<i32, Record>, ConnectError> {
    let select = format!("SELECT number, name, level, checksum FROM {keyspace}.migration WHERE scope = 'step'");
    let mut select = scylla::statement::Statement::new(select);
    if serial {
        select.set_consistency(scylla::statement::Consistency::Serial);
    }
    let answer = insist(session, select, ()).await;
    let rows =
        answer.map_err(|error| failure::plain(&error))?.into_rows_result().map_err(|error| unreadable(&error))?;
    let rows = rows.rows::<(i32, String, i32, String)>().map_err(|error| unreadable(&error))?;
    rows.map(|row| {
        let (number, name, level, checksum) = row.map_err(|error| unreadable(&error))?;
        Ok((number, Record { name, level, checksum }))
    })
    .collect()
}

/// Is there this keyspace, or this table in it?
async fn exists(session: &Session, keyspace: &str, table: Option<&str>) -> Result<bool, ConnectError> {
    let answer = match table {
        None => {
            let select = "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?";
            insist(session, select, (keyspace,)).await
        }
        Some(table) => {
            let select = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?";
            insist(session, select, (keyspace, table)).await
        }
    };
    let answer = answer.map_err(|error| failure::plain(&error))?;
    let rows = answer.into_rows_result().map_err(|error| unreadable(&error))?;
    Ok(rows.rows_num() > 0)
}

/// A conditional write of the migrator, and whether it was applied; where it was repeated, whether the last one was.
async fn ask(session: &Session, statement: &str, values: impl SerializeRow) -> Result<bool, ConnectError> {
    let answer = insist(session, statement, values).await;
    let answer = answer.map_err(|error| match failure::tried(&error) {
        ConnectError::Store(error) => ConnectError::Migration(format!("{error}, at: {statement}")),
        unfit => unfit,
    })?;
    applied(answer).map_err(|error| ConnectError::Migration(format!("{error}, at: {statement}")))
}

/// The cluster's time in milliseconds, as the node has it that happens to be asked, which may be another one each time.
/// No clock of a migrator counts, but those of the cluster's nodes do, and the age of a lock is wrong by as much as they
/// are apart; under NTP that is little. The lock of a migrator that lives would be broken only if they were apart by what
/// lies between `lock::RENEW` and `lock::STALE`, nine minutes. Then a step may be carried out twice, as it may at any time,
/// and who lost the lock does not record it.
async fn now(session: &Session) -> Result<i64, ConnectError> {
    let select = "SELECT toTimestamp(now()) FROM system.local";
    let answer = insist(session, select, ()).await;
    let rows =
        answer.map_err(|error| failure::plain(&error))?.into_rows_result().map_err(|error| unreadable(&error))?;
    let (CqlTimestamp(now),) = rows.single_row().map_err(|error| unreadable(&error))?;
    Ok(now)
}

fn unreadable(error: &impl std::fmt::Display) -> ConnectError {
    ConnectError::Store(StoreError::Corrupt { place: "migration".to_owned(), reason: error.to_string() })
}
