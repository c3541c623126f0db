//! What a browser reads from a page: its forms with their hidden fields, and the key of an authenticator app.

/// A form as it stands on a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// Where it is sent.
    pub(crate) action: String,
    /// Its hidden fields.
    pub(crate) hidden: Vec<(String, String)>,
}

impl Form {
    /// The first form whose action begins with `prefix` and ends with `suffix`.
    pub(crate) fn find(page: &str, prefix: &str, suffix: &str) -> Option<Self> {
        page.split("<form").skip(1).find_map(|rest| {
            let (head, body) = rest.split_once('>')?;
            let action = attribute(head, "action")?;
            if !(action.starts_with(prefix) && action.ends_with(suffix)) {
                return None;
            }
            let body = body.split("</form>").next().unwrap_or_default();
            let inputs = body.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
            let hidden = inputs.filter(|input| attribute(input, "type").as_deref() == Some("hidden"));
            let hidden = hidden.filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)));
            Some(Self { action, hidden: hidden.collect() })
        })
    }

    /// The form as it is sent, with what was typed.
    pub(crate) fn filled(&self, fields: &[(&str, &str)]) -> String {
        let hidden = self.hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        // A script fills in hidden fields as well.
        let hidden = hidden.filter(|(name, _)| fields.iter().all(|(typed, _)| typed != name));
        crate::http::form(hidden.chain(fields.iter().copied()))
    }
}

/// The base32 key in the page's `otpauth` link.
pub(crate) fn totp_key(page: &str) -> Option<String> {
    let link = page.split("otpauth:").nth(1)?.split('"').next()?;
    let key: String = link.split("secret=").nth(1)?.chars().take_while(char::is_ascii_alphanumeric).collect();
    (!key.is_empty()).then_some(key)
}

/// What the page asks of the browser's passkeys: the `publicKey` of a creation or a request.
pub(crate) fn passkey_options(page: &str) -> Option<serde_json::Value> {
    let options = page.split(" data-options=\"").nth(1)?.split('"').next()?;
    serde_json::from_str(&unescape(options)).ok()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?;
    Some(unescape(value))
}

fn unescape(text: &str) -> String {
    let named = [("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    named.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<form method="post" action="/logout"><input type="hidden" name="csrf" value="a"></form>
        <a href="otpauth://totp/X:u?secret=JBSWY3DPEHPK3PXP&amp;issuer=X">Open</a>
        <form method="post" action="&#x2f;login"><input type="hidden" name="csrf" value="b&amp;c">
        <input type="hidden" name="l" value="d"><input name="username" type="text" value=""></form>"#;

    #[test]
    fn a_form_is_found_by_its_action_with_its_hidden_fields_only() {
        let form = Form::find(PAGE, "/login", "").unwrap();
        assert_eq!(form.action, "/login");
        assert_eq!(form.hidden, [("csrf".to_owned(), "b&c".to_owned()), ("l".to_owned(), "d".to_owned())]);
        assert_eq!(Form::find(PAGE, "/consent", ""), None);
        assert_eq!(Form::find(PAGE, "/log", "out").unwrap().hidden.len(), 1);
    }

    #[test]
    fn the_key_of_the_authenticator_app_is_read_from_its_link() {
        assert_eq!(totp_key(PAGE).as_deref(), Some("JBSWY3DPEHPK3PXP"));
        assert_eq!(totp_key("<p>nothing</p>"), None);
    }
}
