//! A server of the test's own, and a client that reads like a user.

mod app;
mod client;
mod faults;
mod forge;
mod manager;
mod mongo;
pub mod nginx;
mod node;
mod parts;
mod process;
mod proxy;
mod raw_zip;
mod receiver;
mod sinks;
mod site;
mod socket;
mod upstream;
pub mod wire;

pub use app::{Settings, TestApp};
pub use client::{Answer, Client, PASSWORD, cookies_of, zip_of};
pub use faults::{Gate, SmallDisk};
pub use forge::{Forge, SshServer, TOKEN};
pub use manager::{Manager, Mood};
pub use mongo::MongoServer;
pub use node::NodeProcess;
pub use parts::{documentation_site, empty_database, faketime, free_port, new_database, skip_unless, storage_url};
pub use process::ServerProcess;
pub use proxy::TestProxy;
pub use raw_zip::{RawEntry, deflated_zeros, raw_zip};
pub use receiver::{MailServer, Reaction, Receiver};
pub use sinks::UsersDatabase;
pub use site::practice_site;
pub use socket::{Frame, Socket};
pub use upstream::{Upstream, heard};
