//! `doorward client …`, `user …` and `keys …`: a verb becomes a request, its response is printed.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use actors::{
    clients::NewClient,
    operator::{RecoveryRow, Request, Response, UserView},
};
use schema::record::SigningAlg;

use super::{
    Usage, pretty,
    reach::{Missing, Reach},
};
use crate::{
    cli::{
        Alg, ClientCreate, ClientVerb, Confirm, MfaVerb, Output, PasswordVerb, RecoveryVerb, RoleChange, RoleVerb,
        SigningVerb, User, UserVerb,
    },
    config::Config,
    telemetry,
};

/// What a verb asks for, and how its answer is printed.
pub(super) struct Errand {
    request: Request,
    show: pretty::Show,
    output: Output,
    missing: Missing,
}

/// `doorward client …`. Asks for confirmation first where something is destroyed.
pub(super) fn run_client(verb: ClientVerb, config: &Config) -> anyhow::Result<()> {
    client(verb)?.run(config)
}

/// `doorward user …`
pub(super) fn run_user(verb: UserVerb, config: &Config) -> anyhow::Result<()> {
    user(verb)?.run(config)
}

/// `doorward keys signing …`
pub(super) fn run_signing(verb: &SigningVerb, config: &Config) -> anyhow::Result<()> {
    signing(verb).run(config)
}

fn client(verb: ClientVerb) -> anyhow::Result<Errand> {
    Ok(match verb {
        ClientVerb::Create(create) => {
            let output = create.print.output;
            let errand = Errand::new(Request::ClientCreate(new_client(create)), pretty::Show::Whole, output);
            Errand { missing: Missing::Make, ..errand }
        }
        ClientVerb::List { print } => Errand::new(Request::ClientList, pretty::Show::Whole, print.output),
        ClientVerb::RotateSecret { client, print } => {
            Errand::new(Request::ClientRotateSecret(client_id(&client)?), pretty::Show::Whole, print.output)
        }
        ClientVerb::Delete { client, confirm, print } => {
            let id = client_id(&client)?;
            confirmed(confirm, &format!("remove the application {id}"))?;
            Errand::new(Request::ClientDelete(id), pretty::Show::Done("removed"), print.output)
        }
    })
}

fn user(verb: UserVerb) -> anyhow::Result<Errand> {
    use pretty::Show;
    let about =
        |make: fn(String) -> Request, show: Show, user: User| Errand::new(make(user.user), show, user.print.output);
    Ok(match verb {
        UserVerb::List { print } => Errand::new(Request::UserList { after: None }, Show::Whole, print.output),
        UserVerb::Show(user) => about(Request::UserShow, Show::Whole, user),
        UserVerb::Disable(user) => about(Request::UserDisable, Show::Done("disabled"), user),
        UserVerb::Enable(user) => about(Request::UserEnable, Show::Done("enabled"), user),
        UserVerb::EndSessions(user) => about(Request::UserEndSessions, Show::Count("sessions ended"), user),
        UserVerb::Mfa(MfaVerb::List(user)) => about(Request::UserShow, Show::SecondFactors, user),
        UserVerb::Mfa(MfaVerb::Reset { user, confirm }) => {
            confirmed(confirm, &format!("remove all second factors of {}", user.user))?;
            about(Request::UserMfaReset, Show::Count("second factors removed"), user)
        }
        UserVerb::Mfa(MfaVerb::Remove { user, device, confirm, print }) => {
            confirmed(confirm, &format!("remove the second factor {device} of {user}"))?;
            Errand::new(Request::UserMfaRemove { user, device }, Show::Done("removed"), print.output)
        }
        UserVerb::Mfa(MfaVerb::Require { user, not }) => {
            let done = Show::Done(if not { "left to the policies" } else { "required" });
            Errand::new(Request::UserMfaRequire { user: user.user, required: !not }, done, user.print.output)
        }
        UserVerb::Recovery(RecoveryVerb::List { print }) => {
            Errand::new(Request::UserRecoveryList { after: None }, Show::Whole, print.output)
        }
        UserVerb::Recovery(RecoveryVerb::Cancel(user)) => {
            about(Request::UserRecoveryCancel, Show::Done("cancelled"), user)
        }
        UserVerb::Password(PasswordVerb::Reset(user)) => about(Request::UserPasswordReset, Show::Whole, user),
        UserVerb::Role(RoleVerb::Give(change)) => role(change, true),
        UserVerb::Role(RoleVerb::Take(change)) => role(change, false),
    })
}

fn role(RoleChange { user, role, print }: RoleChange, given: bool) -> Errand {
    let done = if given { "given" } else { "taken away" };
    Errand::new(Request::UserRole { user, role, given }, pretty::Show::Done(done), print.output)
}

fn signing(verb: &SigningVerb) -> Errand {
    let (request, print) = match verb {
        SigningVerb::List { print } => (Request::KeysList, print),
        SigningVerb::Rotate { print } => (Request::KeysRotate(None), print),
    };
    Errand::new(request, pretty::Show::Whole, print.output)
}

fn new_client(create: ClientCreate) -> NewClient {
    NewClient {
        name: create.name,
        redirect_uris: create.redirect_uris,
        post_logout_redirect_uris: create.post_logout_redirect_uris,
        scope: create.scope,
        public: create.public,
        trusted: create.trusted,
        require_pkce: create.require_pkce,
        id_token_alg: match create.id_token_alg {
            Alg::Rs256 => SigningAlg::RS256,
            Alg::Es256 => SigningAlg::ES256,
            Alg::EdDsa => SigningAlg::EdDSA,
        },
    }
}

pub(super) fn client_id(text: &str) -> anyhow::Result<schema::ClientId> {
    text.parse().map_err(|_| Usage(format!("{text:?} is not a client_id; `doorward client list` shows them")).into())
}

/// Asks on a terminal; without one, only `--yes` will do.
pub(super) fn confirmed(confirm: Confirm, what: &str) -> anyhow::Result<()> {
    if confirm.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Usage(format!("this would {what}; add --yes to do it without being asked")).into());
    }
    eprint!("This will {what}. Go on? [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    anyhow::ensure!(matches!(answer.trim(), "y" | "Y" | "yes"), "nothing was done");
    Ok(())
}

impl Errand {
    pub(super) const fn new(request: Request, show: pretty::Show, output: Output) -> Self {
        Self { request, show, output, missing: Missing::Refuse }
    }

    /// Runs it: finds the store, asks, prints.
    pub(super) fn run(self, config: &Config) -> anyhow::Result<()> {
        telemetry::install_command_logs()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let response = runtime.block_on(async {
            let reach = Box::pin(Reach::connect(config, self.missing)).await?;
            let response = whole(&reach, self.request).await;
            reach.close().await;
            response
        })?;
        pretty::print(&response, self.show, self.output)
    }
}

/// Asks, and puts the pages of a list together.
async fn whole(reach: &Reach, request: Request) -> anyhow::Result<Response> {
    let mut all: Vec<UserView> = Vec::new();
    let mut waiting: Vec<RecoveryRow> = Vec::new();
    let mut response = reach.ask(request).await?;
    loop {
        match response {
            Response::Users { users, next } => {
                all.extend(users);
                let Some(after) = next else { return Ok(Response::Users { users: all, next: None }) };
                response = reach.ask(Request::UserList { after: Some(after) }).await?;
            }
            Response::Recoveries { recoveries, next } => {
                waiting.extend(recoveries);
                let Some(after) = next else { return Ok(Response::Recoveries { recoveries: waiting, next: None }) };
                response = reach.ask(Request::UserRecoveryList { after: Some(after) }).await?;
            }
            other => return Ok(other),
        }
    }
}
