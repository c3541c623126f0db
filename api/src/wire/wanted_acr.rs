//! What a request asks of the `acr` claim: by `acr_values`, which comes in the order of preference (OpenID Connect Core, 3.1.2.1), and by
//! `claims`.

use actors::domain::assurance::Acr;

use super::claims::{AcrDemand, acr_demand};
use crate::error::oauth::{ErrorCode, OAuthError};

/// What is asked for, as far as this server reaches it.
#[derive(Debug, Default)]
pub(super) struct WantedAcr {
    /// The least that is demanded.
    pub(super) least: Option<Acr>,
    /// Values of which one is demanded.
    demanded: Vec<String>,
    /// Values that are preferred.
    preferred: Vec<String>,
}

impl WantedAcr {
    /// Reads both parameters. `highest` is the highest rung that can be reached here.
    pub(super) fn read(acr_values: Option<&str>, claims: Option<&str>, highest: Acr) -> Result<Self, OAuthError> {
        let preferred = reachable(acr_values.unwrap_or_default().split(' '), highest);
        let wanted = Self { preferred, ..Self::default() };
        let Some(claims) = claims else {
            return Ok(wanted);
        };
        match acr_demand(claims, highest).map_err(|error| OAuthError::invalid_request(error.to_string()))? {
            AcrDemand::None => Ok(wanted),
            AcrDemand::Prefers(values) => Ok(Self { preferred: [wanted.preferred, values].concat(), ..wanted }),
            AcrDemand::AtLeast(least, demanded) => Ok(Self { least: Some(least), demanded, ..wanted }),
            AcrDemand::Unreachable => Err(OAuthError::new(
                ErrorCode::UnmetAuthenticationRequirements,
                "claims asks for an acr that this server does not reach; acr_values_supported has those that it does",
            )),
        }
    }

    /// The rungs that are preferred, each once.
    pub(super) fn prefers(&self) -> Vec<Acr> {
        each_once(self.preferred.iter().filter_map(|value| Acr::parse(value)))
    }

    /// All values that are asked for. What is demanded is told before what is preferred.
    pub(super) fn values(self) -> Vec<String> {
        each_once([self.demanded, self.preferred].concat().into_iter())
    }
}

/// Those of these values that can be reached here, each once.
pub(super) fn reachable<'a>(values: impl Iterator<Item = &'a str>, highest: Acr) -> Vec<String> {
    let known = values.filter(|value| Acr::parse(value).is_some_and(|acr| acr <= highest));
    each_once(known.map(str::to_owned))
}

fn each_once<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut kept = Vec::new();
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}
