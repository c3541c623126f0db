//! The `claims` parameter (OpenID Connect Core, 5.5). Only `acr` has weight here: an essential one is demanded, any other is
//! preferred, as `acr_values` are. Everything else that it may ask for is decided by scopes, and asking for it is no error.

use actors::domain::assurance::Acr;
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use super::wanted_acr::reachable;

/// Longer ones are refused.
const MAX: usize = 4096;

/// The parameter is not what section 5.5 describes.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("claims must be a JSON object with the members userinfo and id_token (OpenID Connect Core, 5.5)")]
pub struct ClaimsError;

/// What `claims` demands of the authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcrDemand {
    /// Nothing.
    None,
    /// One of these values, if it can be had.
    Prefers(Vec<String>),
    /// At least this rung, which is the lowest that these values name.
    AtLeast(Acr, Vec<String>),
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
    if named.is_empty() {
        return Ok(AcrDemand::None);
    }
    let values = reachable(named.iter().map(String::as_str), highest);
    if !demand.essential {
        return Ok(AcrDemand::Prefers(values));
    }
    let lowest = values.iter().filter_map(|value| Acr::parse(value)).min();
    Ok(lowest.map_or(AcrDemand::Unreachable, |lowest| AcrDemand::AtLeast(lowest, values)))
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

    fn values(values: &[&str]) -> Vec<String> {
        values.iter().map(|&value| value.to_owned()).collect()
    }

    #[test]
    fn an_essential_acr_is_demanded_and_a_voluntary_one_preferred() {
        let mfa = Acr::Mfa.as_str();
        for (claims, demand) in [
            (r#"{"userinfo":{"name":{"essential":true}}}"#, AcrDemand::None),
            (r#"{"id_token":{"acr":null,"auth_time":{"essential":true}}}"#, AcrDemand::None),
            (r#"{"id_token":{"acr":{"value":"urn:doorward:acr:mfa"}}}"#, AcrDemand::Prefers(values(&[mfa]))),
            (
                r#"{"id_token":{"acr":{"values":["x","phr","phrh","urn:doorward:acr:mfa","phr"]}}}"#,
                AcrDemand::Prefers(values(&["phr", mfa])),
            ),
            (r#"{"id_token":{"acr":{"essential":true}}}"#, AcrDemand::None),
            (
                r#"{"id_token":{"acr":{"essential":true,"value":"urn:doorward:acr:mfa"}}}"#,
                AcrDemand::AtLeast(Acr::Mfa, values(&[mfa])),
            ),
            (
                r#"{"id_token":{"acr":{"essential":true,"values":["x","https://refeds.org/profile/mfa"]}}}"#,
                AcrDemand::AtLeast(Acr::Mfa, values(&["https://refeds.org/profile/mfa"])),
            ),
            (
                r#"{"id_token":{"acr":{"essential":true,"values":["urn:doorward:acr:mfa","urn:doorward:acr:1fa"]}}}"#,
                AcrDemand::AtLeast(Acr::OneFactor, values(&[mfa, "urn:doorward:acr:1fa"])),
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
        assert_eq!(acr_demand(only, phrh), Ok(AcrDemand::AtLeast(phrh, values(&["phrh"]))));
        let either = r#"{"id_token":{"acr":{"essential":true,"values":["phrh","phr"]}}}"#;
        assert_eq!(acr_demand(either, phrh), Ok(AcrDemand::AtLeast(phr, values(&["phrh", "phr"]))));
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
