//! Every address, who may call it, and what answers: a route cannot be written down without its rule.
//!
//! The rule is held to before the handler runs, which finds the caller in its context; `tests/http/access/matrix.rs` shows
//! what each kind of caller gets at each route.

use std::fmt;
use std::pin::Pin;

use ::http::{HeaderMap, Method, Request, StatusCode, Uri};
use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::handler::Handler;
use axum::response::Response;
use axum::routing::{MethodFilter, on};

use crate::base::scope::Scope;
use crate::http::wso2::{codes, email_templates, governance, tenants};
use crate::http::{
    Work, api, audit, caller, console, dev, empty, hooks, invitations, links, mail, oauth, operations, scim2, settings,
    templates, tokens,
};

/// Who may call a route.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// Anybody: what it shows is public, or the link or code in the request is the credential.
    Anyone,
    /// A user, by credentials of his own, about himself.
    Own,
    /// Whoever has one of these scopes in the tenant of the path.
    Scopes(&'static [Scope]),
    /// Whoever has signed in to the console; others are sent to sign in.
    SignedIn,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Own => f.write_str("own"),
            Self::SignedIn => f.write_str("signed in"),
            Self::Scopes(any_of) => {
                f.write_str(&any_of.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" or "))
            }
        }
    }
}

/// A method at an address, who may call it, and what answers.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The address' pattern, without the tenant's prefix.
    pub path: &'static str,
    /// Who may call it.
    pub rule: Rule,
    handler: fn(Call) -> Answering,
}

const fn route(method: Method, path: &'static str, rule: Rule, handler: fn(Call) -> Answering) -> Route {
    Route { method, path, rule, handler }
}

/// A request, taken apart for the handlers.
pub struct Call {
    work: Work,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
}

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A handler behind a function pointer. axum compiles its machinery once for each type of handler: with one type for all,
/// the wasm is a tenth smaller.
#[derive(Clone, Copy)]
struct Endpoint {
    rule: Rule,
    handler: fn(Call) -> Answering,
}

impl Handler<(), ()> for Endpoint {
    type Future = Answering;

    fn call(self, request: Request<Body>, (): ()) -> Answering {
        let (mut parts, body) = request.into_parts();
        let route = parts.extensions.remove::<MatchedPath>();
        // `Service::handle` puts it there before it routes.
        let Some(work) = parts.extensions.remove::<Work>() else {
            return Box::pin(async { empty(StatusCode::INTERNAL_SERVER_ERROR) });
        };
        let call = Call { work, uri: parts.uri, headers: parts.headers, body };
        Box::pin(async move {
            let mut response = guarded(self, call).await;
            // The route's pattern goes back with the response, for the log.
            if let Some(route) = route {
                response.extensions_mut().insert(route);
            }
            response
        })
    }
}

/// Lets those in whom the rule names, and has the handler work for them.
async fn guarded(endpoint: Endpoint, mut call: Call) -> Response {
    let admitted = match endpoint.rule {
        Rule::Anyone | Rule::Own => Ok(None),
        Rule::Scopes(any_of) => match caller::allowed(&call.work, &call.headers, any_of).await {
            Ok(ctx) => Ok(Some(ctx)),
            Err(refused) => Err(caller::explain(refused, &call.headers, any_of)),
        },
        Rule::SignedIn => match caller::in_session(&call.work, &call.headers).await {
            Ok(None) => Err(console::to_sign_in(&call.work.ctx, &call.uri)),
            in_session => in_session,
        },
    };
    match admitted {
        Ok(Some(ctx)) => call.work.ctx = ctx,
        Ok(None) => {}
        Err(refused) => return refused,
    }
    (endpoint.handler)(call).await
}

/// The handler that is called with the parts of the request it names.
macro_rules! at {
    ($handler:path) => {
        |_| Box::pin($handler())
    };
    ($handler:path $(, $part:ident)+) => {
        |call| Box::pin($handler($(call.$part),+))
    };
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
const LINKS: Rule = Rule::Scopes(&[Scope::Links]);
const MAIL: Rule = Rule::Scopes(&[Scope::Mail]);
const AUDIT: Rule = Rule::Scopes(&[Scope::Audit]);
const TEMPLATES: Rule = Rule::Scopes(&[Scope::Templates]);
const TENANTS: Rule = Rule::Scopes(&[Scope::Tenants]);

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
    route(GET, "/scim2/{endpoint}", READ, at!(scim2::list, work, uri)),
    route(POST, "/scim2/{endpoint}", CREATE, at!(scim2::create, work, uri, headers, body)),
    route(POST, "/scim2/{endpoint}/.search", READ, at!(scim2::search, work, uri, headers, body)),
    route(GET, "/scim2/{endpoint}/{id}", READ, at!(scim2::read, work, uri, headers)),
    route(PUT, "/scim2/{endpoint}/{id}", WRITE, at!(scim2::replace, work, uri, headers, body)),
    route(PATCH, "/scim2/{endpoint}/{id}", WRITE, at!(scim2::modify, work, uri, headers, body)),
    route(DELETE, "/scim2/{endpoint}/{id}", WRITE, at!(scim2::delete, work, uri, headers)),
    route(POST, "/scim2/.search", READ, at!(scim2::search_all, work, headers, body)),
    route(POST, "/scim2/Bulk", WRITE, at!(scim2::bulk, work, headers, body)),
    route(GET, "/scim2/Me", OWN, at!(scim2::read_me, work, uri, headers)),
    route(PUT, "/scim2/Me", OWN, at!(scim2::replace_me, work, uri, headers, body)),
    route(PATCH, "/scim2/Me", OWN, at!(scim2::modify_me, work, uri, headers, body)),
    // Discovery shows the tenant's own to those who may read, and to everybody else what is built in.
    route(GET, "/scim2/ServiceProviderConfig", ANYONE, at!(scim2::service_provider_config, work, uri)),
    route(GET, "/scim2/ResourceTypes", ANYONE, at!(scim2::resource_types, work, uri, headers)),
    route(GET, "/scim2/ResourceTypes/{id}", ANYONE, at!(scim2::resource_type, work, uri, headers)),
    route(GET, "/scim2/Schemas", ANYONE, at!(scim2::schemas, work, uri, headers)),
    route(GET, "/scim2/Schemas/{urn}", ANYONE, at!(scim2::schema, work, uri, headers)),
    route(POST, "/oauth2/token", ANYONE, at!(oauth::token, work, headers, body)),
    route(GET, "/api/settings", SETTINGS, at!(settings::read, work)),
    route(PATCH, "/api/settings", SETTINGS, at!(settings::modify, work, body)),
    route(GET, "/api/tokens", TOKENS, at!(tokens::list, work)),
    route(POST, "/api/tokens", TOKENS, at!(tokens::create, work, body)),
    route(DELETE, "/api/tokens/{id}", TOKENS, at!(tokens::revoke, work, uri)),
    route(GET, "/api/schemas", SCHEMAS, at!(api::list_schemas, work)),
    route(POST, "/api/schemas", SETTINGS, at!(api::register_schema, work, body)),
    route(GET, "/api/schemas/{urn}", SCHEMAS, at!(api::read_schema, work, uri)),
    route(DELETE, "/api/schemas/{urn}", SETTINGS, at!(api::remove_schema, work, uri)),
    route(GET, "/api/resource-types", SCHEMAS, at!(api::list_resource_types, work)),
    route(POST, "/api/resource-types", SETTINGS, at!(api::register_resource_type, work, body)),
    route(GET, "/api/resource-types/{name}", SCHEMAS, at!(api::read_resource_type, work, uri)),
    route(DELETE, "/api/resource-types/{name}", SETTINGS, at!(api::remove_resource_type, work, uri)),
    route(GET, "/api/invitations", INVITATIONS, at!(invitations::list, work, uri)),
    route(POST, "/api/invitations/resend", INVITATIONS, at!(invitations::resend_all, work, body)),
    route(POST, "/api/invitations/import", INVITATIONS, at!(invitations::import, work, uri, headers, body)),
    route(POST, "/api/invitations/{user_id}/resend", INVITATIONS, at!(invitations::resend, work, uri)),
    route(POST, "/api/invitations/{user_id}/revoke", INVITATIONS, at!(invitations::revoke, work, uri)),
    // The vendor's signature is the credential.
    route(POST, "/hooks/mail/{provider}", ANYONE, at!(hooks::mail, work, uri, headers, body)),
    route(GET, "/api/mail", MAIL, at!(mail::list, work, uri)),
    route(POST, "/api/mail/retry", MAIL, at!(mail::retry_all, work, body)),
    route(POST, "/api/mail/{id}/retry", MAIL, at!(mail::retry_one, work, uri)),
    route(POST, "/api/mail/templates/preview", TEMPLATES, at!(templates::preview, work, body)),
    route(GET, "/api/audit", AUDIT, at!(audit::list, work, uri)),
    route(GET, "/api/audit/verification", AUDIT, at!(audit::verify, work, uri)),
    // WSO2's endpoints.
    route(POST, "/api/identity/recovery/v0.9/validate-code", ANYONE, at!(codes::validate_recovery, work, body)),
    route(POST, "/api/identity/recovery/v0.9/set-password", ANYONE, at!(codes::set_password, work, body)),
    route(POST, "/api/identity/user/v1.0/validate-code", ANYONE, at!(codes::validate_user, work, body)),
    route(POST, "/api/identity/user/v1.0/introspect-code", ANYONE, at!(codes::introspect, work, body)),
    route(POST, "/api/identity/user/v1.0/resend-code", INVITATIONS, at!(codes::resend, work, body)),
    route(POST, "/api/users/v1/offline-invite-link", LINKS, at!(codes::offline_link, work, body)),
    route(GET, "/api/server/v1/tenants", TENANTS, at!(tenants::list, work, uri)),
    route(POST, "/api/server/v1/tenants", TENANTS, at!(tenants::create, work, body)),
    route(GET, "/api/server/v1/tenants/{id}", TENANTS, at!(tenants::read, work, uri)),
    route(GET, "/api/server/v1/tenants/domain/{domain}", TENANTS, at!(tenants::read, work, uri)),
    route(GET, "/api/server/v1/tenants/{id}/owners", TENANTS, at!(tenants::owners, work, uri)),
    route(
        PUT,
        "/api/server/v1/tenants/{id}/lifecycle-status",
        TENANTS,
        at!(tenants::set_lifecycle_status, work, uri, body),
    ),
    route(GET, GOVERNANCE, SETTINGS, at!(governance::categories, work, uri)),
    route(GET, "/api/server/v1/identity-governance/", SETTINGS, at!(governance::categories, work, uri)),
    route(POST, "/api/server/v1/identity-governance/preferences", SETTINGS, at!(governance::preferences, work, body)),
    route(GET, "/api/server/v1/identity-governance/{category}", SETTINGS, at!(governance::category, work, uri)),
    route(GET, CONNECTORS, SETTINGS, at!(governance::connectors, work, uri)),
    route(PATCH, CONNECTORS, SETTINGS, at!(governance::update_several, work, uri, body)),
    route(
        POST,
        "/api/server/v1/identity-governance/{category}/connectors/revert",
        SETTINGS,
        at!(governance::revert, work, uri, body),
    ),
    route(GET, CONNECTOR, SETTINGS, at!(governance::connector, work, uri)),
    route(PATCH, CONNECTOR, SETTINGS, at!(governance::update, work, uri, body)),
    route(GET, TYPES_V2, TEMPLATES, at!(email_templates::read, work, uri)),
    route(POST, TYPES_V2, TEMPLATES, at!(email_templates::add, work, uri, body)),
    route(GET, TYPE_V2, TEMPLATES, at!(email_templates::read, work, uri)),
    route(DELETE, TYPE_V2, TEMPLATES, at!(email_templates::remove, work, uri)),
    route(GET, ORG_V2, TEMPLATES, at!(email_templates::read, work, uri)),
    route(POST, ORG_V2, TEMPLATES, at!(email_templates::add, work, uri, body)),
    route(DELETE, ORG_V2, TEMPLATES, at!(email_templates::remove, work, uri)),
    route(GET, TEMPLATE_V2, TEMPLATES, at!(email_templates::read, work, uri)),
    route(PUT, TEMPLATE_V2, TEMPLATES, at!(email_templates::replace, work, uri, body)),
    route(DELETE, TEMPLATE_V2, TEMPLATES, at!(email_templates::remove, work, uri)),
    route(GET, APP_V2, TEMPLATES, at!(email_templates::read, work, uri)),
    route(POST, APP_V2, TEMPLATES, at!(email_templates::read, work, uri)),
    route(PUT, APP_V2, TEMPLATES, at!(email_templates::read, work, uri)),
    route(DELETE, APP_V2, TEMPLATES, at!(email_templates::read, work, uri)),
    route(GET, TYPES_V1, TEMPLATES, at!(email_templates::read, work, uri)),
    route(POST, TYPES_V1, TEMPLATES, at!(email_templates::add, work, uri, body)),
    route(GET, TYPE_V1, TEMPLATES, at!(email_templates::read, work, uri)),
    route(POST, TYPE_V1, TEMPLATES, at!(email_templates::add, work, uri, body)),
    route(PUT, TYPE_V1, TEMPLATES, at!(email_templates::replace, work, uri, body)),
    route(DELETE, TYPE_V1, TEMPLATES, at!(email_templates::remove, work, uri)),
    route(
        GET,
        "/api/server/v1/email/template-types/{type}/templates",
        TEMPLATES,
        at!(email_templates::read, work, uri),
    ),
    route(GET, TEMPLATE_V1, TEMPLATES, at!(email_templates::read, work, uri)),
    route(PUT, TEMPLATE_V1, TEMPLATES, at!(email_templates::replace, work, uri, body)),
    route(DELETE, TEMPLATE_V1, TEMPLATES, at!(email_templates::remove, work, uri)),
    // Pages.
    route(GET, "/invite/{token}", ANYONE, at!(links::invite_page, work, uri)),
    route(POST, "/invite/{token}", ANYONE, at!(links::set_password, work, uri, body)),
    route(GET, "/verify/{token}", ANYONE, at!(links::verify_page, work, uri)),
    route(POST, "/verify/{token}", ANYONE, at!(links::confirm_email, work, uri, body)),
    route(GET, "/accountrecoveryendpoint/confirmrecovery.do", ANYONE, at!(links::confirm_recovery, work, uri)),
    route(GET, "/accountrecoveryendpoint/confirmregistration.do", ANYONE, at!(links::confirm_registration, work, uri)),
    route(GET, "/assets/{name}", ANYONE, at!(operations::asset, uri)),
    route(GET, "/healthz", ANYONE, at!(operations::healthz)),
    route(GET, "/openapi.json", ANYONE, at!(operations::openapi)),
    route(GET, console::HOME, Rule::SignedIn, at!(console::home, work)),
    route(GET, console::SIGN_IN, ANYONE, at!(console::sign_in_page, work, uri, headers)),
    route(POST, console::SIGN_IN, ANYONE, at!(console::sign_in, work, headers, body)),
    // Whose session ends is what the cookie says; without one there is nothing to end.
    route(POST, console::SIGN_OUT, ANYONE, at!(console::sign_out, work, headers)),
    route(POST, console::SIGN_OUT_EVERYWHERE, ANYONE, at!(console::sign_out_everywhere, work, headers)),
    route(GET, "/dev/panic", ANYONE, at!(dev::panic, work)),
    route(GET, "/dev/inbox", ANYONE, at!(dev::inbox_page, work)),
    route(GET, "/dev/inbox.json", ANYONE, at!(dev::inbox_json, work)),
    route(GET, "/dev/inbox/{mail}", ANYONE, at!(dev::mail_html, work, uri)),
];

/// The router of [`ROUTES`].
pub fn router() -> Router {
    let endpoint = |rule, handler| Endpoint { rule, handler };
    ROUTES
        .iter()
        .fold(Router::new(), |router, route| match MethodFilter::try_from(route.method.clone()) {
            Ok(filter) => router.route(route.path, on(filter, endpoint(route.rule, route.handler))),
            Err(_) => router,
        })
        .fallback(endpoint(ANYONE, at!(operations::not_found, uri)))
        .method_not_allowed_fallback(endpoint(ANYONE, at!(operations::method_not_allowed, uri)))
}
