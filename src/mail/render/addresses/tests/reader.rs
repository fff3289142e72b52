//! What `reader` reads is what html5gum reads, which passes the tests that browsers share.

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, State, Tokenizer};
use proptest::prelude::*;

use crate::mail::render::addresses::reader::{Reader, Token, with_line_feeds};

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// The same by html5gum. A doctype, which is not shown, divides its text.
fn by_html5gum(html: &str) -> Vec<Token> {
    let mut element = None::<(String, Vec<(String, String)>)>;
    let emitter = CallbackEmitter::new(move |event: CallbackEvent<'_>, _: Span<()>| match event {
        CallbackEvent::OpenStartTag { name } => {
            element = Some((text_of(name), Vec::new()));
            None
        }
        CallbackEvent::AttributeName { name } => {
            element.iter_mut().for_each(|(_, attributes)| attributes.push((text_of(name), String::new())));
            None
        }
        CallbackEvent::AttributeValue { value } => {
            let last = element.as_mut().and_then(|(_, attributes)| attributes.last_mut());
            last.into_iter().for_each(|(_, of)| of.push_str(&text_of(value)));
            None
        }
        CallbackEvent::CloseStartTag { .. } => {
            element.take().map(|(name, attributes)| Token::Start { name, attributes })
        }
        CallbackEvent::EndTag { name } => Some(Token::End { name: text_of(name) }),
        CallbackEvent::String { value } => Some(Token::Text(text_of(value))),
        CallbackEvent::Comment { value } => Some(Token::Comment(text_of(value))),
        CallbackEvent::Doctype { .. } | CallbackEvent::Error(_) => None,
    });
    let mut tokenizer = Tokenizer::new_with_emitter(html, emitter);
    let mut tokens = Vec::<Token>::new();
    while let Some(Ok(token)) = tokenizer.next() {
        match &token {
            Token::Start { name, .. } if ["title", "textarea"].contains(&name.as_str()) => {
                tokenizer.set_state(State::RcData);
            }
            Token::Start { name, .. } if name == "style" => tokenizer.set_state(State::RawText),
            _ => {}
        }
        match (tokens.last_mut(), &token) {
            (Some(Token::Text(before)), Token::Text(text)) => before.push_str(text),
            _ => tokens.push(token),
        }
    }
    tokens
}

fn assert_same(html: &str) {
    let read: Vec<Token> = Reader::new(&with_line_feeds(html)).collect();
    assert_eq!(read, by_html5gum(html), "{html:?}");
}

#[test]
fn every_named_reference_is_read() {
    let table = include_str!("../references.txt");
    let names: Vec<&str> = table.lines().filter_map(|line| line.split([' ', '!']).next()).collect();
    assert!(names.is_sorted());
    // As many as https://html.spec.whatwg.org/entities.json has, with a semicolon and without.
    assert_eq!((names.len(), table.matches('!').count()), (2125, 106));
    for name in names {
        for after in [";", "", "=", "x", ";;", " ", "1;"] {
            assert_same(&format!("&{name}{after}"));
            assert_same(&format!("<a b=\"&{name}{after}\" c=&{name}{after}>"));
        }
        // a name that is none, however near
        let (start, end) = name.split_at(name.len() / 2);
        assert_same(&format!("&{start};&{end};&{name}{name};&{}", name.to_uppercase()));
    }
}

#[test]
fn every_number_is_read() {
    for number in (0..0x300).chain([0xd7ff, 0xd800, 0xdfff, 0xe000, 0xfffe, 0xffff, 0x10_ffff, 0x11_0000, u32::MAX]) {
        assert_same(&format!("&#{number};&#x{number:x};&#X{number:X}&#{number}g&#0{number}"));
        assert_same(&format!("<a b='&#{number};&#x{number:x}' c=&#{number}=>"));
    }
    assert_same("&#;&#x;&#xg;&#99999999999999999999;&#xffffffffffffffff;&#");
}

#[test]
fn what_is_cut_off_anywhere_is_read() {
    for hyphens in 0..7 {
        for after in [">", "!>", "!", "", " -->"] {
            assert_same(&format!("<!--{}{after}x", "-".repeat(hyphens)));
            assert_same(&format!("<!--x{}{after}x", "-".repeat(hyphens)));
        }
    }
    let all = "a\r\n<!DOCTYPE html \"'><!-- b --!><!--><!---><!-- c<!-- - -- --- --><a  B = 'c&amp;d' e=f/g h=\"i>\" /j==k/>\
               <title>&lt;<b></titl></TITLE\n x=y><style>&lt;<!--</style ></p q='>'></><?x?></ y><![CDATA[z]]>\0<\0<b\0c\0='\0'>";
    for end in 0..=all.len() {
        assert_same(&all[..end]);
        assert_same(&all[end..]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_of_html_in_any_order_are_read(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "<", ">", "/", "!", "-", "--", "=", "\"", "'", "&", ";", "#", "x", "a", "Z", "1", " ", "\n", "\r", "\t", "\u{c}",
        "\0", "`", "?", "]", "[", "é", "\u{f0000}", "<a", "</a", "</", "<!", "<!--", "-->", "--!>", "<!doctype", "<![CDATA[",
        "]]>", "<title>", "</title", "<style>", "</style>", "<textarea>", "</textarea ", "<script>", "&amp", "&lt;", "&not",
        "&notin;", "&Tab;", "&copy", "&#", "&#x", "3a", "58;", "href=", "<a href=\"", "<p b='", "PUBLIC", "SYSTEM \"",
    ]), 0..24)) {
        assert_same(&pieces.concat());
    }
}
