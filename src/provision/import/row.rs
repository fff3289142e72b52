//! What a row says of a person, and the SCIM user that is made of it.

use serde_json::{Value as Json, json};

use crate::base::address::Address;
use crate::base::locale::is_list;
use crate::model::resource::WSO2_SCHEMA;

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
        COLUMNS.iter().find(|(column, _)| *column == self).map_or("", |(_, name)| name)
    }

    /// The names of all, for a sentence.
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
    /// The user name it gives, as far as it can be told.
    pub user_name: String,
    /// What it says, or what is wrong with it.
    pub person: Result<Person, String>,
}

impl Row {
    /// A row that says this.
    #[must_use]
    pub fn new(line: usize, person: Person) -> Self {
        Self { line, user_name: person.user_name.clone(), person: Ok(person) }
    }

    /// A row of which nothing can be told.
    #[must_use]
    pub fn unreadable(line: usize, detail: String) -> Self {
        Self { line, user_name: String::new(), person: Err(detail) }
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
}

impl FromIterator<(Column, String)> for Person {
    fn from_iter<T: IntoIterator<Item = (Column, String)>>(cells: T) -> Self {
        let mut person = Self::default();
        cells.into_iter().for_each(|(column, text)| person.set(column, &text));
        person
    }
}

impl Person {
    /// Sets what a cell says.
    pub fn set(&mut self, column: Column, text: &str) {
        let text = text.trim();
        match column {
            Column::UserName => text.clone_into(&mut self.user_name),
            Column::Email => text.clone_into(&mut self.email),
            Column::GivenName => text.clone_into(&mut self.given_name),
            Column::FamilyName => text.clone_into(&mut self.family_name),
            Column::Locale => text.clone_into(&mut self.locale),
            Column::Groups => {
                let names = text.split([';', '|']).map(str::trim).filter(|name| !name.is_empty());
                self.groups = names.map(str::to_owned).collect();
            }
        }
    }

    /// The SCIM user, who is to be asked for a password. `must_have_email`: invitations are switched on.
    ///
    /// # Errors
    /// What is wrong with the address, in a sentence: what SCIM would say of it names attributes that the file has not.
    pub fn document(&self, must_have_email: bool) -> Result<Json, String> {
        if self.email.is_empty() && must_have_email {
            return Err("The row has no email: an invitation needs an address to go to.".to_owned());
        }
        if !self.email.is_empty() && Address::parse(&self.email).is_none() {
            return Err("The email is not a single valid address.".to_owned());
        }
        let mut user = json!({ "userName": self.user_name, (WSO2_SCHEMA): { "askPassword": true } });
        if !self.email.is_empty() {
            user["emails"] = json!([{ "value": self.email, "primary": true }]);
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
        Ok(user)
    }
}
