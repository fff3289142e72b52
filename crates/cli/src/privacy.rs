//! `latchkey privacy`: everything that a deployment stores about a person.

use clap::Args;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;

use super::client::{Client, Server};
use super::{Outcome, print};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    server: Server,
    /// The user's name, or the id; of a user who has been deleted, the id
    #[arg(value_name = "USER")]
    person: String,
}

const JSON: &str = "application/json";

pub fn run(arguments: &Arguments) -> Outcome {
    let client = Client::new(&arguments.server)?;
    let person = arguments.person.as_str();
    let id = find(&client, person)?.unwrap_or_else(|| person.to_owned());
    let path = format!("/api/users/{}/privacy", utf8_percent_encode(&id, NON_ALPHANUMERIC));
    let answer = client.send(Method::GET, &path, JSON, "")?.json()?;
    print(&format!("{answer:#}\n"))?;
    Ok(true)
}

/// The id of the user who has this name now.
fn find(client: &Client, name: &str) -> Result<Option<String>, String> {
    let filter = format!("userName eq {}", Json::from(name));
    let path = format!("/scim2/Users?attributes=id&filter={}", utf8_percent_encode(&filter, NON_ALPHANUMERIC));
    let answer = client.send(Method::GET, &path, JSON, "")?.json()?;
    Ok(answer["Resources"][0]["id"].as_str().map(str::to_owned))
}
