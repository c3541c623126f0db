//! The cookie jar of one request: what the browser sent, and what the response sets. Names here are bare; with an https
//! issuer each carries `__Host-` and `Secure`.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{extract::FromRequestParts, http::request::Parts};
use http::{HeaderMap, HeaderValue, header};

use crate::error::PageError;

/// The browser, whoever uses it.
pub const BROWSER: &str = "dw_browser";
/// Stands in for [`BROWSER`] where that one is sealed under a key that this node does not have.
pub const BROWSER_STAND_IN: &str = "dw_browser_new";
/// The session.
pub const SESSION: &str = "dw_session";
/// The known device.
pub const DEVICE: &str = "dw_device";
/// Begins the name of a trusted device's cookie; a digest of its user follows, for a browser can be of several people.
pub const TRUSTED_PREFIX: &str = "dw_trusted_";
/// Begins the name of a login's cookie; the login's id follows.
pub const LOGIN_PREFIX: &str = "dw_login_";

/// A handle on the jar. Cheap to clone.
#[derive(Clone)]
pub struct Cookies(Arc<Jar>);

struct Jar {
    https: bool,
    sent: Vec<(String, String)>,
    set: Mutex<Vec<Set>>,
}

struct Set {
    name: String,
    /// `None`: cleared.
    value: Option<String>,
    max_age: Option<Duration>,
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookies").field("sent", &self.0.sent.len()).finish_non_exhaustive()
    }
}

impl Cookies {
    /// The jar of a request with these headers.
    pub(crate) fn sent(headers: &HeaderMap, https: bool) -> Self {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let prefix = prefix(https);
        // With https a name without the prefix could be set by a neighbouring host, so it is not ours.
        let sent = pairs.filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value.to_owned())));
        Self(Arc::new(Jar { https, sent: sent.collect(), set: Mutex::default() }))
    }

    /// The value of a cookie: as set in this request already, or else as sent.
    pub fn get(&self, name: &str) -> Option<String> {
        if let Some(set) = self.set_now().iter().find(|set| set.name == name) {
            return set.value.clone();
        }
        self.0.sent.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// The cookies that were sent and whose names begin so, with the rest of their names.
    pub fn beginning(&self, prefix: &str) -> Vec<(&str, &str)> {
        let sent = self.0.sent.iter();
        sent.filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, value.as_str()))).collect()
    }

    /// Sets a cookie. Without `max_age` it lives as long as the browser runs.
    pub fn set(&self, name: &str, value: String, max_age: Option<Duration>) {
        self.put(Set { name: name.to_owned(), value: Some(value), max_age });
    }

    /// Removes a cookie.
    pub fn clear(&self, name: &str) {
        self.put(Set { name: name.to_owned(), value: None, max_age: Some(Duration::ZERO) });
    }

    fn put(&self, set: Set) {
        let mut all = self.set_now();
        all.retain(|known| known.name != set.name);
        all.push(set);
    }

    /// Writes what was set into the headers of the response.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        for set in self.set_now().iter() {
            let value = set.value.as_deref().unwrap_or_default();
            let secure = if self.0.https { "; Secure" } else { "" };
            let age = set.max_age.map(|age| format!("; Max-Age={}", age.as_secs())).unwrap_or_default();
            let name = format_args!("{}{}", prefix(self.0.https), set.name);
            let line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
            if let Ok(mut line) = HeaderValue::try_from(line) {
                line.set_sensitive(true);
                headers.append(header::SET_COOKIE, line);
            }
        }
    }

    fn set_now(&self) -> MutexGuard<'_, Vec<Set>> {
        self.0.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn prefix(https: bool) -> &'static str {
    if https { "__Host-" } else { "" }
}

impl<S: Sync> FromRequestParts<S> for Cookies {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        parts.extensions.get().cloned().ok_or(PageError::Internal("the layer of cookies is missing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jar(line: &'static str, https: bool) -> Cookies {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static(line));
        Cookies::sent(&headers, https)
    }

    fn written(jar: &Cookies) -> Vec<String> {
        let mut headers = HeaderMap::new();
        jar.write(&mut headers);
        headers.get_all(header::SET_COOKIE).iter().map(|v| v.to_str().expect("ASCII").to_owned()).collect()
    }

    #[test]
    fn with_https_a_cookie_without_the_prefix_is_not_ours() {
        let both = "dw_session=planted; __Host-dw_session=ours";
        assert_eq!(jar(both, true).get(SESSION).as_deref(), Some("ours"));
        assert_eq!(jar("dw_session=planted", true).get(SESSION), None);
        assert_eq!(jar("a=b; dw_session=ours", false).get(SESSION).as_deref(), Some("ours"));
    }

    #[test]
    fn what_is_set_carries_the_flags_of_the_issuer() {
        let secure = jar("", true);
        secure.set(SESSION, "v".to_owned(), None);
        secure.set(DEVICE, "d".to_owned(), Some(Duration::from_mins(1)));
        assert_eq!(
            written(&secure),
            [
                "__Host-dw_session=v; Path=/; HttpOnly; SameSite=Lax; Secure",
                "__Host-dw_device=d; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60",
            ]
        );
        let plain = jar("", false);
        plain.set(SESSION, "v".to_owned(), None);
        assert_eq!(written(&plain), ["dw_session=v; Path=/; HttpOnly; SameSite=Lax"]);
    }

    #[test]
    fn what_was_set_is_seen_and_the_last_word_counts() {
        let jar = jar("dw_session=old", false);
        jar.set(SESSION, "new".to_owned(), None);
        assert_eq!(jar.get(SESSION).as_deref(), Some("new"));
        jar.clear(SESSION);
        assert_eq!(jar.get(SESSION), None);
        assert_eq!(written(&jar), ["dw_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"]);
    }
}
