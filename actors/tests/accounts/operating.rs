//! What operators ask for, each request, and that each change is told under their name.

use actors::{
    clients::NewClient,
    domain::{assurance::Acr, command::SignInOutcome},
    operator::{Operator, Request, Response},
};
use schema::{
    ClientId, Timestamp,
    record::{AccountStatus, Policy, PolicyMethod, PolicyMode, PolicyScope, SigningAlg, SigningKeyState},
};

use crate::support::{PASSWORD, World, soon};

const ME: &str = "operator uid 0";

struct Desk {
    world: World,
    operator: Operator,
}

impl Desk {
    async fn new() -> Self {
        let world = World::new().await;
        let operator = Operator::new(world.services.clone());
        Self { world, operator }
    }

    async fn ask(&self, request: Request) -> Response {
        self.operator.run(ME.to_owned(), request, soon()).await
    }

    /// Was this told under the operator's name?
    async fn told(&self, kind: &str) -> bool {
        self.world.audit().await.iter().any(|event| event.kind == kind && event.actor == ME)
    }
}

fn shop() -> NewClient {
    NewClient {
        name: "Shop".to_owned(),
        redirect_uris: vec!["https://shop.example.org/cb".to_owned()],
        post_logout_redirect_uris: Vec::new(),
        scope: "openid".to_owned(),
        public: false,
        trusted: false,
        require_pkce: false,
        id_token_alg: SigningAlg::RS256,
    }
}

#[tokio::test]
async fn clients_are_created_listed_given_new_secrets_and_deleted() {
    let desk = Desk::new().await;
    let Response::Client { client, client_secret: Some(secret) } = desk.ask(Request::ClientCreate(shop())).await else {
        panic!("created")
    };
    let id = client.client_id;
    let clients = &desk.world.services.clients;
    let stored = clients.get(&id).await.expect("works").expect("there");
    let matches = |client: &_, secret: &str| clients.secret_matches(client, secret).expect("the clock is right");
    assert!(matches(&stored, &secret) && !matches(&stored, "guess"));
    let Response::Clients(all) = desk.ask(Request::ClientList).await else { panic!("listed") };
    assert_eq!(all.iter().map(|client| &client.client_id).collect::<Vec<_>>(), [&id]);
    let rotated = desk.ask(Request::ClientRotateSecret(id.clone())).await;
    let Response::Client { client_secret: Some(new), .. } = rotated else { panic!("{rotated:?}") };
    let stored = clients.get(&id).await.expect("works").expect("there");
    assert!(matches(&stored, &new));
    assert!(matches!(desk.ask(Request::ClientDelete(id.clone())).await, Response::Changed { changed: true, .. }));
    assert!(clients.get(&id).await.expect("works").is_none());
    assert!(matches!(desk.ask(Request::ClientDelete(id.clone())).await, Response::Refused { .. }));
    assert!(matches!(desk.ask(Request::ClientRotateSecret(id)).await, Response::Refused { .. }));
    for kind in ["client.created", "client.secret_rotated", "client.deleted"] {
        assert!(desk.told(kind).await, "{kind}");
    }
}

#[tokio::test]
async fn a_client_that_breaks_a_rule_is_refused_with_the_reason() {
    let desk = Desk::new().await;
    let bad = NewClient { redirect_uris: vec!["http://shop.example.org/cb".to_owned()], ..shop() };
    let refused = desk.ask(Request::ClientCreate(bad)).await;
    assert!(matches!(&refused, Response::Refused { message } if message.contains("http")), "{refused:?}");
    let public = desk.ask(Request::ClientCreate(NewClient { public: true, ..shop() })).await;
    let Response::Client { client, client_secret: None } = public else { panic!("{public:?}") };
    assert!(client.public && client.require_pkce);
    assert!(matches!(desk.ask(Request::ClientRotateSecret(client.client_id)).await, Response::Refused { .. }));
}

#[tokio::test]
async fn users_are_listed_and_shown_by_name_and_by_id() {
    let desk = Desk::new().await;
    let (person, _) = desk.world.register_with_totp("Ada").await;
    desk.world.register("bob").await;
    let Response::Users { users, next: None } = desk.ask(Request::UserList { after: None }).await else {
        panic!("one page")
    };
    let mut names: Vec<&str> = users.iter().map(|user| user.user_name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Ada", "bob"]);
    for who in ["ada".to_owned(), person.user.to_string()] {
        let Response::User { user, overview } = desk.ask(Request::UserShow(who)).await else { panic!("shown") };
        assert_eq!((user, overview.totps.len(), overview.backup_codes_left), (person.user, 1, 10));
    }
    assert!(matches!(desk.ask(Request::UserShow("nobody".to_owned())).await, Response::Refused { .. }));
}

/// Whoever reads their id in a token could else take it for the name of a second account, which is then hit instead.
#[tokio::test]
async fn an_id_means_the_user_of_that_id_whoever_took_it_for_a_name() {
    let desk = Desk::new().await;
    let person = desk.world.register("mallory").await;
    let decoy = desk.world.register(&person.user.to_string()).await;
    let id = person.user.to_string();
    assert!(matches!(desk.ask(Request::UserDisable(id)).await, Response::Changed { changed: true, .. }));
    assert_eq!(desk.world.guess("mallory", PASSWORD).await, SignInOutcome::Wrong);
    desk.world.sign_in(&decoy, None).await;
    // A name in the form of an id that nobody has is a name.
    let free = "01234567-89ab-7def-8123-456789abcdef";
    let named = desk.world.register(free).await;
    let Response::User { user, .. } = desk.ask(Request::UserShow(free.to_owned())).await else { panic!("shown") };
    assert_eq!(user, named.user);
}

#[tokio::test]
async fn a_disabled_user_is_out_until_enabled_again() {
    let desk = Desk::new().await;
    let person = desk.world.register("ada").await;
    let who = || "ada".to_owned();
    for changed in [true, false] {
        let response = desk.ask(Request::UserDisable(who())).await;
        assert!(matches!(response, Response::Changed { changed: c, .. } if c == changed), "{response:?}");
    }
    assert_eq!(desk.world.guess("ada", PASSWORD).await, SignInOutcome::Wrong);
    assert!(matches!(desk.ask(Request::UserPasswordReset(who())).await, Response::Refused { .. }));
    let Response::User { overview, .. } = desk.ask(Request::UserShow(who())).await else { panic!("shown") };
    assert!(matches!(overview.status, AccountStatus::Disabled { .. }));
    assert!(overview.sessions.is_empty());
    assert!(matches!(desk.ask(Request::UserEnable(who())).await, Response::Changed { changed: true, .. }));
    desk.world.sign_in(&person, None).await;
    assert!(desk.told("account.disabled").await && desk.told("account.enabled").await);
}

#[tokio::test]
async fn sessions_and_second_factors_are_taken_away() {
    let desk = Desk::new().await;
    let (person, _) = desk.world.register_with_totp("ada").await;
    let who = || "ada".to_owned();
    let response = desk.ask(Request::UserEndSessions(who())).await;
    assert!(matches!(response, Response::Changed { changed: true, count: 1 }), "{response:?}");
    let response = desk.ask(Request::UserEndSessions(who())).await;
    assert!(matches!(response, Response::Changed { changed: false, count: 0 }), "{response:?}");
    let response = desk.ask(Request::UserMfaReset(who())).await;
    assert!(matches!(response, Response::Changed { changed: true, count: 1 }), "{response:?}");
    desk.world.sign_in(&person, None).await;
    assert!(desk.told("session.all_ended").await && desk.told("mfa.reset").await);
}

#[tokio::test]
async fn one_reset_link_counts_at_a_time() {
    let desk = Desk::new().await;
    desk.world.register("ada").await;
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let response = desk.ask(Request::UserPasswordReset("ada".to_owned())).await;
        let Response::ResetLink { url, .. } = response else { panic!("{response:?}") };
        let token = url.strip_prefix("http://localhost:11080/reset?token=").expect("a link of this issuer").to_owned();
        tokens.push(desk.world.services.tokens.locators().open_reset(&token).expect("opens"));
    }
    for (token, good) in tokens.into_iter().zip([false, true]) {
        let look = actors::domain::command::ResetPassword {
            reset: token.reset,
            secret_hash: token.secret_hash,
            new_hash: None,
        };
        let outcome = desk.world.services.accounts.ask(token.user, &desk.world.attempt(), look, soon()).await;
        let seen = matches!(outcome.expect("answers"), actors::domain::command::ResetPasswordOutcome::Good { .. });
        assert_eq!(seen, good);
    }
    assert!(desk.told("password.reset_issued").await);
}

#[tokio::test]
async fn signing_keys_are_listed_and_rotated() {
    let desk = Desk::new().await;
    let Response::Keys(before) = desk.ask(Request::KeysList).await else { panic!("listed") };
    assert_eq!(before.len(), 3);
    let Response::Keys(after) = desk.ask(Request::KeysRotate(Some(SigningAlg::EdDSA))).await else { panic!("rotated") };
    let pending = after.iter().filter(|key| matches!(key.state, SigningKeyState::Pending { .. }));
    assert_eq!((after.len(), pending.count()), (4, 1));
    assert!(desk.told("signing_key.rotated").await);
}

#[tokio::test]
async fn a_policy_asks_for_no_more_than_can_be_reached_here() {
    let policy = |at_least: Acr| {
        let now = Timestamp::from_millis(0);
        let policy = Policy::new(PolicyScope::Everybody, PolicyMode::Recommended, at_least.as_str(), now);
        Request::PolicySet(Box::new(policy))
    };
    let desk = Desk::new().await;
    let refused = desk.ask(policy(Acr::PhishingResistantHardware)).await;
    let told = |message: &str| message.contains("phrh") && message.contains("passkeys.attestation_roots");
    assert!(matches!(&refused, Response::Refused { message } if told(message)), "{refused:?}");
    assert!(matches!(desk.ask(policy(Acr::PhishingResistant)).await, Response::Policies(_)));
}

#[tokio::test]
async fn a_policy_is_for_a_client_that_there_is_and_the_audit_log_says_what_it_asks_for() {
    let desk = Desk::new().await;
    let shop = desk.world.app("shop").await;
    let policy = |client: ClientId| {
        let (scope, mode) = (PolicyScope::Client { client }, PolicyMode::Required { from: Timestamp::from_millis(0) });
        Request::PolicySet(Box::new(Policy {
            any_of: [PolicyMethod::Totp, PolicyMethod::Passkey].into(),
            all_of: [PolicyMethod::Totp].into(),
            trusted_days: Some(7),
            ..Policy::new(scope, mode, Acr::Mfa.as_str(), desk.world.now())
        }))
    };
    let refused = desk.ask(policy("c_nobody".parse().expect("an id"))).await;
    assert!(
        matches!(&refused, Response::Refused { message } if message == "there is no client c_nobody"),
        "{refused:?}"
    );
    assert!(!desk.told("policy.set").await);
    let set = desk.ask(policy(shop.client.clone())).await;
    assert!(matches!(set, Response::Policies(_)), "{set:?}");
    let audit = desk.world.audit().await;
    let event = audit.iter().find(|event| event.kind == "policy.set").expect("told");
    let facts = serde_json::json!({
        "scope": format!("client/{}", shop.client), "mode": "required", "from": 0, "at_least": Acr::Mfa.as_str(),
        "any_of": "totp passkey", "all_of": "totp", "trusted_days": 7,
    });
    assert_eq!(serde_json::to_value(&event.facts).expect("JSON"), facts);
}
