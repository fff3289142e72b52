//! The `Database` port over D1.

use std::borrow::Cow;
use std::sync::Arc;

use host::{Message, Operation, Reply};

use crate::ports::{Database, DatabaseError, Outcome, Row, Statement, Value};

/// A D1 binding, by its name.
pub struct D1(pub String);

/// What stands before a value, here and in `host.js`.
const NULL: f64 = 0.0;
const NUMBER: f64 = 1.0;
const TEXT: f64 = 2.0;

impl Database for D1 {
    fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        let count = statements.len();
        let mut message = Message::with_capacity(2 + 8 * count, 64);
        message.write_text(&self.0);
        message.address(count);
        for statement in &statements {
            write(&mut message, statement);
        }
        let mut reply = host::call(Operation::Database, &message);
        drop(message);
        drop(statements);
        if reply.number() != 0.0 {
            return Err(failure(reply.text()));
        }
        Ok((0..count).map(|_| outcome(&mut reply)).collect())
    }
}

fn write(message: &mut Message, statement: &Statement) {
    match &statement.sql {
        // The host knows a constant again by where it stands.
        Cow::Borrowed(sql) => message.bytes(sql.as_bytes()),
        Cow::Owned(sql) => {
            message.number(0.0);
            message.write_text(sql);
        }
    }
    message.address(statement.params.len());
    for param in &statement.params {
        match param {
            Value::Null => message.number(NULL),
            // D1 takes numbers, not BigInts; all of ours are below 2^53.
            #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
            Value::Integer(number) => {
                message.number(NUMBER);
                message.number(*number as f64);
            }
            Value::Real(number) => {
                message.number(NUMBER);
                message.number(*number);
            }
            Value::Text(text) => {
                message.number(TEXT);
                message.write_text(text);
            }
        }
    }
}

/// Rows and costs of one statement.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
fn outcome(reply: &mut Reply) -> Outcome {
    let (rows_read, rows_written) = (reply.number() as u64, reply.number() as u64);
    let (width, height) = (reply.count(), reply.count());
    let columns: Arc<[String]> = (0..width).map(|_| reply.text().to_owned()).collect();
    let rows = (0..height).map(|_| {
        let values = (0..width).map(|_| match reply.number() {
            NUMBER => Value::Real(reply.number()),
            TEXT => Value::Text(reply.text().to_owned()),
            _ => Value::Null,
        });
        Row::new(columns.clone(), values.collect())
    });
    Outcome { rows: rows.collect(), rows_read, rows_written }
}

/// Sorts D1's errors, which come as text.
fn failure(message: &str) -> DatabaseError {
    match message.split_once("UNIQUE constraint failed: ") {
        Some((_, constraint)) => DatabaseError::Unique(constraint.to_owned()),
        None => DatabaseError::Unavailable(message.to_owned()),
    }
}
