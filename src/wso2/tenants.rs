//! WSO2's tenant management API v1: bodies of `/api/server/v1/tenants`, and its error codes.

use serde_json::{Value as Json, json};

use crate::base::secret::Secret;
use crate::base::text::rfc3339;
use crate::model::tenant::{SUPER_TENANT, Tenant};
use crate::provision::ProvisionError;
use crate::provision::tenant::{CreateTenantError, NewTenant, Owner};
use crate::store::tenants::TenantRow;
use crate::wso2::error::Error;

/// Returns the error of a tenant that there is not.
#[must_use]
pub fn not_found(id: &str) -> Error {
    Error::without_message(
        404,
        "TM-60014",
        format!("There is no tenant with the id or domain {:?}.", crate::base::text::cut(id, 64)),
    )
}

/// The longest domain (RFC 1035 section 2.3.4).
const MAX_DOMAIN: usize = 253;

/// Reads a domain, which becomes part of every link's path.
///
/// # Errors
/// Codes TM-60004, TM-60006 and TM-60007.
pub fn domain(text: &str) -> Result<Tenant, Error> {
    let domain = text.trim().to_lowercase();
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    if domain.is_empty() {
        Err(Error::without_message(400, "TM-60004", "The domain is empty: give one such as acme.com."))
    } else if domain.starts_with('.') || domain.ends_with('.') || domain.contains("..") || domain.len() > MAX_DOMAIN {
        Err(Error::without_message(
            400,
            "TM-60006",
            "The domain starts or ends with a dot, has an empty part, or is too long.",
        ))
    } else if !domain.chars().all(legal) {
        let detail = "The domain has a character other than letters, digits, '.', '-' and '_'.";
        Err(Error::without_message(400, "TM-60007", detail))
    } else if domain == SUPER_TENANT {
        Err(exists())
    } else {
        Ok(Tenant::from_domain(&domain))
    }
}

fn exists() -> Error {
    Error::without_message(409, "TM-60009", "There is a tenant of this domain already: choose another domain.")
}

/// Reads the body of a POST: WSO2's, and Latchkey's `settings`.
///
/// # Errors
/// Codes TM-60012 and TM-60013, and those of [`domain`].
pub fn read(body: &Json) -> Result<NewTenant, Error> {
    let missing = |name: &str| Error::without_message(400, "TM-60013", format!("{name} is missing or not text."));
    let tenant = domain(body["domain"].as_str().ok_or_else(|| missing("domain"))?)?;
    let owners = body["owners"].as_array().filter(|owners| !owners.is_empty());
    let owners = owners
        .ok_or_else(|| Error::without_message(400, "TM-60012", "owners is missing: a tenant needs at least one."))?;
    let mut settings = Vec::new();
    match &body["settings"] {
        Json::Null => {}
        Json::Object(members) => {
            for (name, value) in members {
                let value = match value {
                    Json::String(text) => text.clone(),
                    Json::Bool(_) | Json::Number(_) => value.to_string(),
                    _ => {
                        return Err(Error::without_message(
                            400,
                            "TM-60013",
                            format!("The setting {name} is no text, number or truth."),
                        ));
                    }
                };
                settings.push((name.clone(), Some(value)));
            }
        }
        _ => return Err(Error::without_message(400, "TM-60013", "settings is not an object of names and values.")),
    }
    let owners = owners.iter().map(owner).collect::<Result<_, _>>()?;
    Ok(NewTenant { tenant, owners, settings })
}

fn owner(body: &Json) -> Result<Owner, Error> {
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let required = |name: &str| {
        text(name)
            .filter(|text| !text.trim().is_empty())
            .ok_or_else(|| Error::without_message(400, "TM-60013", format!("An owner's {name} is missing.")))
    };
    let password = text("password").filter(|password| !password.is_empty());
    let password = match (text("provisioningMethod").as_deref(), password) {
        (Some("inline-password"), Some(password)) | (None, Some(password)) => Some(password),
        (Some("inline-password"), None) => {
            return Err(Error::without_message(400, "TM-60013", "An owner's password is missing."));
        }
        (Some("invite-via-email") | None, _) => None,
        (Some(_), _) => {
            let detail = "An owner's provisioningMethod must be invite-via-email or inline-password.";
            return Err(Error::without_message(400, "TM-60013", detail));
        }
    };
    Ok(Owner {
        username: required("username")?,
        email: required("email")?,
        first_name: text("firstname").unwrap_or_default(),
        last_name: text("lastname").unwrap_or_default(),
        password: password.map(Secret::new),
    })
}

/// Returns why a tenant was not created, in WSO2's terms; the database's failures have none there.
///
/// # Errors
/// Errors that are not the request's fault.
pub fn create_error(refusal: CreateTenantError) -> Result<Error, ProvisionError> {
    match refusal {
        CreateTenantError::Exists => Ok(exists()),
        CreateTenantError::Settings(problems) => Ok(Error::without_message(400, "TM-60013", problems.join(" "))),
        CreateTenantError::Forbidden(_) => Ok(Error::without_message(403, "", refusal.to_string())),
        CreateTenantError::Owner(ProvisionError::Scim(error)) if error.status < 500 => {
            Ok(Error::without_message(error.status, "TM-60002", error.detail))
        }
        CreateTenantError::Owner(other) => Err(other),
    }
}

/// Returns a tenant as it is shown.
#[must_use]
pub fn show(row: &TenantRow) -> Json {
    json!({
        "id": row.tenant.number().to_string(),
        "domain": row.tenant.domain(),
        "owners": row.owners,
        "createdDate": rfc3339(row.created),
        "lifecycleStatus": { "activated": row.active },
    })
}

/// Returns a page of tenants.
#[must_use]
pub fn show_page(rows: &[TenantRow], total: i64, offset: u32, limit: u32, address: &str) -> Json {
    let mut links = Vec::new();
    if i64::from(offset) + i64::from(limit) < total {
        links.push(json!({ "href": format!("{address}?offset={}&limit={limit}", offset + limit), "rel": "next" }));
    }
    if offset > 0 {
        let previous = offset.saturating_sub(limit);
        links.push(json!({ "href": format!("{address}?offset={previous}&limit={limit}"), "rel": "previous" }));
    }
    json!({
        "totalResults": total,
        "startIndex": offset + 1,
        "count": rows.len(),
        "links": links,
        "tenants": rows.iter().map(show).collect::<Vec<_>>(),
    })
}
