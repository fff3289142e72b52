//! What becomes of rows: each user is created, or what is wished of those who exist is done. A batch of rows is looked at
//! together; a dry run does all of it but the writes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::access::hash_limiter::HashLimiter;
use crate::base::scope::Scope;
use crate::base::text::cut;
use crate::base::text_enum::text_enum;
use crate::invite::resend::{self, ResendError};
use crate::model::context::Context;
use crate::model::job::{JobAction, Obstacle};
use crate::model::new_resource::NewResource;
use crate::model::resource::{GROUP, Resource, USER, WSO2_SCHEMA};
use crate::model::role::Role;
use crate::ports::{DatabaseError, Millis};
use crate::provision::import::changes;
use crate::provision::import::header::Mapped;
use crate::provision::import::row::{Person, Row};
use crate::provision::{
    Budget, Expected, ProvisionError, check_may_create, check_may_write, modify, prepare, user_store, would_change,
};
use crate::store::jobs::targets::{self, Target};
use crate::store::resources::find;
use scim::fold::fold;
use scim::schema::Registry;

/// The most groups that a row names.
const MAX_GROUPS: usize = 50;
/// How many rows are looked at together, and how many bytes of documents and group names: a batch's parameters stay below
/// D1's 2 MB, and 10,000 rows below 1,000 statements.
const TOGETHER: usize = 250;
const BYTES: usize = 300_000;
/// The most characters of a user name that a report repeats: as many as a valid one has.
const MAX_SHOWN: usize = 256;
/// The most users who exist that one request changes or invites again: each takes a few round trips.
pub const MAX_CHANGED: usize = 200;
/// What stands for the address of a row that has none, so that everything else that is wrong with it is found.
const NOBODY: &str = "nobody@example.com";

/// What becomes of a row whose user exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing.
    Skip,
    /// The values of the row are written; a blank cell changes nothing.
    Update,
    /// The invitation is sent again, if it still waits.
    Invite,
}

text_enum!(Existing { Skip = "skip", Update = "update", Invite = "invite" });

/// How a file is imported.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Nothing is written.
    pub dry_run: bool,
    /// What becomes of those who exist; where nothing is said, their rows fail.
    pub existing: Option<Existing>,
    /// Whether passwords count. Else everybody is asked for one.
    pub with_passwords: bool,
    /// The job that the rows are of.
    pub job: Option<&'a str>,
    /// Whether whom that job has created is created.
    pub in_doubt: bool,
    /// When no more changes of users are begun: they are left for the next step.
    pub begins_until: Option<Millis>,
    /// The most users who exist that are changed; none where steps see to it.
    pub most_changed: Option<usize>,
}

/// The result of a row.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reported {
    /// Its line in the file ([`Row::line`]).
    pub line: usize,
    /// The user name it gives.
    pub user_name: String,
    /// `created`, `skipped`, `updated`, `invited` or `failed`.
    pub status: &'static str,
    /// The user's id; none after a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why it failed or was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is likely to be wrong with it all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// Whether nobody knows what became of it, since the database did not answer, or it was not reached.
    #[serde(skip)]
    pub is_open: bool,
}

/// What became of a file: the answer to an import.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The number created, or that would be.
    pub created: usize,
    /// The number of those who exist and were passed over; where it was said what becomes of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<usize>,
    /// The number of those who exist and were changed; where it was said what becomes of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<usize>,
    /// The number of those who exist and were invited again; where it was said what becomes of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invited: Option<usize>,
    /// The number that failed, or would.
    pub failed: usize,
    /// What the columns of a CSV file became: of a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<Mapped>>,
    /// Each row, in the file's order.
    pub rows: Vec<Reported>,
    /// What kept the database from going on, if anything did: for the log.
    #[serde(skip)]
    pub failure: Option<DatabaseError>,
}

/// A row that waits to be looked at.
struct Waiting {
    /// Its place in the report.
    position: usize,
    person: Person,
    /// The user to be created; none where it would not do, or in a dry run.
    new: Option<NewResource>,
    /// What is wrong with the row, whether the user exists or not.
    problems: Vec<String>,
    /// What stands against creating the user.
    against_creation: Vec<String>,
    /// Whether a later step looks at it, since the password cannot be hashed now.
    is_postponed: bool,
}

/// An import that is under way.
pub struct Run<'a> {
    ctx: &'a Context,
    gate: HashLimiter,
    registry: &'a Arc<Registry>,
    options: Options<'a>,
    waiting: Vec<Waiting>,
    /// The bytes of what waits.
    bytes: usize,
    /// The ids of the groups asked for so far, by the key of their names; `None` where there is no such group.
    groups: HashMap<String, Option<String>>,
    /// The keys of the user names so far, with the lines that have them.
    names: HashMap<String, usize>,
    changed: usize,
    report: Report,
}

/// The detail reported of a row that was not reached.
const IN_PARTS: &str = "The rows before this one ask the database as much as one request may, and this row was not imported: \
    import the rest in another one, or as a job.";
const NOT_TRIED: &str = "The database did not answer, and this row was not imported. Import the file again: whoever exists \
    by then is reported as existing, and nobody is invited twice.";
/// The detail reported of a row whose batch brought an error.
const IN_DOUBT: &str = "The database did not answer while this row was written. Import the file again: whoever exists by \
    then is reported as existing, and nobody is invited twice.";
/// The detail reported of a row whose user exists.
const EXISTS: &str = "A user with this userName exists already.";
/// The detail reported of a row that says what is so.
const UNCHANGED: &str = "The user has these values already.";
const NO_EMAIL: &str = "The row has no email: an invitation needs an address to go to.";
const NOT_ASKED: &str =
    "The row says that the user is not to be asked for a password, and this is an import of invitations.";

const CREATED: &str = "created";
const SKIPPED: &str = "skipped";
const UPDATED: &str = "updated";
const INVITED: &str = "invited";
const FAILED: &str = "failed";

impl<'a> Run<'a> {
    /// Begins an import.
    #[must_use]
    pub fn new(ctx: &'a Context, gate: &HashLimiter, registry: &'a Arc<Registry>, options: Options<'a>) -> Self {
        Self {
            ctx,
            // A dry run hashes nothing.
            gate: if options.dry_run { gate.for_request(0) } else { gate.clone() },
            registry,
            options,
            waiting: Vec::new(),
            bytes: 0,
            groups: HashMap::new(),
            names: HashMap::new(),
            changed: 0,
            report: Report::default(),
        }
    }

    /// Takes a row, which is in the report as one that was not reached until it is.
    pub async fn take(&mut self, row: Row) {
        let (waiting, bytes) = self.look_at(row);
        let creations = self.waiting.iter().filter(|waiting| waiting.new.is_some()).count();
        if creations >= TOGETHER || self.waiting.len() >= 2 * TOGETHER || self.bytes + bytes > BYTES {
            self.flush().await;
        }
        self.bytes += bytes;
        self.waiting.push(waiting);
    }

    /// Answers what is certainly wrong with a row, whoever exists; rows before it count as valid where nothing is.
    pub fn judge(&mut self, row: Row) -> Option<String> {
        let (mut waiting, _) = self.look_at(row);
        if self.options.existing.is_none() {
            waiting.problems.append(&mut waiting.against_creation);
        }
        let name = self.key(&waiting.person);
        self.add_twin(&name, &mut waiting.problems);
        if waiting.problems.is_empty() {
            self.names.insert(name, self.line(waiting.position));
        }
        (!waiting.problems.is_empty()).then(|| waiting.problems.join(" "))
    }

    /// Adds to the problems of a row that an earlier one has its name.
    fn add_twin(&self, name: &str, problems: &mut Vec<String>) {
        if let Some(earlier) = self.names.get(name).filter(|_| !name.is_empty()) {
            problems.push(format!("The userName is the same as on line {earlier}."));
        }
    }

    /// Looks at what still waits, and answers what became of all rows.
    pub async fn finish(mut self) -> Report {
        self.flush().await;
        let mut report = self.report;
        let rows = std::mem::take(&mut report.rows);
        let count = |status: &str| rows.iter().filter(|row| row.status == status).count();
        (report.created, report.failed) = (count(CREATED), count(FAILED));
        if self.options.existing.is_some() {
            (report.skipped, report.updated, report.invited) =
                (Some(count(SKIPPED)), Some(count(UPDATED)), Some(count(INVITED)));
        }
        report.rows = rows;
        report
    }

    /// What a row by itself comes to, and how many bytes it counts for.
    fn look_at(&mut self, row: Row) -> (Waiting, usize) {
        let Row { line, person, mut problems } = row;
        let position = self.report.rows.len();
        let warning = (!person.warnings.is_empty()).then(|| person.warnings.join(" "));
        self.report.rows.push(Reported {
            line,
            user_name: cut(&person.user_name, MAX_SHOWN),
            status: FAILED,
            id: None,
            detail: Some(NOT_TRIED.to_owned()),
            warning,
            is_open: true,
        });
        let is_unreadable = !problems.is_empty() && person == Person::default();
        let (mut new, mut against_creation, mut is_postponed) = (None, Vec::new(), false);
        if !is_unreadable {
            problems.extend(person.problem_of_address());
            if person.groups.len() > MAX_GROUPS {
                problems.push(format!("The row names more than {MAX_GROUPS} groups."));
            }
            if person.ask_password == Some(false) && !self.sets_password(&person) {
                problems.push(NOT_ASKED.to_owned());
            }
            (new, against_creation, is_postponed) = self.prepare(&person);
        }
        let bytes = new.as_ref().map_or(0, |new| new.resource.document.len())
            + person.groups.iter().map(String::len).sum::<usize>();
        (Waiting { position, person, new, problems, against_creation, is_postponed }, bytes)
    }

    /// Whether the user is created with the password of the row.
    fn sets_password(&self, person: &Person) -> bool {
        self.options.with_passwords && person.password.is_some() && person.ask_password != Some(true)
    }

    /// The user that a row describes, or what stands against it, and whether that passes.
    fn prepare(&self, person: &Person) -> (Option<NewResource>, Vec<String>, bool) {
        let mut against = Vec::new();
        let sets_password = self.sets_password(person);
        if person.email.is_empty() && !sets_password && self.ctx.settings().enable_email_verification {
            against.push(NO_EMAIL.to_owned());
        }
        let mut document = person.document(false).unwrap_or_else(|_| {
            let other = Person { email: NOBODY.to_owned(), ..person.clone() };
            other.document(false).unwrap_or_default()
        });
        if !against.is_empty() {
            document["emails"] = json!([{ "value": NOBODY }]);
        }
        if let Some(password) = person.password.as_ref().filter(|_| sets_password) {
            document["password"] = json!(password.expose());
            document[WSO2_SCHEMA] = json!({});
        }
        let Some(rt) = self.registry.resource_type(USER) else { return (None, against, false) };
        let prepared = prepare(self.ctx, &self.gate, rt, document);
        match prepared.and_then(|new| check_may_create(self.ctx, &new).map(|()| new)) {
            Ok(mut new) => {
                new.import = self.options.job.map(str::to_owned);
                return (Some(new).filter(|_| against.is_empty()), against, false);
            }
            // The password is well, and is not hashed now.
            Err(ProvisionError::TooOften { .. }) if self.options.dry_run && sets_password => {
                if let Err(error) = check_may_write(self.ctx) {
                    against.push(detail_of(error));
                }
            }
            Err(ProvisionError::TooOften { .. } | ProvisionError::Busy) if self.options.begins_until.is_some() => {
                return (None, against, true);
            }
            Err(error) => against.push(detail_of(error)),
        }
        (None, against, false)
    }

    /// Looks at what waits, does it, and reports it.
    async fn flush(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.bytes = 0;
        if self.ctx.platform.meter.is_spent() {
            // What a job has left is the next step's.
            let closed = waiting.iter().filter(|_| self.options.most_changed.is_some()).map(|row| row.position);
            for position in closed.collect::<Vec<_>>() {
                self.record(position, FAILED, None, Some(IN_PARTS.to_owned()));
            }
            return;
        }
        let known = match self.look_up(&waiting).await {
            Ok(known) => known,
            Err(failure) => {
                self.report.failure.get_or_insert(failure);
                targets::Named::default()
            }
        };
        let (mut creations, mut changes) = (Vec::new(), Vec::new());
        for mut row in waiting {
            let groups = self.find_problems(&mut row);
            let name = self.key(&row.person);
            let existing = known.users.get(&name);
            if existing.is_none() && row.is_postponed {
                continue;
            }
            if existing.is_none() {
                row.problems.append(&mut row.against_creation);
            }
            self.add_twin(&name, &mut row.problems);
            if !row.problems.is_empty() {
                self.record(row.position, FAILED, None, Some(row.problems.join(" ")));
                continue;
            }
            if self.report.failure.is_some() {
                continue;
            }
            self.names.insert(name, self.line(row.position));
            match existing {
                Some(target) => changes.push((row, target, groups)),
                None => match row.new {
                    Some(mut new) => {
                        new.groups = groups;
                        creations.push((row.position, new));
                    }
                    None => self.record(row.position, CREATED, None, None),
                },
            }
        }
        self.create(creations).await;
        for (row, target, groups) in changes {
            let was_created = known.touched.get(&target.user.id).copied();
            if let Err(failure) = self.meet(&row, target, &groups, was_created).await {
                self.note(row.position, IN_DOUBT);
                self.report.failure.get_or_insert(failure);
            }
        }
    }

    fn line(&self, position: usize) -> usize {
        self.report.rows.get(position).map_or(0, |row| row.line)
    }

    /// The key of the user name of a row.
    fn key(&self, person: &Person) -> String {
        let name = person.user_name.as_str();
        self.ctx.deployment.user_stores.locate(name).map_or_else(|_| fold(name), |located| fold(&located.name))
    }

    /// Looks up the groups that have not been asked for yet, and who exists.
    async fn look_up(&mut self, waiting: &[Waiting]) -> Result<targets::Named, DatabaseError> {
        let named = waiting.iter().flat_map(|row| row.person.groups.iter().take(MAX_GROUPS));
        let keys: HashSet<String> = named.map(|name| fold(name)).filter(|key| !self.groups.contains_key(key)).collect();
        if self.report.failure.is_some() {
            return Ok(targets::Named::default());
        }
        if !keys.is_empty() {
            let mut found = find::groups_named(self.ctx, &keys).await?;
            for key in keys {
                let group = found.remove(&key);
                self.groups.insert(key, group);
            }
        }
        let Options { dry_run, existing, job, in_doubt, .. } = self.options;
        if !dry_run && existing.is_none() && !in_doubt {
            return Ok(targets::Named::default());
        }
        let rows = waiting.iter().filter(|row| row.problems.is_empty());
        let names: Vec<String> = rows.map(|row| self.key(&row.person)).filter(|key| !key.is_empty()).collect();
        let limit = self.ctx.settings().rate_limits.resends;
        targets::named(self.ctx, &names, limit, job.filter(|_| in_doubt)).await
    }

    /// Adds what is wrong with the groups of a row to its problems, and answers their ids.
    fn find_problems(&self, row: &mut Waiting) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        for name in row.person.groups.iter().take(MAX_GROUPS) {
            let shown = cut(name, 80);
            if Role::named(name).is_some() && !self.ctx.scopes.has(Scope::Roles) {
                row.problems.push(format!("Members of the group '{shown}' have a role: this takes the scope roles."));
                continue;
            }
            match self.groups.get(&fold(name)) {
                Some(Some(id)) if ids.contains(id) => {}
                Some(Some(id)) => ids.push(id.clone()),
                Some(None) => row.problems.push(format!("There is no group '{shown}'.")),
                // The database has failed.
                None => {}
            }
        }
        ids
    }

    /// Creates users whose names differ; with a dry run, says so.
    async fn create(&mut self, batch: Vec<(usize, NewResource)>) {
        if batch.is_empty() || self.report.failure.is_some() {
            return;
        }
        if self.options.dry_run {
            batch.iter().for_each(|(position, _)| self.record(*position, CREATED, None, None));
            return;
        }
        for (position, created) in user_store::create(self.ctx, batch).await {
            match created {
                Ok(user) => self.record(position, CREATED, Some(user.id), None),
                Err(ProvisionError::Database(failure)) => {
                    self.report.failure = Some(failure);
                    self.note(position, IN_DOUBT);
                }
                Err(_) => self.record(position, FAILED, None, Some(EXISTS.to_owned())),
            }
        }
    }

    /// Does what is wished of somebody who exists. `was_created`: by the job that the row is of, or else it has changed them.
    async fn meet(
        &mut self,
        row: &Waiting,
        target: &Target,
        groups: &[String],
        was_created: Option<bool>,
    ) -> Result<(), DatabaseError> {
        let (position, id) = (row.position, target.user.id.as_str());
        let shown = || Some(id.to_owned()).filter(|_| !self.options.dry_run);
        if was_created == Some(true) {
            self.record(position, CREATED, shown(), None);
            return Ok(());
        }
        let Some(existing) = self.options.existing else {
            self.record(position, FAILED, None, Some(EXISTS.to_owned()));
            return Ok(());
        };
        if existing == Existing::Skip {
            self.record(position, SKIPPED, shown(), Some(EXISTS.to_owned()));
            return Ok(());
        }
        if self.report.failure.is_some()
            || self.options.begins_until.is_some_and(|until| self.ctx.platform.clock.now() > until)
            || (self.options.most_changed.is_none() && self.ctx.platform.meter.is_spent())
        {
            return Ok(());
        }
        if self.options.most_changed.is_some() && self.ctx.platform.meter.is_spent() {
            self.record(position, FAILED, None, Some(IN_PARTS.to_owned()));
            return Ok(());
        }
        if self.options.most_changed.is_some_and(|most| self.changed >= most) {
            let detail = format!(
                "One request changes or invites again at most {MAX_CHANGED} users who exist: import the rest in another one, \
                 or as a job."
            );
            self.record(position, FAILED, None, Some(detail));
            return Ok(());
        }
        self.changed += 1;
        let (status, detail) = match existing {
            Existing::Invite if was_created.is_some() => (INVITED, None),
            Existing::Invite => self.invite(target).await?,
            _ => self.update(&row.person, &target.user, groups, was_created.is_some()).await?,
        };
        let shown = Some(id.to_owned()).filter(|_| !self.options.dry_run && status != FAILED);
        self.record(position, status, shown, detail);
        Ok(())
    }

    /// Sends an invitation that waits again.
    async fn invite(&self, target: &Target) -> Result<(&'static str, Option<String>), DatabaseError> {
        let obstacle = resend::obstacle(&target.user).or((!target.within_limit).then_some(Obstacle::Limit));
        if let Some(obstacle) = obstacle {
            return Ok((SKIPPED, Some(obstacle.reason(JobAction::Resend).to_owned())));
        }
        if self.options.dry_run {
            return Ok((INVITED, None));
        }
        match resend::resend(self.ctx, &target.user.id).await {
            Ok(_) => Ok((INVITED, None)),
            Err(ResendError::Database(failure)) => Err(failure),
            Err(error @ ResendError::Forbidden(_)) => Ok((FAILED, Some(error.to_string()))),
            Err(error) => Ok((SKIPPED, Some(error.to_string()))),
        }
    }

    /// Writes the values of a row that differ, and adds the user to the groups of the row.
    async fn update(
        &self,
        person: &Person,
        user: &Resource,
        groups: &[String],
        was_changed: bool,
    ) -> Result<(&'static str, Option<String>), DatabaseError> {
        let (Some(users), Some(group_type)) = (self.registry.resource_type(USER), self.registry.resource_type(GROUP))
        else {
            return Ok((FAILED, None));
        };
        let current: Vec<Json> =
            user.groups.as_deref().and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default();
        let is_direct =
            |id: &String| current.iter().any(|group| group["value"] == json!(id) && group["type"] == "direct");
        let joined: Vec<&String> = groups.iter().filter(|id| !is_direct(id)).collect();
        let mut changes = false;
        let patch = changes::patch(person, user);
        let budget = || Budget::new(self.gate.clone());
        if let Some(patch) = &patch {
            match would_change(self.ctx, &budget(), users, user, patch) {
                Ok(would) => changes = would,
                Err(ProvisionError::Database(failure)) => return Err(failure),
                Err(error) => return Ok((FAILED, Some(detail_of(error)))),
            }
        }
        if !changes && joined.is_empty() {
            return Ok(if was_changed { (UPDATED, None) } else { (SKIPPED, Some(UNCHANGED.to_owned())) });
        }
        if self.options.dry_run {
            return Ok((UPDATED, None));
        }
        let mut written = Ok(());
        if let Some(patch) = patch.filter(|_| changes) {
            written = modify(self.ctx, &budget(), users, &user.id, &patch, Expected::Any, false).await.map(drop);
        }
        for group in joined {
            if written.is_ok() {
                let patch = changes::join(&user.id);
                written = modify(self.ctx, &budget(), group_type, group, &patch, Expected::Any, false).await.map(drop);
            }
        }
        match written {
            Ok(()) => Ok((UPDATED, None)),
            Err(ProvisionError::Database(failure)) => Err(failure),
            Err(error) => Ok((FAILED, Some(detail_of(error)))),
        }
    }

    /// Puts what became of a row into the report.
    fn record(&mut self, position: usize, status: &'static str, id: Option<String>, detail: Option<String>) {
        if let Some(row) = self.report.rows.get_mut(position) {
            (row.status, row.id, row.detail, row.is_open) = (status, id, detail, false);
        }
    }

    /// Says why nobody knows what became of a row.
    fn note(&mut self, position: usize, detail: &str) {
        if let Some(row) = self.report.rows.get_mut(position) {
            row.detail = Some(detail.to_owned());
        }
    }
}

fn detail_of(error: ProvisionError) -> String {
    match error {
        ProvisionError::Scim(error) => error.detail,
        ProvisionError::TooOften { detail, .. } => detail.to_owned(),
        ProvisionError::Busy | ProvisionError::Database(_) => NOT_TRIED.to_owned(),
    }
}
