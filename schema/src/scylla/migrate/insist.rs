//! The patience of a migrator: seconds, where a store's requests have milliseconds. Nobody waits for it at a page, and who
//! runs it would only begin it anew.

use std::time::Duration;

use scylla::{
    client::session::Session, errors::ExecutionError, response::query_result::QueryResult,
    serialize::row::SerializeRow, statement::Statement,
};
use tokio::time::Instant;

use crate::{AttemptId, resolve::pause, scylla::failure};

/// How long a request is repeated.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again, with pauses, what the cluster may answer by and by. For requests that may be carried out more than once: the
/// caller of a conditional write must take into account that an earlier one was applied.
#[expect(clippy::disallowed_methods, reason = "how long it has waited decides nothing")]
pub(super) async fn insist(
    session: &Session,
    statement: impl Into<Statement>,
    values: impl SerializeRow,
) -> Result<QueryResult, ExecutionError> {
    let statement = statement.into();
    let until = Instant::now() + PATIENCE;
    // Migrators that met once pause differently long.
    let id = AttemptId::from_bytes(*session.session_id().as_bytes());
    let mut round = 0;
    loop {
        let answer = session.query_unpaged(statement.clone(), &values).await;
        let Err(error) = &answer else { return answer };
        if !failure::passing(error) || Instant::now() >= until {
            return answer;
        }
        round += 1;
        tracing::debug!(%error, round, "asking again");
        tokio::time::sleep(pause(id, round)).await;
    }
}
