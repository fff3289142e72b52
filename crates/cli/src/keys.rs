//! `latchkey keys`: what goes into the secret TOKEN_KEYS.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use latchkey::base::calendar::utc;
use latchkey::model::deployment::parse_keys;

use super::{Outcome, print};

#[derive(Args)]
#[command(after_help = "\
A new deployment:  latchkey keys | npx wrangler secret put TOKEN_KEYS
A new key:         latchkey keys --add | npx wrangler secret put TOKEN_KEYS

The first key signs, all verify. Take an old one out when none of the links it signed is to work any more.")]
pub struct Arguments {
    /// Print the whole list with the new key first: the keys so far, or without a value those in the variable TOKEN_KEYS
    #[arg(long, value_name = "TOKEN_KEYS", num_args = 0..=1)]
    add: Option<Option<String>>,
}

/// The letters at the end of a key's name.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

pub fn run(arguments: &Arguments) -> Outcome {
    let mut list = entry()?;
    if let Some(given) = &arguments.add {
        let earlier = given.clone().or_else(|| env::var("TOKEN_KEYS").ok()).unwrap_or_default();
        if earlier.trim().is_empty() {
            return Err("--add has no value, and the variable TOKEN_KEYS is not set.".to_owned());
        }
        list = format!("{list},{}", earlier.trim());
    }
    let mut problems = Vec::new();
    parse_keys(&list, false, &mut problems);
    if !problems.is_empty() {
        return Err(problems.join(" "));
    }
    print(&format!("{list}\n"))?;
    Ok(true)
}

/// `kid:key`: the kid is the day and two letters, so that whoever sees it knows how old the key is.
fn entry() -> Result<String, String> {
    let mut random = [0; 34];
    getrandom::fill(&mut random).map_err(|error| format!("no random numbers: {error}"))?;
    let (key, letters) = random.split_at(32);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs();
    let today = i64::try_from(now).ok().and_then(utc).ok_or("no date: the clock is wrong")?;
    let day = format!("{:02}{:02}{:02}", today.year() % 100, u8::from(today.month()), today.day());
    let letters: String = letters.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    Ok(format!("{day}{letters}:{}", URL_SAFE_NO_PAD.encode(key)))
}
