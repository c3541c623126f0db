//! What a failed request may have done. For a commit the line between "nothing" and "nobody knows" decides whether it
//! may be decided anew at once, so everything that is not known to have done nothing is unknown.

use scylla::{
    errors::{DbError, ExecutionError, PrepareError, RequestAttemptError},
    statement::Consistency,
};

use super::ConnectError;
use crate::StoreError;

/// What to do about a cluster that carries out no conditional writes, or not as it must.
pub(super) const WITHOUT_TABLETS: &str = "If the keyspace is on ScyllaDB tablets, make it anew without them \
     (`tablets = {'enabled': false}`) or use a version whose tablets know conditional writes";

/// What to do where every copy is read and one is away.
pub(super) const EVERY_NODE: &str =
    "every node of the store must be up for this, since what one of them alone holds counts too";

/// The failure of a read that asked every copy.
pub(super) fn of_every_copy(error: &ExecutionError) -> StoreError {
    StoreError::Unavailable(format!("{error}; {EVERY_NODE}"))
}

/// The failure of a request that changes nothing, or that may be repeated.
pub(super) fn plain(error: &ExecutionError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// The failure of a conditional write.
pub(super) fn conditional(error: &ExecutionError) -> StoreError {
    let reason = error.to_string();
    if did_nothing(error) { StoreError::Unavailable(reason) } else { StoreError::Unknown(reason) }
}

/// The failure of a conditional write where it is found out whether there are any: a cluster that cannot carry out so much
/// as the statement is unfit, and asking again is no help.
pub(super) fn tried(error: &ExecutionError) -> ConnectError {
    let refused = match error {
        ExecutionError::LastAttemptError(attempt) => is_invalid(attempt),
        ExecutionError::PrepareError(error) => is_invalid_to_prepare(error),
        _ => false,
    };
    if refused { no_conditional_writes(error) } else { conditional(error).into() }
}

/// The failure of preparing a statement.
pub(super) fn unprepared(cql: &str, error: &PrepareError) -> ConnectError {
    if cql.contains(" IF ") && is_invalid_to_prepare(error) {
        return no_conditional_writes(error);
    }
    ConnectError::Store(StoreError::Unavailable(format!("cannot prepare {cql}: {error}")))
}

fn no_conditional_writes(error: &dyn std::fmt::Display) -> ConnectError {
    ConnectError::Unfit(format!("it refuses a conditional write: {error}. {WITHOUT_TABLETS}"))
}

fn is_invalid(error: &RequestAttemptError) -> bool {
    matches!(error, RequestAttemptError::DbError(DbError::Invalid, _))
}

fn is_invalid_to_prepare(error: &PrepareError) -> bool {
    matches!(error, PrepareError::AllAttemptsFailed { first_attempt } if is_invalid(first_attempt))
}

/// Is it certain that a conditional write has done nothing and never will?
fn did_nothing(error: &ExecutionError) -> bool {
    match error {
        // It was never sent.
        ExecutionError::BadQuery(_)
        | ExecutionError::EmptyPlan
        | ExecutionError::PrepareError(_)
        | ExecutionError::ConnectionPoolError(_) => true,
        ExecutionError::LastAttemptError(attempt) => match attempt {
            RequestAttemptError::SerializationError(_)
            | RequestAttemptError::CqlRequestSerialization(_)
            | RequestAttemptError::UnableToAllocStreamId => true,
            RequestAttemptError::DbError(error, _) => refused(error),
            // The connection broke under it, or the answer was not readable.
            _ => false,
        },
        _ => false,
    }
}

/// Did the cluster refuse a conditional write before it proposed anything?
fn refused(error: &DbError) -> bool {
    match error {
        // At the serial level it is the first phase that found too few nodes. At any other it is the last one, when the
        // write is already decided.
        DbError::Unavailable { consistency, .. } => {
            matches!(consistency, Consistency::Serial | Consistency::LocalSerial)
        }
        DbError::SyntaxError
        | DbError::Invalid
        | DbError::Unauthorized
        | DbError::AuthenticationError
        | DbError::ConfigError
        | DbError::IsBootstrapping
        // Said by a replica, others may have accepted already.
        | DbError::RateLimitReached { rejected_by_coordinator: true, .. }
        | DbError::Unprepared { .. } => true,
        // WriteTimeout, whatever its type, WriteFailure, CAS_WRITE_UNKNOWN, ReadTimeout of an earlier phase, Overloaded
        // (said of hints in the last phase too), ServerError: it may have been written.
        _ => false,
    }
}

/// Was the connection lost, so that another node can be asked at once?
pub(super) fn lost(error: &ExecutionError) -> bool {
    matches!(
        error,
        ExecutionError::LastAttemptError(RequestAttemptError::BrokenConnectionError(_))
            | ExecutionError::ConnectionPoolError(_)
    )
}

/// Did a read lose its turn to the conditional writes of others, or wait too long for the answers of a majority?
pub(super) fn contended(error: &ExecutionError) -> bool {
    matches!(
        error,
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(
            DbError::WriteTimeout { .. } | DbError::ReadTimeout { .. } | DbError::Overloaded,
            _
        ))
    )
}

/// May the same request be answered in a moment? Too few nodes are no passing thing: that is said at once.
pub(super) fn passing(error: &ExecutionError) -> bool {
    /// What a node says of a conditional write of which it does not know what became.
    const CAS_WRITE_UNKNOWN: i32 = 0x1700;
    match error {
        ExecutionError::RequestTimeout(_) => true,
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, _)) => matches!(
            error,
            DbError::WriteTimeout { .. }
                | DbError::ReadTimeout { .. }
                // Of nodes that do not know the table yet, for one.
                | DbError::WriteFailure { .. }
                | DbError::ReadFailure { .. }
                | DbError::Overloaded
                | DbError::IsBootstrapping
                | DbError::Other(CAS_WRITE_UNKNOWN)
        ),
        _ => lost(error),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use scylla::errors::{OperationType, WriteType};

    use super::*;

    fn answered(error: DbError) -> ExecutionError {
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, String::new()))
    }

    fn unavailable(consistency: Consistency) -> ExecutionError {
        answered(DbError::Unavailable { consistency, required: 2, alive: 1 })
    }

    fn timed_out(write_type: WriteType) -> ExecutionError {
        answered(DbError::WriteTimeout { consistency: Consistency::Serial, received: 1, required: 2, write_type })
    }

    fn limited(rejected_by_coordinator: bool) -> ExecutionError {
        answered(DbError::RateLimitReached { op_type: OperationType::Write, rejected_by_coordinator })
    }

    #[test]
    fn only_what_surely_did_nothing_is_unavailable() {
        for nothing in [
            unavailable(Consistency::Serial),
            unavailable(Consistency::LocalSerial),
            answered(DbError::Invalid),
            limited(true),
            ExecutionError::EmptyPlan,
        ] {
            assert!(matches!(conditional(&nothing), StoreError::Unavailable(_)), "{nothing}");
        }
        for unknown in [
            unavailable(Consistency::Quorum),
            unavailable(Consistency::LocalQuorum),
            timed_out(WriteType::Cas),
            timed_out(WriteType::Simple),
            timed_out(WriteType::Batch),
            limited(false),
            answered(DbError::Overloaded),
            answered(DbError::ServerError),
            answered(DbError::Other(0x1700)),
            ExecutionError::RequestTimeout(Duration::from_secs(1)),
        ] {
            assert!(matches!(conditional(&unknown), StoreError::Unknown(_)), "{unknown}");
        }
    }

    /// As ScyllaDB answers on tablets that do not know conditional writes yet.
    #[test]
    fn a_cluster_that_knows_no_conditional_writes_is_unfit_and_one_that_does_not_answer_is_not() {
        let words = "LWT is not yet supported with tablets";
        let invalid = || RequestAttemptError::DbError(DbError::Invalid, words.to_owned());
        let unprepared = || PrepareError::AllAttemptsFailed { first_attempt: invalid() };
        for refused in [
            tried(&ExecutionError::LastAttemptError(invalid())),
            tried(&ExecutionError::PrepareError(unprepared())),
            super::unprepared("UPDATE t SET a = 1 WHERE b = 2 IF a = 0", &unprepared()),
        ] {
            let ConnectError::Unfit(said) = &refused else { panic!("{refused:?}") };
            assert!(said.contains(words) && said.contains("make it anew without them"), "{said}");
        }
        let plain = super::unprepared("SELECT a FROM t", &unprepared());
        assert!(matches!(plain, ConnectError::Store(_)), "{plain}");
        for unanswered in [unavailable(Consistency::Serial), timed_out(WriteType::Cas)] {
            assert!(matches!(tried(&unanswered), ConnectError::Store(_)), "{unanswered}");
        }
    }
}
