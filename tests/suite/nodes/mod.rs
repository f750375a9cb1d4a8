//! Nodes: other machines that run spiders.

mod agent;
mod network;
mod registry;
mod running;
mod survival;
mod wire;
