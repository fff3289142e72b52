//! Adding a user on the console: what `POST /scim2/Users` does.

use ::http::StatusCode;
use axum::response::Response;
use serde_json::{Value as Json, json};

use crate::base::address::Address;
use crate::base::scope::Scope;
use crate::http::console::submission::{self, Done};
use crate::http::console::{Console, handed_over, read_form, user_type};
use crate::http::error::ApiError;
use crate::http::form::Form;
use crate::http::request::Input;
use crate::i18n::Language;
use crate::i18n::time::duration;
use crate::mail::preview::{PreviewError, preview_invitation};
use crate::mail::render::Rendered;
use crate::model::context::Context;
use crate::model::resource::{GROUP, WSO2_SCHEMA};
use crate::model::role::Role;
use crate::model::settings::{EmailSender, Validity};
use crate::model::user_stores::PRIMARY;
use crate::model::zone;
use crate::pages::console::add_user::{self as pages, AddUser, NewUser};
use crate::pages::console::form::Problem;
use crate::pages::console::{Section, page};
use crate::ports::Millis;
use crate::provision::{self, Found, MAX_GROUPS_JOINED};
use crate::store::list;
use crate::store::registrations::load_registry;
use scim::query::ListRequest;

const NAME: &str = "Add user";

/// `GET /console/users/new`.
pub async fn show(input: Input) -> Result<Response, ApiError> {
    let console = Console::new(&input.state.ctx, &input.headers, Section::Users);
    let typed = NewUser { ask: true, ..NewUser::default() };
    let body = body(&console, &typed, None, &[]).await?;
    Ok(console.page(NAME, &body))
}

/// `POST /console/users/new`: creates the user; with the button `preview` it only shows the mail.
pub async fn create(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, body: sent, .. } = input;
    let mut console = Console::new(&state.ctx, &headers, Section::Users);
    // Fifty names of groups may be long.
    let form = read_form(sent).await?;
    let typed = read(&form);
    let password = form.read_text("password").unwrap_or_default();
    let is_preview = form.read_text("preview").is_some();
    let mut problems = check(&typed, &password, &form.read_text("confirm").unwrap_or_default(), is_preview);
    let ends_at = match end_of(&console.ctx, &typed) {
        Ok(ends_at) => ends_at,
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    if !problems.is_empty() {
        return refused(&console, StatusCode::UNPROCESSABLE_ENTITY, &typed, &problems).await;
    }
    let rt = user_type(&console.ctx).await?;
    if is_preview {
        let new = match provision::prepare(&console.ctx, &state.gate, &rt, document(&console.ctx, &typed, "")) {
            Ok(mut new) => {
                ends_at.into_iter().for_each(|at| new.end_invitation_at(at));
                new
            }
            Err(error) => return explain(&console, &typed, error.into()).await,
        };
        let mail = preview_invitation(&console.ctx, &new).await.map_err(|error| match error {
            PreviewError::NoType => ApiError::missing("There is no such template."),
            PreviewError::TooLarge(why) => ApiError::bad_request(format!("There is no preview: {why}.")),
            PreviewError::Database(failure) => failure.into(),
        })?;
        let body = body(&console, &typed, Some(mail.as_ref()), &[]).await?;
        return Ok(console.page(NAME, &body));
    }
    if let Some(at) = ends_at
        && form.read_text("shown").unwrap_or_default() != at.to_string()
    {
        // The sender sees the instant before anything is sent.
        let again = if password.is_empty() { "" } else { " Type the password again." };
        let end = until(&console.ctx, &typed);
        let message = format!("Nothing is sent yet: the link {end}. Press “Finish” to send it.{again}");
        console.message = Some(message);
        let body = body(&console, &typed, None, &[]).await?;
        return Ok(console.page(NAME, &body));
    }
    let done = submission::once(&console, &form, async {
        let document = document(&console.ctx, &typed, &password);
        let created =
            provision::create_in_groups(&console.ctx, &state.gate, &rt, document, &typed.groups, ends_at).await;
        match created {
            Ok(found) => Ok(Ok(announce(&console, &typed, &found))),
            Err(error) => explain(&console, &typed, error.into()).await.map(Err),
        }
    });
    done.await
}

/// Returns what was typed, without the white space around it.
fn read(form: &Form) -> NewUser {
    let text = |name: &str| form.read_text(name).unwrap_or_default().trim().to_owned();
    let mut groups = form.texts("group");
    groups.dedup();
    NewUser {
        domain: text("domain"),
        username: text("username"),
        ask: form.read_text("ask").is_some(),
        email: text("email"),
        given_name: text("given_name"),
        family_name: text("family_name"),
        locale: text("locale"),
        groups,
        expires: text("expires"),
        verify: form.read_text("verify").is_some(),
    }
}

/// The latest end of an invitation, in milliseconds from now.
const LATEST_END: Millis = 3_660 * 86_400_000;

/// When the invitation ends, where that is said, in the tenant's time zone.
fn end_of(ctx: &Context, typed: &NewUser) -> Result<Option<Millis>, Problem> {
    if typed.expires.is_empty() {
        return Ok(None);
    }
    let problem = |text: &str| Err(Problem::of("expires", text));
    if !typed.ask && !typed.verify {
        return problem("Nobody is invited: leave it empty, or ask the person for the password.");
    }
    let (clock, settings) = (&*ctx.platform.clock, ctx.settings());
    let zone = zone::known(clock, &settings.time_zone);
    let Some(at) = zone::instant(clock, zone, &typed.expires) else {
        return problem("Type a date and a time that there is, such as 2027-01-31 18:00.");
    };
    let left = at - clock.now();
    if left <= 0 {
        return problem("This time is over: type a later one.");
    }
    if left > LATEST_END { problem("Type a time within the next ten years.") } else { Ok(Some(at)) }
}

/// What is wrong with the form before anybody is asked, in the words of its labels.
fn check(typed: &NewUser, password: &str, confirmed: &str, is_preview: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    if typed.username.is_empty() {
        problems.push(Problem::of("username", "Type a user name."));
    }
    let needs_address = typed.ask || typed.verify || is_preview;
    if typed.email.is_empty() && needs_address {
        problems.push(Problem::of("email", "Type the address that the mail is to go to."));
    } else if !typed.email.is_empty() && Address::parse(&typed.email).is_none() {
        problems.push(Problem::of("email", "Type one address, such as paul@somemail.com."));
    }
    if is_preview {
        return problems;
    }
    if typed.ask && !(password.is_empty() && confirmed.is_empty()) {
        let text = "Leave the password empty, or do not ask the person for it.";
        problems.push(Problem::of("password", text));
    } else if !typed.ask && password.is_empty() {
        problems.push(Problem::of("password", "Type a password, or ask the person for it."));
    } else if password != confirmed {
        problems.push(Problem::of("confirm", "The two passwords differ: type both again."));
    }
    problems
}

/// The SCIM user that is made of what was typed.
fn document(ctx: &Context, typed: &NewUser, password: &str) -> Json {
    let stores = &ctx.deployment.user_stores;
    let is_elsewhere = !typed.domain.is_empty() && !typed.domain.eq_ignore_ascii_case(PRIMARY);
    let user_name = match stores.embedded(&typed.username) {
        None if is_elsewhere => format!("{}/{}", typed.domain, typed.username),
        _ => typed.username.clone(),
    };
    let mut user = json!({ "userName": user_name });
    if !typed.email.is_empty() {
        user["emails"] = json!([{ "value": typed.email, "primary": true }]);
    }
    for (name, text) in [("givenName", &typed.given_name), ("familyName", &typed.family_name)] {
        if !text.is_empty() {
            user["name"][name] = json!(text);
        }
    }
    if !typed.locale.is_empty() {
        user["locale"] = json!(typed.locale);
    }
    if typed.ask {
        user[WSO2_SCHEMA] = json!({ "askPassword": true });
    } else {
        if typed.verify {
            user[WSO2_SCHEMA] = json!({ "verifyEmail": true });
        }
        if !password.is_empty() {
            user["password"] = json!(password);
        }
    }
    user
}

/// What was done, in words that say no more than is so.
fn announce(console: &Console, typed: &NewUser, found: &Found) -> Done {
    let user = &found.resource;
    let path = format!("/console/users/{}", user.id);
    if let Some(code) = &found.code {
        let message = "The user is created, and the link was shown once: hand it over yourself.";
        return Done::shown(&path, message, handed_over(console, StatusCode::CREATED, user, code));
    }
    let message = match (&user.invitation, typed.ask) {
        (Some(_), true) => match until(&console.ctx, typed) {
            end if end.is_empty() => format!("The invitation to {} is on its way.", typed.email),
            end => format!("The invitation to {} is on its way: its link {end}.", typed.email),
        },
        (Some(_), false) => format!("The mail that asks {} to confirm the address is on its way.", typed.email),
        (None, _) => format!("The user {} is created. No mail is sent.", user.user_name()),
    };
    Done::then(path, message)
}

/// Until when the link is good, where that was said: in the tenant's time zone, and in UTC.
fn until(ctx: &Context, typed: &NewUser) -> String {
    let Ok(Some(at)) = end_of(ctx, typed) else { return String::new() };
    let clock = &*ctx.platform.clock;
    let settings = ctx.settings();
    format!("is good until {}", zone::in_words(clock, zone::known(clock, &settings.time_zone), at))
}

/// The form again, where what the room says is the sender's to mend.
async fn explain(console: &Console, typed: &NewUser, error: ApiError) -> Result<Response, ApiError> {
    let status = error.status();
    let problem = match (status, error.detail()) {
        (StatusCode::CONFLICT, _) => Problem::of("username", "This user name is taken: choose another one."),
        (StatusCode::FORBIDDEN, Some(detail)) => Problem::general(detail),
        (StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE, Some(detail)) => {
            Problem::of(field_of(detail), detail)
        }
        _ => return Err(error),
    };
    let status = if status == StatusCode::FORBIDDEN { status } else { StatusCode::UNPROCESSABLE_ENTITY };
    refused(console, status, typed, &[problem]).await
}

/// The field that a room's words are about; empty for none.
fn field_of(detail: &str) -> &'static str {
    const WORDS: [(&str, &str); 8] = [
        ("user store domain", "domain"),
        ("userName", "username"),
        ("e-mail address", "email"),
        ("emails", "email"),
        ("group", "groups"),
        ("locale", "locale"),
        ("givenName", "given_name"),
        ("familyName", "family_name"),
    ];
    let named = WORDS.iter().find(|(word, _)| detail.contains(word)).map(|(_, field)| *field);
    let is_password = || detail.to_ascii_lowercase().contains("password");
    named.unwrap_or(if is_password() { "password" } else { "" })
}

async fn refused(
    console: &Console,
    status: StatusCode,
    typed: &NewUser,
    problems: &[Problem],
) -> Result<Response, ApiError> {
    let body = body(console, typed, None, problems).await?;
    Ok(console.html(status, page(&console.frame(), NAME, problems, &body)))
}

/// The page. `preview`: the mail, or that there is none.
async fn body(
    console: &Console,
    typed: &NewUser,
    preview: Option<Option<&Rendered>>,
    problems: &[Problem],
) -> Result<maud::Markup, ApiError> {
    let ctx = &console.ctx;
    let stores = &ctx.deployment.user_stores;
    let domains: Vec<&str> = std::iter::once(PRIMARY).chain(stores.iter().map(|store| &*store.domain)).collect();
    let preview = preview.map(|mail| match mail {
        Some(mail) => (mail.subject.as_str(), mail.text.as_str()),
        None => ("No mail", "No mail is sent to this person."),
    });
    let (clock, settings) = (&*ctx.platform.clock, ctx.settings());
    let zone = zone::known(clock, &settings.time_zone);
    let shown = end_of(ctx, typed).ok().flatten().map(|at| at.to_string()).unwrap_or_default();
    let zone_hint = format!(
        "(optional) In the time zone {zone}, where it is {} now. Empty: as the setting says.",
        clock.local(zone, clock.now()).unwrap_or_default().get(..16).unwrap_or_default().replace('T', " ")
    );
    Ok(pages::add_user(
        &console.frame(),
        &AddUser {
            operation: &console.new_submission(),
            typed,
            domains: &domains,
            groups: &groups(ctx).await?,
            default_locale: &ctx.settings().default_locale,
            zone,
            zone_hint: &zone_hint,
            shown: &shown,
            consequence: &consequence(ctx, typed),
            preview,
            problems,
        },
    ))
}

/// The names of the first groups, where the caller may say who is in them. One round trip.
async fn groups(ctx: &Context) -> Result<Vec<String>, ApiError> {
    if !ctx.scopes.has(Scope::ScimWrite) {
        return Ok(Vec::new());
    }
    let registry = load_registry(ctx).await?;
    let Some(rt) = registry.resource_type(GROUP).cloned() else { return Ok(Vec::new()) };
    let count = MAX_GROUPS_JOINED.to_string();
    let request = ListRequest::from_pairs([("count", count.as_str()), ("sortBy", "displayName"), ("cursor", "")])?;
    let page = list::list(ctx, &rt, &request.resolve(&rt)?).await?;
    let name = |group: &Json| group["displayName"].as_str().unwrap_or_default().to_owned();
    let names = page.resources.iter().map(|(_, group)| name(&Json::Object(group.attributes())));
    let may_join = |name: &String| ctx.scopes.has(Scope::Roles) || Role::named(name).is_none();
    Ok(names.filter(may_join).collect())
}

/// What will be sent to whom, in a sentence or two.
fn consequence(ctx: &Context, typed: &NewUser) -> String {
    let settings = ctx.settings();
    if !settings.enable_email_verification {
        return "Invitations are switched off by the setting “Enable User Email Verification”: no mail is sent."
            .to_owned();
    }
    if settings.email_sender == EmailSender::External {
        return "No mail is sent: the link is shown here once, for you to hand over.".to_owned();
    }
    let to = if typed.email.is_empty() { "the e-mail address above" } else { &typed.email };
    let own_end = until(ctx, typed);
    let lasts = |validity: Validity| match validity {
        _ if !own_end.is_empty() => own_end.clone(),
        Validity::Forever => "has no end".to_owned(),
        Validity::Minutes(minutes) => format!("is good for {}", duration(i64::from(minutes) * 60, Language::En)),
    };
    let lock = if settings.lock_on_creation { " Until then the account is locked." } else { "" };
    if typed.ask || !typed.verify {
        let lasts = lasts(settings.ask_password_email_validity);
        return format!(
            "Asked for the password, the person gets an invitation by mail to {to}: its link {lasts}.{lock}"
        );
    }
    let lasts = lasts(settings.verification_email_validity);
    format!("The person gets a mail to {to} that asks to confirm the address: its link {lasts}.{lock}")
}
