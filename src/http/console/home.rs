//! The console's first page.

use ::http::StatusCode;

use crate::base::scope::Scope;
use crate::base::text::rfc3339;
use crate::http::console::{Console, charts};
use crate::http::error::ApiError;
use crate::http::request::Input;
use crate::http::response::Response;
use crate::model::context::Context;
use crate::model::job::{Job, JobState};
use crate::pages::console::charts::Charts;
use crate::pages::console::home::{self as pages, Attention, Figure, Overview};
use crate::pages::console::jobs::name;
use crate::pages::console::{Section, words};
use crate::provision::jobs;
use crate::store::jobs::attention::AwaitedDeletion;
use crate::store::users::{self, Capped, Figures};

/// `GET /console`.
pub fn home(input: Input) -> Result<Response, ApiError> {
    let ctx = &input.state.ctx;
    let console = Console::new(ctx, &input.headers, Section::Dashboard);
    let of_users = if ctx.scopes.has(Scope::ScimRead) {
        let figures = users::figures(ctx)?;
        let by_day = input.query.first("by").is_some_and(|by| by == "day");
        Some(overview(ctx, &figures, charts::of(ctx, &figures.daily, by_day)))
    } else {
        None
    };
    let settings = ctx.settings();
    let development = ctx.deployment.is_development();
    let html = pages::home(&console.frame(), of_users.as_ref(), settings.session_idle_seconds, development);
    Ok(console.html(StatusCode::OK, html))
}

fn awaited(deletion: &AwaitedDeletion) -> Attention {
    Attention {
        text: format!("{} is deleted at {}.", deletion.user_name, words(&rfc3339(deletion.at))),
        path: format!("/console/users/{}/undo", deletion.user_id),
        link: "Undo",
        is_button: true,
    }
}

fn halted(job: &Job) -> Attention {
    let what = if job.state == JobState::Failed { "has failed" } else { "was stopped" };
    let worked_off = job.done + job.failed + job.skipped;
    let why = job.reason.as_deref().map(|why| format!(" {why}")).unwrap_or_default();
    Attention {
        text: format!("The job “{}” {what} after {worked_off} of {}.{why}", name(job.action), job.total),
        path: format!("/console/jobs/{}/resume", job.id),
        link: "Resume",
        is_button: true,
    }
}

fn overview(ctx: &Context, figures: &Figures, charts: Charts) -> Overview {
    let figure = |label, number: Capped, status| Figure { label, number: number.to_string(), status };
    let mut attention = Vec::new();
    if ctx.scopes.has(Scope::ScimWrite) {
        attention.extend(figures.deletions.iter().map(awaited));
    }
    let visible = jobs::visible_actions(ctx);
    attention.extend(figures.halted.iter().filter(|job| visible.contains(&job.action)).map(halted));
    let mut needs = |number: Capped, one: &str, many: &str, path: &str, link| {
        if !number.is_zero() {
            let what = if number.is_one() { one } else { many };
            let path = path.to_owned();
            attention.push(Attention { text: format!("{number} {what}"), path, link, is_button: false });
        }
    };
    if ctx.scopes.has(Scope::Mail) {
        let (failed, in_doubt) = ("/console/mail?state=failed", "/console/mail?state=unknown");
        needs(figures.failed, "mail has failed.", "mails have failed.", failed, "See and retry failed mails");
        let (one, many) = ("mail is in doubt: it may have been sent.", "mails are in doubt: they may have been sent.");
        needs(figures.in_doubt, one, many, in_doubt, "See and retry mails in doubt");
        if let Some((provider, why)) = &figures.put_off_by {
            let name = if provider.is_empty() { "the provider" } else { provider };
            let (one, many) = (
                format!("mail waits, since {name} does not take it: {why}"),
                format!("mails wait, since {name} does not take them: {why}"),
            );
            needs(figures.deferred, &one, &many, "/console/mail?state=deferred", "See mails that wait");
        }
    }
    let bounced = "/console/users?status=bounced";
    needs(figures.bounced, "invitation has bounced.", "invitations have bounced.", bounced, "See who was not reached");
    let (one, many) = ("invitation expires within 48 hours.", "invitations expire within 48 hours.");
    needs(figures.expiring, one, many, "/console/users?status=pending&sort=expires", "See who has not answered");
    Overview {
        figures: vec![
            figure("Pending", figures.pending, "pending"),
            figure("Expired", figures.expired, "expired"),
            figure("Bounced", figures.bounced, "bounced"),
            figure("Accepted", figures.accepted, "accepted"),
        ],
        attention,
        charts,
    }
}
