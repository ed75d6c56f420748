//! What earlier releases of a plan have built: it stands in their status.

use kube::ResourceExt;

use crate::build::Built;
use crate::manifest::Bundle;
use crate::spec::ServiceName;
use crate::spec::crd::Release;

/// The frozen input of a release with the images that it gave its pods.
pub(in crate::cluster) fn as_released(bundle: &Bundle, release: &Release) -> Bundle {
    let builds = release.status.iter().flat_map(|status| &status.builds);
    let images = builds.filter_map(|build| {
        let service = ServiceName::parse(&build.service).ok()?;
        Some((service, build.image.clone()?))
    });
    bundle.with_images(&images.collect())
}

/// What releases before one have built, the newest last.
pub(in crate::cluster) fn built(release: &Release, all: &[Release]) -> Vec<Built> {
    let mut earlier: Vec<&Release> = all
        .iter()
        .filter(|other| other.spec.plan == release.spec.plan)
        .filter(|other| other.spec.number != release.spec.number)
        .collect();
    earlier.sort_by_key(|other| other.spec.number);
    let of_one = |release: &Release| {
        let name = release.name_any();
        let builds = release.status.iter().flat_map(|status| &status.builds);
        let built = builds.filter_map(|build| {
            Some(Built {
                input: build.input.clone(),
                image: build.image.clone()?,
                release: name.clone(),
            })
        });
        built.collect::<Vec<Built>>()
    };
    earlier.into_iter().flat_map(of_one).collect()
}
