//! A user's instances as a file for Compose, which a person could bring up elsewhere. JSON's texts are YAML's as well.

use std::fmt::Write;

use super::types::{Desired, Instance};
use crate::features::env_vars::{EnvVars, is_secret};

/// Secrets are asked of whoever brings it up.
pub(super) fn file_of(instances: &[(Instance, EnvVars)]) -> String {
    let mut file =
        String::from("# Secret values are not in this file: set them in the environment of docker compose.\n");
    if instances.is_empty() {
        file.push_str("services: {}\n");
        return file;
    }
    file.push_str("services:\n");
    for (instance, env) in instances {
        // Writing to a text does not fail.
        let _ = write_service(&mut file, instance, env);
    }
    file
}

fn write_service(file: &mut String, instance: &Instance, env: &EnvVars) -> std::fmt::Result {
    let Instance { prefix, port, container_port, cpus, memory_mb, .. } = instance;
    writeln!(file, "  {}:", quoted(prefix.as_str()))?;
    writeln!(file, "    image: {}", quoted(&instance.image))?;
    if let Some(command) = &instance.command {
        let words: Vec<String> = command.iter().map(|word| quoted(&literal(word))).collect();
        writeln!(file, "    entrypoint: [{}]", words.join(", "))?;
    }
    writeln!(file, "    environment:")?;
    if !env.contains_key("PORT") {
        writeln!(file, "      PORT: \"{container_port}\"")?;
    }
    for (name, value) in env {
        let value = if is_secret(name, value) { format!("${{{name}:?set it}}") } else { literal(value) };
        writeln!(file, "      {name}: {}", quoted(&value))?;
    }
    writeln!(file, "    ports: [\"127.0.0.1:{port}:{container_port}\"]")?;
    writeln!(file, "    cpus: {cpus}\n    mem_limit: {memory_mb}m\n    user: \"1000:1000\"\n    cap_drop: [ALL]")?;
    writeln!(file, "    security_opt: [\"no-new-privileges:true\"]\n    init: true")?;
    if instance.desired == Desired::Stopped {
        // Only where it is named.
        writeln!(file, "    profiles: [stopped]")?;
    }
    Ok(())
}

/// Compose puts something in place of what begins with a dollar.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
