//! May a code be sent to an address now? The bounds are asked before, and settled after.

use actors::{call::CallError, domain::phone::PhoneNumber, recipients::Counted};
use schema::record::{Channel, SmsCount};

use super::address::field;
use crate::{
    error::PageError,
    extract::{LiveSession, Visit},
    locale::text,
    page::FormError,
    routes::fee::{self, Fee},
};

/// A message that may be sent.
#[derive(Debug)]
#[must_use = "what is not sent is to be settled"]
pub(super) struct Allowed {
    counted: Counted,
    fee: Option<Fee>,
}

impl Allowed {
    /// Where it counts, for the command that sends it.
    pub(super) fn sms_count(&self) -> Option<SmsCount> {
        self.fee.as_ref().and_then(|fee| fee.count.clone())
    }

    /// Takes it back, if it was not sent.
    pub(super) async fn settle(self, visit: &Visit, sent: bool) {
        if !sent {
            fee::give_back(visit, Some(self.counted)).await;
        }
        fee::settle(visit, self.fee, sent).await;
    }
}

/// Asks the bounds of the client's address, those of an address that nobody has confirmed, and for a text message the purse and how
/// many go unanswered.
pub(super) async fn may_send(
    way: Channel,
    visit: &Visit,
    session: &LiveSession,
    address: &str,
) -> Result<Result<Allowed, FormError>, PageError> {
    visit.may_cause_a_message()?;
    let counted = match visit.state.services.recipients.take(address).await.map_err(CallError::from)? {
        Ok(counted) => counted,
        Err(until) => return Ok(Err(visit.too_early(until))),
    };
    if way == Channel::Email {
        return Ok(Ok(Allowed { counted, fee: None }));
    }
    let country = PhoneNumber::country_of(address).ok_or(PageError::Internal("a number that is none was kept"))?;
    match fee::pay(visit, session.user, (country, None)).await {
        Ok(Ok(fee)) => Ok(Ok(Allowed { counted, fee: Some(fee) })),
        Ok(Err(unsent)) => {
            fee::give_back(visit, Some(counted)).await;
            Ok(Err(FormError::field(field(way), fee::words(unsent).and_then(text("sms-unpaid-use-app")))))
        }
        Err(error) => {
            fee::give_back(visit, Some(counted)).await;
            Err(error)
        }
    }
}
