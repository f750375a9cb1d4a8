//! Ids: `UUIDv7` as text, one type a noun, so that a task's id cannot stand where a spider's is meant.

/// A new id. Ids made later sort later.
pub fn new() -> String {
    uuid::Uuid::now_v7().to_string()
}

macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema)]
        #[sqlx(transparent)]
        #[serde(transparent)]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            pub fn generate() -> Self {
                Self(new())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    )+};
}

typed_id! {
    UserId, SessionId, TokenId, ProjectId, SpiderId, ScheduleId, FileId, DeploymentId, TaskId,
    AlertId, AlertRuleId, ChannelId, DatasourceId, DeliveryId, LinkId, ProxyId, CodeSessionId, InstanceId, NodeId,
    WorkspaceId, RunId,
}
