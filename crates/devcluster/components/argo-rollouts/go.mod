module tidegate.dev/devcluster/argo-rollouts

go 1.26

tool github.com/argoproj/argo-rollouts/cmd/rollouts-controller

require github.com/argoproj/argo-rollouts v1.10.1

replace (
