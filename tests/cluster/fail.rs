//! Releases that go wrong: what they say, and what they leave alone.

use crate::files::pair;
use crate::support::{Space, condition, state_of};

#[tokio::test]
async fn an_image_that_cannot_be_pulled_fails_the_release_and_later_waves_are_untouched() {
    let space = Space::new("no-image").await;
    space.run(&pair(1)).await.with_code(0);
    let client = space.deployment("client").await;
    let broken = pair(2).steer("server", "failure", "ImagePullBackOff");
    let done = space.run(&broken).await.with_code(5);

    let status = space.status("pair-2").await;
    assert_eq!(status.outcome.as_deref(), Some("Failed"));
    let (ready, message) = condition(&status, "Ready");
    assert_eq!(ready, "False");
    assert_eq!(condition(&status, "Stalled").0, "True");
    let pods = space.pod_names("server").await;
    let pod = pods.iter().find(|pod| message.contains(*pod));
    assert!(pod.is_some(), "{message} names none of {pods:?}");
    for part in ["server", "container main", "ImagePullBackOff"] {
        assert!(message.contains(part), "{message}");
        assert!(done.stderr.contains(part), "{}", done.stderr);
    }
    assert_eq!(state_of(&status, "client"), "Waiting");
    let untouched = space.deployment("client").await;
    assert_eq!(untouched.metadata.generation, client.metadata.generation);
    assert_eq!(untouched.spec.template, client.spec.template);
}
