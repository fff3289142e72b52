//! Cloudflare's rate-limit bindings, which count for each location and cost nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use worker::Env;
use worker::send::SendFuture;

use crate::ports::{RateLimiter, RequestKind};

/// Whether this isolate has told that something could not be counted: once is enough.
static TOLD: AtomicBool = AtomicBool::new(false);

/// The bindings, each looked up when it is first needed.
pub struct Limiter(Env);

impl Limiter {
    /// The limiter over what is bound.
    pub fn new(env: &Env) -> Self {
        Self(env.clone())
    }
}

fn binding(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Public => "PUBLIC_LIMIT",
        RequestKind::Hook => "HOOK_LIMIT",
        RequestKind::Api => "API_LIMIT",
    }
}

#[async_trait]
impl RateLimiter for Limiter {
    async fn allow(&self, kind: RequestKind, key: &str) -> bool {
        let name = binding(kind);
        let counted = match self.0.rate_limiter(name) {
            Ok(limiter) => SendFuture::new(limiter.limit(key.to_owned())).await,
            Err(missing) => Err(missing),
        };
        match counted {
            Ok(outcome) => outcome.success,
            Err(error) => {
                if !TOLD.swap(true, Ordering::Relaxed) {
                    let line = serde_json::json!({
                        "event": "limits", "error": format!("{name} counts nothing: {error}"),
                        "help": "bind it in wrangler.toml, or set RATE_LIMITS to requests=off",
                    });
                    worker::console_error!("{line}");
                }
                true
            }
        }
    }
}
