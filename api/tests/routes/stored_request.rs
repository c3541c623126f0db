//! Authorization requests that are too large for a cookie.

use std::time::Duration;

use api::limits::Rate;
use http::{StatusCode, header};

use crate::{
    oauth::rp::Rp,
    support::{HTTPS, PASSWORD, TestApp},
};

#[tokio::test]
async fn a_large_request_stays_here_and_its_answer_is_whole() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    let rp = Rp::new(&app).await;
    let (state, nonce) = ("s".repeat(2048), "n".repeat(512));
    let mut browser = app.browser();
    let page = browser.open(&rp.path(&[("state", &state), ("nonce", &nonce)])).await;
    let cookies: usize = browser.jar.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(cookies < 1500, "{cookies}");
    let next = browser.submit(&page, "/login", &[("username", "amelia"), ("password", PASSWORD)]).await;
    let answer = browser.open(next.location()).await;
    assert!(answer.location().contains(&format!("state={state}")), "{}", answer.location());
}

#[tokio::test]
async fn an_address_stores_so_many_large_requests_and_small_ones_are_not_counted() {
    let one = Rate { burst: 1, window: Duration::from_mins(1) };
    let app = TestApp::with(HTTPS, |settings| settings.limits.stored_requests = one).await;
    let rp = Rp::new(&app).await;
    let large = rp.path(&[("state", &"s".repeat(2048)), ("nonce", &"n".repeat(512))]);
    assert_eq!(app.browser().open(&large).await.status, StatusCode::OK);
    for _ in 0..3 {
        assert_eq!(app.browser().open(&rp.path(&[])).await.status, StatusCode::OK);
    }
    let refused = app.browser().open(&large).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers[header::RETRY_AFTER], "60");
    app.pass(Duration::from_mins(1));
    assert_eq!(app.browser().open(&large).await.status, StatusCode::OK);
}

/// Many proxies let a request have 16 KB of headers, and who takes somebody to eight large requests must not shut them out.
#[tokio::test]
async fn eight_tabs_with_requests_that_just_fit_leave_room_for_other_headers_and_all_end_well() {
    let app = TestApp::new().await;
    app.browser().register("amelia").await;
    let rp = Rp::new(&app).await;
    let mut browser = app.browser();
    let mut pages = Vec::new();
    for tab in 0..8 {
        let state = format!("{tab}{}", "s".repeat(1500));
        pages.push((browser.open(&rp.path(&[("state", &state)])).await, state));
    }
    let cookies: usize = browser.jar.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    assert!(cookies < 14 * 1024, "{cookies}");
    for (page, state) in &pages {
        let next = browser.submit(page, "/login", &[("username", "amelia"), ("password", PASSWORD)]).await;
        let answer = browser.open(next.location()).await;
        assert!(answer.location().contains(&format!("state={state}")), "{}", answer.location());
    }
}
