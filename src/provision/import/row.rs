//! What a row says of a person, and the SCIM user that is made of it.

use serde_json::{Value as Json, json};

use crate::base::address::Address;
use crate::base::locale::is_list;
use crate::base::secret::Secret;
use crate::base::spreadsheet::is_rounded_number;
use crate::model::resource::WSO2_SCHEMA;
use crate::provision::import::claims;

/// A column of a CSV file, or a member of a JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The only one that must be there.
    UserName,
    /// The address the invitation goes to.
    Email,
    /// `name.givenName`
    GivenName,
    /// `name.familyName`
    FamilyName,
    /// `locale`, which is also the language of the mail and its page.
    Locale,
    /// Display names of groups, separated by `;` or `|`.
    Groups,
    /// Another attribute, by its name in [`claims`].
    More(&'static str),
}

const COLUMNS: [(Column, &str); 6] = [
    (Column::UserName, "userName"),
    (Column::Email, "email"),
    (Column::GivenName, "givenName"),
    (Column::FamilyName, "familyName"),
    (Column::Locale, "locale"),
    (Column::Groups, "groups"),
];

impl Column {
    /// Reads a name, whose case does not matter, like that of SCIM's attributes.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim();
        COLUMNS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(column, _)| *column)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        if let Self::More(name) = self {
            return name;
        }
        COLUMNS.iter().find(|(column, _)| *column == self).map_or("", |(_, name)| name)
    }

    /// Reads what [`Column::name`] answers.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::parse(name).or_else(|| claims::more().into_iter().find(|more| *more == name).map(Self::More))
    }

    /// The names of those that every file may have, for a sentence.
    #[must_use]
    pub fn names() -> String {
        COLUMNS.map(|(_, name)| name).join(", ")
    }
}

/// A row of a file, whether it can be read or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it is: the line it starts on, or an element's place in an array; the first is 1.
    pub line: usize,
    /// What it says, as far as it can be told.
    pub person: Person,
    /// What is wrong with it.
    pub problems: Vec<String>,
}

impl Row {
    /// A row of which nothing can be told.
    #[must_use]
    pub fn unreadable(line: usize, detail: String) -> Self {
        Self { line, person: Person::default(), problems: vec![detail] }
    }
}

/// What a row says of a person, without the white space around each value; empty where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// `userName`
    pub user_name: String,
    /// `email`
    pub email: String,
    /// `givenName`
    pub given_name: String,
    /// `familyName`
    pub family_name: String,
    /// `locale`
    pub locale: String,
    /// The display names of the groups to join.
    pub groups: Vec<String>,
    /// Other attributes, by their names in [`claims`], and their values.
    pub more: Vec<(&'static str, String)>,
    /// The password, in a column or behind the user name of WSO2's files. Whether it counts is for whoever imports to say.
    pub password: Option<Secret>,
    /// Whether the user is to be asked for a password, where the row says so.
    pub ask_password: Option<bool>,
    /// What is likely to be wrong with the row, although it can be imported.
    pub warnings: Vec<String>,
}

impl FromIterator<(Column, String)> for Person {
    fn from_iter<T: IntoIterator<Item = (Column, String)>>(cells: T) -> Self {
        let mut person = Self::default();
        cells.into_iter().for_each(|(column, text)| person.set(column, &text));
        person
    }
}

/// The names of groups in a cell: separated by `;` or `|`, or a JSON array, in which a name may have both.
fn group_names(text: &str) -> Vec<String> {
    let list = text.starts_with('[').then(|| serde_json::from_str::<Vec<String>>(text).ok()).flatten();
    let names = list.unwrap_or_else(|| text.split([';', '|']).map(str::to_owned).collect());
    names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

impl Person {
    /// Sets what a cell says.
    pub fn set(&mut self, column: Column, text: &str) {
        let text = text.trim();
        if is_rounded_number(text) {
            let warning = format!(
                "{} is '{text}': a spreadsheet has rounded a long number, and its last digits are lost.",
                column.name()
            );
            self.warnings.push(warning);
        }
        match column {
            Column::UserName => text.clone_into(&mut self.user_name),
            Column::Email => text.clone_into(&mut self.email),
            Column::GivenName => text.clone_into(&mut self.given_name),
            Column::FamilyName => text.clone_into(&mut self.family_name),
            Column::Locale => text.clone_into(&mut self.locale),
            Column::Groups => self.groups = group_names(text),
            Column::More(name) => {
                self.more.retain(|(known, _)| *known != name);
                if !text.is_empty() {
                    self.more.push((name, text.to_owned()));
                }
            }
        }
    }

    /// The addresses: Asgardeo's files have several in one cell, separated by `|`, which a single address may have too.
    fn addresses(&self) -> Vec<&str> {
        let parts: Vec<&str> = self.email.split('|').map(str::trim).collect();
        let all_are = parts.len() > 1 && parts.iter().all(|part| Address::parse(part).is_some());
        match self.email.as_str() {
            "" => Vec::new(),
            _ if all_are => parts,
            one => vec![one],
        }
    }

    /// What is wrong with the address, in a sentence: what SCIM would say of it names attributes that the file has not.
    #[must_use]
    pub fn problem_of_address(&self) -> Option<String> {
        let is_wrong = self.addresses().iter().any(|address| Address::parse(address).is_none());
        is_wrong.then(|| "The email is not a single valid address.".to_owned())
    }

    /// The attributes that the row has a value for, as SCIM has them; all but the user name and the groups.
    #[must_use]
    pub fn attributes(&self) -> Json {
        let mut user = json!({});
        for (index, address) in self.addresses().into_iter().enumerate() {
            if index == 0 {
                user["emails"] = json!([{ "value": address, "primary": true }]);
            } else if let Some(others) = user["emails"].as_array_mut() {
                others.push(json!({ "value": address }));
            }
        }
        for (name, text) in [("givenName", &self.given_name), ("familyName", &self.family_name)] {
            if !text.is_empty() {
                user["name"][name] = json!(text);
            }
        }
        if !self.locale.is_empty() {
            // `locale` is one locale, a list of languages is a preference (RFC 7643 section 4.1.1).
            let attribute = if is_list(&self.locale) { "preferredLanguage" } else { "locale" };
            user[attribute] = json!(self.locale);
        }
        for (name, text) in &self.more {
            claims::put(&mut user, name, text);
        }
        user
    }

    /// The SCIM user, who is to be asked for a password. `must_have_email`: invitations are switched on.
    ///
    /// # Errors
    /// What is wrong with the address, in a sentence.
    pub fn document(&self, must_have_email: bool) -> Result<Json, String> {
        if self.email.is_empty() && must_have_email {
            return Err("The row has no email: an invitation needs an address to go to.".to_owned());
        }
        if let Some(problem) = self.problem_of_address() {
            return Err(problem);
        }
        let mut user = json!({ "userName": self.user_name, (WSO2_SCHEMA): { "askPassword": true } });
        if let (Some(user), Json::Object(attributes)) = (user.as_object_mut(), self.attributes()) {
            user.extend(attributes);
        }
        Ok(user)
    }
}
