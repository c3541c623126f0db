//! The management listener: is the process alive, has it started, can it serve, and its metrics.
//!
//! | path | says |
//! |---|---|
//! | `/livez` | 200 as long as the process answers |
//! | `/startedz` | 200 once everything has started |
//! | `/readyz`, `/healthz` | 200 if every named check passes; else 503 and the reasons; `?verbose` as JSON |
//! | `/metrics` | Prometheus text |

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;

use crate::telemetry;

/// How long one check may take.
const CHECK_DEADLINE: Duration = Duration::from_secs(1);

/// What a check says: all is well, or why not.
pub type Verdict = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// A named check of readiness.
pub struct Check {
    /// Its name, in `?verbose`.
    pub name: &'static str,
    /// Looks once.
    pub look: Box<dyn Fn() -> Verdict + Send + Sync>,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How the process is. Shared with whoever starts and stops it.
#[derive(Debug, Default)]
pub struct Health {
    started: OnceLock<Vec<Check>>,
    draining: AtomicBool,
}

/// What one check said.
#[derive(Debug, Serialize)]
struct Finding {
    name: &'static str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Health {
    /// Everything has started; from now on readiness is what `checks` say. Only the first call counts.
    pub fn started(&self, checks: Vec<Check>) {
        let _ = self.started.set(checks);
    }

    /// The process is about to stop: not ready from now on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    async fn findings(&self) -> Vec<Finding> {
        let fact = |name, ok, reason: &str| Finding { name, ok, reason: (!ok).then(|| reason.to_owned()) };
        let draining = self.draining.load(Ordering::SeqCst);
        let started = self.started.get();
        let mut findings = vec![
            fact("started", started.is_some(), "the server is starting"),
            fact("accepting", !draining, "the server is stopping"),
        ];
        for check in started.into_iter().flatten() {
            let verdict = tokio::time::timeout(CHECK_DEADLINE, (check.look)()).await;
            let verdict = verdict.unwrap_or_else(|_| Err("took too long".to_owned()));
            findings.push(Finding { name: check.name, ok: verdict.is_ok(), reason: verdict.err() });
        }
        findings
    }
}

#[derive(Clone)]
struct Shared {
    health: Arc<Health>,
    metrics: PrometheusHandle,
}

/// The routes of the management listener.
pub fn router(health: Arc<Health>, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/startedz", get(started))
        .route("/readyz", get(ready))
        .route("/healthz", get(ready))
        .route("/metrics", get(show_metrics))
        .with_state(Shared { health, metrics })
}

async fn started(State(shared): State<Shared>) -> Response {
    match shared.health.started.get() {
        Some(_) => "ok\n".into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the server is starting\n").into_response(),
    }
}

async fn ready(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let findings = shared.health.findings().await;
    let ok = findings.iter().all(|finding| finding.ok);
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if query
        .as_deref()
        .is_some_and(|query| query.split('&').any(|part| part == "verbose" || part.starts_with("verbose=")))
    {
        return (status, Json(serde_json::json!({ "ready": ok, "checks": findings }))).into_response();
    }
    if ok {
        return "ok\n".into_response();
    }
    let reasons =
        findings.iter().filter_map(|finding| Some(format!("{}: {}\n", finding.name, finding.reason.as_ref()?)));
    (status, reasons.collect::<String>()).into_response()
}

async fn show_metrics(State(shared): State<Shared>) -> Response {
    telemetry::observe_process();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], shared.metrics.render()).into_response()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(health: &Arc<Health>, path: &str) -> (u16, String) {
        let router = router(Arc::clone(health), PrometheusBuilder::new().build_recorder().handle());
        let request = http::Request::get(path).body(axum::body::Body::empty()).expect("a request");
        let response = router.oneshot(request).await.expect("an answer");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8(body.to_vec()).expect("UTF-8"))
    }

    fn check(name: &'static str, verdict: Result<(), &'static str>) -> Check {
        Check { name, look: Box::new(move || Box::pin(async move { verdict.map_err(str::to_owned) })) }
    }

    #[tokio::test]
    async fn a_starting_server_lives_and_is_not_ready() {
        let health = Arc::new(Health::default());
        assert_eq!(ask(&health, "/livez").await, (200, "ok\n".to_owned()));
        assert_eq!(ask(&health, "/startedz").await.0, 503);
        assert_eq!(ask(&health, "/readyz").await, (503, "started: the server is starting\n".to_owned()));
    }

    #[tokio::test]
    async fn a_started_server_is_ready_if_its_checks_pass() {
        let health = Arc::new(Health::default());
        health.started(vec![check("store", Ok(()))]);
        assert_eq!(ask(&health, "/startedz").await.0, 200);
        for path in ["/readyz", "/healthz"] {
            assert_eq!(ask(&health, path).await, (200, "ok\n".to_owned()));
        }
    }

    #[tokio::test]
    async fn a_failing_check_is_named_with_its_reason() {
        let health = Arc::new(Health::default());
        health.started(vec![check("store", Err("the disk is full")), check("keys", Ok(()))]);
        assert_eq!(ask(&health, "/readyz").await, (503, "store: the disk is full\n".to_owned()));
        let (status, body) = ask(&health, "/readyz?verbose").await;
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((status, &body["ready"]), (503, &false.into()));
        assert_eq!(body["checks"][2]["reason"], "the disk is full");
        assert_eq!(body["checks"][3], serde_json::json!({ "name": "keys", "ok": true }));
    }

    #[tokio::test]
    async fn a_draining_server_lives_and_is_not_ready() {
        let health = Arc::new(Health::default());
        health.started(Vec::new());
        health.drain();
        assert_eq!(ask(&health, "/livez").await.0, 200);
        assert_eq!(ask(&health, "/readyz").await, (503, "accepting: the server is stopping\n".to_owned()));
    }
}
