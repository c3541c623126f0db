//! The binary `doorward`.

use std::process::ExitCode;

/// Gives memory back after a burst, as `.cargo/config.toml` tells it to at build time.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    node::command::run()
}
