//! Amazon's signature of a request, version 4: <https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::base::calendar::utc;
use crate::base::hex;
use crate::model::deployment::AwsAccess;
use crate::ports::Millis;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The signed parts of a POST without a query.
pub struct Post<'a> {
    /// The service's name in credentials, such as `ses`.
    pub service: &'a str,
    /// The path, of characters that URLs leave as they are.
    pub path: &'a str,
    /// Headers, their names in lower case and in order; `host` and `x-amz-date` among them.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// A time as `x-amz-date` wants it; `None` for one beyond the calendar.
pub fn date(now: Millis) -> Option<String> {
    let moment = utc(now.div_euclid(1000))?;
    let (year, month, day) = (moment.year(), u8::from(moment.month()), moment.day());
    let (hour, minute, second) = moment.as_hms();
    Some(format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z"))
}

/// The `Authorization` of this request, signed at `date` (as [`date`] gives it).
pub fn authorization(post: &Post<'_>, access: &AwsAccess, date: &str) -> String {
    let names: Vec<&str> = post.headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let mut canonical = format!("POST\n{}\n\n", post.path);
    for (name, value) in post.headers {
        // Writing to a string cannot fail.
        let _ = writeln!(canonical, "{name}:{value}");
    }
    let _ = write!(canonical, "\n{names}\n{}", hex::encode(Sha256::digest(post.body)));

    let day = date.get(..8).unwrap_or_default();
    let scope = format!("{day}/{}/{}/aws4_request", access.region, post.service);
    let to_sign = format!("{ALGORITHM}\n{date}\n{scope}\n{}", hex::encode(Sha256::digest(&canonical)));
    let secret = format!("AWS4{}", access.secret.expose());
    let key = [day, &access.region, post.service, "aws4_request"]
        .iter()
        .fold(secret.into_bytes(), |key, part| mac(&key, part.as_bytes()));
    let signature = hex::encode(mac(&key, to_sign.as_bytes()));
    format!("{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", access.key_id)
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;

    /// The credentials of Amazon's own test suite.
    fn access() -> AwsAccess {
        AwsAccess {
            key_id: "AKIDEXAMPLE".to_owned(),
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            region: "us-east-1".to_owned(),
        }
    }

    const DATE: &str = "20150830T123600Z";

    /// `post-vanilla` and `post-x-www-form-urlencoded` of the test suite.
    #[test]
    fn signatures_are_those_of_amazons_test_suite() {
        let form: &[(&str, &str)] = &[
            ("content-type", "application/x-www-form-urlencoded"),
            ("host", "example.amazonaws.com"),
            ("x-amz-date", DATE),
        ];
        for (headers, body, signature) in [
            (&form[1..], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (form, "Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
        ] {
            let post = Post { service: "service", path: "/", headers, body: body.as_bytes() };
            let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
            assert_eq!(
                authorization(&post, &access(), DATE),
                format!(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                     SignedHeaders={}, Signature={signature}",
                    names.join(";")
                )
            );
        }
    }

    #[test]
    fn dates_are_amazons() {
        assert_eq!(date(1_440_938_160_000).as_deref(), Some(DATE));
        assert_eq!(date(Millis::MAX), None);
    }
}
