//! Nodes: other machines that run spiders.

mod agent;
mod registry;
mod running;
mod survival;
mod wire;
