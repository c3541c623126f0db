//! A permit for each request in flight, and the jar that its cookies are read from and set in.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::any::Any;

use crate::{error::PageError, extract::cookies::Cookies, state::ApiState};

/// Sheds what is beyond the permits at once, instead of queueing it.
pub async fn permit(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let Ok(_permit) = state.permits.try_acquire() else {
        return PageError::Busy.into_response();
    };
    next.run(request).await
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
