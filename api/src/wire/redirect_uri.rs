//! Where a browser is sent back to: a registered URI, as it is shown and with what is added to it.

use url::Url;

/// The origin of a URI, or its scheme where it has none.
pub fn origin_of(uri: &str) -> String {
    let Ok(url) = Url::parse(uri) else {
        return String::new();
    };
    let origin = url.origin();
    if origin.is_tuple() { origin.ascii_serialization() } else { format!("{}:", url.scheme()) }
}

/// A URI with parameters added to its query, which stays as it was registered.
pub fn with_query(uri: &str, params: &[(&'static str, String)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in params {
        query.append_pair(name, value);
    }
    let query = query.finish();
    // What could not stand in a header is written as URLs are; registration let nothing else pass.
    let uri = if uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        uri.to_owned()
    } else {
        Url::parse(uri).map(String::from).unwrap_or_default()
    };
    if query.is_empty() {
        return uri;
    }
    let joint = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{uri}{joint}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "https://app.example/cb?tenant=1";

    #[test]
    fn parameters_join_the_query_that_was_registered() {
        let params = [("code", "a&b c".to_owned())];
        assert_eq!(with_query(URI, &params), "https://app.example/cb?tenant=1&code=a%26b+c");
        assert_eq!(with_query("com.example.app:/cb", &params), "com.example.app:/cb?code=a%26b+c");
        assert_eq!(with_query("https://a.example/?", &params), "https://a.example/?code=a%26b+c");
        assert!(with_query("https://a.example/\u{e4}\r\nx", &params).is_ascii());
        let origins = [URI, "com.example.app:/cb", "http://127.0.0.1:5000/cb"].map(origin_of);
        assert_eq!(origins, ["https://app.example", "com.example.app:", "http://127.0.0.1:5000"]);
    }
}
