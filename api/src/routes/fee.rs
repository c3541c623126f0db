//! What a text message costs: paid and counted before the decision that sends it, paid back and taken back if none was sent.

use actors::{
    call::CallError,
    domain::{
        phone::Country,
        sms::Unpaid,
        sms_fraud::{Scope, Suspicion},
    },
    recipients::Counted,
    sms_budget::Paid,
};
use schema::{UserId, record::SmsCount};

use crate::{
    error::PageError,
    extract::Visit,
    locale::{Text, text},
};

/// A message that may be sent.
#[derive(Debug)]
#[must_use = "what is not sent is to be settled"]
pub(super) struct Fee {
    paid: Paid,
    /// That of the number, if it is confirmed.
    number: Option<Counted>,
    /// Where it counts, if it does; for the command that sends it.
    pub(super) count: Option<SmsCount>,
}

/// Why none is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unsent {
    /// It costs too much.
    Unpaid(Unpaid),
    /// It looks like fraud.
    Suspected(Suspicion),
}

/// Pays and counts a message to a number of this country, or says why it is not sent. A number that is confirmed is named by its count.
pub(super) async fn pay(
    visit: &Visit,
    user: UserId,
    (country, number): (Country, Option<&str>),
) -> Result<Result<Fee, Unsent>, PageError> {
    let services = &visit.state.services;
    let mut counted = None;
    if let Some(number) = number {
        let Ok(taken) = services.recipients.take_confirmed(number).await.map_err(CallError::from)? else {
            let why = (country, Unpaid::Number);
            services.sms_budget.refuse(user, &visit.attempt(), why).map_err(CallError::from)?;
            return Ok(Err(Unsent::Unpaid(Unpaid::Number)));
        };
        counted = Some(taken);
    }
    let paid = pay_and_count(visit, user, country).await;
    if !matches!(paid, Ok(Ok(_))) {
        give_back(visit, counted.take()).await;
    }
    Ok(paid?.map(|(paid, count)| Fee { paid, number: counted, count }))
}

async fn pay_and_count(
    visit: &Visit,
    user: UserId,
    country: Country,
) -> Result<Result<(Paid, Option<SmsCount>), Unsent>, PageError> {
    let services = &visit.state.services;
    let paid = match services.sms_budget.pay(user, &visit.attempt(), country).await.map_err(CallError::from)? {
        Ok(paid) => paid,
        Err(unpaid) => return Ok(Err(Unsent::Unpaid(unpaid))),
    };
    let counted = services.sms_fraud.count(user, &visit.attempt(), country, visit.caller.address).await;
    match counted {
        Ok(Ok(count)) => Ok(Ok((paid, count))),
        Ok(Err(suspicion)) => {
            services.sms_budget.pay_back(&paid);
            Ok(Err(Unsent::Suspected(suspicion)))
        }
        Err(error) => {
            services.sms_budget.pay_back(&paid);
            Err(CallError::from(error).into())
        }
    }
}

/// Pays back what was not sent, and takes back its count.
pub(super) async fn settle(visit: &Visit, fee: Option<Fee>, sent: bool) {
    if let Some(Fee { paid, number, count }) = fee.filter(|_| !sent) {
        give_back(visit, number).await;
        visit.state.services.sms_budget.pay_back(&paid);
        if let Some(count) = count {
            visit.state.services.sms_fraud.not_sent(count);
        }
    }
}

/// Takes a message out of the count of its address that was not sent. Where that fails it stays counted: rather too strict.
pub(super) async fn give_back(visit: &Visit, counted: Option<Counted>) {
    let Some(counted) = counted else { return };
    if let Err(error) = visit.state.services.recipients.give_back(counted).await {
        tracing::warn!(%error, "a message that was not sent stays counted");
    }
}

/// What somebody is told who gets no text message.
pub(super) const fn words(unsent: Unsent) -> Text {
    match unsent {
        Unsent::Unpaid(Unpaid::Country) => text("sms-unpaid-country"),
        Unsent::Unpaid(Unpaid::CountryPerDay | Unpaid::CountryShare) => text("sms-unpaid-country-day"),
        Unsent::Unpaid(Unpaid::Budget) => text("sms-unpaid-budget"),
        Unsent::Unpaid(Unpaid::Number) => text("sms-unpaid-number"),
        Unsent::Suspected(suspicion) => match suspicion.scope() {
            Scope::Country => text("sms-held-country"),
            Scope::Address => text("sms-held-address"),
        },
    }
}
