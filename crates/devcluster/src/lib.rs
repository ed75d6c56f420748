//! A real local Kubernetes control plane for the demo and the tests.
