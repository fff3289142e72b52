//! `latchkey tokens`: API tokens of a tenant.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};

use super::client::{Client, Server};
use super::{Outcome, print};

#[derive(Subcommand)]
pub enum Command {
    /// Make a token; it is printed this once
    Create(Create),
    /// List tokens, without what they are
    List {
        #[command(flatten)]
        server: Server,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a token back
    Revoke {
        #[command(flatten)]
        server: Server,
        /// Its id, from `list`
        id: String,
    },
}

#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    server: Server,
    /// What it is for
    #[arg(long)]
    name: String,
    /// What it may do, such as scim:read,invitations
    #[arg(long, value_delimiter = ',', required = true)]
    scopes: Vec<String>,
    /// Days until it expires
    #[arg(long, default_value_t = 90.0)]
    days: f64,
    /// Print the whole answer as JSON, not the token alone
    #[arg(long)]
    json: bool,
}

const PATH: &str = "/api/tokens";
const JSON: &str = "application/json";

pub fn run(command: &Command) -> Outcome {
    match command {
        Command::Create(arguments) => {
            let body = json!({ "name": arguments.name, "scopes": arguments.scopes, "expiresInDays": arguments.days });
            let client = Client::new(&arguments.server)?;
            let answer = client.send(Method::POST, PATH, JSON, &body.to_string())?.json()?;
            let token = answer["token"].as_str().ok_or("The answer has no token.")?;
            print(&if arguments.json { format!("{answer:#}\n") } else { format!("{token}\n") })?;
        }
        Command::List { server, json } => {
            let answer = Client::new(server)?.send(Method::GET, PATH, JSON, "")?.json()?;
            print(&if *json { format!("{answer:#}\n") } else { table(&answer) })?;
        }
        Command::Revoke { server, id } => {
            let path = format!("{PATH}/{}", utf8_percent_encode(id, NON_ALPHANUMERIC));
            Client::new(server)?.send(Method::DELETE, &path, JSON, "")?.json()?;
            print("Revoked. Elsewhere it may work for a minute more.\n")?;
        }
    }
    Ok(true)
}

fn table(answer: &Json) -> String {
    let mut text = String::new();
    for token in answer["Resources"].as_array().into_iter().flatten() {
        let field = |name: &str| match &token[name] {
            Json::String(text) => text.clone(),
            Json::Array(list) => list.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(","),
            _ => "-".to_owned(),
        };
        // Writing to a string cannot fail.
        let dates = format!("expires {}  last used {}", field("expiresAt"), field("lastUsed"));
        let _ = writeln!(text, "{}  {dates}  {}  {}", field("id"), field("name"), field("scopes"));
    }
    text
}
