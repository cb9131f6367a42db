//! `madang`.

/// What very many connections hold is small and comes and goes on all threads: it keeps that denser than the system's does, and
/// hands it out faster (docs/benchmarks.md, idle connections and arrivals).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    madang::main()
}
