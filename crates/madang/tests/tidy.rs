//! The house rules as a test: who may depend on whom, what every file says of itself, and what may not be written.

#![allow(clippy::unwrap_used, reason = "a test fails loudly")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Which crates of ours each crate may depend on (design of the house, ARCHITECTURE.md). `madang` may on all.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("kernel", &[]),
    ("doorbell", &[]),
    ("ports", &["kernel"]),
    ("rest", &["kernel"]),
    ("engines", &["kernel", "ports"]),
    ("sequencer", &["kernel", "ports"]),
    ("people", &["kernel", "ports", "rest"]),
    ("live", &["kernel", "ports", "rest"]),
    ("chat", &["kernel", "ports", "rest", "sequencer"]),
    ("gateway", &["doorbell", "kernel", "ports", "rest", "sequencer"]),
    ("worker", &["kernel", "ports"]),
    ("media", &["kernel", "ports", "rest"]),
    ("api", &["kernel", "ports", "rest"]),
];

/// Crates that only tests may use, by crate.
const TESTS_MAY_USE: &[&str] = &["engines"];

/// Files longer than this hold several things.
const LINES_MAX: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("target") {
                files(&path, ending, found);
            }
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

fn rust_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&root().join("crates"), ".rs", &mut found);
    found
}

fn manifests() -> BTreeMap<String, toml::Table> {
    let mut found = Vec::new();
    files(&root().join("crates"), "Cargo.toml", &mut found);
    let parse = |path: PathBuf| -> toml::Table { fs::read_to_string(path).unwrap().parse().unwrap() };
    found
        .into_iter()
        .map(parse)
        .map(|manifest| (manifest["package"]["name"].as_str().unwrap().to_owned(), manifest))
        .collect()
}

fn ours(manifest: &toml::Table, section: &str, all: &BTreeMap<String, toml::Table>) -> Vec<String> {
    let names =
        manifest.get(section).and_then(|table| table.as_table()).map(|table| table.keys().cloned().collect::<Vec<_>>());
    names.unwrap_or_default().into_iter().filter(|name| all.contains_key(name)).collect()
}

#[test]
fn crates_depend_only_on_what_the_house_allows() {
    let all = manifests();
    let mut wrong = Vec::new();
    for (name, manifest) in all.iter().filter(|(name, _)| *name != "madang") {
        let Some((_, allowed)) = MAY_DEPEND_ON.iter().find(|(listed, _)| listed == name) else {
            wrong.push(format!("{name} has no row in the dependency table"));
            continue;
        };
        for other in ours(manifest, "dependencies", &all) {
            if !allowed.contains(&other.as_str()) {
                wrong.push(format!("{name} depends on {other}"));
            }
        }
        for other in ours(manifest, "dev-dependencies", &all) {
            if !allowed.contains(&other.as_str()) && !TESTS_MAY_USE.contains(&other.as_str()) {
                wrong.push(format!("the tests of {name} depend on {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_crate_is_held_to_the_lints_of_the_workspace() {
    let lax: Vec<_> = manifests()
        .into_iter()
        .filter(|(_, manifest)| {
            manifest.get("lints").and_then(|lints| lints.get("workspace")) != Some(&toml::Value::Boolean(true))
        })
        .map(|(name, _)| name)
        .collect();
    assert!(lax.is_empty(), "these do not say `[lints] workspace = true`: {lax:?}");
}

/// `domains/*` stands for every crate in that folder.
#[test]
fn the_dependency_table_of_the_architecture_names_every_crate() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let table = architecture.lines().skip_while(|line| !line.starts_with("| crate |")).skip(2);
    let rows = table.map_while(|line| line.strip_prefix("| ")?.split(" |").next());
    let named: Vec<_> = rows.flat_map(|row| row.split(", ")).collect();
    let is_domain = |name: &str| root().join("crates/domains").join(name).exists();
    let missing: Vec<_> = manifests()
        .into_keys()
        .filter(|name| !named.contains(&if is_domain(name) { "domains/*" } else { name.as_str() }))
        .collect();
    assert!(missing.is_empty(), "the table has {named:?}; missing are {missing:?}");
    let gone: Vec<_> = named.iter().filter(|name| **name != "domains/*" && !manifests().contains_key(**name)).collect();
    assert!(gone.is_empty(), "the table names crates that are not there: {gone:?}");
}

#[test]
fn the_kernel_does_no_io() {
    let kernel = &manifests()["kernel"];
    for banned in ["tokio", "sqlx", "axum", "hyper", "async-trait"] {
        assert!(kernel["dependencies"].get(banned).is_none(), "kernel depends on {banned}");
    }
}

#[test]
fn every_module_says_what_it_is() {
    let silent: Vec<_> = rust_files()
        .into_iter()
        .filter(|path| !path.ends_with("build.rs"))
        .filter(|path| !fs::read_to_string(path).unwrap().starts_with("//!"))
        .collect();
    assert!(silent.is_empty(), "these files do not begin with //!: {silent:#?}");
}

#[test]
fn every_file_is_named_by_a_mod_of_its_parent() {
    let orphans: Vec<_> = rust_files().into_iter().filter(|path| !is_root(path) && !is_named(path)).collect();
    assert!(orphans.is_empty(), "no `mod` names these files, so nothing compiles them: {orphans:#?}");
}

/// Where a crate, or a test or an example of it, begins.
fn is_root(path: &Path) -> bool {
    let folder = path.parent().unwrap();
    let is_entrance = path.ends_with("lib.rs") || path.ends_with("main.rs");
    path.ends_with("build.rs")
        || folder.ends_with("tests")
        || folder.ends_with("examples")
        || is_entrance && (folder.ends_with("src") || folder.parent().unwrap().ends_with("tests"))
}

/// Whether the file that should says `mod` and this one's name.
fn is_named(path: &Path) -> bool {
    let module = if path.ends_with("mod.rs") { path.parent().unwrap() } else { path };
    let folder = module.parent().unwrap();
    let declaration = format!("mod {};", module.file_stem().unwrap().to_str().unwrap());
    let declares =
        |line: &str| line == declaration || line.starts_with("pub") && line.ends_with(&format!(" {declaration}"));
    ["mod.rs", "lib.rs", "main.rs"]
        .map(|name| folder.join(name))
        .into_iter()
        .chain([folder.with_extension("rs")])
        .filter_map(|parent| fs::read_to_string(parent).ok())
        .any(|text| text.lines().map(str::trim).any(declares))
}

#[test]
fn files_hold_one_thing() {
    let long: Vec<_> = rust_files()
        .into_iter()
        .map(|path| (fs::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > LINES_MAX)
        .collect();
    assert!(long.is_empty(), "these files are longer than {LINES_MAX} lines: {long:#?}");
}

#[test]
fn there_is_no_drawer_for_everything() {
    let drawers = ["utils", "util", "common", "helpers", "helper", "misc", "core"];
    let found: Vec<_> = rust_files()
        .into_iter()
        .filter(|path| {
            path.iter().filter_map(|part| part.to_str()).any(|part| drawers.contains(&part.trim_end_matches(".rs")))
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn sql_of_a_domain_stands_in_its_store() {
    let words = ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM "];
    let mut wrong = Vec::new();
    for path in rust_files() {
        let text = path.to_string_lossy().into_owned();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_store = file.contains("store") || text.contains("/store/");
        let is_test = file.contains("test") || text.contains("/tests/");
        if !text.contains("crates/domains/") || is_store || is_test {
            continue;
        }
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            if !line.trim_start().starts_with("//") && words.iter().any(|word| line.contains(&format!("\"{word}"))) {
                wrong.push(format!("{text}:{}", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "SQL outside a store: {wrong:#?}");
}

#[test]
fn engines_name_no_domain_and_the_gateway_no_rules() {
    let banned: &[(&str, &[&str])] = &[
        ("crates/base/engines/src", &["broadcast", "heart", "account", "Broadcast", "Account"]),
        ("crates/roles/gateway/src", &["hearts", "Hearts", "Broadcast", "moderat"]),
    ];
    let mut wrong = Vec::new();
    for path in rust_files() {
        let text = path.to_string_lossy().into_owned();
        for (folder, words) in banned {
            if !text.contains(folder) || text.contains("test") {
                continue;
            }
            for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
                if !line.trim_start().starts_with("//") && words.iter().any(|word| line.contains(word)) {
                    wrong.push(format!("{text}:{}: {}", number + 1, line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The names of metrics in a text.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.match_indices("madang_")
        .map(|(at, _)| text[at..].split(|letter| !is_part(letter)).next().unwrap().to_owned())
        .collect()
}

/// The metrics the code counts.
fn counted() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for path in rust_files() {
        let text = fs::read_to_string(&path).unwrap();
        for (at, _) in ["counter!(", "gauge!(", "histogram!("].iter().flat_map(|macro_| text.match_indices(macro_)) {
            all.extend(metrics_in(text[at..].split(')').next().unwrap_or_default()));
        }
    }
    all
}

#[test]
fn operators_are_told_of_every_metric_and_alerted_by_those_that_exist() {
    let counted = counted();
    assert!(counted.len() > 30, "this test reads too little: {counted:?}");
    let told = metrics_in(&fs::read_to_string(root().join("docs/operating.md")).unwrap());
    let untold: Vec<_> = counted.difference(&told).collect();
    assert!(untold.is_empty(), "not in docs/operating.md: {untold:?}");
    for file in ["docs/operating.md", "deploy/prometheus/alerts.yml", "deploy/grafana/madang.json"] {
        let named = metrics_in(&fs::read_to_string(root().join(file)).unwrap());
        // The beginning of several, in an expression over all of them.
        let unknown: Vec<_> =
            named.iter().filter(|name| !counted.iter().any(|one| one == *name || *name == "madang_")).collect();
        assert!(unknown.is_empty(), "{file} names what nothing counts: {unknown:?}");
    }
}

#[test]
fn every_promise_names_a_test_that_exists() {
    let mut names = BTreeSet::new();
    for path in rust_files() {
        let text = fs::read_to_string(&path).unwrap();
        names.extend(text.split("fn ").skip(1).filter_map(|rest| Some(rest.split_once('(')?.0.to_owned())));
    }
    let promises = fs::read_to_string(root().join("docs/promises.md")).unwrap();
    let is_row =
        |line: &&str| line.starts_with("| ") && !line.starts_with("| data |") && !line.starts_with("| fault |");
    let rows = promises.lines().filter(is_row);
    let mut read = 0;
    for row in rows {
        let shown_by = row.rsplit('|').nth(1).unwrap();
        let tests: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "nothing shows it: {row}");
        let missing: Vec<_> = tests.iter().filter(|test| !names.contains(**test)).collect();
        assert!(missing.is_empty(), "no such tests: {missing:?}");
        read += 1;
    }
    assert!(read > 20, "this test reads too little");
}
