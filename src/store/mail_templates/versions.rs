//! The versions of templates that mails are written by, as the sender reads them.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use crate::model::mail::TemplateType;
use crate::model::mail_template::{TemplateVersion, TenantTemplate};
use crate::ports::{DatabaseError, Millis, Row, Statement};
use crate::store::mail_templates::{template_from_row, version_from_row};
use crate::store::outbox::turns;

/// A version of a template: the tenant's number, the type, and the version; 0 is the shipped one.
pub type VersionKey = (u64, TemplateType, u32);

/// The templates that the mails of a batch may be written by: which versions their tenants have of their types, and how
/// large each is.
#[derive(Clone, Debug, Default)]
pub struct TemplateIndex {
    in_force: HashMap<(u64, TemplateType), Vec<TemplateVersion>>,
    bytes: HashMap<VersionKey, usize>,
}

impl TemplateIndex {
    /// Reads the rows of [`select_for_due`] and [`select_for`].
    ///
    /// # Errors
    /// [`DatabaseError::Shape`]
    pub fn from_rows(rows: &[Row]) -> Result<Self, DatabaseError> {
        let mut index = Self::default();
        for row in rows {
            let Some((tenant, kind)) = type_from_row(row)? else { continue };
            let version = version_from_row(row)?;
            let bytes = usize::try_from(row.read_integer("bytes")?).unwrap_or(usize::MAX);
            index.bytes.insert((tenant, kind, version.version), bytes);
            if row.read_integer("in_force")? != 0 {
                index.in_force.entry((tenant, kind)).or_default().push(version);
            }
        }
        Ok(index)
    }

    /// The tenant's own templates of this type that are in force.
    #[must_use]
    pub fn in_force(&self, tenant: u64, kind: TemplateType) -> &[TemplateVersion] {
        self.in_force.get(&(tenant, kind)).map(Vec::as_slice).unwrap_or_default()
    }

    /// How many of the first of these mails may have their templates read together: a Worker's memory has its end.
    #[must_use]
    pub fn count_within_byte_limit(&self, versions: impl Iterator<Item = VersionKey>) -> usize {
        const BATCH_BYTES: usize = 4 * 1024 * 1024;
        let mut counted = HashSet::new();
        let mut sum = 0;
        let fit = versions.take_while(|version| {
            if counted.insert(*version) {
                sum += self.bytes.get(version).copied().unwrap_or_default();
            }
            sum <= BATCH_BYTES || counted.len() == 1
        });
        fit.count()
    }
}

/// The statement that lists what [`TemplateIndex`] holds for the mails that a look at `now` finds, which begins at the tenant
/// `first` and takes `limit` of them: it goes into the batch that reads the mails.
#[must_use]
pub fn select_for_due(now: Millis, limit: u32, first: u64) -> Statement {
    let sql = format!(
        "{}, waiting AS (SELECT o.tenant, o.template, o.template_version, o.facts IS NULL AS fresh FROM picked p \
         CROSS JOIN outbox o ON o.rowid = p.mail) \
         SELECT c.tenant, c.type, c.locale, c.version, c.bytes, TRUE AS in_force \
         FROM (SELECT DISTINCT tenant, template FROM waiting WHERE fresh) needed CROSS JOIN templates c \
         INDEXED BY templates_in_force ON c.tenant = needed.tenant AND c.type = needed.template AND c.retired IS NULL \
         UNION ALL \
         SELECT c.tenant, c.type, c.locale, c.version, c.bytes, FALSE \
         FROM (SELECT DISTINCT tenant, template, template_version FROM waiting WHERE NOT fresh) needed \
         CROSS JOIN templates c ON c.tenant = needed.tenant AND c.type = needed.template \
         AND c.version = needed.template_version",
        turns::picked()
    );
    Statement::new(sql, vec![now.into(), limit.into(), first.cast_signed().into()])
}

/// The same for mails of another user store than PRIMARY, which are listed: tenant, template, and the version, where that
/// is fixed already.
#[must_use]
pub fn select_for(waiting: &[(i64, &str, Option<i64>)]) -> Statement {
    Statement::new(
        "WITH waiting AS (SELECT DISTINCT j.value ->> 0 AS tenant, j.value ->> 1 AS template, j.value ->> 2 AS version \
         FROM json_each(?1) j) \
         SELECT c.tenant, c.type, c.locale, c.version, c.bytes, TRUE AS in_force FROM waiting \
         CROSS JOIN templates c INDEXED BY templates_in_force \
         ON c.tenant = waiting.tenant AND c.type = waiting.template AND c.retired IS NULL \
         WHERE waiting.version IS NULL UNION ALL \
         SELECT c.tenant, c.type, c.locale, c.version, c.bytes, FALSE FROM waiting \
         CROSS JOIN templates c ON c.tenant = waiting.tenant AND c.type = waiting.template AND c.version = waiting.version",
        vec![json!(waiting).to_string().into()],
    )
}

fn type_from_row(row: &Row) -> Result<Option<(u64, TemplateType)>, DatabaseError> {
    let tenant = u64::try_from(row.read_integer("tenant")?).map_err(|_| DatabaseError::Shape("tenant".to_owned()))?;
    Ok(TemplateType::parse(row.read_text("type")?).map(|kind| (tenant, kind)))
}

/// The statement that reads these versions; `None` when none of them is a tenant's own.
#[must_use]
pub fn select_versions(versions: impl Iterator<Item = VersionKey>) -> Option<Statement> {
    let wanted: HashSet<_> = versions.filter(|(_, _, version)| *version != 0).collect();
    if wanted.is_empty() {
        return None;
    }
    let wanted: Vec<_> =
        wanted.into_iter().map(|(tenant, kind, version)| json!([tenant, kind.name(), version])).collect();
    Some(Statement::new(
        "SELECT c.tenant, c.type, c.version, c.content_type, c.subject, c.body, c.footer, c.text FROM json_each(?1) j \
         CROSS JOIN templates c ON c.tenant = j.value ->> 0 AND c.type = j.value ->> 1 AND c.version = j.value ->> 2",
        vec![json!(wanted).to_string().into()],
    ))
}

/// Reads the rows of [`select_versions`].
///
/// # Errors
/// [`DatabaseError::Shape`]
pub fn versions_from_rows(rows: &[Row]) -> Result<HashMap<VersionKey, TenantTemplate>, DatabaseError> {
    let mut templates = HashMap::with_capacity(rows.len());
    for row in rows {
        let Some((tenant, kind)) = type_from_row(row)? else { continue };
        let version =
            u32::try_from(row.read_integer("version")?).map_err(|_| DatabaseError::Shape("version".to_owned()))?;
        templates.insert((tenant, kind, version), template_from_row(row)?);
    }
    Ok(templates)
}
