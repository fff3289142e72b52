//! Requests to a deployment.

use std::env;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode, Uri};
use latchkey::base::text::cut;
use latchkey::model::tenant::{SUPER_TENANT, Tenant};
use serde_json::Value as Json;
use ureq::Agent;

/// The longest time a request may take: hundreds of people are created in one.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Which deployment, and whose data in it.
#[derive(Args)]
pub struct Server {
    /// The deployment's address, such as https://id.example.com; without, that in LATCHKEY_URL
    #[arg(long)]
    pub url: Option<String>,
    /// The tenant; without, the super tenant
    #[arg(long)]
    pub tenant: Option<String>,
    /// The administrator's name, if not in LATCHKEY_USER
    #[arg(long)]
    pub user: Option<String>,
}

/// A deployment, as somebody who may call it.
pub struct Client {
    agent: Agent,
    base: String,
    authorization: String,
}

/// A deployment's answer.
pub struct Answer {
    pub status: StatusCode,
    pub text: String,
}

impl Answer {
    /// The body, if the request was carried out; else what the deployment says is wrong.
    pub fn json(&self) -> Result<Json, String> {
        let json = serde_json::from_str::<Json>(&self.text);
        if self.status.is_success() {
            // Something between may answer in the deployment's place, with a page of its own.
            let none = self.text.is_empty().then_some(Json::Null);
            return json.ok().or(none).ok_or_else(|| "The answer is not Latchkey's: is the address right?".to_owned());
        }
        let json = json.unwrap_or_default();
        let said = ["detail", "description"].iter().find_map(|name| json[*name].as_str());
        let said = said.map_or_else(|| cut(&self.text, 200), str::to_owned);
        Err(format!("The deployment answered {}: {said}", self.status))
    }
}

impl Client {
    /// Makes ready to call; nothing is sent yet.
    pub fn new(server: &Server) -> Result<Self, String> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // Credentials go to the address that was given, and nowhere else.
            .max_redirects(0)
            .timeout_global(Some(TIMEOUT));
        let tenant = server.tenant.as_deref().unwrap_or(SUPER_TENANT);
        Ok(Self {
            agent: config.build().into(),
            base: format!("{}{}", address(server.url.clone())?, Tenant::from_domain(tenant).prefix()),
            authorization: authorization(server.user.as_deref())?,
        })
    }

    /// Where requests go: the address, and the tenant's prefix.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request; `path` begins with a slash.
    pub fn send(&self, method: Method, path: &str, content_type: &str, body: &str) -> Result<Answer, String> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, content_type)
            .body(body.to_owned())
            .map_err(|error| error.to_string())?;
        let failed = |error: ureq::Error| format!("{}: {error}", self.base);
        let mut response = self.agent.run(request).map_err(failed)?;
        let text = response.body_mut().with_config().limit(64 * 1024 * 1024).read_to_string().map_err(failed)?;
        Ok(Answer { status: response.status(), text })
    }
}

/// The address without a slash at its end. A password goes there: in plain text to this machine only.
fn address(given: Option<String>) -> Result<String, String> {
    let url = given.or_else(|| variable("LATCHKEY_URL")).ok_or("No deployment: give --url, or set LATCHKEY_URL.")?;
    let url = url.trim_end_matches('/');
    let uri: Option<Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match uri.as_ref().and_then(Uri::scheme_str) {
        Some("https") => Ok(url.to_owned()),
        Some("http") if here => Ok(url.to_owned()),
        _ => Err(format!("The address is {url:?}: it must begin with https:// (or http:// for this machine).")),
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn authorization(user: Option<&str>) -> Result<String, String> {
    if let Some(token) = variable("LATCHKEY_TOKEN") {
        return Ok(format!("Bearer {token}"));
    }
    let user = user.map(str::to_owned).or_else(|| variable("LATCHKEY_USER"));
    match (user, variable("LATCHKEY_PASSWORD")) {
        (Some(user), Some(password)) => Ok(format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))),
        _ => Err("No credentials: set LATCHKEY_TOKEN, or LATCHKEY_USER and LATCHKEY_PASSWORD.".to_owned()),
    }
}
