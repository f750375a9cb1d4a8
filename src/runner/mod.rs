//! Runs one attempt of one task: files → working directory → environment → process → lines, items, end.
//!
//! Knows no database: what happens is told through [`Report`].
