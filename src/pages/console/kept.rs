//! A form that came when the session was over.

use maud::{Markup, html};

use crate::base::web_address::form_target;
use crate::pages::console::Frame;
use crate::pages::console::form::OPERATION;

/// The page's name.
pub const NAME: &str = "Your form is still here";

/// The fields as they were sent, and the button that sends them. `path` is where, without the tenant's prefix.
#[must_use]
pub fn kept(frame: &Frame, path: &str, fields: &[(String, String)]) -> Markup {
    let shown = |name: &str, value: &str| name != OPERATION && name != "version" && !value.is_empty();
    html! {
        p { "You were signed out before it was sent: nothing of it has been done. Passwords and files are not kept." }
        dl {
            @for (name, value) in fields.iter().filter(|(name, value)| shown(name, value)) {
                dt { (name) }
                dd { bdi { (value) } }
            }
        }
        div.actions {
            form method="post" action=[form_target(&frame.at(path))] {
                @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
                button type="submit" { "Send it now" }
            }
            a href=(frame.at("/console")) { "Discard it" }
        }
    }
}
