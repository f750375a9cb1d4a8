use super::{Data, conditions::Wanted};
use crate::{error::Result, platform::documents::Item};

/// A step of a long read: few enough that others get their turn in between.
const STEP: i64 = 1000;

/// Items from the first to the last there was when it began, in steps.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) data: Data,
    pub(super) wanted: Wanted,
    after: Option<String>,
    /// `None`: there is nothing to read.
    upto: Option<String>,
}

impl Reader {
    pub(super) fn new(data: &Data, wanted: Wanted, upto: Option<String>) -> Self {
        Self { data: data.clone(), wanted, after: None, upto }
    }

    /// The next items; none at the end.
    pub(super) async fn next(&mut self) -> Result<Vec<Item>> {
        let Some(upto) = &self.upto else { return Ok(vec![]) };
        loop {
            let mut items =
                self.data.documents.items_after(&self.wanted.items, self.after.as_deref(), upto, STEP).await?;
            let Some(last) = items.last() else { return Ok(vec![]) };
            self.after = Some(last.id.clone());
            self.wanted.retain(&mut items);
            if !items.is_empty() {
                return Ok(items);
            }
        }
    }
}
