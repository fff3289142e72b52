//! `/api/server/v1/tenants`: the super tenant's alone.

use ::http::{StatusCode, Uri};
use axum::body::Body;
use axum::response::Response;

use crate::http::answer::{self, Dialect};
use crate::http::api::flat;
use crate::http::wso2::{error, error_of, json, json_body};
use crate::http::{Work, empty, parameters, set};
use crate::model::context::Context;
use crate::model::tenant::Tenant;
use crate::provision::{ProvisionError, tenant};
use crate::store::tenants::{self, TenantRow};
use crate::wso2::tenants as wso2;

/// The most tenants on a page.
const MAX_PAGE: u32 = 100;

fn in_super_tenant(work: &Work) -> Result<&Context, Response> {
    if work.ctx.tenant.is_super() {
        return Ok(&work.ctx);
    }
    Err(error(403, "", "Tenants are managed in the super tenant: leave /t/{tenant} out of the address."))
}

/// `POST /api/server/v1/tenants`: 201 with `Location`; the owners are invited.
pub async fn create(work: Work, body: Body) -> Response {
    flat(
        async {
            let ctx = in_super_tenant(&work)?;
            let new = wso2::read(&json_body(body).await?).map_err(|error| error_of(&error))?;
            let code = tenant::create(ctx, &work.gate, &new).await.map_err(|refusal| match wso2::refused(refusal) {
                Ok(error) => error_of(&error),
                Err(ProvisionError::Scim(failure)) => error(failure.status, "", &failure.detail),
                Err(ProvisionError::Busy) => answer::unavailable(Dialect::Wso2, "Too many passwords are being hashed."),
                Err(ProvisionError::Database(failure)) => answer::database(Dialect::Wso2, &failure),
            })?;
            let mut response = empty(StatusCode::CREATED);
            let location = format!("{}/api/server/v1/tenants/{}", ctx.base(), new.tenant.number());
            set(response.headers_mut(), "location", &location);
            answer::carry(&mut response, code.as_ref());
            Ok(response)
        }
        .await,
    )
}

/// `GET /api/server/v1/tenants?offset=&limit=`
pub async fn list(work: Work, uri: Uri) -> Response {
    flat(
        async {
            let ctx = in_super_tenant(&work)?;
            let number = |name: &str, default: u32, code: &'static str| {
                parameters(&uri, name).next().map_or(Ok(default), |value| {
                    value.parse().map_err(|_| error(400, code, &format!("{name} must be a whole number from 0.")))
                })
            };
            let offset = number("offset", 0, "TM-60011")?;
            let limit = number("limit", 30, "TM-60010")?.clamp(1, MAX_PAGE);
            let (tenants, total) = tenants::page(ctx, offset, limit).await.map_err(|failure| failed(&failure))?;
            Ok(json(&wso2::show_page(&tenants, total, offset, limit, "/api/server/v1/tenants")))
        }
        .await,
    )
}

fn failed(failure: &crate::ports::DatabaseError) -> Response {
    answer::database(Dialect::Wso2, failure)
}

/// The tenant that the path names: by id, or by domain below `/domain/`.
async fn named<'w>(work: &'w Work, uri: &Uri) -> Result<(&'w Context, TenantRow), Response> {
    let ctx = in_super_tenant(work)?;
    let rest = uri.path().strip_prefix("/api/server/v1/tenants/").unwrap_or_default();
    let number = match rest.strip_prefix("domain/") {
        Some(domain) => i64::try_from(Tenant::of(domain).number()).ok(),
        None => rest.split('/').next().and_then(|id| id.parse().ok()),
    };
    let found = match number {
        Some(number) => tenants::find(ctx, number).await.map_err(|failure| failed(&failure))?,
        None => None,
    };
    found.map(|row| (ctx, row)).ok_or_else(|| error_of(&wso2::not_found(rest)))
}

/// `GET /api/server/v1/tenants/{id}` and `/domain/{domain}`; HEAD tells whether there is one.
pub async fn read(work: Work, uri: Uri) -> Response {
    flat(named(&work, &uri).await.map(|(_, row)| json(&wso2::show(&row))))
}

/// `GET /api/server/v1/tenants/{id}/owners`
pub async fn owners(work: Work, uri: Uri) -> Response {
    flat(named(&work, &uri).await.map(|(_, row)| json(&row.owners)))
}

/// `PUT /api/server/v1/tenants/{id}/lifecycle-status` `{"activated"}`
pub async fn set_lifecycle_status(work: Work, uri: Uri, body: Body) -> Response {
    flat(
        async {
            let (ctx, row) = named(&work, &uri).await?;
            let Some(active) = json_body(body).await?["activated"].as_bool() else {
                return Err(error(400, "TM-60013", "activated is missing: true or false."));
            };
            if row.tenant.is_super() {
                return Err(error(400, "TM-60013", "The super tenant cannot be deactivated."));
            }
            let number = i64::try_from(row.tenant.number()).unwrap_or_default();
            tenants::set_active(ctx, number, active).await.map_err(|failure| failed(&failure))?;
            Ok(empty(StatusCode::OK))
        }
        .await,
    )
}
