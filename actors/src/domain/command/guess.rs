//! What a wrong guess leads to beside its count: the audit log is told when it closes a bucket, and the owner as well when it suspends
//! the authenticator. Both in the commit that counts it, so that a guess which is refused unseen writes nothing.

use schema::record::AuditEvent;

use super::judge_password;
use crate::domain::{
    change::{Change, Item},
    context::Context,
    event::{self, WithFact},
    letter::{self, Content, Notice},
    limits,
    throttle::{self, Bucketing, Shut},
    user::User,
};

/// Counts a wrong guess at an authenticator that is suspended for itself. The event says what it closed, if it did.
pub(super) fn wrong(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    bucket: Bucketing<'_>,
    authenticator: &str,
) -> Option<AuditEvent> {
    let (shut, event) = count(user, cx, change, bucket, authenticator)?;
    if shut == Shut::Authenticator {
        let notice = match authenticator {
            judge_password::THROTTLE => Notice::PasswordSuspended,
            _ => Notice::BackupCodesSuspended,
        };
        warn(user, cx, change, bucket, notice);
    }
    Some(event)
}

/// Counts a wrong guess at an authenticator.
pub(super) fn count(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    bucket: Bucketing<'_>,
    authenticator: &str,
) -> Option<(Shut, AuditEvent)> {
    let mut counts = user.throttle(authenticator);
    let shut = throttle::fail(&mut counts, bucket, cx.now, cx.jitter());
    change.put(Item::Throttle(authenticator.to_owned(), counts));
    shut.map(|shut| (shut, told(user, cx, bucket, authenticator, shut)))
}

/// The event of what was closed.
pub(super) fn told(
    user: &User,
    cx: &Context<'_>,
    bucket: Bucketing<'_>,
    authenticator: &str,
    shut: Shut,
) -> AuditEvent {
    let of = |kind| {
        let event = event::of(cx, kind, user.id);
        event.with("authenticator", authenticator).with("bucket", bucket.kind())
    };
    match shut {
        Shut::Bucket { until } => of("login.throttled").with("until", until.as_secs()),
        Shut::Authenticator => of("login.suspended"),
    }
}

/// Tells the owner that an authenticator is suspended. Strangers do not choose the language of that, nor is anybody told whose account
/// is disabled.
pub(super) fn warn(user: &User, cx: &Context<'_>, change: &mut Change, bucket: Bucketing<'_>, notice: Notice) {
    if user.active_account().is_none() {
        return;
    }
    let lang = match bucket {
        Bucketing::Device(_) => cx.lang(),
        Bucketing::Unknown => None,
    };
    let until = cx.now.after(limits::NOTICE_LIFETIME);
    letter::tell(user, cx, change, &Content::Notice { notice }, (letter::confirmed(user), until, lang));
}
