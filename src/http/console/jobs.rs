//! Actions on many users on the console: the forecast, the job, and the jobs there were.

use crate::http::api::jobs::attached;
use crate::http::console::submission::{self, Done};
use crate::http::console::{Console, as_problem};
use crate::http::error::ApiError;
use crate::http::form::Form;
use crate::http::request::Input;
use crate::http::response::Response;
use crate::model::job::{JobAction, JobState};
use crate::pages::console::Section;
use crate::pages::console::form::Problem;
use crate::pages::console::jobs::{self as pages, Exception, Forecast, name};
use crate::provision::jobs::files;
use crate::provision::jobs::judgement;
use crate::provision::jobs::selection::{self, Selection};
use crate::provision::jobs::{self, JobError};
use crate::store::jobs::listing::{self, Rows};
use crate::store::users::UserFilter;

const PATH: &str = "/console/jobs";
/// The names that a forecast tells, the rows of a page, the groups to choose from, and the jobs in the list.
const NAMES: usize = 10;
const ROWS: u32 = 100;
const GROUPS: u32 = 50;
const JOBS: u32 = 50;
/// The most users that are exported without a job.
const MOST_AT_ONCE: usize = 10_000;

/// What a form of the list of users, or of a forecast, is about.
struct Asked {
    action: JobAction,
    selection: Selection,
    group_id: String,
    /// The fields that name the selection.
    fields: Vec<(&'static str, String)>,
    /// What it is in words, where it is all that match.
    in_words: Option<String>,
}

impl Asked {
    fn read(console: &Console, form: &Form) -> Result<Self, ApiError> {
        let text = |name: &str| form.read_text(name).unwrap_or_default();
        let action = JobAction::parse(&text("action"))
            .ok_or_else(|| ApiError::bad_request("There is no such action: choose one on the page of users."))?;
        jobs::check_action(&console.ctx, action)?;
        let group_id = text("groupId");
        if let Some(import) = form.read_text("import") {
            return Ok(Self {
                action,
                fields: vec![("import", import.clone())],
                selection: Selection::Imported(import),
                group_id,
                in_words: Some("created by the import".to_owned()),
            });
        }
        if form.read_text("all").is_some() {
            let [q, status, domain, group] = ["q", "status", "domain", "group"].map(text);
            let filter =
                UserFilter::parse(&console.ctx, &q, &status, &domain, &group).map_err(ApiError::bad_request)?;
            let parts = [("search", &q), ("status", &status), ("domain", &domain), ("group", &group)];
            let in_words: Vec<String> = parts
                .iter()
                .filter(|(_, value)| !value.trim().is_empty())
                .map(|(name, value)| match *name {
                    "group" => "in the chosen group".to_owned(),
                    _ => format!("{name} “{}”", value.trim()),
                })
                .collect();
            return Ok(Self {
                action,
                selection: match action {
                    JobAction::Export => Selection::Everybody(filter),
                    _ => Selection::Listed(filter),
                },
                group_id,
                fields: filter_fields([q, status, domain, group]),
                in_words: Some(in_words.join(", ")),
            });
        }
        // A page's box has the ids of all its rows.
        let lists = form.texts("id").into_iter().chain(form.texts("page"));
        let ids: Vec<String> = lists
            .flat_map(|list| list.split(',').map(|id| id.trim().to_owned()).collect::<Vec<_>>())
            .filter(|id| !id.is_empty())
            .collect();
        let fields = vec![("id", ids.join(","))];
        Ok(Self { action, selection: Selection::Ids(ids), group_id, fields, in_words: None })
    }
}

/// The fields of a form about all that match a filter.
fn filter_fields([q, status, domain, group]: [String; 4]) -> Vec<(&'static str, String)> {
    vec![("all", "on".to_owned()), ("q", q), ("status", status), ("domain", domain), ("group", group)]
}

fn read_form(body: crate::http::body::RequestBody) -> Result<Form, ApiError> {
    body.console_form("The form is too large: select all that match instead.")
}

/// `POST /console/users/actions`: what would become of a selection. Nothing is done.
pub fn forecast(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, body, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Users);
    let asked = Asked::read(&console, &read_form(body)?)?;
    show(&console, &asked, None)
}

/// The page of a forecast, with what was wrong with its form.
fn show(console: &Console, asked: &Asked, problem: Option<Problem>) -> Result<Response, ApiError> {
    let (ctx, title) = (&console.ctx, name(asked.action));
    let ids = match selection::find(ctx, &asked.selection) {
        Ok(ids) => ids,
        Err(error) => {
            let problem = Problem::general(in_words(error)?);
            return Ok(console.refused(title, &[problem], &pages::no_forecast(&console.frame())));
        }
    };
    let found = judgement::forecast(ctx, asked.action, None, &ids)?;
    let names = match &asked.in_words {
        Some(_) => Vec::new(),
        None => {
            let first: Vec<String> = ids.iter().take(NAMES).cloned().collect();
            let mut known = listing::names(ctx, &first)?;
            first.iter().filter_map(|id| known.remove(id)).collect()
        }
    };
    let groups = if asked.action == JobAction::AddToGroup { listing::groups(ctx, GROUPS)? } else { Vec::new() };
    let problems: Vec<Problem> = problem.into_iter().collect();
    let obstacles: Vec<_> = found.obstacles.into_iter().collect();
    let body = pages::forecast(
        &console.frame(),
        &Forecast {
            operation: &console.new_submission(),
            action: asked.action,
            fields: &asked.fields,
            all_that_match: asked.in_words.clone(),
            total: ids.len(),
            names: &names,
            acts: found.acts,
            obstacles: &obstacles,
            groups: &groups,
            group_id: &asked.group_id,
            problems: &problems,
        },
    );
    Ok(if problems.is_empty() { console.page(title, &body) } else { console.refused(title, &problems, &body) })
}

/// Returns what is wrong as the page says it, which has boxes where the API has ids.
fn in_words(error: JobError) -> Result<String, ApiError> {
    Ok(match error {
        JobError::Selection => "Select users first, or choose a filter and then all that match it.".to_owned(),
        JobError::Database(_) | JobError::Scope(_) => return Err(error.into()),
        other => as_problem(other)?.text,
    })
}

/// `POST /console/jobs`: confirms what was forecast.
pub fn create(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, body, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Users);
    let form = read_form(body)?;
    let asked = Asked::read(&console, &form)?;

    submission::once(&console, &form, || {
        let group_id = (asked.action == JobAction::AddToGroup).then_some(asked.group_id.as_str());
        match jobs::create(&console.ctx, asked.action, &asked.selection, group_id) {
            Ok(job) => {
                let users = if job.total == 1 { "user" } else { "users" };
                let what = format!("{}: {} {users}. It has begun.", name(job.action), job.total);
                Ok(Ok(Done::then(format!("{PATH}/{}", job.id), what)))
            }
            Err(JobError::Group) => {
                let problem = Problem::of("groupId", "Choose a group.");
                Ok(Err(show(&console, &asked, Some(problem))?))
            }
            Err(error) => {
                let problem = Problem::general(in_words(error)?);
                Ok(Err(console.refused(name(asked.action), &[problem], &pages::no_forecast(&console.frame()))))
            }
        }
    })
}

/// `GET /console/users/export`: those whom the filter of the list selects, as a file; where they are too many, the way to a job.
pub fn export(input: Input) -> Result<Response, ApiError> {
    let console = Console::new(&input.state.ctx, &input.headers, Section::Users);
    let ctx = &console.ctx;
    let text = |name: &str| input.query.filled(name).unwrap_or_default().into_owned();
    let [q, status, domain, group] = ["q", "status", "domain", "group"].map(text);
    let filter = UserFilter::parse(ctx, &q, &status, &domain, &group).map_err(ApiError::bad_request)?;
    match selection::listed(ctx, &filter, MOST_AT_ONCE) {
        Ok(ids) => Ok(attached("users.csv", files::export_now(ctx, &ids)?)),
        Err(JobError::Many) => {
            let fields = filter_fields([q, status, domain, group]);
            let body = pages::large_export(&console.frame(), &console.new_submission(), &fields);
            Ok(console.page(name(JobAction::Export), &body))
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /console/jobs`.
pub fn list(input: Input) -> Result<Response, ApiError> {
    let console = Console::new(&input.state.ctx, &input.headers, Section::Users);
    let ctx = &console.ctx;
    let (found, _) = listing::page(ctx, &jobs::visible_actions(ctx), None, JOBS)?;
    Ok(console.page("Jobs", &pages::jobs(&console.frame(), &found)))
}

/// `GET /console/jobs/{id}`: how far a job is; the page comes again while it runs.
pub fn read(input: Input) -> Result<Response, ApiError> {
    let Input { state, params, headers, query, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Users);
    let ctx = &console.ctx;
    let job = jobs::read(ctx, params.raw("id"))?;
    let after = query.filled("after").and_then(|after| after.parse().ok()).unwrap_or_default();
    let (rows, next) = listing::rows(ctx, &job.id, Rows::Exceptions, after, ROWS)?;
    let exceptions: Vec<Exception> = rows
        .into_iter()
        .map(|row| Exception {
            user_id: row.user_id,
            user_name: row.user_name,
            state: row.state,
            reason: row.reason.unwrap_or_default(),
        })
        .collect();
    let next = next.map(|next| next.to_string());
    let body = pages::job(&console.frame(), &job, &exceptions, next.as_deref());
    let title = name(job.action);
    Ok(if job.state == JobState::Running { console.live_page(title, &body) } else { console.page(title, &body) })
}

/// `POST /console/jobs/{id}/stop`.
pub fn stop(input: Input) -> Result<Response, ApiError> {
    let console = Console::new(&input.state.ctx, &input.headers, Section::Users);
    let id = input.params.raw("id");
    let what = match jobs::stop(&console.ctx, id) {
        Ok(_) => "The job is stopped.",
        Err(JobError::Over(_)) => "The job was over already.",
        Err(error) => return Err(error.into()),
    };
    Ok(console.done(&format!("{PATH}/{id}"), what))
}

/// `POST /console/jobs/{id}/resume`.
pub fn resume(input: Input) -> Result<Response, ApiError> {
    let console = Console::new(&input.state.ctx, &input.headers, Section::Users);
    let id = input.params.raw("id");
    let what = match jobs::resume(&console.ctx, id) {
        Ok(_) => "The job goes on.",
        Err(JobError::Over(_)) => "The job was over already.",
        Err(error) => return Err(error.into()),
    };
    Ok(console.done(&format!("{PATH}/{id}"), what))
}
