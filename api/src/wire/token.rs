//! Answers of the token and userinfo endpoints.

use actors::{domain::command::Profile, tokens::Tokens};
use schema::{UserId, record::AuthorizationDetail};
use serde::Serialize;

/// A token response (RFC 6749, 5.1; OpenID Connect Core, 3.1.3.3; RFC 9396, 7).
#[derive(Serialize)]
pub struct TokenResponse<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    refresh_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    scope: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    authorization_details: &'a [AuthorizationDetail],
}

impl<'a> From<&'a Tokens> for TokenResponse<'a> {
    fn from(tokens: &'a Tokens) -> Self {
        Self {
            access_token: tokens.access_token.expose(),
            token_type: "Bearer",
            expires_in: tokens.expires_in,
            refresh_token: tokens.refresh_token.expose(),
            id_token: tokens.id_token.as_ref().map(|token| token.expose().as_str()),
            scope: &tokens.scope,
            authorization_details: &tokens.authorization_details,
        }
    }
}

impl std::fmt::Debug for TokenResponse<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenResponse").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// Claims about the user (OpenID Connect Core, 5.3.2), as far as the scopes of the token go.
#[derive(Debug, Serialize)]
pub struct UserInfo {
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
}

impl UserInfo {
    /// The claims that a `scope` shows of a profile.
    pub fn of(user: UserId, profile: Profile, scope: &str) -> Self {
        let has = |name| scope.split(' ').any(|granted| granted == name);
        let named = has("profile");
        let email = profile.email.filter(|_| has("email"));
        Self {
            sub: user.to_string(),
            preferred_username: named.then_some(profile.user_name),
            updated_at: named.then(|| profile.updated_at.as_secs()),
            email_verified: email.as_ref().map(|_| profile.email_verified),
            email,
        }
    }
}

#[cfg(test)]
mod tests {
    use schema::Timestamp;

    use super::*;

    fn shown(scope: &str, email: Option<&str>) -> serde_json::Value {
        let profile = Profile {
            user_name: "ada".to_owned(),
            email: email.map(str::to_owned),
            email_verified: false,
            updated_at: Timestamp::from_millis(5_999),
        };
        serde_json::to_value(UserInfo::of(UserId::from_random([1; 16]), profile, scope)).expect("serialises")
    }

    #[test]
    fn scopes_decide_what_is_shown() {
        let sub = UserId::from_random([1; 16]).to_string();
        assert_eq!(shown("openid", Some("ada@example.org")), serde_json::json!({ "sub": sub }));
        assert_eq!(
            shown("email openid", Some("ada@example.org")),
            serde_json::json!({ "sub": sub, "email": "ada@example.org", "email_verified": false })
        );
        assert_eq!(
            shown("email openid profile", None),
            serde_json::json!({ "sub": sub, "preferred_username": "ada", "updated_at": 5 })
        );
    }
}
