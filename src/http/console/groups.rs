//! Groups on the console. What is written goes through SCIM's verbs.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use maud::Markup;
use serde_json::{Value as Json, json};

use crate::base::text::cut;
use crate::http::body::RequestBody;
use crate::http::console::submission::{self, Done};
use crate::http::console::{Console, as_problem};
use crate::http::error::ApiError;
use crate::http::form::Form;
use crate::http::request::{Input, Query, RequestState};
use crate::model::context::Context;
use crate::model::resource::{GROUP, Resource};
use crate::pages::console::Section;
use crate::pages::console::form::Problem;
use crate::pages::console::groups::{self as pages, GroupPage, GroupsPage, MemberRow};
use crate::pages::console::listing::address;
use crate::provision::{self, Budget, Expected};
use crate::store::{groups, registrations};
use scim::fold::fold;
use scim::schema::ResourceType;

const NAME: &str = "Groups";
const PATH: &str = "/console/groups";
const ROWS: u32 = 100;
/// The most lines that are named one by one.
const MOST_NAMED: usize = 50;

const GROUP_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

async fn sent_form(body: RequestBody) -> Result<Form, ApiError> {
    body.console_form("The form is too large: send fewer members at once.").await
}

async fn group_type(ctx: &Context) -> Result<Arc<ResourceType>, ApiError> {
    let registry = registrations::load_registry(ctx).await?;
    registry.resource_type(GROUP).cloned().ok_or_else(|| ApiError::missing("There is no resource type Group."))
}

fn no_group() -> ApiError {
    ApiError::missing("There is no group with this id: it may have been deleted.")
}

/// `GET /console/groups?q=&cursor=`.
pub async fn list(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, query, .. } = input;
    let mut console = Console::new(&state.ctx, &headers, Section::Groups);
    console.keep_back(&query);
    let (search, cursor) = (query.filled("q").unwrap_or_default(), query.filled("cursor").unwrap_or_default());
    let body = list_body(&console, search.trim(), &cursor, "", &[]).await?;
    Ok(console.page(NAME, &body))
}

async fn list_body(
    console: &Console,
    search: &str,
    cursor: &str,
    name: &str,
    problems: &[Problem],
) -> Result<Markup, ApiError> {
    let (groups, next) = groups::starting_with(&console.ctx, search, cursor, ROWS).await?;
    let rows: Vec<(String, String)> = groups.into_iter().map(|group| (group.id, group.name)).collect();
    let page = GroupsPage { rows: &rows, search, cursor, next: next.as_deref(), name };
    Ok(pages::groups(&console.frame(), &page, &console.new_submission(), problems))
}

/// `POST /console/groups`: a group without members.
pub async fn create(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, body, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Groups);
    let form = sent_form(body).await?;
    let name = form.read_text("name").unwrap_or_default().trim().to_owned();
    let made = submission::once(&console, &form, async {
        let problem = if name.is_empty() {
            Problem::of("name", "Type a name for the group.")
        } else {
            let rt = group_type(&console.ctx).await?;
            let group = json!({ "schemas": [GROUP_SCHEMA], "displayName": name });
            match provision::create(&console.ctx, &state.gate, &rt, group).await {
                Ok(found) => {
                    let path = format!("{PATH}/{}", found.resource.id);
                    return Ok(Ok(Done::then(path, format!("The group “{name}” is created."))));
                }
                Err(error) => of_name(as_problem(error)?),
            }
        };
        let problems = [problem];
        let body = list_body(&console, "", "", &name, &problems).await?;
        Ok(Err(console.refused(NAME, &problems, &body)))
    });
    made.await
}

fn of_name(problem: Problem) -> Problem {
    Problem { field: "name".into(), ..problem }
}

/// A group that was asked for, and what its page is to show.
struct Shown<'a> {
    id: &'a str,
    search: &'a str,
    cursor: &'a str,
    new_name: Option<&'a str>,
    add: &'a str,
}

impl<'a> Shown<'a> {
    fn of(id: &'a str) -> Self {
        Self { id, search: "", cursor: "", new_name: None, add: "" }
    }
}

/// `GET /console/groups/{id}?q=&cursor=`.
pub async fn show(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, params, query, .. } = input;
    let mut console = Console::new(&state.ctx, &headers, Section::Groups);
    console.keep_back(&query);
    let (search, cursor) = (query.filled("q").unwrap_or_default(), query.filled("cursor").unwrap_or_default());
    let shown = Shown { search: search.trim(), cursor: &cursor, ..Shown::of(params.raw("id")) };
    let (name, body) = body(&console, &shown, &[]).await?;
    Ok(console.page(&name, &body))
}

/// Returns the name of a group, and its page.
async fn body(console: &Console, shown: &Shown<'_>, problems: &[Problem]) -> Result<(String, Markup), ApiError> {
    let ctx = &console.ctx;
    let only = match shown.search {
        "" => None,
        // What is nobody is no member either.
        search => Some(resolve(ctx, &[search]).await?.remove(search).flatten().unwrap_or_default()),
    };
    let read = groups::members_page(ctx, shown.id, shown.cursor, only.as_deref(), ROWS).await?;
    let (group, members, next) = read.ok_or_else(no_group)?;
    let rows: Vec<MemberRow> = members
        .into_iter()
        .map(|member| MemberRow {
            name: member.display.unwrap_or_else(|| member.id.clone()),
            id: member.id,
            is_group: member.is_group,
        })
        .collect();
    let name = name(&group);
    let page = GroupPage {
        id: shown.id,
        name: &name,
        new_name: shown.new_name.unwrap_or(&name),
        roles: &roles(&group),
        members: &rows,
        search: shown.search,
        cursor: shown.cursor,
        next: next.as_deref(),
        add: shown.add,
    };
    let body = pages::group(&console.frame(), &page, &|| console.new_submission(), problems);
    Ok((name, body))
}

fn name(group: &Resource) -> String {
    group.attributes().get("displayName").and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn roles(group: &Resource) -> Vec<String> {
    let document = group.attributes();
    let values = document.get("roles").and_then(Json::as_array).into_iter().flatten();
    values.filter_map(|role| role["value"].as_str().or(role["display"].as_str())).map(str::to_owned).collect()
}

/// Returns the id of each user whom a name means, of each user or group of an id; `None` for what is nobody.
async fn resolve<'t>(ctx: &Context, texts: &[&'t str]) -> Result<BTreeMap<&'t str, Option<String>>, ApiError> {
    let (ids, names): (Vec<&str>, Vec<&str>) =
        texts.iter().copied().partition(|text| uuid::Uuid::try_parse(text).is_ok());
    let mut found: BTreeMap<&str, Option<String>> = BTreeMap::new();
    // A store at a time: each has a database of its own.
    let mut by_store: BTreeMap<Option<u16>, Vec<(&str, String)>> = BTreeMap::new();
    for name in names {
        let (store, stored) = ctx.in_store_of_name(name);
        by_store.entry(store.platform.store).or_default().push((name, fold(&stored)));
    }
    for (store, names) in by_store {
        let folded: Vec<String> = names.iter().map(|(_, folded)| folded.clone()).collect();
        let of_names: BTreeMap<String, String> =
            groups::ids_of_names(&ctx.in_store(store), &folded).await?.into_iter().collect();
        found.extend(names.into_iter().map(|(name, folded)| (name, of_names.get(&folded).cloned())));
    }
    if !ids.is_empty() {
        let lower: Vec<String> = ids.iter().map(|id| id.to_ascii_lowercase()).collect();
        let named: Vec<(&str, Option<&str>)> = lower.iter().map(|id| (id.as_str(), None)).collect();
        let unknown = groups::named(ctx, &named).await?.unknown;
        for (id, lower) in ids.iter().zip(&lower) {
            let is_there = !unknown.contains(&(lower.clone(), None));
            found.insert(id, is_there.then(|| lower.clone()));
        }
    }
    Ok(found)
}

/// Changes a group as a PATCH of SCIM would.
async fn patch(
    console: &Console,
    state: &RequestState,
    id: &str,
    operation: Json,
) -> Result<Result<(), Problem>, ApiError> {
    let rt = group_type(&console.ctx).await?;
    let body = json!({ "schemas": [PATCH_SCHEMA], "Operations": [operation] });
    match provision::modify(&console.ctx, &Budget::new(state.gate.clone()), &rt, id, &body, Expected::Any, false).await
    {
        Ok(_) => Ok(Ok(())),
        Err(error) => as_problem(error).map(Err),
    }
}

/// `POST /console/groups/{id}`: another name, unless somebody has given it one meanwhile.
pub async fn rename(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, params, body: sent, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Groups);
    let form = sent_form(sent).await?;
    let id = params.raw("id");
    let new = form.read_text("name").unwrap_or_default().trim().to_owned();
    let done = submission::once(&console, &form, async {
        let read = groups::members_page(&console.ctx, id, "", Some(""), 1).await?;
        let before = name(&read.ok_or_else(no_group)?.0);
        let was = form.read_text("was").unwrap_or_else(|| before.clone());
        let problem = if new.is_empty() {
            Problem::of("name", "Type a name for the group.")
        } else if before != was && before != new {
            let problem = format!(
                "Somebody has renamed the group to “{before}” meanwhile. Press again to rename it all the same."
            );
            Problem::of("name", problem)
        } else {
            let operation = json!({ "op": "replace", "path": "displayName", "value": new });
            match patch(&console, &state, id, operation).await? {
                Ok(()) => {
                    let what = format!("The group “{before}” is called “{new}” now.");
                    return Ok(Ok(Done::then(format!("{PATH}/{id}"), what)));
                }
                Err(problem) => of_name(problem),
            }
        };
        let shown = Shown { new_name: Some(&new), ..Shown::of(id) };
        let problems = [problem];
        let (name, body) = body(&console, &shown, &problems).await?;
        Ok(Err(console.refused(&name, &problems, &body)))
    });
    done.await
}

/// `POST /console/groups/{id}/members`: adds all of them, or none where one is unknown.
pub async fn add_members(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, params, body: sent, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Groups);
    let form = sent_form(sent).await?;
    let id = params.raw("id");
    let pasted = form.read_text("members").unwrap_or_default();
    let done = submission::once(&console, &form, async {
        let texts: Vec<(usize, &str)> = pasted
            .lines()
            .enumerate()
            .flat_map(|(line, text)| text.split([',', ';', '\t']).map(move |text| (line + 1, text.trim())))
            .filter(|(_, text)| !text.is_empty())
            .collect();
        let only: Vec<&str> = texts.iter().map(|(_, text)| *text).collect();
        let found = resolve(&console.ctx, &only).await?;
        let mut problems = unknown(&texts, &found);
        if texts.is_empty() {
            problems.push(Problem::of("members", "Type whom to add: a user name or an id per line."));
        }
        if problems.is_empty() {
            let mut ids: Vec<&String> = found.values().flatten().collect();
            ids.sort_unstable();
            ids.dedup();
            let values: Vec<Json> = ids.iter().map(|id| json!({ "value": id })).collect();
            let operation = json!({ "op": "add", "path": "members", "value": values });
            match patch(&console, &state, id, operation).await? {
                Ok(()) => {
                    let what = format!("{} added. Whoever was a member stays one.", counted(ids.len()));
                    return Ok(Ok(Done::then(format!("{PATH}/{id}"), what)));
                }
                Err(problem) => problems.push(Problem { field: "members".into(), ..problem }),
            }
        }
        let shown = Shown { add: &pasted, ..Shown::of(id) };
        let (name, body) = body(&console, &shown, &problems).await?;
        Ok(Err(console.refused(&name, &problems, &body)))
    });
    done.await
}

/// Returns a problem for each line that is nobody; for many, how many more there are.
fn unknown(texts: &[(usize, &str)], found: &BTreeMap<&str, Option<String>>) -> Vec<Problem> {
    let mut lines = texts.iter().filter(|(_, text)| found.get(text).is_none_or(Option::is_none));
    let mut problems: Vec<Problem> = lines
        .by_ref()
        .take(MOST_NAMED)
        .map(|(line, text)| {
            Problem::of("members", format!("Line {line}: there is no user “{}”. Nobody was added.", cut(text, 100)))
        })
        .collect();
    let more = lines.count();
    if more > 0 {
        problems.push(Problem::of("members", format!("{more} more are unknown.")));
    }
    problems
}

fn counted(members: usize) -> String {
    if members == 1 { "1 member".to_owned() } else { format!("{members} members") }
}

/// `POST /console/groups/{id}/members/remove?q=&cursor=`: those who were selected.
pub async fn remove_members(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, params, query, body: sent, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Groups);
    let form = sent_form(sent).await?;
    let id = params.raw("id");
    let text = |name: &str, query: &Query| query.filled(name).unwrap_or_default().into_owned();
    let (search, cursor) = (text("q", &query), text("cursor", &query));
    let done = submission::once(&console, &form, async {
        let selected = form.texts("member");
        let problem = if selected.is_empty() {
            Problem::general("Select whom to remove.")
        } else {
            let values: Vec<Json> = selected.iter().map(|id| json!({ "value": id })).collect();
            let operation = json!({ "op": "remove", "path": "members", "value": values });
            match patch(&console, &state, id, operation).await? {
                Ok(()) => {
                    let back = address(&format!("{PATH}/{id}"), &[("q", &search), ("cursor", &cursor)]);
                    return Ok(Ok(Done::then(back, format!("{} removed.", counted(selected.len())))));
                }
                Err(problem) => problem,
            }
        };
        let shown = Shown { search: &search, cursor: &cursor, ..Shown::of(id) };
        let problems = [problem];
        let (name, body) = body(&console, &shown, &problems).await?;
        Ok(Err(console.refused(&name, &problems, &body)))
    });
    done.await
}

/// `GET /console/groups/{id}/delete`: asks.
pub async fn ask_to_delete(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, params, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Groups);
    let body = delete_body(&console, params.raw("id")).await?;
    Ok(console.page("Delete group", &body))
}

async fn delete_body(console: &Console, id: &str) -> Result<Markup, ApiError> {
    let read = groups::members_page(&console.ctx, id, "", Some(""), 1).await?;
    let name = name(&read.ok_or_else(no_group)?.0);
    Ok(pages::delete(&console.frame(), id, &name, &console.new_submission()))
}

/// `POST /console/groups/{id}/delete`.
pub async fn delete(input: Input) -> Result<Response, ApiError> {
    let Input { state, headers, params, body: sent, .. } = input;
    let console = Console::new(&state.ctx, &headers, Section::Groups);
    let form = sent_form(sent).await?;
    let id = params.raw("id");
    let done = submission::once(&console, &form, async {
        let read = groups::members_page(&console.ctx, id, "", Some(""), 1).await?;
        let name = name(&read.ok_or_else(no_group)?.0);
        let rt = group_type(&console.ctx).await?;
        match provision::delete(&console.ctx, &rt, id, Expected::Any).await {
            Ok(()) => Ok(Ok(Done::then(PATH, format!("The group “{name}” is deleted.")))),
            Err(error) => {
                let problems = [as_problem(error)?];
                let body = delete_body(&console, id).await?;
                Ok(Err(console.refused("Delete group", &problems, &body)))
            }
        }
    });
    done.await
}
