//! What an operator asks, and what comes of it: also the words of the command socket.

use schema::{
    ClientId, KeyId, UserId,
    record::{Client, ClientAuth, Policy, PolicyScope, SigningAlg},
};
use serde::{Deserialize, Serialize};

use crate::{
    clients::NewClient,
    data_keys::{DataKeyView, Resealed},
    domain::command::{Explained, OverviewOutcome, RecoveryShown},
    key_ring::KeyView,
};

/// What is asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Register a client.
    ClientCreate(NewClient),
    /// All clients.
    ClientList,
    /// A new secret.
    ClientRotateSecret(ClientId),
    /// Remove a client.
    ClientDelete(ClientId),
    /// Users, a page at a time.
    UserList {
        /// After this user.
        after: Option<UserId>,
    },
    /// One user, by name or id.
    UserShow(String),
    /// No sign-in any more.
    UserDisable(String),
    /// Sign-in again.
    UserEnable(String),
    /// End all sessions.
    UserEndSessions(String),
    /// Revoke all second factors.
    UserMfaReset(String),
    /// Revoke one second factor.
    UserMfaRemove {
        /// By name or id.
        user: String,
        /// By id, or by name or address.
        device: String,
    },
    /// Ask for a second step of a user whatever the policies say, or no more than they say.
    UserMfaRequire {
        /// By name or id.
        user: String,
        /// Asked?
        required: bool,
    },
    /// Recoveries that wait or can be completed, a page of users at a time.
    UserRecoveryList {
        /// After this user.
        after: Option<UserId>,
    },
    /// Cancel the recovery of a user.
    UserRecoveryCancel(String),
    /// Make a link that sets a new password.
    UserPasswordReset(String),
    /// Give a role to a user, or take it away.
    UserRole {
        /// By name or id.
        user: String,
        /// The role.
        role: String,
        /// Given?
        given: bool,
    },
    /// All policies.
    PolicyList,
    /// Set the policy of a scope.
    PolicySet(Box<Policy>),
    /// Remove the policy of a scope.
    PolicyRemove(PolicyScope),
    /// What the policies ask of a user.
    PolicyExplain {
        /// By name or id.
        user: String,
        /// At this application.
        client: Option<ClientId>,
        /// For this operation there, or at the pages of the account.
        #[serde(default)]
        operation: Option<String>,
    },
    /// All signing keys.
    KeysList,
    /// The next signing key.
    KeysRotate(Option<SigningAlg>),
    /// The master keys of this node's ring.
    DataKeysList,
    /// Make a master key the one that seals.
    DataKeysActivate(KeyId),
    /// Seal anew what is stored under another master key, a page at a time.
    DataKeysReseal {
        /// Where the last page ended.
        after: Option<Box<str>>,
    },
    /// Let the store forget a master key.
    DataKeysRetire(KeyId),
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// A client, with its secret when one was made just now.
    Client {
        /// The registration.
        client: ClientView,
        /// Shown once.
        client_secret: Option<String>,
    },
    /// Clients.
    Clients(Vec<ClientView>),
    /// Users, and where the next page begins.
    Users {
        /// The page.
        users: Vec<UserView>,
        /// `None`: the last page.
        next: Option<UserId>,
    },
    /// One user.
    User {
        /// Which.
        user: UserId,
        /// What the account holds.
        overview: Box<OverviewOutcome>,
    },
    /// Recoveries, and where the next page begins.
    Recoveries {
        /// Those of the page.
        recoveries: Vec<RecoveryRow>,
        /// `None`: the last page.
        next: Option<UserId>,
    },
    /// Something was changed, or was so already.
    Changed {
        /// Did it change?
        changed: bool,
        /// How many things, where that is a number.
        count: usize,
    },
    /// A link that sets a new password.
    ResetLink {
        /// Shown once.
        url: String,
        /// Milliseconds since the epoch.
        expires_at: schema::Timestamp,
    },
    /// Policies.
    Policies(Vec<Policy>),
    /// What each policy asks of a user.
    Explained(Vec<Explained>),
    /// Signing keys.
    Keys(Vec<KeyView>),
    /// Master keys.
    DataKeys(Vec<DataKeyView>),
    /// What was sealed anew, and where the next page begins.
    Resealed(Resealed),
    /// Not done, and why.
    Refused {
        /// For the operator.
        message: String,
    },
}

/// A client without its secrets.
#[derive(Debug, Serialize, Deserialize)]
pub struct ClientView {
    /// Which.
    pub client_id: ClientId,
    /// Its name.
    pub name: String,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after logout.
    pub post_logout_redirect_uris: Vec<String>,
    /// What it may ask for.
    pub scopes: Vec<String>,
    /// Has it no secret?
    pub public: bool,
    /// Is no consent asked?
    pub trusted: bool,
    /// Is PKCE required?
    pub require_pkce: bool,
    /// How its ID tokens are signed.
    pub id_token_alg: SigningAlg,
    /// When it was registered.
    pub created_at: schema::Timestamp,
}

impl From<Client> for ClientView {
    fn from(client: Client) -> Self {
        Self {
            public: client.auth == ClientAuth::None,
            client_id: client.client,
            name: client.name,
            redirect_uris: client.redirect_uris,
            post_logout_redirect_uris: client.post_logout_redirect_uris,
            scopes: client.scopes.into_iter().collect(),
            trusted: client.trusted,
            require_pkce: client.require_pkce,
            id_token_alg: client.id_token_alg,
            created_at: client.created_at,
        }
    }
}

/// A user in a list.
#[derive(Debug, Serialize, Deserialize)]
pub struct UserView {
    /// Which.
    pub user: UserId,
    /// The name.
    pub user_name: String,
    /// The address.
    pub email: Option<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// May the user sign in?
    pub active: bool,
    /// Registration.
    pub created_at: schema::Timestamp,
}

/// A recovery in a list.
#[derive(Debug, Serialize, Deserialize)]
pub struct RecoveryRow {
    /// Whose.
    pub user: UserId,
    /// The name.
    pub user_name: String,
    /// When it was begun, is due, and ends.
    #[serde(flatten)]
    pub recovery: RecoveryShown,
}
