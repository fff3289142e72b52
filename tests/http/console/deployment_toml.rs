//! "Import deployment.toml" on `/console/settings`.

use super::signed_in;
use crate::support::App;

const PATH: &str = "/console/settings/deployment-toml";

const FILE: &str = "[identity_mgt.user_onboarding]\nask_password_email_validity = \"60\"\nlock_on_creation = false\n\
    [output_adapter.email]\nfrom_address = \"id@acme.com\"\npassword = \"hunter2\"\n[nobody]\nknows = '<script>'\n";

#[test]
fn what_becomes_of_each_key_is_told_before_anything_is_applied() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    assert!(browser.get("/console/settings").text.contains(&format!("<a href=\"{PATH}\">Import deployment.toml</a>")));
    assert!(browser.get(PATH).text.contains("<label for=\"file\">deployment.toml</label>"));
    let page = browser.post(PATH, &[("file", FILE)]);
    assert_eq!(page.status, 200, "{}", page.text);
    for said in [
        "2 identity_mgt.user_onboarding.ask_password_email_validity taken ASK_PASSWORD_EMAIL_VALIDITY=60",
        "3 identity_mgt.user_onboarding.lock_on_creation taken LOCK_ON_CREATION=false",
        "MAIL_FROM=id@acme.com is the deployment’s",
        "nobody.knows unknown",
    ] {
        assert!(page.words().contains(said), "{said}: {}", page.words());
    }
    assert!(!page.text.contains("hunter2") && !page.text.contains("<script>"), "{}", page.text);
    assert_eq!(app.number("SELECT count(*) FROM settings"), 0);
    let fields = [
        ("operation", &*page.hidden("operation")),
        ("ASK_PASSWORD_EMAIL_VALIDITY", &*page.hidden("ASK_PASSWORD_EMAIL_VALIDITY")),
        ("LOCK_ON_CREATION", &*page.hidden("LOCK_ON_CREATION")),
    ];
    let applied = browser.post(&format!("{PATH}/apply"), &fields);
    assert_eq!((applied.status.as_u16(), applied.header("location")), (303, "/console/settings"), "{}", applied.text);
    let words = browser.get("/console/settings").words();
    assert!(words.contains("Ask password code expiry time is now 60"), "{words}");
    assert_eq!(app.number("SELECT count(*) FROM settings"), 2);
}

#[test]
fn a_file_that_cannot_be_read_comes_back_with_its_line() {
    let app = App::new();
    let mut browser = signed_in(&app, "alice", "admin");
    for (file, said) in
        [("", "Paste the file."), ("[a]\nb = \n", "line 2"), ("[a]\nb = \"x", "line 2"), ("[a", "line 1")]
    {
        let page = browser.post(PATH, &[("file", file)]);
        assert_eq!(page.status, 422, "{file}");
        assert!(page.text.contains("href=\"#file\"") && page.words().contains(said), "{said}: {}", page.words());
    }
}
