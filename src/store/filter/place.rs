//! Where the values of an attribute are: in the document of keys, in a column, or in other tables.

use crate::model::resource::{GROUP, INVITATION_SCHEMA, USER, WSO2_SCHEMA};
use crate::store::filter::Compiler;
use scim::fold;
use scim::schema::{Attribute, AttributePath, SCHEMAS, Type};

/// The values of an attribute.
pub(super) enum Place {
    /// There is at most one.
    One(Item),
    /// Each row is one.
    Each {
        /// The tables.
        from: String,
        /// The condition that selects their rows; all if absent.
        condition: Option<String>,
        /// The SQL expression that orders the rows.
        ordinal: String,
        /// The value in a row.
        item: Item,
    },
}

/// One value.
pub(super) enum Item {
    /// A simple one.
    Simple(Scalar),
    /// A complex one, at a path in a JSON text.
    Json {
        /// The expression of the text.
        text: String,
        /// The path, as a SQL literal.
        path: String,
    },
    /// A complex one that is not stored as such.
    Record(Record),
}

/// What is not stored as a value, but in columns and other tables.
#[derive(Clone, Copy)]
pub(super) enum Record {
    /// `meta`
    Meta,
    /// One of a user's `groups`: a row of `members m` and one of `group_ancestors a`.
    Group,
    /// One of a group's `members`: a row of `members m`.
    Member,
}

/// A simple value: NULL where there is none.
#[derive(Clone)]
pub(super) struct Scalar {
    /// The expression.
    pub sql: String,
    /// Whether it is a time in milliseconds, not its key.
    pub millis: bool,
}

/// What a sub-attribute, or a simple value itself, comes to.
pub(super) enum Leaf {
    /// One value.
    One(Scalar),
    /// A list in a JSON text.
    List {
        /// The expression of the text.
        text: String,
        /// The path, as a SQL literal.
        path: String,
    },
}

impl Scalar {
    pub(super) fn from_sql(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), millis: false }
    }

    fn millis(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), millis: true }
    }
}

impl Item {
    /// The condition that there is such a value; none where that goes without saying.
    pub(super) fn is_there(&self) -> Option<String> {
        match self {
            Self::Simple(scalar) => Some(format!("{} IS NOT NULL", scalar.sql)),
            Self::Json { text, path } => Some(format!("json_type({text}, {path}) IS NOT NULL")),
            Self::Record(_) => None,
        }
    }
}

/// A path in a JSON text, as a SQL literal, one name further down.
pub(super) fn below(path: &str, name: &str) -> String {
    let path = path.trim_matches('\'');
    // No schema has a quotation mark in a name (`Registry::add_schema`); an apostrophe may be in a URN.
    format!("'{path}.\"{}\"'", name.replace('"', "").replace('\'', "''"))
}

/// The path of an attribute in the document of keys, as a SQL literal.
pub(super) fn stored_at(path: &AttributePath) -> String {
    let root = path.extension.as_ref().map_or_else(|| "'$'".to_owned(), |urn| below("'$'", urn));
    below(&root, &path.attribute.name)
}

impl Compiler<'_> {
    /// Returns the place of the values of a path's attribute.
    pub(super) fn place(&mut self, path: &AttributePath) -> Place {
        if let Some(place) = self.derived(path) {
            return place;
        }
        let attribute = &path.attribute;
        let path = stored_at(path);
        let is_complex = attribute.data_type == Type::Complex;
        if !attribute.multi_valued {
            let text = "r.keys".to_owned();
            return Place::One(if is_complex {
                Item::Json { text, path }
            } else {
                Item::Simple(Scalar::from_sql(format!("json_extract({text}, {path})")))
            });
        }
        let alias = self.alias();
        Place::Each {
            from: format!("json_each(r.keys, {path}) {alias}"),
            condition: None,
            ordinal: format!("{alias}.key"),
            item: if is_complex {
                // A schema may have changed since the value was stored: what is no object is no JSON to look into.
                Item::Json {
                    text: format!("CASE {alias}.type WHEN 'object' THEN {alias}.value END"),
                    path: "'$'".into(),
                }
            } else {
                Item::Simple(Scalar::from_sql(format!("{alias}.value")))
            },
        }
    }

    /// The values of a sub-attribute of a value, or the simple value itself.
    pub(super) fn leaf(&mut self, item: &Item, sub: Option<&Attribute>) -> Leaf {
        match (item, sub) {
            (Item::Simple(scalar), _) => Leaf::One(scalar.clone()),
            (Item::Json { text, path }, Some(sub)) => {
                let path = below(path, &sub.name);
                if sub.multi_valued {
                    Leaf::List { text: text.clone(), path }
                } else {
                    Leaf::One(Scalar::from_sql(format!("json_extract({text}, {path})")))
                }
            }
            (Item::Record(record), Some(sub)) => Leaf::One(match record {
                Record::Meta => self.meta(sub),
                Record::Group => self.group(sub),
                Record::Member => self.member(sub),
            }),
            // A complex value as such is equal to nothing.
            (Item::Json { .. } | Item::Record(_), None) => Leaf::One(Scalar::from_sql("NULL")),
        }
    }

    /// Returns the place of an attribute that is not stored in the document.
    fn derived(&mut self, path: &AttributePath) -> Option<Place> {
        let is_user = self.scope.resource_type.name == USER;
        let simple = |scalar: Scalar| Some(Place::One(Item::Simple(scalar)));
        match (path.extension.as_deref(), path.attribute.name.as_str()) {
            (None, "id") => simple(Scalar::from_sql("r.id")),
            (None, "meta") => Some(Place::One(Item::Record(Record::Meta))),
            (None, "userName") if is_user => simple(Scalar::from_sql("r.name_key")),
            (None, SCHEMAS) if is_user => Some(self.schemas_of_user()),
            (None, "groups") if is_user => Some(groups()),
            (None, "members") if self.scope.resource_type.name == GROUP => Some(members()),
            (Some(WSO2_SCHEMA), name) if is_user => account(name).and_then(simple),
            (Some(INVITATION_SCHEMA), name) if is_user => self.invitation(name).and_then(simple),
            _ => None,
        }
    }

    fn meta(&mut self, sub: &Attribute) -> Scalar {
        let resource_type = self.scope.resource_type;
        match sub.name.as_str() {
            "resourceType" => {
                let name = fold::key(sub.compares_exactly(), &resource_type.name);
                Scalar::from_sql(self.bindings.bind(&*name))
            }
            "created" => Scalar::millis("r.created"),
            "lastModified" => Scalar::millis("r.modified"),
            "location" => {
                let folder = format!("{}/scim2{}/", self.scope.base, resource_type.endpoint);
                Scalar::from_sql(format!("{} || r.id", self.bindings.bind(folder)))
            }
            "version" => Scalar::from_sql("'W/\"' || r.version || '\"'"),
            _ => Scalar::from_sql("NULL"),
        }
    }

    /// The stored schemas, and those of what is derived, under the conditions of `Resource::shows_account`.
    fn schemas_of_user(&mut self) -> Place {
        let alias = self.alias();
        let wso2 = self.bindings.bind(WSO2_SCHEMA);
        let invitation = self.bindings.bind(INVITATION_SCHEMA);
        Place::Each {
            from: format!(
                "(SELECT s.value AS value FROM json_each(r.keys, '$.\"{SCHEMAS}\"') s \
                 UNION ALL SELECT {wso2} WHERE r.delivery IS NOT NULL OR r.onboarding <> 'none' OR r.lock <> 'none' \
                 OR r.email_verified OR r.pending_email IS NOT NULL \
                 UNION ALL SELECT {invitation} WHERE r.delivery IS NOT NULL) {alias}"
            ),
            condition: None,
            ordinal: format!("{alias}.value"),
            item: Item::Simple(Scalar::from_sql(format!("{alias}.value"))),
        }
    }

    fn group(&mut self, sub: &Attribute) -> Scalar {
        Scalar::from_sql(match sub.name.as_str() {
            "value" => "a.ancestor_id".to_owned(),
            "$ref" => {
                let folder = self.bindings.bind(format!("{}/scim2/Groups/", self.scope.base));
                format!("{folder} || a.ancestor_id")
            }
            "display" => "(SELECT json_extract(g.keys, '$.\"displayName\"') FROM resources g \
                 WHERE g.tenant = a.tenant AND g.id = a.ancestor_id)"
                .to_owned(),
            // Direct if it is that in any way, not just in this one.
            "type" => "CASE WHEN EXISTS (SELECT 1 FROM members d WHERE d.tenant = r.tenant \
                 AND d.group_id = a.ancestor_id AND d.member_id = r.id) THEN 'direct' ELSE 'indirect' END"
                .to_owned(),
            _ => "NULL".to_owned(),
        })
    }

    fn member(&mut self, sub: &Attribute) -> Scalar {
        Scalar::from_sql(match sub.name.as_str() {
            "value" => "m.member_id".to_owned(),
            "$ref" => {
                let folder = self.bindings.bind(format!("{}/scim2/", self.scope.base));
                format!("{folder} || CASE m.type WHEN '{GROUP}' THEN 'Groups/' ELSE 'Users/' END || m.member_id")
            }
            // A name of the client's own is stored as it was sent; SQLite folds its ASCII.
            "display" => "CASE WHEN m.display IS NOT NULL THEN NULLIF(lower(m.display), '') ELSE (SELECT \
                 COALESCE(NULLIF(json_extract(d.keys, '$.\"displayName\"'), ''), d.name_key) FROM resources d \
                 WHERE d.tenant = m.tenant AND d.id = m.member_id) END"
                .to_owned(),
            "type" => "lower(m.type)".to_owned(),
            _ => "NULL".to_owned(),
        })
    }

    fn invitation(&mut self, name: &str) -> Option<Scalar> {
        let if_invited = |sql: &str| format!("CASE WHEN r.delivery IS NOT NULL THEN {sql} END");
        match name {
            "status" => {
                let now = self.bindings.bind(self.scope.now);
                Some(Scalar::from_sql(format!(
                    "CASE r.invitation WHEN 'open' THEN CASE WHEN r.expiry_key > {now} THEN 'pending' ELSE 'expired' END \
                     ELSE r.invitation END"
                )))
            }
            "delivery" => Some(Scalar::from_sql("r.delivery")),
            "attempts" => Some(Scalar::from_sql(if_invited("r.attempts"))),
            "sentAt" => Some(Scalar::millis(if_invited("r.sent_at"))),
            "deliveredAt" => {
                Some(Scalar::millis(if_invited("CASE WHEN r.delivered_at >= r.sent_at THEN r.delivered_at END")))
            }
            "expiresAt" => Some(Scalar::millis(if_invited("NULLIF(r.expires_at, 0)"))),
            _ => None,
        }
    }
}

/// The groups of a user, each once for every way that leads there.
fn groups() -> Place {
    Place::Each {
        from: "members m CROSS JOIN group_ancestors a ON a.tenant = m.tenant AND a.group_id = m.group_id".to_owned(),
        condition: Some("m.tenant = r.tenant AND m.member_id = r.id".to_owned()),
        ordinal: "a.ancestor_id".to_owned(),
        item: Item::Record(Record::Group),
    }
}

/// The members of a group.
fn members() -> Place {
    Place::Each {
        from: "members m".to_owned(),
        condition: Some("m.tenant = r.tenant AND m.group_id = r.id".to_owned()),
        ordinal: "m.member_id".to_owned(),
        item: Item::Record(Record::Member),
    }
}

/// WSO2's attributes that are facts of the account; the others are stored.
fn account(name: &str) -> Option<Scalar> {
    match name {
        "accountState" => Some(Scalar::from_sql("r.account_state")),
        "accountLocked" => Some(Scalar::from_sql("(r.lock <> 'none')")),
        "accountDisabled" => Some(Scalar::from_sql("r.disabled")),
        "emailVerified" => Some(Scalar::from_sql("r.email_verified")),
        "lockedReason" => Some(Scalar::from_sql(
            "CASE r.lock WHEN 'admin' THEN 'admin_initiated' WHEN 'onboarding' THEN CASE r.onboarding WHEN 'EV' \
             THEN 'pending_email_verification' ELSE 'pending_ask_password' END END",
        )),
        _ => None,
    }
}
