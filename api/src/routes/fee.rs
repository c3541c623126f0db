//! What a text message costs: paid before the decision that sends it, paid back if none was sent.

use actors::{
    call::CallError,
    domain::{phone::Country, sms::Unpaid},
    sms_budget::Paid,
};
use schema::UserId;

use crate::{error::PageError, extract::Visit};

/// Pays a message to a number of this country, or says why it is not sent.
pub(super) async fn pay(visit: &Visit, user: UserId, country: Country) -> Result<Result<Paid, Unpaid>, PageError> {
    let budget = &visit.state.services.sms_budget;
    Ok(budget.pay(user, &visit.attempt(), country).await.map_err(CallError::from)?)
}

/// Pays back what was not sent.
pub(super) fn settle(visit: &Visit, paid: Option<Paid>, sent: bool) {
    if let Some(paid) = paid.filter(|_| !sent) {
        visit.state.services.sms_budget.pay_back(&paid);
    }
}

/// What somebody is told who gets no text message.
pub(super) const fn words(unpaid: Unpaid) -> &'static str {
    match unpaid {
        Unpaid::Country => "Text messages are not sent to numbers of this country.",
        Unpaid::CountryPerDay => "No more text messages are sent to numbers of this country today.",
        Unpaid::Budget => "No more text messages are sent today.",
    }
}
