//! What is found out before resources are examined one by one: how many there are, how much text they have, and how many
//! values the terms would look at. Only if all that is within its bounds is any of them looked at, by the same statement.

use crate::model::resource::USER;
use crate::ports::Outcome;
use crate::store::filter::{Bindings, Cost};
use crate::store::list::ListError;
use crate::store::list::budget::{Allowance, MAX_ROWS, MAX_TEXT, too_deep};
use crate::store::list::driver::MAX_EXAMINED;
use crate::store::list::plan::Plan;
use crate::store::list::statements::Listing;
use scim::error::Error;

/// The largest document of keys, in bytes, or nearly so.
const LARGEST: i64 = 256 * 1024;

/// The first row of the statements that examine or count.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    /// The number of resources to be examined one by one.
    pub candidates: i64,
    /// The bytes that terms would look through.
    text: i64,
    /// The number of values that terms would look at.
    pub looked: i64,
    /// The number of index entries read to count.
    pub counted: i64,
    /// The number of resources found in all.
    pub total: i64,
}

impl Figures {
    /// The figures in the outcomes of [`Listing::index_page`] or [`Listing::page`].
    ///
    /// # Errors
    /// The database's.
    pub(super) fn read(outcomes: &[Outcome]) -> Result<Self, ListError> {
        let figure = |index: usize, name: &str| {
            let row = outcomes.get(index).and_then(|outcome| outcome.rows.first());
            row.filter(|row| row.value(name).is_ok())
                .map_or(Ok(0), |row| row.read_optional_integer(name).map(Option::unwrap_or_default))
        };
        Ok(Self {
            candidates: figure(0, "candidates")?,
            text: figure(0, "text")?,
            looked: figure(0, "looked")?,
            counted: figure(0, "counted")?,
            // Of what was examined, the statement after that tells the total.
            total: if outcomes.len() > 1 { figure(1, "total")? } else { figure(0, "total")? },
        })
    }

    /// 400 `tooMany` if what was to be examined is too much.
    ///
    /// # Errors
    /// That.
    pub(super) fn check(&self, listing: &Listing<'_>, allowance: Allowance) -> Result<(), Error> {
        if self.candidates > allowance.resources {
            return Err(listing.too_many(&format!(
                "More than {MAX_EXAMINED} resources, or values that an index has of them, would have to be examined."
            )));
        }
        if self.looked > allowance.values || (self.candidates > 0 && self.counted > MAX_ROWS) {
            return Err(listing.too_many(&format!(
                "The terms of the filter, and the order, would look at more than {MAX_ROWS} values: the resources to be \
                 examined, times the values that each term looks at in one. Use fewer terms."
            )));
        }
        if self.text > MAX_TEXT {
            return Err(listing.too_many(&format!(
                "The terms of the filter would look through more than {} MiB of text. Use fewer terms.",
                MAX_TEXT / 1024 / 1024
            )));
        }
        if self.counted > MAX_ROWS {
            return Err(too_deep());
        }
        Ok(())
    }
}

impl Listing<'_> {
    /// The refusal of a list that no index serves, and what to do.
    pub(super) fn too_many(&self, what: &str) -> Error {
        let resource_type = self.scope().resource_type;
        let mut indexed: Vec<String> = Vec::new();
        for (extension, attribute) in resource_type.places() {
            let is_indexed = attribute.indexed || attribute.sub_attributes.iter().any(|sub| sub.indexed);
            if is_indexed && attribute.name != "meta" {
                indexed.push(match extension {
                    None => attribute.name.clone(),
                    Some(extension) => format!("{}:{}", extension.schema.id, attribute.name),
                });
            }
        }
        let orders = if resource_type.name == USER {
            "id, userName, the invitation's sentAt, meta.created or meta.lastModified"
        } else {
            "meta.created or meta.lastModified"
        };
        Error::too_many(format!(
            "{what} Narrow the filter, with 'and', by an attribute that has an index: {}, meta.created or \
             meta.lastModified. Sort by {orders}, or not at all.",
            indexed.join(", ")
        ))
    }

    /// The select of one row: [`Figures`], and `fits`, whether they are within their bounds. Each figure is found out only
    /// if the one before it is: beyond its bound, the tenant is NULL, and nothing is looked at.
    ///
    /// `LIMIT 1` keeps SQLite from merging the levels, which would repeat the work for each mention of a figure.
    pub(super) fn guard(&self, plan: &Plan, allowance: Allowance, bindings: &mut Bindings) -> String {
        let cost = Cost::new(self.scope(), plan.residual.as_ref(), self.sorted_by(plan));
        let Allowance { resources, values } = allowance;
        let tenant = self.tenant(bindings);
        let candidates = if plan.driver.is_whole() {
            let (own, others) = (self.counters(bindings), self.other_counters(bindings));
            format!("COALESCE((SELECT total {own}), 0) + {others}")
        } else {
            let candidates = plan.driver.candidates((&tenant, self.name()), bindings);
            format!("(SELECT COUNT(*) FROM ({candidates}))")
        };
        let rows = if cost.documents == 0 && cost.joined.is_empty() {
            String::new()
        } else {
            plan.driver.rows(("guard.tenant", self.name()), None, bindings).to_sql()
        };
        let texts = match cost.documents {
            0 => "0".to_owned(),
            terms => {
                // As large as a resource may be, so few are not too large.
                let few = MAX_TEXT / LARGEST / i64::try_from(terms).unwrap_or(1);
                format!(
                    "CASE WHEN candidates > {few} THEN {terms} * (SELECT COALESCE(SUM(octet_length(r.keys)), 0) {rows}) ELSE 0 END"
                )
            }
        };
        let mut several: Vec<String> = Vec::new();
        if !cost.listed.is_empty() {
            let each: Vec<String> =
                cost.listed.iter().map(|(number, terms)| format!("{terms} * MAX(1, COALESCE({number}, 1))")).collect();
            several.push(format!("(SELECT COALESCE(SUM({}), 0) {rows})", each.join(" + ")));
        }
        for ((from, condition), terms) in &cost.joined {
            let limit = values / i64::try_from(*terms).unwrap_or(1).max(1) + 1;
            several.push(format!(
                "{terms} * (SELECT COUNT(*) FROM (SELECT 1 FROM (SELECT r.tenant AS tenant, r.id AS id {rows} LIMIT -1) u \
                 CROSS JOIN {from} WHERE {} LIMIT {limit}))",
                condition.replace(" r.", " u.")
            ));
        }
        // What is read of a candidate to find that out, here and once more, and to examine it.
        let passes = if several.is_empty() { 4 } else { 6 } * plan.driver.rows_of_one();
        let several = if several.is_empty() { "0".to_owned() } else { several.join(" + ") };
        let fixed = cost.fixed;
        format!(
            "SELECT candidates, text, {fixed} * candidates + several AS looked, several + {passes} * candidates AS counted, \
             candidates <= {resources} AND text <= {MAX_TEXT} AND {fixed} * candidates + several <= {values} \
             AND several + {passes} * candidates <= {MAX_ROWS} AS fits FROM (\
             SELECT candidates, text, {several} AS several FROM (\
             SELECT candidates, text, CASE WHEN text <= {MAX_TEXT} THEN tenant END AS tenant FROM (\
             SELECT candidates, tenant, {texts} AS text FROM (\
             SELECT candidates, CASE WHEN candidates <= {resources} THEN {tenant} END AS tenant FROM (\
             SELECT {candidates} AS candidates LIMIT 1) guard LIMIT 1) guard LIMIT 1) guard LIMIT 1) guard LIMIT 1) guard LIMIT 1"
        )
    }
}
