//! WSO2's `deployment.toml` read as Latchkey's settings (DESIGN 2.2), with a verdict on every key.

mod keys;
mod source;

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::base::address::Sender;
use crate::model::settings::{self, EmailSender, Values};
use crate::wso2::connectors;

use keys::Meaning;
pub use source::SyntaxError;

/// The result of reading a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    /// Every key, in the order of the file.
    pub entries: Vec<Entry>,
    /// What whoever moves should know beyond single keys: a sentence each.
    pub notes: Vec<String>,
}

/// One key of the file.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line it is on, from 1.
    pub line: usize,
    /// Its full name: the tables above it, then the key.
    pub key: String,
    /// The verdict on it.
    pub verdict: Verdict,
}

/// What became of a key. Only values that are taken are repeated: a file like this holds passwords.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is these settings, with these values.
    Taken(Vec<(&'static str, String)>),
    /// The key in this line is about the same settings, and counts.
    Superseded(usize),
    /// It has no meaning here: why.
    NotApplicable(String),
    /// It has a meaning, but not with this value: why, and what to do.
    Refused(String),
    /// Nothing in Latchkey goes by this name.
    Unknown,
}

impl Verdict {
    /// One word for it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Taken(_) => "taken",
            Self::Superseded(_) => "superseded",
            Self::NotApplicable(_) => "not applicable",
            Self::Refused(_) => "refused",
            Self::Unknown => "unknown",
        }
    }

    /// The rest of it, in words.
    #[must_use]
    pub fn explanation(&self) -> String {
        match self {
            Self::Taken(settings) => {
                let words: Vec<String> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
                words.join(", ")
            }
            Self::Superseded(line) => format!("Line {line} decides this."),
            Self::NotApplicable(why) | Self::Refused(why) => why.clone(),
            Self::Unknown => "Nothing in Latchkey goes by this name.".to_owned(),
        }
    }
}

impl Report {
    /// Reads a file. Tables that occur twice, as in the examples of WSO2's own page, are one table, and of two values for
    /// one key the later counts.
    ///
    /// # Errors
    /// What is no TOML, with its line.
    pub fn read(text: &str) -> Result<Self, SyntaxError> {
        let mut read: Vec<Read> = source::values(text)?.into_iter().map(Read::from_value).collect();
        // Which line decides a setting: that with the highest rank, of equals the last.
        let mut deciding: BTreeMap<&'static str, (Rank, usize)> = BTreeMap::new();
        for (index, each) in read.iter().enumerate() {
            if let Verdict::Taken(settings) = &each.entry.verdict {
                for (name, _) in settings {
                    let decides = deciding.entry(name).or_insert((each.rank, index));
                    if each.rank >= decides.0 {
                        *decides = (each.rank, index);
                    }
                }
            }
        }
        for index in 0..read.len() {
            let Verdict::Taken(settings) = &mut read[index].entry.verdict else { continue };
            let Some((first, _)) = settings.first().cloned() else { continue };
            settings.retain(|(name, _)| deciding.get(name).is_some_and(|(_, line)| *line == index));
            if settings.is_empty() {
                let line = deciding.get(first).map_or(0, |(_, index)| read[*index].entry.line);
                read[index].entry.verdict = Verdict::Superseded(line);
            }
        }
        let mut report = Self { entries: read.into_iter().map(|each| each.entry).collect(), notes: Vec::new() };
        report.name_the_sender();
        report.notes = report.notes();
        Ok(report)
    }

    /// Makes MAIL_FROM of the sender's address and name, which are two keys there.
    fn name_the_sender(&mut self) {
        let found = |entries: &[Entry], wanted: &str| {
            entries.iter().enumerate().find_map(|(index, entry)| match &entry.verdict {
                Verdict::Taken(settings) => {
                    settings.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (index, value.clone()))
                }
                _ => None,
            })
        };
        let Some((named, name)) = found(&self.entries, SENDER_NAME) else { return };
        let Some((addressed, address)) = found(&self.entries, MAIL_FROM) else {
            let why = "It is the name in MAIL_FROM, and the file has no from_address: set MAIL_FROM yourself.";
            self.entries[named].verdict = Verdict::Refused(why.to_owned());
            return;
        };
        let sender = Sender::parse(&address).map(|sender| Sender { name: name.trim().to_owned(), ..sender });
        match sender.filter(|sender| Sender::parse(&sender.to_string()).as_ref() == Some(sender)) {
            Some(sender) => {
                for index in [named, addressed] {
                    self.entries[index].verdict = Verdict::Taken(vec![(MAIL_FROM, sender.to_string())]);
                }
            }
            None => {
                let why = "signature has characters that no sender's name may have: set MAIL_FROM yourself.";
                self.entries[named].verdict = Verdict::Refused(why.to_owned());
            }
        }
    }

    /// The settings and variables that the file comes to, in its order, each once.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, &str)> {
        let taken = self.entries.iter().filter_map(|entry| match &entry.verdict {
            Verdict::Taken(settings) => Some(settings),
            _ => None,
        });
        let mut settings: Vec<(&'static str, &str)> = Vec::new();
        for (name, value) in taken.flatten() {
            if !settings.iter().any(|(known, _)| known == name) {
                settings.push((*name, value.as_str()));
            }
        }
        settings
    }

    /// Whether a key has a meaning here but could not be taken.
    #[must_use]
    pub fn has_refusals(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry.verdict, Verdict::Refused(_)))
    }

    /// The report for programs.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let settings: serde_json::Map<String, Json> =
            self.settings().into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let entries: Vec<Json> = self
            .entries
            .iter()
            .map(|entry| {
                let verdict = &entry.verdict;
                json!({
                    "line": entry.line,
                    "key": entry.key,
                    "verdict": verdict.as_str(),
                    "explanation": verdict.explanation(),
                })
            })
            .collect();
        json!({ "settings": settings, "keys": entries, "notes": self.notes })
    }

    fn notes(&self) -> Vec<String> {
        let settings = self.settings();
        let sets = |name: &str| settings.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let mut notes = Vec::new();
        if sets("ENABLE_EMAIL_VERIFICATION").is_none() {
            notes.push(
                "The file does not say whether invitations are on (enable_email_verification). WSO2's default is off, \
                 Latchkey's is on: set ENABLE_EMAIL_VERIFICATION=false if they were off."
                    .to_owned(),
            );
        }
        if sets("EMAIL_SENDER") == Some("external") {
            notes.push(
                "EMAIL_SENDER=external: codes come back in answers, to clients whose credentials have the scope links."
                    .to_owned(),
            );
        }
        let validities = ["ASK_PASSWORD_EMAIL_VALIDITY", "VERIFICATION_EMAIL_VALIDITY"];
        if validities.iter().any(|name| sets(name).is_some()) {
            notes.push(
                "A changed validity holds for mails sent from then on: the expiry is in the signed link. In WSO2 it also \
                 changes links that are out."
                    .to_owned(),
            );
        }
        notes
    }
}

/// How much a key's word counts for a setting that others speak of too: WSO2's defaults yield to what has its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Default,
    Own,
}

struct Read {
    entry: Entry,
    rank: Rank,
}

impl Read {
    fn from_value(value: source::Value) -> Self {
        let source::Value { line, key, text } = value;
        let (verdict, rank) = match keys::meaning(&key) {
            Meaning::Unknown => (Verdict::Unknown, Rank::Own),
            Meaning::No(why) => (Verdict::NotApplicable(why.to_owned()), Rank::Own),
            Meaning::Properties(names) => (taken(&key, text, |text| properties(names, text)), Rank::Own),
            Meaning::DefaultOf(names) => (taken(&key, text, |text| properties(names, text)), Rank::Default),
            Meaning::Setting(known) => (taken(&key, text, |text| setting(known.name, text)), Rank::Own),
            Meaning::Sender => (taken(&key, text, sender), Rank::Default),
            Meaning::MailFrom => (taken(&key, text, mail_from), Rank::Own),
            // With the address it becomes MAIL_FROM, once the whole file has been read.
            Meaning::SenderName => (taken(&key, text, |name| Ok(vec![(SENDER_NAME, name.to_owned())])), Rank::Own),
        };
        Self { entry: Entry { line, key, verdict }, rank }
    }
}

const MAIL_FROM: &str = "MAIL_FROM";
/// What stands for the sender's name until the whole file has been read; no setting's name.
const SENDER_NAME: &str = "the sender's name";

type Settings = Vec<(&'static str, String)>;

fn taken(key: &str, text: Option<String>, read: impl Fn(&str) -> Result<Settings, String>) -> Verdict {
    let Some(text) = text else {
        return Verdict::Refused(format!("{key} has a list or a table for a value: it must be a single one."));
    };
    if ["$env{", "$sys{", "$secret{", "$ref{"].iter().any(|start| text.contains(start)) {
        return Verdict::Refused(
            "This stands for a value that only WSO2's server knows: write the value itself, and try again.".to_owned(),
        );
    }
    match read(&text) {
        Ok(settings) => Verdict::Taken(settings),
        Err(why) => Verdict::Refused(why),
    }
}

fn properties(names: &[&str], text: &str) -> Result<Settings, String> {
    let mut settings = Vec::new();
    for property in names.iter().filter_map(|name| connectors::property(name)) {
        settings.extend(property.setting_for(text)?);
    }
    Ok(settings)
}

fn setting(name: &'static str, text: &str) -> Result<Settings, String> {
    let value = text.trim().to_owned();
    let mut problems = Vec::new();
    let _ = settings::Settings::parse(&Values::from([(name, value.clone())]), &mut problems);
    match problems.into_iter().next() {
        None => Ok(vec![(name, value)]),
        Some(problem) => Err(problem),
    }
}

fn sender(text: &str) -> Result<Settings, String> {
    let name = text.trim();
    match EmailSender::parse(name) {
        Some(sender) => Ok(vec![(settings::EMAIL_SENDER.name, sender.as_str().to_owned())]),
        None => {
            Err(format!("email_sender is {:?}: it must be internal or external.", crate::base::text::cut(name, 64)))
        }
    }
}

fn mail_from(text: &str) -> Result<Settings, String> {
    match Sender::parse(text) {
        Some(_) => Ok(vec![(MAIL_FROM, text.to_owned())]),
        None => Err("from_address is no mail address: set MAIL_FROM yourself.".to_owned()),
    }
}

#[cfg(test)]
mod tests;
