//! The `Files` port over the assets binding.

use async_trait::async_trait;
use worker::Env;
use worker::js_sys::{Promise, Reflect};
use worker::send::{SendFuture, SendWrapper};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::JsFuture;

use crate::edge::d1::call;
use crate::ports::Files;

/// The binding of Workers Static Assets.
pub struct Assets(SendWrapper<JsValue>);

impl Assets {
    pub fn new(env: &Env) -> Self {
        Self(SendWrapper::new(Reflect::get(env, &"ASSETS".into()).unwrap_or_default()))
    }

    async fn text(&self, address: &str) -> Result<JsValue, JsValue> {
        let response = JsFuture::from(Promise::from(call(&self.0, "fetch", &address.into())?)).await?;
        if Reflect::get(&response, &"ok".into())? != JsValue::TRUE {
            return Ok(JsValue::UNDEFINED);
        }
        JsFuture::from(Promise::from(call(&response, "text", &JsValue::UNDEFINED)?)).await
    }
}

#[async_trait]
impl Files for Assets {
    async fn read(&self, name: &str) -> Option<String> {
        // The binding looks at the path alone.
        let address = format!("https://assets.invalid/assets/{name}");
        SendFuture::new(async move { self.text(&address).await.ok()?.as_string() }).await
    }
}
