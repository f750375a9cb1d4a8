use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::{FromRow, types::Json};
use utoipa::{IntoParams, ToSchema};

use crate::{
    error::{Checks, Result},
    id::DatasourceId,
    platform::{
        database::word_enum,
        http::sent,
        sink::{Options, SinkKind},
    },
    text,
};

/// Stands for "the password as it was".
const MASK: &str = "******";

word_enum! {
    /// Who runs the database.
    pub enum Mode {
        /// Somebody else.
        External = "external",
        /// The platform, in a container.
        Managed = "managed",
    }
}

word_enum! {
    /// How it was when it was last reached for.
    #[schema(as = DataSourceStatus)]
    pub enum Status {
        Active = "active",
        Inactive = "inactive",
        Creating = "creating",
        Error = "error",
    }
}

/// A database of the users' own. Its password is never answered.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct DataSource {
    pub id: DatasourceId,
    pub name: String,
    pub description: String,
    #[serde(rename = "type")]
    #[sqlx(rename = "type")]
    pub kind: SinkKind,
    pub mode: Mode,
    pub status: Status,
    pub host: String,
    pub port: i64,
    pub username: String,
    /// Encrypted; empty: none.
    #[serde(skip)]
    #[sqlx(rename = "password")]
    pub(super) sealed_password: Vec<u8>,
    #[serde(rename = "database")]
    #[sqlx(rename = "database_name")]
    pub database: String,
    #[schema(value_type = Object)]
    pub connection_options: Json<Map<String, Value>>,
    #[serde(flatten)]
    #[sqlx(skip)]
    pub(super) hosting: Hosting,
    /// When it was last reached for, by a test or by a delivery whose outcome differed from the one before.
    pub last_check_at: Option<DateTime<Utc>>,
    /// What was wrong then; null: nothing.
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Of managed datasources: null in all that there are.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(super) struct Hosting {
    container_id: Option<String>,
    container_name: Option<String>,
    docker_image: Option<String>,
    mapped_port: Option<i64>,
    volume_path: Option<String>,
}

/// What a caller sends: to make one, to change one (a field left out stays as it is), to test a connection.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
#[expect(clippy::option_option, reason = "left out, null and a value are three things")]
pub(super) struct DataSourceChange {
    /// 1 to 255 characters; needed when it is made.
    #[serde(deserialize_with = "sent")]
    pub name: Option<String>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    /// Needed when it is made, and without effect later.
    #[serde(rename = "type", deserialize_with = "sent")]
    pub kind: Option<SinkKind>,
    /// `external` where left out; without effect later. `managed` needs a container engine.
    #[serde(deserialize_with = "sent")]
    pub mode: Option<Mode>,
    /// A name or an address.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>)]
    pub host: Option<Option<String>>,
    /// Null: the usual one.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<i64>)]
    pub port: Option<Option<i64>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>)]
    pub username: Option<Option<String>>,
    /// Is never answered. Empty (or `******`) leaves it as it is, null takes it away.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>)]
    pub password: Option<Option<String>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>)]
    pub database: Option<Option<String>>,
    /// `tls`: `disable`, `prefer`, `require` or `verify-full` (each engine's own words too); MongoDB: `authSource`,
    /// `replicaSet`; MySQL: `charset` (`utf8mb4`). Others are refused.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<Object>)]
    pub connection_options: Option<Option<Map<String, Value>>>,
    /// Make the database where the server has none of the name; only when the datasource is made.
    pub create_db_if_not_exists: bool,
}

/// What is to become of the password.
pub(super) enum Password {
    Stays,
    Goes,
    Becomes(String),
}

impl DataSourceChange {
    pub(super) fn password(&self) -> Password {
        match &self.password {
            None => Password::Stays,
            Some(None) => Password::Goes,
            Some(Some(given)) if given.is_empty() || given == MASK => Password::Stays,
            Some(Some(given)) => Password::Becomes(given.clone()),
        }
    }

    /// Puts what was sent in its place, but for the password.
    pub(super) fn apply(&self, to: &mut DataSource) {
        let texts = [
            (&self.description, &mut to.description),
            (&self.host, &mut to.host),
            (&self.username, &mut to.username),
            (&self.database, &mut to.database),
        ];
        for (given, place) in texts {
            if let Some(given) = given {
                *place = given.clone().unwrap_or_default();
            }
        }
        if let Some(name) = &self.name {
            to.name.clone_from(name);
        }
        to.host = to.host.trim().to_owned();
        if let Some(port) = self.port {
            to.port = port.unwrap_or_else(|| to.kind.default_port());
        }
        if let Some(options) = &self.connection_options {
            to.connection_options = Json(options.clone().unwrap_or_default());
        }
    }

    /// What is wrong with what comes of it.
    pub(super) fn check(&self, result: &DataSource) -> Result<()> {
        let mut checks = Checks::default();
        checks.not_empty("body.name", &result.name);
        checks.length("body.name", &result.name, 255);
        checks.length("body.description", &result.description, 2000);
        self.check_connection(result, &mut checks);
        checks.finish()
    }

    pub(super) fn check_connection(&self, result: &DataSource, checks: &mut Checks) {
        for (loc, value) in [("body.host", &result.host), ("body.database", &result.database)] {
            checks.not_empty(loc, value);
            checks.length(loc, value, 255);
        }
        let is_host = |letter: char| letter.is_ascii_alphanumeric() || ".-_:[]".contains(letter);
        checks.require(result.host.chars().all(is_host), "body.host", "value_error", || {
            text!("须为主机名或 IP 地址", "must be a host's name or an address, and nothing else")
        });
        checks.require((1..=65_535).contains(&result.port), "body.port", "value_error", || {
            text!("须在 1 到 65535 之间", "must be between 1 and 65535")
        });
        checks.length("body.username", &result.username, 255);
        checks.length("body.password", self.password.as_ref().and_then(|p| p.as_deref()).unwrap_or_default(), 1000);
        Options::read(result.kind, &result.connection_options, checks);
    }
}

impl DataSource {
    pub(super) fn new(kind: SinkKind, now: DateTime<Utc>) -> Self {
        Self {
            id: DatasourceId::generate(),
            name: String::new(),
            description: String::new(),
            kind,
            mode: Mode::External,
            status: Status::Active,
            host: String::new(),
            port: kind.default_port(),
            username: String::new(),
            sealed_password: Vec::new(),
            database: String::new(),
            connection_options: Json(Map::new()),
            hosting: Hosting::default(),
            last_check_at: None,
            last_error: None,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Whether the database was reached.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TestedDataSource)]
pub(super) struct Tested {
    pub ok: bool,
    /// What was wrong, where something was.
    pub message: String,
    pub latency_ms: i64,
}

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DataSourceFilter {
    #[serde(rename = "type")]
    #[param(rename = "type")]
    pub kind: Option<SinkKind>,
    pub mode: Option<Mode>,
    /// Part of the name, in any case.
    pub keyword: Option<String>,
}
