//! CSV (RFC 4180): a header row that names the columns, in any order, then a row for each person. Lines end in CR LF, LF or
//! CR; cells are in double quotes where they hold separators, quotes or lines. The separator is the one by which the header
//! has the most names that are known, or what a first line `sep=;` says.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::base::secret::Secret;
use crate::base::spreadsheet::restored;
use crate::base::text::cut;
use crate::provision::import::claims::{self, Said};
use crate::provision::import::header::{Header, Mapped, Use};
use crate::provision::import::row::{Column, Person, Row};
use crate::provision::import::source::Source;
use crate::provision::import::{MAX_ROW_BYTES, MAX_ROWS, Unreadable};

/// The reason a record cannot be read as cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It has more than [`MAX_ROW_BYTES`].
    TooLong,
    /// A quotation mark inside a quoted cell is not doubled, so that where the cell ends is a guess.
    Misquoted,
    /// A quoted cell has no end before the file has.
    Unclosed,
}

/// One record of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The line it starts on; the file's first is 1.
    pub line: usize,
    /// Its cells, as they are.
    pub cells: Result<Vec<String>, Flaw>,
}

impl Record {
    /// Whether it says nothing: spreadsheets leave such rows at the end.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.cells.as_ref().is_ok_and(|cells| cells.iter().all(|cell| cell.trim().is_empty()))
    }
}

/// The records of a text whose cells are separated so, the header among them, one at a time. Empty lines are none.
/// `line`: that on which the text starts.
#[must_use]
pub fn records(text: &str, separator: u8, line: usize) -> Records<'_> {
    let reader = Box::new(ReaderBuilder::new().delimiter(separator).build());
    Records { rest: text, line, separator, reader, output: vec![0; 1024], ends: vec![0; 16] }
}

/// See [`records`].
#[derive(Debug)]
pub struct Records<'f> {
    rest: &'f str,
    line: usize,
    separator: u8,
    reader: Box<Reader>,
    output: Vec<u8>,
    ends: Vec<usize>,
}

impl<'f> Records<'f> {
    /// Takes so many bytes off the text, and counts their lines.
    fn take(&mut self, length: usize) -> &'f str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        let lone_returns = taken.split('\r').skip(1).filter(|after| !after.starts_with('\n')).count();
        self.line += taken.matches('\n').count() + lone_returns;
        taken
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let blank = self.rest.len() - self.rest.trim_start_matches(['\r', '\n']).len();
        self.take(blank);
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let (mut read, mut written, mut ended) = (0, 0, 0);
        let mut flaw = None;
        loop {
            let left = self.rest.as_bytes().get(read..).filter(|left| !left.is_empty());
            // The last line may lack its end. If this one does not end the record either, a quotation mark is open.
            let input = left.unwrap_or(b"\n");
            let output = self.output.get_mut(written..).unwrap_or_default();
            let ends = self.ends.get_mut(ended..).unwrap_or_default();
            let (result, more_read, more_written, more_ended) = self.reader.read_record(input, output, ends);
            read += more_read;
            written += more_written;
            ended += more_ended;
            if read > MAX_ROW_BYTES {
                flaw = Some(Flaw::TooLong);
                // Nobody will look at it: what follows may be written over it.
                (written, ended) = (0, 0);
            }
            match result {
                ReadRecordResult::Record | ReadRecordResult::End => break,
                ReadRecordResult::InputEmpty if left.is_none() => {
                    flaw = Some(Flaw::Unclosed);
                    break;
                }
                ReadRecordResult::OutputFull if flaw.is_none() => self.output.resize(2 * self.output.len(), 0),
                ReadRecordResult::OutputEndsFull if flaw.is_none() => self.ends.resize(2 * self.ends.len(), 0),
                _ => {}
            }
        }
        if self.rest.get(read..).is_some_and(|rest| rest.starts_with('\n')) && self.rest[..read].ends_with('\r') {
            read += 1;
        }
        let raw = self.take(read);
        if flaw.is_none() && !is_well_quoted(raw, char::from(self.separator)) {
            flaw = Some(Flaw::Misquoted);
        }
        if let Some(flaw) = flaw {
            return Some(Record { line, cells: Err(flaw) });
        }
        let mut start = 0;
        let cells = self.ends[..ended].iter().map(|end| {
            let cell = self.output.get(start..*end).unwrap_or_default();
            start = *end;
            String::from_utf8_lossy(cell).into_owned()
        });
        Some(Record { line, cells: Ok(cells.collect()) })
    }
}

/// Whether every cell that begins with a quotation mark ends with one. The library is lenient: it would join what follows
/// to the cell, and where a quotation mark is missing, whole rows.
fn is_well_quoted(record: &str, separator: char) -> bool {
    let mut rest = record;
    loop {
        rest = match rest.strip_prefix('"') {
            Some(inside) => {
                let mut inside = inside;
                loop {
                    let Some((_, after)) = inside.split_once('"') else { return false };
                    match after.strip_prefix('"') {
                        Some(after) => inside = after,
                        None => break after,
                    }
                }
            }
            None => &rest[rest.find([separator, '\r', '\n']).unwrap_or(rest.len())..],
        };
        match rest.strip_prefix(separator) {
            Some(next) => rest = next,
            None => return rest.is_empty() || rest.starts_with(['\r', '\n']),
        }
    }
}

/// A file whose header is understood and whose rows can be told apart.
#[derive(Clone, Debug)]
pub struct Sheet<'f> {
    source: Source<'f>,
    header: Header,
}

impl<'f> Sheet<'f> {
    /// Looks through a file once, without keeping its rows.
    ///
    /// # Errors
    /// [`Unreadable`]
    pub fn open(bytes: &'f [u8]) -> Result<Self, Unreadable> {
        Self::of(Source::read(bytes)?, None)
    }

    /// Looks through a text once. `mapping`: what the columns are to be used as, where it is not their names that say so.
    ///
    /// # Errors
    /// [`Unreadable`]
    pub fn of(source: Source<'f>, mapping: Option<&[String]>) -> Result<Self, Unreadable> {
        let mut records = source.records().filter(|record| !record.is_blank());
        let Some(header) = records.next() else {
            return Err(Unreadable::malformed(format!(
                "The file is empty: its first line names the columns, {}.",
                Column::names()
            )));
        };
        let names = header.cells.map_err(|flaw| Unreadable::malformed(flaw.detail()))?;
        let header = match mapping {
            Some(uses) => Header::mapped(&names, uses)?,
            None => Header::read(&names)?,
        };
        let mut rows = 0;
        for record in records {
            rows += 1;
            if record.cells == Err(Flaw::Unclosed) {
                return Err(Unreadable::malformed(format!(
                    "In the row that starts on line {}, a quotation mark opens a cell and none closes it.",
                    record.line
                )));
            }
            if rows > MAX_ROWS {
                return Err(Unreadable::TooManyRows);
            }
        }
        Ok(Self { source, header })
    }

    /// Returns the mapping of the columns.
    #[must_use]
    pub fn columns(&self) -> &[Mapped] {
        &self.header.mapped
    }

    /// Returns the header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The records below the header.
    pub fn records(&self) -> impl Iterator<Item = Record> + Send + '_ {
        self.source.records().filter(|record| !record.is_blank()).skip(1)
    }

    /// The rows, without the header.
    pub fn rows(&self) -> impl Iterator<Item = Row> + Send + '_ {
        self.records().map(|record| match record.cells {
            Ok(cells) => self.header.row(record.line, &cells),
            Err(flaw) => Row::unreadable(record.line, flaw.detail()),
        })
    }
}

impl Header {
    /// What the cells of a row say. Those that are missing at the end say nothing, nor do empty ones that no column has a name
    /// for.
    #[must_use]
    pub fn row(&self, line: usize, cells: &[String]) -> Row {
        let count = cells.len();
        let mut person = Person::default();
        let mut problems: Vec<String> = Vec::new();
        for (index, cell) in cells.iter().enumerate() {
            let text = cell.trim();
            match self.uses.get(index) {
                Some(Use::Attribute(column)) => {
                    person.set(*column, restored(text));
                    if cell.contains(char::REPLACEMENT_CHARACTER) {
                        problems.push(lost_character(column.name()));
                    }
                }
                Some(Use::InUse(words)) => {
                    let said = text.replace(' ', "_");
                    if !text.is_empty() && !words.iter().any(|word| word.eq_ignore_ascii_case(&said)) {
                        problems.push(format!(
                            "The file says of this account '{}' in column {}: who is not to sign in is not invited.",
                            cut(text, 80),
                            index + 1
                        ));
                    }
                }
                Some(Use::Password) if !text.is_empty() => person.password = Some(Secret::new(cell.as_str())),
                Some(Use::PassedOver | Use::Password) => {}
                _ if text.is_empty() => {}
                used => match claims::said(restored(text)) {
                    Some(said) => problems.extend(person.take_claim(&said)),
                    None if matches!(used, Some(Use::Claims)) => problems.push(format!(
                        "Column {} has claims, and '{}' is none: write claimuri=value.",
                        index + 1,
                        cut(text, 80)
                    )),
                    None if used.is_some() => {
                        problems.push(format!("The row has a value in column {}, which has no name.", index + 1));
                    }
                    None => {
                        let problem = format!("The row has {count} cells where the header has {}.", self.uses.len());
                        if !problems.contains(&problem) {
                            problems.push(problem);
                        }
                    }
                },
            }
        }
        if self.email_is_user_name {
            person.user_name.clone_from(&person.email);
        }
        Row { line, person, problems }
    }

    /// The cells of a row without the password, and the password.
    #[must_use]
    pub fn without_password(&self, mut cells: Vec<String>) -> (Vec<String>, Option<Secret>) {
        let mut password = None;
        for (cell, used) in cells.iter_mut().zip(&self.uses) {
            if *used == Use::Password && !cell.trim().is_empty() {
                password = Some(Secret::new(std::mem::take(cell)));
            }
        }
        (cells, password)
    }
}

impl Person {
    /// Takes what a cell with a claim says; answers what is wrong with it.
    fn take_claim(&mut self, said: &Said<'_>) -> Option<String> {
        match said {
            Said::Value(column, value) => {
                self.set(*column, restored(value.trim()));
                value.contains(char::REPLACEMENT_CHARACTER).then(|| lost_character(column.name()))
            }
            Said::AskPassword(asks) => {
                self.ask_password = Some(*asks);
                None
            }
            Said::Unknown(uri) => {
                Some(format!("There is no claim '{}': docs/import.md has those that are known.", cut(uri, 120)))
            }
        }
    }
}

fn lost_character(name: &str) -> String {
    format!("In {name}, a character was lost when the file was saved: it has U+FFFD in its place.")
}

impl Flaw {
    /// What is wrong, in words.
    #[must_use]
    pub fn detail(self) -> String {
        match self {
            Self::TooLong => format!("The row has more than {MAX_ROW_BYTES} bytes."),
            Self::Misquoted | Self::Unclosed => "The quotation marks of the row are not in order: a cell that begins \
                with one ends with one, and those inside it are doubled. If one is missing, the lines after it were \
                taken for a part of this row."
                .to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Records<'_> {
        records(text, b',', 1)
    }

    fn written(rows: &[Vec<(String, bool)>], line_end: &str, ends_last: bool) -> String {
        let write = |(cell, quoted): &(String, bool)| {
            if *quoted || cell.contains([',', '"', '\r', '\n']) {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.clone()
            }
        };
        let mut file = String::new();
        for row in rows {
            let line = row.iter().map(write).collect::<Vec<_>>().join(",");
            // One empty cell without quotation marks is an empty line.
            file += if line.is_empty() { "\"\"" } else { &line };
            file += line_end;
        }
        if !ends_last {
            file.truncate(file.trim_end_matches(line_end).len());
        }
        file
    }

    fn cells() -> impl Strategy<Value = Vec<(String, bool)>> {
        // A byte order mark begins a file, and no cell without quotation marks.
        let cell = prop_oneof!["[a-z,;\"\r\n é]{0,8}", "[^\u{feff}]{0,8}", "\"{0,5}", Just("long ".repeat(300))];
        vec((cell, any::<bool>()), 1..20)
    }

    proptest! {
        #[test]
        fn what_a_writer_writes_is_read_back_row_for_row(
            rows in vec(cells(), 0..8),
            line_end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
            ends_last: bool,
        ) {
            let file = written(&rows, line_end, ends_last);
            let found: Vec<Record> = read(&file).collect();
            prop_assert_eq!(found.len(), rows.len());
            for (index, (record, row)) in found.iter().zip(&rows).enumerate() {
                let cells: Vec<&String> = row.iter().map(|(cell, _)| cell).collect();
                prop_assert_eq!(record.cells.as_ref().map(|cells| cells.iter().collect::<Vec<_>>()), Ok(cells));
                // The line on which a text ends that consists of the rows before: as an editor counts.
                let before = written(&rows[..index], line_end, true).replace("\r\n", "\n").replace('\r', "\n");
                prop_assert_eq!(record.line, 1 + before.matches('\n').count());
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200), text in "[uU,\"\r\n;é]{0,60}") {
            for file in [bytes, [b"userName,email\n", text.as_bytes()].concat()] {
                if let Ok(sheet) = Sheet::open(&file) {
                    let lines: Vec<usize> = sheet.rows().map(|row| row.line).collect();
                    prop_assert!(lines.is_sorted_by(|one, next| one < next));
                }
            }
        }
    }

    #[test]
    fn a_record_that_is_too_long_leaves_the_next_one_whole() {
        for filling in
            ["x".repeat(MAX_ROW_BYTES), ",".repeat(MAX_ROW_BYTES), format!("\"{}\"", "\n".repeat(MAX_ROW_BYTES))]
        {
            let file = format!("{filling}y\na,b\n");
            let found: Vec<Record> = read(&file).collect();
            assert_eq!(found[0], Record { line: 1, cells: Err(Flaw::TooLong) });
            assert_eq!(found[1].cells, Ok(vec!["a".to_owned(), "b".to_owned()]));
            assert_eq!(found[1].line, 2 + filling.matches('\n').count());
        }
    }

    #[test]
    fn quotation_marks_are_read_as_rfc_4180_has_them() {
        let one = |file: &str| read(file).next().map(|record| record.cells);
        let cells = |cells: &[&str]| Some(Ok(cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()));
        assert_eq!(one("\"a\"\"b\",\"\",c"), cells(&["a\"b", "", "c"]));
        // Inside a cell that does not begin with one, it is a character like any other.
        assert_eq!(one("5\" pipe,O\"Neil\"\n"), cells(&["5\" pipe", "O\"Neil\""]));
        assert_eq!(one("\"a\"b,c\n"), Some(Err(Flaw::Misquoted)));
        assert_eq!(one("\"a\" ,c\n"), Some(Err(Flaw::Misquoted)));
        assert_eq!(one("a,\"b\nc"), Some(Err(Flaw::Unclosed)));
    }

    #[test]
    fn the_words_of_exports_for_accounts_in_use_are_known() {
        for (header, word, is_invited) in [
            ("Status", "Password expired", true),
            ("Status", "PASSWORD_EXPIRED", true),
            ("Status", "Deprovisioned", false),
            ("Enabled", "Y", true),
            ("Enabled", "N", false),
            ("Suspended", "N", true),
        ] {
            let file = format!("userName,{header}\nzoe,{word}\n");
            let file = Sheet::open(file.as_bytes()).expect(header);
            assert!(file.rows().all(|row| row.problems.is_empty() == is_invited), "{header}: {word}");
        }
    }
}
