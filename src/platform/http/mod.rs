//! The HTTP edge: envelope, errors, extractors, paging, streams, what every request carries.

mod attachment;
mod context;
mod envelope;
mod error;
mod extract;
mod page;
mod sse;

pub use attachment::attachment;
pub use context::{Language, carry_context, request_id};
pub use envelope::{Envelope, Reply};
pub use error::{ErrorBody, ErrorData, ErrorDetail, panic_answer};
pub use extract::{Body, Params, UploadField, multipart_field};
pub use page::{Page, Paging};
pub use sse::{Sse, event, sse};
