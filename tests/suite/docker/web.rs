//! A browser, as a person has it.

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::process::Command;

use crate::support::skip_unless;

pub(super) fn lacks_a_browser() -> bool {
    let chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].iter().any(|path| Path::new(path).exists());
    skip_unless(chromium && std::env::var_os("TEST_PLAYWRIGHT").is_some(), "chromium and playwright-core")
}

/// What a script of `tests/browser` says that came of it.
pub(super) async fn in_browser(script: &str, order: &Value) -> Value {
    let node = std::env::var("TEST_NODE").unwrap_or_else(|_| "node".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(script);
    let run = Command::new(node).arg(script).arg(order.to_string()).stdin(Stdio::null()).kill_on_drop(true).output();
    let done = tokio::time::timeout(Duration::from_mins(15), run).await.unwrap().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}
