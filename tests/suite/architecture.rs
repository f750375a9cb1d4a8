//! Who may import whom: what neither the compiler nor a lint can say.

use std::path::{Path, PathBuf};

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, into: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                into.push((path, text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    let mut found = Vec::new();
    walk(&root, &mut found);
    assert!(!found.is_empty(), "{folder} is empty");
    found
}

/// No file of `folder` may hold any of `words`.
fn forbid(folder: &str, words: &[&str]) {
    for (path, text) in sources(folder) {
        for word in words {
            assert!(!text.contains(word), "{} names {word}", path.display());
        }
    }
}

#[test]
fn platform_and_runner_know_no_feature() {
    forbid("platform", &["features::", "crate::app", "crate::runner"]);
    forbid("runner", &["features::", "crate::app", "platform::database", "platform::http"]);
}

#[test]
fn features_look_downhill_only() {
    const DOWN: [&str; 16] = [
        "dashboard",
        "workspaces",
        "instances",
        "code_sessions",
        "doors",
        "housekeeping",
        "alerts",
        "contracts",
        "data",
        "tasks",
        "datasources",
        "proxies",
        "spiders",
        "projects",
        "nodes",
        "accounts",
    ];
    for (place, feature) in DOWN.iter().enumerate() {
        let above: Vec<String> = DOWN[..place].iter().map(|other| format!("features::{other}")).collect();
        forbid(&format!("features/{feature}"), &above.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn http_stays_in_routes() {
    for (path, text) in sources("features") {
        let name = path.file_name().unwrap().to_str().unwrap();
        if ["service.rs", "store.rs", "types.rs"].contains(&name) {
            assert!(!text.contains("axum"), "{} names axum", path.display());
        }
    }
}

/// The defaults file names every setting, and each setting of the file is known.
#[test]
fn the_defaults_are_the_documentation() {
    let sources = crawlhub::config::Sources::new(None, []);
    crawlhub::config::Config::load(&sources).unwrap();
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/default.toml")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains(" = ") && !line.starts_with('#')) {
        assert!(at > 0 && lines[at - 1].starts_with('#'), "say why: {line}");
    }
}

/// Types of the same name become one in the API's description, and what is made from it is wrong.
#[test]
fn no_two_types_of_the_api_share_a_name() {
    let mut names: Vec<String> = Vec::new();
    for (_, text) in sources("") {
        let parts = text.split("ToSchema)]").skip(1).chain(text.split("word_enum! {").skip(1));
        for part in parts {
            let head: Vec<&str> = part.lines().take(12).collect();
            let renamed = head.iter().find_map(|line| line.trim().strip_prefix("#[schema(as = ")?.strip_suffix(")]"));
            let declared = head.iter().find_map(|line| {
                let line = line.trim().trim_start_matches("pub(super) ").trim_start_matches("pub(crate) ");
                let line = line.trim_start_matches("pub ");
                line.strip_prefix("struct ").or_else(|| line.strip_prefix("enum "))
            });
            let Some(declared) = declared else { continue };
            let own: String = declared.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            // Between the name and the item stands nothing else.
            let at = |word: &str| head.iter().position(|line| line.contains(word));
            let is_renamed = renamed.is_some_and(|_| at("#[schema(as") < at(declared));
            names.push(if is_renamed { renamed.unwrap().to_owned() } else { own });
        }
    }
    names.retain(|name| !name.is_empty());
    names.sort();
    let doubled: Vec<&String> = names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| &pair[0]).collect();
    assert!(names.len() > 140 && doubled.is_empty(), "{doubled:?} of {}", names.len());
}
