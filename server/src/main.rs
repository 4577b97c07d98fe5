//! `carryover`: the server's program. What it does is in the library; here it is only started.

use std::process::ExitCode;

/// A request allocates some hundred times, on threads that free what others made: the system's allocator spent a sixth of our time on that.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    server::commands::run()
}
