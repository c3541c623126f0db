//! Registration, and the first administrator.
//!
//! 1. Name, address and password are checked; the password is hashed.
//! 2. The name is claimed. A holding that never came to count is swept first (HAZARDS H9).
//! 3. The account is committed, listing the claim: only now is the name taken.
//!
//! The first administrator comes by a link (HAZARDS H8): its consumption is committed first, under the browser that
//! consumed it, which alone may go on; then the permanent claim `first-admin`; then the account.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use schema::{
    BrowserId, ClaimId, Kind, PartitionKey, Put, Store, StoreError, Timestamp, UserId,
    claim::{self, Claimed, Swept},
    record::{HeldClaim, Invitation, SetupLink, Unknown},
};
use thiserror::Error;

use crate::{
    account::Accounts,
    call::{CallError, Deadline},
    clock::{Clock, certain},
    domain::{
        command::{Register, RegisterOutcome, SignedIn},
        context::Attempt,
        email::{self, EmailError},
        factor::password::{self, Lengths, Weakness},
        user::User,
        user_name::{self, UserName, UserNameError},
    },
    entropy::Entropy,
    hashes::Hashes,
    secret::{Secret, ct_eq_str, sha256_b64},
    sign_in::look_up,
    transact::{Transaction, transact, transact_at},
    vault::{Purpose, Vault},
};

/// A holding that is not listed after this long belongs to a registration that died.
pub(crate) const PENDING: Duration = Duration::from_mins(1);
/// How long a first-admin link is good.
pub const SETUP_LIFETIME: Duration = Duration::from_hours(1);
/// The look-up of the permanent claim.
const FIRST_ADMIN: &str = "first-admin";
/// The role that it gives.
pub use crate::domain::role::ADMIN;
const LINK: &str = "link";
const INVITATION: &str = "invitation";

/// An account to be made, as typed.
#[derive(Debug)]
pub struct NewAccount {
    /// The user name.
    pub user_name: String,
    /// The e-mail address; empty for none.
    pub email: String,
    /// The password.
    pub password: Secret<String>,
    /// The browser.
    pub browser: BrowserId,
}

/// Why there is no account. Each names the field and the fix.
#[derive(Debug, Error)]
pub enum RegisterError {
    /// The name cannot be a user name.
    #[error(transparent)]
    UserName(#[from] UserNameError),
    /// Somebody has it.
    #[error("This user name is taken. Choose another one.")]
    NameTaken,
    /// The address cannot be one.
    #[error(transparent)]
    Email(#[from] EmailError),
    /// The password cannot be chosen.
    #[error(transparent)]
    Password(#[from] Weakness),
    /// The link was used, has expired, or was never made.
    #[error("This link does not work any more. Restart the server to get a new one, if there is no administrator yet.")]
    Link,
    /// No answer.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl From<StoreError> for RegisterError {
    fn from(error: StoreError) -> Self {
        Self::Call(error.into())
    }
}

/// Makes accounts. Cheap to clone.
#[derive(Clone)]
pub struct Registration {
    pub(crate) accounts: Accounts,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) hashes: Hashes,
    pub(crate) lengths: Lengths,
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registration").field("lengths", &self.lengths).finish_non_exhaustive()
    }
}

impl Registration {
    /// Makes an account and signs its browser in. The session's secret is that of the attempt.
    pub async fn register(
        &self,
        attempt: &Attempt,
        new: NewAccount,
        deadline: Deadline,
    ) -> Result<(UserId, SignedIn), RegisterError> {
        self.create(attempt, new, None, deadline).await
    }

    async fn create(
        &self,
        attempt: &Attempt,
        new: NewAccount,
        first_admin: Option<HeldClaim>,
        deadline: Deadline,
    ) -> Result<(UserId, SignedIn), RegisterError> {
        let name: UserName = user_name::parse(&new.user_name)?;
        let email = optional_email(&new.email)?;
        let inputs: Vec<&str> = [name.display.as_str()].into_iter().chain(email.as_deref()).collect();
        let roles = roles(first_admin.is_some());
        let rule = self.rule_of_new(&roles).await?;
        let password_hash = self.hash_new_password(&rule, &new.password, &inputs, deadline).await?;
        let user = user_of(attempt);
        let held = HeldClaim {
            look_up: look_up(&name.key),
            claim: ClaimId::from_bytes(attempt.seed.derive("user name claim")),
        };
        self.claim(&held, user).await?.then_some(()).ok_or(RegisterError::NameTaken)?;
        let command = Register {
            user_name: name.display,
            email,
            password_hash,
            claims: std::iter::once(held).chain(first_admin).collect(),
            roles,
            browser: new.browser,
        };
        let failed = match self.accounts.ask(user, attempt, command, deadline).await {
            Ok(RegisterOutcome::Registered(signed_in)) => return Ok((user, signed_in)),
            Ok(RegisterOutcome::Voided) => {
                let reason = "the registration took too long and was given up; try again";
                CallError::Unavailable(reason.to_owned())
            }
            Err(error) => error,
        };
        self.give_up(&look_up(&name.key)).await;
        Err(failed.into())
    }

    /// Frees a look-up at once if its holding did not come to count, so that whoever failed may try again. The sweeper's
    /// way (HAZARDS H9): voided first, so that a commit that is still under way finds out.
    pub(crate) async fn give_up(&self, look_up: &str) {
        let swept =
            async { claim::sweep(self.store.as_ref(), look_up, Duration::ZERO, certain(self.clock.as_ref())?).await };
        if let Err(error) = swept.await {
            tracing::warn!(%error, "a claim that came to nothing stays until it is swept");
        }
    }

    /// Takes a look-up for a user; `false` if somebody else's holding counts.
    pub(crate) async fn claim(&self, held: &HeldClaim, user: UserId) -> Result<bool, StoreError> {
        let (store, owner) = (self.store.as_ref(), User::partition(user));
        for _ in 0..2 {
            let now = certain(self.clock.as_ref())?;
            match claim::claim(store, &held.look_up, &owner, held.claim, now).await? {
                Claimed::Won => return Ok(true),
                Claimed::Held { .. } => match claim::sweep(store, &held.look_up, PENDING, now).await? {
                    Swept::Free | Swept::Released => {}
                    Swept::Counts | Swept::Pending => return Ok(false),
                },
            }
        }
        Ok(false)
    }

    /// A link for the first administrator, with its end; `None` if there is one already. Whoever asks within half of its
    /// lifetime, on whatever node, gets the same link, unless it was used.
    pub async fn setup_link(&self) -> Result<Option<(Secret<String>, Timestamp)>, StoreError> {
        let (store, now) = (self.store.as_ref(), certain(self.clock.as_ref())?);
        match claim::sweep(store, FIRST_ADMIN, PENDING, now).await? {
            Swept::Counts | Swept::Pending => return Ok(None),
            Swept::Free | Swept::Released => {}
        }
        let known: Option<Invitation> =
            store.load(&invitations(), &[INVITATION]).await?.get(&invitations(), INVITATION)?;
        if let Some(known) = &known
            && let Some(link) = self.known_link(known).await?
        {
            return Ok(Some(link));
        }
        let (token, expires_at) = self.draw_link().await?;
        let sealed =
            self.vault.seal(Purpose::SetupLink, &[INVITATION], token.expose().as_bytes(), self.entropy.as_ref());
        let drawn = Invitation { sealed, expires_at, unknown: Unknown::default() };
        // Of nodes that draw one at the same time the first counts; the links of the others expire unseen.
        let counts = transact(store, self.entropy.as_ref(), &invitations(), now, |partition| {
            let current: Option<Invitation> = partition.get(&invitations(), INVITATION)?;
            if current.as_ref().map(|current| &current.sealed) != known.as_ref().map(|known| &known.sealed) {
                return Ok(Transaction::answer(current));
            }
            Ok(Transaction::put(Put::record(INVITATION, &drawn, None), None))
        })
        .await?;
        let theirs = match &counts {
            Some(counts) => self.known_link(counts).await?,
            None => None,
        };
        Ok(Some(theirs.unwrap_or((token, expires_at))))
    }

    /// The link of an invitation, if it is good for a while yet and nobody has used it.
    async fn known_link(&self, known: &Invitation) -> Result<Option<(Secret<String>, Timestamp)>, StoreError> {
        if known.expires_at < self.clock.now().after(SETUP_LIFETIME / 2) {
            return Ok(None);
        }
        let Ok(bytes) = self.vault.open(Purpose::SetupLink, &[INVITATION], &known.sealed) else { return Ok(None) };
        let Ok(token) = std::str::from_utf8(&bytes) else { return Ok(None) };
        let Some((key, _)) = self.open_link(token) else { return Ok(None) };
        let link: Option<SetupLink> = self.store.load(&key, &[LINK]).await?.get(&key, LINK)?;
        let unused = link.is_some_and(|link| link.used_by.is_none());
        Ok(unused.then(|| (Secret::new(token.to_owned()), known.expires_at)))
    }

    async fn draw_link(&self) -> Result<(Secret<String>, Timestamp), StoreError> {
        let now = certain(self.clock.as_ref())?;
        let (id, secret): ([u8; 16], [u8; 16]) = (self.entropy.array(), self.entropy.array());
        let expires_at = now.after(SETUP_LIFETIME);
        let link = SetupLink {
            secret_hash: sha256_b64(&secret),
            expires_at,
            used_by: None,
            used_at: None,
            unknown: Unknown::default(),
        };
        let key = handle(&id);
        transact(self.store.as_ref(), self.entropy.as_ref(), &key, now, |_| {
            let put = Put::record(LINK, &link, Some(expires_at));
            Ok(Transaction { partition_expires_at: Some(expires_at), ..Transaction::put(put, ()) })
        })
        .await?;
        let token = self.vault.seal(Purpose::SetupLink, &[], &[id, secret].concat(), self.entropy.as_ref());
        Ok((Secret::new(token), expires_at))
    }

    /// Is the link good for this browser? Consumes nothing.
    pub async fn setup_link_is_good(&self, token: &str, browser: BrowserId) -> Result<bool, StoreError> {
        let Some((key, secret_hash)) = self.open_link(token) else { return Ok(false) };
        let link: Option<SetupLink> = self.store.load(&key, &[LINK]).await?.get(&key, LINK)?;
        let now = certain(self.clock.as_ref())?;
        let taken = claim::sweep(self.store.as_ref(), FIRST_ADMIN, PENDING, now).await? == Swept::Counts;
        Ok(!taken && link.is_some_and(|link| usable(&link, &secret_hash, &consumer(browser), now)))
    }

    /// Makes the first administrator.
    pub async fn set_up(
        &self,
        attempt: &Attempt,
        token: &str,
        new: NewAccount,
        deadline: Deadline,
    ) -> Result<(UserId, SignedIn), RegisterError> {
        let (key, secret_hash) = self.open_link(token).ok_or(RegisterError::Link)?;
        // What can be refused without the link is refused before it is consumed.
        let name: UserName = user_name::parse(&new.user_name)?;
        let email = optional_email(&new.email)?;
        let inputs: Vec<&str> = [name.display.as_str()].into_iter().chain(email.as_deref()).collect();
        let rule = self.rule_of_first_admin().await?;
        password::check(&rule, &password::normalise(new.password.expose()), &inputs)?;
        let (now, consumer) = (certain(self.clock.as_ref())?, consumer(new.browser));
        let consumed = transact_at(self.store.as_ref(), self.entropy.as_ref(), &key, now, |partition, now| {
            let Some(link) = partition.get::<SetupLink>(&key, LINK)? else { return Ok(Transaction::answer(false)) };
            if !usable(&link, &secret_hash, &consumer, now) {
                return Ok(Transaction::answer(false));
            }
            let end = link.expires_at;
            let used = SetupLink { used_by: Some(consumer.clone()), used_at: Some(now), ..link };
            let put = Put::record(LINK, &used, Some(end));
            Ok(Transaction { partition_expires_at: Some(end), ..Transaction::put(put, true) })
        })
        .await?;
        if !consumed {
            return Err(RegisterError::Link);
        }
        let held = HeldClaim {
            look_up: FIRST_ADMIN.to_owned(),
            claim: ClaimId::from_bytes(attempt.seed.derive("first admin claim")),
        };
        if !self.claim(&held, user_of(attempt)).await? {
            return Err(RegisterError::Link);
        }
        let result = self.create(attempt, new, Some(held), deadline).await;
        if result.is_err() {
            self.give_up(FIRST_ADMIN).await;
        }
        result
    }

    fn open_link(&self, token: &str) -> Option<(PartitionKey, String)> {
        let bytes = self.vault.open(Purpose::SetupLink, &[], token).ok()?;
        let (id, secret) = bytes.split_at_checked(16)?;
        Some((handle(id), sha256_b64(secret)))
    }
}

/// The roles that an account begins with.
pub(crate) fn roles(first_admin: bool) -> BTreeSet<String> {
    first_admin.then(|| ADMIN.to_owned()).into_iter().collect()
}

fn optional_email(typed: &str) -> Result<Option<String>, EmailError> {
    match typed.trim() {
        "" => Ok(None),
        text => email::parse(text).map(Some),
    }
}

/// The user that this attempt registers.
pub(crate) fn user_of(attempt: &Attempt) -> UserId {
    UserId::from_random(attempt.seed.derive("user"))
}

fn handle(id: &[u8]) -> PartitionKey {
    PartitionKey::new(Kind::Handle, format_args!("setup/{}", data_encoding::HEXLOWER.encode(id)))
}

fn invitations() -> PartitionKey {
    PartitionKey::new(Kind::Cluster, FIRST_ADMIN)
}

fn consumer(browser: BrowserId) -> String {
    sha256_b64(browser.as_bytes())
}

fn usable(link: &SetupLink, secret_hash: &str, consumer: &str, now: Timestamp) -> bool {
    let ours = link.used_by.as_deref().is_none_or(|by| ct_eq_str(by, consumer));
    ours && now < link.expires_at && ct_eq_str(&link.secret_hash, secret_hash)
}
