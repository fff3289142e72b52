//! Counting requests (DESIGN 7): for whom each counts, and whether it may go on.

use std::net::{IpAddr, Ipv6Addr};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::access::authenticate;
use crate::model::context::Context;
use crate::ports::RequestKind;

/// Counts a request; answers whether it may go on. `credentials` are those it came with, where it is counted for them
/// instead of for the address: nobody's requests then stand in the way of another's. Asks no database.
pub fn admits(ctx: &Context, kind: RequestKind, credentials: Option<&str>) -> bool {
    if !ctx.last_known_settings().rate_limits.requests {
        return true;
    }
    let key = match (credentials, &ctx.address) {
        (Some(credentials), _) => credentials_key(credentials),
        (None, Some(address)) => network(address),
        // Cloudflare always tells the address. Whoever came without one would be counted together with all others.
        (None, None) => return true,
    };
    if !ctx.platform.limiter.allow(kind, &key) {
        return false;
    }
    // Each invented token would be another caller, and a question to the database: the address answers for them.
    match (credentials, &ctx.address) {
        (Some(credentials), Some(address)) if authenticate::is_unproven_token(ctx, credentials) => {
            ctx.platform.limiter.allow(kind, &network(address))
        }
        _ => true,
    }
}

/// What stands for credentials: nothing from which they could be had again.
fn credentials_key(credentials: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("latchkey caller\0{credentials}")))
}

/// What stands for an address: itself, or of IPv6 the /64, which is what one customer has at least.
fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).to_string(),
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_customer_is_counted_once_for_the_whole_network() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("2001:db8:1:2::1"), network("2001:0DB8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
    }

    #[test]
    fn the_key_of_credentials_does_not_hold_them() {
        let key = credentials_key("Bearer lk_secret");
        assert!(!key.contains("secret") && key.len() == 43, "{key}");
        assert_ne!(key, credentials_key("Bearer lk_secret2"));
    }
}
