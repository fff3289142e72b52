//! `/console`, page by page, in a browser that has no script.

mod add_user;
mod audit;
pub mod branding;
mod charts;
mod deletion;
mod deployment_toml;
mod groups;
mod guards;
mod import;
mod jobs;
mod journey;
mod kept;
mod mail;
mod paging;
mod settings;
mod sign_in;
pub mod templates;
mod tenants;
mod tokens;
mod user;
mod users;

use bytes::Bytes;
use http::Request;

use crate::scim2::client::{PASSWORD, USER};
use crate::support::{App, ORIGIN, Reply};

pub const COOKIE: &str = "latchkey-session";

/// A browser: it keeps the cookie, and says where its forms come from.
pub struct Browser<'a> {
    pub app: &'a App,
    pub cookie: String,
    /// What the next page is to say.
    message: String,
}

impl<'a> Browser<'a> {
    pub fn new(app: &'a App) -> Self {
        Self { app, cookie: String::new(), message: String::new() }
    }

    /// A browser that has this cookie.
    pub fn with_cookie(app: &'a App, cookie: String) -> Self {
        Self { cookie, ..Self::new(app) }
    }

    /// A browser in which this user has signed in.
    pub fn signed_in(app: &'a App, prefix: &str, name: &str, password: &str) -> Self {
        let mut browser = Self::new(app);
        let reply = browser.sign_in(prefix, name, password);
        assert_eq!(reply.status, 303, "{}", reply.text);
        browser
    }

    pub fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, &[])
    }

    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.send("POST", path, fields)
    }

    pub fn sign_in(&mut self, prefix: &str, name: &str, password: &str) -> Reply {
        self.post(&format!("{prefix}/console/login"), &[("username", name), ("password", password), ("next", "")])
    }

    /// Sends a form with a file.
    pub fn post_file(&mut self, path: &str, name: &str, file: &[u8]) -> Reply {
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        let body = [head.as_bytes(), file, b"\r\n--b--\r\n"].concat();
        self.send_body("POST", path, "multipart/form-data; boundary=b", body)
    }

    fn send(&mut self, method: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send_body(method, path, "application/x-www-form-urlencoded", form.into_bytes())
    }

    /// Sends a form of another media type.
    pub fn post_as(&mut self, path: &str, media_type: &str, body: Vec<u8>) -> Reply {
        self.send_body("POST", path, media_type, body)
    }

    fn send_body(&mut self, method: &str, path: &str, content_type: &str, body: Vec<u8>) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        let cookies = [&self.cookie, &self.message].into_iter().filter(|cookie| !cookie.is_empty());
        let cookies: Vec<&str> = cookies.map(String::as_str).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", format!("theme=dark; {}", cookies.join("; ")));
        }
        if method == "POST" {
            request = request
                .header("origin", ORIGIN)
                .header("sec-fetch-site", "same-origin")
                .header("content-type", content_type);
        }
        let reply = self.app.send(request.body(Bytes::from(body)).unwrap());
        for set in reply.headers.get_all("set-cookie") {
            let (pair, attributes) = set.to_str().unwrap().split_once(';').unwrap();
            let kept = if pair.contains("latchkey-message") { &mut self.message } else { &mut self.cookie };
            *kept = if attributes.contains("Max-Age=0") { String::new() } else { pair.to_owned() };
        }
        reply
    }

    /// What the home page answers.
    fn home(&mut self) -> u16 {
        self.get("/console").status.as_u16()
    }
}

impl Reply {
    /// The value of the hidden field of this name on the page.
    pub fn hidden(&self, name: &str) -> String {
        let start = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
        let rest = self.text.split_once(&start).unwrap_or_else(|| panic!("no field {name}: {}", self.text)).1;
        rest.split('"').next().unwrap_or_default().to_owned()
    }

    /// The words of the page, without its markup.
    pub fn words(&self) -> String {
        Self::words_of(&self.text)
    }

    /// The words of a part of a page.
    pub fn words_of(markup: &str) -> String {
        let mut words = String::new();
        let mut inside = false;
        for char in markup.chars() {
            match char {
                '<' => inside = true,
                '>' => inside = false,
                other if !inside => words.push(other),
                _ => {}
            }
            if char == '>' {
                words.push(' ');
            }
        }
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// An app with a user of a role, who has signed in: `name`, with the password of all tests.
pub fn signed_in<'a>(app: &'a App, name: &str, role: &str) -> Browser<'a> {
    let body = serde_json::json!({
        "schemas": [USER], "userName": name, "password": PASSWORD, "roles": [{ "value": role }]
    });
    app.scim().create("/scim2/Users", &body);
    Browser::signed_in(app, "", name, PASSWORD)
}
