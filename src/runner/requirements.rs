//! What a spider's requirements say, and which environment they ask for.

use std::fmt::Write as _;

use super::job::Job;
use super::python::Interpreter;
use crate::platform::files::hash_of;

/// The lines that say something, without comments.
pub(super) fn normalize(requirements: &str) -> Vec<String> {
    let lines = requirements.trim_start_matches('\u{feff}').lines();
    let lines = lines.map(|line| if line.trim_start().starts_with('#') { "" } else { line });
    let lines = lines.map(|line| line.split_once(" #").map_or(line, |(said, _)| said).trim());
    lines.filter(|line| !line.is_empty()).map(not_editable).collect()
}

/// The name of the package that a line asks for.
pub(super) fn name_of(requirement: &str) -> &str {
    let end = requirement.find(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '-' | '_' | '.'));
    &requirement[..end.unwrap_or(requirement.len())]
}

/// Whether a line means files beside it, so that the spider's files belong to the environment.
fn is_local(requirement: &str) -> bool {
    let options = ["-r", "-c", "-e", "--requirement", "--constraint", "--editable", "--find-links", "-f", "."];
    let is_path = requirement.contains('/')
        || [".whl", ".zip", ".tar.gz"].iter().any(|ending| requirement.to_ascii_lowercase().contains(ending));
    options.iter().any(|start| requirement.starts_with(start))
        || requirement.contains("file:")
        || (is_path && !requirement.contains("://"))
}

/// `-e X` links to where X lies, which goes with the attempt, while the environment stays: X is installed instead.
fn not_editable(requirement: &str) -> String {
    let target = ["--editable", "-e"].iter().find_map(|option| requirement.strip_prefix(option));
    let Some(target) = target else { return requirement.to_owned() };
    let target = target.trim_start_matches(['=', ' ', '\t']);
    // What is no path after it would be a package's name without it.
    let is_place = target.starts_with(['.', '/']) || target.contains("://") || target.starts_with("file:");
    if is_place { target.to_owned() } else { format!("./{target}") }
}

pub(super) fn environment_name(requirements: &[String], interpreter: &Interpreter, job: &Job) -> String {
    let mut content = format!("{}\n{}\n", interpreter.version, interpreter.executable.display());
    content.push_str(&requirements.join("\n"));
    if requirements.iter().any(|line| is_local(line)) {
        for entry in &job.manifest {
            let _ = write!(content, "\n{} {}", entry.hash, entry.path);
        }
    }
    hash_of(content.as_bytes())[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_say_nothing() {
        assert_eq!(
            normalize("# a\n\n requests==2 # why\r\nx @ https://h/#egg=x\n"),
            ["requests==2", "x @ https://h/#egg=x"]
        );
        assert!(normalize(" \n#x").is_empty());
    }

    #[test]
    fn names() {
        assert_eq!(name_of("Scrapy>=2"), "Scrapy");
        assert_eq!(name_of("scrapy[extra] ; python_version > '3'"), "scrapy");
        assert_eq!(name_of("scrapy-redis"), "scrapy-redis");
    }

    #[test]
    fn what_belongs_to_the_spiders_files() {
        for line in [
            "-r base.txt",
            "./pkg",
            ".",
            "pkg/",
            "libs/common.whl",
            "common.whl ; python_version > '3'",
            "p @ file:///x",
            "/x",
        ] {
            assert!(is_local(line), "{line}");
        }
        for line in ["requests", "p @ https://h/p.whl", "git+https://h/p", "scrapy[extra]>=2"] {
            assert!(!is_local(line), "{line}");
        }
        assert_eq!(
            normalize("-e .\n--editable=./a\n-e pkg\n-e git+https://h/p#egg=p\n--extra-index-url https://h\n"),
            [".", "./a", "./pkg", "git+https://h/p#egg=p", "--extra-index-url https://h"]
        );
    }
}
