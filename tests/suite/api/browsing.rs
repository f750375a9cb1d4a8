//! Finding items by their fields, sorting by them, and going on from page to page.

use serde_json::{Value, json};

use super::data::{POST, data_of, gives, giving};
use crate::support::{Client, TestApp};

/// A spider that posts these items as they are.
async fn posted(app: &Client, items: &[&str]) -> String {
    let files = [("main.py", POST), ("items.jsonl", &items.join("\n"))];
    let spider = app.spider(json!({"name": "posted"}), &files).await;
    gives(app, &spider).await;
    spider
}

/// The page that a query gives, without what this test's own JSON cannot hold.
async fn page(app: &Client, query: &str) -> Value {
    let answer = app.get(&format!("/data?{query}")).await;
    answer.ok();
    let text = answer.text.replace("1e400", "1").replace("\\ud800", "half");
    serde_json::from_str::<Value>(&text).unwrap()["data"].take()
}

/// The field `i` of the items on a page.
fn numbers(page: &Value) -> Vec<i64> {
    data_of(page).iter().map(|item| item["i"].as_i64().unwrap()).collect()
}

/// The field `i` of what a query finds.
async fn found(app: &Client, query: &[(&str, &str)]) -> Vec<i64> {
    let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let page = page(app, &format!("page_size=100&{text}")).await;
    let found = numbers(&page);
    assert_eq!(page["total"], found.len(), "{query:?}");
    found
}

const ITEMS: [&str; 12] = [
    r#"{"i": 0, "price": 10, "name": "Alpha", "tags": ["red", "Blau"], "ok": true}"#,
    r#"{"i": 1, "price": 9.99, "name": "beta", "seller": {"name": "Müller", "rank": 2}}"#,
    r#"{"i": 2, "price": "10", "name": "10", "tags": []}"#,
    r#"{"i": 3, "price": null, "name": "\u65b0\u95fb", "seller": {"name": null}}"#,
    r#"{"i": 4, "price": 9007199254740993, "a.b": {"c:d": "dots"}, "a": {"b": "nested"}}"#,
    r#"{"i": 5, "price": 9007199254740992, "name": "nul \u0000 end", "half": "\ud800"}"#,
    r#"{"i": 6, "price": -1e3, "ok": false, "name": "it's; DROP TABLE items;--"}"#,
    r#"{"i": 7, "price": [10], "$where": "1", "name": {"alpha": 1}}"#,
    r#"{"i": 8, "price": {"eur": 10}, "": "empty"}"#,
    r#"{"i": 9, "price": true, "price": 7, "back\\slash": 1}"#,
    r#"{"i": 10, "price": 1e400}"#,
    r#"{"i": 11, "price": "zebra", "quote\"d": "x"}"#,
];

#[tokio::test(flavor = "multi_thread")]
async fn items_are_found_by_their_fields() {
    let app = TestApp::new().await;
    let spider = posted(&app, &ITEMS).await;
    for (filter, expected) in [
        ("price:eq:10", vec![0]),
        ("price:eq:10.0", vec![0]),
        ("price:eq:\"10\"", vec![2]),
        ("price:ne:10", vec![11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ("price:gt:9.98", vec![10, 5, 4, 1, 0]),
        ("price:gt:9007199254740992", vec![10, 4]),
        ("price:gte:9007199254740992", vec![10, 5, 4]),
        ("price:lt:9.99", vec![9, 6]),
        ("price:lte:9.99", vec![9, 6, 1]),
        ("price:gt:y", vec![11]),
        ("price:eq:null", vec![3]),
        ("price:eq:true", vec![]),
        ("ok:eq:true", vec![0]),
        ("ok:exists:true", vec![6, 0]),
        ("seller.name:exists:true", vec![1]),
        ("seller.rank:gte:2", vec![1]),
        ("seller.rank.deep:exists:true", vec![]),
        ("name:contains:ALPHA", vec![0]),
        ("name:contains:新", vec![3]),
        ("seller.name:contains:MÜL", vec![1]),
        ("tags:contains:re", vec![0]),
        ("tags:contains:blau", vec![0]),
        ("price:contains:10", vec![7, 2]),
        ("name:eq:nul \0 end", vec![5]),
        ("half:exists:true", vec![5]),
        (r"a\.b.c\:d:eq:dots", vec![4]),
        ("a.b:eq:nested", vec![4]),
        (":eq:empty", vec![8]),
        (r"back\\slash:eq:1", vec![9]),
        (r#"quote"d:eq:x"#, vec![11]),
        ("$where:eq:\"1\"", vec![7]),
        ("name:eq:it's; DROP TABLE items;--", vec![6]),
        ("name') OR 1=1 --:exists:true", vec![]),
        (r#"$."name"') OR ('1'='1:eq:1"#, vec![]),
        ("name:eq:' OR '1'='1", vec![]),
        ("name:contains:%", vec![]),
        ("none:exists:false", vec![11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
    ] {
        assert_eq!(found(&app, &[("filter", filter)]).await, expected, "{filter}");
        let given = form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>();
        let exported = app.get(&format!("/data/export/ndjson?filter={given}")).await.text;
        assert_eq!(exported.lines().count(), expected.len(), "{filter}");
    }
    let both = [("filter", "price:gt:0"), ("filter", "name:contains:a"), ("q", "RED"), ("spider_id", &spider)];
    assert_eq!(found(&app, &both).await, [0]);
    assert_eq!(found(&app, &[("filter", "")]).await.len(), 12, "an empty value is no filter");
    assert_eq!(found(&app, &[("filter", "price:gt:0"), ("is_test", "true")]).await, [0; 0]);
    let fields = app.get("/data/fields?filter=ok:eq:false").await.data();
    assert_eq!(fields.as_array().unwrap().len(), 4);

    for refused in ["price", "price:eq", "price:like:1", "price:lt:null", "price:exists:maybe", "::", "a:EQ:1"] {
        let given = form_urlencoded::byte_serialize(refused.as_bytes()).collect::<String>();
        for path in ["", "/export/csv", "/fields"] {
            let answer = app.get(&format!("/data{path}?filter={given}")).await;
            assert_eq!(answer.details(), ["query.filter"], "{refused}");
        }
    }
    let many = vec!["filter=i:gte:0"; 21].join("&");
    assert_eq!(app.get(&format!("/data?{many}")).await.details(), ["query.filter"]);
}

/// Deleting by a filter that is not understood would remove more than is meant.
#[tokio::test(flavor = "multi_thread")]
async fn deletions_know_no_field_filters() {
    let app = TestApp::new().await;
    let spider = giving(&app, "kept", &[r#"{"i": 1}"#, r#"{"i": 2}"#]).await;
    gives(&app, &spider).await;
    for (query, loc) in [("filter=i:eq:1", "query.filter"), ("istest=true", "query.istest"), ("sort=i", "query.sort")] {
        assert_eq!(app.delete(&format!("/data?spider_id={spider}&{query}")).await.details(), [loc]);
    }
    assert_eq!(app.get("/data").await.data()["total"], 2);
    assert_eq!(app.delete(&format!("/data?spider_id={spider}&filter=")).await.data(), json!({"deleted_count": 2}));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_sorted_by_a_field() {
    let app = TestApp::new().await;
    posted(&app, &ITEMS).await;
    let up = [6, 9, 1, 0, 5, 4, 10, 2, 11, 8, 7, 3];
    let down = [8, 7, 11, 2, 10, 4, 5, 0, 1, 9, 6, 3];
    assert_eq!(found(&app, &[("sort", "price")]).await, up);
    assert_eq!(found(&app, &[("sort", "-price")]).await, down);
    assert_eq!(found(&app, &[("sort", "seller.rank")]).await[..2], [1, 11]);
    assert_eq!(found(&app, &[("sort", "ok")]).await[..2], [6, 0]);
    assert_eq!(found(&app, &[("sort", "none")]).await, (0..12).rev().collect::<Vec<_>>());
    assert_eq!(found(&app, &[("sort", "-price"), ("filter", "price:gt:9")]).await, [10, 4, 5, 0, 1]);
    assert_eq!(found(&app, &[("sort", "price' --")]).await.len(), 12);

    for (sort, order) in [("price", up), ("-price", down), ("none", [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0])] {
        let (mut seen, mut cursor) = (vec![], String::new());
        loop {
            let page = page(&app, &format!("page_size=5&sort={sort}&cursor={cursor}")).await;
            seen.extend(numbers(&page));
            match page["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(seen, order, "{sort}");
        let second = page(&app, &format!("page_size=5&sort={sort}&page=2")).await;
        assert_eq!((&second["total"], &second["total_pages"]), (&json!(12), &json!(3)));
        assert_eq!(numbers(&second), order[5..10], "{sort}");
    }

    let cursor = |page: &Value| page["next_cursor"].as_str().unwrap().to_owned();
    let sorted = cursor(&page(&app, "page_size=2&sort=price").await);
    let plain = cursor(&page(&app, "page_size=2").await);
    for query in [
        format!("sort=-price&cursor={sorted}"),
        format!("sort=name&cursor={sorted}"),
        format!("cursor={sorted}"),
        format!("filter=i:gt:0&cursor={sorted}"),
        format!("sort=price&cursor={plain}"),
        "sort=price&cursor=s~e30".to_owned(),
        "sort=price&cursor=s~%00".to_owned(),
        "cursor=%27%20OR%201=1".to_owned(),
        format!("cursor={}", "a".repeat(100)),
        "sort=price&page=60&page_size=20".to_owned(),
    ] {
        let expected = if query.contains("page=60") { "query.page" } else { "query.cursor" };
        assert_eq!(app.get(&format!("/data?{query}")).await.details(), [expected], "{query}");
    }

    let small = TestApp::with(&[("CRAWLHUB_DATA_SORT_ITEMS", "11")]).await;
    let spider = posted(&small, &ITEMS).await;
    assert_eq!(small.get("/data?sort=price").await.error(400), "too_many_to_sort");
    small.delete(&format!("/data?spider_id={spider}&q=zebra")).await.data();
    assert_eq!(found(&small, &[("sort", "price")]).await.len(), 11);
}

/// A page of a sorted list is short where its items are large, and its cursor goes on behind them.
#[tokio::test(flavor = "multi_thread")]
async fn a_sorted_page_of_large_items_is_short() {
    let app = TestApp::new().await;
    let script = "import json, os\nwith open(os.environ['CRAWLHUB_OUTPUT_DIR'] + '/x.jsonl', 'w') as file:\n    \
                  for n in range(40):\n        file.write(json.dumps({'i': n, 'text': 'x' * (1 << 19)}) + '\\n')";
    app.run_script(json!({"name": "large"}), script).await;
    let first = page(&app, "page_size=100&sort=i").await;
    let rest = page(&app, &format!("page_size=100&sort=i&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    let numbers = |page: &Value| -> Vec<i64> {
        page["items"].as_array().unwrap().iter().map(|row| row["data"]["i"].as_i64().unwrap()).collect()
    };
    assert_eq!((numbers(&first), &first["total"]), ((0..31).collect::<Vec<_>>(), &json!(40)));
    assert_eq!((numbers(&rest), &rest["next_cursor"]), ((31..40).collect::<Vec<_>>(), &Value::Null));
}

/// A page looks at so many items, and its cursor goes on behind them.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_goes_on_where_a_page_stopped_looking() {
    let app = TestApp::with(&[("CRAWLHUB_DATA_SEARCH_ITEMS", "10")]).await;
    let items: Vec<String> = (0..35).map(|i| format!("{{\"i\": {i}, \"hit\": {}}}", i % 12 == 0)).collect();
    let spider = giving(&app, "search", &items.iter().map(String::as_str).collect::<Vec<_>>()).await;
    gives(&app, &spider).await;
    for search in ["filter=hit:eq:true".to_owned(), format!("q=true&spider_id={spider}")] {
        let first = app.get(&format!("/data?{search}&page_size=2")).await.data();
        assert_eq!((&first["total"], &first["total_is_at_least"]), (&json!(0), &json!(true)), "of the last ten");
        let (mut seen, mut pages, mut cursor) = (vec![], 1, first["next_cursor"].clone());
        while let Some(from) = cursor.as_str() {
            let page = app.get(&format!("/data?{search}&page_size=2&cursor={from}")).await.data();
            seen.extend(numbers(&page));
            assert_eq!((&page["total"], &page["total_is_at_least"]), (&Value::Null, &json!(false)));
            pages += 1;
            cursor = page["next_cursor"].clone();
        }
        assert_eq!((seen, pages), (vec![24, 12, 0], 4), "{search}");
    }
    let all = app.get("/data?page_size=2").await.data();
    assert_eq!((&all["total"], &all["total_is_at_least"]), (&json!(35), &json!(false)), "nothing is searched for");
    let page = app.get("/data?filter=i:gte:0&page_size=3&page=2").await.data();
    assert_eq!((data_of(&page)[0]["i"].as_i64(), &page["total"]), (Some(31), &json!(10)));
    assert_eq!(app.get("/data/export/ndjson?q=true").await.text.lines().count(), 3, "exports look at all");
}

/// Totals of lists are kept, not counted; they follow whatever is stored and removed.
#[tokio::test(flavor = "multi_thread")]
async fn totals_follow_what_is_kept() {
    let app = TestApp::new().await;
    let one = giving(&app, "one", &[r#"{"i": 1}"#, r#"{"i": 2}"#]).await;
    let two = giving(&app, "two", &[r#"{"i": 3}"#]).await;
    let (first, second) = (gives(&app, &one).await, gives(&app, &one).await);
    gives(&app, &two).await;
    app.post(&format!("/spiders/{two}/test-run"), json!({})).await;
    let total = async |query: &str| app.get(&format!("/data?{query}")).await.data()["total"].as_i64().unwrap();
    let totals = async || {
        let spider = [total(&format!("spider_id={one}")).await, total(&format!("spider_id={two}")).await];
        (spider, [total("").await, total("is_test=true").await, total(&format!("task_id={second}")).await])
    };
    assert_eq!(totals().await, ([4, 2], [6, 1, 2]));
    app.delete(&format!("/data?task_id={first}&q=2")).await.data();
    assert_eq!(totals().await, ([3, 2], [5, 1, 2]));
    app.delete(&format!("/data?spider_id={one}")).await.data();
    assert_eq!(totals().await, ([0, 2], [2, 1, 0]));
}

/// Ten thousand fields in one item: found, sorted and exported like any other.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_of_ten_thousand_fields() {
    let app = TestApp::new().await;
    let script = "import json, os\nwith open(os.environ['CRAWLHUB_OUTPUT_DIR'] + '/x.jsonl', 'w') as file:\n    \
                  file.write(json.dumps({'i': 0, **{f'f{n}': n for n in range(9_999)}}) + '\\n{\"i\": 1}\\n')";
    app.run_script(json!({"name": "wide"}), script).await;
    assert_eq!(found(&app, &[("filter", "f9998:eq:9998")]).await, [0]);
    assert_eq!(found(&app, &[("sort", "f5000")]).await, [0, 1]);
    let csv = app.get("/data/export/csv").await.text;
    assert_eq!(csv.lines().next().unwrap().split(',').count(), 10_000);
    let parquet = app.get("/data/export/parquet").await;
    assert_eq!((parquet.details(), parquet.text.contains("2000")), (vec!["query.fields".to_owned()], true));
    let many = |count: usize| (0..count).map(|n| format!("f{n}")).collect::<Vec<_>>().join(",");
    assert_eq!(app.get(&format!("/data/export/parquet?fields={}", many(2001))).await.details(), ["query.fields"]);
    for format in ["xlsx".to_owned(), format!("parquet?fields={}", many(2000))] {
        let request = app.request(reqwest::Method::GET, &format!("/platform/api/crawlhub/data/export/{format}"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.bytes().await.unwrap().len() > 10_000, "{format}");
    }
    let wider = "import json, os\nwith open(os.environ['CRAWLHUB_OUTPUT_DIR'] + '/x.jsonl', 'w') as file:\n    \
                 file.write(json.dumps({f'g{n}': n for n in range(9_999)}) + '\\n')";
    app.run_script(json!({"name": "wider"}), wider).await;
    for format in ["csv", "xlsx", "parquet"] {
        assert_eq!(app.get(&format!("/data/export/{format}")).await.details(), ["query.fields"], "{format}");
        app.get(&format!("/data/export/{format}?fields=f1,g1")).await.ok();
    }
}

/// A page of large items is short, and its cursor goes on behind them.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_large_items_is_short() {
    let app = TestApp::new().await;
    let script = "import json, os\nwith open(os.environ['CRAWLHUB_OUTPUT_DIR'] + '/x.jsonl', 'w') as file:\n    \
                  for i in range(36):\n        file.write(json.dumps({'i': i, 'pad': 'x' * 1_000_000}) + '\\n')";
    let spider = app.spider(json!({"name": "large"}), &[("main.py", script)]).await;
    gives(&app, &spider).await;
    for query in ["page_size=30", "page_size=30&filter=i:gte:0", "page_size=30&sort=-i"] {
        let mut path = query.to_owned();
        let mut all = Vec::new();
        loop {
            let page = page(&app, &path).await;
            let some = numbers(&page);
            assert!((1..=21).contains(&some.len()) || page["next_cursor"].is_null(), "{path}: {some:?}");
            all.extend(some);
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("{query}&cursor={cursor}");
        }
        assert_eq!(all, (0..36).rev().collect::<Vec<_>>(), "{query}");
    }
    let second = page(&app, "page=2&page_size=5").await;
    assert_eq!((numbers(&second), &second["total"]), (vec![30, 29, 28, 27, 26], &json!(36)));
    assert_eq!(numbers(&page(&app, "page=9&page_size=5").await), Vec::<i64>::new());
}
