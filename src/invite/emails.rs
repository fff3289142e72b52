//! The `emails` of a user's document, and which of them counts: where invitations go, and what is confirmed.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

use scim::resource::Document;

/// The address an invitation goes to: the primary one, else the first, whatever its type.
#[must_use]
pub fn find_address(document: &Document) -> Option<String> {
    let emails = list(document);
    emails.get(position_of_address(emails))?["value"].as_str().map(str::to_owned)
}

/// Whether one of a document's addresses is this one.
#[must_use]
pub fn has_address(document: &Document, address: &str) -> bool {
    list(document).iter().any(|email| email["value"] == address)
}

/// Leaves a document the address that the stored one has, while the one that a request puts first waits to be confirmed. An
/// address that the user has already stays in the list, and only what makes it the first is put back; a new one is taken
/// out, since it is no address of theirs yet.
pub fn hold_back(stored: &Document, document: &mut Document) {
    let stored = list(stored);
    let Some(Json::Array(emails)) = document.get_mut("emails") else { return };
    let (old_place, new_place) = (position_of_address(stored), position_of_address(emails));
    let (Some(kept), Some(new)) = (stored.get(old_place), emails.get(new_place).cloned()) else { return };
    let same = |a: &Json, b: &Json| a["value"] == b["value"];
    let is_kept = |email: &Json| same(email, kept);
    let of_its_type = emails.iter().position(|email| is_kept(email) && email["type"] == kept["type"]);
    let place = match of_its_type.or_else(|| emails.iter().position(is_kept)) {
        Some(place) => place,
        None if stored.iter().any(|email| same(email, &new))
            && emails.iter().filter(|email| same(email, &new)).count() == 1 =>
        {
            let place = old_place.min(emails.len());
            emails.insert(place, kept.clone());
            place
        }
        None => {
            if let Some(Json::Object(email)) = emails.get_mut(new_place) {
                email.insert("value".to_owned(), kept["value"].clone());
            }
            return;
        }
    };
    for (at, email) in emails.iter_mut().enumerate() {
        if at == place {
            set_flag(email, kept.get("primary"));
        } else if email["primary"] == true {
            let flag = stored.iter().find(|known| same(known, email)).and_then(|known| known.get("primary"));
            set_flag(email, flag.filter(|flag| **flag != true));
        }
    }
    // Without flags the first one counts.
    if position_of_address(emails) != place {
        let kept = emails.remove(place);
        emails.insert(0, kept);
    }
}

/// Makes an address that was confirmed the one that counts: in the list where it is already, else in the place of the one
/// that counted.
pub fn put_confirmed(document: &mut Document, address: &str) {
    let emails = document.entry("emails").or_insert_with(|| json!([]));
    let Json::Array(emails) = emails else { return };
    let place = position_of_address(emails);
    if let Some(found) = emails.iter().position(|email| email["value"] == address) {
        for (at, email) in emails.iter_mut().enumerate() {
            if at == found {
                set_flag(email, Some(&Json::Bool(true)));
            } else if email["primary"] == true {
                set_flag(email, None);
            }
        }
    } else if let Some(Json::Object(email)) = emails.get_mut(place) {
        email.insert("value".to_owned(), json!(address));
    } else {
        emails.push(json!({ "value": address, "primary": true }));
    }
}

/// Leaves an address as it is stored where a document has the same one: it may have been stored before white space around
/// addresses was cut, and nobody is to be mailed because it is.
pub fn keep_stored_addresses(stored: &Document, document: &mut Document) {
    let mut known: HashMap<&str, &str> = HashMap::new();
    for text in list(stored).iter().filter_map(|email| email["value"].as_str()) {
        known.entry(text.trim()).or_insert(text);
    }
    let emails = document.get_mut("emails").and_then(Json::as_array_mut).into_iter().flatten();
    for value in emails.filter_map(|email| email.get_mut("value")) {
        let Some(text) = value.as_str() else { continue };
        if let Some(same) = known.get(text).filter(|same| **same != text) {
            *value = json!(same);
        }
    }
}

fn list(document: &Map<String, Json>) -> &[Json] {
    document.get("emails").and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn position_of_address(emails: &[Json]) -> usize {
    emails.iter().position(|email| email["primary"] == true).unwrap_or_default()
}

fn set_flag(email: &mut Json, flag: Option<&Json>) {
    let Json::Object(email) = email else { return };
    match flag {
        Some(flag) => drop(email.insert("primary".to_owned(), flag.clone())),
        None => drop(email.shift_remove("primary")),
    }
}
