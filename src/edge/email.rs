//! The `EmailBinding` port over a `send_email` binding.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use worker::js_sys::{Function, JSON, Promise, Reflect};
use worker::send::SendFuture;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Delay, SendEmail};

use crate::ports::{EmailBinding, EmailError};

/// A `send_email` binding.
pub struct Email(pub SendEmail);

impl Email {
    /// `send(mail)` of the binding, whose answer has a `messageId`.
    async fn call(&self, mail: &str) -> Result<JsValue, JsValue> {
        let binding: &JsValue = self.0.as_ref();
        let send: Function = Reflect::get(binding, &"send".into())?.dyn_into()?;
        let promise = send.call1(binding, &JSON::parse(mail)?)?;
        let answer = JsFuture::from(Promise::resolve(&promise)).await?;
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
                    let text = |name: &str| Reflect::get(&error, &name.into()).ok().and_then(|text| text.as_string());
                    Some(Err(EmailError {
                        code: text("code").unwrap_or_default(),
                        message: text("message").unwrap_or_default(),
                    }))
                }
                Either::Right(_) => None,
            }
        })
        .await
    }
}
