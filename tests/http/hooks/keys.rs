//! Where the keys come from that SNS's and MailChannels' webhooks are checked with.

use std::time::Duration;

use serde_json::{Value, json};

use super::vendors::{
    CERTIFICATE_URL, Hook, KEY_URL, Kind, SUBSCRIBE_URL, TOPIC, Told, Vendor, bare_mailchannels_key, sns, sns_signed,
};
use super::{app, app_with, invited, mail, now, post};

fn hook(message: Value) -> Hook {
    Hook { headers: vec![], body: sns_signed(message, true).to_string().into_bytes() }
}

#[test]
fn a_key_is_fetched_once() {
    for (vendor, url) in [(Vendor::Ses, CERTIFICATE_URL), (Vendor::MailChannels, KEY_URL)] {
        let (app, outside) = app();
        for number in 1..4 {
            let hook = vendor.hook(Told { kind: Kind::Hard, user: "x", number }, now(&app));
            assert_eq!(post(&app, vendor, &hook).status, 200, "{vendor:?}");
        }
        assert_eq!(*outside.asked.lock().unwrap(), [url]);
    }
}

#[test]
fn a_key_that_cannot_be_fetched_is_503_and_asked_for_again() {
    for vendor in [Vendor::Ses, Vendor::MailChannels] {
        let (app, outside) = app();
        let hook = vendor.hook(Told { kind: Kind::Hard, user: "x", number: 1 }, now(&app));
        *outside.down.lock().unwrap() = true;
        let reply = post(&app, vendor, &hook);
        assert_eq!((reply.status.as_u16(), reply.header("retry-after").is_empty()), (503, false), "{vendor:?}");
        *outside.down.lock().unwrap() = false;
        assert_eq!(post(&app, vendor, &hook).status, 200, "{vendor:?}");
    }
}

#[test]
fn a_configured_key_is_not_fetched() {
    let secret = format!("acme:{}", bare_mailchannels_key());
    let (app, outside) = app_with(&[("MAIL_WEBHOOK_SECRET_MAILCHANNELS", &secret)]);
    let vendor = Vendor::MailChannels;
    let told = Told { kind: Kind::Hard, user: "x", number: 1 };
    assert_eq!(post(&app, vendor, &vendor.hook(told, now(&app))).status, 200);
    let forged = vendor.sign(&vendor.body(told, now(&app)), "", now(&app), false);
    assert_eq!(post(&app, vendor, &forged).status, 401);
    assert!(outside.asked.lock().unwrap().is_empty());
}

#[test]
fn a_key_of_an_odd_name_is_not_asked_for() {
    let (app, outside) = app();
    let vendor = Vendor::MailChannels;
    for id in ["", "../../x", "a&b=c", "a b", &"x".repeat(65)] {
        let mut hook = vendor.hook(Told { kind: Kind::Hard, user: "x", number: 1 }, now(&app));
        hook.headers[1].1 = hook.headers[1].1.replace("mckey", id);
        assert_eq!(post(&app, vendor, &hook).status, 401, "{id}");
    }
    assert!(outside.asked.lock().unwrap().is_empty());
}

#[test]
fn a_certificate_from_elsewhere_is_not_asked_for() {
    let (app, outside) = app();
    for url in [
        "https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-0123abcd.pem",
        "https://evil.example/SimpleNotificationService-0123abcd.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/SimpleNotificationService-0123abcd.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-0123abcd.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123abcd.pem",
        "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abcd.pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abcd.pem?x=.pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-../x.pem",
        "https://sns.eu-central-1.amazonaws.com/x/SimpleNotificationService-0123abcd.pem",
        "https://sns.eu-central-1.amazonaws.com/x.pem",
        "https://sns.eu-central-1.amazonaws.com/",
        "",
    ] {
        let mut message = Vendor::Ses.body(Told { kind: Kind::Hard, user: "x", number: 1 }, now(&app));
        message["SigningCertURL"] = json!(url);
        assert_eq!(post(&app, Vendor::Ses, &hook(message)).status, 401, "{url}");
    }
    assert!(outside.asked.lock().unwrap().is_empty());
}

#[test]
fn another_topic_is_neither_heard_nor_subscribed_to() {
    let (app, outside) = app();
    let user = invited(&app, Vendor::Ses, "paul");
    outside.asked.lock().unwrap().clear();
    for topic in ["arn:aws:sns:eu-central-1:666666666666:mail", ""] {
        let mut told = Vendor::Ses.body(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app));
        told["TopicArn"] = json!(topic);
        assert_eq!(post(&app, Vendor::Ses, &hook(told)).status, 401);
        let mut confirmation = confirmation(SUBSCRIBE_URL, now(&app));
        confirmation["TopicArn"] = json!(topic);
        assert_eq!(post(&app, Vendor::Ses, &hook(confirmation)).status, 401);
    }
    assert!(outside.asked.lock().unwrap().is_empty());
    assert_eq!(mail(&app, &user).0, "sent");
}

fn confirmation(url: &str, at: i64) -> Value {
    let message = json!({
        "Type": "SubscriptionConfirmation", "Token": "2336412f37fb", "SubscribeURL": url,
        "Message": format!("You have chosen to subscribe to the topic {TOPIC}."),
    });
    sns(message, 1, at)
}

#[test]
fn the_configured_topics_subscription_is_confirmed() {
    let (app, outside) = app();
    assert_eq!(post(&app, Vendor::Ses, &hook(confirmation(SUBSCRIBE_URL, now(&app)))).status, 200);
    assert_eq!(*outside.asked.lock().unwrap(), [CERTIFICATE_URL, SUBSCRIBE_URL]);
}

#[test]
fn a_subscription_is_confirmed_at_sns_and_only_where_it_is_signed() {
    let (app, outside) = app();
    for url in ["https://evil.example/?Action=ConfirmSubscription", "http://sns.eu-central-1.amazonaws.com/", ""] {
        assert_eq!(post(&app, Vendor::Ses, &hook(confirmation(url, now(&app)))).status, 400, "{url}");
    }
    let mut unsigned = sns_signed(confirmation(SUBSCRIBE_URL, now(&app)), true);
    unsigned["SubscribeURL"] = json!(format!("{SUBSCRIBE_URL}x"));
    let unsigned = Hook { headers: vec![], body: unsigned.to_string().into_bytes() };
    assert_eq!(post(&app, Vendor::Ses, &unsigned).status, 401);
    assert_eq!(*outside.asked.lock().unwrap(), [CERTIFICATE_URL]);
}

#[test]
fn what_else_sns_says_is_taken() {
    let (app, outside) = app();
    let mut farewell = confirmation(SUBSCRIBE_URL, now(&app));
    farewell["Type"] = json!("UnsubscribeConfirmation");
    let greeting = "Successfully validated SNS topic for Amazon SES event publishing.";
    let greeting = sns(json!({ "Type": "Notification", "Subject": "Hello", "Message": greeting }), 2, now(&app));
    for message in [farewell, greeting] {
        assert_eq!(post(&app, Vendor::Ses, &hook(message)).status, 200);
    }
    assert_eq!(*outside.asked.lock().unwrap(), [CERTIFICATE_URL], "a farewell is not answered by coming back");
}

#[test]
fn sha_1_is_not_taken_and_the_answer_says_what_to_do() {
    let (app, _) = app();
    let mut message = Vendor::Ses.body(Told { kind: Kind::Hard, user: "x", number: 1 }, now(&app));
    message["SignatureVersion"] = json!("1");
    let reply = post(&app, Vendor::Ses, &hook(message));
    assert_eq!(reply.status, 401);
    assert!(reply.text.contains("SignatureVersion to 2"), "{}", reply.text);
}

#[test]
fn sns_tries_again_for_an_hour_with_the_time_of_the_first_attempt() {
    let (app, _) = app();
    let vendor = Vendor::Ses;
    let user = invited(&app, vendor, "paul");
    let hook = vendor.hook(Told { kind: Kind::Hard, user: &user, number: 1 }, now(&app));
    app.native.clock.advance(Duration::from_secs(3600));
    assert_eq!(post(&app, vendor, &hook).status, 200);
    assert_eq!(mail(&app, &user).0, "bounced");
}
