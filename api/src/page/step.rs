//! What the pages of a sign-in's further proofs share: the ways that are offered, and which step it is.

use std::collections::BTreeSet;

use actors::domain::command::{Stage, Ways};
use schema::record::PolicyMethod;
use serde::Serialize;

use crate::locale::{Text, text};

/// The ways on.
#[derive(Clone, Debug, Serialize)]
pub struct NextStep {
    /// Which there are: `totp`, `email`, `sms`, `passkey`, `backup_code`; and whether a device is `suspended`, which is none of them.
    #[serde(flatten)]
    pub ways: Ways,
    /// Which step it is, and why, where policies ask for several.
    pub stage: Option<StageLine>,
}

/// One step of several.
#[derive(Clone, Debug, Serialize)]
pub struct StageLine {
    /// The number of this step.
    pub step: usize,
    /// How many there are, at least.
    pub of: usize,
    /// Who asks for it, and for what.
    pub why: Text,
    /// Whether it is a session that is raised; then an account cannot be recovered here.
    pub raises: bool,
}

impl NextStep {
    /// These ways, in that step.
    pub fn new(ways: Ways, stage: Option<&Stage>) -> Self {
        let line = |stage: &Stage| StageLine {
            step: stage.step,
            of: stage.of,
            why: asked(&stage.asked),
            raises: stage.raises,
        };
        Self { ways, stage: stage.map(line) }
    }
}

/// What is asked for, in words.
fn asked(methods: &BTreeSet<PolicyMethod>) -> Text {
    let word = |method: &PolicyMethod| match method {
        PolicyMethod::Totp => text("asked-app"),
        PolicyMethod::Email => text("asked-email"),
        PolicyMethod::Sms => text("asked-sms"),
        PolicyMethod::Passkey => text("asked-passkey"),
    };
    match Text::all_of(methods.iter().map(word).collect()) {
        Some(what) => text("step-asked").with_text("what", what),
        None => text("step-asked-more"),
    }
}
