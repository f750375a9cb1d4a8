use utoipa_axum::router::OpenApiRouter;

use super::CodeSessions;

pub(super) fn router() -> OpenApiRouter<CodeSessions> {
    OpenApiRouter::new()
}
