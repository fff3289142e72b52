//! The fuzz targets' checks over the committed corpus and some mutations of it: what `make fuzz` does for long, here for
//! a moment, and the same each time.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test that cannot go on fails")]

#[path = "../fuzz/src/lib.rs"]
#[expect(clippy::cast_possible_truncation, reason = "of a random number, any part will do")]
mod checks;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// How many mutations each target sees.
const MUTATIONS: usize = 4_000;

/// Numbers that look random and are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % limit.max(1)
    }
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{} has a corpus", folder.display());
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// One of the seeds with a few bytes changed, left out, doubled, or taken from another.
fn mutated(seeds: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut input = seeds[numbers.below(seeds.len())].clone();
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(input.len() + 1);
        let end = (at + numbers.below(8)).min(input.len());
        match numbers.below(4) {
            0 if at < input.len() => input[at] = numbers.below(256) as u8,
            1 => drop(input.drain(at..end)),
            2 => {
                let part = input[at..end].to_vec();
                input.splice(at..at, part);
            }
            _ => {
                let other = &seeds[numbers.below(seeds.len())];
                let from = numbers.below(other.len());
                let to = (from + numbers.below(16)).min(other.len());
                input.splice(at..end, other[from..to].iter().copied());
            }
        }
    }
    input
}

fn run(target: &str) {
    let (_, check) = checks::CHECKS.iter().find(|(name, _)| *name == target).unwrap();
    let seeds = corpus(target);
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let mutations = (0..MUTATIONS).map(|_| mutated(&seeds, &mut numbers));
    for input in seeds.iter().cloned().chain(mutations) {
        if catch_unwind(|| check(&input)).is_err() {
            panic!("{target} fails on {:?}", String::from_utf8_lossy(&input));
        }
    }
}

#[test]
fn every_target_has_a_test_and_a_binary() {
    let names: Vec<&str> = checks::CHECKS.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "token", "basic", "import", "filter", "patch", "resource", "template", "address", "bearer", "hook",
            "cookie", "schema"
        ]
    );
    for name in names {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fuzz/fuzz_targets/{name}.rs")).exists(), "{name}");
    }
}

#[test]
fn tokens() {
    run("token");
}

#[test]
fn basic_headers() {
    run("basic");
}

#[test]
fn schemas_and_resource_types() {
    run("schema");
}

#[test]
fn cookies() {
    run("cookie");
}

#[test]
fn files_of_people() {
    run("import");
}

#[test]
fn filters() {
    run("filter");
}

#[test]
fn patch_requests() {
    run("patch");
}

#[test]
fn resources() {
    run("resource");
}

#[test]
fn templates() {
    run("template");
}

#[test]
fn addresses() {
    run("address");
}

#[test]
fn api_and_access_tokens() {
    run("bearer");
}

#[test]
fn webhooks() {
    run("hook");
}
