//! The outermost layer: an id for each request, its trace, its span, its metrics. Neither paths nor queries as they were sent are
//! written down, only the route that they matched; what they carry may be secret.

use actors::trace::TraceParent;
use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use data_encoding::HEXLOWER;
use http::{HeaderName, HeaderValue};
use tracing::Instrument as _;

use crate::state::ApiState;

/// The header by which a caller names its trace (W3C Trace Context).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The id of a request: in its span, its response and on its error page.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Counts, measures and traces a request.
pub async fn observe(State(state): State<ApiState>, mut request: Request, next: Next) -> Response {
    let entropy = &state.services.entropy;
    let part: [u8; 8] = entropy.array();
    let called = request.headers().get(TRACEPARENT).and_then(|value| TraceParent::parse(value.as_bytes()));
    let trace = called.map_or_else(|| TraceParent::begin(entropy.array(), part), |called| called.part(part));
    let (id, trace_id) = (HEXLOWER.encode(&part), trace.trace_id());
    let endpoint = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = method_label(request.method());
    request.extensions_mut().insert(RequestId(id.clone()));
    request.extensions_mut().insert(trace);
    let span = tracing::info_span!("request", id, trace_id, method, endpoint, status = tracing::field::Empty);
    let begun = state.services.clock.monotonic();
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = state.services.clock.monotonic().saturating_sub(begun);
    let status = response.status().as_u16();
    span.record("status", status);
    tracing::debug!(parent: &span, "answered");
    let labels = [("endpoint", endpoint), ("method", method.to_owned()), ("status", status.to_string())];
    metrics::counter!("doorward_http_requests_total", &labels).increment(1);
    let [endpoint, method, _] = labels;
    metrics::histogram!("doorward_http_request_duration_seconds", &[endpoint, method]).record(took.as_secs_f64());
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
    response
}

/// Methods are a closed set as labels: a client may send any word.
fn method_label(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
