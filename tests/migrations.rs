//! Migrations run in the order of their names: two of one number depend on how the rest of the name sorts.

use std::collections::BTreeMap;
use std::fs;

/// The pair that deployments have applied already.
const APPLIED: [&str; 2] = ["0003_flows.sql", "0003_history.sql"];

#[test]
fn no_two_migrations_have_one_number() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/d1");
    let mut by_number: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the folder of migrations") {
        let name = entry.expect("a file").file_name().into_string().expect("an ASCII name");
        let number = name.split('_').next().unwrap_or_default().to_owned();
        assert!(number.len() == 4 && number.bytes().all(|digit| digit.is_ascii_digit()), "{name} is not NNNN_name.sql");
        by_number.entry(number).or_default().push(name);
    }
    for (number, mut names) in by_number {
        names.sort();
        assert!(names.len() == 1 || names == APPLIED, "{number} is taken twice: {names:?}");
    }
}
