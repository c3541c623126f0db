//! What a wrong guess leads to beside its count: the audit log is told when it closes a bucket, and the owner as well when it suspends
//! the authenticator. Both in the commit that counts it, so that a guess which is refused unseen writes nothing.

use schema::record::AuditEvent;

use super::{
    judge_password,
    sign_in::{self, LoginRef},
};
use crate::domain::{
    change::{Change, Item},
    compromised,
    context::Context,
    event::{self, WithFact},
    letter::{self, Content, Notice},
    limits,
    throttle::{self, Bucketing, Shut},
    user::User,
};

/// Counts a wrong password. The event says what it closed, if it did.
pub(super) fn wrong_password(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    bucket: Bucketing<'_>,
) -> Option<AuditEvent> {
    let (shut, event) = count(user, cx, change, bucket, judge_password::THROTTLE)?;
    if shut == Shut::Authenticator {
        warn(user, cx, change, bucket, Notice::PasswordSuspended);
    }
    Some(event)
}

/// A second factor is suspended by what was guessed in this login: its owner is told, and the password that the login began with is
/// marked. The event says so, if it was not marked before.
pub(super) fn suspended(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    of: &LoginRef,
    (authenticator, notice): (&str, Notice),
) -> Option<AuditEvent> {
    warn(user, cx, change, user.bucket(of.device.as_ref(), cx.now), notice);
    compromised::mark(user, cx, change, sign_in::live_login(user, of, cx), authenticator)
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
fn warn(user: &User, cx: &Context<'_>, change: &mut Change, bucket: Bucketing<'_>, notice: Notice) {
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
