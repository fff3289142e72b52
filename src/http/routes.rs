//! Every address, who may call it, and what answers: a route cannot be written down without its rule.
//!
//! The rule is held to before the handler runs, which finds the caller in its context; `tests/http/access/matrix.rs` shows
//! what each kind of caller gets at each route.

use std::fmt;

use ::http::header::{ALLOW, CONTENT_LENGTH};
use ::http::request::Parts;
use ::http::{Method, StatusCode};
use bytes::Bytes;

use crate::base::scope::Scope;
use crate::http::api::{audit, invitations, jobs, mail, privacy, registrations, settings, templates, tokens};
use crate::http::body::RequestBody;
use crate::http::console::{
    self, add_user, audit as console_audit, branding as console_branding, deployment_toml as console_toml,
    groups as console_groups, import as console_import, jobs as console_jobs, kept, mail as console_mail,
    settings as console_settings, sign_in, templates as console_templates, tenants as console_tenants,
    tokens as console_tokens, user, users as console_users,
};
use crate::http::error::ApiError;
use crate::http::pages::{branding, inbox, links, recover};
use crate::http::request::{Input, PathParams, Query, RequestState};
use crate::http::response::{Response, set};
use crate::http::wso2::{codes, email_templates, governance, tenants};
use crate::http::{caller, hooks, oauth, operations, scim2};

/// The callers that a route admits.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// Anybody: what it shows is public, or the link or code in the request is the credential.
    Anyone,
    /// A user, by their own credentials, about themselves.
    Own,
    /// Whoever has one of these scopes in the tenant of the path.
    Scopes(&'static [Scope]),
    /// Whoever has all of these scopes in the tenant of the path.
    AllScopes(&'static [Scope]),
    /// Whoever has signed in to the console and has one of these scopes, or any role where there are none. Others are sent to
    /// sign in.
    Console(&'static [Scope]),
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |scopes: &[Scope]| scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>();
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Own => f.write_str("own"),
            Self::Console([]) => f.write_str("signed in"),
            Self::Console(any_of) => write!(f, "signed in: {}", names(any_of).join(" or ")),
            Self::Scopes(any_of) => f.write_str(&names(any_of).join(" or ")),
            Self::AllScopes(all_of) => f.write_str(&names(all_of).join(" and ")),
        }
    }
}

/// A method at an address, who may call it, and what answers.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The address' pattern, without the tenant's prefix.
    pub path: &'static str,
    /// The callers it admits.
    pub rule: Rule,
    handler: Handler,
}

type Handler = fn(Input) -> Result<Response, ApiError>;

const fn route(method: Method, path: &'static str, rule: Rule, handler: Handler) -> Route {
    Route { method, path, rule, handler }
}

/// Lets those in whom the rule names, and has the handler work for them.
fn guarded(rule: Rule, handler: Handler, mut input: Input, is_safe: bool) -> Result<Response, ApiError> {
    let Input { state, headers, uri, .. } = &input;
    let admitted = match rule {
        Rule::Anyone | Rule::Own => None,
        Rule::Scopes(any_of) => {
            let allowed = caller::allowed(state, headers, any_of);
            Some(allowed.map_err(|error| caller::explain(error, headers, any_of))?)
        }
        Rule::AllScopes(all_of) => {
            let allowed = caller::allowed_all(state, headers, all_of);
            Some(allowed.map_err(|error| caller::explain(error, headers, all_of))?)
        }
        Rule::Console(any_of) => match caller::in_session(&state.ctx, headers)? {
            None if is_safe => return Ok(sign_in::to_sign_in(&state.ctx, uri)),
            None => return kept::keep(&input.state.ctx, &input.uri, &input.headers, input.body),
            Some(ctx) if any_of.is_empty() || ctx.scopes.has_any(any_of) => Some(ctx),
            Some(_) => return Err(ApiError::forbidden("Your role does not cover this page.")),
        },
    };
    if let Some(ctx) = admitted {
        input.state.ctx = ctx;
    }
    handler(input)
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

const ANYONE: Rule = Rule::Anyone;
const OWN: Rule = Rule::Own;
const READ: Rule = Rule::Scopes(&[Scope::ScimRead]);
const WRITE: Rule = Rule::Scopes(&[Scope::ScimWrite]);
/// What may be created without `scim:write` is for `provision` to say.
const CREATE: Rule = Rule::Scopes(&[Scope::ScimWrite, Scope::Invitations]);
const SCHEMAS: Rule = Rule::Scopes(&[Scope::ScimRead, Scope::Settings]);
const SETTINGS: Rule = Rule::Scopes(&[Scope::Settings]);
const TOKENS: Rule = Rule::Scopes(&[Scope::Tokens]);
const INVITATIONS: Rule = Rule::Scopes(&[Scope::Invitations]);
/// Which of them an action takes is for `provision::jobs` to say.
const JOBS: Rule = Rule::Scopes(&[Scope::Invitations, Scope::ScimWrite, Scope::ScimRead]);
const LINKS: Rule = Rule::Scopes(&[Scope::Links]);
const MAIL: Rule = Rule::Scopes(&[Scope::Mail]);
const AUDIT: Rule = Rule::Scopes(&[Scope::Audit]);
const PRIVACY: Rule = Rule::AllScopes(&[Scope::ScimRead, Scope::Audit]);
/// Whoever reads the audit does not decide what stands in it.
const ACCEPT: Rule = Rule::AllScopes(&[Scope::Audit, Scope::Settings]);
const TEMPLATES: Rule = Rule::Scopes(&[Scope::Templates]);
const TENANTS: Rule = Rule::Scopes(&[Scope::Tenants]);

const SIGNED_IN: Rule = Rule::Console(&[]);
const CONSOLE_JOBS: Rule = Rule::Console(&[Scope::Invitations, Scope::ScimWrite, Scope::ScimRead]);
const CONSOLE_TOKENS: Rule = Rule::Console(&[Scope::Tokens]);
const CONSOLE_MAIL: Rule = Rule::Console(&[Scope::Mail]);
const CONSOLE_SETTINGS: Rule = Rule::Console(&[Scope::Settings]);
const CONSOLE_TEMPLATES: Rule = Rule::Console(&[Scope::Templates]);
const CONSOLE_TENANTS: Rule = Rule::Console(&[Scope::Tenants]);
const CONSOLE_AUDIT: Rule = Rule::Console(&[Scope::Audit]);
/// What may be created without `scim:write` is for `provision` to say.
const CONSOLE_ADD: Rule = Rule::Console(&[Scope::ScimWrite, Scope::Invitations]);
const CONSOLE_READ: Rule = Rule::Console(&[Scope::ScimRead]);
const CONSOLE_WRITE: Rule = Rule::Console(&[Scope::ScimWrite]);
const CONSOLE_INVITATIONS: Rule = Rule::Console(&[Scope::Invitations]);
const CONSOLE_LINKS: Rule = Rule::Console(&[Scope::Links]);

const GOVERNANCE: &str = "/api/server/v1/identity-governance";
const CONNECTORS: &str = "/api/server/v1/identity-governance/{category}/connectors";
const CONNECTOR: &str = "/api/server/v1/identity-governance/{category}/connectors/{connector}";
const TYPES_V2: &str = "/api/server/v2/email/template-types";
const TYPE_V2: &str = "/api/server/v2/email/template-types/{type}";
const ORG_V2: &str = "/api/server/v2/email/template-types/{type}/org-templates";
const TEMPLATE_V2: &str = "/api/server/v2/email/template-types/{type}/org-templates/{locale}";
const APP_V2: &str = "/api/server/v2/email/template-types/{type}/app-templates/{*rest}";
const TYPES_V1: &str = "/api/server/v1/email/template-types";
const TYPE_V1: &str = "/api/server/v1/email/template-types/{type}";
const TEMPLATE_V1: &str = "/api/server/v1/email/template-types/{type}/templates/{locale}";

/// All routes.
pub static ROUTES: &[Route] = &[
    route(GET, "/scim2/{endpoint}", READ, scim2::list),
    route(POST, "/scim2/{endpoint}", CREATE, scim2::create),
    route(POST, "/scim2/{endpoint}/.search", READ, scim2::search),
    route(GET, "/scim2/{endpoint}/{id}", READ, scim2::read),
    route(PUT, "/scim2/{endpoint}/{id}", WRITE, scim2::replace),
    route(PATCH, "/scim2/{endpoint}/{id}", WRITE, scim2::modify),
    route(DELETE, "/scim2/{endpoint}/{id}", WRITE, scim2::delete),
    route(GET, "/scim2", READ, scim2::list_all),
    route(POST, "/scim2/.search", READ, scim2::search_all),
    route(POST, "/scim2/Bulk", WRITE, scim2::bulk),
    route(GET, "/scim2/Me", OWN, scim2::read_me),
    route(PUT, "/scim2/Me", OWN, scim2::replace_me),
    route(PATCH, "/scim2/Me", OWN, scim2::modify_me),
    // Discovery shows the tenant's own to those who may read, and to everybody else what is built in.
    route(GET, "/scim2/ServiceProviderConfig", ANYONE, scim2::service_provider_config),
    route(GET, "/scim2/ResourceTypes", ANYONE, scim2::resource_types),
    route(GET, "/scim2/ResourceTypes/{id}", ANYONE, scim2::resource_type),
    route(GET, "/scim2/Schemas", ANYONE, scim2::schemas),
    route(GET, "/scim2/Schemas/{urn}", ANYONE, scim2::schema),
    route(POST, "/oauth2/token", ANYONE, oauth::token),
    route(GET, "/api/settings", SETTINGS, settings::read),
    route(PATCH, "/api/settings", SETTINGS, settings::modify),
    route(GET, "/api/tokens", TOKENS, tokens::list),
    route(POST, "/api/tokens", TOKENS, tokens::create),
    route(DELETE, "/api/tokens/{id}", TOKENS, tokens::revoke),
    route(GET, "/api/schemas", SCHEMAS, registrations::list_schemas),
    route(POST, "/api/schemas", SETTINGS, registrations::register_schema),
    route(GET, "/api/schemas/{urn}", SCHEMAS, registrations::read_schema),
    route(DELETE, "/api/schemas/{urn}", SETTINGS, registrations::remove_schema),
    route(GET, "/api/resource-types", SCHEMAS, registrations::list_resource_types),
    route(POST, "/api/resource-types", SETTINGS, registrations::register_resource_type),
    route(GET, "/api/resource-types/{name}", SCHEMAS, registrations::read_resource_type),
    route(DELETE, "/api/resource-types/{name}", SETTINGS, registrations::remove_resource_type),
    route(GET, "/api/invitations", INVITATIONS, invitations::list),
    route(POST, "/api/invitations/resend", INVITATIONS, invitations::resend_all),
    route(POST, "/api/invitations/import", INVITATIONS, invitations::import),
    route(POST, "/api/invitations/{user_id}/resend", INVITATIONS, invitations::resend),
    route(POST, "/api/invitations/{user_id}/revoke", INVITATIONS, invitations::revoke),
    route(POST, "/api/jobs", JOBS, jobs::create),
    route(GET, "/api/jobs", JOBS, jobs::list),
    route(GET, "/api/jobs/{id}", JOBS, jobs::read),
    route(GET, "/api/jobs/{id}/rows", JOBS, jobs::rows),
    route(GET, "/api/jobs/{id}/file", JOBS, jobs::file),
    route(POST, "/api/jobs/{id}/stop", JOBS, jobs::stop),
    route(POST, "/api/jobs/{id}/resume", JOBS, jobs::resume),
    // The vendor's signature is the credential.
    route(POST, "/hooks/mail/{provider}", ANYONE, hooks::mail),
    route(GET, "/api/mail", MAIL, mail::list),
    route(POST, "/api/mail/retry", MAIL, mail::retry_all),
    route(POST, "/api/mail/{id}/retry", MAIL, mail::retry_one),
    route(POST, "/api/mail/templates/preview", TEMPLATES, templates::preview),
    route(GET, "/api/audit", AUDIT, audit::list),
    route(GET, "/api/audit/verification", AUDIT, audit::verify),
    route(POST, "/api/audit/acceptance", ACCEPT, audit::accept),
    route(GET, "/api/users/{id}/privacy", PRIVACY, privacy::show),
    // WSO2's endpoints.
    route(POST, "/api/identity/recovery/v0.9/validate-code", ANYONE, codes::validate_recovery),
    route(POST, "/api/identity/recovery/v0.9/set-password", ANYONE, codes::set_password),
    route(POST, "/api/identity/user/v1.0/validate-code", ANYONE, codes::validate_user),
    route(POST, "/api/identity/user/v1.0/introspect-code", ANYONE, codes::introspect),
    route(POST, "/api/identity/user/v1.0/resend-code", INVITATIONS, codes::resend),
    route(POST, "/api/users/v1/offline-invite-link", LINKS, codes::offline_link),
    route(GET, "/api/server/v1/tenants", TENANTS, tenants::list),
    route(POST, "/api/server/v1/tenants", TENANTS, tenants::create),
    route(GET, "/api/server/v1/tenants/{id}", TENANTS, tenants::read),
    route(GET, "/api/server/v1/tenants/domain/{domain}", TENANTS, tenants::read),
    route(GET, "/api/server/v1/tenants/{id}/owners", TENANTS, tenants::owners),
    route(PUT, "/api/server/v1/tenants/{id}/lifecycle-status", TENANTS, tenants::set_lifecycle_status),
    route(GET, GOVERNANCE, SETTINGS, governance::categories),
    route(GET, "/api/server/v1/identity-governance/", SETTINGS, governance::categories),
    route(POST, "/api/server/v1/identity-governance/preferences", SETTINGS, governance::preferences),
    route(GET, "/api/server/v1/identity-governance/{category}", SETTINGS, governance::category),
    route(GET, CONNECTORS, SETTINGS, governance::connectors),
    route(PATCH, CONNECTORS, SETTINGS, governance::update_several),
    route(POST, "/api/server/v1/identity-governance/{category}/connectors/revert", SETTINGS, governance::revert),
    route(GET, CONNECTOR, SETTINGS, governance::connector),
    route(PATCH, CONNECTOR, SETTINGS, governance::update),
    route(GET, TYPES_V2, TEMPLATES, email_templates::read),
    route(POST, TYPES_V2, TEMPLATES, email_templates::add),
    route(GET, TYPE_V2, TEMPLATES, email_templates::read),
    route(DELETE, TYPE_V2, TEMPLATES, email_templates::remove),
    route(GET, ORG_V2, TEMPLATES, email_templates::read),
    route(POST, ORG_V2, TEMPLATES, email_templates::add),
    route(DELETE, ORG_V2, TEMPLATES, email_templates::remove),
    route(GET, TEMPLATE_V2, TEMPLATES, email_templates::read),
    route(PUT, TEMPLATE_V2, TEMPLATES, email_templates::replace),
    route(DELETE, TEMPLATE_V2, TEMPLATES, email_templates::remove),
    route(GET, APP_V2, TEMPLATES, email_templates::read),
    route(POST, APP_V2, TEMPLATES, email_templates::read),
    route(PUT, APP_V2, TEMPLATES, email_templates::read),
    route(DELETE, APP_V2, TEMPLATES, email_templates::read),
    route(GET, TYPES_V1, TEMPLATES, email_templates::read),
    route(POST, TYPES_V1, TEMPLATES, email_templates::add),
    route(GET, TYPE_V1, TEMPLATES, email_templates::read),
    route(POST, TYPE_V1, TEMPLATES, email_templates::add),
    route(PUT, TYPE_V1, TEMPLATES, email_templates::replace),
    route(DELETE, TYPE_V1, TEMPLATES, email_templates::remove),
    route(GET, "/api/server/v1/email/template-types/{type}/templates", TEMPLATES, email_templates::read),
    route(GET, TEMPLATE_V1, TEMPLATES, email_templates::read),
    route(PUT, TEMPLATE_V1, TEMPLATES, email_templates::replace),
    route(DELETE, TEMPLATE_V1, TEMPLATES, email_templates::remove),
    // Pages.
    route(GET, "/invite/{token}", ANYONE, links::invite_page),
    route(POST, "/invite/{token}", ANYONE, links::set_password),
    route(POST, "/invite/{token}/started", ANYONE, links::start),
    route(GET, "/recover", ANYONE, recover::show),
    route(POST, "/recover", ANYONE, recover::request),
    route(GET, "/reset/{token}", ANYONE, links::reset_page),
    route(POST, "/reset/{token}", ANYONE, links::reset_password),
    route(GET, "/verify/{token}", ANYONE, links::verify_page),
    route(POST, "/verify/{token}", ANYONE, links::confirm_email),
    route(GET, "/accountrecoveryendpoint/confirmrecovery.do", ANYONE, links::confirm_recovery),
    route(GET, "/accountrecoveryendpoint/confirmregistration.do", ANYONE, links::confirm_registration),
    route(GET, "/assets/{name}", ANYONE, operations::asset),
    route(GET, "/branding/logo", ANYONE, branding::logo),
    route(GET, "/branding/colors/{name}", ANYONE, branding::colors),
    route(GET, "/healthz", ANYONE, operations::healthz),
    route(GET, "/openapi.json", ANYONE, operations::openapi),
    // The console.
    route(GET, sign_in::SIGN_IN, ANYONE, sign_in::sign_in_page),
    route(POST, sign_in::SIGN_IN, ANYONE, sign_in::sign_in),
    // Whose session ends is what the cookie says; without one there is nothing to end.
    route(POST, sign_in::SIGN_OUT, ANYONE, sign_in::sign_out),
    route(POST, sign_in::SIGN_OUT_EVERYWHERE, ANYONE, sign_in::sign_out_everywhere),
    route(GET, sign_in::HOME, SIGNED_IN, console::home),
    route(GET, "/console/kept/{id}", SIGNED_IN, kept::show),
    route(GET, "/console/users", CONSOLE_READ, console_users::list),
    route(GET, "/console/tokens", CONSOLE_TOKENS, console_tokens::list),
    route(POST, "/console/tokens", CONSOLE_TOKENS, console_tokens::create),
    route(POST, "/console/tokens/{id}/revoke", CONSOLE_TOKENS, console_tokens::revoke),
    route(POST, "/console/users/actions", CONSOLE_JOBS, console_jobs::forecast),
    route(GET, "/console/jobs", CONSOLE_JOBS, console_jobs::list),
    route(POST, "/console/jobs", CONSOLE_JOBS, console_jobs::create),
    route(GET, "/console/jobs/{id}", CONSOLE_JOBS, console_jobs::read),
    route(GET, "/console/jobs/{id}/file", CONSOLE_JOBS, jobs::file),
    route(POST, "/console/jobs/{id}/stop", CONSOLE_JOBS, console_jobs::stop),
    route(POST, "/console/jobs/{id}/resume", CONSOLE_JOBS, console_jobs::resume),
    route(GET, "/console/mail", CONSOLE_MAIL, console_mail::list),
    route(POST, "/console/mail/retry", CONSOLE_MAIL, console_mail::retry_all),
    route(POST, "/console/mail/{id}/retry", CONSOLE_MAIL, console_mail::retry_one),
    route(GET, "/console/audit", CONSOLE_AUDIT, console_audit::list),
    route(GET, "/console/audit/export", CONSOLE_AUDIT, console_audit::export),
    route(GET, "/console/audit/seal", CONSOLE_AUDIT, console_audit::seal),
    route(GET, "/console/groups", CONSOLE_READ, console_groups::list),
    route(POST, "/console/groups", CONSOLE_WRITE, console_groups::create),
    route(GET, "/console/groups/{id}", CONSOLE_READ, console_groups::show),
    route(POST, "/console/groups/{id}", CONSOLE_WRITE, console_groups::rename),
    route(POST, "/console/groups/{id}/members", CONSOLE_WRITE, console_groups::add_members),
    route(POST, "/console/groups/{id}/members/remove", CONSOLE_WRITE, console_groups::remove_members),
    route(GET, "/console/groups/{id}/delete", CONSOLE_WRITE, console_groups::ask_to_delete),
    route(POST, "/console/groups/{id}/delete", CONSOLE_WRITE, console_groups::delete),
    route(GET, "/console/import", CONSOLE_INVITATIONS, console_import::show),
    route(POST, "/console/import", CONSOLE_INVITATIONS, console_import::take),
    route(GET, "/console/import/{id}", CONSOLE_INVITATIONS, console_import::map),
    route(POST, "/console/import/{id}/check", CONSOLE_INVITATIONS, console_import::check),
    route(POST, "/console/import/{id}/run", CONSOLE_INVITATIONS, console_import::run),
    route(GET, "/console/settings", CONSOLE_SETTINGS, console_settings::show),
    route(POST, "/console/settings", CONSOLE_SETTINGS, console_settings::save),
    route(POST, "/console/settings/reset", CONSOLE_SETTINGS, console_settings::reset),
    route(GET, "/console/settings/deployment-toml", CONSOLE_SETTINGS, console_toml::show),
    route(POST, "/console/settings/deployment-toml", CONSOLE_SETTINGS, console_toml::read),
    route(POST, "/console/settings/deployment-toml/apply", CONSOLE_SETTINGS, console_toml::apply),
    route(GET, "/console/settings/branding/page", CONSOLE_SETTINGS, console_branding::page),
    route(GET, "/console/settings/branding/mail", CONSOLE_SETTINGS, console_branding::mail),
    route(GET, "/console/templates", CONSOLE_TEMPLATES, console_templates::list),
    route(GET, "/console/templates/new", CONSOLE_TEMPLATES, console_templates::begin),
    route(GET, "/console/templates/preview/{id}", CONSOLE_TEMPLATES, console_templates::frame),
    route(GET, "/console/templates/{type}/{locale}", CONSOLE_TEMPLATES, console_templates::edit),
    route(POST, "/console/templates/{type}/{locale}", CONSOLE_TEMPLATES, console_templates::save),
    route(POST, "/console/templates/{type}/{locale}/preview", CONSOLE_TEMPLATES, console_templates::preview),
    route(POST, "/console/templates/{type}/{locale}/test", CONSOLE_TEMPLATES, console_templates::send_test),
    route(POST, "/console/templates/{type}/{locale}/restore", CONSOLE_TEMPLATES, console_templates::restore),
    route(GET, "/console/tenants", CONSOLE_TENANTS, console_tenants::list),
    route(POST, "/console/tenants", CONSOLE_TENANTS, console_tenants::create),
    route(POST, "/console/tenants/{id}/activate", CONSOLE_TENANTS, console_tenants::activate),
    route(POST, "/console/tenants/{id}/deactivate", CONSOLE_TENANTS, console_tenants::deactivate),
    route(GET, "/console/users/export", CONSOLE_READ, console_jobs::export),
    route(GET, "/console/users/new", CONSOLE_ADD, add_user::show),
    route(POST, "/console/users/new", CONSOLE_ADD, add_user::create),
    route(GET, "/console/users/{id}", CONSOLE_READ, user::show),
    route(POST, "/console/users/{id}", CONSOLE_WRITE, user::save),
    route(POST, "/console/users/{id}/resend", CONSOLE_INVITATIONS, user::resend),
    route(POST, "/console/users/{id}/revoke", CONSOLE_INVITATIONS, user::revoke),
    route(POST, "/console/users/{id}/link", CONSOLE_LINKS, user::link),
    route(POST, "/console/users/{id}/lock", CONSOLE_WRITE, user::lock),
    route(POST, "/console/users/{id}/unlock", CONSOLE_WRITE, user::unlock),
    route(POST, "/console/users/{id}/disable", CONSOLE_WRITE, user::disable),
    route(POST, "/console/users/{id}/enable", CONSOLE_WRITE, user::enable),
    // Roles take the scope `roles` besides, which `provision` asks for.
    route(POST, "/console/users/{id}/roles", CONSOLE_WRITE, user::set_roles),
    route(GET, "/console/users/{id}/address", CONSOLE_WRITE, user::address),
    route(POST, "/console/users/{id}/address", CONSOLE_WRITE, user::correct_address),
    route(GET, "/console/users/{id}/password", CONSOLE_WRITE, user::password),
    route(POST, "/console/users/{id}/password", CONSOLE_WRITE, user::set_password),
    route(POST, "/console/users/{id}/delete", CONSOLE_WRITE, user::delete),
    route(POST, "/console/users/{id}/undo", CONSOLE_WRITE, user::undo),
    route(GET, "/dev/panic", ANYONE, inbox::panic),
    route(GET, "/dev/inbox", ANYONE, inbox::inbox_page),
    route(GET, "/dev/inbox.json", ANYONE, inbox::inbox_json),
    route(GET, "/dev/inbox/{mail}", ANYONE, inbox::mail_html),
];

/// The routes by their address.
pub struct Router(matchit::Router<Vec<&'static Route>>);

impl Router {
    /// Returns the router of [`ROUTES`].
    pub fn new() -> Self {
        let mut by_path: Vec<(&str, Vec<&Route>)> = Vec::new();
        for route in ROUTES {
            match by_path.iter_mut().find(|(path, _)| *path == route.path) {
                Some((_, routes)) => routes.push(route),
                None => by_path.push((route.path, vec![route])),
            }
        }
        let mut router = matchit::Router::new();
        for (path, routes) in by_path {
            // Two patterns that say the same would show in every test of either.
            let _ = router.insert(path, routes);
        }
        Self(router)
    }

    /// Answers a request, and says which pattern its address has: empty where there is none.
    pub fn answer(&self, state: RequestState, parts: Parts, body: Option<Bytes>) -> (Response, &'static str) {
        let routes = self.0.at(parts.uri.path()).map(|found| found.value.as_slice()).unwrap_or_default();
        let pattern = routes.first().map_or("", |route| route.path);
        let (area, request_id) = (state.area, state.ctx.request_id.clone());
        // A GET without its body (RFC 9110 section 9.3.2).
        let is_head = parts.method == Method::HEAD;
        let method = if is_head { &GET } else { &parts.method };
        let (rule, handler): (Rule, Handler) = match routes.iter().find(|route| route.method == *method) {
            Some(route) => (route.rule, route.handler),
            None if routes.is_empty() => (ANYONE, operations::not_found),
            None => (ANYONE, operations::method_not_allowed),
        };
        let is_safe = parts.method.is_safe();
        let input = Input {
            body: RequestBody::new(area, &parts.headers, body),
            params: PathParams::new(pattern, parts.uri.clone()),
            query: Query::new(parts.uri.clone()),
            uri: parts.uri,
            headers: parts.headers,
            state,
        };
        let answered = guarded(rule, handler, input, is_safe);
        let mut response = answered.unwrap_or_else(|error| error.into_response(area.dialect(), Some(&request_id)));
        if response.status() == StatusCode::METHOD_NOT_ALLOWED && !response.headers().contains_key(ALLOW) {
            set(response.headers_mut(), "allow", &allowed(routes));
        }
        if is_head {
            let length = response.body().len();
            response.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
            *response.body_mut() = Bytes::new();
        }
        (response, pattern)
    }
}

/// The value of `Allow` (RFC 9110 section 10.2.1).
fn allowed(routes: &[&Route]) -> String {
    let names = routes.iter().map(|route| if route.method == GET { "GET,HEAD" } else { route.method.as_str() });
    names.collect::<Vec<_>>().join(",")
}
