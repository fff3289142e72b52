//! The grammar of filters (RFC 7644 section 3.4.2.2, figure 1): from text to an [`Expression`] whose names are not
//! looked up yet.
//!
//! `not` binds tighter than `and`, `and` tighter than `or`. Operators and keywords are case-insensitive.
//!
//! Two things go beyond the RFC's grammar because clients send them. Entra ID writes a sub-attribute behind the brackets
//! of a value filter, `emails[type eq "work"].value eq "x"`: it is one more term inside them. WSO2's and Microsoft's
//! collections leave the quotation marks out: a bare word that is no JSON literal is text. `True` and `NULL` are none; what
//! is compared with a boolean attribute is read as one in any case, as quoted text is.

use serde_json::Value;

use crate::error::{Error, shorten};
use crate::filter::lexer::{Lexer, Token};
use crate::filter::{MAX_LENGTH, MAX_NESTING, MAX_TERMS, Operator};

/// A filter as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression<'a> {
    /// All of them.
    And(Vec<Expression<'a>>),
    /// Any of them.
    Or(Vec<Expression<'a>>),
    /// Not this one.
    Not(Box<Expression<'a>>),
    /// `path pr`
    Present(&'a str),
    /// `path op literal`
    Compare(&'a str, Operator, Value),
    /// `path[filter]`
    ValuePath(&'a str, Box<Expression<'a>>),
}

/// Reads a whole filter.
pub(crate) fn parse(text: &str) -> Result<Expression<'_>, Error> {
    if text.len() > MAX_LENGTH {
        return Err(Error::invalid_filter(format!("A filter is at most {MAX_LENGTH} bytes long.")));
    }
    let mut parser = Parser::new(text)?;
    let expression = parser.or(0, false)?;
    match parser.next {
        None => Ok(expression),
        Some(_) => Err(Error::invalid_filter("The filter goes on where it should end.")),
    }
}

/// A filter in brackets and what follows them: the rest of a PATCH path. The text begins after `[`.
pub(crate) fn parse_value_filter(text: &str) -> Result<(Expression<'_>, &str), Error> {
    let mut parser = Parser::new(text)?;
    let expression = parser.or(1, true)?;
    match parser.next {
        Some(Token::CloseBracket) => Ok((expression, parser.lexer.rest())),
        _ => Err(Error::invalid_filter("'[' without ']'.")),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    next: Option<Token<'a>>,
    terms: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, Error> {
        let mut lexer = Lexer::new(text);
        let next = lexer.next()?;
        Ok(Self { lexer, next, terms: 0 })
    }

    fn advance(&mut self) -> Result<Option<Token<'a>>, Error> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    fn next_is(&self, keyword: &str) -> bool {
        matches!(self.next, Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword))
    }

    fn or(&mut self, nesting: usize, in_brackets: bool) -> Result<Expression<'a>, Error> {
        if nesting > MAX_NESTING {
            return Err(Error::invalid_filter(format!("A filter nests at most {MAX_NESTING} levels deep.")));
        }
        let mut operands = vec![self.and(nesting, in_brackets)?];
        while self.next_is("or") {
            self.advance()?;
            operands.push(self.and(nesting, in_brackets)?);
        }
        Ok(joined(operands, Expression::Or))
    }

    fn and(&mut self, nesting: usize, in_brackets: bool) -> Result<Expression<'a>, Error> {
        let mut operands = vec![self.term(nesting, in_brackets)?];
        while self.next_is("and") {
            self.advance()?;
            operands.push(self.term(nesting, in_brackets)?);
        }
        Ok(joined(operands, Expression::And))
    }

    fn term(&mut self, nesting: usize, in_brackets: bool) -> Result<Expression<'a>, Error> {
        match self.advance()? {
            Some(Token::Open) => self.group(nesting, in_brackets),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("not") && self.next == Some(Token::Open) => {
                self.advance()?;
                Ok(Expression::Not(Box::new(self.group(nesting, in_brackets)?)))
            }
            Some(Token::Word(path)) => self.attribute_expression(path, nesting, in_brackets),
            Some(_) => Err(Error::invalid_filter("An attribute name is missing.")),
            None => Err(Error::invalid_filter("The filter ends too early.")),
        }
    }

    fn group(&mut self, nesting: usize, in_brackets: bool) -> Result<Expression<'a>, Error> {
        let expression = self.or(nesting + 1, in_brackets)?;
        match self.advance()? {
            Some(Token::Close) => Ok(expression),
            _ => Err(Error::invalid_filter("'(' without ')'.")),
        }
    }

    fn attribute_expression(
        &mut self,
        path: &'a str,
        nesting: usize,
        in_brackets: bool,
    ) -> Result<Expression<'a>, Error> {
        if self.next == Some(Token::OpenBracket) {
            if in_brackets {
                return Err(Error::invalid_filter("A value filter cannot contain a value filter."));
            }
            self.advance()?;
            let inner = self.or(nesting + 1, true)?;
            if self.advance()? != Some(Token::CloseBracket) {
                return Err(Error::invalid_filter("'[' without ']'."));
            }
            let sub = match self.next {
                Some(Token::Word(word)) => word.strip_prefix('.'),
                _ => None,
            };
            let inner = match sub {
                None => inner,
                Some(sub) => {
                    self.advance()?;
                    both(inner, self.comparison(sub)?)
                }
            };
            return Ok(Expression::ValuePath(path, Box::new(inner)));
        }
        self.comparison(path)
    }

    /// What follows the name of an attribute: `pr`, or an operator and a value.
    fn comparison(&mut self, path: &'a str) -> Result<Expression<'a>, Error> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(Error::invalid_filter(format!("A filter has at most {MAX_TERMS} terms.")));
        }
        let operator = match self.advance()? {
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("pr") => {
                return Ok(Expression::Present(path));
            }
            Some(Token::Word(word)) => Operator::parse(word)
                .ok_or_else(|| Error::invalid_filter(format!("'{}' is not a filter operator.", shorten(word))))?,
            _ => {
                return Err(Error::invalid_filter(format!("An operator is missing after '{}'.", shorten(path))));
            }
        };
        let literal = match self.advance()? {
            Some(Token::Text(text)) => Value::String(text),
            Some(Token::Number(number)) => Value::Number(number),
            Some(Token::Word(word)) if !["and", "or"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword)) => {
                bare(word)?
            }
            _ => {
                return Err(Error::invalid_filter(format!(
                    "A value is missing after '{} {}': text goes in quotes.",
                    shorten(path),
                    operator.as_str()
                )));
            }
        };
        Ok(Expression::Compare(path, operator, literal))
    }
}

/// The value that a word without quotation marks stands for.
fn bare(word: &str) -> Result<Value, Error> {
    let literal = match word {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "null" => Value::Null,
        // Quoted, but not as JSON quotes: the marks are no part of what is meant.
        _ if word.starts_with(['\'', '`', '‘', '’', '‚', '“', '”', '„', '«', '»']) => {
            return Err(Error::invalid_filter("Text goes in double quotes (\")."));
        }
        _ if word.contains('\0') => {
            return Err(Error::invalid_filter("A value must not contain the character U+0000."));
        }
        _ => Value::from(word),
    };
    Ok(literal)
}

/// Both of them, written as one list where the first is one already.
fn both<'a>(first: Expression<'a>, second: Expression<'a>) -> Expression<'a> {
    match first {
        Expression::And(mut operands) => {
            operands.push(second);
            Expression::And(operands)
        }
        first => Expression::And(vec![first, second]),
    }
}

fn joined<'a>(mut operands: Vec<Expression<'a>>, join: fn(Vec<Expression<'a>>) -> Expression<'a>) -> Expression<'a> {
    match operands.len() {
        1 => operands.remove(0),
        _ => join(operands),
    }
}
