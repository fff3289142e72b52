//! The command-line tool as people run it: the binary, against the router over SQLite behind a socket.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use http::Request;
use latchkey::http::Service;
use latchkey::model::deployment::Deployment;
use latchkey::native::Native;
use latchkey::ports::Platform;
use latchkey::store::registrations;
use serde_json::{Value, json};

/// Runs `latchkey` as the administrator of the tests' deployment.
fn latchkey(arguments: &[&str]) -> Output {
    with_environment(arguments, &[("LATCHKEY_USER", "admin"), ("LATCHKEY_PASSWORD", "admin")])
}

fn with_environment(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.args(arguments).env_clear().envs(variables.iter().copied());
    command.output().unwrap()
}

fn out(output: &Output) -> String {
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A file that is gone with the directory of the build.
fn file(name: &str, content: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A deployment that answers on a port of its own, one request at a time, for as long as the test runs.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let variables = [
            ("ENVIRONMENT", "development"),
            ("ADMIN_USERNAME", "admin"),
            ("ADMIN_PASSWORD", "admin"),
            ("TOKEN_KEYS", "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"),
        ];
        let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned());
        let deployment = Deployment::load(variable, |_, _| None).unwrap();
        let native = Native::in_memory().unwrap();
        registrations::refresh_cache(&native.platform).unwrap();
        let service = Service::new(Ok(Arc::new(deployment)));
        for stream in listener.incoming() {
            answer(stream.unwrap(), &service, &native.platform);
        }
    });
    url
}

/// Reads a request, has the service answer it, and closes.
fn answer(mut stream: TcpStream, service: &Service, platform: &Platform) {
    let request = read(&stream);
    let (parts, body) = service.handle(platform, request).into_parts();
    let head = format!("HTTP/1.1 {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", parts.status, body.len());
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).unwrap();
}

fn read(stream: &TcpStream) -> Request<Bytes> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut words = line.split(' ');
    let mut request = Request::builder().method(words.next().unwrap()).uri(words.next().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().unwrap();
        }
        request = request.header(name, value);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    request.body(Bytes::from(body)).unwrap()
}

/// WSO2's page prints this block as one example: the first table is in it twice.
const PRINTED: &str = "[identity_mgt.user_onboarding]\nenable_email_verification = true\n\
    verification_email_validity = \"1440\"\nlock_on_creation=true\n[identity_mgt] \nemail_sender= \"internal\"\n\
    [identity_mgt.user_onboarding]\nask_password_email_validity = \"60\"\n\
    password_generator = \"org.wso2.carbon.user.mgt.common.DefaultPasswordGenerator\"\n";

fn settings(url: &str) -> Value {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    let request = "GET /api/settings HTTP/1.1\r\nauthorization: Basic YWRtaW46YWRtaW4=\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn a_new_key_is_one_that_a_deployment_takes() {
    let first = out(&latchkey(&["keys"]));
    let second = out(&latchkey(&["keys"]));
    assert_ne!(first, second);
    let mut problems = Vec::new();
    let keys = latchkey::model::deployment::parse_keys(first.trim_end(), false, &mut problems);
    assert_eq!((keys.len(), problems), (1, Vec::new()));
    assert_eq!(first.split_once(':').unwrap().0.len(), 8);
}

#[test]
fn a_new_key_goes_in_front_of_those_so_far() {
    let earlier = out(&latchkey(&["keys"]));
    let earlier = earlier.trim_end();
    for output in
        [latchkey(&["keys", "--add", earlier]), with_environment(&["keys", "--add"], &[("TOKEN_KEYS", earlier)])]
    {
        let list = out(&output);
        let (new, rest) = list.trim_end().split_once(',').unwrap();
        assert_eq!(rest, earlier);
        assert!(new.contains(':') && new != earlier);
    }
    assert!(complaint(&latchkey(&["keys", "--add"])).contains("TOKEN_KEYS is not set"));
    let refused = complaint(&latchkey(&["keys", "--add", "k1:c2hvcnQ"]));
    assert!(refused.contains("32 or more") && !refused.contains("c2hvcnQ"), "{refused}");
}

#[test]
fn wso2s_file_is_read_without_a_deployment() {
    let path = file("printed.toml", PRINTED);
    let text = out(&latchkey(&["settings", "import", &path])).replace(&path, "deployment.toml");
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("settings-import", text);
    });
    let json: Value = serde_json::from_str(&out(&latchkey(&["settings", "import", "--json", &path]))).unwrap();
    assert_eq!(json["settings"]["ASK_PASSWORD_EMAIL_VALIDITY"], "60");
    assert_eq!(json["applied"], json!([]));
}

#[test]
fn what_was_read_is_set_where_it_is_asked_for() {
    let url = serve();
    let path = file("applied.toml", &format!("{PRINTED}[output_adapter.email]\nfrom_address = \"id@example.com\"\n"));
    let text = out(&latchkey(&["settings", "import", &path, "--apply", "--url", &url]));
    assert!(text.contains(&format!("Set at {url}: ENABLE_EMAIL_VERIFICATION, ")), "{text}");
    assert!(text.contains("MAIL_FROM = \"id@example.com\""), "{text}");
    let settings = settings(&url);
    assert_eq!(settings["settings"]["ASK_PASSWORD_EMAIL_VALIDITY"], "60");
    assert_eq!(settings["own"].as_array().unwrap().len(), 5, "{settings}");
}

#[test]
fn a_file_with_a_value_that_is_not_taken_sets_nothing() {
    let url = serve();
    let path = file("refused.toml", &PRINTED.replace("\"60\"", "\"$env{VALIDITY}\""));
    let output = latchkey(&["settings", "import", &path, "--apply", "--url", &url]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("refused") && text.contains("Nothing was set"), "{text}");
    assert_eq!(settings(&url)["own"], json!([]));
    let broken = file("broken.toml", "[a]\nb = \n");
    assert!(complaint(&latchkey(&["settings", "import", &broken])).contains("broken.toml: line 2"));
}

#[test]
fn what_a_deployment_refuses_is_told_in_its_words() {
    let url = serve();
    let path = file("foreign.toml", PRINTED);
    let wrong = [("LATCHKEY_USER", "admin"), ("LATCHKEY_PASSWORD", "wrong")];
    let apply = ["settings", "import", &path, "--apply", "--url", &url];
    let refused = complaint(&with_environment(&apply, &wrong));
    assert!(refused.contains("401") && refused.contains("Credentials are missing or wrong"), "{refused}");
    assert!(complaint(&with_environment(&apply, &[])).contains("LATCHKEY_TOKEN"));
    let nowhere = with_environment(&apply[..4], &wrong);
    assert!(complaint(&nowhere).contains("LATCHKEY_URL"));
    let tenant = [&apply[..], &["--tenant", "nobody.example"]].concat();
    assert!(complaint(&latchkey(&tenant)).contains("401"));
    let gone = ["settings", "import", &path, "--apply", "--url", "http://127.0.0.1:9"];
    assert!(complaint(&latchkey(&gone)).contains("127.0.0.1:9"));
    assert_eq!(settings(&url)["own"], json!([]));
}

#[test]
fn a_password_goes_nowhere_in_plain_text() {
    let path = file("plain.toml", PRINTED);
    for url in ["http://id.example.com", "id.example.com", "ftp://127.0.0.1", "http://localhost.example.com"] {
        let refused = complaint(&latchkey(&["settings", "import", &path, "--apply", "--url", url]));
        assert!(refused.contains("https://"), "{url}: {refused}");
    }
}

#[test]
fn the_help_says_how_to_run_it_and_where_credentials_come_from() {
    let text = out(&latchkey(&["--help"]));
    for word in ["cargo run -p latchkey-cli", "LATCHKEY_TOKEN", "keys", "settings", "tokens"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    assert_eq!(latchkey(&["nonsense"]).status.code(), Some(2));
}

/// Rows `user0`, `user1` and so on; of every tenth the address is none.
fn people(count: usize) -> String {
    let row = |number: usize| match number % 10 {
        9 => format!("user{number},nowhere\r\n"),
        _ => format!("user{number},user{number}@example.com\r\n"),
    };
    format!("\u{feff}userName,email\r\n{}", (0..count).map(row).collect::<String>())
}

#[test]
fn everybody_in_a_file_is_invited_and_failures_are_told_by_the_files_lines() {
    let url = serve();
    let path = file("people.csv", &people(1200));
    let import = |more: &[&str]| latchkey(&[&["import", &path, "--url", &url], more].concat());

    let dry = import(&["--dry-run"]);
    let text = String::from_utf8_lossy(&dry.stdout).into_owned();
    assert!(text.ends_with("1080 would be invited, 120 would fail\n"), "{text}");

    let output = import(&[]);
    assert_eq!(output.status.code(), Some(1), "rows failed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.ends_with("1080 invited, 120 failed\n"), "{text}");
    // user9 is in line 11, and user1199, in the third part, in line 1201.
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("line 11  user9  "), "{}", lines[0]);
    assert!(lines[119].starts_with("line 1201  user1199  "), "{}", lines[119]);

    let again: Value = serde_json::from_str(&String::from_utf8_lossy(&import(&["--json"]).stdout)).unwrap();
    assert_eq!((&again["created"], &again["failed"]), (&json!(0), &json!(1200)));
    assert_eq!((&again["rows"][600]["line"], &again["rows"][600]["userName"]), (&json!(602), &json!("user600")));
}

#[test]
fn an_import_that_succeeds_ends_with_success() {
    let url = serve();
    let path = file("two.csv", "email,userName\na@example.com,a\nb@example.com,b\n");
    let output = latchkey(&["import", &path, "--url", &url]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(out(&output), "2 invited, 0 failed\n");
}

#[test]
fn a_file_that_is_wrong_as_a_whole_invites_nobody() {
    let url = serve();
    let rows = people(600);
    for (content, named) in [
        (rows.replacen("email", "telex", 1), "column 'telex'"),
        (format!("{rows}\"open,x@example.com\r\n"), "line 602"),
    ] {
        let path = file("wrong.csv", &content);
        let refused = complaint(&latchkey(&["import", &path, "--url", &url]));
        assert!(refused.contains(named), "{refused}");
    }
    let path = file("excel.csv", "sep=;\r\nLogin;Email;Department\r\na; \"a@example.com\";x\r\n");
    let text = out(&latchkey(&["import", &path, "--url", &url, "--dry-run"]));
    let columns = "column 'Login' is userName\ncolumn 'Email' is email\ncolumn 'Department' is passed over\n";
    assert_eq!(text, format!("{columns}1 would be invited, 0 would fail\n"));
    let path = file("right.csv", &rows);
    let dry = latchkey(&["import", &path, "--url", &url, "--dry-run"]);
    assert!(String::from_utf8_lossy(&dry.stdout).contains("540 would be invited"), "nobody exists yet");
}

#[test]
fn an_answer_that_is_not_a_deployments_is_no_success() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            read(&stream);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nWelcome").unwrap();
        }
    });
    let path = file("lost.csv", "userName,email\na,a@example.com\n");
    let lost = complaint(&latchkey(&["import", &path, "--url", &url]));
    assert!(lost.contains("is the address right"), "{lost}");
}

#[test]
fn a_token_is_made_used_listed_and_revoked() {
    let url = serve();
    let create = ["tokens", "create", "--url", &url, "--name", "HR", "--scopes", "settings,tokens", "--days", "0.5"];
    let token = out(&latchkey(&create));
    let token = token.trim_end();
    assert!(token.starts_with("lk_"), "{token}");

    let bearer = [("LATCHKEY_TOKEN", token), ("LATCHKEY_URL", &url)];
    let listed = out(&with_environment(&["tokens", "list"], &bearer));
    assert!(listed.contains("HR") && listed.contains("settings,tokens") && !listed.contains(token), "{listed}");
    let path = file("by-token.toml", PRINTED);
    assert!(out(&with_environment(&["settings", "import", &path, "--apply"], &bearer)).contains("Set at"));
    let more = ["tokens", "create", "--name", "more", "--scopes", "scim:write"];
    assert!(complaint(&with_environment(&more, &bearer)).contains("cannot grant"));

    let id = listed.split(' ').next().unwrap();
    assert!(out(&latchkey(&["tokens", "revoke", id, "--url", &url])).starts_with("Revoked"));
    assert!(complaint(&with_environment(&["tokens", "list"], &bearer)).contains("401"));
    assert!(complaint(&latchkey(&["tokens", "revoke", id, "--url", &url])).contains("no token"));
}

#[test]
fn everything_about_a_person_is_printed_by_name_or_id() {
    let url = serve();
    let people = file("person.csv", "userName,email\nada,ada@example.com\n");
    out(&latchkey(&["import", "--url", &url, &people]));
    let by_name = out(&latchkey(&["privacy", "--url", &url, "ada"]));
    let shown: Value = serde_json::from_str(&by_name).unwrap();
    assert_eq!((&shown["user"]["document"]["userName"], &shown["deleted"]), (&json!("ada"), &json!(false)));
    assert_eq!(out(&latchkey(&["privacy", "--url", &url, shown["id"].as_str().unwrap()])), by_name);
    assert!(complaint(&latchkey(&["privacy", "--url", &url, "nobody"])).contains("Nothing is stored"));
}
