//! Row 17: the public button of an expired link tells nobody, by its answer or by its time, what became of a user.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use latchkey::ports::{Database, DatabaseError, Outcome, Statement};

use super::{PASSWORD, redeem};
use crate::scim2::client::WSO2;
use crate::support::App;

/// How many pairs are measured, one request right after the other.
const PAIRS: usize = 1_000;
/// A difference beyond this is seen, in milliseconds: half of what must be.
const SEEN: f64 = 0.5;

const BUTTON: &[(&str, &str)] = &[("intent", "new-mail")];

/// The median of how much longer the second takes than the first, in milliseconds. Each pair is measured within moments,
/// and in either order by turns, so that what else the machine does falls on both.
fn median_difference(first: impl Fn(), second: impl Fn()) -> f64 {
    let timed = |work: &dyn Fn()| {
        let started = Instant::now();
        work();
        started.elapsed().as_secs_f64() * 1_000.0
    };
    let mut differences: Vec<f64> = (0..PAIRS)
        .map(|number| {
            if number % 2 == 0 {
                let one = timed(&first);
                timed(&second) - one
            } else {
                let two = timed(&second);
                two - timed(&first)
            }
        })
        .collect();
    differences.sort_by(f64::total_cmp);
    differences[PAIRS / 2]
}

/// Expired links of users who came to different ends: the first two are alike.
fn links(app: &App) -> Vec<(&'static str, String)> {
    let links = ["pending", "pending too", "active", "locked", "revoked", "deleted"].map(|state| {
        let user = app.invite(&state.replace(' ', "-"));
        let (path, link) = (format!("/scim2/Users/{}", user["id"].as_str().unwrap()), app.newest_link());
        match state {
            "active" => assert_eq!(redeem(app, &link, PASSWORD).status, 200),
            "locked" => drop(app.scim().set(&path, &format!("{WSO2}:accountLocked"), true).is(200)),
            "revoked" => {
                let id = path.rsplit('/').next().unwrap();
                assert_eq!(app.admin("POST", &format!("/api/invitations/{id}/revoke"), "").status, 200);
            }
            "deleted" => drop(app.scim().delete(&path).is(204)),
            _ => {}
        }
        (state, link)
    });
    app.native.clock.advance(Duration::from_secs(86_400));
    links.into()
}

#[test]
fn row_17_the_button_answers_everybody_the_same() {
    let app = App::new();
    let links = links(&app);
    let answers: Vec<_> = links
        .iter()
        .map(|(state, link)| {
            let mut answer = app.post_form(link, BUTTON);
            assert!(answer.headers.remove("x-request-id").is_some(), "{state}");
            (answer.status, answer.headers, answer.text)
        })
        .collect();
    for ((state, _), answer) in links.iter().zip(&answers) {
        assert_eq!(answer, &answers[0], "{state}");
        assert_eq!(answer.0, 200);
    }
}

#[test]
fn row_17_the_button_takes_as_long_for_everybody() {
    let app = App::new();
    let links = links(&app);
    let press = |link: &str| drop(app.post_form(link, BUTTON));
    for (state, link) in &links[1..] {
        let difference = median_difference(|| press(&links[0].1), || press(link));
        assert!(difference.abs() < SEEN, "{state}: {difference} ms");
    }
}

/// A database that takes a millisecond longer.
struct Slower(Arc<dyn Database>);
impl Database for Slower {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        std::thread::sleep(Duration::from_millis(1));
        self.0.batch(statements)
    }
}

#[test]
fn row_17_a_millisecond_would_be_seen() {
    let app = App::new();
    let links = links(&app);
    let slower = latchkey::ports::Platform { db: Arc::new(Slower(app.platform.db.clone())), ..app.platform.clone() };
    let press = |platform: &latchkey::ports::Platform| {
        let form = "intent=new-mail";
        let request = http::Request::post(&links[0].1).header("content-type", "application/x-www-form-urlencoded");
        let request = request.body(Bytes::from(form)).unwrap();
        assert_eq!(app.service.handle(platform, request).status(), 200);
    };
    let difference = median_difference(|| press(&app.platform), || press(&slower));
    assert!(difference > SEEN, "{difference} ms");
}
