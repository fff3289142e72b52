//! From an outbox row to a message: the link is minted here, and nowhere else, from what the first lease froze.

use crate::base::text::cut;
use crate::base::token::{Claims, Purpose};
use crate::i18n::Language;
use crate::mail::providers::Message;
use crate::mail::render::buffer::TooLarge;
use crate::mail::render::{self, InvitationMail, Rendered, shipped};
use crate::mail::template::Template;
use crate::model::deployment::Deployment;
use crate::model::logo::Logo;
use crate::model::tenant::Tenant;
use crate::store::outbox::row::LeasedMail;

/// Why a mail has no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComposeError {
    /// The key that signs its link has been retired.
    KeyRetired,
    /// It would be too large.
    TooLarge(TooLarge),
}

impl From<TooLarge> for ComposeError {
    fn from(error: TooLarge) -> Self {
        Self::TooLarge(error)
    }
}

/// Returns the message of a leased mail by its template, the same bytes every time.
///
/// # Errors
/// [`ComposeError`]
pub fn compose(deployment: &Deployment, leased: &LeasedMail, template: &Template) -> Result<Message, ComposeError> {
    let LeasedMail { mail, content } = leased;
    let claims = mail.template.link_purpose().map(|purpose| Claims {
        kid: content.kid.clone(),
        purpose,
        tenant: mail.tenant,
        user: mail.user_id.parse().unwrap_or_default(),
        seq: mail.seq,
        issued_at: content.issued_at,
        expires_at: content.expires_at,
        locale: content.locale.clone(),
    });
    let code = match &claims {
        Some(claims) => deployment.keys.mint(claims).ok_or(ComposeError::KeyRetired)?,
        None => String::new(),
    };
    let mut rendered = render_with(deployment, leased, template, &code)?;
    if let Some(claims) = claims {
        let further = further_links(deployment, leased, &claims).ok_or(ComposeError::KeyRetired)?;
        render::add_accounts(&mut rendered, Language::for_locale(&content.locale), &further);
    }
    Ok(Message {
        from: deployment.mail_from.clone(),
        to: mail.recipient.clone(),
        reply_to: content.facts.reply_to.clone(),
        subject: rendered.subject,
        html: rendered.html,
        text: rendered.text,
        idempotency_key: mail.idempotency_key(),
    })
}

/// The user names of a mail's further accounts with their links; `None` where the key has been retired.
fn further_links(deployment: &Deployment, leased: &LeasedMail, claims: &Claims) -> Option<Vec<(String, String)>> {
    let base = format!("{}{}", deployment.public_origin, Tenant::from_domain(&leased.content.facts.tenant).prefix());
    let mut links = Vec::new();
    for (id, seq, name) in &leased.mail.accounts {
        let code = deployment.keys.mint(&Claims { user: id.parse().ok()?, seq: *seq, ..claims.clone() })?;
        links.push((deployment.user_stores.split(name).1.to_owned(), format!("{base}/reset/{code}")));
    }
    Some(links)
}

/// Renders a mail whose link has this code.
///
/// # Errors
/// [`TooLarge`]
pub fn render_with(
    deployment: &Deployment,
    leased: &LeasedMail,
    template: &Template,
    code: &str,
) -> Result<Rendered, TooLarge> {
    let LeasedMail { mail, content } = leased;
    let facts = &content.facts;
    let prefix = Tenant::from_domain(&facts.tenant).prefix();
    let base = format!("{}{prefix}", deployment.public_origin);
    let link = match mail.template.link_purpose() {
        Some(Purpose::VerifyEmail) => format!("{base}/verify/{code}"),
        Some(purpose) if purpose.resets_password() => format!("{base}/reset/{code}"),
        Some(_) => format!("{base}/invite/{code}"),
        None => String::new(),
    };
    let is_reminder = mail.reminder.is_some_and(|number| number > 0);
    let seconds = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
    let mut claims: Vec<(&str, &str)> = vec![("givenname", &facts.given_name), ("lastname", &facts.family_name)];
    claims.extend(facts.claims.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let logo = facts.logo.as_deref().and_then(Logo::parse);
    let values = render::invitation_values(&InvitationMail {
        locale: &content.locale,
        is_reminder,
        user_name: &facts.user_name,
        organization: &facts.organization,
        inviter: mail.invited_by.as_deref().unwrap_or_default(),
        link: &link,
        code,
        issued_at: seconds(content.issued_at),
        expires_at: (content.expires_at != 0).then(|| seconds(content.expires_at)),
        origin: &deployment.public_origin,
        prefix: &prefix,
        tenant_domain: &facts.tenant,
        userstore_domain: deployment.user_stores.domain_of(&mail.user_id),
        sign_in: facts.sign_in.as_deref().unwrap_or_default(),
        support: facts.support.as_deref().or(facts.reply_to.as_deref()).unwrap_or_default(),
        color: facts.color.as_deref().unwrap_or_default(),
        logo: logo.as_ref(),
        new_email: facts.new_email.as_deref().unwrap_or_default(),
        claims: &claims,
    });
    let mut rendered = render::render(&shipped::with_logo(template, logo.as_ref()), &values)?;
    if is_reminder {
        // Whoever's the template is.
        let language = Language::for_locale(&content.locale);
        let subject = format!("{}{} {}", language.phrases().reminder, language.colon(), rendered.subject);
        rendered.subject = cut(&subject, LONGEST_SUBJECT);
    }
    Ok(rendered)
}

/// The longest subject, in characters.
const LONGEST_SUBJECT: usize = 160;
