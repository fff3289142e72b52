//! What a panic leaves behind: a log line with the place and nothing else. A panic is a bug; its message may quote anybody's data.
//!
//! It ends the wasm instance. `host.js` makes a new one for the next event, and `entry.js` answers for what was under way.

use std::sync::Once;

static SET: Once = Once::new();

/// Sets the hook. Cheap after the first call.
pub fn set_hook() {
    SET.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map(|place| format!("{}:{}", place.file(), place.line())).unwrap_or_default();
            host::write_log(&serde_json::json!({ "event": "panic", "place": place }).to_string());
        }));
    });
}
