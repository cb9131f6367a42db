//! The OpenAPI 3.1 document: what the slices say about their routes, under one title.

use kernel::Problem;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, InfoBuilder, LicenseBuilder, OpenApi, Paths, Server,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
        tag::TagBuilder,
    },
};
use utoipa_axum::router::OpenApiRouter;

use crate::system;

const DESCRIPTION: &str = "Ids are decimal strings, times RFC 3339 in UTC. Lists are paged: `?cursor=&limit=` answers \
    `{items, next_cursor}`. Errors are `application/problem+json` (RFC 9457) with a stable `code`; where trying again \
    helps, `Retry-After` says when.";

const TAGS: [(&str, &str); 9] = [
    ("people", "Accounts, sessions, who administers the site"),
    ("live", "Channels, broadcasts, their life, their numbers"),
    ("hearts", "Hearts: taps in batches"),
    ("viewers", "Playback sessions and their beats"),
    ("realtime", "Where the realtime connection is"),
    ("chat", "Messages of a broadcast's room"),
    ("moderation", "The order of a channel's chat: moderators, modes, timeouts, bans, blocked words, review, the log"),
    ("reports", "What broadcasts came to: viewers and hearts over time"),
    ("system", "The site itself"),
];

/// The document of documented and lean routes, with the shell's own.
pub fn openapi(api: OpenApiRouter, lean: OpenApiRouter) -> String {
    let document = api.merge(system::documented_for_document()).into_openapi();
    render(document, lean.into_openapi())
}

pub(crate) fn render(mut document: OpenApi, lean: OpenApi) -> String {
    document.merge(lean);
    document.info = InfoBuilder::new()
        .title("Madang")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").build()))
        .build();
    document.servers = Some(vec![Server::new("/")]);
    name_operations(&mut document.paths);
    document.tags = Some(
        TAGS.iter().map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build()).collect(),
    );
    let components = document.components.get_or_insert_with(Components::new);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A session's token")).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let cookie = ApiKeyValue::new(rest::SESSION_COOKIE);
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    document.to_json().unwrap_or_else(|error| {
        tracing::error!(%error, "the OpenAPI document cannot be written");
        "{}".to_owned()
    })
}

/// Gives every operation an id of its own, from its method and path: slices name their handlers without knowing each
/// other, and the id must be unique in the document (OpenAPI 3.1, section 4.8.10).
fn name_operations(paths: &mut Paths) {
    for (path, item) in &mut paths.paths {
        let place = path.trim_start_matches("/api/v1").replace(['/', '{', '}'], " ");
        let place = place.split_whitespace().collect::<Vec<_>>().join("_");
        let operations = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{method}_{place}"));
            }
        }
    }
}
