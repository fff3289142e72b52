//! The fields of the console's forms, and the summary of what is wrong with them. Checks are the server's: no field is
//! `required`, and what was typed comes back with what was wrong.

use std::borrow::Cow;

use maud::{Markup, html};

/// Something that is wrong with a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The name of the field; empty when it is none in particular.
    pub field: Cow<'static, str>,
    /// What is wrong, and what to do.
    pub text: String,
}

impl Problem {
    /// A problem of a field.
    #[must_use]
    pub fn of(field: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        Self { field: field.into(), text: text.into() }
    }

    /// A problem of no field in particular.
    #[must_use]
    pub fn general(text: impl Into<String>) -> Self {
        Self::of("", text)
    }
}

/// The summary of what is wrong, with a link to each field.
#[must_use]
pub fn summary(problems: &[Problem]) -> Markup {
    html! {
        @if !problems.is_empty() {
            div #problems .problems role="alert" tabindex="-1" {
                h2 { "There is a problem" }
                ul {
                    @for problem in problems {
                        li {
                            @if problem.field.is_empty() { (problem.text) }
                            @else { a href={ "#" (problem.field) } { (problem.text) } }
                        }
                    }
                }
            }
        }
    }
}

/// A field with its label, its hint and what is wrong with it. Its id is its name.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Its name in the form.
    pub name: &'a str,
    /// Its label.
    pub label: &'a str,
    /// What it holds.
    pub value: &'a str,
    /// A sentence below the label; empty for none.
    pub hint: &'a str,
    /// The problems of its form.
    pub problems: &'a [Problem],
}

impl Field<'_> {
    fn problem(&self) -> Option<&str> {
        self.problems.iter().find(|problem| problem.field == self.name).map(|problem| problem.text.as_str())
    }

    /// The ids of what describes it.
    fn described(&self) -> Option<String> {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.name));
        let problem = self.problem().map(|_| format!("{}-problem", self.name));
        let ids: Vec<String> = hint.into_iter().chain(problem).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    fn invalid(&self) -> Option<&'static str> {
        self.problem().map(|_| "true")
    }

    fn around(&self, control: &Markup) -> Markup {
        html! {
            div.field {
                label for=(self.name) { (self.label) }
                @if !self.hint.is_empty() { p.hint id={ (self.name) "-hint" } { (self.hint) } }
                @if let Some(problem) = self.problem() { p.wrong id={ (self.name) "-problem" } { (problem) } }
                (control)
            }
        }
    }

    /// A line of text. `kind` is the input's type; what it is about is somebody else, whom no browser fills in.
    #[must_use]
    pub fn input(&self, kind: &str) -> Markup {
        self.around(&html! {
            input type=(kind) id=(self.name) name=(self.name) value=(self.value) autocomplete="off" autocapitalize="none"
                spellcheck="false" dir="auto" aria-describedby=[self.described()] aria-invalid=[self.invalid()];
        })
    }

    /// A password that is set for somebody: it never comes back.
    #[must_use]
    pub fn password(&self) -> Markup {
        self.around(&html! {
            input type="password" id=(self.name) name=(self.name) autocomplete="new-password" dir="ltr"
                aria-describedby=[self.described()] aria-invalid=[self.invalid()];
        })
    }

    /// Several lines of text.
    #[must_use]
    pub fn area(&self, rows: u32) -> Markup {
        self.around(&html! {
            textarea id=(self.name) name=(self.name) rows=(rows) spellcheck="false" dir="auto"
                aria-describedby=[self.described()] aria-invalid=[self.invalid()] { "\n" (self.value) }
        })
    }

    /// A choice of one: of each its value and its label.
    #[must_use]
    pub fn select(&self, options: &[(&str, &str)]) -> Markup {
        self.around(&html! {
            select id=(self.name) name=(self.name) aria-describedby=[self.described()] aria-invalid=[self.invalid()] {
                @for (value, label) in options {
                    option value=(value) selected[*value == self.value] { (label) }
                }
            }
        })
    }
}

/// A checkbox with its label behind it. Its value is `on`; not checked, it is not sent.
#[must_use]
pub fn checkbox(name: &str, label: &str, checked: bool) -> Markup {
    html! {
        div.check {
            input type="checkbox" id=(name) name=(name) checked[checked];
            label for=(name) { (label) }
        }
    }
}

/// The id of what a form does, so that pressing twice does it once.
#[must_use]
pub fn operation(id: &str) -> Markup {
    html! { input type="hidden" name=(OPERATION) value=(id); }
}

/// The name of the field with the operation's id.
pub const OPERATION: &str = "operation";
