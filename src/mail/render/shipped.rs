//! The templates that come with Latchkey, put together from a mail's copy and the shared HTML shell.
//!
//! `src/i18n/README.md` describes the copy files. Each template is built the first time it is asked
//! for and kept.

use std::borrow::Cow;
use std::sync::OnceLock;

use crate::i18n::Language;
use crate::mail::template::Template;
use crate::model::logo::Logo;
use crate::model::mail::TemplateType;

const SHELL: &str = include_str!("shell.html");

const TYPES: usize = TemplateType::ALL.len();
const LANGUAGES: usize = Language::ALL.len();

/// The shipped template of a type in the language of a locale, or in English.
pub fn shipped(kind: TemplateType, locale: &str) -> &'static Template {
    static BUILT: [[OnceLock<Template>; LANGUAGES]; TYPES] = [const { [const { OnceLock::new() }; LANGUAGES] }; TYPES];
    let language = Language::for_locale(locale);
    // both are fieldless enums listed in order of declaration, so their numbers are places in the arrays
    BUILT[kind as usize][language as usize].get_or_init(|| build(copy(kind, language), language))
}

/// The copy of a mail.
fn copy(kind: TemplateType, language: Language) -> &'static str {
    let mails = language.mails();
    match kind {
        TemplateType::AskPassword => mails.ask_password,
        TemplateType::ResendAskPassword => mails.resend_ask_password,
        TemplateType::AccountActivationSuccess => mails.account_activation_success,
        TemplateType::EmailConfirm => mails.email_confirm,
        TemplateType::ResendEmailConfirm => mails.resend_email_confirm,
        TemplateType::VerifyEmailOnUpdate => mails.verify_email_on_update,
        TemplateType::ResendVerifyEmailOnUpdate => mails.resend_verify_email_on_update,
        TemplateType::NotifyExistingEmailOnUpdate => mails.notify_existing_email_on_update,
        TemplateType::PasswordReset => mails.password_reset,
        TemplateType::PasswordResetSuccess => mails.password_reset_success,
        TemplateType::PasswordRecoveryFailure => mails.password_recovery_failure,
        TemplateType::AdminForcedPasswordReset => mails.admin_forced_password_reset,
    }
}

/// The cell of the shell that names the organization.
const NAME_CELL: &str = ">{{organization-name}}</td>";

/// Returns the template with the logo above the organization's name, where it has the shell's cell for that and does not show
/// the logo by itself.
pub fn with_logo<'t>(template: &'t Template, logo: Option<&Logo>) -> Cow<'t, Template> {
    let Some(logo) = logo.filter(|_| !template.html.contains("organization.logo.img")) else {
        return Cow::Borrowed(template);
    };
    let (width, height) = logo.shown(200, 48);
    let cell = format!(
        r#"><img src="{{{{organization.logo.img}}}}" alt="" width="{width}" height="{height}" style="display:block;margin:0 0 8px;border:0;border-radius:4px;background:#ffffff"><span>{{{{organization-name}}}}</span></td>"#
    );
    Cow::Owned(Template { html: template.html.replacen(NAME_CELL, &cell, 1), ..template.clone() })
}

/// One block of a copy file.
enum Block {
    Paragraph(String),
    Fact { label: String, value: String },
    Button { label: String, target: String },
    Address { before: String, target: String },
    Small(String),
}

fn build(copy: &str, language: Language) -> Template {
    let (mut subject, mut preview, mut heading) = ("", "", "");
    let mut blocks = Vec::new();
    let mut target = String::new();
    for (position, block) in copy.split("\n\n").enumerate() {
        if position == 0 {
            for line in block.lines() {
                match line.split_once(": ") {
                    Some(("subject", text)) => subject = text,
                    Some(("preview", text)) => preview = text,
                    Some(("heading", text)) => heading = text,
                    _ => {}
                }
            }
        } else if !block.trim().is_empty() {
            blocks.push(read_block(block, &mut target, language));
        }
    }
    let html: Vec<String> = blocks.iter().map(as_html).collect();
    let text: Vec<String> = blocks.iter().map(|block| as_text(block, language.colon())).collect();
    let filled = SHELL
        .replace("[[lang]]", language.tag())
        .replace("[[dir]]", language.dir())
        .replace("[[start]]", language.start())
        .replace("[[preview]]", &escape(preview))
        .replace("[[heading]]", &escape(heading))
        .replace("[[blocks]]", &html.join("\n"));
    Template { subject: subject.to_owned(), html: filled, text: text.join("\n\n") + "\n" }
}

/// `target` is where the last button led; a printed address repeats it.
fn read_block(block: &str, target: &mut String, language: Language) -> Block {
    let line = block.lines().map(str::trim).collect::<Vec<_>>().join(language.line_joint());
    let line = line.trim();
    if let Some(fact) = line.strip_prefix("| ") {
        let (label, value) = fact.split_at(fact.find("{{").unwrap_or(fact.len()));
        return Block::Fact { label: label.trim_end().to_owned(), value: value.to_owned() };
    }
    if let Some((label, to)) = line.strip_prefix('[').and_then(|button| button.split_once("] ")) {
        to.clone_into(target);
        return Block::Button { label: label.to_owned(), target: to.to_owned() };
    }
    if let Some(before) = line.strip_prefix("? ") {
        return Block::Address { before: before.to_owned(), target: target.clone() };
    }
    match line.strip_prefix("-- ") {
        Some(small) => Block::Small(small.to_owned()),
        None => Block::Paragraph(line.to_owned()),
    }
}

/// Our own words as HTML. Placeholders pass through; quotes stay readable for whoever edits the template.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const FONT: &str = "{{organization.font}}";
const INK: &str = "{{organization.font.color}}";
const SOFT: &str = "#56626b";
const ACCENT: &str = "{{organization.color.primary}}";
const ON_ACCENT: &str = "{{organization.button.font.color}}";

/// A link that shows its own address; with no address there is nothing to see.
const SIGN_IN: &str = r#"<a class="address" dir="ltr" href="{{sign-in-link}}" target="_blank" style="color:{{organization.color.primary}};word-break:break-word">{{sign-in-link}}</a>"#;

fn as_html(block: &Block) -> String {
    match block {
        Block::Paragraph(text) => {
            let text = escape(text).replace("{{sign-in-link}}", SIGN_IN);
            format!(r#"<p class="ink" style="margin:0 0 16px;font:16px/25px {FONT};color:{INK}">{text}</p>"#)
        }
        Block::Fact { label, value } => {
            let label = escape(label.trim_end_matches([':', '\u{ff1a}', ' ', '\u{a0}']));
            let value = escape(value);
            format!(
                r#"<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="width:100%;margin:0 0 24px">
<tr><td class="fact" style="padding:12px 16px;background:#f4f5f6;border:1px solid #d9dee2;border-radius:8px;font:14px/20px {FONT};color:{INK}">
<span class="soft" style="color:{SOFT}">{label}</span><br>
<strong class="ink" dir="auto" style="font-size:16px;line-height:24px;word-break:break-word">{value}</strong>
</td></tr>
</table>"#
            )
        }
        Block::Button { label, target } => {
            let label = escape(label);
            format!(
                r#"<table role="presentation" class="button" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 24px">
<tr><td class="button" align="center" bgcolor="{ACCENT}" style="background:{ACCENT};border-radius:8px;mso-padding-alt:14px 28px">
<a href="{target}" target="_blank" style="display:inline-block;padding:14px 28px;font:bold 16px/20px {FONT};color:{ON_ACCENT};text-decoration:none;border-radius:8px">{label}</a>
</td></tr>
</table>"#
            )
        }
        Block::Address { before, target } => {
            let before = escape(before);
            format!(
                r#"<p class="soft" style="margin:0 0 16px;font:14px/21px {FONT};color:{SOFT}">{before}<br>
<a class="address" dir="ltr" href="{target}" target="_blank" style="color:{ACCENT};word-break:break-all">{target}</a></p>"#
            )
        }
        Block::Small(text) => {
            let text = escape(text);
            format!(r#"<p class="soft" style="margin:24px 0 0;font:14px/21px {FONT};color:{SOFT}">{text}</p>"#)
        }
    }
}

/// The text part prints the button's address under its label, so the address block has nothing to add.
fn as_text(block: &Block, colon: &str) -> String {
    match block {
        Block::Paragraph(text) | Block::Small(text) => text.clone(),
        Block::Fact { label, value } => format!("{label} {value}"),
        Block::Button { label, target } => format!("{label}{colon}\n{target}"),
        Block::Address { .. } => String::new(),
    }
}
