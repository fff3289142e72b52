//! The pages that lead from a user's: correcting the address, setting a password, deleting, and a link that is shown once.

use maud::{Markup, html};

use crate::base::web_address::form_target;
use crate::pages::console::Frame;
use crate::pages::console::form::{Field, Problem, operation};

/// The user that a form is about, and the operation's id.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The user's id.
    pub id: &'a str,
    /// The user name.
    pub name: &'a str,
    /// The operation's id.
    pub operation: &'a str,
    /// What is wrong.
    pub problems: &'a [Problem],
}

impl About<'_> {
    fn form(&self, frame: &Frame, page: &str, fields: &Markup) -> Markup {
        let target = frame.at(&format!("/console/users/{}/{page}", self.id));
        html! {
            form method="post" action=[form_target(&target)] novalidate {
                (operation(self.operation))
                (fields)
            }
            p { a href=(frame.at(&format!("/console/users/{}", self.id))) { "Back to " bdi { (self.name) } } }
        }
    }
}

/// The name of the page on which an address is corrected, and of its button.
pub const CORRECT_ADDRESS: &str = "Correct address and resend";
/// The name of the page on which a password is set, and of its button.
pub const SET_PASSWORD: &str = "Set password";

/// The form for another address.
#[must_use]
pub fn address(frame: &Frame, about: &About, typed: &str) -> Markup {
    let field = Field { name: "email", label: "Email Address", value: typed, hint: "", problems: about.problems };
    let fields = html! {
        p { "The links in mails to the present address die, and the invitation goes to the new one." }
        (field.input("email"))
        button type="submit" { (CORRECT_ADDRESS) }
    };
    about.form(frame, "address", &fields)
}

/// The form for a password. `ends_invitation`: the user waits for an invitation.
#[must_use]
pub fn password(frame: &Frame, about: &About, ends_invitation: bool) -> Markup {
    let field = |name, label| Field { name, label, value: "", hint: "", problems: about.problems };
    let fields = html! {
        @if ends_invitation { p { "It takes the place of the invitation, whose link dies: the account is live at once." } }
        (field("password", "Password").password())
        (field("confirm", "Confirm password").password())
        button type="submit" { (SET_PASSWORD) }
    };
    about.form(frame, "password", &fields)
}

/// A link that is shown once.
#[must_use]
pub fn link(frame: &Frame, id: &str, name: &str, address: &str) -> Markup {
    html! {
        p.done role="status" { "Copy the link now, and hand it over yourself: it is not shown again." }
        p { "Whoever has it acts as " bdi { (name) } " once." }
        div.field {
            label for="link" { "Link" }
            input #link type="text" readonly value=(address) dir="ltr" autocomplete="off" spellcheck="false";
        }
        button.copy type="button" data-copy="link" hidden { "Copy" }
        p { a href=(frame.at(&format!("/console/users/{id}"))) { "Back to " bdi { (name) } } }
    }
}
