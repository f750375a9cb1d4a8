//! Pages of items: as they came, of a search, and sorted by a field.

use std::collections::{BinaryHeap, HashMap};

use super::{
    Data, ItemPage, ItemRow,
    conditions::Wanted,
    sort::{Place, Sort, after_id},
};
use crate::{
    error::{Error, Result},
    platform::{
        documents::ItemFilter,
        http::{Page, Paging},
    },
    text,
};

/// A step of a search.
const STEP: i64 = 500;
/// What a search counts; beyond that, "at least" is enough for anybody.
const COUNTED: i64 = 10_000;
/// How far down a sorted list numbered pages go, in items, the places of which are held until the list is read.
const DEEPEST: i64 = 1000;
/// What a page holds, about, where its items are large: it is shorter then, and its cursor goes on.
const PAGE_BYTES: usize = 16 << 20;
/// How many items of a sorted page are read at once.
const AT_ONCE: usize = 10;

impl Data {
    pub(super) async fn page(&self, wanted: &Wanted, sort: Option<&Sort>, paging: &Paging) -> Result<ItemPage> {
        let cursor = paging.cursor.as_deref();
        if let Some(sort) = sort {
            let after = cursor.map(|cursor| sort.after(cursor)).transpose()?;
            return self.sorted(wanted, sort, after, paging).await;
        }
        let before = cursor.map(after_id).transpose()?;
        if wanted.is_search() {
            self.search(wanted, before, paging).await
        } else {
            self.list(wanted, before, paging).await
        }
    }

    /// Costs the same however many items there are, unless a number of a page far down is asked for.
    async fn list(&self, wanted: &Wanted, before: Option<&str>, paging: &Paging) -> Result<ItemPage> {
        let total = if before.is_none() { Some(self.documents.held(&wanted.items).await?.items) } else { None };
        let mut before = before.map(str::to_owned);
        if paging.offset() > 0 {
            let former = self.documents.items(&wanted.items, None, paging.offset() - 1, 1).await?.pop();
            let Some(former) = former else { return Ok(Page::found(paging, vec![], total, None).into()) };
            before = Some(former.id);
        }
        let (mut rows, mut bytes, mut wanting) = (Vec::new(), 0, paging.page_size);
        while wanting > 0 && bytes < PAGE_BYTES {
            let items = self.documents.items_before(&wanted.items, before.as_deref(), None, wanting).await?;
            let Some(last) = items.last() else { break };
            before = Some(last.id.clone());
            wanting -= i64::try_from(items.len()).unwrap_or(i64::MAX);
            bytes += items.iter().map(|item| item.data.get().len()).sum::<usize>();
            rows.extend(items.into_iter().map(ItemRow::from));
        }
        if wanting > 0 && bytes >= PAGE_BYTES {
            return Ok(Page::found(paging, rows, total, before).into());
        }
        Ok(Page::new(paging, rows, total, |row: &ItemRow| row.id.clone()).into())
    }

    /// Looks at so many items and no more. Where that is not enough the page is short, or empty, and its cursor goes on
    /// behind them.
    async fn search(&self, wanted: &Wanted, before: Option<&str>, paging: &Paging) -> Result<ItemPage> {
        let scope = ItemFilter { q: None, ..wanted.items.clone() };
        let last = self.documents.items(&scope, before, self.limits.search_items - 1, 1).await?.pop();
        let from = last.map(|item| item.id);
        let (first, mut end) = (paging.offset(), paging.offset().saturating_add(paging.page_size));
        let mut bytes = 0;
        let counted = if before.is_none() { end.max(COUNTED) } else { end };
        let (mut rows, mut found, mut before) = (vec![], 0, before.map(str::to_owned));
        let all = loop {
            let items = self.documents.items_before(&wanted.items, before.as_deref(), from.as_deref(), STEP).await?;
            let Some(last) = items.last() else { break from.is_none() };
            before = Some(last.id.clone());
            for item in items.into_iter().filter(|item| wanted.holds(&item.data)) {
                if (first..end).contains(&found) {
                    bytes += item.data.get().len();
                    if bytes >= PAGE_BYTES {
                        end = found + 1;
                    }
                    rows.push(ItemRow::from(item));
                }
                found += 1;
            }
            if found > counted {
                break false;
            }
        };
        let has_more = found > end || !all;
        let next = rows.last().filter(|_| found >= end).map(|row| row.id.clone()).or(from);
        let total = if paging.cursor.is_none() { Some(found.min(counted)) } else { None };
        let page = Page::found(paging, rows, total, next.filter(|_| has_more));
        Ok(ItemPage { page, total_is_at_least: total.is_some() && !all })
    }

    /// Reads all there is each time, and holds the places of what may come onto the page.
    async fn sorted(&self, wanted: &Wanted, sort: &Sort, after: Option<Place>, paging: &Paging) -> Result<ItemPage> {
        let (held, most) = (self.documents.held(&wanted.items).await?.items, self.limits.sort_items);
        if held > most {
            let problem = text!(
                "共有 {held} 条数据，超过可排序的 {most} 条；请用 spider_id、task_id 或 is_test 缩小范围",
                "there are {held} items, and at most {most} are sorted; narrow them down by spider_id, task_id or is_test"
            );
            return Err(Error::bad_request("too_many_to_sort", problem));
        }
        let end = paging.offset().saturating_add(paging.page_size);
        if end > DEEPEST {
            let deep = text!(
                "排序时最多翻到第 {DEEPEST} 条；更深处请用 cursor",
                "sorted pages have numbers up to item {DEEPEST}; follow the cursor"
            );
            return Err(Error::invalid("query.page", "value_error", deep));
        }
        let (mut best, mut found, mut before) =
            (Best { most: usize::try_from(end).unwrap_or(0), heap: BinaryHeap::new() }, 0, None);
        loop {
            let items = self.documents.items_before(&wanted.items, before.as_deref(), None, STEP).await?;
            let Some(last) = items.last() else { break };
            before = Some(last.id.clone());
            for item in items.into_iter().filter(|item| wanted.holds(&item.data)) {
                let place = sort.place(&item.data, &item.id);
                if after.as_ref().is_none_or(|after| place > *after) {
                    found += 1;
                    best.offer(place);
                }
            }
        }
        let kept: Vec<Place> = best.in_order().skip(usize::try_from(paging.offset()).unwrap_or(usize::MAX)).collect();
        let (rows, read) = self.rows_at(&kept).await?;
        let next = kept[..read].last().filter(|_| found > end || read < kept.len()).map(|place| sort.cursor(place));
        let total = if after.is_none() { Some(found) } else { None };
        Ok(Page::found(paging, rows, total, next).into())
    }

    /// The items at these places that are still there, and up to which of them they fit into a page: the first does in any
    /// case.
    async fn rows_at(&self, places: &[Place]) -> Result<(Vec<ItemRow>, usize)> {
        let (mut rows, mut bytes, mut read) = (Vec::with_capacity(places.len()), 0, 0);
        for some in places.chunks(AT_ONCE) {
            let ids: Vec<String> = some.iter().map(|place| place.id().to_owned()).collect();
            let items = self.documents.items_by_id(&ids).await?;
            let mut items: HashMap<_, _> = items.into_iter().map(|item| (item.id.clone(), item)).collect();
            for id in ids {
                if let Some(item) = items.remove(&id) {
                    bytes += item.data.get().len();
                    if bytes > PAGE_BYTES && !rows.is_empty() {
                        return Ok((rows, read));
                    }
                    rows.push(item.into());
                }
                read += 1;
            }
        }
        Ok((rows, read))
    }
}

/// The first so many in an order, of all that are offered.
struct Best {
    most: usize,
    heap: BinaryHeap<Place>,
}

impl Best {
    fn offer(&mut self, place: Place) {
        if self.heap.len() < self.most {
            self.heap.push(place);
        } else if let Some(mut last) = self.heap.peek_mut()
            && place < *last
        {
            *last = place;
        }
    }

    fn in_order(self) -> impl Iterator<Item = Place> {
        self.heap.into_sorted_vec().into_iter()
    }
}
