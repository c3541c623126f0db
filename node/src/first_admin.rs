//! The one-time link for the first administrator (HAZARDS H8): printed at the start, and anew each time it has expired,
//! until it was used. It goes to stdout and never into the log. Every node of a cluster prints the same one.

use std::time::Duration;

use actors::Services;
use schema::Timestamp;

use crate::print;

/// How often it is looked whether somebody has used the link.
const LOOK: Duration = Duration::from_mins(1);

/// Prints links until there is an administrator.
pub async fn invite(services: Services) {
    loop {
        match services.registration.setup_link().await {
            Ok(None) => return,
            Ok(Some((token, until))) => {
                let text = invitation(&services.settings.issuer, token.expose(), until);
                if let Err(error) = print::text(&text) {
                    tracing::warn!(%error, "the link for the first administrator could not be printed");
                }
                let left_ms = until.as_millis() - services.clock.now().as_millis();
                tokio::time::sleep(Duration::from_millis(u64::try_from(left_ms).unwrap_or(0)).max(LOOK)).await;
            }
            Err(error) => {
                tracing::warn!(%error, "no link for the first administrator could be made");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

fn invitation(issuer: &str, token: &str, until: Timestamp) -> String {
    let until = print::moment(until);
    format!(
        "\n\
         There is no administrator yet. This link makes the first one; it works once, until {until}:\n\n  \
         {issuer}/setup?token={token}\n\n\
         In this release an administrator is an account with the role `admin`, ready for the admin pages that come later.\n\
         Today clients, users and keys are managed on the command line: doorward --help\n\n"
    )
}
