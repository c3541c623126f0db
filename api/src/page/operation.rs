//! `/consent` for an operation: what an application wants confirmed, as it will read it.

use actors::domain::authorization_details::{kind, lines};
use schema::record::AuthorizationDetail;
use serde::Serialize;

use super::{ClientLine, Page, ScopeLine};
use crate::locale::{Text, text};

/// `/consent`: buttons `decision=allow` and `decision=deny`, hidden `l`.
#[derive(Clone, Debug, Serialize)]
pub struct OperationPage {
    /// The login's id.
    pub login: String,
    /// Who asks.
    pub client: ClientLine,
    /// Who confirms it.
    pub user_name: String,
    /// What is confirmed.
    pub operations: Vec<OperationLines>,
    /// What is asked for beside it, in words; nothing that was allowed before.
    pub scopes: Vec<ScopeLine>,
}

impl Page for OperationPage {
    const TEMPLATE: &'static str = "operation.html";

    fn title(&self) -> Text {
        text("operation-title").with("client", self.client.name.clone())
    }
}

/// One operation.
#[derive(Clone, Debug, Serialize)]
pub struct OperationLines {
    /// Its type, such as `wire.transfer`.
    pub kind: String,
    /// What it says, line by line.
    pub lines: Vec<OperationLine>,
}

/// One value.
#[derive(Clone, Debug, Serialize)]
pub struct OperationLine {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub value: String,
}

impl OperationLines {
    /// All that these objects say.
    pub fn all(details: &[AuthorizationDetail]) -> Vec<Self> {
        let line = |(name, value)| OperationLine { name, value };
        let one = |detail: &AuthorizationDetail| Self {
            kind: kind(detail).unwrap_or_default().to_owned(),
            lines: lines(detail).into_iter().map(line).collect(),
        };
        details.iter().map(one).collect()
    }
}
