//! Who is calling: users, sign-in, sessions, API tokens, roles, and what was done by whom.

mod audit;
mod guard;
mod passwords;
mod routes;
mod service;
mod store;
mod types;

use std::sync::Arc;

pub use guard::{Access, COOKIES, Deed};
pub use routes::{admin_router, own_router, public_router};
pub use types::{Caller, Role, User};

use ipnet::IpNet;
use tokio::sync::Mutex;

use crate::{clock::SharedClock, config, platform::database::Database};

/// What sign-in needs to know beside the accounts' own settings.
#[derive(Debug, Clone)]
pub struct Edge {
    /// Cookies are only sent over https.
    pub https: bool,
    /// Whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpNet>,
}

#[derive(Debug, Clone)]
pub struct Accounts {
    db: Database,
    clock: SharedClock,
    settings: config::Accounts,
    edge: Arc<Edge>,
    passwords: passwords::Passwords,
    /// Held while a password is judged.
    sign_in_turn: Arc<Mutex<()>>,
}

impl Accounts {
    pub fn new(db: Database, clock: SharedClock, settings: config::Accounts, edge: Edge) -> Self {
        Self {
            db,
            clock,
            settings,
            edge: Arc::new(edge),
            passwords: passwords::Passwords::default(),
            sign_in_turn: Arc::default(),
        }
    }
}
