//! `POST /api/invitations/import` of what spreadsheets and other directories write.

use bytes::Bytes;
use serde_json::{Value, json};

use super::import::{IMPORT, csv, detail, report, send, told, users};
use crate::support::App;

fn dry_run(app: &App, file: impl Into<Bytes>) -> Value {
    report(&send(app, &format!("{IMPORT}?dryRun=true"), Some("text/csv"), file))
}

fn columns(report: &Value) -> Vec<String> {
    let columns = report["columns"].as_array().unwrap().iter();
    let shown = |column: &Value| {
        let attribute = column["attribute"].as_str().unwrap_or("-");
        format!("{}={attribute}", column["header"].as_str().unwrap())
    };
    columns.map(shown).collect()
}

fn paul(app: &App) -> Value {
    app.scim().filter("/scim2/Users", "userName eq \"paul\"")[0].clone()
}

#[test]
fn cells_are_separated_as_the_header_or_its_first_line_has_it() {
    for (separator, first) in [
        (';', ""),
        ('\t', ""),
        ('|', ""),
        (',', ""),
        (';', "sep=;\r\n"),
        (',', "sep=,\n"),
        ('\t', "SEP=\t\n"),
        ('|', "\"sep=|\"\r"),
        ('~', "sep=~\n"),
        (';', "sep=;;;\n"),
    ] {
        let app = App::new();
        let file = "userName;email;givenName;familyName\r\npaul;paul@example.com;\"Anna; Maria\";O'Neil\r\n";
        let file = format!("{first}{}", file.replace(';', &separator.to_string()));
        let report = csv(&app, file);
        assert_eq!(report["created"], 1, "{separator:?} {first:?} {report}");
        assert_eq!(report["rows"][0]["line"], 2 + usize::from(!first.is_empty()));
        let name = json!({ "familyName": "O'Neil", "givenName": format!("Anna{separator} Maria") });
        if separator != '\t' {
            assert_eq!(paul(&app)["name"], name);
        }
    }
}

#[test]
fn groups_keep_their_separators_whatever_separates_cells() {
    let app = App::new();
    app.scim().create_group("Cooks", &[]);
    app.scim().create_group("Waiters", &[]);
    let report = csv(
        &app,
        "userName;email;groups\na;a@example.com;\"Cooks;Waiters\"\nb;b@example.com;Cooks|Waiters\n\
         c;c@example.com;Cooks;Waiters\n",
    );
    assert_eq!(told(&report), ["2 a created", "3 b created", "4 c failed"]);
    assert!(detail(&report, 2).contains("4 cells"), "{report}");
}

#[test]
fn columns_without_a_name_and_surplus_cells_say_nothing_while_they_are_empty() {
    let app = App::new();
    let report = csv(
        &app,
        "userName,,email,givenName,,\n\
         a,,a@example.com,Anna,,\n\
         b,,b@example.com,Berta,,,,,\n\
         c, ,c@example.com,Carla,\" \",\n\
         d,x,d@example.com,Dora,,\n\
         e,,e@example.com,Smith, Jr,\n\
         f,,f@example.com,Frida,,,,more\n",
    );
    assert_eq!(told(&report), ["2 a created", "3 b created", "4 c created", "5 d failed", "6 e failed", "7 f failed"]);
    assert!(detail(&report, 3).contains("column 2") && detail(&report, 4).contains("column 5"), "{report}");
    assert!(detail(&report, 5).contains("8 cells where the header has 6"), "{report}");
}

#[test]
fn rows_that_lack_optional_cells_are_padded() {
    let app = App::new();
    let report = csv(
        &app,
        "userName,email,givenName,familyName,groups\na,a@example.com\nb,b@example.com,Berta\nc,c@example.com,\n\nd\n",
    );
    assert_eq!(told(&report), ["2 a created", "3 b created", "4 c created", "6 d failed"]);
    assert!(detail(&report, 3).contains("no email"), "{report}");
    let report = csv(&app, "email,givenName,userName\ne@example.com,Emil\n");
    assert_eq!(report["failed"], 1, "{report}");
}

#[test]
fn a_blank_before_a_quoted_cell_leaves_its_marks_out_of_the_name() {
    for cell in [" \"Ann\"", "\t\"Ann\"", "  \"Ann\"  ", "\"Ann\" ", "\u{a0}\"Ann\""] {
        let app = App::new();
        let report = csv(&app, format!("userName, \"email\",givenName,familyName\npaul,p@example.com,{cell},Lee\n"));
        assert_eq!(told(&report), ["2 paul created"], "{report}");
        assert_eq!(paul(&app)["name"], json!({ "familyName": "Lee", "givenName": "Ann" }));
    }
    let app = App::new();
    let report = csv(
        &app,
        "userName, email, givenName\npaul, \"p@example.com\", \"Ann, \"\"B\"\"\"\nx, x@example.com, \"A\" B\n",
    );
    assert_eq!(told(&report), ["2 paul created", "3  failed"]);
    assert_eq!(paul(&app)["name"]["givenName"], "Ann, \"B\"");
    assert!(detail(&report, 1).contains("quotation marks"), "{report}");
}

#[test]
fn headers_in_the_words_of_other_directories_are_understood_and_a_dry_run_says_how() {
    let app = App::new();
    let dry = dry_run(&app, "Login;First name;Last name;Email;Department\npaul;Paul;Smith;paul@example.com;IT\n");
    assert_eq!(
        dry["columns"],
        json!([
            { "header": "Login", "attribute": "userName" },
            { "header": "First name", "attribute": "givenName" },
            { "header": "Last name", "attribute": "familyName" },
            { "header": "Email", "attribute": "email" },
            { "header": "Department", "attribute": null },
        ])
    );
    assert_eq!(told(&dry), ["2 paul created"]);
    for (header, shown) in [
        ("User principal name,E-mail 1 - Value", "User principal name=userName E-mail 1 - Value=email"),
        ("userName,E-Mail", "userName=userName E-Mail=email"),
        ("Username,Email address", "Username=userName Email address=email"),
        ("User name [userPrincipalName] Required,mail", "User name [userPrincipalName] Required=userName mail=email"),
        ("\"User-Name\" , email,", "User-Name=userName email=email"),
    ] {
        let app = App::new();
        let file = format!("{header}\npaul,paul@example.com\n");
        assert_eq!(columns(&dry_run(&app, file.clone())).join(" "), shown);
        assert_eq!(users(&app), 0);
        let report = csv(&app, file);
        assert_eq!((&report["created"], report.get("columns")), (&json!(1), None), "{header}: {report}");
    }
    let list = json!([{ "userName": "a", "email": "a@example.com" }]).to_string();
    let reply = send(&app, &format!("{IMPORT}?dryRun=true"), Some("application/json"), list);
    assert_eq!(report(&reply).get("columns"), None, "a list has no columns");
}

#[test]
fn an_entra_template_and_a_google_export_are_imported_as_they_are() {
    let app = App::new();
    let entra = "version:v1.0,,,,,\r\n\
        Name [displayName] Required,User name [userPrincipalName] Required,Initial password [passwordProfile] Required,\
        Block sign in (Yes/No) [accountEnabled] Required,First name [givenName],Last name [surname],Email\r\n\
        Paul Smith,paul,secret,No,Paul,Smith,paul@example.com\r\nMary,mary,secret,Yes,Mary,Smith,mary@example.com\r\n";
    let report = csv(&app, entra);
    assert_eq!(told(&report), ["3 paul created", "4 mary failed"]);
    assert!(detail(&report, 1).contains("'Yes'"), "{report}");
    assert_eq!(app.number("SELECT COUNT(*) FROM credentials"), 0, "passwords of files are nobody's");

    let google = "First Name [Required],Last Name [Required],Email Address [Required],Password [Required],\
        Org Unit Path [Required],Status [READ ONLY],Last Sign In [READ ONLY]\n\
        Zoe,Lee,zoe@example.com,****,/,Active,Never logged in\nJoe,Lee,joe@example.com,****,/,Suspended,2026-01-01\n";
    let dry = dry_run(&app, google);
    assert_eq!(columns(&dry)[2..4], ["Email Address [Required]=userName", "Email Address [Required]=email"]);
    assert_eq!(told(&csv(&app, google)), ["2 zoe@example.com created", "3 joe@example.com failed"]);

    let okta = "login,firstName,lastName,email,status,preferredLanguage\n\
        sue,Sue,Lee,sue@example.com,STAGED,de-DE\nsam,Sam,Lee,sam@example.com,DEPROVISIONED,\n";
    assert_eq!(told(&csv(&app, okta)), ["2 sue created", "3 sam failed"]);
    assert_eq!(app.scim().filter("/scim2/Users", "userName eq \"sue\"")[0]["locale"], "de-DE");
}

#[test]
fn a_list_of_languages_is_a_preference_and_one_language_is_a_locale() {
    let app = App::new();
    let file = "userName,email,language\nann,ann@example.com,\"fr;q=0.5,de\"\nben,ben@example.com,fr\n";
    assert_eq!(told(&csv(&app, file)), ["2 ann created", "3 ben created"]);
    let user = |name: &str| app.scim().filter("/scim2/Users", &format!("userName eq \"{name}\"")).remove(0);
    assert_eq!((user("ann").get("locale"), &user("ann")["preferredLanguage"]), (None, &"fr;q=0.5,de".into()));
    assert_eq!((&user("ben")["locale"], user("ben").get("preferredLanguage")), (&"fr".into(), None));
    app.deliver();
    let locales: Vec<_> = app.inbox().iter().map(|mail| mail["locale"].as_str().unwrap().to_owned()).collect();
    assert_eq!(locales, ["fr", "de"], "newest first");
}

#[test]
fn utf_16_with_its_mark_is_read_and_any_other_encoding_refused_in_words() {
    let text = "userName\temail\tgivenName\r\nJörg\tj@example.com\t\"田中\"\r\n";
    let units = |mark: bool| mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
    for bytes in [
        units(true).flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
        units(true).flat_map(u16::to_be_bytes).collect(),
        text.as_bytes().to_vec(),
    ] {
        let app = App::new();
        for content_type in ["text/csv", "text/csv; charset=utf-16"] {
            let reply = send(&app, &format!("{IMPORT}?dryRun=true"), Some(content_type), bytes.clone());
            assert_eq!(told(&report(&reply)), ["2 Jörg created"]);
        }
    }
    let app = App::new();
    for bytes in [
        units(false).flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
        b"userName;email\r\nJ\xf6rg;j@example.com\r\n".to_vec(),
        b"userName,email,givenName\r\nyuki,y@example.com,\x97T\x8bB\r\n".to_vec(),
        b"userName,email,givenName\r\nyuki,y@example.com,\x1b$BM55$\x1b(B\r\n".to_vec(),
        b"\xff\xfeu\0s\0e\0r\0N".to_vec(),
        b"PK\x03\x04\x14\x00\x06\x00".to_vec(),
    ] {
        let reply = send(&app, IMPORT, Some("text/csv"), bytes.clone());
        assert_eq!(reply.status, 400, "{}", reply.text);
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("UTF-8"), "{bytes:?}: {detail}");
    }
    let report = csv(&app, "userName,email,givenName\nj,j@example.com,J\u{fffd}rg\nk,k@example.com,Karl\n");
    assert_eq!(told(&report), ["2 j failed", "3 k created"]);
    assert!(detail(&report, 0).contains("givenName"), "{report}");
}
