//! The `Database` port over D1.

use std::sync::Arc;

use async_trait::async_trait;
use worker::js_sys::{Array, Object, Reflect};
use worker::send::SendFuture;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{D1Database, D1PreparedStatement};

use crate::ports::{Database, DatabaseError, Outcome, Row, Statement, Value};

/// A D1 binding.
pub struct D1(D1Database);

impl D1 {
    pub fn new(database: D1Database) -> Self {
        Self(database)
    }

    fn prepare(&self, statement: &Statement) -> worker::Result<D1PreparedStatement> {
        let prepared = self.0.prepare(statement.sql.as_ref());
        if statement.params.is_empty() {
            return Ok(prepared);
        }
        let params: Vec<JsValue> = statement.params.iter().map(to_js).collect();
        prepared.bind(&params)
    }

    async fn run(&self, statements: &[Statement]) -> Result<Vec<Outcome>, DatabaseError> {
        let unavailable = |error: JsValue| failure(&error);
        let prepared = Array::new();
        for statement in statements {
            let bound = self.prepare(statement).map_err(|error| failure(&error.into()))?;
            prepared.push(bound.inner());
        }
        let database: &JsValue = self.0.as_ref();
        let promise = call(database, "batch", &prepared).map_err(unavailable)?;
        let results = worker::wasm_bindgen_futures::JsFuture::from(worker::js_sys::Promise::from(promise))
            .await
            .map_err(unavailable)?;
        Array::from(&results).iter().map(|result| outcome(&result)).collect()
    }
}

/// Calls a method of a binding.
pub fn call(target: &JsValue, method: &str, argument: &JsValue) -> Result<JsValue, JsValue> {
    let function: worker::js_sys::Function = Reflect::get(target, &method.into())?.dyn_into()?;
    function.call1(target, argument)
}

#[async_trait]
impl Database for D1 {
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, DatabaseError> {
        SendFuture::new(self.run(&statements)).await
    }
}

fn to_js(value: &Value) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        // D1 takes numbers, not BigInts; all of ours are below 2^53.
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        Value::Integer(number) => JsValue::from_f64(*number as f64),
        Value::Real(number) => JsValue::from_f64(*number),
        Value::Text(text) => JsValue::from_str(text),
    }
}

fn from_js(value: &JsValue) -> Value {
    if let Some(text) = value.as_string() {
        Value::Text(text)
    } else if let Some(number) = value.as_f64() {
        Value::Real(number)
    } else {
        Value::Null
    }
}

/// Rows and `meta` of one statement's result.
fn outcome(result: &JsValue) -> Result<Outcome, DatabaseError> {
    let get = |target: &JsValue, name: &str| Reflect::get(target, &name.into()).unwrap_or(JsValue::UNDEFINED);
    let rows = Array::from(&get(result, "results"));
    let mut columns: Arc<[String]> = Arc::new([]);
    let mut names = Array::new();
    let mut read = Vec::with_capacity(rows.length() as usize);
    for (index, row) in rows.iter().enumerate() {
        if index == 0 {
            names = Object::keys(row.unchecked_ref::<Object>());
            columns = names.iter().filter_map(|name| name.as_string()).collect();
        }
        let values = names
            .iter()
            .map(|name| Reflect::get(&row, &name).map(|value| from_js(&value)).map_err(|error| failure(&error)))
            .collect::<Result<_, _>>()?;
        read.push(Row::new(columns.clone(), values));
    }
    let meta = get(result, "meta");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let count = |name: &str| get(&meta, name).as_f64().unwrap_or_default() as u64;
    Ok(Outcome { rows: read, rows_read: count("rows_read"), rows_written: count("rows_written") })
}

/// Sorts D1's errors, which come as text.
fn failure(error: &JsValue) -> DatabaseError {
    let message = Reflect::get(error, &"message".into()).ok().and_then(|text| text.as_string());
    let message = message.unwrap_or_else(|| format!("{error:?}"));
    match message.split_once("UNIQUE constraint failed: ") {
        Some((_, constraint)) => DatabaseError::Unique(constraint.to_owned()),
        None => DatabaseError::Unavailable(message),
    }
}
