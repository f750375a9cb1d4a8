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

/// What a filter means, but for the text, which MongoDB cannot look for in all of a document.
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

/// What an item must hold somewhere.
pub(super) fn spellings(filter: &ItemFilter) -> Option<Spellings> {
    filter.q.as_deref().map(Spellings::of)
}

/// From where to where, both of them left out or one of them in.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Range<'a> {
    pub after: Option<&'a str>,
    pub before: Option<&'a str>,
    pub upto: Option<&'a str>,
}

impl Range<'_> {
    /// The part of one kind, as a condition on `_id`; `None` where there is no such part.
    pub(super) fn of(&self, kind: Kind) -> Option<Document> {
        let mut condition = match kind {
            Kind::Predecessors => doc! { "$gte": ObjectId::from_bytes([0; 12]) },
            Kind::Ours => doc! { "$gte": "" },
        };
        let (after, before, upto) = (self.after.map(Kind::of), self.before.map(Kind::of), self.upto.map(Kind::of));
        if let Some((of, id)) = after {
            if of > kind {
                return None;
            }
            if of == kind {
                condition = doc! { "$gt": id };
            }
        }
        for (name, end) in [("$lt", before), ("$lte", upto)] {
            if let Some((of, id)) = end {
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
