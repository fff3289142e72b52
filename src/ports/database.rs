//! SQL: statements, the rows that they answer, and the port of a database.

use std::borrow::Cow;
use std::sync::Arc;

/// A value bound to, or read from, a SQL statement. D1 speaks JavaScript numbers: integers must stay within ±2^53.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A 64-bit integer (53 bits on D1).
    Integer(i64),
    /// A double.
    Real(f64),
    /// UTF-8 text.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}
impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One SQL statement with its parameters (`?1` …), which is the only way a value ever reaches SQL.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The text, with numbered parameters.
    pub sql: Cow<'static, str>,
    /// The values of `?1`, `?2`, … At most 100 (D1's limit).
    pub params: Vec<Value>,
}

impl Statement {
    /// A statement with its parameters in order.
    pub fn new(sql: impl Into<Cow<'static, str>>, params: Vec<Value>) -> Self {
        Self { sql: sql.into(), params }
    }
}

/// A row, its columns by name.
#[derive(Clone, Debug)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    /// A row of `values`, named in order by `columns`.
    #[must_use]
    pub fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    fn find(&self, column: &str) -> Option<&Value> {
        let index = self.columns.iter().position(|name| name == column)?;
        self.values.get(index)
    }

    /// Whatever is in `column`; a whole number as an integer, though D1 answers every number as a double.
    ///
    /// # Errors
    /// [`DatabaseError::Shape`] when the column is missing.
    pub fn value(&self, column: &str) -> Result<Value, DatabaseError> {
        match self.find(column) {
            Some(Value::Real(_)) => match self.read_optional_integer(column) {
                Ok(Some(whole)) => Ok(Value::Integer(whole)),
                _ => Ok(self.find(column).cloned().unwrap_or(Value::Null)),
            },
            Some(value) => Ok(value.clone()),
            None => Err(DatabaseError::Shape(column.to_owned())),
        }
    }

    /// The text in `column`, or `None` when it is NULL.
    ///
    /// # Errors
    /// [`DatabaseError::Shape`] when the column is missing or not text.
    pub fn read_optional_text(&self, column: &str) -> Result<Option<&str>, DatabaseError> {
        match self.find(column) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(DatabaseError::Shape(column.to_owned())),
        }
    }

    /// The text in `column`.
    ///
    /// # Errors
    /// [`DatabaseError::Shape`] when the column is missing, NULL or not text.
    pub fn read_text(&self, column: &str) -> Result<&str, DatabaseError> {
        self.read_optional_text(column)?.ok_or_else(|| DatabaseError::Shape(column.to_owned()))
    }

    /// The integer in `column`, or `None` when it is NULL.
    ///
    /// # Errors
    /// [`DatabaseError::Shape`] when the column is missing or not an integer.
    pub fn read_optional_integer(&self, column: &str) -> Result<Option<i64>, DatabaseError> {
        match self.find(column) {
            Some(Value::Integer(number)) => Ok(Some(*number)),
            // D1 answers every number as a double.
            #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53 by the guard")]
            Some(Value::Real(number)) if number.fract() == 0.0 && number.abs() < 9e15 => Ok(Some(*number as i64)),
            Some(Value::Null) => Ok(None),
            _ => Err(DatabaseError::Shape(column.to_owned())),
        }
    }

    /// The integer in `column`.
    ///
    /// # Errors
    /// [`DatabaseError::Shape`] when the column is missing, NULL or not an integer.
    pub fn read_integer(&self, column: &str) -> Result<i64, DatabaseError> {
        self.read_optional_integer(column)?.ok_or_else(|| DatabaseError::Shape(column.to_owned()))
    }
}

/// The result of one statement of a batch.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The rows of a SELECT or a RETURNING.
    pub rows: Vec<Row>,
    /// Rows that D1 read for it (its `meta.rows_read`; 0 on SQLite, which does not count).
    pub rows_read: u64,
    /// Rows that D1 wrote for it, index entries included (its `meta.rows_written`).
    pub rows_written: u64,
}

/// Why a batch failed. A batch is atomic: after an error nothing of it holds, unless the error may hide a commit.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DatabaseError {
    /// A UNIQUE or PRIMARY KEY constraint refused a row: the constraint's columns as SQLite names them.
    #[error("unique constraint: {0}")]
    Unique(String),
    /// The database did not answer, or answered with an error: the batch may have been committed all the same.
    #[error("database: {0}")]
    Unavailable(String),
    /// A row did not have the column, or the type, that the code expected.
    #[error("unexpected column {0}")]
    Shape(String),
}

/// A SQL database: D1, or SQLite with D1's limits.
pub trait Database: Send + Sync {
    /// Runs the statements in one transaction and one round trip.
    ///
    /// # Errors
    /// [`DatabaseError`]; only `Unavailable` leaves open whether the batch was committed.
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError>;
}
