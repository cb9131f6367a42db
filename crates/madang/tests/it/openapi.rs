//! The committed OpenAPI document, from which the web UI's types are made, is the one this binary serves.

use std::process::Command;

use serde_json::Value;

const COMMITTED: &str = include_str!("../../../../web/openapi.json");

fn served() -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_madang")).arg("openapi").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_committed_document_is_the_one_that_is_served() {
    let (committed, served): (Value, Value) = (serde_json::from_str(COMMITTED).unwrap(), served());
    assert!(
        committed == served,
        "web/openapi.json is not what the server serves: run `make types` and commit the result"
    );
    let known: Vec<&Value> = served["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let paths = served["paths"].as_object().unwrap().values();
    for operation in paths.flat_map(|path| path.as_object().unwrap().values()) {
        for tag in operation["tags"].as_array().unwrap() {
            assert!(known.contains(&tag), "the document does not say what the tag {tag} is");
        }
    }
}
