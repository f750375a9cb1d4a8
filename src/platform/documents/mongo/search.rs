//! Which documents a filter means, and in which order they stand.
//!
//! An id of ours is text, the predecessor's are `ObjectId`s. Both say when they were made, and all of the predecessor's are
//! older: so items are read kind by kind, its own first. MongoDB compares ids of one kind only, which makes a range of
//! one kind of what is asked; sorted together they would stand the other way round.

use mongodb::bson::{Bson, Document, doc, oid::ObjectId};

use crate::{
    id::{SpiderId, TaskId},
    platform::documents::items::{ItemFilter, Spellings},
};

/// A kind of id, by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Predecessors,
    Ours,
}

impl Kind {
    /// Of the id, and the id itself.
    pub(super) fn of(id: &str) -> (Self, Bson) {
        match ObjectId::parse_str(id) {
            Ok(id) => (Self::Predecessors, id.into()),
            Err(_) => (Self::Ours, id.into()),
        }
    }
}

/// What a filter means, but for the text, which MongoDB cannot look for in all of a document, and `upto`, which makes a
/// [`Range`].
pub(super) fn conditions(filter: &ItemFilter) -> Document {
    let mut conditions = Document::new();
    if let Some(task) = filter.task_id.as_ref().map(TaskId::as_str) {
        conditions.insert("task_id", task);
    }
    if let Some(spider) = filter.spider_id.as_ref().map(SpiderId::as_str) {
        conditions.insert("spider_id", spider);
    }
    if let Some(is_test) = filter.is_test {
        // The predecessor's may have no such field.
        conditions.insert("is_test", if is_test { Bson::Boolean(true) } else { doc! { "$ne": true }.into() });
    }
    conditions
}

/// The same of books and catalogues, whose id is the task.
pub(super) fn conditions_on_books(filter: &ItemFilter) -> Document {
    let renamed = |name: String| if name == "task_id" { "_id".to_owned() } else { name };
    conditions(filter).into_iter().map(|(name, value)| (renamed(name), value)).collect()
}

/// What an item must hold somewhere.
pub(super) fn spellings(filter: &ItemFilter) -> Option<Spellings> {
    filter.q.as_deref().map(Spellings::of)
}

/// From where to where.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Range<'a> {
    pub after: Option<&'a str>,
    pub before: Option<&'a str>,
    /// With this one.
    pub from: Option<&'a str>,
    /// With this one.
    pub upto: Option<&'a str>,
}

impl<'a> Range<'a> {
    /// What of it the filter means.
    pub(super) fn within(self, filter: &'a ItemFilter) -> Self {
        let place = |id: &&str| (Kind::of(id).0, id.to_ascii_lowercase());
        let ends = [self.upto, filter.upto.as_deref()];
        Self { upto: ends.into_iter().flatten().min_by_key(place), ..self }
    }

    /// The part of one kind, as a condition on `_id`; `None` where there is no such part.
    pub(super) fn of(&self, kind: Kind) -> Option<Document> {
        let mut condition = match kind {
            Kind::Predecessors => doc! { "$gte": ObjectId::from_bytes([0; 12]) },
            Kind::Ours => doc! { "$gte": "" },
        };
        for (name, start) in [("$gt", self.after), ("$gte", self.from)] {
            if let Some((of, id)) = start.map(Kind::of) {
                if of > kind {
                    return None;
                }
                if of == kind {
                    condition.insert(name, id);
                }
            }
        }
        for (name, end) in [("$lt", self.before), ("$lte", self.upto)] {
            if let Some((of, id)) = end.map(Kind::of) {
                if of < kind {
                    return None;
                }
                if of == kind {
                    condition.insert(name, id);
                }
            }
        }
        Some(doc! { "_id": condition })
    }
}
