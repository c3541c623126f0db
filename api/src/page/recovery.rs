//! `/login/recovery` and `/recovery/cancel`: an account whose second factors are all lost.

use serde::Serialize;

use super::{ClientLine, Concealed, Cooldown, FormError, NextStep, Page, When, form::form_title};
use crate::locale::{Text, text};

/// `/login/recovery`: a form that begins a recovery, one that has a code sent, and one (field `code`) that completes it, each with
/// hidden `l`.
#[derive(Clone, Debug, Serialize)]
pub struct RecoveryPage {
    /// The login's id.
    pub login: String,
    /// Who asked for the sign-in.
    pub client: Option<ClientLine>,
    /// Where the account stands.
    pub stage: RecoveryStage,
    /// The ways that there are to give a second step after all.
    pub ways: NextStep,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

/// Where an account stands.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum RecoveryStage {
    /// It is not recovered here.
    NotOffered,
    /// A recovery can be begun.
    Open {
        /// How many days it would wait.
        days: u64,
    },
    /// One waits.
    Waiting {
        /// Since when.
        begun: When,
        /// Until when.
        due: When,
    },
    /// One can be completed.
    Due {
        /// Until when.
        until: When,
        /// Where the code goes, mostly hidden.
        to: String,
        /// Was one sent for this login?
        sent: bool,
        /// When another one can be asked for, if not yet.
        again: Option<Cooldown>,
    },
    /// One was cancelled.
    Closed {
        /// When another can be begun; none as long as the password is the same.
        until: Option<When>,
    },
}

impl Page for RecoveryPage {
    const TEMPLATE: &'static str = "recovery.html";

    fn title(&self) -> Text {
        let title = match &self.stage {
            RecoveryStage::NotOffered | RecoveryStage::Open { .. } => text("recovery-title"),
            RecoveryStage::Waiting { .. } => text("recovery-waits-title"),
            RecoveryStage::Due { .. } => text("recovery-due-title"),
            RecoveryStage::Closed { .. } => text("recovery-closed-title"),
        };
        form_title(title, self.error.as_ref())
    }
}

/// `/recovery/cancel?token=`: a button, hidden `token`.
#[derive(Clone, Debug, Serialize)]
pub struct RecoveryCancelPage {
    /// The token of the link.
    pub token: Concealed,
    /// Whose account it is.
    pub user_name: String,
    /// When the recovery was begun.
    pub begun: When,
    /// From when on it counts.
    pub due: When,
}

impl Page for RecoveryCancelPage {
    const TEMPLATE: &'static str = "recovery_cancel.html";

    fn title(&self) -> Text {
        text("recovery-cancel-title")
    }
}

/// `/recovery/cancel?done=`: what to do next.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RecoveryCancelledPage {
    /// Whether a link to set a new password can be sent.
    pub forgot: bool,
}

impl Page for RecoveryCancelledPage {
    const TEMPLATE: &'static str = "recovery_cancelled.html";

    fn title(&self) -> Text {
        text("recovery-cancelled-title")
    }
}
