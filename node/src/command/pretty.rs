//! Responses as tables for people and as JSON for programs.

use std::fmt::Write as _;

use actors::{
    data_keys::DataKeyView,
    domain::command::{AddressView, OverviewOutcome, RecoveryShown},
    key_ring::KeyView,
    operator::{ClientView, RecoveryRow, Response, UserView},
};
use schema::{
    Timestamp,
    record::{AccountStatus, FactorState, SigningKeyState},
};
use serde_json::{Value, json};

use super::policy;
use crate::{
    cli::Output,
    print::{self, columns, facts, harmless, moment},
};

/// Which part of a response a verb is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Show {
    /// All of it.
    Whole,
    /// The second factors of a user.
    SecondFactors,
    /// That something was done, in a word; or that it was so already.
    Done(&'static str),
    /// How many, and of what.
    Count(&'static str),
}

/// Prints a response.
pub(super) fn print(response: &Response, show: Show, output: Output) -> anyhow::Result<()> {
    match output {
        Output::Json => print::json(&as_json(response, show)?),
        Output::Table => print::text(&as_text(response, show)),
    }
}

fn as_json(response: &Response, show: Show) -> anyhow::Result<Value> {
    Ok(match response {
        Response::Client { client, client_secret } => {
            let mut value = serde_json::to_value(client)?;
            if let Some(secret) = client_secret {
                value["client_secret"] = secret.as_str().into();
            }
            value
        }
        Response::Clients(clients) => serde_json::to_value(clients)?,
        Response::Users { users, .. } => serde_json::to_value(users)?,
        Response::Recoveries { recoveries, .. } => serde_json::to_value(recoveries)?,
        Response::User { user, overview } => match show {
            Show::SecondFactors => json!({
                "user": user,
                "totp": overview.totps,
                "sms": overview.phones,
                "email": overview.emails,
                "passkeys": overview.passkeys,
                "backup_codes_left": overview.backup_codes_left,
                "mfa_required_at": overview.mfa_required_at,
            }),
            Show::Whole | Show::Done(_) | Show::Count(_) => {
                let mut value = serde_json::to_value(overview)?;
                value["user"] = user.to_string().into();
                value
            }
        },
        Response::Policies(policies) => serde_json::to_value(policies)?,
        Response::Explained(explained) => serde_json::to_value(explained)?,
        Response::Changed { changed, count } => json!({ "changed": changed, "count": count }),
        Response::ResetLink { url, expires_at } => json!({ "url": url, "expires_at": expires_at }),
        Response::Keys(keys) => serde_json::to_value(keys)?,
        Response::DataKeys(keys) => serde_json::to_value(keys)?,
        Response::Resealed(done) => json!({ "looked_at": done.looked_at, "resealed": done.resealed }),
        Response::Refused { message } => json!({ "refused": message }),
    })
}

fn as_text(response: &Response, show: Show) -> String {
    match response {
        Response::Client { client, client_secret } => client_facts(client, client_secret.as_deref()),
        Response::Clients(clients) => client_table(clients),
        Response::Users { users, .. } => user_table(users),
        Response::Recoveries { recoveries, .. } => recovery_table(recoveries),
        Response::User { user, overview } => match show {
            Show::SecondFactors => second_factors(overview),
            Show::Whole | Show::Done(_) | Show::Count(_) => user_facts(&user.to_string(), overview),
        },
        Response::Policies(policies) => policy::table(policies),
        Response::Explained(explained) => policy::explained(explained),
        Response::Changed { changed, count } => match show {
            Show::Done(done) if *changed => format!("{done}\n"),
            Show::Done(done) => format!("was {done} already\n"),
            Show::Count(what) => format!("{count} {what}\n"),
            Show::Whole | Show::SecondFactors => String::new(),
        },
        Response::ResetLink { url, expires_at } => facts(&[
            ("link", url.clone()),
            ("good until", moment(*expires_at)),
            ("note", "whoever opens it sets the password; hand it over safely, it is not shown again".to_owned()),
        ]),
        Response::Keys(keys) => key_table(keys),
        Response::DataKeys(keys) => data_key_table(keys),
        Response::Resealed(done) => format!("{} secrets were sealed anew\n", done.resealed),
        Response::Refused { message } => format!("{message}\n"),
    }
}

fn client_facts(client: &ClientView, secret: Option<&str>) -> String {
    let mut list = vec![("client_id", client.client_id.to_string())];
    if let Some(secret) = secret {
        list.push(("client_secret", format!("{secret}   (not shown again)")));
    }
    list.extend([
        ("name", harmless(&client.name)),
        ("redirect URIs", client.redirect_uris.join(" ")),
        ("post-logout redirect URIs", client.post_logout_redirect_uris.join(" ")),
        ("scopes", client.scopes.join(" ")),
        ("public", yes_no(client.public)),
        ("trusted", yes_no(client.trusted)),
        ("PKCE required", yes_no(client.require_pkce)),
        ("ID tokens signed by", format!("{:?}", client.id_token_alg)),
        ("registered", moment(client.created_at)),
    ]);
    facts(&list)
}

fn client_table(clients: &[ClientView]) -> String {
    let row = |client: &ClientView| {
        vec![
            client.client_id.to_string(),
            harmless(&client.name),
            if client.public { "public" } else { "confidential" }.to_owned(),
            yes_no(client.trusted),
            moment(client.created_at),
            client.redirect_uris.join(" "),
        ]
    };
    let head = ["CLIENT_ID", "NAME", "TYPE", "TRUSTED", "REGISTERED", "REDIRECT URIS"];
    columns(&head, &clients.iter().map(row).collect::<Vec<_>>())
}

fn user_table(users: &[UserView]) -> String {
    let row = |user: &UserView| {
        vec![
            user.user.to_string(),
            harmless(&user.user_name),
            user.email.as_deref().map_or_else(|| "-".to_owned(), harmless),
            if user.active { "active" } else { "disabled" }.to_owned(),
            if user.roles.is_empty() { "-".to_owned() } else { user.roles.join(" ") },
            moment(user.created_at),
        ]
    };
    let head = ["ID", "NAME", "E-MAIL", "STATUS", "ROLES", "REGISTERED"];
    columns(&head, &users.iter().map(row).collect::<Vec<_>>())
}

fn recovery_table(recoveries: &[RecoveryRow]) -> String {
    let row = |row: &RecoveryRow| {
        let of = &row.recovery;
        let times = [of.begun_at, of.due_at, of.expires_at].map(moment);
        [row.user.to_string(), harmless(&row.user_name)].into_iter().chain(times).collect()
    };
    let head = ["ID", "NAME", "BEGUN", "DUE", "ENDS"];
    columns(&head, &recoveries.iter().map(row).collect::<Vec<_>>())
}

fn user_facts(id: &str, user: &OverviewOutcome) -> String {
    let verified = if user.email_verified { "verified" } else { "not verified" };
    let email =
        user.email.as_deref().map_or_else(|| "-".to_owned(), |email| format!("{} ({verified})", harmless(email)));
    let status = match user.status {
        AccountStatus::Active => "active".to_owned(),
        AccountStatus::Disabled { at } => format!("disabled since {}", moment(at)),
    };
    let mut text = facts(&[
        ("id", id.to_owned()),
        ("name", harmless(&user.user_name)),
        ("e-mail", email),
        ("status", status),
        ("roles", user.roles.iter().cloned().collect::<Vec<_>>().join(" ")),
        ("registered", moment(user.created_at)),
        ("password set", password(user)),
        ("recovery", user.recovery.as_ref().map_or_else(|| "-".to_owned(), recovery)),
        ("sessions", user.sessions.len().to_string()),
    ]);
    for session in &user.sessions {
        let agent = harmless(session.user_agent.as_deref().unwrap_or("-"));
        let address = session.address.as_deref().unwrap_or("-");
        let (since, last) = (moment(session.started_at), moment(session.last_seen_at));
        let _ = writeln!(text, "  since {since}  last used {last}  {address}  {agent}");
    }
    text.push_str("second factors\n");
    for line in second_factors(user).lines() {
        let _ = writeln!(text, "  {line}");
    }
    text
}

fn password(user: &OverviewOutcome) -> String {
    let set = optional(user.password_changed_at);
    match user.password_compromised_at {
        Some(at) => format!("{set}; somebody else may know it since {}, the next sign-in asks for another", moment(at)),
        None => set,
    }
}

fn recovery(recovery: &RecoveryShown) -> String {
    let [begun, due, end] = [recovery.begun_at, recovery.due_at, recovery.expires_at].map(moment);
    format!("begun {begun}, can be completed from {due} to {end}")
}

fn second_factors(user: &OverviewOutcome) -> String {
    let state = |suspended, state| if suspended { "suspended" } else { factor_state(state) }.to_owned();
    let totps = user.totps.iter().map(|totp| {
        let (name, state) = (harmless(&totp.name), state(totp.suspended, totp.state));
        vec![
            totp.factor.to_string(),
            "TOTP".to_owned(),
            name,
            state,
            moment(totp.created_at),
            optional(totp.last_used_at),
        ]
    });
    let sent_to = |kind: &'static str, address: &AddressView| {
        let called = [address.name.as_str(), &address.address].into_iter().filter(|part| !part.is_empty());
        let (name, state) = (harmless(&called.collect::<Vec<_>>().join(" ")), state(address.suspended, address.state));
        vec![
            address.factor.to_string(),
            kind.to_owned(),
            name,
            state,
            moment(address.created_at),
            optional(address.last_used_at),
        ]
    };
    let phones = user.phones.iter().map(|phone| sent_to("phone", phone));
    let emails = user.emails.iter().map(|email| sent_to("e-mail", email));
    let passkeys = user.passkeys.iter().map(|passkey| {
        let (name, state) = (harmless(&passkey.name), factor_state(passkey.state).to_owned());
        let times = [moment(passkey.created_at), optional(passkey.last_used_at)];
        [passkey.factor.to_string(), "passkey".to_owned(), name, state].into_iter().chain(times).collect()
    });
    let rows: Vec<Vec<String>> = totps.chain(phones).chain(emails).chain(passkeys).collect();
    let table = columns(&["ID", "METHOD", "NAME", "STATE", "ADDED", "LAST USED"], &rows);
    let required = user.mfa_required_at.map(|at| format!("a second step is required since {}\n", moment(at)));
    format!("{table}backup codes left: {}\n{}", user.backup_codes_left, required.unwrap_or_default())
}

const fn factor_state(state: FactorState) -> &'static str {
    match state {
        FactorState::Registered => "registered",
        FactorState::AwaitingActivation { .. } => "awaits its first code",
        FactorState::Activated { .. } => "active",
        FactorState::Revoked { .. } => "revoked",
    }
}

fn key_table(keys: &[KeyView]) -> String {
    let row = |key: &KeyView| {
        let state = match key.state {
            SigningKeyState::Pending { from } => format!("published, signs from {}", moment(from)),
            SigningKeyState::Active { since } => format!("signs since {}", moment(since)),
            SigningKeyState::Retiring { until } => format!("published until {}", moment(until)),
        };
        vec![key.kid.to_string(), format!("{:?}", key.alg), state, moment(key.created_at)]
    };
    columns(&["KID", "ALGORITHM", "STATE", "MADE"], &keys.iter().map(row).collect::<Vec<_>>())
}

fn data_key_table(keys: &[DataKeyView]) -> String {
    let row = |key: &DataKeyView| {
        let state = match (key.active, key.known_since) {
            (true, _) => "active",
            (false, Some(_)) => "opens what it sealed",
            (false, None) => "not used yet",
        };
        vec![key.id.to_string(), state.to_owned(), optional(key.known_since)]
    };
    columns(&["ID", "STATE", "FIRST ACTIVE"], &keys.iter().map(row).collect::<Vec<_>>())
}

fn optional(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "never".to_owned(), moment)
}

fn yes_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}
