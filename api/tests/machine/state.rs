//! Where a browser stands with an account that has a device of every kind.

use serde_json::Value;

/// A state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// A login was begun, and nothing is proved.
    Begun,
    /// The password was right, and a second proof is awaited.
    Awaiting,
    /// The same, and a code was sent by e-mail, which took the place of another.
    AwaitingMail,
    /// The same by text message.
    AwaitingText,
    /// The same, and a recovery was begun, which waits.
    Waiting,
    /// The password was right, and a recovery that somebody has begun is due.
    Due,
    /// The same, and the code that completes it was sent, which took the place of another.
    Recovering,
    /// The password was right, and the owner has cancelled a recovery.
    Cancelled,
    /// The password and a code of the app were right, and a passkey is awaited, for a policy asks for both.
    Further,
    /// Signed in with two factors a few minutes ago.
    Fresh,
    /// The same, and a recovery that somebody has begun waits.
    Owner,
    /// Signed in with two factors eleven minutes ago.
    Stale,
    /// Signed in by the password in a trusted browser.
    Trusted,
    /// Signed in by the password and a code that was sent by e-mail.
    ByMail,
    /// Signed in with two factors before a policy asked for a passkey, which is awaited.
    Raising,
    /// Signed in with two factors eleven minutes ago, and an application waits for a yes.
    Asked,
    /// Signed out; the cookie was kept.
    Ended,
}

impl State {
    pub(crate) const ALL: [Self; 17] = [
        Self::Begun,
        Self::Awaiting,
        Self::AwaitingMail,
        Self::AwaitingText,
        Self::Waiting,
        Self::Due,
        Self::Recovering,
        Self::Cancelled,
        Self::Further,
        Self::Fresh,
        Self::Owner,
        Self::Stale,
        Self::Trusted,
        Self::ByMail,
        Self::Raising,
        Self::Asked,
        Self::Ended,
    ];

    /// Is the owner of the account signed in?
    pub(crate) const fn is_signed_in(self) -> bool {
        matches!(self, Self::Fresh | Self::Owner | Self::Stale | Self::Trusted | Self::ByMail | Self::Asked)
    }

    /// Has the browser a session, though it may lead nowhere before it is raised?
    pub(crate) const fn has_session(self) -> bool {
        self.is_signed_in() || matches!(self, Self::Raising)
    }

    /// Were the proofs given as late as a change of the factors asks for?
    pub(crate) const fn is_fresh(self) -> bool {
        matches!(self, Self::Fresh | Self::Owner)
    }

    /// Has the browser a login whose password was right?
    pub(crate) const fn is_awaiting(self) -> bool {
        !self.is_signed_in() && !matches!(self, Self::Begun | Self::Raising | Self::Ended)
    }

    /// Does a policy ask for an app and a passkey, of which the app was proved?
    pub(crate) const fn is_asked_for_more(self) -> bool {
        matches!(self, Self::Further | Self::Raising)
    }

    /// Is there a recovery that waits or is due?
    pub(crate) const fn recovers(self) -> bool {
        self.is_due() || matches!(self, Self::Waiting | Self::Owner)
    }

    /// Is there one that can be completed?
    pub(crate) const fn is_due(self) -> bool {
        matches!(self, Self::Due | Self::Recovering)
    }

    /// Has the browser a session of its own with devices that await their proof? Elsewhere they await it in another session.
    pub(crate) const fn pends(self) -> bool {
        self.is_fresh() || matches!(self, Self::Stale)
    }
}

/// Hidden values of a browser's pages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hidden {
    pub(crate) browser: String,
    pub(crate) login: String,
    pub(crate) session: String,
    pub(crate) l: String,
    /// The sealed cookie of the login.
    pub(crate) cookie: String,
    pub(crate) ceremony: String,
    /// What the page asks of passkeys.
    pub(crate) options: Value,
    pub(crate) assertion: String,
}

/// What a form carries that could be another's.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    pub(crate) csrf: Option<String>,
    pub(crate) l: Option<String>,
    pub(crate) factor: String,
    pub(crate) ceremony: String,
    pub(crate) session: String,
    pub(crate) trusted: String,
    /// Of a mailed link.
    pub(crate) token: String,
    /// A code that was sent.
    pub(crate) sent: String,
    /// Cookies that are sent in the place of the browser's own, by their bare names.
    pub(crate) cookies: Vec<(String, String)>,
    /// Does the browser say that it comes from our own pages?
    pub(crate) same_origin: bool,
}
