//! `CrawlHub` runs crawlers: people upload spiders, run them, watch their logs, and keep and export what
//! they brought back.
//!
//! `main → cli → import → agent → app → features → protocol → runner → platform → core`: each may use what stands to its right.
//! - core: [`error`], [`clock`], [`id`], [`config`] — no I/O, no HTTP;
//! - [`platform`]: the outside world (SQL, files, processes, the HTTP edge); knows no feature;
//! - [`runner`]: one attempt of one task; knows no database;
//! - [`features`]: the product, one folder a noun;
//! - [`protocol`]: what nodes and servers say to each other;
//! - [`app`]: the composition root of a server;
//! - [`agent`]: what runs on a node;
//! - [`import`]: what is brought over from a predecessor.

pub mod agent;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod error;
pub mod features;
pub mod health;
pub mod id;
pub mod import;
pub mod lifecycle;
pub mod platform;
pub mod protocol;
pub mod runner;
pub mod ui;
