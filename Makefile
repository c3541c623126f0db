# The commands of daily work. `make` alone lists them.

.DEFAULT_GOAL := help
.PHONY: help run test test-scylla simulation failover chaos scale bench

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The development profile: it is built sooner than the release, and its hashes are optimised all the same.
run: ## Build and serve on http://localhost:11080, data in ./doorward-data
	@.ci/tools
	@cargo build --locked --bin doorward
	@exec target/debug/doorward serve

test: ## Install what the tests need and run all of them
	@.ci/test

# For a store that is not ours to stop: the contract, and every suite on three doorward nodes.
test-scylla: ## Run the contract and the system tests against a store: CQL=host:port[,host:port…]
	@test -n "$(CQL)" || { echo "usage: make test-scylla CQL=host:port[,host:port...]" >&2; exit 2; }
	@DOORWARD_TEST_CQL="$(CQL)" .ci/test store cluster

# Optimised, in a folder of its own; SIM_SEEDS says how many.
simulation: ## Try twenty thousand histories each of the rules of memory and of the decisions
	@.ci/tools
	@CARGO_TARGET_DIR=target/simulation CARGO_PROFILE_DEV_OPT_LEVEL=1 SIM_SEEDS="$${SIM_SEEDS:-20000}" \
		cargo test --locked -p cluster -p actors --test simulation --test decisions -- --nocapture

failover: ## Kill nodes of a cluster twenty times and measure how long their users wait
	@.ci/test failover

# Presentations until a million are answered, or two hours are over; the report goes to target/chaos.json.
chaos: ## Let everything go wrong for a million presentations and check what clients saw
	@CQL_JIT=full CQL_HEAP=640m DOORWARD_CHAOS_RELEASE=1 DOORWARD_CHAOS_ATTEMPTS=1000000 DOORWARD_CHAOS_PEOPLE=32 \
		DOORWARD_CHAOS_CROWD=150 DOORWARD_CHAOS_SECONDS="$${DOORWARD_CHAOS_SECONDS:-7200}" .ci/test chaos

# Twenty minutes beside the build, on a machine that does nothing else; the report goes to target/scale.json.
scale: ## Measure what a request costs in clusters of one, three and five nodes
	@CQL_JIT=full CQL_HEAP=640m .ci/test scale

bench: ## Measure the account decision and the commit path
	@.ci/tools
	@cargo bench --locked --workspace
