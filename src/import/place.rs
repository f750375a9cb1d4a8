//! How far a part has come.

use serde::{Serialize, de::DeserializeOwned};
use sqlx::types::Json;

use crate::{app::App, error::Result};

/// Where it stopped; none where it never began, or another version wrote it.
pub(super) async fn read<T: DeserializeOwned>(app: &App, source: &str, part: &str) -> Result<Option<T>> {
    let found: Option<(Json<serde_json::Value>,)> = app
        .database()
        .query("SELECT place FROM imports WHERE source = $1 AND part = $2")
        .bind(source)
        .bind(part)
        .fetch_optional()
        .await?;
    Ok(found.and_then(|(Json(place),)| serde_json::from_value(place).ok()))
}

pub(super) async fn keep(app: &App, source: &str, part: &str, place: &(impl Serialize + Sync)) -> Result<()> {
    let place = serde_json::to_value(place).map_err(crate::error::Error::internal)?;
    app.database()
        .query(
            "INSERT INTO imports (source, part, place, updated_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (source, part) DO UPDATE SET place = excluded.place, updated_at = excluded.updated_at",
        )
        .bind(source)
        .bind(part)
        .bind(Json(place))
        .bind(app.now())
        .execute()
        .await
        .map(drop)
}
