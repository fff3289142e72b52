//! The map of the house, held to: which room imports which, no cycles, and no path in the docs that leads nowhere.
//!
//! The rules are the table between `<!-- layers -->` and `<!-- /layers -->` in `docs/architecture.md`. A room is a folder of `src/`; the
//! crate `scim` is one too. Only code that ships is looked at: `#[cfg(test)]` items and `tests.rs` files are left out.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

const MAP: &str = "docs/architecture.md";

/// Where a path was found: the file that says it, and the parts of the path.
type Mention = (String, Vec<String>);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below a folder with one of these endings, by its path from the root, in order.
fn files(folder: &str, endings: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                if !["target", "node_modules"].iter().any(|skipped| path.ends_with(skipped)) {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| path.extension().is_some_and(|extension| extension == *ending)) {
                found.push(path.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

/// The table of the map: each room with the rooms that it may import, in order.
fn table() -> Vec<(String, Vec<String>)> {
    let text = read(MAP);
    let (_, rest) = text.split_once("<!-- layers -->").expect("the map has a table");
    let (table, _) = rest.split_once("<!-- /layers -->").expect("the table ends");
    let name = |cell: &str| cell.trim().trim_matches('`').trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
    table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            assert_eq!(cells.len(), 3, "a row of the map has three columns: {line}");
            let allowed = cells[2].split(',').map(name).filter(|room| room != "nothing").collect();
            (name(cells[0]), allowed)
        })
        .collect()
}

/// The paths of a file's code that begin with `crate`, or with one of these names.
fn paths(tokens: TokenStream, starts: &BTreeSet<String>, found: &mut Vec<Vec<String>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if is_test_attribute(&tokens[at..]) {
            at = after_item(&tokens, at + 2);
            continue;
        }
        match &tokens[at] {
            TokenTree::Ident(ident) if !follows_path(&tokens[..at]) && starts.contains(&ident.to_string()) => {
                at = path(&tokens, at, &[], found).max(at + 1);
                continue;
            }
            TokenTree::Group(group) => paths(group.stream(), starts, found),
            _ => {}
        }
        at += 1;
    }
}

fn is_punct(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

fn follows_path(before: &[TokenTree]) -> bool {
    is_punct(before.last(), ':') && before.len() > 1 && is_punct(before.get(before.len() - 2), ':')
        || is_punct(before.last(), '.')
}

/// Whether `#[cfg(test)]`, `#[cfg(all(test, ...))]` or `#[test]` stands here.
fn is_test_attribute(tokens: &[TokenTree]) -> bool {
    let Some(TokenTree::Group(group)) = tokens.get(1).filter(|_| is_punct(tokens.first(), '#')) else { return false };
    let text = group.stream().to_string().replace(char::is_whitespace, "");
    group.delimiter() == Delimiter::Bracket
        && (["cfg(test)", "test"].contains(&text.as_str()) || text.starts_with("cfg(all(test,"))
}

/// Where the item ends that stands here: after its `;` or its braces.
fn after_item(tokens: &[TokenTree], mut at: usize) -> usize {
    while at < tokens.len() {
        let ends = is_punct(tokens.get(at), ';')
            || matches!(&tokens[at], TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        at += 1;
        if ends {
            break;
        }
    }
    at
}

/// Reads the path that begins here, `a::b` or `a::{b, c::d}`; returns where it ends. What has one part only is no path.
fn path(tokens: &[TokenTree], mut at: usize, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut parts = prefix.to_vec();
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(ident)) => parts.push(ident.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                for branch in inside.split(|token| is_punct(Some(token), ',')).filter(|branch| !branch.is_empty()) {
                    path(branch, 0, &parts, found);
                }
                return at + 1;
            }
            _ => break,
        }
        at += 1;
        if is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':') {
            at += 2;
        } else {
            break;
        }
    }
    if parts.len() > 1 {
        found.push(parts);
    }
    at
}

/// The modules of `src/` with their files: `["mail", "render"]` and `src/mail/render.rs`.
fn modules() -> BTreeMap<Vec<String>, String> {
    files("src", &["rs"])
        .into_iter()
        .filter(|file| !is_test(file))
        .map(|file| {
            let path = file.trim_start_matches("src/").trim_end_matches(".rs");
            let path = path.strip_suffix("/mod").unwrap_or(path);
            let parts = if path == "lib" { Vec::new() } else { path.split('/').map(str::to_owned).collect() };
            (parts, file)
        })
        .collect()
}

fn is_test(file: &str) -> bool {
    file.ends_with("/tests.rs") || file.contains("/tests/")
}

/// Every `crate::`, `scim::` and child path of the files of `src/`, from the crate's root.
fn mentions(modules: &BTreeMap<Vec<String>, String>) -> Vec<Mention> {
    let mut mentions = Vec::new();
    for (module, file) in modules {
        let tokens: TokenStream = read(file).parse().unwrap_or_else(|error| panic!("{file}: {error}"));
        let children: BTreeSet<String> = modules
            .keys()
            .filter(|m| m.len() == module.len() + 1 && m.starts_with(module))
            .map(|m| m[module.len()].clone())
            .collect();
        let mut starts = children.clone();
        starts.extend(["crate".to_owned(), "scim".to_owned()]);
        let mut found = Vec::new();
        paths(tokens, &starts, &mut found);
        for parts in found {
            let parts = match parts[0].as_str() {
                "crate" => parts[1..].to_vec(),
                "scim" => parts,
                _ => [module.clone(), parts].concat(),
            };
            mentions.push((file.clone(), parts));
        }
    }
    mentions
}

/// The room of a file: the folder below `src/`; nothing for `src/lib.rs`, which only names the rooms.
fn room_of(file: &str) -> Option<&str> {
    let (room, _) = file.strip_prefix("src/")?.split_once('/')?;
    Some(room)
}

#[test]
fn rooms_import_what_the_map_allows() {
    let table = table();
    let mut before: Vec<&str> = Vec::new();
    for (room, allowed) in &table {
        for import in allowed {
            assert!(
                before.contains(&import.as_str()),
                "{MAP}: {room} may import {import}, which does not stand above it"
            );
        }
        before.push(room);
    }
    let mut wrong = BTreeMap::<String, BTreeSet<String>>::new();
    for (file, path) in mentions(&modules()) {
        let Some(room) = room_of(&file) else { continue };
        let Some((_, allowed)) = table.iter().find(|(name, _)| name == room) else {
            panic!("{file} stands in a room that the map does not know: {room}");
        };
        if path[0] != room && !allowed.contains(&path[0]) {
            let rule = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
            wrong
                .entry(format!("{room} may import {rule}"))
                .or_default()
                .insert(format!("{file} imports {}", path.join("::")));
        }
    }
    let mut report = String::new();
    for (rule, lines) in &wrong {
        let _ = write!(report, "\n{rule}, but");
        for line in lines {
            let _ = write!(report, "\n    {line}");
        }
    }
    assert!(
        wrong.is_empty(),
        "{report}\n\nThe rule is the table in {MAP}. Move what is shared to the earlier room, or the caller to the later one."
    );
}

/// The folder that a file belongs to: `src/mail/render.rs` heads `src/mail/render/`, as a `mod.rs` in it would.
fn folder_of(file: &str) -> String {
    let headed = file.trim_end_matches(".rs");
    if root().join(headed).is_dir() {
        return headed.to_owned();
    }
    file.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned())
}

#[test]
fn files_of_different_folders_form_no_cycle() {
    let modules = modules();
    let mut imports = BTreeMap::<String, BTreeSet<String>>::new();
    for (file, path) in mentions(&modules) {
        let target = (0..=path.len()).rev().find_map(|length| modules.get(&path[..length]));
        let Some(target) = target.filter(|target| **target != file && room_of(target).is_some()) else { continue };
        imports.entry(file).or_default().insert(target.clone());
    }
    let mut cycles = BTreeSet::new();
    for (file, targets) in &imports {
        for target in targets.iter().filter(|target| folder_of(target) != folder_of(file)) {
            if let Some(way) = shortest_way(&imports, target, file) {
                let mut cycle: Vec<String> = way;
                // one spelling of a cycle: from its first file
                let first = (0..cycle.len()).min_by_key(|at| cycle[*at].clone()).unwrap_or(0);
                cycle.rotate_left(first);
                cycle.push(cycle[0].clone());
                cycles.insert((cycle.len(), cycle));
            }
        }
    }
    // Of cycles that contain one another, the smallest says enough.
    let mut shown: Vec<Vec<String>> = Vec::new();
    for (_, cycle) in cycles {
        if !shown.iter().any(|smaller| smaller.iter().all(|file| cycle.contains(file))) {
            shown.push(cycle);
        }
    }
    let lines: Vec<String> = shown.iter().map(|cycle| format!("    {}", cycle.join("\n        imports "))).collect();
    assert!(shown.is_empty(), "files of different folders import each other in a circle:\n{}\n", lines.join("\n"));
}

fn shortest_way(imports: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> Option<Vec<String>> {
    let mut came_from = BTreeMap::from([(from.to_owned(), None::<String>)]);
    let mut queue = VecDeque::from([from.to_owned()]);
    while let Some(file) = queue.pop_front() {
        if file == to {
            let mut way = vec![file.clone()];
            let mut last = file;
            while let Some(Some(before)) = came_from.get(&last) {
                way.push(before.clone());
                last.clone_from(before);
            }
            way.reverse();
            return Some(way);
        }
        for next in imports.get(&file).into_iter().flatten() {
            if !came_from.contains_key(next) {
                came_from.insert(next.clone(), Some(file.clone()));
                queue.push_back(next.clone());
            }
        }
    }
    None
}

#[test]
fn imports_are_absolute() {
    let mut relative = String::new();
    for file in modules().values() {
        let tokens: TokenStream = read(file).parse().unwrap();
        let mut found = Vec::new();
        paths(tokens, &BTreeSet::from(["super".to_owned()]), &mut found);
        for path in found {
            let _ = write!(relative, "\n    {file}: {}", path.join("::"));
        }
    }
    assert!(
        relative.is_empty(),
        "say `crate::` instead of `super::`, so that imports can be read and moved:{relative}\n"
    );
}

/// The documents that people read: the README and its neighbours, and everything below `docs/`.
fn documents() -> Vec<String> {
    let mut documents: Vec<String> =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "src/i18n/README.md"].map(str::to_owned).to_vec();
    documents.extend(files("docs", &["md"]));
    documents.extend(files(".github", &["md"]));
    documents
}

/// The paths from the repository's root that a text mentions. What holds a placeholder (`<name>`, `NNNN`, `*`) is left out.
fn repository_paths(text: &str) -> BTreeSet<&str> {
    const FOLDERS: [&str; 9] =
        ["src/", "docs/", "schema/", "tests/", "scripts/", "crates/", "worker/", "fuzz/", "benches/"];
    let part = |c: char| c.is_ascii_alphanumeric() || "_-./<>{}*".contains(c);
    text.split(|c: char| !part(c))
        .filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
        .filter(|word| !word.contains(['<', '>', '{', '}', '*']) && !word.contains("NNNN") && !word.contains("..."))
        .map(|word| word.trim_end_matches('.'))
        .collect()
}

#[test]
fn paths_in_documents_and_comments_exist() {
    let mut texts: Vec<(String, String)> = documents().into_iter().map(|file| (file.clone(), read(&file))).collect();
    for folder in ["src", "tests", "crates", "scripts", "benches", "fuzz"] {
        for file in files(folder, &["rs", "mjs", "sh", "py", "toml"]) {
            if file == "tests/layers.rs" || file.contains("/conformance/") {
                continue;
            }
            let comment = |line: &&str| ["//", "#", "*"].iter().any(|sign| line.trim_start().starts_with(sign));
            let comments: Vec<String> = read(&file).lines().filter(comment).map(str::to_owned).collect();
            texts.push((file, comments.join("\n")));
        }
    }
    let mut missing = String::new();
    for (file, text) in &texts {
        for path in repository_paths(text) {
            // a crate speaks of its own folders too
            let own = Path::new(file).components().take(2).collect::<PathBuf>().join(path);
            let made = ["fuzz/found", "fuzz/artifacts", "fuzz/target", "docs/screenshots"].contains(&path);
            if !made && !root().join(path).exists() && !root().join(own).exists() {
                let _ = write!(missing, "\n    {file} mentions {path}");
            }
        }
    }
    // A file of `src/` may be named from its room on: `store/find.rs`.
    let sources = files("src", &["rs"]);
    for file in documents() {
        for word in read(&file).split('`').skip(1).step_by(2).filter(|word| word.ends_with(".rs") && word.contains('/'))
        {
            let known = sources.iter().any(|source| source == word || source.ends_with(&format!("/{word}")));
            if !known && !word.contains('<') && !root().join(word).exists() {
                let _ = write!(missing, "\n    {file} mentions {word}");
            }
        }
    }
    assert!(missing.is_empty(), "paths that do not exist:{missing}\n");
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    heading
        .chars()
        .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut broken = String::new();
    for file in documents() {
        let text = read(&file);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            if link.contains("://") || link.starts_with("mailto:") || link.contains(' ') {
                continue;
            }
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let here = root().join(&file);
            let target = if path.is_empty() { here.clone() } else { here.parent().unwrap().join(path) };
            let found = fs::read_to_string(&target).ok();
            let has_anchor = |text: &String| {
                fragment.is_empty()
                    || text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == fragment)
            };
            if !target.exists() || !found.as_ref().is_none_or(has_anchor) {
                let _ = write!(broken, "\n    {file} links to {link}");
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:{broken}\n");
}
