use crate::{
    error::{Error, Result},
    text,
};

const LONGEST: usize = 4096;
/// Of a name, in bytes; Linux takes no longer ones.
const LONGEST_NAME: usize = 255;

/// Where something is, seen from the workspace: the names on the way. None: the workspace itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WorkPath(Vec<String>);

impl WorkPath {
    /// A `/` at the end, and a `.` for all of it, say nothing.
    pub(super) fn parse(path: &str) -> Result<Self> {
        let inner = path.strip_suffix('/').unwrap_or(path);
        if ["", "."].contains(&inner) && path != "/" {
            return Ok(Self(Vec::new()));
        }
        let parts: Vec<&str> = inner.split('/').collect();
        if path.len() > LONGEST || parts.iter().any(|part| !is_name(part)) {
            return Err(refused(path));
        }
        Ok(Self(parts.into_iter().map(str::to_owned).collect()))
    }

    pub(super) fn parts(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// The last name, then the folder that it is in; none of the workspace itself.
    pub(super) fn name_and_folder(&self) -> Result<Vec<&str>> {
        let (name, folder) = self.0.split_last().ok_or_else(|| refused(""))?;
        Ok(std::iter::once(name).chain(folder).map(String::as_str).collect())
    }

    pub(super) fn joined(&self, name: &str) -> String {
        self.0.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join("/")
    }
}

/// Whether it may be a file's, in any script.
pub(super) fn is_name(name: &str) -> bool {
    !["", ".", ".."].contains(&name) && name.len() <= LONGEST_NAME && !name.contains(['/', '\0', '\n', '\r'])
}

pub(super) fn refused(path: &str) -> Error {
    let shown: String = path.chars().filter(|letter| !letter.is_control()).take(100).collect();
    Error::bad_request(
        "path_refused",
        text!(
            "路径不可用: {shown}（须为工作区内的相对路径，不含 ..、空部分或换行）",
            "not a path in a workspace: {shown} (relative, without .., empty parts or line ends)"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::WorkPath;

    #[test]
    fn paths_stay_inside() {
        for (path, parts) in [
            ("", vec![]),
            (".", vec![]),
            ("a", vec!["a"]),
            ("爬虫/数据 1/-x.csv", vec!["爬虫", "数据 1", "-x.csv"]),
            ("a/", vec!["a"]),
            ("...", vec!["..."]),
            ("~", vec!["~"]),
        ] {
            assert_eq!(WorkPath::parse(path).unwrap().parts(), parts, "{path}");
        }
        let long = "x".repeat(256);
        for path in ["/", "/etc", "..", "a/../b", "a//b", "a/./b", "./a", "a\0", "a\nb", "a/..", "//", &long] {
            assert!(WorkPath::parse(path).is_err(), "{path:?}");
        }
        assert!(WorkPath::parse("").unwrap().name_and_folder().is_err());
        assert_eq!(WorkPath::parse("a/b/c").unwrap().name_and_folder().unwrap(), ["c", "a", "b"]);
    }
}
