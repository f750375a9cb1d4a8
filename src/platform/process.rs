//! Child processes under a supervisor of their own.
