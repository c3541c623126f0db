//! Serves every page in every state with its real headers, to be looked at: `cargo run -p api --example gallery`, then
//! open the address that it prints.

use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

use api::{
    assets,
    layer::security_headers::{Csp, SecurityHeaders},
    page::{Branding, Pages, samples},
};
use axum::{
    Router,
    extract::{Path, State},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use http::StatusCode;
use tokio::net::TcpListener;
use url::Url;

type Shared = Arc<BTreeMap<String, String>>;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let pages = Pages::new(Branding { product_name: "Doorward".to_owned() });
    let rendered = pages.locales().all().flat_map(|locale| {
        let tag = pages.locales().tag(locale);
        let prefix = if locale == pages.locales().default() { String::new() } else { format!("{tag}-") };
        samples::all(&pages, locale).into_iter().map(move |sample| {
            let document = sample.html.unwrap_or_else(|error| format!("{} ({}): {error}", sample.name, sample.title));
            (format!("{prefix}{}", sample.name), document)
        })
    });
    let shared: Shared = Arc::new(rendered.collect());
    let router = Router::new().route("/", get(index)).route("/{name}", get(show)).merge(assets::router());
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, router.with_state(shared)).await
}

async fn index(State(pages): State<Shared>) -> Html<String> {
    let links = pages.keys().map(|name| format!("<li><a href=\"/{name}\">{name}</a></li>"));
    Html(format!("<!doctype html><title>Pages</title><ul>{}</ul>", links.collect::<String>()))
}

async fn show(State(pages): State<Shared>, Path(name): Path<String>) -> Response {
    let Some(page) = pages.get(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let mut response = Html(page.clone()).into_response();
    if let Ok(issuer) = Url::parse("http://localhost:11080") {
        SecurityHeaders::for_issuer(&issuer).on_page(response.headers_mut(), &Csp::default());
    }
    response
}
