//! `tidegate discover`: a proposed graph from what other tools know, or what differs from a declared one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::assemble::{tell_problems, the_graph};
use super::failure::{Exit, Failure};
use super::input::read_all;
use super::output::{Format, Output};
use crate::discover::{
    Discovery, Edge, Format as Known, Found, Source, backstage, compare, descriptors, jaeger,
    manifests, merge, prometheus, propose, recognise, tell_comparison, zipkin,
};
use crate::manifest::Text;
use crate::spec::crd::{API_VERSION, WorkloadRef};
use crate::spec::{Code, ContractName, Problem, ServiceName, Version, plain};

/// Propose a ServiceGraph from traces, metrics, catalogs and manifests, or compare them with one
///
/// Without an option before it, the format of a file is recognised from its content. The proposal is YAML on stdout, each edge
/// with a comment that says who saw it; versions that no source states are left out. `-o json` gives the edges with
/// their sources and confidence instead.
#[derive(Debug, clap::Args)]
pub(super) struct DiscoverArgs {
    /// Files of any known format, folders of manifests or catalogs, or `-` for stdin
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What Jaeger answers to `/api/dependencies?endTs=…&lookback=…`
    #[arg(long, value_name = "FILE")]
    jaeger: Vec<PathBuf>,
    /// What Zipkin answers to `/api/v2/dependencies?endTs=…&lookback=…`
    #[arg(long, value_name = "FILE")]
    zipkin: Vec<PathBuf>,
    /// What Prometheus answers to `/api/v1/query` for `traces_service_graph_request_total` or `istio_requests_total`
    #[arg(long, value_name = "FILE")]
    prometheus: Vec<PathBuf>,
    /// Backstage catalog files, or folders of them
    #[arg(long, value_name = "PATH")]
    backstage: Vec<PathBuf>,
    /// Kubernetes manifests: addresses in the environment of pods are taken as a guess
    #[arg(long, value_name = "PATH")]
    manifests: Vec<PathBuf>,
    /// A gRPC descriptor set and the service that it is of; its methods become versions
    #[arg(long, value_name = "NAME=FILE", value_parser = pair)]
    descriptors: Vec<(String, String)>,
    /// The name in the graph for a name in a source
    #[arg(long, value_name = "SEEN=NAME", value_parser = rename)]
    rename: Vec<(String, ServiceName)>,
    /// The name of the proposed graph
    #[arg(long, default_value = "discovered", value_parser = service_name, conflicts_with = "compare")]
    name: ServiceName,
    /// Instead of proposing, say what differs from this graph; exit with 1 if something does
    #[arg(long, value_name = "GRAPH")]
    compare: Option<PathBuf>,
    /// The form of what goes to stdout; `text` and `yaml` are the proposed graph
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        Some(_) | None => Err("write two names with `=` between".to_owned()),
    }
}

fn rename(text: &str) -> Result<(String, ServiceName), String> {
    let (seen, name) = pair(text)?;
    Ok((seen, service_name(&name)?))
}

fn service_name(text: &str) -> Result<ServiceName, String> {
    ServiceName::parse(text).map_err(|error| format!("it {error}"))
}

/// Everything that was read.
#[derive(Default)]
struct Read {
    texts: Vec<Text>,
    found: Vec<Found>,
    problems: Vec<Problem>,
}

impl Read {
    fn take(&mut self, (found, problems): (Found, Vec<Problem>)) {
        self.found.push(found);
        self.problems.extend(problems);
    }

    /// Reads files one by one in a format.
    fn each(
        &mut self,
        paths: &[PathBuf],
        import: impl Fn(&Text) -> (Found, Vec<Problem>),
    ) -> Result<(), Failure> {
        for text in read_all(paths)? {
            self.take(import(&text));
            self.texts.push(text);
        }
        Ok(())
    }

    /// Reads files together in a format.
    fn together(&mut self, texts: Vec<Text>, import: impl Fn(&[Text]) -> (Found, Vec<Problem>)) {
        if !texts.is_empty() {
            self.take(import(&texts));
            self.texts.extend(texts);
        }
    }
}

/// Runs the command.
pub(super) fn discover(output: &Output, args: &DiscoverArgs) -> Result<(), Failure> {
    let Read {
        texts,
        found,
        mut problems,
    } = read(args)?;
    let renames: BTreeMap<String, ServiceName> = args.rename.iter().cloned().collect();
    let (discovery, more) = merge(found, &renames);
    problems.extend(more);
    tell_problems(output, &problems, &texts)?;
    if let Some(graph) = &args.compare {
        return tell_differences(output, args.output, &discovery, graph);
    }
    let proposal = match propose(&discovery, &args.name) {
        Ok(proposal) => proposal,
        Err(problems) => return tell_problems(output, &problems, &texts),
    };
    match args.output {
        Format::Text | Format::Yaml => output.data(proposal.trim_end()),
        Format::Json => output.document(Format::Json, &document(&discovery), String::new),
    }
}

fn read(args: &DiscoverArgs) -> Result<Read, Failure> {
    let DiscoverArgs {
        paths,
        jaeger: jaeger_files,
        zipkin: zipkin_files,
        prometheus: prometheus_files,
        backstage: backstage_paths,
        manifests: manifest_paths,
        descriptors: descriptor_files,
        rename: _,
        name: _,
        compare: graph,
        output: _,
    } = args;
    let lists = [
        paths,
        jaeger_files,
        zipkin_files,
        prometheus_files,
        backstage_paths,
        manifest_paths,
    ];
    let given: Vec<&Path> = lists
        .into_iter()
        .flatten()
        .map(PathBuf::as_path)
        .chain(descriptor_files.iter().map(|(_, file)| Path::new(file)))
        .collect();
    if given.is_empty() {
        return Err(
            Failure::new(Exit::Usage, "nothing to discover a graph from").hint(
                "`tidegate discover deploy/ dependencies.json`; `tidegate discover --help` says what is read",
            ),
        );
    }
    let all = given.iter().copied().chain(graph.as_deref());
    if all.filter(|path| *path == Path::new("-")).count() > 1 {
        return Err(Failure::new(Exit::Usage, "stdin (`-`) can be read once"));
    }
    let mut read = Read::default();
    read.each(jaeger_files, jaeger)?;
    read.each(zipkin_files, zipkin)?;
    read.each(prometheus_files, prometheus)?;
    for (service, file) in descriptor_files {
        read.each(&[PathBuf::from(file)], |text| descriptors(service, text))?;
    }
    let mut catalogs = read_all(backstage_paths)?;
    let mut objects = read_all(manifest_paths)?;
    for path in paths {
        recognised(path, &mut read, &mut catalogs, &mut objects)?;
    }
    read.together(catalogs, backstage);
    read.together(objects, manifests);
    Ok(read)
}

/// Reads what stands at a path, each file in the format that its content tells.
fn recognised(
    path: &PathBuf,
    read: &mut Read,
    catalogs: &mut Vec<Text>,
    objects: &mut Vec<Text>,
) -> Result<(), Failure> {
    for text in read_all(std::slice::from_ref(path))? {
        let formats = match recognise(&text) {
            Ok(formats) => formats,
            // A folder may hold more than what is looked for; a file was named on purpose.
            Err(problems) => {
                let in_folder = path.is_dir();
                read.problems.extend(problems.into_iter().map(|problem| {
                    if in_folder && problem.code == Code::NotRecognised {
                        problem.warning()
                    } else {
                        problem
                    }
                }));
                read.texts.push(text);
                continue;
            }
        };
        for format in formats {
            match format {
                Known::Jaeger => read.take(jaeger(&text)),
                Known::Zipkin => read.take(zipkin(&text)),
                Known::Prometheus => read.take(prometheus(&text)),
                Known::Backstage => catalogs.push(text.clone()),
                Known::Manifests => objects.push(text.clone()),
                Known::Pact => {
                    let wrong = "a Pact matrix says who can talk to whom, not who does";
                    let problem = Problem::error(Code::NotSupported, "", wrong);
                    let start = crate::manifest::Spot::START.in_file(&text.file);
                    read.problems.push(problem.at(start));
                }
            }
        }
        read.texts.push(text);
    }
    Ok(())
}

fn tell_differences(
    output: &Output,
    format: Format,
    discovery: &Discovery,
    path: &PathBuf,
) -> Result<(), Failure> {
    let texts = read_all(std::slice::from_ref(path))?;
    let (manifests, mut problems) = crate::manifest::read(&texts);
    let graph = the_graph(&texts, &manifests, None, &mut problems);
    tell_problems(output, &problems, &texts)?;
    let Some((_, declared)) = graph else {
        return Err(Failure::told(Exit::Usage));
    };
    let comparison = compare(discovery, &plain(&declared.value.spec), |path| {
        declared.place_of(path)
    });
    output.document(format, &comparison, || tell_comparison(&comparison))?;
    if comparison.is_equal() {
        Ok(())
    } else {
        Err(Failure::told(Exit::No))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'static str,
    kind: &'static str,
    sources: &'a BTreeSet<Source>,
    services: Vec<DocumentService<'a>>,
    edges: Vec<DocumentEdge<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DocumentService<'a> {
    name: &'a ServiceName,
    external: bool,
    sources: &'a BTreeSet<Source>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    workloads: &'a [WorkloadRef],
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    notes: &'a BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    serves: &'a BTreeMap<ContractName, BTreeSet<Version>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DocumentEdge<'a> {
    caller: &'a ServiceName,
    callee: &'a ServiceName,
    #[serde(flatten)]
    edge: &'a Edge,
}

fn document(discovery: &Discovery) -> Document<'_> {
    let services = discovery
        .members
        .iter()
        .map(|(name, member)| DocumentService {
            name,
            external: !member.is_service,
            sources: &member.sources,
            workloads: &member.workloads,
            notes: &member.notes,
            serves: &member.serves,
        });
    let edges = discovery
        .edges
        .iter()
        .map(|((caller, callee), edge)| DocumentEdge {
            caller,
            callee,
            edge,
        });
    Document {
        api_version: API_VERSION,
        kind: "Discovery",
        sources: &discovery.sources,
        services: services.collect(),
        edges: edges.collect(),
    }
}
