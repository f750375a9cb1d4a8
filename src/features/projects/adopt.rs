//! Projects that come from elsewhere, with their ids.

use chrono::{DateTime, Utc};

use super::{ProjectChange, Projects, store};
use crate::{
    error::{Error, Result},
    id::ProjectId,
};

/// Namesakes are told apart by a number, up to here.
const MOST_NAMESAKES: usize = 1000;

impl Projects {
    /// The name it has here; none where there was a project of that id already.
    pub async fn adopt(
        &self,
        id: &ProjectId,
        (name, description): (&str, &str),
        (created_at, updated_at): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Option<String>> {
        match self.get(id).await {
            Ok(_) => return Ok(None),
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        let name: String = name.chars().filter(|letter| *letter != '\0').take(240).collect();
        let name = if name.trim().is_empty() { id.to_string() } else { name };
        for number in 1..=MOST_NAMESAKES {
            let name = if number == 1 { name.clone() } else { format!("{name} ({number})") };
            let change = ProjectChange {
                name: Some(name.clone()),
                description: Some(description.chars().take(2000).collect()),
                ..ProjectChange::default()
            };
            let mut transaction = self.db.begin().await?;
            match store::insert(&mut transaction, id, &change, (created_at, updated_at)).await {
                Err(Error::Conflict(_)) => {}
                inserted => {
                    inserted?;
                    transaction.commit().await?;
                    return Ok(Some(name));
                }
            }
        }
        Err(Error::internal(anyhow::anyhow!("there are {MOST_NAMESAKES} projects of one name")))
    }
}
