//! The `EmailBinding` port over a `send_email` binding.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use worker::js_sys::{JSON, Reflect};
use worker::send::SendFuture;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Delay, SendEmail, SendEmailBuilder};

use crate::ports::{EmailBinding, EmailError};

/// A `send_email` binding.
pub struct Email(pub SendEmail);

impl Email {
    /// `send(mail)` of the binding, whose answer has a `messageId`.
    async fn call(&self, mail: &str) -> Result<JsValue, JsValue> {
        // The binding's form is the port's, so that what is sent can be looked at natively.
        let mail: SendEmailBuilder = JSON::parse(mail)?.unchecked_into();
        let answer = self.0.send_with_builder(&mail).await?;
        Reflect::get(&answer, &"messageId".into())
    }
}

#[async_trait]
impl EmailBinding for Email {
    async fn send(&self, mail: &serde_json::Value, timeout: Duration) -> Option<Result<String, EmailError>> {
        SendFuture::new(async move {
            let mail = mail.to_string();
            let call = std::pin::pin!(self.call(&mail));
            match select(call, Delay::from(timeout)).await {
                Either::Left((Ok(id), _)) => Some(Ok(id.as_string().unwrap_or_default())),
                Either::Left((Err(error), _)) => {
                    let code = Reflect::get(&error, &"code".into()).ok().and_then(|code| code.as_string());
                    Some(Err(EmailError(code.unwrap_or_default())))
                }
                Either::Right(_) => None,
            }
        })
        .await
    }
}
