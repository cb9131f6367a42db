//! `madang`.

fn main() -> std::process::ExitCode {
    madang::main()
}
