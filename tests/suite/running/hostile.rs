//! Spiders that do what they should not. Each ends in a clear state with the reason.

use serde_json::{Value, json};

use crate::support::{ServerProcess, TestApp};

async fn failed(app: &TestApp, fields: Value, script: &str, category: &str, said: &str) -> Value {
    let task = app.run_script(fields, script).await;
    assert_eq!(task["status"], "failed", "{task}");
    assert_eq!(task["error_category"], category, "{task}");
    let message = task["error_message"].as_str().unwrap();
    assert!(message.contains(said), "{said:?} is not in {message:?}");
    task
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_by_exit_or_signal() {
    let app = TestApp::new().await;
    failed(&app, json!({"name": "exit"}), "raise SystemExit(7)", "system", "exit code 7").await;
    let segfault = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)";
    failed(&app, json!({"name": "signal"}), segfault, "system", "SIGSEGV").await;
    let down = "raise ConnectionRefusedError('no answer from example')";
    failed(&app, json!({"name": "network"}), down, "network", "no answer from example").await;
}

/// The last line is the reason, but for what no database takes.
#[tokio::test(flavor = "multi_thread")]
async fn its_last_words_are_binary() {
    let app = TestApp::new().await;
    let script = r"import sys
sys.stderr.buffer.write(b'\x1b[31mbo\0om\x07' + b'\0\xff' * 5000 + b'\n')
sys.exit(3)";
    let task = failed(&app, json!({"name": "binary"}), script, "system", "exit code 3: ").await;
    let message = task["error_message"].as_str().unwrap();
    assert!(message.contains("bo\u{fffd}om\u{fffd}"), "{message:?}");
    assert!(message.len() <= 2000 && !message.contains(char::is_control), "{message:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_too_long() {
    let app = TestApp::new().await;
    // It ignores SIGTERM as well: the kill follows.
    let script = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('before', flush=True)\ntime.sleep(60)";
    let task = failed(&app, json!({"name": "slow", "timeout_seconds": 1}), script, "timeout", "1 s").await;
    assert_eq!(app.lines(task["id"].as_str().unwrap()).await[0]["line"], "before");
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_too_much_memory() {
    let app = TestApp::new().await;
    let script = "x = []\nwhile True:\n    x.append(b'x' * 10_000_000)";
    let fields = json!({"name": "memory", "memory_limit_mb": 100});
    let task = failed(&app, fields, script, "system", "memory limit of 100 MB").await;
    assert!(task["peak_memory_mb"].as_f64().unwrap() >= 100.0, "{task}");
}

#[tokio::test(flavor = "multi_thread")]
async fn forks_without_end() {
    let app = TestApp::with(&[("CRAWLHUB_TASKS_MAX_PROCESSES", "50")]).await;
    let script = "import os, time\nfor _ in range(300):\n    if os.fork() == 0:\n        os.execvp('sleep', ['sleep', '765432'])\ntime.sleep(60)";
    failed(&app, json!({"name": "forks"}), script, "system", "processes").await;
    assert_eq!(processes_named("765432").await, 0);
}

/// A grandchild that left the group and the session, and one that holds the pipe, end with the spider.
#[tokio::test(flavor = "multi_thread")]
async fn leaves_grandchildren_behind() {
    let app = TestApp::new().await;
    let script = "import os, subprocess, sys, time\n\
        if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        os.execvp('sleep', ['sleep', '987654'])\n    os._exit(0)\n\
        subprocess.Popen(['sleep', '987654'])\nprint('left', flush=True)";
    let task = app.run_script(json!({"name": "daemons"}), script).await;
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!(processes_named("987654").await, 0);
}

/// How many processes have this in their command line, other than this one's.
async fn processes_named(word: &str) -> usize {
    let listing = tokio::process::Command::new("ps").args(["-eo", "args"]).output().await.unwrap();
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    listing.lines().filter(|line| line.contains(word) && !line.contains("ps -eo")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn prints_binary_and_closes_its_stdout() {
    let app = TestApp::new().await;
    let script = "import sys, os\nsys.stdout.buffer.write(bytes(range(256)) * 10 + b'\\nend\\n')\nsys.stdout.flush()\n\
                  os.close(1)\nprint('still here', file=sys.stderr)";
    let task = app.run_script(json!({"name": "binary"}), script).await;
    assert_eq!(task["exit_code"], 0, "{task}");
    let lines = app.lines(task["id"].as_str().unwrap()).await;
    let has = |text: &str| lines.iter().any(|line| line["line"] == text);
    assert!(has("end") && has("still here"), "{lines:?}");
}

/// More than its quota: the log ends there and says so; the run does not suffer.
#[tokio::test(flavor = "multi_thread")]
async fn prints_beyond_its_quota() {
    let app = TestApp::with(&[("CRAWLHUB_TASKS_LOG_LIMIT_BYTES", "100000")]).await;
    let script = "import sys\nfor n in range(20000):\n    print('line', n)\nprint('done', file=sys.stderr)";
    let task = app.run_script(json!({"name": "chatty"}), script).await;
    assert_eq!(task["status"], "completed", "{task}");
    let lines = app.lines(task["id"].as_str().unwrap()).await;
    assert_eq!(lines[0]["line"], "line 0");
    let bytes: usize = lines.iter().map(|line| line["line"].as_str().unwrap().len()).sum();
    assert!(bytes < 120_000, "{bytes}");
    let last = lines.last().unwrap();
    assert_eq!(last["stream"], "system");
    assert!(last["line"].as_str().unwrap().contains("dropped"), "{last}");
}

/// Hundreds of megabytes in lines, and a line of a gigabyte without an end, each time it is tried: the disk has the
/// attempts' quotas at most, and nothing of it is held in memory.
#[tokio::test(flavor = "multi_thread")]
async fn prints_without_end() {
    let server = ServerProcess::start(&[("CRAWLHUB_TASKS_LOG_LIMIT_BYTES", "8000000")]).await;
    let script = "import random, string, sys
some = [''.join(random.choices(string.printable[:94], k=99)) for _ in range(1000)]
for n in range(3000):
    random.shuffle(some)
    sys.stdout.write('\\n'.join(some) + '\\n')
for n in range(1024):
    sys.stderr.write('x' * 2**20)
sys.exit(1)";
    let spider = server.spider(json!({"name": "endless"}), &[("main.py", script)]).await;
    server.put(&format!("/spiders/{spider}"), json!({"max_retries": 1, "retry_delay_seconds": 0})).await.ok();
    let task = server.run_to_end(&spider, json!({})).await;
    assert_eq!((&task["exit_code"], &task["attempt"]), (&json!(1), &json!(2)), "{task}");
    let id = task["id"].as_str().unwrap();
    let last = server.get(&format!("/tasks/{id}/logs/lines?tail=1")).await.data()["items"][0].clone();
    assert_eq!(last["stream"], "system");
    assert!(last["line"].as_str().unwrap().contains("dropped"), "{last}");
    let storage = server.send(server.request(reqwest::Method::GET, "/platform/api/storage")).await.data();
    let kept = storage["spiders"][0]["logs_bytes"].as_i64().unwrap();
    assert!((1_000_000..=2 * 8_200_000).contains(&kept), "{storage}");
    let peak = server.peak_memory_mb();
    assert!(peak < 200, "{peak} MB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requirement_that_cannot_be_installed() {
    let app = TestApp::new().await;
    let fields = json!({"name": "bad", "requirements_txt": "no-such-package-for-crawlhub==99.99\n"});
    let task = failed(&app, fields, "print(1)", "system", "requirements could not be installed").await;
    let lines = app.lines(task["id"].as_str().unwrap()).await;
    assert!(lines.iter().any(|line| line["stream"] == "system"), "the build's log is the task's: {lines:?}");
}

/// The token is the task's alone, and dies with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_spider_uses_its_token_elsewhere() {
    let app = TestApp::new().await;
    let script = r"
import os, json, urllib.request, urllib.error
def call(method, url, body=None, token=None):
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    request.add_header('content-type', 'application/json')
    if token: request.add_header('authorization', 'Bearer ' + token)
    try: return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error: return error.code
api, token, task = os.environ['CRAWLHUB_API_URL'], os.environ['CRAWLHUB_TOKEN'], os.environ['CRAWLHUB_TASK_ID']
root = api.split('/platform/api')[0] + '/platform/api'
spider = os.environ['CRAWLHUB_SPIDER_ID']
items = {'task_id': task, 'spider_id': spider, 'items': [{'n': 1}]}
print(json.dumps({
    'own': call('POST', api + '/crawlhub/internal/items', items),
    'header': call('POST', root + '/crawlhub/internal/items', items, token),
    'none': call('POST', root + '/crawlhub/internal/items', items),
    'forged': call('POST', root + '/crawlhub/internal/items', items, task + '.1.AAAA'),
    'other task': call('POST', api + '/crawlhub/internal/items', dict(items, task_id='0')),
    'other spider': call('POST', api + '/crawlhub/internal/items', dict(items, spider_id='0')),
    'tasks': call('GET', root + '/crawlhub/tasks', token=token),
    'users': call('GET', root + '/users', token=token),
    'token': api,
}))";
    let task = app.run_script(json!({"name": "token"}), script).await;
    let lines = app.lines(task["id"].as_str().unwrap()).await;
    let seen: Value = serde_json::from_str(lines[0]["line"].as_str().unwrap()).unwrap();
    for (what, status) in [
        ("own", 200),
        ("header", 200),
        ("none", 401),
        ("forged", 401),
        ("other task", 404),
        ("other spider", 400),
        ("tasks", 401),
        ("users", 401),
    ] {
        assert_eq!(seen[what], status, "{what}: {seen}");
    }
    // The task is over: the address it had is void.
    let path = format!("{}/crawlhub/internal/items", seen["token"].as_str().unwrap().strip_prefix(&app.base).unwrap());
    let late = json!({"task_id": task["id"], "spider_id": task["spider_id"], "items": [{"n": 2}]});
    let answer = app.send(app.without_token().request(reqwest::Method::POST, &path).json(&late)).await;
    assert_eq!(answer.error(400), "task_not_running");
    assert_eq!(app.items(task["id"].as_str().unwrap()).await.len(), 2);
}

/// Links in place of the attempt's own folders: what they point to is none of the runner's.
#[tokio::test(flavor = "multi_thread")]
async fn puts_links_where_its_folders_were() {
    // Confined it could not even try.
    let app = TestApp::with(&[("CRAWLHUB_RUNNER_CONFINE", "off")]).await;
    let precious = tempfile::tempdir().unwrap();
    let make = |name: &str| {
        let folder = precious.path().join(name);
        std::fs::create_dir_all(folder.join("inner")).unwrap();
        std::fs::write(folder.join("inner/kept"), "kept").unwrap();
        std::fs::write(folder.join("x.jsonl"), "{\"stolen\": 1}\n").unwrap();
        std::fs::write(folder.join("x.json"), "[{\"stolen\": 1}]").unwrap();
        std::fs::write(folder.join("1.json"), "{\"batch\": 1, \"items\": [{\"stolen\": 1}]}").unwrap();
        std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        folder
    };
    let folders = [make("tmp"), make("home"), make("work"), make("output"), make("spool"), make("attempt")];
    let printed = precious.path().join("printed");
    std::fs::write(&printed, "kept").unwrap();
    let precious_path = precious.path().to_str().unwrap();
    let inner = format!(
        "import os, shutil\nroot, precious = os.path.dirname(os.getcwd()), {precious_path:?}\nos.chdir('/')\n\
         os.symlink(precious + '/printed', root + '/stdout')\n\
         for name in ('tmp', 'home', 'work', 'output', 'spool'):\n    \
             shutil.rmtree(root + '/' + name)\n    os.symlink(precious + '/' + name, root + '/' + name)\nprint('done')"
    );
    let whole = format!(
        "import os\nroot, precious = os.path.dirname(os.getcwd()), {precious_path:?}\nos.chdir('/')\n\
         try:\n    os.rename(root, root + '-away')\n    os.symlink(precious + '/attempt', root)\n\
         except PermissionError: pass\nprint('done')"
    );
    for script in [inner, whole] {
        let task = app.run_script(json!({"name": "links"}), &script).await;
        let id = task["id"].as_str().unwrap();
        assert!(app.lines(id).await.iter().any(|line| line["line"] == "done"), "{task} {:?}", app.lines(id).await);
        assert!(app.items(id).await.is_empty(), "{task}");
    }
    for folder in folders {
        assert_eq!(std::fs::read_to_string(folder.join("inner/kept")).unwrap(), "kept");
        let mode = std::os::unix::fs::PermissionsExt::mode(&folder.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o755, "{}", folder.display());
    }
    assert_eq!(std::fs::read_to_string(printed).unwrap(), "kept");
}

/// Files without content, as long as they may be: nobody waits for them to be read.
#[tokio::test(flavor = "multi_thread")]
async fn makes_sparse_files_of_items() {
    let app = TestApp::new().await;
    let make = |count: usize| {
        format!(
            "import os, time\nfor n in range({count}):\n    \
                 f = open(os.environ['CRAWLHUB_OUTPUT_DIR'] + f'/{{n:03}}.jsonl', 'wb')\n    f.truncate(3 << 30)\n\
             try: f.truncate(8 << 40)\nexcept OSError as error: print(error.strerror, flush=True)\n"
        )
    };
    let many = app.spider(json!({"name": "many"}), &[("main.py", &(make(100) + "time.sleep(600)"))]).await;
    let task = app.run(&many, json!({})).await;
    app.wait_for_line(&task, "File too large").await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let asked = std::time::Instant::now();
    app.post(&format!("/tasks/{task}/cancel"), json!({})).await;
    assert_eq!(app.ended(&task).await["status"], "cancelled");
    assert!(asked.elapsed().as_secs() < 20, "{:?}", asked.elapsed());

    let task = app.run_script(json!({"name": "one"}), &make(1)).await;
    assert_eq!((&task["status"], &task["error_category"]), (&json!("failed"), &json!("parse")), "{task}");
    assert!(task["error_message"].as_str().unwrap().contains("longer than"), "{task}");
}
