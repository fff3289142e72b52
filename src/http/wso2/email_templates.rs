//! `/api/server/v2/email/template-types` and its older form below `v1`: the tenant's mail templates.

use ::http::StatusCode;

use crate::base::text::cut;
use crate::http::body::MEGABYTE;
use crate::http::error::ApiError;
use crate::http::request::{Input, PathParams};
use crate::http::response::{Response, empty, set};
use crate::http::wso2::json;
use crate::wso2::email_templates as wso2;
use crate::wso2::email_templates::{TemplateRoute, Version};

/// Returns what a path is about: the routes say it by their parameters.
fn template_route(params: &PathParams) -> (Version, TemplateRoute) {
    let pattern = params.pattern();
    let version = if pattern.starts_with("/api/server/v1/") { Version::V1 } else { Version::V2 };
    let (id, locale) = (params.decoded("type"), params.decoded("locale"));
    let route = if params.find("type").is_none() {
        TemplateRoute::Types
    } else if params.find("locale").is_some() {
        TemplateRoute::Template(id, locale)
    } else if pattern.ends_with("/{*rest}") {
        TemplateRoute::App
    } else if pattern.ends_with("/{type}") {
        TemplateRoute::Type(id)
    } else {
        TemplateRoute::Templates(id)
    };
    (version, route)
}

/// GET: a list, a type or a template. And whatever is asked about an application's templates.
pub fn read(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, query, .. } = input;
    let (version, route) = template_route(&params);
    let pairs: Vec<_> = query.pairs().collect();
    wso2::check_query(pairs.iter().map(|(name, value)| (&**name, &**value)))?;
    Ok(json(&wso2::read(&state.ctx, version, &route)?))
}

/// POST: 201 with `Location`.
pub fn add(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, body, .. } = input;
    let ctx = &state.ctx;
    let (version, route) = template_route(&params);
    let added = wso2::add(ctx, version, &route, &body.json(MEGABYTE)?)?;
    let mut response = json(&added.body);
    *response.status_mut() = StatusCode::CREATED;
    set(response.headers_mut(), "location", &format!("{}{}", ctx.base(), added.path));
    Ok(response)
}

/// Names what else to know of a template that was stored.
const PROBLEMS: &str = "latchkey-template-problems";
/// The most bytes of that.
const MOST_PROBLEMS: usize = 2000;

/// PUT: 200 without a body.
pub fn replace(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, body, .. } = input;
    let (version, route) = template_route(&params);
    let problems = wso2::replace(&state.ctx, version, &route, &body.json(MEGABYTE)?)?.join(" ");
    let mut response = empty(StatusCode::OK);
    if !problems.is_empty() {
        // A header takes ASCII alone.
        let ascii = cut(&problems, MOST_PROBLEMS).replace('…', "...");
        let ascii = ascii.replace(|c: char| !c.is_ascii() || c.is_control(), "?");
        set(response.headers_mut(), PROBLEMS, &ascii);
    }
    Ok(response)
}

/// DELETE: 204, whether or not there was anything.
pub fn remove(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, .. } = input;
    let (_, route) = template_route(&params);
    wso2::remove(&state.ctx, &route)?;
    Ok(empty(StatusCode::NO_CONTENT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ROUTES;

    /// What a path of the API is about, by the pattern that axum matches: the longest beginning that is not a parameter.
    fn route_of(path: &str) -> Option<(Version, TemplateRoute)> {
        let matches = |pattern: &str| {
            let open = pattern.ends_with("/{*rest}");
            let (patterns, segments) = (pattern.split('/').count(), path.split('/').count());
            (patterns == segments || open && segments >= patterns)
                && pattern.split('/').zip(path.split('/')).all(|(p, s)| p == s || p.starts_with('{'))
        };
        let pattern = ROUTES.iter().map(|route| route.path).find(|pattern| matches(pattern))?;
        Some(template_route(&PathParams::new(pattern, path.parse().ok()?)))
    }

    #[test]
    fn a_path_names_its_place_however_it_is_escaped() {
        let v2 = |rest: &str| route_of(&format!("/api/server/v2/email/template-types{rest}")).map(|(_, route)| route);
        let type_id = "QXNrUGFzc3dvcmQ".to_owned();
        assert_eq!(v2(""), Some(TemplateRoute::Types));
        assert_eq!(v2("/QXNrUGFzc3dvcmQ"), Some(TemplateRoute::Type(type_id.clone())));
        assert_eq!(v2("/QXNrUGFzc3dvcmQ/org-templates"), Some(TemplateRoute::Templates(type_id.clone())));
        let template = Some(TemplateRoute::Template(type_id, "pt_BR".to_owned()));
        assert_eq!(v2("/QXNr%55GFzc3dvcmQ/org-templates/pt%5fBR"), template);
        assert_eq!(v2("/x/app-templates/1/en_US"), Some(TemplateRoute::App));
        assert_eq!(v2("/x/templates"), None);
        let v1 = route_of("/api/server/v1/email/template-types/x/templates/en_US");
        assert_eq!(v1, Some((Version::V1, TemplateRoute::Template("x".to_owned(), "en_US".to_owned()))));
    }
}
