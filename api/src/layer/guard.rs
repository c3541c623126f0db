//! A permit for each request in flight, and the jar that its cookies are read from and set in.

use actors::call::CallError;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::any::Any;

use crate::{error::PageError, extract::cookies::Cookies, state::ApiState};

/// Sheds what is beyond the permits at once, instead of queueing it; and gives up what takes longer than a request may.
pub async fn permit(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let Ok(_permit) = state.permits.try_acquire() else {
        return PageError::Busy.into_response();
    };
    // The handlers keep the deadline where they work. This keeps it where they wait, for a body that does not come above
    // all: else whoever sends slowly holds a permit for as long as they like.
    let longest = state.settings.request_deadline + state.settings.failure_floor;
    let answer = tokio::time::timeout(longest, next.run(request)).await;
    answer.unwrap_or_else(|_| PageError::Call(CallError::TimedOut).into_response())
}

/// Gives the request its jar, and the response what was put into it.
pub async fn cookies(State(state): State<ApiState>, mut request: Request, next: Next) -> Response {
    let jar = Cookies::sent(request.headers(), state.settings.https());
    request.extensions_mut().insert(jar.clone());
    let mut response = next.run(request).await;
    jar.write(response.headers_mut());
    response
}

/// A panic is a failure like others; its message stays in the log.
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    PageError::Panicked.into_response()
}
