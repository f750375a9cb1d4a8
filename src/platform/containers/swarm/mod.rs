//! Docker Swarm: jobs, each a service of one container that ends, on whichever machine has what it asks for.
//!
//! A swarm is told to start a job once and no more: one whose machine is gone is not started elsewhere, and one that is over
//! stays until it is removed. Both are left to whoever made it. A manager that has just become one may start a job that is
//! over once more; whatever runs in it must bear that.

mod making;
mod services;
mod states;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use bollard::{
    models::SecretSpec,
    query_parameters::{ListSecretsOptions, ListServicesOptions, ListTasksOptions},
};

pub use services::Services;

use super::{
    ContainerError, INSTALLATION_LABEL, Labels, Limits, Result, TYPE_LABEL,
    docker::{Connection, found},
};

/// Of the secret in the container, below `/run/secrets`.
pub const SECRET_FILE: &str = "/run/secrets/crawlhub";
/// Where a container may write besides `/tmp`: a volume of its own, which goes with it.
pub const FOLDER: &str = "/data";

/// A manager of a swarm, and the name of this installation on it.
#[derive(Debug)]
pub struct Swarm {
    connection: Connection,
    installation: String,
}

/// A job to be made.
#[derive(Debug, Clone)]
pub struct JobSpec {
    /// Of the service and of its secret. There is one of a name.
    pub name: String,
    pub image: String,
    pub command: Vec<String>,
    /// Values may hold what the engine knows, as `{{.Node.Hostname}}`.
    pub env: Vec<(String, String)>,
    /// What [`SECRET_FILE`] holds.
    pub secret: String,
    /// Beside those that every job has.
    pub labels: Labels,
    /// `file_mb` means nothing here.
    pub limits: Limits,
    /// What a machine must have, as [`Machine::has`] understands it.
    pub wanted: Vec<String>,
    /// Beside the bridge of its machine, by name.
    pub network: Option<String>,
}

/// A job that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub id: String,
    pub name: String,
    pub labels: Labels,
    pub state: JobState,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// It has not started; why not, where the swarm says so.
    Waiting {
        why: String,
    },
    Running,
    /// No machine could start it.
    Rejected {
        why: String,
    },
    /// It runs no more; the exit code, where there was one.
    Ended {
        code: Option<i64>,
        why: String,
    },
}

/// A machine of the swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    pub name: String,
    pub labels: Labels,
    /// It answers, and takes what is new.
    pub is_ready: bool,
}

impl Machine {
    /// Whether its labels say so: `region=eu` is the label `region` with the value `eu`, `gpu` the label `gpu` with the
    /// value `true`.
    pub fn has(&self, wanted: &str) -> bool {
        making::is_constraint(wanted)
            && matches!(making::parts(wanted), (name, value) if self.labels.get(name).is_some_and(|own| own == value))
    }
}

impl Swarm {
    /// Nothing is asked of the manager yet. `installation` tells its jobs from those of others.
    pub fn new(host: &str, installation: &str) -> Self {
        Self { connection: Connection::new(host), installation: installation.to_owned() }
    }

    pub async fn machines(&self) -> Result<Vec<Machine>> {
        let client = self.connection.client().await?;
        let nodes = self.connection.ask("", client.list_nodes(None)).await?;
        Ok(nodes.into_iter().map(states::machine_of).collect())
    }

    /// All jobs of this installation of one kind.
    pub async fn jobs(&self, kind: &str) -> Result<Vec<Job>> {
        let client = self.connection.client().await?;
        let filters = Some(self.filters(kind));
        let services = client.list_services(Some(ListServicesOptions { filters, status: None }));
        let services = self.connection.ask("", services).await?;
        if services.is_empty() {
            return Ok(Vec::new());
        }
        let filters = Some(HashMap::from([("label".to_owned(), self.own(kind))]));
        let tasks = self.connection.ask("", client.list_tasks(Some(ListTasksOptions { filters }))).await?;
        Ok(services.into_iter().filter_map(|service| states::job_of(service, &tasks)).collect())
    }

    /// Makes the job, unless there is one of its name.
    pub async fn make(&self, kind: &str, job: &JobSpec) -> Result<()> {
        let client = self.connection.client().await?;
        let own = [(TYPE_LABEL, kind), (INSTALLATION_LABEL, self.installation.as_str())];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let labels: HashMap<String, String> = job.labels.clone().into_iter().chain(own).collect();
        let secret = self.secret(&client, job, &labels).await?;
        let service = client.create_service(making::service_of(job, secret, labels), None);
        match self.connection.ask(&job.name, service).await {
            Err(ContainerError::Conflict(_)) => Ok(()),
            made => made.map(drop),
        }
    }

    /// The id of the job's secret, which is made where there is none.
    async fn secret(
        &self,
        client: &bollard::Docker,
        job: &JobSpec,
        labels: &HashMap<String, String>,
    ) -> Result<String> {
        let spec = SecretSpec {
            name: Some(job.name.clone()),
            labels: Some(labels.clone()),
            data: Some(making::base64(job.secret.as_bytes())),
            ..Default::default()
        };
        match self.connection.ask(&job.name, client.create_secret(spec)).await {
            Err(ContainerError::Conflict(_)) => {}
            made => return Ok(made?.id),
        }
        let found = self.connection.ask(&job.name, client.inspect_secret(&job.name)).await?;
        found.id.ok_or_else(|| ContainerError::failed("a secret without an id"))
    }

    /// Ends the job, and forgets it and its secret. One that is not there is removed.
    pub async fn remove(&self, job: &Job) -> Result<()> {
        let client = self.connection.client().await?;
        let gone = async { found(client.delete_service(&job.id).await).map(drop) };
        self.connection.ask(&job.name, gone).await?;
        self.remove_secret(&job.name).await
    }

    /// Names and labels of all secrets of this installation that jobs of one kind have, or had.
    pub async fn secrets(&self, kind: &str) -> Result<Vec<(String, Labels)>> {
        let client = self.connection.client().await?;
        let filters = Some(self.filters(kind));
        let secrets = self.connection.ask("", client.list_secrets(Some(ListSecretsOptions { filters }))).await?;
        let specs = secrets.into_iter().filter_map(|secret| secret.spec);
        let named = specs.filter_map(|spec| Some((spec.name?, spec.labels.unwrap_or_default().into_iter().collect())));
        Ok(named.collect())
    }

    pub async fn remove_secret(&self, name: &str) -> Result<()> {
        let client = self.connection.client().await?;
        let gone = async { found(client.delete_secret(name).await).map(drop) };
        self.connection.ask(name, gone).await
    }

    fn own(&self, kind: &str) -> Vec<String> {
        vec![format!("{TYPE_LABEL}={kind}"), format!("{INSTALLATION_LABEL}={}", self.installation)]
    }

    fn filters(&self, kind: &str) -> HashMap<String, Vec<String>> {
        HashMap::from([("label".to_owned(), self.own(kind))])
    }
}

/// Whether what a swarm says of a job that waits is that no machine has room for what it reserves.
pub fn is_full(why: &str) -> bool {
    why.contains("insufficient resources")
}

/// Whether the manager is none: the engine is in no swarm, or only a worker of one.
pub fn is_no_manager(error: &ContainerError) -> bool {
    error.to_string().contains("not a swarm manager")
}
