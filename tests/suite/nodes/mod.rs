//! Nodes: other machines that run spiders.

mod agent;
mod network;
mod projects;
mod registry;
mod running;
mod survival;
mod wire;
