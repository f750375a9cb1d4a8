use std::time::Instant;

use anyhow::anyhow;
use serde::Serialize;

use super::{
    DataSource, Datasources, Mode,
    store::not_found,
    types::{DataSourceChange, Password, Tested},
};
use crate::{
    error::{Checks, Error, Result},
    id::{DatasourceId, SpiderId},
    platform::sink::{self, Address, Failure, Options},
    text,
};

/// What a spider is told of a datasource that it is linked with, in the predecessor's names.
#[derive(Serialize)]
struct Told<'a> {
    id: &'a DatasourceId,
    name: &'a str,
    r#type: sink::SinkKind,
    host: &'a str,
    port: i64,
    username: &'a str,
    password: Option<String>,
    database: &'a str,
}

impl Datasources {
    pub(super) async fn create(&self, new: DataSourceChange) -> Result<DataSource> {
        let missing = |loc| Error::invalid(loc, "missing", text!("必填", "is required"));
        let kind = new.kind.ok_or_else(|| missing("body.type"))?;
        if new.mode == Some(Mode::Managed) {
            return Err(no_engine());
        }
        let mut source = DataSource::new(kind, self.clock.now());
        new.apply(&mut source);
        new.check(&source)?;
        self.set_password(&mut source, new.password())?;
        if new.create_db_if_not_exists {
            let made = self.sinks.make_database(&self.address(&source)?).await;
            made.map_err(|failure| not_made(&failure))?;
        }
        self.insert(&source).await?;
        self.get(&source.id).await
    }

    pub(super) async fn change(&self, id: &DatasourceId, change: DataSourceChange) -> Result<DataSource> {
        let mut source = self.get(id).await?;
        change.apply(&mut source);
        change.check(&source)?;
        self.set_password(&mut source, change.password())?;
        source.updated_at = self.clock.now();
        if !self.update(&source).await? {
            return Err(not_found(id));
        }
        self.sinks.forget(id).await;
        self.items_are_stored();
        self.get(id).await
    }

    pub(super) async fn delete(&self, id: &DatasourceId) -> Result<()> {
        if self.remove_unlinked(id).await? {
            self.sinks.forget(id).await;
            return Ok(());
        }
        self.get(id).await?;
        Err(Error::bad_request(
            "datasource_linked",
            text!(
                "数据源仍与爬虫关联，请先移除关联",
                "spiders are linked with the datasource; remove these links first"
            ),
        ))
    }

    /// Tries what a caller sent; nothing is kept.
    pub(super) async fn test_given(&self, given: DataSourceChange) -> Result<Tested> {
        let kind = given.kind.ok_or_else(|| Error::invalid("body.type", "missing", text!("必填", "is required")))?;
        let mut source = DataSource::new(kind, self.clock.now());
        given.apply(&mut source);
        let mut checks = Checks::default();
        given.check_connection(&source, &mut checks);
        checks.finish()?;
        let password = match given.password() {
            Password::Becomes(password) => Some(password),
            Password::Stays | Password::Goes => None,
        };
        Ok(self.tested(address(&source, password)?).await.0)
    }

    pub(super) async fn test(&self, id: &DatasourceId) -> Result<Tested> {
        let Some(source) = self.find(id).await? else {
            let message = crate::platform::http::said(text!("数据源 {id} 不存在", "there is no datasource {id}"));
            return Ok(Tested { ok: false, message, latency_ms: 0 });
        };
        let (tested, failure) = self.tested(self.address(&source)?).await;
        self.note(id, failure.as_ref().map(Failure::reason)).await?;
        Ok(tested)
    }

    async fn tested(&self, address: Address) -> (Tested, Option<Failure>) {
        let begun = Instant::now();
        let outcome = self.sinks.test(&address).await;
        let latency_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        match outcome {
            Ok(()) => {
                let message = crate::platform::http::said(text!("连接成功", "the database answers"));
                (Tested { ok: true, message, latency_ms }, None)
            }
            Err(failure) => (Tested { ok: false, message: failure.reason().to_owned(), latency_ms }, Some(failure)),
        }
    }

    /// Starts or stops the container of a managed one.
    pub(super) async fn switch(&self, id: &DatasourceId) -> Result<()> {
        match self.get(id).await?.mode {
            Mode::Managed => Err(no_engine()),
            Mode::External => Err(Error::bad_request(
                "not_managed",
                text!(
                    "该数据源不是托管的，平台不能启动或停止它",
                    "the platform does not run this database: it is external"
                ),
            )),
        }
    }

    /// As JSON, with passwords, what a spider's process is told of the datasources that it is linked with; none where
    /// there are none.
    pub(super) fn told(&self, sources: &[DataSource]) -> Result<Option<String>> {
        if sources.is_empty() {
            return Ok(None);
        }
        let told = sources.iter().map(|source| {
            Ok(Told {
                id: &source.id,
                name: &source.name,
                r#type: source.kind,
                host: &source.host,
                port: source.port,
                username: &source.username,
                password: self.password(source)?,
                database: &source.database,
            })
        });
        let told: Vec<Told<'_>> = told.collect::<Result<_>>()?;
        serde_json::to_string(&told).map(Some).map_err(Error::internal)
    }

    pub(super) fn address(&self, source: &DataSource) -> Result<Address> {
        address(source, self.password(source)?)
    }

    fn password(&self, source: &DataSource) -> Result<Option<String>> {
        if source.sealed_password.is_empty() {
            return Ok(None);
        }
        let password = self.secrets.open_sealed(&owner(&source.id), &source.sealed_password)?;
        String::from_utf8(password).map(Some).map_err(Error::internal)
    }

    fn set_password(&self, source: &mut DataSource, password: Password) -> Result<()> {
        match password {
            Password::Stays => {}
            Password::Goes => source.sealed_password.clear(),
            Password::Becomes(password) => {
                source.sealed_password = self.secrets.seal(&owner(&source.id), password.as_bytes())?;
            }
        }
        Ok(())
    }

    /// What the spider's process is to know, and the task's items are delivered from here on. Before it stores any.
    pub async fn begin(&self, spider: &SpiderId, task: &crate::id::TaskId, is_test: bool) -> Result<Option<String>> {
        let sources = self.linked_with(spider).await?;
        if !sources.is_empty() && !is_test {
            self.follow(spider, task).await?;
        }
        let on: Vec<DataSource> = sources.into_iter().filter(|(_, is_on)| *is_on).map(|(source, _)| source).collect();
        self.told(&on)
    }
}

/// Encrypted values open for this row alone.
fn owner(id: &DatasourceId) -> String {
    format!("datasource:{id}")
}

fn address(source: &DataSource, password: Option<String>) -> Result<Address> {
    let mut checks = Checks::default();
    let options = Options::read(source.kind, &source.connection_options, &mut checks);
    checks.finish()?;
    Ok(Address {
        kind: source.kind,
        host: source.host.clone(),
        port: u16::try_from(source.port).map_err(Error::internal)?,
        username: source.username.clone(),
        password,
        database: source.database.clone(),
        options,
    })
}

fn not_made(failure: &Failure) -> Error {
    let reason = failure.reason();
    Error::outside("database_not_made", text!("无法创建数据库: {reason}", "the database could not be made: {reason}"))
}

fn no_engine() -> Error {
    Error::Unavailable {
        what: "container engine",
        source: anyhow!("managed datasources run in containers, and no container engine is connected"),
    }
}
