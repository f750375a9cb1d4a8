//! The HTTP edge: envelope, errors, extractors, paging, streams, what every request carries.

mod attachment;
mod context;
mod envelope;
mod error;
mod extract;
mod listener;
mod origin;
mod page;
pub mod proxy;
mod sse;
mod terminal;
mod upload;

pub use attachment::attachment;
pub use context::{Language, PassedOn, carry_context, request_id};
pub use envelope::{Envelope, Reply, said};
pub use error::{ErrorBody, ErrorData, ErrorDetail, panic_answer};
pub use extract::{Body, Params, sent};
pub use listener::{Entrance, closing};
pub use origin::{is_own_page, is_same_origin};
pub use page::{Page, Paging};
pub use sse::{Event, Sse, event, sse};
pub use terminal::{Parting, TerminalParams, accept_terminal, carry_terminal, shell};
pub use upload::{FilePart, Part, Parts, Upload, receive_upload};
