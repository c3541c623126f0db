//! One migrator at a time: a row that names its holder, taken and given back by conditional writes. A holder that died
//! leaves it behind; it may be broken once it has not been renewed for [`STALE`].

use std::time::Duration;

use scylla::{
    client::session::Session,
    statement::{Consistency, Statement},
    value::CqlTimestamp,
};

use super::{ConnectError, ask, insist, now, unreadable};
use crate::{StoreError, scylla::failure};

/// How long a lock stands without being renewed, by the clocks of the cluster's nodes ([`now`]).
const STALE: Duration = Duration::from_mins(10);

/// How often it is renewed beside a step, which takes seconds as a rule, and minutes where nodes do not agree.
const RENEW: Duration = Duration::from_mins(1);

/// The lock, held. To be given back by [`Lock::release`].
pub(super) struct Lock<'a> {
    session: &'a Session,
    keyspace: &'a str,
    /// Name and session, so that no two migrators are taken for one.
    holder: String,
}

impl<'a> Lock<'a> {
    /// Takes the lock for `by`, or says who has it since when.
    pub(super) async fn take(session: &'a Session, keyspace: &'a str, by: &str) -> Result<Self, ConnectError> {
        let lock = Self { session, keyspace, holder: format!("{by} ({})", session.session_id()) };
        let insert = format!(
            "INSERT INTO {keyspace}.migration (scope, number, holder, at) VALUES ('lock', 0, ?, ?) IF NOT EXISTS"
        );
        let began = CqlTimestamp(now(session).await?);
        let taken = ask(session, &insert, (&lock.holder, began)).await;
        if matches!(taken, Ok(true)) {
            return Ok(lock);
        }
        // Where an answer was lost, that of a write that was repeated included, the row tells; a lock that nobody knows to be his stands in everybody's way.
        let current = lock.current().await?;
        if current.as_ref().is_some_and(|(holder, _)| *holder == lock.holder) {
            return Ok(lock);
        }
        taken?;
        let Some((holder, since)) = current else {
            return Err(ConnectError::Migration("another migrator has just ended: try again".to_owned()));
        };
        let age = began.0.saturating_sub(since.0);
        if Duration::from_millis(u64::try_from(age).unwrap_or(0)) < STALE {
            return Err(ConnectError::Migration(format!(
                "{holder} is migrating; its last step was {} s ago. If it has died, its lock can be broken after {} s",
                age / 1000,
                STALE.as_secs()
            )));
        }
        tracing::warn!(holder, age_secs = age / 1000, "breaking the lock of a migrator that has stopped");
        let update = format!(
            "UPDATE {keyspace}.migration SET holder = ?, at = ? WHERE scope = 'lock' AND number = 0 \
             IF holder = ? AND at = ?"
        );
        let broken = ask(session, &update, (&lock.holder, began, holder, since)).await?;
        if broken || lock.current().await?.is_some_and(|(holder, _)| holder == lock.holder) {
            return Ok(lock);
        }
        Err(ConnectError::Migration("another migrator was faster: try again".to_owned()))
    }

    /// Who holds it.
    pub(super) fn holder(&self) -> &str {
        &self.holder
    }

    /// Does `step` under the lock, which is renewed before it, beside it and after it. Fails if the lock was broken: then
    /// the step may have been carried out, and must not be recorded.
    pub(super) async fn during(
        &self,
        step: impl Future<Output = Result<(), ConnectError>>,
    ) -> Result<(), ConnectError> {
        self.keep().await?;
        let renewals = async {
            loop {
                tokio::time::sleep(RENEW).await;
                if let Err(error) = self.keep().await {
                    return error;
                }
            }
        };
        tokio::select! {
            done = step => done?,
            lost = renewals => return Err(lost),
        }
        self.keep().await
    }

    /// Renews it, or finds that it was broken.
    async fn keep(&self) -> Result<(), ConnectError> {
        let update =
            format!("UPDATE {}.migration SET at = ? WHERE scope = 'lock' AND number = 0 IF holder = ?", self.keyspace);
        let at = CqlTimestamp(now(self.session).await?);
        if ask(self.session, &update, (at, &self.holder)).await? {
            return Ok(());
        }
        Err(ConnectError::Migration("the lock was lost to another migrator".to_owned()))
    }

    /// Gives it back.
    pub(super) async fn release(self) -> Result<(), ConnectError> {
        let delete =
            format!("DELETE FROM {}.migration WHERE scope = 'lock' AND number = 0 IF holder = ?", self.keyspace);
        // Not ours any more is as good as given back.
        ask(self.session, &delete, (&self.holder,)).await.map(drop)
    }

    /// Holder and time of the lock as it is.
    async fn current(&self) -> Result<Option<(String, CqlTimestamp)>, ConnectError> {
        let select = format!("SELECT holder, at FROM {}.migration WHERE scope = 'lock' AND number = 0", self.keyspace);
        let mut select = Statement::new(select);
        // Ordered among the conditional writes: one that was begun is finished or gone.
        select.set_consistency(Consistency::Serial);
        let answer = insist(self.session, select, ()).await;
        let answer = answer.map_err(|error| failure::plain(&error))?;
        let rows = answer.into_rows_result().map_err(|error| unreadable(&error))?;
        rows.maybe_first_row().map_err(|error| {
            ConnectError::Store(StoreError::Corrupt { place: "migration".to_owned(), reason: error.to_string() })
        })
    }
}
