//! Names of tables: where they come from a user they are quoted by the engine's rules, never pasted.

use super::SinkKind;
use crate::{error::Checks, text};

/// Where rows go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Of PostgreSQL the schema, of MySQL the database, where one is named.
    pub schema: Option<String>,
    pub name: String,
    /// Where there is none it is made.
    pub create: bool,
}

impl Table {
    /// `schema.table` for SQL, where a name has no dot of its own; MongoDB's names have dots as they like.
    pub fn named(kind: SinkKind, name: &str, create: bool) -> Self {
        match name.split_once('.') {
            Some((schema, name)) if kind != SinkKind::Mongodb => {
                Self { schema: Some(schema.to_owned()), name: name.to_owned(), create }
            }
            _ => Self { schema: None, name: name.to_owned(), create },
        }
    }

    /// With its schema, each between these quotes, which are doubled inside.
    pub(super) fn quoted(&self, quote: char) -> String {
        let parts = self.schema.iter().chain([&self.name]);
        parts.map(|part| quoted(part, quote)).collect::<Vec<_>>().join(".")
    }
}

/// A name of a column or a table, between these quotes.
pub(super) fn quoted(name: &str, quote: char) -> String {
    let doubled = name.replace(quote, &format!("{quote}{quote}"));
    format!("{quote}{doubled}{quote}")
}

/// Whether the engine can have a table of this name.
pub fn check_name(kind: SinkKind, name: &str, loc: &str, checks: &mut Checks) {
    checks.not_empty(loc, name);
    checks.length(loc, name, 255);
    let parts: Vec<&str> = if kind == SinkKind::Mongodb { vec![name] } else { name.split('.').collect() };
    checks.require(parts.len() <= 2, loc, "value_error", || {
        text!("最多一个点：模式.表", "has one dot at most: schema.table")
    });
    checks.require(parts.len() == 1 || parts.iter().all(|part| !part.is_empty()), loc, "value_error", || {
        text!("点的两侧不能为空", "must have a name on both sides of the dot")
    });
    let longest = parts.iter().map(|part| length(kind, part)).max().unwrap_or_default();
    let most = most(kind);
    checks.require(longest <= most, loc, "too_long", || {
        text!("名称长度 {longest}，上限 {most}", "a name of {longest}; the database takes {most}")
    });
    let fits = match kind {
        SinkKind::Postgresql => true,
        // https://dev.mysql.com/doc/refman/8.4/en/identifiers.html
        SinkKind::Mysql => {
            parts.iter().all(|part| !part.ends_with(' ') && part.chars().all(|c| u32::from(c) <= 0xffff))
        }
        SinkKind::Mongodb => !name.contains('$') && !name.starts_with("system.") && !name.starts_with('.'),
    };
    checks.require(fits, loc, "value_error", || {
        text!("不是 {kind} 允许的名称", "is no name that {kind} takes for a table")
    });
}

/// As the engine counts.
fn length(kind: SinkKind, name: &str) -> usize {
    if kind == SinkKind::Mysql { name.chars().count() } else { name.len() }
}

fn most(kind: SinkKind) -> usize {
    match kind {
        SinkKind::Postgresql => 63,
        SinkKind::Mysql => 64,
        // Database and collection together have 255 bytes; a database's name has 63.
        SinkKind::Mongodb => 190,
    }
}

#[cfg(test)]
mod tests {
    use SinkKind::{Mongodb, Mysql, Postgresql};

    use super::*;

    #[test]
    fn names_are_quoted() {
        let table = |name| Table::named(SinkKind::Postgresql, name, true);
        assert_eq!(table(r#"a"b; DROP TABLE x"#).quoted('"'), r#""a""b; DROP TABLE x""#);
        assert_eq!(table("s.t").quoted('"'), r#""s"."t""#);
        assert_eq!(Table::named(SinkKind::Mysql, "a`b", true).quoted('`'), "`a``b`");
        assert_eq!(Table::named(SinkKind::Mongodb, "a.b.c", true).name, "a.b.c");
    }

    #[test]
    fn names_that_cannot_be() {
        let fits = |kind, name: &str| {
            let mut checks = Checks::default();
            check_name(kind, name, "name", &mut checks);
            checks.finish().is_ok()
        };
        for kind in [Postgresql, Mysql, Mongodb] {
            assert!(fits(kind, "items") && fits(kind, "a\"b; DROP TABLE `x`") && fits(kind, "商品"));
            assert!(!fits(kind, "") && !fits(kind, " ") && !fits(kind, "a\0b") && !fits(kind, &"x".repeat(256)));
        }
        assert!(fits(Postgresql, "s.t") && fits(Mysql, "d.t") && fits(Mongodb, "a.b.c"));
        assert!(!fits(Postgresql, "a.b.c") && !fits(Postgresql, ".t") && !fits(Mysql, "t."));
        // Bytes here, letters there.
        assert!(!fits(Postgresql, &"商".repeat(22)) && fits(Mysql, &"商".repeat(64)) && !fits(Mysql, &"x".repeat(65)));
        assert!(!fits(Mysql, "a ") && !fits(Mysql, "😀") && !fits(Mongodb, "system.x") && !fits(Mongodb, "a$b"));
    }
}
