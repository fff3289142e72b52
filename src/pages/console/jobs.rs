//! Actions on many users: what would become of a selection, how far a job is, and the jobs there were.

use maud::{Markup, html};

use crate::base::web_address::form_target;
use crate::model::job::{Job, JobAction, JobState, Obstacle, RowState};
use crate::pages::console::form::{Field, Problem, operation};
use crate::pages::console::{Frame, time};

/// The heading of an action's page.
#[must_use]
pub fn name(action: JobAction) -> &'static str {
    match action {
        JobAction::Resend => "Resend invitations",
        JobAction::Revoke => "Revoke invitations",
        JobAction::Lock => "Lock users",
        JobAction::Unlock => "Unlock users",
        JobAction::Disable => "Disable users",
        JobAction::Enable => "Enable users",
        JobAction::Delete => "Delete users",
        JobAction::AddToGroup => "Add to group",
        JobAction::Import => "Import",
        JobAction::Export => "Export users",
    }
}

/// The number with the word for one or many.
fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// What the button says: the action, and to how many.
fn button(action: JobAction, count: usize) -> String {
    let verb = match action {
        JobAction::Resend => return format!("Resend to {count}"),
        JobAction::Revoke => return format!("Revoke {}", counted(count, "invitation", "invitations")),
        JobAction::AddToGroup => return format!("Add to group: {}", counted(count, "user", "users")),
        JobAction::Lock => "Lock",
        JobAction::Unlock => "Unlock",
        JobAction::Disable => "Disable",
        JobAction::Enable => "Enable",
        JobAction::Delete => "Delete",
        JobAction::Import => "Import",
        JobAction::Export => "Export",
    };
    format!("{verb} {}", counted(count, "user", "users"))
}

/// What becomes of those to whom it is done.
fn becomes(action: JobAction, count: usize) -> String {
    let (one, many) = match action {
        JobAction::Resend => ("gets a mail", "get a mail"),
        JobAction::Revoke => ("loses the invitation", "lose the invitation"),
        JobAction::Lock => ("will be locked", "will be locked"),
        JobAction::Unlock => ("will be unlocked", "will be unlocked"),
        JobAction::Disable => ("will be disabled", "will be disabled"),
        JobAction::Enable => ("will be enabled", "will be enabled"),
        JobAction::Delete => ("will be deleted", "will be deleted"),
        JobAction::AddToGroup => ("will be added", "will be added"),
        JobAction::Import => ("will be imported", "will be imported"),
        JobAction::Export => ("will be in the file", "will be in the file"),
    };
    counted(count, one, many)
}

/// What stands against it, for so many.
fn stands_against(obstacle: Obstacle, count: usize) -> String {
    let (one, many) = match obstacle {
        Obstacle::Gone => ("is not there any more", "are not there any more"),
        Obstacle::Oneself => ("is you", "are you"),
        Obstacle::Accepted => ("has accepted", "have accepted"),
        Obstacle::NeverInvited => ("was never invited", "were never invited"),
        Obstacle::Disabled => ("is disabled", "are disabled"),
        Obstacle::Locked => ("is locked", "are locked"),
        Obstacle::Deletion => ("is about to be deleted already", "are about to be deleted already"),
        Obstacle::Undone => ("was given back", "were given back"),
        Obstacle::NoAddress => ("has no address", "have no address"),
        Obstacle::Limit => ("waits for the limit", "wait for the limit"),
        Obstacle::Revoked => ("is revoked already", "are revoked already"),
        Obstacle::NotLocked => ("is not locked", "are not locked"),
        Obstacle::Enabled => ("is enabled", "are enabled"),
        Obstacle::Member => ("is a member already", "are members already"),
    };
    counted(count, one, many)
}

/// A selection as it came from the list of users, and what would become of it.
#[derive(Clone, Debug)]
pub struct Forecast<'a> {
    /// The operation's id.
    pub operation: &'a str,
    /// What is to be done.
    pub action: JobAction,
    /// The fields that name the selection, as the next form sends them.
    pub fields: &'a [(&'static str, String)],
    /// What the selection is, in words, if it is all that match; else it is of users who were ticked.
    pub all_that_match: Option<String>,
    /// The number of users in it.
    pub total: usize,
    /// The names of the first ones.
    pub names: &'a [String],
    /// To how many it would be done.
    pub acts: usize,
    /// How many others there are, by what stands against it.
    pub obstacles: &'a [(Obstacle, usize)],
    /// Groups to choose from, each with its id and its name: of an addition to one.
    pub groups: &'a [(String, String)],
    /// The group that was chosen.
    pub group_id: &'a str,
    /// What was wrong with the form.
    pub problems: &'a [Problem],
}

/// The page that restates a selection, and says what becomes of it before anything does.
#[must_use]
pub fn forecast(frame: &Frame, forecast: &Forecast) -> Markup {
    let Forecast { action, acts, total, .. } = *forecast;
    let outcomes: Vec<String> = std::iter::once(becomes(action, acts))
        .filter(|_| acts > 0)
        .chain(forecast.obstacles.iter().map(|(obstacle, count)| stands_against(*obstacle, *count)))
        .collect();
    let options: Vec<(&str, &str)> = std::iter::once(("", "Choose a group"))
        .chain(forecast.groups.iter().map(|(id, name)| (id.as_str(), name.as_str())))
        .collect();
    html! {
        @match &forecast.all_that_match {
            Some(filter) => p { (counted(total, "user matches", "users match")) ": " bdi { (filter) } "." },
            None => p {
                "You have selected " (counted(total, "user", "users")) ": "
                @for (index, name) in forecast.names.iter().enumerate() { @if index > 0 { ", " } bdi { (name) } }
                @if forecast.names.len() < total { " …" } @else { "." }
            },
        }
        p { strong { (outcomes.join(", ")) "." } }
        @if action == JobAction::Delete && acts > 0 { p { "Whoever is deleted cannot be brought back." } }
        @if acts > 0 {
            form method="post" action=[form_target(&frame.at("/console/jobs"))] novalidate {
                (operation(forecast.operation))
                input type="hidden" name="action" value=(action);
                @for (name, value) in forecast.fields { input type="hidden" name=(name) value=(value); }
                @if action == JobAction::AddToGroup {
                    (Field {
                        name: "groupId", label: "Group", value: forecast.group_id,
                        hint: if forecast.groups.is_empty() { "There are no groups yet." } else { "" },
                        problems: forecast.problems,
                    }.select(&options))
                }
                button.final[action == JobAction::Delete] type="submit" { (button(action, acts)) }
            }
        } @else {
            p { "There is nothing to do." }
        }
        p { a href=(frame.at("/console/users")) { "Back to users" } }
    }
}

/// A page that says why there is no forecast.
#[must_use]
pub fn no_forecast(frame: &Frame) -> Markup {
    html! { p { a href=(frame.at("/console/users")) { "Back to users" } } }
}

/// A user to whom a job did not do it.
#[derive(Clone, Debug)]
pub struct Exception {
    /// The user's id.
    pub user_id: String,
    /// The user's name, while there is such a user.
    pub user_name: Option<String>,
    /// Whether it failed or was skipped.
    pub state: RowState,
    /// Why.
    pub reason: String,
}

fn state_in_words(state: JobState) -> &'static str {
    match state {
        JobState::Running => "Running",
        JobState::Stopped => "Stopped",
        JobState::Done => "Done",
        JobState::Failed => "Failed",
    }
}

fn worked_off(job: &Job) -> u32 {
    job.done + job.failed + job.skipped
}

/// How far a job is, and to whom it was not done. `next` leads to more of them.
#[must_use]
pub fn job(frame: &Frame, job: &Job, exceptions: &[Exception], next: Option<&str>) -> Markup {
    let is_running = job.state == JobState::Running;
    let at = |what: &str| frame.at(&format!("/console/jobs/{}/{what}", job.id));
    html! {
        div #live data-live[is_running] {
            p {
                strong { (state_in_words(job.state)) } ": " (worked_off(job)) " of " (job.total) ". "
                (job.done) " done, " (job.skipped) " skipped, " (job.failed) " failed."
            }
            progress max=(job.total) value=(worked_off(job)) aria-label="Progress" {}
            @if let Some(reason) = &job.reason { p { (reason) } }
        }
        p.hint { "Confirmed " (time(job.created)) ". It goes on when this page is closed, and is kept for 30 days." }
        @if is_running {
            form.row method="post" action=[form_target(&at("stop"))] { button type="submit" { "Stop" } }
        }
        @if matches!(job.state, JobState::Stopped | JobState::Failed) {
            form.row method="post" action=[form_target(&at("resume"))] { button type="submit" { "Resume" } }
        }
        (files(frame, job))
        @if !exceptions.is_empty() {
            h2 { "Skipped and failed" }
            div.scroll role="region" aria-label="Skipped and failed" tabindex="0" {
                table {
                    caption { "To whom it was not done" }
                    thead { tr { th scope="col" { "User name" } th scope="col" { "Result" } th scope="col" { "Reason" } } }
                    tbody {
                        @for row in exceptions {
                            tr {
                                th scope="row" {
                                    @match &row.user_name {
                                        Some(name) if row.user_id.is_empty() => bdi { (name) },
                                        Some(name) => a href=(frame.at(&format!("/console/users/{}", row.user_id))) { bdi { (name) } },
                                        None => bdi { (row.user_id) },
                                    }
                                }
                                td { (row.state) }
                                td { (row.reason) }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(next) = next {
            p.pages { a href=(frame.at(&format!("/console/jobs/{}?after={next}", job.id))) { "Next" } }
        }
        p { a href=(frame.at("/console/jobs")) { "All jobs" } " · " a href=(frame.at("/console/users")) { "Users" } }
    }
}

/// The files of a job, and what takes back an import.
fn files(frame: &Frame, job: &Job) -> Markup {
    let file = frame.at(&format!("/console/jobs/{}/file", job.id));
    let is_import = job.action == JobAction::Import;
    html! {
        @if is_import || job.action == JobAction::Export {
            p {
                a href=(file) { "Download result" }
                @if is_import && job.failed > 0 { " · " a href={ (file) "?state=failed" } { "Download failed rows" } }
            }
        }
        @if is_import && job.done > 0 && job.state != JobState::Running {
            form.row method="post" action=[form_target(&frame.at("/console/users/actions"))] {
                input type="hidden" name="action" value="revoke";
                input type="hidden" name="import" value=(job.id);
                button type="submit" { "Revoke all not accepted" }
            }
        }
    }
}

/// The page that offers a file which is too large to be made at once.
#[must_use]
pub fn large_export(frame: &Frame, submission: &str, fields: &[(&'static str, String)]) -> Markup {
    html! {
        p { "More than 10,000 users match. The file is made by a job, and kept for 30 days." }
        form method="post" action=[form_target(&frame.at("/console/jobs"))] novalidate {
            (operation(submission))
            input type="hidden" name="action" value="export";
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button type="submit" { "Export" }
        }
        p { a href=(frame.at("/console/users")) { "Back to users" } }
    }
}

/// The newest jobs.
#[must_use]
pub fn jobs(frame: &Frame, jobs: &[Job]) -> Markup {
    html! {
        @if jobs.is_empty() {
            p { "There were no jobs within 30 days. One begins with an action on several users." }
        } @else {
            div.scroll role="region" aria-label="Jobs" tabindex="0" {
                table {
                    caption { "The newest jobs" }
                    thead { tr {
                        th scope="col" { "Job" } th scope="col" { "State" } th scope="col" { "Users" }
                        th scope="col" { "Done" } th scope="col" { "Skipped" } th scope="col" { "Failed" } th scope="col" { "Confirmed" }
                    } }
                    tbody {
                        @for job in jobs {
                            tr {
                                th scope="row" { a href=(frame.at(&format!("/console/jobs/{}", job.id))) { (name(job.action)) } }
                                td { (state_in_words(job.state)) }
                                td { (job.total) } td { (job.done) } td { (job.skipped) } td { (job.failed) }
                                td { (time(job.created)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
