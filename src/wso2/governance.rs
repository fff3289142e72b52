//! The governance connector API (`/api/server/v1/identity-governance`): a tenant's settings as WSO2's clients read and
//! write them. Documents in and out; what the properties mean is in `connectors.rs`.
//!
//! Ids are names in base64url without padding. Values are strings.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};

use crate::base::text::cut;
use crate::model::settings::Values;
use crate::model::tenant::{SUPER_TENANT, Tenant};
use crate::store::tenant_settings::Change;
use crate::wso2::connectors::{self, CONNECTORS, Connector, Property};
use crate::wso2::error::Error;

/// The most of a name or an id that an error repeats, in characters.
const LONGEST_NAME: usize = 80;

fn id_of(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(name)
}

fn no_category(id: &str) -> Error {
    let description = format!("There is no category with the id {}.", cut(id, LONGEST_NAME));
    Error::new(404, "IDG-50008", "Resource not found.", description)
}

fn no_connector(id: &str) -> Error {
    let description = format!("There is no connector with the id {} in this category.", cut(id, LONGEST_NAME));
    Error::new(404, "IDG-50009", "Resource not found.", description)
}

fn no_property(name: &str, connector: &Connector) -> Error {
    let description = format!("The connector {} has no property {}.", connector.name, cut(name, LONGEST_NAME));
    Error::new(400, "IDG-50012", "Unsupported property is requested.", description)
}

/// Returns the 400 of a change that is not taken: why, in sentences.
#[must_use]
pub fn not_updated(description: String) -> Error {
    Error::new(400, "IDG-50013", "Connector update failed.", description)
}

/// Returns the connectors of a category; at least one.
fn members(category: &str) -> Result<Vec<&'static Connector>, Error> {
    let found: Vec<&Connector> = CONNECTORS.iter().filter(|each| id_of(each.category) == category).collect();
    if found.is_empty() { Err(no_category(category)) } else { Ok(found) }
}

fn member(category: &str, id: &str) -> Result<&'static Connector, Error> {
    members(category)?.into_iter().find(|each| id_of(each.name) == id).ok_or_else(|| no_connector(id))
}

fn property(connector: &Connector, name: &str) -> Result<&'static Property, Error> {
    connector.property(name).ok_or_else(|| no_property(name, connector))
}

/// The answer to a parameter that WSO2 has reserved and never built: 501.
#[must_use]
pub fn reserved(parameter: &str) -> Option<Error> {
    let (code, message) = match parameter {
        "limit" | "offset" => ("IDG-50005", "Pagination not supported."),
        "filter" => ("IDG-50006", "Filtering not supported."),
        "sort" => ("IDG-50007", "Sorting not supported."),
        _ => return None,
    };
    let description = format!("Leave the parameter {parameter} out: the whole list is short.");
    Some(Error::new(501, code, message, description))
}

/// `GET /identity-governance`: the categories, and where their connectors are.
#[must_use]
pub fn categories(tenant: &Tenant) -> Json {
    let domain = if tenant.is_super() { SUPER_TENANT } else { tenant.domain() };
    let mut listed: Vec<Json> = Vec::new();
    for connector in CONNECTORS {
        let category = id_of(connector.category);
        let path = format!("/t/{domain}/api/server/v1/identity-governance/{category}");
        let id = id_of(connector.name);
        let reference = json!({ "id": id, "self": format!("{path}/connectors/{id}") });
        match listed.iter_mut().find(|each| each["id"] == category).and_then(|each| each["connectors"].as_array_mut()) {
            Some(connectors) => connectors.push(reference),
            None => listed.push(json!({
                "id": category, "name": connector.category, "self": path, "connectors": [reference],
            })),
        }
    }
    Json::Array(listed)
}

/// `GET /{category}`: its name and its connectors.
///
/// # Errors
/// 404 without such a category.
pub fn category(category: &str, settings: &Values) -> Result<Json, Error> {
    let name = members(category)?.first().map(|connector| connector.category);
    Ok(json!({ "name": name, "connectors": connectors(category, settings)? }))
}

/// `GET /{category}/connectors`.
///
/// # Errors
/// 404 without such a category.
pub fn connectors(category: &str, settings: &Values) -> Result<Json, Error> {
    Ok(members(category)?.into_iter().map(|connector| to_json(connector, settings)).collect())
}

/// `GET /{category}/connectors/{id}`.
///
/// # Errors
/// 404 without such a category or connector.
pub fn connector(category: &str, id: &str, settings: &Values) -> Result<Json, Error> {
    Ok(to_json(member(category, id)?, settings))
}

fn to_json(connector: &Connector, settings: &Values) -> Json {
    let properties: Vec<Json> = connector
        .properties
        .iter()
        .map(|property| {
            json!({
                "name": property.name,
                "value": property.value(settings),
                "displayName": property.display_name,
                "description": property.description,
                "meta": { "type": property.meta_type(), "regex": property.meta_regex(), "groupID": "" },
            })
        })
        .collect();
    json!({
        "id": id_of(connector.name),
        "name": connector.name,
        "category": connector.category,
        "friendlyName": connector.friendly_name,
        "order": 0,
        "subCategory": "DEFAULT",
        "properties": properties,
    })
}

/// `PATCH /{category}/connectors/{id}` `{"operation":"UPDATE","properties":[{"name","value"}]}`: what it comes to.
///
/// # Errors
/// 404 without such a connector; 400 for a property or a value that is not taken, whatever the others say.
pub fn update(category: &str, id: &str, body: &Json) -> Result<Vec<Change>, Error> {
    let connector = member(category, id)?;
    operation(body)?;
    changes(connector, body)
}

/// `PATCH /{category}/connectors` `{"operation":"UPDATE","connectors":[{"id","properties":[...]}]}`: what it comes to.
///
/// # Errors
/// As [`update`]: all of it is taken, or nothing.
pub fn update_several(category: &str, body: &Json) -> Result<Vec<Change>, Error> {
    members(category)?;
    operation(body)?;
    let mut all = Vec::new();
    for each in list(body, "connectors")? {
        let id = each["id"].as_str().ok_or_else(|| not_updated("Each of connectors needs an id.".to_owned()))?;
        all.append(&mut changes(member(category, id)?, each)?);
    }
    Ok(all)
}

/// `POST /{category}/connectors/revert?connectorId=` `{"properties":["name", ...]}`: back to the deployment's values.
///
/// # Errors
/// 404 without such a connector; 400 without its id or for a property that it does not have.
pub fn revert(category: &str, id: Option<&str>, body: &Json) -> Result<Vec<Change>, Error> {
    members(category)?;
    let id = id.ok_or_else(|| not_updated("The parameter connectorId is missing.".to_owned()))?;
    let connector = member(category, id)?;
    let mut all = Vec::new();
    for name in list(body, "properties")? {
        let name = name.as_str().ok_or_else(|| not_updated("The properties to revert are names.".to_owned()))?;
        if let Some(setting) = property(connector, name)?.setting() {
            all.push((setting.name.to_owned(), None));
        }
    }
    Ok(all)
}

/// `POST /preferences` `[{"connector-name","properties":["name", ...]}]`: the values of these, or without `properties` of
/// all that the connector has.
///
/// # Errors
/// 400 for a connector or a property that there is not.
pub fn preferences(body: &Json, settings: &Values) -> Result<Json, Error> {
    let wanted = body.as_array().ok_or_else(|| not_updated("The body must be a list.".to_owned()))?;
    let mut answers = Vec::with_capacity(wanted.len());
    for each in wanted {
        let name = each["connector-name"].as_str().unwrap_or_default();
        let connector = connectors::connector(name).ok_or_else(|| {
            let description = format!("There is no connector with the name {}.", cut(name, LONGEST_NAME));
            Error::new(400, "IDG-50011", "Invalid connector name", description)
        })?;
        let properties: Vec<&Property> = match each.get("properties").and_then(Json::as_array) {
            None => connector.properties.iter().collect(),
            Some(names) => names
                .iter()
                .map(|name| property(connector, name.as_str().unwrap_or_default()))
                .collect::<Result<_, _>>()?,
        };
        let properties: Vec<Json> = properties
            .into_iter()
            .map(|property| json!({ "name": property.name, "value": property.value(settings) }))
            .collect();
        answers.push(json!({ "connector-name": name, "properties": properties }));
    }
    Ok(Json::Array(answers))
}

fn operation(body: &Json) -> Result<(), Error> {
    match body["operation"].as_str() {
        Some("UPDATE") => Ok(()),
        _ => Err(not_updated("operation must be UPDATE: there is no other.".to_owned())),
    }
}

/// Returns a member that is a list with something in it.
fn list<'b>(body: &'b Json, name: &str) -> Result<&'b Vec<Json>, Error> {
    let found = body[name].as_array().filter(|list| !list.is_empty());
    found.ok_or_else(|| not_updated(format!("{name} must be a list with at least one element.")))
}

fn changes(connector: &Connector, body: &Json) -> Result<Vec<Change>, Error> {
    let mut all = Vec::new();
    for each in list(body, "properties")? {
        let name = each["name"].as_str().ok_or_else(|| not_updated("Each of properties needs a name.".to_owned()))?;
        let property = property(connector, name)?;
        let value = match &each["value"] {
            Json::String(text) => text.clone(),
            // Values are strings; what a client sends bare means the same.
            bare @ (Json::Bool(_) | Json::Number(_)) => bare.to_string(),
            _ => return Err(not_updated(format!("{name} needs a value, which is a string."))),
        };
        if let Some((setting, value)) = property.setting_for(&value).map_err(not_updated)? {
            all.push((setting.to_owned(), Some(value)));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::{categories, id_of};
    use crate::model::tenant::Tenant;

    #[test]
    fn ids_are_wso2s() {
        for (name, id) in [
            ("User Onboarding", "VXNlciBPbmJvYXJkaW5n"),
            ("user-email-verification", "dXNlci1lbWFpbC12ZXJpZmljYXRpb24"),
            ("Other Settings", "T3RoZXIgU2V0dGluZ3M"),
            ("user-claim-update", "dXNlci1jbGFpbS11cGRhdGU"),
        ] {
            assert_eq!(id_of(name), id);
        }
    }

    #[test]
    fn paths_carry_the_tenant_the_super_tenant_too() {
        let path = |tenant: &Tenant| categories(tenant)[0]["self"].as_str().map(str::to_owned);
        let at = "api/server/v1/identity-governance/VXNlciBPbmJvYXJkaW5n";
        assert_eq!(path(&Tenant::super_tenant()), Some(format!("/t/carbon.super/{at}")));
        assert_eq!(path(&Tenant::from_domain("acme.com")), Some(format!("/t/acme.com/{at}")));
    }
}
