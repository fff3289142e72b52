//! The `SignatureVerifier` port over the runtime's WebCrypto.

use async_trait::async_trait;
use worker::js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array, global};
use worker::send::SendFuture;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;

use crate::ports::{SignatureScheme, SignatureVerifier};

/// `crypto.subtle`.
pub struct Subtle;

#[async_trait]
impl SignatureVerifier for Subtle {
    async fn verify(&self, scheme: SignatureScheme, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        // What is not well-formed is an exception there.
        SendFuture::new(verify(scheme, key, message, signature)).await.is_ok_and(|right| right == JsValue::TRUE)
    }
}

async fn verify(scheme: SignatureScheme, key: &[u8], message: &[u8], signature: &[u8]) -> Result<JsValue, JsValue> {
    let (form, name) = match scheme {
        SignatureScheme::EcdsaP256Sha256 => ("spki", "ECDSA"),
        SignatureScheme::Ed25519 => ("raw", "Ed25519"),
        SignatureScheme::RsaSha256 => ("spki", "RSASSA-PKCS1-v1_5"),
    };
    let algorithm = Object::new();
    for (member, value) in [("name", name), ("namedCurve", "P-256"), ("hash", "SHA-256")] {
        Reflect::set(&algorithm, &member.into(), &value.into())?;
    }
    let subtle = Reflect::get(&Reflect::get(&global(), &"crypto".into())?, &"subtle".into())?;
    let bytes = |bytes: &[u8]| JsValue::from(Uint8Array::from(bytes));
    let key = [form.into(), bytes(key), JsValue::from(&algorithm), JsValue::FALSE, Array::of1(&"verify".into()).into()];
    let key = call(&subtle, "importKey", &key).await?;
    call(&subtle, "verify", &[algorithm.into(), key, bytes(signature), bytes(message)]).await
}

async fn call(subtle: &JsValue, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    let function: Function = Reflect::get(subtle, &method.into())?.dyn_into()?;
    let promise = function.apply(subtle, &arguments.iter().collect::<Array>())?;
    JsFuture::from(Promise::from(promise)).await
}
