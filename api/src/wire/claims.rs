//! The `claims` parameter (OpenID Connect Core, 5.5). Only an essential `acr` has weight here; everything else that it may
//! ask for is decided by scopes, and asking for it is no error.

use actors::domain::assurance::Acr;
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

/// Longer ones are refused.
const MAX: usize = 4096;

/// The parameter is not what section 5.5 describes.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("claims must be a JSON object with the members userinfo and id_token (OpenID Connect Core, 5.5)")]
pub struct ClaimsError;

/// What `claims` demands of the authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcrDemand {
    /// Nothing.
    None,
    /// At least this rung.
    AtLeast(Acr),
    /// Only values that this server never reaches.
    Unreachable,
}

/// Reads the parameter. Of several values that are good enough, the lowest rung counts; `highest` is the highest that can be reached.
pub fn acr_demand(text: &str, highest: Acr) -> Result<AcrDemand, ClaimsError> {
    if text.len() > MAX {
        return Err(ClaimsError);
    }
    let claims: Map<String, Value> = serde_json::from_str(text).map_err(|_| ClaimsError)?;
    object(claims.get("userinfo"))?;
    let Some(acr) = object(claims.get("id_token"))?.and_then(|id_token| id_token.get("acr")) else {
        return Ok(AcrDemand::None);
    };
    let Some(demand) = object(Some(acr))? else {
        return Ok(AcrDemand::None);
    };
    let demand: Demand = serde_json::from_value(Value::Object(demand.clone())).map_err(|_| ClaimsError)?;
    let named: Vec<String> = demand.value.into_iter().chain(demand.values.unwrap_or_default()).collect();
    if !demand.essential || named.is_empty() {
        return Ok(AcrDemand::None);
    }
    let lowest = named.iter().filter_map(|value| Acr::parse(value)).filter(|acr| *acr <= highest).min();
    Ok(lowest.map_or(AcrDemand::Unreachable, AcrDemand::AtLeast))
}

/// The member as an object; `null` is as good as absent.
fn object(member: Option<&Value>) -> Result<Option<&Map<String, Value>>, ClaimsError> {
    match member {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => Err(ClaimsError),
    }
}

#[derive(Deserialize)]
struct Demand {
    #[serde(default)]
    essential: bool,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    values: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_essential_acr_demands_something() {
        for (claims, demand) in [
            (r#"{"userinfo":{"name":{"essential":true}}}"#, AcrDemand::None),
            (r#"{"id_token":{"acr":null,"auth_time":{"essential":true}}}"#, AcrDemand::None),
            (r#"{"id_token":{"acr":{"value":"urn:doorward:acr:mfa"}}}"#, AcrDemand::None),
            (r#"{"id_token":{"acr":{"essential":true}}}"#, AcrDemand::None),
            (r#"{"id_token":{"acr":{"essential":true,"value":"urn:doorward:acr:mfa"}}}"#, AcrDemand::AtLeast(Acr::Mfa)),
            (
                r#"{"id_token":{"acr":{"essential":true,"values":["x","https://refeds.org/profile/mfa"]}}}"#,
                AcrDemand::AtLeast(Acr::Mfa),
            ),
            (
                r#"{"id_token":{"acr":{"essential":true,"values":["urn:doorward:acr:mfa","urn:doorward:acr:1fa"]}}}"#,
                AcrDemand::AtLeast(Acr::OneFactor),
            ),
            (r#"{"id_token":{"acr":{"essential":true,"values":["x"]}}}"#, AcrDemand::Unreachable),
        ] {
            assert_eq!(acr_demand(claims, Acr::PhishingResistant), Ok(demand), "{claims}");
        }
    }

    #[test]
    fn what_can_be_reached_nowhere_here_is_no_rung() {
        let (phr, phrh) = (Acr::PhishingResistant, Acr::PhishingResistantHardware);
        let only = r#"{"id_token":{"acr":{"essential":true,"value":"phrh"}}}"#;
        assert_eq!(acr_demand(only, phr), Ok(AcrDemand::Unreachable));
        assert_eq!(acr_demand(only, phrh), Ok(AcrDemand::AtLeast(phrh)));
        let either = r#"{"id_token":{"acr":{"essential":true,"values":["phrh","phr"]}}}"#;
        assert_eq!(acr_demand(either, phrh), Ok(AcrDemand::AtLeast(phr)));
    }

    #[test]
    fn what_is_no_claims_request_is_refused() {
        let deep = "[".repeat(4000);
        let long = format!("{{\"x\":\"{}\"}}", "y".repeat(MAX));
        for bad in ["", "x", "[]", r#"{"id_token":[]}"#, r#"{"id_token":{"acr":{"essential":"yes"}}}"#, &deep, &long] {
            assert_eq!(acr_demand(bad, Acr::PhishingResistant), Err(ClaimsError), "{bad:.40}");
        }
    }
}
