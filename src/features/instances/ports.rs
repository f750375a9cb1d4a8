//! Ports of this machine's loopback address. The database says which are given to instances, a try which are in use by
//! others.

use std::collections::HashSet;

use super::Instances;
use crate::{
    error::{Error, Result},
    platform::{containers::is_unused, database::Transaction},
    text,
};

impl Instances {
    /// The port that is asked for, or a free one; in the transaction that gives it away.
    pub(super) async fn free_port_in(&self, transaction: &mut Transaction, asked: Option<u16>) -> Result<u16> {
        let given: Vec<(i64,)> = transaction.query("SELECT port FROM instances").fetch_all().await?;
        let given: HashSet<i64> = given.into_iter().map(|(port,)| port).collect();
        let mut free = self.ports.clone().filter(|port| !given.contains(&i64::from(*port)) && is_unused(*port));
        let Some(asked) = asked else { return free.next().ok_or_else(none_free) };
        let (first, last) = (self.ports.start(), self.ports.end());
        if !self.ports.contains(&asked) {
            return Err(Error::bad_request(
                "port_not_allowed",
                text!("端口须在 {first} 到 {last} 之间", "a port must be between {first} and {last}"),
            ));
        }
        if !given.contains(&i64::from(asked)) && is_unused(asked) {
            return Ok(asked);
        }
        let next = free
            .find(|port| *port > asked)
            .or_else(|| self.ports.clone().find(|port| !given.contains(&i64::from(*port)) && is_unused(*port)));
        Err(taken(asked, next))
    }
}

fn none_free() -> Error {
    Error::conflict("no_port", text!("没有可用端口，请扩大 instances.ports", "no port is free; widen instances.ports"))
}

pub(super) fn taken(port: u16, next: Option<u16>) -> Error {
    let text = match next {
        Some(next) => {
            text!("端口 {port} 已被占用，下一个可用端口是 {next}", "port {port} is in use; the next free one is {next}")
        }
        None => text!("端口 {port} 已被占用，且没有其他可用端口", "port {port} is in use, and no other one is free"),
    };
    Error::conflict("port_taken", text)
}
