//! Mail templates on the console.

use ::http::StatusCode;
use maud::Markup;

use crate::base::locale::{MAX_LOCALE, normalise};
use crate::http::body::RequestBody;
use crate::http::console::Console;
use crate::http::console::submission::{self, Done};
use crate::http::error::ApiError;
use crate::http::form::Form;
use crate::http::request::{Input, PathParams};
use crate::http::response::{self, Response, see_other, set};
use crate::i18n::Language;
use crate::mail::preview::{self, Draft, PreviewError};
use crate::mail::render;
use crate::mail::render::problem::{Part, Problem as TemplateProblem};
use crate::mail::template::{PLACEHOLDERS, Template};
use crate::mail::template_choice::select_template;
use crate::mail::test_mail::{self, TestMailError};
use crate::model::context::Context;
use crate::model::mail::TemplateType;
use crate::model::mail_template::{ContentType, TemplateVersion, TenantTemplate};
use crate::model::resource::Resource;
use crate::pages::console::Section;
use crate::pages::console::form::{OPERATION, Problem};
use crate::pages::console::templates::{self as pages, Editor, Parts, Shown, TemplateRow};
use crate::pages::inbox;
use crate::store::mail_templates::{self, FoundTemplates, MOST_LOCALES, Replace, Stored, TenantTemplateType};
use crate::store::resources::find;

const NAME: &str = "Templates";
const PATH: &str = "/console/templates";
/// The time for which the HTML of a preview can be looked at, in seconds.
const PREVIEWED: u32 = 600;

/// `GET /console/templates`.
pub fn list(input: Input) -> Result<Response, ApiError> {
    let console = Console::new(&input.state.ctx, &input.headers, Section::Templates);
    let body = list_body(&console, &[])?;
    Ok(console.page(NAME, &body))
}

fn list_body(console: &Console, problems: &[Problem]) -> Result<Markup, ApiError> {
    let ctx = &console.ctx;
    let own = mail_templates::in_force(ctx)?;
    let default = &ctx.settings().default_locale;
    let mut rows = Vec::new();
    for kind in TemplateType::ALL {
        let of_type: Vec<TemplateVersion> =
            own.iter().filter(|(name, _)| name == kind.name()).map(|(_, version)| version.clone()).collect();
        rows.extend(rows_of(kind.name(), &of_type, true, default));
    }
    let is_sent = |name: &str| TemplateType::parse(name).is_some();
    for (name, version) in own.iter().filter(|(name, _)| !is_sent(name)) {
        rows.extend(rows_of(name, std::slice::from_ref(version), false, default));
    }
    Ok(pages::templates(&console.frame(), &rows, problems))
}

/// Returns the rows of a type, each with those who get it: the choice is the sender's.
fn rows_of(kind: &str, own: &[TemplateVersion], is_sent: bool, default: &str) -> Vec<TemplateRow> {
    let shipped = if is_sent { &Language::ALL[..] } else { &[] };
    let mut locales: Vec<String> = shipped.iter().map(|language| language.locale().to_owned()).collect();
    locales.extend(own.iter().map(|own| own.locale.clone()));
    locales.sort();
    locales.dedup();
    // The template that a reader of a locale gets, by its own locale.
    let chosen = |wanted: &[String]| {
        let choice = select_template(wanted, default, own);
        let version = own.iter().find(|own| own.version == choice.version);
        version.map_or_else(|| Language::for_locale(&choice.locale).locale().to_owned(), |own| own.locale.clone())
    };
    let readers: Vec<(String, String)> = if is_sent {
        locales.iter().map(|locale| (locale.clone(), chosen(std::slice::from_ref(locale)))).collect()
    } else {
        Vec::new()
    };
    let of_others = if is_sent { chosen(&[]) } else { String::new() };
    let row = |locale: &String| TemplateRow {
        kind: kind.to_owned(),
        locale: locale.clone(),
        own: own.iter().any(|own| own.locale == *locale),
        readers: readers.iter().filter(|(_, gets)| gets == locale).map(|(reader, _)| reader.clone()).collect(),
        others: of_others == *locale,
    };
    locales.iter().map(row).collect()
}

/// `GET /console/templates/new?type=&locale=`: leads to the editor.
pub fn begin(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, query, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Templates);
    let locale = locale_of(&query.filled("locale").unwrap_or_default());
    let kind = query.filled("type").and_then(|kind| TemplateType::parse(&kind)).unwrap_or(TemplateType::AskPassword);
    let Some(locale) = locale else {
        let problems = [Problem::of("locale", "Type a language and, if need be, its region, such as sv_SE.")];
        let body = list_body(&console, &problems)?;
        return Ok(console.refused(NAME, &problems, &body));
    };
    Ok(see_other(&console.at(&format!("{PATH}/{}/{locale}", kind.name()))))
}

fn locale_of(text: &str) -> Option<String> {
    normalise(text.trim()).filter(|locale| locale.len() <= MAX_LOCALE)
}

/// A template that a path names, and what is there.
struct Named {
    kind: TenantTemplateType,
    locale: String,
    found: FoundTemplates,
}

impl Named {
    fn find(ctx: &Context, params: &PathParams) -> Result<Self, ApiError> {
        let missing = || ApiError::missing("There is no such template.");
        let locale = locale_of(&params.decoded("locale")).ok_or_else(missing)?;
        let found = mail_templates::find(ctx, &TenantTemplateType::named(&params.decoded("type")), Some(&locale))?;
        let kind = found.kind.clone().ok_or_else(missing)?;
        Ok(Self { kind, locale, found })
    }

    fn path(&self) -> String {
        format!("{PATH}/{}/{}", self.kind.name, self.locale)
    }

    fn title(&self) -> String {
        format!("{} {}", self.kind.name, self.locale)
    }

    /// Returns the version of the tenant's own template; 0 where it has none.
    fn version(&self) -> u32 {
        self.found.own.iter().find(|own| own.locale == self.locale).map_or(0, |own| own.version)
    }

    /// Returns what is in force in the locale: the tenant's own, else what is shipped, else the nearest that is.
    fn present(&self) -> Parts {
        match (&self.found.template, self.kind.kind) {
            (Some(own), _) => parts(&Template::from(own)),
            (None, Some(kind)) => parts(render::shipped(kind, &self.locale)),
            (None, None) => Parts::default(),
        }
    }

    fn editor<'a>(&'a self, parts: &'a Parts, placeholders: &'a [(&'a str, &'a str)]) -> Editor<'a> {
        let is_shipped = Language::ALL.iter().any(|language| language.locale() == self.locale);
        Editor {
            kind: &self.kind.name,
            locale: &self.locale,
            version: self.version(),
            exists: self.found.template.is_some() || self.kind.kind.is_some() && is_shipped,
            parts,
            theirs: None,
            preview: None,
            person: "",
            required: self.kind.kind.map_or(&[], TemplateType::required_placeholders),
            placeholders,
        }
    }
}

fn parts(template: &Template) -> Parts {
    Parts { subject: template.subject.clone(), html: template.html.clone(), text: template.text.clone() }
}

fn placeholders() -> Vec<(&'static str, &'static str)> {
    PLACEHOLDERS.iter().map(|known| (known.name, known.meaning)).collect()
}

fn sent_form(body: RequestBody) -> Result<Form, ApiError> {
    body.console_form("The template is too large.")
}

/// Returns the parts that a form holds. Browsers send the ends of lines as CR and LF.
fn typed(form: &Form) -> Parts {
    let text = |name: &str| form.read_text(name).unwrap_or_default().replace("\r\n", "\n");
    Parts { subject: text("subject").trim().to_owned(), html: text("html"), text: text("text") }
}

/// `GET /console/templates/{type}/{locale}`.
pub fn edit(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, params, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Templates);
    let named = Named::find(&console.ctx, &params)?;
    let (parts, placeholders) = (named.present(), placeholders());
    let body = pages::editor(&console.frame(), &named.editor(&parts, &placeholders), &|| console.new_submission(), &[]);
    Ok(console.page(&named.title(), &body))
}

/// `POST /console/templates/{type}/{locale}`: saves it as the tenant's own, unless somebody else has meanwhile.
pub fn save(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, params, body: sent, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Templates);
    let form = sent_form(sent)?;
    let typed = typed(&form);

    submission::once(&console, &form, || {
        let named = Named::find(&console.ctx, &params)?;
        let present = named.present();
        let version = form.read_text("version").and_then(|version| version.parse().ok());
        let is_late = version.is_some_and(|version: u32| version != named.version()) && present != typed;
        let problems = if is_late {
            let problem = "Somebody else has saved this template meanwhile: theirs is shown below. “Save” has yours take its place.";
            vec![Problem::general(problem)]
        } else {
            match stored(&console.ctx, &named, &typed)? {
                Ok(what) => return Ok(Ok(Done::then(named.path(), what))),
                Err(problems) => problems,
            }
        };
        let placeholders = placeholders();
        let editor = Editor { theirs: is_late.then_some(&present), ..named.editor(&typed, &placeholders) };
        let body = pages::editor(&console.frame(), &editor, &|| console.new_submission(), &problems);
        Ok(Err(console.refused(&named.title(), &problems, &body)))
    })
}

/// Stores a template as its API does; answers what was done, or what is wrong with it.
fn stored(ctx: &Context, named: &Named, typed: &Parts) -> Result<Result<String, Vec<Problem>>, ApiError> {
    let template = template_of(typed);
    let refused = preview::refusals(ctx, &named.kind, &template);
    if !refused.is_empty() {
        return Ok(Err(refused.iter().map(problem).collect()));
    }
    if named.present() == *typed && named.version() > 0 {
        return Ok(Ok("Nothing was changed.".to_owned()));
    }
    let warnings = preview::warnings(ctx, &named.kind, &template)?;
    let stored = mail_templates::store(ctx, &named.kind, &[(named.locale.clone(), template)], Replace::Same)?;
    Ok(match stored {
        Stored::Done if warnings.is_empty() => {
            Ok("The template is saved. Mails from now on are written by it.".to_owned())
        }
        Stored::Done => Ok(format!("The template is saved. What else to know: {}", warnings.join(" "))),
        Stored::NoType => return Err(ApiError::missing("There is no such type of templates any more.")),
        Stored::Exists => Err(vec![Problem::general("Somebody else saves this template right now: save again.")]),
        Stored::TooMany => Err(vec![Problem::general(format!(
            "A type has templates in no more than {MOST_LOCALES} languages: restore another one first."
        ))]),
    })
}

/// Returns a problem of a template at the field that it is of.
fn problem(found: &TemplateProblem) -> Problem {
    let field = match found.part() {
        Some(Part::Subject) => "subject",
        Some(Part::Html) => "html",
        Some(Part::Text) => "text",
        None => "",
    };
    Problem::of(field, found.to_string())
}

/// A template as somebody is editing it.
struct Edited {
    console: Console,
    form: Form,
    typed: Parts,
    named: Named,
    version: u32,
    person: String,
}

impl Edited {
    fn read(input: Input) -> Result<Self, ApiError> {
        let Input { state, headers, params, body, .. } = input;
        let console = Console::new(&state.ctx, &headers, Section::Templates);
        let form = sent_form(body)?;
        let named = Named::find(&console.ctx, &params)?;
        let version = form.read_text("version").and_then(|version| version.parse().ok());
        let version = version.unwrap_or_else(|| named.version());
        let person = form.read_text("person").unwrap_or_default().trim().to_owned();
        Ok(Self { typed: typed(&form), console, form, named, version, person })
    }

    /// Returns the editor with what is typed.
    fn editor(&self, preview: Option<&Shown>, problems: &[Problem]) -> Markup {
        let placeholders = placeholders();
        let editor = Editor {
            preview,
            version: self.version,
            person: &self.person,
            ..self.named.editor(&self.typed, &placeholders)
        };
        pages::editor(&self.console.frame(), &editor, &|| self.console.new_submission(), problems)
    }

    /// Returns the editor with what keeps it from being carried out: 422.
    fn refused(&self, problems: &[Problem]) -> Response {
        self.console.refused(&self.named.title(), problems, &self.editor(None, problems))
    }
}

/// `POST /console/templates/{type}/{locale}/preview`: renders what is typed. Nothing is saved.
pub fn preview(input: Input) -> Result<Response, ApiError> {
    let edited = Edited::read(input)?;
    let (ctx, named, name) = (&edited.console.ctx, &edited.named, &edited.person);
    let person = if name.is_empty() { None } else { find::user_by_name(ctx, name)? };
    if !name.is_empty() && person.is_none() {
        let text = format!("Nobody is called {name}: type a user name, or leave it empty.");
        return Ok(edited.refused(&[Problem::of("person", text)]));
    }
    let shown = match preview::preview(ctx, &named.kind, &named.locale, draft(&edited.typed, person)) {
        Ok(previewed) => {
            let id = edited.console.new_submission();
            ctx.platform.cache.put(&key(ctx, &id), &previewed.mail.html, PREVIEWED);
            Shown {
                subject: previewed.mail.subject,
                text: previewed.mail.text,
                frame: Some(edited.console.at(&format!("{PATH}/preview/{id}"))),
                problems: previewed.problems,
            }
        }
        Err(PreviewError::NoType) => return Err(ApiError::missing("There is no such template.")),
        Err(PreviewError::TooLarge(why)) => {
            let problems = vec![format!("There is no preview: {why}.")];
            Shown { subject: edited.typed.subject.clone(), text: String::new(), frame: None, problems }
        }
        Err(PreviewError::Database(failure)) => return Err(failure.into()),
    };
    Ok(edited.console.page(&named.title(), &edited.editor(Some(&shown), &[])))
}

/// Returns what is typed, as it would be written to this user, or to somebody made up.
fn draft(typed: &Parts, person: Option<Resource>) -> Draft {
    Draft {
        content_type: Some(ContentType::Html),
        subject: Some(typed.subject.clone()),
        body: Some(typed.html.clone()),
        footer: Some(String::new()),
        text: Some(typed.text.clone()),
        person,
    }
}

/// `POST /console/templates/{type}/{locale}/test`: mails what is typed to whoever types it. Nothing is saved.
pub fn send_test(input: Input) -> Result<Response, ApiError> {
    let headers = input.headers.clone();
    let edited = Edited::read(input)?;
    submission::once(&edited.console, &edited.form, || {
        Ok(match mailed(&edited)? {
            Ok(address) => {
                let said = format!("A test mail is on its way to {address}. Nothing is saved.");
                let mut shown = Console::new(&edited.console.ctx, &headers, Section::Templates);
                shown.message = Some(said.clone());
                let page = shown.page(&edited.named.title(), &edited.editor(None, &[]));
                Ok(Done::shown(&edited.named.path(), &said, page))
            }
            Err(refused) => Err(refused),
        })
    })
}

/// Mails what is typed to the caller; answers their address, or the page that says why not.
fn mailed(edited: &Edited) -> Result<Result<String, Response>, ApiError> {
    let Edited { console: Console { ctx, .. }, named, typed, .. } = edited;
    let problems: Vec<Problem> = preview::refusals(ctx, &named.kind, &template_of(typed)).iter().map(problem).collect();
    if !problems.is_empty() {
        return Ok(Err(edited.refused(&problems)));
    }
    let mail = match preview::preview(ctx, &named.kind, &named.locale, draft(typed, None)) {
        Ok(previewed) => previewed.mail,
        Err(PreviewError::NoType) => return Err(ApiError::missing("There is no such template.")),
        Err(PreviewError::TooLarge(why)) => {
            let why = format!("The test mail was not sent: {why}.");
            return Ok(Err(edited.refused(&[Problem::general(why)])));
        }
        Err(PreviewError::Database(failure)) => return Err(failure.into()),
    };
    let key = edited.form.read_text(OPERATION).unwrap_or_default();
    match test_mail::send(ctx, mail, &key) {
        Ok(address) => Ok(Ok(address)),
        Err(TestMailError::Database(failure)) => Err(failure.into()),
        Err(error) => {
            let mut refused = edited.refused(&[Problem::general(error.to_string())]);
            if let TestMailError::TooMany(until) = error {
                let seconds = (until - ctx.platform.clock.now()).max(1000) / 1000;
                *refused.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                set(refused.headers_mut(), "retry-after", &seconds.to_string());
            }
            Ok(Err(refused))
        }
    }
}

/// Returns the template that is typed.
fn template_of(typed: &Parts) -> TenantTemplate {
    TenantTemplate {
        content_type: ContentType::Html,
        subject: typed.subject.clone(),
        body: typed.html.clone(),
        footer: String::new(),
        text: typed.text.clone(),
    }
}

/// Returns the key of a preview's HTML, which is the tenant's.
fn key(ctx: &Context, id: &str) -> String {
    format!("preview:{}:{id}", ctx.tenant.number())
}

/// `GET /console/templates/preview/{id}`: the HTML of a preview, for the frame in the page.
pub fn frame(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, .. } = input;
    let ctx = &state.ctx;
    let id = uuid::Uuid::try_parse(params.raw("id")).map_err(|_| ApiError::not_found())?;
    let html = ctx.platform.cache.get(&key(ctx, &id.to_string())).ok().flatten();
    let html = html.ok_or_else(|| ApiError::missing("The preview is gone: ask for it again."))?;
    let mut response = response::page(StatusCode::OK, inbox::frame(&html));
    set(response.headers_mut(), "content-security-policy", inbox::FRAME_POLICY);
    set(response.headers_mut(), "x-frame-options", "SAMEORIGIN");
    Ok(response)
}

/// `POST /console/templates/{type}/{locale}/restore`: the shipped template is in force again.
pub fn restore(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, params, body: sent, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Templates);
    let form = sent_form(sent)?;

    submission::once(&console, &form, || {
        let named = Named::find(&console.ctx, &params)?;
        mail_templates::remove(&console.ctx, &named.kind, Some(&named.locale))?;
        let what = match named.kind.kind {
            Some(_) => format!("{} is as shipped again: mails from now on are written by that.", named.title()),
            None => format!("{} is removed.", named.title()),
        };
        Ok(Ok(Done::then(PATH, what)))
    })
}
