//! What the rooms' errors come to.

use crate::access::api_tokens::CreateError;
use crate::access::audit_seal::AcceptError;
use crate::http::error::{ApiError, Cause};
use crate::invite::resend;
use crate::invite::resend_all;
use crate::mail::webhooks;
use crate::ports::DatabaseError;
use crate::provision;
use crate::provision::jobs::JobError;
use crate::provision::registrations::RegisterError;
use crate::provision::reindex::BeforeQuery;
use crate::store::invitations::listing;
use crate::store::list;
use crate::store::tenant_settings::ChangeError;
use crate::wso2::email_templates::TemplateError;
use crate::wso2::error::Error as Wso2Error;
use scim::error::Error as ScimError;

impl From<DatabaseError> for ApiError {
    fn from(failure: DatabaseError) -> Self {
        Cause::Database(failure).into()
    }
}

impl From<ScimError> for ApiError {
    fn from(error: ScimError) -> Self {
        Cause::Scim(error).into()
    }
}

impl From<Wso2Error> for ApiError {
    fn from(error: Wso2Error) -> Self {
        Cause::Wso2(error).into()
    }
}

impl From<provision::ProvisionError> for ApiError {
    fn from(error: provision::ProvisionError) -> Self {
        match error {
            provision::ProvisionError::Scim(error) => error.into(),
            provision::ProvisionError::Busy => Self::too_many_passwords(),
            provision::ProvisionError::TooOften { seconds, detail } => Self::too_many_requests(seconds, detail),
            provision::ProvisionError::Database(failure) => failure.into(),
        }
    }
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Tenants | CreateError::Beyond(_) => Self::forbidden(error.to_string()),
            CreateError::TooMany => Self::conflict(error.to_string()),
            CreateError::Database(failure) => failure.into(),
            CreateError::Name | CreateError::Scopes | CreateError::Days => Self::bad_request(error.to_string()),
        }
    }
}

impl From<list::ListError> for ApiError {
    fn from(error: list::ListError) -> Self {
        match error {
            list::ListError::Refused(error) => error.into(),
            list::ListError::Database(failure) => failure.into(),
        }
    }
}

impl From<BeforeQuery> for ApiError {
    fn from(error: BeforeQuery) -> Self {
        match error {
            BeforeQuery::Refused(error) => error.into(),
            BeforeQuery::Database(failure) => failure.into(),
        }
    }
}

impl From<RegisterError> for ApiError {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Refused(error) => error.into(),
            RegisterError::Database(failure) => failure.into(),
        }
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Invalid(_) => Self::bad_request(error.to_string()),
            ChangeError::Forbidden(_) => Self::forbidden(error.to_string()),
            ChangeError::Database(failure) => failure.into(),
        }
    }
}

impl From<AcceptError> for ApiError {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::From(_) => Self::bad_request(error.to_string()),
            AcceptError::Copy => Self::unavailable(error.to_string()),
            AcceptError::Database(failure) => failure.into(),
        }
    }
}

impl From<listing::ListError> for ApiError {
    fn from(error: listing::ListError) -> Self {
        match error {
            listing::ListError::Cursor(error) => Self::bad_request(error.detail),
            listing::ListError::Database(failure) => failure.into(),
        }
    }
}

impl From<resend::ResendError> for ApiError {
    fn from(error: resend::ResendError) -> Self {
        let detail = error.to_string();
        match error {
            resend::ResendError::NotFound => Self::missing(detail),
            resend::ResendError::Forbidden(_) => Self::forbidden(detail),
            resend::ResendError::Nothing(_) => Self::conflict(detail),
            resend::ResendError::TooMany { seconds, .. } => Self::too_many_requests(seconds, detail),
            resend::ResendError::Database(failure) => failure.into(),
        }
    }
}

impl From<resend_all::ResendAllError> for ApiError {
    fn from(error: resend_all::ResendAllError) -> Self {
        match error {
            resend_all::ResendAllError::Database(failure) => failure.into(),
            resend_all::ResendAllError::Signing | resend_all::ResendAllError::External => {
                Self::conflict(error.to_string())
            }
        }
    }
}

impl From<JobError> for ApiError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Filter(error) if error.status >= 500 => error.into(),
            JobError::Database(failure) => failure.into(),
            JobError::Scope(_) | JobError::Update => Self::forbidden(error.to_string()),
            JobError::External | JobError::Over(_) => Self::conflict(error.to_string()),
            JobError::NotFound | JobError::NoFile => Self::missing(error.to_string()),
            _ => Self::bad_request(error.to_string()),
        }
    }
}

impl From<webhooks::WebhookError> for ApiError {
    fn from(error: webhooks::WebhookError) -> Self {
        let unproven = |why: &str| {
            Self::unauthorized(format!("The webhook is not taken: {why}. See MAIL_WEBHOOK_SECRET_<PROVIDER>."))
        };
        match error {
            webhooks::WebhookError::Unknown => Self::missing(
                "No webhooks are taken here: there is no such provider, or its MAIL_WEBHOOK_SECRET_<PROVIDER> is not set.",
            ),
            webhooks::WebhookError::Forged(why) => unproven(why),
            webhooks::WebhookError::Stale => unproven("its signature is not of now"),
            webhooks::WebhookError::Malformed(why) => Self::bad_request(format!("The webhook cannot be read: {why}.")),
            webhooks::WebhookError::Unavailable(why) => Self::unavailable(format!("{why}: send it again.")),
            webhooks::WebhookError::Database(failure) => failure.into(),
        }
    }
}

impl From<TemplateError> for ApiError {
    fn from(error: TemplateError) -> Self {
        match error {
            TemplateError::Invalid(error) => error.into(),
            TemplateError::Database(failure) => failure.into(),
        }
    }
}
