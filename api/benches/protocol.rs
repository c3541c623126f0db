//! What the endpoints of programs cost in the process, without sockets, beside a bare route in the same run: documents,
//! userinfo with a token that is known, a code for tokens, a refresh alone and 64 at once.
#![expect(dead_code, reason = "of the shared test server this bench uses a part")]

#[path = "../tests/pages/html.rs"]
mod html;
#[path = "../tests/routes/oauth/rp.rs"]
mod rp;
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use axum::{Router, body::Body, routing::get};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use http::{Request, StatusCode};
use schema::record::SigningAlg;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use rp::{Rp, amelia, ok, text, userinfo};
use support::{HTTPS, TestApp};

const AT_ONCE: usize = 64;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// When a measurement begins.
fn clock() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
    Instant::now()
}

fn reading(criterion: &mut Criterion) {
    let runtime = runtime();
    let app = runtime.block_on(TestApp::new());
    let bare = Router::new().route("/", get(async || StatusCode::OK));
    let token = runtime.block_on(async {
        let rp = Rp::new(&app).await;
        text(&rp.tokens(&mut amelia(&app).await, &[]).await, "access_token").to_owned()
    });
    let mut group = criterion.benchmark_group("reading");
    group.bench_function("bare route", |bencher| {
        bencher
            .iter(|| runtime.block_on(bare.clone().oneshot(Request::get("/").body(Body::empty()).expect("a request"))));
    });
    for path in ["/.well-known/openid-configuration", "/.well-known/jwks.json"] {
        group.bench_function(path, |bencher| bencher.iter(|| runtime.block_on(app.browser().get(path))));
    }
    group.bench_function("userinfo", |bencher| {
        bencher.iter(|| {
            let answer = runtime.block_on(userinfo(&app, &token));
            assert_eq!(answer.status, StatusCode::OK);
        });
    });
    group.finish();
}

fn redeeming(criterion: &mut Criterion) {
    let runtime = runtime();
    let app = runtime.block_on(TestApp::new());
    let mut browser = runtime.block_on(amelia(&app));
    let mut group = criterion.benchmark_group("a code for tokens");
    for (name, alg) in [("RS256", SigningAlg::RS256), ("ES256", SigningAlg::ES256)] {
        let rp = runtime.block_on(Rp::with(&app, |new| new.id_token_alg = alg));
        // Codes of another client make no room until they have expired.
        app.pass(Duration::from_mins(2));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                for _ in 0..rounds {
                    let code = runtime.block_on(rp.code(&mut browser, &[]));
                    let start = clock();
                    let answer = runtime.block_on(rp.redeem(&code, &[]));
                    spent += start.elapsed();
                    ok(&answer);
                }
                spent
            });
        });
    }
    group.finish();
}

fn refreshing(criterion: &mut Criterion) {
    let runtime = runtime();
    let app = runtime.block_on(TestApp::with(HTTPS, |settings| settings.limits.registrations.burst = 1_000));
    let rp = runtime.block_on(Rp::with(&app, |new| new.id_token_alg = SigningAlg::ES256));
    let mut tokens: Vec<String> = (0..AT_ONCE)
        .map(|number| {
            runtime.block_on(async {
                let mut browser = app.browser();
                browser.register(&format!("person{number}")).await;
                text(&rp.tokens(&mut browser, &[]).await, "refresh_token").to_owned()
            })
        })
        .collect();
    let mut group = criterion.benchmark_group("refresh");
    for together in [1, AT_ONCE] {
        group.throughput(Throughput::Elements(u64::try_from(together).unwrap_or(u64::MAX)));
        group.bench_function(format!("{together} at once"), |bencher| {
            bencher.iter(|| {
                let used = tokens.iter().take(together).map(|token| rp.refresh(token, &[]));
                let answers = runtime.block_on(join_all(used));
                for (token, answer) in tokens.iter_mut().zip(&answers) {
                    text(&ok(answer), "refresh_token").clone_into(token);
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, reading, redeeming, refreshing);
criterion_main!(benches);
