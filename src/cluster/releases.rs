//! Releases and their bundles as objects of the cluster.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::{Value, json};

use super::error::ClusterError;
use super::history::may_have_written;
use super::write::FIELD_MANAGER;
use crate::manifest::Bundle;
use crate::spec::crd::{
    self, Approval, Concurrency, Control, PLAN_LABEL, Planning, Release, ReleasePlan,
    ReleasePlanSpec, ReleaseSpec, Trigger,
};

/// How much of a bundle goes into one Secret: an object may have 1 MiB, base64 and metadata included.
const PART_BYTES: usize = 700_000;
/// How many Secrets a bundle may take: with manifests that compress eightfold, some 350 MB.
const PARTS_MAX: usize = 64;
/// How many bytes a bundle may have unpacked, so that a forged one cannot fill the memory.
const UNPACKED_MAX: u64 = 512 << 20;
/// Says which attempt has made a release: a request that is done twice, or whose answer is lost and that is sent again,
/// finds the name taken by itself.
const ATTEMPT: &str = "tidegate.dev/attempt";
/// The one key of a part's Secret.
const PART_KEY: &str = "part";

/// What a new release says of itself.
#[derive(Debug, Clone)]
pub struct NewRelease {
    /// The plan.
    pub plan: String,
    /// What is released, for people.
    pub revision: String,
    /// What started it.
    pub trigger: Trigger,
    /// Why, in somebody's words.
    pub reason: Option<String>,
    /// The digest of the one plan that may be carried out.
    pub plan_digest: Option<String>,
    /// Which plan of the input is asked for.
    pub planning: Planning,
    /// What it does with an earlier release that has not ended.
    pub concurrency: Concurrency,
    /// What is approved ahead of time.
    pub approvals: Vec<Approval>,
    /// What counts as open ahead of time.
    pub forces: Vec<Approval>,
    /// The release that it takes back.
    pub rollback_of: Option<String>,
    /// The release that it does once more.
    pub retry_of: Option<String>,
}

/// Releases of one namespace.
#[derive(Clone)]
pub struct Releases {
    client: Client,
    namespace: String,
}

impl Releases {
    /// Those of a namespace, as a client sees them.
    pub fn new(client: Client, namespace: &str) -> Self {
        Self {
            client,
            namespace: namespace.to_owned(),
        }
    }

    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(super) fn api(&self) -> Api<Release> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(super) fn plans(&self) -> Api<ReleasePlan> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// All releases, of one plan if it is given, in the order of their numbers.
    pub async fn list(&self, plan: Option<&str>) -> Result<Vec<Release>, ClusterError> {
        let found = self
            .api()
            .list(&ListParams::default())
            .await
            .map_err(|e| ClusterError::of(e, "releases"))?;
        let mut releases = found.items;
        releases.retain(|release| plan.is_none_or(|plan| release.spec.plan == plan));
        releases.sort_by_key(|release| (release.spec.plan.clone(), release.spec.number));
        Ok(releases)
    }

    /// One release by name.
    pub async fn get(&self, name: &str) -> Result<Release, ClusterError> {
        self.api()
            .get(name)
            .await
            .map_err(|e| ClusterError::of(e, format!("release `{name}`")))
    }

    /// A plan by name, if it exists.
    pub async fn plan(&self, name: &str) -> Result<Option<ReleasePlan>, ClusterError> {
        self.plans()
            .get_opt(name)
            .await
            .map_err(|e| ClusterError::of(e, format!("plan `{name}`")))
    }

    /// Every plan.
    pub async fn all_plans(&self) -> Result<Vec<ReleasePlan>, ClusterError> {
        let found = self.plans().list(&ListParams::default()).await;
        found
            .map(|list| list.items)
            .map_err(|e| ClusterError::of(e, "plans"))
    }

    /// The value of a key of a Secret, as text; `None` if it has no such key.
    pub async fn secret_value(
        &self,
        name: &str,
        key: &str,
    ) -> Result<Option<String>, ClusterError> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let secret = secrets
            .get(name)
            .await
            .map_err(|e| ClusterError::of(e, format!("secret `{name}`")))?;
        let value = secret.data.unwrap_or_default().remove(key);
        Ok(value.map(|bytes| String::from_utf8_lossy(&bytes.0).into_owned()))
    }

    /// Makes a plan, if there is none of that name, so that its releases have a home.
    pub async fn ensure_plan(
        &self,
        name: &str,
        spec: &ReleasePlanSpec,
    ) -> Result<ReleasePlan, ClusterError> {
        if let Some(plan) = self.plan(name).await? {
            return Ok(plan);
        }
        let plans = self.plans();
        let plan = ReleasePlan::new(name, spec.clone());
        match plans.create(&PostParams::default(), &plan).await {
            Ok(plan) => Ok(plan),
            Err(kube::Error::Api(status)) if status.code == 409 => plans
                .get(name)
                .await
                .map_err(|e| ClusterError::of(e, format!("plan `{name}`"))),
            Err(error) => Err(ClusterError::of(error, format!("plan `{name}`"))),
        }
    }

    /// Makes a plan, or makes it what the files say.
    pub async fn declare_plan(
        &self,
        name: &str,
        spec: &ReleasePlanSpec,
    ) -> Result<ReleasePlan, ClusterError> {
        let plan = self.ensure_plan(name, spec).await?;
        if plan.spec == *spec {
            return Ok(plan);
        }
        let plans = self.plans();
        let declared = ReleasePlan::new(name, spec.clone());
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        plans
            .patch(name, &parameters, &Patch::Apply(&declared))
            .await
            .map_err(|e| ClusterError::of(e, format!("plan `{name}`")))
    }

    /// Makes a release with the next free number, and its bundle.
    ///
    /// The release comes first and owns its parts, so that nothing is left over when it is deleted; a release whose
    /// parts are not all there yet is not started by anybody, since its digest does not match.
    pub async fn create(
        &self,
        plan: &ReleasePlan,
        new: &NewRelease,
        bundle: &Bundle,
    ) -> Result<Release, ClusterError> {
        self.create_unless(plan, new, bundle, |_| false).await
    }

    /// The same, unless the newest release of the plan is the one that is wanted: then that one, with what may be missing
    /// of its bundle after a crash.
    ///
    /// Two who do this at once make one release: the number is the next one of a list that did not have it, and who comes
    /// second looks again.
    pub async fn create_unless(
        &self,
        plan: &ReleasePlan,
        new: &NewRelease,
        bundle: &Bundle,
        is_it: impl Fn(Option<&Release>) -> bool,
    ) -> Result<Release, ClusterError> {
        let owner: Vec<OwnerReference> = plan.controller_owner_ref(&()).into_iter().collect();
        let mut taken = 0;
        loop {
            let mut all = self.list(Some(&new.plan)).await?;
            if is_it(all.last())
                && let Some(release) = all.pop()
            {
                if release.spec.bundle.digest == Bundle::digest(&bundle.to_bytes()) {
                    self.complete(&release, bundle).await?;
                }
                return Ok(release);
            }
            let last = all.last().map_or(0, |last| last.spec.number);
            let number = last.max(taken) + 1;
            let made = self.create_numbered(owner.clone(), new, bundle, number);
            match made.await? {
                Some(release) => return Ok(release),
                None => taken = number,
            }
        }
    }

    /// The same with a number; `None` if somebody has it already.
    pub(super) async fn create_numbered(
        &self,
        owner: Vec<OwnerReference>,
        new: &NewRelease,
        bundle: &Bundle,
        number: u64,
    ) -> Result<Option<Release>, ClusterError> {
        let bytes = bundle.to_bytes();
        let parts = pack(&bytes).map_err(|message| ClusterError::Refused {
            what: format!("the manifests of `{}`", new.plan),
            message,
        })?;
        let spec = ReleaseSpec {
            plan: new.plan.clone(),
            number,
            revision: new.revision.clone(),
            trigger: new.trigger.word().to_owned(),
            reason: new.reason.clone(),
            rollback_of: new.rollback_of.clone(),
            retry_of: new.retry_of.clone(),
            bundle: crd::Bundle {
                digest: Bundle::digest(&bytes),
                parts: u32::try_from(parts.len()).unwrap_or(u32::MAX),
            },
            plan_digest: new.plan_digest.clone(),
            planning: new.planning.clone(),
            concurrency: new.concurrency,
            control: (!new.approvals.is_empty() || !new.forces.is_empty()).then(|| Control {
                approvals: new.approvals.clone(),
                forces: new.forces.clone(),
                ..Control::default()
            }),
        };
        let mut release = Release::new(&format!("{}-{number}", new.plan), spec);
        release.metadata.labels = Some(labels(&new.plan));
        release.metadata.owner_references = Some(owner);
        let attempt = format!("{:032x}", rand::random::<u128>());
        release
            .annotations_mut()
            .insert(ATTEMPT.to_owned(), attempt);
        self.keeps_wish(&release).await?;
        let made = match self.api().create(&PostParams::default(), &release).await {
            Ok(created) => Some(created),
            Err(kube::Error::Api(status)) if status.code == 409 => self.made_by(&release).await?,
            Err(error) => return Err(ClusterError::of(error, release.name_any())),
        };
        if let Some(release) = &made {
            self.create_parts(release, &parts).await?;
        }
        Ok(made)
    }

    /// The release of that name, if it is of the same attempt.
    async fn made_by(&self, release: &Release) -> Result<Option<Release>, ClusterError> {
        let name = release.name_any();
        let there = self.api().get_opt(&name).await;
        let there = there.map_err(|error| ClusterError::of(error, name))?;
        let attempt = |release: &Release| release.annotations().get(ATTEMPT).cloned();
        Ok(there.filter(|there| attempt(there) == attempt(release)))
    }

    /// An older definition would take what it does not know out of the release, for instance the wish for a saved plan,
    /// and nobody would honour it: tried before anything is written.
    async fn keeps_wish(&self, release: &Release) -> Result<(), ClusterError> {
        let trial = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        match self.api().create(&trial, release).await {
            Ok(kept) if kept.spec != release.spec => Err(Self::older_definitions("the release")),
            // Whatever else is wrong, the real attempt says it.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// The API server has taken something out that it does not know.
    pub(super) fn older_definitions(what: &str) -> ClusterError {
        ClusterError::Refused {
            what: what.to_owned(),
            message: "the custom resources in the cluster are older than this tidegate: \
                      `tidegate crds | kubectl apply -f -`"
                .to_owned(),
        }
    }

    async fn create_parts(&self, release: &Release, parts: &[Vec<u8>]) -> Result<(), ClusterError> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        for (index, part) in parts.iter().enumerate() {
            let name = part_name(&release.name_any(), index);
            let secret = Secret {
                metadata: ObjectMeta {
                    name: Some(name.clone()),
                    labels: Some(labels(&release.spec.plan)),
                    owner_references: Some(release.controller_owner_ref(&()).into_iter().collect()),
                    ..ObjectMeta::default()
                },
                type_: Some("tidegate.dev/bundle".to_owned()),
                immutable: Some(true),
                data: Some(BTreeMap::from([(
                    PART_KEY.to_owned(),
                    ByteString(part.clone()),
                )])),
                ..Secret::default()
            };
            match secrets.create(&PostParams::default(), &secret).await {
                Ok(_) => {}
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => return Err(ClusterError::of(error, format!("secret `{name}`"))),
            }
        }
        Ok(())
    }

    /// Writes missing parts of a release's bundle again, after a crash between the release and its parts.
    pub async fn complete(&self, release: &Release, bundle: &Bundle) -> Result<(), ClusterError> {
        match pack(&bundle.to_bytes()) {
            Ok(parts) => self.create_parts(release, &parts).await,
            Err(message) => Err(ClusterError::Refused {
                what: release.name_any(),
                message,
            }),
        }
    }

    /// Reads a release's bundle and checks its digest.
    pub async fn bundle(&self, release: &Release) -> Result<Bundle, ClusterError> {
        let damaged = |message: String| ClusterError::Bundle {
            release: release.name_any(),
            message,
        };
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut packed = Vec::new();
        for index in 0..usize::try_from(release.spec.bundle.parts)
            .unwrap_or(0)
            .min(PARTS_MAX)
        {
            let name = part_name(&release.name_any(), index);
            let part = match secrets.get(&name).await {
                Ok(secret) => secret.data.unwrap_or_default().remove(PART_KEY),
                Err(error) => {
                    let error = ClusterError::of(error, format!("secret `{name}`"));
                    return Err(if error.is_absent() {
                        damaged(error.to_string())
                    } else {
                        error
                    });
                }
            };
            packed.extend(
                part.ok_or_else(|| damaged(format!("secret `{name}` has no `{PART_KEY}`")))?
                    .0,
            );
        }
        let bytes = unpack(&packed).map_err(|error| damaged(error.to_string()))?;
        if Bundle::digest(&bytes) != release.spec.bundle.digest {
            return Err(damaged("its digest is not the release's".to_owned()));
        }
        Bundle::from_bytes(&bytes).map_err(|error| damaged(error.to_string()))
    }

    /// The ended releases of a plan that may have written something, in the order of their numbers. Of those before
    /// the last that succeeded nothing is left that it did not take over.
    pub(super) async fn ended(&self, plan: &str) -> Result<Vec<Release>, ClusterError> {
        let mut releases = match self.list(Some(plan)).await {
            Ok(releases) => releases,
            Err(ClusterError::NotInstalled) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        releases.retain(may_have_written);
        Ok(releases)
    }
}

impl Releases {
    /// Changes what people ask of a running release.
    pub async fn control(&self, name: &str, control: &Value) -> Result<Release, ClusterError> {
        let patch = json!({"spec": {"control": control}});
        self.api()
            .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .map_err(|e| ClusterError::of(e, format!("release `{name}`")))
    }
}

/// Whether a release has ended.
pub fn has_ended(release: &Release) -> bool {
    release
        .status
        .as_ref()
        .is_some_and(|status| status.outcome.is_some())
}

fn labels(plan: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(PLAN_LABEL.to_owned(), plan.to_owned())])
}

fn part_name(release: &str, index: usize) -> String {
    format!("{release}-bundle-{index}")
}

fn pack(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(bytes)
        .map_err(|error| error.to_string())?;
    let packed = encoder.finish().map_err(|error| error.to_string())?;
    let parts: Vec<Vec<u8>> = packed.chunks(PART_BYTES).map(<[u8]>::to_vec).collect();
    if parts.len() > PARTS_MAX {
        let limit = PART_BYTES * PARTS_MAX / 1_000_000;
        return Err(format!(
            "they take more than {limit} MB compressed; split the system into two plans"
        ));
    }
    Ok(parts)
}

fn unpack(packed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    GzDecoder::new(packed)
        .take(UNPACKED_MAX)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
