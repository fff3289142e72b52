use proptest::prelude::*;

use crate::base::address::Sender;
use crate::wso2::deployment_toml::{Report, Verdict};

/// The examples of WSO2's page, in its order, as one file: `[identity_mgt.user_onboarding]` is in it four times.
const SEED: &str = r#"[event.default_listener.identity_mgt]
priority= "50"
enable = false
[event.default_listener.governance_identity_mgt]
priority= "95"
enable = true
[event.default_listener.governance_identity_store]
priority= "97"
enable = true

[identity_mgt.user_onboarding]
ask_password_from_user= true

[identity_mgt.user_onboarding]
enable_email_verification = true
verification_email_validity = "1440"
lock_on_creation=true
[identity_mgt] 
email_sender= "internal"
[identity_mgt.user_onboarding]
ask_password_email_validity = "1440"
password_generator = "org.wso2.carbon.user.mgt.common.DefaultPasswordGenerator"

[identity_mgt.user_onboarding]
disable_random_value_for_credentials= true
"#;

fn report(text: &str) -> Report {
    Report::read(text).expect("TOML")
}

fn verdict(text: &str, key: &str) -> Verdict {
    let found = report(text).entries.into_iter().find(|entry| entry.key == key);
    found.expect(key).verdict
}

#[test]
fn the_examples_of_wso2s_page_become_settings_with_a_word_on_every_key() {
    let report = report(SEED);
    let keys = SEED.lines().filter(|line| line.contains('=')).count();
    assert_eq!(report.entries.len(), keys);
    insta::with_settings!({ prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!("seed", report.to_json());
    });
}

#[test]
fn the_block_as_the_page_prints_it_is_one_table() {
    let block = SEED.split("\n\n").find(|block| block.contains("email_sender")).expect("the block");
    assert_eq!(
        report(block).settings(),
        [
            ("ENABLE_EMAIL_VERIFICATION", "true"),
            ("VERIFICATION_EMAIL_VALIDITY", "1440"),
            ("LOCK_ON_CREATION", "true"),
            ("EMAIL_SENDER", "internal"),
            ("ASK_PASSWORD_EMAIL_VALIDITY", "1440"),
        ]
    );
}

#[test]
fn of_two_values_for_one_key_the_later_counts_and_the_report_says_so() {
    let text = "[identity_mgt.user_onboarding]\nlock_on_creation = true\n[identity_mgt.user_onboarding]\nlock_on_creation = \"false\"\n";
    let report = report(text);
    assert_eq!(report.settings(), [("LOCK_ON_CREATION", "false")]);
    assert_eq!(report.entries[0].verdict, Verdict::Superseded(4));
}

#[test]
fn what_has_its_own_name_counts_more_than_a_default_wherever_it_stands() {
    let text = "[identity_mgt.user_onboarding]\nask_password_email_validity = 60\nnotification.manage_internally = false\n\
                [identity_mgt]\ndefault_mail_validity_period = 30\nemail_sender = \"internal\"\n\
                [identity_mgt.user_self_registration]\nenable = true\n";
    let report = report(text);
    assert_eq!(
        report.settings(),
        [("ASK_PASSWORD_EMAIL_VALIDITY", "60"), ("EMAIL_SENDER", "external"), ("VERIFICATION_EMAIL_VALIDITY", "30"),]
    );
    let sender = report.entries.iter().find(|entry| entry.key == "identity_mgt.email_sender").expect("it");
    assert_eq!(sender.verdict, Verdict::Superseded(3));
}

#[test]
fn a_key_is_found_however_the_file_spells_its_tables() {
    for text in [
        "identity_mgt.user_onboarding.lock_on_creation = false",
        "[identity_mgt]\nuser_onboarding.lock_on_creation = \"false\"",
        "[identity_mgt]\nuser_onboarding = { lock_on_creation = false }",
        "\u{feff}[ identity_mgt . \"user_onboarding\" ] # a comment\r\nlock_on_creation = 'FALSE'\r\n",
    ] {
        assert_eq!(report(text).settings(), [("LOCK_ON_CREATION", "false")], "{text}");
    }
}

#[test]
fn brackets_inside_values_are_no_tables() {
    let text = "[[event_handler]]\nname = \"x\"\nsubscriptions = [\n  [\"a\"],\n[\"b\"]\n]\n\
                [database]\nurl = '''\n[identity_mgt.user_onboarding]\nlock_on_creation = false\n'''\n\
                [identity_mgt.user_onboarding]\nlock_on_creation = true\n";
    let report = report(text);
    assert_eq!(report.settings(), [("LOCK_ON_CREATION", "true")]);
    let lines: Vec<(usize, &str)> = report.entries.iter().map(|entry| (entry.line, entry.key.as_str())).collect();
    assert_eq!(
        lines,
        [
            (2, "event_handler.name"),
            (3, "event_handler.subscriptions"),
            (8, "database.url"),
            (13, "identity_mgt.user_onboarding.lock_on_creation"),
        ]
    );
}

#[test]
fn a_value_that_cannot_be_taken_is_refused_and_says_what_to_do() {
    for (line, word) in [
        ("lock_on_creation = \"yes\"", "true or false"),
        ("ask_password_email_validity = \"$env{VALIDITY}\"", "write the value itself"),
        ("ask_password_email_validity = 1.5", "whole number"),
        ("ask_password_email_validity = [1440]", "single"),
    ] {
        let report = report(&format!("[identity_mgt.user_onboarding]\n{line}"));
        assert!(report.has_refusals() && report.settings().is_empty(), "{line}");
        let explanation = report.entries[0].verdict.explanation();
        assert!(explanation.contains(word), "{line}: {explanation}");
    }
    let sender = verdict("[identity_mgt]\nemail_sender = \"carrier pigeon\"", "identity_mgt.email_sender");
    assert!(sender.explanation().contains("internal or external"));
}

#[test]
fn the_mail_servers_address_is_taken_and_its_secrets_are_not_repeated() {
    let text = "[output_adapter.email]\nfrom_address = \"id@example.com\"\nusername = \"u\"\npassword = \"hunter2\"\n\
                [super_admin]\npassword = \"hunter2\"\n[secrets]\nx = \"[hunter2]\"\n[made.up]\nkey = \"hunter2\"\n";
    let report = report(text);
    assert_eq!(report.settings(), [("MAIL_FROM", "id@example.com")]);
    assert!(!report.to_json().to_string().contains("hunter2"));
    assert_eq!(report.entries.last().map(|entry| &entry.verdict), Some(&Verdict::Unknown));
}

#[test]
fn the_senders_name_and_the_address_for_answers_are_taken() {
    let with = |more: &str| report(&format!("[output_adapter.email]\nfrom_address = \"id@example.com\"\n{more}"));
    for (line, from) in [
        ("signature = \"Acme\"", "Acme <id@example.com>"),
        ("signature = \"noreply@wso2.com\"", "\"noreply@wso2.com\" <id@example.com>"),
        ("signature = \" Jörg & Co., Ltd. \"", "\"Jörg & Co., Ltd.\" <id@example.com>"),
        ("signature = \"\"", "id@example.com"),
        ("signature = \"One\"\n[output_adapter.email]\nsignature = 'Two'", "Two <id@example.com>"),
    ] {
        let report = with(line);
        assert_eq!(report.settings(), [("MAIL_FROM", from)], "{line}");
        assert!(!report.has_refusals());
        assert!(Sender::parse(from).is_some());
    }
    let reply_to = with("reply_to = \"help@example.com\"");
    assert_eq!(reply_to.settings(), [("MAIL_FROM", "id@example.com"), ("MAIL_REPLY_TO", "help@example.com")]);
    let first = report("[output_adapter]\nemail = { signature = \"Acme\", from_address = \"Old <id@example.com>\" }");
    assert_eq!(first.settings(), [("MAIL_FROM", "Acme <id@example.com>")]);
    for refused in
        ["signature = \"<script>\"", "signature = '\"A\"'", "reply_to = \"help\"", "signature = \"$env{NAME}\""]
    {
        let report = with(refused);
        assert!(report.has_refusals(), "{refused}");
        assert_eq!(report.settings(), [("MAIL_FROM", "id@example.com")], "{refused}");
    }
    let alone = report("[output_adapter.email]\nsignature = \"Acme\"\n");
    assert!(alone.settings().is_empty() && alone.entries[0].verdict.explanation().contains("from_address"));
}

#[test]
fn keys_of_other_pages_that_have_a_setting_are_taken() {
    for (table, line, setting) in [
        ("identity_mgt.user_claim_update.email", "enable_verification = true", ("EMAIL_UPDATE_VERIFICATION", "true")),
        (
            "identity_mgt.user_claim_update.email",
            "enable_verification = \"FALSE\"",
            ("EMAIL_UPDATE_VERIFICATION", "false"),
        ),
        ("identity_mgt", "user_claim_update.email.enable_verification = false", ("EMAIL_UPDATE_VERIFICATION", "false")),
        (
            "identity_mgt.user_claim_update.email",
            "verification_email_validity = \"60\"",
            ("VERIFICATION_EMAIL_VALIDITY", "60"),
        ),
        ("identity_mgt.password_policy", "min_length = 12", ("PASSWORD_MIN_LENGTH", "12")),
        ("identity_mgt.notification", "default_locale = \"de_DE\"", ("DEFAULT_LOCALE", "de_DE")),
    ] {
        assert_eq!(report(&format!("[{table}]\n{line}")).settings(), [setting], "{table} {line}");
    }
    let own = "[identity_mgt.user_onboarding]\nverification_email_validity = 30\n\
               [identity_mgt.user_claim_update.email]\nverification_email_validity = 60\n";
    assert_eq!(report(own).settings(), [("VERIFICATION_EMAIL_VALIDITY", "30")]);
    for line in ["enable_verification = \"maybe\"", "enable_verification = [true]"] {
        assert!(report(&format!("[identity_mgt.user_claim_update.email]\n{line}")).has_refusals(), "{line}");
    }
    assert!(report("[identity_mgt.password_policy]\nmin_length = 0\n").has_refusals());
    let mobile = verdict(
        "[identity_mgt.user_claim_update.mobile]\nenable_verification = true",
        "identity_mgt.user_claim_update.mobile.enable_verification",
    );
    assert!(matches!(mobile, Verdict::NotApplicable(_)));
}

#[test]
fn a_file_that_is_no_toml_is_told_by_its_line() {
    let text =
        "[identity_mgt]\nemail_sender = \"internal\"\n\n[output_adapter.email]\nhostname= smtp.gmail.com\nport= 587\n";
    let error = Report::read(text).expect_err("a bare word");
    assert_eq!(error.line, 5, "{error}");
    let twice = Report::read("[server]\na = 1\na = 2\n").expect_err("a key twice in one table");
    assert_eq!(twice.line, 3, "{twice}");
}

#[test]
fn whoever_moves_is_told_where_the_defaults_differ() {
    assert!(report("").notes[0].contains("ENABLE_EMAIL_VERIFICATION=false"));
    let on = report("[identity_mgt.user_onboarding]\nenable_email_verification = true\n");
    assert_eq!(on.notes, Vec::<String>::new());
}

proptest! {
    /// Whatever the file is, it is read or refused with one of its lines.
    #[test]
    fn any_file_is_read_or_refused(pieces in proptest::collection::vec(
        proptest::sample::select(vec![
            "[identity_mgt.user_onboarding]\n", "[[identity_mgt]]\r\n", "lock_on_creation = ", "user_onboarding = { ", " }",
            "\"secret\"", "\"\"\"", "[ \"secret\",\n", "]\n", "true\n", "'''\n", "\n", "\"\u{e9}\" = 1\n", "\u{feff}", "# ",
        ]),
        0..24,
    )) {
        let text = pieces.concat();
        let lines = text.matches('\n').count() + 1;
        match Report::read(&text) {
            Ok(report) => {
                prop_assert!(report.entries.iter().all(|entry| (1..=lines).contains(&entry.line)));
                prop_assert!(report.settings().iter().all(|(_, value)| *value == "true"));
            }
            Err(error) => prop_assert!((1..=lines).contains(&error.line), "{}", error),
        }
    }
}
