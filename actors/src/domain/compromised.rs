//! A password that somebody else may know: who spent the hundred guesses at a second factor typed the right password first (NIST
//! SP 800-63B-4, 3.1.1.2: a change is forced where there is evidence of compromise).
//!
//! 1. The commit that suspends the second factor marks the password that the login began with ([`mark`]). Nothing is marked where the
//!    first proof was another one.
//! 2. A session that rests on the password, and in which anything was proved since, gets no code for an application and sees no page but
//!    that of the new password ([`must_change`]).
//! 3. Another password is another record, without the mark, however it comes to be.
//!
//! Sessions from before go on as they are, until something is proved in them anew. Ending them, or asking them, would let whoever knows
//! the password disturb its owner at will; and none of them is of somebody who had to guess a second factor. Nor is a sign-in by a
//! passkey alone concerned.

use schema::record::{AuditEvent, Login, Method, Password, Proof};

use super::{
    change::{Change, Item},
    context::Context,
    event::{self, WithFact},
    user::{User, rest_on},
};

/// A hundred codes in a row were wrong, the last of them in this login. The event tells of it, once.
pub(super) fn mark(
    user: &User,
    cx: &Context<'_>,
    change: &mut Change,
    login: Option<&Login>,
    authenticator: &str,
) -> Option<AuditEvent> {
    // The moment of the first evidence stays: sessions since then are no better for a later one.
    let password = user.password.as_ref().filter(|password| password.compromised_at.is_none())?;
    login.filter(|login| rest_on(&login.proofs, None, Some(password.credential)))?;
    change.put(Item::Password(Password { compromised_at: Some(cx.now), ..password.clone() }));
    Some(event::of(cx, "password.compromised", user.id).with("authenticator", authenticator))
}

/// Must who has proved this choose another password before anything else? A login may have begun before the mark and ended after it, so
/// its newest proof decides.
pub(super) fn must_change(user: &User, proofs: &[Proof]) -> bool {
    let Some(at) = user.password.as_ref().and_then(|password| password.compromised_at) else { return false };
    let by_password = proofs.iter().any(|proof| proof.method == Method::Password);
    by_password && proofs.iter().any(|proof| at <= proof.at)
}
