use std::{
    io::Write,
    time::{Duration, Instant},
};

use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderMap, multipart};
use serde_json::{Value, json};

/// Of the first administrator.
pub const PASSWORD: &str = "correct horse battery";

/// A user with an API token.
#[derive(Clone)]
pub struct Client {
    pub base: String,
    pub http: reqwest::Client,
    pub token: Option<String>,
}

/// What the server said.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text))
    }

    /// A success, whatever it holds.
    #[track_caller]
    pub fn ok(&self) {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
    }

    /// The `data` of a success.
    #[track_caller]
    pub fn data(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        let body = self.json();
        assert_eq!(body["code"], 200, "{}", self.text);
        body["data"].clone()
    }

    /// The stable word of an error with this status.
    #[track_caller]
    pub fn error(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        let body = self.json();
        assert_eq!(body["code"], status, "{}", self.text);
        assert!(!body["msg"].as_str().unwrap().is_empty(), "{}", self.text);
        body["data"]["error"].as_str().unwrap_or_else(|| panic!("no word in {}", self.text)).to_owned()
    }

    /// Where the details of a 422 point.
    #[track_caller]
    pub fn details(&self) -> Vec<String> {
        assert_eq!(self.error(422), "validation_failed");
        let body = self.json();
        body["data"]["details"].as_array().unwrap().iter().map(|d| d["loc"].as_str().unwrap().to_owned()).collect()
    }
}

impl Client {
    pub fn anonymous(base: &str) -> Self {
        // The one that the program uses; a second call changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { base: base.to_owned(), http: reqwest::Client::new(), token: None }
    }

    /// Signs in with cookies and makes an API token.
    pub async fn sign_in(base: &str, email: &str, password: &str) -> Self {
        let mut client = Self::anonymous(base);
        let login = client
            .send(
                client
                    .request(Method::POST, "/platform/api/login")
                    .json(&json!({"email": email, "password": password})),
            )
            .await;
        assert_eq!(login.status, 200, "{}", login.text);
        let cookies = cookies_of(&login);
        let csrf = cookies.split("; ").find_map(|cookie| cookie.strip_prefix("admin_csrf_token=")).unwrap().to_owned();
        let made = client
            .send(
                client
                    .request(Method::POST, "/platform/api/tokens")
                    .header("cookie", &cookies)
                    .header("x-csrf-token", csrf)
                    .json(&json!({"name": "test"})),
            )
            .await;
        client.token = Some(made.data()["token"].as_str().unwrap().to_owned());
        client
    }

    /// The same user's other hand: no credentials.
    pub fn without_token(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// `path` from the root of the server.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base)).header("accept-language", "en");
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    /// `path` below the crawler API.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, &crawler(path))).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, &crawler(path)).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PUT, &crawler(path)).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, &crawler(path))).await
    }

    /// A file as multipart field `file`, with the other fields beside it.
    pub async fn upload(&self, path: &str, name: &str, content: Vec<u8>, fields: &[(&str, &str)]) -> Answer {
        let mut form = multipart::Form::new();
        for (field, value) in fields {
            form = form.text((*field).to_owned(), (*value).to_owned());
        }
        let form = form.part("file", multipart::Part::bytes(content).file_name(name.to_owned()));
        self.send(self.request(Method::POST, &crawler(path)).multipart(form)).await
    }

    /// A spider with these files; its id. What fails is not tried again, unless `fields` say so.
    pub async fn spider(&self, mut fields: Value, files: &[(&str, &str)]) -> String {
        fields.as_object_mut().unwrap().entry("max_retries").or_insert(json!(0));
        let id = self.post("/spiders", fields).await.data()["id"].as_str().unwrap().to_owned();
        for (path, content) in files {
            self.post(&format!("/spiders/{id}/files/new"), json!({"path": path, "content": content})).await.data();
        }
        id
    }

    /// A spider of one script, run to its end; the task.
    pub async fn run_script(&self, fields: Value, script: &str) -> Value {
        let spider = self.spider(fields, &[("main.py", script)]).await;
        self.run_to_end(&spider, json!({})).await
    }

    /// Queues a run; the task's id.
    pub async fn run(&self, spider: &str, options: Value) -> String {
        let task = self.post(&format!("/spiders/{spider}/run"), options).await.data();
        task["id"].as_str().unwrap().to_owned()
    }

    pub async fn run_to_end(&self, spider: &str, options: Value) -> Value {
        let task = self.run(spider, options).await;
        self.ended(&task).await
    }

    /// Waits until the task has ended, by following its events; the task.
    pub async fn ended(&self, task: &str) -> Value {
        self.get(&format!("/tasks/{task}/events")).await;
        let task = self.get(&format!("/tasks/{task}")).await.data();
        assert!(!["pending", "running"].contains(&task["status"].as_str().unwrap()), "{task}");
        task
    }

    /// Waits until nothing that the server needs is missed; what it says then.
    pub async fn until_ready(&self) -> Value {
        let patience = Instant::now() + Duration::from_mins(1);
        loop {
            let ready = self.send(self.request(Method::GET, "/readyz")).await;
            if ready.status == 200 {
                return ready.json();
            }
            assert!(Instant::now() < patience, "still not ready: {}", ready.text);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Reads the task's log, live, until a line holds `text`.
    pub async fn wait_for_line(&self, task: &str, text: &str) {
        let request = self.request(Method::GET, &crawler(&format!("/tasks/{task}/logs/stream")));
        let mut response = request.send().await.unwrap();
        let mut seen = String::new();
        while let Some(piece) = response.chunk().await.unwrap() {
            seen.push_str(&String::from_utf8_lossy(&piece));
            if seen.contains(text) {
                return;
            }
        }
        panic!("the log ended without {text:?}: {seen}");
    }

    /// Asks again and again until what is there `holds`; the `data`.
    pub async fn eventually(&self, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let give_up = Instant::now() + Duration::from_mins(1);
        loop {
            let data = self.get(path).await.data();
            if holds(&data) {
                return data;
            }
            assert!(Instant::now() < give_up, "{path} stays {data}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// All lines of the task's log.
    pub async fn lines(&self, task: &str) -> Vec<Value> {
        let (mut lines, mut after) = (Vec::new(), 0);
        loop {
            let page = self.get(&format!("/tasks/{task}/logs/lines?limit=1000&after={after}")).await.data();
            let items = page["items"].as_array().unwrap();
            if items.is_empty() {
                return lines;
            }
            lines.extend(items.iter().cloned());
            after = page["next"].as_i64().unwrap();
        }
    }

    /// The task's items as they were sent, in order of arrival.
    pub async fn items(&self, task: &str) -> Vec<Value> {
        let text = self.get(&format!("/data/export/ndjson?task_id={task}")).await.text;
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// `a=1; b=2` from the Set-Cookie headers.
pub fn cookies_of(answer: &Answer) -> String {
    let cookies = answer.headers.get_all("set-cookie").iter();
    cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned()).collect::<Vec<_>>().join("; ")
}

fn crawler(path: &str) -> String {
    format!("/platform/api/crawlhub{path}")
}

/// A zip with these entries, names as they are.
pub fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
