# The images, the chart and the end-to-end tests. Included by the Makefile.

DOCKER ?= docker
IMAGE_PREFIX ?= modelstream
IMAGE_TAG ?= $(shell sed -n 's/^appVersion: //p' helm/modelstream/Chart.yaml)
TENSORFLOW ?= tensorflow-cpu
BASE_IMAGE ?= debian:bookworm-slim
BUILD = $(DOCKER) build --quiet --build-arg BASE_IMAGE='$(BASE_IMAGE)' --build-arg TENSORFLOW='$(TENSORFLOW)' \
  --build-arg MAVEN_BASE='$(MODELSTREAM_MAVEN_BASE)'

.PHONY: images chart e2e e2e-state e2e-nodes

images:  ## build IMAGE_PREFIX/operator and IMAGE_PREFIX/runtime (TENSORFLOW='tensorflow[and-cuda]' for GPUs)
	@$(BUILD) --target operator --tag $(IMAGE_PREFIX)/operator:$(IMAGE_TAG) .
	@$(BUILD) --target runtime --tag $(IMAGE_PREFIX)/runtime:$(IMAGE_TAG) .
	@$(DOCKER) images --format '{{.Repository}}:{{.Tag}} {{.Size}}' '$(IMAGE_PREFIX)/*:$(IMAGE_TAG)'

chart: crds  ## write the CustomResourceDefinition, into the chart too, and lint the chart
	@helm lint --strict --kube-version 1.34.0 helm/modelstream

e2e: $(DEV)  ## build the images and try everything on a cluster (KUBECONFIG, or kind makes one)
	@$(BIN)/python -m pytest tests/e2e --ignore tests/e2e/test_6_state.py --ignore tests/e2e/test_7_nodes.py -p no:cacheprovider $(PYTEST_ARGS)

e2e-state: $(DEV)  ## what a stream with state keeps through lost pods, edits and a killed operator, on a cluster
	@$(BIN)/python -m pytest tests/e2e/test_6_state.py -p no:cacheprovider $(PYTEST_ARGS)

e2e-nodes: $(DEV)  ## what a stream keeps when nodes are drained, full or late, on a kind cluster of two nodes of its own
	@$(BIN)/python -m pytest tests/e2e/test_7_nodes.py -p no:cacheprovider $(PYTEST_ARGS)
