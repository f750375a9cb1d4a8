//! What the API says of itself: `/openapi.json`, `/docs`.

use utoipa::{
    Modify, OpenApi,
    openapi::{
        self,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

#[derive(OpenApi)]
#[openapi(info(
    title = "CrawlHub",
    description = "Runs crawlers. Sign in at `/platform/api/login`, or send `Authorization: Bearer <API token>`. \
                   Success is `{code: 200, msg, data}`; an error has the HTTP status as `code` and a stable word in \
                   `data.error`."
), modifiers(&Credentials))]
pub(super) struct Description;

/// What `/docs` asks for behind "Authorize".
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, openapi: &mut openapi::OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        openapi.components.get_or_insert_default().add_security_scheme("token", scheme);
        openapi.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>("token", [])]);
    }
}

/// Names each operation by its method and address: clients that are made from the description take it for the operation's
/// own name, and that of its handler is not its alone.
pub(super) fn name_operations(openapi: &mut openapi::OpenApi) {
    for (path, item) in &mut openapi.paths.paths {
        let words = path.split('/').map(|word| word.trim_matches(['{', '}']).replace('-', "_"));
        let words: Vec<String> =
            words.filter(|word| !["", "platform", "api", "crawlhub"].contains(&word.as_str())).collect();
        let operations =
            [("get", &mut item.get), ("put", &mut item.put), ("post", &mut item.post), ("delete", &mut item.delete)];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{method}_{}", words.join("_")));
            }
        }
    }
}
