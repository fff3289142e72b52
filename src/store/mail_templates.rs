//! The tenants' own mail templates, as their administrators edit them. A version is never changed or deleted: mails that
//! were written by it may still have to be sent again.
//!
//! `versions` reads them for the sender.

pub mod versions;

use serde_json::json;

use crate::model::audit::Action;
use crate::model::context::Context;
use crate::model::mail::TemplateType;
use crate::model::mail_template::{ContentType, TemplateVersion, TenantTemplate};
use crate::ports::{DatabaseError, Millis, Outcome, Row, Statement, Value};
use crate::store::audit;
use crate::store::operation::{Committed, Operation};

/// The most locales that a tenant has templates of one type in.
pub const MOST_LOCALES: usize = 100;
/// The most types that a tenant adds.
pub const MOST_TYPES: usize = 100;

/// The most templates that one list holds.
const MOST_LISTED: u32 = 1_000;

/// A type of templates, as a tenant sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantTemplateType {
    /// Which of the mails Latchkey sends it is; `None` for one that the tenant has added.
    pub kind: Option<TemplateType>,
    /// Its name.
    pub name: String,
}

impl TenantTemplateType {
    /// The type of this name; whether the tenant has it, if it is none of Latchkey's, is yet to be asked.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let kind = TemplateType::parse(name);
        Self { kind, name: kind.map_or_else(|| name.to_owned(), |kind| kind.name().to_owned()) }
    }

    /// Returns the key that its rows are stored under.
    fn key(&self) -> String {
        self.kind.map_or_else(|| self.name.to_lowercase(), |kind| kind.name().to_owned())
    }
}

/// The templates of one type that a tenant has.
#[derive(Clone, Debug, Default)]
pub struct FoundTemplates {
    /// The type with its name as it was given; `None` when there is no such type.
    pub kind: Option<TenantTemplateType>,
    /// The locales and versions of the tenant's own templates.
    pub own: Vec<TemplateVersion>,
    /// The template in the locale that was asked for, if it is the tenant's own.
    pub template: Option<TenantTemplate>,
}

/// Looks a type up, and the tenant's own template of it in `locale`. One round trip.
///
/// # Errors
/// The database's.
pub fn find(ctx: &Context, kind: &TenantTemplateType, locale: Option<&str>) -> Result<FoundTemplates, DatabaseError> {
    let key = || -> Vec<Value> { vec![ctx.tenant.key(), kind.key().into()] };
    let outcomes = ctx.platform.db.batch(vec![
        Statement::new("SELECT name FROM template_types WHERE tenant = ?1 AND type = ?2", key()),
        Statement::new(
            "SELECT locale, version FROM templates INDEXED BY templates_in_force \
                 WHERE tenant = ?1 AND type = ?2 AND retired IS NULL ORDER BY locale",
            key(),
        ),
        Statement::new(
            "SELECT content_type, subject, body, footer, text FROM templates INDEXED BY templates_in_force \
                 WHERE tenant = ?1 AND type = ?2 AND locale = ?3 AND retired IS NULL",
            [key(), vec![locale.into()]].concat(),
        ),
    ])?;
    let rows = |index: usize| outcomes.get(index).map(|outcome: &Outcome| outcome.rows.as_slice()).unwrap_or_default();
    let name = rows(0).first().map(|row| row.read_text("name")).transpose()?;
    Ok(FoundTemplates {
        kind: match (kind.kind, name) {
            (Some(_), _) => Some(kind.clone()),
            (None, Some(name)) => Some(TenantTemplateType { kind: None, name: name.to_owned() }),
            (None, None) => None,
        },
        own: rows(1).iter().map(version_from_row).collect::<Result<_, _>>()?,
        template: rows(2).first().map(template_from_row).transpose()?,
    })
}

/// The tenant's own templates in force, each with the name of its type, at most [`MOST_LISTED`].
///
/// # Errors
/// The database's.
pub fn in_force(ctx: &Context) -> Result<Vec<(String, TemplateVersion)>, DatabaseError> {
    let statement = Statement::new(
        "SELECT COALESCE(n.name, t.type) AS name, t.locale, t.version FROM templates t INDEXED BY templates_in_force \
         LEFT JOIN template_types n ON n.tenant = t.tenant AND n.type = t.type \
         WHERE t.tenant = ?1 AND t.retired IS NULL ORDER BY t.type, t.locale LIMIT ?2",
        vec![ctx.tenant.key(), MOST_LISTED.into()],
    );
    let rows = ctx.platform.query(statement)?;
    rows.iter().map(|row| Ok((row.read_text("name")?.to_owned(), version_from_row(row)?))).collect()
}

/// The names of the types that the tenant has added, in order.
///
/// # Errors
/// The database's.
pub fn find_types(ctx: &Context) -> Result<Vec<String>, DatabaseError> {
    let statement =
        Statement::new("SELECT name FROM template_types WHERE tenant = ?1 ORDER BY type", vec![ctx.tenant.key()]);
    ctx.platform.query(statement)?.iter().map(|row| row.read_text("name").map(str::to_owned)).collect()
}

/// The result of an attempt to store something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is stored.
    Done,
    /// It is there already.
    Exists,
    /// There is no such type, or not any more.
    NoType,
    /// The tenant has as many as it may have.
    TooMany,
}

/// Adds a type with its first templates, each by its locale. All or nothing.
///
/// # Errors
/// The database's.
pub fn add_type(
    ctx: &Context,
    kind: &TenantTemplateType,
    templates: &[(String, TenantTemplate)],
) -> Result<Stored, DatabaseError> {
    if kind.kind.is_some() {
        return Ok(Stored::Exists);
    }
    if templates.len() > MOST_LOCALES {
        return Ok(Stored::TooMany);
    }
    let operation = Operation::new(ctx);
    let now = ctx.platform.clock.now();
    let mut batch = vec![
        Statement::new(
            "INSERT INTO template_types (tenant, type, name, created) SELECT ?1, ?2, ?3, ?4 \
             WHERE (SELECT COUNT(*) FROM template_types WHERE tenant = ?1) < ?5 \
             OR EXISTS (SELECT 1 FROM template_types WHERE tenant = ?1 AND type = ?2) RETURNING type",
            vec![ctx.tenant.key(), kind.key().into(), kind.name.as_str().into(), now.into(), count(MOST_TYPES)],
        ),
        audit::record_if(ctx, operation.id(), Action::TemplateUpdate, &kind.name, LAST_CHANGED),
    ];
    for (locale, template) in templates {
        batch.push(insert(ctx, kind, locale, template, now));
        let target = target(kind, Some(locale));
        batch.push(audit::record_if(ctx, operation.id(), Action::TemplateUpdate, &target, LAST_CHANGED));
    }
    match operation.commit(ctx, batch) {
        Err(DatabaseError::Unique(_)) => Ok(Stored::Exists),
        committed => Ok(if committed?.has_row(0) { Stored::Done } else { Stored::TooMany }),
    }
}

/// Removes a type that the tenant has added, and in any case the tenant's own templates of it.
///
/// # Errors
/// The database's.
pub fn remove_type(ctx: &Context, kind: &TenantTemplateType) -> Result<(), DatabaseError> {
    let operation = Operation::new(ctx);
    let mut batch = vec![retire(ctx, kind, None)];
    if kind.kind.is_none() {
        let key = vec![ctx.tenant.key(), kind.key().into()];
        batch.push(Statement::new("DELETE FROM template_types WHERE tenant = ?1 AND type = ?2", key));
    }
    batch.push(audit::record_if(ctx, operation.id(), Action::TemplateDelete, &kind.name, LAST_CHANGED));
    ctx.platform.db.batch(batch).map(drop)
}

/// Takes the tenant's own template out of force, or all of the type. What is shipped takes its place.
///
/// # Errors
/// The database's.
pub fn remove(ctx: &Context, kind: &TenantTemplateType, locale: Option<&str>) -> Result<(), DatabaseError> {
    let operation = Operation::new(ctx);
    let target = target(kind, locale);
    let batch = vec![
        retire(ctx, kind, locale),
        audit::record_if(ctx, operation.id(), Action::TemplateDelete, &target, LAST_CHANGED),
    ];
    ctx.platform.db.batch(batch).map(drop)
}

/// Stores templates of a type, each by its locale, as new versions: instead of those in force (`replace`), or only where
/// there is none. All or none.
///
/// # Errors
/// The database's.
pub fn store(
    ctx: &Context,
    kind: &TenantTemplateType,
    templates: &[(String, TenantTemplate)],
    replace: Replace,
) -> Result<Stored, DatabaseError> {
    if templates.len() > MOST_LOCALES {
        return Ok(Stored::TooMany);
    }
    let operation = Operation::new(ctx);
    let mut batch = vec![Statement::new(
        "SELECT (SELECT COUNT(*) FROM template_types WHERE tenant = ?1 AND type = ?2) AS type, COUNT(*) AS locales, \
         COALESCE(SUM(locale IN (SELECT value FROM json_each(?3))), 0) AS same \
         FROM templates INDEXED BY templates_in_force WHERE tenant = ?1 AND type = ?2 AND retired IS NULL",
        vec![
            ctx.tenant.key(),
            kind.key().into(),
            json!(templates.iter().map(|(locale, _)| locale).collect::<Vec<_>>()).to_string().into(),
        ],
    )];
    if replace == Replace::All {
        batch.push(retire(ctx, kind, None));
        batch.push(audit::record_if(ctx, operation.id(), Action::TemplateDelete, &kind.name, LAST_CHANGED));
    }
    for (locale, template) in templates {
        if replace == Replace::Same {
            batch.push(retire(ctx, kind, Some(locale)));
        }
        batch.push(insert(ctx, kind, locale, template, ctx.platform.clock.now()));
        batch.push(audit::record_if(
            ctx,
            operation.id(),
            Action::TemplateUpdate,
            &target(kind, Some(locale)),
            LAST_CHANGED,
        ));
    }
    let outcomes = match operation.commit(ctx, batch) {
        // Two at once: the index has one template in force.
        Err(DatabaseError::Unique(_)) => return Ok(Stored::Exists),
        committed => match committed? {
            Committed::Answered(outcomes) => outcomes,
            Committed::Unanswered => return Ok(Stored::Done),
        },
    };
    let Some(before) = outcomes.first().and_then(|outcome| outcome.rows.first()) else { return Ok(Stored::Done) };
    if kind.kind.is_none() && before.read_integer("type")? == 0 {
        return Ok(Stored::NoType);
    }
    if replace == Replace::Nothing && before.read_integer("same")? > 0 {
        return Ok(Stored::Exists);
    }
    let kept =
        if replace == Replace::All { 0 } else { before.read_integer("locales")? - before.read_integer("same")? };
    let total = usize::try_from(kept).unwrap_or_default() + templates.len();
    Ok(if total > MOST_LOCALES { Stored::TooMany } else { Stored::Done })
}

/// The templates that a stored one takes the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// Nothing.
    Nothing,
    /// The template in force in the same locale.
    Same,
    /// All of the type's templates.
    All,
}

/// That the statement right before changed something.
const LAST_CHANGED: &str = "changes() > 0";

fn count(number: usize) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A template, as the audit names it.
fn target(kind: &TenantTemplateType, locale: Option<&str>) -> String {
    locale.map_or_else(|| kind.name.clone(), |locale| format!("{} {locale}", kind.name))
}

fn retire(ctx: &Context, kind: &TenantTemplateType, locale: Option<&str>) -> Statement {
    let key = vec![ctx.tenant.key(), kind.key().into(), ctx.platform.clock.now().into()];
    match locale {
        None => Statement::new(
            "UPDATE templates INDEXED BY templates_in_force SET retired = ?3 \
             WHERE tenant = ?1 AND type = ?2 AND retired IS NULL",
            key,
        ),
        Some(locale) => Statement::new(
            "UPDATE templates INDEXED BY templates_in_force SET retired = ?3 \
             WHERE tenant = ?1 AND type = ?2 AND locale = ?4 AND retired IS NULL",
            [key, vec![locale.into()]].concat(),
        ),
    }
}

/// Adds a version, provided that its type is there and that the tenant has not too many.
fn insert(ctx: &Context, kind: &TenantTemplateType, locale: &str, template: &TenantTemplate, now: Millis) -> Statement {
    Statement::new(
        "INSERT INTO templates (tenant, type, version, locale, bytes, modified, content_type, subject, body, footer, \
         text) SELECT ?1, ?2, (SELECT COALESCE(MAX(version), 0) + 1 FROM templates WHERE tenant = ?1 AND type = ?2), \
         ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 \
         WHERE (?11 OR EXISTS (SELECT 1 FROM template_types WHERE tenant = ?1 AND type = ?2)) \
         AND (SELECT COUNT(*) FROM templates INDEXED BY templates_in_force \
         WHERE tenant = ?1 AND type = ?2 AND retired IS NULL) < ?12",
        vec![
            ctx.tenant.key(),
            kind.key().into(),
            locale.into(),
            count(template.bytes()),
            now.into(),
            template.content_type.as_str().into(),
            template.subject.as_str().into(),
            template.body.as_str().into(),
            template.footer.as_str().into(),
            template.text.as_str().into(),
            kind.kind.is_some().into(),
            count(MOST_LOCALES),
        ],
    )
}

fn version_from_row(row: &Row) -> Result<TemplateVersion, DatabaseError> {
    let version =
        u32::try_from(row.read_integer("version")?).map_err(|_| DatabaseError::Shape("version".to_owned()))?;
    Ok(TemplateVersion { locale: row.read_text("locale")?.to_owned(), version })
}

fn template_from_row(row: &Row) -> Result<TenantTemplate, DatabaseError> {
    let text = |column: &str| row.read_text(column).map(str::to_owned);
    let content_type = ContentType::parse(row.read_text("content_type")?);
    Ok(TenantTemplate {
        content_type: content_type.ok_or_else(|| DatabaseError::Shape("content_type".to_owned()))?,
        subject: text("subject")?,
        body: text("body")?,
        footer: text("footer")?,
        text: text("text")?,
    })
}
