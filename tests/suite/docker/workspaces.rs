//! Workspaces on a real engine.
