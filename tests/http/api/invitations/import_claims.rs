//! `POST /api/invitations/import` of WSO2's and Asgardeo's files as they are, and of what spreadsheets do to cells.

use serde_json::{Value, json};

use super::import::{IMPORT, csv, detail, report, send, told};
use crate::support::App;

fn dry(app: &App, file: &str) -> Value {
    report(&send(app, &format!("{IMPORT}?dryRun=true"), Some("text/csv"), file.to_owned()))
}

fn user(app: &App, name: &str) -> Value {
    app.scim().filter("/scim2/Users", &format!("userName eq \"{name}\""))[0].clone()
}

#[test]
fn cells_name_their_claims_as_in_the_old_consoles_files() {
    let app = App::new();
    app.scim().create_group("Cooks", &[]);
    let file = "UserName,Password,Claims\n\
        kim,Secret1!,http://wso2.org/claims/emailaddress=kim@example.com,http://wso2.org/claims/givenname=Kim,http://wso2.org/claims/mobile=+49 1=2\n\
        lea,,http://wso2.org/claims/emailaddress=lea@example.com,http://wso2.org/claims/identity/askPassword=true,http://wso2.org/claims/groups=Cooks\n\
        max,x,http://wso2.org/claims/emailaddress=max@example.com,http://wso2.org/claims/shoeSize=44\n\
        ned,x,http://wso2.org/claims/emailaddress=ned@example.com,ned\n";
    let report = csv(&app, file);
    assert_eq!(told(&report), ["2 kim created", "3 lea created", "4 max failed", "5 ned failed"]);
    assert!(detail(&report, 2).contains("shoeSize"));
    let kim = user(&app, "kim");
    assert_eq!(kim["emails"][0]["value"], "kim@example.com");
    assert_eq!(kim["name"]["givenName"], "Kim");
    assert_eq!(kim["phoneNumbers"], json!([{ "value": "+49 1=2", "type": "mobile" }]));
    assert_eq!(user(&app, "lea")["groups"][0]["display"], "Cooks");
    assert!(!app.dump().contains("Secret1!"), "a password that does not count is nowhere");
    assert!(!report.to_string().contains("Secret1!"));
}

#[test]
fn asgardeos_headers_are_claims_and_several_values_stand_in_one_cell() {
    let app = App::new();
    app.scim().create_group("Cooks", &[]);
    app.scim().create_group("Waiters", &[]);
    let file = "username,givenname,lastname,emailaddress,groups,mobile,country,department,nickname\n\
        kim@example.com,Kim,Doe,kim@example.com|k2@example.com,Cooks|Waiters,+491,DE,Food,Kimmy\n";
    let report = csv(&app, file);
    assert_eq!(told(&report), ["2 kim@example.com created"], "{report}");
    let kim = user(&app, "kim@example.com");
    assert_eq!(kim["emails"], json!([{ "value": "kim@example.com", "primary": true }, { "value": "k2@example.com" }]));
    assert_eq!(kim["groups"].as_array().unwrap().len(), 2);
    assert_eq!(kim["addresses"], json!([{ "type": "home", "country": "DE" }]));
    assert_eq!(kim["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["department"], "Food");
    assert_eq!(kim["nickName"], "Kimmy");
    // In other files these words mean what they meant.
    let report = dry(&app, "Username,Email,Mobile,Country\na,a@example.com,x,y\n");
    assert_eq!(report["columns"][2], json!({ "header": "Mobile", "attribute": null }));
    // With the dialect they are claims in every file.
    let report = dry(
        &app,
        "http://wso2.org/claims/username,http://wso2.org/claims/emailaddress,http://wso2.org/claims/title\na,a@example.com,x\n",
    );
    assert_eq!(report["columns"][2]["attribute"], "title");
}

#[test]
fn a_header_that_nobody_knows_fails_the_file() {
    let app = App::new();
    for header in ["username,emailaddress,shoesize", "userName,email,http://wso2.org/claims/shoeSize"] {
        let reply = send(&app, IMPORT, Some("text/csv"), format!("{header}\na,a@example.com,1\n"));
        assert_eq!(reply.status, 400, "{}", reply.text);
        assert!(reply.text.to_lowercase().contains("shoesize"));
    }
}

#[test]
fn each_row_has_all_its_reasons() {
    let app = App::new();
    let report = dry(&app, "userName,email,groups,http://wso2.org/claims/title\n,nowhere,Cooks,x\n");
    let reasons = detail(&report, 0);
    for part in ["userName", "email"] {
        assert!(reasons.contains(part), "{reasons}");
    }
    let report = dry(&app, "userName,email,groups\na,,Cooks|Waiters\n");
    let reasons = detail(&report, 0);
    for part in ["no email", "'Cooks'", "'Waiters'"] {
        assert!(reasons.contains(part), "{reasons}");
    }
}

#[test]
fn cells_stay_text_and_a_rounded_number_is_warned_of() {
    let app = App::new();
    let file = "userName,email,givenName,http://wso2.org/claims/employeeNumber,http://wso2.org/claims/mobile\n\
                007,007@example.com,0049,00123,1.9E+18\n";
    for report in [dry(&app, file), csv(&app, file)] {
        assert_eq!(told(&report), ["2 007 created"]);
        assert!(report["rows"][0]["warning"].as_str().unwrap().contains("1.9E+18"), "{report}");
    }
    let bond = user(&app, "007");
    assert_eq!(bond["name"]["givenName"], "0049");
    assert_eq!(bond["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["employeeNumber"], "00123");
    assert_eq!(bond["phoneNumbers"][0]["value"], "1.9E+18", "it is what the file says");
}

#[test]
fn the_apostrophe_before_a_formula_is_taken_off_and_no_other() {
    let app = App::new();
    let file = "userName,email,givenName,familyName\n\
        a,a@example.com,'=1+1,''+49\n\
        b,b@example.com,'Abd,=1\n\
        c,c@example.com,'＋1,'@x\n";
    assert_eq!(csv(&app, file)["created"], 3);
    let names = |name: &str| user(&app, name)["name"].clone();
    assert_eq!(names("a"), json!({ "familyName": "'+49", "givenName": "=1+1" }));
    assert_eq!(names("b"), json!({ "familyName": "=1", "givenName": "'Abd" }));
    assert_eq!(names("c"), json!({ "familyName": "@x", "givenName": "＋1" }));
}
