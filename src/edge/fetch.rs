//! The `HttpClient` port over `fetch`.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use worker::send::SendFuture;
use worker::{AbortController, Delay, Headers, Method, RequestInit, RequestRedirect};

use crate::ports::{HttpClient, HttpError};

/// `fetch`.
pub struct Fetch;

#[async_trait]
impl HttpClient for Fetch {
    async fn send(
        &self,
        request: http::Request<Vec<u8>>,
        timeout: Duration,
    ) -> Result<http::Response<Vec<u8>>, HttpError> {
        SendFuture::new(async move {
            let controller = AbortController::default();
            let signal = controller.signal();
            let exchange = std::pin::pin!(exchange(request, &signal));
            match select(exchange, Delay::from(timeout)).await {
                Either::Left((answer, _)) => answer.map_err(|error| HttpError::Failed(error.to_string())),
                Either::Right(_) => {
                    controller.abort();
                    Err(HttpError::Timeout)
                }
            }
        })
        .await
    }
}

async fn exchange(
    request: http::Request<Vec<u8>>,
    signal: &worker::AbortSignal,
) -> worker::Result<http::Response<Vec<u8>>> {
    let (parts, body) = request.into_parts();
    let mut init = RequestInit::new();
    init.with_method(Method::from(parts.method.as_str().to_owned()))
        .with_headers(Headers::from(&parts.headers))
        // A redirect is an answer like any other: followed, it would take mail, key and all, to whom it names.
        .with_redirect(RequestRedirect::Manual);
    // A GET with a body, be it an empty one, is refused.
    if !body.is_empty() {
        init.with_body(Some(worker::js_sys::Uint8Array::from(body.as_slice()).into()));
    }
    let request = worker::Request::new_with_init(&parts.uri.to_string(), &init)?;
    let mut response = worker::Fetch::Request(request).send_with_signal(signal).await?;
    let mut answer = http::Response::builder().status(response.status_code());
    for (name, value) in response.headers() {
        answer = answer.header(name, value);
    }
    answer.body(response.bytes().await?).map_err(|error| worker::Error::RustError(error.to_string()))
}
