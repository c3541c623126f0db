# The commands of daily work. `make` alone lists them.

.DEFAULT_GOAL := help
.PHONY: help run test bench

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The development profile: it is built sooner than the release, and its hashes are optimised all the same.
run: ## Build and serve on http://localhost:11080, data in ./doorward-data
	@.ci/tools
	@cargo build --locked --bin doorward
	@exec target/debug/doorward serve

test: ## Install what the tests need and run all of them
	@.ci/test

bench: ## Measure the account decision and the commit path
	@.ci/tools
	@cargo bench --locked --workspace
