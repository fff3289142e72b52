//! What a panic leaves behind: a log line with the place and nothing else, and an answer for whoever waits (`entry.js`).
//! A panic is a bug; its message may quote anybody's data.

use std::sync::Once;

use wasm_bindgen::{JsCast, JsValue};

static SET: Once = Once::new();

/// Puts our hook in the place of the `worker` crate's, which logs the message. Cheap after the first call.
pub fn set_hook() {
    SET.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map(|place| format!("{}:{}", place.file(), place.line())).unwrap_or_default();
            let line = serde_json::json!({ "event": "panic", "place": place });
            worker::console_error!("{line}");
            let global = js_sys::global();
            let get = |holder: &JsValue, name: &str| js_sys::Reflect::get(holder, &name.into()).unwrap_or_default();
            // The shim makes a new instance for the next event when it finds this flag.
            let state = get(&global, "__worker_init_state");
            let _ = js_sys::Reflect::set(&state, &"criticalError".into(), &JsValue::TRUE);
            if let Some(panicked) = get(&global, "__latchkey_panicked").dyn_ref::<js_sys::Function>() {
                let _ = panicked.call0(&JsValue::UNDEFINED);
            }
        }));
    });
}
