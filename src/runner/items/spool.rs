//! Batches that the SDK left because it could not send them: `<batch>.json`, or `.rejected` for those refused.

use std::fmt;
use std::io::{self, Read};
use std::marker::PhantomData;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::super::places::Place;
use super::input::Input;

/// More files than this are not looked at.
const MOST_FILES: usize = 100_000;
/// The SDK's batches have a megabyte, but for single items that have more.
const MOST_BYTES: u64 = 20 * 1024 * 1024;
/// The SDK's batches have half of it. What a spider wrote there itself must not become one huge transaction.
const MOST_ITEMS: usize = 1000;
/// Beyond, JavaScript could not tell two numbers apart.
const BATCH_NUMBERS: std::ops::Range<i64> = 1..1 << 53;

#[derive(Debug, Default)]
pub(super) struct Spooled {
    pub(super) unsent: Vec<Place>,
    pub(super) rejected: Vec<Place>,
}

/// Why a batch cannot be taken, and how many items are lost with it.
pub(super) struct Refused {
    pub(super) reason: String,
    pub(super) items: i64,
}

#[derive(Deserialize)]
struct Content<T> {
    batch: i64,
    items: T,
}

/// The first items, and how many there are in all.
struct Bounded<T> {
    first: Vec<T>,
    count: usize,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Bounded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BoundedVisitor(PhantomData))
    }
}

struct BoundedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for BoundedVisitor<T> {
    type Value = Bounded<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a list of items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Bounded<T>, A::Error> {
        let mut first = Vec::new();
        while first.len() < MOST_ITEMS {
            match sequence.next_element()? {
                Some(item) => first.push(item),
                None => return Ok(Bounded { count: first.len(), first }),
            }
        }
        let mut count = first.len();
        while sequence.next_element::<IgnoredAny>()?.is_some() {
            count = count.checked_add(1).ok_or_else(|| A::Error::custom("too many items"))?;
        }
        Ok(Bounded { first, count })
    }
}

pub(super) fn list(folder: &Place) -> io::Result<Spooled> {
    let mut spooled = Spooled::default();
    let folder = folder.folder()?;
    for entry in std::fs::read_dir(folder.path())?.take(MOST_FILES) {
        let name = entry?.file_name();
        let kind = Path::new(&name).extension().and_then(|kind| kind.to_str()).map(str::to_owned);
        let place = Place::new(&folder, name);
        match kind.as_deref() {
            Some("json") => spooled.unsent.push(place),
            Some("rejected") => spooled.rejected.push(place),
            _ => {}
        }
    }
    spooled.unsent.sort_by(|one, other| one.name().cmp(other.name()));
    Ok(spooled)
}

/// A batch with its number.
pub(super) fn read(place: &Place, given_up: &CancellationToken) -> Result<(i64, Vec<Box<RawValue>>), Refused> {
    let wrong = |reason: String, items: usize| {
        let items = i64::try_from(items).unwrap_or(i64::MAX);
        Refused { reason: format!("spool/{}: {reason}", place.name().display()), items }
    };
    let bytes = content(place, given_up).map_err(|error| wrong(error.to_string(), 1))?;
    let content: Content<Bounded<Box<RawValue>>> =
        serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string(), 1))?;
    let Bounded { first, count } = content.items;
    if count > MOST_ITEMS {
        return Err(wrong(format!("{count} items are more than {MOST_ITEMS}"), count));
    }
    if !BATCH_NUMBERS.contains(&content.batch) {
        return Err(wrong(format!("no batch can have the number {}", content.batch), count));
    }
    Ok((content.batch, first))
}

fn content(place: &Place, given_up: &CancellationToken) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Input::open(place, given_up)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::other(format!("larger than {MOST_BYTES} bytes")));
    }
    Ok(bytes)
}

/// How many items are in these batches. One that cannot be read counts as one.
pub(super) fn count(places: &[Place], given_up: &CancellationToken) -> i64 {
    let items = places.iter().map(|place| {
        let bytes = content(place, given_up).unwrap_or_default();
        serde_json::from_slice::<Content<Bounded<IgnoredAny>>>(&bytes).map_or(1, |content| content.items.count)
    });
    i64::try_from(items.sum::<usize>()).unwrap_or(i64::MAX)
}
